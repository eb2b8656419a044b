//! What tags make of values.

use super::error::{Error, utf8};
use super::events::Scalar;
use super::resolve::{ScalarType, resolve};
use super::{Node, Pos, Tagged, Value};

/// What the tags of YAML itself (`!!str`) start with.
const CORE: &str = "tag:yaml.org,2002:";

/// The value of a scalar: by its tag, else a string if quoted, else what it looks like.
pub(super) fn scalar_value(scalar: &Scalar<'_>, pos: Pos) -> Result<Value, Error> {
    let Ok(text) = std::str::from_utf8(scalar.text) else {
        return Err(Error::new(pos, "text that is not UTF-8"));
    };
    let Some(tag) = scalar.tag else {
        return Ok(if scalar.plain {
            plain_value(resolve(text), text)
        } else {
            Value::String(text.into())
        });
    };
    let tag = utf8(tag, pos)?;
    let string = || Value::String(text.into());
    let kind = resolve(text);
    let fits = match tag.strip_prefix(CORE) {
        Some("str" | "timestamp") => return Ok(string()),
        Some("null") => kind == ScalarType::Null,
        Some("bool") => matches!(kind, ScalarType::Bool(_)),
        Some("int") => kind == ScalarType::Integer,
        Some("float") => matches!(kind, ScalarType::Integer | ScalarType::Float),
        Some("seq" | "map") => false,
        None if &*tag == "!" => return Ok(string()),
        _ => {
            return Ok(Value::Tagged(Box::new(Tagged {
                tag,
                node: Node { pos, value: string() },
            })));
        }
    };
    if fits {
        return Ok(plain_value(kind, text));
    }
    let short = tag.strip_prefix(CORE).unwrap_or(&tag);
    Err(Error::new(pos, format!("`{text}` is tagged !!{short} but is none")))
}

fn plain_value(kind: ScalarType, text: &str) -> Value {
    match kind {
        ScalarType::Null => Value::Null,
        ScalarType::Bool(value) => Value::Bool(value),
        ScalarType::Integer | ScalarType::Float => Value::Number(text.into()),
        ScalarType::Timestamp | ScalarType::String => Value::String(text.into()),
    }
}

/// Puts a tag of one's own on a list or mapping; tags of YAML itself must say what it is.
pub(super) fn tag_collection(tag: Option<&str>, node: Node) -> Result<Node, Error> {
    let Some(tag) = tag.filter(|tag| *tag != "!") else {
        return Ok(node);
    };
    let kind = tag.strip_prefix(CORE);
    match (&node.value, kind) {
        (Value::Map(_), Some("map")) | (Value::Seq(_), Some("seq")) => Ok(node),
        (_, Some(kind @ ("map" | "seq" | "str" | "int" | "float" | "bool" | "null" | "timestamp" | "binary"))) => {
            Err(Error::new(node.pos, format!("{} is tagged !!{kind}", node.type_name())))
        }
        _ => Ok(Node {
            pos: node.pos,
            value: Value::Tagged(Box::new(Tagged { tag: tag.into(), node })),
        }),
    }
}
