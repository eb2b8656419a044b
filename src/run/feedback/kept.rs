//! What is remembered of open pull requests and of what was written: it makes looks cheap, and may be lost.

use serde::{Deserialize, Serialize};

use super::Ask;
use crate::base::RepoName;
use crate::forge::github::remark::Comment;
use crate::impact::Pull;
use crate::store::Store;

/// Must change when what is remembered has another form.
const VERSION: u32 = 3;
/// For how long answers are counted, in seconds.
const HOUR: i64 = 3_600;

/// What is remembered of a pull request.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// What it was looked at with, beside its head.
    pub key: String,
    /// When that was.
    pub looked: i64,
    /// When somebody last asked for that, and was heard.
    #[serde(default)]
    pub asked: Option<i64>,
    /// How somebody asked for it since, where that waits for its time.
    #[serde(default)]
    pub waits: Option<Ask>,
    /// What became of it.
    pub pull: Pull,
    /// Its answer, as `impact --format json` has it; none where there is nothing to say.
    pub answer: Option<String>,
    /// Our comment on it.
    pub comment: Option<Comment>,
}

impl Kept {
    /// What is remembered of a pull request.
    pub(super) fn of(store: &Store, repo: &RepoName, number: u64) -> Option<Self> {
        let text: String = store.get("pull", VERSION, name(repo, number).as_bytes())?;
        serde_json::from_str(&text).ok()
    }

    /// Remembers it.
    pub(super) fn put(&self, store: &Store) {
        // The cache's own encoding does not describe itself, and this has optional parts.
        if let Ok(text) = serde_json::to_string(self) {
            store.put("pull", VERSION, self.pull.name().as_bytes(), &text);
        }
    }
}

fn name(repo: &RepoName, number: u64) -> String {
    format!("{repo}#{number}")
}

/// How often something was done within the last hour.
#[derive(Clone, Debug)]
pub(super) struct Hour {
    what: &'static str,
    most: usize,
    at: Vec<i64>,
    now: i64,
}

impl Hour {
    /// What was done so far. `what` is what it is kept under.
    pub(super) fn of(store: &Store, what: &'static str, most: usize, now: i64) -> Self {
        let known: Option<Vec<i64>> = store.get("feedback", VERSION, what.as_bytes());
        let mut at = known.unwrap_or_default();
        at.retain(|at| now - at < HOUR);
        Self { what, most, at, now }
    }

    /// Whether it may not be done once more, and from when on it may.
    pub(super) fn is_full(&self) -> Option<i64> {
        if self.at.len() < self.most {
            return None;
        }
        let first = self.at.iter().rev().nth(self.most.saturating_sub(1));
        Some(first.map_or(self.now, |at| *at) + HOUR)
    }

    /// Counts once more.
    pub(super) fn count(&mut self) {
        self.at.push(self.now);
    }

    /// Remembers it.
    pub(super) fn put(&self, store: &Store) {
        store.put("feedback", VERSION, self.what.as_bytes(), &self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_takes_so_many_and_says_when_there_is_room() {
        let store = Store::disabled();
        let mut hour = Hour::of(&store, "sent", 2, 10_000);
        assert_eq!(hour.is_full(), None);
        hour.count();
        hour.now = 10_500;
        hour.count();
        assert_eq!(hour.is_full(), Some(13_600), "the first of them is an hour old then");
        let none = Hour::of(&store, "sent", 0, 5);
        assert_eq!(none.is_full(), Some(5 + HOUR));
    }
}
