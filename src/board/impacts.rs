//! Open pull requests of others, and what each was told.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Time;
use crate::impact::{Pull, State};

/// What is known of open pull requests of others.
#[derive(Clone, Debug, Default)]
pub struct Impacts {
    /// When all of them were looked at last; `None`: they never were, or are not to be.
    pub looked_at: Option<Time>,
    /// Them, sorted by repository and number.
    pub pulls: Vec<Pull>,
    /// The answers of those that have one, by name, as `impact --format json` has them.
    pub answers: BTreeMap<String, Arc<str>>,
    /// Repositories that cannot be read.
    pub unread: Vec<String>,
    /// How many older open ones are not looked at, by repository.
    pub left_out: BTreeMap<String, u64>,
    /// Why the last look failed as a whole.
    pub error: Option<String>,
}

impl Impacts {
    /// How many stand so.
    pub fn count(&self, state: State) -> usize {
        self.pulls.iter().filter(|pull| pull.state == state).count()
    }

    /// One of them.
    pub fn pull(&self, repository: &str, number: u64) -> Option<&Pull> {
        self.pulls
            .iter()
            .find(|pull| pull.repository == repository && pull.pull == number)
    }
}
