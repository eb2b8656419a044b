//! Watches local sources, rules and the configuration. A change only says "look sooner": what is missed is healed by the
//! schedule's run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use notify::{EventKind, RecursiveMode, Watcher as _};

use super::known::Known;
use super::queue::{Extent, Queue, Trigger, TriggerKind};
use super::settings::Settings;
use crate::base::Release;
use crate::config::Config;
use crate::run::place::git_path;
use crate::source::Location;

/// What is done when something below a path changes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Then {
    /// Read the configuration and the rules anew.
    Reload,
    /// Look at releases; `None`: at all.
    Extent(Option<BTreeSet<Release>>),
}

/// Paths that are watched, and what is done when something below them changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    paths: BTreeMap<PathBuf, Then>,
}

impl Watched {
    /// Watches the configuration and the rules.
    pub fn settings(&mut self, file: &Path, settings: &Settings) {
        self.add(file, Then::Reload);
        for path in settings.rule_paths() {
            self.add(path, Then::Reload);
        }
    }

    /// Watches the local ones of the sources.
    pub fn sources(&mut self, config: &Config, known: &BTreeMap<Release, Known>) {
        if let Some(ci) = &config.sources.ci_config {
            self.source(&ci.repo(), None);
        }
        let shared = config.sources.build_data.shared_repo();
        if let Some(shared) = &shared {
            self.source(shared, None);
        }
        for (release, known) in known {
            let only = |release: Release| Some(BTreeSet::from([release]));
            if shared.is_none() {
                self.source(&config.sources.build_data.repo(*release), only(*release));
            }
            for repo in known.components.keys() {
                if let Some(location) = config.sources.components.repo(*release, repo) {
                    self.source(&location, only(*release));
                }
            }
        }
    }

    fn source(&mut self, location: &Location, releases: Option<BTreeSet<Release>>) {
        let Location::Path(path) = location else { return };
        let path = git_path(path);
        // Of a repository only its branches count: whatever else changes in it has changed before them.
        for git in [path.clone(), path.join(".git")] {
            if git.join("refs").is_dir() && git.join("objects").is_dir() {
                self.add(&git.join("refs"), Then::Extent(releases.clone()));
                self.add(&git.join("packed-refs"), Then::Extent(releases));
                return;
            }
        }
        self.add(&path, Then::Extent(releases));
    }

    fn add(&mut self, path: &Path, then: Then) {
        let path = absolute(path);
        let merged = match (self.paths.remove(&path), then) {
            (Some(Then::Extent(Some(mut all))), Then::Extent(Some(more))) => {
                all.extend(more);
                Then::Extent(Some(all))
            }
            (None, then) => then,
            (Some(Then::Reload), _) | (_, Then::Reload) => Then::Reload,
            _ => Then::Extent(None),
        };
        self.paths.insert(path, merged);
    }

    /// What is done about a path that has changed.
    fn then(&self, path: &Path) -> Option<&Then> {
        let path = absolute(path);
        let named = path.ancestors().find_map(|above| self.paths.get(above));
        named.or_else(|| self.mounted(&path))
    }

    /// A cluster's volume is exchanged as a whole: files are links through `..data`, and that alone changes.
    fn mounted(&self, path: &Path) -> Option<&Then> {
        let folder = path.parent().filter(|_| path.ends_with("..data"))?;
        let mut inside = self
            .paths
            .iter()
            .filter(|(watched, _)| watched.parent() == Some(folder));
        inside.next().map(|(_, then)| then)
    }

    /// The folders to watch, and whether with all below them. Of a file its folder is watched: a file that is written
    /// anew under its name is another one.
    fn folders(&self) -> BTreeMap<PathBuf, RecursiveMode> {
        let mut folders = BTreeMap::new();
        for path in self.paths.keys() {
            if path.is_dir() {
                folders.insert(path.clone(), RecursiveMode::Recursive);
            } else if let Some(above) = path.parent() {
                folders.entry(above.to_owned()).or_insert(RecursiveMode::NonRecursive);
            }
        }
        folders
    }
}

/// Watches paths and pushes what they ask for.
pub struct Watcher {
    watched: Arc<Mutex<Watched>>,
    inner: Option<notify::RecommendedWatcher>,
    folders: BTreeMap<PathBuf, RecursiveMode>,
    told: BTreeSet<PathBuf>,
}

impl Watcher {
    /// Gets ready to watch. Where the system has no way to do so, the schedule has to do.
    pub fn new(queue: Arc<Queue>) -> Self {
        let watched = Arc::new(Mutex::new(Watched::default()));
        let shared = Arc::clone(&watched);
        let inner = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let watched = shared.lock().unwrap_or_else(PoisonError::into_inner);
            for trigger in triggers(&watched, event) {
                queue.push(trigger);
            }
        });
        let inner = inner.inspect_err(|error| {
            tracing::warn!("files cannot be watched ({error}): changes are seen by the schedule's runs only");
        });
        Self {
            watched,
            inner: inner.ok(),
            folders: BTreeMap::new(),
            told: BTreeSet::new(),
        }
    }

    /// Watches other paths from now on, and again those that had gone.
    pub fn watch(&mut self, watched: Watched) {
        let Some(inner) = &mut self.inner else { return };
        let wanted = watched.folders();
        *self.watched.lock().unwrap_or_else(PoisonError::into_inner) = watched;
        for folder in self.folders.keys().filter(|folder| !wanted.contains_key(*folder)) {
            // One that is gone is not watched any more either.
            let _ = inner.unwatch(folder);
        }
        for (folder, mode) in &wanted {
            // Watching anew what is watched costs little, and a folder that was made anew is another one.
            if let Err(error) = inner.watch(folder, *mode)
                && self.told.insert(folder.clone())
            {
                let folder = folder.display();
                tracing::warn!(
                    "{folder} cannot be watched ({error}): its changes are seen by the schedule's runs only"
                );
            }
        }
        self.folders = wanted;
    }
}

fn triggers(watched: &Watched, event: notify::Result<notify::Event>) -> Vec<Trigger> {
    let event = match event {
        Ok(event) => event,
        Err(error) => {
            tracing::debug!(%error, "watching files");
            return vec![Trigger::whole(TriggerKind::Files, "")];
        }
    };
    // The system could not keep up: anything may have changed.
    if event.need_rescan() {
        return vec![Trigger::whole(TriggerKind::Files, "")];
    }
    // Reading a file is an event, too; taking it for a change would never end.
    if matches!(event.kind, EventKind::Access(_)) {
        return Vec::new();
    }
    let paths = event.paths.iter().filter(|path| !is_scratch(path));
    paths
        .filter_map(|path| Some(trigger(watched.then(path)?, path)))
        .collect()
}

fn trigger(then: &Then, path: &Path) -> Trigger {
    let because = path.display().to_string();
    match then {
        Then::Reload => Trigger::whole(TriggerKind::Reload, because),
        Then::Extent(None) => Trigger::whole(TriggerKind::Files, because),
        Then::Extent(Some(releases)) => Trigger {
            kind: TriggerKind::Files,
            look: Extent::Releases(releases.clone()),
            because,
        },
    }
}

/// Files that git and editors keep beside the one that they write, and branches that are made here.
fn is_scratch(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = [".lock", "~", ".swp", ".swx"].iter().any(|end| name.ends_with(end)) || name.starts_with(".#");
    let parts: Vec<_> = path.components().map(Component::as_os_str).collect();
    let ours = parts
        .windows(3)
        .any(|parts| parts[0] == "refs" && parts[1] == "heads" && parts[2] == "lockstep");
    beside || ours
}

/// The path from the root on, without `..`: the system reports absolute paths for relative ones.
fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.components().fold(PathBuf::new(), |mut clean, part| {
        match part {
            Component::ParentDir => drop(clean.pop()),
            other => clean.push(other),
        }
        clean
    })
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, ModifyKind};

    use super::*;

    fn watched() -> Watched {
        let mut watched = Watched::default();
        watched.add(Path::new("/w/lockstep.yaml"), Then::Reload);
        watched.add(Path::new("/w/repos/a/refs"), Then::Extent(None));
        let release = |text: &str| Then::Extent(Some(BTreeSet::from([text.parse().unwrap()])));
        watched.add(Path::new("/w/repos/b/refs"), release("4.16"));
        watched.add(Path::new("/w/repos/c/../b/refs"), release("4.17"));
        watched
    }

    fn pushed(kind: EventKind, path: &str) -> Vec<Trigger> {
        let event = notify::Event::new(kind).add_path(path.into());
        triggers(&watched(), Ok(event))
    }

    const CHANGED: EventKind = EventKind::Modify(ModifyKind::Any);

    #[test]
    fn a_change_says_what_to_look_at() {
        let whole = |kind, path: &str| vec![Trigger::whole(kind, path)];
        assert_eq!(
            pushed(CHANGED, "/w/lockstep.yaml"),
            whole(TriggerKind::Reload, "/w/lockstep.yaml")
        );
        let master = "/w/repos/a/refs/heads/master";
        assert_eq!(pushed(CHANGED, master), whole(TriggerKind::Files, master));
        let both = ["4.16", "4.17"].map(|text| text.parse().unwrap()).into();
        assert_eq!(
            pushed(CHANGED, "/w/repos/b/refs/heads/main")[0].look,
            Extent::Releases(both)
        );
    }

    #[test]
    fn a_volume_that_is_exchanged_is_a_change_of_its_files() {
        let kinds = |path: &str| {
            pushed(CHANGED, path)
                .iter()
                .map(|trigger| trigger.kind)
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds("/w/..data"), [TriggerKind::Reload]);
        assert_eq!(kinds("/w/..2026_01_31"), []);
        assert_eq!(kinds("/elsewhere/..data"), []);
    }

    #[test]
    fn what_is_no_change_says_nothing() {
        assert_eq!(pushed(EventKind::Access(AccessKind::Read), "/w/lockstep.yaml"), []);
        for path in [
            "/w/repos/a/refs/heads/master.lock",
            "/w/repos/a/refs/heads/lockstep/ci/4.16",
            "/w/other.yaml",
            "/w/repos/a/config",
        ] {
            assert_eq!(pushed(CHANGED, path), [], "{path}");
        }
    }

    #[test]
    fn what_could_not_be_followed_looks_at_everything() {
        let event = notify::Event::new(EventKind::Other).set_flag(notify::event::Flag::Rescan);
        assert_eq!(triggers(&watched(), Ok(event)).len(), 1);
        assert_eq!(triggers(&watched(), Err(notify::Error::generic("lost"))).len(), 1);
    }
}
