//! Opens sources: the way in to all kinds of snapshots.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use git2::Oid;

use super::ahead::Ahead;
use super::github::Reader;
use super::histories::{Head, Histories};
use super::http::{Client, Session};
use super::instead::Instead;
use super::local::{self, Glance, Local};
use super::mirror::Mirror;
use super::noted::{Noted, Notes, Paths};
use super::pins::{Commits, Pinned, Pins};
use super::promised::Promised;
use super::record::{Recorder, Recording};
use super::{DirectorySnapshot, GitSnapshot, Location, MAX_BLOB, RemoteUrl, Snapshot, SourceError};
use crate::base::RepoName;
use crate::net::{self, Patience};

/// A commit's full hexadecimal id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct CommitId(pub String);

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Commits by repository, place and branch; none of plain directories.
type Heads = BTreeMap<(String, String, String), Option<CommitId>>;

/// A branch with its history.
pub struct Past {
    /// Its files, and its steps.
    pub tree: Box<dyn Snapshot>,
    /// The commit that its history ends with, which other branches of the repository know; none of a plain folder.
    pub commit: Option<String>,
    /// Whether contents of its files are asked for together with those of the other branches that were opened with it.
    pub together: bool,
}

/// Is told in a short line what takes long.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// Opens repositories and directories; URLs are fetched into the state directory.
pub struct Sources {
    state: Option<PathBuf>,
    progress: Option<Progress>,
    recorder: Option<Arc<Recorder>>,
    client: OnceLock<Arc<Client>>,
    /// How long whoever has results of builds may take.
    patience: Patience,
    github: Option<Arc<Reader>>,
    pins: Pins,
    external: BTreeMap<String, String>,
    instead: Instead,
    notes: Option<Arc<Notes>>,
    /// Where branches of components are, as far as that was asked while it is not asked twice.
    heads: Option<Mutex<Heads>>,
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
            patience: net::RESULTS,
            github: None,
            pins: Pins::default(),
            external: BTreeMap::new(),
            instead: Instead::default(),
            notes: None,
            heads: None,
        }
    }

    /// Waits so long for what [`Self::below`] reads.
    #[must_use]
    pub fn waiting(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Asks from now on only once where each branch of a component is; `false`: whenever it is looked at.
    pub fn ask_once(&mut self, once: bool) {
        self.heads = once.then(Mutex::default);
    }

    /// Reads every source at the commit that is given for its branch; one that none is given for is an error.
    #[must_use]
    pub fn with_commits(mut self, commits: Commits, external: BTreeMap<String, String>) -> Self {
        self.pins = Pins::given(commits);
        self.external = external;
        self
    }

    /// As [`Self::with_commits`]; what `free` names is read at its branch's head.
    #[must_use]
    pub fn with_head_of(mut self, free: BTreeSet<String>) -> Self {
        self.pins = self.pins.with_head_of(free);
        self
    }

    /// Reads other snapshots in the place of some branches.
    pub fn set_instead(&mut self, instead: Instead) {
        self.instead = instead;
    }

    /// Notes from now on what is looked at of components; `None`: no longer.
    pub fn set_notes(&mut self, notes: Option<Arc<Notes>>) {
        self.notes = notes;
    }

    /// Whether it is noted what is looked at of components.
    pub fn takes_notes(&self) -> bool {
        self.notes.is_some()
    }

    /// Says what was looked at of a component when its facts were read, which are known now.
    pub fn note(&self, name: &str, branch: &str, paths: &Paths) {
        if let Some(notes) = &self.notes {
            notes.add(name, branch, paths);
        }
    }

    /// Digests of images that are not built here, by pullspec, as they were given.
    pub fn external(&self) -> &BTreeMap<String, String> {
        &self.external
    }

    /// The commits that sources were read at so far.
    pub fn commits(&self) -> Commits {
        self.pins.noted()
    }

    fn not_locked(name: &str, branch: &str) -> SourceError {
        SourceError::NotLocked {
            name: name.to_owned(),
            branch: branch.to_owned(),
        }
    }

    /// Has a callback told of fetches.
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Has component repositories read through GitHub's API.
    pub fn with_github(mut self, reader: Reader) -> Self {
        self.github = Some(Arc::new(reader));
        self
    }

    /// What reads component repositories through GitHub's API, where that is configured.
    pub fn github(&self) -> Option<&Arc<Reader>> {
        self.github.as_ref()
    }

    /// Opens a component repository at a branch: through GitHub's API, or as [`Self::open`] does.
    pub fn open_component(
        &self,
        repo: &RepoName,
        at: &Location,
        branch: &str,
    ) -> Result<Box<dyn Snapshot>, SourceError> {
        let opened = self.opened_component(repo, at, branch)?;
        Ok(match &self.notes {
            Some(notes) => Box::new(Noted::telling(opened, notes, &repo.to_string(), branch)),
            None => opened,
        })
    }

    fn opened_component(&self, repo: &RepoName, at: &Location, branch: &str) -> Result<Box<dyn Snapshot>, SourceError> {
        let Some(reader) = &self.github else {
            return self.open(&repo.to_string(), at, branch);
        };
        if let Some(known) = self.instead.of(&repo.to_string(), branch) {
            return Ok(self.recorded(known));
        }
        let name = at.name().unwrap_or_else(|| repo.clone());
        let snapshot = match self.pins.of(&repo.to_string(), branch) {
            Pinned::Head => reader.open(&name, branch)?,
            Pinned::At(commit) => reader.open_at(&name, branch, CommitId(commit.to_owned())),
            Pinned::Unknown => return Err(Self::not_locked(&repo.to_string(), branch)),
        };
        self.noted(&repo.to_string(), branch, &snapshot);
        Ok(self.recorded(Box::new(snapshot)))
    }

    /// Asks which commit a component repository's branch is at: through GitHub's API, or as [`Self::head`] does.
    pub fn component_head(
        &self,
        repo: &RepoName,
        at: &Location,
        branch: &str,
    ) -> Result<Option<CommitId>, SourceError> {
        let name = repo.to_string();
        if let Some(known) = self.instead.commit(&name, branch) {
            return Ok(known.map(CommitId));
        }
        let key = (name, at.to_string(), branch.to_owned());
        let heads = || {
            self.heads
                .as_ref()
                .map(|heads| heads.lock().unwrap_or_else(PoisonError::into_inner))
        };
        if let Some(known) = heads().as_ref().and_then(|heads| heads.get(&key)) {
            return Ok(known.clone());
        }
        let head = self.asked_head(repo, at, branch)?;
        if let Some(mut heads) = heads() {
            heads.insert(key, head.clone());
        }
        Ok(head)
    }

    /// Whether a component repository has a branch; `false` as well where that cannot be told.
    pub fn component_has(&self, repo: &RepoName, at: &Location, branch: &str) -> bool {
        if let Location::Path(path) = at
            && self.github.is_none()
            && self.instead.commit(&repo.to_string(), branch).is_none()
            && local::glance(path, branch) == Glance::Missing
        {
            return false;
        }
        let head = self.component_head(repo, at, branch);
        head.is_ok_and(|head| head.is_some())
    }

    fn asked_head(&self, repo: &RepoName, at: &Location, branch: &str) -> Result<Option<CommitId>, SourceError> {
        let name = repo.to_string();
        let head = match self.pins.of(&name, branch) {
            Pinned::At(commit) => Some(CommitId(commit.to_owned())),
            Pinned::Unknown => return Err(Self::not_locked(&name, branch)),
            Pinned::Head => match &self.github {
                Some(reader) => Some(reader.head(&at.name().unwrap_or_else(|| repo.clone()), branch)?),
                None => self.head(at, branch)?,
            },
        };
        if let Some(CommitId(commit)) = &head {
            self.pins.note(&name, branch, commit);
        }
        Ok(head)
    }

    /// Asks which commits branches of one repository are at, in one question where it is behind a URL. `None`: one could not be
    /// told.
    pub fn heads(&self, repo: &RepoName, at: &Location, branches: &[&str]) -> Option<Vec<String>> {
        let name = repo.to_string();
        let is_free = |branch: &&str| {
            self.instead.commit(&name, branch).is_none() && matches!(self.pins.of(&name, branch), Pinned::Head)
        };
        let Location::Url(url) = at else { return None };
        if self.github.is_some() || !branches.iter().all(is_free) {
            return None;
        }
        let heads = Session::connect(self.client(), url).ok()?.heads(branches).ok()?;
        let heads: Vec<String> = heads.iter().map(Oid::to_string).collect();
        for (branch, head) in branches.iter().zip(&heads) {
            self.pins.note(&name, branch, head);
        }
        Some(heads)
    }

    /// Has every file that is read noted.
    pub fn with_recorder(mut self, recorder: Arc<Recorder>) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// Opens a snapshot of a branch. `name` is what findings call the repository, e.g. `org/repo`.
    /// A plain directory stands for whatever branch is asked for.
    pub fn open(&self, name: &str, location: &Location, branch: &str) -> Result<Box<dyn Snapshot>, SourceError> {
        self.open_branch(name, location, Some(branch))
    }

    /// Opens a snapshot of a branch, without one of the repository's own default: the branch that its HEAD stands for. The
    /// snapshot's origin says which that is.
    pub fn open_branch(
        &self,
        name: &str,
        location: &Location,
        branch: Option<&str>,
    ) -> Result<Box<dyn Snapshot>, SourceError> {
        if let Some(known) = self.instead.of(name, branch.unwrap_or_default()) {
            return Ok(self.recorded(known));
        }
        self.really(name, location, branch)
    }

    /// Opens a branch as it is, whatever is read in its place.
    fn really(&self, name: &str, location: &Location, branch: Option<&str>) -> Result<Box<dyn Snapshot>, SourceError> {
        // What is opened at its own default branch is no source of a release.
        let pinned = branch.map_or(Pinned::Head, |branch| self.pins.of(name, branch));
        let inner = match (pinned, location) {
            (Pinned::Head, Location::Path(path)) => open_local(name, path, branch)?,
            (Pinned::Head, Location::Url(url)) => Box::new(self.open_url(name, url, branch)?),
            (Pinned::At(commit), _) => Box::new(self.at(name, location, branch.unwrap_or_default(), commit)?),
            (Pinned::Unknown, _) => return Err(Self::not_locked(name, branch.unwrap_or_default())),
        };
        if let Some(branch) = branch {
            self.noted(name, branch, &*inner);
        }
        Ok(self.recorded(inner))
    }

    fn noted(&self, name: &str, branch: &str, snapshot: &dyn Snapshot) {
        if let Some(commit) = &snapshot.origin().commit {
            self.pins.note(name, branch, commit);
        }
    }

    /// Opens a snapshot of a commit. Where the repository is on disk its id may be cut short; behind a URL it may not.
    pub fn open_at(&self, name: &str, location: &Location, commit: &str) -> Result<Box<dyn Snapshot>, SourceError> {
        Ok(self.recorded(Box::new(self.at(name, location, "", commit)?)))
    }

    /// Opens a snapshot of a commit that stands for a branch.
    ///
    /// # Errors
    /// There is no such commit.
    pub fn open_commit(
        &self,
        name: &str,
        location: &Location,
        branch: &str,
        commit: &str,
    ) -> Result<Box<dyn Snapshot>, SourceError> {
        Ok(self.recorded(Box::new(self.at(name, location, branch, commit)?)))
    }

    fn at(&self, name: &str, location: &Location, branch: &str, commit: &str) -> Result<GitSnapshot, SourceError> {
        let place = location.to_string();
        let unknown = || SourceError::NoCommit {
            place: place.clone(),
            commit: commit.to_owned(),
        };
        match location {
            Location::Path(path) => match local::find(path, &place)? {
                Local::Git(repo) => {
                    let found = repo.revparse_single(commit).and_then(|found| found.peel_to_commit());
                    let id = found.map_err(|_| unknown())?.id();
                    GitSnapshot::new(repo, id, name, branch).map_err(|error| local::damaged(&place, &error))
                }
                Local::Dir(_) => Err(unknown()),
            },
            Location::Url(url) => {
                const FULL: usize = 40;
                let id = Oid::from_str(commit)
                    .ok()
                    .filter(|_| commit.len() == FULL)
                    .ok_or_else(unknown)?;
                let Some(state) = &self.state else {
                    return Err(SourceError::NoState { place });
                };
                let session = Session::connect(self.client(), url)?;
                let (repo, in_use) = Mirror::new(state, url).at(&session, commit, id, self.progress.as_ref())?;
                let snapshot = GitSnapshot::new(repo, id, name, branch);
                Ok(snapshot
                    .map_err(|error| local::damaged(&place, &error))?
                    .holding(Arc::new(in_use), self.promised(state, url, id)))
            }
        }
    }

    /// Opens branches with all of their history. Of a repository behind a URL it is fetched, without the contents of files, and
    /// kept; a branch that has moved costs its new commits.
    ///
    /// # Errors
    /// A branch is not there, or the server does not give histories.
    pub fn open_histories(&self, name: &str, location: &Location, branches: &[&str]) -> Result<Vec<Past>, SourceError> {
        let (opened, together) = match location {
            Location::Url(url) => (self.fetched(name, url, branches)?, true),
            Location::Path(_) => {
                let open = |branch: &&str| self.really(name, location, Some(branch));
                (branches.iter().map(open).collect::<Result<_, _>>()?, false)
            }
        };
        let past = |(branch, tree): (&&str, Box<dyn Snapshot>)| {
            let commit = tree.origin().commit.clone();
            match self.instead.of(name, branch) {
                // What is read in the place of a branch would come after its head.
                Some(known) => Past {
                    tree: Box::new(Ahead::new(self.recorded(known), tree)),
                    commit,
                    together: false,
                },
                None => Past { tree, commit, together },
            }
        };
        Ok(branches.iter().zip(opened).map(past).collect())
    }

    fn fetched(&self, name: &str, url: &RemoteUrl, branches: &[&str]) -> Result<Vec<Box<dyn Snapshot>>, SourceError> {
        let place = url.to_string();
        let Some(state) = &self.state else {
            return Err(SourceError::NoState { place });
        };
        let session = Session::connect(self.client(), url)?;
        let commits = self.commits_of(name, &session, branches)?;
        let heads: Vec<Head<'_>> = branches
            .iter()
            .zip(&commits)
            .map(|(branch, commit)| Head {
                branch,
                commit: *commit,
            })
            .collect();
        let histories = Histories::new(state, url);
        let in_use = Arc::new(histories.bring(&session, &heads, self.progress.as_ref())?);
        let open = |head: &Head<'_>| {
            let snapshot = GitSnapshot::new(histories.open()?, head.commit, name, head.branch);
            let promised = self.bringing(histories.mirror().clone(), url, None);
            let snapshot = snapshot.map_err(|error| local::damaged(&place, &error))?;
            let snapshot = snapshot.holding(Arc::clone(&in_use), promised);
            self.noted(name, head.branch, &snapshot);
            Ok(self.recorded(Box::new(snapshot)))
        };
        heads.iter().map(open).collect()
    }

    /// The commits that branches are to be read at.
    fn commits_of(&self, name: &str, session: &Session<'_>, branches: &[&str]) -> Result<Vec<Oid>, SourceError> {
        let is_free = |branch: &&&str| matches!(self.pins.of(name, branch), Pinned::Head);
        let free: Vec<&str> = branches.iter().filter(is_free).copied().collect();
        let mut heads = match free.as_slice() {
            [] => Vec::new(),
            free => session.heads(free)?,
        }
        .into_iter();
        let commit = |branch: &&str| match self.pins.of(name, branch) {
            Pinned::Head => heads.next().ok_or_else(|| Self::not_locked(name, branch)),
            Pinned::At(commit) => Oid::from_str(commit).map_err(|_| Self::not_locked(name, branch)),
            Pinned::Unknown => Err(Self::not_locked(name, branch)),
        };
        branches.iter().map(commit).collect()
    }

    fn recorded(&self, inner: Box<dyn Snapshot>) -> Box<dyn Snapshot> {
        match &self.recorder {
            Some(recorder) => Box::new(Recording {
                inner,
                recorder: Arc::clone(recorder),
            }),
            None => inner,
        }
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
            Location::Path(path) => match local::glance(path, branch) {
                Glance::At(commit) => commit,
                Glance::Missing | Glance::Unclear => match local::find(path, &location.to_string())? {
                    Local::Git(repo) => local::branch_commit(&repo, branch, &location.to_string())?,
                    Local::Dir(_) => return Ok(None),
                },
            },
            Location::Url(url) => Session::connect(self.client(), url)?.branch(branch)?,
        };
        Ok(Some(CommitId(commit.to_string())))
    }

    /// Tells whether a folder is at a path.
    pub fn is_folder(&self, path: &Path) -> bool {
        path.is_dir()
    }

    /// Reads one file at a path or URL, up to [`MAX_BLOB`] bytes.
    pub fn file(&self, location: &Location) -> Result<Vec<u8>, SourceError> {
        let place = location.to_string();
        match location {
            Location::Path(path) => read_local(path, place),
            Location::Url(url) => self.client().file(url, MAX_BLOB),
        }
    }

    /// Opens what is below an address that the configuration names: a path and perhaps a query, built here. A redirect is
    /// refused, and nothing that signs is sent to another address. Of a folder on disk the query says nothing.
    ///
    /// # Errors
    /// Nothing is there, or it cannot be read.
    pub fn below(&self, base: &Location, suffix: &str, most: u64) -> Result<Box<dyn Read>, SourceError> {
        match base {
            Location::Url(url) => self.client().below(url, suffix, most),
            Location::Path(path) => {
                let name = suffix.split('?').next().unwrap_or_default().trim_start_matches('/');
                let path = path.join(name);
                let file = File::open(&path).map_err(|error| match error.kind() {
                    std::io::ErrorKind::NotFound => SourceError::NoFile {
                        place: path.display().to_string(),
                        code: None,
                    },
                    _ => SourceError::Denied {
                        place: path.display().to_string(),
                        message: error.to_string(),
                    },
                })?;
                Ok(Box::new(file.take(most)))
            }
        }
    }

    /// Reads the same whole, up to so many bytes; what is longer is cut there.
    ///
    /// # Errors
    /// As [`Self::below`]; or it breaks off.
    pub fn bytes_below(&self, base: &Location, suffix: &str, most: u64) -> Result<Vec<u8>, SourceError> {
        let mut bytes = Vec::new();
        let read = self.below(base, suffix, most)?.take(most).read_to_end(&mut bytes);
        read.map_err(|error| SourceError::Unreachable {
            place: format!("{base}{suffix}"),
            message: error.to_string(),
        })?;
        Ok(bytes)
    }

    /// The steps of a branch after one commit up to another, the newest first: each commit's id and message. Only of a
    /// repository on disk.
    ///
    /// # Errors
    /// One of the commits is not there.
    pub fn between(&self, location: &Location, after: &str, up_to: &str) -> Result<Vec<(String, String)>, SourceError> {
        const MOST: usize = 100;
        let place = location.to_string();
        let unknown = |commit: &str| SourceError::NoCommit {
            place: place.clone(),
            commit: commit.to_owned(),
        };
        let Location::Path(path) = location else {
            return Err(unknown(up_to));
        };
        let Local::Git(repo) = local::find(path, &place)? else {
            return Err(unknown(up_to));
        };
        let id = |commit: &str| Oid::from_str(commit).map_err(|_| unknown(commit));
        let (after, up_to) = (id(after)?, id(up_to)?);
        let damaged = |error: git2::Error| local::damaged(&place, &error);
        let mut walk = repo.revwalk().map_err(damaged)?;
        walk.push(up_to).map_err(|_| unknown(&up_to.to_string()))?;
        walk.hide(after).map_err(|_| unknown(&after.to_string()))?;
        walk.simplify_first_parent().map_err(damaged)?;
        let mut steps = Vec::new();
        for id in walk.take(MOST) {
            let commit = id.and_then(|id| repo.find_commit(id)).map_err(damaged)?;
            let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
            steps.push((commit.id().to_string(), message));
        }
        Ok(steps)
    }

    fn open_url(&self, name: &str, url: &RemoteUrl, branch: Option<&str>) -> Result<GitSnapshot, SourceError> {
        let place = url.to_string();
        let Some(state) = &self.state else {
            return Err(SourceError::NoState { place });
        };
        let session = Session::connect(self.client(), url)?;
        let (branch, commit) = match branch {
            Some(branch) => (branch.to_owned(), session.branch(branch)?),
            None => session.default_branch()?,
        };
        let (repo, in_use) = Mirror::new(state, url).at(&session, &branch, commit, self.progress.as_ref())?;
        let snapshot = GitSnapshot::new(repo, commit, name, &branch);
        Ok(snapshot
            .map_err(|error| local::damaged(&place, &error))?
            .holding(Arc::new(in_use), self.promised(state, url, commit)))
    }

    /// What brings the contents of a commit's files.
    fn promised(&self, state: &Path, url: &RemoteUrl, commit: Oid) -> Promised {
        self.bringing(Mirror::new(state, url), url, Some(commit))
    }

    fn bringing(&self, mirror: Mirror, url: &RemoteUrl, whole: Option<Oid>) -> Promised {
        Promised {
            mirror,
            url: url.clone(),
            client: Arc::clone(self.shared_client()),
            whole,
            progress: self.progress.clone(),
        }
    }

    /// How many requests were made of git servers so far.
    pub fn git_requests(&self) -> u64 {
        self.client.get().map_or(0, |client| client.sent())
    }

    /// The HTTP client, made when the first URL is met: most runs have none, and loading certificates takes time.
    fn client(&self) -> &Client {
        self.shared_client()
    }

    fn shared_client(&self) -> &Arc<Client> {
        self.client.get_or_init(|| Arc::new(Client::new(self.patience)))
    }
}

fn read_local(path: &Path, place: String) -> Result<Vec<u8>, SourceError> {
    let denied = |message: String| SourceError::Denied {
        place: place.clone(),
        message,
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(SourceError::NoFile { place, code: None });
        }
        Err(error) => return Err(denied(error.to_string())),
    };
    if file.metadata().is_ok_and(|meta| meta.is_dir()) {
        return Err(SourceError::NoFile {
            place: format!("{place} (a directory)"),
            code: None,
        });
    }
    let mut bytes = Vec::new();
    let read = file.take(MAX_BLOB + 1).read_to_end(&mut bytes);
    read.map_err(|error| denied(error.to_string()))?;
    if bytes.len() as u64 > MAX_BLOB {
        return Err(denied(format!("it is larger than the {MAX_BLOB} bytes that are read")));
    }
    Ok(bytes)
}

fn open_local(name: &str, path: &Path, branch: Option<&str>) -> Result<Box<dyn Snapshot>, SourceError> {
    let place = path.display().to_string();
    match local::find(path, &place)? {
        Local::Git(repo) => {
            let branch = match branch {
                Some(branch) => branch.to_owned(),
                None => local::default_branch(&repo, &place)?,
            };
            let commit = local::branch_commit(&repo, &branch, &place)?;
            let snapshot = GitSnapshot::new(repo, commit, name, &branch);
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
