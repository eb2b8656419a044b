//! Where two files were last changed together: a walk back along a branch.

use std::collections::HashMap;

use git2::{Commit, ObjectType, Oid, Repository};

use crate::source::Together;

/// As many steps of a branch are walked back.
const MOST_STEPS: usize = 30_000;

/// Walks back from a commit along first parents: a merge is one step, with all that it brings.
pub(super) fn changed_together(repo: &Repository, head: Oid, file: &str, twin: &str) -> Result<Together, git2::Error> {
    let unknown = |why: &str| Ok(Together::Unknown(why.to_owned()));
    let mut commit = repo.find_commit(head)?;
    let mut files = Files::new(repo);
    let mut now = files.blobs(&commit, file, twin)?;
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
        let before = match &parent {
            Some(parent) => files.blobs(parent, file, twin)?,
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
            Some(parent) => (commit, now) = (parent, before),
            None => break,
        }
    }
    unknown("its history is longer than is looked at")
}

/// Finds two files in many commits. What a folder has is asked once: most commits leave most folders as they are, and
/// libgit2 unpacks a large one anew each time.
struct Files<'r> {
    repo: &'r Repository,
    known: HashMap<(Oid, String), Option<There>>,
}

/// One entry of a folder.
#[derive(Clone, Copy)]
struct There {
    id: Oid,
    kind: Option<ObjectType>,
    is_link: bool,
}

impl<'r> Files<'r> {
    fn new(repo: &'r Repository) -> Self {
        Self {
            repo,
            known: HashMap::new(),
        }
    }

    fn blobs(
        &mut self,
        commit: &Commit<'_>,
        file: &str,
        twin: &str,
    ) -> Result<(Option<Oid>, Option<Oid>), git2::Error> {
        let root = commit.tree_id();
        Ok((self.blob(root, file)?, self.blob(root, twin)?))
    }

    fn blob(&mut self, root: Oid, path: &str) -> Result<Option<Oid>, git2::Error> {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut folder = root;
        for step in folders.split('/').filter(|step| !step.is_empty()) {
            match self.entry(folder, step)? {
                Some(there) if there.kind == Some(ObjectType::Tree) => folder = there.id,
                _ => return Ok(None),
            }
        }
        let there = self.entry(folder, name)?;
        // A link's text is no Dockerfile.
        let file = there.filter(|there| there.kind == Some(ObjectType::Blob) && !there.is_link);
        Ok(file.map(|there| there.id))
    }

    fn entry(&mut self, folder: Oid, name: &str) -> Result<Option<There>, git2::Error> {
        const LINK: i32 = 0o120_000;
        let key = (folder, name.to_owned());
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let tree = self.repo.find_tree(folder)?;
        let there = tree.get_name(name).map(|entry| There {
            id: entry.id(),
            kind: entry.kind(),
            is_link: entry.filemode() == LINK,
        });
        self.known.insert(key, there);
        Ok(there)
    }
}
