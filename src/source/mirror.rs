//! Repositories fetched from URLs, kept in the state directory: `git/<host-org-repo>-<hash>.git`.
//!
//! A mirror is a bare repository that holds, for every branch asked for, its last commit without history. It can be
//! deleted at any time; what is needed of it is fetched again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use git2::{Oid, Repository, RepositoryInitOptions};

use super::http::{self, Fetched, Session, Wanted};
use super::local::open_git;
use super::{Progress, RemoteUrl, SourceError};

/// How many packs a mirror may have. Each fetch adds one, and each is looked through for every object.
const MAX_PACKS: usize = 64;

/// Where one URL's repository is kept.
pub(super) struct Mirror {
    path: PathBuf,
    place: String,
}

impl Mirror {
    pub(super) fn new(state: &Path, url: &RemoteUrl) -> Self {
        Self {
            path: state.join("git").join(url.slug()),
            place: url.to_string(),
        }
    }

    /// Opens the mirror with `commit` in it, fetching it first unless it is there. The mirror stays as it is, but for
    /// what comes in, as long as the second of the results is kept.
    pub(super) fn at(
        &self,
        session: &Session<'_>,
        branch: &str,
        commit: Oid,
        progress: Option<&Progress>,
    ) -> Result<(Repository, InUse), SourceError> {
        let in_use = self.in_use()?;
        if let Some(repo) = self.with(branch, commit) {
            return Ok((repo, in_use));
        }
        drop(in_use);
        let _lock = self.lock()?;
        // Another process or thread may have fetched it while this one waited.
        if self.with(branch, commit).is_none() {
            self.start_over_when_scattered();
            let report = |line: &str| {
                if let Some(progress) = progress {
                    progress(&format!("{} ({branch}): {line}", self.place));
                }
            };
            self.bring(session, branch, commit, &report)?;
        }
        let in_use = self.in_use()?;
        let repo = open_git(&self.path).map_err(|error| unusable(&self.path, error.message()))?;
        Ok((repo, in_use))
    }

    /// Brings a branch to a commit. Call it with the lock held.
    fn bring(
        &self,
        session: &Session<'_>,
        branch: &str,
        commit: Oid,
        report: &dyn Fn(&str),
    ) -> Result<(), SourceError> {
        let repo = self.open_or_init()?;
        if repo.find_commit(commit).is_err() {
            report("fetching");
            self.fetch(&repo, session, commit, report)?;
        }
        self.point(&repo, branch, commit)
    }

    /// Opens the mirror if the branch is at the commit and the commit is there.
    fn with(&self, branch: &str, commit: Oid) -> Option<Repository> {
        let repo = open_git(&self.path).ok()?;
        let at = repo.refname_to_id(&refname(branch)).ok()?;
        let there = at == commit && repo.find_commit(commit).is_ok();
        there.then_some(repo)
    }

    /// Keeps others from fetching into the same mirror until the result is dropped; the system ends it with the process.
    fn lock(&self) -> Result<File, SourceError> {
        let file = self.lock_file("lock")?;
        file.lock()
            .map_err(|error| unusable(&self.path.with_extension("lock"), error))?;
        Ok(file)
    }

    fn in_use(&self) -> Result<InUse, SourceError> {
        let file = self.lock_file("use")?;
        file.lock_shared()
            .map_err(|error| unusable(&self.path.with_extension("use"), error))?;
        Ok(InUse(file))
    }

    fn lock_file(&self, name: &str) -> Result<File, SourceError> {
        let path = self.path.with_extension(name);
        let dir = path.parent().unwrap_or(&path);
        fs::create_dir_all(dir).map_err(|error| unusable(dir, error))?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        file.map_err(|error| unusable(&path, error))
    }

    /// Removes a mirror that many fetches have scattered over many packs: fetching it anew costs less than gathering
    /// them, and old commits go with it. A mirror that somebody reads from is left for the next time.
    fn start_over_when_scattered(&self) {
        let packs = fs::read_dir(self.path.join("objects/pack"))
            .into_iter()
            .flatten()
            .flatten();
        if packs
            .filter(|entry| entry.path().extension().is_some_and(|kind| kind == "pack"))
            .count()
            < MAX_PACKS
        {
            return;
        }
        let Ok(readers) = self.lock_file("use") else { return };
        if readers.try_lock().is_ok() {
            let old = self.path.with_extension("old");
            // What cannot be removed now costs space and is tried again.
            let _ = fs::remove_dir_all(&old);
            if fs::rename(&self.path, &old).is_ok() {
                let _ = fs::remove_dir_all(&old);
            }
        }
    }

    /// Opens the mirror, making it (or completing one that a killed process left half made). Call it with the lock held.
    fn open_or_init(&self) -> Result<Repository, SourceError> {
        let repo = match open_git(&self.path) {
            Ok(repo) => repo,
            Err(_) => {
                let mut options = RepositoryInitOptions::new();
                options.bare(true).external_template(false);
                let made = Repository::init_opts(&self.path, &options);
                made.map_err(|error| unusable(&self.path, error.message()))?
            }
        };
        self.sweep();
        Ok(repo)
    }

    /// Removes packs that a killed process did not finish; the lock says that nobody is writing one now.
    fn sweep(&self) {
        let entries = fs::read_dir(self.path.join("objects/pack"))
            .into_iter()
            .flatten()
            .flatten();
        for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("pack_git2_")) {
            // What cannot be removed costs space and nothing else.
            let _ = fs::remove_file(entry.path());
        }
    }

    /// Fetches a commit's objects. They come into the repository as a whole pack or not at all.
    fn fetch(
        &self,
        repo: &Repository,
        session: &Session<'_>,
        commit: Oid,
        report: &dyn Fn(&str),
    ) -> Result<(), SourceError> {
        let failed = |error: git2::Error| unusable(&self.path, error.message());
        let odb = repo.odb().map_err(failed)?;
        let have = tips(repo);
        let shallow = read_shallow(&self.path);
        let wanted = Wanted {
            commit,
            have: &have,
            shallow: &shallow.iter().copied().collect::<Vec<_>>(),
        };
        let mut pack = odb.packwriter().map_err(failed)?;
        let fetched = http::fetch(session, &wanted, &mut pack, report)?;
        pack.commit().map_err(|error| SourceError::Unreachable {
            place: self.place.clone(),
            message: format!("the server's answer is damaged: {}", error.message()),
        })?;
        write_shallow(&self.path, shallow, fetched).map_err(|error| unusable(&self.path, error))?;
        odb.refresh().map_err(failed)
    }

    /// Sets the branch, after everything it needs is there.
    fn point(&self, repo: &Repository, branch: &str, commit: Oid) -> Result<(), SourceError> {
        let whole = repo.find_commit(commit).and_then(|commit| commit.tree());
        whole.map_err(|error| SourceError::Unreachable {
            place: self.place.clone(),
            message: format!("the server did not send what was asked for: {}", error.message()),
        })?;
        let set = repo.reference(&refname(branch), commit, true, "fetched");
        set.map(drop).map_err(|error| unusable(&self.path, error.message()))
    }
}

/// Names the ref that holds a branch's commit. It has no `/`: a branch `a/b` could not stand beside an `a` that is gone.
fn refname(branch: &str) -> String {
    format!("refs/heads/{}", branch.replace('%', "%25").replace('/', "%2F"))
}

/// Says that somebody reads from a mirror, for as long as it is kept.
#[derive(Debug)]
pub(super) struct InUse(#[expect(dead_code, reason = "the lock is held as long as the file is open")] File);

/// Says that the state directory is no good.
fn unusable(path: &Path, message: impl ToString) -> SourceError {
    SourceError::State {
        path: path.to_owned(),
        message: message.to_string(),
    }
}

/// Lists the commits of all branches that are there.
fn tips(repo: &Repository) -> Vec<Oid> {
    let heads = repo.references_glob("refs/heads/*").into_iter().flatten().flatten();
    let tips: BTreeSet<Oid> = heads
        .filter_map(|head| head.target())
        .filter(|oid| repo.find_commit(*oid).is_ok())
        .collect();
    tips.into_iter().collect()
}

/// Reads git's own list of commits whose parents are not there.
fn read_shallow(repo: &Path) -> BTreeSet<Oid> {
    let text = fs::read_to_string(repo.join("shallow")).unwrap_or_default();
    text.lines().filter_map(|line| Oid::from_str(line).ok()).collect()
}

fn write_shallow(repo: &Path, mut shallow: BTreeSet<Oid>, fetched: Fetched) -> io::Result<()> {
    shallow.extend(fetched.shallow);
    fetched.unshallow.iter().for_each(|oid| {
        shallow.remove(oid);
    });
    let text: String = shallow.iter().map(|oid| format!("{oid}\n")).collect();
    let new = repo.join("shallow.new");
    fs::write(&new, text)?;
    fs::rename(new, repo.join("shallow"))
}
