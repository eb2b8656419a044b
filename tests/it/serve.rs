//! The service on real repositories: what makes it look, what it does then, how it ends.

use crate::support::{service, world};
use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use service::{Service, wait_until};
use world::{BUILD_DATA, RELEASE, World};

/// Never by itself: what happens in a test happens because of what the test does.
const NEVER: &str = "schedule: '0 0 0 1 1 *'\nlisten: 127.0.0.1:0\n";

fn world(more: &str) -> World {
    let mut world = World::usual();
    world.settings.insert("more", more.to_owned());
    world
}

fn record(world: &World) -> PathBuf {
    world.folder().join("forge/openshift__release__lockstep_ci_4.16.json")
}

fn pull_request(world: &World) -> Option<Value> {
    serde_json::from_slice(&fs::read(record(world)).ok()?).ok()
}

/// A file of a branch of the CI configs.
fn file(world: &World, branch: &str, name: &str) -> Option<String> {
    let path = format!("ci-operator/config/openshift/{name}/openshift-{name}-release-4.16__okd-scos.yaml");
    let repo = world.repository(RELEASE);
    let tree = repo
        .find_branch(branch, git2::BranchType::Local)
        .ok()?
        .get()
        .peel_to_tree()
        .ok()?;
    let blob = repo
        .find_blob(tree.get_path(std::path::Path::new(&path)).ok()?.id())
        .ok()?;
    Some(String::from_utf8_lossy(blob.content()).into_owned())
}

/// A person merges what is proposed.
fn merge(world: &World) {
    let repo = world.repository(RELEASE);
    let head = repo.refname_to_id("refs/heads/lockstep/ci/4.16").unwrap();
    repo.reference("refs/heads/master", head, true, "merge").unwrap();
}

fn wait(service: &Service, what: &str, holds: impl FnMut() -> bool) {
    wait_until(what, || service.log(), holds);
}

const BRANCH: &str = "lockstep/ci/4.16";

#[test]
fn from_a_push_to_in_sync() {
    let world = world(NEVER);
    let service = Service::start(&world.config(), &[]);
    // The first look proposes what is missing.
    wait(&service, "a pull request", || {
        pull_request(&world).is_some_and(|pull| pull["state"] == "open")
    });
    assert!(file(&world, BRANCH, "buoy").is_some());
    // Somebody pushes to metadata: the pull request follows.
    world.image("buoy", "{member: anchor}", "");
    wait(&service, "the change", || {
        file(&world, BRANCH, "buoy").is_some_and(|text| text.contains("tag: anchor") || text.contains(":anchor"))
    });
    // A component's Dockerfile counts as well.
    world.commit(
        "openshift/capstan",
        "release-4.16",
        &[("Dockerfile", b"FROM base:2 AS builder\nFROM base:1\n")],
    );
    wait(&service, "the finding", || {
        service
            .log()
            .iter()
            .any(|line| line.contains("capstan") && line.contains("files"))
    });
    service.rest();
    // It is merged: nothing is left to do, and what was open is noted as merged.
    merge(&world);
    wait(&service, "the merge", || {
        pull_request(&world).is_some_and(|pull| pull["state"] == "merged")
    });
    service.rest();
    let runs = service.runs();
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(service.runs(), runs, "what nobody asks for is not done");
    let (status, took) = service.end();
    assert!(status.success());
    println!("ended after {took:?}");
}

#[test]
fn a_schedule_heals_what_was_missed() {
    let mut world = world("schedule: '* * * * * *'\nlisten: 127.0.0.1:0\n");
    // Nothing of it can be watched.
    world.settings.insert("releases", "['4.16']".to_owned());
    let service = Service::start(&world.config(), &[]);
    service.wait_for("\"trigger\":\"schedule", 3);
    assert!(pull_request(&world).is_some());
    service.end();
}

#[test]
fn a_source_that_vanishes_costs_nothing_but_time() {
    let world = world("schedule: '*/2 * * * * *'\nlisten: 127.0.0.1:0\n");
    let service = Service::start(&world.config(), &[]);
    wait(&service, "a pull request", || pull_request(&world).is_some());
    let before = file(&world, BRANCH, "buoy");
    let (here, gone) = (world.path(BUILD_DATA), world.path("gone"));
    fs::rename(&here, &gone).unwrap();
    service.wait_for("\"outcome\":\"failed\"", 2);
    assert_eq!(file(&world, BRANCH, "buoy"), before, "what is proposed stays proposed");
    assert!(pull_request(&world).is_some_and(|pull| pull["state"] == "open"));
    fs::rename(&gone, &here).unwrap();
    world.image("buoy", "{member: anchor}", "");
    wait(&service, "the change", || file(&world, BRANCH, "buoy") != before);
    service.end();
}

#[test]
fn what_keeps_a_release_from_being_derived_is_said_with_its_place() {
    let world = world("listen: 127.0.0.1:0\n");
    world.build_data(&[("group.yml", "name: [broken\n")]);
    let service = Service::start(&world.config(), &[]);
    let expected =
        "release 4.16 cannot be derived: unreadable-metadata in openshift-eng/ocp-build-data: group.yml:2 at ";
    service.wait_for(expected, 1);
    service.rest();
    for page in ["/", "/api/v1/runs", "/runs"] {
        let text = service.get(page).1;
        assert!(text.contains(expected), "{page}: {text}");
    }
    service.end();
}

#[test]
fn settings_are_checked_before_they_count() {
    let mut world = world(NEVER);
    world.settings.insert("rules", "[builtin, rules]".to_owned());
    world.write("rules/more.yaml", b"rules: []\n");
    let service = Service::start(&world.config(), &[]);
    wait(&service, "a pull request", || pull_request(&world).is_some());
    service.rest();
    world.write("rules/more.yaml", b"rules:\n- id: broken\n  nonsense: true\n");
    service.wait_for("those from before stay in force", 1);
    assert!(service.count("rules/more.yaml") > 0, "the place is named");
    let runs = service.runs();
    // The old ones are in force: a change is followed.
    world.image("buoy", "{member: anchor}", "");
    wait(&service, "a run", || service.runs() > runs);
    world.write("rules/more.yaml", b"rules: []\n# again\n");
    service.wait_for("were read anew", 1);
    world.settings.insert("more", format!("{NEVER}nonsense: true\n"));
    world.config();
    service.wait_for("config-unknown-key", 1);
    world.settings.insert("more", NEVER.to_owned());
    world.config();
    service.rest();
    let before = service.count("were read anew");
    service.signal(libc::SIGHUP);
    service.wait_for("were read anew", before + 1);
    service.end();
}

#[test]
fn two_services_do_not_share_a_state() {
    let world = world(NEVER);
    let config = world.config();
    let first = Service::start(&config, &[]);
    first.address();
    let mut second = Service::start(&config, &[]);
    assert_eq!(second.wait().code(), Some(1));
    assert_eq!(second.count("another `lockstep serve` uses the state in"), 1);
    assert_eq!(second.count(&format!("process {}", first.pid())), 1);
    first.kill();
    // What a killed one leaves behind keeps nobody out.
    let third = Service::start(&config, &[]);
    wait(&third, "a pull request", || pull_request(&world).is_some());
    assert!(third.end().0.success());
}

#[test]
fn a_state_that_cannot_be_written_is_said_and_done_without() {
    let world = world(NEVER);
    fs::write(world.folder().join("state"), "a file").unwrap();
    let service = Service::start(&world.config(), &[]);
    wait(&service, "a pull request", || pull_request(&world).is_some());
    assert!(service.count("cannot be locked") > 0);
    assert!(service.count("goes without the cache") > 0);
    service.end();
}

#[test]
fn what_was_is_known_after_a_restart() {
    let world = world(NEVER);
    let config = world.config();
    let service = Service::start(&config, &[]);
    service.wait_for("a run is over", 1);
    service.rest();
    service.end();
    let runs = |service: &Service| {
        let (status, body) = service.get("/api/v1/runs");
        assert_eq!(status, 200, "{body}");
        let runs: Value = serde_json::from_str(&body).unwrap();
        runs.to_string().matches("\"start\"").count()
    };
    let service = Service::start(&config, &[]);
    service.wait_for("a run is over", 1);
    service.rest();
    assert_eq!(runs(&service), 2, "this start, and the one before");
    service.end();
}

/// All files below a folder, by their bytes.
fn files(folder: &std::path::Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut found = std::collections::BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn a_state_of_a_newer_version_is_refused_and_left_untouched() {
    let world = world(NEVER);
    let config = world.config();
    let service = Service::start(&config, &[]);
    service.wait_for("a run is over", 1);
    service.rest();
    service.end();
    let state = world.folder().join("state");
    fs::write(state.join("facts.version"), "255\n").unwrap();
    let before = files(&state);
    let mut refused = Service::start(&config, &[]);
    assert_eq!(refused.wait().code(), Some(1));
    let log = refused.log();
    let said = log.last().cloned().unwrap_or_default();
    assert!(
        said.starts_with("error: the state in ") && said.contains("was written by a newer version of lockstep"),
        "{log:#?}"
    );
    let after = files(&state);
    for (path, bytes) in &before {
        let same = path.ends_with("serve.lock") || after.get(path) == Some(bytes);
        assert!(same, "{} is as it was", path.display());
    }
    assert_eq!(before.len(), after.len());
    assert_eq!(refused.runs(), 0);
    // One run beside it does without, and leaves it as well.
    let ran = world.run("plan", &[]);
    assert!(ran.code == 0 && ran.stderr.contains("newer version"), "{}", ran.stderr);
    assert!(files(&state).keys().eq(before.keys()));
    // Without it, it starts anew.
    fs::remove_dir_all(&state).unwrap();
    let service = Service::start(&config, &[]);
    service.wait_for("a run is over", 1);
    service.end();
}

#[test]
fn what_is_wrong_at_the_start_is_said_as_every_command_says_it() {
    let mut world = world("schedule: every day\n");
    let mut refused = Service::start(&world.config(), &[]);
    assert_eq!(refused.wait().code(), Some(1));
    let log = refused.log();
    assert!(log[0].starts_with("error[config-bad-value]: `every day`"), "{log:#?}");
    world.settings.insert("more", NEVER.to_owned());
    world.settings.insert("rules", "[builtin, rules.yaml]".to_owned());
    world.write("rules.yaml", b"rules:\n- id: broken\n  nonsense: true\n");
    let mut refused = Service::start(&world.config(), &[]);
    assert_eq!(refused.wait().code(), Some(1));
    let log = refused.log();
    assert!(log[0].contains("rules.yaml:3:3: unknown key `nonsense`"), "{log:#?}");
    assert_eq!(log.last().unwrap(), "error: the rules have 3 faults");
    // Secrets may come later, and are said to be missing until then.
    world.settings.insert("rules", "[builtin]".to_owned());
    let more = format!("{NEVER}server: {{token-file: token, webhook: {{secret-env: NOWHERE}}}}\n");
    world.settings.insert("more", more);
    let service = Service::start(&world.config(), &[]);
    service.wait_for("nobody is let in as long as that is so", 1);
    service.wait_for("the variable NOWHERE holds no secret: no webhook is taken", 1);
    assert_eq!(service.get("/").0, 503);
    world.write("token", b"secret");
    assert_eq!(service.get("/").0, 401);
    service.end();
}
