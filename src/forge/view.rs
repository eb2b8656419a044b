//! What came, or would come, of a plan, for programs and for people.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Action, Outcome, Waits, Write};
use crate::base::text::terminal;
use crate::plan::{Plan, PlanView};

/// What came, or would come, of one pull request.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OutcomeView<'a> {
    /// The repository that it is made in, `org/repo`.
    pub repo: String,
    /// The release.
    pub release: &'a str,
    /// The group of targets.
    pub group: &'a str,
    /// The branch that it is made from.
    pub head: String,
    /// What was decided; `null` where that could not be told.
    pub action: Option<Action>,
    /// What was written, or would be in a dry run, in its order.
    pub writes: &'a [Write],
    /// Why it waits for a later run, if it does.
    pub waits: Option<&'a Waits>,
    /// What a person should know.
    pub notes: &'a [String],
    /// What failed, or what keeps this from being told.
    pub error: Option<String>,
}

impl<'a> From<&'a Outcome> for OutcomeView<'a> {
    fn from(outcome: &'a Outcome) -> Self {
        let Outcome {
            scope,
            action,
            writes,
            waits,
            // Where it is seen is part of how it stands, not of what is done: a plan foretells the latter.
            url: _,
            notes,
            error,
        } = outcome;
        Self {
            repo: scope.repo.to_string(),
            release: &scope.release,
            group: &scope.group,
            head: scope.head(),
            action: *action,
            writes,
            waits: waits.as_ref(),
            notes,
            error: error.as_ref().map(ToString::to_string),
        }
    }
}

/// A plan, and what `reconcile` would write for it: the stable form of `plan --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlannedView<'a> {
    /// The plan.
    #[serde(flatten)]
    pub plan: PlanView<'a>,
    /// What `reconcile` would make of each pull request that was looked at, in their order.
    pub outcomes: Vec<OutcomeView<'a>>,
}

impl<'a> PlannedView<'a> {
    /// Shows a plan and what a dry run of it came to.
    pub fn of(plan: &'a Plan, outcomes: &'a [Outcome]) -> Self {
        Self {
            plan: PlanView::from(plan),
            outcomes: outcomes.iter().map(OutcomeView::from).collect(),
        }
    }
}

/// What a run came to: the stable form of `reconcile --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReconciledView<'a> {
    /// The version of this form, 1.
    pub version: u32,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// What came of each pull request that was looked at, sorted by repository, release and group.
    pub outcomes: Vec<OutcomeView<'a>>,
    /// What was found on the way and while planning.
    pub findings: &'a [crate::finding::Finding],
    /// What was asked for and could not be compared.
    pub not_compared: &'a [crate::plan::NotCompared],
    /// What sums the plan up.
    pub summary: String,
}

impl<'a> ReconciledView<'a> {
    /// Shows what a run of a plan came to.
    pub fn of(plan: &'a Plan, outcomes: &'a [Outcome], dry_run: bool) -> Self {
        Self {
            version: 1,
            dry_run,
            outcomes: outcomes.iter().map(OutcomeView::from).collect(),
            findings: &plan.findings,
            not_compared: &plan.not_compared,
            summary: crate::plan::summary(plan),
        }
    }
}

/// Says what a command would write, wait for or leave, for people; empty where there is nothing to say.
pub fn foretold(outcomes: &[Outcome], command: &str) -> String {
    let untold: BTreeSet<String> = outcomes
        .iter()
        .filter(|o| o.action.is_none())
        .filter_map(reason)
        .collect();
    let told: Vec<&Outcome> = outcomes.iter().filter(|outcome| speaks(outcome)).collect();
    let mut out = String::new();
    if !told.is_empty() {
        let _ = writeln!(out, "What `{command}` would write");
        for line in told
            .iter()
            .flat_map(|outcome| outcome.to_string().lines().map(str::to_owned).collect::<Vec<_>>())
        {
            let _ = writeln!(out, "  {line}");
        }
        out.push('\n');
    }
    for why in untold {
        let _ = writeln!(out, "What `{command}` would write cannot be told: {}\n", terminal(&why));
    }
    out
}

fn reason(outcome: &Outcome) -> Option<String> {
    outcome.error.as_ref().map(ToString::to_string)
}

/// Whether an outcome says anything beyond that there is nothing to do.
fn speaks(outcome: &Outcome) -> bool {
    let quiet = outcome.action == Some(Action::InSync) && outcome.notes.is_empty() && outcome.error.is_none();
    outcome.action.is_some() && !quiet
}
