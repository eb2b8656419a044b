//! The FROM map of derived images.

use std::collections::BTreeSet;

use super::world::World;
use crate::derive::document::build_config;
use crate::derive::from_map::{Entry, FromMap, Target, from_map};
use crate::model::replacement::InputKind::{self, Copy, From, Mount};

const GOLANG: &str = "registry.ci.openshift.org/ocp/builder:golang-1.21";

/// The FROM map of `cli`, whose Dockerfile is given; `tools` is another image.
fn map(from: &str, dockerfile: &str) -> Result<FromMap, Vec<String>> {
    let world =
        World::new()
            .image("cli", "cli", from, dockerfile)
            .image("tools", "tools", "{stream: base}", "FROM x:1\n");
    let document = build_config(&world.release());
    from_map(&document.images["cli"]).map_err(|found| {
        found
            .into_iter()
            .map(|one| format!("{}: {}", one.code, one.message))
            .collect()
    })
}

fn entry(texts: &[&str], target: Target, kinds: &[InputKind]) -> Entry {
    Entry {
        texts: texts.iter().map(|&text| text.to_owned()).collect(),
        target,
        kinds: kinds.iter().copied().collect::<BTreeSet<_>>(),
    }
}

#[test]
fn both_texts_of_each_line_are_in_it_and_stages_are_not() {
    let dockerfile = "ARG B=a/b:1\nFROM ${B} AS build\nFROM build AS more\nFROM c/d:1 AS kept\nFROM e/f:1\nCOPY --from=build x y\n\
                      COPY --from=0 x y\nCOPY --from=registry.ci.openshift.org/ocp/4.15:tools x y\nCOPY --from=q.io/x y z\n\
                      RUN --mount=type=bind,from=registry.ci.openshift.org/ocp/4.16:tools,target=/m true\n";
    let map = map(
        "{builder: [{stream: golang}, {image: 'q/q/q:q'}], member: tools}",
        dockerfile,
    )
    .expect("a map");
    let tools = Target::Own("tools".into());
    let expected = [
        entry(&["${B}", "a/b:1"], Target::External(GOLANG.into()), &[From]),
        entry(&["e/f:1"], tools.clone(), &[From]),
        entry(&["registry.ci.openshift.org/ocp/4.15:tools"], tools.clone(), &[Copy]),
        entry(&["registry.ci.openshift.org/ocp/4.16:tools"], tools.clone(), &[Mount]),
    ];
    assert_eq!(map.entries, expected);
    assert_eq!(map.last, Some(tools));
    assert_eq!(
        (
            map.get("a/b:1").is_some(),
            map.get("build"),
            map.get("c/d:1"),
            map.texts().count()
        ),
        (true, None, None, 5)
    );
}

#[test]
fn a_last_from_that_continues_a_stage_has_nothing_of_its_own() {
    let map = map("{stream: base}", "FROM a/b:1 AS all\nFROM all\n").expect("a map");
    assert_eq!((map.last, map.entries.len()), (None, 1));
}

#[test]
fn one_text_has_one_meaning() {
    let twice = "FROM a/b:1 AS one\nFROM a/b:1 AS two\nFROM c/d:1\n";
    let same = map("{builder: [{stream: golang}, {stream: golang}], stream: base}", twice).expect("a map");
    assert_eq!(same.entries.len(), 2);
    let found = map("{builder: [{stream: golang}, {stream: base}], stream: base}", twice).expect_err("two meanings");
    assert!(
        found.len() == 1 && found[0].starts_with("from-map-ambiguous: cli: `a/b:1` stands for"),
        "{found:?}"
    );
    // What is not replaced means itself.
    let found = map("{builder: [{stream: golang}, {image: 'a/b:1'}], stream: base}", twice).expect_err("two meanings");
    assert!(found[0].starts_with("from-map-ambiguous"), "{found:?}");
}

#[test]
fn a_text_is_no_name_of_a_stage() {
    let found = map(
        "{builder: [{stream: golang}], stream: base}",
        "FROM golang AS golang\nFROM c/d:1\n",
    )
    .expect_err("a stage");
    assert!(
        found.len() == 1 && found[0].starts_with("from-map-hits-stage: cli: `golang`"),
        "{found:?}"
    );
}
