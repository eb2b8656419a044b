//! Real git repositories in temporary directories, for the tests of all modules.

use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Repository, RepositoryInitOptions, Signature, Time};
use tempfile::TempDir;

use super::{Location, prepare_git};

/// A git repository in a temporary directory that goes away with it.
pub struct TestRepo {
    repo: Repository,
    path: PathBuf,
    _dir: TempDir,
}

/// One thing that a commit puts into the tree.
pub enum Item<'a> {
    /// A regular file.
    File(&'a str),
    /// A symbolic link.
    Link(&'a str),
    /// A submodule.
    Submodule,
}

impl TestRepo {
    /// Makes an empty bare repository `repo.git`.
    pub fn bare() -> Self {
        Self::new("repo.git", true)
    }

    /// Makes an empty repository with a work tree, `repo`.
    pub fn ordinary() -> Self {
        Self::new("repo", false)
    }

    fn new(name: &str, bare: bool) -> Self {
        prepare_git();
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join(name);
        let mut options = RepositoryInitOptions::new();
        options.bare(bare).external_template(false).initial_head("main");
        let repo = Repository::init_opts(&path, &options).expect("an empty repository");
        Self { repo, path, _dir: dir }
    }

    /// The repository's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The repository's path as a location.
    pub fn location(&self) -> Location {
        Location::Path(self.path.clone())
    }

    /// The repository itself, for what the helpers don't do.
    pub fn git(&self) -> &Repository {
        &self.repo
    }

    /// Commits files to a branch on top of what it holds.
    pub fn commit_files(&self, branch: &str, files: &[(&str, &str)]) -> Oid {
        let items: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_bytes(), Item::File(text)))
            .collect();
        self.commit(branch, &items)
    }

    /// Commits items to a branch on top of what it holds. Paths are bytes: git does not ask for UTF-8.
    pub fn commit(&self, branch: &str, items: &[(&[u8], Item<'_>)]) -> Oid {
        let mut update = TreeUpdateBuilder::new();
        for (path, item) in items {
            let (oid, mode) = match item {
                Item::File(text) => (self.blob(text.as_bytes()), FileMode::Blob),
                Item::Link(target) => (self.blob(target.as_bytes()), FileMode::Link),
                Item::Submodule => (Oid::from_bytes(&[7; 20]).expect("20 bytes"), FileMode::Commit),
            };
            update.upsert(*path, oid, mode);
        }
        let refname = format!("refs/heads/{branch}");
        let parent = self
            .repo
            .find_reference(&refname)
            .ok()
            .map(|tip| tip.peel_to_commit().expect("a commit"));
        let base = match &parent {
            Some(parent) => parent.tree().expect("the parent's tree"),
            None => {
                let empty = self
                    .repo
                    .treebuilder(None)
                    .and_then(|builder| builder.write())
                    .expect("the empty tree");
                self.repo.find_tree(empty).expect("the empty tree")
            }
        };
        let tree = update.create_updated(&self.repo, &base).expect("a tree");
        let tree = self.repo.find_tree(tree).expect("the tree just written");
        let author =
            Signature::new("A Tester", "tester@example.com", &Time::new(1_700_000_000, 0)).expect("a signature");
        let parents: Vec<_> = parent.iter().collect();
        self.repo
            .commit(Some(&refname), &author, &author, "A change", &tree, &parents)
            .expect("a commit")
    }

    fn blob(&self, bytes: &[u8]) -> Oid {
        self.repo.blob(bytes).expect("a blob")
    }
}
