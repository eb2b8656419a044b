//! What pull requests of others are told: once, whatever happens, and never so that it blocks unless that is asked for.

use serde_json::Value as Json;

use crate::support::audit_world::{Ran, World};
use crate::support::fake_github::FakeGithub;
use crate::support::fake_github::state::{Pull, PullState};

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
fn a_token_cannot_write_checks_and_that_is_said() {
    let told = told("{pulls: {repositories: ['openshift/*']}}", TOKEN);
    let ran = told.run(&[]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("only an app can write checks"), "{}", ran.stderr);
}
