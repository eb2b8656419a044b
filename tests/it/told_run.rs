//! Telling after the merge by the program itself: `results --told`, `reconcile` and the service; killed after each request.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;

use crate::results::world;
use crate::support::audit_world::{Ran, World};
use crate::support::fake_github::{FakeGithub, Fault};
use crate::support::service::{Service, wait_until};

const HARBOR: &str = "openshift/harbor";
const TITLE: &str = "OKD 4.16: harbor-base does not build any more";

struct Told {
    world: World,
    github: FakeGithub,
}

fn told(feedback: &str) -> Told {
    let (world, github) = (world(), FakeGithub::start());
    for repo in [HARBOR, "openshift/beacon", "openshift/tidewatch", "openshift/release"] {
        github.repository(repo, &[("README.md", "x\n")]);
    }
    std::fs::write(world.path("token"), "secret\n").expect("written");
    // No target writes here: only what is told is looked at.
    let config = format!(
        "{{sources: {{results: {{prow: {{deck: ci, artifacts: ci/artifacts}}}}}}, forge: {{kind: github, api: '{}', token-file: token}}, adopt: \
         {{releases: ['4.99']}}, schedule: '* * * * * *', listen: '127.0.0.1:0', feedback: {feedback}}}",
        github.url
    );
    world.unconfigure("forge");
    world.configure(&serde_yaml::from_str(&config).expect("YAML"));
    Told { world, github }
}

impl Told {
    fn run(&self, args: &[&str]) -> Ran {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        self.world.run(&args)
    }

    fn issues(&self) -> Vec<crate::support::fake_github::issues::Issue> {
        self.github.inside().state.repo(HARBOR).expect("harbor").issues.clone()
    }

    /// What two runs must agree on: texts say on which day they saw something.
    fn picture(&self) -> String {
        self.github.picture(HARBOR)
    }
}

#[test]
fn a_dry_run_says_what_a_run_writes_and_it_is_written_once() {
    let told = told("{breaks: {as: issue}}");
    let dry = told.run(&["reconcile", "--dry-run"]);
    let line = format!("open an issue in {HARBOR}: {TITLE}");
    assert!(dry.stderr.contains(&line), "{}{}", dry.stdout, dry.stderr);
    assert_eq!(told.issues(), []);
    let shown = told.run(&["results", "--told"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(shown.stdout.starts_with(&line), "{}", shown.stdout);
    assert!(
        shown
            .stdout
            .contains("    **`harbor-base`, OKD 4.16**: go.mod asks for a newer Go than the builder has."),
        "{}",
        shown.stdout
    );
    let json: Json = serde_json::from_str(&told.run(&["results", "--told", "--format", "json"]).stdout).expect("JSON");
    assert_eq!(
        (&json["writes"][0]["write"], &json["writes"][0]["repository"]),
        (&"open".into(), &HARBOR.into())
    );
    let schema = serde_json::from_str(&told.run(&["results", "--told", "--schema"]).stdout).expect("a schema");
    let faults: Vec<String> = jsonschema::validator_for(&schema)
        .expect("a schema")
        .iter_errors(&json)
        .map(|fault| fault.to_string())
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    let first = told.run(&["reconcile"]);
    assert!(first.stderr.contains(&line), "{}", first.stderr);
    let issues = told.issues();
    assert_eq!(issues.len(), 1);
    assert_eq!(issues[0].title, TITLE);
    let again = told.run(&["reconcile"]);
    assert!(!again.stderr.contains("an issue"), "{}", again.stderr);
    assert_eq!(told.issues(), issues);
}

#[test]
fn killed_after_each_request_one_issue_is_left() {
    let expected = told("{breaks: {as: issue}}");
    let before = expected.github.requests();
    expected.run(&["reconcile"]);
    let requests = expected.github.requests() - before;
    assert!(requests >= 3, "it looks, writes and looks again: {requests}");
    for request in 1..=requests {
        let told = told("{breaks: {as: issue}}");
        run_and_kill_after(&told, request);
        told.run(&["reconcile"]);
        assert_eq!(
            told.picture(),
            expected.picture(),
            "killed after request {request} of {requests}"
        );
    }
}

fn run_and_kill_after(told: &Told, request: usize) {
    let child: Arc<Mutex<Option<Child>>> = Arc::default();
    let victim = Arc::clone(&child);
    let last = told.github.requests() + request;
    told.github.inside().after = Some(Box::new(move |number| {
        if number == last {
            while victim.lock().unwrap().is_none() {
                std::thread::yield_now();
            }
            if let Some(child) = victim.lock().unwrap().as_mut() {
                child.kill().unwrap();
            }
        }
    }));
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    let command = command
        .args(["reconcile", "--config", "lockstep.yaml"])
        .current_dir(told.world.path("."))
        .env_clear();
    let spawned = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    *child.lock().unwrap() = Some(spawned);
    loop {
        if child.lock().unwrap().as_mut().unwrap().try_wait().unwrap().is_some() {
            break;
        }
        std::thread::yield_now();
    }
    told.github.inside().after = None;
}

#[test]
fn what_fails_is_told_and_is_exit_code_1() {
    let told = told("{breaks: {as: issue}}");
    told.github.fail(1, Fault::Forbidden, true);
    let ran = told.run(&["reconcile"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("not told: looking for what was told in openshift/"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
}

#[test]
fn a_silence_of_the_configuration_is_kept_and_a_useless_one_is_a_note() {
    let told = told(
        "{breaks: {as: issue}, silence: [{image: harbor-base, reason: it moves, author: ann, until: 2999-01-01}, {image: harbor-bas, reason: x, \
         author: ann, until: 2999-01-01}, {image: beacon, reason: x, author: bob, until: 2020-01-01}]}",
    );
    let ran = told.run(&["reconcile"]);
    for expected in [
        "harbor-base of 4.16: not told: it is silenced: it moves (ann, until 2999-01-01)",
        "the silence of `harbor-bas` by ann: there is no such image in 4.16; did you mean `harbor-base`?",
        "the silence of `beacon` by bob ended on 2020-01-01: remove it, or agree on a later `until`",
    ] {
        assert!(ran.stderr.contains(expected), "{expected}: {}", ran.stderr);
    }
    assert_eq!(told.issues(), []);
    let shown = told.run(&["results"]);
    assert!(
        shown.stderr.contains("there is no such image in 4.16"),
        "{}",
        shown.stderr
    );
}

#[test]
fn nobody_is_told_unless_it_is_configured_and_on_github() {
    let nobody = told("{breaks: {as: none}}");
    let ran = nobody.run(&["results", "--told"]);
    assert!(
        ran.stderr.contains("the configuration has no `feedback.breaks`"),
        "{}",
        ran.stderr
    );
    nobody.run(&["reconcile"]);
    assert_eq!(nobody.issues(), []);
    let local = told("{breaks: {as: issue}}");
    let forge = serde_yaml::from_str("{forge: {kind: local, dir: out}}").expect("YAML");
    local.world.unconfigure("forge");
    local.world.configure(&forge);
    for args in [&["reconcile", "--dry-run"][..], &["results", "--told"]] {
        let ran = local.run(args);
        assert_eq!(ran.code, 1, "{args:?}");
        assert!(
            ran.stderr
                .contains("`feedback.breaks` needs `forge` with `kind: github`"),
            "{args:?}: {}",
            ran.stderr
        );
    }
}

#[test]
fn the_service_tells_once_and_so_does_the_next_one() {
    let told = told("{breaks: {as: issue}}");
    let config = told.world.path("lockstep.yaml");
    for state in ["state-1", "state-2"] {
        let key = serde_yaml::from_str(&format!("{{state: {state}}}")).expect("YAML");
        told.world.configure(&key);
        let service = Service::start(&config, &[]);
        wait_until("an issue", || service.log(), || !told.issues().is_empty());
        let runs = service.runs();
        wait_until("more runs", || service.log(), || service.runs() >= runs + 3);
        let count = usize::from(state == "state-1");
        let line = format!("open an issue in {HARBOR}: {TITLE}");
        let records: Json = serde_json::from_str(&service.get("/api/v1/runs?limit=500").1).expect("JSON");
        let all = records.as_array().expect("runs").clone();
        let told_by = all.iter().filter(|run| run["told_writes"]["issue"] == 1);
        let wrote = |run: &&Json| {
            run["writes"]
                .as_array()
                .expect("writes")
                .contains(&line.as_str().into())
        };
        assert_eq!(told_by.filter(wrote).count(), count, "{records}");
        assert_eq!(service.get("/runs").1.contains(TITLE), count == 1);
        let metric = format!("lockstep_told_writes_total{{kind=\"issue\"}} {count}");
        let metrics = service.get("/metrics").1;
        assert!(metrics.lines().any(|known| known == metric), "{metric}: {metrics}");
        assert!(service.end().0.success());
        assert_eq!(told.issues().len(), 1, "{state}");
    }
}

#[test]
fn what_the_service_cannot_tell_stands_in_its_run_and_is_tried_again() {
    let told = told("{breaks: {as: issue}}");
    told.github.inside().state.read_only_issues = true;
    let service = Service::start(&told.world.path("lockstep.yaml"), &[]);
    service.wait_for("a break is not told: ", 2);
    let page = service.get("/runs").1;
    for expected in ["a break is not told: ", "permission `issues: write`", "partly"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    told.github.inside().state.read_only_issues = false;
    wait_until("an issue", || service.log(), || !told.issues().is_empty());
    assert!(service.end().0.success());
    assert_eq!(told.issues().len(), 1);
}
