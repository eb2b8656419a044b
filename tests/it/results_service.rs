//! Results of builds in the service: what it asks for, what it keeps, what it shows.

use crate::results::{image, job, on_github, world, write};
use crate::support::audit_world::World;
use crate::support::fake_ci::{FakeCi, Trouble};
use crate::support::fake_github::FakeGithub;
use crate::support::service::{Service, wait_until};
use serde_json::Value as Json;

const FOLDER: &str = "artifacts/junit_operator.xml";

fn junit(text: &str) -> String {
    format!(
        "<testsuites><testsuite name=\"step graph\"><testcase name=\"Build image harbor-base from the repository\"><failure>{text}\
         </failure></testcase></testsuite></testsuites>"
    )
}

/// A service that looks every second, beside a GitHub and a bucket of artifacts.
fn start(world: &World) -> Service {
    let config = "{schedule: '* * * * * *', listen: '127.0.0.1:0'}";
    world.configure(&serde_yaml::from_str(config).expect("YAML"));
    Service::start_with(&world.path("lockstep.yaml"), &["--observe"], &[])
}

/// Waits for the end of so many runs that begin from now on.
fn runs(service: &Service, more: usize) {
    let begun = service.count("a run starts");
    service.wait_for("a run is over", begun + more);
}

/// How often GitHub was asked for steps that are not the last, since so many requests.
fn asked_for_steps(github: &FakeGithub, since: usize) -> usize {
    let inside = github.inside();
    let queries = inside.log[since..]
        .iter()
        .filter_map(|exchange| exchange.request["query"].as_str());
    queries.filter(|query| query.starts_with("query Reported")).count()
}

fn results(service: &Service) -> Json {
    let (status, body) = service.get("/api/v1/results?image=harbor-base");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).expect("JSON")
}

fn push(github: &FakeGithub, repo: &str, file: &str) -> String {
    let commit = github.push(repo, "main", "ann", &[(file, Some("y"))]);
    github
        .inside()
        .state
        .set_ref(repo, "refs/heads/release-4.16", Some(commit.clone()));
    commit
}

fn report(github: &FakeGithub, commit: &str, state: &str, build: &str) {
    let context = job("harbor", "okd-scos-");
    let link = format!("https://evil.example.com/view/gs/x/logs/{context}/{build}");
    let status = [context, state.to_owned(), link, "openshift-ci".to_owned()];
    github.inside().state.statuses.insert(commit.to_owned(), vec![status]);
}

#[test]
fn a_quiet_poll_asks_nothing_more_and_a_failed_run_is_read_once() {
    let (world, github, ci) = (world(), FakeGithub::start(), FakeCi::start());
    on_github(&world, &github, &format!("artifacts: '{}'", ci.url), "");
    let okd = job("harbor", "okd-scos-");
    let junit_of = |build: u32| format!("/logs/{okd}/{build}/{FOLDER}");
    ci.put(&junit_of(2), junit("go.mod requires go &gt;= 1.26.0"));
    let service = start(&world);
    runs(&service, 2);
    assert_eq!(image(&results(&service), "harbor-base")["state"], "broken");
    assert_eq!(ci.asked(), [junit_of(2)], "one request a failed run");
    assert_eq!(
        asked_for_steps(&github, 0),
        1,
        "the first look asks for what was before"
    );

    let quiet = github.requests();
    runs(&service, 3);
    assert_eq!(asked_for_steps(&github, quiet), 0);
    assert!(ci.asked().is_empty());
    let asked = github.asked(quiet);
    assert!(
        asked.iter().all(|asked| asked.ends_with("/graphql")),
        "only where branches are: {asked:?}"
    );

    // A new step of which the last one is known: its status comes with it.
    let mended = push(&github, "openshift/harbor", "c");
    report(&github, &mended, "SUCCESS", "3");
    let wait = |what: &str, state: &str| {
        let of = |service: &Service| image(&results(service), "harbor-base")["state"] == state;
        wait_until(what, || service.log(), || of(&service));
    };
    wait("the mended image", "builds");
    assert_eq!((asked_for_steps(&github, quiet), ci.asked().len()), (0, 0));

    // Two steps at once: what lies between is asked for.
    let quiet = github.requests();
    ci.put(&junit_of(4), junit("go.mod requires go &gt;= 1.27.0"));
    push(&github, "openshift/harbor", "d");
    let broken = push(&github, "openshift/harbor", "e");
    report(&github, &broken, "FAILURE", "4");
    wait("the broken image", "broken");
    let found = results(&service);
    let harbor = image(&found, "harbor-base");
    assert_eq!(
        (&harbor["since"], &harbor["last_good"]),
        (&broken.into(), &mended.into())
    );
    assert_eq!(harbor["history"].as_array().map(Vec::len), Some(4), "{harbor}");
    assert_eq!(ci.asked(), [junit_of(4)]);
    let steps = asked_for_steps(&github, quiet);
    assert!(steps <= 1, "{steps}");

    // Another process knows what this one has read.
    service.end();
    let quiet = github.requests();
    let service = start(&world);
    runs(&service, 2);
    assert_eq!(image(&results(&service), "harbor-base")["state"], "broken");
    assert_eq!((asked_for_steps(&github, quiet), ci.asked().len()), (0, 0));
    let (_, metrics) = service.get("/metrics");
    let line = "lockstep_image_builds{release=\"4.16\",state=\"broken\"} 1";
    assert!(metrics.lines().any(|known| known == line), "{line}: {metrics}");
    assert!(metrics.contains("lockstep_image_broken_since_seconds{release=\"4.16\",image=\"harbor-base\"} "));
    service.end();
}

#[test]
fn a_source_in_trouble_costs_itself_alone_and_is_asked_again() {
    let (world, github, ci) = (world(), FakeGithub::start(), FakeCi::start());
    let prow = format!("artifacts: '{0}', deck: '{0}'", ci.url);
    let controller = format!(
        ", release-controller: {{url: '{}', streams: ['{{release}}.0-0.okd']}}",
        ci.url
    );
    on_github(&world, &github, &prow, &controller);
    let okd = job("harbor", "okd-scos-");
    ci.put(
        &format!("/logs/{okd}/2/{FOLDER}"),
        junit("go.mod requires go &gt;= 1.26.0"),
    );
    ci.put(
        "/api/v1/releasestream/4.16.0-0.okd/tags",
        "{\"name\":\"s\",\"tags\":[{\"name\":\"p1\",\"phase\":\"Accepted\"}]}",
    );
    ci.trouble("/logs/", Trouble::Status(429, "slow down"));
    let service = start(&world);
    runs(&service, 2);
    let found = results(&service);
    let harbor = image(&found, "harbor-base");
    assert_eq!(harbor["state"], "unknown");
    assert!(harbor["says"].as_str().unwrap().contains("429"), "{harbor}");
    assert_eq!(found["unread"][0]["source"], "sources.results.prow.artifacts");
    assert_eq!(
        found["releases"][0]["payloads"][0]["accepted"], "p1",
        "the release controller is read all the same"
    );
    let asked = ci.asked();
    assert!(
        !asked.iter().any(|path| path.contains("prowjobs.js")),
        "GitHub knows all that deck knows: {asked:?}"
    );
    ci.mend();
    let is_broken = || image(&results(&service), "harbor-base")["state"] == "broken";
    wait_until("the artifacts", || service.log(), is_broken);
    assert_eq!(results(&service)["unread"], serde_json::json!([]));
    service.end();
}

/// The id of the newest run.
fn newest(service: &Service) -> String {
    let runs: Json = serde_json::from_str(&service.get("/api/v1/runs?limit=1").1).expect("JSON");
    runs[0]["id"].as_str().expect("an id").to_owned()
}

#[test]
fn what_has_changed_since_a_run_of_the_service_is_told_beside_it() {
    let world = world();
    let service = start(&world);
    runs(&service, 2);
    let first = newest(&service);
    let run = |args: &[&str]| {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        world.run(&args)
    };
    let since = |id: &str| {
        let ran = run(&["results", "--format", "json", "--since", id]);
        let found: Json = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}{}", ran.stdout, ran.stderr));
        let images = found["releases"][0]["images"].as_array().expect("images").clone();
        let tag = |image: Json| image["image"].as_str().expect("a tag").to_owned();
        images.into_iter().map(tag).collect::<Vec<_>>()
    };
    let rebuilt = |id: &str| run(&["rebuild", "--since", id, "--format", "tags"]).stdout;
    assert_eq!(since(&first), [""; 0], "it did not build then either");
    assert_eq!(rebuilt(&first), "");

    // beacon breaks, and tidewatch's Dockerfile changes.
    let okd = job("beacon", "okd-scos-");
    let deck = std::fs::read_to_string(world.path("ci/prowjobs.js")).expect("a list");
    let mut deck: Json = serde_json::from_str(&deck).expect("JSON");
    let failed = serde_json::json!({"spec": {"type": "postsubmit", "job": okd, "refs": {"base_sha": "f".repeat(40)}},
        "status": {"state": "failure", "build_id": "6", "startTime": "2026-01-04T00:00:00Z"}});
    deck["items"].as_array_mut().expect("items").push(failed);
    let text = junit("go: go.mod requires go &gt;= 1.26.0 (running go 1.25.9; GOTOOLCHAIN=local)");
    let text = text.replace("harbor-base", "beacon");
    write(&world, &format!("ci/artifacts/logs/{okd}/6/{FOLDER}"), &text);
    write(&world, "ci/prowjobs.js", &deck.to_string());
    let dockerfile = "repos/openshift/tidewatch/Dockerfile.okd";
    let before = std::fs::read_to_string(world.path(dockerfile)).expect("a Dockerfile");
    write(&world, dockerfile, &format!("{before}RUN make more\n"));
    let is_broken = || {
        let (_, body) = service.get("/api/v1/results?image=beacon");
        let found: Json = serde_json::from_str(&body).expect("JSON");
        image(&found, "beacon")["state"] == "broken"
    };
    wait_until("the break of beacon", || service.log(), is_broken);
    runs(&service, 2);
    assert_eq!(since(&first), ["beacon"]);
    assert_eq!(rebuilt(&first), "tidewatch\n");
    let last = newest(&service);
    assert_eq!(since(&last), [""; 0]);
    assert_eq!(rebuilt(&last), "");

    // A run that is not there, or that knew nothing of builds, is said to be.
    let none = run(&["results", "--since", "20200101-000000-00ff-1"]);
    assert_eq!(none.code, 1);
    assert!(
        none.stderr.contains("has no run 20200101-000000-00ff-1: it has "),
        "{}",
        none.stderr
    );
    service.end();
    std::fs::remove_file(world.path(&format!("state/runs/{first}.stuck.json"))).expect("it is there");
    let unknown = run(&["results", "--since", &first]);
    assert_eq!(unknown.code, 1);
    assert!(unknown.stderr.contains("knew nothing of builds"), "{}", unknown.stderr);
}
