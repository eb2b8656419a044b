//! `lockstep config`

use lockstep::config;

use super::args::{ConfigArgs, ConfigCommand};
use super::{Ended, Outcome, print};

/// Checks or shows the configuration, or prints its schema.
pub fn run(args: &ConfigArgs) -> Outcome {
    let text = match &args.command {
        ConfigCommand::Check(file) => {
            let notes = config::load(&file.config)?.parts_of_groups();
            let notes = notes.iter().map(|note| format!("note: {note}\n"));
            config::check(&file.config)? + "\n" + &notes.collect::<String>()
        }
        ConfigCommand::Show(file) => config::show(&config::load(&file.config)?),
        ConfigCommand::Schema => config::schema(),
    };
    print(&format!("{}\n", text.trim_end()))?;
    Ok(Ended::Done)
}
