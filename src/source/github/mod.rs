//! Reads repositories through GitHub's API, many in one question, and nothing that is known already.
//!
//! What is asked for is gathered first ([`Reader::heads`], [`Reader::gather`]); [`Reader::head`] and [`Reader::open`]
//! then answer from what was gathered, and ask for single things only where a link led somewhere unforeseen.

mod ask;
mod pulls;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{CommitId, SourceError};
use crate::base::RepoName;
use crate::github;
pub use pulls::{LISTED, Open, OpenPull, PullHead};
use snapshot::{GithubSnapshot, Over};

/// A directory's entries: mode and object id by name.
type Listing = BTreeMap<String, (u32, String)>;

/// Where blobs are looked up before they are asked for, and kept afterwards.
pub trait Blobs {
    /// The bytes of a blob that is known.
    fn get(&self, oid: &str) -> Option<Arc<[u8]>>;
    /// Keeps a blob's bytes.
    fn put(&self, oid: &str, bytes: &[u8]);
}

/// Reads repositories through GitHub's API.
pub struct Reader {
    client: github::Reader,
    /// The repository whose organisation's token reads.
    home: Option<RepoName>,
    /// Whether what was reported on a branch's last step is asked for together with where the branch is.
    reports: bool,
    known: Mutex<Known>,
}

/// What was read in this run.
#[derive(Default)]
struct Known {
    /// The commit of a branch, or why it cannot be had.
    heads: BTreeMap<(RepoName, String), Result<String, Missing>>,
    /// The last step of a branch with what was reported on it, where that is asked for.
    steps: BTreeMap<(RepoName, String), LastStep>,
    /// The directories of a commit; `None`: there is no such directory.
    trees: BTreeMap<(RepoName, String, String), Option<Listing>>,
    /// Blobs by object id.
    blobs: BTreeMap<String, Arc<[u8]>>,
    /// Blobs that are too large to be read, and how large they are, in bytes.
    large: BTreeMap<String, u64>,
}

/// Why it is not known what was reported on a branch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReports {
    /// The repository is not there for this credential.
    #[error("{0} cannot be read")]
    Repository(RepoName),
    /// It has no such branch.
    #[error("{0} has no branch {1}")]
    Branch(RepoName, String),
    /// It could not be read this time.
    #[error(transparent)]
    Failed(github::Fault),
}

/// Why a branch's commit cannot be had.
#[derive(Clone, Debug)]
enum Missing {
    Branch,
    Repository,
}

/// What is wanted of one repository.
#[derive(Clone, Debug)]
pub struct ToRead {
    /// The repository.
    pub repo: RepoName,
    /// The commit.
    pub commit: CommitId,
    /// The files.
    pub files: BTreeSet<String>,
    /// Folders, with those in them: of their files those that end in one of [`ENDINGS`].
    pub folders: BTreeSet<String>,
}

/// What will be read of a commit.
#[derive(Clone, Debug)]
pub struct Foreseen {
    /// The repository.
    pub repo: RepoName,
    /// The commit.
    pub commit: CommitId,
    /// Its files, as far as they are there.
    pub files: BTreeSet<String>,
    /// Folders of which only is listed what is in them.
    pub folders: BTreeSet<String>,
}

impl Foreseen {
    /// The folders on the way to files and folders, as they are at another commit: enough to tell whether one of them is the same.
    #[must_use]
    pub fn folders_at(&self, commit: CommitId) -> Self {
        let above = |path: &String| {
            path.rsplit_once('/')
                .map_or(String::new(), |(folder, _)| folder.to_owned())
        };
        let folders = self.files.iter().chain(&self.folders).map(above);
        Self {
            repo: self.repo.clone(),
            commit,
            files: BTreeSet::new(),
            folders: folders.collect(),
        }
    }
}

/// How files of folders end that are read with them.
pub const ENDINGS: [&str; 2] = [".yaml", ".yml"];

/// A step of a branch, and what was reported on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// The commit.
    pub commit: String,
    /// Its message.
    pub message: String,
    /// The last status of each context. Anybody with write access can set one.
    pub statuses: Vec<Status>,
}

/// The last step of a branch, and what was reported on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastStep {
    /// The step before it; none before the first.
    pub parent: Option<String>,
    /// The step.
    pub step: Reported,
}

/// A status of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What it is about: of a job of Prow's after a merge, the job's name.
    pub context: String,
    /// How it stands, in GitHub's words.
    pub state: String,
    /// The address that it names, which is never followed.
    pub link: String,
    /// When it was set.
    pub created_at: String,
    /// Who set it.
    pub author: String,
}

impl Reader {
    /// Asks which pull requests of repositories are open.
    ///
    /// # Errors
    /// GitHub cannot be asked.
    pub fn open_pulls(&self, repos: &[RepoName]) -> Result<Open, github::Fault> {
        pulls::open(self, repos)
    }

    /// Asks where pull requests stand, many in one question; `None`: there is none of that number, or its repository cannot be
    /// read.
    ///
    /// # Errors
    /// GitHub cannot be asked.
    pub fn pulls(&self, asked: &[(RepoName, u64)]) -> Result<Vec<Option<PullHead>>, github::Fault> {
        pulls::heads(self, asked)
    }

    /// Asks where a pull request stands.
    ///
    /// # Errors
    /// GitHub cannot be asked, or there is no such pull request.
    pub fn pull(&self, repo: &RepoName, number: u64) -> Result<PullHead, SourceError> {
        let asked = [(repo.clone(), number)];
        let found = self.pulls(&asked).map_err(|fault| denied(repo, &fault))?;
        found.into_iter().next().flatten().ok_or_else(|| SourceError::NotFound {
            place: format!("{repo}#{number} (on GitHub, or the credential has no access to it)"),
        })
    }

    /// Asks what was reported on the last twenty steps of branches.
    ///
    /// # Errors
    /// GitHub cannot be asked, or one of the repositories or branches is not there.
    pub fn reported(
        &self,
        branches: &[(RepoName, String)],
    ) -> Result<Vec<Result<Vec<Reported>, NoReports>>, github::Fault> {
        ask::reported(self, branches)
    }

    /// Reads through a client.
    pub fn new(client: github::Client) -> Self {
        Self {
            client: github::Reader::new(client),
            home: None,
            reports: false,
            known: Mutex::default(),
        }
    }

    /// Asks what was reported on the last step of a branch whenever it asks where the branch is: one field more, and no
    /// further request.
    #[must_use]
    pub fn with_reports(mut self, reports: bool) -> Self {
        self.reports = reports;
        self
    }

    /// The last step of a branch as it was when it was last asked where the branch is; `None` where that was not asked.
    pub fn last_step(&self, repo: &RepoName, branch: &str) -> Option<LastStep> {
        self.known().steps.get(&(repo.clone(), branch.to_owned())).cloned()
    }

    /// Reads with the token for a repository: an app's token for one organisation reads what is public in all. Without
    /// it, with that of the first repository that is asked for.
    #[must_use]
    pub fn reading_as(mut self, home: Option<RepoName>) -> Self {
        self.home = home;
        self
    }

    /// What it reads through.
    pub fn client(&self) -> &github::Reader {
        &self.client
    }

    /// Forgets what was read, so that the next run sees what is there by then.
    pub fn forget(&self) {
        *self.known() = Known::default();
    }

    /// Asks where many branches are. What fails is asked for again, and told, by [`Self::head`].
    pub fn heads(&self, branches: &[(RepoName, String)]) {
        let unknown: BTreeSet<_> = {
            let known = self.known();
            branches
                .iter()
                .filter(|branch| !known.heads.contains_key(*branch))
                .cloned()
                .collect()
        };
        if let Err(error) = ask::heads(self, &unknown.into_iter().collect::<Vec<_>>()) {
            tracing::debug!(%error, "asking where branches are");
        }
    }

    /// Asks which commit a branch is at.
    ///
    /// # Errors
    /// There is no such repository or branch, or it cannot be told.
    pub fn head(&self, repo: &RepoName, branch: &str) -> Result<CommitId, SourceError> {
        let key = (repo.clone(), branch.to_owned());
        let mut found = self.known().heads.get(&key).cloned();
        if found.is_none() {
            ask::heads(self, std::slice::from_ref(&key)).map_err(|fault| denied(repo, &fault))?;
            found = self.known().heads.get(&key).cloned();
        }
        match found {
            Some(Ok(commit)) => Ok(CommitId(commit)),
            Some(Err(Missing::Branch)) => Err(SourceError::NoBranch {
                place: format!("{repo} on GitHub"),
                branch: branch.to_owned(),
                near: Vec::new(),
                count: 0,
                remote: false,
            }),
            Some(Err(Missing::Repository)) | None => Err(SourceError::NotFound {
                place: format!("{repo} (on GitHub, or the credential has no access to it)"),
            }),
        }
    }

    /// Reads directories and files of many repositories. What fails is asked for again, and told, when it is read.
    /// What is in the cache is not asked for.
    pub fn gather(&self, wanted: &[ToRead], cache: &dyn Blobs) {
        if let Err(error) = ask::gather(self, wanted, cache) {
            tracing::debug!(%error, "reading many repositories");
        }
    }

    /// Opens a branch.
    ///
    /// # Errors
    /// As [`Self::head`].
    pub fn open(self: &Arc<Self>, repo: &RepoName, branch: &str) -> Result<GithubSnapshot, SourceError> {
        let commit = self.head(repo, branch)?;
        Ok(self.open_at(repo, branch, commit))
    }

    /// Opens a repository at a commit of a branch.
    pub fn open_at(self: &Arc<Self>, repo: &RepoName, branch: &str, commit: CommitId) -> GithubSnapshot {
        GithubSnapshot::new(Arc::clone(self), repo, branch, commit)
    }

    /// Opens a repository at a commit of a branch, with some files as another commit has them.
    pub fn open_over(
        self: &Arc<Self>,
        repo: &RepoName,
        branch: &str,
        base: CommitId,
        head: CommitId,
        files: BTreeSet<String>,
    ) -> GithubSnapshot {
        GithubSnapshot::new(Arc::clone(self), repo, branch, head).over(Over { base: base.0, files })
    }

    /// Reads files and folders of commits that will be asked for, in as few questions as can be: what is in the cache is not
    /// asked for. What fails is asked for again, and told, when it is read.
    pub fn foresee(&self, wanted: &[Foreseen], cache: &dyn Blobs) {
        if let Err(error) = ask::foresee(self, wanted, cache) {
            tracing::debug!(%error, "reading many commits");
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn denied(repo: &RepoName, fault: &dyn std::fmt::Display) -> SourceError {
    SourceError::Denied {
        place: repo.to_string(),
        message: fault.to_string(),
    }
}

impl Blobs for crate::store::Store {
    fn get(&self, oid: &str) -> Option<Arc<[u8]>> {
        self.get::<Vec<u8>>("blob", 1, oid.as_bytes()).map(Arc::from)
    }

    fn put(&self, oid: &str, bytes: &[u8]) {
        self.put("blob", 1, oid.as_bytes(), &bytes);
    }
}
