//! `lockstep rules test --watch`: runs again what depends on a file that was saved.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use notify::{EventKind, RecursiveMode, Watcher};
use rayon::prelude::*;

use super::case::{self, Case};
use super::fault::Fault;
use super::judge::{Verdict, judge};
use super::sets::{self, BUILTIN_NAME, RuleSets};

/// How long a burst of events may pause before it counts as over: editors write, rename and touch within a few milliseconds.
const QUIET: Duration = Duration::from_millis(30);

/// One round: what ran, and what it came to.
#[derive(Debug)]
pub struct Round {
    /// The files that made it run; empty for the first round.
    pub changed: Vec<PathBuf>,
    /// The verdicts of the cases that ran.
    pub verdicts: Vec<Verdict>,
    /// How long it took.
    pub took: Duration,
    /// What is wrong with the cases as a whole, such as that there are none any more.
    pub trouble: Option<String>,
}

/// Watches cases and the rules that they use.
pub struct Watch {
    paths: Vec<PathBuf>,
    filter: Vec<String>,
    watcher: notify::RecommendedWatcher,
    events: Receiver<PathBuf>,
    /// What is watched; what went away is watched again when it is back.
    watched: BTreeSet<PathBuf>,
}

impl Watch {
    /// Starts to watch.
    ///
    /// # Errors
    /// The system has no way to watch files, or no more of it.
    pub fn new(paths: Vec<PathBuf>, filter: Vec<String>) -> Result<Self, Fault> {
        let (sender, events): (Sender<PathBuf>, _) = channel();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            // Reading a file is an event, too; taking it for a change would never end.
            if matches!(event.kind, EventKind::Access(_)) {
                return;
            }
            for path in event.paths {
                // The receiver is gone when the watch ends.
                let _ = sender.send(path);
            }
        });
        Ok(Self {
            paths,
            filter,
            watcher: watcher.map_err(Fault::Watch)?,
            events,
            watched: BTreeSet::new(),
        })
    }

    /// Runs all cases, then again what depends on what changes, until `show` says that it is enough.
    pub fn run(&mut self, mut show: impl FnMut(Round) -> bool) {
        let mut sets = RuleSets::default();
        // Watching starts before the first run, so that no change in between is lost.
        self.watch_all();
        let mut round = self.round(&sets, Vec::new());
        loop {
            if !show(round) {
                return;
            }
            // Rules that a case names since, or a folder that is back: nobody watched when they came.
            let mut changed = self.watch_all();
            while changed.is_empty() {
                let Some(found) = self.changes() else { return };
                changed = found;
            }
            if changed.iter().any(|path| self.is_rule(path)) {
                sets = RuleSets::default();
            }
            round = self.round(&sets, changed);
        }
    }

    /// Waits for the next burst of events; `None` when none can come any more.
    fn changes(&mut self) -> Option<Vec<PathBuf>> {
        let first = match self.events.recv_timeout(Duration::from_secs(1)) {
            Ok(path) => path,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                // A folder that was deleted and made again is watched again, and what is in it is new.
                return Some(self.watch_all());
            }
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return None,
        };
        let mut changed = BTreeSet::from([first]);
        while let Ok(path) = self.events.recv_timeout(QUIET) {
            changed.insert(path);
        }
        // The system forgets a watched folder that goes, even if one of its name is there at once.
        self.watched.retain(|path| !changed.contains(path));
        Some(changed.into_iter().filter(|path| !is_scratch(path)).collect())
    }

    /// Watches what is not watched yet; returns what that is.
    fn watch_all(&mut self) -> Vec<PathBuf> {
        let mut wanted: BTreeSet<PathBuf> = self.paths.iter().cloned().collect();
        wanted.extend(sets::builtin_folder().map(Path::to_owned));
        for case in self.cases() {
            let paths = case.rules.into_iter().filter(|path| path != Path::new(BUILTIN_NAME));
            wanted.extend(paths.filter(|path| !path.starts_with(&case.dir)));
        }
        self.watched.retain(|path| path.exists());
        let mut new = Vec::new();
        for path in wanted {
            if !self.watched.contains(&path) && self.watcher.watch(&path, RecursiveMode::Recursive).is_ok() {
                self.watched.insert(path.clone());
                new.push(path);
            }
        }
        new
    }

    fn cases(&self) -> Vec<Case> {
        let dirs = case::discover(&self.paths).unwrap_or_default();
        dirs.iter().filter_map(|dir| Case::read(dir).ok()).collect()
    }

    /// Tells whether a file is one of rules: those of cases, or the built-in ones.
    fn is_rule(&self, path: &Path) -> bool {
        let builtin = sets::builtin_folder().is_some_and(|folder| within(path, folder));
        builtin
            || self
                .cases()
                .iter()
                .any(|case| case.rules.iter().any(|rules| within(path, rules)))
    }

    fn round(&self, sets: &RuleSets, changed: Vec<PathBuf>) -> Round {
        let start = Instant::now();
        let (dirs, trouble) = match case::discover(&self.paths) {
            Ok(dirs) => (dirs, None),
            Err(fault) => (Vec::new(), Some(fault.to_string())),
        };
        let name = |dir: &Path| dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let matches =
            |dir: &Path| self.filter.is_empty() || self.filter.iter().any(|text| name(dir).contains(text.as_str()));
        let affected = |dir: &&PathBuf| matches(dir) && (changed.is_empty() || depends(dir, &changed));
        let verdicts = dirs.iter().filter(affected).collect::<Vec<_>>();
        let verdicts = verdicts.into_par_iter().map(|dir| judge(dir, sets, false)).collect();
        Round {
            changed,
            verdicts,
            took: start.elapsed(),
            trouble,
        }
    }
}

/// Tells whether a case depends on one of some files.
fn depends(dir: &Path, changed: &[PathBuf]) -> bool {
    if changed.iter().any(|path| within(path, dir) || within(dir, path)) {
        return true;
    }
    let Ok(case) = Case::read(dir) else { return false };
    let builtin = sets::builtin_folder();
    let folders = case.rules.iter().filter_map(|rules| match rules.as_path() {
        path if path == Path::new(BUILTIN_NAME) => builtin,
        path => Some(path),
    });
    let folders: Vec<&Path> = folders.collect();
    changed
        .iter()
        .any(|path| folders.iter().any(|folder| within(path, folder)))
}

/// Tells whether a path is another one or below it; the system reports absolute paths for relative ones.
fn within(path: &Path, folder: &Path) -> bool {
    let absolute = |path: &Path| std::path::absolute(path).map(clean).unwrap_or_else(|_| path.to_owned());
    absolute(path).starts_with(absolute(folder))
}

/// Takes `..` out of a path.
fn clean(path: PathBuf) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut clean, part| {
        match part {
            std::path::Component::ParentDir => drop(clean.pop()),
            other => clean.push(other),
        }
        clean
    })
}

/// Files that editors keep beside the one that is edited.
fn is_scratch(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with('~') || name.ends_with(".swp") || name.ends_with(".swx") || name == "4913" || name.starts_with(".#")
}
