//! Applies a plan: looks at all pull requests, lets through as many as the budget allows, writes one after the other.

use std::cell::RefCell;

use super::GithubForge;
use super::budget::{Bounds, Standing, Waits, admit};
use super::hand::Hand;
use super::journal::{Intent, Journal};
use super::look::{Look, look};
use super::steps::{Unfinished, steps};
use crate::forge::{Action, ForgeError, Outcome, Write};
use crate::plan::{Plan, PullRequest};

/// How often what is there is looked at anew, when somebody else was at work at the same time.
const ROUNDS: u32 = 3;

/// The writer of pull requests on GitHub.
pub struct GithubWriter<'a> {
    /// What it reads with.
    pub forge: &'a GithubForge,
    /// Where it notes what it is about to write.
    pub journal: &'a dyn Journal,
    /// Only say what would be written.
    pub dry_run: bool,
}

/// What was seen and decided.
struct Decided {
    look: Look,
    action: Action,
    writes: Vec<Write>,
    /// Whether an unfinished run had noted something.
    noted: bool,
}

type Seen = Result<Decided, ForgeError>;

impl GithubWriter<'_> {
    /// Applies a plan, one pull request after the other; what fails costs no other one.
    pub fn apply(&self, plan: &Plan) -> Vec<Outcome> {
        let seen: Vec<Seen> = plan.pull_requests.iter().map(|wanted| self.see(wanted)).collect();
        let waits = self.waits(plan, &seen);
        let each = plan.pull_requests.iter().zip(seen).zip(waits);
        each.map(|((wanted, seen), waits)| self.apply_one(wanted, seen, waits))
            .collect()
    }

    fn see(&self, wanted: &PullRequest) -> Seen {
        let options = &self.forge.options;
        let left = self.journal.unfinished(&wanted.scope);
        let unfinished = Unfinished {
            dress: left.as_ref().is_some_and(|left| left.dress),
        };
        let look = look(&self.forge.client, options, wanted, unfinished)?;
        let (action, writes) = steps(&look, options, unfinished);
        Ok(Decided {
            look,
            action,
            writes,
            noted: left.is_some(),
        })
    }

    /// Who has to wait for a later run.
    fn waits(&self, plan: &Plan, seen: &[Seen]) -> Vec<Option<Waits>> {
        let options = &self.forge.options;
        let standing = |(wanted, seen): (&'_ PullRequest, &'_ Seen)| {
            let decided = seen.as_ref().ok();
            (
                wanted.scope.repo.org.clone(),
                decided.is_some_and(|decided| decided.look.open.is_some()),
                decided.is_some_and(|decided| decided.writes.iter().any(|write| matches!(write, Write::Open { .. }))),
                decided.map(|decided| decided.look.opened.clone()).unwrap_or_default(),
            )
        };
        let all: Vec<_> = plan.pull_requests.iter().zip(seen).map(standing).collect();
        let standings: Vec<Standing<'_>> = all
            .iter()
            .map(|(org, open, opens, opened)| Standing {
                org,
                open: *open,
                opens: *opens,
                opened,
            })
            .collect();
        let bounds = Bounds {
            open: options.max_open,
            new: options.max_new,
        };
        admit(&standings, bounds, self.forge.client.now())
    }

    fn apply_one(&self, wanted: &PullRequest, seen: Seen, waits: Option<Waits>) -> Outcome {
        let mut outcome = Outcome {
            scope: wanted.scope.clone(),
            action: None,
            writes: Vec::new(),
            notes: Vec::new(),
            error: None,
        };
        match waits {
            Some(waits) => {
                outcome.action = Some(Action::Wait);
                outcome.notes.push(said(waits));
            }
            None => outcome.error = self.settle(wanted, seen, &mut outcome).err(),
        }
        outcome
    }

    /// Writes what was decided; looks and decides again where somebody else was quicker, or where it cannot be told
    /// what was done.
    fn settle(&self, wanted: &PullRequest, mut seen: Seen, outcome: &mut Outcome) -> Result<(), ForgeError> {
        let mut round = 1;
        loop {
            match seen.and_then(|decided| self.carry_out(wanted, decided, outcome)) {
                Err(ForgeError::GitHub(fault)) if fault.kind.asks_to_look_again() && round < ROUNDS => {
                    tracing::debug!(%fault, round, "looking again");
                    self.forge.client.breathe(round);
                }
                ended => return ended,
            }
            round += 1;
            seen = self.see(wanted);
        }
    }

    fn carry_out(&self, wanted: &PullRequest, decided: Decided, outcome: &mut Outcome) -> Result<(), ForgeError> {
        let Decided {
            mut look,
            action,
            writes,
            noted,
        } = decided;
        outcome.action.get_or_insert(action);
        outcome.notes = notes(action, &look, wanted);
        if self.dry_run {
            outcome.writes = writes;
            return Ok(());
        }
        if !writes.is_empty() {
            self.journal
                .begin(&wanted.scope, &intent(&writes, self.forge.client.now()));
        }
        let hand = Hand {
            forge: self.forge,
            notes: RefCell::default(),
        };
        for write in writes {
            hand.perform(&write, &mut look)?;
            outcome.writes.push(write);
        }
        outcome.notes.append(&mut hand.notes.borrow_mut());
        if noted || !outcome.writes.is_empty() {
            self.journal.end(&wanted.scope);
        }
        Ok(())
    }
}

fn said(waits: Waits) -> String {
    let time = |at| {
        chrono::DateTime::from_timestamp(at, 0).map(|time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    };
    match waits.until.and_then(time) {
        Some(time) => format!("{}; expected from {time} on", waits.why),
        None => waits.why,
    }
}

fn intent(writes: &[Write], at: i64) -> Intent {
    Intent {
        at,
        writes: writes.iter().map(ToString::to_string).collect(),
        dress: writes.iter().any(|write| matches!(write, Write::Dress { .. })),
    }
}

/// What a person should know beside the action itself.
fn notes(action: Action, look: &Look, wanted: &PullRequest) -> Vec<String> {
    match (action, &wanted.blocked) {
        (Action::Withhold, Some(why)) => vec![why.clone()],
        _ => look.observed.notes.clone(),
    }
}
