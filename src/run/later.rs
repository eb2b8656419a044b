//! What became in later releases of what was added to OKD's stanzas on older branches of build data.

use std::collections::{BTreeMap, BTreeSet};

use super::traced::{Branches, Steps, filled, ids};
use crate::base::Release;
use crate::derive;
use crate::derive::neighbours::{Edited, Unread};
use crate::doozer::carry::{self, Added, Fate, There};
use crate::doozer::topics::dotted;
use crate::model::metadata::Metadata;
use crate::source::{Contents, Since};
use crate::yaml::{self, Node};

/// A key of a file: path and dotted key.
pub(super) type Key = (String, String);

/// The release that things are carried to.
pub(super) struct Here<'h, 'a> {
    release: &'h derive::Release<'a>,
    /// Its `group.yml` as it is written.
    group: Node,
    /// The releases after which something may come here, the oldest first.
    later: Vec<Release>,
    /// What the branches of releases changed since, in files of which something may be carried.
    steps: Steps,
    /// These files as they are now, by release and path.
    now: BTreeMap<(Release, String), String>,
    contents: Contents,
}

impl<'h, 'a> Here<'h, 'a> {
    /// Looks at what became in later releases of files of which something may be carried.
    pub(super) fn new(
        release: &'h derive::Release<'a>,
        branches: &Branches,
        candidates: &BTreeMap<Key, Vec<(Release, Added)>>,
    ) -> Result<Self, Unread> {
        let own = release.metadata.release;
        let mut here = Self {
            release,
            group: Node::default(),
            later: branches.releases(),
            steps: Steps::new(),
            now: BTreeMap::new(),
            contents: Contents::new(),
        };
        let all = || candidates.values().flatten();
        if all().any(|(_, added)| Metadata::image_of_file(&added.path).is_none()) {
            here.group = group(branches, own)?;
        }
        let asked: Vec<_> = all()
            .filter(|(from, added)| matches!(here.fate(*from, added), Fate::Carried(_)))
            .collect();
        let mut wanted: BTreeMap<Release, BTreeSet<String>> = BTreeMap::new();
        for later in here.later.clone() {
            let before = asked.iter().filter(|(from, _)| *from < later);
            let paths: BTreeSet<&str> = before.clone().map(|(_, added)| &*added.path).collect();
            let Some(since) = before.map(|(_, added)| since(added)).min() else {
                continue;
            };
            let paths: Vec<&str> = paths.into_iter().collect();
            let steps = branches.trace(later, Since::Time(since), &paths)?.unwrap_or_default();
            let ids = wanted.entry(later).or_default();
            ids.extend(self::ids(&steps));
            here.steps.insert(later, steps);
            for path in paths.into_iter().filter(|_| later != own) {
                let now = branches.get(later).map(|branch| branch.oid(path)).transpose();
                let now = now.map_err(|error| Unread::lasting(format!("{later}: {error}")))?;
                if let Some(now) = now.flatten() {
                    ids.insert(now.clone());
                    here.now.insert((later, path.to_owned()), now);
                }
            }
        }
        here.contents = branches.contents(&wanted)?;
        Ok(here)
    }

    /// What becomes of additions of one key, those of the nearest release first.
    pub(super) fn settled(&self, candidates: &[(Release, Added)]) -> Fate {
        let mut gone: Option<(Release, Edited)> = None;
        for (from, added) in candidates {
            let taken_since = gone.as_ref().is_some_and(|(_, gone)| gone.time >= added.edited.time);
            if taken_since {
                continue;
            }
            if self.file(&added.path).is_none() {
                return Fate::Nothing;
            }
            let fate = self.fate(*from, added);
            if !matches!(fate, Fate::Carried(_)) {
                return fate;
            }
            match self.since(*from, added) {
                Between::Had => return Fate::Nothing,
                Between::Removed(release, edited) => gone = Some((release, edited)),
                Between::Nothing => return fate,
            }
        }
        match gone {
            Some((release, edited)) => {
                let commit = edited.commit.get(..10).unwrap_or(&edited.commit);
                Fate::Left(format!("{commit} of {} removed it from {release}", edited.day))
            }
            None => Fate::Nothing,
        }
    }

    /// What becomes of an addition, as far as the two files tell.
    fn fate(&self, from: Release, added: &Added) -> Fate {
        let Some(node) = self.file(&added.path) else {
            return Fate::Nothing;
        };
        let there = There {
            node,
            group: &self.release.metadata.group,
        };
        carry::fate(added, from, there)
    }

    /// A file of the release.
    fn file(&self, path: &str) -> Option<&Node> {
        match Metadata::image_of_file(path) {
            Some(key) => Some(&self.release.metadata.images.get(key)?.node),
            None => self.group.as_map().map(|_| &self.group),
        }
    }

    /// What people did about a key in the releases after the one that it was added in.
    fn since(&self, from: Release, added: &Added) -> Between {
        for later in self.later.iter().filter(|later| **later > from) {
            let now = self.now.get(&(*later, added.path.clone()));
            let file = now.and_then(|id| yaml::parse(self.contents.get(id)?).ok());
            // That it was there already when this release was made is the cut's business.
            if file.is_some_and(|file| dotted(&file, &added.key).is_some()) {
                return Between::Had;
            }
            let steps = self.steps.get(later).into_iter().flatten();
            let steps = steps.filter(|step| step.path == added.path && step.time > since(added));
            let steps: Vec<_> = steps.map(|step| filled(step, &self.contents)).collect();
            if let Some(edited) = carry::removed(&steps, &added.path, &added.key) {
                return Between::Removed(*later, edited);
            }
        }
        Between::Nothing
    }
}

/// A release's `group.yml` as it is written.
fn group(branches: &Branches, release: Release) -> Result<Node, Unread> {
    let read = branches.get(release).map(|branch| branch.read("group.yml"));
    let blob = read.transpose().map_err(|error| Unread {
        why: format!("{release}: {error}"),
        passing: true,
    })?;
    let node = blob.flatten().map(|blob| yaml::parse(&blob.bytes)).transpose();
    Ok(node.ok().flatten().unwrap_or_default())
}

/// From when on what people do about an addition counts: the later of two that are as old is the later one.
fn since(added: &Added) -> i64 {
    added.edited.time.saturating_sub(1)
}

/// What happened to a key between the release that added it and a later one.
enum Between {
    /// Nothing.
    Nothing,
    /// One of them has it anyway.
    Had,
    /// It was removed.
    Removed(Release, Edited),
}
