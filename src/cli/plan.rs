//! `lockstep plan`

use lockstep::forge::{self, PlannedView};
use lockstep::plan;

use super::args::{By, PlanArgs, TextOrJson};
use super::place::Place;
use super::{Ended, Outcome, color, json_of, print, schema_of, setup};

/// Shows the drift, and what `reconcile` would write.
pub fn run(args: &PlanArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<PlannedView<'_>>()?)?;
        return Ok(Ended::Done);
    }
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let plan = ready.plan(&mut ended)?;
    let outcomes = Place::foretell(&ready, &plan)?;
    match args.format {
        TextOrJson::Json => print(&json_of(&PlannedView::of(&plan, &outcomes))?)?,
        TextOrJson::Text => {
            let by = args.by.map(|by| match by {
                By::Cause => plan::By::Cause,
                By::File => plan::By::File,
                By::Image => plan::By::Image,
            });
            let details = plan::details(&plan, by, color());
            let summary = color().paint("1", &plan::summary(&plan));
            print(&format!("{details}{}{summary}\n", forge::foretold(&outcomes)))?;
        }
    }
    Ok(match args.exit_code {
        true if !plan.not_compared.is_empty() || plan.looked_at == 0 => Ended::Failed,
        true if plan.has_drift() => ended.max(Ended::Drift),
        _ => ended,
    })
}
