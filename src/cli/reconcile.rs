//! `lockstep reconcile`

use lockstep::forge::local::LocalWriter;
use lockstep::plan;

use super::args::ReconcileArgs;
use super::{Ended, Outcome, print, setup};

/// Derives, plans, and makes the pull requests what they should be.
pub fn run(args: &ReconcileArgs) -> Outcome {
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let forge = setup::local_forge(&ready)?;
    let plan = ready.run.plan(ready.renderings(&mut ended)?, ready.whole);
    setup::tell(&plan.findings);
    let writer = LocalWriter {
        forge: &forge,
        dry_run: args.dry_run,
        now: setup::now(),
    };
    let mut text = String::new();
    for outcome in writer.apply(&plan) {
        if outcome.error.is_some() {
            ended = Ended::Failed;
        }
        text.push_str(&format!("{outcome}\n"));
    }
    text.push_str(&plan::summary(&plan));
    print(&format!("{}\n", text.trim_end()))?;
    Ok(ended)
}
