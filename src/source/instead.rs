//! Snapshots that are read in the place of branches: what a branch would be with somebody's change.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Blob, Entry, ReadError, Snapshot};
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

    fn behind(&self) -> Option<&dyn Snapshot> {
        Some(&*self.0)
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
}
