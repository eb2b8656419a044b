//! Which items of a list stay, which go, and which are new.

use std::collections::BTreeSet;

use super::super::{Node, Value};

/// The most comparisons that pairing two lists may cost.
const MAX_COMPARED: usize = 4_000_000;

/// One step through two lists, by index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    /// The same item in both, perhaps changed.
    Both(usize, usize),
    Gone(usize),
    New(usize),
}

/// Pairs two lists in their order: equal items first, then in each gap those that have something in common.
pub(super) fn pairs(old: &[Node], new: &[Node]) -> Vec<Pair> {
    let start = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (rest_old, rest_new) = (&old[start..], &new[start..]);
    let end = rest_old
        .iter()
        .rev()
        .zip(rest_new.iter().rev())
        .take_while(|(old, new)| old == new)
        .count();
    let (mid_old, mid_new) = (&rest_old[..rest_old.len() - end], &rest_new[..rest_new.len() - end]);
    let mut equal: Vec<(usize, usize)> = (0..start).map(|at| (at, at)).collect();
    equal.extend(
        common(mid_old, mid_new)
            .into_iter()
            .map(|(a, b)| (a + start, b + start)),
    );
    equal.extend((0..end).map(|at| (old.len() - end + at, new.len() - end + at)));
    let mut pairs = Vec::with_capacity(old.len().max(new.len()));
    let (mut a, mut b) = (0, 0);
    for (to_a, to_b) in equal.into_iter().chain([(old.len(), new.len())]) {
        gap(old, new, a..to_a, b..to_b, &mut pairs);
        if to_a < old.len() {
            pairs.push(Pair::Both(to_a, to_b));
        }
        (a, b) = (to_a + 1, to_b + 1);
    }
    pairs
}

fn gap(old: &[Node], new: &[Node], a: std::ops::Range<usize>, b: std::ops::Range<usize>, pairs: &mut Vec<Pair>) {
    let names: BTreeSet<&str> = old[a.clone()].iter().filter_map(name).collect();
    let mut next = b.start;
    for at in a {
        let mut rest = next..b.end;
        let partner = match name(&old[at]) {
            Some(own) if rest.clone().any(|to| name(&new[to]) == Some(own)) => {
                rest.find(|to| name(&new[*to]) == Some(own))
            }
            // What is called as another one of before is that one.
            _ => rest.find(|to| {
                let is_other = name(&new[*to]).is_some_and(|name| names.contains(name));
                !is_other && alike(&old[at], &new[*to])
            }),
        };
        match partner {
            Some(to) => {
                pairs.extend((next..to).map(Pair::New));
                pairs.push(Pair::Both(at, to));
                next = to + 1;
            }
            None => pairs.push(Pair::Gone(at)),
        }
    }
    pairs.extend((next..b.end).map(Pair::New));
}

/// What an item is called, if it is called something.
fn name(item: &Node) -> Option<&str> {
    item.get("name").and_then(Node::text)
}

/// Whether one mapping may be the other one changed.
fn alike(old: &Node, new: &Node) -> bool {
    match (&old.value, &new.value) {
        (Value::Map(old), Value::Map(new)) => old.iter().any(|(key, value)| new.get(key) == Some(value)),
        _ => false,
    }
}

/// The longest common part of two lists; none where that would cost too much.
fn common(old: &[Node], new: &[Node]) -> Vec<(usize, usize)> {
    if old.len().saturating_mul(new.len()) > MAX_COMPARED {
        return Vec::new();
    }
    let width = new.len() + 1;
    let mut length = vec![0_u32; (old.len() + 1) * width];
    for a in (0..old.len()).rev() {
        for b in (0..new.len()).rev() {
            length[a * width + b] = if old[a] == new[b] {
                length[(a + 1) * width + b + 1] + 1
            } else {
                length[(a + 1) * width + b].max(length[a * width + b + 1])
            };
        }
    }
    let (mut a, mut b, mut equal) = (0, 0, Vec::new());
    while a < old.len() && b < new.len() {
        if old[a] == new[b] {
            equal.push((a, b));
            (a, b) = (a + 1, b + 1);
        } else if length[(a + 1) * width + b] >= length[a * width + b + 1] {
            a += 1;
        } else {
            b += 1;
        }
    }
    equal
}
