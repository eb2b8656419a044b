//! Tests of intents: what moves between stanzas is not lost.

use serde_json::{Value as Json, json};

use super::Side;
use super::intent::Intent;
use crate::derive::tests::world::World;
use crate::facts::image::KEYS;
use crate::facts::view;
use crate::yaml;

fn view_of(text: &str) -> Json {
    view::shape(&yaml::parse(text.as_bytes()).expect("YAML"), KEYS).view
}

fn names(text: &str) -> Vec<&'static str> {
    Intent::all(&view_of(text), |_| None)
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
fn of_two_stanzas_the_one_counts_that_the_rules_take() {
    let text = "content: {source: {dockerfile: D.ocp, okd_alignment: {dockerfile: D.ci}}}\n\
                okd: {content: {source: {dockerfile: D.okd}}}\nfor_payload: true\n";
    let other = "rules:\n- id: stanza-first\n  because: The `okd` stanza counts before the other one here.\n  on: image\n  \
                 when: image.okd_stanza.dockerfile != ''\n  set: {dockerfile: '${image.okd_stanza.dockerfile}'}\n  \
                 overrides: [dockerfile-of-alignment]\n";
    for (rules, file) in [("rules: []\n", "D.ci"), (other, "D.okd")] {
        let world = World::new().metadata("x", text).refined_by(rules);
        let release = world.release();
        let side = Side {
            rules: release.rules,
            metadata: release.metadata,
            images: &release.images,
        };
        let all = side.intents(&release.images["x"], &release.metadata.images["x"]);
        assert_eq!((all[0].name, &all[0].value), ("dockerfile", &json!(file)));
        let both = [
            "content.source.okd_alignment.dockerfile",
            "okd.content.source.dockerfile",
        ];
        assert_eq!(all[0].said_by, both);
    }
}

#[test]
fn a_reason_that_is_gone_is_no_loss() {
    let before = view_of("from: {member: a}\ncontent: {source: {okd_alignment: {from: {stream: s}}}}\n");
    let intent = Intent::all(&before, |_| None).remove(0);
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
    let intent = Intent::all(&before, |_| None).remove(0);
    assert!(intent.reason_remains(&before, &view_of("mode: disabled\n")));
    assert!(
        !intent.reason_remains(&before, &view_of("name: n\n")),
        "it is built for OCP, too"
    );
}
