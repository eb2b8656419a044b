//! Applies a plan: looks at all pull requests, lets through as many as the budget allows, writes one after the other.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::GithubForge;
use super::budget::{Bounds, Standing, admit};
use super::journal::{Intent, Journal, Unfinished};
use super::look::{Look, look};
use super::perform::Performer;
use super::steps::steps;
use super::text::Numbers;
use crate::forge::{Action, ForgeError, Outcome, Waits, Write, way_out};
use crate::github::web;
use crate::plan::{Plan, PullRequest, Scope};

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
    /// Applies a plan, one pull request after the other, those first that others depend on; what fails costs no other
    /// one. The outcomes come in the order of the plan.
    pub fn apply(&self, plan: &Plan) -> Vec<Outcome> {
        let order = plan.order();
        let numbers = Numbers::default();
        let mut seen: Vec<Option<Seen>> = plan.pull_requests.iter().map(|_| None).collect();
        for at in &order {
            seen[*at] = Some(self.see(&plan.pull_requests[*at], &numbers));
        }
        let waits = self.waits(plan, &order, &seen);
        let mut outcomes: Vec<Outcome> = plan
            .pull_requests
            .iter()
            .map(|pr| Outcome::new(pr.scope.clone()))
            .collect();
        let mut failed: Vec<&Scope> = Vec::new();
        for at in order {
            let (Some(wanted), Some(outcome), Some(seen)) =
                (plan.pull_requests.get(at), outcomes.get_mut(at), seen[at].take())
            else {
                continue;
            };
            outcome.waits = waits[at].clone().or_else(|| after_failure(wanted, &seen, &failed));
            match outcome.waits {
                Some(_) => outcome.action = Some(Action::Wait),
                None => outcome.error = self.settle(wanted, seen, &numbers, outcome).err(),
            }
            if outcome.error.is_some() && !numbers.borrow().contains_key(&wanted.scope) {
                failed.push(&wanted.scope);
            }
        }
        outcomes
    }

    fn see(&self, wanted: &PullRequest, numbers: &Numbers) -> Seen {
        let options = &self.forge.options;
        let left = self.journal.unfinished(&wanted.scope);
        let unfinished = Unfinished {
            assign: left.as_ref().is_some_and(|left| left.assign),
        };
        let look = look(&self.forge.reader, options, wanted, unfinished, numbers)?;
        if let Some(number) = look.open {
            numbers
                .borrow_mut()
                .insert(wanted.scope.clone(), (look.repo.clone(), number));
        }
        let (action, writes) = steps(&look, options, unfinished);
        Ok(Decided {
            look,
            action,
            writes,
            noted: left.is_some(),
        })
    }

    /// Who has to wait for a later run.
    fn waits(&self, plan: &Plan, order: &[usize], seen: &[Option<Seen>]) -> Vec<Option<Waits>> {
        let options = &self.forge.options;
        let prs = &plan.pull_requests;
        let places: BTreeMap<&Scope, usize> = prs.iter().enumerate().map(|(at, pr)| (&pr.scope, at)).collect();
        let standing = |(wanted, seen)| standing(wanted, seen, &places);
        let standings: Vec<Standing<'_>> = prs.iter().zip(seen).map(standing).collect();
        let bounds = Bounds {
            open: options.max_open,
            new: options.max_new,
        };
        admit(&standings, order, bounds, self.forge.client.now())
    }

    /// Writes what was decided; looks and decides again where somebody else was quicker, or where it cannot be told
    /// what was done.
    fn settle(
        &self,
        wanted: &PullRequest,
        mut seen: Seen,
        numbers: &Numbers,
        outcome: &mut Outcome,
    ) -> Result<(), ForgeError> {
        let mut round = 1;
        loop {
            match seen.and_then(|decided| self.carry_out(wanted, decided, numbers, outcome)) {
                Err(ForgeError::GitHub(fault)) if fault.kind.asks_to_look_again() && round < ROUNDS => {
                    tracing::debug!(%fault, round, "looking again");
                    self.forge.client.breathe(round);
                }
                ended => return ended,
            }
            round += 1;
            seen = self.see(wanted, numbers);
        }
    }

    fn carry_out(
        &self,
        wanted: &PullRequest,
        decided: Decided,
        numbers: &Numbers,
        outcome: &mut Outcome,
    ) -> Result<(), ForgeError> {
        let Decided {
            mut look,
            action,
            writes,
            noted,
        } = decided;
        outcome.action.get_or_insert(action);
        outcome.notes = notes(action, &look, wanted);
        outcome.url = self.page(action, &look);
        if self.dry_run {
            outcome.writes = writes;
            return Ok(());
        }
        if !writes.is_empty() {
            self.journal
                .begin(&wanted.scope, &intent(&writes, self.forge.client.now()));
        }
        let performer = Performer {
            forge: self.forge,
            notes: RefCell::default(),
            numbers,
        };
        for write in writes {
            performer.perform(&write, &mut look)?;
            if let (Write::Open { .. }, Some(number)) = (&write, look.open) {
                numbers
                    .borrow_mut()
                    .insert(wanted.scope.clone(), (look.repo.clone(), number));
            }
            outcome.url = self.page(action, &look);
            outcome.writes.push(write);
        }
        outcome.notes.append(&mut performer.notes.borrow_mut());
        if noted || !outcome.writes.is_empty() {
            self.journal.end(&wanted.scope);
        }
        Ok(())
    }

    /// Where a person sees what an action is about: the pull request that is open, or that a person has ended.
    fn page(&self, action: Action, look: &Look) -> Option<String> {
        let by_person = matches!(action, Action::StayClosed | Action::NoticeMerged);
        let number = look.open.or(look.ended.filter(|_| by_person))?;
        Some(web::pull_request(self.forge.client.web(), &look.repo, number))
    }
}

fn standing<'a>(wanted: &'a PullRequest, seen: &'a Option<Seen>, places: &BTreeMap<&Scope, usize>) -> Standing<'a> {
    let decided = seen.as_ref().and_then(|seen| seen.as_ref().ok());
    let open = decided.is_some_and(|decided| decided.look.open.is_some());
    let stuck = match decided.map(|decided| decided.action) {
        _ if open => None,
        None => Some("which could not be looked at"),
        Some(Action::Withhold) => Some("which is withheld"),
        Some(_) => None,
    };
    Standing {
        org: &wanted.scope.repo.org,
        name: wanted.scope.to_string(),
        open,
        opens: decided.is_some_and(|decided| opens(&decided.writes)),
        stuck,
        opened: decided
            .map(|decided| decided.look.opened.as_slice())
            .unwrap_or_default(),
        after: wanted
            .depends
            .iter()
            .filter_map(|scope| places.get(scope).copied())
            .collect(),
    }
}

fn opens(writes: &[Write]) -> bool {
    writes.iter().any(|write| matches!(write, Write::Open { .. }))
}

/// Why one that was to be opened waits after all: what it depends on could not be opened in this run.
fn after_failure(wanted: &PullRequest, seen: &Seen, failed: &[&Scope]) -> Option<Waits> {
    let opens = seen.as_ref().is_ok_and(|decided| opens(&decided.writes));
    let other = failed.iter().find(|scope| opens && wanted.depends.contains(**scope))?;
    Some(Waits {
        why: format!("it builds on images of {other}, which could not be opened: both are tried again in the next run"),
        until: None,
    })
}

fn intent(writes: &[Write], at: i64) -> Intent {
    Intent {
        at,
        writes: writes.iter().map(ToString::to_string).collect(),
        assign: writes.iter().any(|write| matches!(write, Write::Assign { .. })),
    }
}

/// What a person should know beside the action itself.
fn notes(action: Action, look: &Look, wanted: &PullRequest) -> Vec<String> {
    match (action, &wanted.blocked) {
        (Action::Withhold, Some(why)) => vec![why.clone()],
        (Action::AwaitPerson | Action::Create, _) => {
            let returned = look.observed.returned.iter();
            returned.chain(&look.observed.notes).cloned().collect()
        }
        (Action::CloseForCut | Action::LeaveToCut, _) => look.wanted.yields.iter().cloned().collect(),
        (Action::LeaveForeign, _) => {
            let notes = look.observed.notes.iter().cloned();
            notes.chain(way_out(&look.observed, &wanted.head())).collect()
        }
        _ => look.observed.notes.clone(),
    }
}
