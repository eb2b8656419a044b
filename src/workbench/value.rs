//! Paths into the unified build config, such as `images[base.rhel9].builders[0].pullspec`.

use serde_json::Value as Json;

/// A text that is no path.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is no path: {why}; write `images[key].builders[0].pullspec`")]
pub struct NoPath {
    path: String,
    why: &'static str,
}

/// Splits a path: names between dots, and in brackets names that have dots themselves, or places in lists.
///
/// # Errors
/// A bracket that is not closed, or an empty name.
pub fn segments(path: &str) -> Result<Vec<String>, NoPath> {
    let fault = |why| NoPath {
        path: path.to_owned(),
        why,
    };
    let (mut segments, mut rest) = (Vec::new(), path);
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (name, after) = inside.split_once(']').ok_or_else(|| fault("a `[` is not closed"))?;
            segments.push(name.to_owned());
            rest = after.strip_prefix('.').unwrap_or(after);
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            segments.push(rest[..end].to_owned());
            rest = rest[end..].strip_prefix('.').unwrap_or(&rest[end..]);
        }
        if segments.last().is_some_and(String::is_empty) {
            return Err(fault("a name is empty"));
        }
    }
    if segments.is_empty() {
        Err(fault("it is empty"))
    } else {
        Ok(segments)
    }
}

/// Finds what a path leads to. A value with provenance stands for itself: `tag` is `tag.value`.
pub fn find<'d>(document: &'d Json, segments: &[String]) -> Option<&'d Json> {
    let mut at = document;
    for segment in segments {
        let step = |at: &'d Json| match at {
            Json::Object(map) => map.get(segment),
            Json::Array(items) => items.get(segment.parse::<usize>().ok()?),
            _ => None,
        };
        at = step(at).or_else(|| step(bare(at)))?;
    }
    Some(bare(at))
}

/// A value without its provenance.
fn bare(value: &Json) -> &Json {
    let with_provenance = |map: &serde_json::Map<String, Json>| {
        map.contains_key("value") && map.keys().all(|key| matches!(key.as_str(), "value" | "rules" | "from"))
    };
    match value {
        Json::Object(map) if with_provenance(map) => &map["value"],
        other => other,
    }
}

/// All texts of the document that say what is built, with their paths; what only says why is left out.
pub fn texts(document: &Json) -> Vec<(String, &str)> {
    const WHY: [&str; 7] = ["rules", "from", "findings", "written", "metadata", "at", "dropped"];
    fn visit<'d>(value: &'d Json, path: &str, found: &mut Vec<(String, &'d str)>) {
        match bare(value) {
            Json::String(text) => found.push((path.to_owned(), text)),
            Json::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    visit(item, &format!("{path}[{at}]"), found);
                }
            }
            Json::Object(map) => {
                for (key, item) in map.iter().filter(|(key, _)| !WHY.contains(&key.as_str())) {
                    visit(item, &join(path, key), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit(document, "", &mut found);
    found
}

fn join(path: &str, key: &str) -> String {
    let plain = !key.is_empty() && !key.contains(['.', '[', ']']);
    match (path.is_empty(), plain) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[{key}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_name_keys_with_dots_and_places_in_lists() {
        let split = |path: &str| segments(path).map(|segments| segments.join("|"));
        assert_eq!(
            split("images[a.b].builders[0].pullspec"),
            Ok("images|a.b|builders|0|pullspec".into())
        );
        assert_eq!(split("payload.name"), Ok("payload|name".into()));
        for path in ["", "a..b", "a[b", "[]", ".a"] {
            assert!(segments(path).is_err(), "{path}");
        }
    }

    #[test]
    fn provenance_is_passed_over() {
        let document = json!({"a": {"value": {"b": [1, 2]}, "rules": ["r"]}, "c": {"value": 1, "other": 2}});
        let at = |path: &str| find(&document, &segments(path).expect(path)).cloned();
        assert_eq!(at("a"), Some(json!({"b": [1, 2]})));
        assert_eq!(at("a.b[1]"), Some(json!(2)));
        assert_eq!(at("a.rules[0]"), Some(json!("r")));
        assert_eq!(at("c"), Some(json!({"value": 1, "other": 2})));
        assert_eq!(at("a.x"), None);
        assert_eq!(at("a.b[2]"), None);
    }

    #[test]
    fn texts_that_say_why_are_no_values() {
        let document =
            json!({"images": {"a.b": {"tag": {"value": "t", "rules": ["r"]}, "at": "x"}}, "findings": ["y"]});
        assert_eq!(texts(&document), [("images[a.b].tag".to_owned(), "t")]);
    }
}
