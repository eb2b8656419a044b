//! What a replica that does not write hands on to the one that does.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::look::Extent;

/// What is to be told, merged: however many webhooks come, it is some releases.
#[derive(Debug, Default)]
pub struct Relay {
    waiting: Mutex<Option<Extent>>,
    told: Notify,
}

impl Relay {
    /// Takes down that something is to be looked at; never waits.
    pub fn note(&self, look: &Extent) {
        let mut waiting = self.waiting();
        *waiting = Some(match waiting.take() {
            Some(more) => more.and(look.clone()),
            None => look.clone(),
        });
        drop(waiting);
        self.told.notify_one();
    }

    /// Waits for the next thing to be taken down.
    pub async fn noted(&self) {
        self.told.notified().await;
    }

    /// What is to be told.
    pub fn waits(&self) -> Option<Extent> {
        self.waiting().clone()
    }

    /// Forgets what was told. What has come since then stays, and with it what it was merged with.
    pub fn was_told(&self, look: &Extent) {
        let mut waiting = self.waiting();
        if waiting.as_ref() == Some(look) {
            *waiting = None;
        }
    }

    /// Forgets everything: this replica writes itself.
    pub fn forget(&self) {
        *self.waiting() = None;
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Extent>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::feedback::Wish;

    fn of(releases: &[&str]) -> Extent {
        let releases = releases.iter().map(|text| text.parse().unwrap());
        Extent::of(releases.collect(), Wish::default())
    }

    #[test]
    fn what_is_noted_is_merged_and_told_once() {
        let relay = Relay::default();
        for n in 0..1000 {
            relay.note(&of(&[["4.16", "4.17"][n % 2]]));
        }
        let look = relay.waits().unwrap();
        assert_eq!(look, of(&["4.16", "4.17"]));
        relay.note(&of(&["4.18"]));
        relay.was_told(&look);
        assert!(relay.waits().is_some(), "something came while that was told");
        relay.note(&Extent::Whole);
        relay.was_told(&Extent::Whole);
        assert_eq!(relay.waits(), None);
    }
}
