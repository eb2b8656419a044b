//! Merges `promotion`: our entry is ours, what people added to it and where else they promote stays.

use super::merge::{overlaid, put};
use crate::facts::ci_config::{Promotion, promotions_of};
use crate::yaml::{Mapping, Node};

/// The `promotion` that a file should have. With `keep`, another form that promotes to the same places stays.
pub fn merged(there: &Node, wanted: Node, keep: bool) -> Node {
    let places = |node: &Node| -> Vec<Promotion> {
        let entries = promotions_of(node).into_iter();
        entries.map(|entry| Promotion { line: 0, ..entry }).collect()
    };
    if keep && places(there) == places(&wanted) {
        return there.clone();
    }
    let (Some(known), Some(ours)) = (list(there), list(&wanted)) else {
        return wanted;
    };
    let mut left: Vec<&Node> = known.iter().collect();
    let mut entries = Vec::new();
    for entry in ours {
        let at = left.iter().position(|there| same(there, entry, &["namespace", "name"]));
        let at = at.or_else(|| left.iter().position(|there| same(there, entry, &["namespace"])));
        entries.push(match at {
            Some(at) => enabled(overlaid(left.remove(at), entry)),
            None => entry.clone(),
        });
    }
    // Another entry of the same namespace would be a second, older idea of ours.
    let others = left
        .into_iter()
        .filter(|there| !ours.iter().any(|entry| same(there, entry, &["namespace"])));
    entries.extend(others.cloned());
    let mut merged = enabled(overlaid(there, &wanted));
    put(&mut merged, &["to"], Node::seq(entries));
    merged
}

fn list(node: &Node) -> Option<&[Node]> {
    node.get("to").and_then(Node::as_seq)
}

fn same(one: &Node, other: &Node, keys: &[&str]) -> bool {
    keys.iter().all(|key| {
        let text = |node: &Node| node.get(key).and_then(Node::text).map(str::to_owned);
        text(one) == text(other)
    })
}

/// A promotion that is derived is not switched off.
fn enabled(mut node: Node) -> Node {
    if let Some(map) = node.as_map_mut() {
        remove_disabled(map);
    }
    node
}

fn remove_disabled(map: &mut Mapping) {
    if map.get("disabled").and_then(Node::as_bool) == Some(true) {
        map.remove("disabled");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{emit, parse};

    fn after(there: &str, keep: bool) -> String {
        let read = |text: &str| parse(text.as_bytes()).expect("YAML");
        emit(&merged(
            &read(there),
            read("to: [{name: scos-4.16, namespace: origin}]"),
            keep,
        ))
    }

    const OURS: &str = "to:\n- name: scos-4.16\n  namespace: origin\n";

    #[test]
    fn our_entry_follows_and_what_people_added_stays() {
        assert_eq!(after("to: [{name: scos-4.15, namespace: origin}]", true), OURS);
        assert_eq!(
            after("to: [{name: scos-4.16, namespace: origin, disabled: true}]", true),
            OURS
        );
        assert_eq!(
            after("{disabled: true, to: [{name: scos-4.16, namespace: origin}]}", true),
            OURS
        );
        let text = after(
            "to: [{name: x, namespace: team}, {name: scos-4.15, namespace: origin, excluded_images: [a]}]",
            true,
        );
        let expected =
            "to:\n- excluded_images:\n  - a\n  name: scos-4.16\n  namespace: origin\n- name: x\n  namespace: team\n";
        assert_eq!(text, expected);
        assert_eq!(after(&text, true), expected, "nothing is left to do");
    }

    #[test]
    fn the_older_form_means_the_same() {
        let older = "name: scos-4.16\nnamespace: origin\n";
        assert_eq!(after(older, true), older);
        assert_eq!(after(older, false), OURS);
        assert_eq!(after("name: scos-4.15\nnamespace: origin\n", true), OURS);
        assert_eq!(after("[a]", true), OURS);
    }
}
