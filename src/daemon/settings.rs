//! What the daemon goes by: the configuration and the rules, checked before they count.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::config::{self, Config, RuleSet};
use crate::run::{LoadedRules, rule_files};

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
    /// All faults of the configuration, or else of the rules, one a line.
    pub fn read(file: &Path) -> Result<Self, String> {
        let config = config::load(file).map_err(|faults| faults.to_string())?;
        let rules = rule_files::read(&config.rules)?;
        let settings = Self { config, rules };
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), String> {
        let schedule = &self.config.schedule;
        if let Err(error) = cron::Schedule::from_str(schedule) {
            let file = &self.config.file;
            return Err(format!("{file}: `schedule: {schedule}` is no cron expression: {error}"));
        }
        let rules = LoadedRules::new(self.rules.clone());
        let faults = rules.get().err().unwrap_or_default();
        if faults.is_empty() {
            return Ok(());
        }
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        Err(lines.join("\n"))
    }

    /// The files and folders that the rules stand in.
    pub fn rule_paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.config.rules.iter().filter_map(|set| match set {
            RuleSet::Path(path) => Some(path),
            RuleSet::Builtin => None,
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
