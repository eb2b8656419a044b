//! A tree that would come after a branch's head, with the history of the branch before it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Blob, Changed, Contents, Entry, EntryKind, FileStep, ReadError, Since, Snapshot, Traced};
use crate::base::Origin;

/// What a branch would be with somebody's change, which is one more step of it.
pub(super) struct Ahead {
    tree: Box<dyn Snapshot>,
    past: Box<dyn Snapshot>,
    /// Bytes that the tree alone has, by their blob ids.
    own: Mutex<BTreeMap<String, Arc<[u8]>>>,
}

impl Ahead {
    /// Puts a tree on top of the branch that it would be merged into.
    pub(super) fn new(tree: Box<dyn Snapshot>, past: Box<dyn Snapshot>) -> Self {
        Self {
            tree,
            past,
            own: Mutex::default(),
        }
    }

    /// What the last step changes in a file, if anything.
    fn step(&self, path: &str) -> Result<Option<FileStep>, ReadError> {
        let (before, after) = (self.past.oid(path)?, self.tree.oid(path)?);
        if before == after {
            return Ok(None);
        }
        if let (Some(id), Some(blob)) = (&after, self.tree.read(path)?) {
            let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
            own.insert(id.clone(), blob.bytes);
        }
        // It is no older than the branch's head.
        let head = self.past.last_changed(path, i64::MAX)?;
        Ok(Some(FileStep {
            path: path.to_owned(),
            commit: self.tree.origin().commit.clone().unwrap_or_default(),
            time: head.map_or(i64::MAX, |head| head.time),
            before,
            after,
        }))
    }

    /// The files at a path in either: itself, or what a folder has.
    fn files(&self, path: &str) -> BTreeSet<String> {
        let listed = |tree: &dyn Snapshot| tree.list(path).ok().flatten();
        let entries = [listed(&*self.tree), listed(&*self.past)];
        if entries.iter().all(Option::is_none) {
            return BTreeSet::from([path.to_owned()]);
        }
        let files = entries.into_iter().flatten().flatten();
        let files = files.filter(|entry: &Entry| entry.kind == EntryKind::File);
        files.map(|entry| format!("{path}/{}", entry.name)).collect()
    }
}

impl Snapshot for Ahead {
    fn origin(&self) -> &Origin {
        self.tree.origin()
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        self.tree.read(path)
    }

    fn expect(&self, paths: &[&str]) {
        self.tree.expect(paths);
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        self.tree.oid(path)
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError> {
        self.tree.list(dir)
    }

    fn tree(&self, dir: &str) -> Result<Option<String>, ReadError> {
        self.tree.tree(dir)
    }

    fn last_changed(&self, file: &str, since: i64) -> Result<Option<Changed>, ReadError> {
        match self.step(file)? {
            Some(FileStep { after: None, .. }) => Ok(None),
            Some(step) => Ok(Some(Changed {
                commit: step.commit,
                time: step.time,
                exact: true,
            })),
            None => self.past.last_changed(file, since),
        }
    }

    fn trace(&self, since: Since<'_>, paths: &[&str], show: &mut dyn FnMut(FileStep)) -> Result<Traced, ReadError> {
        for file in paths.iter().flat_map(|path| self.files(path)) {
            if let Some(step) = self.step(&file)? {
                show(step);
            }
        }
        self.past.trace(since, paths, show)
    }

    fn contents(&self, ids: &BTreeSet<String>) -> Result<Contents, ReadError> {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let others = ids.iter().filter(|id| !own.contains_key(*id)).cloned().collect();
        let mut contents = self.past.contents(&others)?;
        contents.extend(ids.iter().filter_map(|id| Some((id.clone(), Arc::clone(own.get(id)?)))));
        Ok(contents)
    }

    fn expect_changes(&self, files: &[&str]) {
        self.past.expect_changes(files);
    }

    fn began(&self) -> Result<Option<i64>, ReadError> {
        self.past.began()
    }

    fn last_change(&self, file: &str, says: &dyn Fn(&[u8]) -> String) -> Result<Option<(String, i64)>, ReadError> {
        if let Some(step) = self.step(file)? {
            let said = |tree: &dyn Snapshot| Ok(tree.read(file)?.map(|blob| says(&blob.bytes)));
            if said(&*self.tree)? != said(&*self.past)? {
                return Ok(Some((step.commit, step.time)));
            }
        }
        self.past.last_change(file, says)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;
    use crate::source::memory::MemorySnapshot;
    use crate::source::testing::TestRepo;

    #[test]
    fn what_would_be_is_one_more_step_of_the_branch() {
        let repo = TestRepo::bare();
        repo.commit_files(
            "main",
            &[("images/a.yml", "1"), ("images/b.yml", "b"), ("group.yml", "g")],
        );
        repo.commit_files("main", &[("images/a.yml", "2")]);
        let open = || {
            Sources::new(None)
                .open("o/r", &repo.location(), "main")
                .expect("a branch")
        };
        let tree = MemorySnapshot::new("o/r")
            .file("images/a.yml", "3")
            .file("images/c.yml", "c")
            .file("group.yml", "g");
        let ahead = Ahead::new(Box::new(tree), open());
        let traced = |paths: &[&str]| {
            let mut steps = Vec::new();
            let end = ahead.trace(Since::Time(0), paths, &mut |step| steps.push(step));
            assert_eq!(end.expect("a history"), Traced::Whole);
            let ids = steps.iter().flat_map(|step| [&step.before, &step.after]).flatten();
            let contents = ahead.contents(&ids.cloned().collect()).expect("contents");
            let text = |id: &Option<String>| {
                id.as_ref()
                    .map(|id| String::from_utf8_lossy(&contents[id]).into_owned())
            };
            let told = steps
                .iter()
                .map(|step| (step.path.clone(), text(&step.before), text(&step.after)));
            told.collect::<Vec<_>>()
        };
        let step = |path: &str, before: &str, after: &str| {
            let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            (path.to_owned(), text(before), text(after))
        };
        let all = [
            step("images/a.yml", "2", "3"),
            step("images/b.yml", "b", ""),
            step("images/c.yml", "", "c"),
            step("images/a.yml", "1", "2"),
        ];
        assert_eq!(traced(&["group.yml", "images"]), all);
        assert_eq!(traced(&["images/a.yml"]), [all[0].clone(), all[3].clone()]);
        let says = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let last = ahead.last_change("images/a.yml", &says).expect("readable");
        assert_eq!(
            last.map(|(_, time)| time),
            Some(1_700_000_000),
            "that of the branch's head"
        );
        assert!(ahead.read("images/b.yml").expect("readable").is_none());
    }
}
