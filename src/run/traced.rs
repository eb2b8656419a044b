//! Branches of build data with their histories: what their steps changed, and what the files said before and after.

use std::collections::{BTreeMap, BTreeSet};

use super::Run;
use crate::base::{Date, Release};
use crate::derive::neighbours::{Edited, Unread};
use crate::doozer::carry::Step;
use crate::source::{Contents, FileStep, Location, Past, Since, Snapshot, SourceError, Traced};

/// Branches of build data, each with its history.
pub(super) struct Branches {
    by_release: BTreeMap<Release, Past>,
    /// The releases whose branches are in one repository far away, of which contents are asked for together.
    together: Vec<Vec<Release>>,
}

/// The steps of some branches that changed files, the last one of each branch first.
pub(super) type Steps = BTreeMap<Release, Vec<FileStep>>;

impl Run {
    /// Opens the branches of releases with their histories.
    pub(super) fn histories_of(&self, releases: &BTreeSet<Release>) -> Result<Branches, Unread> {
        let build_data = &self.config.sources.build_data;
        let mut places: Vec<(Location, Vec<Release>)> = Vec::new();
        for release in releases {
            let location = build_data.repo(*release);
            match places.iter_mut().find(|(known, _)| *known == location) {
                Some((_, of_place)) => of_place.push(*release),
                None => places.push((location, vec![*release])),
            }
        }
        let mut branches = Branches {
            by_release: BTreeMap::new(),
            together: Vec::new(),
        };
        for (location, releases) in places {
            let name = location
                .name()
                .map_or_else(|| location.to_string(), |name| name.to_string());
            let names: Vec<String> = releases.iter().map(|release| build_data.branch(*release)).collect();
            let asked: Vec<&str> = names.iter().map(String::as_str).collect();
            let opened = self.sources.open_histories(&name, &location, &asked);
            let opened = opened.map_err(|error| unread(&error))?;
            let mut together = Vec::new();
            for (release, past) in releases.into_iter().zip(opened) {
                together.extend(past.together.then_some(release));
                branches.by_release.insert(release, past);
            }
            branches.together.push(together);
        }
        Ok(branches)
    }
}

/// Why histories cannot be read, and whether they may be later.
fn unread(error: &SourceError) -> Unread {
    Unread {
        why: error.to_string(),
        passing: error.is_retryable(),
    }
}

impl Branches {
    pub(super) fn get(&self, release: Release) -> Option<&dyn Snapshot> {
        self.by_release.get(&release).map(|branch| &*branch.tree)
    }

    /// The releases, the oldest first.
    pub(super) fn releases(&self) -> Vec<Release> {
        self.by_release.keys().copied().collect()
    }

    /// The commit that a branch is at; empty where it has none.
    pub(super) fn commit(&self, release: Release) -> String {
        let origin = self.get(release).map(Snapshot::origin);
        origin.and_then(|origin| origin.commit.clone()).unwrap_or_default()
    }

    /// The steps of a branch since another one was made of it; `None` where the two have nothing in common.
    pub(super) fn since_fork(
        &self,
        release: Release,
        next: Release,
        paths: &[&str],
    ) -> Result<Option<Vec<FileStep>>, Unread> {
        let commit = self.by_release.get(&next).and_then(|past| past.commit.clone());
        self.trace(release, Since::Fork(&commit.unwrap_or_default()), paths)
    }

    /// What the steps of a branch changed; `None` where it has nothing in common with what they are counted from.
    pub(super) fn trace(
        &self,
        release: Release,
        since: Since<'_>,
        paths: &[&str],
    ) -> Result<Option<Vec<FileStep>>, Unread> {
        let Some(branch) = self.get(release) else {
            return Ok(Some(Vec::new()));
        };
        let mut found = Vec::new();
        let traced = branch.trace(since, paths, &mut |step| found.push(step));
        match traced.map_err(|error| Unread::lasting(format!("{release}: {error}")))? {
            Traced::Whole => Ok(Some(found)),
            Traced::Unrelated => Ok(None),
            Traced::Short(why) => Err(Unread::lasting(format!("{release}: {why}"))),
        }
    }

    /// When the branch of a release was made, where its first commit tells.
    pub(super) fn began(&self, release: Release) -> Result<Option<i64>, Unread> {
        let Some(branch) = self.get(release) else {
            return Ok(None);
        };
        branch
            .began()
            .map_err(|error| Unread::lasting(format!("{release}: {error}")))
    }

    /// The bytes of files, by the releases in whose steps they are. Of one repository far away all are asked for at once.
    pub(super) fn contents(&self, wanted: &BTreeMap<Release, BTreeSet<String>>) -> Result<Contents, Unread> {
        let mut contents = Contents::new();
        let mut alone: BTreeSet<Release> = wanted.keys().copied().collect();
        for group in &self.together {
            let of_group = |release: &Release| wanted.get(release).into_iter().flatten().cloned();
            let ids: BTreeSet<String> = group.iter().flat_map(of_group).collect();
            alone.retain(|release| !group.contains(release));
            if let Some(first) = group.first().filter(|_| !ids.is_empty()) {
                contents.extend(self.contents_of(*first, &ids)?);
            }
        }
        for release in alone {
            if let Some(ids) = wanted.get(&release) {
                contents.extend(self.contents_of(release, ids)?);
            }
        }
        Ok(contents)
    }

    fn contents_of(&self, release: Release, ids: &BTreeSet<String>) -> Result<Contents, Unread> {
        let Some(branch) = self.get(release) else {
            return Ok(Contents::new());
        };
        // What a server has not got today it may have tomorrow.
        branch.contents(ids).map_err(|error| Unread {
            why: format!("{release}: {error}"),
            passing: true,
        })
    }
}

/// A step with what the file said before and after it.
pub(super) fn filled(step: &FileStep, contents: &Contents) -> Step {
    let bytes = |id: &Option<String>| contents.get(id.as_ref()?).cloned();
    Step {
        path: step.path.clone(),
        edited: Edited {
            day: Date::of_unix(step.time),
            time: step.time,
            commit: step.commit.clone(),
        },
        before: bytes(&step.before),
        after: bytes(&step.after),
    }
}

/// The ids of what files said before and after steps.
pub(super) fn ids<'s>(steps: impl IntoIterator<Item = &'s FileStep>) -> BTreeSet<String> {
    let both = steps.into_iter().flat_map(|step| [&step.before, &step.after]);
    both.flatten().cloned().collect()
}
