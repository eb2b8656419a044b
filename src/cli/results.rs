//! `lockstep results`

use lockstep::base::{Date, Gate};
use lockstep::results;
use lockstep::results::answer::{ImageState, Results};
use lockstep::run::history;
use lockstep::run::place::ConfiguredForge;
use lockstep::run::results::{ResultsAsked, Since};
use lockstep::run::told::Told;

use super::args::{ResultsArgs, TextOrJson};
use super::{Ended, Outcome, Usage, color, json_of, print, say, schema_of, setup};

/// Says which images do not build.
pub fn run(args: &ResultsArgs) -> Outcome {
    if args.schema {
        print(&if args.told {
            schema_of::<Told>()?
        } else {
            schema_of::<Results>()?
        })?;
        return Ok(Ended::Done);
    }
    let day = match args.since.as_deref().filter(|since| !history::is_id(since)) {
        Some(since) => Some(since.parse::<Date>().map_err(|error| {
            Usage(format!(
                "--since: {error}, or give the id of a run, as the service's list of runs has it"
            ))
        })?),
        None => None,
    };
    let ready = setup::ready(&args.common)?;
    let since = match (&args.since, day) {
        (_, Some(day)) => Some(Since::Day(day)),
        (Some(run), None) => {
            let before = history::read_stuck(&ready.run.config().state, run);
            Some(Since::Run(before?))
        }
        (None, None) => None,
    };
    let asked = ResultsAsked {
        image: args.image.clone(),
        since,
        now: setup::now(),
    };
    let found = ready.run.results(&ready.releases, &asked);
    ready.finish();
    let found = found?;
    if args.told {
        return told(args, &ready, &found);
    }
    if args.image.is_none() && args.since.is_none() {
        let notes = ready.run.silences_of_no_use(&found);
        notes.iter().for_each(|note| say(&format!("note: {note}")));
    }
    match args.format {
        TextOrJson::Text => print(&results::text(&found, color()))?,
        TextOrJson::Json => print(&json_of(&found)?)?,
    }
    let broken = |image: &results::answer::ImageResult| image.state == ImageState::Broken;
    let is_broken = found.releases.iter().flat_map(|release| &release.images).any(broken);
    Ok(match (found.unread.is_empty(), is_broken && args.exit_code) {
        (false, _) => Ended::Failed,
        (true, true) => Ended::Drift,
        (true, false) => Ended::Done,
    })
}

/// Says who would be told.
fn told(args: &ResultsArgs, ready: &setup::Ready, found: &Results) -> Outcome {
    if ready.run.config().feedback.breaks.is_none() {
        say("note: nobody is told of anything: the configuration has no `feedback.breaks`");
    }
    let place = ConfiguredForge::of(&ready.run, Gate::default())?;
    let told = ready.run.tell_breaks(&place, found, true, setup::now())?;
    match args.format {
        TextOrJson::Json => print(&json_of(&told)?)?,
        TextOrJson::Text => {
            for write in &told.writes {
                print(&format!("{write}\n"))?;
                for line in write.body().lines() {
                    print(&format!("    {}\n", lockstep::base::text::terminal(line)))?;
                }
            }
            let rest = Told {
                writes: Vec::new(),
                ..told.clone()
            };
            rest.lines().iter().try_for_each(|line| print(&format!("{line}\n")))?;
        }
    }
    found
        .unread
        .iter()
        .for_each(|unread| say(&format!("{} could not be read: {}", unread.source, unread.why)));
    Ok(match told.failed.is_empty() && found.unread.is_empty() {
        true => Ended::Done,
        false => Ended::Failed,
    })
}
