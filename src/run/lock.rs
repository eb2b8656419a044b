//! A lock: all that a release was derived from, by commit and digest, so that it can be derived again to the last byte.
#![expect(clippy::disallowed_methods, reason = "locks are files that people keep")]

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Run;
use crate::model::build_config::{BuildConfig, Input};
use crate::source::Commits;
use crate::source::oci::{Options, RegistryImage};

/// The version of the file's form.
pub const VERSION: u32 = 1;
/// The largest lock that is read, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Why there is no lock, or not the one that is asked for.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The file system refuses.
    #[error("the lock {} cannot be {done}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was to be done with it.
        done: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// A file that is larger than is read.
    #[error("the lock {} has {bytes} bytes, more than the {MAX_BYTES} that are read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The file holds something else.
    #[error("{} is no lock: {error}", path.display())]
    NoLock {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// Another lockstep wrote it.
    #[error("{} is a lock of version {version}, and version {VERSION} is read here", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The lock has no JSON form.
    #[error("{0}")]
    Json(serde_json::Error),
    /// What is to be looked up anew is not in it.
    #[error("`{0}` is neither a repository nor a pullspec of the lock, nor an image of the release")]
    Unknown(String),
}

/// All that a release was derived from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The version of this form.
    pub lock: u32,
    /// The version of lockstep that wrote it.
    pub lockstep: String,
    /// The release, such as `4.16`.
    pub release: String,
    /// The digest of the rule sets.
    pub rules: String,
    /// By repository and branch the commit that was read.
    pub commits: BTreeMap<String, BTreeMap<String, String>>,
    /// Where the last payload was read, where that is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// By pullspec the digest of each image that OKD does not build itself.
    pub external: BTreeMap<String, String>,
}

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    /// It cannot be read, or is no lock of this version.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        let (own, done) = (|| path.to_owned(), "read");
        let refused = |error| LockError::Io {
            path: own(),
            done,
            error,
        };
        let bytes = std::fs::metadata(path).map_err(refused)?.len();
        if bytes > MAX_BYTES {
            return Err(LockError::TooLarge { path: own(), bytes });
        }
        let text = std::fs::read_to_string(path).map_err(refused)?;
        let lock: Self = serde_json::from_str(&text).map_err(|error| LockError::NoLock { path: own(), error })?;
        match lock.lock {
            VERSION => Ok(lock),
            version => Err(LockError::Version { path: own(), version }),
        }
    }

    /// Writes a lock.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), LockError> {
        let text = serde_json::to_string_pretty(self).map_err(LockError::Json)? + "\n";
        std::fs::write(path, text).map_err(|error| LockError::Io {
            path: path.to_owned(),
            done: "written",
            error,
        })
    }

    /// Its commits as sources take them.
    pub fn pins(&self) -> Commits {
        let all = self.commits.iter().flat_map(|(repo, branches)| {
            branches
                .iter()
                .map(move |(branch, commit)| ((repo.clone(), branch.clone()), commit.clone()))
        });
        all.collect()
    }

    /// Takes out what is to be looked up anew: a repository, a pullspec, or an image's key or tag, which stands for its
    /// repository in `document`.
    ///
    /// # Errors
    /// A name that stands for nothing in the lock.
    pub fn free(&mut self, name: &str, document: Option<&BuildConfig>) -> Result<(), LockError> {
        if self.external.remove(name).is_some() || self.commits.remove(name).is_some() {
            return Ok(());
        }
        let images = document.into_iter().flat_map(|document| &document.images);
        let mut named = images.filter(|(key, image)| *key == name || image.tag.value == name);
        let repository = named.next().map(|(_, image)| image.repository.value.as_str());
        match repository.and_then(|repository| self.commits.remove(repository)) {
            Some(_) => Ok(()),
            None => Err(LockError::Unknown(name.to_owned())),
        }
    }
}

impl Run {
    /// The lock of a release that has just been derived. `known`: digests that are not asked for again; `offline`: no
    /// registry is asked at all. The second value says what is missing from the lock.
    pub fn lock(&self, document: &BuildConfig, known: &BTreeMap<String, String>, offline: bool) -> (Lock, Vec<String>) {
        let mut commits: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for ((repo, branch), commit) in self.sources.commits() {
            commits.entry(repo).or_default().insert(branch, commit);
        }
        let (mut external, mut missing) = (BTreeMap::new(), Vec::new());
        // The digest is that of the list, whatever architecture would be read of it.
        let options = Options {
            auth_file: None,
            architecture: "amd64".to_owned(),
            insecure: false,
        };
        for pullspec in foreign(document) {
            if let Some(digest) = known.get(&pullspec) {
                external.insert(pullspec, digest.clone());
            } else if offline {
                missing.push(format!("the digest of {pullspec} is left out (`--offline`)"));
            } else {
                match RegistryImage::find(&pullspec, &options) {
                    Ok(image) => drop(external.insert(pullspec, image.digest)),
                    Err(error) => missing.push(format!("the digest of {pullspec} is left out: {error}")),
                }
            }
        }
        let lock = Lock {
            lock: VERSION,
            lockstep: env!("CARGO_PKG_VERSION").to_owned(),
            release: document.release.to_string(),
            rules: self.rules.digest(),
            commits,
            payload: document.payload.last.as_ref().map(|last| last.from.to_string()),
            external,
        };
        (lock, missing)
    }
}

/// Pullspecs that stand for FROMs and copies, and that OKD does not build itself.
fn foreign(document: &BuildConfig) -> BTreeSet<String> {
    let images = document.images.values();
    let inputs = images
        .clone()
        .flat_map(|image| image.base.iter().chain(&image.builders));
    let own = |input: &&Input| input.image.is_none();
    let froms = inputs.filter(own).map(|input| match input.replaced {
        true => input.pullspec.value.clone(),
        false => input.written.clone(),
    });
    let copies = images
        .flat_map(|image| &image.copies_from)
        .filter(|copy| copy.image.is_none());
    froms.chain(copies.map(|copy| copy.pullspec.clone())).collect()
}
