//! What the daemon goes by: the configuration and the rules, checked before they count.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::config::{self, Access, Config, LoadError, RuleSet};
use crate::run::{LoadedRules, RunError, rule_files};
use crate::server::secret;

/// Why there are no settings that could be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The configuration cannot be read, or is wrong.
    #[error(transparent)]
    Config(#[from] LoadError),
    /// The rules are wrong, one fault a line.
    #[error("{}", each(.0))]
    Rules(#[from] RunError),
    /// The rules cannot be read.
    #[error(transparent)]
    RuleFiles(#[from] rule_files::Unreadable),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

fn each(error: &RunError) -> String {
    let RunError::Rules(faults) = error else {
        return error.to_string();
    };
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// A checked configuration and the rules that it names.
#[derive(Clone)]
pub struct Settings {
    /// The configuration.
    pub config: Config,
    /// The files of the rules.
    pub rules: Vec<(String, Vec<u8>)>,
}

impl Settings {
    /// Reads and checks the configuration and all rules.
    ///
    /// # Errors
    /// All faults of the configuration, or else of the rules.
    pub fn read(file: &Path) -> Result<Self, SettingsError> {
        let config = config::load(file)?;
        let rules = rule_files::read(&config.rules)?;
        let settings = Self { config, rules };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), SettingsError> {
        let schedule = &self.config.schedule;
        if let Err(error) = cron::Schedule::from_str(schedule) {
            let file = &self.config.file;
            let text = format!("{file}: `schedule: {schedule}` is no cron expression: {error}");
            return Err(SettingsError::Other(text));
        }
        let rules = LoadedRules::new(self.rules.clone());
        match rules.get() {
            Ok(_) => Ok(()),
            Err(faults) => Err(RunError::Rules(faults.to_vec()).into()),
        }
    }

    /// Says which secrets of the server cannot be read: they are read when they are needed, and may come later.
    pub fn warn_of_secrets(&self) {
        for note in self.config.parts_of_groups() {
            tracing::info!("{note}");
        }
        let server = &self.config.server;
        let token = match &server.access {
            Access::Token(token) => Some(("nobody is let in", token)),
            Access::Machine | Access::Proxy => None,
        };
        let webhook = server.webhook.as_ref().map(|secret| ("no webhook is taken", secret));
        for (what, secret) in token.into_iter().chain(webhook) {
            if let Err(error) = secret::read(secret) {
                tracing::warn!("{error}: {what} as long as that is so");
            }
        }
    }

    /// The files and folders that the rules stand in.
    pub fn rule_paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.config.rules.iter().filter_map(|set| match set {
            RuleSet::Path(path) => Some(path),
            RuleSet::Builtin | RuleSet::Feedback => None,
        })
    }

    /// The keys in which another configuration differs and that only count from the start.
    pub fn fixed_since_start(&self, other: &Self) -> Vec<&'static str> {
        let (a, b) = (&self.config, &other.config);
        let fixed = [
            ("state", a.state != b.state),
            ("listen", a.listen != b.listen),
            ("log", a.log != b.log),
            ("lease", a.lease != b.lease),
        ];
        fixed
            .into_iter()
            .filter(|(_, differs)| *differs)
            .map(|(key, _)| key)
            .collect()
    }
}
