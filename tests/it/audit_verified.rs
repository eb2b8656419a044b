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

    merge(&world, head);
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

fn controller(release: &str, entries: &str) -> String {
    format!("{{\n  \"name\": \"{release}.0-0.okd-scos\",\n  \"verify\": {{\n{entries}\n  }}\n}}\n")
}

fn entry(key: &str, release: &str, job: &str, more: &str) -> String {
    format!(
        "    \"{key}\": {{{more}\n      \"prowJob\": {{\n        \"name\": \
         \"periodic-ci-openshift-release-main-okd-scos-{release}-{job}\"\n      }}\n    }}"
    )
}

fn upgrade(release: &str, from: &str) -> String {
    let more = format!("\n      \"upgradeFromRelease\": {{\"candidate\": {{\"version\": \"{from}\"}}}},");
    entry(
        "minor",
        release,
        &format!("upgrade-from-okd-scos-{from}-upgrade"),
        &more,
    )
}

fn pair(to: &str, from: &str) -> String {
    format!(
        "releases:\n  initial:\n    candidate:\n      version: \"{from}\"\n  latest:\n    candidate:\n      version: \
         \"{to}\"\ntests:\n- as: upgrade\n  interval: 168h\n  steps:\n    workflow: upgrade\nzz_generated_metadata:\n  branch: \
         main\n  org: openshift\n  repo: release\n  variant: okd-scos-{to}-upgrade-from-okd-scos-{from}\n"
    )
}

/// What a release's neighbours have is proposed for it as they have it, all in one request, and then it is quiet.
#[test]
fn what_the_neighbours_have_is_proposed_as_they_have_it() {
    let world = World::base();
    let text = fs::read_to_string(world.path("lockstep.yaml")).expect("a file");
    let text = text.replace("[\"4.16\"]", "[\"4.15\", \"4.16\", \"4.17\"]");
    fs::write(world.path("lockstep.yaml"), text).expect("a file");
    for release in ["4.15", "4.17"] {
        let from = world.path("build-data/4.16");
        let to = world.path(&format!("build-data/{release}"));
        if !to.exists() {
            copy(&from, &to);
        }
    }
    let more = "- as: more\n  interval: 168h\n  steps:\n    cluster_profile: aws\n    env:\n      CHANNEL: candidate-@\n    workflow: \
                e2e\n- as: spread\n  cron: @ * * *\n  steps:\n    workflow: e2e\n- as: third\n  interval: 24h\n  steps:\n    workflow: e2e\n";
    let config = |release: &str, lower: &str, upper: &str| main_config(release, lower, upper);
    let full = |release: &str, lower: &str| {
        let tests = more.replace('@', release);
        config(release, lower, "4.999.0-0").replace("zz_generated", &format!("{tests}zz_generated"))
    };
    write(&world, &format!("{CONFIGS}4.15.yaml"), &full("4.15", "4.13.0-0"));
    write(
        &world,
        &format!("{CONFIGS}4.16.yaml"),
        &config("4.16", "4.14.0-0", "4.1001.0-0"),
    );
    write(&world, &format!("{CONFIGS}4.17.yaml"), &full("4.17", "4.15.0-0"));
    for (to, from) in [("4.16", "4.15"), ("4.17", "4.16")] {
        let path = format!("{CONFIGS}{to}-upgrade-from-okd-scos-{from}.yaml");
        write(&world, &path, &pair(to, from));
    }
    let optional = "\n      \"optional\": true,";
    let entries = |release: &str, from: &str| {
        let jobs = [
            ("aws", "e2e"),
            ("more", "more"),
            ("spread", "spread"),
            ("third", "third"),
        ];
        let jobs = jobs.map(|(key, job)| entry(key, release, job, if key == "aws" { "" } else { optional }));
        [jobs.as_slice(), &[upgrade(release, from)]].concat().join(",\n")
    };
    let path = |release: &str| format!("repos/openshift/release/{}", CONTROLLER.replace("4.17", release));
    write(&world, &path("4.15"), &controller("4.15", &entries("4.15", "4.14")));
    write(
        &world,
        &path("4.16"),
        &controller("4.16", &entry("aws", "4.16", "e2e", "")),
    );
    write(&world, &path("4.17"), &controller("4.17", &entries("4.17", "4.16")));

    let found = report(&world, &[]);
    let of = |code: &str, found: &Json| -> Vec<Json> {
        let all = found["findings"].as_array().expect("findings").iter();
        all.filter(|one| one["code"] == code && one["release"] == "4.16")
            .cloned()
            .collect()
    };
    let behind = of("gating-behind", &found);
    assert_eq!(behind.len(), 3, "{found:#}");
    for finding in &behind {
        // Two that run at times of their own differ: somebody has to choose.
        let is_spread = finding["message"]
            .as_str()
            .is_some_and(|text| text.contains("no test spread"));
        assert_eq!(finding["fixable"], !is_spread, "{finding:#}");
    }
    assert_eq!(of("upgrade-not-tested", &found).len(), 1, "{found:#}");
    assert_eq!(of("job-without-verify", &found).len(), 1, "{found:#}");

    let ran = report(&world, &["--fix", "--apply"]);
    let head = "lockstep/fixes/4.16";
    let folder = CONFIGS.trim_start_matches("repos/openshift/release/");
    let main = file(&world, head, &format!("{folder}4.16.yaml"));
    let tests = more.replace('@', "4.16");
    let (first, rest) = tests.split_once("- as: spread").expect("three tests");
    let (_, last) = rest.split_once("- as: third").expect("three tests");
    assert_eq!(
        main,
        config("4.16", "4.14.0-0", "4.999.0-0")
            .replace("zz_generated", &format!("{first}- as: third{last}zz_generated")),
        "two tests and the bound, and nothing else: {ran:#}"
    );
    let jobs = file(
        &world,
        head,
        "ci-operator/jobs/openshift/release/openshift-release-main-periodics.yaml",
    );
    for job in ["more", "third"] {
        assert!(
            jobs.contains(&format!(
                "  name: periodic-ci-openshift-release-main-okd-scos-4.16-{job}\n"
            )),
            "{jobs}"
        );
    }
    assert_eq!(
        file(&world, head, &CONTROLLER.replace("4.17", "4.16")),
        controller(
            "4.16",
            &[entry("aws", "4.16", "e2e", ""), upgrade("4.16", "4.15")].join(",\n")
        ),
        "once, though two findings ask for it"
    );

    merge(&world, head);
    let left = report(&world, &["--fix", "--apply"]);
    assert_eq!(of("gating-behind", &left).len(), 1, "{left:#}");
    assert_eq!(of("upgrade-not-tested", &left), Vec::<Json>::new());
    // The new tests' entries come as the neighbours have them, optional.
    merge(&world, head);
    let last = report(&world, &["--fix"]);
    assert_eq!(of("job-without-verify", &last), Vec::<Json>::new(), "{last:#}");
    assert_eq!(last["fixes"].as_array().map(Vec::len), Some(0), "{last:#}");
    let controllers = file(&world, "main", &CONTROLLER.replace("4.17", "4.16"));
    let all = [
        entry("aws", "4.16", "e2e", ""),
        entry("more", "4.16", "more", optional),
        entry("third", "4.16", "third", optional),
        upgrade("4.16", "4.15"),
    ];
    assert_eq!(controllers, controller("4.16", &all.join(",\n")));
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("a file")),
        }
    }
}

/// Somebody merges a request.
fn merge(world: &World, head: &str) {
    let repo = git2::Repository::open(world.path("out/openshift/release.git")).expect("a repository");
    let head = repo.refname_to_id(&format!("refs/heads/{head}")).expect("a branch");
    repo.reference("refs/heads/main", head, true, "merge")
        .expect("the base moves");
}

/// What is wrong with one of the files costs that file: of the others everything is found.
#[test]
fn a_file_that_nobody_can_read_is_told_and_the_rest_is_looked_at() {
    let world = world();
    let before = codes(&report(&world, &[])).len();
    let wrong = "{\n  // people like comments\n  \"verify\": {}\n}\n";
    let path = format!("repos/openshift/release/{CONTROLLER}").replace("4.17", "4.17-art");
    write(&world, &path, wrong);
    write(
        &world,
        &format!("{CONFIGS}4.17-upgrade-from-okd-scos-4.15.yaml"),
        "tests: [\n",
    );
    let found = report(&world, &[]);
    let findings = found["findings"].as_array().expect("findings");
    let of = |code: &str| -> Vec<String> {
        let all = findings.iter().filter(|finding| finding["code"] == code);
        all.map(|finding| {
            format!(
                "{}:{} {}",
                finding["place"]["file"], finding["place"]["line"], finding["message"]
            )
        })
        .collect()
    };
    let (controllers, configs) = (of("unreadable-release-controller"), of("unreadable-gating"));
    assert_eq!((controllers.len(), configs.len()), (1, 1), "{found:#}");
    assert!(
        controllers[0].contains("release-okd-scos-4.17-art.json\":2 ") && controllers[0].contains("comment"),
        "{controllers:?}"
    );
    assert!(
        configs[0].contains("4.17-upgrade-from-okd-scos-4.15.yaml"),
        "{configs:?}"
    );
    assert_eq!(
        findings.len(),
        before + 2,
        "nothing is lost, and nothing is found twice: {found:#}"
    );

    // The target tells of the same config; it is found once.
    let text = fs::read_to_string(world.path("lockstep.yaml")).expect("a file");
    let text = text.replace("targets: [prow-config]", "targets: [payload-jobs]");
    fs::write(world.path("lockstep.yaml"), text).expect("a file");
    let again = codes(&report(&world, &[]))
        .into_iter()
        .filter(|code| *code == "unreadable-gating")
        .count();
    assert_eq!(again, 1);
}

#[test]
fn what_could_not_be_read_is_not_missing() {
    let world = world();
    let pair = format!("{CONFIGS}4.17-upgrade-from-okd-scos-4.16.yaml");
    let of = |found: &Json, code: &str| codes(found).into_iter().filter(|known| *known == code).count();
    let before = report(&world, &[]);
    assert_eq!(
        (of(&before, "upgrade-not-tested"), of(&before, "verify-without-job")),
        (1, 1),
        "{before:#}"
    );
    std::os::unix::fs::symlink("/etc/hostname", world.path(&pair)).expect("a link that leaves the repository");
    let found = report(&world, &[]);
    assert_eq!(of(&found, "upgrade-not-tested"), 0, "{found:#}");
    assert_eq!(
        (of(&found, "unreadable-gating"), of(&found, "verify-without-job")),
        (1, 0),
        "{found:#}"
    );
    assert_eq!(
        of(&found, "verify-not-judged"),
        1,
        "its job may be of the config that cannot be read: {found:#}"
    );
}

/// An entry without a job, a key that is there twice, and a job of another repository: each is told, and the entry beside them is
/// judged.
#[test]
fn odd_entries_are_told_and_those_beside_them_are_judged() {
    let world = world();
    let text = "{\n  \"verify\": {\n    \"none\": {\"optional\": true},\n    \"far\": {\"prowJob\": {\"name\": \"periodic-ci-far-away-main-e2e\"}},\n    \
                \"aws\": {},\n    \"aws\": {\"prowJob\": {\"name\": \"periodic-ci-openshift-release-main-okd-scos-4.17-gone\"}}\n  }\n}\n";
    write(&world, &format!("repos/openshift/release/{CONTROLLER}"), text);
    let found = report(&world, &[]);
    let told = |code: &str, says: &str, line: u64| {
        let mut all = found["findings"].as_array().expect("findings").iter();
        all.any(|finding| {
            finding["code"] == code
                && finding["message"].as_str().is_some_and(|text| text.contains(says))
                && finding["place"]["line"] == line
        })
    };
    for (code, says, line) in [
        (
            "verify-without-job",
            "`verify.none` of release-okd-scos-4.17.json names no job",
            3,
        ),
        (
            "verify-not-judged",
            "periodic-ci-far-away-main-e2e, a job of another repository, which was not looked at",
            4,
        ),
        ("verify-key-twice", "the key aws is there twice", 6),
        ("verify-without-job", "okd-scos-4.17-gone, which no job file has", 6),
    ] {
        assert!(told(code, says, line), "{code}: {says} in {found:#}");
    }
}
