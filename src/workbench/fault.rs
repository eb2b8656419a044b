//! What keeps a case from being run, made or changed.

use std::io;
use std::path::{Path, PathBuf};

use super::CASE_FILE;
use super::sets::SetError;
use crate::config;
use crate::run::{NoOverride, RunError};

/// What keeps a case from being run, made or changed.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file system refuses.
    #[error("{} cannot be {done}: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was to be done with it, such as `read`.
        done: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// Neither is one of the paths a case, nor does one hold any.
    #[error("no case in {}: a case is a folder with `{CASE_FILE}`", list(.0))]
    NoCase(Vec<PathBuf>),
    /// The case's own file has faults: all of them, each with its place.
    #[error("{0}")]
    Faulty(String),
    /// A case without repositories.
    #[error("{} is missing: it holds repositories as <org>/<repo>", .0.display())]
    NoInput(PathBuf),
    /// A link, or what else is neither a file nor a folder.
    #[error("{} is neither a file nor a folder; fixtures have no links", .0.display())]
    NoFile(PathBuf),
    /// A new case would lie over something.
    #[error("{} is there already", .0.display())]
    Occupied(PathBuf),
    /// A new case's rule cannot be called so.
    #[error("`{0}` is no rule name: small letters, digits and dashes, such as `needed-payload`")]
    RuleName(String),
    /// What is to be captured is not there.
    #[error("no needed image has the tag or key `{0}`")]
    NoImage(String),
    /// Its rules cannot be used.
    #[error(transparent)]
    Rules(#[from] SetError),
    /// The configuration that it stands for cannot be used.
    #[error(transparent)]
    Config(#[from] config::Faults),
    /// One of its `set` has no known form.
    #[error(transparent)]
    Override(#[from] NoOverride),
    /// It cannot be derived or rendered.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The system has no way to watch files, or no more of it.
    #[error("files cannot be watched: {0}")]
    Watch(notify::Error),
}

impl Fault {
    /// Tells what the system refused to do with a path.
    pub(super) fn io(path: &Path, done: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io {
            path: path.to_owned(),
            done,
            error,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}
