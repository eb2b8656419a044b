//! `lockstep cut`

use anyhow::anyhow;
use lockstep::base::{Release, RepoName};
use lockstep::cut::show::View;
use lockstep::finding;
use lockstep::forge::{Action, Train, foretold};
use lockstep::plan::{self, Plan, PullRequest};
use lockstep::run::cut::{Cut, Retirement, RetirementView};
use lockstep::targets;

use super::args::{CutArgs, TextOrJson};
use super::place::CliForge;
use super::setup::{self, Ready};
use super::{Ended, Outcome, Usage, print, say, schema_of};

/// Plans the train, and takes its next step or gives it up where that is asked for.
pub fn run(args: &CutArgs) -> Outcome {
    if args.schema {
        let schema = match args.retire {
            Some(_) => schema_of::<RetirementView<'_>>()?,
            None => schema_of::<View>()?,
        };
        print(&schema)?;
        return Ok(Ended::Done);
    }
    if let Some(release) = &args.retire {
        return retire(args, release);
    }
    let (from, to) = bounds(args)?;
    if args.apply {
        setup::in_earnest(&args.common, "`cut` without `--apply`")?;
    }
    let (ready, left_out) = setup::ready_between(&args.common, from, to)?;
    let mut place = CliForge::of(&ready)?;
    let under_way = under_way(&ready, &mut place, args.apply || args.abandon)?;
    if args.abandon {
        return abandon(&ready, &place, under_way.as_ref(), (from, to));
    }
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let releases = ready.derive(&metadata, &mut ended)?;
    let mut cut = ready.run.cut(&releases, ready.ci.as_ref())?;
    let carried = ready.run.carry_forward(&releases);
    cut.findings.extend(carried);
    let lacking = finding::lacks_component(&cut.findings);
    cut.findings = ready.run.heard(cut.findings);
    let numbers = metadata.iter().map(|metadata| metadata.release.to_string()).collect();
    let ours = under_way
        .as_ref()
        .filter(|train| (train.step.from, train.step.to) == (from, to));
    let mut view = View::new(numbers, &cut.train, &cut.units, cut.findings.clone());
    view.number_from(ours.map_or(1, |train| train.first_of(&view.steps)));
    view.left_out = left_out;
    setup::tell(&cut.findings);
    if lacking {
        ended = Ended::Failed;
    }
    if let Some(other) = under_way.as_ref().filter(|_| ours.is_none()) {
        let text = format!("another cut is under way: {}", other.told());
        if args.apply {
            return Err(anyhow!("{text}"));
        }
        say(&format!("note: {text}"));
    }
    if args.apply {
        let mut step = Next {
            ready: &ready,
            place: &mut place,
            cut: &cut,
            bounds: (from, to),
            under_way: ours,
        };
        ended = ended.max(step.take(&mut view)?);
    }
    match args.format {
        TextOrJson::Text => {
            let details = args
                .by
                .map(|by| details(&ready, &cut, &view, (from, to), super::plan::by(by)));
            print(&view.text_with(&details.unwrap_or_default()))?;
        }
        TextOrJson::Json => print(&format!("{}\n", serde_json::to_string_pretty(&view)?))?,
    }
    Ok(ended)
}

/// Shows what a release that has ended loses of what verifies and mirrors it, and makes the request where that is asked for.
fn retire(args: &CutArgs, release: &str) -> Outcome {
    let release: Release = release.parse().map_err(|error| Usage(format!("--retire: {error}")))?;
    if args.apply {
        setup::in_earnest(&args.common, "`cut --retire` without `--apply`")?;
    }
    let ready = setup::ready_of(&args.common, release)?;
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let releases = ready.derive(&metadata, &mut ended)?;
    let Some(derived) = releases.first() else {
        return Ok(Ended::Failed);
    };
    let mut retired = ready.run.retire(derived, ready.ci.as_ref())?;
    if retired.because.is_empty() {
        return Err(anyhow!(
            "no rule says that {release} has ended: let build data's `software_lifecycle.phase` be `eol`, or set `closed` in a rule `on: payload`"
        ));
    }
    if let Some((repo, branch)) = home(&ready).filter(|_| retired.paths.is_empty()) {
        // A request that was merged is noted, and its branch goes.
        let nothing = PullRequest::empty(repo, &release.to_string(), plan::RETIRE, &branch);
        retired.plan.pull_requests.push(nothing);
    }
    let outcomes = match setup::tries(&args.common).is_empty() {
        true => CliForge::of(&ready)?.apply(&ready, &retired.plan, !args.apply),
        // Nothing of a try is ever written.
        false => Vec::new(),
    };
    if args.apply {
        for outcome in &outcomes {
            if outcome.error.is_some() || outcome.action == Some(Action::Withhold) {
                ended = Ended::Failed;
            }
            say(&outcome.to_string());
        }
    }
    match args.format {
        TextOrJson::Text => {
            let by = args.by.filter(|_| !retired.paths.is_empty());
            let changes = by.map(|by| plan::changes(&retired.plan, super::plan::by(by), super::color()));
            let mut text = retired_text(release, &retired) + &changes.unwrap_or_default();
            if !args.apply {
                text.push_str(&foretold(
                    &outcomes,
                    &format!("lockstep cut --retire {release} --apply"),
                ));
            }
            print(&text)?;
        }
        TextOrJson::Json => {
            let view = retired.view(release);
            print(&format!("{}\n", serde_json::to_string_pretty(&view)?))?;
        }
    }
    Ok(ended)
}

fn retired_text(release: Release, retired: &Retirement) -> String {
    let mut text = format!("{release} has ended: {}\n", retired.because);
    match retired.paths.is_empty() {
        true => text.push_str("nothing of it is left that verifies or mirrors its payload\n"),
        false => text.push_str("what goes or changes:\n"),
    }
    for path in &retired.paths {
        text.push_str(&format!("  {path}\n"));
    }
    for who in &retired.referrers {
        text.push_str(&format!("still refers to it: {who}\n"));
    }
    text
}

/// What each step changes, as a plan shows it.
fn details(ready: &Ready, cut: &Cut, view: &View, bounds: (Release, Release), by: plan::By) -> Vec<String> {
    let steps = cut.train.steps.iter().zip(&view.steps);
    let one = |(step, shown): (&lockstep::cut::train::Step, &lockstep::cut::show::StepView)| {
        let of = step_of(bounds, view, shown, None);
        plan::changes(&cut.plan(step, &of, &ready.run), by, super::color())
    };
    steps.map(one).collect()
}

/// What a step is in its train.
fn step_of(
    (from, to): (Release, Release),
    view: &View,
    shown: &lockstep::cut::show::StepView,
    after: Option<String>,
) -> plan::Step {
    let first = view.steps.first().map_or(1, |first| first.number);
    plan::Step {
        from,
        to,
        group: targets::promoting().map_or("", |target| target.group).to_owned(),
        number: shown.number,
        of: first - 1 + view.steps.len(),
        what: shown.title.clone(),
        because: shown.because.clone(),
        after,
    }
}

fn bounds(args: &CutArgs) -> Result<(Release, Release), Usage> {
    let read = |name: &str, text: &Option<String>| -> Result<Release, Usage> {
        let text = text.as_ref().ok_or_else(|| {
            Usage(format!(
                "--{name} is missing: `--from R --to R` say which cut, `--retire R` which release has ended"
            ))
        })?;
        text.parse().map_err(|error| Usage(format!("--{name}: {error}")))
    };
    let (from, to) = (read("from", &args.from)?, read("to", &args.to)?);
    if from >= to {
        let text =
            format!("--from {from} is not older than --to {to}: a cut goes from the older release to the newer one");
        return Err(Usage(text));
    }
    Ok((from, to))
}

/// The repository that a train changes, and its branch.
fn home(ready: &Ready) -> Option<(RepoName, String)> {
    let config = ready.run.config().sources.ci_config.as_ref()?;
    let branch = config.base(ready.ci.as_ref()?.origin());
    Some((config.name()?, branch))
}

/// What is proposed to the releases of a cut otherwise: nothing, as long as its train has them.
fn others(ready: &Ready) -> Plan {
    let Some((repo, branch)) = home(ready) else {
        return Plan::default();
    };
    let group = targets::promoting().map_or("", |target| target.group);
    let releases = ready.releases.iter().map(ToString::to_string);
    let pull_requests = releases.map(|release| PullRequest::empty(repo.clone(), &release, group, &branch));
    Plan {
        pull_requests: pull_requests.collect(),
        ..Plan::default()
    }
}

/// The train that is under way. Who only looks at a cut need not be able to ask the forge.
fn under_way(ready: &Ready, place: &mut CliForge, writes: bool) -> Result<Option<Train>, anyhow::Error> {
    let Some((repo, branch)) = home(ready) else {
        return Ok(None);
    };
    place.look_for(ready, &others(ready));
    match place.forge().train(&repo, &branch) {
        Err(error) if !writes => {
            say(&format!("note: whether a cut is under way cannot be told: {error}"));
            Ok(None)
        }
        found => Ok(found?),
    }
}

/// Gives up the cut that is under way.
fn abandon(ready: &Ready, place: &CliForge, train: Option<&Train>, (from, to): (Release, Release)) -> Outcome {
    let (Some(train), Some((repo, branch))) = (train, home(ready)) else {
        print(&format!(
            "no cut from {from} to {to} is under way: nothing is given up\n"
        ))?;
        return Ok(Ended::Done);
    };
    if (train.step.from, train.step.to) != (from, to) {
        return Err(anyhow!("another cut is under way: {}", train.told()));
    }
    let done = place.forge().end_train(&repo, &branch)?;
    let mut text = format!(
        "the cut from {from} to {to} is given up at step {}\n",
        train.step.number
    );
    done.iter().for_each(|done| text.push_str(&format!("  {done}\n")));
    text.push_str("what is merged of it stays; `reconcile` has its releases again\n");
    print(&text)?;
    Ok(Ended::Done)
}

/// The next step of a train.
struct Next<'n> {
    ready: &'n Ready,
    place: &'n mut CliForge,
    cut: &'n Cut,
    bounds: (Release, Release),
    under_way: Option<&'n Train>,
}

impl Next<'_> {
    /// Makes the pull request of the first step: the ones after it wait for its merge.
    fn take(&mut self, view: &mut View) -> Result<Ended, anyhow::Error> {
        let (Some(step), Some(shown)) = (self.cut.train.steps.first(), view.steps.first()) else {
            return self.arrive();
        };
        if step.checks.iter().any(|check| !check.broken_by.is_empty()) {
            say("error: the first step would break a rule; nothing is written");
            return Ok(Ended::Failed);
        }
        // What was merged in other repositories has no name here.
        let before = self.under_way.filter(|train| train.next() == shown.number);
        let of = step_of(self.bounds, view, shown, before.and_then(Train::after));
        let mut ended = Ended::Done;
        let plan = self.cut.plan(step, &of, &self.ready.run);
        let outcomes = self.place.apply(self.ready, &plan, false);
        let failed = outcomes.iter().any(|outcome| outcome.error.is_some());
        // What else is open for these releases would be merged in no order.
        let others = match failed {
            true => Vec::new(),
            false => self.place.apply(self.ready, &others(self.ready), false),
        };
        for outcome in outcomes.iter().chain(others.iter().filter(|other| speaks(other))) {
            if outcome.error.is_some() || outcome.action == Some(Action::Withhold) {
                ended = Ended::Failed;
            }
            say(&outcome.to_string());
        }
        view.waits_for = Some(format!(
            "the merge of {}, {of}; run the same command again after it",
            shown.head
        ));
        Ok(ended)
    }

    /// Nothing is left: writes down that the train has arrived, also where its last step is merged and none is under way.
    fn arrive(&self) -> Result<Ended, anyhow::Error> {
        if let Some((repo, branch)) = home(self.ready) {
            for done in self.place.forge().end_train(&repo, &branch)? {
                say(&done);
            }
        }
        Ok(Ended::Done)
    }
}

/// Whether something was done about a request beside the train, or could not be.
fn speaks(outcome: &lockstep::forge::Outcome) -> bool {
    outcome.error.is_some() || !outcome.writes.is_empty() || outcome.action == Some(Action::LeaveForeign)
}
