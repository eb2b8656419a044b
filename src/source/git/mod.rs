//! A commit's tree, read straight from a git object database: no checkout, no subprocess.

mod folders;
mod handles;
mod history;
#[cfg(test)]
mod tests;
mod trace;
mod tree;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use git2::{ErrorCode, ObjectType, Odb, OdbLookupFlags, Oid, Repository};

pub use self::folders::Folders;
use self::handles::Handles;
use self::tree::TreeIndex;
use super::mirror::InUse;
use super::promised::Promised;
use super::walk::{Found, Node, Stepped, Tree, resolve};
use super::{
    Blob, Changed, Contents, Entry, EntryKind, FileStep, MAX_BLOB, ReadError, Since, Snapshot, SourceError, Step,
    Traced, Walked,
};
use crate::base::Origin;

/// The largest tree object that is read, in bytes: a directory of some 500,000 entries.
const MAX_TREE: u64 = 32 << 20;
/// The longest target of a symbolic link, in bytes; longer ones no file system takes either.
const MAX_LINK: u64 = 4096;

/// As many versions of a file are brought at first where somebody looks for its last change.
const FEW_VERSIONS: usize = 16;

/// A snapshot of one commit of a local git repository.
pub struct GitSnapshot {
    origin: Origin,
    handles: Handles,
    commit: Oid,
    root: Oid,
    /// The trees walked so far. Reading seven hundred files of one repository would otherwise parse the same few
    /// directories, some with thousands of entries, seven hundred times.
    trees: RwLock<HashMap<Oid, Arc<TreeIndex>>>,
    /// Keeps a fetched mirror from being cleared away.
    _in_use: Option<Arc<InUse>>,
    /// What brings the contents of files that a mirror was fetched without.
    promised: Option<Promised>,
}

/// Why an object could not be had.
#[derive(Debug, thiserror::Error)]
pub(in crate::source) enum Fault {
    #[error("an object on the way is {0} bytes large")]
    TooLarge(u64),
    #[error("{0}; the repository is incomplete (a partial clone?)")]
    Missing(String),
    #[error("tree {0} is damaged")]
    Damaged(Oid),
    #[error("object {oid} is a {found}, not a {expected}")]
    OtherKind {
        oid: Oid,
        found: &'static str,
        expected: &'static str,
    },
    /// What was not fetched with the rest cannot be fetched now.
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("{0}")]
    Git(String),
}

impl From<git2::Error> for Fault {
    fn from(error: git2::Error) -> Self {
        match error.code() {
            ErrorCode::NotFound => Self::Missing(error.message().to_owned()),
            _ => Self::Git(error.message().to_owned()),
        }
    }
}

impl GitSnapshot {
    /// Takes the tree of `commit`. The origin's commit is set to it.
    pub(super) fn new(repo: Repository, commit: Oid, name: &str, branch: &str) -> Result<Self, git2::Error> {
        let root = repo.find_commit(commit)?.tree_id();
        let origin = Origin {
            name: name.to_owned(),
            branch: branch.to_owned(),
            commit: Some(commit.to_string()),
        };
        Ok(Self {
            origin,
            commit,
            root,
            handles: Handles::new(repo),
            trees: RwLock::default(),
            _in_use: None,
            promised: None,
        })
    }

    /// Keeps what says that the repository is in use as long as the snapshot, and what brings what it lacks.
    pub(super) fn holding(self, in_use: Arc<InUse>, promised: Promised) -> Self {
        Self {
            _in_use: Some(in_use),
            promised: Some(promised),
            ..self
        }
    }

    /// A file's bytes, or a link's text; what was not fetched yet is fetched now.
    fn blob<B: for<'a> From<&'a [u8]>>(&self, oid: Oid, limit: u64) -> Result<B, Fault> {
        let here = || self.handles.with(|odb| object(odb, oid, ObjectType::Blob, limit));
        match (here(), &self.promised) {
            (Err(Fault::Missing(_)), Some(promised)) => {
                promised.bring(&[oid])?;
                here()
            }
            (found, _) => found,
        }
    }

    /// The ids of files that are not here yet.
    fn missing(&self, paths: &[&str]) -> Vec<Oid> {
        let mut oids = Vec::new();
        for path in paths {
            if let Ok(Some(Found {
                node: Node::File(oid), ..
            })) = resolve(self, path)
            {
                oids.push(oid);
            }
        }
        oids.sort_unstable();
        oids.dedup();
        self.not_here(&oids).unwrap_or_default()
    }

    /// Those of some objects that are not here yet.
    fn not_here(&self, oids: &[Oid]) -> Result<Vec<Oid>, Fault> {
        self.handles.with(|odb| {
            // What came in since this handle was opened is looked for once, not for each object.
            odb.refresh()?;
            Ok(oids
                .iter()
                .copied()
                .filter(|oid| !odb.exists_ext(*oid, OdbLookupFlags::NO_REFRESH))
                .collect())
        })
    }

    /// Brings what is not here of some files' contents, where they can be had.
    fn bring(&self, oids: &[Oid]) -> Result<(), Fault> {
        let Some(promised) = &self.promised else { return Ok(()) };
        match self.not_here(oids)?.as_slice() {
            [] => Ok(()),
            missing => promised.bring(missing).map_err(Fault::Source),
        }
    }

    /// Brings the last versions of files, as many of each.
    fn bring_versions(&self, files: &[&str], most: usize) -> Result<(), Fault> {
        if self.promised.is_none() {
            return Ok(());
        }
        let repo = super::local::open_git(self.handles.path())?;
        let versions = history::versions(&repo, self.commit, files, most)?;
        self.bring(&versions.into_iter().collect::<Vec<_>>())
    }

    /// The repository's own directory (of an ordinary repository its `.git`).
    pub fn path(&self) -> &Path {
        self.handles.path()
    }

    fn tree(&self, oid: Oid) -> Result<Arc<TreeIndex>, Fault> {
        // Nothing can be half done under the lock, so a poisoned one is as good as new.
        if let Some(tree) = self.trees.read().unwrap_or_else(PoisonError::into_inner).get(&oid) {
            return Ok(tree.clone());
        }
        let bytes = self.handles.with(|odb| object(odb, oid, ObjectType::Tree, MAX_TREE))?;
        let tree = TreeIndex::parse(bytes).ok_or(Fault::Damaged(oid))?;
        let tree = Arc::new(tree);
        self.trees
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(oid, tree.clone());
        Ok(tree)
    }

    /// Finds the regular file that a path leads to.
    fn find(&self, path: &str) -> Result<Option<Found<Oid, Oid>>, ReadError> {
        let found = resolve(self, path)?;
        match &found {
            Some(Found {
                node: Node::Dir(_) | Node::Other,
                ..
            }) => Err(ReadError::WrongKind(path.to_owned(), "file")),
            _ => Ok(found),
        }
    }
}

/// Reads an object of a kind after its header said that it is no larger than `limit` bytes.
fn object<B: for<'a> From<&'a [u8]>>(odb: &Odb<'_>, oid: Oid, kind: ObjectType, limit: u64) -> Result<B, Fault> {
    let (size, found) = odb.read_header(oid)?;
    if found != kind {
        return Err(Fault::OtherKind {
            oid,
            found: found.str(),
            expected: kind.str(),
        });
    }
    if size as u64 > limit {
        return Err(Fault::TooLarge(size as u64));
    }
    Ok(B::from(odb.read(oid)?.data()))
}

impl Tree for GitSnapshot {
    type Dir = Oid;
    type File = Oid;
    type Error = Fault;

    fn root(&self) -> Oid {
        self.root
    }

    fn child(&self, dir: &Oid, name: &str) -> Stepped<Self> {
        let tree = self.tree(*dir)?;
        let Some(entry) = tree.get(name.as_bytes()) else {
            return Ok(None);
        };
        Ok(Some(match entry.kind() {
            EntryKind::Dir => Node::Dir(entry.oid),
            EntryKind::File => Node::File(entry.oid),
            EntryKind::Other => Node::Other,
            EntryKind::Link => Node::Link(self.blob(entry.oid, MAX_LINK)?),
        }))
    }
}

impl Snapshot for GitSnapshot {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        let Some(Found {
            node: Node::File(oid),
            path: at,
        }) = self.find(path)?
        else {
            return Ok(None);
        };
        match self.blob(oid, MAX_BLOB) {
            Ok(bytes) => Ok(Some(Blob {
                bytes,
                oid: oid.to_string(),
                path: at,
            })),
            Err(Fault::TooLarge(size)) => Err(ReadError::TooLarge {
                path: path.to_owned(),
                size,
            }),
            Err(fault) => Err(ReadError::Io {
                path: path.to_owned(),
                message: fault.to_string(),
            }),
        }
    }

    fn expect(&self, paths: &[&str]) {
        let Some(promised) = &self.promised else { return };
        let missing = self.missing(paths);
        if !missing.is_empty()
            && let Err(why) = promised.bring(&missing)
        {
            tracing::debug!(files = missing.len(), "{why}");
        }
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        let Some(Found {
            node: Node::File(oid), ..
        }) = self.find(path)?
        else {
            return Ok(None);
        };
        Ok(Some(oid.to_string()))
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError> {
        let Some(found) = resolve(self, dir)? else {
            return Ok(None);
        };
        let Node::Dir(oid) = found.node else {
            return Err(ReadError::WrongKind(dir.to_owned(), "directory"));
        };
        let tree = self.tree(oid).map_err(|f| ReadError::Io {
            path: dir.to_owned(),
            message: f.to_string(),
        })?;
        let mut entries: Vec<Entry> = tree.entries().map(Entry::from).collect();
        // A tree sorts directories as if their names ended in `/`.
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(entries))
    }

    fn tree(&self, dir: &str) -> Result<Option<String>, ReadError> {
        match resolve(self, dir)?.map(|found| found.node) {
            None => Ok(None),
            Some(Node::Dir(oid)) => Ok(Some(oid.to_string())),
            Some(_) => Err(ReadError::WrongKind(dir.to_owned(), "directory")),
        }
    }

    fn walk_back(&self, files: [&str; 2], more: &mut dyn FnMut(&Step) -> bool) -> Result<Walked, ReadError> {
        let told = |error: git2::Error| ReadError::Io {
            path: files[0].to_owned(),
            message: error.message().to_owned(),
        };
        let repo = super::local::open_git(self.handles.path()).map_err(told)?;
        history::walk_back(&repo, self.commit, files, more).map_err(told)
    }

    fn last_changed(&self, file: &str, since: i64) -> Result<Option<Changed>, ReadError> {
        let told = |error: git2::Error| ReadError::Io {
            path: file.to_owned(),
            message: error.message().to_owned(),
        };
        let repo = super::local::open_git(self.handles.path()).map_err(told)?;
        history::last_changed(&repo, self.commit, file, since).map_err(told)
    }

    fn last_change(&self, file: &str, says: &dyn Fn(&[u8]) -> String) -> Result<Option<(String, i64)>, ReadError> {
        let told = |error: git2::Error| ReadError::Io {
            path: file.to_owned(),
            message: error.message().to_owned(),
        };
        let repo = super::local::open_git(self.handles.path()).map_err(told)?;
        let mut found = history::last_change(&repo, self.commit, file, says);
        for most in [FEW_VERSIONS, usize::MAX] {
            match &found {
                Err(error) if error.code() == ErrorCode::NotFound && self.promised.is_some() => {}
                _ => break,
            }
            let brought = self.bring_versions(&[file], most);
            brought.map_err(|fault| ReadError::Io {
                path: file.to_owned(),
                message: fault.to_string(),
            })?;
            found = history::last_change(&repo, self.commit, file, says);
        }
        found.map_err(told)
    }

    fn expect_changes(&self, files: &[&str]) {
        if let Err(fault) = self.bring_versions(files, FEW_VERSIONS) {
            tracing::debug!(files = files.len(), "{fault}");
        }
    }

    fn contents(&self, ids: &BTreeSet<String>) -> Result<Contents, ReadError> {
        let oids: Vec<Oid> = ids.iter().filter_map(|id| Oid::from_str(id).ok()).collect();
        let told = |fault: Fault| ReadError::Io {
            path: self.origin.branch.clone(),
            message: fault.to_string(),
        };
        self.bring(&oids).map_err(told)?;
        let mut contents = Contents::new();
        for oid in oids {
            let bytes = match self.blob(oid, MAX_BLOB) {
                Err(Fault::TooLarge(_)) => Arc::from([]),
                read => read.map_err(told)?,
            };
            contents.insert(oid.to_string(), bytes);
        }
        Ok(contents)
    }

    fn trace(&self, since: Since<'_>, paths: &[&str], show: &mut dyn FnMut(FileStep)) -> Result<Traced, ReadError> {
        let told = |error: git2::Error| ReadError::Io {
            path: paths.join(", "),
            message: error.message().to_owned(),
        };
        let repo = super::local::open_git(self.handles.path()).map_err(told)?;
        trace::trace(&repo, self.commit, since, paths, show).map_err(told)
    }

    fn began(&self) -> Result<Option<i64>, ReadError> {
        let told = |error: git2::Error| ReadError::Io {
            path: self.origin().branch.clone(),
            message: error.message().to_owned(),
        };
        let repo = super::local::open_git(self.handles.path()).map_err(told)?;
        trace::began(&repo, self.commit).map_err(told)
    }
}

impl From<tree::TreeEntry<'_>> for Entry {
    fn from(entry: tree::TreeEntry<'_>) -> Self {
        let name = String::from_utf8_lossy(entry.name).into_owned();
        Self {
            name,
            kind: entry.kind(),
            oid: Some(entry.oid.to_string()),
        }
    }
}
