//! Opens sources: the way in to all kinds of snapshots.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::http::{Client, Session};
use super::local::{self, Local};
use super::mirror::Mirror;
use super::record::{Recorder, Recording};
use super::{DirectorySnapshot, GitSnapshot, Location, RemoteUrl, Snapshot, SourceError};

/// A commit's full hexadecimal id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct CommitId(pub String);

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Is told in a short line what takes long.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// Opens repositories and directories; URLs are fetched into the state directory.
pub struct Sources {
    state: Option<PathBuf>,
    progress: Option<Progress>,
    recorder: Option<Arc<Recorder>>,
    client: OnceLock<Client>,
}

impl Sources {
    /// Makes a way in to sources. Without `state`, where fetched repositories are kept, only local paths can be opened.
    pub fn new(state: Option<PathBuf>) -> Self {
        local::prepare_git();
        Self {
            state,
            progress: None,
            recorder: None,
            client: OnceLock::new(),
        }
    }

    /// Has a callback told of fetches.
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Has every file that is read noted.
    pub fn with_recorder(mut self, recorder: Arc<Recorder>) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Opens a snapshot of a branch. `name` is what findings call the repository, e.g. `org/repo`.
    /// A plain directory stands for whatever branch is asked for.
    pub fn open(&self, name: &str, location: &Location, branch: &str) -> Result<Box<dyn Snapshot>, SourceError> {
        let inner = match location {
            Location::Path(path) => open_local(name, path, branch)?,
            Location::Url(url) => Box::new(self.open_url(name, url, branch)?),
        };
        Ok(match &self.recorder {
            Some(recorder) => Box::new(Recording {
                inner,
                recorder: Arc::clone(recorder),
            }),
            None => inner,
        })
    }

    /// Lists the branches by name; `None` for a plain directory, which stands for any.
    pub fn branches(&self, location: &Location) -> Result<Option<Vec<String>>, SourceError> {
        match location {
            Location::Path(path) => match local::find(path, &location.to_string())? {
                Local::Git(repo) => local::branch_names(&repo, &location.to_string()).map(Some),
                Local::Dir(_) => Ok(None),
            },
            Location::Url(url) => Session::connect(self.client(), url)?.branches().map(Some),
        }
    }

    /// Asks which commit a branch is at, without fetching; `None` for a plain directory. A missing branch is an error.
    pub fn head(&self, location: &Location, branch: &str) -> Result<Option<CommitId>, SourceError> {
        let commit = match location {
            Location::Path(path) => match local::find(path, &location.to_string())? {
                Local::Git(repo) => local::branch_commit(&repo, branch, &location.to_string())?,
                Local::Dir(_) => return Ok(None),
            },
            Location::Url(url) => Session::connect(self.client(), url)?.branch(branch)?,
        };
        Ok(Some(CommitId(commit.to_string())))
    }

    fn open_url(&self, name: &str, url: &RemoteUrl, branch: &str) -> Result<GitSnapshot, SourceError> {
        let place = url.to_string();
        let Some(state) = &self.state else {
            return Err(SourceError::NoState { place });
        };
        let session = Session::connect(self.client(), url)?;
        let commit = session.branch(branch)?;
        let (repo, in_use) = Mirror::new(state, url).at(&session, branch, commit, self.progress.as_ref())?;
        let snapshot = GitSnapshot::new(repo, commit, name, branch);
        Ok(snapshot
            .map_err(|error| local::damaged(&place, &error))?
            .holding(in_use))
    }

    /// The HTTP client, made when the first URL is met: most runs have none, and loading certificates takes time.
    fn client(&self) -> &Client {
        self.client.get_or_init(Client::new)
    }
}

fn open_local(name: &str, path: &Path, branch: &str) -> Result<Box<dyn Snapshot>, SourceError> {
    let place = path.display().to_string();
    match local::find(path, &place)? {
        Local::Git(repo) => {
            let commit = local::branch_commit(&repo, branch, &place)?;
            let snapshot = GitSnapshot::new(repo, commit, name, branch);
            Ok(Box::new(snapshot.map_err(|error| local::damaged(&place, &error))?))
        }
        Local::Dir(path) => match DirectorySnapshot::open(name, &path) {
            Ok(snapshot) => Ok(Box::new(snapshot)),
            Err(error) => Err(SourceError::Denied {
                place,
                message: error.to_string(),
            }),
        },
    }
}
