//! The arguments that commands have in common.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

/// What names something: an empty one, such as a script's variable that nobody set, is wrong usage and names nothing.
pub fn named() -> NonEmptyStringValueParser {
    NonEmptyStringValueParser::new()
}

/// What all commands on releases take.
#[derive(Clone, Debug, Args)]
pub struct Common {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "lockstep.yaml")]
    pub config: PathBuf,
    /// Only this release, such as 4.16 (can be given several times)
    #[arg(long = "release", value_name = "RELEASE")]
    pub releases: Vec<String>,
    /// Only this target, such as prow-config (can be given several times)
    #[arg(long = "target", value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Rules in place of the configured ones: `builtin`, a file or a directory (can be given several times)
    #[arg(long = "rules", value_name = "RULES")]
    pub rules: Vec<String>,
    /// Rules on top of the configured ones, for this run: a file or a directory (can be given several times)
    #[arg(long = "with-rules", value_name = "RULES")]
    pub with_rules: Vec<String>,
    /// Change metadata for this run: `vars.NAME=VALUE` or `streams.NAME.KEY=VALUE` (can be given several times)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// A lock (`build-config --lock`): everything is read at the commits that it names, and nothing else is read
    #[arg(long, value_name = "LOCK")]
    pub locked: Option<PathBuf>,
}

/// Text or JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    /// For people
    Text,
    /// For programs: stable and documented
    Json,
}
