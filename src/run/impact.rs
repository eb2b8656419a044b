//! Reads the two worlds of a change of others: the base as it is, and the base with the head as if it were merged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::branches::Depth;
use super::{Run, RunError, releases};
use crate::base::{Release, RepoName};
use crate::config::Releases;
use crate::derive::payload::Demand;
use crate::derive::{self, Standing};
use crate::finding::Finding;
use crate::impact::{Change, Cure, Effect, Impact, Judge, Merge, OfRelease, World, compare, sentence};
use crate::model::metadata::Metadata;
use crate::source::merge::{MergeError, Merged, merged};
use crate::source::{CommitId, Instead, Location, Snapshot, SourceError};

/// The version of the answer's form.
const VERSION: u32 = 1;
/// In so many other releases metadata that fits is looked for.
const MOST_NEIGHBOURS: usize = 6;

/// A change of others.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The repository.
    pub repository: RepoName,
    /// The number of the pull request, if it is one.
    pub pull: Option<u64>,
    /// The base, a branch, ref, commit or folder; none: the branch.
    pub base: Option<String>,
    /// The head, a branch, ref, commit or folder.
    pub head: String,
    /// The branch that is changed; none: the base where that is one, else the repository's own default branch.
    pub branch: Option<String>,
    /// Where the repository is, where that is not where the configuration has it.
    pub at: Option<Location>,
}

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum ImpactError {
    /// The run itself cannot be made.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The head cannot be read, or does not merge.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// There is no such repository.
    #[error("{0}")]
    Unknown(String),
}

/// What a repository is to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Component,
    BuildData,
    CiConfig,
}

/// A repository as it is opened.
struct Home {
    role: Role,
    /// What it is called where it is opened.
    name: String,
    location: Location,
}

/// A branch of it that releases are built from, with and without the change.
struct Side {
    branch: String,
    releases: BTreeSet<Release>,
    merged: Merged,
}

impl Run {
    /// What a change of others would do to releases.
    ///
    /// # Errors
    /// The repository, base or head cannot be read; they do not merge; or nothing can be derived at all.
    pub fn impact(&mut self, asked: &Asked, releases: &[Release]) -> Result<Impact, ImpactError> {
        let (asked, is_merge) = self.on_github(asked.clone())?;
        let asked = &asked;
        let home = self.home(asked, releases)?;
        let built = self.built_from(asked, &home, releases)?;
        let branch = match (&asked.branch, built.keys().next()) {
            (Some(branch), _) => branch.clone(),
            (None, Some(branch)) if built.len() == 1 => branch.clone(),
            _ => String::new(),
        };
        let mut sides = Vec::new();
        for (branch, releases) in built {
            let base = asked.base.as_deref().or(asked.branch.as_deref());
            let merged = match &home.location {
                Location::Url(_) => self.far(&home, &branch, base, &asked.head).map_err(MergeError::from)?,
                Location::Path(_) => merged(&home.name, &home.location, &branch, base, &asked.head)?,
            };
            sides.push(Side {
                branch,
                releases,
                merged,
            });
        }
        let mut answer = Impact {
            version: VERSION,
            repository: asked.repository.to_string(),
            pull: asked.pull,
            base: asked.base.clone().unwrap_or_else(|| branch.clone()),
            head: asked.head.clone(),
            merged: Merge::AsIs,
            branch,
            digest: String::new(),
            verdict: crate::impact::Verdict::Nothing,
            sentence: String::new(),
            todo: String::new(),
            releases: Vec::new(),
        };
        let mut read = Vec::new();
        for side in sides {
            if let Some(commit) = &side.merged.base_commit {
                answer.base.clone_from(commit);
            }
            if let Some(commit) = &side.merged.head_commit {
                answer.head.clone_from(commit);
            }
            if side.merged.merged_commit.is_some() {
                answer.merged = Merge::Memory;
            }
            if let Some(head) = &is_merge {
                (answer.merged, answer.head) = (Merge::Commit, head.clone());
            }
            let found = self.compared(asked, &home, side, &mut read);
            self.set_instead(Instead::default());
            answer.releases.extend(found?);
        }
        (answer.verdict, answer.sentence, answer.todo) = sentence(&answer.releases);
        answer.digest = self.digest(&answer, &read);
        Ok(answer)
    }

    /// A pull request where GitHub's API is read: on the base that it is for, as the commit that merging it would make, or, where
    /// GitHub has none, as its own head. Then the head's own commit is given, too.
    fn on_github(&self, asked: Asked) -> Result<(Asked, Option<String>), ImpactError> {
        let pull = asked.pull.filter(|_| asked.base.is_none() && asked.at.is_none());
        let (Some(pull), Some(reader)) = (pull, self.sources.github()) else {
            return Ok((asked, None));
        };
        let found = reader.pull(&asked.repository, pull).map_err(MergeError::from)?;
        let (head, is_merge) = match found.merge {
            Some(merge) => (merge, Some(found.head)),
            None => (found.head, None),
        };
        let asked = Asked {
            base: Some(found.base),
            branch: asked.branch.or(Some(found.branch)),
            head,
            ..asked
        };
        Ok((asked, is_merge))
    }

    /// Base and head of a repository behind a URL, each as it is: it is read without its history, so nothing can be merged.
    fn far(&self, home: &Home, branch: &str, base: Option<&str>, head: &str) -> Result<Merged, SourceError> {
        let is_commit = |text: &str| text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let github = self.sources.github().zip(home.location.name());
        let open = |what: &str| match (is_commit(what), &github) {
            (true, Some((reader, name))) => {
                let commit = CommitId(what.to_owned());
                Ok(Box::new(reader.open_at(name, branch, commit)) as Box<dyn Snapshot>)
            }
            (false, Some((reader, name))) => Ok(Box::new(reader.open(name, what)?) as Box<dyn Snapshot>),
            (true, None) => self.sources.open_commit(&home.name, &home.location, branch, what),
            (false, None) => self.sources.open(&home.name, &home.location, what),
        };
        let (base, with) = (open(base.unwrap_or(branch))?, open(head)?);
        Ok(Merged {
            base_commit: base.origin().commit.clone(),
            head_commit: with.origin().commit.clone(),
            merged_commit: None,
            base,
            with,
        })
    }

    /// What the repository is, and where.
    fn home(&self, asked: &Asked, releases: &[Release]) -> Result<Home, ImpactError> {
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
    fn built_from(
        &self,
        asked: &Asked,
        home: &Home,
        releases: &[Release],
    ) -> Result<BTreeMap<String, BTreeSet<Release>>, ImpactError> {
        let mut built: BTreeMap<String, BTreeSet<Release>> = BTreeMap::new();
        let ci = self.ci_config()?;
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
                    match self.branches_of(&asked.repository, *release, ci.as_deref()) {
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
        let known = self.sources.branches(&home.location).ok().flatten();
        let is_there = |branch: &String| known.as_ref().is_none_or(|known| known.contains(branch));
        if let Some(wanted) = &asked.branch {
            // Without CI configs nobody knows of a branch that is not made yet; the release is built from where it will be made.
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

    /// The branches of a repository that images of a release are built from.
    fn branches_of(
        &self,
        repository: &RepoName,
        release: Release,
        ci: Option<&dyn Snapshot>,
    ) -> Result<BTreeSet<String>, RunError> {
        let metadata = self.metadata(release)?;
        let outline = self.outline(&metadata, ci, &Demand::default(), Depth::All)?;
        let ours = outline.images.values().filter(|image| {
            image.repository.value.as_ref() == Some(repository) && !matches!(image.standing, Standing::Dropped(_))
        });
        Ok(ours.map(|image| image.branch.clone()).collect())
    }

    /// Compares the releases of one branch.
    fn compared(
        &mut self,
        asked: &Asked,
        home: &Home,
        side: Side,
        read: &mut Vec<String>,
    ) -> Result<Vec<OfRelease>, ImpactError> {
        let Side {
            branch,
            releases,
            merged,
        } = side;
        let (base, with): (Arc<dyn Snapshot>, Arc<dyn Snapshot>) = (merged.base.into(), merged.with.into());
        let instead = |snapshot: &Arc<dyn Snapshot>| {
            let mut instead = Instead::default();
            instead.put(&home.name, &branch, Arc::clone(snapshot));
            instead
        };
        // What does not change is read once.
        let shared = match home.role {
            Role::BuildData => None,
            Role::Component | Role::CiConfig => Some(self.metadata_of_all(&releases)?),
        };
        self.set_instead(instead(&base));
        let before = self.worlds(&releases, shared.as_ref(), read)?;
        self.set_instead(instead(&with));
        let mut after = self.worlds(&releases, shared.as_ref(), read)?;
        if let (Some(merged), Some(head)) = (&merged.merged_commit, &merged.head_commit) {
            let findings = after.values_mut().flat_map(|world| world.findings.iter_mut());
            findings.for_each(|finding| say_head(finding, merged, head));
        }
        let is_touched = |path: &str| match (base.oid(path), with.oid(path)) {
            (Ok(before), Ok(after)) => before != after,
            _ => true,
        };
        let change = Change {
            repository: &asked.repository,
            name: &home.name,
            is_touched: &is_touched,
        };
        let mut found = Vec::new();
        for (release, before) in &before {
            let Some(after) = after.get(release) else { continue };
            let rules = self.rules()?;
            found.push(compare(&release.to_string(), rules, &change, before, after));
        }
        if home.role == Role::Component {
            for of_release in &mut found {
                self.cures(asked, of_release, &with);
            }
        }
        Ok(found)
    }

    /// Metadata of releases, and what keeps some from being read.
    fn metadata_of_all(&self, releases: &BTreeSet<Release>) -> Result<(Vec<Metadata>, Broken), RunError> {
        let (mut all, mut broken) = (Vec::new(), Vec::new());
        for release in releases {
            match self.metadata(*release) {
                Ok(metadata) => all.push(metadata),
                Err(RunError::Release { release, findings }) => broken.push((release, findings)),
                Err(error) => return Err(error),
            }
        }
        Ok((all, broken))
    }

    /// Audits releases as the sources are now.
    fn worlds(
        &self,
        releases: &BTreeSet<Release>,
        shared: Option<&(Vec<Metadata>, Broken)>,
        read: &mut Vec<String>,
    ) -> Result<BTreeMap<Release, World>, ImpactError> {
        let own = match shared {
            Some(_) => None,
            None => Some(self.metadata_of_all(releases)?),
        };
        let Some((all, broken)) = shared.or(own.as_ref()) else {
            return Ok(BTreeMap::new());
        };
        let mut broken = broken.clone();
        read.extend(all.iter().filter_map(|metadata| metadata.origin.commit.clone()));
        let mut worlds = BTreeMap::new();
        let ci = self.ci_config()?;
        for metadata in all {
            match self.world(metadata, ci.as_ref())? {
                Ok(world) => drop(worlds.insert(metadata.release, world)),
                Err(findings) => broken.push((metadata.release, findings)),
            }
        }
        for (release, findings) in broken {
            let world = World {
                findings: findings
                    .into_iter()
                    .map(|finding| finding.with_release(release.to_string()))
                    .collect(),
                judge: Judge::bare(release),
                config: serde_json::Value::Null,
                files: BTreeMap::new(),
            };
            worlds.insert(release, world);
        }
        Ok(worlds)
    }

    /// One release: its world, or what keeps it from being derived.
    fn world(
        &self,
        metadata: &Metadata,
        ci: Option<&Arc<dyn Snapshot>>,
    ) -> Result<Result<World, Vec<Finding>>, ImpactError> {
        let look = |derived: &derive::Release<'_>| {
            let config = serde_json::to_value(derived.build_config()).unwrap_or_default();
            (Judge::new(derived), config)
        };
        let (audit, seen) = self.audit_seen(std::slice::from_ref(metadata), ci, false, look)?;
        let Some((judge, config)) = seen.into_iter().next() else {
            return match audit.failed.into_iter().next() {
                Some(RunError::Release { findings, .. }) => Ok(Err(findings)),
                Some(error) => Err(error.into()),
                None => Ok(Err(Vec::new())),
            };
        };
        let files = World::files_of(&audit.plan, &metadata.release.to_string());
        Ok(Ok(World {
            findings: self.config.audit.judge(audit.findings, self.today(), false).shown,
            judge,
            config,
            files,
        }))
    }

    /// Looks for metadata of other releases that fits what breaks.
    fn cures(&mut self, asked: &Asked, of: &mut OfRelease, with: &Arc<dyn Snapshot>) {
        let breaks = of.new.iter_mut().filter(|found| found.impact == Effect::Break);
        for found in breaks {
            let finding = found.shown.finding.clone();
            found.cure = self.cure(asked, &of.release, &finding, with);
        }
    }

    fn cure(&mut self, asked: &Asked, release: &str, finding: &Finding, with: &Arc<dyn Snapshot>) -> Option<Cure> {
        let own: Release = release.parse().ok()?;
        let tag = finding.image.as_ref()?;
        self.set_instead(Instead::default());
        let known = releases::in_build_data(&self.config, &self.sources, None);
        let mut known = known.ok().flatten().unwrap_or_default();
        if let Releases::List(listed) = &self.config.releases {
            known.extend(listed);
        }
        let mut others: Vec<Release> = known.into_iter().filter(|other| *other != own).collect();
        let distance = |other: &Release| {
            (
                other.major.abs_diff(own.major),
                other.minor.abs_diff(own.minor),
                *other < own,
            )
        };
        others.sort_by_key(distance);
        let mine = self.metadata(own).ok()?;
        for other in others.into_iter().take(MOST_NEIGHBOURS) {
            self.set_instead(Instead::default());
            let Ok(metadata) = self.metadata(other) else { continue };
            let ci = self.ci_config().ok().flatten();
            let Ok(outline) = self.outline(&metadata, ci.as_deref(), &Demand::default(), Depth::All) else {
                continue;
            };
            let image = outline.images.values().find(|image| image.tag.value == *tag);
            let Some(image) = image.filter(|image| image.repository.value.as_ref() == Some(&asked.repository)) else {
                continue;
            };
            let (key, branch) = (image.key.clone(), image.branch.clone());
            drop(outline);
            let Some(differs) = differs(&mine, &metadata, &key) else {
                continue;
            };
            let mut instead = Instead::default();
            instead.put(&asked.repository.to_string(), &branch, Arc::clone(with));
            self.set_instead(instead);
            let Ok(Ok(world)) = self.world(&metadata, ci.as_ref()) else {
                continue;
            };
            let same = |one: &Finding| one.code == finding.code && one.image == finding.image;
            let is_built = world.config["images"].get(&key).is_some();
            if is_built && !world.findings.iter().any(same) {
                return Some(Cure {
                    release: other.to_string(),
                    branch: self.config.sources.build_data.branch(other),
                    file: Metadata::image_file(&key),
                    key: differs,
                });
            }
        }
        None
    }

    /// A digest of the answer, of metadata and rules.
    fn digest(&self, answer: &Impact, read: &[String]) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        };
        part(&format!("{VERSION} {}", self.rules.digest()));
        read.iter().for_each(|commit| part(commit));
        part(&serde_json::to_string(&answer.releases).unwrap_or_default());
        hash.finalize()
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Releases that could not be read, and why.
type Broken = Vec<(Release, Vec<Finding>)>;

/// The first part of an image's metadata that differs between two releases, `from` before all.
fn differs(mine: &Metadata, other: &Metadata, key: &str) -> Option<String> {
    let (mine, other) = (&mine.images.get(key)?.node, &other.images.get(key)?.node);
    let (mine, other) = (serde_json::Value::from(mine), serde_json::Value::from(other));
    if mine["from"] != other["from"] {
        return Some("from".to_owned());
    }
    let keys: BTreeSet<&String> = [&mine, &other]
        .into_iter()
        .filter_map(|node| node.as_object())
        .flat_map(|map| map.keys())
        .collect();
    keys.into_iter()
        .find(|key| mine[key.as_str()] != other[key.as_str()])
        .cloned()
}

/// What was read of the merge was read of the head: nobody knows the commit that the merge would make.
fn say_head(finding: &mut Finding, merged: &str, head: &str) {
    if let Some(place) = &mut finding.place
        && place.commit.as_deref() == Some(merged)
    {
        place.commit = Some(head.to_owned());
    }
    const SHORT: usize = 10;
    let (Some(merged), Some(head)) = (merged.get(..SHORT), head.get(..SHORT)) else {
        return;
    };
    finding.message = finding.message.replace(merged, head);
    if let Some(help) = &mut finding.help {
        *help = help.replace(merged, head);
    }
}
