//! What is there on the forge, as it was read.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::RepoName;

/// An issue or a comment of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The repository.
    pub repo: RepoName,
    /// The number of the issue, or of the pull request that the comment stands on.
    pub number: u64,
    /// The comment; none: it is an issue.
    pub comment: Option<u64>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Whether the issue is open; a comment always is.
    pub is_open: bool,
    /// Its text.
    pub body: String,
    /// What else was said there by ourselves.
    pub words: Vec<String>,
    /// What was said there by people who may silence.
    pub said: Vec<Said>,
}

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The comment.
    pub comment: u64,
    /// Who.
    pub author: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// The text.
    pub body: String,
}

/// A pull request that was merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// When, in seconds since 1970.
    pub at: i64,
    /// What the check had said before the merge, where it had warned.
    pub warned: Option<String>,
}

/// Whether something can be begun in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// It can; all issues of ours were looked at.
    Open,
    /// Nothing can, and why.
    Shut(String),
}

/// What a break is known by: release, payload tag and first bad commit.
pub type Key = (String, String, String);

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct There {
    /// Issues and comments of ours.
    pub objects: Vec<Object>,
    /// The pull requests that were looked at with all that was said there; `None`: it was not merged, or is not there.
    pub pulls: BTreeMap<(RepoName, u64), Option<Merged>>,
    /// The breaks that were told when somebody looked last.
    pub known: BTreeSet<Key>,
    /// Who approves changes of a repository, by its OWNERS file: the few that are named.
    pub owners: BTreeMap<RepoName, Vec<String>>,
    /// The repositories whose issues were looked at.
    pub doors: BTreeMap<RepoName, Door>,
    /// What a person who runs this should know: wishes for silence from somebody who may not, for one.
    pub notes: BTreeSet<String>,
}
