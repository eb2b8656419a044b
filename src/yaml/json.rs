//! To and from JSON values.

use serde_json::Value as Json;

use super::resolve::integer;
use super::{Mapping, Node, Tagged, Value};

impl From<&Node> for Json {
    /// Numbers that JSON doesn't have (`.inf`, more digits than a double keeps) become strings; of a tagged value the tag
    /// is left out.
    fn from(node: &Node) -> Json {
        match &node.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(text) => number(text),
            Value::String(text) => Json::String(text.to_string()),
            Value::Seq(items) => Json::Array(items.iter().map(Json::from).collect()),
            Value::Map(mapping) => mapping
                .iter()
                .map(|(key, node)| (key.to_owned(), Json::from(node)))
                .collect(),
            Value::Tagged(tagged) => Json::from(&tagged.node),
        }
    }
}

/// A JSON number of the same value, else the text.
fn number(text: &str) -> Json {
    if let Some(integer) = integer(text) {
        if let Ok(integer) = u64::try_from(integer) {
            return integer.into();
        }
        if let Ok(integer) = i64::try_from(integer) {
            return integer.into();
        }
    }
    let float = text
        .replace('_', "")
        .parse()
        .ok()
        .filter(|float: &f64| float.is_finite());
    // A whole number that is too large for an integer would lose digits.
    let exact = text.contains(['.', 'e', 'E']) || float.is_some_and(|float| float.abs() < 9e15);
    float
        .filter(|_| exact)
        .and_then(serde_json::Number::from_f64)
        .map_or_else(|| text.into(), Json::Number)
}

impl From<&Json> for Node {
    fn from(json: &Json) -> Node {
        match json {
            Json::Null => Value::Null.into(),
            Json::Bool(value) => Node::from(*value),
            Json::Number(number) => Node::number(number.to_string()),
            Json::String(text) => Node::string(text.as_str()),
            Json::Array(items) => Node::seq(items),
            // A JSON object has no key twice: no need to look.
            Json::Object(entries) => Mapping {
                entries: entries
                    .iter()
                    .map(|(key, json)| (key.as_str().into(), json.into()))
                    .collect(),
            }
            .into(),
        }
    }
}

impl From<Tagged> for Node {
    fn from(tagged: Tagged) -> Node {
        Value::Tagged(Box::new(tagged)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;
    use serde_json::json;

    #[test]
    fn yaml_becomes_json() {
        let node =
            parse(b"a: [1, -2, 0x10, 1_000, 1.50, 4.16, .inf, 1e3]\nb: {c: ~, d: yes, e: '1'}\nf: !x y\n").unwrap();
        let expected = json!({
            "a": [1, -2, 16, 1000, 1.5, 4.16, ".inf", 1000.0],
            "b": {"c": null, "d": true, "e": "1"},
            "f": "y",
        });
        assert_eq!(Json::from(&node), expected);
        assert_eq!(
            Json::from(&Node::number("99999999999999999999")),
            json!("99999999999999999999")
        );
        assert_eq!(Json::from(&Node::number("18446744073709551615")), json!(u64::MAX));
        assert_eq!(Json::from(&Node::number("-9223372036854775808")), json!(i64::MIN));
    }

    #[test]
    fn json_becomes_yaml_and_json_again() {
        let json = json!({"z": [1, 2.5, -3, 1e300, "4.16", true, null], "a": {"": {}, "b": []}});
        let node = Node::from(&json);
        assert_eq!(node.as_map().unwrap().keys().collect::<Vec<_>>(), ["z", "a"]);
        assert_eq!(Json::from(&node), json);
    }
}
