//! `lockstep cut`

use lockstep::base::Release;
use lockstep::cut::show::View;
use lockstep::finding;
use lockstep::forge::Action;
use lockstep::run::cut::Cut;

use super::args::{CutArgs, TextOrJson};
use super::place::Place;
use super::setup::{self, Ready};
use super::{Ended, Outcome, Usage, print, say, schema_of};

/// Plans the train, and takes its next step where that is asked for.
pub fn run(args: &CutArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<View>()?)?;
        return Ok(Ended::Done);
    }
    let (from, to) = bounds(args)?;
    let ready = setup::ready_between(&args.common, from, to)?;
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let releases = ready.derive(&metadata, &mut ended)?;
    let mut cut = ready.run.cut(&releases, ready.ci.as_ref())?;
    let carried = ready.run.carry_forward(&releases);
    cut.findings.extend(carried);
    let lacking = finding::lacks_component(&cut.findings);
    cut.findings = ready.run.heard(cut.findings);
    let numbers = metadata.iter().map(|metadata| metadata.release.to_string()).collect();
    let mut view = View::new(numbers, &cut.train, &cut.units, cut.findings.clone());
    setup::tell(&cut.findings);
    if lacking {
        ended = Ended::Failed;
    }
    if args.apply {
        ended = ended.max(apply(&ready, &cut, &mut view)?);
    }
    match args.format {
        TextOrJson::Text => print(&view.text())?,
        TextOrJson::Json => print(&format!("{}\n", serde_json::to_string_pretty(&view)?))?,
    }
    Ok(ended)
}

fn bounds(args: &CutArgs) -> Result<(Release, Release), Usage> {
    let read = |name: &str, text: &Option<String>| -> Result<Release, Usage> {
        let text = text.as_ref().ok_or_else(|| Usage(format!("--{name} is missing")))?;
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

/// Makes the pull request of the first step: the ones after it wait for its merge.
fn apply(ready: &Ready, cut: &Cut, view: &mut View) -> Result<Ended, anyhow::Error> {
    let Some(step) = cut.train.steps.first() else {
        return Ok(Ended::Done);
    };
    if step.checks.iter().any(|check| !check.broken_by.is_empty()) {
        say("error: the first step would break a rule; nothing is written");
        return Ok(Ended::Failed);
    }
    let mut place = Place::of(ready)?;
    let mut ended = Ended::Done;
    for outcome in place.apply(ready, &cut.plan(step, &ready.run), false) {
        if outcome.error.is_some() || outcome.action == Some(Action::Withhold) {
            ended = Ended::Failed;
        }
        say(&outcome.to_string());
    }
    let head = lockstep::cut::train::head(step, &cut.units);
    view.waits_for = Some(format!("the merge of {head}; run the same command again after it"));
    Ok(ended)
}
