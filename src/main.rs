//! The command line of lockstep.
#![expect(
    clippy::disallowed_methods,
    reason = "the command line reads the environment, the clock and files"
)]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
