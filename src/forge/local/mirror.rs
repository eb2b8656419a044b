//! The local repository of a target whose source is no local repository: seeded from the source, and following it.
//!
//! `refs/lockstep/seed/<branch>` is the source as it was last seen. What has changed in the source since goes onto the
//! branch, beside what was merged there. What both the source and a merge changed is as the source has it.

use std::collections::BTreeMap;
use std::path::Path;

use git2::{Commit, ObjectType, Oid, Repository};

use super::git::{Contents, NewCommit, Proposal, branch_ref, commit, doing, open, proposals, swap, tip};
use crate::base::RepoName;
use crate::forge::ForgeError;
use crate::source::{EntryKind, Snapshot};

/// The deepest directory that is read.
const MAX_DEPTH: usize = 64;

/// The files of a source with the blob ids that git gives them. Links come as the files that they name.
pub fn scan(name: &RepoName, source: &dyn Snapshot) -> Result<BTreeMap<String, Oid>, ForgeError> {
    let fault = |message: String| ForgeError::Source {
        repo: name.clone(),
        message,
    };
    let mut files = BTreeMap::new();
    let mut todo = vec![(String::new(), 0)];
    while let Some((dir, depth)) = todo.pop() {
        let entries = source.list(&dir).map_err(|e| fault(e.to_string()))?.unwrap_or_default();
        for entry in entries {
            let path = if dir.is_empty() {
                entry.name
            } else {
                format!("{dir}/{}", entry.name)
            };
            if crate::base::path_fault(&path).is_some() {
                continue; // `.git` of an ordinary directory, and names that are not UTF-8
            }
            match entry.kind {
                EntryKind::Dir if depth < MAX_DEPTH => todo.push((path, depth + 1)),
                EntryKind::File | EntryKind::Link => {
                    // A file that cannot be read (too large, a link that leads out) is nothing that targets write.
                    if let Ok(Some(oid)) = source.oid(&path) {
                        files.insert(path, Oid::from_str(&oid).map_err(doing("reading an object id"))?);
                    }
                }
                EntryKind::Dir | EntryKind::Other => {}
            }
        }
    }
    Ok(files)
}

fn seed_ref(branch: &str) -> String {
    format!("refs/lockstep/seed/{branch}")
}

/// The source as it was last seen.
pub fn seed_tip<'r>(repo: &'r Repository, branch: &str) -> Result<Option<Commit<'r>>, ForgeError> {
    tip(repo, &seed_ref(branch))
}

/// What has changed in the source since it was last seen.
pub fn edits(repo: &Repository, name: &RepoName, branch: &str, source: &dyn Snapshot) -> Result<Contents, ForgeError> {
    let Some(seed) = tip(repo, &seed_ref(branch))? else {
        return Ok(Contents::new());
    };
    let tree = seed.tree().map_err(doing("reading the seed"))?;
    let empty = repo
        .treebuilder(None)
        .and_then(|b| b.write())
        .and_then(|id| repo.find_tree(id));
    let seen = proposals(repo, &empty.map_err(doing("reading the seed"))?, &tree)?;
    let now = scan(name, source)?;
    let gone = seen
        .keys()
        .filter(|path| !now.contains_key(*path))
        .map(|path| (path.clone(), None));
    let other = now
        .iter()
        .filter(|(path, oid)| seen.get(*path).and_then(|p: &Proposal| p.new) != Some(**oid))
        .map(|(path, oid)| (path.clone(), Some(*oid)));
    Ok(gone.chain(other).collect())
}

/// Makes the repository if it is not there, and its branch with the source's files as one commit.
pub fn seed(
    path: &Path,
    name: &RepoName,
    branch: &str,
    source: &dyn Snapshot,
    new: &NewCommit<'_>,
) -> Result<(), ForgeError> {
    let mut options = git2::RepositoryInitOptions::new();
    options
        .bare(true)
        .mkpath(true)
        .external_template(false)
        .initial_head(branch);
    Repository::init_opts(path, &options).map_err(doing(format!("making {}", path.display())))?;
    let repo = open(path)?;
    let files: Contents = scan(name, source)?
        .into_iter()
        .map(|(path, oid)| (path, Some(oid)))
        .collect();
    store(&repo, name, source, &files)?;
    let first = commit(&repo, None, &files, new)?;
    let seen = tip(&repo, &seed_ref(branch))?.map(|c| c.id());
    swap(&repo, &seed_ref(branch), seen, first)?;
    swap(&repo, &branch_ref(branch), None, first)
}

/// Brings what has changed in the source onto the branch, then notes the source as seen.
pub fn follow(
    repo: &Repository,
    name: &RepoName,
    branch: &str,
    source: &dyn Snapshot,
    new: &NewCommit<'_>,
) -> Result<(), ForgeError> {
    let edits = edits(repo, name, branch, source)?;
    store(repo, name, source, &edits)?;
    for reference in [branch_ref(branch), seed_ref(branch)] {
        let Some(old) = tip(repo, &reference)? else { continue };
        let next = commit(repo, Some(&old), &edits, new)?;
        let changes = repo.find_commit(next).is_ok_and(|next| next.tree_id() != old.tree_id());
        if changes {
            swap(repo, &reference, Some(old.id()), next)?;
        }
    }
    Ok(())
}

/// Writes the source's blobs into the object database.
fn store(repo: &Repository, name: &RepoName, source: &dyn Snapshot, files: &Contents) -> Result<(), ForgeError> {
    let fault = |message: String| ForgeError::Source {
        repo: name.clone(),
        message,
    };
    let odb = repo.odb().map_err(doing("opening the object database"))?;
    let missing = files.iter().filter(|(_, oid)| oid.is_some_and(|oid| !odb.exists(oid)));
    source.expect(&missing.map(|(path, _)| path.as_str()).collect::<Vec<_>>());
    for (path, oid) in files.iter().filter_map(|(path, oid)| oid.map(|oid| (path, oid))) {
        if odb.exists(oid) {
            continue;
        }
        let blob = source.read(path).map_err(|e| fault(e.to_string()))?;
        let blob = blob.ok_or_else(|| fault(format!("`{path}` has gone while it was read")))?;
        let written = odb
            .write(ObjectType::Blob, &blob.bytes)
            .map_err(doing("writing a blob"))?;
        if written != oid {
            return Err(fault(format!("`{path}` has changed while it was read")));
        }
    }
    Ok(())
}
