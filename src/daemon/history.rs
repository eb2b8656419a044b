//! Ids of runs, and the runs that were.

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use crate::board::{MAX_RUNS, RunRecord, Time};
use crate::store::Store;

/// The name of the list in the store.
const RUNS: &str = "runs";

/// Gives ids to runs: a time, and letters that no other replica has.
pub struct Ids {
    process: String,
    count: u64,
}

impl Default for Ids {
    fn default() -> Self {
        Self {
            process: letters(4),
            count: 0,
        }
    }
}

/// So many letters and digits, at most 16, other ones each time.
pub fn letters(count: usize) -> String {
    // Each `RandomState` has keys of its own.
    let bits = RandomState::new().build_hasher().finish();
    let mut text = format!("{bits:016x}");
    text.truncate(count);
    text
}

impl Ids {
    /// The next id, such as `20260131-235959-3f2a-7`.
    pub fn next(&mut self, now: Time) -> String {
        self.count += 1;
        let time = chrono::DateTime::from_timestamp(now, 0).unwrap_or_default();
        format!("{}-{}-{}", time.format("%Y%m%d-%H%M%S"), self.process, self.count)
    }
}

/// Adds a run to those in the store; the oldest go.
pub fn keep(store: &Store, record: &RunRecord) {
    store.append(RUNS, record, MAX_RUNS);
}

/// The runs in the store, newest first.
pub fn kept(store: &Store) -> VecDeque<Arc<RunRecord>> {
    store.listed(RUNS, MAX_RUNS).into_iter().map(Arc::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_say_when_and_are_all_different() {
        let (mut one, mut other) = (Ids::default(), Ids::default());
        let first = one.next(1_700_000_000);
        assert!(first.starts_with("20231114-221320-"), "{first}");
        assert_ne!(first, one.next(1_700_000_000));
        assert!(other.next(0).starts_with("19700101-000000-"));
    }

    #[test]
    fn runs_are_there_after_the_process_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let record = |id: &str| RunRecord {
            id: id.to_owned(),
            ..RunRecord::default()
        };
        for id in ["a", "b", "c"] {
            let (store, _) = Store::open(dir.path());
            store.append(RUNS, &record(id), 2);
        }
        let (store, _) = Store::open(dir.path());
        let ids: Vec<_> = kept(&store).iter().map(|run| run.id.clone()).collect();
        assert_eq!(ids, ["c", "b"], "newest first, and no more than so many");
    }
}
