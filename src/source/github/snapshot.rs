//! A repository's files at a commit, read through GitHub's API.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Listing, Reader, ask};
use crate::base::{Origin, RepoName};
use crate::github;
use crate::source::walk::{Node, Stepped, Tree, resolve};
use crate::source::{Blob, CommitId, Entry, EntryKind, MAX_BLOB, ReadError, Snapshot};

/// A repository at a commit.
pub struct GithubSnapshot {
    reader: Arc<Reader>,
    repo: RepoName,
    commit: String,
    /// Where only some files are those of the commit.
    over: Option<Over>,
    origin: Origin,
}

/// Some files of a commit, laid over another one.
pub(super) struct Over {
    /// The commit that has all other files.
    pub base: String,
    /// The files.
    pub files: BTreeSet<String>,
}

impl Over {
    /// What of the files is below a folder: its first name there, and whether that is the file itself.
    fn below<'o>(&'o self, dir: &'o str) -> impl Iterator<Item = (&'o str, bool)> {
        self.files.iter().filter_map(move |path| {
            let rest = match dir {
                "" => path.as_str(),
                dir => path.strip_prefix(dir)?.strip_prefix('/')?,
            };
            Some(rest.split_once('/').map_or((rest, true), |(name, _)| (name, false)))
        })
    }

    /// A folder's entries: the base's, but for the files.
    fn laid(&self, dir: &str, base: Option<Listing>, head: Option<Listing>) -> Option<Listing> {
        if base.is_none() && head.is_none() {
            return None;
        }
        let (mut laid, head) = (base.unwrap_or_default(), head.unwrap_or_default());
        for (name, is_file) in self.below(dir) {
            match head.get(name) {
                Some(entry) if is_file || !laid.contains_key(name) => drop(laid.insert(name.to_owned(), entry.clone())),
                None if is_file => drop(laid.remove(name)),
                _ => {}
            }
        }
        Some(laid)
    }
}

impl GithubSnapshot {
    pub(super) fn new(reader: Arc<Reader>, repo: &RepoName, branch: &str, commit: CommitId) -> Self {
        Self {
            reader,
            repo: repo.clone(),
            origin: Origin {
                name: repo.to_string(),
                branch: branch.to_owned(),
                commit: Some(commit.0.clone()),
            },
            commit: commit.0,
            over: None,
        }
    }

    /// The files of another commit, but for some. Nobody has a commit of that, so it gets an id of its own: whatever is remembered
    /// by commit is no other's.
    pub(super) fn over(mut self, over: Over) -> Self {
        let said = format!("{} over {}: {:?}", self.commit, over.base, over.files);
        let id = git2::Oid::hash_object(git2::ObjectType::Blob, said.as_bytes());
        self.origin.commit = id.ok().map(|id| id.to_string());
        self.over = Some(over);
        self
    }

    /// The entries of a directory; `None` where there is none.
    fn listing(&self, dir: &str) -> Result<Option<Listing>, ObjectError> {
        let Some(over) = &self.over else {
            return self.listing_of(&self.commit, dir);
        };
        let base = self.listing_of(&over.base, dir)?;
        if over.below(dir).next().is_none() {
            return Ok(base);
        }
        Ok(over.laid(dir, base, self.listing_of(&self.commit, dir)?))
    }

    fn listing_of(&self, commit: &str, dir: &str) -> Result<Option<Listing>, ObjectError> {
        let place = (self.repo.clone(), commit.to_owned(), dir.to_owned());
        if let Some(listing) = self.reader.known().trees.get(&place) {
            return Ok(listing.clone());
        }
        let failed = ask::trees(&self.reader, std::slice::from_ref(&place))?;
        let listing = self.reader.known().trees.get(&place).cloned();
        listing.ok_or_else(|| self.unread(failed))
    }

    fn blob(&self, oid: &str) -> Result<Arc<[u8]>, ObjectError> {
        if let Some(bytes) = self.reader.known().blobs.get(oid) {
            return Ok(bytes.clone());
        }
        let failed = ask::blobs(&self.reader, &[(self.repo.clone(), oid.to_owned())], None)?;
        let bytes = self.reader.known().blobs.get(oid).cloned();
        bytes.ok_or_else(|| self.unread(failed))
    }

    fn unread(&self, failed: Option<github::Fault>) -> ObjectError {
        failed.map_or_else(|| ObjectError::Gone(self.repo.clone()), ObjectError::GitHub)
    }
}

/// Why an object of a repository cannot be had.
#[derive(Debug, thiserror::Error)]
pub(in crate::source) enum ObjectError {
    /// GitHub cannot be asked.
    #[error(transparent)]
    GitHub(#[from] github::Fault),
    /// GitHub does not have it any more.
    #[error("{0} can no longer be read")]
    Gone(RepoName),
}

impl ObjectError {
    /// The error of whoever asked for a path.
    fn at(&self, path: &str) -> ReadError {
        ReadError::Io {
            path: path.to_owned(),
            message: self.to_string(),
        }
    }
}

impl Tree for GithubSnapshot {
    /// The directory's path.
    type Dir = String;
    /// The file's object id.
    type File = String;

    type Error = ObjectError;

    fn root(&self) -> String {
        String::new()
    }

    fn child(&self, dir: &String, name: &str) -> Stepped<Self> {
        let Some((mode, oid)) = self.listing(dir)?.and_then(|mut listing| listing.remove(name)) else {
            return Ok(None);
        };
        let path = if dir.is_empty() {
            name.to_owned()
        } else {
            format!("{dir}/{name}")
        };
        Ok(Some(match ask::kind(mode) {
            EntryKind::Dir => Node::Dir(path),
            EntryKind::File => Node::File(oid),
            EntryKind::Link => Node::Link(self.blob(&oid)?.to_vec()),
            EntryKind::Other => Node::Other,
        }))
    }
}

impl Snapshot for GithubSnapshot {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        let Some(found) = resolve(self, path)? else {
            return Ok(None);
        };
        let Node::File(oid) = found.node else {
            return Err(ReadError::WrongKind(path.to_owned(), "file"));
        };
        let too_large = |size: u64| ReadError::TooLarge {
            path: path.to_owned(),
            size,
        };
        let read = self.blob(&oid);
        if let Some(size) = self.reader.known().large.get(&oid) {
            return Err(too_large(*size));
        }
        let bytes = read.map_err(|error| error.at(path))?;
        if bytes.len() as u64 > MAX_BLOB {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(Some(Blob {
            bytes,
            oid,
            path: found.path,
        }))
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        match resolve(self, path)?.map(|found| found.node) {
            None => Ok(None),
            Some(Node::File(oid)) => Ok(Some(oid)),
            Some(_) => Err(ReadError::WrongKind(path.to_owned(), "file")),
        }
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError> {
        let Some(found) = resolve(self, dir)? else {
            return Ok(None);
        };
        let Node::Dir(path) = found.node else {
            return Err(ReadError::WrongKind(dir.to_owned(), "directory"));
        };
        let listing = self.listing(&path).map_err(|error| error.at(dir))?;
        let entry = |(name, (mode, oid))| Entry {
            name,
            kind: ask::kind(mode),
            oid: Some(oid),
        };
        Ok(listing.map(|listing| listing.into_iter().map(entry).collect()))
    }

    fn tree(&self, dir: &str) -> Result<Option<String>, ReadError> {
        let Some(found) = resolve(self, dir)? else {
            return Ok(None);
        };
        let Node::Dir(path) = found.node else {
            return Err(ReadError::WrongKind(dir.to_owned(), "directory"));
        };
        let listed = |path: &str| self.listing(path).map_err(|error| error.at(dir));
        // A folder's id stands in the one around it; the root's follows from what is in it.
        if !path.is_empty() {
            let (above, name) = path.rsplit_once('/').unwrap_or(("", &path));
            return Ok(listed(above)?
                .and_then(|mut listing| listing.remove(name))
                .map(|(_, oid)| oid));
        }
        let entries = listed("")?.unwrap_or_default().into_iter();
        let entries = entries.map(|(name, (mode, oid))| crate::source::tree::Entry { mode, name, oid });
        Ok(crate::source::tree::id(entries.collect()))
    }
}
