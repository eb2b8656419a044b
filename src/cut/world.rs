//! What is there during a cut: every config, and what each promotes.

use std::collections::{BTreeMap, BTreeSet};

use super::payload::Payloads;
use super::unit::Unit;
use crate::base::Release;
use crate::facts::ci_tags::{Facts, Tag};

/// What is there.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Every config that promotes for OKD, by path.
    pub configs: BTreeMap<String, Facts>,
    /// The stream of each release's payload, `(namespace, name)`.
    pub streams: BTreeMap<Release, (String, String)>,
    /// What payloads need beside their images.
    pub payloads: Payloads,
}

impl World {
    /// The configs with units applied.
    pub(super) fn with<'u>(&self, units: impl IntoIterator<Item = &'u Unit>) -> World {
        let mut world = World {
            configs: self.configs.clone(),
            streams: self.streams.clone(),
            payloads: Payloads::default(),
        };
        for unit in units {
            world.apply(unit);
        }
        world
    }

    /// Applies a change.
    pub fn apply(&mut self, unit: &Unit) {
        self.payloads.apply(&unit.files);
        if let Some(after) = &unit.after {
            self.configs.insert(unit.path.clone(), after.clone());
        } else if unit.before.is_some() {
            self.configs.remove(&unit.path);
        }
    }

    /// Lets a config promote to no payload.
    pub fn pause(&mut self, path: &str) {
        if let Some(facts) = self.configs.get(path).map(|facts| self.paused(facts)) {
            self.configs.insert(path.to_owned(), facts);
        }
    }

    /// What a config says that promotes to no payload.
    pub fn paused(&self, facts: &Facts) -> Facts {
        let promotes = facts.promotes.iter().filter(|tag| !self.is_payload(tag));
        Facts {
            promotes: promotes.cloned().collect(),
            bases: facts.bases.clone(),
        }
    }

    /// Who promotes each tag.
    pub fn promoters(&self) -> BTreeMap<&Tag, Vec<&str>> {
        let mut promoters: BTreeMap<&Tag, Vec<&str>> = BTreeMap::new();
        for (path, facts) in &self.configs {
            for tag in &facts.promotes {
                promoters.entry(tag).or_default().push(path);
            }
        }
        promoters
    }

    /// The tags that several configs promote.
    pub fn doubles(&self) -> BTreeMap<&Tag, Vec<&str>> {
        let mut promoters = self.promoters();
        promoters.retain(|_, paths| paths.len() > 1);
        promoters
    }

    /// The payloads' streams that are promoted to and not mirrored, though nobody says so.
    pub(super) fn not_mirrored(&self) -> BTreeSet<String> {
        let tags = self.configs.values().flat_map(|facts| &facts.promotes);
        self.payloads.not_mirrored(tags.filter(|tag| self.is_payload(tag)))
    }

    /// Whether a tag is one of a payload's.
    pub fn is_payload(&self, tag: &Tag) -> bool {
        self.streams.values().any(|stream| is_of(tag, stream))
    }

    /// Whether a config promotes to the payload of a release.
    pub fn promotes(&self, release: Release) -> bool {
        let stream = self.streams.get(&release);
        let mut tags = self.configs.values().flat_map(|facts| &facts.promotes);
        stream.is_some_and(|stream| tags.any(|tag| is_of(tag, stream)))
    }
}

fn is_of(tag: &Tag, (namespace, name): &(String, String)) -> bool {
    tag.namespace == *namespace && tag.name == *name
}
