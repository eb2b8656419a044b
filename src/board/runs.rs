//! One run, as it is shown and kept in the history.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;
use crate::plan::{Counts, Plan};

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything that was to be done was done.
    #[default]
    Done,
    /// Something could not be done; everything else was.
    Partly,
    /// Nothing could be done.
    Failed,
}

impl Outcome {
    /// Its name, as labels and pages have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partly => "partly",
            Self::Failed => "failed",
        }
    }
}

/// How many files differed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// New files.
    pub new: usize,
    /// Files that are there and differ.
    pub changed: usize,
    /// Files that go.
    pub removed: usize,
    /// Files that could not be derived and stay.
    pub held: usize,
}

impl Drift {
    /// The drift of a plan.
    pub fn of(plan: &Plan) -> Self {
        let Counts { new, changed, removed } = plan.counts();
        Self {
            new,
            changed,
            removed,
            held: plan.held,
        }
    }
}

/// How often the cache knew an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cache {
    /// It did.
    pub hits: u64,
    /// It did not.
    pub misses: u64,
}

/// What is left of an API's rate limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RateLimit {
    /// Requests that may still be made.
    pub left: u64,
    /// Requests that may be made in all.
    pub limit: u64,
    /// When it starts anew, in seconds since 1970-01-01.
    pub resets_at: Time,
}

impl RateLimit {
    /// What is left at a moment: all of it once the limit has started anew, even where nobody has asked since.
    pub fn left_at(&self, now: Time) -> u64 {
        if now >= self.resets_at { self.limit } else { self.left }
    }
}

/// One run: what triggered it, what was found, what was done. The store's form needs every field, so none is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// Its id, which also stands in logs and pull requests.
    pub id: String,
    /// What triggered it, such as `schedule`, `webhook`, `files`, `start`.
    pub trigger: String,
    /// More about the trigger, such as the repository and branch that were pushed to.
    pub because: Vec<String>,
    /// The releases that it looked at.
    pub releases: Vec<String>,
    /// When it started, in seconds since 1970-01-01.
    pub started: Time,
    /// How long it took, in seconds.
    pub took: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// What differed.
    pub drift: Drift,
    /// How many findings there were, by severity.
    pub findings: BTreeMap<String, usize>,
    /// How many requests were made, by API, such as `rest`, `graphql`, `git`.
    pub requests: BTreeMap<String, u64>,
    /// What was written, one line each.
    pub writes: Vec<String>,
    /// How many pull requests of others were answered, by verdict.
    #[serde(default)]
    pub told: BTreeMap<String, u64>,
    /// How many of what was written tell that images do not build, by kind, such as `comment`, `issue`, `edit`, `close`.
    #[serde(default)]
    pub told_writes: BTreeMap<String, u64>,
    /// What the cache knew.
    pub cache: Cache,
    /// What went wrong, where something did.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_has_started_anew_is_whole() {
        let limit = RateLimit {
            left: 3,
            limit: 5000,
            resets_at: 100,
        };
        assert_eq!([99, 100].map(|now| limit.left_at(now)), [3, 5000]);
    }

    #[test]
    fn a_record_reads_the_same_again() {
        let run = RunRecord {
            id: "20261125-224100-1".into(),
            trigger: "webhook".into(),
            releases: vec!["4.16".into()],
            took: 0.25,
            outcome: Outcome::Partly,
            requests: BTreeMap::from([("rest".into(), 3)]),
            error: Some("openshift/etcd cannot be read".into()),
            ..RunRecord::default()
        };
        let json = serde_json::to_string(&run).unwrap();
        assert_eq!(serde_json::from_str::<RunRecord>(&json).unwrap(), run);
        let stored = postcard::to_stdvec(&run).unwrap();
        assert_eq!(postcard::from_bytes::<RunRecord>(&stored).unwrap(), run);
    }
}
