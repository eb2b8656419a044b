//! What a cut changes at once.

use crate::base::Release;
use crate::facts::ci_tags::Facts;
use crate::plan::Desired;
use crate::targets;

/// What changes at once: a config with its jobs, or a file that stands for itself.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The config's path, or that of the file.
    pub path: String,
    /// The release whose pull request it goes into.
    pub release: Release,
    /// The component, if it is about one.
    pub component: Option<String>,
    /// What the config says now; `None`: it is not there, or this is no config.
    pub before: Option<Facts>,
    /// What it will say.
    pub after: Option<Facts>,
    /// What it is to the train.
    pub role: Role,
    /// The files.
    pub files: Vec<Desired>,
}

/// What a unit is to the train.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A config, or what is left of one.
    Config {
        /// Whether its jobs were rendered and change with it.
        has_jobs: bool,
    },
    /// A file of a target with a step of its own.
    Own(&'static targets::Step),
}
