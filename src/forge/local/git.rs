//! Commits and branches in an object database: no checkout, no work tree, no subprocess.

use std::collections::BTreeMap;
use std::path::Path;

use git2::{Commit, ErrorCode, Oid, Repository, RepositoryOpenFlags, Signature, Tree};

use crate::forge::ForgeError;
use crate::source::Folders;

/// The contents that paths should have; `None`: the path goes.
pub type Contents = BTreeMap<String, Option<Oid>>;

/// How libgit2's errors become ours: with what was being done.
pub fn doing(what: impl Into<String>) -> impl FnOnce(git2::Error) -> ForgeError {
    move |source| ForgeError::Git {
        what: what.into(),
        source,
    }
}

/// Who makes the commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The address, by which commits of ours are told from those of others.
    pub email: String,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            name: "lockstep".into(),
            email: "lockstep@localhost".into(),
        }
    }
}

/// Opens a repository at a path, never one around it.
pub fn open(path: &Path) -> Result<Repository, ForgeError> {
    Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, std::iter::empty::<&Path>())
        .map_err(doing(path.display().to_string()))
}

/// Whether a branch is checked out in the repository's work tree or in one that is linked to it.
pub fn is_checked_out(repo: &Repository, branch: &str) -> bool {
    let reference = branch_ref(branch);
    let has = |repo: &Repository| repo.head().is_ok_and(|head| head.name_bytes() == reference.as_bytes());
    if !repo.is_bare() && has(repo) {
        return true;
    }
    let Ok(names) = repo.worktrees() else { return false };
    let linked = names.iter().filter_map(|name| repo.find_worktree(name.ok()??).ok());
    linked
        .filter_map(|worktree| Repository::open_from_worktree(&worktree).ok())
        .any(|worktree| has(&worktree))
}

/// The reference of a branch.
pub fn branch_ref(branch: &str) -> String {
    format!("refs/heads/{branch}")
}

/// The commit that a reference names; `None` where there is none.
pub fn tip<'r>(repo: &'r Repository, reference: &str) -> Result<Option<Commit<'r>>, ForgeError> {
    match repo.find_reference(reference) {
        Ok(found) => found
            .peel_to_commit()
            .map(Some)
            .map_err(doing(format!("reading {reference}"))),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(doing(format!("reading {reference}"))(error)),
    }
}

/// What a change proposes for a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The blob before it.
    pub old: Option<Oid>,
    /// The blob after it.
    pub new: Option<Oid>,
}

/// The paths in which two trees differ.
pub fn proposals(repo: &Repository, from: &Tree<'_>, to: &Tree<'_>) -> Result<BTreeMap<String, Proposal>, ForgeError> {
    let diff = repo
        .diff_tree_to_tree(Some(from), Some(to), None)
        .map_err(doing("comparing two trees"))?;
    let there = |id: Oid| (!id.is_zero()).then_some(id);
    let named = diff.deltas().filter_map(|delta| {
        let path = delta
            .new_file()
            .path_bytes()
            .or_else(|| delta.old_file().path_bytes())?;
        let proposal = Proposal {
            old: there(delta.old_file().id()),
            new: there(delta.new_file().id()),
        };
        Some((String::from_utf8_lossy(path).into_owned(), proposal))
    });
    Ok(named.collect())
}

/// The commits of a branch since it left its base that somebody else made, as `0123456789 by Ann`.
pub fn foreign(repo: &Repository, base: Oid, head: Oid, identity: &Identity) -> Result<Vec<String>, ForgeError> {
    let mut walk = repo.revwalk().map_err(doing("walking a branch"))?;
    walk.push(head)
        .and_then(|()| walk.hide(base))
        .map_err(doing("walking a branch"))?;
    let mut foreign = Vec::new();
    for id in walk {
        let commit = id
            .and_then(|id| repo.find_commit(id))
            .map_err(doing("walking a branch"))?;
        let author = commit.author();
        let ours = |who: &Signature<'_>| who.email_bytes() == identity.email.as_bytes();
        if !ours(&author) || !ours(&commit.committer()) {
            let short: String = commit.id().to_string().chars().take(10).collect();
            foreign.push(format!("{short} by {}", String::from_utf8_lossy(author.name_bytes())));
        }
    }
    Ok(foreign)
}

/// A commit to be made.
pub struct NewCommit<'a> {
    /// Who makes it.
    pub identity: &'a Identity,
    /// When, in seconds since 1970-01-01.
    pub now: i64,
    /// Its message.
    pub message: &'a str,
}

/// Writes one commit on top of another (or the first one), with some paths changed. References stay as they are.
pub fn commit(
    repo: &Repository,
    parent: Option<&Commit<'_>>,
    changes: &Contents,
    new: &NewCommit<'_>,
) -> Result<Oid, ForgeError> {
    let base = match parent {
        Some(parent) => parent.tree(),
        None => repo
            .treebuilder(None)
            .and_then(|b| b.write())
            .and_then(|id| repo.find_tree(id)),
    }
    .map_err(doing("reading the base's tree"))?;
    let tree = tree_with(repo, &base, changes)?;
    let time = git2::Time::new(new.now, 0);
    let who = Signature::new(&new.identity.name, &new.identity.email, &time).map_err(doing("naming the author"))?;
    let parents: Vec<&Commit<'_>> = parent.into_iter().collect();
    repo.commit(None, &who, &who, new.message, &tree, &parents)
        .map_err(doing("writing a commit"))
}

/// Writes a tree that differs from another in some paths. A file keeps its mode.
fn tree_with<'r>(repo: &'r Repository, base: &Tree<'_>, changes: &Contents) -> Result<Tree<'r>, ForgeError> {
    let mut update = git2::build::TreeUpdateBuilder::new();
    let folders = Folders::new(repo, base.clone());
    for (path, content) in changes {
        let there = folders.entry(path);
        let mode = match there.as_ref().map(git2::TreeEntry::filemode) {
            None | Some(0o100_644) => git2::FileMode::Blob,
            Some(0o100_755) => git2::FileMode::BlobExecutable,
            Some(_) => {
                let why = "a directory, link or submodule stands there".to_owned();
                return Err(ForgeError::Unsafe {
                    what: path.clone(),
                    why,
                });
            }
        };
        match content {
            Some(id) => {
                update.upsert(path.as_str(), *id, mode);
            }
            None if there.is_some() => {
                update.remove(path.as_str());
            }
            None => {}
        }
    }
    let id = update.create_updated(repo, base).map_err(doing("writing a tree"))?;
    repo.find_tree(id).map_err(doing("writing a tree"))
}

/// Sets a reference if it still names what is expected (`None`: it is not there).
pub fn swap(repo: &Repository, reference: &str, expected: Option<Oid>, new: Oid) -> Result<(), ForgeError> {
    let set = match expected {
        Some(old) => repo.reference_matching(reference, new, true, old, "lockstep"),
        None => repo.reference(reference, new, false, "lockstep"),
    };
    set.map(drop).map_err(doing(format!("setting {reference}")))
}

/// Deletes a reference if it still names what is expected.
pub fn delete(repo: &Repository, reference: &str, expected: Oid) -> Result<(), ForgeError> {
    let mut found = repo
        .find_reference(reference)
        .map_err(doing(format!("deleting {reference}")))?;
    if found.target() != Some(expected) {
        return Err(doing(format!("deleting {reference}"))(git2::Error::from_str(
            "it has moved meanwhile",
        )));
    }
    found.delete().map_err(doing(format!("deleting {reference}")))
}
