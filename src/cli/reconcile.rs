//! `lockstep reconcile`

use lockstep::forge::ReconciledView;
use lockstep::plan;

use super::args::{ReconcileArgs, TextOrJson};
use super::place::{self, Place};
use super::{Ended, Outcome, json_of, print, say, schema_of, setup};

/// Derives, plans, and makes the pull requests what they should be.
pub fn run(args: &ReconcileArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<ReconciledView<'_>>()?)?;
        return Ok(Ended::Done);
    }
    if !args.dry_run {
        setup::in_earnest(&args.common, "`--dry-run`")?;
    }
    let ready = setup::ready(&args.common)?;
    if args.common.targets.is_empty() {
        ready
            .run
            .config()
            .parts_of_groups()
            .iter()
            .for_each(|note| say(&format!("note: {note}")));
    }
    let mut ended = Ended::Done;
    let mut place = Place::of(&ready)?;
    let plan = ready.plan(&mut ended)?;
    setup::tell(&plan.findings);
    let mut text = String::new();
    let outcomes = place.apply(&ready, &plan, args.dry_run);
    if outcomes.iter().any(|outcome| outcome.error.is_some()) {
        ended = Ended::Failed;
    }
    if args.format == TextOrJson::Json {
        print(&json_of(&ReconciledView::of(&plan, &outcomes, args.dry_run))?)?;
        return Ok(ended);
    }
    for (pr, outcome) in plan.pull_requests.iter().zip(outcomes) {
        text.push_str(&format!("{outcome}\n"));
        if place::sets_branch(&outcome) {
            text.push_str(&format!("\n{}\n", plan::brief(pr).trim_end()));
            text.push_str(&format!("{}\n", place.of_one(pr, args.dry_run)));
        }
    }
    text.push_str(&plan::summary(&plan));
    print(&format!("{}\n", text.trim_end()))?;
    Ok(ended)
}
