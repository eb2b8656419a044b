//! What verifies OKD's payloads, as checks and cuts look at it: gating configs, their jobs, and the release controller's files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::base::{Origin, Release};

/// All of it, of all releases.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Where it was read.
    pub origin: Origin,
    /// The gating configs by path.
    pub configs: BTreeMap<String, Arc<[u8]>>,
    /// What of all this is there and could not be read, and why: gating configs, job files, the release controller's, and folders.
    pub unreadable: BTreeMap<String, String>,
    /// The release controller's files by path.
    pub controllers: BTreeMap<String, Arc<[u8]>>,
    /// The jobs that run by the clock: those of job files, and those that will be made from the gating configs.
    pub jobs: BTreeSet<String>,
    /// Those of job files alone.
    pub written: BTreeSet<String>,
    /// The jobs of each gating config, by its path.
    pub of_configs: BTreeMap<String, Vec<String>>,
    /// Jobs that release-controller files name and that belong to repositories whose jobs are not here.
    pub elsewhere: BTreeSet<String>,
    /// The streams that are mirrored, as `namespace/name`.
    pub mirrored: BTreeSet<String>,
    /// The releases that somebody looks after.
    pub looked_after: BTreeSet<Release>,
    /// The major after theirs, where rules know of it and build data does not.
    pub next_major: Option<NextMajor>,
}

/// A major that rules know of, and of which build data has no branch yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextMajor {
    /// Its first release.
    pub first: Release,
    /// The releases from which that one is upgraded to, as far as somebody looks after them.
    pub from: Vec<Release>,
    /// The rule that says so, and its place.
    pub rule: String,
}
