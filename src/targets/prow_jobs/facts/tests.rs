//! Tests of what a config says of its jobs.

use super::*;

fn facts(text: &str) -> ConfigFacts {
    read(text.as_bytes()).expect("YAML")
}

/// The jobs of a config: kind, what starts them, and name.
fn asked(text: &str) -> Vec<String> {
    let jobs = facts(text).jobs;
    let told = jobs
        .iter()
        .map(|job| format!("{} {} {}", job.kind.word(), job.runs.word(), job.name));
    told.collect()
}

#[test]
fn durations_are_written_as_go_writes_them() {
    let told = |text: &str| go::duration(text).map(go::show);
    for (text, expected) in [
        ("4h", "4h0m0s"),
        ("90m", "1h30m0s"),
        ("1h30m", "1h30m0s"),
        ("45s", "45s"),
        ("100s", "1m40s"),
        ("1.5h", "1h30m0s"),
        ("1500ms", "1.5s"),
        ("250ms", "250ms"),
        ("2us", "2µs"),
        ("7ns", "7ns"),
        ("0", "0s"),
        ("+1m", "1m0s"),
    ] {
        assert_eq!(told(text).as_deref(), Some(expected), "{text}");
    }
    for text in ["", "4", "h", "4x", "1h-3m", "-1h", "99999999999h", "four hours"] {
        assert_eq!(told(text), None, "{text}");
    }
}

#[test]
fn paths_are_joined_as_go_joins_them() {
    for (folder, path, expected) in [
        ("images", "Dockerfile", "images/Dockerfile"),
        (".", "Dockerfile", "Dockerfile"),
        ("./a//b/", "../c/./Dockerfile", "a/c/Dockerfile"),
        ("a", "../../Dockerfile", "../Dockerfile"),
        ("/a", "../../x", "/x"),
        ("a", "..", "."),
    ] {
        assert_eq!(go::join(folder, path), expected, "{folder} {path}");
    }
}

#[test]
fn images_are_built_and_promoted_after_merges_and_by_the_clock() {
    let images = "images:\n  items:\n  - to: a\n";
    assert_eq!(asked(images), ["images presubmit images"]);
    let promoted = format!("{images}promotion:\n  to:\n  - {{namespace: origin, name: x, disabled: true}}\n");
    assert_eq!(
        asked(&promoted),
        ["images presubmit images", "promotion postsubmit images"]
    );
    let clock = format!("{images}promotion:\n  cron: '@daily'\n");
    let expected = [
        "images presubmit images",
        "promotion postsubmit images",
        "promotion periodic images",
    ];
    assert_eq!(asked(&clock), expected);
    let additional = "promotion:\n  to:\n  - {namespace: ocp, additional_images: {b: w, a: x, c: x}}\n";
    assert_eq!(
        asked(additional),
        ["images presubmit images", "promotion postsubmit images"]
    );
    assert_eq!(facts(additional).view["additional_images"], json!(["w", "x"]));
    for none in ["", "images: {items: []}\n", "promotion: {to: []}\n", "images:\n"] {
        assert_eq!(asked(none), Vec::<String>::new(), "{none}");
    }
}

#[test]
fn a_test_becomes_a_job_for_each_shard_and_for_each_that_starts_it() {
    let config = "tests:\n- {as: unit}\n- {as: after, postsubmit: true}\n- {as: night, cron: x, postsubmit: true}\n\
                  - {as: both, interval: 6h, presubmit: true}\n- {as: parts, shard_count: 2}\n- {as: none, shard_count: 0}\n\
                  - {as: one, shard_count: 1}\n- {as: asked, release_controller: true}\n- {commands: nothing}\n";
    let expected = [
        "test presubmit unit",
        "test postsubmit after",
        "test periodic night",
        "test periodic both",
        "test presubmit both",
        "test presubmit parts-1of2",
        "test presubmit parts-2of2",
        "test presubmit one",
        "test periodic asked",
    ];
    assert_eq!(asked(config), expected);
}

#[test]
fn only_a_report_of_the_presubmit_is_the_presubmits() {
    let config = |more: &str| {
        format!("tests:\n- as: t\n  cron: x\n  presubmit: true\n  reporter_config: {{channel: '#c'{more}}}\n")
    };
    let reports = |text: &str| {
        facts(text)
            .jobs
            .iter()
            .map(|job| job.test["reports"] == true)
            .collect::<Vec<_>>()
    };
    assert_eq!(reports(&config("")), [true, false]);
    assert_eq!(reports(&config(", report_presubmit: true")), [true, true]);
}

#[test]
fn bundles_become_jobs_by_name_and_one_for_those_without() {
    let config = "operator:\n  bundles:\n  - {}\n  - {as: b, optional: true, capabilities: [intranet]}\n  - {as: c, skip_building_index: true}\n  - {}\n";
    assert_eq!(
        asked(config),
        [
            "bundle presubmit ci-index-b",
            "bundle presubmit ci-bundle-c",
            "bundle presubmit ci-index"
        ]
    );
    let targets: Vec<Json> = facts(config).jobs.iter().map(|job| job.test["as"].clone()).collect();
    assert_eq!(targets, ["ci-index-b", "c", "ci-index"]);
    assert_eq!(facts(config).jobs[0].test["capabilities"], json!(["intranet"]));
    assert_eq!(
        asked(&format!("{config}prowgen: {{skip_operator_presubmits: true}}\n")),
        Vec::<String>::new()
    );
}

#[test]
fn a_job_reads_dockerfiles_and_the_build_roots_name() {
    let config = "build_root: {from_repository: true}\nimages:\n  items:\n  - {to: a}\n  - {to: b, context_dir: x/, dockerfile_path: ./D}\n  - {to: c, dockerfile_literal: FROM x}\n  - {to: d, ref: org.repo}\n  - {to: e, dockerfile_path: ./D}\n";
    let expected = json!(["./D", ".ci-operator.yaml", "Dockerfile", "x/D"]);
    assert_eq!(facts(config).view["checkout"], expected);
    assert_eq!(
        facts("build_root: {image_stream_tag: {}}\n").view["checkout"],
        json!([])
    );
}

#[test]
fn secrets_are_told_apart() {
    let config =
        "tests:\n- as: t\n  secret: {name: b}\n  secrets: [{name: a}, {name: b}, {bundle: x}, {collection: c}]\n";
    let test = &facts(config).jobs[0].test;
    // A collection without a group is none: the generator takes it for a secret without a name.
    assert_eq!(test["secrets"], json!(["", "a", "b"]));
    assert_eq!(test["managed_secrets"], true);
    let group = "tests:\n- as: t\n  secrets: [{collection: c, group: g}]\n";
    assert_eq!(facts(group).jobs[0].test["managed_secrets"], true);
}

#[test]
fn requests_of_a_test_are_the_defaults_and_its_own() {
    let config = "resources:\n  '*': {requests: {cpu: 100m, memory: 1Gi}}\n  t: {requests: {cpu: '2', devices.kubevirt.io/kvm: 1}}\ntests:\n- {as: t}\n- {as: u}\n";
    let jobs = facts(config).jobs;
    assert_eq!(
        jobs[0].test["requests"],
        json!({"cpu": "2", "devices.kubevirt.io/kvm": "1", "memory": "1Gi"})
    );
    assert_eq!(jobs[1].test["requests"], json!({"cpu": "100m", "memory": "1Gi"}));
}

#[test]
fn keys_that_nobody_knows_are_told_with_their_lines() {
    let config = "prowgen:\n  private: true\n  privat: true\nimages:\n  items: []\n  run_if_change: x\n";
    let told: Vec<_> = facts(config)
        .unknown
        .iter()
        .map(|u| (u.section, u.key.clone(), u.line))
        .collect();
    assert_eq!(
        told,
        [
            ("prowgen", "privat".to_owned(), 3),
            ("images", "run_if_change".to_owned(), 6)
        ]
    );
    assert_eq!(facts("images:\n- to: a\n").unknown, []);
}
