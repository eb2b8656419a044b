//! Which batch each image is in, and lists of batches brought in line with that.

use std::collections::{BTreeMap, BTreeSet};

use super::causes::Causes;
use super::found::{Found, Matched};
use super::names::{Plan, some};
use crate::derive::here::Here;
use crate::finding::{Finding, Severity};
use crate::model::batches::{Batches, batches};
use crate::targets::documents::Files;
use crate::yaml::Node;

/// What is built when, by the names of BuildConfigs.
pub(super) struct Order {
    /// The batches of our images, by key.
    pub batches: Batches,
    /// The batch of each BuildConfig that is ours; 0: before all others.
    pub of_name: BTreeMap<String, u32>,
    /// The architectures of those that are not built for all, by name.
    pub narrow: BTreeMap<String, String>,
    /// The architectures of those that were marked and are built for all now, by name.
    pub widened: BTreeMap<String, String>,
    /// What BuildConfigs made by hand are built from: their name, and the names of those that build it.
    pub by_hand: BTreeMap<String, BTreeSet<String>>,
    /// Names of all BuildConfigs there will be.
    pub all: BTreeSet<String>,
    /// The builders that are to be built first.
    pub builders: Vec<String>,
    /// Names of BuildConfigs that are removed.
    pub gone: BTreeSet<String>,
}

impl Order {
    /// Whether an image is built: its BuildConfig is in a batch.
    pub fn has(&self, plan: &Plan<'_>, matched: &Matched) -> bool {
        self.batches.of.contains_key(plan.key) && self.of_name.contains_key(&name_of(plan, matched))
    }

    /// Notes that a BuildConfig is removed, so that nothing is to call it.
    pub fn forget(&mut self, name: &str) {
        self.all.remove(name);
        self.gone.insert(name.to_owned());
    }
}

/// The name that an image's BuildConfig has or will have.
pub(super) fn name_of(plan: &Plan<'_>, matched: &Matched) -> String {
    let there = matched.of_image.get(plan.key).map(|found| found.name.clone());
    there
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| plan.here.tag.value.clone())
}

/// The batches of all images that have a BuildConfig or get one. `prepared`: names of those that are built before all batches.
pub(super) fn batched(plans: &[Plan<'_>], matched: &Matched, here: &Here, prepared: &BTreeSet<String>) -> Batches {
    let aside = |plan: &Plan<'_>| {
        let failing = matched.of_image.get(plan.key).is_some_and(Found::is_failing);
        failing || matched.left.contains(plan.key) || matched.unplaced.contains(plan.key)
    };
    let parents = plans.iter().filter(|plan| !aside(plan));
    let parents = parents.map(|plan| (plan.key.to_owned(), plan.parents.clone()));
    let first = plans.iter().filter(|plan| prepared.contains(&name_of(plan, matched)));
    let ready = here
        .images
        .iter()
        .filter(|(_, image)| !image.excluded.value.is_empty())
        .map(|(key, _)| key.clone());
    let first = first.map(|plan| plan.key.to_owned());
    batches(&parents.collect(), &first.collect(), &ready.collect())
}

/// Puts all images into batches.
pub(super) fn order(
    files: &mut Files<'_>,
    plans: &[Plan<'_>],
    matched: &Matched,
    here: &Here,
    prepared: &BTreeSet<String>,
) -> Order {
    let names: BTreeMap<&str, String> = plans.iter().map(|plan| (plan.key, name_of(plan, matched))).collect();
    let batches = batched(plans, matched, here, prepared);
    // What name one has that cannot be read is not known, so it stays where it is.
    let known = batches.of.iter().filter(|(key, _)| !matched.waiting.contains(*key));
    let placed = plans.iter().filter(|plan| !matched.unplaced.contains(plan.key));
    let mut order = Order {
        of_name: known
            .map(|(key, batch)| (names[key.as_str()].clone(), *batch))
            .collect(),
        narrow: BTreeMap::new(),
        widened: BTreeMap::new(),
        by_hand: by_hand(files, matched, &names, plans),
        all: placed.map(|plan| names[plan.key].clone()).collect(),
        builders: Vec::new(),
        gone: BTreeSet::new(),
        batches,
    };
    orphans(files, plans, &order);
    circles(files, matched, &order);
    order.all.extend(prepared.iter().cloned());
    order
}

/// Tells of images that wait for something that is in no batch.
fn orphans(files: &mut Files<'_>, plans: &[Plan<'_>], order: &Order) {
    for plan in plans {
        let Some(blamed) = order.batches.without.get(plan.key) else {
            continue;
        };
        let blamed: Vec<&str> = blamed.iter().map(String::as_str).collect();
        let tag = &plan.here.tag.value;
        let text = format!(
            "{tag} is built from {}, which is in no batch; it stays where it is",
            some(&blamed)
        );
        let finding = Finding::new(Severity::Warning, "parent-in-no-batch", text)
            .with_image(tag.clone())
            .with_component(plan.image.repository.value.clone())
            .with_help("see what is said of the image that it is built from");
        files.findings.push(finding);
    }
}

/// Tells of BuildConfigs made by hand that are built from each other.
fn circles(files: &mut Files<'_>, matched: &Matched, order: &Order) {
    let known = |name: &&String| order.by_hand.contains_key(*name);
    let among = order.by_hand.iter().map(|(name, parents)| {
        // One that is built from what it built last time is no circle: it has a start.
        let others = parents.iter().filter(known).filter(|parent| *parent != name);
        (name.clone(), others.cloned().collect())
    });
    let found = batches(&among.collect(), &BTreeSet::new(), &BTreeSet::new());
    for (name, blamed) in &found.without {
        let blamed: Vec<&String> = blamed.iter().collect();
        let text = format!(
            "{name}, which was made by hand, is built from {}, and that from something that stands on {name} or on a circle: it is in no batch that could be right",
            some(&blamed)
        );
        let finding = Finding::new(Severity::Warning, "parent-in-no-batch", text)
            .with_help("let one of them be built from something else");
        if let Some(there) = matched.others.iter().find(|there| there.name == *name) {
            let line = super::wanted::line_of(there, files);
            files.tell(finding, &there.path, line);
        }
    }
}

/// What BuildConfigs without an image are built from, as far as that is built here.
fn by_hand(
    files: &Files<'_>,
    matched: &Matched,
    names: &BTreeMap<&str, String>,
    plans: &[Plan<'_>],
) -> BTreeMap<String, BTreeSet<String>> {
    let own = plans.iter().map(|plan| (plan.output.as_str(), &names[plan.key]));
    let theirs = matched.others.iter().filter(|found| !found.output.is_empty());
    let outputs: BTreeMap<&str, &String> = theirs
        .map(|found| (found.output.as_str(), &found.name))
        .chain(own)
        .collect();
    let others = matched.others.iter().filter_map(|found| {
        let node = found.node(files)?;
        let base = node
            .at(&["spec", "strategy", "dockerStrategy", "from", "name"])
            .and_then(Node::text);
        let items = node
            .at(&["spec", "source", "images"])
            .and_then(Node::as_seq)
            .unwrap_or_default();
        let items = items.iter().filter_map(|item| item.at(&["from", "name"])?.text());
        let parents = base
            .into_iter()
            .chain(items)
            .filter_map(|name| outputs.get(name).map(|name| (*name).clone()));
        Some((found.name.clone(), parents.collect()))
    });
    others.collect()
}

/// Lists brought in line with the order: `lists[n]` is batch `n` as it is. Ours are where they belong, once, and what is gone is
/// in none; all others stay.
fn arranged(lists: &[Vec<String>], of_name: &BTreeMap<String, u32>, gone: &BTreeSet<String>) -> Vec<Vec<String>> {
    let last = of_name.values().max().map_or(0, |last| *last as usize);
    let mut seen = BTreeSet::new();
    let mut arranged: Vec<Vec<String>> = Vec::new();
    for batch in 0..=last.max(lists.len().saturating_sub(1)) {
        let there = lists.get(batch).map(Vec::as_slice).unwrap_or_default();
        let stays = |name: &&String| match of_name.get(*name) {
            Some(wanted) => *wanted as usize == batch && seen.insert((*name).clone()),
            None => !gone.contains(*name),
        };
        let kept: Vec<String> = there.iter().filter(stays).cloned().collect();
        arranged.push(kept);
    }
    for (name, batch) in of_name {
        // What is built first is somebody else's list where it is not here.
        if *batch > 0 && !seen.contains(name) {
            arranged[*batch as usize].push(name.clone());
        }
    }
    arranged
}

/// Tells of BuildConfigs made by hand that stand in front of what they are built from.
pub(super) fn too_early(files: &mut Files<'_>, path: &str, lists: &[Vec<String>], order: &Order) {
    for (batch, names) in lists.iter().enumerate() {
        for name in names {
            let Some(parents) = order.by_hand.get(name) else {
                continue;
            };
            let later = |parent: &&String| {
                order
                    .of_name
                    .get(*parent)
                    .is_some_and(|of| *of as usize >= batch && batch > 0)
            };
            let later: Vec<&String> = parents.iter().filter(later).collect();
            if later.is_empty() {
                continue;
            }
            let text = format!(
                "{name}, which was made by hand, is in batch {batch}, no later than {}, which it is built from",
                some(&later)
            );
            let finding =
                Finding::new(Severity::Warning, "parent-in-no-batch", text).with_help("move it to a later batch");
            files.tell(finding, path, None);
        }
    }
}

/// The moves from one arrangement to the other: name, old batch, new batch.
pub(super) fn moves(before: &[Vec<String>], after: &[Vec<String>]) -> Vec<(String, Option<usize>, Option<usize>)> {
    let places = |lists: &[Vec<String>]| -> BTreeMap<String, Vec<usize>> {
        let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (batch, names) in lists.iter().enumerate() {
            for name in names {
                places.entry(name.clone()).or_default().push(batch);
            }
        }
        places
    };
    let (was, is) = (places(before), places(after));
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let moved = names
        .into_iter()
        .filter(|name| was.get(*name) != is.get(*name))
        .map(|name| {
            let at =
                |places: &BTreeMap<String, Vec<usize>>| places.get(name).and_then(|batches| batches.last().copied());
            (name.clone(), at(&was), at(&is))
        });
    moved.collect()
}

/// Applies the moves that the policy wants, one cause each, and gives the lists that come of it.
pub(super) fn settle(
    files: &mut Files<'_>,
    causes: &Causes<'_>,
    path: &str,
    before: &[Vec<String>],
    order: &Order,
) -> Vec<Vec<String>> {
    let told = |batch: Option<usize>| batch.map(|batch| format!("batch {batch}"));
    let wanted = arranged(before, &order.of_name, &order.gone);
    let (mut of_name, mut gone) = (order.of_name.clone(), order.gone.clone());
    for (name, was, is) in moves(before, &wanted) {
        let cause = causes.list("build_configs", &name, &[&name], told(was), told(is));
        if !files.change(path, cause, |_| {}) {
            of_name.remove(&name);
            gone.remove(&name);
        }
    }
    arranged(before, &of_name, &gone)
}
