//! `lockstep config`

use lockstep::config::{self, Care};
use lockstep::run::configured;

use super::args::{ConfigArgs, ConfigCommand};
use super::{Ended, Outcome, print};

/// Checks or shows the configuration, or prints its schema.
pub fn run(args: &ConfigArgs) -> Outcome {
    let text = match &args.command {
        ConfigCommand::Check(file) => {
            let config = config::load(&file.config)?;
            let rules = configured::check_rules(&config)?;
            let missing = configured::missing_secrets(&config);
            let missing = missing
                .iter()
                .map(|said| format!("{said}; on the machine that the configuration is for it has to be"));
            let notes = config.parts_of_groups().into_iter().chain(missing);
            let notes = notes.map(|note| format!("note: {note}\n"));
            format!(
                "{}{rules} rules: no faults\n{}",
                config::check(&file.config)?,
                notes.collect::<String>()
            )
        }
        ConfigCommand::Show(file) => config::show(&config::load_with(&file.config, Care::OtherRules)?),
        ConfigCommand::Schema => config::schema(),
    };
    print(&format!("{}\n", text.trim_end()))?;
    Ok(Ended::Done)
}
