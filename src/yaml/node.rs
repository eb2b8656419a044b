//! Reading and building values.

use super::resolve::integer;
use super::{Key, Mapping, Node, Pos, Tagged, Value};

impl Node {
    /// A string without a place.
    pub fn string(text: impl Into<Box<str>>) -> Node {
        Value::String(text.into()).into()
    }

    /// A number without a place, written as `text` (which the caller knows to be one).
    pub fn number(text: impl Into<Box<str>>) -> Node {
        Value::Number(text.into()).into()
    }

    /// A mapping without a place, its keys in the given order.
    pub fn map<K: Into<Key>, V: Into<Node>>(entries: impl IntoIterator<Item = (K, V)>) -> Node {
        entries.into_iter().collect::<Mapping>().into()
    }

    /// A sequence without a place.
    pub fn seq<V: Into<Node>>(items: impl IntoIterator<Item = V>) -> Node {
        Value::Seq(items.into_iter().map(Into::into).collect()).into()
    }

    /// The value of a key, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    /// The value at the end of a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The same without what stands at the end of a path of keys.
    #[must_use]
    pub fn without(&self, path: &[&str]) -> Node {
        let mut node = self.clone();
        if let Some((last, way)) = path.split_last() {
            let inner = way.iter().try_fold(&mut node, |at, key| at.as_map_mut()?.get_mut(key));
            if let Some(map) = inner.and_then(Node::as_map_mut) {
                map.remove(last);
            }
        }
        node
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The boolean, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The number, if this is an integer that is not negative and fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_integer()?.try_into().ok()
    }

    /// The number, if this is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_integer()?.try_into().ok()
    }

    fn as_integer(&self) -> Option<i128> {
        match &self.value {
            Value::Number(text) => integer(text),
            _ => None,
        }
    }

    /// The items, if this is a sequence.
    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The items to change, if this is a sequence.
    pub fn as_seq_mut(&mut self) -> Option<&mut Vec<Node>> {
        match &mut self.value {
            Value::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The mapping, if this is one.
    pub fn as_map(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The mapping to change, if this is one.
    pub fn as_map_mut(&mut self) -> Option<&mut Mapping> {
        match &mut self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// Tag and value, if this has a tag of its own such as `!include`.
    pub fn as_tagged(&self) -> Option<(&str, &Node)> {
        match &self.value {
            Value::Tagged(tagged) => Some((&tagged.tag, &tagged.node)),
            _ => None,
        }
    }

    /// A scalar as text: strings as they are, numbers as written (`4.16`), `true`, `false`. Null, collections and tagged
    /// values have none.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) | Value::Number(text) => Some(text),
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            Value::Null | Value::Seq(_) | Value::Map(_) | Value::Tagged(_) => None,
        }
    }

    /// What this is, for a message: "a mapping", "a string".
    pub fn type_name(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a mapping",
            Value::Tagged(_) => "a tagged value",
        }
    }
}

impl Tagged {
    /// Whether the value has this tag (`!include`).
    pub fn is(&self, tag: &str) -> bool {
        &*self.tag == tag
    }
}

impl<T: Into<Box<str>>> From<T> for Key {
    fn from(text: T) -> Key {
        Key {
            pos: Pos::default(),
            text: text.into(),
        }
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Node {
        Node {
            pos: Pos::default(),
            value,
        }
    }
}

impl From<Mapping> for Node {
    fn from(mapping: Mapping) -> Node {
        Value::Map(mapping).into()
    }
}

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Node {
        Value::Seq(items).into()
    }
}

impl From<&str> for Node {
    fn from(text: &str) -> Node {
        Node::string(text)
    }
}

impl From<String> for Node {
    fn from(text: String) -> Node {
        Node::string(text)
    }
}

impl From<bool> for Node {
    fn from(value: bool) -> Node {
        Value::Bool(value).into()
    }
}

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Node {
            fn from(value: $integer) -> Node {
                Node::number(value.to_string())
            }
        }
    )*};
}
from_integers!(i32, i64, u32, u64, usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_by_their_type() {
        let node = Node::map([
            ("s", Node::from("x")),
            ("n", Node::number("0x10")),
            ("b", true.into()),
            ("l", Node::seq([1, 2])),
        ]);
        let get = |key: &str| node.get(key).unwrap();
        assert_eq!(
            (get("s").as_str(), get("s").as_u64(), get("s").text()),
            (Some("x"), None, Some("x"))
        );
        assert_eq!(
            (get("n").as_u64(), get("n").as_i64(), get("n").text()),
            (Some(16), Some(16), Some("0x10"))
        );
        assert_eq!((get("b").as_bool(), get("b").text()), (Some(true), Some("true")));
        assert_eq!(get("l").as_seq().unwrap()[1].as_u64(), Some(2));
        assert_eq!((Node::from(-1).as_u64(), Node::number("4.16").as_u64()), (None, None));
        assert_eq!(Node::default().text(), None);
        let names: Vec<_> = node
            .as_map()
            .unwrap()
            .iter()
            .map(|(_, node)| node.type_name())
            .collect();
        assert_eq!(names, ["a string", "a number", "a boolean", "a list"]);
    }

    #[test]
    fn a_path_leads_through_mappings_only() {
        let node = Node::map([("a", Node::map([("b", 1)]))]);
        assert_eq!(node.at(&["a", "b"]), Some(&Node::from(1)));
        assert_eq!(node.at(&[]), Some(&node));
        assert_eq!(node.at(&["a", "b", "c"]), None);
        assert_eq!(node.at(&["x"]), None);
    }
}
