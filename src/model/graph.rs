//! Graph primitives over image keys: closure over parents, depth, waves, cycles.

use std::collections::{BTreeMap, BTreeSet};

/// Everything that can be reached from some nodes, themselves included.
pub fn closure<'g>(
    roots: impl IntoIterator<Item = &'g str>,
    mut parents: impl FnMut(&'g str) -> Vec<&'g str>,
) -> BTreeSet<&'g str> {
    let mut todo: Vec<_> = roots.into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(node) = todo.pop() {
        if seen.insert(node) {
            todo.extend(parents(node));
        }
    }
    seen
}

/// How many steps a chain of single parents has; one that closes on itself counts each node once.
pub fn depth<'g>(node: &'g str, mut parent: impl FnMut(&'g str) -> Option<&'g str>) -> u32 {
    let mut seen = BTreeSet::from([node]);
    let mut at = node;
    while let Some(next) = parent(at).filter(|next| seen.insert(next)) {
        at = next;
    }
    u32::try_from(seen.len() - 1).unwrap_or(u32::MAX)
}

/// Waves and cycles of a graph.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Waves {
    /// The wave of each node: 0 for nodes without parents, else one more than the highest of its parents'.
    pub wave: BTreeMap<String, u32>,
    /// Each cycle as the path around it, the first node named again at the end. Its nodes, and those that stand on
    /// them, have no wave.
    pub cycles: Vec<Vec<String>>,
}

/// Orders nodes so that each comes after its parents. Parents that are no nodes of the graph don't count.
pub fn waves(graph: &BTreeMap<String, BTreeSet<String>>) -> Waves {
    let mut waves = Waves::default();
    let mut left: BTreeSet<&String> = graph.keys().collect();
    for wave in 0.. {
        let ready: Vec<&String> = left
            .iter()
            .filter(|node| graph[**node].iter().all(|parent| !left.contains(parent)))
            .copied()
            .collect();
        if ready.is_empty() {
            break;
        }
        for node in ready {
            left.remove(node);
            waves.wave.insert(node.clone(), wave);
        }
    }
    while let Some(start) = left.first().copied() {
        let path = cycle_from(start, graph, &left);
        left.retain(|node| !reaches(node, &path, graph));
        waves.cycles.push(path);
    }
    waves
}

/// Follows parents that are left until a node comes again: that is the cycle.
fn cycle_from(start: &String, graph: &BTreeMap<String, BTreeSet<String>>, left: &BTreeSet<&String>) -> Vec<String> {
    let mut path: Vec<&String> = vec![start];
    loop {
        let at = path[path.len() - 1];
        let Some(next) = graph[at].iter().find(|parent| left.contains(parent)) else {
            // Every node that is left has a parent that is left, or it would have been ready.
            return path.into_iter().cloned().collect();
        };
        if let Some(first) = path.iter().position(|node| *node == next) {
            let mut cycle: Vec<String> = path[first..].iter().map(|node| (*node).clone()).collect();
            cycle.push(next.clone());
            return cycle;
        }
        path.push(next);
    }
}

/// Tells whether a node stands on another one, over any number of steps, or is it.
pub fn stands_on(node: &str, other: &str, graph: &BTreeMap<String, BTreeSet<String>>) -> bool {
    node == other || reaches(node, &[other.to_owned()], graph)
}

/// Tells whether a node stands on one of a cycle.
fn reaches(node: &str, cycle: &[String], graph: &BTreeMap<String, BTreeSet<String>>) -> bool {
    let Some((key, _)) = graph.get_key_value(node) else {
        return false;
    };
    let parents = |node: &str| graph.get(node).into_iter().flatten().map(String::as_str).collect();
    closure([key.as_str()], parents)
        .iter()
        .any(|seen| cycle.iter().any(|member| member == seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        let set = |parents: &[&str]| parents.iter().map(|&parent| parent.to_owned()).collect();
        edges
            .iter()
            .map(|(node, parents)| ((*node).to_owned(), set(parents)))
            .collect()
    }

    #[test]
    fn a_node_comes_one_wave_after_its_last_parent() {
        let waves = waves(&graph(&[
            ("base", &[]),
            ("cli", &["base"]),
            ("tools", &["cli", "base", "elsewhere"]),
        ]));
        assert_eq!(waves.wave["base"], 0);
        assert_eq!(waves.wave["cli"], 1);
        assert_eq!(waves.wave["tools"], 2);
        assert!(waves.cycles.is_empty());
    }

    #[test]
    fn a_cycle_names_its_path_and_costs_only_what_stands_on_it() {
        let waves = waves(&graph(&[
            ("a", &["b"]),
            ("b", &["c"]),
            ("c", &["b"]),
            ("free", &[]),
            ("self", &["self"]),
        ]));
        assert_eq!(waves.cycles, [vec!["b", "c", "b"], vec!["self", "self"]]);
        assert_eq!(waves.wave.keys().collect::<Vec<_>>(), ["free"]);
    }

    #[test]
    fn depth_counts_the_chain_and_ends_in_a_circle() {
        let parent = |node: &str| match node {
            "tools" => Some("cli"),
            "cli" => Some("base"),
            "x" => Some("y"),
            "y" => Some("x"),
            _ => None,
        };
        assert_eq!(depth("tools", parent), 2);
        assert_eq!(depth("base", parent), 0);
        assert_eq!(depth("x", parent), 1);
    }
}
