//! Finds the lines of a head's own files that findings stand at: what is read is the merge, in which they may stand elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::RepoName;
use crate::impact::{Impact, Mark, Pull, line_in, marks};
use crate::run::Run;
use crate::source::github::Foreseen;
use crate::source::{CommitId, Snapshot as _};

impl Run {
    /// The marks of an answer as the head has their lines. What the head does not have, or what cannot be read, has no mark: the
    /// answer itself tells of it.
    pub(super) fn marks_at_head(&self, repo: &RepoName, pull: &Pull, found: &Impact) -> Vec<Mark> {
        let mut all = marks(found);
        let moved: Vec<&Mark> = all.iter().filter(|mark| mark.commit != pull.head).collect();
        let (Some(reader), false) = (self.sources.github(), moved.is_empty()) else {
            return all;
        };
        let mut wanted: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for mark in &moved {
            for commit in [mark.commit.as_str(), pull.head.as_str()] {
                wanted.entry(commit).or_default().insert(mark.path.clone());
            }
        }
        let foreseen = wanted.into_iter().map(|(commit, files)| Foreseen {
            repo: repo.clone(),
            commit: CommitId(commit.to_owned()),
            files,
            folders: BTreeSet::new(),
        });
        reader.foresee(&foreseen.collect::<Vec<_>>(), &self.store);
        let read = |commit: &str, path: &str| {
            let snapshot = reader.open_at(repo, &pull.branch, CommitId(commit.to_owned()));
            snapshot.read(path).ok().flatten()
        };
        all.retain_mut(|mark| {
            if mark.commit == pull.head {
                return true;
            }
            let files = read(&mark.commit, &mark.path).zip(read(&pull.head, &mark.path));
            let line = files.and_then(|(before, head)| line_in(&before.bytes, mark.line, &head.bytes));
            mark.line = line.unwrap_or(mark.line);
            line.is_some()
        });
        all
    }
}
