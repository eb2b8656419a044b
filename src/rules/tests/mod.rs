//! Tests of the language: what is accepted, what is refused with which words, and what a rule set decides.

mod bounds;
mod decisions;
mod expressions;
mod loading;
mod memo;
mod templates;

use serde_json::Value as Json;

use super::{Decision, Diagnostic, RuleSet, Scope, Subject};

/// Loads texts as rule files `a.yaml`, `b.yaml`, ….
fn load(texts: &[&str]) -> Result<RuleSet, Vec<Diagnostic>> {
    let name = |at: usize| format!("{}.yaml", char::from(b'a' + u8::try_from(at).expect("few files")));
    let files: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| (name(at), text.as_bytes().to_vec()))
        .collect();
    RuleSet::load(&files)
}

/// Loads texts that have no fault.
fn rules(texts: &[&str]) -> RuleSet {
    load(texts).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// The codes of all faults.
fn codes(texts: &[&str]) -> Vec<&'static str> {
    load(texts)
        .map(|_| Vec::new())
        .unwrap_or_else(|faults| faults.iter().map(|fault| fault.code).collect())
}

/// The only fault of a file.
fn only(text: &str) -> Diagnostic {
    let mut faults = load(&[text]).expect_err("a fault");
    assert_eq!(faults.len(), 1, "{faults:#?}");
    faults.remove(0)
}

/// A rule on images, the rest of its keys given.
fn on_image(id: &str, rest: &str) -> String {
    format!("- {{id: {id}, because: it is so, on: image, {rest}}}\n")
}

/// A file of rules.
fn file(rules: &[String]) -> String {
    format!("rules:\n{}", rules.concat())
}

/// Decides an image's field in a scope with `image.key`.
fn decide(set: &RuleSet, field: &str, release: &str, key: &str) -> Decision {
    let mut scope = Scope::new();
    scope.set("image", &serde_json::json!({"key": key, "payload_name": ""}));
    scope.set("tag", &Json::from("t"));
    set.decide(Subject::Image, field, release.parse().expect("a release"), &scope)
}
