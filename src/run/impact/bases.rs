//! What releases are without any change: recalled where nothing has moved, else derived.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ImpactError;
use super::kept::{Kept, Key};
use crate::base::{Release, RepoName};
use crate::finding::Finding;
use crate::impact::{Judge, World};
use crate::model::metadata::Metadata;
use crate::run::{Run, RunError};
use crate::source::{Instead, Notes, Paths, Snapshot};

/// What a release is remembered under, and what is remembered of it and holds.
type Remembered = (Release, Option<Key>, Option<Kept>);

/// The metadata of a release, or what keeps it from being read.
pub(super) type Told = Result<Metadata, Vec<Finding>>;

/// What releases are without any change: derived once for all changes that are compared with it.
#[derive(Default)]
pub(crate) struct Bases {
    pub(super) metadata: BTreeMap<Release, Told>,
    worlds: BTreeMap<Release, World>,
    /// Those of which is known that what is remembered of them holds, and that were not recalled yet.
    kept: BTreeMap<Release, Kept>,
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

    /// What is known of one.
    pub(super) fn world(&self, release: &Release) -> Option<&World> {
        self.worlds.get(release)
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
        self.look_up_bases(bases, releases)?;
        let recalled = self.recall_bases(bases);
        self.settle_bases(bases, recalled)
    }

    /// Derives what is not known yet of releases as they are, but for those that can be recalled.
    pub(super) fn look_up_bases(&mut self, bases: &mut Bases, releases: &BTreeSet<Release>) -> Result<(), ImpactError> {
        let missing: BTreeSet<Release> = releases
            .iter()
            .copied()
            .filter(|one| !bases.worlds.contains_key(one))
            .collect();
        bases.kept.clear();
        if missing.is_empty() {
            return Ok(());
        }
        self.set_instead(Instead::default());
        let (ci, notes) = (self.ci_of(bases)?, bases.notes.clone());
        let (read, kept) = rayon::join(
            || self.extend_metadata(bases, &missing),
            || self.kept_worlds(&missing, ci.as_deref(), notes.as_deref()),
        );
        read?;
        for (release, key, kept) in kept? {
            // Build data may have moved between one look and the other.
            let of = |key: &Key| match bases.metadata.get(&release) {
                Some(Ok(metadata)) => key.is_of(metadata),
                _ => false,
            };
            let key = key.filter(of);
            let kept = kept.filter(|_| key.is_some());
            let world = match (bases.metadata.get(&release), kept) {
                (Some(Ok(_)), Some(kept)) => {
                    bases.kept.insert(release, kept);
                    continue;
                }
                (Some(Ok(metadata)), None) => self.base(metadata, ci.as_ref(), notes.as_deref(), key)?,
                (Some(Err(findings)), _) => bare(release, findings.clone()),
                (None, _) => continue,
            };
            bases.worlds.insert(release, world);
        }
        Ok(())
    }

    /// What releases are remembered under, and what is remembered of each and holds.
    fn kept_worlds(
        &self,
        releases: &BTreeSet<Release>,
        ci: Option<&dyn Snapshot>,
        notes: Option<&Notes>,
    ) -> Result<Vec<Remembered>, RunError> {
        let rules = self.rules()?;
        let each = releases.iter().map(|release| {
            self.recall_decisions(rules, *release, DECISIONS);
            let key = self.world_key(*release, ci);
            let kept = key.as_ref().and_then(|key| self.kept_world(key, notes));
            (*release, key, kept)
        });
        Ok(each.collect())
    }

    /// Recalls what is remembered; `None` of a release: it is not there after all.
    pub(super) fn recall_bases(&self, bases: &Bases) -> Vec<(Release, Option<World>)> {
        let recall = |(release, kept): (&Release, &Kept)| {
            let metadata = bases.metadata.get(release)?.as_ref().ok()?;
            Some((*release, self.recall_world(kept, metadata)))
        };
        bases.kept.iter().filter_map(recall).collect()
    }

    /// Takes what was recalled, and derives what could not be.
    pub(super) fn settle_bases(
        &mut self,
        bases: &mut Bases,
        recalled: Vec<(Release, Option<World>)>,
    ) -> Result<(), ImpactError> {
        bases.kept.clear();
        for (release, world) in recalled {
            let world = match (world, bases.metadata.get(&release)) {
                (Some(world), _) => world,
                (None, Some(Ok(metadata))) => {
                    self.set_instead(Instead::default());
                    let ci = bases.ci.clone().flatten();
                    // Another run has written there meanwhile, so that nobody knows what this would be remembered for.
                    self.base(metadata, ci.as_ref(), bases.notes.as_deref(), None)?
                }
                (None, _) => continue,
            };
            bases.worlds.insert(release, world);
        }
        Ok(())
    }

    /// Derives a release without any change, and remembers it.
    fn base(
        &mut self,
        metadata: &Metadata,
        ci: Option<&Arc<dyn Snapshot>>,
        notes: Option<&Notes>,
        key: Option<Key>,
    ) -> Result<World, ImpactError> {
        let release = metadata.release;
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

    pub(super) fn metadata_told(&self, release: Release) -> Result<Told, RunError> {
        match self.metadata(release) {
            Ok(metadata) => Ok(Ok(metadata)),
            Err(RunError::Release { findings, .. }) => Ok(Err(findings)),
            Err(error) => Err(error),
        }
    }
}

/// A release that cannot be derived.
pub(super) fn bare(release: Release, findings: Vec<Finding>) -> World {
    let with_release = |finding: Finding| finding.with_release(release.to_string());
    World {
        findings: findings.into_iter().map(with_release).collect(),
        judge: Judge::bare(release),
        config: None,
        files: BTreeMap::new(),
    }
}
