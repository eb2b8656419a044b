//! Targets that write elsewhere than into the CI configs: a repository of its own, and each component's.

use std::collections::BTreeSet;

use lockstep::base::{Gate, Release};
use lockstep::config::{self, Config};
use lockstep::plan::Plan;
use lockstep::run::place::ConfiguredForge;
use lockstep::run::{LoadedRules, Run, rule_files};
use lockstep::source::Sources;
use lockstep::store::Store;
use lockstep::targets::{Actual, Ask, Chosen, Cut, Destination, Options, Reads, Rendered, TARGETS, Target};
use lockstep::yaml::keys::NO_OPTIONS;

use crate::support::world::{NAMES, RELEASE, World};

const HEAD: &str = "refs/heads/lockstep/build-config/4.16";

fn with_targets(targets: &str) -> World {
    let mut world = World::usual();
    world.settings.insert("targets", targets.to_owned());
    world.commit("okd/configs", "main", &[("README.md", b"build configs\n")]);
    world
}

#[test]
fn every_folder_with_a_registration_is_a_target() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/targets");
    let mut with_registration = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the folder of targets") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(path.join("mod.rs")).unwrap_or_default();
        if text.contains("pub static TARGET: Target") {
            let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
            with_registration.insert(name.replace('_', "-"));
        }
    }
    let registered: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(
        with_registration, registered,
        "`TARGETS` in src/targets/mod.rs names each once"
    );
}

/// A file of a branch.
fn file(world: &World, repo: &str, reference: &str, path: &str) -> Option<String> {
    let repo = world.repository(repo);
    let tree = repo.find_reference(reference).ok()?.peel_to_tree().expect("a tree");
    let blob = repo.find_blob(tree.get_path(path.as_ref()).ok()?.id()).expect("a blob");
    Some(String::from_utf8(blob.content().to_vec()).expect("UTF-8"))
}

/// Merges the branch of a pull request.
fn merge(world: &World, repo: &str, head: &str, base: &str) {
    let repo = world.repository(repo);
    let commit = repo
        .find_reference(head)
        .expect("the branch")
        .target()
        .expect("a commit");
    repo.reference(&format!("refs/heads/{base}"), commit, true, "merged")
        .expect("moved");
}

#[test]
fn the_build_config_goes_to_the_repository_that_its_options_name() {
    let world = with_targets("[prow-config, {build-config: {repo: okd/configs}}]");
    let ran = world.run("reconcile", &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("okd/configs build-config 4.16: new pull request"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("openshift/release ci 4.16: new pull request"),
        "{}",
        ran.stdout
    );
    let text = file(&world, "okd/configs", HEAD, "build-config/4.16.yaml").expect("the file");
    for name in NAMES {
        assert!(text.contains(&format!("\n  {name}:\n")), "{name} is missing in {text}");
    }
    assert!(!text.contains("commit:") && !text.contains(" at "), "{text}");
    let other = file(
        &world,
        "openshift/release",
        "refs/heads/lockstep/ci/4.16",
        "build-config/4.16.yaml",
    );
    assert_eq!(other, None);

    assert!(
        world
            .run("reconcile", &[])
            .stdout
            .contains("okd/configs build-config 4.16: up to date")
    );
    merge(&world, "okd/configs", HEAD, "main");
    merge(&world, "openshift/release", "refs/heads/lockstep/ci/4.16", "master");
    let (_, plan, ran) = world.plan();
    assert_eq!(plan["drift"], false, "{plan}{}", ran.stderr);
    world.commit("openshift/buoy", "release-4.16", &[("README.md", b"moved\n")]);
    assert_eq!(
        world.plan().1["drift"],
        false,
        "a commit that changes nothing is no reason"
    );

    world.commit("openshift/buoy", "release-4.16", &[("Dockerfile", b"FROM base:2\n")]);
    let plan = world.plan().1;
    let shown = plan["pull_requests"].as_array().expect("a list").iter();
    let mut files = shown.flat_map(|pr| pr["files"].as_array().expect("a list"));
    let changed = files
        .find(|file| file["path"] == "build-config/4.16.yaml")
        .expect("it changes");
    assert_eq!(changed["images"], serde_json::json!(["buoy"]), "{changed}");
}

#[test]
fn what_could_not_be_derived_stays_in_the_file() {
    let world = with_targets("[{build-config: {repo: okd/configs, path: 'r/{release}.json', branch: 'r-{release}'}}]");
    let (_, plan, _) = world.plan();
    let codes = |plan: &serde_json::Value| -> Vec<String> {
        let list = plan["findings"].as_array().expect("a list").iter();
        list.filter_map(|finding| finding["code"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(codes(&plan), ["no-destination-branch"], "{plan}");
    world.commit("okd/configs", "r-4.16", &[("README.md", b"build configs\n")]);
    assert_eq!(world.run("reconcile", &[]).code, 0);
    merge(&world, "okd/configs", HEAD, "r-4.16");
    let before = file(&world, "okd/configs", HEAD, "r/4.16.json").expect("the file");
    let before: serde_json::Value = serde_json::from_str(&before).expect("JSON");

    std::fs::remove_dir_all(world.path("openshift/buoy")).expect("removed");
    let ran = world.run("reconcile", &[]);
    assert!(ran.stderr.contains("unreadable-component"), "{}", ran.stderr);
    let after = file(&world, "okd/configs", HEAD, "r/4.16.json").expect("the file");
    let after: serde_json::Value = serde_json::from_str(&after).expect("JSON");
    assert_eq!(after["held"], serde_json::json!(["buoy"]));
    assert_eq!(after["images"]["buoy"], before["images"]["buoy"]);
    assert_eq!(after["repositories"], before["repositories"]);

    world.commit("okd/configs", "r-4.16", &[("r/4.16.json", b"[1, 2\n")]);
    let plan = world.plan().1;
    assert!(codes(&plan).contains(&"unreadable-build-config".to_owned()), "{plan}");
    assert_eq!(plan["drift"], false, "what cannot be read stays");
}

#[test]
fn nothing_is_in_sync_where_a_target_cannot_be_written_to() {
    for missing in ["okd/nowhere", "okd/configs"] {
        let settings = format!(
            "[prow-config, {{build-config: {{repo: {missing}, branch: nobranch, path: 'b-{{release}}.yaml'}}}}]"
        );
        let world = with_targets(&settings);
        let ran = world.run("reconcile", &[]);
        assert!(ran.stdout.contains("new pull request"), "{}{}", ran.stdout, ran.stderr);
        merge(&world, "openshift/release", "refs/heads/lockstep/ci/4.16", "master");
        let ran = world.run("plan", &["--exit-code"]);
        assert_eq!(ran.code, 1, "{}", ran.stdout);
        let last = ran.stdout.lines().last().unwrap_or_default();
        assert!(last.starts_with("Not compared: 4.16: "), "{last}");
        assert!(!ran.stdout.contains("In sync"), "{}", ran.stdout);
        let code = i32::from(missing == "okd/nowhere");
        assert_eq!(
            world.run("reconcile", &[]).code,
            code,
            "a repository that cannot be read is told"
        );
    }
}

#[test]
fn options_are_asked_for_where_they_are_missing() {
    let world = with_targets("[prow-config]");
    let ran = world.run("plan", &["--target", "build-config"]);
    assert_eq!(ran.code, 64, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("target build-config needs its options `repo`"),
        "{}",
        ran.stderr
    );
    for (targets, says) in [
        ("[build-config]", "`build-config` needs the option `repo`"),
        ("[{build-config: {repo: okd}}]", "write it as `org/repo`"),
        ("[{build-config: {repo: o/r, path: all.yaml}}]", "{release}"),
        ("[{build-config: {repo: o/r, pth: x}}]", "unknown key `pth`"),
    ] {
        let world = with_targets(targets);
        let ran = world.run("plan", &[]);
        assert!(ran.code != 0 && ran.stderr.contains(says), "{targets}: {}", ran.stderr);
    }
}

/// A target that writes one file into each component's repository.
static EACH: Target = Target {
    name: "each",
    group: "each",
    about: "a file in each component",
    place: "each component's repository",
    owns: "the file",
    seeds: "nothing",
    leaves: "nothing",
    options: &NO_OPTIONS,
    after: &[],
    destinations: Destination::components,
    reads: |_, _| {
        Ok(Reads {
            files: vec!["okd.txt".to_owned()],
            trees: Vec::new(),
            ..Reads::default()
        })
    },
    render: |ask: &Ask<'_>, actual: &Actual| {
        let mut rendered = Rendered::default();
        let file = actual.file(&EACH, ask.release, "okd.txt");
        rendered.want(file, format!("{} {}\n", actual.repo, actual.branch).into_bytes());
        rendered
    },
    cut: Cut::None,
    wait: lockstep::targets::door::no_wait,
    folders: &[],
};

fn run(config: Config) -> Run {
    let rules = LoadedRules::new(rule_files::read(&config.rules).expect("rules"));
    let (sources, store) = (Sources::new(Some(config.state.clone())), Store::open(&config.state).0);
    Run::new(config, rules, sources).remembering(store, "test")
}

/// Plans and applies; returns the plan.
fn reconcile(world: &World) -> Plan {
    let mut config = config::load(&world.config()).expect("a configuration");
    config.targets = vec![Chosen {
        target: &EACH,
        options: Options::default(),
    }];
    let run = run(config);
    let ci = run.ci_config().expect("CI configs");
    let rendering = run.rendering(Release::new(4, 16), ci.as_ref()).expect("a release");
    let plan = run.plan(vec![rendering], Vec::new(), true);
    let mut place = ConfiguredForge::of(&run, Gate::default()).expect("a forge");
    for outcome in place.apply(&run, ci.as_ref(), &plan, false, 0) {
        assert_eq!(outcome.error.as_ref().map(ToString::to_string), None, "{outcome}");
    }
    run.store().flush();
    plan
}

#[test]
fn a_target_may_write_into_each_components_repository() {
    let world = World::usual();
    let plan = reconcile(&world);
    let scopes: Vec<String> = plan.changing().map(|pr| pr.scope.to_string()).collect();
    let expected: Vec<String> = NAMES.iter().map(|name| format!("openshift/{name} each 4.16")).collect();
    assert_eq!(scopes, expected);
    for name in NAMES {
        let text = file(
            &world,
            &format!("openshift/{name}"),
            "refs/heads/lockstep/each/4.16",
            "okd.txt",
        );
        assert_eq!(text, Some(format!("openshift/{name} release-4.16\n")));
    }
    merge(
        &world,
        "openshift/buoy",
        "refs/heads/lockstep/each/4.16",
        "release-4.16",
    );
    let left: Vec<String> = reconcile(&world)
        .changing()
        .map(|pr| pr.scope.repo.to_string())
        .collect();
    assert_eq!(left, ["openshift/anchor", "openshift/capstan", "openshift/davit"]);
    // What is remembered holds as long as the components stay where they are.
    world.commit("openshift/buoy", "release-4.16", &[("okd.txt", b"by hand\n")]);
    assert_eq!(reconcile(&world).changing().count(), NAMES.len());
}

/// Whatever the repository calls its own default branch is read, and is the base of requests: neither the name that such
/// branches had once nor the one they have now means anything where it is not.
#[test]
fn without_a_branch_the_repositorys_own_default_is_read_and_is_the_base() {
    let world = World::usual();
    let release = world.repository(RELEASE);
    let tip = release.refname_to_id("refs/heads/master").expect("a branch");
    release
        .reference("refs/heads/trunk", tip, false, "renamed")
        .expect("a branch");
    release.set_head("refs/heads/trunk").expect("a head");
    let mut old = release.find_reference("refs/heads/master").expect("a branch");
    old.delete().expect("gone");
    world.commit(RELEASE, "main", &[("README.md", b"somebody's experiment\n")]);
    let ran = world.run("reconcile", &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let record = std::fs::read(world.folder().join("forge/openshift__release__lockstep_ci_4.16.json"));
    let record: serde_json::Value = serde_json::from_slice(&record.expect("a record")).expect("JSON");
    assert_eq!(record["base"], "trunk");
    let path = "ci-operator/config/openshift/anchor/openshift-anchor-release-4.16__okd-scos.yaml";
    let proposed = file(&world, RELEASE, "refs/heads/lockstep/ci/4.16", path);
    assert!(proposed.is_some_and(|text| text.contains("to: anchor")));
}
