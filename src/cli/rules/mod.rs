//! `lockstep rules`: the workbench of rule authors.

pub mod args;
mod capture;
mod cases;
mod check;
mod list;
mod new;

use args::{RulesArgs, RulesCommand};

use super::{Ended, Outcome, print};

/// Runs one of the commands for rule authors.
pub fn run(args: &RulesArgs) -> Outcome {
    match &args.command {
        RulesCommand::Check(args) => check::run(args),
        RulesCommand::Test(args) => cases::test(args),
        RulesCommand::Coverage(args) => cases::coverage(args),
        RulesCommand::List(args) => list::run(args),
        RulesCommand::New(args) => new::run(args),
        RulesCommand::Capture(args) => capture::run(args),
        RulesCommand::Schema => {
            let schema = lockstep::rules::schema::schema();
            print(&format!("{}\n", serde_json::to_string_pretty(&schema)?))?;
            Ok(Ended::Done)
        }
    }
}
