//! Components on a fake GitHub, with a pull request of somebody that adds a stage which metadata does not know.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value as Json;

use super::audit_world::{Ran, World};
use super::fake_github::FakeGithub;
use super::fake_github::state::Pull;
use super::service::{SECRET, Service};

/// The component that is changed.
pub const BEACON: &str = "openshift/beacon";
/// The branch that 4.16 is built from.
pub const BRANCH: &str = "release-4.16";
/// An app that may write checks.
pub const APP: &str = "app: {id: 5, key-file: KEY}";
/// A token.
pub const TOKEN: &str = "token-file: token";
/// The number of the pull request.
pub const NUMBER: u64 = 7;

/// The world.
pub struct PullWorld {
    pub world: World,
    pub github: FakeGithub,
    /// The head of the pull request.
    pub head: String,
}

impl PullWorld {
    /// `feedback`: what is to be told, in YAML; `credential`: [`APP`] or [`TOKEN`].
    pub fn new(feedback: &str, credential: &str) -> Self {
        let world = World::base();
        let github = FakeGithub::start();
        // The app reads as it is installed where the CI configs are.
        github.repository("openshift/release", &[("README.md", "x\n")]);
        for repo in ["beacon", "tidewatch", "harbor"] {
            let name = format!("openshift/{repo}");
            let files = texts(&world, &format!("repos/{name}"));
            let files: Vec<(&str, &str)> = files
                .iter()
                .map(|(file, text)| (file.as_str(), text.as_str()))
                .collect();
            github.repository(&name, &files);
            let base = github.branch(&name, "main");
            let heads = format!("refs/heads/{BRANCH}");
            github.inside().state.set_ref(&name, &heads, base);
        }
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
        let staged = format!("FROM golang:1.21 AS more\nRUN make more\n{}", dockerfile(&world));
        let mut made = Self {
            world,
            github,
            head: String::new(),
        };
        made.head = made.pull(NUMBER, "topic", &[("Dockerfile", Some(&staged))]);
        made
    }

    /// Somebody asks to pull files into beacon; the head that has them.
    pub fn pull(&self, number: u64, branch: &str, files: &[(&str, Option<&str>)]) -> String {
        let base = self.github.branch(BEACON, "main").expect("a branch");
        let heads = format!("refs/heads/{branch}");
        self.github.inside().state.set_ref(BEACON, &heads, Some(base.clone()));
        let head = self.github.push(BEACON, branch, "ann", files);
        let pull = Pull {
            title: "Add a stage".to_owned(),
            ..Pull::open(number, BEACON, (BRANCH, &base), (branch, &head))
        };
        let mut inside = self.github.inside();
        let repo = inside.state.repo_mut(BEACON).expect("a repository");
        repo.pulls.push(pull);
        head
    }

    /// GitHub merges the pull request for a try: beacon gets a file from somebody else meanwhile, and of the head's files one is
    /// another in the merge.
    pub fn merged_with(&self, number: u64, file: &str, text: &str) {
        let base = self
            .github
            .push(BEACON, "main", "bob", &[("NEWS", Some("something\n"))]);
        let mut inside = self.github.inside();
        let state = &mut inside.state;
        state.set_ref(BEACON, &format!("refs/heads/{BRANCH}"), Some(base.clone()));
        let blob = state.blob(text.as_bytes());
        let tree = state
            .git
            .find_commit(git2::Oid::from_str(&base).unwrap())
            .unwrap()
            .tree_id();
        let changes = [(file.to_owned(), Some((0o100_644, blob)))].into();
        let tree = state.tree(Some(&tree.to_string()), &changes).unwrap();
        let pulls = &state.repo(BEACON).unwrap().pulls;
        let head = pulls
            .iter()
            .find(|pull| pull.number == number)
            .unwrap()
            .head_sha
            .clone();
        let merge = state
            .commit(&tree, &[base, head], "Merge", ("GitHub", "noreply@github.com"))
            .unwrap();
        let pulls = &mut state.repo_mut(BEACON).unwrap().pulls;
        pulls.iter_mut().find(|pull| pull.number == number).unwrap().merge_sha = Some(merge);
    }

    /// Adds components that are as beacon is.
    pub fn with_components(&self, count: usize) {
        let metadata = self.text("build-data/4.16/images/beacon.yml");
        let folder = "repos/openshift/release/ci-operator/config/openshift";
        let config = self.text(&format!("{folder}/beacon/openshift-beacon-{BRANCH}.yaml"));
        let files = [
            ("Dockerfile", self.dockerfile()),
            ("go.mod", "module x\n\ngo 1.21\n".to_owned()),
        ];
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        for number in 0..count {
            let name = format!("part-{number:03}");
            let write = |path: String, text: &str| {
                let path = self.world.path(&path);
                std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                std::fs::write(path, text.replace("beacon", &name)).expect("written");
            };
            write(format!("build-data/4.16/images/{name}.yml"), &metadata);
            write(format!("{folder}/{name}/openshift-{name}-{BRANCH}.yaml"), &config);
            let name = format!("openshift/{name}");
            self.github.repository(&name, &files);
            let base = self.github.branch(&name, "main");
            let mut inside = self.github.inside();
            inside.state.set_ref(&name, &format!("refs/heads/{BRANCH}"), base);
        }
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.world.path(path)).expect("a text")
    }

    /// What was asked after the first `since` requests, by the name of the question.
    pub fn asked(&self, since: usize) -> Vec<String> {
        let inside = self.github.inside();
        let name = |exchange: &super::fake_github::Exchange| {
            let query = exchange.request["query"].as_str().unwrap_or_default();
            match query.strip_prefix("query ") {
                Some(rest) => rest.split('(').next().unwrap_or_default().to_owned(),
                None => format!("{} {}", exchange.method, exchange.path),
            }
        };
        inside.log[since..].iter().map(name).collect()
    }

    /// The text of beacon's Dockerfile as its branch has it.
    pub fn dockerfile(&self) -> String {
        dockerfile(&self.world)
    }

    /// Makes metadata follow the pull request.
    pub fn metadata_follows(&self) {
        let changes = r#"{build-data/4.16/images/beacon.yml: {"  builder:\n": "  builder:\n  - stream: golang\n"}}"#;
        let changes = serde_yaml::from_str(changes).expect("YAML");
        self.world.change(&changes).expect("metadata follows");
    }

    /// Makes commits of metadata and CI configs, so that it can be told whether they have moved.
    pub fn with_commits(&self) {
        for (repo, branch) in [
            ("build-data/4.16", "openshift-4.16"),
            ("repos/openshift/release", "master"),
        ] {
            let text = format!("{{repo: {repo}, branch: {branch}}}");
            let repo = serde_yaml::from_str(&text).expect("YAML");
            self.world.commit(&repo).expect("committed");
        }
    }

    /// Commits what has changed in metadata.
    pub fn commit_metadata(&self) {
        let commit = [
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@example.com",
            "commit",
            "-qm",
            "A change",
        ];
        for args in [&["add", "-A"][..], &commit] {
            let mut git = Command::new("git");
            let ran = git.arg("-C").arg(self.world.path("build-data/4.16")).args(args);
            let ran = ran.output().expect("git");
            assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        }
    }

    /// The configuration of a service with a state of its own.
    pub fn configured(&self, state: &str, schedule: &str) -> PathBuf {
        let keys = format!(
            "{{state: {state}, schedule: '{schedule}', listen: '127.0.0.1:0', server: {{webhook: {{secret-env: SECRET}}}}}}"
        );
        self.world.configure(&serde_yaml::from_str(&keys).expect("YAML"));
        let path = self.world.path(&format!("lockstep-{state}.yaml"));
        std::fs::copy(self.world.path("lockstep.yaml"), &path).expect("copied");
        path
    }

    /// Starts a service.
    pub fn serve(&self, schedule: &str) -> Service {
        self.serve_in("state", schedule)
    }

    /// Starts a service with a state of its own.
    pub fn serve_in(&self, state: &str, schedule: &str) -> Service {
        Service::start(&self.configured(state, schedule), &[("SECRET", SECRET)])
    }

    /// Runs a command.
    pub fn run(&self, args: &[&str]) -> Ran {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        self.world.run(&args)
    }

    /// `reconcile`, to be run.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
        command.args(["reconcile", "--config", "lockstep.yaml"]);
        command.current_dir(self.world.path("")).env_clear();
        command
    }

    /// Runs `reconcile`.
    pub fn reconcile(&self, more: &[&str]) -> Ran {
        self.run(&[&["reconcile"], more].concat())
    }

    /// Our comments on the pull request.
    pub fn comments(&self) -> Vec<String> {
        let pulls = self.github.pulls(BEACON);
        let pull = pulls.iter().find(|pull| pull.number == NUMBER).expect("it is there");
        pull.comments.iter().map(|comment| comment.body.clone()).collect()
    }

    /// The checks on the head.
    pub fn checks(&self) -> Vec<Json> {
        self.checks_of(&self.head)
    }

    /// The title of one of them.
    pub fn title(&self, at: usize) -> String {
        let title = &self.checks()[at]["output"]["title"];
        title.as_str().unwrap_or_default().to_owned()
    }

    /// The checks on a commit.
    pub fn checks_of(&self, head: &str) -> Vec<Json> {
        self.github.inside().state.checks.get(head).cloned().unwrap_or_default()
    }

    /// The statuses of the head, the newest first.
    pub fn statuses(&self) -> Vec<Json> {
        let inside = self.github.inside();
        inside.state.set_statuses.get(&self.head).cloned().unwrap_or_default()
    }

    /// Whether Tide would merge with what is there, whatever commit it is on: every context that it does not know has to be
    /// successful, a pending one holds; of check runs these pass.
    pub fn tide_merges(&self) -> bool {
        let inside = self.github.inside();
        let passes = |run: &Json| {
            let passing = ["success", "neutral", "skipped"].map(Json::from);
            run["status"] == "completed" && passing.contains(&run["conclusion"])
        };
        let successful = |status: &Json| status["state"] == "success";
        let newest = |all: &Vec<Json>| all.first().is_none_or(successful);
        inside.state.checks.values().flatten().all(passes) && inside.state.set_statuses.values().all(newest)
    }
}

fn dockerfile(world: &World) -> String {
    let path = world.path(&format!("repos/{BEACON}/Dockerfile"));
    std::fs::read_to_string(path).expect("a Dockerfile")
}

/// The files of a folder, by name.
fn texts(world: &World, folder: &str) -> Vec<(String, String)> {
    let files = std::fs::read_dir(world.path(folder)).expect("a folder");
    let text = |file: std::io::Result<std::fs::DirEntry>| {
        let file = file.expect("a file");
        let name = file.file_name().into_string().expect("UTF-8");
        let text = std::fs::read_to_string(file.path()).expect("a text");
        (name, text)
    };
    files.map(text).collect()
}
