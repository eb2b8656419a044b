//! Steps that stand between a base and what is built from it: `raw_steps` that somebody put there, or that metadata asks for.

use std::collections::BTreeMap;

use crate::yaml::{Mapping, Node, Value};

/// The kinds of steps that make an image out of another one without building it anew.
const KINDS: [&str; 2] = ["pipeline_image_cache_step", "rpm_image_injection_step"];

/// For each image that a step makes the one that it is made from.
#[derive(Debug, Default)]
pub struct Steps(BTreeMap<String, String>);

impl Steps {
    /// Reads the steps of a config.
    pub fn of(root: &Node) -> Self {
        let steps = root.get("raw_steps").and_then(Node::as_seq).unwrap_or_default();
        Self::of_items(steps)
    }

    /// Reads items of `raw_steps`.
    pub fn of_items<'n>(steps: impl IntoIterator<Item = &'n Node>) -> Self {
        let bodies = steps
            .into_iter()
            .flat_map(|step| KINDS.iter().filter_map(|kind| step.get(kind)));
        let made = bodies.filter_map(|body| {
            let text = |key: &str| body.get(key).and_then(Node::text).map(str::to_owned);
            Some((text("to")?, text("from")?))
        });
        Self(made.collect())
    }

    /// Whether a reference names what a step makes.
    pub fn has(&self, reference: &str) -> bool {
        self.0.contains_key(reference)
    }

    /// The first step of a chain of them: the one whose own `from` is the base.
    pub fn first<'s>(&'s self, reference: &'s str) -> &'s str {
        let mut at = reference;
        // Steps that are made from each other lead nowhere: the walk is as long as there are steps.
        for _ in 0..self.0.len() {
            match self.0.get(at) {
                Some(from) if self.has(from) => at = from,
                _ => break,
            }
        }
        at
    }

    /// What a reference leads to behind all steps.
    pub fn behind<'s>(&'s self, reference: &'s str) -> &'s str {
        let first = self.first(reference);
        self.0.get(first).map_or(first, String::as_str)
    }

    /// An item of `images` as it would be without steps.
    pub fn without(&self, item: &Node) -> Node {
        let mut plain = item.clone();
        if self.0.is_empty() {
            return plain;
        }
        let Some(map) = plain.as_map_mut() else { return plain };
        if let Some(from) = map
            .get("from")
            .and_then(Node::text)
            .map(|from| self.behind(from).to_owned())
        {
            map.insert("from", Node::string(from));
        }
        if let Some(Value::Map(inputs)) = map.get("inputs").map(|inputs| &inputs.value) {
            let mut renamed = Mapping::default();
            for (key, value) in inputs.iter() {
                let key = self.behind(key).to_owned();
                let value = match renamed.get(&key) {
                    Some(there) => joined(there, value),
                    None => value.clone(),
                };
                renamed.insert(key, value);
            }
            map.insert("inputs", Node::from(Value::Map(renamed)));
        }
        plain
    }
}

/// Two inputs that lead to one base: the names of both.
fn joined(one: &Node, other: &Node) -> Node {
    let names = |node: &Node| {
        node.get("as")
            .and_then(Node::as_seq)
            .map(<[Node]>::to_vec)
            .unwrap_or_default()
    };
    let all: Vec<Node> = names(one).into_iter().chain(names(other)).collect();
    let mut joined = one.clone();
    if let Some(map) = joined.as_map_mut() {
        map.insert("as", Node::seq(all));
    }
    joined
}

/// Makes a step start from another base; `false`: there is no such step.
pub fn rebase(root: &mut Node, step: &str, base: &str) -> bool {
    let steps = root.as_map_mut().and_then(|map| map.get_mut("raw_steps"));
    let Some(steps) = steps.and_then(Node::as_seq_mut) else {
        return false;
    };
    for item in steps.iter_mut().filter_map(Node::as_map_mut) {
        for kind in KINDS {
            let Some(body) = item.get_mut(kind).and_then(Node::as_map_mut) else {
                continue;
            };
            if body.get("to").and_then(Node::text) == Some(step) {
                body.insert("from", Node::string(base));
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn parse(text: &str) -> Node {
        yaml::parse(text.as_bytes()).expect("YAML")
    }

    const STEPS: &str = "raw_steps:\n- pipeline_image_cache_step: {from: base, to: one, commands: x}\n- rpm_image_injection_step: {from: one, to: two}\n- project_directory_image_build_step: {from: base, to: other}\n- pipeline_image_cache_step: {from: round, to: round}\n- x\n";

    #[test]
    fn references_are_followed_through_steps_and_not_through_builds() {
        let steps = Steps::of(&parse(STEPS));
        for (reference, first, behind) in [
            ("two", "one", "base"),
            ("one", "one", "base"),
            ("base", "base", "base"),
            ("other", "other", "other"),
            ("round", "round", "round"),
        ] {
            assert_eq!(
                (steps.first(reference), steps.behind(reference)),
                (first, behind),
                "{reference}"
            );
        }
    }

    #[test]
    fn an_item_is_seen_without_steps() {
        let steps = Steps::of(&parse(STEPS));
        let item = parse("{from: two, inputs: {one: {as: [a]}, base: {as: [b]}}, to: t}");
        let plain = steps.without(&item);
        assert_eq!(
            yaml::emit(&plain),
            "from: base\ninputs:\n  base:\n    as:\n    - a\n    - b\nto: t\n"
        );
    }

    #[test]
    fn a_step_starts_from_another_base() {
        let mut root = parse(STEPS);
        assert!(rebase(&mut root, "two", "three"));
        assert_eq!(Steps::of(&root).behind("two"), "three");
        assert!(!rebase(&mut root, "none", "three"));
        assert!(!rebase(&mut parse("raw_steps: x\n"), "two", "three"));
    }
}
