//! The service and the pull requests of others: what makes it look, what a look costs, and what it shows.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::support::pull_world::{APP, BEACON, BRANCH, PullWorld, TOKEN};
use crate::support::service::{Service, wait_until};

/// Never by itself.
pub(crate) const NEVER: &str = "0 0 0 1 1 *";
pub(crate) const ALL: &str = "{pulls: {repositories: ['openshift/*']}}";

pub(crate) fn wait(service: &Service, what: &str, holds: impl FnMut() -> bool) {
    wait_until(what, || service.log(), holds);
}

pub(crate) fn answered(service: &Service, world: &PullWorld, head: &str) {
    wait(service, "an answer", || !world.checks_of(head).is_empty());
}

pub(crate) fn event(action: &str, more: Json) -> Json {
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
    let quiet = world.asked(since);
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
fn a_quiet_poll_of_170_repositories_asks_three_questions_about_pull_requests() {
    let world = PullWorld::new("{pulls: {repositories: ['openshift/*'], as: status}}", TOKEN);
    world.with_components(167);
    world.with_commits();
    let service = world.serve("*/2 * * * * *");
    wait(&service, "an answer", || !world.statuses().is_empty());
    service.wait_for("\"trigger\":\"schedule", 2);
    let (since, runs) = (world.github.requests(), service.runs());
    wait(&service, "a quiet poll", || service.runs() >= runs + 2);
    let quiet = world.asked(since);
    let count = |name: &str| quiet.iter().filter(|asked| *asked == name).count();
    // Beside where branches are and our own pull request, which a run asks anyway.
    let others = quiet.len() - count("Heads") - count("Look");
    let polls = count("Look") + 1;
    assert_eq!(others, count("OpenPulls"), "{quiet:?}");
    assert!(others > 0 && others <= 3 * polls, "{quiet:?}");
    assert!(count("Heads") <= 2 * polls, "{quiet:?}");
    assert_eq!(world.statuses().len(), 1);
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
fn what_an_answer_depends_on_moves_and_the_answer_with_it_at_once() {
    let world = PullWorld::new(ALL, APP);
    world.with_commits();
    let service = world.serve(NEVER);
    answered(&service, &world, &world.head);
    service.rest();
    assert!(world.title(0).starts_with("breaks: "), "{:?}", world.checks());
    let heads = format!("refs/heads/{BRANCH}");
    let push = |text: &str, readme: &str| {
        let files = [("Dockerfile", Some(text)), ("README.md", Some(readme))];
        let commit = world.github.push(BEACON, "merged", "bob", &files);
        let mut inside = world.github.inside();
        inside.state.set_ref(BEACON, &heads, Some(commit.clone()));
        drop(inside);
        let pushed = json!({"ref": heads, "after": commit, "repository": {"full_name": BEACON}});
        assert_eq!(service.deliver("push", &pushed).1, "queued\n");
    };
    let answers = |what: &str, titles: &[&str]| {
        wait(&service, what, || world.checks().len() >= titles.len());
        service.rest();
        let found: Vec<String> = (0..world.checks().len()).map(|at| world.title(at)).collect();
        let fits = |(found, start): (&String, &&str)| found.starts_with(start);
        let all = found.len() == titles.len() && found.iter().zip(titles).all(fits);
        assert!(all, "{what}: {found:?}");
        assert!(world.tide_merges());
    };
    // Somebody merges the same stage. No answer is left standing that says something else, though there is nothing to say.
    let staged = world.github.files(BEACON, "topic")["Dockerfile"].clone();
    push(&staged, "Words.\n");
    let [was, nothing] = ["superseded: breaks: ", "nothing: "];
    answers("an answer after the push", &[was, nothing]);
    push(&world.dockerfile(), "Words.\n");
    let no_more = "superseded: nothing: ";
    answers("an answer after it was taken back", &[was, no_more, "breaks: "]);
    world.metadata_follows();
    world.commit_metadata();
    answers("an answer after metadata", &[was, no_more, was, "mends: "]);
    // A push that changes nothing for it writes nothing.
    push(&world.dockerfile(), "More.\n");
    answers("the same answer", &[was, no_more, was, "mends: "]);
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
fn one_pull_request_costs_three_questions_where_everything_else_is_known() {
    let world = PullWorld::new(ALL, APP);
    world.with_commits();
    let service = world.serve(NEVER);
    answered(&service, &world, &world.head);
    service.rest();
    let staged = format!("FROM golang:1.21 AS other\nRUN make other\n{}", world.dockerfile());
    let head = world.pull(8, "other", &[("Dockerfile", Some(&staged))]);
    let since = world.github.requests();
    service.deliver("pull_request", &pull_request("opened", 8));
    answered(&service, &world, &head);
    service.rest();
    let asked = world.asked(since);
    // What a look asks anyway: what is open, and where branches are; and what is written.
    let is_usual = |name: &String| {
        let usual = ["Heads", "OpenPulls"].contains(&name.as_str());
        usual || name.contains("/installation") || name.contains("/access_tokens") || name.contains("check-runs")
    };
    let of_one: Vec<&String> = asked.iter().filter(|name| !is_usual(name)).collect();
    assert_eq!(of_one, ["Pulls", "Trees", "Texts"], "{asked:?}");
    assert!(
        asked.iter().filter(|name| *name == "OpenPulls").count() <= 1,
        "{asked:?}"
    );
    assert!(asked.iter().filter(|name| *name == "Heads").count() <= 2, "{asked:?}");
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
    assert_eq!(world.comments().len(), 1, "{:?}", world.comments());
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

#[test]
fn a_head_gets_five_answers_and_what_waits_is_listed() {
    let world = PullWorld::new(ALL, APP);
    world.with_commits();
    let service = world.serve(NEVER);
    answered(&service, &world, &world.head);
    service.rest();
    let staged = world.github.files(BEACON, "topic")["Dockerfile"].clone();
    let heads = format!("refs/heads/{BRANCH}");
    // Somebody merges the same, takes it back, and so on: the answer is another one each time.
    for round in 0..5 {
        let text = if round % 2 == 0 {
            staged.clone()
        } else {
            world.dockerfile()
        };
        let files = [("Dockerfile", Some(text.as_str()))];
        let commit = world.github.push(BEACON, "merged", "bob", &files);
        world
            .github
            .inside()
            .state
            .set_ref(BEACON, &heads, Some(commit.clone()));
        let pushed = json!({"ref": heads, "after": commit, "repository": {"full_name": BEACON}});
        let runs = service.runs();
        service.deliver("push", &pushed);
        wait(&service, "a run", || service.runs() > runs);
        let expected = (round + 2).min(5);
        wait(&service, "an answer", || world.checks().len() == expected);
        assert!(world.tide_merges());
    }
    service.rest();
    assert_eq!(world.checks().len(), 5);
    let note = format!("{BEACON}#7 at {} has 5 answers already", &world.head[..10]);
    let list: Json = serde_json::from_str(&service.get("/api/v1/impact").1).expect("JSON");
    let pull = &list["pulls"][0];
    assert_eq!(
        (&pull["state"], &pull["note"], &pull["until"]),
        (&json!("waits"), &json!(note), &Json::Null)
    );
    let page = service.get("/impact").1;
    assert!(page.contains(&note), "{page}");
    assert!(service.count(&format!("waits: {note}")) >= 1, "{:?}", service.log());
    service.end();
}

#[test]
fn so_many_an_hour_are_answered_and_the_others_wait_for_their_time() {
    let world = PullWorld::new("{pulls: {repositories: ['openshift/*'], max-new: 1}}", APP);
    world.with_commits();
    let staged = format!("FROM golang:1.21 AS other\nRUN make other\n{}", world.dockerfile());
    let other = world.pull(8, "other", &[("Dockerfile", Some(&staged))]);
    let service = world.serve("*/2 * * * * *");
    let answers = || world.checks().len() + world.checks_of(&other).len();
    wait(&service, "an answer", || answers() > 0);
    let runs = service.runs();
    wait(&service, "quiet polls", || service.runs() >= runs + 3);
    assert_eq!(answers(), 1);
    let list: Json = serde_json::from_str(&service.get("/api/v1/impact").1).expect("JSON");
    let waits: Vec<&Json> = list["pulls"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|pull| pull["state"] == "waits")
        .collect();
    let note = "1 answers were given within the last hour (`feedback.pulls.max-new`)";
    assert_eq!((waits.len(), &waits[0]["note"]), (1, &json!(note)));
    // From then on there is room: an hour after the first one.
    let until = waits[0]["until"].as_i64().expect("a time");
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let left = until - i64::try_from(now.as_secs()).unwrap();
    assert!((3_400..=3_600).contains(&left), "{left}");
    let clock = chrono::DateTime::from_timestamp(until, 0).unwrap();
    let page = service.get("/impact").1;
    let escaped = note.replace('`', "&#x60;");
    assert!(page.contains(note) || page.contains(&escaped), "{page}");
    assert!(page.contains(&clock.format("%H:%M").to_string()), "{page}");
    assert_eq!(service.count(&format!("waits: {note}")), 1, "once, not with each look");
    let metrics = service.get("/metrics").1;
    assert!(
        metrics.contains("lockstep_impact_pull_requests{state=\"waits\"} 1"),
        "{metrics}"
    );
    service.end();
    // Another process knows how many were given.
    let service = world.serve("*/2 * * * * *");
    service.wait_for("a run is over", 3);
    assert_eq!(answers(), 1);
    service.end();
}
