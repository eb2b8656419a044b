//! `lockstep plan`

use lockstep::plan;

use super::args::{By, PlanArgs, TextOrJson};
use super::{Ended, Outcome, color, print, schema_of, setup};

/// Shows the drift.
pub fn run(args: &PlanArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<plan::PlanView<'_>>()?)?;
        return Ok(Ended::Done);
    }
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let plan = ready.plan(&mut ended)?;
    match args.format {
        TextOrJson::Json => print(&format!("{}\n", plan::json(&plan)?))?,
        TextOrJson::Text => {
            let by = args.by.map(|by| match by {
                By::Cause => plan::By::Cause,
                By::File => plan::By::File,
                By::Image => plan::By::Image,
            });
            print(&plan::text(&plan, by, color()))?;
        }
    }
    if args.exit_code && plan.has_drift() {
        Ok(ended.max(Ended::Drift))
    } else {
        Ok(ended)
    }
}
