//! What a run came to: what is kept and logged of it, and whether it is tried again.

use std::collections::BTreeMap;

use crate::base::Release;
use crate::board::{Applied, Drift, Outcome as Ended, RunRecord};

/// What a run came to.
pub struct Done {
    /// The run.
    pub record: RunRecord,
    /// Whether something failed that may succeed when it is tried again.
    pub again: bool,
}

impl Done {
    /// Takes down what was written, and what went wrong. `wanted`: how many releases were to be derived; `failed`: those that could not
    /// be; `doubtful`: something could not be read or compared.
    pub(super) fn account(
        &mut self,
        wanted: usize,
        failed: &BTreeMap<Release, String>,
        applied: &Applied,
        doubtful: bool,
    ) {
        let record = &mut self.record;
        let mut errors: Vec<String> = failed
            .iter()
            .map(|(release, error)| format!("{release}: {error}"))
            .collect();
        for outcome in &applied.outcomes {
            if !applied.dry_run {
                let writes = outcome.writes.iter();
                record
                    .writes
                    .extend(writes.map(|write| format!("{}: {write}", outcome.scope)));
            }
            errors.extend(outcome.error.iter().map(|error| format!("{}: {error}", outcome.scope)));
        }
        // A component that cannot be read is tried again by every run; none is made for it alone.
        self.again = !errors.is_empty();
        if self.again || doubtful {
            record.outcome = Ended::Partly;
        }
        if failed.len() == wanted && !failed.is_empty() {
            record.outcome = Ended::Failed;
        }
        if !errors.is_empty() {
            record.error = Some(errors.join("; "));
        }
    }
}

/// Takes down what could not be done beside the plan; the next run tries it again.
pub(super) fn partly(record: &mut RunRecord, faults: Vec<String>) {
    if faults.is_empty() {
        return;
    }
    if record.outcome == Ended::Done {
        record.outcome = Ended::Partly;
    }
    let all: Vec<String> = record.error.take().into_iter().chain(faults).collect();
    record.error = Some(all.join("; "));
}

/// What was counted between two moments.
pub(super) fn difference(after: &BTreeMap<String, u64>, before: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let since = |(api, count): (&String, &u64)| {
        let count = count.saturating_sub(before.get(api).copied().unwrap_or_default());
        (api.clone(), count)
    };
    after.iter().map(since).filter(|(_, count)| *count > 0).collect()
}

/// Tells the log of a run that is over.
pub(super) fn told(record: &RunRecord) {
    let Drift {
        new, changed, removed, ..
    } = record.drift;
    let outcome = record.outcome.name();
    let took = format!("{:.3} s", record.took);
    for write in &record.writes {
        tracing::info!("{write}");
    }
    match &record.error {
        None => tracing::info!(outcome, took, new, changed, removed, "a run is over"),
        Some(error) => tracing::error!(outcome, took, new, changed, removed, error, "a run is over"),
    }
}
