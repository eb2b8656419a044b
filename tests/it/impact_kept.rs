//! What a release is without a change is remembered: the answer is the same as without any memory, whatever moves, and what has
//! not moved is not derived again.

use std::process::Command;

use git2::Oid;

use crate::support::world::{NAMES, World};

const BRANCH: &str = "release-4.16";

/// Puts a branch where another one is.
fn fork(world: &World, repo: &str, from: &str, to: &str) {
    let repo = world.repository(repo);
    let tip = repo.find_reference(&format!("refs/heads/{from}")).expect("a branch");
    let tip: Oid = tip.target().expect("a commit");
    repo.reference(&format!("refs/heads/{to}"), tip, true, "a fork")
        .expect("a branch");
}

/// A world in which somebody wants to change each component, build data and a CI config.
fn world() -> World {
    let world = World::usual();
    for name in NAMES {
        fork(&world, &format!("openshift/{name}"), BRANCH, "topic");
    }
    let texts: [(&str, &[u8]); 4] = [
        ("anchor", b"FROM base:1\nRUN make\n"),
        ("buoy", b"FROM golang:1 AS builder\nRUN make\nFROM base:1\n"),
        (
            "capstan",
            b"FROM base:1\nCOPY --from=registry.example.org/a/b:c /a /a\n",
        ),
        ("davit", b"no Dockerfile at all\n"),
    ];
    for (name, text) in texts {
        world.commit(&format!("openshift/{name}"), "topic", &[("Dockerfile", text)]);
    }
    world
}

/// What an impact says; and on stderr what it did for it.
fn impact(world: &World, state: &str, args: &[&str]) -> (String, String) {
    let config = world.config();
    let text = std::fs::read_to_string(&config).expect("the configuration");
    let text = text.replace("state: state\n", &format!("state: {state}\n"));
    std::fs::write(&config, text).expect("the configuration");
    let output = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["impact", "--format", "json", "--config"])
        .arg(config)
        .args(args)
        .current_dir(world.folder())
        .env_clear()
        .env("RUST_LOG", "lockstep=debug")
        .output()
        .expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    assert!(
        output.status.success() && stdout.starts_with('{'),
        "{args:?}: {stdout}{stderr}"
    );
    (stdout, stderr)
}

fn is_recalled(stderr: &str) -> bool {
    stderr.contains("nothing has moved")
}

/// Asks for each change, once with what is remembered and once without, and tells for how many what was remembered was good.
fn compared(world: &World, step: &str) -> usize {
    let mut recalled = 0;
    for name in NAMES {
        let repository = format!("openshift/{name}");
        let args = [repository.as_str(), "--head", "topic", "--branch", BRANCH];
        let (warm, did) = impact(world, "state", &args);
        let cold = format!("cold-{step}-{name}").replace(' ', "-");
        let (anew, by_itself) = impact(world, &cold, &args);
        assert_eq!(warm, anew, "{step}: {name}");
        assert!(!is_recalled(&by_itself), "{by_itself}");
        recalled += usize::from(is_recalled(&did));
    }
    recalled
}

#[test]
fn the_answer_is_the_same_with_and_without_what_is_remembered() {
    let world = world();
    assert_eq!(compared(&world, "at first"), 3, "the first one derives it");
    assert_eq!(compared(&world, "again"), 4);
    type Step = fn(&World);
    let moves: [(&str, Step); 8] = [
        ("a component", |world| {
            world.commit(
                "openshift/capstan",
                BRANCH,
                &[("Dockerfile", b"FROM base:1\nFROM base:2\n")],
            );
        }),
        ("its go.mod", |world| {
            world.commit("openshift/anchor", BRANCH, &[("go.mod", b"module a\n\ngo 1.99\n")]);
        }),
        ("a file that only checks look for", |world| {
            world.commit("openshift/buoy", BRANCH, &[("Dockerfile.okd", b"FROM base:1\n")]);
        }),
        ("metadata", |world| {
            world.image("buoy", "{builder: [{stream: rhel-9-golang}], stream: base}", "")
        }),
        ("an image more", |world| {
            world.image("extra", "{stream: base}", "");
            world.component("extra");
        }),
        ("CI configs", |world| world.promote("other", "main", "4.16")),
        ("another release's metadata", |world| {
            let group = "vars: {MAJOR: 4, MINOR: 17}\n";
            world.commit(
                "openshift-eng/ocp-build-data",
                "openshift-4.17",
                &[("group.yml", group.as_bytes())],
            );
        }),
        ("the branch that is changed", |world| {
            world.commit("openshift/davit", BRANCH, &[("Dockerfile", b"FROM base:1\nRUN more\n")]);
        }),
    ];
    for (step, change) in moves {
        change(&world);
        // What has moved is derived once. That a Dockerfile does not merge any more is an answer as well, but none here.
        if step == "the branch that is changed" || step == "a component" {
            let name = if step == "a component" {
                "openshift/capstan"
            } else {
                "openshift/davit"
            };
            fork(&world, name, BRANCH, "topic");
            world.commit(
                name,
                "topic",
                &[("Dockerfile", b"FROM golang:1 AS builder\nFROM base:1\n")],
            );
        }
        assert_eq!(compared(&world, step), 3, "{step}");
    }
}

#[test]
fn where_the_branch_of_the_next_release_is_nobody_asks() {
    let world = world();
    compared(&world, "at first");
    fork(&world, "openshift/davit", BRANCH, "release-4.17");
    assert_eq!(compared(&world, "a branch of the next release"), 4);
}

#[test]
fn what_another_configuration_came_to_is_not_taken() {
    let mut world = world();
    compared(&world, "at first");
    world.settings.insert("targets", "[prow-config, prow-jobs]".to_owned());
    assert_eq!(compared(&world, "another configuration"), 3);
}

#[test]
fn a_repository_whose_only_image_cannot_be_derived_any_more_goes_as_a_whole() {
    let world = world();
    let (answer, _) = impact(
        &world,
        "state",
        &["openshift/davit", "--head", "topic", "--branch", BRANCH],
    );
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    let values = answer["releases"][0]["values"].as_array().expect("values");
    let told: Vec<_> = values
        .iter()
        .map(|value| (value["of"].as_str(), value["field"].as_str(), value["after"].is_null()))
        .collect();
    assert_eq!(
        told,
        [
            (Some("davit"), Some("built"), true),
            (Some("openshift/davit"), Some("built"), true)
        ]
    );
}
