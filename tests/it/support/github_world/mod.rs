//! A fake GitHub with one repository, and runs against it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lockstep::forge::github::{GithubForge, GithubWriter, Journal, NoJournal, Options};
use lockstep::forge::{Action, Outcome};
use lockstep::github::{Client, Clock, Credential, Policy};
use lockstep::plan::{Desired, Input, Plan};

pub use crate::support::forge_world::file;

use crate::support::fake_github::FakeGithub;
use crate::support::fake_github::state::Pull;

pub const REPO: &str = "o/r";

/// A file that could not be derived.
pub fn held(path: &str, text: Option<&str>) -> Desired {
    Desired {
        held: true,
        ..file(path, text, text)
    }
}

/// The actions of the outcomes; an outcome that failed fails the test.
pub fn actions(outcomes: &[Outcome]) -> Vec<Action> {
    for outcome in outcomes {
        assert!(outcome.error.is_none(), "{outcome}");
    }
    outcomes.iter().filter_map(|outcome| outcome.action).collect()
}

/// A clock that stands still but for what is waited.
#[derive(Default)]
pub struct StillClock {
    waited: AtomicI64,
}

impl StillClock {
    /// How many seconds were waited.
    pub fn waited(&self) -> i64 {
        self.waited.load(Ordering::Relaxed)
    }
}

impl Clock for StillClock {
    fn now(&self) -> i64 {
        1_700_000_100 + self.waited()
    }
    fn sleep(&self, pause: Duration) {
        self.waited
            .fetch_add(pause.as_secs_f64().ceil() as i64, Ordering::Relaxed);
    }
    fn jitter(&self) -> f64 {
        0.5
    }
}

pub struct World {
    pub github: FakeGithub,
    pub options: Options,
    pub clock: Arc<StillClock>,
    token: tempfile::NamedTempFile,
}

pub const TOKEN: &str = "ghs_0123456789abcdefghij";

impl World {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let github = FakeGithub::start();
        github.repository(REPO, files);
        github.inside().tokens.push(TOKEN.into());
        let token = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(token.path(), format!("{TOKEN}\n")).unwrap();
        Self {
            github,
            options: Options::default(),
            clock: Arc::default(),
            token,
        }
    }

    /// A plan that allows two removals.
    pub fn plan(&self, desired: &[Desired]) -> Plan {
        Plan::build(Input {
            desired: desired.to_vec(),
            max_removals: 2,
            ..Input::default()
        })
    }

    pub fn client(&self) -> Client {
        let credential = Credential::TokenFile(self.token.path().to_owned());
        Client::with(&self.github.url, credential, Policy::default(), self.clock.clone()).unwrap()
    }

    /// A process of its own: nothing is kept from one run to the next.
    pub fn run(&self, plan: &Plan, dry_run: bool, journal: &dyn Journal) -> Vec<Outcome> {
        let forge = GithubForge::new(self.client(), self.options.clone());
        GithubWriter {
            forge: &forge,
            journal,
            dry_run,
        }
        .apply(plan)
    }

    /// Makes a run, after a dry run that must predict it.
    pub fn reconcile(&self, plan: &Plan) -> Vec<Outcome> {
        let before = self.github.picture(REPO);
        let predicted = self.run(plan, true, &NoJournal);
        assert_eq!(self.github.picture(REPO), before, "a dry run changes nothing");
        let done = self.run(plan, false, &NoJournal);
        for (predicted, done) in predicted.iter().zip(&done) {
            assert_eq!(predicted.to_string(), done.to_string());
            assert_eq!(predicted.writes, done.writes);
        }
        done
    }

    pub fn only_pull(&self) -> Pull {
        let pulls = self.github.pulls(REPO);
        assert_eq!(pulls.len(), 1, "{pulls:#?}");
        pulls.into_iter().next().unwrap()
    }
}

/// A journal in memory: what a killed process would have left on disk.
#[derive(Default)]
pub struct Notes(std::sync::Mutex<std::collections::BTreeMap<String, lockstep::forge::github::Intent>>);

impl Notes {
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap().is_empty()
    }
}

impl Journal for Notes {
    fn unfinished(&self, scope: &lockstep::plan::Scope) -> Option<lockstep::forge::github::Intent> {
        self.0.lock().unwrap().get(&scope.to_string()).cloned()
    }
    fn begin(&self, scope: &lockstep::plan::Scope, intent: &lockstep::forge::github::Intent) {
        self.0.lock().unwrap().insert(scope.to_string(), intent.clone());
    }
    fn end(&self, scope: &lockstep::plan::Scope) {
        self.0.lock().unwrap().remove(&scope.to_string());
    }
}
