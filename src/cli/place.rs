//! Where pull requests are made: the configured forge, for all commands that write.

use lockstep::base::Gate;
use lockstep::forge::local::{LocalForge, record_path};
use lockstep::forge::{Outcome, Write};
use lockstep::plan::{Plan, PullRequest};
use lockstep::run::place;

use super::setup::{self, Ready};

/// The configured forge.
pub struct CliForge(place::ConfiguredForge);

impl CliForge {
    /// Gets the configured forge ready.
    ///
    /// # Errors
    /// Its credentials or repositories cannot be used.
    pub fn of(ready: &Ready) -> Result<Self, anyhow::Error> {
        let place = place::ConfiguredForge::of(&ready.run, Gate::default())?;
        Ok(Self(place))
    }

    /// Makes the pull requests of a plan what they should be; in a dry run only says what would be written.
    pub fn apply(&mut self, ready: &Ready, plan: &Plan, dry_run: bool) -> Vec<Outcome> {
        self.0.apply(&ready.run, ready.ci.as_ref(), plan, dry_run, setup::now())
    }

    /// Finds where pull requests of a plan are made, so that what is there can be looked at.
    pub fn look_for(&mut self, ready: &Ready, plan: &Plan) {
        self.0.look_for(&ready.run, ready.ci.as_ref(), plan);
    }

    /// The configured forge itself.
    pub fn forge(&self) -> &place::ConfiguredForge {
        &self.0
    }

    /// Says what a run of a plan would write. Nothing is written, and a forge that cannot be read costs no more than that.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn foretell(ready: &Ready, plan: &Plan) -> Result<Vec<Outcome>, anyhow::Error> {
        Ok(Self::of(ready)?.apply(ready, plan, true))
    }

    /// How a person looks at a pull request; empty where the outcome says it already.
    pub fn of_one(&self, pr: &PullRequest, dry_run: bool) -> String {
        match &self.0 {
            place::ConfiguredForge::Local(forge) => where_it_is(forge, pr, dry_run),
            place::ConfiguredForge::GitHub(_) => String::new(),
        }
    }
}

/// Tells whether the branch of a pull request was, or would be, written.
pub fn sets_branch(outcome: &Outcome) -> bool {
    let is_branch = |write: &Write| matches!(write, Write::SetBranch { .. });
    outcome.writes.iter().any(is_branch)
}

/// How a person looks at a pull request of the local forge.
fn where_it_is(forge: &LocalForge, pr: &PullRequest, dry_run: bool) -> String {
    let record = record_path(forge.dir(), &pr.scope);
    match forge.repository(&pr.scope.repo, &pr.base) {
        Ok(repo) if !dry_run => format!(
            "\nThe pull request is recorded in {}; its changes:\n  git -C {} diff {} {}\n",
            record.display(),
            repo.display(),
            pr.base,
            pr.head()
        ),
        _ => String::new(),
    }
}
