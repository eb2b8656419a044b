//! What verifies a payload, audited and put right: the release controller's files, the bounds of upgrades, a pair that is missing.

use crate::support::audit_world;
use audit_world::World;
use serde_json::Value as Json;
use std::fs;

const CONFIGS: &str = "repos/openshift/release/ci-operator/config/openshift/release/openshift-release-main__okd-scos-";
const CONTROLLER: &str = "core-services/release-controller/_releases/release-okd-scos-4.17.json";

fn write(world: &World, path: &str, text: &str) {
    let path = world.path(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn main_config(release: &str, lower: &str, upper: &str) -> String {
    format!(
        "releases:\n  initial:\n    prerelease:\n      product: okd\n      version_bounds:\n        lower: {lower}\n        stream: \
         4-scos-stable\n        upper: {upper}\ntests:\n- as: e2e\n  interval: 168h\n  steps:\n    workflow: \
         e2e\nzz_generated_metadata:\n  branch: main\n  org: openshift\n  repo: release\n  variant: okd-scos-{release}\n"
    )
}

/// 4.16 and 4.17: names of jobs of another branch, formatted by hand; bounds counted up; no upgrade from 4.16, though one to it.
fn world() -> World {
    let world = World::base();
    let text = fs::read_to_string(world.path("lockstep.yaml")).expect("a file");
    fs::write(
        world.path("lockstep.yaml"),
        text.replace("[\"4.16\"]", "[\"4.16\", \"4.17\"]"),
    )
    .expect("a file");
    write(
        &world,
        &format!("{CONFIGS}4.16.yaml"),
        &main_config("4.16", "4.14.0-0", "4.999.0-0"),
    );
    write(
        &world,
        &format!("{CONFIGS}4.17.yaml"),
        &main_config("4.17", "4.17.0-0", "4.1001.0-0"),
    );
    let pair = "releases:\n  initial:\n    candidate:\n      version: \"4.15\"\n  latest:\n    candidate:\n      version: \
                \"4.16\"\ntests:\n- as: upgrade\n  interval: 168h\n  steps:\n    workflow: upgrade\nzz_generated_metadata:\n  branch: \
                main\n  org: openshift\n  repo: release\n  variant: okd-scos-4.16-upgrade-from-okd-scos-4.15\n";
    write(&world, &format!("{CONFIGS}4.16-upgrade-from-okd-scos-4.15.yaml"), pair);
    let controller = "{\n  \"verify\": {\n    \"aws\":{ \"prowJob\": {\"name\":\"periodic-ci-openshift-release-master-okd-scos-4.17-e2e\"} \
                      }\n  }\n}\n";
    write(&world, &format!("repos/openshift/release/{CONTROLLER}"), controller);
    world
}

fn report(world: &World, args: &[&str]) -> Json {
    let args: Vec<String> = ["audit", "--format", "json"]
        .iter()
        .chain(args)
        .map(|&arg| arg.to_owned())
        .collect();
    let ran = world.run(&args);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

fn codes(report: &Json) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let mut codes: Vec<&str> = findings.filter_map(|finding| finding["code"].as_str()).collect();
    codes.sort_unstable();
    codes
}

fn file(world: &World, branch: &str, path: &str) -> String {
    let repo = git2::Repository::open(world.path("out/openshift/release.git")).expect("a repository");
    let tree = repo
        .find_branch(branch, git2::BranchType::Local)
        .expect("a branch")
        .get()
        .peel_to_tree()
        .expect("a tree");
    let entry = tree
        .get_path(path.as_ref())
        .unwrap_or_else(|_| panic!("{path} is not there"));
    let blob = repo.find_blob(entry.id()).expect("a file");
    String::from_utf8(blob.content().to_vec()).expect("UTF-8")
}

#[test]
fn what_has_a_plain_value_is_put_right_and_then_it_is_quiet() {
    let world = world();
    let found = report(&world, &[]);
    assert_eq!(
        codes(&found),
        [
            "bound-is-no-version",
            "nothing-to-upgrade-from",
            "upgrade-not-tested",
            "verify-without-job"
        ],
        "{found:#}"
    );
    let ran = report(&world, &["--fix", "--apply"]);
    assert_eq!(ran["fixes"].as_array().map(Vec::len), Some(4), "{ran:#}");
    let head = "lockstep/fixes/4.17";
    let folder = CONFIGS.trim_start_matches("repos/openshift/release/");
    let main = file(&world, head, &format!("{folder}4.17.yaml"));
    assert_eq!(
        main,
        main_config("4.17", "4.15.0-0", "4.999.0-0"),
        "both bounds, and nothing else"
    );
    let controller = file(&world, head, CONTROLLER);
    assert!(
        controller.contains(
            "    \"aws\":{ \"prowJob\": {\"name\":\"periodic-ci-openshift-release-main-okd-scos-4.17-e2e\"} }\n"
        ),
        "{controller}"
    );
    let pair = file(&world, head, &format!("{folder}4.17-upgrade-from-okd-scos-4.16.yaml"));
    assert!(
        pair.contains("version: \"4.16\"") && pair.contains("version: \"4.17\""),
        "{pair}"
    );
    let jobs = file(
        &world,
        head,
        "ci-operator/jobs/openshift/release/openshift-release-main-periodics.yaml",
    );
    assert!(
        jobs.contains("okd-scos-4.17-upgrade-from-okd-scos-4.16-upgrade"),
        "{jobs}"
    );

    let repo = git2::Repository::open(world.path("out/openshift/release.git")).expect("a repository");
    let head = repo.refname_to_id(&format!("refs/heads/{head}")).expect("a branch");
    repo.reference("refs/heads/main", head, true, "merge")
        .expect("the base moves");
    let left = report(&world, &[]);
    // Which entry a payload is to wait for, people say.
    assert_eq!(codes(&left), ["job-without-verify", "upgrade-not-tested"], "{left:#}");
}

#[test]
fn without_gating_configs_it_says_what_was_not_judged() {
    let world = World::base();
    write(
        &world,
        &format!("repos/openshift/release/{CONTROLLER}"),
        "{\"verify\": {\"a\": {\"prowJob\": {\"name\": \"x\"}}}}",
    );
    let found = report(&world, &[]);
    assert_eq!(codes(&found), Vec::<&str>::new());
    let skipped = found["skipped"].to_string();
    for code in ["verify-without-job", "upgrade-not-tested", "gating-behind"] {
        assert!(skipped.contains(code), "{skipped}");
    }
    assert!(
        skipped.contains("the gating configs of the CI configs' own repository"),
        "{skipped}"
    );
}
