//! What a run is about to write, noted before the first write and taken off the list after the last.

use serde::{Deserialize, Serialize};

use crate::plan::Scope;
use crate::store::Store;

/// What is noted of one pull request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// When, in seconds since 1970-01-01.
    pub at: i64,
    /// What is to be written, for people.
    pub writes: Vec<String>,
    /// Labels and people are to be given to a new pull request: the one thing that cannot be told from GitHub's own
    /// state, where a person may have taken them away again.
    pub assign: bool,
}

/// What an unfinished run of before left to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Labels and people of a new pull request.
    pub assign: bool,
}

/// Where intents are noted.
pub trait Journal: Send + Sync {
    /// What an unfinished run noted for a pull request.
    fn unfinished(&self, scope: &Scope) -> Option<Intent>;
    /// Notes what is about to be written; it is on disk when this returns.
    fn begin(&self, scope: &Scope, intent: &Intent);
    /// Everything was written.
    fn end(&self, scope: &Scope);
}

/// Notes nothing: a run that is killed between opening and labelling leaves a pull request without labels.
pub struct NoJournal;

impl Journal for NoJournal {
    fn unfinished(&self, _: &Scope) -> Option<Intent> {
        None
    }
    fn begin(&self, _: &Scope, _: &Intent) {}
    fn end(&self, _: &Scope) {}
}

/// The embedded state keeps the journal. Where it cannot, it is as with [`NoJournal`].
impl Journal for Store {
    fn unfinished(&self, scope: &Scope) -> Option<Intent> {
        self.noted(&key(scope))
    }

    fn begin(&self, scope: &Scope, intent: &Intent) {
        if !self.note(&key(scope), intent) {
            tracing::debug!(%scope, "what is about to be written could not be noted");
        }
    }

    fn end(&self, scope: &Scope) {
        self.forget(&key(scope));
    }
}

fn key(scope: &Scope) -> String {
    format!("github {scope}")
}
