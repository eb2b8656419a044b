//! Reads what the target that writes build data looks at beside a release: Dockerfiles of components, and other releases.

use std::collections::BTreeSet;
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
        let asked = self
            .config
            .targets
            .iter()
            .any(|chosen| chosen.target == &build_data::TARGET);
        if asked {
            release.texts = self.texts(&release);
            release.neighbours = self.neighbours(&release);
            self.carry_over(&mut release, ci);
        }
        release
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
        let all: Vec<(Release, &str)> = read
            .iter()
            .map(|other| other.release)
            .chain([metadata.release])
            .flat_map(|release| disputed.iter().map(move |key| (release, *key)))
            .collect();
        let edits = all
            .into_par_iter()
            .map(|(release, key)| ((release, key.to_owned()), self.edited(release, key)));
        neighbours.edits = edits.collect();
        neighbours.metadata = read.into_iter().map(|other| (other.release, Arc::new(other))).collect();
        neighbours
    }

    /// The last change of what an image's file says about OKD, as far as the branch's history is there.
    fn edited(&self, release: Release, key: &str) -> Option<Edited> {
        let build_data = &self.config.sources.build_data;
        let location = build_data.repo(release);
        let snapshot = self
            .sources
            .open(&location.to_string(), &location, &build_data.branch(release))
            .ok()?;
        let found = snapshot.last_change(&Metadata::image_file(key), &settled::says).ok()?;
        found.map(|(commit, time)| Edited {
            day: Date::of_unix(time),
            time,
            commit,
        })
    }
}
