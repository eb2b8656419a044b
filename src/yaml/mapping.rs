//! Mappings: lookup and change by key.

use super::{Key, Mapping, Node};

impl Mapping {
    /// A mapping without entries.
    pub fn new() -> Mapping {
        Mapping::default()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries.iter().find(|(k, _)| &*k.text == key).map(|(_, node)| node)
    }

    /// The value of a key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries
            .iter_mut()
            .find(|(k, _)| &*k.text == key)
            .map(|(_, node)| node)
    }

    /// Key (with its place) and value.
    pub fn get_entry(&self, key: &str) -> Option<(&Key, &Node)> {
        self.entries
            .iter()
            .find(|(k, _)| &*k.text == key)
            .map(|(key, node)| (key, node))
    }

    /// Whether there is such a key.
    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Sets a key: at its place if it is there, at the end if it is new. Gives the value that was there.
    pub fn insert(&mut self, key: impl Into<Key>, node: impl Into<Node>) -> Option<Node> {
        let (key, node) = (key.into(), node.into());
        match self.get_mut(&key.text) {
            Some(old) => Some(std::mem::replace(old, node)),
            None => {
                self.entries.push((key, node));
                None
            }
        }
    }

    /// Takes a key out and gives its value; the others keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let at = self.entries.iter().position(|(k, _)| &*k.text == key)?;
        Some(self.entries.remove(at).1)
    }

    /// The value of a key to change, null at the end if it was not there.
    pub fn entry(&mut self, key: &str) -> &mut Node {
        let at = self
            .entries
            .iter()
            .position(|(k, _)| &*k.text == key)
            .unwrap_or_else(|| {
                self.entries.push((key.into(), Node::default()));
                self.entries.len() - 1
            });
        &mut self.entries[at].1
    }

    /// Keys and values in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Node)> + DoubleEndedIterator {
        self.entries.iter().map(|(key, node)| (&*key.text, node))
    }

    /// Keys in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|(key, _)| &*key.text)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K: Into<Key>, V: Into<Node>> FromIterator<(K, V)> for Mapping {
    /// Takes the entries as they come; of one key the last value counts, at the place of the first.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Mapping {
        let mut mapping = Mapping::new();
        for (key, node) in entries {
            mapping.insert(key, node);
        }
        mapping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_keeps_its_order() {
        let mut map: Mapping = [("b", 1), ("a", 2), ("b", 3)].into_iter().collect();
        assert_eq!(map.keys().collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(map.insert("b", 4), Some(Node::from(3)));
        assert_eq!(map.insert("c", 5), None);
        *map.entry("a") = Node::from("x");
        map.entry("d");
        assert_eq!(map.keys().collect::<Vec<_>>(), ["b", "a", "c", "d"]);
        assert_eq!(map.remove("b"), Some(Node::from(4)));
        assert_eq!(map.remove("b"), None);
        let same: Mapping = [("d", Node::default()), ("c", 5.into()), ("a", "x".into())]
            .into_iter()
            .collect();
        assert_eq!(map, same);
    }
}
