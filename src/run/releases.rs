//! Which releases a run is for.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use rayon::prelude::*;

use super::{Run, RunError, branches};
use crate::base::{Release, RepoName};
use crate::config::{Config, Releases};
use crate::derive::outline::payload_of;
use crate::facts::ci_config::{self, Promotion};
use crate::facts::group::Group;
use crate::source::{Snapshot, Sources};
use crate::targets::release_controller;

/// The releases that build data has a branch of; `None` where it is no repository whose branches can be listed. Where each
/// release has a repository of its own, those within `bounds` are looked for.
///
/// # Errors
/// Build data cannot be read.
pub fn in_build_data(
    config: &Config,
    sources: &Sources,
    bounds: Option<(Release, Release)>,
) -> Result<Option<BTreeSet<Release>>, RunError> {
    let build_data = &config.sources.build_data;
    let Some(location) = build_data.shared_repo() else {
        return Ok(Some(probe(config, sources, bounds)));
    };
    let what = || "build data (`sources.build-data`)".to_owned();
    let branches = sources
        .branches(&location)
        .map_err(|error| RunError::Source { what: what(), error })?;
    Ok(branches.map(|branches| branches.iter().filter_map(|name| build_data.release_of(name)).collect()))
}

/// Looks for the repository of each release between two; of each major one after the other, until one is missing.
fn probe(config: &Config, sources: &Sources, bounds: Option<(Release, Release)>) -> BTreeSet<Release> {
    const MOST: u32 = 100;
    let Some((from, to)) = bounds else {
        return BTreeSet::new();
    };
    let mut found = BTreeSet::new();
    let is_there = |release: Release| {
        let (location, branch) = (
            config.sources.build_data.repo(release),
            config.sources.build_data.branch(release),
        );
        sources.open(&location.to_string(), &location, &branch).is_ok()
    };
    for major in from.major..=to.major.min(from.major.saturating_add(MOST)) {
        let first = if major == from.major { from.minor } else { 0 };
        let last = if major == to.major {
            to.minor
        } else {
            first.saturating_add(MOST)
        };
        let releases = (first..=last).map(|minor| Release { major, minor });
        found.extend(releases.take_while(|release| *release == to || is_there(*release)));
    }
    found.retain(|release| *release != to || is_there(to));
    found
}

impl Run {
    /// The releases that are asked for, else those of the configuration; `auto` finds every release that build data has
    /// a branch of and that an OCP config actively promotes to.
    ///
    /// # Errors
    /// Build data cannot be read.
    pub fn releases(&self, asked: &[Release], ci: Option<&dyn Snapshot>) -> Result<Vec<Release>, RunError> {
        if !asked.is_empty() {
            return Ok(asked.iter().copied().collect::<BTreeSet<_>>().into_iter().collect());
        }
        match &self.config.releases {
            Releases::List(list) => Ok(list.clone()),
            Releases::Auto => self.auto(ci),
        }
    }

    fn auto(&self, ci: Option<&dyn Snapshot>) -> Result<Vec<Release>, RunError> {
        let build_data = &self.config.sources.build_data;
        let location = build_data.shared_repo().ok_or_else(|| {
            RunError::Config("`releases: auto` needs one repository of build data; list the releases instead".into())
        })?;
        let what = || "build data (`sources.build-data`)".to_owned();
        let branches = self
            .sources
            .branches(&location)
            .map_err(|error| RunError::Source { what: what(), error })?;
        let Some(branches) = branches else {
            return Ok(self.of_directory(&location)?.into_iter().collect());
        };
        let known: BTreeSet<Release> = branches.iter().filter_map(|name| build_data.release_of(name)).collect();
        let Some(ci) = ci else {
            return Ok(known.into_iter().collect());
        };
        let found = self.promoted_to(known, ci)?;
        let unknown = self.unknown_to_okd(&found, ci)?;
        // Where OKD has nothing at all yet, it begins with everything.
        if unknown.len() == found.len() {
            return Ok(found.into_iter().collect());
        }
        let mut passed_over = self.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
        passed_over.clone_from(&unknown);
        Ok(found.difference(&unknown).copied().collect())
    }

    /// Those of some releases that nothing of OKD's knows: no config of its variant promotes to their stream, switched on or
    /// not, and the release controller has no file of them.
    fn unknown_to_okd(&self, found: &BTreeSet<Release>, ci: &dyn Snapshot) -> Result<BTreeSet<Release>, RunError> {
        let rules = self.rules()?;
        let mut open = Vec::new();
        for release in found {
            // A release whose payload the rules cannot tell is reported when it is derived.
            let Ok(payload) = payload_of(rules, *release, &Group::default()) else {
                continue;
            };
            let paths = release_controller::paths(rules, *release, &payload.view);
            // One that cannot be read is there.
            let has_file = |path: &String| !matches!(ci.read(path), Ok(None));
            if !paths.iter().any(has_file) {
                open.push((*release, payload));
            }
        }
        for repos in repositories(ci).chunks(AT_ONCE) {
            if open.is_empty() {
                break;
            }
            let variants: BTreeSet<String> = open.iter().map(|(_, payload)| payload.variant.value.clone()).collect();
            let promotions = repos.par_iter().flat_map_iter(|repo| of_variants(ci, repo, &variants));
            let promotions: Vec<Promotion> = promotions.collect();
            open.retain(|(_, payload)| {
                let (namespace, name) = (&payload.namespace.value, &payload.name.value);
                !promotions.iter().any(|one| one.goes_to(namespace, name))
            });
        }
        Ok(open.into_iter().map(|(release, _)| release).collect())
    }

    /// A plain directory stands for any branch; which release it holds, its own variables say.
    fn of_directory(&self, location: &crate::source::Location) -> Result<Option<Release>, RunError> {
        let what = || "build data (`sources.build-data`)".to_owned();
        let name = location
            .name()
            .map_or_else(|| location.to_string(), |name| name.to_string());
        let opened = self.sources.open(&name, location, "");
        let snapshot = opened.map_err(|error| RunError::Source { what: what(), error })?;
        let group = snapshot
            .read("group.yml")
            .ok()
            .flatten()
            .and_then(|blob| crate::yaml::parse(&blob.bytes).ok());
        let number = |name: &str| group.as_ref()?.at(&["vars", name])?.text()?.parse::<u32>().ok();
        Ok(number("MAJOR")
            .zip(number("MINOR"))
            .map(|(major, minor)| Release { major, minor }))
    }

    /// Those of some releases that an OCP config actively promotes to, whatever branch it is for. A release whose payload the
    /// rules cannot tell is one of them: why they cannot is said when it is derived.
    fn promoted_to(&self, known: BTreeSet<Release>, ci: &dyn Snapshot) -> Result<BTreeSet<Release>, RunError> {
        let rules = self.rules()?;
        let (mut found, mut open) = (BTreeSet::new(), Vec::new());
        for release in known {
            match payload_of(rules, release, &Group::default()) {
                Ok(payload) => open.push((release, payload.source_namespace.value, payload.source_name.value)),
                Err(_) => {
                    found.insert(release);
                }
            }
        }
        // Most releases are found in the first repositories; all of them are read only for one that nothing promotes to.
        for repos in repositories(ci).chunks(AT_ONCE) {
            if open.is_empty() {
                break;
            }
            let promotions = repos
                .par_iter()
                .flat_map_iter(|repo| branches::promotions_of(self, ci, repo));
            let promotions: Vec<Promotion> = promotions.collect();
            open.retain(|(release, namespace, name)| {
                let here = |p: &Promotion| p.is_active(namespace, name);
                !(promotions.iter().any(here) && found.insert(*release))
            });
        }
        Ok(found)
    }
}

/// What a repository's configs of some variants promote.
fn of_variants(ci: &dyn Snapshot, repo: &RepoName, variants: &BTreeSet<String>) -> Vec<Promotion> {
    let folder = format!("{}/{}/{}", ci_config::ROOT, repo.org, repo.repo);
    let entries = ci.list(&folder).ok().flatten().unwrap_or_default().into_iter();
    let is_of = |name: &str| {
        variants
            .iter()
            .any(|variant| name.ends_with(&format!("__{variant}.yaml")))
    };
    let texts = entries
        .filter(|entry| is_of(&entry.name))
        .filter_map(|entry| ci.read(&format!("{folder}/{}", entry.name)).ok().flatten());
    texts
        .flat_map(|blob| ci_config::promotions(&blob.bytes).unwrap_or_default())
        .collect()
}

/// How many repositories' configs are read at once.
const AT_ONCE: usize = 64;

/// The repositories that have configs.
fn repositories(ci: &dyn Snapshot) -> Vec<RepoName> {
    let list = |folder: &str| ci.list(folder).ok().flatten().unwrap_or_default();
    let orgs = list(ci_config::ROOT).into_iter();
    let repos = orgs.flat_map(|org| {
        let repos = list(&format!("{}/{}", ci_config::ROOT, org.name)).into_iter();
        repos.map(move |repo| RepoName {
            org: org.name.clone(),
            repo: repo.name,
        })
    });
    repos.collect()
}
