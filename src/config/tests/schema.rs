//! The schema says what the check says.

use std::path::Path;

use serde_json::{Value, json};

use super::{FULL, LEAST};
use crate::config::*;

#[test]
fn the_schema_accepts_what_the_check_accepts() {
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    for (text, valid) in [
        (LEAST, true),
        (FULL, true),
        (
            "sources: {build-data: {repo: b}}\nforge: {kind: local}\ntargets: [{prow-config: {}}]",
            true,
        ),
        ("sources: {}", false),
        ("sources: {build-data: {repo: b}}\nrelases: auto", false),
        ("sources: {build-data: {repo: b}}\nreleases: all", false),
        ("sources: {build-data: {repo: b}}\nrules: []", false),
        ("sources: {build-data: {repo: b}}\nforge: {kind: github}", false),
        (
            "sources: {build-data: {repo: b}}\nforge: {kind: github, token-env: A, token-file: B}",
            false,
        ),
        (
            "sources: {build-data: {repo: b}}\nforge: {kind: local, token-env: A}",
            false,
        ),
        ("sources: {build-data: {repo: b}}\naccept: [{cause: a}]", false),
        ("sources: {build-data: {repo: b}}\nlimits: {removals: ten}", false),
    ] {
        let value: Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(fits(&value, &schema), valid, "{text}");
        assert_eq!(parse(text.as_bytes(), "f", Path::new("")).is_ok(), valid, "{text}");
    }
}

#[test]
fn every_key_of_the_schema_is_described() {
    fn walk(schema: &Value) {
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            assert!(
                property["description"].as_str().is_some_and(|text| text.len() > 8),
                "{name}"
            );
            walk(property);
        }
        for inner in schema["oneOf"]
            .as_array()
            .into_iter()
            .flatten()
            .chain(schema.get("items"))
        {
            walk(inner);
        }
    }
    walk(&serde_json::from_str(&schema()).unwrap());
}

/// As much of JSON schema as ours uses, patterns aside.
fn fits(value: &Value, schema: &Value) -> bool {
    let object = || value.as_object();
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        other => panic!("{other}"),
    };
    schema
        .as_object()
        .unwrap()
        .iter()
        .all(|(keyword, rule)| match keyword.as_str() {
            "type" => rule.as_array().map_or_else(
                || is(rule.as_str().unwrap()),
                |types| types.iter().any(|t| is(t.as_str().unwrap())),
            ),
            "enum" => rule.as_array().unwrap().contains(value),
            "const" => rule == value,
            "oneOf" => {
                rule.as_array()
                    .unwrap()
                    .iter()
                    .filter(|schema| fits(value, schema))
                    .count()
                    == 1
            }
            "required" => object().is_none_or(|map| {
                rule.as_array()
                    .unwrap()
                    .iter()
                    .all(|key| map.contains_key(key.as_str().unwrap()))
            }),
            "properties" => object().is_none_or(|map| {
                map.iter()
                    .all(|(key, value)| rule.get(key).is_none_or(|schema| fits(value, schema)))
            }),
            "additionalProperties" => {
                assert_eq!(rule, &json!(false));
                object().is_none_or(|map| map.keys().all(|key| schema["properties"].get(key).is_some()))
            }
            "items" => value
                .as_array()
                .is_none_or(|items| items.iter().all(|item| fits(item, rule))),
            "minItems" => value
                .as_array()
                .is_none_or(|items| items.len() as u64 >= rule.as_u64().unwrap()),
            "minProperties" | "maxProperties" => object().is_none_or(|map| map.len() == 1),
            "$schema" | "title" | "description" | "default" | "pattern" | "minimum" | "maximum" => true,
            other => panic!("the test does not know `{other}`"),
        })
}
