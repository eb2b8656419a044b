//! Batches: what can be built at the same time, each batch after all that its images are built from.

use std::collections::{BTreeMap, BTreeSet};

/// Batches of a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batches {
    /// The batch of each node; those that have none are in `without`.
    pub of: BTreeMap<String, u32>,
    /// Nodes without a batch, and the parents that are to blame: not there, or without a batch themselves.
    pub without: BTreeMap<String, BTreeSet<String>>,
}

impl Batches {
    /// The nodes of each batch from the first one on, sorted.
    pub fn lists(&self) -> Vec<Vec<&str>> {
        let last = self.of.values().max().map_or(0, |last| *last as usize + 1);
        let mut lists = vec![Vec::new(); last];
        for (node, batch) in &self.of {
            lists[*batch as usize].push(node.as_str());
        }
        lists
    }
}

/// Puts nodes into batches. `parents`: what each node is built from. `first`: nodes that are built before all others,
/// whatever their parents. `ready`: parents that are there, but are no nodes.
///
/// A node is in the batch behind the last of its parents', at least in batch 1. Nodes in a circle, and whatever is built from
/// something that is not there, are in none.
pub fn batches(
    parents: &BTreeMap<String, BTreeSet<String>>,
    first: &BTreeSet<String>,
    ready: &BTreeSet<String>,
) -> Batches {
    let mut found = Batches::default();
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
    let mut queue: Vec<&str> = Vec::new();
    for (node, above) in parents {
        let waits = above.iter().filter(|parent| !ready.contains(*parent));
        if first.contains(node) {
            found.of.insert(node.clone(), 0);
            queue.push(node);
            continue;
        }
        let mut count = 0;
        for parent in waits {
            count += 1;
            children.entry(parent).or_default().push(node);
        }
        missing.insert(node, count);
        if count == 0 {
            found.of.insert(node.clone(), 1);
            queue.push(node);
        }
    }
    while let Some(node) = queue.pop() {
        for child in children.remove(node).unwrap_or_default() {
            let Some(left) = missing.get_mut(child) else { continue };
            *left -= 1;
            if *left == 0 {
                let above = parents[child].iter().filter_map(|parent| found.of.get(parent));
                let batch = above.max().map_or(1, |last| last + 1);
                found.of.insert(child.to_owned(), batch);
                queue.push(child);
            }
        }
    }
    for (node, above) in parents.iter().filter(|(node, _)| !found.of.contains_key(*node)) {
        let blamed = above
            .iter()
            .filter(|parent| !ready.contains(*parent) && !found.of.contains_key(*parent));
        found.without.insert(node.clone(), blamed.cloned().collect());
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        let set = |names: &&[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        edges
            .iter()
            .map(|(node, parents)| ((*node).to_owned(), set(parents)))
            .collect()
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_node_comes_after_its_parents() {
        let graph = graph(&[
            ("cli", &["base"]),
            ("tools", &["cli", "base"]),
            ("must-gather", &["tools"]),
            ("etcd", &["base"]),
            ("network-tools", &["etcd", "tools"]),
        ]);
        let found = batches(&graph, &set(&["cli"]), &set(&["base"]));
        assert_eq!(
            found.lists(),
            [vec!["cli"], vec!["etcd", "tools"], vec!["must-gather", "network-tools"]]
        );
        assert_eq!(found.without, BTreeMap::new());
    }

    #[test]
    fn circles_and_what_stands_on_nothing_have_no_batch() {
        let graph = graph(&[
            ("a", &["b"]),
            ("b", &["a"]),
            ("c", &["a", "d"]),
            ("d", &[]),
            ("e", &["gone"]),
        ]);
        let found = batches(&graph, &BTreeSet::new(), &BTreeSet::new());
        assert_eq!(found.lists(), [vec![], vec!["d"]]);
        let blamed: Vec<_> = found
            .without
            .iter()
            .map(|(node, above)| (node.as_str(), above.clone()))
            .collect();
        assert_eq!(
            blamed,
            [
                ("a", set(&["b"])),
                ("b", set(&["a"])),
                ("c", set(&["a"])),
                ("e", set(&["gone"]))
            ]
        );
    }

    /// Random graphs of up to 30 nodes; an edge to a greater number may close a circle, one beyond 30 leads nowhere.
    fn any_graph() -> impl Strategy<Value = BTreeMap<String, BTreeSet<String>>> {
        let name = |number: usize| format!("n{number:02}");
        prop::collection::vec(prop::collection::btree_set(0_usize..32, 0..4), 1..30).prop_map(move |nodes| {
            let parents = |set: BTreeSet<usize>| set.into_iter().map(name).collect();
            nodes
                .into_iter()
                .enumerate()
                .map(|(at, set)| (name(at), parents(set)))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn every_parent_is_in_an_earlier_batch(graph in any_graph(), first in prop::collection::btree_set(0_usize..30, 0..3)) {
            let first: BTreeSet<String> = first.into_iter().map(|at| format!("n{at:02}")).collect();
            let ready = set(&["n31"]);
            let found = batches(&graph, &first, &ready);
            prop_assert_eq!(found.of.len() + found.without.len(), graph.len());
            for (node, batch) in &found.of {
                if first.contains(node) {
                    prop_assert_eq!(*batch, 0);
                    continue;
                }
                let above: Vec<u32> = graph[node].iter().filter(|p| !ready.contains(*p)).map(|p| found.of[p]).collect();
                // Behind each parent, and no later than it has to be.
                prop_assert_eq!(*batch, above.iter().max().map_or(1, |last| last + 1));
            }
            for (node, blamed) in &found.without {
                prop_assert!(!blamed.is_empty(), "{} without a reason", node);
                prop_assert!(blamed.iter().all(|parent| graph[node].contains(parent) && !found.of.contains_key(parent)));
            }
        }
    }
}
