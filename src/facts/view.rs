//! From YAML as people write it to a view with a fixed shape: every known key is there, with a default where the file
//! says nothing, so that rules need no `has()` and a wrong type is noticed once, with its place.

use serde_json::{Map, Value as Json, json};

use crate::yaml::{Node, Pos, Value};

/// The form that a key's value must have, and what stands for it where it is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text; numbers and booleans are taken as they are written. Absent: `""`.
    Text,
    /// A boolean. Absent: this.
    Bool(bool),
    /// A list of texts. Absent: `[]`.
    Texts,
    /// A list of mappings. Absent: `[]`.
    Maps,
    /// A mapping. Absent: `{}`.
    Map,
    /// One of `member`, `stream`, `image`. Absent: `{}`.
    Reference,
    /// A reference with a list of references under `builder`. Absent: `{}`.
    From,
}

/// One key: its path in the view (what rules write) and in the file.
#[derive(Debug)]
pub struct Key {
    /// Dotted path in the view.
    pub view: &'static str,
    /// Dotted path in the file.
    pub file: &'static str,
    /// The form of the value.
    pub form: Form,
}

/// A value of a form that was not expected.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WrongForm {
    /// Dotted path in the file.
    pub key: String,
    /// Where it stands.
    pub pos: Pos,
    /// What was expected and what is there.
    pub message: String,
}

/// A shaped view of a file and what was wrong with it.
#[derive(Debug, Default)]
pub struct Shaped {
    /// The view.
    pub view: Json,
    /// Wrong forms; their keys have the default.
    pub faults: Vec<WrongForm>,
}

/// Shapes a file's content.
pub fn shape(root: &Node, keys: &[Key]) -> Shaped {
    let mut shaped = Shaped {
        view: Json::Object(Map::new()),
        faults: Vec::new(),
    };
    for key in keys {
        let value = match lookup(root, key.file) {
            Ok(None) => default(key.form),
            Ok(Some(node)) => read(node, key.form).unwrap_or_else(|(pos, expected, found)| {
                let message = format!("{expected} is expected here, this is {found}");
                shaped.faults.push(WrongForm {
                    key: key.file.into(),
                    pos,
                    message,
                });
                default(key.form)
            }),
            Err((at, node)) => {
                let message = format!("a mapping is expected here, this is {}", node.type_name());
                let fault = WrongForm {
                    key: at.into(),
                    pos: node.pos,
                    message,
                };
                if !shaped.faults.contains(&fault) {
                    shaped.faults.push(fault);
                }
                default(key.form)
            }
        };
        insert(&mut shaped.view, key.view, value);
    }
    shaped
}

/// The view of an empty file: every key with its default.
pub fn sample(keys: &[Key]) -> Json {
    shape(&Node::default(), keys).view
}

/// Finds the line of what a view's path came from: that of the deepest key on the way that the file has.
pub fn line_of(root: &Node, keys: &[Key], path: &[String]) -> Option<u32> {
    let dotted = path.join(".");
    let key = keys
        .iter()
        .filter(|key| covers(key.view, &dotted))
        .max_by_key(|key| key.view.len())?;
    let file_path = match dotted.strip_prefix(key.view) {
        Some(rest) => format!("{}{rest}", key.file),
        None => key.file.to_owned(),
    };
    let (mut line, mut node) = (None, root);
    for name in file_path.split('.') {
        let Value::Map(map) = &node.value else { break };
        let Some((found, value)) = map.entries.iter().find(|(key, _)| &*key.text == name) else {
            break;
        };
        line = Some(found.pos.line);
        node = value;
    }
    line
}

/// Tells whether one of two dotted paths leads to the other.
fn covers(key: &str, path: &str) -> bool {
    let leads = |short: &str, long: &str| {
        long.strip_prefix(short)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    leads(key, path) || leads(path, key)
}

fn lookup<'n, 'k>(root: &'n Node, path: &'k str) -> Result<Option<&'n Node>, (&'k str, &'n Node)> {
    let (mut node, mut at) = (root, 0);
    for name in path.split('.') {
        match &node.value {
            Value::Map(map) => match map.get(name) {
                Some(child) => node = child,
                None => return Ok(None),
            },
            Value::Null => return Ok(None),
            _ => return Err((path[..at].trim_end_matches('.'), node)),
        }
        at += name.len() + 1;
    }
    Ok(if node.value == Value::Null { None } else { Some(node) })
}

type Mismatch = (Pos, &'static str, &'static str);

fn read(node: &Node, form: Form) -> Result<Json, Mismatch> {
    let wrong = |expected| (node.pos, expected, node.type_name());
    match form {
        Form::Text => node
            .text()
            .map(|text| Json::String(text.to_string()))
            .ok_or(wrong("a text")),
        Form::Bool(_) => node.as_bool().map(Json::Bool).ok_or(wrong("true or false")),
        Form::Map => node
            .as_map()
            .map(|_| serde_json::Value::from(node))
            .ok_or(wrong("a mapping")),
        Form::Texts => items(node, Form::Text),
        Form::Maps => items(node, Form::Map),
        Form::Reference => reference(node).map(Json::Object),
        Form::From => {
            let mut from = reference(node)?;
            if let Some(builders) = node.get("builder").filter(|builders| builders.value != Value::Null) {
                from.insert("builder".into(), items(builders, Form::Reference)?);
            }
            Ok(Json::Object(from))
        }
    }
}

fn items(node: &Node, form: Form) -> Result<Json, Mismatch> {
    let items = node.as_seq().ok_or((node.pos, "a list", node.type_name()))?;
    items
        .iter()
        .map(|item| read(item, form))
        .collect::<Result<Vec<_>, _>>()
        .map(Json::Array)
}

/// The one thing that a `from` entry names; where it names several, the first of member, stream, image counts.
fn reference(node: &Node) -> Result<Map<String, Json>, Mismatch> {
    if node.as_map().is_none() {
        return Err((
            node.pos,
            "a mapping with `member`, `stream` or `image`",
            node.type_name(),
        ));
    }
    let mut map = Map::new();
    for name in ["member", "stream", "image"] {
        if let Some(value) = node.get(name) {
            let text = value.text().ok_or((value.pos, "a text", value.type_name()))?;
            map.insert(name.into(), Json::String(text.to_string()));
            break;
        }
    }
    Ok(map)
}

fn default(form: Form) -> Json {
    match form {
        Form::Text => json!(""),
        Form::Bool(value) => json!(value),
        Form::Texts | Form::Maps => json!([]),
        Form::Map | Form::Reference | Form::From => json!({}),
    }
}

fn insert(view: &mut Json, path: &str, value: Json) {
    let mut at = view;
    for name in path.split('.') {
        at = at
            .as_object_mut()
            .expect("a view's inner nodes are mappings")
            .entry(name)
            .or_insert_with(|| json!({}));
    }
    *at = value;
}

#[cfg(test)]
mod tests;
