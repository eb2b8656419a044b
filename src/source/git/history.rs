//! Where two files were last changed together: a walk back along a branch.

use git2::{Commit, ObjectType, Oid, Repository, Tree};

use crate::source::Together;

/// As many steps of a branch are walked back.
const MOST_STEPS: usize = 30_000;

/// Walks back from a commit along first parents: a merge is one step, with all that it brings.
pub(super) fn changed_together(repo: &Repository, head: Oid, file: &str, twin: &str) -> Result<Together, git2::Error> {
    let unknown = |why: &str| Ok(Together::Unknown(why.to_owned()));
    let mut commit = repo.find_commit(head)?;
    for _ in 0..MOST_STEPS {
        let parent = match commit.parent_id(0) {
            Err(_) if repo.is_shallow() => return unknown("the history that is here is shallow"),
            Err(_) => None,
            // The first commit of a shallow history names a parent that is not here.
            Ok(id) => match repo.find_commit(id) {
                Ok(parent) => Some(parent),
                Err(_) => return unknown("the history that is here is shallow"),
            },
        };
        let now = blobs(&commit, file, twin)?;
        let before = match &parent {
            Some(parent) => blobs(parent, file, twin)?,
            None => (None, None),
        };
        let (Some(_), Some(other)) = now else {
            return unknown("one of the files was moved or is a link");
        };
        // Who adds a file has the other one before their eyes.
        if now.0 != before.0 && (now.1 != before.1 || before.0.is_none()) {
            let bytes = repo.find_blob(other)?.content().into();
            return Ok(Together::At {
                commit: commit.id().to_string(),
                twin: bytes,
            });
        }
        match parent {
            Some(parent) => commit = parent,
            None => break,
        }
    }
    unknown("its history is longer than is looked at")
}

fn blobs(commit: &Commit<'_>, file: &str, twin: &str) -> Result<(Option<Oid>, Option<Oid>), git2::Error> {
    let tree = commit.tree()?;
    Ok((blob(&tree, file), blob(&tree, twin)))
}

fn blob(tree: &Tree<'_>, path: &str) -> Option<Oid> {
    /// The mode of a symbolic link, whose text is no Dockerfile.
    const LINK: i32 = 0o120_000;
    let entry = tree.get_path(std::path::Path::new(path)).ok()?;
    let is_file = entry.kind() == Some(ObjectType::Blob) && entry.filemode() != LINK;
    is_file.then(|| entry.id())
}
