//! What stands in the way of a run: everything that a configuration needs, tried one by one, with what to do about it.
//!
//! Nothing is written but a file in the state directory, and that goes again.
#![expect(
    clippy::disallowed_methods,
    reason = "folders, secrets and the clock are what is looked at"
)]

mod forge;
mod here;
mod places;
#[cfg(test)]
mod tests;
mod told;

use std::fmt::Write as _;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::{Date, text};
use crate::config::{Config, Forge};
use crate::run::{LoadedRules, Run, begin};
use crate::source::Progress;

/// How something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is as it has to be.
    Ok,
    /// It works, and somebody should know something about it.
    Note,
    /// Something would fail because of it.
    Fail,
    /// It could not be looked at because of something else.
    Skipped,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Fail => "FAIL",
            Self::Skipped => "skipped",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// What was looked at, such as `state`, `build data`, `token`.
    pub what: String,
    /// How it was found.
    pub state: State,
    /// What was found, in a sentence.
    pub found: String,
    /// What to do about it; empty: nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub help: String,
}

impl Check {
    fn new(what: impl Into<String>, state: State, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            state,
            found: found.into(),
            help: help.into(),
        }
    }

    fn ok(what: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(what, State::Ok, found, "")
    }

    fn note(what: impl Into<String>, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(what, State::Note, found, help)
    }

    fn fail(what: impl Into<String>, found: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(what, State::Fail, found, help)
    }

    fn skipped(what: impl Into<String>, because: impl Into<String>) -> Self {
        Self::new(what, State::Skipped, because, "")
    }
}

/// What was looked at, and how it was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Report {
    /// The version of this form.
    pub version: u32,
    /// Everything that was looked at, in order.
    pub checks: Vec<Check>,
}

impl Report {
    /// How many things would fail.
    pub fn failing(&self) -> usize {
        self.checks.iter().filter(|check| check.state == State::Fail).count()
    }

    /// A table for people.
    pub fn text(&self) -> String {
        let width = |of: fn(&Check) -> usize| self.checks.iter().map(of).max().unwrap_or_default();
        let (first, second) = (
            width(|check| check.state.word().len()),
            width(|check| check.what.chars().count()),
        );
        let mut out = String::new();
        for check in &self.checks {
            let (found, help) = (text::terminal(&check.found), text::terminal(&check.help));
            _ = writeln!(
                out,
                "{:first$}  {:second$}  {found}",
                check.state.word(),
                text::terminal(&check.what)
            );
            if !help.is_empty() {
                _ = writeln!(out, "{:first$}  {:second$}  → {help}", "", "");
            }
        }
        let last = match self.failing() {
            0 => "Nothing stands in the way.".to_owned(),
            1 => "One thing would fail.".to_owned(),
            more => format!("{more} things would fail."),
        };
        _ = writeln!(out, "\n{last}");
        out
    }
}

/// Looks at everything that a configuration needs. `now`: seconds since 1970-01-01.
pub fn examine(config: &Config, rules: LoadedRules, progress: Option<Progress>, now: i64) -> Report {
    let mut checks = vec![here::clock(now)];
    checks.extend(here::state(&config.state));
    checks.extend(here::secrets(config));
    match begin::sources(config) {
        Ok(sources) => {
            let sources = match progress {
                Some(progress) => sources.with_progress(progress),
                None => sources,
            };
            let run = Run::new(config.clone(), rules, sources).on(Date::of_unix(now));
            let ci = run.ci_config();
            checks.extend(places::ci(&run, &ci));
            let ci = ci.ok().flatten();
            let looked = places::look(&run, ci.as_ref());
            checks.extend(looked.checks.iter().cloned());
            checks.extend(places::results(&run, &looked));
            checks.extend(match &config.forge {
                Forge::Local { dir } => vec![here::folder("forge", dir)],
                Forge::GitHub {
                    api,
                    credential,
                    options,
                } => forge::check(config, (api, credential, options), &looked, now),
            });
        }
        Err(fault) => checks.push(Check::fail(
            "sources",
            fault.to_string(),
            "put `forge` and `sources` right",
        )),
    }
    if let Some(lease) = &config.lease {
        checks.push(match crate::daemon::look_at_lease(lease) {
            Ok(found) => Check::ok("lease", found),
            Err(why) => Check::fail(
                "lease",
                why.to_string(),
                "let the pod's service account `get`, `create` and `update` leases, or set KUBECONFIG (docs/operations.md)",
            ),
        });
    }
    Report { version: 1, checks }
}

/// A branch of a repository that would be written to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Written {
    repo: crate::base::RepoName,
    /// The branch that pull requests are made against.
    base: String,
    /// The branch that they are made from.
    head: String,
}

type Ci = Arc<dyn crate::source::Snapshot>;
