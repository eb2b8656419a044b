//! Derives releases without a change and with it, and compares them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Asked, Home, ImpactError, Role};
use crate::base::{Release, RepoName};
use crate::derive;
use crate::finding::Finding;
use crate::impact::{Change, Judge, OfRelease, World, compare};
use crate::model::metadata::Metadata;
use crate::run::{Run, RunError};
use crate::source::merge::Merged;
use crate::source::{Instead, Notes, Paths, Snapshot};

/// A branch of it that releases are built from, with and without the change.
pub(super) struct Side {
    pub(super) branch: String,
    pub(super) releases: BTreeSet<Release>,
    pub(super) merged: Merged,
}

/// The metadata of a release, or what keeps it from being read.
type Told = Result<Metadata, Vec<Finding>>;

/// What releases are without any change: derived once for all changes that are compared with it.
#[derive(Default)]
pub(crate) struct Bases {
    metadata: BTreeMap<Release, Told>,
    worlds: BTreeMap<Release, World>,
    notes: Arc<Notes>,
}

impl Bases {
    /// Whether something was found in a file of a repository without any change.
    pub(crate) fn finds_in(&self, repo: &str, file: &str) -> bool {
        let places = self.worlds.values().flat_map(|world| &world.findings);
        places
            .filter_map(|finding| finding.place.as_ref())
            .any(|place| place.repo == repo && place.file == file)
    }

    /// What of a component's branch was looked at for these releases.
    pub(crate) fn looked_at(&self, repo: &RepoName, branch: &str) -> Paths {
        self.notes.of(&repo.to_string(), branch)
    }
}

impl Run {
    /// Derives what is not derived yet of releases as they are.
    pub(crate) fn extend_bases(&mut self, bases: &mut Bases, releases: &BTreeSet<Release>) -> Result<(), ImpactError> {
        let missing: BTreeSet<Release> = releases
            .iter()
            .copied()
            .filter(|one| !bases.worlds.contains_key(one))
            .collect();
        self.extend_metadata(bases, &missing)?;
        self.set_instead(Instead::default());
        self.sources.set_notes(Some(Arc::clone(&bases.notes)));
        let found = self.worlds(&missing, &bases.metadata);
        self.sources.set_notes(None);
        bases.worlds.extend(found?);
        Ok(())
    }

    fn extend_metadata(&self, bases: &mut Bases, releases: &BTreeSet<Release>) -> Result<(), RunError> {
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
            own = self.worlds(&releases, metadata.as_ref().unwrap_or(&bases.metadata))?;
        }
        self.set_instead(instead(&with));
        let metadata = self.own_metadata(home, &releases, bases)?;
        let metadata = metadata.as_ref().unwrap_or(&bases.metadata);
        let mut after = self.worlds(&releases, metadata)?;
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

    /// Audits releases as the sources are now.
    fn worlds(
        &self,
        releases: &BTreeSet<Release>,
        metadata: &BTreeMap<Release, Told>,
    ) -> Result<BTreeMap<Release, World>, ImpactError> {
        let mut worlds = BTreeMap::new();
        let ci = self.ci_config()?;
        for release in releases {
            let world = match metadata.get(release) {
                Some(Ok(metadata)) => self.world(metadata, ci.as_ref())?,
                Some(Err(findings)) => Err(findings.clone()),
                None => continue,
            };
            let world = world.unwrap_or_else(|findings| World {
                findings: findings
                    .into_iter()
                    .map(|finding| finding.with_release(release.to_string()))
                    .collect(),
                judge: Judge::bare(*release),
                config: serde_json::Value::Null,
                files: BTreeMap::new(),
            });
            worlds.insert(*release, world);
        }
        Ok(worlds)
    }

    /// One release: its world, or what keeps it from being derived.
    pub(super) fn world(
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
