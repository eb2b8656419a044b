//! What is below `inputs` and `from`: after CI's builder each place of a Dockerfile names what the build config says.

use proptest::prelude::*;

use super::*;
use crate::derive::{DerivedImage, Release};
use crate::model::replacement::{Became, InputKind, read_item, replace};
use crate::yaml::Node;

const GOLANG: &str = "registry.ci.openshift.org/ocp/builder:golang-1.21";

/// The item of `cli` in the config as it would be written.
fn item(world: &World) -> Node {
    let text = world.rendered("cli").expect("the file");
    let root = parse(text.as_bytes()).expect("YAML");
    root.at(&["images", "items"]).and_then(Node::as_seq).expect("items")[0].clone()
}

/// What an input of the item replaces.
fn names(world: &World, key: &str) -> Vec<String> {
    let item = item(world);
    let names = item
        .at(&["inputs", key, "as"])
        .and_then(Node::as_seq)
        .unwrap_or_default();
    names.iter().filter_map(Node::text).map(str::to_owned).collect()
}

/// Places of `cli`'s Dockerfile in which CI's builder puts something else than the build config says.
fn wrong(world: &World) -> Vec<String> {
    let release = world.release();
    let image = &release.images["cli"];
    let text = world.rendered("cli").expect("the file");
    let root = parse(text.as_bytes()).expect("YAML");
    let items = root.at(&["images", "items"]).and_then(Node::as_seq).expect("items");
    let item = items
        .iter()
        .find(|item| item.get("to").and_then(Node::text) == Some("cli"))
        .expect("cli");
    let read = read_item(item);
    let built = replace(&image.recipe, &read.replacements);
    let mut wrong = Vec::new();
    for (at, became) in built.froms.iter().enumerate() {
        let input = image.inputs.iter().find(|input| input.stage_index == at);
        let want = input.map(|input| {
            if input.replace.value {
                &input.pullspec.value
            } else {
                &input.written
            }
        });
        let same = match (became, want) {
            (Became::Replaced(reference), Some(want)) => pullspec(&release, &root, reference) == *want,
            (Became::Stayed(_), Some(want)) => input.is_some_and(|input| input.written == *want),
            (Became::Stayed(_), None) => true,
            (Became::Replaced(_), None) => false,
        };
        if !same {
            wrong.push(format!("FROM {at} is {became:?}, not {want:?}"));
        }
    }
    for ((text, begun), became) in image.recipe.copies().zip(&built.copies) {
        let mut copies = image
            .copies
            .iter()
            .filter(|copy| copy.by == InputKind::Copy && copy.token == text);
        let want = copies.find(|copy| copy.replace.value && !begun);
        let want = want.map(|copy| copy.pullspec.value.clone());
        let there = became
            .replacement()
            .map(|reference| pullspec(&release, &root, reference));
        if there != want {
            wrong.push(format!("COPY --from={text} is {there:?}, not {want:?}"));
        }
    }
    wrong
}

/// What a reference of a config stands for.
fn pullspec(release: &Release<'_>, root: &Node, reference: &str) -> String {
    let steps = root.get("raw_steps").and_then(Node::as_seq).unwrap_or_default();
    let step = steps.iter().filter_map(|step| step.get("pipeline_image_cache_step"));
    let mut step = step.filter(|step| step.get("to").and_then(Node::text) == Some(reference));
    let reference = step
        .next()
        .and_then(|step| step.get("from")?.text())
        .unwrap_or(reference);
    let Some(base) = root.at(&["base_images", reference]) else {
        return release.payload.tag(reference).to_string();
    };
    let text = |key| base.get(key).and_then(Node::text).unwrap_or_default();
    format!(
        "registry.ci.openshift.org/{}/{}:{}",
        text("namespace"),
        text("name"),
        text("tag")
    )
}

fn cli(from: &str, dockerfile: &str) -> World {
    World::new()
        .image("cli", "cli", from, dockerfile)
        .image("tools", "tools", "{stream: base}", "FROM x:1\n")
}

#[test]
fn the_text_as_it_stands_is_listed_beside_what_it_resolves_to() {
    let world = cli(
        "{builder: [{stream: golang}], stream: base}",
        "ARG B=a/b:1\nFROM ${B:-x} AS builder\nFROM c/d:1\n",
    );
    assert_eq!(
        names(&world, "ocp_builder_golang-1.21"),
        ["builder", "${B:-x}", "a/b:1"]
    );
    assert_eq!(wrong(&world), Vec::<String>::new());
}

#[test]
fn a_continued_stage_is_not_listed_and_replaces_the_base() {
    let world = cli(
        "{builder: [{stream: golang}], stream: base}",
        "FROM a/b:1 AS build\nFROM build AS test\nFROM c/d:1 AS runtime\nFROM runtime\n",
    );
    assert_eq!(names(&world, "ocp_builder_golang-1.21"), ["a/b:1"]);
    assert_eq!(names(&world, "origin_base_stream9"), ["c/d:1"]);
    assert_eq!(item(&world).get("from"), None);
    assert_eq!(wrong(&world), Vec::<String>::new());
}

#[test]
fn a_prepared_base_is_put_into_the_stage_that_is_continued() {
    let world = World::new().image_with(
        "cli",
        "cli",
        "{stream: base}",
        "FROM c/d:1 AS runtime\nFROM runtime\n",
        "inject_rpm_repositories: [{id: a, baseurl: 'https://b'}]",
    );
    assert_eq!(
        names(&world, "pre-repo-cli"),
        ["runtime", "c/d:1"].map(str::to_owned)[1..]
    );
    assert_eq!(wrong(&world), Vec::<String>::new());
}

#[test]
fn copies_from_the_payload_are_inputs() {
    let world = cli(
        "{stream: base}",
        "FROM a/b:1 AS late\nCOPY --from=quay-proxy.ci.openshift.org/openshift/ci:ocp_4.15_tools a b\nCOPY --from=nobodys a b\n",
    );
    assert_eq!(
        names(&world, "origin_scos-4.16_tools"),
        ["quay-proxy.ci.openshift.org/openshift/ci:ocp_4.15_tools"]
    );
    assert_eq!(wrong(&world), Vec::<String>::new());
}

#[test]
fn a_raw_text_that_works_stays_and_yesterdays_text_is_drift() {
    let world = cli(
        "{builder: [{stream: golang}], stream: base}",
        "ARG B=a/b:1\nFROM ${B} AS builder\nFROM c/d:1\n",
    );
    let rendered = world.rendered("cli").expect("the file");
    let listed = "        - builder\n        - ${B}\n        - a/b:1\n";
    assert!(rendered.contains(listed), "{rendered}");
    let by_hand = rendered.replace(listed, "        - ${B}\n        - somebodys\n");
    assert_eq!(world.config("cli", &by_hand).rendered("cli"), Some(by_hand));
    let world = cli(
        "{builder: [{stream: golang}], stream: base}",
        "ARG B=a/b:1\nFROM ${B} AS builder\nFROM c/d:1\n",
    );
    let stale = rendered.replace(listed, "        - builder\n        - a/b:0\n");
    let world = world.config("cli", &stale);
    assert_eq!(world.rendered("cli"), Some(rendered));
    assert_eq!(world.causes("cli").len(), 1);
}

#[test]
fn a_base_that_only_inputs_replace_keeps_being_replaced() {
    let from = "{builder: [{stream: golang}], stream: base}";
    let world = cli(from, "FROM a/b:1 AS builder\nFROM c/d:1\n");
    let rendered = world.rendered("cli").expect("the file");
    let by_input = rendered.replace("    from: origin_base_stream9\n", "").replace(
        "        - a/b:1\n",
        "        - a/b:1\n      origin_base_stream9:\n        as:\n        - c/d:1\n",
    );
    assert_eq!(world.config("cli", &by_input).rendered("cli"), Some(by_input.clone()));
    // The builder moves on: the base must not get lost with the list that named it.
    let world = cli(from, "FROM a/b:2 AS builder\nFROM c/d:1\n").config("cli", &by_input);
    assert_eq!(wrong(&world), Vec::<String>::new());
}

#[test]
fn a_text_with_two_meanings_leaves_the_image_as_it_is() {
    let dockerfile = "FROM a/b:1 AS one\nFROM a/b:1 AS two\nFROM c/d:1\n";
    let world = cli(
        "{builder: [{stream: golang}, {stream: base}], stream: base}",
        dockerfile,
    );
    assert!(
        world.codes().contains(&"from-map-ambiguous".to_owned()),
        "{:?}",
        world.codes()
    );
    let there = "images:\n  items:\n  - to: cli\n";
    let world = world.config("cli", there);
    assert!(world.rendered("cli").expect("the file").contains("  - to: cli\n"));
    // The base is replaced by itself, so the same text may stand for another image there.
    let world = cli(
        "{builder: [{stream: golang}], stream: base}",
        "FROM a/b:1 AS one\nFROM a/b:1\n",
    );
    assert_eq!(wrong(&world), Vec::<String>::new());
}

#[test]
fn an_as_that_is_no_list_is_told_and_put_right() {
    let world = cli(
        "{builder: [{stream: golang}], stream: base}",
        "FROM a/b:1 AS builder\nFROM c/d:1\n",
    );
    let rendered = world.rendered("cli").expect("the file");
    let there = rendered.replace(
        "        as:\n        - builder\n        - a/b:1\n",
        "        as: a/b:1\n",
    );
    assert_ne!(there, rendered);
    let world = world.config("cli", &there);
    assert!(world.codes().contains(&"unreadable-inputs".to_owned()));
    assert_eq!(world.rendered("cli"), Some(rendered));
}

/// A stage of a made-up Dockerfile: what it names, its own name, and what it copies from.
type Made = (u8, u8, Vec<u8>);

/// A Dockerfile, and how many of its FROMs name images.
fn made(stages: &[Made]) -> (String, usize) {
    const TEXTS: [&str; 7] = ["a/b:1", "a/b:2", "${B}", "${C:-a/b:2}", "\"a/b:1\"", "s0", "s1"];
    const NAMES: [&str; 4] = ["", "s0", "s1", "a/b:2"];
    const COPIES: [&str; 6] = [
        "s0",
        "s1",
        "0",
        "a/b:1",
        "registry.ci.openshift.org/ocp/4.16:tools",
        "s3",
    ];
    let (mut text, mut names, mut external) = (String::from("ARG B=a/b:1\n"), Vec::new(), 0);
    for (at, (from, name, copies)) in stages.iter().enumerate() {
        let from = TEXTS[usize::from(*from) % TEXTS.len()];
        let resolved = if from == "${C:-a/b:2}" { "a/b:2" } else { from };
        external += usize::from(!names.contains(&resolved));
        let name = NAMES[usize::from(*name) % NAMES.len()];
        text.push_str(&format!(
            "FROM {from}{}{name}\n",
            if name.is_empty() { "" } else { " AS " }
        ));
        names.extend(Some(name).filter(|name| !name.is_empty()));
        for copy in copies {
            text.push_str(&format!(
                "COPY --from={} x y{at}\n",
                COPIES[usize::from(*copy) % COPIES.len()]
            ));
        }
    }
    (text, external)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_place_is_what_the_build_config_says_or_there_is_a_finding(
        stages in prop::collection::vec((0..7u8, 0..4u8, prop::collection::vec(0..6u8, 0..3)), 1..5),
        entries in prop::collection::vec(0..3u8, 5),
    ) {
        let (dockerfile, external) = made(&stages);
        let entry = |at: usize| ["{stream: golang}", "{stream: base}", "{member: tools}"][usize::from(entries[at])];
        let builders: Vec<_> = (1..external).map(entry).collect();
        let from = format!("{{builder: [{}], {}", builders.join(", "), &entry(0)[1..]);
        let mut world = cli(&from, &dockerfile);
        let told = world.codes().iter().any(|code| code.starts_with("from-map-") || code == "stage-count");
        if world.rendered("cli").is_some() {
            prop_assert_eq!(wrong(&world), Vec::<String>::new(), "{}", dockerfile);
            world.apply();
            for file in world.render().files {
                prop_assert_eq!(file.before, file.after);
            }
        } else {
            prop_assert!(told, "{:?}\n{}", world.codes(), dockerfile);
        }
    }
}

/// That the helper above finds what is wrong.
#[test]
fn what_is_wrong_is_found() {
    let world = cli(
        "{builder: [{stream: golang}], stream: base}",
        "FROM a/b:1 AS builder\nFROM c/d:1\n",
    );
    let release = world.release();
    let image: &DerivedImage = &release.images["cli"];
    let node = parse(b"inputs: {x: {as: [builder]}}\n").expect("YAML");
    let read = read_item(&node);
    let built = replace(&image.recipe, &read.replacements);
    assert!(built.froms.iter().all(|became| became.replacement().is_none()));
    assert_eq!(image.inputs[0].pullspec.value, GOLANG);
}
