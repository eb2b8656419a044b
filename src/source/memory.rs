//! A file tree in memory, for tests and for trees that are made up rather than fetched.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use super::walk::{Node, Stepped, Tree, resolve};
use super::{Blob, Entry, EntryKind, ReadError, Snapshot};
use crate::base::Origin;

/// A snapshot whose files are held in memory; directories are where files are.
///
/// ```
/// use lockstep::source::{Snapshot, memory::MemorySnapshot};
/// let tree = MemorySnapshot::new("org/repo").file("images/a.yml", "name: a\n").link("b.yml", "images/a.yml");
/// assert_eq!(tree.read("b.yml").unwrap().unwrap().path, "images/a.yml");
/// ```
#[derive(Clone, Debug)]
pub struct MemorySnapshot {
    origin: Origin,
    entries: BTreeMap<String, Held>,
}

#[derive(Clone, Debug)]
enum Held {
    File(Arc<[u8]>),
    Link(String),
}

impl MemorySnapshot {
    /// Makes an empty tree of that name without branch and commit.
    pub fn new(name: impl Into<String>) -> Self {
        let origin = Origin {
            name: name.into(),
            branch: String::new(),
            commit: None,
        };
        Self {
            origin,
            entries: BTreeMap::new(),
        }
    }

    /// Says which branch and commit the tree stands for.
    pub fn at(mut self, branch: impl Into<String>, commit: impl Into<String>) -> Self {
        self.origin.branch = branch.into();
        self.origin.commit = Some(commit.into());
        self
    }

    /// Adds or replaces a file. The path is taken as it is: relative, without `.` and `..`.
    pub fn file(mut self, path: impl Into<String>, bytes: impl AsRef<[u8]>) -> Self {
        self.entries.insert(path.into(), Held::File(Arc::from(bytes.as_ref())));
        self
    }

    /// Adds or replaces a symbolic link.
    pub fn link(mut self, path: impl Into<String>, target: impl Into<String>) -> Self {
        self.entries.insert(path.into(), Held::Link(target.into()));
        self
    }

    /// Takes a file or link away.
    pub fn remove(&mut self, path: &str) {
        self.entries.remove(path);
    }
}

impl<P: Into<String>, B: AsRef<[u8]>> FromIterator<(P, B)> for MemorySnapshot {
    fn from_iter<I: IntoIterator<Item = (P, B)>>(files: I) -> Self {
        files
            .into_iter()
            .fold(Self::new("memory"), |tree, (path, bytes)| tree.file(path, bytes))
    }
}

impl Tree for MemorySnapshot {
    /// The directory's path with a trailing `/`; empty for the root.
    type Dir = String;
    type File = Arc<[u8]>;

    /// What is in memory can be stepped through.
    type Error = Infallible;

    fn root(&self) -> String {
        String::new()
    }

    fn child(&self, dir: &String, name: &str) -> Stepped<Self> {
        let path = format!("{dir}{name}");
        Ok(match self.entries.get(&path) {
            Some(Held::File(bytes)) => Some(Node::File(bytes.clone())),
            Some(Held::Link(target)) => Some(Node::Link(target.clone().into_bytes())),
            None => {
                let below = format!("{path}/");
                let first = self.entries.range(below.clone()..).next();
                first
                    .filter(|(path, _)| path.starts_with(&below))
                    .map(|_| Node::Dir(below))
            }
        })
    }
}

impl Snapshot for MemorySnapshot {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        let Some(found) = resolve(self, path)? else {
            return Ok(None);
        };
        match found.node {
            Node::File(bytes) => {
                let oid = super::directory::blob_id(path, &bytes)?;
                Ok(Some(Blob {
                    bytes,
                    oid,
                    path: found.path,
                }))
            }
            _ => Err(ReadError::WrongKind(path.to_owned(), "file")),
        }
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        Ok(self.read(path)?.map(|blob| blob.oid))
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError> {
        let Some(found) = resolve(self, dir)? else {
            return Ok(None);
        };
        let Node::Dir(prefix) = found.node else {
            return Err(ReadError::WrongKind(dir.to_owned(), "directory"));
        };
        let mut entries: BTreeMap<&str, EntryKind> = BTreeMap::new();
        for (path, held) in self.entries.range(prefix.clone()..) {
            let Some(rest) = path.strip_prefix(&prefix) else { break };
            match (rest.split_once('/'), held) {
                (Some((name, _)), _) => entries.insert(name, EntryKind::Dir),
                (None, Held::File(_)) => entries.insert(rest, EntryKind::File),
                (None, Held::Link(_)) => entries.insert(rest, EntryKind::Link),
            };
        }
        Ok(Some(
            entries
                .into_iter()
                .map(|(name, kind)| Entry {
                    name: name.to_owned(),
                    kind,
                    oid: None,
                })
                .collect(),
        ))
    }
}
