//! The form that a file has, and what means the same.

use super::*;

/// Policy of 2024: everything is written in our form.
const REWRITE: &str = "rules:\n- id: rewrite\n  because: x\n  on: config\n  replaces: keep-same-meaning\n  set: {same_meaning: rewrite}\n";

#[test]
fn a_list_of_images_is_turned_and_nothing_else() {
    let mut root = parse(NEW.as_bytes()).expect("YAML");
    let items = root.at(&["images", "items"]).expect("items").clone();
    root.as_map_mut().expect("a mapping").insert("images", items);
    let list = emit(&root);
    assert!(list.contains("images:\n- build_args"), "{list}");
    assert_eq!(merged(&list), NEW);
    let causes = world().config("cli", &list).causes("cli");
    let expected = ("images".to_owned(), String::new(), "images-as-items".to_owned());
    assert_eq!(causes, [expected]);
    let stale = |text: &str| text.replace("dockerfile_path: cli.Dockerfile", "dockerfile_path: old");
    assert_eq!(merged(&stale(&list)), NEW);
    assert_eq!(merged(&stale(NEW)), NEW);
    // Where a list is the form, a list stays one, and so does a mapping.
    let as_list =
        "rules:\n- id: list\n  because: x\n  on: config\n  replaces: images-as-items\n  set: {images_form: list}\n";
    for text in [list.as_str(), NEW] {
        let world = world().refined_by(as_list).config("cli", text);
        assert_eq!(world.rendered("cli").as_deref(), Some(text));
    }
}

#[test]
fn a_list_stays_where_nobody_adopts_the_change() {
    let list = "images:\n- to: cli\n";
    let mut world = world().config("cli", list);
    world.policy.adopt = Adopt {
        causes: vec!["build-root-golang".to_owned()],
        ..Adopt::default()
    };
    let text = world.rendered("cli").expect("the file");
    assert!(text.contains("images:\n- to: cli\n"), "{text}");
}

#[test]
fn what_rules_call_peoples_is_added_and_never_rewritten() {
    let keep = "rules:\n- id: mine\n  because: x\n  on: target\n  append: {keep: [build_root, base_images, 'images[].from', releases.latest]}\n";
    let there = NEW
        .replace("tag: golang-9", "tag: by-hand")
        .replace("tag: stream9", "tag: stream8")
        .replace("    from: cli\n", "    from: mine\n")
        .replace("      include_built_images: true\n", "");
    assert_ne!(merged(&there), there);
    let world = || world().refined_by(keep);
    assert_eq!(
        world().config("cli", &there).rendered("cli").as_deref(),
        Some(there.as_str())
    );
    let (build_root, rest) = there.split_once("build_root:\n").expect("a build root");
    let (_, rest) = rest.split_once("images:\n").expect("images");
    let without = format!("{build_root}images:\n{rest}").replace("    from: mine\n", "");
    let added = world().config("cli", &without).rendered("cli").expect("the file");
    assert!(
        added.contains("tag: golang-9\n") && added.contains("    from: cli\n"),
        "{added}"
    );
}

#[test]
fn a_step_that_somebody_put_before_a_base_stays() {
    let step =
        "raw_steps:\n- pipeline_image_cache_step:\n    commands: dnf\n    from: origin_base_stream9\n    to: mine\n";
    let there = NEW
        .replace("    from: origin_base_stream9\n", "    from: mine\n")
        .replace("releases:\n", &format!("{step}releases:\n"));
    let here = world().config("cli", &there);
    assert_eq!(here.rendered("cli").as_deref(), Some(there.as_str()));
    assert_eq!(here.codes(), ["step-by-hand"]);
    // The base moves on: the step starts from the new one, and the image from the step.
    let moved = there.replace("stream9", "stream8");
    let rendered = world().config("cli", &moved).rendered("cli").expect("the file");
    assert_eq!(rendered, there);
    let causes = world().config("cli", &moved).causes("cli");
    let fields: Vec<_> = causes
        .iter()
        .map(|(field, item, _)| format!("{field} {item}"))
        .collect();
    assert_eq!(
        fields,
        [
            "raw_steps[] mine",
            "base_images origin_base_stream9",
            "base_images origin_base_stream8"
        ]
    );
    // Two images are built from the step: for one of them alone it cannot move.
    let both = moved.replace("    from: cli\n", "    from: mine\n");
    let rendered = world().config("cli", &both).rendered("cli").expect("the file");
    assert!(
        rendered.contains("    from: cli\n") && rendered.contains("    from: origin_base_stream9\n"),
        "{rendered}"
    );
}

#[test]
fn a_step_before_a_builder_means_the_builder() {
    let step = "raw_steps:\n- pipeline_image_cache_step:\n    commands: dnf\n    from: ocp_builder_golang-1.21\n    to: mine\n";
    let there = NEW
        .replace(
            "      ocp_builder_golang-1.21:\n        as:",
            "      mine:\n        as:",
        )
        .replace("releases:\n", &format!("{step}releases:\n"));
    assert_eq!(merged(&there), there);
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
