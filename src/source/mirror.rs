//! Repositories fetched from URLs, kept in the state directory: `git/<host-org-repo>-<hash>.git`.
//!
//! A mirror is a bare repository that holds, for every branch asked for, its last commit without history, and of its files
//! those that were read: a server that can leaves the contents of files out, and gives them by their ids when they are asked
//! for ([`Promised`](super::promised::Promised)). It can be deleted at any time; what is needed of it is fetched again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid, PackBuilder, Repository, RepositoryInitOptions};

use super::http::{self, FetchRequest, Fetched, Session, What};
use super::local::open_git;
use super::{Progress, RemoteUrl, SourceError};

/// How many packs a mirror may have. Each fetch adds one, and each is looked through for every object.
pub(super) const MAX_PACKS: usize = 64;
/// As many files are asked for at once.
const MAX_WANTED: usize = 10_000;
/// The list of commits of which not all files are here.
const PARTIAL: &str = "partial";

/// Where one URL's repository is kept.
#[derive(Clone, Debug)]
pub(super) struct Mirror {
    pub(super) path: PathBuf,
    pub(super) place: String,
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
            self.tidy();
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
    pub(super) fn lock(&self) -> Result<File, SourceError> {
        let file = self.lock_file("lock")?;
        file.lock()
            .map_err(|error| unusable(&self.path.with_extension("lock"), error))?;
        Ok(file)
    }

    pub(super) fn in_use(&self) -> Result<InUse, SourceError> {
        let file = self.lock_file("use")?;
        file.lock_shared()
            .map_err(|error| unusable(&self.path.with_extension("use"), error))?;
        Ok(InUse(file))
    }

    pub(super) fn lock_file(&self, name: &str) -> Result<File, SourceError> {
        let path = self.path.with_extension(name);
        let dir = path.parent().unwrap_or(&path);
        fs::create_dir_all(dir).map_err(|error| unusable(dir, error))?;
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        file.map_err(|error| unusable(&path, error))
    }

    /// Gathers a mirror that many fetches have scattered over many packs into one, which holds what its branches need; old
    /// commits go. Where that fails, it goes whole, and is fetched anew. One that somebody reads from is left for the next
    /// time.
    fn tidy(&self) {
        let packs = self.packs();
        if packs.len() < MAX_PACKS {
            return;
        }
        let Ok(readers) = self.lock_file("use") else { return };
        if readers.try_lock().is_err() || self.gather(&packs).is_ok() {
            return;
        }
        let old = self.path.with_extension("old");
        // What cannot be removed now costs space and is tried again.
        let _ = fs::remove_dir_all(&old);
        if fs::rename(&self.path, &old).is_ok() {
            let _ = fs::remove_dir_all(&old);
        }
    }

    /// The packs of the mirror.
    pub(super) fn packs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path.join("objects/pack"))
            .into_iter()
            .flatten()
            .flatten();
        let paths = entries.map(|entry| entry.path());
        paths
            .filter(|path| path.extension().is_some_and(|kind| kind == "pack"))
            .collect()
    }

    /// Writes what the branches need into one pack, and removes those that there were.
    fn gather(&self, packs: &[PathBuf]) -> Result<(), git2::Error> {
        let repo = open_git(&self.path)?;
        let odb = repo.odb()?;
        let mut builder = repo.packbuilder()?;
        let (mut seen, mut trees) = (BTreeSet::new(), Vec::new());
        for commit in tips(&repo) {
            if seen.insert(commit) {
                builder.insert_object(commit, None)?;
                trees.push(repo.find_commit(commit)?.tree_id());
            }
        }
        while let Some(tree) = trees.pop() {
            if !seen.insert(tree) {
                continue;
            }
            builder.insert_object(tree, None)?;
            for entry in &repo.find_tree(tree)? {
                match entry.kind() {
                    Some(ObjectType::Tree) => trees.push(entry.id()),
                    Some(ObjectType::Blob) if seen.insert(entry.id()) && odb.exists(entry.id()) => {
                        builder.insert_object(entry.id(), None)?;
                    }
                    _ => {}
                }
            }
        }
        self.replace(packs, builder)
    }

    /// Writes a pack that holds what is in some others, and removes those.
    pub(super) fn replace(&self, packs: &[PathBuf], mut builder: PackBuilder<'_>) -> Result<(), git2::Error> {
        builder.write(&self.path.join("objects/pack"), 0)?;
        let new = builder.name()?.map(|name| format!("pack-{name}.pack"));
        let is_new = |pack: &&PathBuf| pack.file_name().and_then(|name| name.to_str()) == new.as_deref();
        if new.is_none() || !self.packs().iter().any(|pack| is_new(&pack)) {
            return Err(git2::Error::from_str("the new pack is not there"));
        }
        for pack in packs.iter().filter(|pack| !is_new(pack)) {
            // What cannot be removed costs space; what is in it is in the new one.
            let _ = fs::remove_file(pack.with_extension("idx"));
            let _ = fs::remove_file(pack);
        }
        Ok(())
    }

    /// Opens the mirror, making it (or completing one that a killed process left half made). Call it with the lock held.
    pub(super) fn open_or_init(&self) -> Result<Repository, SourceError> {
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

    /// Fetches a commit: without the contents of files from a server that offers that, and whole where it does not, or does
    /// not do what it offers.
    fn fetch(
        &self,
        repo: &Repository,
        session: &Session<'_>,
        commit: Oid,
        report: &dyn Fn(&str),
    ) -> Result<(), SourceError> {
        if session.filters() {
            // Written first: a commit that is listed and whole costs a question more, one that is not listed and lacks files
            // would be taken for whole.
            self.note_partial(commit, true)?;
            match self.take(repo, session, What::Trees(commit), report) {
                Ok(()) => return Ok(()),
                Err(error @ SourceError::State { .. }) => return Err(error),
                Err(error) => {
                    let place = &self.place;
                    tracing::info!(
                        "{place} offers to leave the contents of files out and does not do it; all is fetched ({error})"
                    );
                }
            }
        }
        self.take(repo, session, What::Whole(commit), report)?;
        self.note_partial(commit, false)
    }

    /// Takes in what is wanted. It comes into the repository as a whole pack or not at all.
    pub(super) fn take(
        &self,
        repo: &Repository,
        session: &Session<'_>,
        what: What<'_>,
        report: &dyn Fn(&str),
    ) -> Result<(), SourceError> {
        let failed = |error: git2::Error| unusable(&self.path, error.message());
        let odb = repo.odb().map_err(failed)?;
        let have = match what {
            What::Trees(_) | What::History(_) => tips(repo),
            // What a commit without its files "has" the server would leave out.
            What::Whole(_) => {
                let partial = read_oids(&self.path.join(PARTIAL));
                tips(repo).into_iter().filter(|tip| !partial.contains(tip)).collect()
            }
            What::Blobs(_) => Vec::new(),
        };
        let shallow = read_oids(&self.path.join("shallow"));
        let wanted = FetchRequest {
            what,
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

    /// Notes whether a commit lacks files here.
    fn note_partial(&self, commit: Oid, lacks: bool) -> Result<(), SourceError> {
        let path = self.path.join(PARTIAL);
        let mut known = read_oids(&path);
        let changed = if lacks {
            known.insert(commit)
        } else {
            known.remove(&commit)
        };
        if changed {
            write_oids(&path, &known).map_err(|error| unusable(&path, error))?;
        }
        Ok(())
    }

    /// Brings contents of files. `whole`: the commit that is fetched with all of its files where the server does not give them
    /// by their ids.
    pub(super) fn bring_blobs(
        &self,
        session: &Session<'_>,
        whole: Option<Oid>,
        wanted: &[Oid],
        report: &dyn Fn(&str),
    ) -> Result<(), SourceError> {
        let _lock = self.lock()?;
        let repo = open_git(&self.path).map_err(|error| unusable(&self.path, error.message()))?;
        let lacking = || -> Result<Vec<Oid>, SourceError> {
            let odb = repo.odb().map_err(|error| unusable(&self.path, error.message()))?;
            Ok(wanted.iter().copied().filter(|oid| !odb.exists(*oid)).collect())
        };
        // Another thread or process may have brought them while this one waited.
        let missing = lacking()?;
        if missing.is_empty() {
            return Ok(());
        }
        report(&format!("fetching {} files", missing.len()));
        for some in missing.chunks(MAX_WANTED) {
            match self.take(&repo, session, What::Blobs(some), report) {
                Err(error) if whole.is_none() => return Err(error),
                Err(error) => {
                    tracing::debug!("{error}");
                    break;
                }
                Ok(()) => {}
            }
        }
        let still = lacking()?;
        let still = match whole {
            Some(commit) if !still.is_empty() => {
                tracing::info!(
                    "{} does not give files by their ids; all of commit {commit} is fetched",
                    self.place
                );
                self.take(&repo, session, What::Whole(commit), report)?;
                self.note_partial(commit, false)?;
                lacking()?
            }
            _ => still,
        };
        let Some(first) = still.first() else { return Ok(()) };
        let of = whole.map_or_else(String::new, |commit| format!(" of commit {commit}"));
        Err(SourceError::Unreachable {
            place: self.place.clone(),
            message: format!("the server has not got what it promised: {first}{of}"),
        })
    }

    /// Sets the branch, after everything it needs is there.
    pub(super) fn point(&self, repo: &Repository, branch: &str, commit: Oid) -> Result<(), SourceError> {
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
pub(super) fn refname(branch: &str) -> String {
    format!("refs/heads/{}", branch.replace('%', "%25").replace('/', "%2F"))
}

/// Says that somebody reads from a mirror, for as long as it is kept.
#[derive(Debug)]
pub(super) struct InUse(#[expect(dead_code, reason = "the lock is held as long as the file is open")] File);

/// Says that the state directory is no good.
pub(super) fn unusable(path: &Path, message: impl ToString) -> SourceError {
    SourceError::State {
        path: path.to_owned(),
        message: message.to_string(),
    }
}

/// Lists the commits of all branches that are there.
pub(super) fn tips(repo: &Repository) -> Vec<Oid> {
    let heads = repo.references_glob("refs/heads/*").into_iter().flatten().flatten();
    let tips: BTreeSet<Oid> = heads
        .filter_map(|head| head.target())
        .filter(|oid| repo.find_commit(*oid).is_ok())
        .collect();
    tips.into_iter().collect()
}

/// Reads a list of ids, such as git's own of commits whose parents are not there.
fn read_oids(path: &Path) -> BTreeSet<Oid> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| Oid::from_str(line).ok()).collect()
}

fn write_shallow(repo: &Path, mut shallow: BTreeSet<Oid>, fetched: Fetched) -> io::Result<()> {
    shallow.extend(fetched.shallow);
    fetched.unshallow.iter().for_each(|oid| {
        shallow.remove(oid);
    });
    write_oids(&repo.join("shallow"), &shallow)
}

fn write_oids(path: &Path, oids: &BTreeSet<Oid>) -> io::Result<()> {
    let text: String = oids.iter().map(|oid| format!("{oid}\n")).collect();
    let new = path.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, path)
}
