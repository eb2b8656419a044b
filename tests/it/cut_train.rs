//! A made-up cut, run to its end: each step's pull request is merged, and at no point do two configs promote one tag.

use crate::support::{cut_world, fake_github};
use cut_world::{CutWorld, Ran};
use fake_github::FakeGithub;
use serde_json::Value as Json;

fn kinds(view: &Json) -> Vec<String> {
    let steps = view["steps"].as_array().expect("steps");
    let name = |step: &Json| {
        format!(
            "{} {}",
            step["release"].as_str().unwrap_or("?"),
            step["kind"].as_str().unwrap_or("?")
        )
    };
    steps.iter().map(name).collect()
}

#[test]
fn the_train_is_in_order_and_each_step_is_proved() {
    let world = CutWorld::new();
    let view = world.cut(&[]).json();
    assert_eq!(
        kinds(&view),
        ["4.17 vacate", "4.17 configs", "4.16 bases", "4.16 configs"]
    );
    assert_eq!(view["stuck"], Json::Array(Vec::new()), "{view:#}");
    for step in view["steps"].as_array().expect("steps") {
        for check in step["checks"].as_array().expect("checks") {
            assert_eq!(check["broken_by"], Json::Array(Vec::new()), "{step:#}");
        }
    }
    let codes: Vec<&str> = view["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|f| f["code"].as_str())
        .collect();
    assert!(
        codes.contains(&"carry-dockerfile") && codes.contains(&"carry-override"),
        "{codes:?}"
    );
    assert!(
        codes.contains(&"no-promotion"),
        "a repository without a branch for the release is told: {codes:?}"
    );
    let drift = world.run("plan", &["--format", "json"]).json();
    assert!(drift["findings"].to_string().contains("double-promotion"), "{drift:#}");
    assert!(!codes.contains(&"double-promotion"), "the train settles it: {codes:?}");
    let text = world.cut(&["--format", "text"]);
    assert!(
        text.stdout.starts_with("branch cut 4.16 → 4.17: 4 steps are left"),
        "{}",
        text.stdout
    );
    assert!(world.pull_requests().is_empty(), "nothing is written without --apply");
}

/// Takes and merges one step after the other; gives their kinds.
fn arrive(world: &CutWorld) -> Vec<String> {
    let mut taken = Vec::new();
    loop {
        let ran = world.cut(&["--apply"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let view = ran.json();
        let Some(step) = view["steps"].as_array().and_then(|steps| steps.first()) else {
            assert_eq!(view["stuck"], Json::Array(Vec::new()), "{view:#}");
            return taken;
        };
        assert!(
            view["waits_for"]
                .as_str()
                .is_some_and(|waits| waits.contains("the merge of lockstep/cut, step ")),
            "{view:#}"
        );
        // The same again, before the merge: it waits and writes nothing new.
        let before = world.pull_requests();
        assert_eq!(kinds(&world.cut(&["--apply"]).json()), kinds(&view));
        assert_eq!(world.pull_requests(), before);
        world.merge(step["head"].as_str().expect("a head"));
        world.check();
        taken.push(kinds(&view).remove(0));
        assert!(taken.len() < 12, "the train does not arrive");
    }
}

#[test]
fn applied_and_merged_step_by_step_it_arrives() {
    let world = CutWorld::new();
    world.check();
    assert_eq!(arrive(&world).len(), 4);
    let record = world.pull_requests().into_values().map(String::from_utf8).next();
    let record = record.expect("the train's record").expect("text");
    assert!(
        record.contains("\"state\": \"merged\""),
        "the last step's merge is noted: {record}"
    );
    for (path, stream) in [
        (
            "openshift/foundation/openshift-foundation-master__okd-scos.yaml",
            "scos-4.17",
        ),
        (
            "openshift/foundation/openshift-foundation-release-4.16__okd-scos.yaml",
            "scos-4.16",
        ),
        (
            "openshift/tidewatch/openshift-tidewatch-openshift-4.17__okd-scos.yaml",
            "scos-4.17",
        ),
        (
            "openshift/anchorage/openshift-anchorage-main__okd-scos.yaml",
            "scos-4.16",
        ),
        (
            "operator-framework/market/operator-framework-market-release-4.16__okd-scos.yaml",
            "scos-4.16",
        ),
        (
            "openshift/moved/openshift-moved-release-4.16__okd-scos.yaml",
            "scos-4.16",
        ),
        ("openshift/newcomer/openshift-newcomer-main__okd-scos.yaml", "scos-4.17"),
    ] {
        let text = world.read(&format!("ci-operator/config/{path}"));
        assert!(text.contains(&format!("  - name: {stream}\n")), "{path}: {text}");
    }
    let controller = world.read("core-services/release-controller/_releases/release-okd-scos-4.17.json");
    let old = world.read("core-services/release-controller/_releases/release-okd-scos-4.16.json");
    assert_eq!(controller, old.replace("4.16", "4.17").replace("4.15", "4.16"));
    assert_eq!(
        world.read("core-services/release-controller/_releases/release-okd-scos-4.y-stable.json"),
        "{\n  \"name\":\"4-scos-stable\"\n}\n"
    );
}

#[test]
fn what_is_mirrored_changes_in_the_step_that_changes_what_is_promoted() {
    let world = CutWorld::new();
    let kinds_without = kinds(&world.cut(&[]).json());
    world.mirror();
    world.check();
    let view = world.cut(&[]).json();
    assert_eq!(kinds(&view), kinds_without, "no step of its own: {view:#}");
    let mapping = |release: &str| format!("core-services/image-mirroring/openshift/mapping_origin_scos-{release}");
    for step in view["steps"].as_array().expect("steps") {
        let files = step["files"].as_array().expect("files").iter();
        let paths: Vec<&str> = files.filter_map(|file| file["path"].as_str()).collect();
        let has_configs = paths.iter().any(|path| path.starts_with("ci-operator/config/"));
        let has_mapping = paths.iter().any(|path| path.starts_with(&mapping("4_1")));
        assert_eq!(has_mapping, has_configs, "{step:#}");
    }
    arrive(&world);
    for (release, stream) in [("4_16", "scos-4.16"), ("4_17", "scos-4.17")] {
        let text = world.read(&mapping(release));
        assert!(text.lines().count() > 2, "{text}");
        assert!(
            text.contains(&format!(
                "ci:origin_{stream}_tidewatch quay.io/openshift/origin-tidewatch:"
            )),
            "{text}"
        );
    }
}

#[test]
fn two_configs_that_have_each_others_tags_swap_them() {
    let straight = CutWorld::new();
    let steps = arrive(&straight);
    let world = CutWorld::new();
    let path = |branch: &str| format!("ci-operator/config/openshift/harbour/openshift-harbour-{branch}__okd-scos.yaml");
    let swapped = straight.read(&path("release-4.16")).replace("scos-4.16", "scos-4.17");
    world.write(&[(&path("release-4.16"), &swapped)]);
    world.check();
    let view = world.cut(&[]).json();
    assert_eq!(view["stuck"], Json::Array(Vec::new()), "{view:#}");
    let pause = view["steps"].as_array().expect("steps").iter();
    let pause: Vec<&Json> = pause.filter(|step| step["kind"] == "pause").collect();
    assert_eq!(pause.len(), 1, "{view:#}");
    let files = pause[0]["files"].as_array().expect("files").iter();
    let files: Vec<_> = files
        .map(|file| (file["path"].as_str(), file["change"].as_str()))
        .collect();
    let config = path("main");
    assert!(files.contains(&(Some(&config), Some("changed"))), "{files:?}");
    assert!(
        files
            .iter()
            .any(|(path, _)| path.is_some_and(|path| path.ends_with("harbour-main-presubmits.yaml"))),
        "its jobs go with it: {files:?}"
    );
    let taken = arrive(&world);
    assert!(taken.len() <= steps.len() + 3, "{taken:?}");
    assert!(taken.iter().any(|kind| kind == "4.17 pause"), "{taken:?}");
    assert_eq!(world.all(), straight.all(), "it ends where a cut without a swap does");
}

#[test]
fn on_github_each_step_is_a_pull_request_too() {
    let world = CutWorld::new();
    let github = FakeGithub::start();
    github.inside().tokens.push(cut_world::TOKEN.into());
    let files: Vec<(String, String)> = world
        .all()
        .into_iter()
        .map(|(path, bytes)| (path, String::from_utf8(bytes).expect("UTF-8")))
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    github.repository("openshift/release", &files);
    let main = github.branch("openshift/release", "main");
    github
        .inside()
        .state
        .set_ref("openshift/release", "refs/heads/master", main);
    world.use_github(&github.url);
    let ran = world.cut(&["--apply"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let view = ran.json();
    assert!(
        view["waits_for"]
            .as_str()
            .is_some_and(|waits| waits.contains("the merge of lockstep/cut, step 1 of 4")),
        "{view:#}"
    );
    let step = &view["steps"][0];
    let branch = github.files("openshift/release", "lockstep/cut");
    let before: std::collections::BTreeMap<_, _> = files.into_iter().collect();
    let changed = |path: &str| branch.get(path).map(String::as_str) != before.get(path).copied();
    let paths = step["files"]
        .as_array()
        .expect("files")
        .iter()
        .filter_map(|file| file["path"].as_str());
    let paths: std::collections::BTreeSet<&str> = paths.collect();
    let differ: std::collections::BTreeSet<&str> =
        branch.keys().map(String::as_str).filter(|path| changed(path)).collect();
    assert_eq!(differ, paths, "the step's files and no others");
    let requests = github.requests();
    let again = world.cut(&["--apply"]);
    assert_eq!(
        (again.code, kinds(&again.json())),
        (0, kinds(&view)),
        "{}",
        again.stderr
    );
    let writes = github
        .asked(requests)
        .into_iter()
        .filter(|asked| !asked.starts_with("GET") && !asked.contains("/graphql"));
    assert_eq!(writes.collect::<Vec<_>>(), Vec::<String>::new(), "it waits");
}

#[test]
fn a_plain_run_in_the_middle_adds_nothing_that_is_promoted_already() {
    let world = CutWorld::new();
    let ran = world.run("render", &["--out", world.out().to_str().expect("UTF-8")]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("waits-for-vacate") || ran.stderr.contains("waits until that one"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("a branch cut is under way"), "{}", ran.stderr);
    let new = world
        .out()
        .join("openshift/release/ci-operator/config/openshift/harbour/openshift-harbour-release-4.16__okd-scos.yaml");
    assert!(!new.exists());
}

#[test]
fn wrong_releases_are_refused_with_what_is_right() {
    let world = CutWorld::new();
    let ask = |from: &str, to: &str| -> Ran { world.run("cut", &["--from", from, "--to", to]) };
    let ran = ask("4.17", "4.16");
    assert_eq!(
        (ran.code, ran.stderr.contains("is not older than")),
        (64, true),
        "{}",
        ran.stderr
    );
    let ran = ask("4.16", "4.99");
    assert_eq!(
        (ran.code, ran.stderr.contains("has no release 4.99; it has 4.16, 4.17")),
        (1, true),
        "{}",
        ran.stderr
    );
    assert_eq!(ask("4.16", "next").code, 64);
    assert_eq!(world.run("cut", &["--from", "4.16"]).code, 64);
}

#[test]
fn a_broken_job_file_costs_its_config_only() {
    let world = CutWorld::new();
    let path = "ci-operator/jobs/openshift/harbour/openshift-harbour-main-presubmits.yaml";
    world.write(&[(path, "presubmits: [\n")]);
    let view = world.cut(&[]).json();
    let codes: Vec<&str> = view["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|f| f["code"].as_str())
        .collect();
    assert!(codes.contains(&"unreadable-jobs"), "{codes:?}");
    let touched = view["steps"].to_string();
    assert!(!touched.contains("harbour-main"), "{view:#}");
    assert!(touched.contains("foundation-master__okd-scos"));
    let stuck = view["stuck"].as_array().expect("stuck");
    assert!(
        stuck.len() == 1
            && stuck[0]["path"]
                .as_str()
                .is_some_and(|path| path.contains("harbour-release-4.16")),
        "{stuck:?}"
    );
}

#[test]
fn a_config_that_nothing_takes_over_makes_room_with_its_jobs() {
    let world = CutWorld::new();
    let image = include_str!("../../fixtures/cut/build-data/4.17/images/market.yml");
    let dropped = image.replace("for_payload: true", "for_payload: false");
    world.change_build_data("4.17", "images/market.yml", &dropped);
    let view = world.cut(&[]).json();
    assert_eq!(view["stuck"], Json::Array(Vec::new()), "{view:#}");
    let vacate = &view["steps"].as_array().expect("steps")[1];
    assert_eq!(
        (&vacate["kind"], &vacate["release"]),
        (&Json::from("vacate"), &Json::from("4.16")),
        "{view:#}"
    );
    let path = "ci-operator/config/operator-framework/market/operator-framework-market-master__okd-scos.yaml";
    assert_eq!(vacate["files"][0]["path"], path);
    assert_eq!(vacate["files"][0]["change"], "removed");
    // What somebody added to it is theirs to judge.
    let with_test = format!(
        "{}tests:\n- as: mine\n  commands: x\n  container:\n    from: src\n",
        world.read(path)
    );
    world.write(&[(path, &with_test)]);
    let view = world.cut(&[]).json();
    assert!(view["findings"].to_string().contains("left-behind"), "{view:#}");
    assert_eq!(view["stuck"].as_array().map(Vec::len), Some(1));
}

#[test]
fn two_releases_on_one_branch_are_told_and_left() {
    let world = CutWorld::new();
    let path = "ci-operator/config/openshift/harbour/openshift-harbour-main.yaml";
    let both = world.read(path).replace(
        "    namespace: ocp\n",
        "    namespace: ocp\n  - name: \"4.16\"\n    namespace: ocp\n",
    );
    let branch = "ci-operator/config/openshift/harbour/openshift-harbour-release-4.16.yaml";
    let off = world
        .read(branch)
        .replace("  - name: \"4.16\"", "  - disabled: true\n    name: \"4.16\"");
    world.write(&[(path, &both), (branch, &off)]);
    let view = world.cut(&[]).json();
    assert!(
        view["findings"].to_string().contains("are built from one branch"),
        "{view:#}"
    );
    assert!(
        !view["steps"].to_string().contains("harbour-main__okd-scos"),
        "{view:#}"
    );
    assert!(
        view["steps"].to_string().contains("foundation-master__okd-scos"),
        "{view:#}"
    );
}

#[test]
fn a_broken_file_of_the_release_controller_costs_that_file_only() {
    let world = CutWorld::new();
    world.write(&[(
        "core-services/release-controller/_releases/release-okd-scos-4.16.json",
        "{\"name\": ",
    )]);
    let view = world.cut(&[]).json();
    assert!(
        view["findings"].to_string().contains("unreadable-release-controller"),
        "{view:#}"
    );
    assert_eq!(
        kinds(&view),
        ["4.17 vacate", "4.17 configs", "4.16 bases", "4.16 configs"]
    );
}
