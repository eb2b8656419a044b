//! The JSON schema of `lockstep.yaml`, from the same table that checks it.

use serde_json::{Map, Value, json};

use super::keys::{Format, Key, Need, ROOT, Section, ValueForm};
use crate::targets::options::standing_for;

/// The JSON schema (draft 2020-12) as indented text, for editors and for checks elsewhere.
pub fn schema() -> String {
    let mut document = Map::new();
    document.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    document.insert("title".into(), json!("lockstep.yaml"));
    if let Value::Object(root) = section(&ROOT) {
        document.extend(root);
    }
    format!("{:#}\n", Value::Object(document))
}

fn section(section: &Section) -> Value {
    let properties: Map<String, Value> = section
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let required: Vec<&str> = section
        .keys
        .iter()
        .filter(|key| matches!(key.need, Need::Required))
        .map(|key| key.name)
        .collect();
    let mut schema = json!({
        "description": section.about,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !section.one_of.is_empty() {
        schema["oneOf"] = section.one_of.iter().map(|key| json!({ "required": [key] })).collect();
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = kind(&key.kind);
    schema["description"] = json!(key.about);
    if let Need::Default(text) = key.need {
        schema["default"] = standing_for(&key.kind, text);
    }
    schema
}

fn kind(of: &ValueForm) -> Value {
    match of {
        ValueForm::Text(format) => text(*format),
        ValueForm::Word(words) => json!({ "enum": words }),
        ValueForm::Count => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        ValueForm::Flag => json!({ "type": "boolean" }),
        ValueForm::Map(of) => section(of),
        ValueForm::Variants(choices) => {
            json!({ "oneOf": choices.iter().map(|(_, of)| section(of)).collect::<Vec<_>>() })
        }
        ValueForm::List(item) => json!({ "type": "array", "minItems": 1, "items": kind(item) }),
        ValueForm::WordOrList(word, item) => json!({
            "oneOf": [{ "const": word }, { "type": "array", "minItems": 1, "items": kind(item) }],
        }),
        ValueForm::WordWithOptions(choices) => {
            let choices = choices();
            // A word alone leaves out all options.
            let plain = choices.iter().filter(|(_, of)| of.required().next().is_none());
            let plain: Vec<&str> = plain.map(|(name, _)| *name).collect();
            let options: Map<String, Value> = choices
                .iter()
                .map(|(name, of)| ((*name).to_owned(), section(of)))
                .collect();
            json!({
                "oneOf": [
                    { "enum": plain },
                    {
                        "type": "object",
                        "properties": options,
                        "additionalProperties": false,
                        "minProperties": 1,
                        "maxProperties": 1,
                    },
                ],
            })
        }
    }
}

fn text(format: Format) -> Value {
    let pattern = match format {
        Format::Any
        | Format::Path
        | Format::Server
        | Format::Repository { .. }
        | Format::ImageReferences { .. }
        | Format::Template { .. } => r"\S",
        // A number in YAML is accepted too: the reader sees its text, so 4.10 stays 4.10.
        Format::Release => return json!({ "type": ["string", "number"], "pattern": r"^(0|[1-9]\d*)\.(0|[1-9]\d*)$" }),
        Format::Date => r"^\d{4}-\d{2}-\d{2}$",
        Format::Component => r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$",
        Format::Url => r"^https?://[^/\s]\S*$",
        Format::EnvName => r"^[A-Za-z_][A-Za-z0-9_]*$",
        Format::ObjectName => r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
        Format::Schedule => r"^\s*[A-Za-z0-9*/,?-]+(\s+[A-Za-z0-9*/,?-]+){5,6}\s*$",
        Format::Address => r"^.+:\d+$",
    };
    json!({ "type": "string", "pattern": pattern })
}
