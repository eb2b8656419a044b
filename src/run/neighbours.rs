//! Reads what the target that writes build data looks at beside a release: Dockerfiles of components, and other releases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::{Run, releases};
use crate::base::{Date, Release};
use crate::config::Releases;
use crate::derive;
use crate::derive::neighbours::{Edited, Neighbours};
use crate::doozer::settled;
use crate::model::metadata::Metadata;
use crate::source::Snapshot;
use crate::targets::build_data;

impl Run {
    /// A release with what lies beside it, where a target of the configuration asks for that.
    pub(super) fn with_neighbours<'a>(
        &self,
        mut release: derive::Release<'a>,
        ci: Option<&dyn Snapshot>,
    ) -> derive::Release<'a> {
        if self.writes_build_data() {
            release.texts = self.texts(&release);
            release.neighbours = self.neighbours(&release);
            self.carry_over(&mut release, ci);
        }
        release
    }

    /// Whether the configuration has the target that writes build data.
    pub(super) fn writes_build_data(&self) -> bool {
        let mut targets = self.config.targets.iter();
        targets.any(|chosen| chosen.target == &build_data::TARGET)
    }

    /// The releases that build data is known to have, and those of the configuration.
    pub(super) fn known_releases(&self) -> BTreeSet<Release> {
        let found = releases::in_build_data(&self.config, &self.sources, None);
        let mut known: BTreeSet<Release> = found.ok().flatten().unwrap_or_default();
        if let Releases::List(list) = &self.config.releases {
            known.extend(list);
        }
        known
    }

    /// Other releases' build data, where the stanzas of an image of this one disagree.
    fn neighbours(&self, release: &derive::Release<'_>) -> Neighbours {
        let metadata = release.metadata;
        let disputed = settled::disputed(metadata);
        if disputed.is_empty() {
            return Neighbours::default();
        }
        let mut known = self.known_releases();
        known.remove(&metadata.release);
        let read: Vec<Metadata> = known
            .into_par_iter()
            .filter_map(|release| self.metadata(release).ok())
            .collect();
        let mut neighbours = Neighbours::default();
        let all = read.iter().map(|other| other.release).chain([metadata.release]);
        neighbours.edits = self.edits(&all.collect(), &disputed);
        neighbours.metadata = read.into_iter().map(|other| (other.release, Arc::new(other))).collect();
        neighbours
    }

    /// The last changes of what images' files say about OKD, as far as the branches' histories are there.
    fn edits(&self, releases: &BTreeSet<Release>, keys: &[&str]) -> BTreeMap<(Release, String), Option<Edited>> {
        let files: Vec<String> = keys.iter().map(|key| Metadata::image_file(key)).collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let all = self.histories_of(releases).ok();
        let of_release = |release: &Release| {
            // One branch that cannot be read costs itself.
            let alone = match &all {
                Some(_) => None,
                None => self.histories_of(&BTreeSet::from([*release])).ok(),
            };
            let branch = all.as_ref().or(alone.as_ref()).and_then(|all| all.get(*release));
            if let Some(branch) = branch {
                branch.expect_changes(&files);
            }
            let edited = |(key, file): (&&str, &&str)| {
                let edited = branch.and_then(|branch| edited(branch, file));
                ((*release, (*key).to_owned()), edited)
            };
            keys.iter().zip(&files).map(edited).collect::<Vec<_>>()
        };
        releases.par_iter().flat_map_iter(of_release).collect()
    }
}

/// The last change of what a file says about OKD.
fn edited(branch: &dyn Snapshot, file: &str) -> Option<Edited> {
    let found = branch.last_change(file, &settled::says).ok()?;
    found.map(|(commit, time)| Edited {
        day: Date::of_unix(time),
        time,
        commit,
    })
}
