//! A snapshot with other texts in the place of some of its files.

use std::collections::BTreeMap;
use std::sync::Arc;

use git2::{ObjectType, Oid};

use super::{Blob, Entry, ReadError, Snapshot};
use crate::base::Origin;

/// A snapshot as it would be with other files, all of which it has. It has no history.
pub struct Over {
    inner: Box<dyn Snapshot>,
    files: BTreeMap<String, Arc<[u8]>>,
}

impl Over {
    /// Puts texts in the place of files, by their plain paths.
    pub fn new(inner: Box<dyn Snapshot>, files: BTreeMap<String, Arc<[u8]>>) -> Self {
        Self { inner, files }
    }
}

impl Snapshot for Over {
    fn origin(&self) -> &Origin {
        self.inner.origin()
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        let Some(bytes) = self.files.get(path) else {
            return self.inner.read(path);
        };
        Ok(Some(Blob {
            bytes: Arc::clone(bytes),
            oid: self.oid(path)?.unwrap_or_default(),
            path: path.to_owned(),
        }))
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        let Some(bytes) = self.files.get(path) else {
            return self.inner.oid(path);
        };
        let oid = Oid::hash_object(ObjectType::Blob, bytes).map_err(|error| ReadError::Io {
            path: path.to_owned(),
            message: error.message().to_owned(),
        })?;
        Ok(Some(oid.to_string()))
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
    fn a_file_has_its_other_text_and_the_rest_stays() {
        let tree = MemorySnapshot::new("o/r").file("a", "1").file("b", "2");
        let over = Over::new(Box::new(tree.clone()), [("a".to_owned(), Arc::from(&b"3"[..]))].into());
        let text = |path: &str| over.read(path).expect("readable").map(|blob| blob.bytes.to_vec());
        assert_eq!(
            (text("a"), text("b"), text("c")),
            (Some(b"3".to_vec()), Some(b"2".to_vec()), None)
        );
        assert_ne!(over.oid("a"), tree.oid("a"));
        assert_eq!(over.oid("b"), tree.oid("b"));
    }
}
