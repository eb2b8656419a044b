//! `lockstep reconcile`

use lockstep::forge::Write;
use lockstep::forge::local::{LocalForge, LocalWriter, record_path};
use lockstep::plan::{self, PullRequest};

use super::args::ReconcileArgs;
use super::{Ended, Outcome, print, setup};

/// Derives, plans, and makes the pull requests what they should be.
pub fn run(args: &ReconcileArgs) -> Outcome {
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let forge = setup::local_forge(&ready)?;
    let plan = ready.plan(&mut ended)?;
    setup::tell(&plan.findings);
    let writer = LocalWriter {
        forge: &forge,
        dry_run: args.dry_run,
        now: setup::now(),
    };
    let mut text = String::new();
    for (pr, outcome) in plan.pull_requests.iter().zip(writer.apply(&plan)) {
        if outcome.error.is_some() {
            ended = Ended::Failed;
        }
        text.push_str(&format!("{outcome}\n"));
        if outcome
            .writes
            .iter()
            .any(|write| matches!(write, Write::SetBranch { .. }))
        {
            text.push_str(&format!("\n{}\n", plan::brief(pr).trim_end()));
            text.push_str(&format!("{}\n\n", where_it_is(&forge, pr, args.dry_run)));
        }
    }
    text.push_str(&plan::summary(&plan));
    print(&format!("{}\n", text.trim_end()))?;
    Ok(ended)
}

/// How a person looks at a pull request of the local forge.
fn where_it_is(forge: &LocalForge, pr: &PullRequest, dry_run: bool) -> String {
    let record = record_path(forge.dir(), &pr.scope);
    match forge.repository(&pr.scope.repo, &pr.base) {
        Ok(repo) if !dry_run => format!(
            "\nThe pull request is recorded in {}; its changes:\n  git -C {} diff {} {}",
            record.display(),
            repo.display(),
            pr.base,
            pr.head()
        ),
        _ => String::new(),
    }
}
