//! `lockstep config`

use lockstep::config;

use super::args::{ConfigArgs, ConfigCommand};
use super::{Ended, Outcome, print};

/// Checks or shows the configuration, or prints its schema.
pub fn run(args: &ConfigArgs) -> Outcome {
    let text = match &args.command {
        ConfigCommand::Check(file) => config::check(&file.config)?,
        ConfigCommand::Show(file) => config::show(&config::load(&file.config)?),
        ConfigCommand::Schema => config::schema(),
    };
    print(&format!("{}\n", text.trim_end()))?;
    Ok(Ended::Done)
}
