//! Why a run of the service comes to nothing.

use super::settings::SettingsError;
use crate::github;
use crate::rules::Diagnostic;
use crate::run::RunError;
use crate::run::impact::ImpactError;

/// Why a run of the service, or a part of it, comes to nothing. What is known stays as it is, and it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The configuration or the rules are wrong as they are now.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// GitHub cannot be asked.
    #[error(transparent)]
    GitHub(#[from] github::Fault),
    /// What all releases need cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The rules are wrong, which costs every release.
    #[error("the rules are wrong: {}", each(.0))]
    Rules(Vec<Diagnostic>),
    /// Nothing says which releases there are.
    #[error("no release is both in build data and promoted to by an OCP config; list `releases` instead")]
    NoRelease,
    /// Pull requests of others cannot be looked at.
    #[error(transparent)]
    Impact(#[from] ImpactError),
}

fn each(faults: &[Diagnostic]) -> String {
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    faults.join("; ")
}
