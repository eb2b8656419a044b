//! The plan's data: pull requests, the files in them, and what was left alone.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::compared::NotCompared;
use super::desired::{Bytes, Cause};
use super::policy::Accept;
use super::reach::Reach;
pub use super::scope::Scope;
use super::step::Step;
pub use super::words::{NEW_FILE, OTHER_CHANGE, REMOVED_FILE, UNREFERENCED, WHOLE_FILE};
use crate::finding::Finding;

/// What a file's change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "Kind")]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// The file is new.
    New,
    /// The file is there and differs.
    Changed,
    /// The file goes.
    Removed,
}

impl fmt::Display for ChangeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Removed => "removed",
        })
    }
}

/// One file that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// The path in the repository.
    pub path: String,
    /// What happens to it.
    pub kind: ChangeKind,
    /// The target that owns it.
    pub target: String,
    /// The component (`org/repo`) that it is about, if one.
    pub component: Option<String>,
    /// The payload tags of the images that it builds, sorted.
    pub images: Vec<String>,
    /// The bytes as they are.
    #[serde(with = "super::content")]
    pub before: Option<Bytes>,
    /// The bytes as they will be.
    #[serde(with = "super::content")]
    pub after: Option<Bytes>,
    /// Why, never empty. A new file only has causes of the field [`WHOLE_FILE`]: that each of its fields is derived
    /// goes without saying.
    pub causes: Vec<Cause>,
    /// What a reviewer should know.
    pub notes: Vec<String>,
}

/// The group of what an audit puts right. No target has it, so that a run that looks for drift leaves its requests alone.
pub const FIXES: &str = "fixes";
/// The group of what goes with a release that has ended.
pub const RETIRE: &str = "retire";

/// A pull request as it should be. Without files: none is wanted, and one that is open has lost its reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// What it is about.
    pub scope: Scope,
    /// The branch that it is made against.
    pub base: String,
    /// The files, sorted by path.
    pub files: Vec<FileChange>,
    /// The files that could not be derived in this run: what an open pull request proposes for them stays proposed.
    pub held: BTreeSet<String>,
    /// The files that are as they should be: what an open pull request proposes for them has lost its reason.
    pub settled: BTreeSet<String>,
    /// How far this run has looked. Where an open pull request was made by one that looked further, what it proposes
    /// beyond `files` and `settled` stays proposed.
    pub reach: Reach,
    /// The step of a branch cut that it is, if it is one.
    pub step: Option<Step>,
    /// Why it leaves everything to somebody else, if so; a forge finds that out.
    pub yields: Option<String>,
    /// How many files it has beside `files`, as an open pull request proposes them; a forge finds that out.
    pub carried: usize,
    /// The pull requests with images that its own are built from: they go before it.
    pub depends: BTreeSet<Scope>,
    /// When its turn is; lower ones go first.
    pub turn: u32,
    /// Why it must not be written, if so.
    pub blocked: Option<String>,
    /// What its readers, people and programs, expect of its words.
    #[serde(default)]
    pub words: Words,
    /// The title, one line.
    pub title: String,
    /// The managed part of the body, from [`BEGIN`](super::BEGIN) to [`END`](super::END).
    pub body: String,
    /// The digest of what it changes: equal digests, equal paths and contents.
    pub digest: String,
}

/// What those who read a group's pull requests expect of their words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// What title and commit message begin with; empty: nothing.
    pub prefix: String,
    /// What reviewers have to know, sentences of Markdown; empty: nothing.
    pub note: String,
}

impl PullRequest {
    /// The branch that it is made from.
    pub fn head(&self) -> String {
        self.scope.head()
    }

    /// How many files are new, changed and removed.
    pub fn counts(&self) -> Counts {
        self.files
            .iter()
            .fold(Counts::default(), |counts, file| counts.plus(file.kind))
    }
}

/// How many files are new, changed and removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Counts {
    /// New files.
    pub new: usize,
    /// Files that are there and differ.
    pub changed: usize,
    /// Files that go.
    pub removed: usize,
}

impl Counts {
    /// Counts one more.
    #[must_use]
    pub fn plus(mut self, kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::New => self.new += 1,
            ChangeKind::Changed => self.changed += 1,
            ChangeKind::Removed => self.removed += 1,
        }
        self
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.new + self.changed + self.removed
    }
}

impl fmt::Display for Counts {
    /// Writes `167 new, 1 changed`, without what is not there.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.new, "new"), (self.changed, "changed"), (self.removed, "removed")];
        let mut first = true;
        for (count, what) in parts.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, "{}{count} {what}", if first { "" } else { ", " })?;
            first = false;
        }
        if first { f.write_str("none") } else { Ok(()) }
    }
}

/// A field that differs and stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
pub struct Left {
    /// The repository, `org/repo`.
    pub repo: String,
    /// The file.
    pub path: String,
    /// The release.
    pub release: String,
    /// The field.
    pub cause: Cause,
}

/// An accepted deviation and what it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The acceptance.
    pub accept: Accept,
    /// What it covers, sorted.
    pub left: Vec<Left>,
}

/// What is tried out, against the configuration as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct WhatIf {
    /// The arguments that try it out, such as `--set vars.GO_LATEST=1.22`.
    pub tried: Vec<String>,
    /// How many files differ from what the configuration as it is asks for; none of these counts among the plan's.
    pub drift_as_it_is: Counts,
    /// What is found as it is, and no longer found so.
    pub findings_gone: Vec<Finding>,
}

/// Everything that a run would change, and what it would leave.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One for every scope that was looked at, sorted; those without files have nothing to change.
    pub pull_requests: Vec<PullRequest>,
    /// What was found on the way and while planning, as far as the configuration lets it be shown, sorted.
    pub findings: Vec<Finding>,
    /// How many findings a suppression covers.
    pub suppressed: usize,
    /// The acceptances that cover something, in the order of the configuration.
    pub accepted: Vec<Accepted>,
    /// What differs and is not adopted, sorted.
    pub not_adopted: Vec<Left>,
    /// How many files were looked at.
    pub looked_at: usize,
    /// How many of them could not be derived and stay as they are.
    pub held: usize,
    /// The images whose files these are, by release and payload tag: nothing that is said of them is about a comparison.
    pub held_images: BTreeSet<(String, String)>,
    /// How many differ and stay as they are since somebody may have meant to accept them.
    pub doubtful: usize,
    /// What was asked for and could not be compared, sorted; suppressed findings count, too.
    pub not_compared: Vec<NotCompared>,
    /// What was tried out, where the plan is what that alone changes.
    pub what_if: Option<WhatIf>,
}

impl Plan {
    /// The pull requests that change something.
    pub fn changing(&self) -> impl Iterator<Item = &PullRequest> {
        self.pull_requests.iter().filter(|pr| !pr.files.is_empty())
    }

    /// The files that change, of all pull requests.
    pub fn files(&self) -> impl Iterator<Item = &FileChange> {
        self.pull_requests.iter().flat_map(|pr| &pr.files)
    }

    /// How many files change.
    pub fn counts(&self) -> Counts {
        self.files()
            .fold(Counts::default(), |counts, file| counts.plus(file.kind))
    }

    /// Whether anything differs that is to be put right.
    pub fn has_drift(&self) -> bool {
        self.changing().next().is_some()
    }

    /// Whether everything that was asked for was compared, and nothing is to be put right.
    pub fn is_in_sync(&self) -> bool {
        !self.has_drift() && self.not_compared.is_empty() && self.doubtful == 0 && self.looked_at > 0
    }

    /// Whether a release was compared as far as it was asked for.
    pub fn compares(&self, release: &str) -> bool {
        let is_of = |one: &NotCompared| one.release.as_deref().is_none_or(|of| of == release);
        !self.not_compared.iter().any(is_of)
    }
}
