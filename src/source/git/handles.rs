//! Handles of one repository, one for each thread that reads at the same time.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use git2::{Odb, Repository};

use super::Fault;

/// A pool of open handles. A `git2::Repository` may be used by one thread at a time, and its object database holds a
/// lock while it inflates, so threads that read at once get a handle each.
pub(super) struct Handles {
    path: PathBuf,
    idle: Mutex<Vec<Repository>>,
}

impl Handles {
    pub(super) fn new(repo: Repository) -> Self {
        Self {
            path: repo.path().to_owned(),
            idle: Mutex::new(vec![repo]),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` with an idle handle's object database, opening another handle when all are in use.
    pub(super) fn with<T>(&self, work: impl FnOnce(&Odb<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let repo = match idle {
            Some(repo) => repo,
            None => crate::source::local::open_git(&self.path)?,
        };
        let result = repo.odb().map_err(Fault::from).and_then(|odb| work(&odb));
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(repo);
        result
    }
}
