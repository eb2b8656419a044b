//! Reads what verifies payloads: gating configs, the jobs of their repository, the release controller's files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Audited;
use crate::base::{Release as Number, RepoName};
use crate::config::Releases;
use crate::derive::Release;
use crate::facts::release_controller as controller;
use crate::run::ground::Ground;
use crate::run::{Run, RunError, releases, render};
use crate::source::{EntryKind, Snapshot};
use crate::targets::payload_jobs::gates::{self, Gates};
use crate::targets::payload_jobs::verification::{NextMajor, Verification};
use crate::targets::{Ask, Options, Reads, Target, Tree, image_mirroring, payload_jobs, prow_jobs, release_controller};

/// Reads it, once for all releases; `None` where there is no source, or none of it is there.
pub(super) fn verification(
    run: &Run,
    audited: &[Audited<'_>],
    ci: Option<&Arc<dyn Snapshot>>,
) -> Result<Option<Verification>, RunError> {
    let (Some(last), Some(plain)) = (audited.last(), ci) else {
        return Ok(None);
    };
    let ground = render::ci_config(run, ci)?.unwrap_or_else(|| Ground::to_look_at(Arc::clone(plain)));
    let looked_after = looked_after(run, audited.iter().map(|one| one.release.metadata.release));
    let mut found = read(run, &last.release, &ground, looked_after);
    if let Some(found) = &mut found {
        found.next_major = next_major(run, &last.release, &found.looked_after)?;
    }
    Ok(found)
}

/// The releases that somebody looks after: those of the configuration, or where it finds them itself those of this run.
pub(in crate::run) fn looked_after(run: &Run, found: impl Iterator<Item = Number>) -> BTreeSet<Number> {
    match &run.config.releases {
        Releases::List(list) => list.iter().copied().collect(),
        Releases::Auto => found.collect(),
    }
}

/// The major after those of the releases that are looked after, where rules know of it and build data has no branch of it.
fn next_major(
    run: &Run,
    release: &Release<'_>,
    looked_after: &BTreeSet<Number>,
) -> Result<Option<NextMajor>, RunError> {
    let Some(newest) = looked_after.last() else {
        return Ok(None);
    };
    let first = Number::new(newest.major + 1, 0);
    // What fails at a rule for a release that nobody looks after yet is told once it is there.
    let mut from = gates::upgrades_from(release, first).unwrap_or_default();
    from.retain(|one| looked_after.contains(one));
    if from.is_empty() {
        return Ok(None);
    }
    let there = releases::in_build_data(&run.config, &run.sources, Some((first, first)))?;
    let is_missing = there.is_some_and(|there| there.iter().all(|release| release.major < first.major));
    let rule = gates::rule_of_upgrades(release, first);
    Ok(is_missing.then_some(NextMajor { first, from, rule }))
}

/// Reads it from an opened repository, for the newest of some releases; `None` where there are no gating configs.
pub(in crate::run) fn read(
    run: &Run,
    newest: &Release<'_>,
    ground: &Ground,
    looked_after: BTreeSet<Number>,
) -> Option<Verification> {
    let gates = Gates::of(newest).ok()??;
    let of = |target: &'static Target| {
        let ask = Ask {
            release: newest,
            options: &Options::defaults(target.options),
            policy: &run.policy,
            earlier: &BTreeMap::new(),
            memo: crate::targets::door::Memo::default(),
        };
        let reads = (target.reads)(&ask, &ground.name);
        let read = reads.map(|reads| ground.read(run, &reads));
        read.map(|read| (read.files, read.unreadable)).unwrap_or_default()
    };
    let ((files, mut unreadable), (controllers, more)) = (of(&payload_jobs::TARGET), of(&release_controller::TARGET));
    let (configs, others): (BTreeMap<_, _>, BTreeMap<_, _>) = files
        .into_iter()
        .partition(|(path, _)| gates.taken_apart(path).is_some());
    if configs.is_empty() && !unreadable.keys().any(|path| gates.taken_apart(path).is_some()) {
        return None;
    }
    unreadable.extend(more);
    let of_config = |(path, text): (&String, &Arc<[u8]>)| {
        let source = prow_jobs::Source::new(path, Some(Arc::clone(text)))?;
        Some((path.clone(), prow_jobs::periodics_of(newest, &source)))
    };
    let of_configs: BTreeMap<String, Vec<String>> = configs.iter().filter_map(of_config).collect();
    let written = others
        .iter()
        .flat_map(|(path, text)| prow_jobs::periodics_in(path, text));
    let written: BTreeSet<String> = written.collect();
    let jobs = of_configs.values().flatten().chain(&written).cloned().collect();
    let mut all = Verification {
        origin: ground.snapshot.origin().clone(),
        configs,
        unreadable,
        controllers,
        jobs,
        written,
        of_configs,
        elsewhere: BTreeSet::new(),
        mirrored: mirrored(newest, ground).unwrap_or_default(),
        looked_after,
        next_major: None,
    };
    look_elsewhere(run, ground, &gates, &mut all);
    Some(all)
}

/// The streams that the configuration of image mirroring names, as `namespace/name`; `None` where it is not there.
fn mirrored(release: &Release<'_>, ground: &Ground) -> Option<BTreeSet<String>> {
    let spot = image_mirroring::place(release).ok()??;
    let blob = ground.snapshot.read(&spot.config).ok()??;
    let (namespace, streams) = image_mirroring::streams_in(&blob.bytes)?;
    Some(
        streams
            .into_iter()
            .map(|stream| format!("{namespace}/{stream}"))
            .collect(),
    )
}

/// Looks for jobs that the files name and that are not known yet: in all job files of the gating configs' repository, where
/// people write some by hand, and in those of the repository that a name says.
fn look_elsewhere(run: &Run, ground: &Ground, gates: &Gates, all: &mut Verification) {
    let named = all.controllers.values().filter_map(|text| controller::read(text).ok());
    let named: BTreeSet<String> = named
        .flat_map(|file| file.entries)
        .filter_map(|entry| Some(entry.job?.0))
        .collect();
    if named.is_subset(&all.jobs) {
        return;
    }
    periodics(run, ground, &gates.repo, all);
    let start = start(gates, &all.of_configs);
    let orgs = folders(&*ground.snapshot, prow_jobs::names::ROOT);
    for name in named
        .into_iter()
        .filter(|name| !all.jobs.contains(name))
        .collect::<Vec<_>>()
    {
        let Some(rest) = start.as_deref().and_then(|start| name.strip_prefix(start)) else {
            continue;
        };
        if rest.starts_with(&format!("{}-{}-", gates.repo.org, gates.repo.repo)) {
            continue;
        }
        let mut repos = Vec::new();
        for org in orgs.iter().filter(|org| rest.starts_with(&format!("{org}-"))) {
            let own = folders(&*ground.snapshot, &format!("{}/{org}", prow_jobs::names::ROOT)).into_iter();
            let own = own.filter(|repo| rest.starts_with(&format!("{org}-{repo}-")));
            repos.extend(own.map(|repo| RepoName { org: org.clone(), repo }));
        }
        match repos.is_empty() {
            true => drop(all.elsewhere.insert(name)),
            false => repos.iter().for_each(|repo| periodics(run, ground, repo, all)),
        }
    }
}

/// What the names of jobs start with before their repository, as the rules make them.
fn start(gates: &Gates, of_configs: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let name = of_configs.values().flatten().next()?;
    let own = format!("{}-{}-", gates.repo.org, gates.repo.repo);
    let at = name.find(&own)?;
    name.get(..at).map(str::to_owned)
}

/// Adds the jobs that run by the clock of all job files of a repository.
fn periodics(run: &Run, ground: &Ground, repo: &RepoName, all: &mut Verification) {
    let folder = format!("{}/{}/{}", prow_jobs::names::ROOT, repo.org, repo.repo);
    let reads = Reads {
        trees: vec![Tree::of(folder, 1)],
        ..Reads::default()
    };
    let read = ground.read(run, &reads);
    let files = read.files.iter();
    let found: Vec<String> = files
        .flat_map(|(path, text)| prow_jobs::periodics_in(path, text))
        .collect();
    all.written.extend(found.iter().cloned());
    all.jobs.extend(found);
    all.unreadable.extend(read.unreadable);
}

fn folders(snapshot: &dyn Snapshot, folder: &str) -> Vec<String> {
    let entries = snapshot.list(folder).ok().flatten().unwrap_or_default().into_iter();
    entries
        .filter(|entry| entry.kind == EntryKind::Dir)
        .map(|entry| entry.name)
        .collect()
}
