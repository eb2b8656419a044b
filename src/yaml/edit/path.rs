//! Values by keys and by items of lists: to look at, set and remove.

use super::super::{Mapping, Node, Value};

/// A step to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'p> {
    /// The value of a key.
    Key(&'p str),
    /// An item by its index.
    At(usize),
    /// The first item that is a mapping with this value behind these keys: `With(&["name"], "TAGS")`.
    With(&'p [&'p str], &'p str),
}

impl<'p> From<&'p str> for Step<'p> {
    fn from(key: &'p str) -> Step<'p> {
        Step::Key(key)
    }
}

/// A path of keys.
pub fn keys<'p>(path: &[&'p str]) -> Vec<Step<'p>> {
    path.iter().map(|key| Step::Key(key)).collect()
}

impl Step<'_> {
    fn index(&self, items: &[Node]) -> Option<usize> {
        match self {
            Step::Key(_) => None,
            Step::At(at) => (*at < items.len()).then_some(*at),
            Step::With(keys, value) => items
                .iter()
                .position(|item| item.at(keys).and_then(Node::text) == Some(value)),
        }
    }

    fn go<'n>(&self, node: &'n Node) -> Option<&'n Node> {
        match (self, &node.value) {
            (Step::Key(key), _) => node.get(key),
            (_, Value::Seq(items)) => items.get(self.index(items)?),
            _ => None,
        }
    }

    fn go_mut<'n>(&self, node: &'n mut Node) -> Option<&'n mut Node> {
        match (self, &mut node.value) {
            (Step::Key(key), Value::Map(map)) => map.get_mut(key),
            (_, Value::Seq(items)) => {
                let at = self.index(items)?;
                items.get_mut(at)
            }
            _ => None,
        }
    }

    /// The value that the step leads to, made where it is not there. None where something else stands in the way.
    fn make<'n>(&self, node: &'n mut Node) -> Option<&'n mut Node> {
        match self {
            Step::Key(key) => {
                if node.is_null() {
                    *node = Mapping::new().into();
                }
                Some(node.as_map_mut()?.entry(key))
            }
            Step::At(_) => self.go_mut(node),
            Step::With(..) => {
                if node.is_null() {
                    *node = Node::seq(Vec::<Node>::new());
                }
                let items = node.as_seq_mut()?;
                let at = self.index(items).unwrap_or_else(|| {
                    items.push(self.seed());
                    items.len() - 1
                });
                items.get_mut(at)
            }
        }
    }

    fn seed(&self) -> Node {
        match self {
            Step::With(keys, value) => {
                let innermost = Node::string(*value);
                keys.iter().rev().fold(innermost, |node, key| Node::map([(*key, node)]))
            }
            Step::Key(_) | Step::At(_) => Node::default(),
        }
    }
}

/// The value at the end of a path.
pub fn find<'n>(root: &'n Node, path: &[Step<'_>]) -> Option<&'n Node> {
    path.iter().try_fold(root, |node, step| step.go(node))
}

/// The value at the end of a path, to change.
pub fn find_mut<'n>(root: &'n mut Node, path: &[Step<'_>]) -> Option<&'n mut Node> {
    path.iter().try_fold(root, |node, step| step.go_mut(node))
}

/// Sets the value at the end of a path, mappings and items on the way made where they are not there. Whether that could be
/// done: a path through a scalar leads nowhere.
#[must_use]
pub fn set(root: &mut Node, path: &[Step<'_>], value: impl Into<Node>) -> bool {
    match path.iter().try_fold(root, |node, step| step.make(node)) {
        Some(node) => {
            *node = value.into();
            true
        }
        None => false,
    }
}

/// Removes the key or item at the end of a path and gives its value. What held it stays, if empty.
pub fn remove(root: &mut Node, path: &[Step<'_>]) -> Option<Node> {
    let (last, parents) = path.split_last()?;
    let parent = find_mut(root, parents)?;
    match (last, &mut parent.value) {
        (Step::Key(key), Value::Map(map)) => map.remove(key),
        (_, Value::Seq(items)) => {
            let at = last.index(items)?;
            Some(items.remove(at))
        }
        _ => None,
    }
}

/// Removes what is at the end of a path, and the mappings and lists around it that are empty without it.
pub fn prune(root: &mut Node, path: &[Step<'_>]) -> Option<Node> {
    let gone = remove(root, path)?;
    let mut parents = &path[..path.len() - 1];
    while !parents.is_empty() && find(root, parents).is_some_and(super::is_empty) {
        remove(root, parents);
        parents = &parents[..parents.len() - 1];
    }
    Some(gone)
}

/// Adds a key to the mapping at the end of a path, behind another key of it or else at the end.
#[must_use]
pub fn insert_behind(root: &mut Node, path: &[Step<'_>], behind: &str, key: &str, value: impl Into<Node>) -> bool {
    let Some(map) = find_mut(root, path).and_then(Node::as_map_mut) else {
        return false;
    };
    if map.contains(key) {
        return false;
    }
    let at = map
        .keys()
        .position(|there| there == behind)
        .map_or(map.len(), |at| at + 1);
    map.entries.insert(at, (key.into(), value.into()));
    true
}
