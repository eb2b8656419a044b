//! What a pull request is about, and the branch that it is made from.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::base::{RepoName, by_version};

/// The group of a train's steps. No target has it, so that nothing else writes to their branch.
pub const CUT: &str = "cut";

/// What a pull request is about: at most one is open for each.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The repository that it is made in.
    pub repo: RepoName,
    /// The release.
    pub release: String,
    /// The group of targets.
    pub group: String,
}

impl Ord for Scope {
    /// By repository, release (4.9 before 4.10) and group.
    fn cmp(&self, other: &Self) -> Ordering {
        self.repo
            .cmp(&other.repo)
            .then_with(|| by_version(&self.release).cmp(&by_version(&other.release)))
            .then_with(|| self.group.cmp(&other.group))
    }
}

impl PartialOrd for Scope {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Scope {
    /// The branch that the pull request is made from.
    pub fn head(&self) -> String {
        head(&self.group, &self.release)
    }
}

/// The branch that the pull request of a group and release is made from. The steps of a branch cut come one after the other
/// from one branch, whichever release they are about: whoever looks there knows whether a train is under way.
pub fn head(group: &str, release: &str) -> String {
    if group == CUT {
        return format!("lockstep/{CUT}");
    }
    format!("lockstep/{group}/{release}")
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.repo, self.group, self.release)
    }
}
