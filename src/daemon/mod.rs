//! The daemon: what `lockstep serve` keeps running.
//!
//! The [`board`](crate::board) is where the daemon posts what it knows; the server reads it and nothing else. Triggers (schedule, files,
//! webhooks) only ever say "look sooner": they go into one bounded [`queue`] that merges them, one applier takes what
//! waits and reconciles, and the schedule's full runs heal whatever was missed.
#![expect(
    clippy::disallowed_methods,
    reason = "the daemon lives by the clock, watches files and locks its state"
)]

mod account;
mod applier;
mod cursors;
mod cuts;
mod error;
mod fence;
mod history;
mod interest;
mod known;
mod lease;
mod lock;
mod look;
mod post;
mod pulls;
pub mod queue;
mod reconcile;
mod relay;
mod results;
mod schedule;
mod serve;
mod settings;
#[cfg(test)]
mod tests;
mod verified;
mod watch;

pub use interest::Interest;
pub use lease::look_at_lease;
pub use queue::{Extent, Queue, Trigger, TriggerKind};
pub use serve::{ServeError, serve};
pub use settings::{Settings, SettingsError};

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01.
pub fn now() -> crate::board::Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
