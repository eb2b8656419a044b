//! Remembers what a release is without any change: as long as no input has moved, a change is compared with what is remembered.
//!
//! The inputs are those of a release's own memory ([`crate::run`]'s), and what an audit looks at beside: files of components
//! that only checks read, groups of other releases, the last payload. What could not be read, or has no
//! commit, is not remembered.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::Release;
use crate::finding::Finding;
use crate::impact::{Config, Images, Judge, Proposed, World};
use crate::model::metadata::Metadata;
use crate::run::audit::verification::looked_after;
use crate::run::heads::Head;
use crate::run::memo::Slot;
use crate::run::{Run, releases};
use crate::source::{Notes, Snapshot};

/// Must change when the same inputs come to another result, beside the program's own version.
const VERSION: u32 = 4;

/// What a world is remembered under.
pub(super) struct Key {
    slot: Slot,
    /// A digest of what is asked beside repositories.
    beside: String,
}

impl Key {
    /// Whether it is that of metadata as it was read.
    pub(super) fn is_of(&self, metadata: &Metadata) -> bool {
        let commit = metadata.origin.commit.as_deref();
        commit.is_some() && self.slot.commits.split(' ').next() == commit
    }
}

/// A world of which is known that what is remembered of it holds.
pub(super) struct Kept {
    name: String,
    /// What ties the memory to its inputs.
    stamp: [u8; 32],
}

/// What a memory holds for; read before the memory itself, which is large.
#[derive(Serialize, Deserialize)]
struct Inputs {
    commits: String,
    beside: String,
    heads: Vec<Head>,
}

impl Inputs {
    /// A digest that ties a memory to its inputs.
    fn stamp(&self) -> Option<[u8; 32]> {
        Some(Sha256::digest(serde_json::to_vec(self).ok()?).into())
    }
}

/// A world as it is remembered. What is JSON leaves parts out, which the cache's own encoding cannot.
#[derive(Serialize, Deserialize)]
struct Memory {
    stamp: [u8; 32],
    /// Findings, each with what is not shown of it.
    findings: String,
    images: Images,
    payload: String,
    config: Option<Config>,
    files: Vec<((String, String), Proposed)>,
}

/// What is remembered of a world beside what it is compared by.
pub(super) struct Beside {
    /// Where the repositories stand that were read.
    pub heads: Vec<Head>,
    /// The payload as rules see it.
    pub payload: serde_json::Value,
}

impl Run {
    /// What the world of a release is remembered under; `None` where it cannot be.
    pub(super) fn world_key(&self, release: Release, ci: Option<&dyn Snapshot>) -> Option<Key> {
        let slot = self.slot(release, ci)?;
        let payload = self.config.sources.payload.as_ref();
        let last = payload.map(|_| self.last_payload(release));
        let passed_over = self.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.releases_beside(release)?;
        let beside = format!("{known:?} {passed_over:?} {last:?}");
        let beside = crate::base::text::hex(&Sha256::digest(beside));
        Some(Key { slot, beside })
    }

    /// The releases that build data has; where each has a repository of its own, whether the first one of the next major is there.
    fn releases_beside(&self, release: Release) -> Option<Option<BTreeSet<Release>>> {
        let looked_after = looked_after(self, std::iter::once(release));
        let first = Release::new(looked_after.last()?.major + 1, 0);
        releases::in_build_data(&self.config, &self.sources, Some((first, first))).ok()
    }

    /// A world that is remembered and none of whose inputs has moved. `notes`: where it is told what was looked at of components,
    /// if anybody asks.
    pub(super) fn kept_world(&self, key: &Key, notes: Option<&Notes>) -> Option<Kept> {
        let name = key.slot.name.as_bytes();
        let inputs: Inputs = self.store.get("world-inputs", VERSION, name)?;
        let same = (&inputs.commits, &inputs.beside) == (&key.slot.commits, &key.beside);
        if !same || !self.are_unmoved(&inputs.heads) {
            return None;
        }
        let stamp = inputs.stamp()?;
        if let Some(notes) = notes {
            let (of, all): ([u8; 32], Vec<_>) = self.store.get("world-notes", VERSION, name)?;
            if of != stamp {
                return None;
            }
            notes.extend(all);
        }
        let name = key.slot.name.clone();
        Some(Kept { name, stamp })
    }

    /// Recalls it.
    pub(super) fn recall_world(&self, kept: &Kept, metadata: &Metadata) -> Option<World> {
        let memory: Memory = self.store.get("world", VERSION, kept.name.as_bytes())?;
        if memory.stamp != kept.stamp {
            return None;
        }
        let world = restored(memory, metadata)?;
        let release = metadata.release;
        tracing::debug!(%release, "nothing has moved: what it is without a change is recalled");
        Some(world)
    }

    /// Remembers a world.
    pub(super) fn remember_world(&self, key: &Key, world: &World, beside: Beside, notes: Option<&Notes>) {
        let inputs = Inputs {
            commits: key.slot.commits.clone(),
            beside: key.beside.clone(),
            heads: sorted(beside.heads),
        };
        let Some(memory) = inputs.stamp().and_then(|stamp| memory(stamp, world, &beside.payload)) else {
            return;
        };
        let name = key.slot.name.as_bytes();
        if let Some(notes) = notes {
            self.store
                .put("world-notes", VERSION, name, &(memory.stamp, notes.all()));
        }
        self.store.put("world", VERSION, name, &memory);
        self.store.put("world-inputs", VERSION, name, &inputs);
    }
}

fn sorted(mut heads: Vec<Head>) -> Vec<Head> {
    heads.sort();
    heads.dedup();
    heads
}

fn memory(stamp: [u8; 32], world: &World, payload: &serde_json::Value) -> Option<Memory> {
    let findings = world.findings.iter();
    let findings: Vec<(&Finding, &Option<String>)> = findings.map(|finding| (finding, &finding.about)).collect();
    Some(Memory {
        stamp,
        findings: serde_json::to_string(&findings).ok()?,
        images: world.judge.images().clone(),
        payload: serde_json::to_string(payload).ok()?,
        config: world.config.clone(),
        files: world
            .files
            .iter()
            .map(|(place, file)| (place.clone(), file.clone()))
            .collect(),
    })
}

fn restored(memory: Memory, metadata: &Metadata) -> Option<World> {
    let findings: Vec<(Finding, Option<String>)> = serde_json::from_str(&memory.findings).ok()?;
    let payload = serde_json::from_str(&memory.payload).ok()?;
    let findings = findings
        .into_iter()
        .map(|(finding, about)| Finding { about, ..finding });
    Some(World {
        findings: findings.collect(),
        judge: Judge::of(metadata.release, &metadata.group, &payload, memory.images),
        config: memory.config,
        files: memory.files.into_iter().collect(),
    })
}
