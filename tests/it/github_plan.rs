//! `plan` says what `reconcile` then writes, told from the requests that the fake GitHub got.

use crate::support::{fake_github, github_demo, program};
use fake_github::{Exchange, Fault};
use github_demo::{Life, REPO, TOKEN, World};
use program::{Ran, ran};
use serde_json::Value;

const ZERO: &str = "0000000000000000000000000000000000000000";

/// What was asked of GitHub that changes something there, told as the write that it is part of.
fn changes(log: &[Exchange]) -> Vec<String> {
    log.iter().filter_map(change).collect()
}

fn change(exchange: &Exchange) -> Option<String> {
    let Exchange {
        method, path, request, ..
    } = exchange;
    if path.ends_with("/graphql") {
        let query = request["query"].as_str().unwrap();
        let deletes = request["variables"]["after"] == ZERO;
        let what = if deletes { "delete-branch" } else { "set-branch" };
        return query.starts_with("mutation").then(|| what.to_owned());
    }
    let last = path.rsplit('/').next().unwrap();
    Some(match (method.as_str(), last) {
        ("GET", _) | ("POST", "trees" | "commits" | "blobs") => return None,
        ("POST", "pulls") => format!("open {}", request["title"].as_str().unwrap()),
        ("POST", "labels" | "requested_reviewers" | "assignees") => "dress".to_owned(),
        ("POST", "comments") => "comment".to_owned(),
        ("PATCH", _) if request["state"] == "closed" => "close".to_owned(),
        ("PATCH", _) if path.contains("/pulls/") => format!("edit {}", request["title"].as_str().unwrap()),
        (method, path) => panic!("what is {method} {path}?"),
    })
}

/// The same of writes as they were foretold.
fn foretold(writes: &Value) -> Vec<String> {
    let write = |write: &Value| {
        let kind = write["write"].as_str().unwrap();
        match write["text"]["title"].as_str() {
            Some(title) if kind != "comment" => format!("{kind} {title}"),
            _ => kind.to_owned(),
        }
    };
    writes.as_array().unwrap().iter().map(write).collect()
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err))
}

#[test]
fn every_write_is_foretold_and_nothing_else_is_written() {
    for life in Life::ALL {
        let world = World::before(life);
        let (start, before) = (world.github.requests(), world.github.picture(REPO));
        let planned = ran(world.command_of("plan").args(["--format", "json"]));
        assert_eq!(planned.code, 0, "{}", planned.err);
        assert_eq!(world.github.picture(REPO), before, "{life:?}: a plan changes nothing");
        let dry = ran(world.command().args(["--dry-run", "--format", "json"]));
        let since_dry = world.github.requests();
        assert!(
            changes(&world.github.inside().log[start..since_dry]).is_empty(),
            "{life:?}"
        );

        let done = ran(world.command().args(["--format", "json"]));
        assert_eq!(done.code, 0, "{}", done.err);
        let (planned, dry, done) = (json(&planned), json(&dry), json(&done));
        assert_eq!(planned["outcomes"], done["outcomes"], "{life:?}");
        assert_eq!(dry["outcomes"], done["outcomes"], "{life:?}");
        assert_eq!(
            (dry["dry_run"].as_bool(), done["dry_run"].as_bool()),
            (Some(true), Some(false))
        );
        let mut told = foretold(&planned["outcomes"][0]["writes"]);
        let mut written = changes(&world.github.inside().log[since_dry..]);
        assert!(told.len() >= 2, "{life:?}: {told:?}");
        // Labels and reviewers are one write in two requests.
        written.dedup();
        told.dedup();
        assert_eq!(told, written, "{life:?}");

        let again = ran(world.command_of("plan").args(["--format", "json"]));
        assert_eq!(json(&again)["outcomes"][0]["writes"], serde_json::json!([]), "{life:?}");
    }
}

#[test]
fn a_kept_plan_is_what_is_written_and_once() {
    for life in Life::ALL {
        let world = World::before(life);
        let file = world.demo.folder().join("plan.json");
        let planned = ran(world.command_of("plan").args(["--format", "json", "--out"]).arg(&file));
        assert_eq!(planned.code, 0, "{}", planned.err);
        let as_kept = |world: &World| ran(world.command().args(["--format", "json", "--plan"]).arg(&file));
        let start = world.github.requests();
        let done = as_kept(&world);
        assert_eq!(done.code, 0, "{life:?}: {}{}", done.out, done.err);
        assert_eq!(json(&planned)["outcomes"], json(&done)["outcomes"], "{life:?}");
        let mut told = foretold(&json(&planned)["outcomes"][0]["writes"]);
        let mut written = changes(&world.github.inside().log[start..]);
        written.dedup();
        told.dedup();
        assert_eq!(told, written, "{life:?}");
        let start = world.github.requests();
        assert_eq!(as_kept(&world).code, 0, "{life:?}");
        assert!(
            changes(&world.github.inside().log[start..]).is_empty(),
            "{life:?}: twice"
        );
    }
    // Somebody pushes to the branch in between.
    let world = World::before(Life::Update);
    let file = world.demo.folder().join("plan.json");
    ran(world.command_of("plan").arg("--out").arg(&file));
    world
        .github
        .push(REPO, "lockstep/ci/4.16", "ann", &[("README.md", Some("by ann\n"))]);
    let start = world.github.requests();
    let ran = ran(world.command().arg("--plan").arg(&file));
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("nothing is written: "), "{}", ran.out);
    assert!(changes(&world.github.inside().log[start..]).is_empty());
}

#[test]
fn people_read_what_would_be_written() {
    let world = World::before(Life::Open);
    let planned = ran(&mut world.command_of("plan"));
    let told = "\nWhat `lockstep reconcile` would write\n  openshift/release ci 4.16: new pull request\n    set lockstep/ci/4.16 to one commit: 5 files\n";
    assert!(planned.out.contains(told), "{}", planned.out);
    world.run();
    let planned = ran(&mut world.command_of("plan"));
    assert!(
        planned
            .out
            .contains("openshift/release ci 4.16: up to date, the pull request is open\n\nDrift"),
        "{}",
        planned.out
    );
}

#[test]
fn without_a_token_the_drift_is_shown_and_what_is_missing() {
    let world = World::before(Life::Open);
    let planned = ran(world.command_of("plan").arg("--exit-code").env_remove("TOKEN"));
    assert_eq!(planned.code, 1, "there is drift, and a broken file: {}", planned.err);
    assert!(planned.out.contains("cannot be told"), "{}", planned.out);
    assert!(planned.out.contains("environment variable TOKEN"), "{}", planned.out);
    assert!(planned.out.contains("Drift: 5 files"), "{}", planned.out);
    assert_eq!(world.github.requests(), 0);
    let planned = ran(world.command_of("plan").args(["--format", "json"]).env_remove("TOKEN"));
    let planned = json(&planned);
    assert_eq!(planned["drift"], true);
    let outcome = &planned["outcomes"][0];
    assert!(outcome["action"].is_null() && outcome["writes"] == serde_json::json!([]));
    assert!(outcome["error"].as_str().unwrap().contains("TOKEN"), "{outcome}");
}

#[test]
fn where_the_forge_cannot_be_read_the_drift_is_shown() {
    let world = World::before(Life::Open);
    world.github.fail(1, Fault::Forbidden, true);
    let planned = ran(&mut world.command_of("plan"));
    assert_eq!(planned.code, 0, "{}", planned.err);
    assert!(
        planned
            .out
            .contains("cannot be told: looking at openshift/release: not permitted"),
        "{}",
        planned.out
    );
    assert!(
        planned.out.contains("Drift: 5 files") && !planned.out.contains(TOKEN),
        "{}",
        planned.out
    );
}

#[test]
fn what_waits_is_listed_with_its_reason_and_time() {
    let world = World::with(", max-new: 0");
    let expected = "`forge.max-new` allows 0 new pull requests an hour in openshift";
    for command in ["plan", "reconcile"] {
        let told = ran(&mut world.command_of(command));
        assert_eq!(told.code, 0, "{}", told.err);
        assert!(
            told.out.contains("ci 4.16: waits") && told.out.contains(expected),
            "{}",
            told.out
        );
        let told = json(&ran(world.command_of(command).args(["--format", "json"])));
        let outcome = &told["outcomes"][0];
        assert_eq!(
            (&outcome["action"], &outcome["writes"]),
            (&"wait".into(), &serde_json::json!([]))
        );
        assert_eq!(outcome["waits"], serde_json::json!({ "why": expected, "until": null }));
    }
    assert!(world.github.pulls(REPO).is_empty());
}

#[test]
fn results_have_the_form_that_is_described() {
    let world = World::before(Life::Open);
    for command in ["plan", "reconcile"] {
        let schema = ran(world.command_of(command).arg("--schema"));
        let schema: Value = serde_json::from_str(&schema.out).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let told = json(&ran(world.command_of(command).args(["--format", "json"])));
        let faults: Vec<String> = validator.iter_errors(&told).map(|error| error.to_string()).collect();
        assert!(faults.is_empty(), "{command}: {faults:#?}");
        assert!(
            !validator.is_valid(&serde_json::json!({ "outcomes": 1 })),
            "{command}: anything is valid"
        );
    }
}
