//! Answers to pull requests of others under every fault at every request, and a process that is killed after each: one of each
//! object is left, none holds anybody up, and no secret is told.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep::finding::Severity;
use lockstep::forge::github::GithubForge;
use lockstep::forge::github::tell::{Answer, Form, Told};
use lockstep::github::{Client, Credential, Fault as Failure, Policy};
use lockstep::impact::Mark;
use serde_json::Value as Json;

use crate::support::fake_github::state::Pull;
use crate::support::fake_github::{FakeGithub, Fault};
use crate::support::github_world::{StillClock, TOKEN};
use crate::support::program::killed_after;
use crate::support::pull_world::{APP, PullWorld, TOKEN as TOKEN_FILE};

const REPO: &str = "o/r";

/// The forms of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Check,
    Status,
    Comment,
}

const ALL: [How; 3] = [How::Check, How::Status, How::Comment];

struct World {
    github: FakeGithub,
    head: String,
    token: tempfile::NamedTempFile,
}

impl World {
    fn new() -> Self {
        let github = FakeGithub::start();
        github.repository(REPO, &[("README.md", "x\n")]);
        github.inside().tokens.push(TOKEN.into());
        let token = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(token.path(), format!("{TOKEN}\n")).unwrap();
        let head = github.push(REPO, "topic", "ann", &[("Dockerfile", Some("FROM a\n"))]);
        let mut inside = github.inside();
        let base = inside.state.branch(REPO, "main").unwrap();
        let pull = Pull::open(7, REPO, ("main", &base), ("topic", &head));
        inside.state.repo_mut(REPO).unwrap().pulls.push(pull);
        drop(inside);
        Self { github, head, token }
    }

    fn answer(&self, says: &str) -> Answer {
        Answer {
            repo: REPO.parse().unwrap(),
            pull: 7,
            head: self.head.clone(),
            holds: false,
            warns: says == "breaks",
            title: format!("{says}: something"),
            summary: format!("### {says}\n"),
            marks: Vec::new(),
            digest: format!("digest of {says}"),
            is_pressed: false,
        }
    }

    fn give(&self, how: How, says: &str) -> Result<Told, Failure> {
        self.give_by(&self.another(), how, says)
    }

    fn give_by(&self, forge: &GithubForge, how: How, says: &str) -> Result<Told, Failure> {
        let answer = self.answer(says);
        match how {
            How::Check => forge.tell(&answer, Form::Check(5), false),
            How::Status => forge.tell(&answer, Form::Status, false),
            // As after a loss of what was remembered.
            How::Comment => forge.comment(&answer, &mut None, true, false),
        }
    }

    /// A process of its own: nothing is kept from one to the next.
    fn another(&self) -> GithubForge {
        let credential = Credential::TokenFile(self.token.path().to_owned());
        let clock: Arc<StillClock> = Arc::default();
        let client = Client::with(&self.github.url, credential, Policy::default(), clock).unwrap();
        GithubForge::new(client, lockstep::forge::github::Options::default())
    }

    /// What is there in the end: of each check and status what it says and how it ends, and the comments.
    fn picture(&self) -> Vec<String> {
        let inside = self.github.inside();
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let checks = inside.state.checks.values().flatten();
        let checks = checks.map(|check| {
            format!(
                "check {} {}",
                text(&check["output"]["title"]),
                text(&check["conclusion"])
            )
        });
        let statuses = inside.state.set_statuses.values().flatten().rev();
        let statuses =
            statuses.map(|status| format!("status {} {}", text(&status["description"]), text(&status["state"])));
        let pulls = &inside.state.repo(REPO).unwrap().pulls;
        let comments = pulls.iter().flat_map(|pull| &pull.comments);
        let comments = comments.map(|comment| format!("comment {}", comment.body));
        checks.chain(statuses).chain(comments).collect()
    }

    fn holds_nobody_up(&self) -> bool {
        let inside = self.github.inside();
        let passes = |check: &Json| {
            ["success", "neutral", "skipped"]
                .iter()
                .any(|word| check["conclusion"] == *word)
        };
        let completed = |check: &Json| check["status"] == "completed" && passes(check);
        let successful = |status: &Json| status["state"] == "success";
        inside.state.checks.values().flatten().all(completed)
            && inside.state.set_statuses.values().flatten().all(successful)
    }
}

/// The first answer of a head, and one in the place of another.
const LIVES: [&[&str]; 2] = [&["breaks"], &["breaks", "mends"]];

/// How many requests the last step of a life takes undisturbed, and how things are after it.
fn undisturbed(how: How, life: &[&str]) -> (usize, Vec<String>) {
    let world = World::new();
    let mut took = 0;
    for says in life {
        let before = world.github.requests();
        world.give(how, says).unwrap();
        took = world.github.requests() - before;
    }
    assert!(world.holds_nobody_up());
    (took, world.picture())
}

#[test]
fn each_fault_once_at_each_request_leaves_one_of_each() {
    let mut tried = 0;
    for how in ALL {
        for life in LIVES {
            let (requests, expected) = undisturbed(how, life);
            for at in 1..=requests {
                for fault in Fault::ALL {
                    let world = World::new();
                    let (last, before) = life.split_last().unwrap();
                    before.iter().for_each(|says| drop(world.give(how, says).unwrap()));
                    world.github.fail(at, fault, false);
                    let first = world.give(how, last);
                    let context = format!("{how:?} {life:?}, {fault:?} at request {at} of {requests}: {first:?}");
                    if let Err(failed) = &first {
                        assert!(!failed.to_string().contains(TOKEN), "{context}");
                    }
                    world.github.mend();
                    let healed = world.give(how, last);
                    assert!(healed.is_ok(), "{context}, then {healed:?}");
                    assert_eq!(world.picture(), expected, "{context}");
                    assert!(world.holds_nobody_up(), "{context}");
                    tried += 1;
                }
            }
        }
    }
    println!("{tried} faults");
}

#[test]
fn fifty_lines_are_marked_in_one_request_and_the_rest_is_told() {
    let world = World::new();
    let mark = |line| Mark {
        path: "Dockerfile".into(),
        line,
        severity: Severity::Warning,
        title: "OKD 4.21: dockerfile-behind".into(),
        message: format!("instruction {line}"),
        commit: world.head.clone(),
    };
    let answer = Answer {
        marks: (1..=60).map(mark).collect(),
        ..world.answer("breaks")
    };
    let told = world.another().tell(&answer, Form::Check(5), false).unwrap();
    let Told::Written(lines) = told else { panic!("{told:?}") };
    assert!(
        lines.len() == 1 && lines[0].ends_with("; 50 lines are marked"),
        "{lines:?}"
    );
    let marked = world.github.marked();
    assert_eq!(marked.len(), 50);
    assert_eq!(
        marked[49],
        "warning Dockerfile:50 OKD 4.21: dockerfile-behind: instruction 50"
    );
    let written = world.github.asked(0);
    assert_eq!(
        written.iter().filter(|asked| !asked.starts_with("GET")).count(),
        1,
        "{written:?}"
    );
    let inside = world.github.inside();
    let check = &inside.state.checks[&world.head][0];
    let summary = check["output"]["summary"].as_str().unwrap();
    assert!(
        summary.contains("Of 60 lines that findings stand at 50 are marked"),
        "{summary}"
    );
    assert_eq!(check["conclusion"], "neutral", "marks of any level hold nobody up");
}

#[test]
fn what_is_not_permitted_names_the_permission() {
    for (how, permission) in [
        (How::Check, "permission `checks: write`"),
        (How::Status, "permission `statuses: write`"),
        (How::Comment, "permission `pull_requests: write`"),
    ] {
        let world = World::new();
        world.github.fail(2, Fault::Forbidden, true);
        let refused = world.give(how, "breaks").expect_err("it is refused").to_string();
        assert!(
            refused.contains(permission) && refused.contains("not permitted"),
            "{refused}"
        );
        assert_eq!(world.picture(), Vec::<String>::new());
    }
}

#[test]
fn two_that_write_at_once_leave_one_of_each() {
    for how in ALL {
        let world = World::new();
        let barrier = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let forge = world.another();
                    barrier.wait();
                    drop(world.give_by(&forge, how, "breaks").unwrap());
                });
            }
        });
        world.give(how, "breaks").unwrap();
        let picture = world.picture();
        let current: Vec<&String> = picture.iter().filter(|line| !line.contains("superseded: ")).collect();
        let distinct: std::collections::BTreeSet<&String> = current.iter().copied().collect();
        assert_eq!(distinct.len(), 1, "{picture:?}");
        // Of a context only the newest status counts, so a second one with the same words is none.
        assert!(how == How::Status || current.len() == 1, "{picture:?}");
        assert!(world.holds_nobody_up());
    }
}

#[test]
fn killed_after_each_request_the_next_run_leaves_one_check_and_comment() {
    killed_after_each("{pulls: {repositories: ['openshift/beacon'], comment: breaks}}", APP);
}

#[test]
fn killed_after_each_request_the_next_run_leaves_one_status_and_comment() {
    killed_after_each(
        "{pulls: {repositories: ['openshift/beacon'], as: status, comment: breaks}}",
        TOKEN_FILE,
    );
}

fn killed_after_each(feedback: &str, credential: &str) {
    let answers = |told: &PullWorld| told.checks().len() + told.statuses().len();
    let told = PullWorld::new(feedback, credential);
    told.reconcile(&[]);
    let requests = told.github.requests();
    assert!(requests >= 6, "only {requests} requests");
    assert_eq!((answers(&told), told.comments().len()), (1, 1));
    let expected = told.comments();
    for request in 1..=requests {
        let told = PullWorld::new(feedback, credential);
        killed_after(&told.github, &mut told.command(), request);
        told.reconcile(&[]);
        let counts: BTreeMap<&str, usize> = [("answers", answers(&told)), ("comments", told.comments().len())].into();
        assert!(
            counts.values().all(|count| *count == 1),
            "killed after request {request} of {requests}: {counts:?}"
        );
        let digest = |body: &String| body.lines().skip(1).collect::<Vec<_>>().join("\n");
        assert_eq!(
            told.comments().iter().map(digest).collect::<Vec<_>>(),
            expected.iter().map(digest).collect::<Vec<_>>()
        );
        assert!(told.tide_merges());
    }
    println!("{requests} requests, killed after each");
}
