//! An issue or comment while it is planned what it is to say.

use super::object::Object;
use super::page::Page;
use crate::base::RepoName;

/// An issue or comment, as it is or as it is to be.
pub(super) struct Draft<'t> {
    pub(super) repo: RepoName,
    pub(super) spot: Spot,
    pub(super) object: Option<&'t Object>,
    pub(super) page: Page,
}

/// Where something is told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// A comment on this pull request.
    Pull(u64),
    Issue,
    Table,
}

impl Draft<'_> {
    /// Whether it is open; a comment is.
    pub(super) fn is_open(&self) -> bool {
        self.object.is_none_or(|object| object.is_open)
    }

    /// Whether a person has closed it.
    pub(super) fn is_closed_by_person(&self) -> bool {
        !self.is_open() && !self.page.is_closed
    }

    /// What people know it by.
    pub(super) fn name(&self) -> String {
        let number = self
            .object
            .map_or_else(String::new, |object| format!("#{}", object.number));
        format!("{}{number}", self.repo)
    }
}
