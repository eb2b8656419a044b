//! Which releases a run is for.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::{Run, RunError, branches};
use crate::base::{Release, RepoName};
use crate::config::{Config, Releases};
use crate::derive::outline::payload_of;
use crate::facts::ci_config::{self, Promotion};
use crate::facts::group::Group;
use crate::source::{Snapshot, Sources};

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
        Ok(self.promoted_to(known, ci)?.into_iter().collect())
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
