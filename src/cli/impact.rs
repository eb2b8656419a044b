//! `lockstep impact`

use anyhow::anyhow;
use lockstep::impact::{self, Impact, Verdict};
use lockstep::run::impact::Asked;

use super::args::{ImpactArgs, ImpactFormat};
use super::{Ended, Outcome, Usage, color, event, json_of, print, schema_of, setup};

/// Says what a change of others would do.
pub fn run(args: &ImpactArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<Impact>()?)?;
        return Ok(Ended::Done);
    }
    let (asked, in_ci) = match &args.repository {
        Some(repository) => (asked(args, repository)?, false),
        None => (event::asked()?, true),
    };
    let mut ready = setup::ready(&args.common)?;
    let releases = ready.releases.clone();
    let found = ready.run.impact(&asked, &releases);
    ready.finish();
    let found = found?;
    show(args.format, &found)?;
    if in_ci && let Some(dir) = event::artifacts() {
        event::leave(&dir, "junit_lockstep-impact.xml", &impact::junit(&found))?;
        event::leave(&dir, "lockstep-impact-summary.html", &impact::page(&found))?;
    }
    match found.verdict {
        Verdict::Breaks if args.exit_code => Ok(Ended::Drift),
        _ => Ok(Ended::Done),
    }
}

/// What the arguments ask for.
fn asked(args: &ImpactArgs, repository: &str) -> Result<Asked, anyhow::Error> {
    let name = repository.parse().map_err(|error| {
        Usage(format!(
            "{repository} is no repository, which is written `org/repo`: {error}"
        ))
    })?;
    let head = match (&args.head, args.pull) {
        (Some(head), _) => head.clone(),
        // As GitHub keeps them, and as mirrors fetch them.
        (None, Some(pull)) => format!("refs/pull/{pull}/head"),
        (None, None) => {
            return Err(anyhow!(Usage(
                "say what is changed: `--head REF|DIR` or `--pull N`".to_owned()
            )));
        }
    };
    Ok(Asked {
        repository: name,
        pull: args.pull,
        base: args.base.clone(),
        head,
        branch: args.branch.clone(),
        at: None,
    })
}

fn show(format: ImpactFormat, found: &Impact) -> Result<(), anyhow::Error> {
    match format {
        ImpactFormat::Text => print(&impact::text(found, color())),
        ImpactFormat::Json => print(&json_of(found)?),
        ImpactFormat::Sarif => {
            let report = impact::report(found);
            print(&json_of(&lockstep::audit::sarif::sarif(
                &report,
                env!("CARGO_PKG_VERSION"),
            ))?)
        }
        ImpactFormat::Junit => print(&impact::junit(found)),
        ImpactFormat::Markdown => print(&impact::markdown(found)),
    }
}
