//! Pull requests: observed through what cannot write, decided by a pure function, written by a struct that can be told
//! not to.
//!
//! For each [`PullRequest`](crate::plan::PullRequest) of a plan, a look says what is there ([`Observed`]),
//! [`classify`] names what is to be done, [`decide`] lists the writes. Only a writer (such as [`local::LocalWriter`])
//! performs them; in a dry run it returns the same list and does nothing.

mod carry;
mod classify;
mod decide;
pub mod github;
mod kept;
pub mod local;
mod names;
mod train;
mod view;
mod waits;

use std::fmt;

use serde::Serialize;

pub use classify::{Action, Branch, Request, State, Wanted, classify};
pub use decide::{Write, decide};
pub use kept::Kept;
pub use train::{StepState, Train};
pub use view::{OutcomeView, PlannedView, ReconciledView, foretold};
pub use waits::Waits;

use crate::base::{Barred, RepoName};
use crate::plan::Scope;

/// What is there for one pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What counts for the decision.
    pub state: State,
    /// The base branch's commit; `None` where the repository has yet to be made.
    pub base: Option<String>,
    /// The head branch's commit; what a write to the branch expects to find.
    pub head: Option<String>,
    /// The title and body that are there; an edit keeps what people wrote.
    pub text: Option<Text>,
    /// Whether the title is the one that was last written here; otherwise a person's.
    pub title_is_ours: bool,
    /// What has to be written before anything else: a repository that has to be made or follow its source.
    pub first: Vec<Write>,
    /// What is to be said of content that was merged before and was taken back.
    pub returned: Option<String>,
    /// What a person should know, e.g. whose commits stand on the branch.
    pub notes: Vec<String>,
}

/// What a person can do about a branch with their commits that no open pull request is made from: nothing else would
/// ever go on there.
fn way_out(observed: &Observed, head: &str) -> Option<String> {
    let open = matches!(observed.state.request, Request::Open { .. });
    (!open).then(|| {
        format!("no pull request is open from {head}, and nothing is pushed over these commits: open one by hand, or delete the branch and the next run goes on")
    })
}

/// Says how often content was merged and taken back. `merges`: what people call these merges; `by`: who took it back last.
fn taken_back(merges: &[String], by: &str) -> String {
    let times = match merges.len() {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    format!(
        "this content was merged {times} ({}) and taken back each time{by}; accept the deviation, or put metadata or rules right",
        merges.join(", ")
    )
}

/// A pull request's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Text {
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
}

/// What came of one pull request.
#[derive(Debug)]
pub struct Outcome {
    /// What it is about.
    pub scope: Scope,
    /// What was decided; `None` where that could not be told.
    pub action: Option<Action>,
    /// What was written, or would be in a dry run. With an error: up to the write that failed, without it.
    pub writes: Vec<Write>,
    /// Why it waits for a later run, if it does.
    pub waits: Option<Waits>,
    /// Where a person can look at it, if anywhere.
    pub url: Option<String>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// What failed. The other pull requests are not affected.
    pub error: Option<ForgeError>,
}

impl Outcome {
    /// Starts with nothing decided.
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            action: None,
            writes: Vec::new(),
            waits: None,
            url: None,
            notes: Vec::new(),
            error: None,
        }
    }
}

impl fmt::Display for Outcome {
    /// Writes one line, and one more for each note, write and failure.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let safe = |text: String| crate::base::text::terminal(&text);
        f.write_str(&safe(self.scope.to_string()))?;
        if let Some(action) = self.action {
            write!(f, ": {action}")?;
        }
        if let Some(waits) = &self.waits {
            write!(f, "\n  {}", safe(waits.to_string()))?;
        }
        for write in &self.writes {
            write!(f, "\n  {}", safe(write.to_string()))?;
        }
        for note in &self.notes {
            write!(f, "\n  note: {}", safe(note.clone()))?;
        }
        match &self.error {
            Some(error) => write!(f, "\n  error: {}", safe(error.to_string())),
            None => Ok(()),
        }
    }
}

/// Why a pull request could not be observed or written.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The configuration does not say where the repository is.
    #[error("no repository is known for {repo}, branch {branch}")]
    NoHome {
        /// The repository.
        repo: RepoName,
        /// The base branch.
        branch: String,
    },
    /// A name or path that must not be written.
    #[error("`{what}` cannot be written: {why}")]
    Unsafe {
        /// The name or path.
        what: String,
        /// Why not.
        why: String,
    },
    /// The base branch is not there.
    #[error("{repo} has no branch `{branch}` to make a pull request against")]
    NoBase {
        /// The repository.
        repo: RepoName,
        /// The branch.
        branch: String,
    },
    /// The base has moved since the plan was made.
    #[error("`{path}` of {repo} has changed since the plan was made: make a new plan")]
    Stale {
        /// The repository.
        repo: RepoName,
        /// The file.
        path: String,
    },
    /// What was looked at is no longer what would be written.
    #[error("nothing is written: {0}; make a new plan")]
    Moved(String),
    /// The head branch is checked out in a work tree, which would show the change reverted.
    #[error("branch `{branch}` of {repo} is checked out in a work tree: check out another one")]
    CheckedOut {
        /// The repository.
        repo: RepoName,
        /// The branch.
        branch: String,
    },
    /// A record on disk that cannot be read or written.
    #[error("{file}: {message}")]
    Record {
        /// The record's file.
        file: String,
        /// What is wrong with it.
        message: String,
    },
    /// Nobody can tell whether a branch cut is under way.
    #[error("whether a branch cut is under way cannot be told, so nothing is written: {0}")]
    Train(String),
    /// This process must not write any more.
    #[error("nothing more is written: {0}")]
    Fenced(Barred),
    /// The source of a mirrored repository could not be read.
    #[error("the source of {repo} cannot be read: {message}")]
    Source {
        /// The repository.
        repo: RepoName,
        /// What the source said.
        message: String,
    },
    /// The repository is read-only.
    #[error("{repo} is archived: nothing can be written to it; take it out of metadata or out of the configuration")]
    Archived {
        /// The repository.
        repo: RepoName,
    },
    /// The fork that branches are made in is not there.
    #[error("there is no fork {fork} of {repo} (`forge.fork`): fork it, or install the app in it")]
    NoFork {
        /// The repository.
        repo: RepoName,
        /// The fork.
        fork: RepoName,
    },
    /// GitHub could not be asked, or did not do it.
    #[error("{0}")]
    GitHub(#[from] crate::github::Fault),
    /// libgit2 failed.
    #[error("{what}: {}", source.message())]
    Git {
        /// What was being done.
        what: String,
        /// What libgit2 said.
        source: git2::Error,
    },
}
