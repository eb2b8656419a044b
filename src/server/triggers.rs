//! What webhooks tell the daemon: to look sooner, never what to do.

use crate::base::RepoName;

/// What a verified delivery says has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// GitHub's id of the delivery, for logs.
    pub delivery: String,
    /// The repository that it happened in; `None` for what concerns an installation as a whole.
    pub repo: Option<RepoName>,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Commits were pushed to a branch, or it was made or deleted.
    Branch {
        /// The branch, without `refs/heads/`.
        branch: String,
        /// Its new commit; `None` where it is gone, or the event does not say.
        commit: Option<String>,
    },
    /// A pull request was opened, closed, labelled, commented on or changed.
    PullRequest {
        /// Its number.
        number: u64,
        /// The branch that it is made from.
        head: String,
        /// What happened to it, in GitHub's words.
        action: String,
    },
    /// Somebody asks for a look at a pull request of others: a comment says so, or GitHub's own button was pressed.
    Asked {
        /// Its number; of a button's delivery it may be missing.
        number: Option<u64>,
        /// Its head, where a button was pressed.
        head: Option<String>,
        /// The app whose button it was.
        app: Option<u64>,
    },
    /// The app was installed, or what it may see has changed.
    Installation,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It waits to be looked at; it may have been merged with one that waits already.
    Queued,
    /// Nothing here reads that repository or branch.
    Foreign,
    /// There is no room; the next full reconcile sees what it was about.
    Full,
}

/// Takes events. Must not block: it is called while a delivery waits for its answer.
pub trait Triggers: Send + Sync {
    /// Takes one event.
    fn tell(&self, event: Event) -> Told;
}
