//! The repositories that targets write to: opened, and read as far as a target looks at them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::heads::Head;
use super::{Run, RunError};
use crate::base::{Release, RepoName};
use crate::config::{CiConfig, Forge};
use crate::source::github::{Blobs, ToRead};
use crate::source::{CommitId, EntryKind, Location, Snapshot, SourceError};
use crate::targets::{Actual, Destination, Reads, Tree};

/// Must change when the same commit yields another list.
const VERSION: u32 = 4;

/// A branch of a repository that pull requests go to, opened: with what the local forge has merged.
#[derive(Clone)]
pub(super) struct Ground {
    /// The repository.
    pub name: RepoName,
    /// The branch.
    pub branch: String,
    /// Its files.
    pub snapshot: Arc<dyn Snapshot>,
    /// Where it stands; `None` where that does not tell what is read (the CI configs' commit is asked for by itself).
    pub head: Option<Head>,
    /// Whether the same commit has the same files: not where the local forge merges into a copy.
    pub is_settled: bool,
}

/// Why a target has nowhere to write to.
#[derive(Clone)]
pub(super) enum NoGround {
    /// No source is configured for it: what is missing.
    Unconfigured(&'static str),
    /// It cannot be read.
    Unreadable(String),
    /// None of the branches is there.
    NoBranch(RepoName, Vec<String>),
}

/// The repositories that targets of one run write to, each opened once.
pub(super) struct Grounds<'r> {
    run: &'r Run,
    ci: Option<&'r Arc<dyn Snapshot>>,
    known: Mutex<Known>,
}

/// What came of opening each destination, by the release that it was opened for.
type Known = BTreeMap<(Option<Release>, Destination), Result<Ground, NoGround>>;

impl<'r> Grounds<'r> {
    pub fn new(run: &'r Run, ci: Option<&'r Arc<dyn Snapshot>>) -> Self {
        let known = Mutex::default();
        Self { run, ci, known }
    }

    /// Opens the repository of a destination.
    ///
    /// # Errors
    /// What the local forge has merged in the CI configs cannot be read: nothing could be said of any target there.
    pub fn open(&self, release: Release, destination: &Destination) -> Result<Result<Ground, NoGround>, RunError> {
        // One for all releases, where that is so.
        let of = (*destination != Destination::CiConfig).then_some(release);
        let key = (of, destination.clone());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ground) = known().get(&key) {
            return Ok(ground.clone());
        }
        let ground = match destination {
            Destination::CiConfig => self.ci_config()?,
            Destination::BuildData => self.build_data(release),
            Destination::Repository { name, branches } => self.repository(release, name, branches),
            Destination::Former { name, branch } => self.repository(release, name, std::slice::from_ref(branch)),
        };
        known().insert(key, ground.clone());
        Ok(ground)
    }

    fn ci_config(&self) -> Result<Result<Ground, NoGround>, RunError> {
        let known = self.run.config.sources.ci_config.as_ref();
        let known = known.and_then(|config| Some((config.name()?, config)));
        let (Some(ci), Some((name, config))) = (self.ci, known) else {
            return Ok(Err(NoGround::Unconfigured("sources.ci-config")));
        };
        let branch = config.base(ci.origin());
        let snapshot = self.merged(&name, &branch, Arc::clone(ci))?;
        Ok(Ok(Ground {
            name,
            branch,
            snapshot,
            head: None,
            is_settled: true,
        }))
    }

    fn build_data(&self, release: Release) -> Result<Ground, NoGround> {
        let build_data = &self.run.config.sources.build_data;
        let (location, branch) = (build_data.repo(release), build_data.branch(release));
        let name = location.name().ok_or(NoGround::Unconfigured("sources.build-data"))?;
        let opened = self.run.sources.open(&name.to_string(), &location, &branch);
        self.ground(release, name, branch, &location, opened)
    }

    fn repository(&self, release: Release, name: &RepoName, branches: &[String]) -> Result<Ground, NoGround> {
        let location = self.run.config.sources.components.repo(release, name);
        let location = location.ok_or(NoGround::Unconfigured("sources.components.repo"))?;
        for branch in branches {
            match self.run.sources.open_component(name, &location, branch) {
                Err(SourceError::NoBranch { .. }) => {}
                opened => return self.ground(release, name.clone(), branch.clone(), &location, opened),
            }
        }
        Err(NoGround::NoBranch(name.clone(), branches.to_vec()))
    }

    fn ground(
        &self,
        release: Release,
        name: RepoName,
        branch: String,
        location: &Location,
        opened: Result<Box<dyn Snapshot>, SourceError>,
    ) -> Result<Ground, NoGround> {
        let unreadable = |error: String| NoGround::Unreadable(format!("{name} at branch {branch}: {error}"));
        let source: Arc<dyn Snapshot> = Arc::from(opened.map_err(|error| unreadable(error.to_string()))?);
        let commit = source.origin().commit.clone();
        let local = matches!(self.run.config.forge, Forge::Local { .. });
        let is_settled = commit.is_some() && !(local && matches!(location, Location::Url(_)));
        let snapshot = self.merged(&name, &branch, source);
        let snapshot = snapshot.map_err(|error| unreadable(error.to_string()))?;
        let head = commit.map(|commit| Head {
            release,
            repo: name.clone(),
            branch: branch.clone(),
            commit,
        });
        Ok(Ground {
            name,
            branch,
            snapshot,
            head,
            is_settled,
        })
    }

    /// A source with what the local forge has merged.
    fn merged(&self, name: &RepoName, branch: &str, source: Arc<dyn Snapshot>) -> Result<Arc<dyn Snapshot>, RunError> {
        Ok(match self.run.forge() {
            Some(forge) => forge.actual(name, branch, source)?,
            None => source,
        })
    }
}

impl Run {
    /// Where a repository that pull requests go to is.
    pub(super) fn home_of(&self, release: Release, name: &RepoName) -> Option<Location> {
        let sources = &self.config.sources;
        let ci = sources.ci_config.as_ref().map(CiConfig::repo);
        let mut known = ci.into_iter().chain([sources.build_data.repo(release)]);
        let own = known.find(|location| location.name().as_ref() == Some(name));
        own.or_else(|| sources.components.repo(release, name))
    }
}

impl Ground {
    /// A source that no pull request can be made in, to look at.
    pub fn to_look_at(snapshot: Arc<dyn Snapshot>) -> Self {
        let unnamed = RepoName {
            org: String::new(),
            repo: String::new(),
        };
        Self {
            name: unnamed,
            branch: String::new(),
            snapshot,
            head: None,
            is_settled: false,
        }
    }

    /// Reads what a target looks at.
    pub fn read(&self, run: &Run, reads: &Reads) -> Actual {
        let mut actual = Actual {
            repo: self.name.clone(),
            branch: self.branch.clone(),
            origin: self.snapshot.origin().clone(),
            files: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            beside: BTreeMap::new(),
            links: BTreeSet::new(),
        };
        let listed: Vec<_> = reads.trees.par_iter().map(|tree| self.paths(run, tree)).collect();
        let mut wanted: BTreeMap<String, Option<String>> = BTreeMap::new();
        wanted.extend(reads.files.iter().map(|path| (path.clone(), None)));
        for listed in listed {
            wanted.extend(listed.files.into_iter().map(|file| (file.path, file.oid)));
            actual.links.extend(listed.links);
            actual.unreadable.extend(listed.unreadable);
        }
        self.snapshot
            .expect(&wanted.keys().map(String::as_str).collect::<Vec<_>>());
        let read = wanted.into_par_iter().map(|(path, oid)| {
            // What was read once at an object id need not be looked for again.
            let known = oid.and_then(|oid| Blobs::get(&run.store, &oid));
            match known {
                Some(bytes) => (Ok(Some(bytes)), path),
                None => {
                    let read = self.snapshot.read(&path);
                    if let (Ok(Some(blob)), true) = (&read, run.sources.github().is_some()) {
                        Blobs::put(&run.store, &blob.oid, &blob.bytes);
                    }
                    (read.map(|blob| blob.map(|blob| blob.bytes)), path)
                }
            }
        });
        for (result, path) in read.collect::<Vec<_>>() {
            match result {
                Ok(Some(bytes)) => drop(actual.files.insert(path, bytes)),
                Ok(None) if path.contains(char::REPLACEMENT_CHARACTER) => {
                    actual
                        .unreadable
                        .insert(path, "the file's name is not UTF-8".to_owned());
                }
                Ok(None) => {}
                Err(error) => drop(actual.unreadable.insert(path, error.to_string())),
            }
        }
        run.assumed.put_in(&mut actual, reads);
        if let Some(then) = &reads.then {
            let more = self.read(run, &then(&actual));
            actual.files.extend(more.files);
            actual.unreadable.extend(more.unreadable);
        }
        actual
    }

    /// The folders of a repository at a commit that are to be read and not remembered, for a reader that can be asked for
    /// many at once.
    pub fn unknown(&self, run: &Run, reads: &Reads) -> Option<ToRead> {
        let commit = self.snapshot.origin().commit.clone()?;
        let trees = reads.trees.iter().filter(|tree| !tree.folder.is_empty());
        let unknown = trees.filter(|tree| self.remembered(run, tree).is_none());
        let folders: BTreeSet<String> = unknown.map(|tree| tree.folder.clone()).collect();
        (!folders.is_empty()).then(|| ToRead {
            repo: self.name.clone(),
            commit: CommitId(commit),
            files: reads.files.iter().cloned().collect(),
            folders,
        })
    }

    /// A tree's files; remembered with the commit where the tree has a key.
    fn paths(&self, run: &Run, tree: &Tree) -> Listed {
        if let Some(known) = self.remembered(run, tree) {
            return known;
        }
        let (origin, key) = (self.snapshot.origin(), self.key(tree));
        let listed = list(&*self.snapshot, tree);
        if let (Some(key), Some(commit), true) = (key, &origin.commit, listed.unreadable.is_empty()) {
            run.store
                .put("tree", VERSION, key.as_bytes(), &(commit, &listed.files, &listed.links));
        }
        listed
    }
}

/// What a tree's list is remembered as: the commit, the files, and those that are links.
type Remembered = (String, Vec<File>, BTreeSet<String>);

impl Ground {
    /// What a tree's list is remembered under, if it is.
    fn key(&self, tree: &Tree) -> Option<String> {
        let origin = self.snapshot.origin();
        let key = tree.key.as_ref()?;
        Some(format!("{} {} {} {key}", origin.name, origin.branch, tree.folder))
    }

    /// A tree's files as they are remembered for the commit.
    fn remembered(&self, run: &Run, tree: &Tree) -> Option<Listed> {
        let key = self.key(tree)?;
        let (commit, files, links) = run.store.get::<Remembered>("tree", VERSION, key.as_bytes())?;
        let same = self.snapshot.origin().commit.as_ref() == Some(&commit);
        same.then(|| Listed {
            files,
            links,
            unreadable: BTreeMap::new(),
        })
    }
}

/// A file of a tree.
#[derive(serde::Serialize, serde::Deserialize)]
struct File {
    path: String,
    /// The id of its blob, where that is known and it is no link.
    oid: Option<String>,
}

/// The files of a tree.
#[derive(Default)]
struct Listed {
    /// All of them, by path.
    files: Vec<File>,
    /// Those that are links.
    links: BTreeSet<String>,
    /// Folders that cannot be read, and why.
    unreadable: BTreeMap<String, String>,
}

/// Lists a tree's files, level by level.
fn list(snapshot: &dyn Snapshot, tree: &Tree) -> Listed {
    let mut found = Listed::default();
    let mut folders = vec![tree.folder.clone()];
    for level in 1..=tree.depth {
        let listed: Vec<_> = folders.par_iter().map(|folder| snapshot.list(folder)).collect();
        let mut below = Vec::new();
        for (folder, entries) in folders.iter().zip(listed) {
            match entries {
                Ok(entries) => {
                    for entry in entries.into_iter().flatten() {
                        let path = if folder.is_empty() {
                            entry.name
                        } else {
                            format!("{folder}/{}", entry.name)
                        };
                        match entry.kind {
                            EntryKind::Dir if level < tree.depth => below.push(path),
                            EntryKind::Dir => {}
                            kind if (tree.wanted)(&path) => {
                                let oid = entry.oid.filter(|_| kind == EntryKind::File);
                                if kind == EntryKind::Link {
                                    found.links.insert(path.clone());
                                }
                                found.files.push(File { path, oid });
                            }
                            _ => {}
                        }
                    }
                }
                Err(error) => drop(found.unreadable.insert(folder.clone(), error.to_string())),
            }
        }
        folders = below;
    }
    found.files.sort_by(|a, b| a.path.cmp(&b.path));
    found
}
