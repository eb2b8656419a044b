//! The whole way with the built program: a push to a real repository, a webhook, a plan, a pull request on the fake GitHub,
//! its merge, in sync; and what people and programs see of it meanwhile.

use crate::support::{fake_github, place, service, world};
use fake_github::state::PullState;
use place::{BRANCH, Place, TOKEN};
use serde_json::{Value, json};
use service::push;
use world::{BUILD_DATA, RELEASE};

/// What GitHub sends when a pull request is closed or merged.
fn closed(number: u64) -> Value {
    json!({
        "action": "closed", "number": number,
        "pull_request": {"number": number, "state": "closed", "merged": true, "head": {"ref": BRANCH, "sha": "1".repeat(40)}, "base": {"ref": "master"}},
        "repository": {"id": 1, "name": "release", "full_name": RELEASE, "owner": {"login": "openshift", "id": 2}},
        "sender": {"login": "ann", "id": 3},
    })
}

#[test]
fn from_a_push_by_a_webhook_to_in_sync() {
    let mut place = Place::new("");
    let pulls = place.github.pulls(RELEASE);
    assert_eq!(pulls.len(), 1, "what is missing is proposed at the start");
    assert!(!place.proposes("buoy", "tag: capstan"));

    // Somebody pushes; nobody but GitHub's webhook tells of it.
    place.world.unseen(|world| world.image("buoy", "{member: capstan}", ""));
    place.deliver("push", &push(BUILD_DATA, "openshift-4.16"));
    assert!(place.proposes("buoy", "tag: capstan"), "the pull request follows");
    assert_eq!(place.github.pulls(RELEASE).len(), 1, "in the same pull request");
    let record = place.json("/api/v1/runs?limit=1")[0].clone();
    assert_eq!(record["trigger"], "webhook");
    let because = record["because"].to_string();
    assert!(
        because.contains("openshift-eng/ocp-build-data openshift-4.16"),
        "{because}"
    );
    assert!(because.contains(" moved from "), "{because}");

    // A person merges it.
    place.merge();
    place.deliver("pull_request", &closed(1));
    assert_eq!(place.json("/api/v1/plan")["drift"], false);
    assert_eq!(place.json("/api/v1/pull-requests")[0]["state"], "in-sync");
    assert_eq!(place.github.pulls(RELEASE)[0].state, PullState::Merged);
    let asked = place.github.requests();
    place.deliver("push", &push("openshift/buoy", "release-4.16"));
    let since = place.github.asked(asked);
    assert!(
        since.iter().all(|request| request == "POST /graphql"),
        "in sync, nothing is written: {since:?}"
    );
    assert_eq!(place.github.pulls(RELEASE).len(), 1);
    assert!(place.service.end().0.success());
}

#[test]
fn what_is_open_is_linked_and_what_it_costs_is_counted() {
    let place = Place::new("");
    let url = format!("{}/openshift/release/pull/1", place.github.url);
    let request = place.json("/api/v1/pull-requests")[0].clone();
    assert_eq!(
        (request["state"].as_str(), &request["url"]),
        (Some("open"), &json!(url))
    );
    let link = format!("<a href=\"{url}\"");
    let matrix = place.service.get("/").1;
    assert!(
        matrix.contains(&format!("<a class=\"pull\" href=\"{url}\" rel=\"noreferrer\">")) && matrix.contains("#1</a>"),
        "{matrix}"
    );
    for page in ["/images/buoy/4.16", "/pull-requests"] {
        let (status, html) = place.service.get(page);
        assert!(status == 200 && html.contains(&link), "{page}: {html}");
    }

    // GitHub's own count of each API, as it said last.
    let (asked, spent) = {
        let inside = place.github.inside();
        (inside.requests as u64, inside.spent.clone())
    };
    let limits = place.json("/api/v1/status")["rate_limits"].clone();
    for api in ["core", "graphql"] {
        assert_eq!(limits[api]["left"], json!(5000 - spent[api]), "{limits}");
        assert_eq!(limits[api]["limit"], 5000);
    }
    let runs = place.json("/api/v1/runs");
    let count = |api: &str| -> u64 {
        let runs = runs.as_array().unwrap().iter();
        runs.filter_map(|run| run["requests"][api].as_u64()).sum()
    };
    assert_eq!((count("rest"), count("graphql")), (spent["core"], spent["graphql"]));
    assert_eq!(count("rest") + count("graphql"), asked);
    let metrics = place.service.get("/metrics").1;
    for line in [
        format!("lockstep_requests_total{{api=\"graphql\"}} {}", spent["graphql"]),
        format!("lockstep_rate_limit_left{{api=\"core\"}} {}", 5000 - spent["core"]),
        format!(
            "lockstep_rate_limit_left{{api=\"graphql\"}} {}",
            5000 - spent["graphql"]
        ),
    ] {
        assert!(
            metrics.lines().any(|said| said == line),
            "{line} is missing in {metrics}"
        );
    }
    let page = place.service.get("/runs").1;
    assert!(page.contains("Left of GitHub's limits: <code>core</code>"), "{page}");
    place.service.end();
}

/// What `lockstep plan --format json` says.
fn planned(place: &Place) -> Value {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["plan", "--format", "json", "--config"])
        .arg(place.world.folder().join("lockstep.yaml"))
        .env("TOKEN", TOKEN)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_plan_is_that_of_the_command_with_what_was_written() {
    let place = Place::new("");
    let (told, run) = (place.json("/api/v1/plan"), place.json("/api/v1/runs")[0].clone());
    assert_eq!((&told["run"], &told["dry_run"]), (&run["id"], &json!(false)));
    let writes = told["outcomes"][0]["writes"].as_array().unwrap();
    let kinds: Vec<&str> = writes.iter().map(|write| write["write"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["set-branch", "open"]);
    assert_eq!(writes.len(), run["writes"].as_array().unwrap().len());

    // Looked at again, nothing is to be written: as the command says then.
    place.deliver("push", &push("openshift/buoy", "release-4.16"));
    let mut told = place.json("/api/v1/plan");
    let run = told["run"].take();
    let marker = format!("<!-- lockstep:run {} -->", run.as_str().unwrap());
    let body = told["pull_requests"][0]["body"].as_str().unwrap().to_owned();
    assert!(body.contains(&marker), "{body}");
    let mut of_command = planned(&place);
    for answer in [&mut told, &mut of_command] {
        let parts = answer.as_object_mut().unwrap();
        parts.remove("run");
        parts.remove("dry_run");
        answer["pull_requests"][0]["body"].take();
    }
    assert_eq!(told, of_command);
    place.service.end();
}

#[test]
fn what_waits_is_told() {
    let place = Place::new(", max-new: 0");
    let outcome = place.json("/api/v1/plan")["outcomes"][0].clone();
    assert_eq!(outcome["action"], "wait");
    let why = "`forge.max-new` allows 0 new pull requests an hour in openshift";
    assert_eq!(outcome["waits"], json!({ "why": why, "until": null }));
    let request = place.json("/api/v1/pull-requests")[0].clone();
    assert_eq!((&request["state"], &request["note"]), (&json!("waiting"), &json!(why)));
    assert_eq!(planned(&place)["outcomes"][0], outcome);
    assert!(place.service.get("/?state=waiting").1.contains(">buoy</a>"));
    assert!(place.github.pulls(RELEASE).is_empty());
    place.service.end();
}

#[test]
fn a_comment_on_what_is_open_is_looked_at() {
    let place = Place::new("");
    let comment = |number: u64| {
        json!({
            "action": "created", "comment": {"id": 1, "body": "/lockstep take"},
            "issue": {"number": number, "pull_request": {"url": format!("https://api.github.com/repos/{RELEASE}/pulls/{number}")}},
            "repository": {"id": 1, "name": "release", "full_name": RELEASE, "owner": {"login": "openshift", "id": 2}},
            "sender": {"login": "ann", "id": 3},
        })
    };
    let (status, said) = place.service.deliver("issue_comment", &comment(4711));
    assert_eq!((status, said.trim()), (202, "ignored: nothing here reads that"));
    place.deliver("issue_comment", &comment(1));
    let because = place.json("/api/v1/runs?limit=1")[0]["because"].clone();
    assert_eq!(because, json!(["openshift/release#1 commented"]));
    place.service.end();
}

#[test]
fn what_a_person_refused_is_linked_to() {
    let place = Place::new("");
    place.github.close(RELEASE);
    place.deliver("pull_request", &closed(1));
    let request = place.json("/api/v1/pull-requests")[0].clone();
    assert_eq!(request["state"], "refused");
    assert_eq!(
        request["url"],
        json!(format!("{}/openshift/release/pull/1", place.github.url))
    );
    place.service.end();
}
