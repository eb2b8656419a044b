//! `lockstep serve`

use lockstep::daemon::{self, Settings};

use super::args::ServeArgs;
use super::{Ended, Outcome};

/// Runs the service until it is told to end.
pub fn run(args: &ServeArgs) -> Outcome {
    let settings = Settings::read(&args.config).map_err(|error| anyhow::anyhow!(error))?;
    super::service_logging(settings.config.log);
    daemon::serve(&args.config, settings)?;
    Ok(Ended::Done)
}
