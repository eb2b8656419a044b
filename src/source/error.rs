//! Why a source could not be opened.

use std::path::PathBuf;

/// How many branch names an error lists.
const NAMES: usize = 5;

/// What a server with buckets, of Google or of S3's kind, says where there is no such bucket.
pub const NO_BUCKET: &str = "NoSuchBucket";
/// And where the bucket is there, and has nothing of the name.
pub const NO_KEY: &str = "NoSuchKey";

/// Why a repository could not be opened at a branch. Places never hold credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// Nothing is at the place.
    #[error("{place}: no such repository or directory; check the path or URL in the configuration's `sources`")]
    NotFound {
        /// The place as configured.
        place: String,
    },
    /// No file is at the place.
    #[error("{place}: no such file{}; check the path or URL in the configuration's `sources`", said(code.as_deref()))]
    NoFile {
        /// The place as configured.
        place: String,
        /// What is missing in the word of a server that has a bucket, such as [`NO_BUCKET`] or [`NO_KEY`].
        code: Option<String>,
    },
    /// The host could not be reached or did not answer as a git server does. Trying again later may help.
    #[error("{place}: cannot be reached: {message}; check the network and the URL, or name a local mirror instead")]
    Unreachable {
        /// The place as configured.
        place: String,
        /// What the transport said.
        message: String,
    },
    /// The repository has branches, but not this one.
    #[error("{place}: no branch `{branch}`{}{}", among(near, *count), only_remote(branch, *remote))]
    NoBranch {
        /// The place as configured.
        place: String,
        /// The branch that was asked for.
        branch: String,
        /// Up to five of its branches, the most similar names first.
        near: Vec<String>,
        /// How many branches there are.
        count: usize,
        /// A clone knows the branch as `origin/<branch>` only.
        remote: bool,
    },
    /// The repository does not tell which of its branches is the default.
    #[error("{place}: its HEAD does not tell which branch is the default{}; set the source's `branch`", among(near, *count))]
    NoDefault {
        /// The place as configured.
        place: String,
        /// Up to five of its branches.
        near: Vec<String>,
        /// How many branches there are.
        count: usize,
    },
    /// The repository has no such commit.
    #[error(
        "{place}: no commit `{commit}`; a plain directory has none, and behind a URL its whole id of 40 digits is needed"
    )]
    NoCommit {
        /// The place as configured.
        place: String,
        /// The commit that was asked for.
        commit: String,
    },
    /// Commits are given for all that is read, and there is none for this.
    #[error("{name}: branch `{branch}` is not in the lock; write the lock anew, or add it with `--update {name}`")]
    NotLocked {
        /// The repository.
        name: String,
        /// The branch that was asked for.
        branch: String,
    },
    /// The repository's branches can be read, and not what was before.
    #[error(
        "{place}: the history of its branches cannot be had: {message}; name a repository on disk that has it instead"
    )]
    NoHistory {
        /// The place as configured.
        place: String,
        /// Why not.
        message: String,
    },
    /// The repository has no commit at all.
    #[error("{place}: the repository is empty; push branch `{branch}` to it first")]
    Empty {
        /// The place as configured.
        place: String,
        /// The branch that was asked for.
        branch: String,
    },
    /// It looks like a repository, but git cannot read it.
    #[error("{place}: the repository is damaged: {message}; try `git fsck` in it, or clone it anew")]
    Corrupt {
        /// The place as configured.
        place: String,
        /// What git said.
        message: String,
    },
    /// It is there, but may not be read.
    #[error("{place}: access denied: {message}; check the credentials or the file permissions")]
    Denied {
        /// The place as configured.
        place: String,
        /// What the system or server said.
        message: String,
    },
    /// A URL needs a place to fetch to, and none is configured.
    #[error("{place}: a URL is fetched into the state directory, and none is set; set `state` in the configuration")]
    NoState {
        /// The place as configured.
        place: String,
    },
    /// The state directory cannot be used.
    #[error("{}: {message}; check that `state` in the configuration is a directory that can be written to", path.display())]
    State {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        message: String,
    },
}

impl SourceError {
    /// Tells a default branch that cannot be told from a repository without any commit. `all`: its branches.
    pub(super) fn no_default(place: String, all: Vec<String>) -> Self {
        const USUAL: &str = "main";
        let count = all.len();
        match count {
            0 => Self::no_branch(place, USUAL, all, false),
            _ => Self::NoDefault {
                place,
                near: nearest(USUAL, all),
                count,
            },
        }
    }

    /// Tells a missing branch from a repository without any commit. `all`: its branches; `remote`: whether the branch
    /// is there as `origin/<branch>`.
    pub(super) fn no_branch(place: String, branch: &str, all: Vec<String>, remote: bool) -> Self {
        let (branch, count) = (branch.to_owned(), all.len());
        if count == 0 && !remote {
            return Self::Empty { place, branch };
        }
        Self::NoBranch {
            place,
            near: nearest(&branch, all),
            branch,
            count,
            remote,
        }
    }

    /// Says whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

fn said(code: Option<&str>) -> String {
    code.map_or_else(String::new, |code| format!(" (the server says `{code}`)"))
}

/// Picks the names most similar to the one asked for.
fn nearest(wanted: &str, mut all: Vec<String>) -> Vec<String> {
    all.sort_by_cached_key(|name| (strsim::damerau_levenshtein(wanted, name), name.clone()));
    all.truncate(NAMES);
    all
}

/// What git calls the repository that another was cloned from.
pub(super) const REMOTE: &str = "origin";

fn only_remote(branch: &str, remote: bool) -> String {
    match remote {
        true => {
            let there = format!("{REMOTE}/{branch}");
            format!("; it knows `{there}`, of which `git branch {branch} {there}` makes one")
        }
        false => String::new(),
    }
}

fn among(near: &[String], count: usize) -> String {
    if near.is_empty() {
        return String::new();
    }
    let quoted: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    let more = match count.saturating_sub(near.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; it has {}{more}", quoted.join(", "))
}
