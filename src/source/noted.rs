//! Notes what is looked at of repositories, whether it is there or not: what decides what is derived.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Blob, Changed, Entry, ReadError, Snapshot, Step, Walked};
use crate::base::Origin;

/// Paths that were looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Paths {
    /// Files, by the path asked for and the one that was read in the end.
    pub files: BTreeSet<String>,
    /// Folders whose entries were listed; the root is `""`.
    pub folders: BTreeSet<String>,
}

impl Paths {
    /// Takes more paths in.
    pub fn extend(&mut self, more: &Self) {
        self.files.extend(more.files.iter().cloned());
        self.folders.extend(more.folders.iter().cloned());
    }

    /// Whether a file that is changed may be one of them, or leads to one: a link in the place of a folder does.
    pub fn matter(&self, changed: &str) -> bool {
        let below = format!("{changed}/");
        let leads = |to: &String| to == changed || to.starts_with(&below);
        let listed = |folder: &String| match folder.as_str() {
            "" => !changed.contains('/'),
            folder => changed.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')),
        };
        self.files.iter().any(leads) || self.folders.iter().any(|folder| listed(folder) || leads(folder))
    }
}

/// What was looked at of repositories, by what they are called and branch.
#[derive(Debug, Default)]
pub struct Notes(Mutex<BTreeMap<(String, String), Paths>>);

impl Notes {
    /// Takes paths of a branch in.
    pub fn add(&self, name: &str, branch: &str, paths: &Paths) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((name.to_owned(), branch.to_owned()))
            .or_default()
            .extend(paths);
    }

    /// All of it.
    pub fn all(&self) -> Vec<((String, String), Paths)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .map(|(place, paths)| (place.clone(), paths.clone()))
            .collect()
    }

    /// Takes what others noted in.
    pub fn extend(&self, more: Vec<((String, String), Paths)>) {
        for ((name, branch), paths) in more {
            self.add(&name, &branch, &paths);
        }
    }

    /// The paths of a branch.
    pub fn of(&self, name: &str, branch: &str) -> Paths {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&(name.to_owned(), branch.to_owned()))
            .cloned()
            .unwrap_or_default()
    }
}

/// A snapshot of which is noted what is looked at.
pub struct Noted<S> {
    inner: S,
    paths: Mutex<Paths>,
    /// Where it is told in the end.
    into: Option<(Arc<Notes>, String, String)>,
}

impl<'s> Noted<&'s dyn Snapshot> {
    /// Notes what is looked at of a snapshot.
    pub fn of(inner: &'s dyn Snapshot) -> Self {
        Self {
            inner,
            paths: Mutex::default(),
            into: None,
        }
    }

    /// What was looked at so far.
    pub fn paths(&self) -> Paths {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Noted<Box<dyn Snapshot>> {
    /// Notes what is looked at of a branch, and tells it when that is over.
    pub(super) fn telling(inner: Box<dyn Snapshot>, notes: &Arc<Notes>, name: &str, branch: &str) -> Self {
        Self {
            inner,
            paths: Mutex::default(),
            into: Some((Arc::clone(notes), name.to_owned(), branch.to_owned())),
        }
    }
}

impl<S> Noted<S> {
    fn file(&self, path: &str) {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        paths.files.insert(path.to_owned());
    }
}

impl<S> Drop for Noted<S> {
    fn drop(&mut self) {
        if let Some((notes, name, branch)) = &self.into {
            notes.add(
                name,
                branch,
                self.paths.get_mut().unwrap_or_else(PoisonError::into_inner),
            );
        }
    }
}

/// What stands behind a reference or a box.
trait Behind: Send + Sync {
    fn behind(&self) -> &dyn Snapshot;
}

impl Behind for &dyn Snapshot {
    fn behind(&self) -> &dyn Snapshot {
        *self
    }
}

impl Behind for Box<dyn Snapshot> {
    fn behind(&self) -> &dyn Snapshot {
        &**self
    }
}

impl<S: Behind> Snapshot for Noted<S> {
    fn origin(&self) -> &Origin {
        self.inner.behind().origin()
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        self.file(path);
        let found = self.inner.behind().read(path)?;
        if let Some(blob) = &found {
            self.file(&blob.path);
        }
        Ok(found)
    }

    fn expect(&self, paths: &[&str]) {
        self.inner.behind().expect(paths);
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        self.file(path);
        self.inner.behind().oid(path)
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError> {
        let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
        paths.folders.insert(dir.trim_matches('/').to_owned());
        drop(paths);
        self.inner.behind().list(dir)
    }

    // A folder's id says that anything below it is another; it decides nothing but whether its image is built again.
    fn tree(&self, dir: &str) -> Result<Option<String>, ReadError> {
        self.inner.behind().tree(dir)
    }

    fn walk_back(&self, files: [&str; 2], more: &mut dyn FnMut(&Step) -> bool) -> Result<Walked, ReadError> {
        files.iter().for_each(|file| self.file(file));
        self.inner.behind().walk_back(files, more)
    }

    fn last_changed(&self, file: &str, since: i64) -> Result<Option<Changed>, ReadError> {
        self.file(file);
        self.inner.behind().last_changed(file, since)
    }

    fn last_change(&self, file: &str, says: &dyn Fn(&[u8]) -> String) -> Result<Option<(String, i64)>, ReadError> {
        self.file(file);
        self.inner.behind().last_change(file, says)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::memory::MemorySnapshot;

    #[test]
    fn what_is_looked_at_matters_whether_it_is_there_or_not() {
        let inner = MemorySnapshot::new("o/r").file("a/Dockerfile", "1").link("link", "a");
        let noted = Noted::of(&inner);
        assert!(noted.read("link/Dockerfile").is_ok_and(|blob| blob.is_some()));
        assert!(noted.read("go.mod").is_ok_and(|blob| blob.is_none()));
        assert!(noted.list("manifests").is_ok());
        let paths = noted.paths();
        for (changed, expected) in [
            ("a/Dockerfile", true),
            ("link", true),
            ("a", true),
            ("go.mod", true),
            ("manifests/image-references", true),
            ("manifests", true),
            ("manifests-2/x", false),
            ("a/main.go", false),
            ("pkg/go.mod", false),
        ] {
            assert_eq!(paths.matter(changed), expected, "{changed}");
        }
    }

    #[test]
    fn of_the_root_only_what_stands_in_it_matters() {
        let paths = Paths {
            folders: BTreeSet::from([String::new()]),
            ..Paths::default()
        };
        assert!(paths.matter("Dockerfile.new") && !paths.matter("pkg/main.go"));
    }

    #[test]
    fn what_several_look_at_comes_together() {
        let notes = Arc::new(Notes::default());
        for path in ["a", "b"] {
            let noted = Noted::telling(Box::new(MemorySnapshot::new("o/r")), &notes, "o/r", "main");
            assert!(noted.read(path).is_ok());
        }
        assert!(notes.of("o/r", "main").matter("a") && notes.of("o/r", "main").matter("b"));
        assert_eq!(notes.of("o/r", "other"), Paths::default());
    }
}
