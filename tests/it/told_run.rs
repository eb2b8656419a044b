//! Telling after the merge by the program itself: `results --told`, `reconcile` and the service; killed after each request.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value as Json;

use crate::results::{job, on_github, world};
use crate::support::audit_world::{Ran, World};
use crate::support::fake_github::state::{Pull, PullState};
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

/// The same, where harbor's image fails since a pull request that was merged, so that a comment on it tells of that.
fn merged(feedback: &str) -> Told {
    let told = told(feedback);
    let (good, bad) = on_github(&told.world, &told.github, "artifacts: ci/artifacts", "");
    let config = format!("{{adopt: {{releases: ['4.99']}}, feedback: {feedback}}}");
    told.world.configure(&serde_yaml::from_str(&config).expect("YAML"));
    let mut inside = told.github.inside();
    let state = &mut inside.state;
    let ocp = job("harbor", "");
    let statuses = state.statuses.get_mut(&bad).expect("it has some");
    statuses.retain(|[context, ..]| *context != ocp);
    let link = format!("https://prow.example.com/view/gs/x/logs/{ocp}/2");
    statuses.push([ocp, "SUCCESS".to_owned(), link, "openshift-ci".to_owned()]);
    // The step that broke it says which pull request it merged.
    let id = git2::Oid::from_str(&bad).unwrap();
    let tree = state.git.find_commit(id).unwrap().tree_id().to_string();
    let who = ("ann", "ann@example.org");
    let merge = state.commit(&tree, &[good], "Change it (#11)", who).unwrap();
    let moved = state.statuses.remove(&bad).expect("it has some");
    state.statuses.insert(merge.clone(), moved);
    state.set_ref(HARBOR, "refs/heads/release-4.16", Some(merge.clone()));
    let base = state.branch(HARBOR, "main").expect("a branch");
    let merged_at = chrono::DateTime::from_timestamp(now() - 3_600, 0).expect("a time");
    state.repo_mut(HARBOR).expect("harbor").pulls.push(Pull {
        state: PullState::Merged,
        title: "Change it".to_owned(),
        head_repo: None,
        head_owner: "ann".to_owned(),
        created_at: merged_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        ..Pull::open(11, HARBOR, ("release-4.16", &base), ("topic", &merge))
    });
    drop(inside);
    told
}

fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_secs()).expect("small")
}

#[test]
fn killed_after_each_request_one_issue_is_left() {
    killed_after_each(&|| told("{breaks: {as: issue}}"), 1);
}

#[test]
fn killed_after_each_request_one_table_is_left() {
    let world = || {
        let told = told("{breaks: {as: table, table: okd-project/okd}}");
        told.github.repository("okd-project/okd", &[("README.md", "OKD\n")]);
        told
    };
    killed_after_each(&world, 1);
}

#[test]
fn killed_after_each_request_one_comment_is_left() {
    killed_after_each(&|| merged("{breaks: {as: comment}}"), 1);
}

/// How many texts of ours there are: issues, and comments on pull requests.
fn texts(told: &Told) -> usize {
    let inside = told.github.inside();
    let all = inside.state.repos.values();
    all.map(|repo| repo.issues.len() + repo.pulls.iter().map(|pull| pull.comments.len()).sum::<usize>())
        .sum()
}

fn killed_after_each(world: &dyn Fn() -> Told, count: usize) {
    let expected = world();
    let before = expected.github.requests();
    let ran = expected.run(&["reconcile"]);
    let requests = expected.github.requests() - before;
    assert!(requests >= 3, "it looks, writes and looks again: {requests}");
    assert_eq!(texts(&expected), count, "{}", ran.stderr);
    for request in 1..=requests {
        let told = world();
        run_and_kill_after(&told, request);
        told.run(&["reconcile"]);
        assert_eq!(texts(&told), count, "killed after request {request} of {requests}");
        assert_eq!(
            told.picture(),
            expected.picture(),
            "killed after request {request} of {requests}"
        );
    }
    println!("{requests} requests, killed after each");
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
