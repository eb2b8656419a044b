use std::sync::Arc;

use crate::derive::tests::world::{World, config_path};
use crate::plan::{Accept, Adopt};
use crate::yaml::{emit, parse};

mod forms;
mod froms;
mod properties;
mod removal;

/// `cli` is built from a stream with a builder, `tools` from `cli` in the same repository.
fn world() -> World {
    World::new()
        .image(
            "cli",
            "cli",
            "{builder: [{stream: golang}], stream: base}",
            "FROM registry.ci.openshift.org/ocp/builder:golang-1.21 AS builder\nFROM registry.ci.openshift.org/ocp/4.16:base\n",
        )
        .image("tools", "cli", "{member: cli}", "FROM registry.ci.openshift.org/ocp/4.16:cli\n")
}

const NEW: &str = "\
base_images:
  ocp_builder_golang-1.21:
    name: builder
    namespace: ocp
    tag: golang-1.21
  origin_base_stream9:
    name: base
    namespace: origin
    tag: stream9
build_root:
  image_stream_tag:
    name: release
    namespace: openshift
    tag: golang-9
images:
  items:
  - build_args:
    - name: TAGS
      value: scos
    dockerfile_path: cli.Dockerfile
    from: origin_base_stream9
    inputs:
      ocp_builder_golang-1.21:
        as:
        - builder
        - registry.ci.openshift.org/ocp/builder:golang-1.21
    to: cli
  - build_args:
    - name: TAGS
      value: scos
    dockerfile_path: tools.Dockerfile
    from: cli
    to: tools
promotion:
  to:
  - name: scos-4.16
    namespace: origin
prowgen:
  enable_secrets_store_csi_driver: true
releases:
  latest:
    integration:
      include_built_images: true
      name: scos-4.16
      namespace: origin
resources:
  '*':
    requests:
      cpu: 100m
      memory: 200Mi
tests:
- always_run: false
  as: e2e-aws-ovn
  optional: true
  steps:
    cluster_profile: openshift-org-aws
    workflow: openshift-e2e-aws
zz_generated_metadata:
  branch: release-4.16
  org: openshift
  repo: cli
  variant: okd-scos
";

/// A config after a change of its text, written canonically.
fn edited(change: impl Fn(&str) -> String) -> String {
    let text = change(NEW);
    assert_ne!(text, NEW, "the change changes something");
    emit(&parse(text.as_bytes()).expect("still YAML"))
}

/// What becomes of a config that is there.
fn merged(there: &str) -> String {
    world().config("cli", there).rendered("cli").expect("the file stays")
}

#[test]
fn a_new_file_says_everything_and_is_one_cause() {
    let world = world();
    assert_eq!(world.rendered("cli").as_deref(), Some(NEW));
    let files = world.render().files;
    let [cause] = files[0].causes.as_slice() else {
        panic!("{:?}", files[0].causes)
    };
    assert_eq!((cause.rule.as_str(), cause.field.as_str()), ("needed-payload", "file"));
    assert_eq!(cause.new.as_deref(), Some("builds cli, tools"));
    assert!(cause.because.contains("payload"), "{}", cause.because);
}

#[test]
fn an_image_needed_for_another_says_for_which() {
    let base = "name: openshift/base\npayload_name: base-image\nfrom: {stream: base}\ncontent:\n  source:\n    git:\n      \
                url: https://github.com/openshift-priv/base\n";
    let world = World::new()
        .metadata("base", base)
        .dockerfile("base", "Dockerfile", "FROM x\n")
        .image("cli", "cli", "{member: base}", "FROM y\n");
    let files = world.render().files;
    let file = files
        .iter()
        .find(|file| file.path == config_path("base"))
        .expect("its config");
    let [cause] = file.causes.as_slice() else {
        panic!("{:?}", file.causes)
    };
    assert_eq!(
        (cause.rule.as_str(), cause.because.as_str()),
        ("built-for-okd", "cli is built from it")
    );
    assert!(cause.rule_at.starts_with("rules/20-images.yaml:"), "{}", cause.rule_at);
}

#[test]
fn a_file_as_it_should_be_keeps_its_bytes() {
    let commented = format!("# kept\n{NEW}");
    for text in [NEW, &commented] {
        let world = world().config("cli", text);
        assert_eq!(world.rendered("cli").as_deref(), Some(text));
        assert_eq!(world.causes("cli"), []);
        assert!(world.render().files[0].notes.is_empty());
    }
}

#[test]
fn what_people_added_survives_a_change() {
    let with_additions = edited(|text| {
        text.replace("scos-4.16", "scos-4.15")
            .replace("resources:\n", "binary_build_commands: make\nresources:\n")
            .replace("cpu: 100m", "cpu: 900m")
            .replace("    to: cli\n", "    optional: true\n    to: cli\n")
            .replace(
                "    - name: TAGS\n      value: scos\n    dockerfile_path: cli",
                "    - name: MINE\n      value: 'yes'\n    - name: TAGS\n      value: scos\n    dockerfile_path: cli",
            )
            .replace("promotion:\n", "  - from: cli\n    to: by-hand\npromotion:\n")
            .replace(
                "  origin_base_stream9:\n",
                "  by-hand:\n    name: x\n    namespace: y\n    tag: z\n  origin_base_stream9:\n",
            )
            .replace(
                "  - name: scos-4.15\n",
                "  - excluded_images: [tools]\n    name: scos-4.15\n",
            )
            .replace(
                "  latest:\n",
                "  initial:\n    integration: {name: scos-4.14, namespace: origin}\n  latest:\n",
            )
            .replace(
                "    cluster_profile: openshift-org-aws\n",
                "    cluster_profile: by-hand\n    env: {A: b}\n",
            )
            .replace(
                "- always_run: false\n",
                "- as: unit\n  commands: make test\n- always_run: false\n",
            )
            .replace(
                "    inputs:\n",
                "    inputs:\n      bin:\n        paths:\n        - {destination_dir: ., source_path: /x}\n",
            )
    });
    let expected = emit(&parse(with_additions.replace("scos-4.15", "scos-4.16").as_bytes()).expect("YAML"));
    assert_eq!(merged(&with_additions), expected);
    let causes = world().config("cli", &with_additions).causes("cli");
    let fields: Vec<_> = causes
        .iter()
        .map(|(field, item, _)| format!("{field} {item}"))
        .collect();
    assert_eq!(fields, ["promotion ", "releases.latest "]);
}

#[test]
fn each_managed_field_is_put_right_for_its_own_reason() {
    let cases: [(&str, &str, &str, &str); 8] = [
        ("tag: golang-9", "tag: golang-8", "build_root", "build-root-golang"),
        (
            "from: origin_base_stream9",
            "from: cli",
            "images[].from",
            "stream-upstream",
        ),
        (
            "dockerfile_path: cli.Dockerfile",
            "dockerfile_path: x",
            "images[].dockerfile_path",
            "dockerfile-of-ocp",
        ),
        (
            "dockerfile_path: cli.",
            "context_dir: x\n    dockerfile_path: cli.",
            "images[].context_dir",
            "context-of-alignment",
        ),
        (
            "value: scos\n    dockerfile_path: cli",
            "value: fcos\n    dockerfile_path: cli",
            "images[].build_args",
            "build-arg-tags",
        ),
        (
            "      ocp_builder_golang-1.21:\n        as",
            "      origin_base_stream9:\n        as",
            "images[].inputs",
            "stream-upstream",
        ),
        ("tag: stream9", "tag: stream8", "base_images", "stream-upstream"),
        (
            "variant: okd-scos",
            "variant: other",
            "zz_generated_metadata",
            "payload-on-app-ci",
        ),
    ];
    for (right, wrong, field, rule) in cases {
        let there = edited(|text| text.replacen(right, wrong, 1));
        let world = world().config("cli", &there);
        assert_eq!(world.rendered("cli").as_deref(), Some(NEW), "{field}");
        let causes = world.causes("cli");
        assert!(
            causes.iter().any(|(f, _, r)| f == field && r == rule),
            "{field}: {causes:?}"
        );
        let cause = world.render().files[0].causes[0].clone();
        assert_ne!(cause.old, cause.new, "{field}");
    }
}

#[test]
fn a_file_that_was_not_canonical_is_rewritten_only_with_a_change_and_that_is_said() {
    let loose = format!("# by hand\n{}", NEW.replace("scos-4.16", "scos-4.15"));
    let world = world().config("cli", &loose);
    assert_eq!(world.rendered("cli").as_deref(), Some(NEW));
    let notes = world.render().files[0].notes.clone();
    assert!(notes.iter().any(|note| note.contains("canonical")), "{notes:?}");
}

#[test]
fn a_base_image_of_ours_goes_only_when_nothing_refers_to_it() {
    let entry =
        |key: &str| format!("  {key}:\n    name: old\n    namespace: ocp\n    tag: x\n  ocp_builder_golang-1.21:\n");
    let idle = edited(|text| {
        text.replacen("  ocp_builder_golang-1.21:\n", &entry("ocp_old_x"), 1)
            .replace("tag: golang-9", "tag: golang-8")
    });
    assert_eq!(merged(&idle), NEW);
    let used = edited(|text| {
        let text = text.replacen("  ocp_builder_golang-1.21:\n", &entry("ocp_old_x"), 1);
        text.replace("tag: golang-9", "tag: golang-8")
            .replace("tests:\n", "tests:\n- as: unit\n  container: {from: ocp_old_x}\n")
    });
    assert!(merged(&used).contains("ocp_old_x:\n"));
    let named_by_hand = edited(|text| {
        text.replacen("  ocp_builder_golang-1.21:\n", &entry("mine"), 1)
            .replace("tag: golang-9", "tag: golang-8")
    });
    assert!(merged(&named_by_hand).contains("  mine:\n"));
}

#[test]
fn a_step_that_prepares_the_base_follows_the_image() {
    let world = World::new().image_with(
        "cli",
        "cli",
        "{stream: base}",
        "FROM x\n",
        "inject_rpm_repositories: [{id: extra, baseurl: 'https://example.org/el9'}]",
    );
    let text = world.rendered("cli").expect("a config");
    assert!(text.contains("from: pre-repo-cli\n"), "{text}");
    assert!(text.contains("raw_steps:\n- pipeline_image_cache_step:\n"), "{text}");
    assert!(text.contains("https://example.org/el9"), "{text}");
    let without = emit(&{
        let mut root = parse(text.as_bytes()).expect("YAML");
        root.as_map_mut().expect("a mapping").remove("raw_steps");
        root
    });
    let world = world.config("cli", &without);
    assert_eq!(world.rendered("cli"), Some(text));
    assert_eq!(world.causes("cli")[0].0, "raw_steps[]");
}

#[test]
fn what_cannot_be_read_stays_and_is_reported() {
    for (text, message) in [
        ("a: [\n", "cannot be read"),
        ("- a\n", "a mapping is expected"),
        ("a: 1\na: 2\n", "cannot be read"),
    ] {
        let world = world().config("cli", text);
        let rendered = world.render();
        assert_eq!(world.rendered("cli").as_deref(), Some(text));
        assert!(rendered.files[0].held);
        let finding = rendered
            .findings
            .iter()
            .find(|f| f.code == "unreadable-config")
            .expect("a finding");
        assert!(finding.message.contains(message), "{finding}");
        let place = finding.place.as_ref().expect("a place");
        assert_eq!(
            (place.file.as_str(), place.line.is_some()),
            (config_path("cli").as_str(), true)
        );
        assert!(finding.help.is_some());
    }
    let mut world = world();
    world.unreadable.insert(config_path("cli"), "too large".to_owned());
    let files = world.render().files;
    assert!(files[0].held && files[0].after.is_none() && files[0].before.is_none());
}

#[test]
fn an_image_that_could_not_be_derived_keeps_its_entry() {
    let there = edited(|text| {
        text.replace("dockerfile_path: cli.Dockerfile", "dockerfile_path: old")
            .replace("dockerfile_path: tools.Dockerfile", "dockerfile_path: old")
    });
    let world = world()
        .config("cli", &there)
        .dockerfile("cli", "cli.Dockerfile", "FROM only\n");
    let expected = there.replacen(
        "dockerfile_path: old\n    from: cli",
        "dockerfile_path: tools.Dockerfile\n    from: cli",
        1,
    );
    assert_eq!(world.rendered("cli"), Some(expected));
    assert_eq!(world.codes(), ["stage-count"]);
}

#[test]
fn an_image_waits_for_one_of_its_repository_that_is_not_there() {
    let other = World::new().image("other", "cli", "{stream: base}", "FROM x\n");
    let alone = other.rendered("cli").expect("a config");
    let mut world = world().image("other", "cli", "{stream: base}", "FROM x\n");
    world = world.dockerfile("cli", "cli.Dockerfile", "FROM only\n");
    assert_eq!(world.rendered("cli"), Some(alone));
    assert_eq!(world.codes(), ["stage-count", "waits-for-image"]);
    let notes = world.render().files[0].notes.clone();
    assert_eq!(notes.len(), 2, "{notes:?}");
}

#[test]
fn a_dockerfile_outside_its_context_costs_only_its_image() {
    let world = world().image_with("far", "cli", "{stream: base}", "FROM x\n", "context_dir: sub");
    assert_eq!(world.rendered("cli").as_deref(), Some(NEW));
    assert_eq!(world.codes(), ["outside-context"]);
}

#[test]
fn a_pullspec_that_ci_does_not_serve_leaves_what_stands_for_it() {
    let there = edited(|text| text.replace("tag: golang-9", "tag: golang-8"));
    let mut world = world().config("cli", &there);
    world = world.image(
        "cli",
        "cli",
        "{builder: [{image: quay.io/x/y:z}], image: 'quay.io/x/base:z'}",
        "FROM registry.ci.openshift.org/ocp/builder:golang-1.21 AS builder\nFROM registry.ci.openshift.org/ocp/4.16:base\n",
    );
    let text = world.rendered("cli").expect("the file");
    assert!(text.contains("    from: origin_base_stream9\n"), "{text}");
    assert!(world.codes().contains(&"foreign-pullspec".to_owned()));
}

#[test]
fn the_policy_leaves_exactly_what_it_refuses() {
    let there = edited(|text| {
        text.replace("tag: golang-9", "tag: golang-8")
            .replace("dockerfile_path: cli.Dockerfile", "dockerfile_path: old")
    });
    let accept = Accept {
        cause: "build_root".to_owned(),
        component: None,
        image: None,
        release: None,
        reason: "tried out".to_owned(),
        author: "ann".to_owned(),
        until: None,
        at: None,
    };
    let mut world = world().config("cli", &there);
    world.policy.accept = vec![accept];
    assert_eq!(
        world.rendered("cli"),
        Some(NEW.replace("tag: golang-9", "tag: golang-8"))
    );
    let file = world.render().files.remove(0);
    assert_eq!(file.refused.len(), 1);
    assert_eq!(file.refused[0].cause.field, "build_root");
    world.policy.accept.clear();
    world.policy.adopt = Adopt {
        causes: vec!["build_root".to_owned()],
        ..Adopt::default()
    };
    assert_eq!(
        world.rendered("cli"),
        Some(NEW.replace("dockerfile_path: cli.Dockerfile", "dockerfile_path: old"))
    );
}

#[test]
fn a_change_that_is_made_takes_along_what_it_refers_to() {
    let there = edited(|text| {
        let entry = "  origin_base_stream9:\n    name: base\n    namespace: origin\n    tag: stream9\n";
        text.replace("from: origin_base_stream9", "from: old")
            .replace(entry, "  old:\n    name: o\n    namespace: l\n    tag: d\n")
    });
    let mut world = world().config("cli", &there);
    world.policy.adopt.causes = vec!["images[].from".to_owned()];
    let text = world.rendered("cli").expect("the file");
    assert!(
        text.contains("from: origin_base_stream9") && text.contains("  origin_base_stream9:\n"),
        "{text}"
    );
    assert!(text.contains("  old:\n"), "{text}");
    let all = world.causes("cli");
    assert_eq!(all.len(), 1, "{all:?}");
}

#[test]
fn a_refused_new_file_stays_away() {
    let mut world = world();
    world.policy.adopt.components = vec!["openshift/other".to_owned()];
    let files = world.render().files;
    assert_eq!((files[0].after.clone(), files[0].refused.len()), (None::<Arc<[u8]>>, 1));
}
