//! Whose pull requests are looked at, and which releases each of their branches is built into.

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::pattern::matches;
use crate::base::{Release, RepoName};
use crate::config::{CiConfig, Pulls};
use crate::derive::Standing;
use crate::derive::payload::Demand;
use crate::facts::ci_config;
use crate::run::branches::Depth;
use crate::run::{Run, RunError};
use crate::targets::prow_jobs;

/// What a repository is to releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RepoRole {
    /// Images are built from it: the releases by branch.
    Component(BTreeMap<String, BTreeSet<Release>>),
    /// Metadata or CI configs of all of them.
    Shared,
}

/// The repositories whose pull requests are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Watched {
    all: BTreeMap<RepoName, RepoRole>,
    /// Whether branches are those that CI configs tell, so that a pull request for another one concerns nobody.
    is_certain: bool,
    /// All components of the releases, whether their pull requests are looked at or not.
    components: BTreeSet<String>,
}

impl Watched {
    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &RepoName> {
        self.all.keys()
    }

    /// Whether images are built from a repository.
    pub(super) fn is_component(&self, repo: &RepoName) -> bool {
        matches!(self.all.get(repo), Some(RepoRole::Component(_)))
    }

    /// Whether a file of what all releases share may matter: one of another component's CI configs and jobs does not.
    pub(super) fn may_matter(&self, file: &str) -> bool {
        let Some(rest) = [ci_config::ROOT, prow_jobs::names::ROOT]
            .into_iter()
            .find_map(|folder| file.strip_prefix(folder))
        else {
            return true;
        };
        let mut parts = rest.trim_start_matches('/').split('/');
        let (Some(org), Some(repo)) = (parts.next(), parts.next()) else {
            return true;
        };
        self.components.contains(&format!("{org}/{repo}"))
    }

    /// The releases that a pull request for a branch may concern; `None`: it concerns none.
    pub(super) fn releases(&self, repo: &RepoName, branch: &str, all: &[Release]) -> Option<BTreeSet<Release>> {
        match self.all.get(repo)? {
            RepoRole::Shared => Some(all.iter().copied().collect()),
            RepoRole::Component(branches) => match branches.get(branch) {
                Some(releases) => Some(releases.clone()),
                None if self.is_certain => None,
                None => Some(branches.values().flatten().copied().collect()),
            },
        }
    }
}

impl Run {
    /// The repositories whose pull requests are told: components of the releases, build data and CI configs, as far as a
    /// pattern names them.
    pub(super) fn watched(&self, pulls: &Pulls, releases: &[Release]) -> Result<Watched, RunError> {
        let mut watched = Watched::default();
        let ci = self.ci_config()?;
        watched.is_certain = ci.is_some();
        for release in releases {
            watched.all.extend(
                self.config
                    .sources
                    .build_data
                    .repo(*release)
                    .name()
                    .map(|name| (name, RepoRole::Shared)),
            );
            // A release that cannot be read is told of where it is derived.
            let Ok(metadata) = self.metadata(*release) else {
                continue;
            };
            let Ok(outline) = self.outline(&metadata, ci.as_deref(), &Demand::default(), Depth::All) else {
                continue;
            };
            for image in outline.images.values() {
                let Some(repo) = &image.repository.value else { continue };
                if matches!(image.standing, Standing::Dropped(_)) {
                    continue;
                }
                let kind = watched
                    .all
                    .entry(repo.clone())
                    .or_insert_with(|| RepoRole::Component(BTreeMap::new()));
                if let RepoRole::Component(branches) = kind {
                    branches.entry(image.branch.clone()).or_default().insert(*release);
                }
            }
        }
        watched.components = watched.all.keys().map(RepoName::to_string).collect();
        let ci = self.config.sources.ci_config.as_ref().and_then(CiConfig::name);
        watched.all.extend(ci.map(|name| (name, RepoRole::Shared)));
        let is_named = |name: &RepoName| {
            let name = name.to_string();
            pulls.repositories.iter().any(|pattern| matches(pattern, &name))
        };
        watched.all.retain(|name, _| is_named(name));
        Ok(watched)
    }
}
