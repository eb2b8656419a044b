//! Snapshots that are read in the place of branches: what a branch would be with somebody's change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Blob, Changed, Contents, Entry, FileStep, ReadError, Since, Snapshot, Step, Traced, Walked};
use crate::base::Origin;

/// Snapshots by repository and branch.
#[derive(Clone, Default)]
pub struct Instead(BTreeMap<(String, String), Arc<dyn Snapshot>>);

impl Instead {
    /// Reads a snapshot in the place of a branch of a repository, as it is called where it is opened.
    pub fn put(&mut self, name: &str, branch: &str, snapshot: Arc<dyn Snapshot>) {
        self.0.insert((name.to_owned(), branch.to_owned()), snapshot);
    }

    /// What is read in the place of a branch; without one, of the repository's own default branch.
    pub(super) fn of(&self, name: &str, branch: &str) -> Option<Box<dyn Snapshot>> {
        let known = self.0.get(&(name.to_owned(), branch.to_owned()))?;
        Some(Box::new(Shared(Arc::clone(known))))
    }

    /// The commit of what is read in the place of a branch: `None` where nothing is, or where it has none.
    pub(super) fn commit(&self, name: &str, branch: &str) -> Option<Option<String>> {
        let known = self.0.get(&(name.to_owned(), branch.to_owned()))?;
        Some(known.origin().commit.clone())
    }
}

/// A snapshot that several read.
pub(super) struct Shared(pub(super) Arc<dyn Snapshot>);

impl Snapshot for Shared {
    fn origin(&self) -> &Origin {
        self.0.origin()
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        self.0.read(path)
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        self.0.oid(path)
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError> {
        self.0.list(dir)
    }

    fn tree(&self, dir: &str) -> Result<Option<String>, ReadError> {
        self.0.tree(dir)
    }

    fn walk_back(&self, files: [&str; 2], more: &mut dyn FnMut(&Step) -> bool) -> Result<Walked, ReadError> {
        self.0.walk_back(files, more)
    }

    fn expect(&self, paths: &[&str]) {
        self.0.expect(paths);
    }

    fn last_changed(&self, file: &str, since: i64) -> Result<Option<Changed>, ReadError> {
        self.0.last_changed(file, since)
    }

    fn last_change(&self, file: &str, says: &dyn Fn(&[u8]) -> String) -> Result<Option<(String, i64)>, ReadError> {
        self.0.last_change(file, says)
    }

    fn trace(&self, since: Since<'_>, paths: &[&str], show: &mut dyn FnMut(FileStep)) -> Result<Traced, ReadError> {
        self.0.trace(since, paths, show)
    }

    fn contents(&self, ids: &BTreeSet<String>) -> Result<Contents, ReadError> {
        self.0.contents(ids)
    }

    fn expect_changes(&self, files: &[&str]) {
        self.0.expect_changes(files);
    }

    fn began(&self) -> Result<Option<i64>, ReadError> {
        self.0.began()
    }
}
