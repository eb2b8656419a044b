//! Tests of intents: what moves between stanzas is not lost.

use serde_json::{Value as Json, json};

use super::intent::Intent;
use crate::facts::image::KEYS;
use crate::facts::view;
use crate::yaml;

fn view_of(text: &str) -> Json {
    view::shape(&yaml::parse(text.as_bytes()).expect("YAML"), KEYS).view
}

fn names(text: &str) -> Vec<&'static str> {
    Intent::all(&view_of(text))
        .into_iter()
        .map(|intent| intent.name)
        .collect()
}

#[test]
fn both_stanzas_are_one_intent() {
    let alignment = "content: {source: {dockerfile: Dockerfile.rhel, okd_alignment: {dockerfile: Dockerfile.okd}}}\n";
    let konflux =
        "content: {source: {dockerfile: Dockerfile.rhel}}\nokd: {content: {source: {dockerfile: Dockerfile.okd}}}\n";
    assert_eq!(names(alignment), ["dockerfile"]);
    assert_eq!(names(konflux), ["dockerfile"], "a stanza that moved is the same intent");
    let same = "content: {source: {dockerfile: Dockerfile.okd, okd_alignment: {dockerfile: Dockerfile.okd}}}\n";
    assert!(names(same).is_empty(), "what OCP has itself is nothing of OKD's own");
    let repositories = "content: {source: {okd_alignment: {inject_rpm_repositories: [{id: a, baseurl: b}]}}}\n";
    assert_eq!(names(repositories), names("okd: {enabled_repos: [a]}\n"));
}

#[test]
fn a_reason_that_is_gone_is_no_loss() {
    let before = view_of("from: {member: a}\ncontent: {source: {okd_alignment: {from: {stream: s}}}}\n");
    let intent = Intent::all(&before).remove(0);
    assert_eq!((intent.name, &intent.value), ("from", &json!({"stream": "s"})));
    assert!(intent.reason_remains(&before, &view_of("from: {member: a}\n")));
    assert!(
        !intent.reason_remains(&before, &view_of("from: {member: b}\n")),
        "it stood in for something else"
    );
    assert!(
        !intent.reason_remains(&before, &view_of("from: {stream: s}\n")),
        "OCP has it itself now"
    );
}

#[test]
fn that_an_image_is_built_for_okd_alone_is_an_intent() {
    assert_eq!(names("mode: disabled\nokd: {mode: enabled}\n"), ["mode"]);
    for nothing in [
        "okd: {mode: enabled}\n",
        "okd: {mode: disabled}\n",
        "mode: disabled\nokd: {mode: disabled}\n",
    ] {
        assert!(names(nothing).is_empty(), "{nothing}");
    }
    let before = view_of("mode: disabled\nokd: {mode: enabled}\n");
    let intent = Intent::all(&before).remove(0);
    assert!(intent.reason_remains(&before, &view_of("mode: disabled\n")));
    assert!(
        !intent.reason_remains(&before, &view_of("name: n\n")),
        "it is built for OCP, too"
    );
}
