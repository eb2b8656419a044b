//! How the service itself stands.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::text::terminal;
use crate::board;
use crate::board::{RateLimit, SourceView, Time, View};

/// How the service itself stands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Status {
    /// The version of the program.
    version: &'static str,
    /// When it started, in seconds since 1970-01-01.
    started: Time,
    /// Whether it does its work.
    ready: bool,
    /// What keeps it from that.
    reasons: Vec<Reason>,
    /// Who writes.
    lease: Lease,
    /// What is read, by name.
    sources: BTreeMap<String, Source>,
    /// What is left of the limits of GitHub's API, by GitHub's own name, as its last answer said; empty where it was not
    /// asked. A limit whose time is over has started anew.
    rate_limits: BTreeMap<String, RateLimit>,
}

/// Something that is not as it should be.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Reason {
    /// What.
    what: &'static str,
    /// Why, in words.
    why: String,
}

/// Who writes.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Lease {
    /// There is one replica.
    Alone,
    /// This replica.
    Held {
        /// Since when, in seconds since 1970-01-01.
        since: Time,
    },
    /// Another one; this one reads and plans.
    Elsewhere {
        /// Its name.
        holder: String,
    },
    /// Nobody that is known.
    Unknown {
        /// Why, in words.
        why: String,
    },
    /// This one was started to look only.
    Observing,
}

/// A source as it was read last.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Source {
    /// The repository, without secrets.
    repo: String,
    /// The branch; empty for a plain directory.
    branch: String,
    /// The commit; none for a plain directory.
    commit: Option<String>,
    /// When it was read, in seconds since 1970-01-01; none: never.
    read_at: Option<Time>,
    /// Why the last attempt to read it failed.
    error: Option<String>,
}

impl Status {
    /// How the service stands at the moment of a view.
    pub fn of(view: &View) -> Self {
        let reasons: Vec<Reason> = view.reasons().into_iter().map(Reason::from).collect();
        Self {
            version: env!("CARGO_PKG_VERSION"),
            started: view.started,
            ready: reasons.is_empty(),
            reasons,
            lease: Lease::from(&view.lease),
            sources: view
                .sources
                .iter()
                .map(|(name, source)| (name.clone(), source.into()))
                .collect(),
            rate_limits: view.rate_limits.clone(),
        }
    }
}

impl From<(&'static str, &str)> for Reason {
    fn from((what, why): (&'static str, &str)) -> Self {
        Self {
            what,
            why: terminal(why),
        }
    }
}

impl From<&board::Lease> for Lease {
    fn from(lease: &board::Lease) -> Self {
        match lease {
            board::Lease::Alone => Self::Alone,
            board::Lease::Held { since } => Self::Held { since: *since },
            board::Lease::Elsewhere { holder } => Self::Elsewhere {
                holder: terminal(holder),
            },
            board::Lease::Unknown(why) => Self::Unknown { why: terminal(why) },
            board::Lease::Observing => Self::Observing,
        }
    }
}

impl From<&SourceView> for Source {
    fn from(source: &SourceView) -> Self {
        let SourceView {
            repo,
            branch,
            commit,
            read_at,
            error,
        } = source;
        Self {
            repo: terminal(repo),
            branch: terminal(branch),
            commit: commit.clone(),
            read_at: *read_at,
            error: error.as_deref().map(terminal),
        }
    }
}
