//! The form that a file has, and what means the same.

use super::*;

/// Policy of 2024: everything is written in our form.
const REWRITE: &str = "rules:\n- id: rewrite\n  because: x\n  on: config\n  replaces: keep-same-meaning\n  set: {same_meaning: rewrite}\n";

#[test]
fn the_form_of_images_stays() {
    let mut root = parse(NEW.as_bytes()).expect("YAML");
    let items = root.at(&["images", "items"]).expect("items").clone();
    root.as_map_mut().expect("a mapping").insert("images", items);
    let list = emit(&root);
    assert!(list.contains("images:\n- build_args"), "{list}");
    assert_eq!(merged(&list), list);
    let stale = list.replace("dockerfile_path: cli.Dockerfile", "dockerfile_path: old");
    assert_eq!(merged(&stale), list);
    assert_eq!(
        merged(&NEW.replace("dockerfile_path: cli.Dockerfile", "dockerfile_path: old")),
        NEW
    );
}

#[test]
fn what_means_the_same_is_kept_or_rewritten_as_the_rules_say() {
    let self_replacing = "    inputs:\n      ocp_builder_golang-1.21:\n        as:\n        - builder\n        - registry.ci.openshift.org/ocp/builder:golang-1.21\n";
    let entry = "  ocp_builder_golang-1.21:\n    name: builder\n    namespace: ocp\n    tag: golang-1.21\n";
    type Case<'c> = (&'c str, Box<dyn Fn(&str) -> String + 'c>);
    let cases: [Case<'_>; 6] = [
        (
            "a pruned input",
            Box::new(|text: &str| text.replace(self_replacing, "").replace(entry, "")),
        ),
        (
            "another order of names",
            Box::new(|text: &str| {
                let spec = "        - registry.ci.openshift.org/ocp/builder:golang-1.21\n";
                text.replace(spec, "")
                    .replace("        - builder\n", &format!("{spec}        - builder\n"))
            }),
        ),
        (
            "one name",
            Box::new(|text: &str| text.replace("        - builder\n", "")),
        ),
        (
            "other keys",
            Box::new(|text: &str| {
                text.replace("ocp_builder_golang-1.21", "golang")
                    .replace("origin_base_stream9", "base")
            }),
        ),
        (
            "a leading ./",
            Box::new(|text: &str| text.replace("dockerfile_path: cli", "dockerfile_path: ./cli")),
        ),
        (
            "the older form of promotion",
            Box::new(|text: &str| {
                text.replace(
                    "promotion:\n  to:\n  - name: scos-4.16\n    namespace",
                    "promotion:\n  name: scos-4.16\n  namespace",
                )
            }),
        ),
    ];
    for (what, change) in cases {
        let there = edited(change);
        assert_eq!(merged(&there), there, "{what}");
        let world = world().refined_by(REWRITE).config("cli", &there);
        let text = world.rendered("cli").expect("the file");
        if what == "other keys" {
            // Keys of others are never taken away.
            assert!(
                text.contains("from: origin_base_stream9") && text.contains("\n  golang:\n"),
                "{text}"
            );
        } else {
            assert_eq!(text, NEW, "{what}");
        }
    }
}

#[test]
fn the_order_of_images_and_arguments_is_ours_only_where_everything_is_rewritten() {
    let mut root = parse(NEW.as_bytes()).expect("YAML");
    let mut items = root
        .at(&["images", "items"])
        .and_then(|items| items.as_seq())
        .expect("items")
        .to_vec();
    items.reverse();
    items.insert(1, crate::yaml::Node::map([("to", "by-hand")]));
    crate::targets::prow_config::merge::put(&mut root, &["images", "items"], crate::yaml::Node::seq(items));
    let turned = emit(&root);
    assert_eq!(merged(&turned), turned);
    let world = world().refined_by(REWRITE).config("cli", &turned);
    let text = world.rendered("cli").expect("the file");
    let at = |what: &str| text.find(what).expect(what);
    assert!(
        at("to: cli\n") < at("to: by-hand\n") && at("to: by-hand\n") < at("to: tools\n"),
        "{text}"
    );
    assert_eq!(
        world.causes("cli"),
        [("images[]".to_owned(), String::new(), "rewrite".to_owned())]
    );
}

#[test]
fn an_input_for_an_image_that_files_are_copied_from_stays() {
    let froms = "FROM registry.ci.openshift.org/ocp/builder:golang-1.21 AS builder\nFROM registry.ci.openshift.org/ocp/4.16:base\nCOPY --from=quay.io/x/y:z /a /b\n";
    let with_copy = edited(|text| {
        let inputs = "    inputs:\n      by-hand:\n        as:\n        - quay.io/x/y:z\n        - gone\n";
        text.replace("      ocp_builder_golang-1.21:\n", "      origin_base_stream9:\n")
            .replace("    inputs:\n", inputs)
            .replace("tag: golang-9", "tag: golang-8")
    });
    let text = world()
        .dockerfile("cli", "cli.Dockerfile", froms)
        .config("cli", &with_copy)
        .rendered("cli")
        .expect("the file");
    let inputs = "    inputs:\n      by-hand:\n        as:\n        - quay.io/x/y:z\n      ocp_builder_golang-1.21:\n        as:\n        - builder\n";
    assert!(text.contains(inputs), "{text}");
}

#[test]
fn all_names_or_those_of_the_last_stage_only() {
    let froms = "FROM r/a:1 AS one\nFROM r/a:1 AS two\nFROM r/b:1\n";
    let from = "{builder: [{stream: golang}, {stream: go}], stream: base}";
    let world = World::new().image("cli", "cli", from, froms);
    let text = world.rendered("cli").expect("a config");
    assert!(
        text.contains("        as:\n        - one\n        - r/a:1\n        - two\n"),
        "{text}"
    );
    let last =
        "rules:\n- id: last\n  because: x\n  on: config\n  replaces: name-all-stages\n  set: {stage_names: last}\n";
    let text = world.refined_by(last).rendered("cli").expect("a config");
    assert!(
        text.contains("        as:\n        - two\n        - r/a:1\n    to"),
        "{text}"
    );
}

#[test]
fn a_base_that_is_an_earlier_stage_is_replaced_by_an_input() {
    let world = World::new().image("cli", "cli", "{stream: base}", "FROM r/b:1 AS root\nFROM root\nRUN x\n");
    let text = world.rendered("cli").expect("a config");
    assert!(
        text.contains("      origin_base_stream9:\n        as:\n        - r/b:1\n"),
        "{text}"
    );
    assert!(!text.contains("    from:"), "{text}");
    let odd = text.replace("    inputs:\n", "    from: origin_base_stream9\n    inputs:\n");
    assert_eq!(
        world.config("cli", &odd).rendered("cli"),
        Some(text),
        "`from` would replace the last stage"
    );
}
