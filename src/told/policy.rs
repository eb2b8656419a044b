//! By what is planned, and what comes of it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Form, Write};
use crate::base::RepoName;
use crate::base::text::terminal;

/// By what is planned.
pub struct Policy<'p> {
    /// In which form.
    pub form: Form,
    /// The repository of the table.
    pub table: Option<&'p RepoName>,
    /// Whether who approves changes of a component is named where something begins.
    pub owners: bool,
    /// How many comments and issues may still be begun.
    pub may_begin: usize,
    /// Why no more may be begun, once as many are.
    pub bound: &'p str,
    /// The time, in seconds since 1970.
    pub now: i64,
    /// Where people find the log of a run, by its folder.
    pub address: &'p dyn Fn(&str) -> Option<String>,
}

/// What is to be written, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Telling {
    /// The writes, in order.
    pub writes: Vec<Write>,
    /// What does not build and is not told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsaid: Vec<Unsaid>,
    /// Pull requests that have to be looked at before anything is written there.
    #[serde(skip)]
    pub look_at_pulls: BTreeSet<(RepoName, u64)>,
    /// Repositories whose issues have to be looked at before anything is written there.
    #[serde(skip)]
    pub look_at_issues: BTreeSet<RepoName>,
    /// Repositories whose OWNERS file has to be looked at before anything is written there.
    #[serde(skip)]
    pub look_at_owners: BTreeSet<RepoName>,
}

/// A break that is not told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
pub struct Unsaid {
    /// The release.
    pub release: String,
    /// The payload tag.
    pub image: String,
    /// Whether it waits for something that comes by itself.
    pub waits: bool,
    /// Why.
    pub why: String,
}

impl std::fmt::Display for Unsaid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.waits { "waits" } else { "not told" };
        let text = format!("{} of {}: {word}: {}", self.image, self.release, self.why);
        f.write_str(&terminal(&text))
    }
}
