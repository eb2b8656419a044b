//! Read-only snapshots of a file tree at a commit.
//!
//! A [`Snapshot`] is all that the rest of the program sees of a repository: paths, blob ids and bytes. Where they come
//! from (a git object database, a plain directory, GitHub's API) is behind the trait.
//!
//! [`Sources`] opens a snapshot of a [`Location`] at a branch; [`Template`] makes a location from an image's names.

#![expect(clippy::disallowed_methods, reason = "snapshots are read from disk and network")]

mod ahead;
#[doc(hidden)]
pub mod answers;
pub mod cluster;
mod directory;
mod error;
mod git;
pub mod github;
mod histories;
mod http;
mod instead;
mod local;
mod location;
pub mod memory;
pub mod merge;
mod mirror;
mod noted;
pub mod oci;
mod open;
mod over;
mod pins;
mod promised;
mod record;
mod template;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod tree;
mod url;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use directory::DirectorySnapshot;
pub use error::{NO_BUCKET, NO_KEY, SourceError};
pub use git::{Folders, GitSnapshot};
pub use instead::Instead;
pub use local::prepare_git;
pub(crate) use location::under;
pub use location::{Location, LocationError};
pub use noted::{Noted, Notes, Paths};
pub use open::{CommitId, Past, Progress, Sources};
pub use over::Over;
pub use pins::Commits;
pub use record::Recorder;
pub use template::Template;
pub use url::RemoteUrl;

use crate::base::Origin;

/// What stands at a path of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Link,
    /// Anything else (a submodule, a device).
    Other,
}

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The entry's name in its directory.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// The git object id as hexadecimal digits; of a plain directory's file the id that git would give it is not computed.
    pub oid: Option<String>,
}

/// A file's bytes.
#[derive(Clone, Debug)]
pub struct Blob {
    /// The bytes.
    pub bytes: Arc<[u8]>,
    /// The git blob id as hexadecimal digits (computed from the bytes for a plain directory).
    pub oid: String,
    /// The path that was read in the end, symbolic links followed.
    pub path: String,
}

/// The largest file that is read, in bytes. Larger ones are [`ReadError::TooLarge`].
pub const MAX_BLOB: u64 = 8 << 20;

/// Why a path of a snapshot could not be read. `Ok(None)` means that nothing is there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The path, or a link on the way, leaves the tree.
    #[error("`{0}` leaves the repository")]
    LeavesTree(String),
    /// Links that point at each other.
    #[error("`{0}`: too many levels of symbolic links")]
    LinkLoop(String),
    /// The file is larger than [`MAX_BLOB`].
    #[error("`{path}` is {size} bytes large, more than the {MAX_BLOB} that are read")]
    TooLarge {
        /// The path asked for.
        path: String,
        /// Its size in bytes.
        size: u64,
    },
    /// A directory where a file was asked for, or the other way round.
    #[error("`{0}` is not a {1}")]
    WrongKind(String, &'static str),
    /// The object database or file system failed.
    #[error("`{path}`: {message}")]
    Io {
        /// The path asked for.
        path: String,
        /// What the library said.
        message: String,
    },
}

/// One step of a branch in which one of two files changed. A merge is one step, with all that it brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The commit's full hexadecimal id.
    pub commit: String,
    /// The two files' bytes before it; `None` where there was no such file.
    pub before: [Option<Arc<[u8]>>; 2],
    /// The same after it.
    pub after: [Option<Arc<[u8]>>; 2],
}

/// How far a walk back along a branch came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Walked {
    /// To where nobody asked any further, or to the branch's first commit.
    Enough,
    /// What is here ends before that, and why.
    Short(String),
}

/// When a file was last changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The commit's full hexadecimal id.
    pub commit: String,
    /// Its time, in seconds since 1970-01-01.
    pub time: i64,
    /// Whether this commit changed it; otherwise it did so at the latest, as what is older was not looked at.
    pub exact: bool,
}

/// Since when the steps of a branch are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since<'s> {
    /// Since the last commit that the branch shares with another commit of the same repository.
    Fork(&'s str),
    /// Since a time, in seconds since 1970-01-01; what is of that second is older.
    Time(i64),
}

/// A file that one step of a branch changed. A merge is one step, with all that it brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStep {
    /// The file.
    pub path: String,
    /// The commit's full hexadecimal id.
    pub commit: String,
    /// Its time, in seconds since 1970-01-01.
    pub time: i64,
    /// The blob id of the file before it, as hexadecimal digits; `None` where there was no such file. [`Snapshot::contents`] has
    /// the bytes.
    pub before: Option<String>,
    /// The same after it.
    pub after: Option<String>,
}

/// Bytes of files, by their blob ids.
pub type Contents = BTreeMap<String, Arc<[u8]>>;

/// How far a walk over the steps of a branch came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traced {
    /// All steps were shown.
    Whole,
    /// The two commits have nothing in common.
    Unrelated,
    /// What is here ends before that, and why.
    Short(String),
}

/// Why a source without history has no steps.
const NO_HISTORY: &str = "there is no history here";

/// A file tree at a commit. Paths are relative, `/`-separated, `.` segments are ignored, `..` may not leave the tree.
pub trait Snapshot: Send + Sync {
    /// Where the snapshot was taken.
    fn origin(&self) -> &Origin;
    /// The snapshot that says what this one does not say itself; none where it says everything.
    fn behind(&self) -> Option<&dyn Snapshot> {
        None
    }
    /// The file's bytes, symbolic links inside the tree followed; `None` where nothing is.
    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError>;
    /// Has the contents of files brought here in one go, where reading would fetch them one by one. What cannot be had, reading
    /// says.
    fn expect(&self, paths: &[&str]) {
        if let Some(behind) = self.behind() {
            behind.expect(paths);
        }
    }
    /// The blob id of a file without reading it (links followed); `None` where nothing is.
    fn oid(&self, path: &str) -> Result<Option<String>, ReadError>;
    /// A directory's direct entries sorted by name; `None` where nothing is. The root is `""`.
    /// Names that are not UTF-8 come with replacement characters and cannot be read.
    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError>;
    /// The id that git has for a directory's tree (links followed): the same files, the same id. `None` where nothing is, or
    /// where it cannot be told. The root is `""`.
    fn tree(&self, dir: &str) -> Result<Option<String>, ReadError> {
        self.behind().map_or(Ok(None), |behind| behind.tree(dir))
    }
    /// Shows the steps in which one of two files changed, the last one first, until `more` says no. Most sources have no
    /// history.
    fn walk_back(&self, files: [&str; 2], more: &mut dyn FnMut(&Step) -> bool) -> Result<Walked, ReadError> {
        match self.behind() {
            Some(behind) => behind.walk_back(files, more),
            None => Ok(Walked::Short(NO_HISTORY.to_owned())),
        }
    }
    /// When a file was last changed on the branch; what is older than `since` (seconds since 1970-01-01) is not looked at.
    /// `None` where that cannot be told: the file is not there, or the source has no history.
    fn last_changed(&self, file: &str, since: i64) -> Result<Option<Changed>, ReadError> {
        self.behind()
            .map_or(Ok(None), |behind| behind.last_changed(file, since))
    }
    /// Shows what the steps of the branch changed in files and folders, the last one first. What was there from a branch's first
    /// commit on is no step. Most sources have no history, a repository behind a URL has one where [`Sources::open_histories`]
    /// opened it.
    fn trace(&self, since: Since<'_>, paths: &[&str], show: &mut dyn FnMut(FileStep)) -> Result<Traced, ReadError> {
        match self.behind() {
            Some(behind) => behind.trace(since, paths, show),
            None => Ok(Traced::Short(NO_HISTORY.to_owned())),
        }
    }
    /// The bytes of files of which [`Self::trace`] told, by their blob ids. Of one that is larger than [`MAX_BLOB`] there are none.
    fn contents(&self, ids: &BTreeSet<String>) -> Result<Contents, ReadError> {
        self.behind()
            .map_or_else(|| Ok(Contents::new()), |behind| behind.contents(ids))
    }
    /// Has brought here in one go what [`Self::last_change`] will look at of files, where that would be fetched one by one.
    fn expect_changes(&self, files: &[&str]) {
        if let Some(behind) = self.behind() {
            behind.expect_changes(files);
        }
    }
    /// When the first commit of the branch was made (seconds since 1970-01-01); `None` where that is not here.
    fn began(&self) -> Result<Option<i64>, ReadError> {
        self.behind().map_or(Ok(None), Snapshot::began)
    }
    /// The last step of the branch that changed what a file says, as `says` has it, and when it was made (seconds since 1970).
    /// Most sources have no history.
    fn last_change(&self, file: &str, says: &dyn Fn(&[u8]) -> String) -> Result<Option<(String, i64)>, ReadError> {
        self.behind().map_or(Ok(None), |behind| behind.last_change(file, says))
    }
}
