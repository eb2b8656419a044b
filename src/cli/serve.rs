//! `lockstep serve`

use lockstep::daemon::{self, Settings, SettingsError};

use super::args::ServeArgs;
use super::{Ended, Outcome};

/// Runs the service until it is told to end.
pub fn run(args: &ServeArgs) -> Outcome {
    let settings = Settings::read(&args.config).map_err(told)?;
    super::service_logging(settings.config.log);
    daemon::serve(&args.config, settings, args.observe)?;
    Ok(Ended::Done)
}

/// What is wrong, as the other commands say it.
fn told(error: SettingsError) -> anyhow::Error {
    match error {
        SettingsError::Config(error) => error.into(),
        SettingsError::Rules(error) => error.into(),
        SettingsError::RuleFiles(error) => error.into(),
        SettingsError::Other(text) => anyhow::anyhow!(text),
    }
}
