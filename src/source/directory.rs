//! A plain directory as a snapshot: for tests, the demo and rule authors.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tree;
use super::walk::{Node, Stepped, Tree, resolve};
use super::{Blob, Entry, EntryKind, MAX_BLOB, ReadError, Snapshot};
use crate::base::Origin;

/// A snapshot of a plain directory, read as it is at the time of each call. It has no commit.
#[derive(Debug)]
pub struct DirectorySnapshot {
    origin: Origin,
    root: PathBuf,
}

impl DirectorySnapshot {
    /// Takes a directory as a snapshot. A link at `root` itself is followed, links below only inside of it.
    pub fn open(name: &str, root: &Path) -> io::Result<Self> {
        let origin = Origin {
            name: name.to_owned(),
            branch: String::new(),
            commit: None,
        };
        Ok(Self {
            origin,
            root: root.canonicalize()?,
        })
    }

    /// Finds the regular file that a path leads to.
    fn find(&self, path: &str) -> Result<Option<(PathBuf, String)>, ReadError> {
        let Some(found) = resolve(self, path)? else {
            return Ok(None);
        };
        match found.node {
            Node::File(file) => Ok(Some((file, found.path))),
            _ => Err(ReadError::WrongKind(path.to_owned(), "file")),
        }
    }
}

/// Computes the id that git gives to a blob of these bytes.
pub(super) fn blob_id(path: &str, bytes: &[u8]) -> Result<String, ReadError> {
    let oid = git2::Oid::hash_object(git2::ObjectType::Blob, bytes);
    oid.map(|oid| oid.to_string())
        .map_err(|error| fault(path, error.message()))
}

fn fault(path: &str, message: impl ToString) -> ReadError {
    ReadError::Io {
        path: path.to_owned(),
        message: message.to_string(),
    }
}

/// Reads a file up to the limit; `None` when it went away between finding and reading it.
fn read_bounded(file: &Path, path: &str) -> Result<Option<Vec<u8>>, ReadError> {
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(path, error)),
    };
    let size = opened.metadata().map_err(|error| fault(path, error))?.len();
    let too_large = |size| ReadError::TooLarge {
        path: path.to_owned(),
        size,
    };
    if size > MAX_BLOB {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(size as usize);
    // A file may grow while it is read, so the limit holds for what comes and not only for what was announced.
    let read = opened
        .take(MAX_BLOB + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| fault(path, error))?;
    if read as u64 > MAX_BLOB {
        Err(too_large(read as u64))
    } else {
        Ok(Some(bytes))
    }
}

impl Tree for DirectorySnapshot {
    type Dir = PathBuf;
    type File = PathBuf;
    type Error = io::Error;

    fn root(&self) -> PathBuf {
        self.root.clone()
    }

    /// Looks at one entry without following it: the walk follows links itself, as the system would leave the tree.
    fn child(&self, dir: &PathBuf, name: &str) -> Stepped<Self> {
        let path = dir.join(name);
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        Ok(Some(match kind(meta.file_type()) {
            EntryKind::Dir => Node::Dir(path),
            EntryKind::File => Node::File(path),
            EntryKind::Other => Node::Other,
            EntryKind::Link => {
                let target = fs::read_link(&path)?;
                Node::Link(target.into_os_string().into_encoded_bytes())
            }
        }))
    }
}

/// How many files of a plain directory are hashed for the id of its tree; it has none where there are more.
const MAX_HASHED: usize = 20_000;

/// The id that git would give to a folder's tree.
fn tree_id(folder: &Path, left: &mut usize) -> io::Result<Option<String>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, path, found) = (entry.file_name(), entry.path(), entry.file_type()?);
        let Some(name) = name.to_str().filter(|name| *name != ".git").map(str::to_owned) else {
            continue;
        };
        let Some(less) = left.checked_sub(1) else {
            return Ok(None);
        };
        *left = less;
        let of_blob = |id: Result<git2::Oid, git2::Error>| id.map(|id| id.to_string()).map_err(io::Error::other);
        let (mode, oid) = match kind(found) {
            EntryKind::Dir => match tree_id(&path, left)? {
                Some(oid) => (0o040_000, oid),
                // Git knows no empty folders.
                None if *left > 0 => continue,
                None => return Ok(None),
            },
            EntryKind::File => {
                let mode = if is_executable(&entry.metadata()?) {
                    0o100_755
                } else {
                    0o100_644
                };
                (mode, of_blob(git2::Oid::hash_file(git2::ObjectType::Blob, &path))?)
            }
            EntryKind::Link => {
                let target = fs::read_link(&path)?.into_os_string().into_encoded_bytes();
                (
                    0o120_000,
                    of_blob(git2::Oid::hash_object(git2::ObjectType::Blob, &target))?,
                )
            }
            EntryKind::Other => continue,
        };
        entries.push(tree::Entry { mode, name, oid });
    }
    Ok(if entries.is_empty() { None } else { tree::id(entries) })
}

#[cfg(unix)]
fn is_executable(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

fn kind(found: fs::FileType) -> EntryKind {
    if found.is_dir() {
        EntryKind::Dir
    } else if found.is_file() {
        EntryKind::File
    } else if found.is_symlink() {
        EntryKind::Link
    } else {
        EntryKind::Other
    }
}

impl Snapshot for DirectorySnapshot {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        let Some((file, at)) = self.find(path)? else {
            return Ok(None);
        };
        let Some(bytes) = read_bounded(&file, path)? else {
            return Ok(None);
        };
        let oid = blob_id(path, &bytes)?;
        Ok(Some(Blob {
            bytes: Arc::from(bytes),
            oid,
            path: at,
        }))
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        let Some((file, _)) = self.find(path)? else {
            return Ok(None);
        };
        let oid = git2::Oid::hash_file(git2::ObjectType::Blob, &file);
        oid.map(|oid| Some(oid.to_string()))
            .map_err(|error| fault(path, error.message()))
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError> {
        let Some(found) = resolve(self, dir)? else {
            return Ok(None);
        };
        let Node::Dir(path) = found.node else {
            return Err(ReadError::WrongKind(dir.to_owned(), "directory"));
        };
        let mut entries = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| fault(dir, error))? {
            let entry = entry.map_err(|error| fault(dir, error))?;
            let kind = kind(entry.file_type().map_err(|error| fault(dir, error))?);
            entries.push(Entry {
                name: entry.file_name().to_string_lossy().into_owned(),
                kind,
                oid: None,
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(entries))
    }

    fn tree(&self, dir: &str) -> Result<Option<String>, ReadError> {
        let Some(found) = resolve(self, dir)? else {
            return Ok(None);
        };
        let Node::Dir(path) = found.node else {
            return Err(ReadError::WrongKind(dir.to_owned(), "directory"));
        };
        let mut left = MAX_HASHED;
        tree_id(&path, &mut left).map_err(|error| fault(dir, error))
    }
}
