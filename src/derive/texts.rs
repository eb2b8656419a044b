//! Texts of files of components that somebody asked for beside what a release is derived from.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base::RepoName;

/// A file that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileText {
    /// Its text.
    Text(Arc<str>),
    /// Nothing is there.
    Missing,
    /// It is there and cannot be read as text.
    Unreadable,
}

/// Files of components by repository and path, each at the branch that the release is built from.
#[derive(Clone, Debug, Default)]
pub struct Texts(BTreeMap<RepoName, BTreeMap<String, FileText>>);

impl Texts {
    /// A file; none where it was not asked for, or its repository cannot be read.
    pub fn get(&self, repo: &RepoName, path: &str) -> Option<&FileText> {
        self.0.get(repo)?.get(path)
    }

    /// Takes a file in.
    pub fn insert(&mut self, repo: RepoName, path: impl Into<String>, text: FileText) {
        self.0.entry(repo).or_default().insert(path.into(), text);
    }

    /// Takes what others were asked for in.
    pub fn extend(&mut self, more: Self) {
        for (repo, files) in more.0 {
            self.0.entry(repo).or_default().extend(files);
        }
    }
}
