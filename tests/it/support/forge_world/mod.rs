//! A temporary directory with a target's repository, the records of a local forge, and people who work there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use git2::{FileMode, ObjectType, Oid, Repository, RepositoryInitOptions, Signature};
use lockstep::base::{Origin, RepoName};
use lockstep::forge::local::{Home, Identity, LocalForge, LocalWriter, Record};
use lockstep::forge::{Action, Outcome};
use lockstep::plan::{Bytes, Desired, Input, Plan};
use lockstep::source::{Blob, Entry, EntryKind, ReadError, Snapshot};

/// A file of `o/r` for release 4.16.
pub fn file(path: &str, before: Option<&str>, after: Option<&str>) -> Desired {
    let bytes = |text: Option<&str>| text.map(|text| Bytes::from(text.as_bytes()));
    Desired {
        repo: name(),
        branch: "main".into(),
        path: path.into(),
        release: "4.16".into(),
        target: "prow-config".into(),
        group: "ci".into(),
        component: None,
        images: Vec::new(),
        before: bytes(before),
        after: bytes(after),
        causes: Vec::new(),
        refused: Vec::new(),
        follows: None,
        notes: Vec::new(),
        held: false,
    }
}

fn name() -> RepoName {
    RepoName {
        org: "o".into(),
        repo: "r".into(),
    }
}

/// The actions of the outcomes that have one and did not fail.
pub fn actions(outcomes: &[Outcome]) -> Vec<Action> {
    outcomes
        .iter()
        .filter(|o| o.error.is_none())
        .filter_map(|o| o.action)
        .collect()
}

pub struct World {
    dir: Arc<tempfile::TempDir>,
    home: Where,
    now: i64,
}

#[derive(Clone)]
enum Where {
    Git(PathBuf),
    Directory(Arc<Files>),
}

impl World {
    /// With a bare repository.
    pub fn bare(files: &[(&str, &str)]) -> Self {
        Self::with_repository(files, true)
    }

    /// With an ordinary repository.
    pub fn ordinary(files: &[(&str, &str)]) -> Self {
        Self::with_repository(files, false)
    }

    fn with_repository(files: &[(&str, &str)], bare: bool) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let path = dir.path().join("target");
        let mut options = RepositoryInitOptions::new();
        options.bare(bare).external_template(false).initial_head("main");
        Repository::init_opts(&path, &options).unwrap();
        let world = Self {
            dir,
            home: Where::Git(path),
            now: 1_700_000_000,
        };
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
        world.commit("main", "ann", &files);
        world
    }

    /// With a plain directory.
    pub fn directory(files: &[(&str, &str)]) -> Self {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let source = Arc::new(Files::default());
        let world = Self {
            dir,
            home: Where::Directory(source),
            now: 1_700_000_000,
        };
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, Some(*text))).collect();
        world.edit_directory(&files);
        world
    }

    /// The same world at another time.
    pub fn at(&self, now: i64) -> Self {
        Self {
            dir: self.dir.clone(),
            home: self.home.clone(),
            now,
        }
    }

    fn records(&self) -> PathBuf {
        self.dir.path().join("records")
    }

    fn forge(&self) -> LocalForge {
        let mut forge = LocalForge::new(self.records(), Identity::default());
        let home = match &self.home {
            Where::Git(path) => Home::Git(path.clone()),
            Where::Directory(files) => Home::Mirror(files.clone()),
        };
        for branch in ["main", "release-9"] {
            forge.add_home(name(), branch, home.clone());
        }
        forge
    }

    /// A plan that allows two removals.
    pub fn plan(&self, desired: &[Desired]) -> Plan {
        Plan::build(Input {
            desired: desired.to_vec(),
            max_removals: 2,
            ..Input::default()
        })
    }

    pub fn reconcile(&self, plan: &Plan) -> Vec<Outcome> {
        LocalWriter {
            forge: &self.forge(),
            dry_run: false,
            now: self.now,
        }
        .apply(plan)
    }

    pub fn dry_run(&self, plan: &Plan) -> Vec<Outcome> {
        LocalWriter {
            forge: &self.forge(),
            dry_run: true,
            now: self.now,
        }
        .apply(plan)
    }

    /// The repository that has the pull requests' branches.
    pub fn git(&self) -> Repository {
        match &self.home {
            Where::Git(path) => Repository::open(path).unwrap(),
            Where::Directory(_) => Repository::open(self.mirror_path()).unwrap(),
        }
    }

    pub fn mirror_path(&self) -> PathBuf {
        self.records().join("o/r.git")
    }

    pub fn tip(&self, branch: &str) -> Option<Oid> {
        self.git()
            .find_reference(&format!("refs/heads/{branch}"))
            .ok()?
            .target()
    }

    pub fn set(&self, branch: &str, commit: Oid) {
        self.git()
            .reference(&format!("refs/heads/{branch}"), commit, true, "test")
            .unwrap();
    }

    pub fn read(&self, branch: &str, path: &str) -> Option<String> {
        let repo = self.git();
        let tree = repo.find_commit(self.tip(branch)?).unwrap().tree().unwrap();
        let blob = repo.find_blob(tree.get_path(Path::new(path)).ok()?.id()).unwrap();
        Some(String::from_utf8(blob.content().to_vec()).unwrap())
    }

    /// A person commits to a branch.
    pub fn commit(&self, branch: &str, who: &str, files: &[(&str, Option<&str>)]) -> Oid {
        let repo = self.git();
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| {
                (
                    *path,
                    text.map(|text| (repo.blob(text.as_bytes()).unwrap(), FileMode::Blob)),
                )
            })
            .collect();
        self.commit_entries(branch, who, &files)
    }

    /// A person makes a link.
    pub fn link(&self, branch: &str, path: &str, to: &str) {
        let blob = self.git().blob(to.as_bytes()).unwrap();
        self.commit_entries(branch, "ann", &[(path, Some((blob, FileMode::Link)))]);
    }

    /// A person makes a file executable.
    pub fn executable(&self, branch: &str, path: &str) {
        let blob = self.git().blob(self.read(branch, path).unwrap().as_bytes()).unwrap();
        self.commit_entries(branch, "ann", &[(path, Some((blob, FileMode::BlobExecutable)))]);
    }

    fn commit_entries(&self, branch: &str, who: &str, files: &[(&str, Option<(Oid, FileMode)>)]) -> Oid {
        let repo = self.git();
        let parent = self.tip(branch).map(|id| repo.find_commit(id).unwrap());
        let base = match &parent {
            Some(parent) => parent.tree().unwrap(),
            None => repo
                .find_tree(repo.treebuilder(None).unwrap().write().unwrap())
                .unwrap(),
        };
        let mut update = git2::build::TreeUpdateBuilder::new();
        for (path, entry) in files {
            match entry {
                Some((blob, mode)) => update.upsert(*path, *blob, *mode),
                None => update.remove(*path),
            };
        }
        let tree = repo.find_tree(update.create_updated(&repo, &base).unwrap()).unwrap();
        let who = Signature::new(who, &format!("{who}@example.com"), &git2::Time::new(1_600_000_000, 0)).unwrap();
        let parents: Vec<_> = parent.iter().collect();
        let id = repo.commit(None, &who, &who, "by hand", &tree, &parents).unwrap();
        self.set(branch, id);
        id
    }

    /// A person edits the plain directory.
    pub fn edit_directory(&self, files: &[(&str, Option<&str>)]) {
        let Where::Directory(source) = &self.home else {
            panic!("not a directory")
        };
        let mut there = source.files.lock().unwrap();
        for (path, text) in files {
            match text {
                Some(text) => there.insert((*path).to_owned(), (*text).to_owned()),
                None => there.remove(*path),
            };
        }
    }

    /// The target's files as they are.
    pub fn actual(&self) -> Arc<dyn Snapshot> {
        let Where::Directory(source) = &self.home else {
            panic!("not a directory")
        };
        self.forge().actual(&name(), "main", source.clone()).unwrap()
    }

    pub fn record_path(&self) -> PathBuf {
        self.records().join("o__r__lockstep_ci_4.16.json")
    }

    pub fn record(&self) -> Record {
        serde_json::from_slice(&std::fs::read(self.record_path()).unwrap()).unwrap()
    }

    pub fn edit_record(&self, edit: impl FnOnce(&mut Record)) {
        let mut record = self.record();
        edit(&mut record);
        std::fs::write(self.record_path(), serde_json::to_vec(&record).unwrap()).unwrap();
    }

    /// Every file below the world's directory with its content.
    pub fn state(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let (mut todo, mut state) = (vec![self.dir.path().to_owned()], BTreeMap::new());
        while let Some(dir) = todo.pop() {
            for entry in std::fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    todo.push(path);
                } else {
                    state.insert(path.clone(), std::fs::read(path).unwrap());
                }
            }
        }
        state
    }
}

/// A directory that a person edits, kept in memory.
#[derive(Default)]
struct Files {
    files: Mutex<BTreeMap<String, String>>,
}

impl Snapshot for Files {
    fn origin(&self) -> &Origin {
        static ORIGIN: Origin = Origin {
            name: String::new(),
            branch: String::new(),
            commit: None,
        };
        &ORIGIN
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        let files = self.files.lock().unwrap();
        let Some(text) = files.get(path) else { return Ok(None) };
        let oid = Oid::hash_object(ObjectType::Blob, text.as_bytes()).unwrap().to_string();
        Ok(Some(Blob {
            bytes: Arc::from(text.as_bytes()),
            oid,
            path: path.to_owned(),
        }))
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        Ok(self.read(path)?.map(|blob| blob.oid))
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError> {
        let prefix = if dir.is_empty() {
            String::new()
        } else {
            format!("{dir}/")
        };
        let mut entries = BTreeMap::new();
        for path in self.files.lock().unwrap().keys() {
            let Some(rest) = path.strip_prefix(&prefix) else {
                continue;
            };
            let (name, kind) = match rest.split_once('/') {
                Some((name, _)) => (name, EntryKind::Dir),
                None => (rest, EntryKind::File),
            };
            entries.insert(
                name.to_owned(),
                Entry {
                    name: name.to_owned(),
                    kind,
                    oid: None,
                },
            );
        }
        Ok((!entries.is_empty()).then(|| entries.into_values().collect()))
    }
}
