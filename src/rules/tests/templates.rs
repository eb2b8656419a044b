//! Templates: texts with expressions in them.

use serde_json::{Value as Json, json};

use crate::rules::Scope;
use crate::rules::template::Template;
use crate::yaml;

fn evaluate(yaml_text: &str) -> Result<Json, String> {
    let node = yaml::parse(yaml_text.as_bytes()).expect("YAML");
    let template = Template::read(&node).map_err(|fault| fault.error.to_string())?;
    let mut scope = Scope::new();
    scope.set("name", &json!("x"));
    scope.set("number", &json!(3));
    scope.set("yes", &json!(true));
    scope.set("list", &json!(["a", 1]));
    scope.set("map", &json!({"k": {"n": null}}));
    template.evaluate(&scope).map_err(|error| error.to_string())
}

#[test]
fn a_lone_expression_keeps_its_type() {
    for (text, expected) in [
        ("${name}", json!("x")),
        ("${number}", json!(3)),
        ("${yes}", json!(true)),
        ("${list}", json!(["a", 1])),
        ("${map}", json!({"k": {"n": null}})),
        ("'${ {\"a\": [1, 2]} }'", json!({"a": [1, 2]})),
    ] {
        assert_eq!(evaluate(text), Ok(expected), "{text}");
    }
}

#[test]
fn in_a_longer_text_values_are_written_out() {
    assert_eq!(evaluate("a-${name}-${number}-${yes}"), Ok(json!("a-x-3-true")));
    assert_eq!(evaluate("${name}${name}"), Ok(json!("xx")));
    assert!(evaluate("a ${list}").is_err_and(|error| error.contains("a text cannot hold")));
    assert!(evaluate("a ${map}").is_err());
}

#[test]
fn dollars_and_braces_that_are_no_expression_stay() {
    for (text, expected) in [
        ("$${name}", "${name}"),
        ("a$${b}c", "a${b}c"),
        ("$name", "$name"),
        ("$", "$"),
        ("{name}", "{name}"),
        ("100$", "100$"),
        ("$$", "$$"),
        ("$${a} ${name}", "${a} x"),
        ("${'}'}", "}"),
        ("${'a\\'}b'}", "a'}b"),
        ("é${name}ü", "éxü"),
        ("", ""),
    ] {
        assert_eq!(evaluate(&quote(text)), Ok(json!([expected])), "{text}");
    }
}

fn quote(text: &str) -> String {
    format!("- '{}'", text.replace('\'', "''"))
}

#[test]
fn an_expression_that_does_not_end_is_a_fault() {
    assert!(evaluate("'${name'").is_err_and(|error| error.contains("no closing")));
    assert!(evaluate("'${}'").is_err());
    assert!(evaluate("'${a b}'").is_err());
}

#[test]
fn values_around_expressions_keep_their_types() {
    let text =
        "{n: 16, v: 4.10, big: 99999999999999999999, yes: true, none: ~, list: [1, '${name}'], map: {a: '${number}'}}";
    let expected = json!({
        "n": 16, "v": "4.10", "big": "99999999999999999999", "yes": true, "none": null, "list": [1, "x"], "map": {"a": 3},
    });
    assert_eq!(evaluate(text), Ok(expected));
}
