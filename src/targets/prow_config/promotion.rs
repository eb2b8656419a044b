//! Merges `promotion`: our entry is ours, what people added to it and where else they promote stays.

use super::merge::{overlaid, put};
use crate::base::Release;
use crate::facts::ci_config::{Promotion, promotions_of};
use crate::model::build_config::BuildConfig;
use crate::yaml::{Mapping, Node};

/// How a file's entries are told apart.
pub struct Streams<'s> {
    /// The payload's namespace.
    pub namespace: &'s str,
    /// The payload's stream.
    pub name: &'s str,
    /// Where an earlier rule set promoted, by namespace and name.
    pub former: &'s [(String, String)],
    /// The release whose payload it is.
    pub release: Release,
}

impl<'s> Streams<'s> {
    /// Those of a release.
    pub fn of(release: &'s BuildConfig) -> Self {
        Self {
            namespace: &release.payload.namespace.value,
            name: &release.payload.name.value,
            former: &release.payload.former,
            release: release.release,
        }
    }

    /// Whether an entry promotes to where an earlier rule set did: it is ours, and left behind.
    fn is_former(&self, entry: &Promotion) -> bool {
        let there = |(namespace, name): &(String, String)| entry.namespace == *namespace && entry.name == *name;
        entry.tag.is_empty() && self.former.iter().any(there)
    }

    /// The other release whose payload an entry promotes to: what is left of the time before the branch moved on.
    pub fn left_from(&self, entry: &Promotion) -> Option<Release> {
        let ours = entry.namespace == self.namespace && entry.tag.is_empty();
        let other = self.release.of_same_form(self.name, &entry.name).filter(|_| ours)?;
        (other != self.release).then_some(other)
    }
}

/// The `promotion` that a file should have. With `keep`, another form that promotes to the same places stays.
///
/// An entry is ours by its namespace and name. One of another release's payload, or of where an earlier rule set promoted, becomes ours or goes; every other entry stays
/// as and where it is, and so does one of another release that is switched off, unless ours would be missing without it.
pub fn merged(there: &Node, wanted: Node, keep: bool, streams: &Streams<'_>) -> Node {
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
    let told = promotions_of(there);
    let is_left = |entry: &Promotion| streams.left_from(entry).is_some() || streams.is_former(entry);
    let of_other = |at: usize| told.get(at).is_some_and(is_left);
    let is_off = |at: usize| known[at].get("disabled").and_then(Node::as_bool) == Some(true);
    let left_over = |at: usize| of_other(at) && !is_off(at);
    let mut entries: Vec<Option<Node>> = known.iter().cloned().map(Some).collect();
    let mut settled = vec![false; known.len()];
    for entry in ours {
        let exact = |at: &usize| !settled[*at] && is_ours(&known[*at], entry);
        let at = (0..known.len()).find(exact);
        let free = |one: &dyn Fn(usize) -> bool| (0..known.len()).find(|at| !settled[*at] && one(*at));
        let at = at.or_else(|| free(&left_over)).or_else(|| free(&of_other));
        match at {
            Some(at) => {
                settled[at] = true;
                entries[at] = Some(enabled(overlaid(&known[at], entry)));
            }
            None => entries.push(Some(entry.clone())),
        }
    }
    for at in (0..known.len()).filter(|at| !settled[*at] && left_over(*at)) {
        entries[at] = None;
    }
    let mut merged = enabled(overlaid(there, &wanted));
    put(
        &mut merged,
        &["to"],
        Node::seq(entries.into_iter().flatten().collect::<Vec<_>>()),
    );
    merged
}

/// What CI's own checks refuse in a `promotion`: the line, and what is wrong.
pub fn faults(section: &Node) -> Vec<(u32, String)> {
    let entries = promotions_of(section);
    let mut faults: Vec<(u32, String)> = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        let mut fault = |what: String| faults.push((entry.line, what));
        if entry.namespace.is_empty() {
            fault("has no `namespace`".to_owned());
        }
        match (entry.name.is_empty(), entry.tag.is_empty()) {
            (true, true) => fault("has neither `name` nor `tag`".to_owned()),
            (false, false) => fault(format!("has both `name` {} and `tag` {}", entry.name, entry.tag)),
            _ => {}
        }
        let place = |one: &Promotion| (one.namespace.clone(), one.name.clone(), one.tag.clone());
        if entry.has_place() && entries[..at].iter().any(|other| place(other) == place(entry)) {
            fault("promotes to the same place as another one".to_owned());
        }
    }
    faults
}

fn list(node: &Node) -> Option<&[Node]> {
    node.get("to").and_then(Node::as_seq)
}

/// Whether an entry that is there is the one that we want, by its namespace and name.
fn is_ours(there: &Node, wanted: &Node) -> bool {
    ["namespace", "name"].iter().all(|key| {
        let text = |node: &Node| node.get(key).and_then(Node::text).map(str::to_owned);
        text(there).is_some() && text(there) == text(wanted)
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
        let streams = Streams {
            namespace: "origin",
            name: "scos-4.16",
            former: &[("okd-old".to_owned(), "scos-4.16".to_owned())],
            release: Release::new(4, 16),
        };
        emit(&merged(
            &read(there),
            read("to: [{name: scos-4.16, namespace: origin}]"),
            keep,
            &streams,
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
            "to:\n- name: x\n  namespace: team\n- excluded_images:\n  - a\n  name: scos-4.16\n  namespace: origin\n";
        assert_eq!(text, expected);
        assert_eq!(after(&text, true), expected, "nothing is left to do");
    }

    #[test]
    fn what_an_earlier_rule_set_promoted_moves() {
        let old = "{name: scos-4.16, namespace: okd-old}";
        assert_eq!(after(&format!("to: [{old}]"), true), OURS);
        assert_eq!(
            after(&format!("to: [{old}, {{name: scos-4.16, namespace: origin}}]"), true),
            OURS
        );
        let theirs = "- name: scos-4.16\n  namespace: team\n";
        assert_eq!(
            after(&format!("to:\n{theirs}"), true),
            format!("to:\n{theirs}{}", &OURS[4..])
        );
        let tag = "- namespace: okd-old\n  tag: scos-4.16\n";
        assert_eq!(after(&format!("to:\n{tag}"), true), format!("to:\n{tag}{}", &OURS[4..]));
    }

    #[test]
    fn other_streams_of_the_namespace_are_peoples() {
        let theirs =
            "- name: scos-4.16-art\n  namespace: origin\n- disabled: true\n  namespace: origin\n  tag: scos-4.15\n";
        let there = format!("to:\n- name: scos-4.15\n  namespace: origin\n{theirs}");
        let expected = format!("{OURS}{theirs}");
        assert_eq!(after(&there, true), expected);
        assert_eq!(after(&expected, true), expected);
        assert_eq!(
            after(&format!("to:\n{theirs}"), true),
            format!("to:\n{theirs}{}", &OURS[4..])
        );
    }

    #[test]
    fn what_is_left_of_other_releases_goes() {
        for left in ["scos-4.15", "scos-4.17", "scos-5.0"] {
            let there = format!("to: [{{name: {left}, namespace: origin}}, {{name: scos-4.16, namespace: origin}}]");
            assert_eq!(after(&there, true), OURS, "{left}");
        }
    }

    #[test]
    fn what_is_switched_off_is_no_leftover() {
        let off = "- disabled: true\n  name: scos-4.17\n  namespace: origin\n";
        let there = format!("{OURS}{off}");
        assert_eq!(after(&there, true), there);
        // A cut's pause: nothing else is ours.
        assert_eq!(after(&format!("to:\n{off}"), true), OURS);
        assert_eq!(
            after(&format!("to:\n{off}- name: scos-4.15\n  namespace: origin\n"), true),
            format!("to:\n{off}{}", &OURS[4..])
        );
        // The whole promotion is switched off, not this entry.
        assert_eq!(
            after(
                &format!("disabled: true\n{OURS}- name: scos-4.17\n  namespace: origin\n"),
                true
            ),
            OURS
        );
    }

    #[test]
    fn the_older_form_means_the_same() {
        let older = "name: scos-4.16\nnamespace: origin\n";
        assert_eq!(after(older, true), older);
        assert_eq!(after(older, false), OURS);
        assert_eq!(after("name: scos-4.15\nnamespace: origin\n", true), OURS);
        assert_eq!(after("[a]", true), OURS);
    }

    #[test]
    fn what_ci_refuses_is_told() {
        let text = "to:\n- namespace: n\n- name: a\n- {namespace: n, name: a, tag: b}\n- {namespace: n, name: a}\n- {namespace: n, name: a}\n- {namespace: n, tag: a}\n";
        let told: Vec<String> = faults(&parse(text.as_bytes()).expect("YAML"))
            .iter()
            .map(|(line, what)| format!("{line} {what}"))
            .collect();
        assert_eq!(
            told,
            [
                "2 has neither `name` nor `tag`",
                "3 has no `namespace`",
                "4 has both `name` a and `tag` b",
                "6 promotes to the same place as another one"
            ]
        );
    }
}
