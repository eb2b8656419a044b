//! `lockstep reconcile`

use std::path::Path;

use lockstep::base::Gate;
use lockstep::forge::ReconciledView;
use lockstep::impact::{Pull, State};
use lockstep::plan::{self, Plan};
use lockstep::run;
use lockstep::run::feedback::{Standing, Watch, Wish};
use lockstep::run::results::ResultsAsked;

use super::args::{ReconcileArgs, TextOrJson};
use super::place::{self, CliForge};
use super::{Ended, Outcome, json_of, print, say, schema_of, setup};

/// Gives answers about the open pull requests of others, where that is configured: those that there is something to say of.
fn tell_pulls(ready: &mut setup::Ready, dry_run: bool) -> Result<Vec<Pull>, anyhow::Error> {
    if ready.run.config().feedback.pulls.is_none() {
        return Ok(Vec::new());
    }
    let place = run::place::ConfiguredForge::of(&ready.run, Gate::default())?;
    let releases = ready.releases.clone();
    // Nothing is known here of what releases were: each is looked at.
    let (mut watch, standing) = (Watch::default(), Standing::default());
    let looked = ready.run.look_at_pulls(
        place.github(),
        &mut watch,
        &standing,
        &releases,
        &Wish::all(),
        (dry_run, setup::now()),
    )?;
    for (repo, count) in &looked.left_out {
        say(&format!("{repo}: {count} older open pull requests are not looked at"));
    }
    for repo in &looked.unread {
        say(&format!("{repo}: its pull requests cannot be read"));
    }
    Ok(looked
        .pulls
        .into_iter()
        .filter(|pull| pull.state != State::Silent)
        .collect())
}

/// Tells once that images do not build, where that is configured; whether all could be done.
fn tell_breaks(ready: &setup::Ready, dry_run: bool) -> Result<bool, anyhow::Error> {
    if ready.run.config().feedback.breaks.is_none() {
        return Ok(true);
    }
    let place = run::place::ConfiguredForge::of(&ready.run, Gate::default())?;
    let now = setup::now();
    let asked = ResultsAsked {
        now,
        ..ResultsAsked::default()
    };
    let results = ready.run.results(&ready.releases, &asked)?;
    let told = ready.run.tell_breaks(&place, &results, dry_run, now)?;
    told.lines().iter().for_each(|line| say(line));
    for unread in &results.unread {
        say(&format!("{} could not be read: {}", unread.source, unread.why));
    }
    Ok(told.failed.is_empty() && results.unread.is_empty())
}

/// Derives, plans, and makes the pull requests what they should be.
pub fn run(args: &ReconcileArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<ReconciledView<'_>>()?)?;
        return Ok(Ended::Done);
    }
    if let Some(file) = &args.plan {
        return as_kept(args, file);
    }
    if !args.dry_run {
        setup::in_earnest(&args.common, "`--dry-run`")?;
    }
    let mut ready = setup::ready(&args.common)?;
    if args.common.targets.is_empty() {
        ready
            .run
            .config()
            .parts_of_groups()
            .iter()
            .for_each(|note| say(&format!("note: {note}")));
    }
    let mut ended = Ended::Done;
    let mut place = CliForge::of(&ready)?;
    let plan = ready.plan(&mut ended)?;
    setup::tell(&plan.findings);
    let outcomes = place.apply(&ready, &plan, args.dry_run);
    ended = ended.max(tell(args, &place, &plan, &outcomes, &plan::summary(&plan))?);
    let told = tell_pulls(&mut ready, args.dry_run)?;
    if told.iter().any(|one| one.state == State::Failed) {
        ended = ended.max(Ended::Failed);
    }
    told.iter().for_each(|one| say(&one.to_string()));
    if !tell_breaks(&ready, args.dry_run)? {
        ended = ended.max(Ended::Failed);
    }
    Ok(ended)
}

/// Writes what a kept plan has, as far as it still is what was looked at.
fn as_kept(args: &ReconcileArgs, file: &Path) -> Outcome {
    let kept = super::plan::kept(file)?;
    let all = kept.plan();
    let ready = setup::ready_for(&args.common, &all)?;
    let mut place = CliForge::of(&ready)?;
    let now = place.apply(&ready, &all, true);
    let unmoved = kept.unmoved(&now);
    let written = place.apply(&ready, &unmoved, args.dry_run);
    let outcomes = kept.settled(now, written);
    let summary = format!("As kept in {}: {}", file.display(), kept.summary);
    tell(args, &place, &all, &outcomes, &summary)
}

/// Prints what came of a plan.
fn tell(
    args: &ReconcileArgs,
    place: &CliForge,
    plan: &Plan,
    outcomes: &[lockstep::forge::Outcome],
    summary: &str,
) -> Outcome {
    let failed = outcomes.iter().any(|outcome| outcome.error.is_some());
    let ended = if failed { Ended::Failed } else { Ended::Done };
    if args.format == TextOrJson::Json {
        let view = ReconciledView {
            summary: summary.to_owned(),
            ..ReconciledView::of(plan, outcomes, args.dry_run)
        };
        print(&json_of(&view)?)?;
        return Ok(ended);
    }
    let mut text = String::new();
    for (pr, outcome) in plan.pull_requests.iter().zip(outcomes) {
        text.push_str(&format!("{outcome}\n"));
        if place::sets_branch(outcome) {
            text.push_str(&format!("\n{}\n", plan::brief(pr).trim_end()));
            text.push_str(&format!("{}\n", place.of_one(pr, args.dry_run)));
        }
    }
    text.push_str(summary);
    print(&format!("{}\n", text.trim_end()))?;
    Ok(ended)
}
