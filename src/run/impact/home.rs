//! Which repository is changed, what it is to releases, and which of them are built from which branch.

use std::collections::{BTreeMap, BTreeSet};

use super::Bases;
use super::{Asked, ImpactError};
use crate::base::{Release, RepoName};
use crate::derive::Standing;
use crate::derive::payload::Demand;
use crate::rules::hint::near;
use crate::run::branches::Depth;
use crate::run::{Run, RunError};
use crate::source::{Location, Snapshot};

/// Must change when the same metadata and CI configs come to other branches.
const VERSION: u32 = 1;

/// The branches of repositories that images of a release are built from.
type Branches = BTreeMap<RepoName, BTreeSet<String>>;

/// What a repository is to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Component,
    BuildData,
    CiConfig,
}

/// A repository as it is opened.
pub(super) struct Home {
    pub(super) role: Role,
    /// What it is called where it is opened.
    pub(super) name: String,
    pub(super) location: Location,
}

impl Run {
    /// What the repository is, and where.
    pub(super) fn home(&self, asked: &Asked, releases: &[Release]) -> Result<Home, ImpactError> {
        let (name, sources) = (&asked.repository, &self.config.sources);
        let here = |location: &Location| {
            let path = matches!(location, Location::Path(_)) && {
                let text = location.to_string();
                // A copy of it may have a name that goes on.
                let last = text
                    .trim_end_matches('/')
                    .trim_end_matches(".git")
                    .rsplit('/')
                    .next()
                    .map(str::to_owned);
                let rest = last
                    .as_deref()
                    .and_then(|last| last.strip_prefix(name.repo.as_str()).map(str::to_owned));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.', '_']))
            };
            location.name().as_ref() == Some(name) || path
        };
        let called = |location: &Location| {
            location
                .name()
                .map_or_else(|| location.to_string(), |name| name.to_string())
        };
        let of = |role, name: String, location: Location| Home {
            role,
            name,
            location: asked.at.clone().unwrap_or(location),
        };
        let build_data = releases.first().map(|release| sources.build_data.repo(*release));
        if let Some(location) = build_data.filter(here) {
            return Ok(of(Role::BuildData, called(&location), location));
        }
        if let Some(ci) = &sources.ci_config
            && here(&ci.repo())
        {
            let name = ci.name().map_or_else(|| ci.repo().to_string(), |name| name.to_string());
            return Ok(of(Role::CiConfig, name, ci.repo()));
        }
        let known = releases
            .first()
            .and_then(|release| sources.components.repo(*release, name));
        let location = known.or_else(|| asked.at.clone());
        let location = location.ok_or_else(|| {
            ImpactError::Unknown(format!(
                "`sources.components.repo` has no place for {name}, and it is none of the other sources"
            ))
        })?;
        Ok(of(Role::Component, name.to_string(), location))
    }

    /// The branches that the change may be for, as they are opened, each with the releases that are built from it.
    pub(super) fn built_from(
        &self,
        asked: &Asked,
        home: &Home,
        releases: &[Release],
        bases: &mut Bases,
    ) -> Result<BTreeMap<String, BTreeSet<Release>>, ImpactError> {
        let mut built: BTreeMap<String, BTreeSet<Release>> = BTreeMap::new();
        let ci = self.ci_of(bases)?;
        match home.role {
            Role::CiConfig => {
                let branch = self.config.sources.ci_config.as_ref().and_then(|ci| ci.branch.clone());
                built.insert(branch.unwrap_or_default(), releases.iter().copied().collect());
                return Ok(built);
            }
            Role::BuildData => {
                for release in releases {
                    let branch = self.config.sources.build_data.branch(*release);
                    built.entry(branch).or_default().insert(*release);
                }
            }
            Role::Component => {
                let mut failed = None;
                for release in releases {
                    match self.branches_of(&asked.repository, *release, ci.as_deref(), bases) {
                        Ok(branches) => {
                            for branch in branches {
                                built.entry(branch).or_default().insert(*release);
                            }
                        }
                        Err(error) => failed = Some(error),
                    }
                }
                if let (true, Some(error)) = (built.is_empty(), failed) {
                    return Err(error.into());
                }
            }
        }
        if let Some(wanted) = &asked.branch {
            // Without CI configs nobody knows of a branch that is not made yet; the release is built from where it will be made.
            let known = || self.sources.branches(&home.location).ok().flatten();
            let known = if ci.is_none() { known() } else { None };
            let is_there = |branch: &String| known.as_ref().is_none_or(|known| known.contains(branch));
            let guessed = |branch: &String| ci.is_none() && !is_there(branch);
            built.retain(|branch, _| branch == wanted || guessed(branch));
        } else if built.len() > 1 {
            let own = asked.base.clone().filter(|base| built.contains_key(base));
            let own = own.or_else(|| {
                let opened = self.sources.open_branch(&home.name, &home.location, None);
                opened.ok().map(|snapshot| snapshot.origin().branch.clone())
            });
            if let Some(own) = own.filter(|own| built.contains_key(own)) {
                built.retain(|branch, _| *branch == own);
            }
        }
        Ok(built)
    }

    /// What may be meant where no release is built from what was asked for, in a sentence: the branches that releases are built
    /// from, or the repository with the nearest name.
    pub(super) fn meant(&self, asked: &Asked, home: &Home, releases: &[Release], bases: &mut Bases) -> Option<String> {
        let ci = self.ci_of(bases).ok()?;
        let (mut branches, mut others): (BTreeMap<String, BTreeSet<Release>>, BTreeSet<String>) = Default::default();
        for release in releases {
            let known = match home.role {
                Role::Component => self.all_branches(*release, ci.as_deref(), bases).unwrap_or_default(),
                Role::BuildData => {
                    let branch = self.config.sources.build_data.branch(*release);
                    Branches::from([(asked.repository.clone(), BTreeSet::from([branch]))])
                }
                Role::CiConfig => return None,
            };
            // That of an image that is held may not be known.
            let known_here = known.get(&asked.repository).into_iter().flatten();
            for branch in known_here.filter(|branch| !branch.is_empty()) {
                branches.entry(branch.clone()).or_default().insert(*release);
            }
            others.extend(known.keys().map(ToString::to_string));
        }
        let near = |word: &str, known: &[&str]| near(word, known).map(|hint| format!(": {hint}"));
        if branches.is_empty() {
            let (own, name) = (asked.repository.to_string(), &asked.repository.repo);
            // Names of one organization are alike for as long as its own is.
            let is_near = |other: &&str| strsim::damerau_levenshtein(&own, other) <= 2.max(name.len() / 3);
            let others: Vec<&str> = others.iter().map(String::as_str).filter(is_near).collect();
            let hint = near(&own, &others)?;
            return Some(format!("No image is built from {own}{hint}"));
        }
        let wanted = asked.branch.as_deref()?;
        let known: Vec<&str> = branches.keys().map(String::as_str).collect();
        let each = branches.iter().map(|(branch, releases)| {
            let releases: Vec<String> = releases.iter().map(Release::to_string).collect();
            format!("`{branch}` ({})", releases.join(", "))
        });
        let each: Vec<String> = each.collect();
        Some(format!(
            "No release is built from branch `{wanted}` of {}, but from {}{}",
            asked.repository,
            each.join(", "),
            near(wanted, &known).unwrap_or_else(|| ".".to_owned())
        ))
    }

    /// The branches of a repository that images of a release are built from.
    fn branches_of(
        &self,
        repository: &RepoName,
        release: Release,
        ci: Option<&dyn Snapshot>,
        bases: &mut Bases,
    ) -> Result<BTreeSet<String>, RunError> {
        let mut all = self.all_branches(release, ci, bases)?;
        Ok(all.remove(repository).unwrap_or_default())
    }

    /// The branches of all repositories that images of a release are built from.
    fn all_branches(
        &self,
        release: Release,
        ci: Option<&dyn Snapshot>,
        bases: &mut Bases,
    ) -> Result<Branches, RunError> {
        let slot = self.slot(release, ci);
        let known = slot.as_ref().and_then(|slot| {
            let (commits, branches): (String, Branches) = self.store.get("branches", VERSION, slot.name.as_bytes())?;
            (commits == slot.commits).then_some(branches)
        });
        if let Some(known) = known {
            return Ok(known);
        }
        self.extend_metadata(bases, &BTreeSet::from([release]))?;
        let metadata = match bases.metadata.get(&release) {
            Some(Ok(metadata)) => metadata,
            Some(Err(findings)) => {
                let findings = findings.clone();
                return Err(RunError::Release { release, findings });
            }
            None => return Ok(Branches::new()),
        };
        let outline = self.outline(metadata, ci, &Demand::default(), Depth::All)?;
        let mut branches = Branches::new();
        for image in outline.images.values() {
            if let (Some(repo), false) = (&image.repository.value, matches!(image.standing, Standing::Dropped(_))) {
                branches.entry(repo.clone()).or_default().insert(image.branch.clone());
            }
        }
        if let Some(slot) = slot {
            let kept = (&slot.commits, &branches);
            self.store.put("branches", VERSION, slot.name.as_bytes(), &kept);
        }
        Ok(branches)
    }
}
