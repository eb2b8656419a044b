//! Reads the CI configs that checks look at, and which of the releases that they promote to are closed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::Audited;
use crate::audit::context::{CiConfigs, Closed};
use crate::base::{Place, Release};
use crate::derive;
use crate::derive::outline::{base_scope, payload_of};
use crate::facts::ci_config;
use crate::facts::group::Group;
use crate::rules::{RuleSet, Subject};
use crate::run::ground::Ground;
use crate::run::heads::Head;
use crate::run::{Run, RunError, render};
use crate::source::Snapshot;
use crate::targets::image_mirroring;
use crate::yaml;

/// Where the branches of build data stand that were looked at; `None` where that does not tell what was read.
type Heads = Option<Vec<Head>>;

/// Reads the configs, once for all releases; `None` without a source. Where build data of other releases stands that was looked
/// at comes with it.
pub(super) fn configs(
    run: &Run,
    audited: &[Audited<'_>],
    ci: Option<&Arc<dyn Snapshot>>,
) -> Result<(Option<CiConfigs>, Heads), RunError> {
    let (Some(last), Some(plain)) = (audited.last(), ci) else {
        return Ok((None, Some(Vec::new())));
    };
    // What the local forge has merged is there, even where the source is a copy.
    let ground = render::ci_config(run, ci)?.unwrap_or_else(|| Ground::to_look_at(Arc::clone(plain)));
    let variant = render::promoting_configs(run, &last.release, &ground);
    let ci: &dyn Snapshot = &*ground.snapshot;
    let (streams, closed, heads) = of_releases(run, audited, &variant)?;
    let all = || audited.iter().flat_map(|one| &one.release.configs);
    let tests = all().flat_map(|(_, config)| config.tests.value.as_array().into_iter().flatten());
    let built = all().filter(|(_, config)| !(config.images.is_empty() && config.held.is_empty()));
    let configs = CiConfigs {
        origin: ci.origin().clone(),
        plain: plain_beside(ci, &variant),
        built: built
            .map(|(repo, config)| (repo.clone(), config.branch.clone()))
            .collect(),
        tests: tests
            .filter_map(|test| test["as"].as_str().map(str::to_owned))
            .collect(),
        mirroring: mirroring(run, &last.release, ci),
        streams,
        closed,
        variant,
    };
    Ok((Some(configs), heads))
}

/// The configuration of image mirroring, where no target looks after it.
fn mirroring(run: &Run, release: &derive::Release<'_>, ci: &dyn Snapshot) -> Option<(Place, Arc<[u8]>)> {
    let mut targets = run.config.targets.iter();
    if targets.any(|chosen| chosen.target == &image_mirroring::TARGET) {
        return None;
    }
    let path = image_mirroring::place(release).ok()??.config;
    let blob = ci.read(&path).ok()??;
    let place = Place {
        repo: ci.origin().name.clone(),
        commit: ci.origin().commit.clone(),
        file: path,
        line: None,
    };
    Some((place, blob.bytes))
}

/// Paths of configs without a variant in the folders of others.
fn plain_beside(ci: &dyn Snapshot, variant: &BTreeMap<String, Arc<[u8]>>) -> BTreeSet<String> {
    let folders: BTreeSet<&str> = variant
        .keys()
        .filter_map(|path| Some(path.rsplit_once('/')?.0))
        .collect();
    let in_folder = |folder: &str| {
        let entries = ci.list(folder).ok().flatten().unwrap_or_default();
        let plain = entries.into_iter().filter(|entry| !entry.name.contains("__"));
        plain
            .map(|entry| format!("{folder}/{}", entry.name))
            .collect::<Vec<_>>()
    };
    folders.into_iter().flat_map(in_folder).collect()
}

type Stream = (String, String);
/// Streams of releases that are closed.
type ClosedStreams = BTreeMap<Stream, Closed>;

/// The image streams of the releases that configs promote to, and those of them that are closed.
fn of_releases(
    run: &Run,
    audited: &[Audited<'_>],
    configs: &BTreeMap<String, Arc<[u8]>>,
) -> Result<(BTreeSet<Stream>, ClosedStreams, Heads), RunError> {
    let rules = run.rules()?;
    let (mut streams, mut closed, mut heads) = (BTreeSet::new(), BTreeMap::new(), Some(Vec::new()));
    for release in promoted_to(configs) {
        let known = audited.iter().find(|one| one.release.metadata.release == release);
        let group = match known {
            Some(one) => one.release.metadata.group.clone(),
            None => {
                let (group, head) = group(run, release);
                heads = heads.zip(head).map(|(all, head)| [all, vec![head]].concat());
                group
            }
        };
        let Ok(payload) = payload_of(rules, release, &group) else {
            continue;
        };
        let (stream, because) = (
            (payload.namespace.value, payload.name.value),
            why(rules, release, &group),
        );
        streams.insert(stream.clone());
        if !because.is_empty() {
            closed.insert(stream, Closed { release, because });
        }
    }
    Ok((streams, closed, heads))
}

/// The numbers of releases at the ends of the names of streams that configs promote to.
fn promoted_to(configs: &BTreeMap<String, Arc<[u8]>>) -> BTreeSet<Release> {
    let promotions = configs
        .values()
        .flat_map(|text| ci_config::promotions(text).unwrap_or_default());
    promotions
        .filter_map(|promotion| promotion.name.rsplit('-').next()?.parse().ok())
        .collect()
}

/// What build data says of a release that is not audited, and where it stands; nothing where it cannot be read.
fn group(run: &Run, release: Release) -> (Group, Option<Head>) {
    let build_data = &run.config.sources.build_data;
    let location = build_data.repo(release);
    let name = location
        .name()
        .map_or_else(|| location.to_string(), |name| name.to_string());
    let opened = run.sources.open(&name, &location, &build_data.branch(release));
    let opened = opened.ok();
    let commit = match &opened {
        Some(snapshot) => snapshot.origin().commit.clone(),
        // There is none yet, which may change.
        None => Some(String::new()),
    };
    let head = location.name().zip(commit).map(|(repo, commit)| Head {
        release,
        repo,
        branch: build_data.branch(release),
        commit,
    });
    let read = opened.and_then(|snapshot| snapshot.read("group.yml").ok().flatten());
    let group = read.and_then(|blob| yaml::parse(&blob.bytes).ok());
    let group = group.map(|root| Group::read(&root)).unwrap_or_default();
    // One plain directory stands for any release.
    let own = |name: &str| group.vars.get(name).and_then(|value| value.parse().ok());
    match (own("MAJOR"), own("MINOR")) {
        (Some(major), Some(minor)) if Release::new(major, minor) == release => (group, head),
        _ => (Group::default(), head),
    }
}

/// Why a release is closed, as the rules have it.
fn why(rules: &RuleSet, release: Release, group: &Group) -> String {
    let scope = base_scope(release, group, None);
    let decision = rules.decide(Subject::Payload, "closed", release, &scope);
    let why = decision.value.as_ref().and_then(Json::as_str);
    why.unwrap_or_default().to_owned()
}
