//! What the steps of a branch changed in files, since it parted from another one or since a time.

use git2::{Commit, DiffFile, DiffOptions, FileMode, Oid, Repository};

use super::history::MOST_STEPS;
use crate::source::{FileStep, Since, Traced};

/// Walks back from a commit along first parents, and shows what each step changed below some paths.
pub(super) fn trace(
    repo: &Repository,
    head: Oid,
    since: Since<'_>,
    paths: &[&str],
    show: &mut dyn FnMut(FileStep),
) -> Result<Traced, git2::Error> {
    let short = || Ok(Traced::Short("the history that is here is shallow".to_owned()));
    let base = match since {
        Since::Time(_) => None,
        Since::Fork(other) => {
            let other = Oid::from_str(other)
                .ok()
                .filter(|other| repo.find_commit(*other).is_ok());
            let Some(other) = other else {
                return Ok(Traced::Unrelated);
            };
            match repo.merge_base(head, other) {
                Ok(base) => Some(repo.find_commit(base)?),
                // The commit that they share may lie beyond what is here.
                Err(_) if repo.is_shallow() => return short(),
                Err(_) => return Ok(Traced::Unrelated),
            }
        }
    };
    let mut commit = repo.find_commit(head)?;
    for _ in 0..MOST_STEPS {
        let is_old = |commit: &Commit<'_>| match (&base, since) {
            (Some(base), _) => commit.id() == base.id(),
            (None, Since::Time(time)) => commit.time().seconds() <= time,
            (None, Since::Fork(_)) => true,
        };
        if is_old(&commit) {
            return Ok(Traced::Whole);
        }
        let parent = match commit.parent_id(0) {
            Err(_) if repo.is_shallow() => return short(),
            Err(_) => return Ok(Traced::Whole),
            // The first commit of a shallow history names a parent that is not here.
            Ok(id) => match repo.find_commit(id) {
                Ok(parent) => parent,
                Err(_) => return short(),
            },
        };
        let before = match &base {
            // What was merged may be where they parted: all that it lacks came with this step.
            Some(base) if is_beside(repo, &parent, base)? => base.clone(),
            _ => parent,
        };
        changed(repo, [&before, &commit], paths, show)?;
        commit = before;
    }
    Ok(Traced::Short("its history is longer than is looked at".to_owned()))
}

/// Whether a commit has not got another one in its history.
fn is_beside(repo: &Repository, commit: &Commit<'_>, base: &Commit<'_>) -> Result<bool, git2::Error> {
    let may_be = commit.id() != base.id() && commit.time() <= base.time();
    Ok(may_be && !repo.graph_descendant_of(commit.id(), base.id())?)
}

/// When the first commit of a branch was made; `None` where it is not here.
pub(super) fn began(repo: &Repository, head: Oid) -> Result<Option<i64>, git2::Error> {
    if repo.is_shallow() {
        return Ok(None);
    }
    let mut commit = repo.find_commit(head)?;
    for _ in 0..MOST_STEPS {
        let Ok(parent) = commit.parent_id(0) else {
            return Ok(Some(commit.time().seconds()));
        };
        commit = repo.find_commit(parent)?;
    }
    Ok(None)
}

/// Shows what differs between two commits below some paths.
fn changed(
    repo: &Repository,
    [before, after]: [&Commit<'_>; 2],
    paths: &[&str],
    show: &mut dyn FnMut(FileStep),
) -> Result<(), git2::Error> {
    let (old, new) = (before.tree()?, after.tree()?);
    let mut options = DiffOptions::new();
    options.disable_pathspec_match(true);
    for path in paths {
        options.pathspec(path);
    }
    let diff = repo.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))?;
    for delta in diff.deltas() {
        let path = delta.new_file().path().or_else(|| delta.old_file().path());
        // What is not UTF-8 is no file that anybody asks for.
        let Some(path) = path.and_then(std::path::Path::to_str).map(str::to_owned) else {
            continue;
        };
        show(FileStep {
            path,
            commit: after.id().to_string(),
            time: after.time().seconds(),
            before: id(&delta.old_file()),
            after: id(&delta.new_file()),
        });
    }
    Ok(())
}

/// A file's id; none of a link.
fn id(file: &DiffFile<'_>) -> Option<String> {
    let is_file = matches!(file.mode(), FileMode::Blob | FileMode::BlobExecutable);
    is_file.then(|| file.id().to_string())
}
