//! Looks which images do not build, and tells of it where that is configured.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::now;
use super::reconcile::Reconciler;
use crate::base::Guard as _;
use crate::board::RunRecord;
use crate::results::answer::Results;
use crate::run::told::Told;

impl Reconciler {
    /// Looks which images do not build: last, since nothing that is written waits for it, and each source fails alone. Gives what
    /// could not be told.
    pub(super) fn look_at_results(&mut self, record: &mut RunRecord) -> Vec<String> {
        if self.fence.is_stopping() {
            return Vec::new();
        }
        let known = self.known.iter();
        let built = known
            .map(|(release, known)| (*release, Arc::clone(&known.built)))
            .collect();
        match self.run.follow_results(&built, &mut self.followed, now()) {
            Ok(found) => {
                let untold = found.as_ref().map(|found| self.tell_breaks(found, record));
                self.posting(None).results(found);
                untold.unwrap_or_default()
            }
            Err(error) => {
                tracing::error!("results: {error}");
                Vec::new()
            }
        }
    }

    /// Tells once that images do not build, where that is configured and this replica may write.
    fn tell_breaks(&self, found: &Results, record: &mut RunRecord) -> Vec<String> {
        let Some(place) = self
            .place
            .as_ref()
            .filter(|_| self.run.config().feedback.breaks.is_some())
        else {
            return Vec::new();
        };
        if self.fence.may_write().is_err() {
            return Vec::new();
        }
        match self.run.tell_breaks(place, found, false, now()) {
            Ok(told) => account(told, record),
            Err(error) => {
                tracing::error!("{error}");
                vec![error.to_string()]
            }
        }
    }
}

/// Takes down what was told; gives what could not be.
fn account(told: Told, record: &mut RunRecord) -> Vec<String> {
    told.unsaid.iter().for_each(|one| tracing::debug!("{one}"));
    told.notes.iter().for_each(|note| tracing::warn!("{note}"));
    record.writes.extend(told.writes.iter().map(ToString::to_string));
    let kinds: BTreeMap<String, u64> = told.writes.iter().fold(BTreeMap::new(), |mut kinds, write| {
        *kinds.entry(write.kind().name().to_owned()).or_default() += 1;
        kinds
    });
    record.told_writes = kinds;
    let untold = told.failed.iter().map(|why| format!("a break is not told: {why}"));
    untold.inspect(|why| tracing::error!("{why}")).collect()
}
