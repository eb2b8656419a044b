//! What a check is: one unit with its codes, what it needs, and a pure function.

use super::Sink;
use super::context::Context;
pub use super::need::Need;
use crate::base::RepoName;
use crate::derive::Release;
use crate::finding::Code;

/// A file of a component repository that a check asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// The repository.
    pub repo: RepoName,
    /// The branch.
    pub branch: String,
    /// The file.
    pub path: String,
}

/// One check: a pure function from the facts of a release to findings.
#[derive(Debug)]
pub struct Check {
    /// The codes of its findings; the first one names the check.
    pub codes: &'static [&'static Code],
    /// What it needs; where one of these is missing it is skipped.
    pub needs: &'static [Need],
    /// The files of component repositories that it needs ([`Need::Files`]); they are read before it is run.
    pub asks: fn(&Release<'_>) -> Vec<Asked>,
    /// Looks at a release.
    pub run: fn(&Context<'_>, &mut Sink),
}

impl Check {
    /// A check that asks for no files.
    pub const fn new(
        codes: &'static [&'static Code],
        needs: &'static [Need],
        run: fn(&Context<'_>, &mut Sink),
    ) -> Self {
        let asks: fn(&Release<'_>) -> Vec<Asked> = |_| Vec::new();
        Self {
            codes,
            needs,
            asks,
            run,
        }
    }

    /// The same, which asks for files of component repositories.
    pub const fn asking(mut self, asks: fn(&Release<'_>) -> Vec<Asked>) -> Self {
        self.asks = asks;
        self
    }

    /// What the check is called: its first code.
    pub fn name(&self) -> &'static str {
        self.codes.first().map_or("", |code| code.name)
    }
}
