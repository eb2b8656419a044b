//! Derives releases without a change and with it, and compares them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::bases::{Bases, Told, bare};
use super::kept::Beside;
use super::{Asked, Home, ImpactError, Role};
use crate::base::{Origin, Release};
use crate::derive;
use crate::finding::Finding;
use crate::impact::{Change, Config, Judge, OfRelease, World, compare};
use crate::model::metadata::Metadata;
use crate::run::{Run, RunError};
use crate::source::github::Foreseen;
use crate::source::merge::Merged;
use crate::source::{CommitId, Instead, Paths, Snapshot};

/// A branch of it that releases are built from, with and without the change.
pub(super) struct Side {
    pub(super) branch: String,
    pub(super) releases: BTreeSet<Release>,
    pub(super) merged: Merged,
}

/// A world and, where that tells what was read, what else is remembered of it.
type Whole = (World, Option<Beside>);

impl Run {
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
            self.look_up_bases(bases, &releases)?;
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
        let told = metadata.as_ref().unwrap_or(&bases.metadata);
        let (after, recalled) = rayon::join(
            || self.worlds(&releases, told, ci.as_ref()),
            || self.recall_bases(bases),
        );
        let mut after = after?;
        let commits = |one: &Told| one.as_ref().ok()?.origin.commit.clone();
        read.extend(releases.iter().filter_map(|release| commits(told.get(release)?)));
        self.settle_bases(bases, recalled)?;
        self.set_instead(instead(&with));
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
            let Some(before) = own.get(release).or_else(|| bases.world(release)) else {
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
            let config = Config::of(derived.build_config());
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
            config: Some(config),
            files: World::files_of(&found.plan, &metadata.release.to_string()),
        };
        let beside = found.heads.map(|heads| Beside { heads, payload });
        Ok(Ok((world, beside)))
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
