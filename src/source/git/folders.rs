//! Looks up many paths of one commit's tree, each folder unpacked once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use git2::{ObjectType, Oid, Repository, Tree, TreeEntry};

/// A tree of which many paths are asked for.
///
/// `Tree::get_path` starts at the root each time, and libgit2 keeps no tree object above 4 KiB: of openshift/release's
/// folders with thousands of entries each would be unpacked anew for every file that is looked up.
pub struct Folders<'r> {
    repo: &'r Repository,
    /// By path without a slash at either end; the root is "". `None`: there is no folder of that path.
    kept: RefCell<HashMap<String, Option<Rc<Tree<'r>>>>>,
}

impl<'r> Folders<'r> {
    /// Takes the tree that paths are looked up in.
    pub fn new(repo: &'r Repository, root: Tree<'r>) -> Self {
        let kept = HashMap::from([(String::new(), Some(Rc::new(root)))]);
        Self {
            repo,
            kept: RefCell::new(kept),
        }
    }

    /// The entry at a path; `None` where nothing is, or where a folder above it is none. Links are not followed.
    pub fn entry(&self, path: &str) -> Option<TreeEntry<'static>> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        Some(self.folder(folder)?.get_name(name)?.to_owned())
    }

    /// The blob at a path (of a link: its text); `None` where nothing is, or a folder or a submodule.
    pub fn blob(&self, path: &str) -> Option<Oid> {
        let entry = self.entry(path)?;
        (entry.kind() == Some(ObjectType::Blob)).then(|| entry.id())
    }

    fn folder(&self, path: &str) -> Option<Rc<Tree<'r>>> {
        if let Some(known) = self.kept.borrow().get(path) {
            return known.clone();
        }
        let entry = self.entry(path);
        let tree = entry.filter(|entry| entry.kind() == Some(ObjectType::Tree));
        let found = tree.and_then(|entry| self.repo.find_tree(entry.id()).ok()).map(Rc::new);
        self.kept.borrow_mut().insert(path.to_owned(), found.clone());
        found
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// A repository with files, folders in folders, a link and an executable.
    fn tree(repo: &Repository) -> Tree<'_> {
        let blob = |text: &str| repo.blob(text.as_bytes()).unwrap();
        let empty = repo
            .find_tree(repo.treebuilder(None).unwrap().write().unwrap())
            .unwrap();
        let mut update = git2::build::TreeUpdateBuilder::new();
        update.upsert("Dockerfile", blob("FROM scratch\n"), git2::FileMode::Blob);
        update.upsert("build/run", blob("#!/bin/sh\n"), git2::FileMode::BlobExecutable);
        update.upsert("build/deep/er/file", blob("x"), git2::FileMode::Blob);
        update.upsert("build/link", blob("deep"), git2::FileMode::Link);
        repo.find_tree(update.create_updated(repo, &empty).unwrap()).unwrap()
    }

    #[test]
    fn every_path_is_found_as_libgit2_finds_it() {
        let dir = tempfile::tempdir().unwrap();
        let repo = Repository::init_bare(dir.path()).unwrap();
        let root = tree(&repo);
        let folders = Folders::new(&repo, root.clone());
        for path in [
            "Dockerfile",
            "build",
            "build/run",
            "build/deep/er/file",
            "build/deep/er",
            "build/link",
            "build/link/er",
            "Dockerfile/x",
            "nothing",
            "nothing/at/all",
            "build/deep/nothing",
        ] {
            for _ in 0..2 {
                let expected = root.get_path(Path::new(path)).ok();
                let found = folders.entry(path);
                let told = |e: &TreeEntry<'_>| (e.id(), e.filemode(), e.kind());
                assert_eq!(found.as_ref().map(told), expected.as_ref().map(told), "{path}");
                let blob = expected.filter(|e| e.kind() == Some(ObjectType::Blob)).map(|e| e.id());
                assert_eq!(folders.blob(path), blob, "{path}");
            }
        }
    }
}
