//! Reads what was added to OKD's stanzas on older branches of build data, and what a release would be with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::heads::Head;
use super::{Run, RunError};
use crate::base::{Date, Release};
use crate::derive::complete::complete;
use crate::derive::neighbours::{Carried, Carry, Edited, Left};
use crate::derive::texts::Texts;
use crate::derive::{self, Image};
use crate::doozer::carry::{self, Added, Fate, Step, There};
use crate::doozer::topics::dotted;
use crate::model::metadata::Metadata;
use crate::plan::Verdict;
use crate::source::{FileStep, Location, Over, Since, Snapshot, Traced};
use crate::targets::build_data;
use crate::yaml::{self, Node};

/// Must change when the same steps come to other additions.
const VERSION: u32 = 1;
/// What OKD's stanzas stand in.
const PATHS: [&str; 2] = ["group.yml", "images"];

/// What branches added since the next one was made: by their commit and the next one's.
pub(super) type Histories = Mutex<BTreeMap<(String, String), Arc<Vec<Added>>>>;

/// Branches of build data, each with its release.
type Branches = BTreeMap<Release, Box<dyn Snapshot>>;

/// A release with what is carried to it: build data, images, and the files that are looked at for them.
type With = (Metadata, BTreeMap<String, Image>, Texts);

impl Run {
    /// Takes into a release what is to be carried to it.
    pub(super) fn carry_over(&self, release: &mut derive::Release<'_>, ci: Option<&dyn Snapshot>) {
        let own = release.metadata.release;
        let known: BTreeSet<Release> = self.known_releases().range(..own).copied().chain([own]).collect();
        // What somebody tries out is no other state of a branch.
        if known.len() < 2 || !self.overrides.is_empty() || !self.assumed.is_empty() {
            return;
        }
        let found = self.build_data_of(&known).and_then(|branches| {
            let heads = branches.iter().filter(|(release, _)| **release != own);
            release.neighbours.heads = heads
                .map(|(release, branch)| (*release, branch.origin().commit.clone().unwrap_or_default()))
                .collect();
            self.added_before(release, &branches)
        });
        let mut carried = found.unwrap_or_else(|why| Carried {
            unread: Some(why),
            ..Carried::default()
        });
        match self.derived_with(release, &mut carried, ci) {
            Ok(Some((metadata, images, texts))) => {
                release.texts.extend(texts);
                carried.release = Some((metadata, images));
            }
            Ok(None) => {}
            Err(error) => {
                carried.all.clear();
                carried.unread = Some(format!("what the release would be with it cannot be derived: {error}"));
            }
        }
        release.neighbours.carried = Arc::new(carried);
    }

    /// Where the branches stood that were looked at beside a release's own; `None` where that cannot be told.
    pub(super) fn heads_beside(&self, release: &derive::Release<'_>) -> Option<Vec<Head>> {
        let build_data = &self.config.sources.build_data;
        let head = |(release, commit): &(Release, String)| {
            Some(Head {
                release: *release,
                repo: build_data.repo(*release).name()?,
                branch: build_data.branch(*release),
                commit: commit.clone(),
            })
        };
        release.neighbours.heads.iter().map(head).collect()
    }

    /// Opens the branches of releases, where they can have a history at all.
    fn build_data_of(&self, known: &BTreeSet<Release>) -> Result<Branches, String> {
        let is_url = |release: &Release| matches!(self.config.sources.build_data.repo(*release), Location::Url(_));
        if known.iter().any(is_url) {
            return Err("build data is read from a URL, without its history".to_owned());
        }
        let open = |release: &Release| match self.build_data(*release, None) {
            Ok(branch) => Ok((*release, branch)),
            Err(error) => Err(error.to_string()),
        };
        known.iter().map(open).collect()
    }

    fn added_before(&self, release: &derive::Release<'_>, branches: &Branches) -> Result<Carried, String> {
        let numbers: Vec<Release> = branches.keys().copied().collect();
        let mut candidates: BTreeMap<(String, String), Vec<(Release, Added)>> = BTreeMap::new();
        let mut order = Vec::new();
        // The nearest release first: of two additions the later release's counts.
        for pair in numbers.windows(2).rev() {
            let [from, next] = *pair else { continue };
            for added in self.added(from, &*branches[&from], &*branches[&next])?.iter() {
                let key = (added.path.clone(), added.key.clone());
                let known = candidates.entry(key.clone()).or_default();
                if known.is_empty() {
                    order.push(key);
                }
                known.push((from, added.clone()));
            }
        }
        let here = Here {
            release,
            branches,
            group: self.raw_group(release, branches)?,
        };
        let mut carried = Carried::default();
        for key in order {
            match here.settled(&candidates[&key])? {
                Fate::Nothing => {}
                Fate::Carried(carry) => carried.all.push(carry),
                Fate::Left(why) => {
                    if let Some((from, added)) = candidates[&key].first() {
                        carried.left.push(left(*from, added, why));
                    }
                }
            }
        }
        Ok(carried)
    }

    /// What a branch added to OKD's stanzas since the next one was made.
    fn added(&self, release: Release, branch: &dyn Snapshot, next: &dyn Snapshot) -> Result<Arc<Vec<Added>>, String> {
        let commit = |snapshot: &dyn Snapshot| snapshot.origin().commit.clone().unwrap_or_default();
        let key = (commit(branch), commit(next));
        let known = || self.histories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(added) = known().get(&key) {
            return Ok(Arc::clone(added));
        }
        // What two commits come to stays as it is, and walking over years of a branch takes seconds.
        let name = format!("{} {}", key.0, key.1);
        let is_fixed = !key.0.is_empty() && !key.1.is_empty();
        let remembered = is_fixed
            .then(|| self.store.get("okd-added", VERSION, name.as_bytes()))
            .flatten();
        if let Some(added) = remembered {
            let added: Arc<Vec<Added>> = Arc::new(added);
            known().insert(key, Arc::clone(&added));
            return Ok(added);
        }
        let steps = match steps(release, branch, Since::Fork(&key.1), &PATHS)? {
            Some(steps) => steps,
            // The two have no commit in common: what is younger than the other's first one is new.
            None => {
                let began = next.began().map_err(|error| format!("{release}: {error}"))?;
                let began = began.ok_or_else(|| format!("when the branch after {release} was made is not known"))?;
                steps_since(release, branch, began, &PATHS)?
            }
        };
        let added = Arc::new(carry::added(&steps));
        if is_fixed {
            self.store.put("okd-added", VERSION, name.as_bytes(), &*added);
        }
        known().insert(key, Arc::clone(&added));
        Ok(added)
    }

    /// A release's `group.yml` as it is written.
    fn raw_group(&self, release: &derive::Release<'_>, branches: &Branches) -> Result<Node, String> {
        let own = release.metadata.release;
        let read = branches.get(&own).map(|branch| branch.read("group.yml"));
        let blob = read.transpose().map_err(|error| format!("{own}: {error}"))?.flatten();
        let node = blob.map(|blob| yaml::parse(&blob.bytes)).transpose();
        Ok(node.ok().flatten().unwrap_or_default())
    }

    /// A release with what is carried to it, as far as that is put right at all; what cannot be written is left.
    fn derived_with(
        &self,
        release: &derive::Release<'_>,
        carried: &mut Carried,
        ci: Option<&dyn Snapshot>,
    ) -> Result<Option<With>, RunError> {
        let own = release.metadata.release;
        let is_applied = |carry: &Carry| {
            let cause = build_data::carried_cause(release, carry);
            self.policy.verdict(&cause, &own.to_string()) == Verdict::Apply
        };
        let applied: Vec<Carry> = carried.all.iter().filter(|carry| is_applied(carry)).cloned().collect();
        if applied.is_empty() {
            return Ok(None);
        }
        let snapshot = self.build_data(own, None)?;
        let (mut files, mut refused) = (BTreeMap::new(), BTreeMap::new());
        for path in applied.iter().map(|carry| &carry.path).collect::<BTreeSet<_>>() {
            let text = match snapshot.read(path) {
                Ok(Some(blob)) if blob.path == *path => String::from_utf8(blob.bytes.to_vec()).ok(),
                _ => None,
            };
            let all = applied.iter().filter(|carry| carry.path == *path);
            let edited = match text {
                Some(text) => build_data::with_carried(release, path, &text, all).map_err(|why| why.to_string()),
                None => Err("the file is no text of its own".to_owned()),
            };
            match edited {
                Ok(text) => drop(files.insert(path.clone(), Arc::from(text.into_bytes()))),
                Err(why) => drop(refused.insert(path.clone(), why)),
            }
        }
        carried.all.retain(|carry| match refused.get(&carry.path) {
            Some(why) => {
                let why = format!("its file cannot be changed safely: {why}");
                carried.left.push(Left {
                    path: carry.path.clone(),
                    key: carry.key.clone(),
                    from: carry.from,
                    edited: carry.edited.clone(),
                    why,
                });
                false
            }
            None => true,
        });
        if files.is_empty() {
            return Ok(None);
        }
        let metadata = self.metadata_in(own, &Over::new(snapshot, files))?;
        let (images, texts) = {
            let (outline, components) = self.drawn(&metadata, ci, self.asked()?)?;
            let derived = complete(outline, &components);
            let texts = self.texts(&derived);
            (derived.images, texts)
        };
        Ok(Some((metadata, images, texts)))
    }
}

fn left(from: Release, added: &Added, why: String) -> Left {
    Left {
        path: added.path.clone(),
        key: added.key.clone(),
        from,
        edited: added.edited.clone(),
        why,
    }
}

/// The release that things are carried to.
struct Here<'h, 'a> {
    release: &'h derive::Release<'a>,
    branches: &'h Branches,
    /// Its `group.yml`.
    group: Node,
}

impl Here<'_, '_> {
    /// What becomes of additions of one key, those of the nearest release first.
    fn settled(&self, candidates: &[(Release, Added)]) -> Result<Fate, String> {
        let own = self.release.metadata.release;
        let mut gone: Option<(Release, Edited)> = None;
        for (from, added) in candidates {
            let taken_since = gone.as_ref().is_some_and(|(_, gone)| gone.time >= added.edited.time);
            if taken_since {
                continue;
            }
            let Some(node) = self.file(&added.path) else {
                return Ok(Fate::Nothing);
            };
            let there = There {
                node,
                group: &self.release.metadata.group,
                release: own,
            };
            let fate = carry::fate(added, *from, there);
            if !matches!(fate, Fate::Carried(_)) {
                return Ok(fate);
            }
            match self.since(*from, added)? {
                Between::Had => return Ok(Fate::Nothing),
                Between::Removed(release, edited) => gone = Some((release, edited)),
                Between::Nothing => return Ok(fate),
            }
        }
        Ok(match gone {
            Some((release, edited)) => {
                let commit = edited.commit.get(..10).unwrap_or(&edited.commit);
                Fate::Left(format!("{commit} of {} removed it from {release}", edited.day))
            }
            None => Fate::Nothing,
        })
    }

    /// A file of the release.
    fn file(&self, path: &str) -> Option<&Node> {
        match Metadata::image_of_file(path) {
            Some(key) => Some(&self.release.metadata.images.get(key)?.node),
            None => self.group.as_map().map(|_| &self.group),
        }
    }

    /// What people did about a key in the releases after the one that it was added in.
    fn since(&self, from: Release, added: &Added) -> Result<Between, String> {
        let own = self.release.metadata.release;
        let after = (std::ops::Bound::Excluded(from), std::ops::Bound::Included(own));
        // The later of two that are as old counts as the later one.
        let since = added.edited.time.saturating_sub(1);
        for (release, branch) in self.branches.range(after) {
            let read = branch
                .read(&added.path)
                .map_err(|error| format!("{release}: {error}"))?;
            let file = read.and_then(|blob| yaml::parse(&blob.bytes).ok());
            // That it was there already when this release was made is the cut's business.
            if *release != own && file.is_some_and(|file| dotted(&file, &added.key).is_some()) {
                return Ok(Between::Had);
            }
            let steps = steps_since(*release, &**branch, since, &[&added.path])?;
            if let Some(edited) = carry::removed(&steps, &added.path, &added.key) {
                return Ok(Between::Removed(*release, edited));
            }
        }
        Ok(Between::Nothing)
    }
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

fn steps_since(release: Release, branch: &dyn Snapshot, time: i64, paths: &[&str]) -> Result<Vec<Step>, String> {
    Ok(steps(release, branch, Since::Time(time), paths)?.unwrap_or_default())
}

/// The steps of a branch that may concern OKD; `None` where it has nothing in common with what they are counted from.
fn steps(
    release: Release,
    branch: &dyn Snapshot,
    since: Since<'_>,
    paths: &[&str],
) -> Result<Option<Vec<Step>>, String> {
    let mut found = Vec::new();
    let traced = branch.trace(since, paths, &mut |step: FileStep| {
        if carry::concerns(step.before.as_deref(), step.after.as_deref()) {
            found.push(Step {
                path: step.path,
                edited: Edited {
                    day: Date::of_unix(step.time),
                    time: step.time,
                    commit: step.commit,
                },
                before: step.before,
                after: step.after,
            });
        }
    });
    match traced.map_err(|error| format!("{release}: {error}"))? {
        Traced::Whole => Ok(Some(found)),
        Traced::Unrelated => Ok(None),
        Traced::Short(why) => Err(format!("{release}: {why}")),
    }
}
