//! Values of a config on one line, short enough that the old and the new one can be told apart.

use serde_json::Value as Json;

use crate::yaml::{Mapping, Node, Value};

/// The longest text, in characters.
const LONGEST: usize = 160;
/// How much of what two texts have in common stands in front of their difference.
const COMMON: usize = 24;

/// The old and the new value of a field, each on one line. Where they are long, both start shortly before the place at
/// which they differ.
pub fn pair(old: Option<&Node>, new: Option<&Node>) -> (Option<String>, Option<String>) {
    let (old, new) = (old.map(one_line), new.map(one_line));
    let long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.chars().count() > LONGEST);
    let start = match (&old, &new) {
        (Some(one), Some(other)) if long(&old) || long(&new) => {
            let same = one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
            same.saturating_sub(COMMON)
        }
        _ => 0,
    };
    (old.map(|text| cut(&text, start)), new.map(|text| cut(&text, start)))
}

fn cut(text: &str, start: usize) -> String {
    let mut out = String::from(if start > 0 { "…" } else { "" });
    out.extend(text.chars().skip(start).take(LONGEST));
    if text.chars().count() > start + LONGEST {
        out.push('…');
    }
    out
}

fn one_line(node: &Node) -> String {
    let text = match &node.value {
        Value::String(text) => text.to_string(),
        Value::Map(map) => of_map(map),
        Value::Seq(items) => items.iter().map(one_line).collect::<Vec<_>>().join(", "),
        _ => Json::from(node).to_string(),
    };
    text.replace(['\n', '\r'], "⏎")
}

/// A stream tag, a build argument, `inputs`, or any other mapping.
fn of_map(map: &Mapping) -> String {
    let text = |key: &str| map.get(key).and_then(Node::text);
    let only = |keys: &[&str]| map.keys().all(|key| keys.contains(&key));
    match (text("namespace"), text("name"), text("tag"), text("value")) {
        (Some(namespace), Some(name), Some(tag), _) if only(&["namespace", "name", "tag"]) => {
            return format!("{namespace}/{name}:{tag}");
        }
        (Some(namespace), Some(name), None, _) if only(&["namespace", "name"]) => return format!("{namespace}/{name}"),
        (None, Some(name), None, Some(value)) if only(&["name", "value"]) => return format!("{name}={value}"),
        _ => {}
    }
    if map.is_empty() {
        return "{}".to_owned();
    }
    let parts = map
        .iter()
        .map(|(key, value)| match value.get("as").and_then(Node::as_seq) {
            Some(names) => of_input(key, names, value),
            None => format!("{key}: {}", nested(value)),
        });
    let separator = if map.iter().all(|(_, value)| value.get("as").is_some()) {
        "; "
    } else {
        ", "
    };
    parts.collect::<Vec<_>>().join(separator)
}

fn of_input(key: &str, names: &[Node], value: &Node) -> String {
    let names: Vec<_> = names.iter().filter_map(Node::text).collect();
    let others = value.as_map().into_iter().flat_map(Mapping::keys);
    let others: Vec<_> = others.filter(|key| *key != "as").collect();
    let and = if others.is_empty() {
        String::new()
    } else {
        format!(" (and {})", others.join(", "))
    };
    format!("{key} ← {}{and}", names.join(", "))
}

fn nested(value: &Node) -> String {
    let text = one_line(value);
    match &value.value {
        Value::Map(map) if map.len() > 1 && text.contains(": ") => format!("{{{text}}}"),
        Value::Seq(_) => format!("[{text}]"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn told(text: &str) -> String {
        one_line(&yaml::parse(text.as_bytes()).expect("YAML"))
    }

    #[test]
    fn values_are_told_in_the_words_of_the_field() {
        for (yaml, expected) in [
            ("{name: builder, namespace: ocp, tag: rhel-9}", "ocp/builder:rhel-9"),
            (
                "image_stream_tag: {name: release, namespace: openshift, tag: golang-1.20}",
                "image_stream_tag: openshift/release:golang-1.20",
            ),
            ("to: [{name: scos-4.16, namespace: origin}]", "to: [origin/scos-4.16]"),
            ("[{name: TAGS, value: scos}, {name: A, value: b}]", "TAGS=scos, A=b"),
            ("{a: {as: [x, x2]}, b: {as: [z]}}", "a ← x, x2; b ← z"),
            ("a: {as: [x], paths: []}", "a ← x (and paths)"),
            ("{to: cli, from: base}", "to: cli, from: base"),
            ("plain", "plain"),
            ("{}", "{}"),
        ] {
            assert_eq!(told(yaml), expected, "{yaml}");
        }
    }

    #[test]
    fn long_values_start_where_they_differ() {
        let long = |end: &str| Node::string(format!("{}{end}", "x".repeat(400)));
        let (old, new) = pair(Some(&long("old")), Some(&long("new")));
        let (old, new) = (old.expect("old"), new.expect("new"));
        assert!(old.starts_with('…') && old.ends_with("old"), "{old}");
        assert!(new.ends_with("new") && new.chars().count() < 40, "{new}");
        let (none, new) = pair(None, Some(&long("new")));
        assert_eq!(none, None);
        assert!(new.is_some_and(|new| new.chars().count() == LONGEST + 1 && new.ends_with('…')));
    }
}
