//! Arguments, output and exit codes; one file a command.

mod args;
mod audit;
mod build_config;
mod common;
mod completions;
mod config;
mod cut;
mod doctor;
mod doozer;
mod event;
mod explain;
mod graph;
mod impact;
mod init;
mod lines;
mod man;
mod payload;
mod place;
mod plan;
mod progress;
mod rebuild;
mod reconcile;
mod render;
mod results;
mod rules;
mod serve;
mod setup;
mod sources;
mod written;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use lockstep::config::{LoadError, Log};
use lockstep::run::RunError;

/// How a command ended. Exit codes are a contract: 0 done, 1 something asked for could not be done, 2 drift where
/// `--exit-code` asks, 64 wrong usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// Everything that was asked for was done.
    Done,
    /// There is drift, and `--exit-code` asks for it to be told.
    Drift,
    /// Something asked for could not be done; everything else was.
    Failed,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Done => Self::SUCCESS,
            Ended::Failed => Self::from(1),
            Ended::Drift => Self::from(2),
        }
    }
}

/// Wrong usage, as sysexits has it.
const USAGE: u8 = 64;

/// What a command returns: how it ended, or an error that ends it.
pub type Outcome = Result<Ended, anyhow::Error>;

/// An argument whose value is wrong in a way that clap cannot tell.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Reads arguments, runs the command, and says how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let usage = error.use_stderr();
            // Nothing more can be said where even the help cannot be written.
            let _ = error.print();
            return if usage {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    if !matches!(cli.command, Command::Serve(_)) {
        logging();
    }
    let _ = COLOR.set(cli.color); // once in a process
    let outcome = match cli.command {
        Command::Init(args) => init::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Reconcile(args) => reconcile::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Render(args) => render::run(&args),
        Command::BuildConfig(args) => build_config::run(&args),
        Command::Rebuild(args) => rebuild::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Impact(args) => impact::run(&args),
        Command::Results(args) => results::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Payload(args) => payload::run(&args),
        Command::Cut(args) => cut::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Rules(args) => rules::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    };
    match outcome {
        Ok(ended) => ended.into(),
        Err(error) if error.is::<BrokenPipe>() => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}", told(&error));
            if error.is::<Usage>() {
                ExitCode::from(USAGE)
            } else {
                Ended::Failed.into()
            }
        }
    }
}

/// An error as it is told; faults of a configuration say themselves what they are, those of rules stand before their number.
fn told(error: &anyhow::Error) -> String {
    if let Some(LoadError::Faults(faults)) = error.downcast_ref() {
        return faults.to_string();
    }
    let mut text = String::new();
    if let Some(RunError::Rules(faults)) = error.downcast_ref() {
        text.extend(faults.iter().map(|fault| format!("error: {fault}\n")));
    }
    text + &format!("error: {error:#}")
}

/// Logs go to stderr; `RUST_LOG` says which.
fn logging() {
    logs("warn").without_time().init();
}

/// What a service logs: for people with the time, else one JSON object a line.
fn service_logging(form: Log) {
    let text = match form {
        Log::Auto => std::io::stderr().is_terminal(),
        Log::Text => true,
        Log::Json => false,
    };
    if text {
        logs("info").with_target(false).init();
    } else {
        let json = logs("info").json().flatten_event(true);
        json.with_current_span(true).with_span_list(false).init();
    }
}

type Logs = tracing_subscriber::fmt::SubscriberBuilder<
    tracing_subscriber::fmt::format::DefaultFields,
    tracing_subscriber::fmt::format::Format,
    tracing_subscriber::EnvFilter,
    fn() -> std::io::Stderr,
>;

fn logs(usual: &str) -> Logs {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    // What sled says on a full disk, raw and again and again, the store says once in words of its own.
    let filter = filter.unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(format!("{usual},sled=off")));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr as fn() -> std::io::Stderr)
}

/// Whoever read the output has stopped reading (`| head`): no fault of ours.
#[derive(Debug, thiserror::Error)]
#[error("the reader of the output has gone")]
struct BrokenPipe;

/// Writes a result to stdout.
///
/// # Errors
/// It cannot be written.
pub fn print(text: &str) -> Result<(), anyhow::Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe => BrokenPipe.into(),
            _ => anyhow::Error::new(error).context("the result cannot be written"),
        })
}

/// The JSON schema of what is printed: a key that is left out where it is empty is not required.
fn schema_of<T: schemars::JsonSchema>() -> Result<String, serde_json::Error> {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<T>();
    Ok(serde_json::to_string_pretty(&schema)? + "\n")
}

/// What `--color` says; set once, before any command runs.
static COLOR: std::sync::OnceLock<args::ColorChoice> = std::sync::OnceLock::new();

/// Whether output is coloured: as `--color` says, else on a terminal unless `NO_COLOR` is set (no-color.org).
pub fn color() -> lockstep::base::Color {
    let plain = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let wanted = match COLOR.get().copied().unwrap_or(args::ColorChoice::Auto) {
        args::ColorChoice::Always => true,
        args::ColorChoice::Never => false,
        args::ColorChoice::Auto => std::io::stdout().is_terminal() && !plain(),
    };
    if wanted {
        lockstep::base::Color::On
    } else {
        lockstep::base::Color::Off
    }
}

/// A result as indented JSON.
fn json_of(result: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(result)? + "\n")
}

/// Writes a line for people to stderr.
pub fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
