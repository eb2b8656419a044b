//! A new gating config, made of that of an older release: what names the release moves on, tests and all else stay.

use serde_json::Value as Json;

use super::gates::{Bounds, Gate, Gates};
use crate::base::Release as Number;
use crate::facts::gating::BOUNDS;
use crate::targets::shift::Shift;
use crate::yaml::{self, Node, Value};

/// What a new config is made of and for.
pub(super) struct Making<'m> {
    pub gates: &'m Gates,
    /// What the older config verifies, and the release that is upgraded to its own.
    pub from: (Gate, Option<Number>),
    /// The same of the new one.
    pub to: (Gate, Option<Number>),
    /// The branch that it is for.
    pub branch: &'m str,
    pub bounds: &'m Bounds,
}

impl Making<'_> {
    /// The text of the new config.
    ///
    /// # Errors
    /// The older one is no YAML, or no config.
    pub fn text(&self, older: &[u8]) -> Result<String, yaml::Error> {
        let mut root = yaml::parse(older)?;
        if root.as_map().is_none() {
            return Err(yaml::Error {
                pos: root.pos,
                message: format!("a mapping is expected, this is {}", root.type_name()),
            });
        }
        let before = |(gate, before): (Gate, Option<Number>)| (gate.release, gate.from.or(before));
        let shift = Shift::between(before(self.from), before(self.to));
        for path in &self.gates.moves {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            moved(&mut root, &path, &shift);
        }
        self.bound(&mut root);
        lay_over(&mut root, &self.gates.fresh);
        if let Some(map) = root.as_map_mut() {
            let own = map.entry("zz_generated_metadata");
            if own.as_map().is_none() {
                *own = Node::map::<&str, Node>([]);
            }
            let own = own.as_map_mut();
            let values = [
                ("branch", self.branch.to_owned()),
                ("org", self.gates.repo.org.clone()),
                ("repo", self.gates.repo.repo.clone()),
                ("variant", self.gates.variant(self.to.0)),
            ];
            own.into_iter().for_each(|own| {
                for (key, value) in &values {
                    own.insert(*key, value.as_str());
                }
            });
        }
        Ok(yaml::emit(&root))
    }

    /// Sets the bounds of what upgrades start from. The upper one stays: it means none, whatever its number; only where a major
    /// begins it would bound after all.
    fn bound(&self, root: &mut Node) {
        let Some(bounds) = at_mut(root, &BOUNDS).and_then(Node::as_map_mut) else {
            return;
        };
        if let Some(lower) = &self.bounds.lower {
            bounds.insert("lower", lower.as_str());
        }
        if !self.bounds.stream.is_empty() {
            bounds.insert("stream", self.bounds.stream.as_str());
        }
        let crosses = self.from.0.release.major != self.to.0.release.major;
        if crosses && !self.bounds.upper.is_empty() && bounds.contains("upper") {
            bounds.insert("upper", self.bounds.upper.as_str());
        }
    }
}

pub(super) fn at_mut<'n>(node: &'n mut Node, path: &[&str]) -> Option<&'n mut Node> {
    path.iter().try_fold(node, |node, key| node.as_map_mut()?.get_mut(key))
}

/// Moves the texts at a path on; `*` stands for every key or item.
pub(super) fn moved(node: &mut Node, path: &[&str], shift: &Shift) {
    let Some((key, rest)) = path.split_first() else {
        let text = match &mut node.value {
            Value::String(text) | Value::Number(text) => text,
            _ => return,
        };
        let after = shift.plain(text);
        if *after != **text {
            // A release is a text, whatever it looks like.
            node.value = Value::String(after.into());
        }
        return;
    };
    match &mut node.value {
        Value::Map(map) if *key == "*" => {
            map.entries.iter_mut().for_each(|(_, node)| moved(node, rest, shift));
        }
        Value::Map(map) => map.get_mut(key).into_iter().for_each(|node| moved(node, rest, shift)),
        Value::Seq(items) if *key == "*" => items.iter_mut().for_each(|node| moved(node, rest, shift)),
        _ => {}
    }
}

/// Lays values over a mapping: mappings are joined, all else is replaced.
fn lay_over(node: &mut Node, over: &Json) {
    let Some(over) = over.as_object() else { return };
    if node.as_map().is_none() {
        *node = Node::map::<&str, Node>([]);
    }
    let Some(map) = node.as_map_mut() else { return };
    for (key, value) in over {
        match value {
            Json::Object(_) => lay_over(map.entry(key), value),
            value => drop(map.insert(key.as_str(), Node::from(value))),
        }
    }
}
