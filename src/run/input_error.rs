//! Why something that a run looks at beside build data cannot be read.

use crate::base::RepoName;
use crate::facts::payload;
use crate::source::oci::OciError;
use crate::source::{ReadError, SourceError};
use crate::yaml;

/// Why something that a run looks at beside build data cannot be read: it costs what depends on it, and no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// The configuration says that components are not read.
    #[error("`sources.components.via` is none")]
    NotAsked,
    /// The configuration has no place for a repository.
    #[error("`sources.components.repo` has no place for {0}")]
    NoPlace(RepoName),
    /// A repository or file cannot be opened.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A path of what was opened cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file is not there.
    #[error("it is not there")]
    Missing,
    /// A file is not there, where the configuration says that it is.
    #[error("{repo}: no file `{path}`{}", on(branch))]
    NoFile {
        /// The repository as configured.
        repo: String,
        /// The file.
        path: String,
        /// The branch; empty where there is none.
        branch: String,
    },
    /// An image of a registry cannot be read.
    #[error(transparent)]
    Image(#[from] OciError),
    /// An image lacks a file.
    #[error("{image}: the image has no file {path}")]
    NotInImage {
        /// The image as configured.
        image: String,
        /// The file.
        path: String,
    },
    /// A file is no YAML, or not of the form that is read.
    #[error(transparent)]
    Yaml(#[from] yaml::Error),
    /// A list of images is none.
    #[error("{0}")]
    References(payload::Fault),
}

fn on(branch: &str) -> String {
    match branch {
        "" => String::new(),
        branch => format!(" on branch `{branch}`"),
    }
}
