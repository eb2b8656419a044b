//! `lockstep completions`

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs};
use super::{Ended, Outcome, print};

/// Prints completions for a shell.
pub fn run(args: &CompletionsArgs) -> Outcome {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "lockstep", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(Ended::Done)
}
