//! Expressions: the functions there are, and the names that are read off them.

use serde_json::{Value as Json, json};

use crate::rules::ExprError;
use crate::rules::expr::{Expr, FUNCTIONS, Scope};

fn value(source: &str) -> Result<Json, ExprError> {
    let mut scope = Scope::new();
    scope.set("text", &json!("a-b-c"));
    scope.set("list", &json!(["x", "y"]));
    scope.set("map", &json!({"k": "v"}));
    Expr::compile(source)?.evaluate(&scope)
}

#[test]
fn every_function_of_the_reference_can_be_called() {
    for (name, source, expected) in [
        ("all", "list.all(i, i != '')", json!(true)),
        ("capture", "capture(text, '-([a-z])')", json!("b")),
        ("charAt", "text.charAt(2)", json!("b")),
        ("contains", "text.contains('b-')", json!(true)),
        ("endsWith", "text.endsWith('c')", json!(true)),
        ("exists", "list.exists(i, i == 'y')", json!(true)),
        ("exists_one", "list.exists_one(i, i == 'y')", json!(true)),
        ("filter", "list.filter(i, i == 'y')", json!(["y"])),
        ("format", "'%s-%s'.format(['a', 'b'])", json!("a-b")),
        ("has", "has(map.k) && !has(map.other)", json!(true)),
        ("indexOf", "text.indexOf('b')", json!(2)),
        ("int", "int('16') + 1", json!(17)),
        ("join", "list.join(',')", json!("x,y")),
        ("lastIndexOf", "text.lastIndexOf('-')", json!(3)),
        ("lowerAscii", "'AB'.lowerAscii()", json!("ab")),
        ("map", "list.map(i, i + '!')", json!(["x!", "y!"])),
        ("matches", "text.matches('^a-.')", json!(true)),
        (
            "merge",
            "merge([map, {'k': 'w'}, {'l': [1]}])",
            json!({"k": "w", "l": [1]}),
        ),
        ("replace", "text.replace('-', '_')", json!("a_b_c")),
        ("size", "size(list) + size(text) + size(map)", json!(8)),
        ("some", "[some(text), some(''), some([])]", json!(["a-b-c", null, null])),
        ("split", "text.split('-')", json!(["a", "b", "c"])),
        ("startsWith", "text.startsWith('a')", json!(true)),
        ("string", "string(16)", json!("16")),
        ("substring", "text.substring(0, 1)", json!("a")),
        ("trim", "' a '.trim()", json!("a")),
        ("upperAscii", "'ab'.upperAscii()", json!("AB")),
    ] {
        assert!(
            FUNCTIONS.iter().any(|(known, _)| *known == name),
            "{name} is not in FUNCTIONS"
        );
        assert_eq!(value(source), Ok(expected), "{name}: {source}");
    }
    assert_eq!(FUNCTIONS.len(), 27, "a new function needs a line above");
}

#[test]
fn a_capture_without_match_is_an_empty_text() {
    assert_eq!(value("capture(text, '([0-9]+)')"), Ok(json!("")));
    assert_eq!(value("capture(text, 'a')"), Ok(json!("")), "no group, nothing captured");
    assert!(value("capture(text, '(')").is_err());
}

#[test]
fn what_goes_wrong_is_said() {
    assert!(Expr::compile("a ==").is_err());
    assert!(Expr::compile("").is_err());
    assert!(value("list[5]").is_err());
    assert!(value("map.missing").is_err());
    assert!(value("text + 1").is_err());
    let condition = Expr::compile("text").and_then(|expr| {
        let mut scope = Scope::new();
        scope.set("text", &json!("x"));
        expr.holds(&scope)
    });
    assert!(matches!(condition, Err(ExprError::NoCondition(_))));
}

#[test]
fn names_are_free_variables_with_their_fields() {
    let names = |source: &str| {
        let names = Expr::compile(source).expect(source).names;
        let paths: Vec<_> = names.paths.iter().map(|path| path.join(".")).collect();
        (
            paths.join(" "),
            names.functions.into_iter().collect::<Vec<_>>().join(" "),
        )
    };
    let case =
        |source, paths: &str, functions: &str| assert_eq!(names(source), (paths.into(), functions.into()), "{source}");
    case("image.okd_alignment.tag_name != ''", "image.okd_alignment.tag_name", "");
    case("images.exists(i, i.key == tag)", "images tag", "");
    case("images.map(i, image.key + i.key)[0]", "image.key images", "");
    case("images.filter(i, size(i.x) > 0)[0].y", "images", "size");
    case("i.map(i, i)", "i", "");
    case("has(image.a.b)", "image.a.b", "");
    case("{'a': x}[y].z", "x y", "");
    case("x.trim().y", "x", "trim");
    case("a ? b : c", "a b c", "");
    case(
        "image.items.exists(a, a.list.exists(b, b == a.x && c))",
        "c image.items",
        "",
    );
}

#[test]
fn mappings_come_out_in_the_order_of_their_keys() {
    let mut scope = Scope::new();
    let map: serde_json::Map<String, Json> = (0..40)
        .rev()
        .map(|n| (format!("k{n:02}"), json!({"b": n, "a": n})))
        .collect();
    scope.set("map", &Json::Object(map));
    let expr = Expr::compile("[map]").expect("an expression");
    let text = expr.evaluate(&scope).expect("a value").to_string();
    let places: Vec<_> = (0..40)
        .map(|n| text.find(&format!("k{n:02}")).expect("a key"))
        .collect();
    assert!(places.is_sorted() && text.contains(r#"{"a":7,"b":7}"#), "{text}");
}
