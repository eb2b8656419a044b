//! Kills the process after each request of a run: the next run ends where an undisturbed one would have.

use crate::support::{fake_github, github_demo, program};
use std::fs;

use github_demo::{Life, REPO, TOKEN, World};
use program::{killed_after, ran};

fn killed_at_each_request(life: Life) {
    let world = World::before(life);
    let before = world.github.requests();
    world.run();
    let requests = world.github.requests() - before;
    assert!(
        requests >= 5,
        "{life:?} only took {requests} requests: is anything written?"
    );
    let expected = world.github.picture(REPO);
    for request in 1..=requests {
        let world = World::before(life);
        killed_after(&world.github, &mut world.command(), request);
        world.run();
        assert_eq!(
            world.github.picture(REPO),
            expected,
            "{life:?}, killed after request {request} of {requests}"
        );
    }
    println!("{life:?}: {requests} requests, killed after each");
}

#[test]
fn while_opening() {
    killed_at_each_request(Life::Open);
}

#[test]
fn while_updating() {
    killed_at_each_request(Life::Update);
}

#[test]
fn while_closing() {
    killed_at_each_request(Life::Close);
}

#[test]
fn neither_state_nor_logs_hold_a_secret() {
    let world = World::new();
    let ran = ran(world.command().env("RUST_LOG", "trace"));
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("open a pull request"), "{}", ran.out);
    assert!(ran.err.len() > 1_000, "everything is logged: {}", ran.err);
    assert!(
        !format!("{}{}", ran.out, ran.err).contains(TOKEN),
        "not even to a log of everything"
    );
    assert_eq!(world.github.pulls(REPO)[0].labels, ["okd"]);
    let mut files = vec![world.demo.folder().join("state")];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn a_dry_run_predicts_and_a_failure_is_exit_code_1() {
    let world = World::new();
    let dry = ran(world.command().arg("--dry-run"));
    assert_eq!(dry.code, 0, "{}", dry.err);
    assert!(world.github.pulls(REPO).is_empty());
    let real = world.run();
    let told = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("  "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&dry.out), told(&real.out));
    world.github.fail(1, fake_github::Fault::Forbidden, true);
    let failed = ran(&mut world.command());
    assert_eq!(failed.code, 1);
    assert!(failed.out.contains("not permitted"), "{}", failed.out);
    world.github.mend();
    let without = ran(world.command().env_remove("TOKEN"));
    assert_eq!(without.code, 1);
    assert!(without.out.contains("environment variable TOKEN"), "{}", without.out);
}
