//! `lockstep results`

use lockstep::base::Date;
use lockstep::results;
use lockstep::results::answer::{ImageState, Results};
use lockstep::run::results::ResultsAsked;

use super::args::{ResultsArgs, TextOrJson};
use super::{Ended, Outcome, Usage, color, json_of, print, schema_of, setup};

/// Says which images do not build.
pub fn run(args: &ResultsArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<Results>()?)?;
        return Ok(Ended::Done);
    }
    let since = args.since.as_deref().map(str::parse::<Date>).transpose();
    let since = since.map_err(|error| Usage(format!("--since: {error}")))?;
    let ready = setup::ready(&args.common)?;
    let asked = ResultsAsked {
        image: args.image.clone(),
        since,
        now: setup::now(),
    };
    let found = ready.run.results(&ready.releases, &asked);
    ready.finish();
    let found = found?;
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
