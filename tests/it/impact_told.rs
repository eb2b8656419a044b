//! What pull requests of others are told: once, whatever happens, and never so that it blocks unless that is asked for.

use serde_json::Value as Json;

use crate::support::audit_world::{Ran, World};
use crate::support::fake_github::state::{Pull, PullState};
use crate::support::fake_github::{FakeGithub, Fault};

const BEACON: &str = "openshift/beacon";

struct Told {
    world: World,
    github: FakeGithub,
    head: String,
}

/// beacon on GitHub with a pull request that adds a stage, and what is to be told of it.
fn told(feedback: &str, credential: &str) -> Told {
    let world = World::base();
    let github = FakeGithub::start();
    let text = |file: &str| std::fs::read_to_string(world.path(file)).expect(file);
    // The app reads as it is installed where the CI configs are.
    github.repository("openshift/release", &[("README.md", "x\n")]);
    for repo in ["beacon", "tidewatch", "harbor"] {
        let name = format!("openshift/{repo}");
        let files = std::fs::read_dir(world.path(&format!("repos/{name}"))).expect("a folder");
        let names: Vec<String> = files
            .map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"))
            .collect();
        let texts: Vec<(String, String)> = names
            .into_iter()
            .map(|file| (file.clone(), text(&format!("repos/{name}/{file}"))))
            .collect();
        let texts: Vec<(&str, &str)> = texts
            .iter()
            .map(|(file, text)| (file.as_str(), text.as_str()))
            .collect();
        github.repository(&name, &texts);
        let base = github.branch(&name, "main");
        github.inside().state.set_ref(&name, "refs/heads/release-4.16", base);
    }
    let base = github.branch(BEACON, "main").expect("a branch");
    github
        .inside()
        .state
        .set_ref(BEACON, "refs/heads/topic", Some(base.clone()));
    let staged = format!(
        "FROM golang:1.21 AS more\nRUN make more\n{}",
        text("repos/openshift/beacon/Dockerfile")
    );
    let head = github.push(BEACON, "topic", "ann", &[("Dockerfile", Some(&staged))]);
    let pull = Pull {
        id: 1,
        number: 7,
        state: PullState::Open,
        title: "Add a stage".to_owned(),
        body: String::new(),
        author: "ann".to_owned(),
        base: "release-4.16".to_owned(),
        head: "topic".to_owned(),
        head_repo: Some(BEACON.to_owned()),
        head_owner: "openshift".to_owned(),
        head_sha: head.clone(),
        base_sha: base,
        merge_sha: None,
        draft: false,
        labels: Vec::new(),
        reviewers: Vec::new(),
        assignees: Vec::new(),
        comments: Vec::new(),
        created_at: "2026-01-01T00:00:00Z".to_owned(),
    };
    github
        .inside()
        .state
        .repo_mut(BEACON)
        .expect("a repository")
        .pulls
        .push(pull);
    std::fs::write(world.path("token"), "secret\n").expect("written");
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/fake_github/app-key.pem");
    let credential = credential.replace("KEY", key);
    // No target writes here: only what pull requests are told is looked at.
    let config = format!(
        "{{sources: {{build-data: {{repo: 'build-data/{{release}}'}}, ci-config: {{repo: repos/openshift/release}}, components: {{repo: \
         'https://github.com/{{org}}/{{repo}}', via: github}}}}, forge: {{kind: github, api: '{}', {credential}}}, adopt: {{releases: \
         ['4.99']}}, feedback: {feedback}}}",
        github.url
    );
    world.unconfigure("forge");
    world.configure(&serde_yaml::from_str(&config).expect("YAML"));
    Told { world, github, head }
}

const APP: &str = "app: {id: 5, key-file: KEY}";
const TOKEN: &str = "token-file: token";

impl Told {
    fn run(&self, more: &[&str]) -> Ran {
        let args: Vec<String> = ["reconcile"].iter().chain(more).map(|&arg| arg.to_owned()).collect();
        self.world.run(&args)
    }

    fn checks(&self) -> Vec<Json> {
        self.github
            .inside()
            .state
            .checks
            .get(&self.head)
            .cloned()
            .unwrap_or_default()
    }

    fn statuses(&self) -> Vec<Json> {
        self.github
            .inside()
            .state
            .set_statuses
            .get(&self.head)
            .cloned()
            .unwrap_or_default()
    }

    /// Whether Tide would merge with what is there: every context that it does not know has to be successful, a pending one holds;
    /// of check runs these pass.
    fn tide_merges(&self) -> bool {
        let passes = |run: &Json| {
            let passing = ["success", "neutral", "skipped"].map(Json::from);
            run["status"] == "completed" && passing.contains(&run["conclusion"])
        };
        let successful = |status: &Json| status["state"] == "success";
        self.checks().iter().all(passes) && self.statuses().first().is_none_or(successful)
    }
}

#[test]
fn a_check_is_written_once_and_holds_nobody_up() {
    let told = told("{pulls: {repositories: ['openshift/*']}}", APP);
    let dry = told.run(&["--dry-run"]);
    assert!(
        dry.stderr.contains("openshift/beacon#7: check `OKD` (neutral)"),
        "{}{}",
        dry.stdout,
        dry.stderr
    );
    assert_eq!(told.checks(), Vec::<Json>::new(), "a dry run writes nothing");
    let first = told.run(&[]);
    assert!(
        first.stderr.contains("openshift/beacon#7: check `OKD` (neutral)"),
        "{}",
        first.stderr
    );
    let checks = told.checks();
    assert_eq!(checks.len(), 1);
    assert_eq!(
        (&checks[0]["name"], &checks[0]["status"], &checks[0]["conclusion"]),
        (&"OKD".into(), &"completed".into(), &"neutral".into())
    );
    assert!(
        checks[0]["output"]["title"].as_str().unwrap().starts_with("breaks: "),
        "{}",
        checks[0]
    );
    assert!(
        checks[0]["output"]["summary"].as_str().unwrap().contains("stage-count"),
        "{}",
        checks[0]
    );
    assert!(told.tide_merges());
    let again = told.run(&[]);
    assert!(
        again.stderr.contains("openshift/beacon#7: answered already"),
        "{}",
        again.stderr
    );
    assert_eq!(told.checks(), checks);
}

#[test]
fn a_changed_answer_is_a_new_check_and_the_old_one_says_so() {
    let told = told("{pulls: {repositories: ['openshift/beacon']}}", APP);
    told.run(&[]);
    let changes = serde_yaml::from_str(
        r#"{build-data/4.16/images/beacon.yml: {"  builder:\n": "  builder:\n  - stream: golang\n"}}"#,
    );
    told.world.change(&changes.expect("YAML")).expect("metadata follows");
    let ran = told.run(&[]);
    let checks = told.checks();
    assert_eq!(checks.len(), 2, "{}", ran.stderr);
    assert!(
        checks[0]["output"]["title"]
            .as_str()
            .unwrap()
            .starts_with("superseded: breaks"),
        "{}",
        checks[0]
    );
    assert_eq!(checks[0]["conclusion"], "neutral", "with the same conclusion");
    assert_eq!(checks[1]["conclusion"], "success");
    assert!(told.tide_merges());
    told.run(&[]);
    assert_eq!(told.checks(), checks);
}

#[test]
fn a_status_is_successful_with_the_truth_in_its_text() {
    let told = told("{pulls: {repositories: ['openshift/*'], as: status}}", TOKEN);
    told.run(&[]);
    let statuses = told.statuses();
    assert_eq!(statuses.len(), 1);
    assert_eq!(
        (&statuses[0]["state"], &statuses[0]["context"]),
        (&"success".into(), &"OKD".into())
    );
    let text = statuses[0]["description"].as_str().unwrap();
    assert!(
        text.starts_with("breaks: With this OKD") && text.chars().count() <= 140,
        "{text}"
    );
    assert!(told.tide_merges());
    told.run(&[]);
    assert_eq!(told.statuses(), statuses);
}

#[test]
fn it_blocks_where_that_is_asked_for() {
    let told = told(
        "{pulls: {repositories: ['openshift/*'], as: status, breaks: failure}}",
        TOKEN,
    );
    told.run(&[]);
    assert_eq!(told.statuses()[0]["state"], "failure");
    assert!(!told.tide_merges());
}

#[test]
fn a_lost_answer_and_every_other_fault_leave_one_check() {
    // What is asked before the check is written is asked in each run; faults are put at every place in turn.
    for at in 1..=14 {
        for fault in [Fault::ServerAfter(502), Fault::Server(500), Fault::Truncated] {
            let told = told("{pulls: {repositories: ['openshift/beacon']}}", APP);
            told.github.fail(at, fault, false);
            told.run(&[]);
            told.github.mend();
            told.run(&[]);
            assert_eq!(told.checks().len(), 1, "a fault at request {at}");
        }
    }
}

#[test]
fn a_check_of_our_name_by_another_app_is_none_of_ours() {
    let told = told("{pulls: {repositories: ['openshift/beacon']}}", APP);
    told.run(&[]);
    let mut foreign = told.checks().remove(0);
    foreign["app"]["id"] = 6.into();
    told.github
        .inside()
        .state
        .checks
        .insert(told.head.clone(), vec![foreign.clone()]);
    told.run(&[]);
    let checks = told.checks();
    assert_eq!((checks.len(), &checks[0]), (2, &foreign), "theirs stays as it is");
}

#[test]
fn more_than_is_allowed_waits_and_what_is_not_asked_for_is_left_alone() {
    let told = told("{pulls: {repositories: ['openshift/beacon'], max-new: 0}}", APP);
    let ran = told.run(&[]);
    assert!(
        ran.stderr.contains("waits: 0 answers were given within the last hour"),
        "{}",
        ran.stderr
    );
    assert_eq!(told.checks(), Vec::<Json>::new());
    let others = super::impact_told::told("{pulls: {repositories: ['openshift/oc*']}}", APP);
    others.run(&[]);
    assert_eq!(others.checks(), Vec::<Json>::new());
    let nobody = super::impact_told::told("{silence: []}", APP);
    nobody.run(&[]);
    assert_eq!(
        nobody.checks(),
        Vec::<Json>::new(),
        "nothing is on unless it is configured"
    );
}

#[test]
fn a_token_cannot_write_checks_and_that_is_said() {
    let told = told("{pulls: {repositories: ['openshift/*']}}", TOKEN);
    let ran = told.run(&[]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("only an app can write checks"), "{}", ran.stderr);
}
