//! What all runs of this process come to together: what metrics count.

use std::collections::BTreeMap;

use super::runs::{Cache, Outcome, RunRecord};

/// Upper bounds of how long runs take, in seconds; one more bucket holds what took longer.
pub const BOUNDS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1200.0];

/// How long runs took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Durations {
    /// How many took at most as long as each of [`BOUNDS`] and longer than the one before; last, those that took longer.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// How long all took together, in seconds.
    pub sum: f64,
}

/// What all runs come to together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Runs by trigger and outcome.
    pub runs: BTreeMap<(String, Outcome), u64>,
    /// How long they took, by trigger.
    pub durations: BTreeMap<String, Durations>,
    /// Requests by API.
    pub requests: BTreeMap<String, u64>,
    /// What the cache knew.
    pub cache: Cache,
    /// What was written.
    pub writes: u64,
    /// Answers to pull requests of others, by verdict.
    pub told: BTreeMap<String, u64>,
    /// Writes that tell that images do not build, by kind.
    pub told_writes: BTreeMap<String, u64>,
}

impl Totals {
    /// Counts one more run.
    pub fn count(&mut self, run: &RunRecord) {
        *self.runs.entry((run.trigger.clone(), run.outcome)).or_default() += 1;
        let durations = self.durations.entry(run.trigger.clone()).or_default();
        let bucket = BOUNDS
            .iter()
            .position(|bound| run.took <= *bound)
            .unwrap_or(BOUNDS.len());
        durations.buckets[bucket] += 1;
        durations.sum += run.took;
        for (api, requests) in &run.requests {
            *self.requests.entry(api.clone()).or_default() += requests;
        }
        self.cache.hits += run.cache.hits;
        self.cache.misses += run.cache.misses;
        self.writes += run.writes.len() as u64;
        for (verdict, count) in &run.told {
            *self.told.entry(verdict.clone()).or_default() += count;
        }
        for (kind, count) in &run.told_writes {
            *self.told_writes.entry(kind.clone()).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_counts_in_one_bucket() {
        let mut totals = Totals::default();
        for took in [0.1, 0.2, 5000.0] {
            totals.count(&RunRecord {
                trigger: "schedule".into(),
                took,
                requests: BTreeMap::from([("rest".into(), 2)]),
                ..RunRecord::default()
            });
        }
        let durations = &totals.durations["schedule"];
        assert_eq!(
            (durations.buckets[0], durations.buckets[1], durations.buckets[10]),
            (1, 1, 1)
        );
        assert_eq!(durations.buckets.iter().sum::<u64>(), 3);
        assert_eq!(totals.requests["rest"], 6);
        assert_eq!(totals.runs[&("schedule".to_owned(), Outcome::Done)], 3);
    }
}
