//! Pull requests without a network: branches of a local repository, and one JSON record each in a directory.
//!
//! A target whose source is a local repository gets its branches there. For a plain directory or a URL they go to
//! `DIR/<org>/<repo>.git`, which is seeded from the source and follows it ([`LocalForge::actual`] reads both as one).

#![expect(
    clippy::disallowed_methods,
    reason = "the local forge is repositories and records on disk"
)]

mod git;
mod look;
mod mirror;
mod overlay;
mod record;
mod train;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use git::Identity;
pub use record::{Past, PullState, Record, record_path};
pub use write::LocalWriter;

use super::ForgeError;
use crate::base::{Gate, RepoName, name_fault};
use crate::source::Snapshot;

/// Where the repository of a target is.
#[derive(Clone)]
pub enum Home {
    /// A local repository, bare or ordinary: pull requests are branches of it.
    Git(PathBuf),
    /// Something else (a plain directory, a URL): pull requests are branches of a repository seeded from it.
    Mirror(Arc<dyn Snapshot>),
}

/// The local forge's reader.
pub struct LocalForge {
    dir: PathBuf,
    homes: BTreeMap<(RepoName, String), Home>,
    identity: Identity,
    gate: Gate,
}

impl LocalForge {
    /// Names the directory of the records. It need not be there.
    pub fn new(dir: impl Into<PathBuf>, identity: Identity) -> Self {
        Self {
            dir: dir.into(),
            homes: BTreeMap::new(),
            identity,
            gate: Gate::default(),
        }
    }

    /// Asks a gate before every write.
    #[must_use]
    pub fn guarded(mut self, gate: Gate) -> Self {
        self.gate = gate;
        self
    }

    /// Says where the repository with a base branch is.
    pub fn add_home(&mut self, repo: RepoName, branch: impl Into<String>, home: Home) {
        self.homes.insert((repo, branch.into()), home);
    }

    /// The directory of the records.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn home(&self, repo: &RepoName, branch: &str) -> Result<&Home, ForgeError> {
        let key = (repo.clone(), branch.to_owned());
        self.homes.get(&key).ok_or_else(|| ForgeError::NoHome {
            repo: repo.clone(),
            branch: branch.to_owned(),
        })
    }

    /// The repository in which branches are made.
    ///
    /// # Errors
    /// When no such repository is known, or its name is not one that a path can be made of.
    pub fn repository(&self, repo: &RepoName, branch: &str) -> Result<PathBuf, ForgeError> {
        match self.home(repo, branch)? {
            Home::Git(path) => Ok(path.clone()),
            Home::Mirror(_) => self.mirror(repo),
        }
    }

    /// The target's files as they are, for planning: the source, with what was merged in the repository that was
    /// seeded from it. Without such a repository: the source itself.
    ///
    /// # Errors
    /// When the repository or the source cannot be read.
    pub fn actual(
        &self,
        repo: &RepoName,
        branch: &str,
        source: Arc<dyn Snapshot>,
    ) -> Result<Arc<dyn Snapshot>, ForgeError> {
        overlay::actual(&self.mirror(repo)?, repo, branch, source)
    }

    /// The repository that is seeded from a source.
    fn mirror(&self, repo: &RepoName) -> Result<PathBuf, ForgeError> {
        match name_fault(repo) {
            Some(why) => Err(ForgeError::Unsafe {
                what: repo.to_string(),
                why: why.to_owned(),
            }),
            None => Ok(self.dir.join(&repo.org).join(format!("{}.git", repo.repo))),
        }
    }
}
