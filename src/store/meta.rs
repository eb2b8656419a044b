//! What the cache knows about itself, and how it stays bounded.
//!
//! A *generation* is one batch written. While there are few entries nothing is tracked. Once there are too many, marking
//! begins: every entry that is asked for is stamped with a current generation. After enough generations whatever bears
//! an older stamp is dropped. A run that changes nothing thus writes nothing, and a full pass is rare.

use serde::{Deserialize, Serialize};

use super::entry::SCHEMA;

/// Bounds of the cache.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// The number of entries above which those not in use are dropped.
    pub entries: u64,
    /// How many generations marking goes on.
    pub marking: u32,
    /// The size of the database's file above which it is started anew, in bytes.
    pub file_size: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 150_000,
            marking: 50,
            file_size: 2 << 30,
        }
    }
}

/// What the cache knows about itself; stored beside the entries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Meta {
    /// The version of the layout.
    schema: u8,
    /// How many batches were written.
    pub generation: u32,
    /// About how many entries there are; exact after a sweep.
    entries: u64,
    /// The number of entries that are known to be in use: it takes twice as many to begin anew.
    in_use: u64,
    /// The generation in which marking began, while it goes on.
    marking: Option<u32>,
}

impl Default for Meta {
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            generation: 1,
            entries: 0,
            in_use: 0,
            marking: None,
        }
    }
}

impl Meta {
    /// The key under which this is stored: no kind is empty, so no entry has it.
    pub const KEY: &'static [u8] = b"\0meta";

    /// Reads what is stored. `None` where it is damaged or of another version.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        // The version comes first in every version, so what follows is only read if it is ours.
        if bytes.first() != Some(&SCHEMA) {
            return None;
        }
        postcard::from_bytes(bytes).ok()
    }

    /// Tells whether what is stored is of a newer version.
    pub fn is_newer(bytes: &[u8]) -> bool {
        bytes.first().is_some_and(|version| *version > SCHEMA)
    }

    /// Gives the form in which this is stored.
    pub fn encode(&self) -> postcard::Result<Vec<u8>> {
        postcard::to_stdvec(self)
    }

    /// Gives the generation before which entries must be stamped anew when they are asked for; 0 for none.
    pub fn mark_before(&self) -> u32 {
        self.marking.unwrap_or(0)
    }

    /// Accounts for a batch.
    pub fn after_write(&mut self, added: usize, limits: &Limits) {
        self.generation = self.generation.saturating_add(1);
        self.entries = self.entries.saturating_add(added as u64);
        if self.marking.is_none() && self.entries > limits.entries.max(self.in_use.saturating_mul(2)) {
            self.marking = Some(self.generation);
        }
    }

    /// Gives the generation whose predecessors may be dropped, once marking has gone on for long enough.
    pub fn sweep_before(&self, limits: &Limits) -> Option<u32> {
        self.marking
            .filter(|since| self.generation.saturating_sub(*since) >= limits.marking)
    }

    /// Accounts for a sweep that left so many entries.
    pub fn after_sweep(&mut self, kept: u64, limits: &Limits) {
        self.entries = kept;
        self.in_use = if kept > limits.entries { kept } else { 0 };
        self.marking = None;
    }
}
