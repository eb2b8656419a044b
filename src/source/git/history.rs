//! How two files came to be what they are: a walk back along a branch.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use git2::{Commit, ObjectType, Oid, Repository};

use crate::source::{Changed, MAX_BLOB, Step, Walked};

/// As many steps of a branch are walked back.
pub(super) const MOST_STEPS: usize = 30_000;

/// Walks back from a commit along first parents, and shows each step in which one of two files changed.
pub(super) fn walk_back(
    repo: &Repository,
    head: Oid,
    paths: [&str; 2],
    more: &mut dyn FnMut(&Step) -> bool,
) -> Result<Walked, git2::Error> {
    let shallow = || Ok(Walked::Short("the history that is here is shallow".to_owned()));
    let mut commit = repo.find_commit(head)?;
    let mut files = Files::new(repo);
    let mut now = files.blobs(&commit, paths)?;
    for _ in 0..MOST_STEPS {
        let parent = match commit.parent_id(0) {
            Err(_) if repo.is_shallow() => return shallow(),
            Err(_) => None,
            // The first commit of a shallow history names a parent that is not here.
            Ok(id) => match repo.find_commit(id) {
                Ok(parent) => Some(parent),
                Err(_) => return shallow(),
            },
        };
        let before = match &parent {
            Some(parent) => files.blobs(parent, paths)?,
            None => [None, None],
        };
        if now != before {
            let step = Step {
                commit: commit.id().to_string(),
                before: files.texts(before)?,
                after: files.texts(now)?,
            };
            if !more(&step) {
                return Ok(Walked::Enough);
            }
        }
        match parent {
            Some(parent) => (commit, now) = (parent, before),
            None => return Ok(Walked::Enough),
        }
    }
    Ok(Walked::Short("its history is longer than is looked at".to_owned()))
}

/// Walks back from a commit along first parents to where a file became what it is, or to what is older than `since`.
pub(super) fn last_changed(
    repo: &Repository,
    head: Oid,
    file: &str,
    since: i64,
) -> Result<Option<Changed>, git2::Error> {
    let mut commit = repo.find_commit(head)?;
    let mut files = Files::new(repo);
    let Some(now) = files.blob(commit.tree_id(), file)? else {
        return Ok(None);
    };
    let at = |commit: &Commit<'_>, exact: bool| {
        Ok(Some(Changed {
            commit: commit.id().to_string(),
            time: commit.time().seconds(),
            exact,
        }))
    };
    for _ in 0..MOST_STEPS {
        if commit.time().seconds() < since {
            return at(&commit, false);
        }
        let parent = match commit.parent_id(0) {
            Err(_) => return at(&commit, !repo.is_shallow()),
            // The first commit of a shallow history names a parent that is not here.
            Ok(id) => match repo.find_commit(id) {
                Ok(parent) => parent,
                Err(_) => return at(&commit, false),
            },
        };
        if files.blob(parent.tree_id(), file)? != Some(now) {
            return at(&commit, true);
        }
        commit = parent;
    }
    at(&commit, false)
}

/// Finds two files in many commits. What a folder has is asked once: most commits leave most folders as they are, and
/// libgit2 unpacks a large one anew each time.
struct Files<'r> {
    repo: &'r Repository,
    known: HashMap<(Oid, String), Option<There>>,
    /// What was read last: what one step has before it, the next one has after it.
    last: [Option<(Oid, Arc<[u8]>)>; 2],
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
            last: [None, None],
        }
    }

    fn blobs(&mut self, commit: &Commit<'_>, [one, other]: [&str; 2]) -> Result<[Option<Oid>; 2], git2::Error> {
        let root = commit.tree_id();
        Ok([self.blob(root, one)?, self.blob(root, other)?])
    }

    fn texts(&mut self, ids: [Option<Oid>; 2]) -> Result<[Option<Arc<[u8]>>; 2], git2::Error> {
        Ok([self.text(0, ids[0])?, self.text(1, ids[1])?])
    }

    /// A file's bytes; none of one that is larger than is read.
    fn text(&mut self, which: usize, id: Option<Oid>) -> Result<Option<Arc<[u8]>>, git2::Error> {
        let Some(id) = id else { return Ok(None) };
        if let Some((known, bytes)) = &self.last[which]
            && *known == id
        {
            return Ok(Some(Arc::clone(bytes)));
        }
        let odb = self.repo.odb()?;
        let (size, _) = odb.read_header(id)?;
        let bytes: Arc<[u8]> = match size as u64 > MAX_BLOB {
            true => Arc::from([]),
            false => odb.read(id)?.data().into(),
        };
        self.last[which] = Some((id, Arc::clone(&bytes)));
        Ok(Some(bytes))
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

/// The last step of a branch that changed what a file says, and when it was made, in seconds since 1970. None where the history
/// that is here does not reach that far.
pub(super) fn last_change(
    repo: &Repository,
    head: Oid,
    file: &str,
    says: &dyn Fn(&[u8]) -> String,
) -> Result<Option<(String, i64)>, git2::Error> {
    let mut commit = repo.find_commit(head)?;
    let mut files = Files::new(repo);
    let said = |blob: Option<Oid>| -> Result<Option<String>, git2::Error> {
        let Some(blob) = blob else { return Ok(None) };
        Ok(Some(says(repo.find_blob(blob)?.content())))
    };
    let mut now = files.blob(commit.tree_id(), file)?;
    let means = said(now)?;
    for _ in 0..MOST_STEPS {
        // The first commit of what is here may stand for a longer history.
        let Ok(parent) = commit.parent_id(0).and_then(|id| repo.find_commit(id)) else {
            return Ok(None);
        };
        let before = files.blob(parent.tree_id(), file)?;
        if before != now && said(before)? != means {
            return Ok(Some((commit.id().to_string(), commit.time().seconds())));
        }
        (commit, now) = (parent, before);
    }
    Ok(None)
}

/// The ids of the last versions of files, as many of each: what [`last_change`] looks at first.
pub(super) fn versions(
    repo: &Repository,
    head: Oid,
    paths: &[&str],
    most: usize,
) -> Result<BTreeSet<Oid>, git2::Error> {
    let mut files = Files::new(repo);
    let mut versions = BTreeSet::new();
    for path in paths {
        let mut commit = repo.find_commit(head)?;
        let (mut last, mut count) = (None, 0);
        for _ in 0..MOST_STEPS {
            let blob = files.blob(commit.tree_id(), path)?;
            if count == 0 || blob != last {
                (last, count) = (blob, count + 1);
                versions.extend(blob);
            }
            let parent = commit.parent_id(0).and_then(|id| repo.find_commit(id));
            match parent {
                Ok(parent) if count < most => commit = parent,
                _ => break,
            }
        }
    }
    Ok(versions)
}
