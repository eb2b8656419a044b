//! The service and the pull requests of others: what makes it look, what a look costs, and what it shows.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::support::pull_world::{APP, BEACON, NUMBER, PullWorld, TOKEN};
use crate::support::service::{Service, wait_until};

/// Never by itself.
const NEVER: &str = "0 0 0 1 1 *";
const ALL: &str = "{pulls: {repositories: ['openshift/*']}}";

fn wait(service: &Service, what: &str, holds: impl FnMut() -> bool) {
    wait_until(what, || service.log(), holds);
}

fn answered(service: &Service, world: &PullWorld, head: &str) {
    wait(service, "an answer", || !world.checks_of(head).is_empty());
}

fn event(action: &str, more: Json) -> Json {
    let mut event = json!({"action": action, "repository": {"full_name": BEACON}, "sender": {"login": "ann"}});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn pull_request(action: &str, number: u64) -> Json {
    event(
        action,
        json!({"pull_request": {"number": number, "head": {"ref": "topic"}}}),
    )
}

/// What was asked after the first `since` requests, by the name of the question.
fn asked(world: &PullWorld, since: usize) -> Vec<String> {
    let inside = world.github.inside();
    let name = |exchange: &crate::support::fake_github::Exchange| {
        let query = exchange.request["query"].as_str().unwrap_or_default();
        match query.strip_prefix("query ") {
            Some(rest) => rest.split('(').next().unwrap_or_default().to_owned(),
            None => format!("{} {}", exchange.method, exchange.path),
        }
    };
    inside.log[since..].iter().map(name).collect()
}

#[test]
fn a_poll_answers_what_is_open_and_costs_little_when_nothing_has_changed() {
    let world = PullWorld::new(ALL, APP);
    world.with_commits();
    world.pull(8, "words", &[("README.md", Some("Words.\n"))]);
    let service = world.serve("*/2 * * * * *");
    answered(&service, &world, &world.head);
    assert_eq!(world.checks().len(), 1);
    assert!(world.tide_merges());
    service.wait_for("\"trigger\":\"schedule", 2);
    let since = world.github.requests();
    let runs = service.runs();
    wait(&service, "a quiet poll", || service.runs() >= runs + 2);
    let quiet = asked(&world, since);
    // Beside what a run asks anyway (tokens, where branches are, our own pull request), each lists what is open.
    let others = quiet
        .iter()
        .filter(|asked| !asked.contains("/installation") && !asked.contains("/access_tokens"));
    let kinds: BTreeSet<&str> = others.map(String::as_str).collect();
    assert!(
        kinds.is_subset(&BTreeSet::from(["Heads", "Look", "OpenPulls"])),
        "{quiet:?}"
    );
    let runs_of = quiet.iter().filter(|asked| *asked == "Look").count();
    assert!(
        quiet.iter().filter(|asked| *asked == "OpenPulls").count() <= runs_of + 1,
        "{quiet:?}"
    );
    assert_eq!(world.checks().len(), 1);
    let list: Json = serde_json::from_str(&service.get("/api/v1/impact").1).expect("JSON");
    let states: Vec<(&Json, &Json)> = list["pulls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pull| (&pull["pull"], &pull["state"]))
        .collect();
    assert_eq!(states, [(&json!(7), &json!("told")), (&json!(8), &json!("silent"))]);
    let page = service.get("/impact").1;
    assert!(
        page.contains("openshift/beacon#7") && page.contains("1 of them touch nothing"),
        "{page}"
    );
    let one = service.get("/impact/openshift/beacon/7").1;
    assert!(one.contains("stage-count") && one.contains("loses the image"), "{one}");
    let of: Json = serde_json::from_str(&service.get("/api/v1/impact/openshift/beacon/7").1).expect("JSON");
    assert_eq!(of["verdict"], "breaks");
    assert_eq!(service.get("/api/v1/impact/openshift/beacon/8").0, 404);
    assert_eq!(service.get("/impact/openshift/beacon/8").0, 404);
    let metrics = service.get("/metrics").1;
    assert!(
        metrics.contains("lockstep_impact_checks_total{verdict=\"breaks\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("lockstep_impact_pull_requests{state=\"silent\"} 1"),
        "{metrics}"
    );
    service.end();
}

#[test]
fn a_change_of_metadata_renews_the_answer() {
    let world = PullWorld::new(ALL, APP);
    world.with_commits();
    let service = world.serve("*/2 * * * * *");
    answered(&service, &world, &world.head);
    world.metadata_follows();
    world.commit_metadata();
    // The new answer is written first, then the old one says that it is none any more.
    wait(&service, "an old answer that says so", || {
        let checks = world.checks();
        let title = checks[0]["output"]["title"].as_str().unwrap_or_default();
        checks.len() == 2 && title.starts_with("superseded: ")
    });
    assert_eq!(world.checks()[1]["conclusion"], "success");
    assert!(world.tide_merges());
    service.wait_for("\"trigger\":\"schedule", service.count("\"trigger\":\"schedule") + 2);
    assert_eq!(world.checks().len(), 2);
    service.end();
}

#[test]
fn webhooks_make_it_look_at_once_and_at_little() {
    let world = PullWorld::new(ALL, APP);
    world.with_commits();
    let service = world.serve(NEVER);
    answered(&service, &world, &world.head);
    service.rest();
    let staged = format!("FROM golang:1.21 AS other\nRUN make other\n{}", world.dockerfile());
    let head = world.pull(8, "other", &[("Dockerfile", Some(&staged))]);
    let runs = service.runs();
    assert_eq!(
        service.deliver("pull_request", &pull_request("labeled", 8)).1,
        "ignored: nothing here reads that\n"
    );
    assert_eq!(
        service.deliver("pull_request", &pull_request("opened", 8)).1,
        "queued\n"
    );
    answered(&service, &world, &head);
    service.rest();
    assert_eq!(service.runs(), runs + 1);
    let page = service.get("/api/v1/runs?limit=1").1;
    assert!(
        page.contains("openshift/beacon#8 opened") && page.contains("\"releases\":[]"),
        "{page}"
    );
    // Somebody pushes again.
    let head = world
        .github
        .push(BEACON, "other", "ann", &[("Dockerfile", Some(&world.dockerfile()))]);
    service.deliver("pull_request", &pull_request("synchronize", 8));
    service.rest();
    assert_eq!(world.checks_of(&head).len(), 0, "nothing is left to say");
    let list = service.get("/api/v1/impact").1;
    assert!(list.contains("\"state\":\"silent\""), "{list}");
    // One of a repository that nobody watches is foreign.
    let foreign = json!({"action": "opened", "repository": {"full_name": "somebody/else"}, "pull_request": {"number": 1, "head": {"ref": "x"}}});
    assert_eq!(
        service.deliver("pull_request", &foreign).1,
        "ignored: nothing here reads that\n"
    );
    service.end();
}

#[test]
fn who_asks_gets_a_look_but_not_every_minute() {
    let world = PullWorld::new(ALL, APP);
    world.with_commits();
    let service = world.serve(NEVER);
    answered(&service, &world, &world.head);
    service.rest();
    // The check is lost, as nobody could know who goes by what is remembered.
    let lost = world.github.inside().state.checks.remove(&world.head);
    assert!(lost.is_some());
    let comment = event(
        "created",
        json!({"issue": {"number": NUMBER, "pull_request": {}}, "comment": {"body": "/lockstep check"}}),
    );
    let runs = service.runs();
    assert_eq!(service.deliver("issue_comment", &comment).1, "queued\n");
    wait(&service, "a run", || service.runs() > runs);
    service.rest();
    assert_eq!(world.checks().len(), 0, "it was looked at less than a minute ago");
    service.end();

    // Whoever has lost its state looks for what is there, and finds nothing.
    std::fs::remove_dir_all(world.world.path("state")).expect("the state goes");
    let service = world.serve(NEVER);
    answered(&service, &world, &world.head);
    service.end();
}

#[test]
fn the_button_of_github_asks_for_a_look_at_a_head_of_a_fork() {
    let world = PullWorld::new(ALL, APP);
    world.with_commits();
    let service = world.serve(NEVER);
    answered(&service, &world, &world.head);
    service.rest();
    let pressed = |app: u64| {
        let run = json!({"head_sha": world.head, "app": {"id": app}, "pull_requests": []});
        event("rerequested", json!({ "check_run": run }))
    };
    assert_eq!(
        service.deliver("check_run", &pressed(6)).1,
        "ignored: nothing here reads that\n"
    );
    let runs = service.runs();
    assert_eq!(service.deliver("check_run", &pressed(5)).1, "queued\n");
    wait(&service, "a run", || service.runs() > runs);
    service.rest();
    assert_eq!(world.checks().len(), 1, "the same answer is no second check");
    let page = service.get("/api/v1/runs?limit=1").1;
    assert!(
        page.contains("somebody asks for a look at openshift/beacon at "),
        "{page}"
    );
    service.end();
}

#[test]
fn two_that_write_leave_one_of_each() {
    let world = PullWorld::new("{pulls: {repositories: ['openshift/*'], comment: breaks}}", APP);
    world.with_commits();
    // Each has a state of its own, and nothing that keeps the other from writing.
    let services = [
        world.serve_in("state-1", "* * * * * *"),
        world.serve_in("state-2", "* * * * * *"),
    ];
    for service in &services {
        service.wait_for("\"trigger\":\"schedule", 4);
    }
    std::thread::sleep(Duration::from_secs(1));
    let checks = world.checks();
    assert!(!checks.is_empty() && checks.len() <= 2, "{checks:?}");
    let current = checks.iter().filter(|check| {
        !check["output"]["title"]
            .as_str()
            .unwrap_or_default()
            .starts_with("superseded: ")
    });
    assert_eq!(current.count(), 1, "{checks:?}");
    assert!(world.tide_merges());
    for service in services {
        service.end();
    }
}

#[test]
fn one_that_only_observes_says_what_it_would_write() {
    let world = PullWorld::new("{pulls: {repositories: ['openshift/*'], as: status}}", TOKEN);
    world.with_commits();
    let service = Service::start_with(&world.configured("state", NEVER), &["--observe"], &[]);
    service.wait_for("a run is over", 1);
    service.rest();
    assert_eq!(world.statuses(), Vec::<Json>::new());
    let list = service.get("/api/v1/impact").1;
    assert!(
        list.contains("\"state\":\"planned\"") && list.contains("status `OKD` (success)"),
        "{list}"
    );
    service.end();
}
