//! `lockstep audit --fix`: what is safe to change is shown, made into pull requests, and gone once they are merged.

use crate::support::audit_world;
use std::collections::BTreeSet;
use std::fs;

use audit_world::{Ran, World};
use serde_json::Value as Json;

const BUILD_DATA: &str = "git/openshift-eng/ocp-build-data";
const BEACON: &str = "images/beacon.yml";
const OLD: &str = "ci-operator/config/openshift/beacon/openshift-beacon-release-4.9__okd-scos.yaml";
const JOBS: &str = "ci-operator/jobs/openshift/beacon/openshift-beacon-release-4.9-presubmits.yaml";

/// A config without OCP's beside it, with a job of ours and one of somebody else.
fn left_over() -> World {
    let world = World::base();
    write(&world, &format!("repos/openshift/release/{OLD}"), CONFIG);
    write(&world, &format!("repos/openshift/release/{JOBS}"), TWO_JOBS);
    world
}

const CONFIG: &str = "images:\n- to: beacon\npromotion:\n  to:\n  - name: scos-4.9\n    namespace: origin\n";

const TWO_JOBS: &str = "presubmits:
  openshift/beacon:
  - agent: kubernetes
    name: pull-ci-openshift-beacon-release-4.9-images
  - agent: kubernetes
    labels:
      ci-operator.openshift.io/variant: okd-scos
      ci.openshift.io/generator: prowgen
    name: pull-ci-openshift-beacon-release-4.9-okd-scos-images
";

/// Build data in a repository, with these changes of a file.
fn in_git(changes: &[(&str, &str, &str)]) -> World {
    let world = World::base();
    fs::create_dir_all(world.path("git/openshift-eng")).expect("a folder");
    fs::rename(world.path("build-data/4.16"), world.path(BUILD_DATA)).expect("it is moved");
    for (file, old, new) in changes {
        edit(&world, &format!("{BUILD_DATA}/{file}"), old, new);
    }
    edit(&world, "lockstep.yaml", "build-data/{release}", BUILD_DATA);
    let repo = format!("{{repo: {BUILD_DATA}, branch: openshift-4.16}}");
    world
        .commit(&serde_yaml::from_str(&repo).expect("YAML"))
        .expect("a commit");
    world
}

fn write(world: &World, path: &str, text: &str) {
    let path = world.path(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

fn edit(world: &World, path: &str, old: &str, new: &str) {
    let text = fs::read_to_string(world.path(path)).expect("a file");
    assert!(text.contains(old), "{path} has no `{old}`");
    fs::write(world.path(path), text.replacen(old, new, 1)).expect("a file");
}

fn run(world: &World, args: &[&str]) -> Ran {
    let args: Vec<String> = ["audit"].iter().chain(args).map(|&arg| arg.to_owned()).collect();
    world.run(&args)
}

fn json(world: &World, args: &[&str]) -> Json {
    let args: Vec<&str> = args.iter().copied().chain(["--format", "json"]).collect();
    let ran = run(world, &args);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

/// The codes and changes that findings carry.
fn offered(report: &Json) -> BTreeSet<(String, String)> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let text = |value: &Json| value.as_str().map(str::to_owned);
    findings
        .filter_map(|finding| Some((text(&finding["code"])?, text(&finding["fix"])?)))
        .collect()
}

/// Merges the branch of the fixes, as a person would.
fn merge(world: &World, repo: &str, base: &str) {
    let repo = git2::Repository::open(world.path(repo)).expect("a repository");
    let head = repo
        .refname_to_id("refs/heads/lockstep/fixes/4.16")
        .expect("a branch of fixes");
    repo.reference(&format!("refs/heads/{base}"), head, true, "merge")
        .expect("the base moves");
}

/// A file of a branch.
fn file(world: &World, repo: &str, branch: &str, path: &str) -> Option<String> {
    let repo = git2::Repository::open(world.path(repo)).expect("a repository");
    let tree = repo
        .find_branch(branch, git2::BranchType::Local)
        .ok()?
        .get()
        .peel_to_tree();
    let entry = tree.ok()?.get_path(path.as_ref()).ok()?;
    let blob = repo.find_blob(entry.id()).expect("a file");
    Some(String::from_utf8(blob.content().to_vec()).expect("UTF-8"))
}

#[test]
fn a_config_that_is_left_over_goes_with_its_jobs() {
    let world = left_over();
    let some = json(&world, &["--fix", "--release", "4.16"]);
    assert!(some["findings"].to_string().contains("stale-config"), "{some:#}");
    assert!(
        offered(&some).is_empty(),
        "of the others nobody knows whether they need it: {some:#}"
    );
    let ran = run(&world, &[]);
    assert!(
        ran.stdout
            .contains("1 of these has a safe change: `lockstep audit --fix` shows it"),
        "{}",
        ran.stdout
    );
    let ran = run(&world, &["--fix"]);
    insta::assert_snapshot!("a_config_goes", ran.stdout);
    let report = json(&world, &["--fix"]);
    let fixes = report["fixes"].as_array().expect("fixes");
    let told: Vec<_> = fixes.iter().map(|fix| (&fix["path"], &fix["change"])).collect();
    assert_eq!(
        told,
        [
            (&Json::from(OLD), &Json::from("removed")),
            (&Json::from(JOBS), &Json::from("changed"))
        ]
    );
    assert!(
        fixes
            .iter()
            .all(|fix| fix["codes"] == serde_json::json!(["stale-config"]))
    );
    assert!(!world.path("out").exists(), "nothing is written without --apply");

    let ran = run(&world, &["--fix", "--apply"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("new pull request"), "{}", ran.stderr);
    let (repo, head) = ("out/openshift/release.git", "lockstep/fixes/4.16");
    assert_eq!(file(&world, repo, head, OLD), None);
    let jobs = file(&world, repo, head, JOBS).expect("another one's job stays");
    assert!(
        jobs.contains("release-4.9-images") && !jobs.contains("okd-scos"),
        "{jobs}"
    );
    let again = run(&world, &["--fix", "--apply"]);
    assert!(again.stderr.contains("up to date"), "{}", again.stderr);

    merge(&world, repo, "main");
    let report = json(&world, &["--fix", "--apply"]);
    assert_eq!(report["findings"], serde_json::json!([]));
    assert_eq!(report["fixes"], serde_json::json!([]));
}

#[test]
fn a_config_that_somebody_worked_on_stays() {
    let offered_with = |config: &str| {
        let world = left_over();
        write(&world, &format!("repos/openshift/release/{OLD}"), config);
        offered(&json(&world, &[])).len()
    };
    assert_eq!(offered_with(CONFIG), 1);
    assert_eq!(
        offered_with(&CONFIG.replace("scos-4.9", "ptp-4.9")),
        0,
        "it is for something else"
    );
    assert_eq!(
        offered_with(&format!("{CONFIG}  - name: x\n    namespace: mine\n")),
        0,
        "and for something else"
    );
    assert_eq!(
        offered_with(&format!("{CONFIG}tests:\n- as: mine\n  commands: make\n")),
        0
    );
    assert_eq!(
        offered_with(&format!("{CONFIG}tests:\n- as: e2e-aws-ovn\n")),
        1,
        "a rule makes that one"
    );
}

#[test]
fn jobs_that_cannot_be_read_keep_their_config() {
    let world = left_over();
    write(&world, &format!("repos/openshift/release/{JOBS}"), "presubmits: [\n");
    let report = json(&world, &["--fix"]);
    assert_eq!(offered(&report), BTreeSet::new());
    assert_eq!(report["fixes"], serde_json::json!([]));
}

#[test]
fn the_config_of_the_old_name_of_a_branch_goes() {
    let world = World::base();
    edit(&world, "lockstep.yaml", "[\"4.16\"]", "[\"4.16\", \"4.17\"]");
    for branch in ["main", "master"] {
        let path = format!("ci-operator/config/openshift/beacon/openshift-beacon-{branch}__okd-scos.yaml");
        write(
            &world,
            &format!("repos/openshift/release/{path}"),
            &CONFIG
                .replace("4.9", "4.17")
                .replace("promotion:\n", "promotion:\n  disabled: true\n"),
        );
    }
    let report = json(&world, &["--fix"]);
    let fixes = report["fixes"].as_array().expect("fixes");
    let told: Vec<_> = fixes.iter().filter_map(|fix| fix["path"].as_str()).collect();
    assert_eq!(
        told,
        ["ci-operator/config/openshift/beacon/openshift-beacon-master__okd-scos.yaml"],
        "4.17 is built from main"
    );
}

/// One mistake for each code of metadata that has a fix.
const MISTAKES: [(&str, &str, &str); 7] = [
    (BEACON, "member: harbor-base", "member: harbour-base"),
    (BEACON, "stream: golang", "stream: golnag"),
    (BEACON, "payload_name: beacon\n", ""),
    (
        "images/tidewatch.yml",
        "dockerfile: Dockerfile.okd",
        "# ours\n      dockerfil: Dockerfile.okd",
    ),
    ("images/tidewatch.yml", "golang\n", "golang-{GO_LATST}\n"),
    (
        "images/harbor-base.yml",
        "  source:\n",
        "  source:\n    okd_alignment:\n      tag_name: harbor-base\n",
    ),
    (
        "images/harbor-base.yml",
        "release-{MAJOR}.{MINOR}",
        "release-4.16 # for now",
    ),
];

#[test]
fn small_mistakes_of_metadata_are_put_right_and_nothing_else_moves() {
    let world = in_git(&MISTAKES);
    let report = json(&world, &[]);
    let codes: BTreeSet<String> = offered(&report).into_iter().map(|(code, _)| code).collect();
    let expected = [
        "dangling-member",
        "dangling-stream",
        "dangling-variable",
        "literal-release",
        "override-equals-default",
        "payload-name-missing",
        "unknown-okd-key",
    ];
    assert_eq!(codes, expected.map(str::to_owned).into(), "{report:#}");
    insta::assert_snapshot!("mistakes_of_metadata", run(&world, &["--fix"]).stdout);

    let ran = run(&world, &["--fix", "--apply"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let (base, head) = ("openshift-4.16", "lockstep/fixes/4.16");
    for name in ["beacon", "harbor-base", "tidewatch"] {
        let path = format!("images/{name}.yml");
        let after = file(&world, BUILD_DATA, head, &path).expect("a file");
        let right = fs::read_to_string(
            std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("fixtures/audit/base/build-data/4.16/{path}")),
        );
        let right = right.expect("a file");
        let right = match name {
            // The key is put behind `for_payload`, and the comments stay.
            "beacon" => right.replace(
                "payload_name: beacon\nfor_payload: true\n",
                "for_payload: true\npayload_name: beacon\n",
            ),
            "tidewatch" => right
                .replace(
                    "      dockerfile: Dockerfile.okd",
                    "      # ours\n      dockerfile: Dockerfile.okd",
                )
                .replace("stream: golang\n", "stream: golang-{GO_LATEST}\n"),
            _ => right.replace("{MINOR}\n", "{MINOR} # for now\n"),
        };
        assert_eq!(after, right, "{path}");
        assert_ne!(Some(after), file(&world, BUILD_DATA, base, &path));
    }
    let again = run(&world, &["--fix", "--apply"]);
    assert!(again.stderr.contains("up to date"), "{}", again.stderr);
    merge(&world, BUILD_DATA, base);
    let report = json(&world, &["--fix", "--apply"]);
    assert_eq!(report["findings"], serde_json::json!([]));
}

#[test]
fn what_has_changed_meanwhile_is_left_alone() {
    let world = in_git(&MISTAKES[..1]);
    let ran = run(&world, &["--fix", "--apply"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // Somebody else commits to the branch of the request: it is theirs from now on.
    let repo = git2::Repository::open(world.path(BUILD_DATA)).expect("a repository");
    let name = "refs/heads/lockstep/fixes/4.16";
    let tip = repo.find_reference(name).and_then(|head| head.peel_to_commit());
    let tip = tip.expect("a commit");
    let who = git2::Signature::new("Ann", "ann@example.com", &git2::Time::new(1_800_000_000, 0)).expect("a name");
    let tree = tip.tree().expect("a tree");
    let theirs = repo.commit(Some(name), &who, &who, "mine", &tree, &[&tip]);
    let theirs = theirs.expect("a commit");
    let again = run(&world, &["--fix", "--apply"]);
    assert!(again.stderr.contains("commits of somebody else"), "{}", again.stderr);
    assert_eq!(repo.refname_to_id(name).expect("a branch"), theirs);
}

#[test]
fn no_change_is_offered_where_no_request_can_be_made_or_values_are_tried_out() {
    let world = World::base();
    edit(
        &world,
        "build-data/4.16/images/beacon.yml",
        "member: harbor-base",
        "member: harbour-base",
    );
    let report = json(&world, &["--fix"]);
    assert_eq!(report["findings"][0]["code"], "dangling-member");
    assert_eq!(offered(&report), BTreeSet::new(), "a plain directory");
    let ran = run(&world, &["--fix"]);
    assert!(
        ran.stdout.contains("nothing of this has a safe change"),
        "{}",
        ran.stdout
    );

    let world = in_git(&MISTAKES[..1]);
    assert_eq!(offered(&json(&world, &[])).len(), 1);
    assert_eq!(offered(&json(&world, &["--set", "vars.MINOR=16"])), BTreeSet::new());
}

#[test]
fn what_is_suppressed_is_not_changed() {
    let world = in_git(&MISTAKES[..2]);
    let lines = "state: state\naudit:\n  suppress:\n  - {code: dangling-member, reason: known, author: ann, until: 2099-01-31}\n";
    edit(&world, "lockstep.yaml", "state: state\n", lines);
    let report = json(&world, &["--fix"]);
    let fixes = report["fixes"].as_array().expect("fixes");
    let codes: Vec<_> = fixes.iter().map(|fix| fix["codes"].clone()).collect();
    assert_eq!(codes, [serde_json::json!(["dangling-stream"])]);
    let diff = fixes[0]["diff"].as_str().expect("a diff");
    assert!(
        diff.contains("+  - stream: golang\n") && !diff.contains("+  member"),
        "{diff}"
    );
}

/// A world with a config of 4.9 that has OCP's beside it, and build data of 4.9 in this phase.
fn of_phase(phase: &str, config: &str) -> Json {
    let world = World::base();
    write(&world, &format!("repos/openshift/release/{OLD}"), config);
    let plain = OLD.replace("__okd-scos", "");
    write(&world, &format!("repos/openshift/release/{plain}"), "images: []\n");
    let group = format!("vars: {{MAJOR: 4, MINOR: 9}}\nsoftware_lifecycle:\n  phase: {phase}\n");
    write(&world, "build-data/4.9/group.yml", &group);
    json(&world, &["--fix"])
}

#[test]
fn what_only_closed_releases_get_is_left_over() {
    let report = of_phase("eol", CONFIG);
    let told = report["findings"][0]["message"].as_str().expect("a finding");
    assert_eq!(
        told,
        "the branch release-4.9 of openshift/beacon is promoted to origin/scos-4.9, and release 4.9 is closed: its \
         `software_lifecycle.phase` in build data is `eol`"
    );
    assert_eq!(report["fixes"][0]["path"], OLD);
    let none = |report: Json| {
        let findings = report["findings"].as_array().expect("findings");
        let codes: Vec<_> = findings.iter().map(|finding| &finding["code"]).collect();
        assert!(!codes.contains(&&Json::from("stale-config")), "{codes:?}");
    };
    none(of_phase("release", CONFIG));
    none(of_phase("eol", &CONFIG.replace("namespace: origin", "namespace: mine")));
    none(of_phase(
        "eol",
        &format!("{CONFIG}  - name: scos-4.16\n    namespace: origin\n"),
    ));
    none(of_phase(
        "eol",
        &CONFIG.replace("promotion:\n", "promotion:\n  disabled: true\n"),
    ));
}

#[cfg(unix)]
#[test]
fn a_link_is_no_file_to_change() {
    let world = in_git(&[]);
    let images = world.path(BUILD_DATA).join("images");
    edit(
        &world,
        &format!("{BUILD_DATA}/{BEACON}"),
        "member: harbor-base",
        "member: harbour-base",
    );
    fs::rename(images.join("beacon.yml"), world.path(BUILD_DATA).join("elsewhere.yml")).expect("it is moved");
    std::os::unix::fs::symlink("../elsewhere.yml", images.join("beacon.yml")).expect("a link");
    let repo = format!("{{repo: {BUILD_DATA}, branch: openshift-4.16}}");
    world
        .commit(&serde_yaml::from_str(&repo).expect("YAML"))
        .expect("a commit");
    let report = json(&world, &["--fix"]);
    let codes: Vec<_> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|one| &one["code"])
        .collect();
    assert!(codes.contains(&&Json::from("dangling-member")), "{codes:?}");
    assert_eq!(offered(&report), BTreeSet::new());
}

#[test]
fn a_request_without_a_reason_is_closed_by_a_run_that_looks_at_everything() {
    let world = in_git(&MISTAKES[..1]);
    let ran = run(&world, &["--fix", "--apply"]);
    assert!(ran.stderr.contains("new pull request"), "{}", ran.stderr);
    let repo = git2::Repository::open(world.path(BUILD_DATA)).expect("a repository");
    let first = repo.head().and_then(|head| head.peel_to_commit()).expect("a commit");
    // Somebody puts it right in another way.
    edit(
        &world,
        &format!("{BUILD_DATA}/{BEACON}"),
        "  member: harbour-base",
        "  stream: base",
    );
    let again = format!("{{repo: {BUILD_DATA}, branch: openshift-4.16}}");
    world
        .commit(&serde_yaml::from_str(&again).expect("YAML"))
        .expect("a commit");
    let since = first.id().to_string();
    let ran = run(&world, &["--fix", "--apply", "--since", &since]);
    assert_eq!(ran.code, 64, "what is not new would lose its change: {}", ran.stderr);
    let ran = run(&world, &["--fix", "--apply"]);
    assert!(ran.stderr.contains("closed, the drift is gone"), "{}", ran.stderr);
    let ran = run(&world, &["--fix", "--apply"]);
    assert_eq!(ran.stderr, "", "nothing is left to do, and nothing is said");
}
