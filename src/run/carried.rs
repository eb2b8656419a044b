//! Reads what was added to OKD's stanzas on older branches of build data, and what a release would be with it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::heads::Head;
use super::later::{Here, Key};
use super::traced::{Branches, Steps, filled, ids};
use super::{Run, RunError};
use crate::base::Release;
use crate::derive::complete::complete;
use crate::derive::neighbours::{Carried, Carry, Left, Unread};
use crate::derive::texts::Texts;
use crate::derive::{self, DerivedImage};
use crate::doozer::carry::{self, Added, Fate};
use crate::model::metadata::Metadata;
use crate::plan::Verdict;
use crate::source::{FileStep, Over, Since, Snapshot};
use crate::targets::build_data;

/// Must change when the same steps come to other additions.
const VERSION: u32 = 1;
/// What OKD's stanzas stand in.
const PATHS: [&str; 2] = ["group.yml", "images"];

/// Two commits of neighbouring branches.
type Pair = (String, String);

/// What branches added since the next one was made: by their commit and the next one's.
pub(super) type Histories = Mutex<BTreeMap<Pair, Arc<Vec<Added>>>>;

/// A release with what is carried to it: build data, images, and the files that are looked at for them.
type With = (Metadata, BTreeMap<String, DerivedImage>, Texts);

impl Run {
    /// Takes into a release what is to be carried to it.
    pub(super) fn carry_over(&self, release: &mut derive::Release<'_>, ci: Option<&dyn Snapshot>) {
        let own = release.metadata.release;
        let known: BTreeSet<Release> = self.known_releases().range(..own).copied().chain([own]).collect();
        if known.len() < 2 {
            return;
        }
        let found = self.histories_of(&known).and_then(|branches| {
            let others = known.iter().filter(|release| **release != own);
            release.neighbours.heads = others.map(|release| (*release, branches.commit(*release))).collect();
            self.added_before(release, &branches)
        });
        let mut carried = found.unwrap_or_else(|unread| Carried {
            unread: Some(unread),
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
                let why = format!("what the release would be with it cannot be derived: {error}");
                carried.unread = Some(Unread::lasting(why));
            }
        }
        release.neighbours.carried = Arc::new(carried);
    }

    /// Where the branches stood that were looked at beside a release's own; `None` where that cannot be told, or where the next
    /// look may see more.
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
        let unread = release.neighbours.carried.unread.as_ref();
        if unread.is_some_and(|unread| unread.passing) {
            return None;
        }
        release.neighbours.heads.iter().map(head).collect()
    }

    fn added_before(&self, release: &derive::Release<'_>, branches: &Branches) -> Result<Carried, Unread> {
        let mut candidates: BTreeMap<Key, Vec<(Release, Added)>> = BTreeMap::new();
        let mut order = Vec::new();
        // The nearest release first: of two additions the later release's counts.
        for (from, all) in self.added(branches)?.into_iter().rev() {
            for added in all.iter() {
                let key = (added.path.clone(), added.key.clone());
                let known = candidates.entry(key.clone()).or_default();
                if known.is_empty() {
                    order.push(key);
                }
                known.push((from, added.clone()));
            }
        }
        let here = Here::new(release, branches, &candidates)?;
        let mut carried = Carried::default();
        for key in order {
            match here.settled(&candidates[&key]) {
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

    /// What each branch but the last added to OKD's stanzas since the next one was made.
    pub(super) fn added(&self, branches: &Branches) -> Result<BTreeMap<Release, Arc<Vec<Added>>>, Unread> {
        let releases = branches.releases();
        let (mut found, mut steps) = (BTreeMap::new(), Steps::new());
        let mut pairs: BTreeMap<Release, Pair> = BTreeMap::new();
        for pair in releases.windows(2) {
            let [from, next] = *pair else { continue };
            let commits = (branches.commit(from), branches.commit(next));
            match self.known_added(&commits) {
                Some(known) => drop(found.insert(from, known)),
                None => {
                    steps.insert(from, since_fork(branches, from, next)?);
                    pairs.insert(from, commits);
                }
            }
        }
        // What a file says now and what it said then tells whether anything was added; who did it is asked of few.
        let ends: Steps = steps.iter().map(|(from, steps)| (*from, ends(steps))).collect();
        let contents = branches.contents(&ids_of(&ends))?;
        for (from, steps) in &mut steps {
            let whole: Vec<_> = ends[from].iter().map(|step| filled(step, &contents)).collect();
            let more: BTreeSet<String> = carry::added(&whole).into_iter().map(|added| added.path).collect();
            steps.retain(|step| more.contains(&step.path));
        }
        let contents = branches.contents(&ids_of(&steps))?;
        for (from, steps) in steps {
            let whole = steps.iter().map(|step| filled(step, &contents));
            let concerned = whole.filter(|step| carry::concerns(step.before.as_deref(), step.after.as_deref()));
            let added = Arc::new(carry::added(&concerned.collect::<Vec<_>>()));
            if let Some(pair) = pairs.remove(&from) {
                self.remember_added(pair, &added);
            }
            found.insert(from, added);
        }
        Ok(found)
    }

    /// What is known of two commits: what they come to stays as it is, and walking over years of a branch takes seconds.
    fn known_added(&self, pair: &Pair) -> Option<Arc<Vec<Added>>> {
        let mut known = self.histories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(added) = known.get(pair) {
            return Some(Arc::clone(added));
        }
        let name = fixed(pair)?;
        let added: Vec<Added> = self.store.get("okd-added", VERSION, name.as_bytes())?;
        let added = Arc::new(added);
        known.insert(pair.clone(), Arc::clone(&added));
        Some(added)
    }

    fn remember_added(&self, pair: Pair, added: &Arc<Vec<Added>>) {
        if let Some(name) = fixed(&pair) {
            self.store.put("okd-added", VERSION, name.as_bytes(), &**added);
        }
        let mut known = self.histories.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(pair, Arc::clone(added));
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

/// What two commits are remembered under; none where one is no commit.
fn fixed((one, other): &Pair) -> Option<String> {
    (!one.is_empty() && !other.is_empty()).then(|| format!("{one} {other}"))
}

/// The steps of a branch since the next one was made.
fn since_fork(branches: &Branches, from: Release, next: Release) -> Result<Vec<FileStep>, Unread> {
    if let Some(steps) = branches.since_fork(from, next, &PATHS)? {
        return Ok(steps);
    }
    // The two have no commit in common: what is younger than the other's first one is new.
    let began = branches.began(next)?;
    let began = began.ok_or_else(|| Unread::lasting(format!("when the branch after {from} was made is not known")))?;
    Ok(branches.trace(from, Since::Time(began), &PATHS)?.unwrap_or_default())
}

/// One step for each file, from what it said before the first of its steps to what it says after the last one.
fn ends(steps: &[FileStep]) -> Vec<FileStep> {
    let mut whole: BTreeMap<&str, FileStep> = BTreeMap::new();
    for step in steps {
        match whole.get_mut(&*step.path) {
            Some(known) => known.before.clone_from(&step.before),
            None => drop(whole.insert(&step.path, step.clone())),
        }
    }
    whole.into_values().filter(|step| step.before != step.after).collect()
}

fn ids_of(steps: &Steps) -> BTreeMap<Release, BTreeSet<String>> {
    steps.iter().map(|(release, steps)| (*release, ids(steps))).collect()
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
