//! Derives releases without a change and with it, and compares them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::kept::Beside;
use super::{Asked, Home, ImpactError, Role};
use crate::base::{Origin, Release, RepoName};
use crate::derive;
use crate::finding::Finding;
use crate::impact::{Change, Judge, OfRelease, World, compare};
use crate::model::metadata::Metadata;
use crate::run::{Run, RunError};
use crate::source::github::Foreseen;
use crate::source::merge::Merged;
use crate::source::{CommitId, Instead, Notes, Paths, Snapshot};

/// A branch of it that releases are built from, with and without the change.
pub(super) struct Side {
    pub(super) branch: String,
    pub(super) releases: BTreeSet<Release>,
    pub(super) merged: Merged,
}

/// A world and, where that tells what was read, what else is remembered of it.
type Whole = (World, Option<Beside>);

/// The metadata of a release, or what keeps it from being read.
type Told = Result<Metadata, Vec<Finding>>;

/// What releases are without any change: derived once for all changes that are compared with it.
#[derive(Default)]
pub(crate) struct Bases {
    pub(super) metadata: BTreeMap<Release, Told>,
    worlds: BTreeMap<Release, World>,
    /// The CI configs, where they were opened.
    ci: Option<Option<Arc<dyn Snapshot>>>,
    notes: Option<Arc<Notes>>,
}

impl Bases {
    /// The same for those who ask what was looked at.
    pub(crate) fn with_notes() -> Self {
        Self {
            notes: Some(Arc::default()),
            ..Self::default()
        }
    }

    /// Whether something was found in a file of a repository without any change.
    pub(crate) fn finds_in(&self, repo: &str, file: &str) -> bool {
        let places = self.worlds.values().flat_map(|world| &world.findings);
        places
            .filter_map(|finding| finding.place.as_ref())
            .any(|place| place.repo == repo && place.file == file)
    }

    /// What of a component's branch was looked at for these releases.
    pub(crate) fn looked_at(&self, repo: &RepoName, branch: &str) -> Paths {
        let notes = self.notes.as_ref();
        notes
            .map(|notes| notes.of(&repo.to_string(), branch))
            .unwrap_or_default()
    }
}

/// What decisions of an impact are kept for: it asks for more than rendering does.
const DECISIONS: &str = " impact";

impl Run {
    /// Derives what is not known yet of releases as they are.
    pub(crate) fn extend_bases(&mut self, bases: &mut Bases, releases: &BTreeSet<Release>) -> Result<(), ImpactError> {
        let missing: BTreeSet<Release> = releases
            .iter()
            .copied()
            .filter(|one| !bases.worlds.contains_key(one))
            .collect();
        self.extend_metadata(bases, &missing)?;
        self.set_instead(Instead::default());
        let ci = self.ci_of(bases)?;
        for release in missing {
            let world = match bases.metadata.get(&release) {
                Some(Ok(metadata)) => self.base(metadata, ci.as_ref(), bases.notes.as_deref())?,
                Some(Err(findings)) => bare(release, findings.clone()),
                None => continue,
            };
            bases.worlds.insert(release, world);
        }
        Ok(())
    }

    /// A release without any change, recalled where nothing has moved.
    fn base(
        &mut self,
        metadata: &Metadata,
        ci: Option<&Arc<dyn Snapshot>>,
        notes: Option<&Notes>,
    ) -> Result<World, ImpactError> {
        let release = metadata.release;
        self.recall_decisions(self.rules()?, release, DECISIONS);
        let key = self.world_key(release, ci.map(|ci| &**ci));
        let known = key.as_ref().and_then(|key| self.recall_world(key, metadata, notes));
        if let Some(known) = known {
            tracing::debug!(%release, "nothing has moved: what it is without a change is recalled");
            return Ok(known);
        }
        let own = notes.map(|_| Arc::new(Notes::default()));
        self.sources.set_notes(own.clone());
        let found = self.world(metadata, ci);
        self.sources.set_notes(None);
        if let (Some(notes), Some(own)) = (notes, &own) {
            notes.extend(own.all());
        }
        let (world, beside) = match found? {
            Ok(found) => found,
            Err(findings) => return Ok(bare(release, findings)),
        };
        self.keep_decisions(self.rules()?, release, DECISIONS);
        if let (Some(key), Some(beside)) = (key, beside) {
            self.remember_world(&key, &world, beside, own.as_deref());
        }
        Ok(world)
    }

    /// The CI configs as they are, opened once.
    pub(super) fn ci_of(&self, bases: &mut Bases) -> Result<Option<Arc<dyn Snapshot>>, RunError> {
        if bases.ci.is_none() {
            bases.ci = Some(self.ci_config()?);
        }
        Ok(bases.ci.clone().flatten())
    }

    /// Reads metadata that is not read yet.
    pub(super) fn extend_metadata(&self, bases: &mut Bases, releases: &BTreeSet<Release>) -> Result<(), RunError> {
        for release in releases {
            if !bases.metadata.contains_key(release) {
                bases.metadata.insert(*release, self.metadata_told(*release)?);
            }
        }
        Ok(())
    }

    fn metadata_told(&self, release: Release) -> Result<Told, RunError> {
        match self.metadata(release) {
            Ok(metadata) => Ok(Ok(metadata)),
            Err(RunError::Release { findings, .. }) => Ok(Err(findings)),
            Err(error) => Err(error),
        }
    }

    /// Compares the releases of one branch.
    pub(super) fn compared(
        &mut self,
        asked: &Asked,
        home: &Home,
        side: Side,
        read: &mut Vec<String>,
        bases: &mut Bases,
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
        let mut own = BTreeMap::new();
        if self.is_current(asked, home, &branch, base.origin().commit.as_deref()) {
            self.extend_bases(bases, &releases)?;
        } else {
            self.set_instead(instead(&base));
            let metadata = self.own_metadata(home, &releases, bases)?;
            let ci = self.own_ci(home, bases)?;
            own = self.worlds(&releases, metadata.as_ref().unwrap_or(&bases.metadata), ci.as_ref())?;
        }
        self.foresee_head(asked, home, base.origin(), bases);
        self.set_instead(instead(&with));
        let metadata = self.own_metadata(home, &releases, bases)?;
        let ci = self.own_ci(home, bases)?;
        let metadata = metadata.as_ref().unwrap_or(&bases.metadata);
        let mut after = self.worlds(&releases, metadata, ci.as_ref())?;
        let commits = |one: &Told| one.as_ref().ok()?.origin.commit.clone();
        read.extend(releases.iter().filter_map(|release| commits(metadata.get(release)?)));
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
        for (release, after) in &after {
            let Some(before) = own.get(release).or_else(|| bases.worlds.get(release)) else {
                continue;
            };
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

    /// Reads what will be looked at of a pull request's head, in as few questions as can be.
    fn foresee_head(&self, asked: &Asked, home: &Home, base: &Origin, bases: &Bases) {
        let (Some(reader), Role::Component, Some(_)) = (self.sources.github(), home.role, asked.pull) else {
            return;
        };
        let Paths { files, folders } = bases.looked_at(&asked.repository, &base.branch);
        let head = Foreseen {
            repo: home.location.name().unwrap_or_else(|| asked.repository.clone()),
            commit: CommitId(asked.head.clone()),
            files,
            folders,
        };
        let base = base.commit.clone().map(|commit| head.folders_at(CommitId(commit)));
        let wanted: Vec<Foreseen> = std::iter::once(head).chain(base).collect();
        reader.foresee(&wanted, &self.store);
    }

    /// Whether a base is what everything else is read at, so that it is compared with what is known already.
    fn is_current(&self, asked: &Asked, home: &Home, branch: &str, commit: Option<&str>) -> bool {
        let Some(commit) = commit else { return false };
        if home.role != Role::Component || asked.at.is_some() {
            return false;
        }
        let head = self.sources.component_head(&asked.repository, &home.location, branch);
        head.ok().flatten().is_some_and(|head| head.0 == commit)
    }

    /// Metadata as it is now where that is what changes; what does not change is read once.
    fn own_metadata(
        &self,
        home: &Home,
        releases: &BTreeSet<Release>,
        bases: &mut Bases,
    ) -> Result<Option<BTreeMap<Release, Told>>, RunError> {
        if home.role != Role::BuildData {
            self.extend_metadata(bases, releases)?;
            return Ok(None);
        }
        let own = releases
            .iter()
            .map(|release| Ok((*release, self.metadata_told(*release)?)));
        own.collect::<Result<_, RunError>>().map(Some)
    }

    /// The CI configs as they are now where these are what changes.
    fn own_ci(&self, home: &Home, bases: &mut Bases) -> Result<Option<Arc<dyn Snapshot>>, RunError> {
        match home.role {
            Role::CiConfig => self.ci_config(),
            Role::Component | Role::BuildData => self.ci_of(bases),
        }
    }

    /// Audits releases as the sources are now.
    fn worlds(
        &self,
        releases: &BTreeSet<Release>,
        metadata: &BTreeMap<Release, Told>,
        ci: Option<&Arc<dyn Snapshot>>,
    ) -> Result<BTreeMap<Release, World>, ImpactError> {
        let mut worlds = BTreeMap::new();
        for release in releases {
            let world = match metadata.get(release) {
                Some(Ok(metadata)) => self.world(metadata, ci)?.map(|(world, _)| world),
                Some(Err(findings)) => Err(findings.clone()),
                None => continue,
            };
            worlds.insert(*release, world.unwrap_or_else(|findings| bare(*release, findings)));
        }
        Ok(worlds)
    }

    /// One release: its world and, where that tells what was read, what else is remembered of it; or what keeps it from being
    /// derived.
    pub(super) fn world(
        &self,
        metadata: &Metadata,
        ci: Option<&Arc<dyn Snapshot>>,
    ) -> Result<Result<Whole, Vec<Finding>>, ImpactError> {
        let look = |derived: &derive::Release<'_>| {
            let config = serde_json::to_value(derived.build_config()).unwrap_or_default();
            (Judge::new(derived), config, derived.payload.view.clone())
        };
        let found = match self.findings_of(metadata, ci, look) {
            Ok(found) => found,
            Err(RunError::Release { findings, .. }) => return Ok(Err(findings)),
            Err(error) => return Err(error.into()),
        };
        let (judge, config, payload) = found.seen;
        let world = World {
            findings: self.config.audit.judge(found.findings, self.today(), false).shown,
            judge,
            config,
            files: World::files_of(&found.plan, &metadata.release.to_string()),
        };
        let beside = found.heads.map(|heads| Beside { heads, payload });
        Ok(Ok((world, beside)))
    }
}

/// A release that cannot be derived.
fn bare(release: Release, findings: Vec<Finding>) -> World {
    let with_release = |finding: Finding| finding.with_release(release.to_string());
    World {
        findings: findings.into_iter().map(with_release).collect(),
        judge: Judge::bare(release),
        config: serde_json::Value::Null,
        files: BTreeMap::new(),
    }
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
