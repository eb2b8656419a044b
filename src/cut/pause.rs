//! Circles: configs that take each other's tags, so that none of them can go first.
//!
//! One config of a circle stops promoting for a while (its entries are switched off, everything else in it stays). What it
//! let go of is then free for the next one, and it gets its own tags as soon as they are free.

use std::collections::{BTreeMap, BTreeSet};

use super::unit::Unit;
use super::world::World;
use crate::base::Release;
use crate::facts::ci_tags::Tag;
use crate::plan::Bytes;
use crate::yaml::{self, Node};

/// The rule behind a pause, as plans name it.
pub const RULE: &str = "paused-for-cut";

/// Chooses the configs that have to stop, all of one release and no more than it takes: of each circle the one of the newest
/// release, which is in development.
pub fn choose(world: &World, pending: &[(usize, &Unit)]) -> Vec<usize> {
    let mut order: Vec<&(usize, &Unit)> = pending.iter().collect();
    order.sort_by(|(_, a), (_, b)| b.release.cmp(&a.release).then_with(|| a.path.cmp(&b.path)));
    let mut waits = waits_for(world, pending);
    let (mut chosen, mut release) = (Vec::new(), None);
    for (at, unit) in order {
        if release.is_some_and(|release| release != unit.release) || !is_in_circle(&waits, *at) {
            continue;
        }
        release = Some(unit.release);
        for others in waits.values_mut() {
            others.remove(at);
        }
        chosen.push(*at);
    }
    chosen
}

/// For each change those that it waits for.
type Waits = BTreeMap<usize, BTreeSet<usize>>;

/// Tells whether a change waits, over others, for itself.
fn is_in_circle(waits: &Waits, start: usize) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
    while let Some(at) = open.pop() {
        for next in waits.get(&at).into_iter().flatten() {
            if *next == start {
                return true;
            }
            if seen.insert(*next) {
                open.push(*next);
            }
        }
    }
    false
}

/// For each change those that have to let go of a tag before it.
fn waits_for(world: &World, pending: &[(usize, &Unit)]) -> Waits {
    let mut holders: BTreeMap<&Tag, BTreeSet<usize>> = BTreeMap::new();
    for (at, unit) in pending {
        let after = unit.after.as_ref().map(|facts| &facts.promotes);
        let now = world
            .configs
            .get(&unit.path)
            .into_iter()
            .flat_map(|facts| &facts.promotes);
        for tag in now.filter(|tag| world.is_payload(tag) && !after.is_some_and(|after| after.contains(*tag))) {
            holders.entry(tag).or_default().insert(*at);
        }
    }
    let waits = pending.iter().map(|(at, unit)| {
        let wanted = unit.after.iter().flat_map(|facts| &facts.promotes);
        let others = wanted.filter_map(|tag| holders.get(tag)).flatten();
        (*at, others.copied().filter(|other| other != at).collect())
    });
    waits.collect()
}

/// The text of a config that promotes to none of the streams; `None` where it cannot be edited so.
pub fn text(before: &[u8], streams: &BTreeMap<Release, (String, String)>) -> Option<Bytes> {
    let mut root = yaml::parse(before).ok()?;
    let promotion = root.as_map_mut()?.get_mut("promotion")?;
    let has_list = promotion
        .get("to")
        .and_then(Node::as_seq)
        .is_some_and(|to| !to.is_empty());
    if has_list {
        let entries = promotion.as_map_mut()?.get_mut("to")?;
        let entries = entries.as_seq_mut()?;
        for entry in entries.iter_mut().filter(|entry| is_to(entry, streams)) {
            entry.as_map_mut()?.insert("disabled", Node::from(true));
        }
    } else if is_to(promotion, streams) {
        promotion.as_map_mut()?.insert("disabled", Node::from(true));
    }
    Some(Bytes::from(yaml::emit(&root).into_bytes()))
}

fn is_to(entry: &Node, streams: &BTreeMap<Release, (String, String)>) -> bool {
    let text = |key: &str| entry.get(key).and_then(Node::text).unwrap_or_default();
    let mut streams = streams.values();
    streams.any(|(namespace, name)| *namespace == *text("namespace") && *name == *text("name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ci_tags;

    #[test]
    fn only_the_entries_of_payloads_are_switched_off() {
        let streams = [(Release::new(4, 17), ("origin".to_owned(), "scos-4.17".to_owned()))].into();
        let before = "images:\n- to: a\npromotion:\n  to:\n  - name: scos-4.17\n    namespace: origin\n  - namespace: team\n    tag: mine\ntests:\n- as: kept\n";
        let after = text(before.as_bytes(), &streams).expect("a config");
        let expected = before.replace("  - name: scos-4.17", "  - disabled: true\n    name: scos-4.17");
        assert_eq!(std::str::from_utf8(&after), Ok(expected.as_str()));
        let promotes = ci_tags::read(&after).expect("YAML").promotes;
        assert_eq!(promotes.iter().map(Tag::to_string).collect::<Vec<_>>(), ["team/a:mine"]);
        let older = "images:\n- to: a\npromotion:\n  name: scos-4.17\n  namespace: origin\n";
        let after = text(older.as_bytes(), &streams).expect("a config");
        assert!(ci_tags::read(&after).expect("YAML").promotes.is_empty());
        assert!(text(b"[", &streams).is_none());
    }
}
