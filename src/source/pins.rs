//! The commits that sources are read at: noted as they are opened, or given beforehand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// Commits by repository and branch.
pub type Commits = BTreeMap<(String, String), String>;

/// The commits of one run.
#[derive(Debug, Default)]
pub(super) struct Pins {
    /// What is given; `None`: sources are read at their branches' heads.
    given: Option<Commits>,
    /// Repositories that are read at their branches' heads all the same.
    free: BTreeSet<String>,
    noted: Mutex<Commits>,
}

/// What is known of the commit that a branch is to be read at.
pub(super) enum Pinned<'p> {
    /// Its head.
    Head,
    /// This commit.
    At(&'p str),
    /// Commits are given, and none for it.
    Unknown,
}

impl Pins {
    pub(super) fn given(commits: Commits) -> Self {
        Self {
            given: Some(commits),
            free: BTreeSet::new(),
            noted: Mutex::default(),
        }
    }

    pub(super) fn with_head_of(self, free: BTreeSet<String>) -> Self {
        Self { free, ..self }
    }

    pub(super) fn of(&self, name: &str, branch: &str) -> Pinned<'_> {
        let Some(given) = self.given.as_ref().filter(|_| !self.free.contains(name)) else {
            return Pinned::Head;
        };
        match given.get(&(name.to_owned(), branch.to_owned())) {
            Some(commit) => Pinned::At(commit),
            None => Pinned::Unknown,
        }
    }

    pub(super) fn note(&self, name: &str, branch: &str, commit: &str) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.insert((name.to_owned(), branch.to_owned()), commit.to_owned());
    }

    pub(super) fn noted(&self) -> Commits {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
