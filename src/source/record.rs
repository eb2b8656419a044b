//! Notes which files are read, so that a fixture can hold just those.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Blob, Entry, ReadError, Snapshot};
use crate::base::Origin;

/// Files by the snapshot's name and their path as asked for.
type Files = BTreeMap<(String, String), Arc<[u8]>>;

/// Files that were read.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Files>);

impl Recorder {
    /// All files that were read so far.
    pub fn files(&self) -> BTreeMap<(String, String), Arc<[u8]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, name: &str, path: &str, blob: &Blob) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert((name.to_owned(), path.to_owned()), Arc::clone(&blob.bytes));
    }
}

/// A snapshot whose reads are noted.
pub(super) struct Recording {
    pub(super) inner: Box<dyn Snapshot>,
    pub(super) recorder: Arc<Recorder>,
}

impl Snapshot for Recording {
    fn origin(&self) -> &Origin {
        self.inner.origin()
    }

    fn behind(&self) -> Option<&dyn Snapshot> {
        Some(&*self.inner)
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        let blob = self.inner.read(path)?;
        if let Some(blob) = &blob {
            self.recorder.note(&self.inner.origin().name, path, blob);
        }
        Ok(blob)
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        self.inner.oid(path)
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError> {
        self.inner.list(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::memory::MemorySnapshot;

    #[test]
    fn files_that_are_there_are_noted_once_read() {
        let recorder = Arc::new(Recorder::default());
        let inner = Box::new(
            MemorySnapshot::new("o/r")
                .file("a", "1")
                .file("d/b", "2")
                .link("l", "a"),
        );
        let snapshot = Recording {
            inner,
            recorder: Arc::clone(&recorder),
        };
        assert!(snapshot.read("a").is_ok_and(|blob| blob.is_some()));
        assert!(snapshot.read("missing").is_ok_and(|blob| blob.is_none()));
        assert!(snapshot.read("l").is_ok_and(|blob| blob.is_some()));
        assert!(snapshot.list("d").is_ok_and(|entries| entries.is_some()));
        let names: Vec<String> = recorder
            .files()
            .into_keys()
            .map(|(name, path)| format!("{name} {path}"))
            .collect();
        assert_eq!(names, ["o/r a", "o/r l"]);
    }
}
