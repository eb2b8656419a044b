//! What a branch would be with a head merged into it: merged in memory, in a scratch repository beside the real one.
//!
//! Nothing of the head is checked out or run, and nothing is written to the repository that it is in: the scratch repository
//! borrows its objects, holds what the merge makes, and goes with the snapshot.

use std::fs;
use std::path::Path;

use git2::{Commit, Oid, Repository, RepositoryInitOptions, Signature, Time};
use tempfile::TempDir;

use super::local::{self, Local};
use super::{Blob, DirectorySnapshot, Entry, GitSnapshot, Location, ReadError, Snapshot, SourceError};
use crate::base::Origin;

/// As many files are named that a head and its base changed in different ways.
const MOST_CONFLICTS: usize = 5;

/// A base, and what it would be with a head.
pub struct Merged {
    /// The base as it is.
    pub base: Box<dyn Snapshot>,
    /// The base with the head merged into it.
    pub with: Box<dyn Snapshot>,
    /// The base's commit; none of a plain directory.
    pub base_commit: Option<String>,
    /// The head's commit; none of a plain directory.
    pub head_commit: Option<String>,
    /// The commit that the merge would make, which is nowhere: what was read there was read of the head. `None` where the head
    /// is a plain directory, which is taken as it is.
    pub merged_commit: Option<String>,
}

/// Why a head could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// One of the two cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The two changed the same in different ways.
    #[error("{head} does not merge into {base}: both changed {}; nothing can be said until it is rebased", files.join(", "))]
    Conflict {
        /// The base.
        base: String,
        /// The head.
        head: String,
        /// Files, a few of them.
        files: Vec<String>,
    },
    /// The scratch repository could not be made.
    #[error("a repository for merging cannot be made: {0}")]
    Scratch(String),
}

/// Opens a base, by default the branch, and what it would be with a head. Each is a branch, a ref or a commit of the repository, or a plain directory.
///
/// # Errors
/// One of them cannot be read, or they do not merge.
pub fn merged(
    name: &str,
    location: &Location,
    branch: &str,
    base: Option<&str>,
    head: &str,
) -> Result<Merged, MergeError> {
    let repo = match location {
        Location::Path(path) => match local::find(path, &location.to_string()) {
            Ok(Local::Git(repo)) => Some(repo),
            Ok(Local::Dir(_)) | Err(SourceError::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        },
        Location::Url(_) => None,
    };
    // A folder stands for whatever branch is asked for.
    let folder = location.to_string();
    let base = match (base, &repo) {
        (None, Some(_)) => branch,
        (Some(base), Some(_)) => base,
        (Some(base), None) if Path::new(base).is_dir() => base,
        (_, None) => &folder,
    };
    let find = |what: &str| repo.as_ref().and_then(|repo| commit_of(repo, what));
    let unknown = |what: &str| SourceError::NoCommit {
        place: location.to_string(),
        commit: what.to_owned(),
    };
    let ids = (find(base), find(head));
    if let (Some(repo), (Some(base_id), Some(head_id))) = (&repo, ids) {
        return in_git(
            repo,
            Names {
                name,
                branch,
                base,
                head,
            },
            base_id,
            head_id,
        );
    }
    let open = |what: &str, id: Option<Oid>| -> Result<(Box<dyn Snapshot>, Option<String>), MergeError> {
        match (id, &repo) {
            (Some(id), Some(repo)) => {
                let snapshot = opened(repo.path(), id, name, branch).map_err(|error| local::damaged(what, &error))?;
                Ok((Box::new(snapshot), Some(id.to_string())))
            }
            _ => {
                let path = Path::new(what);
                let folder = path
                    .is_dir()
                    .then(|| DirectorySnapshot::open(name, path))
                    .and_then(Result::ok);
                Ok((Box::new(folder.ok_or_else(|| unknown(what))?), None))
            }
        }
    };
    let (base, base_commit) = open(base, ids.0)?;
    let (with, head_commit) = open(head, ids.1)?;
    Ok(Merged {
        base,
        with,
        base_commit,
        head_commit,
        merged_commit: None,
    })
}

/// What things are called.
struct Names<'n> {
    name: &'n str,
    branch: &'n str,
    base: &'n str,
    head: &'n str,
}

/// The commit of a branch, else of whatever git knows by that name.
fn commit_of(repo: &Repository, what: &str) -> Option<Oid> {
    let branch = repo.find_reference(&format!("refs/heads/{what}")).ok();
    let commit = branch.and_then(|branch| branch.peel_to_commit().ok());
    let commit = commit.or_else(|| repo.revparse_single(what).ok()?.peel_to_commit().ok());
    commit.map(|commit| commit.id())
}

fn opened(path: &Path, id: Oid, name: &str, branch: &str) -> Result<GitSnapshot, git2::Error> {
    GitSnapshot::new(local::open_git(path)?, id, name, branch)
}

fn in_git(repo: &Repository, names: Names<'_>, base: Oid, head: Oid) -> Result<Merged, MergeError> {
    let Names { name, branch, .. } = names;
    let damaged = |error: git2::Error| MergeError::Source(local::damaged(name, &error));
    let base_snapshot = opened(repo.path(), base, name, branch).map_err(damaged)?;
    let dir = scratch(repo).map_err(|error| MergeError::Scratch(error.to_string()))?;
    let merged = merge(dir.path(), &names, base, head)?;
    let inner = opened(dir.path(), merged, name, branch).map_err(damaged)?;
    Ok(Merged {
        base: Box::new(base_snapshot),
        with: Box::new(Scratch { inner, _dir: dir }),
        base_commit: Some(base.to_string()),
        head_commit: Some(head.to_string()),
        merged_commit: Some(merged.to_string()),
    })
}

/// An empty repository that borrows another one's objects.
fn scratch(repo: &Repository) -> Result<TempDir, anyhow::Error> {
    let dir = tempfile::Builder::new().prefix("lockstep-merge").tempdir()?;
    let mut options = RepositoryInitOptions::new();
    Repository::init_opts(dir.path(), options.bare(true).external_template(false))?;
    let objects = repo.commondir().join("objects").canonicalize()?;
    let info = dir.path().join("objects/info");
    fs::create_dir_all(&info)?;
    let objects = objects.to_str().filter(|path| !path.contains('\n'));
    let objects = objects.ok_or_else(|| anyhow::anyhow!("the path of the repository is not UTF-8"))?;
    fs::write(info.join("alternates"), format!("{objects}\n"))?;
    Ok(dir)
}

/// Merges a head into a base, and gives the commit.
fn merge(scratch: &Path, names: &Names<'_>, base: Oid, head: Oid) -> Result<Oid, MergeError> {
    let damaged = |error: git2::Error| MergeError::Source(local::damaged(names.name, &error));
    let repo = local::open_git(scratch).map_err(damaged)?;
    let (ours, theirs) = (repo.find_commit(base), repo.find_commit(head));
    let (ours, theirs) = (ours.map_err(damaged)?, theirs.map_err(damaged)?);
    // Without a common commit nothing was there before.
    let ancestor = repo.merge_base(base, head).ok();
    let tree = match ancestor {
        Some(ancestor) if ancestor == base => theirs.tree_id(),
        Some(ancestor) if ancestor == head => ours.tree_id(),
        _ => merged_tree(&repo, ancestor, &ours, &theirs, names)?,
    };
    let tree = repo.find_tree(tree).map_err(damaged)?;
    // The same base and head make the same commit.
    let time = Time::new(theirs.time().seconds(), 0);
    let who = Signature::new("lockstep", "lockstep@localhost", &time).map_err(damaged)?;
    let made = repo.commit(None, &who, &who, "as if merged", &tree, &[&ours, &theirs]);
    made.map_err(damaged)
}

fn merged_tree(
    repo: &Repository,
    ancestor: Option<Oid>,
    ours: &Commit<'_>,
    theirs: &Commit<'_>,
    names: &Names<'_>,
) -> Result<Oid, MergeError> {
    let damaged = |error: git2::Error| MergeError::Source(local::damaged(names.name, &error));
    let before = match ancestor {
        Some(ancestor) => repo.find_commit(ancestor).and_then(|commit| commit.tree()),
        None => repo.treebuilder(None).and_then(|empty| repo.find_tree(empty.write()?)),
    };
    let before = before.map_err(damaged)?;
    let (ours, theirs) = (ours.tree().map_err(damaged)?, theirs.tree().map_err(damaged)?);
    let mut index = repo.merge_trees(&before, &ours, &theirs, None).map_err(damaged)?;
    if index.has_conflicts() {
        let conflicts = index.conflicts().map_err(damaged)?;
        let path = |conflict: git2::IndexConflict| {
            let entry = conflict.our.or(conflict.their).or(conflict.ancestor)?;
            Some(String::from_utf8_lossy(&entry.path).into_owned())
        };
        let files = conflicts.filter_map(Result::ok).filter_map(path);
        return Err(MergeError::Conflict {
            base: names.base.to_owned(),
            head: names.head.to_owned(),
            files: files.take(MOST_CONFLICTS).collect(),
        });
    }
    index.write_tree_to(repo).map_err(damaged)
}

/// A snapshot of a scratch repository, which goes with it.
struct Scratch {
    inner: GitSnapshot,
    _dir: TempDir,
}

impl Snapshot for Scratch {
    fn origin(&self) -> &Origin {
        self.inner.origin()
    }

    fn behind(&self) -> Option<&dyn Snapshot> {
        Some(&self.inner)
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        self.inner.read(path)
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        self.inner.oid(path)
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError> {
        self.inner.list(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Walked;
    use crate::source::testing::TestRepo;

    fn text(tree: &dyn Snapshot, path: &str) -> Option<String> {
        let blob = tree.read(path).expect("readable")?;
        Some(String::from_utf8_lossy(&blob.bytes).into_owned())
    }

    /// Makes the branch `topic` at a commit.
    fn fork(repo: &TestRepo, at: Oid) {
        repo.git()
            .reference("refs/heads/topic", at, false, "")
            .expect("a branch");
    }

    fn objects(repo: &TestRepo) -> usize {
        let mut count = 0;
        let odb = repo.git().odb().expect("objects");
        odb.foreach(|_| {
            count += 1;
            true
        })
        .expect("counted");
        count
    }

    fn with(repo: &TestRepo, head: &str) -> Result<Merged, MergeError> {
        merged("o/r", &repo.location(), "main", None, head)
    }

    #[test]
    fn a_head_is_merged_with_what_the_base_got_meanwhile() {
        let repo = TestRepo::bare();
        let first = repo.commit_files("main", &[("Dockerfile", "FROM a\n"), ("go.mod", "go 1\n")]);
        fork(&repo, first);
        let head = repo.commit_files("topic", &[("Dockerfile", "FROM b\n"), ("go.mod", "go 1\n")]);
        let base = repo.commit_files("main", &[("Dockerfile", "FROM a\n"), ("go.mod", "go 2\n")]);
        let before = objects(&repo);
        let found = with(&repo, "topic").expect("merged");
        assert_eq!(found.base_commit, Some(base.to_string()));
        assert_eq!(found.head_commit, Some(head.to_string()));
        assert_eq!(text(&*found.with, "Dockerfile").as_deref(), Some("FROM b\n"));
        assert_eq!(text(&*found.with, "go.mod").as_deref(), Some("go 2\n"));
        assert_eq!(text(&*found.base, "Dockerfile").as_deref(), Some("FROM a\n"));
        assert_eq!(objects(&repo), before, "nothing is written to the repository");
        let again = with(&repo, &head.to_string()).expect("merged");
        assert_eq!(
            again.merged_commit, found.merged_commit,
            "by its commit, and the same again"
        );
        let mut steps = 0;
        let walked = found.with.walk_back(["Dockerfile", "go.mod"], &mut |_| {
            steps += 1;
            true
        });
        assert_eq!(
            (walked, steps),
            (Ok(Walked::Enough), 3),
            "the merge is one step on top of the base"
        );
    }

    #[test]
    fn what_does_not_merge_says_which_file() {
        let repo = TestRepo::bare();
        let first = repo.commit_files("main", &[("Dockerfile", "FROM a\n")]);
        fork(&repo, first);
        repo.commit_files("topic", &[("Dockerfile", "FROM b\n")]);
        repo.commit_files("main", &[("Dockerfile", "FROM c\n")]);
        let error = with(&repo, "topic").map(|_| ()).expect_err("a conflict").to_string();
        assert!(
            error.contains("topic does not merge into main: both changed Dockerfile"),
            "{error}"
        );
    }

    #[test]
    fn a_folder_is_taken_as_it_is_and_what_is_neither_is_an_error() {
        let repo = TestRepo::bare();
        repo.commit_files("main", &[("Dockerfile", "FROM a\n")]);
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("Dockerfile"), "FROM dir\n").expect("written");
        let found = with(&repo, folder.path().to_str().expect("UTF-8")).expect("opened");
        assert_eq!(text(&*found.with, "Dockerfile").as_deref(), Some("FROM dir\n"));
        assert!(found.base_commit.is_some() && found.head_commit.is_none() && found.merged_commit.is_none());
        let error = with(&repo, "no/such").map(|_| ()).expect_err("unknown").to_string();
        assert!(error.contains("no commit `no/such`"), "{error}");
    }
}
