//! A mapping seen through its section.

use std::str::FromStr;

use super::keys::{Need, Section};
use crate::yaml::{Node, Value};

/// A mapping seen through its section: absent keys read as their default.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) node: Option<&'a Node>,
    pub(super) section: &'static Section,
}

impl<'a> View<'a> {
    pub(super) fn of(node: &'a Node, section: &'static Section) -> Self {
        Self {
            node: Some(node),
            section,
        }
    }

    pub(super) fn get(self, key: &str) -> Option<&'a Node> {
        match &self.node?.value {
            Value::Map(map) => map.get(key),
            _ => None,
        }
    }

    pub(super) fn has(self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn map(self, key: &str, section: &'static Section) -> Self {
        Self {
            node: self.get(key),
            section,
        }
    }

    /// What holds when a key is absent.
    fn default(self, key: &str) -> &'static str {
        match self.section.key(key).map(|key| key.need) {
            Some(Need::Default(text)) => text,
            _ => "",
        }
    }

    pub(super) fn text(self, key: &str) -> &'a str {
        self.get(key)
            .map_or(self.default(key), |node| scalar(node).unwrap_or(""))
    }

    pub(super) fn parsed<T: FromStr>(self, key: &str) -> Option<T> {
        self.text(key).parse().ok()
    }

    pub(super) fn flag(self, key: &str) -> bool {
        match self.get(key).map(|node| &node.value) {
            Some(Value::Bool(flag)) => *flag,
            _ => self.default(key) == "true",
        }
    }

    pub(super) fn items(self, key: &str) -> impl Iterator<Item = &'a Node> {
        match self.get(key).map(|node| &node.value) {
            Some(Value::Seq(nodes)) => nodes.as_slice(),
            _ => &[],
        }
        .iter()
    }

    /// The texts of a list; of an absent list the default.
    pub(super) fn texts(self, key: &str) -> impl Iterator<Item = &'a str> {
        let default = Some(self.default(key)).filter(|text| !self.has(key) && !text.is_empty());
        default.into_iter().chain(self.items(key).filter_map(scalar))
    }
}

/// A text, or the one key of a name with options.
pub(super) fn scalar(node: &Node) -> Option<&str> {
    match &node.value {
        Value::String(text) | Value::Number(text) => Some(text),
        Value::Map(map) => map.entries.first().map(|(key, _)| &*key.text),
        _ => None,
    }
}
