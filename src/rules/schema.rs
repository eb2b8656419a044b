//! The JSON schema of rule files, for editors.

use serde_json::{Map, Value as Json, json};

use super::subject::{Field, FieldForm, Subject};

/// Makes the schema.
pub fn schema() -> Json {
    let per_subject: Vec<Json> = Subject::ALL.into_iter().map(of_subject).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lockstep rules",
        "description": "Policy as data: which fields have which values, and why. rules/README.md is the reference.",
        "type": "object",
        "required": ["rules"],
        "additionalProperties": false,
        "properties": {"rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}}},
        "$defs": {
            "rule": {
                "type": "object",
                "required": ["id", "because", "on"],
                "anyOf": [{"required": ["set"]}, {"required": ["append"]}],
                "additionalProperties": false,
                "properties": keys(),
                "allOf": per_subject,
            },
            "template": {
                "type": "string",
                "pattern": "\\$\\{",
                "description": "A text with `${expression}`; one that is nothing else keeps the type of its value.",
            },
            "reference": {
                "type": "object",
                "maxProperties": 1,
                "additionalProperties": false,
                "properties": {"member": {"type": "string"}, "stream": {"type": "string"}, "image": {"type": "string"}},
            },
        },
    })
}

fn keys() -> Json {
    let ids = json!({"type": "array", "items": {"$ref": "#/$defs/rule/properties/id"}, "uniqueItems": true});
    let mut overrides = ids;
    overrides["description"] = json!("Rules that this one wins over where both apply.");
    json!({
        "id": {
            "type": "string",
            "pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$",
            "description": "The rule's name in kebab-case, unique in all loaded sets.",
        },
        "because": {"type": "string", "minLength": 1, "description": "Why it is so, in one sentence; pull requests show it."},
        "on": {"enum": Subject::ALL.map(Subject::name), "description": "What the rule is about."},
        "releases": {
            "type": "string",
            "pattern": "^\\s*((=|==|<|<=|>|>=)?[0-9]+\\.[0-9]+[ ,]*)+$",
            "description": "The releases that it is for, such as `4.16` or `>=4.17 <4.20`; all unless said.",
        },
        "when": {"type": ["string", "boolean"], "description": "A CEL condition; holds always unless said."},
        "set": {"type": "object", "minProperties": 1, "description": "Fields and their values."},
        "append": {"type": "object", "minProperties": 1, "description": "Fields that are lists, and the items that are added."},
        "overrides": overrides,
        "replaces": {"type": "string", "description": "A rule of an earlier set whose place this one takes."},
    })
}

fn of_subject(subject: Subject) -> Json {
    let fields = |wanted: fn(&&Field) -> bool| -> Map<String, Json> {
        let fields = subject.fields().iter().filter(wanted);
        fields.map(|field| (field.name.to_owned(), of_field(field))).collect()
    };
    json!({
        "if": {"properties": {"on": {"const": subject.name()}}, "required": ["on"]},
        "then": {"properties": {
            "set": {"additionalProperties": false, "properties": fields(|_| true)},
            "append": {"additionalProperties": false, "properties": fields(|field| field.kind.is_list())},
        }},
    })
}

fn of_field(field: &Field) -> Json {
    let form = match field.kind {
        FieldForm::Bool => json!({"type": "boolean"}),
        FieldForm::Text => json!({"type": "string", "minLength": 1}),
        FieldForm::MaybeText => json!({"type": "string"}),
        FieldForm::Texts => json!({"type": "array", "items": {"type": "string"}}),
        FieldForm::Reference => json!({"$ref": "#/$defs/reference"}),
        FieldForm::From => json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "builder": {"type": "array", "items": {"$ref": "#/$defs/reference"}},
                "member": {"type": "string"}, "stream": {"type": "string"}, "image": {"type": "string"},
            },
        }),
        FieldForm::Map => json!({"type": "object"}),
        FieldForm::OneOf(words) => json!({"enum": words}),
        FieldForm::ListBy(key) => json!({"type": "array", "items": {"type": "object", "required": [key]}}),
    };
    json!({"description": field.doc, "anyOf": [form, {"$ref": "#/$defs/template"}]})
}
