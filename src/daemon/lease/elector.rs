//! Decides who holds a lease, as Kubernetes' own components do: pure, with the time passed in.
//!
//! No two machines' clocks are compared. A replica notes by its own steady clock when it saw the lease change; when it has
//! not changed for as long as it says that it lasts, its holder is gone.

use std::time::{Duration, Instant};

/// How long things last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long the lease lasts after a renewal.
    pub duration: Duration,
}

impl Timing {
    /// How long after a renewal was begun its holder still takes it for granted: shorter than it lasts, so that the old
    /// holder has ended before a new one begins.
    pub fn certain(self) -> Duration {
        self.duration * 2 / 3
    }

    /// The pause between two looks.
    pub fn pause(self) -> Duration {
        self.duration * 2 / 15
    }
}

/// The lease as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who holds it; empty: nobody.
    pub holder: String,
    /// How long it lasts, as its holder wrote.
    pub duration: Duration,
    /// What changes with every renewal.
    pub version: String,
}

/// What is to be done about a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is none: make it, held by us.
    Create,
    /// It is nobody's, or its holder is gone: take it.
    Take,
    /// It is ours: renew it.
    Renew,
    /// Somebody else has it.
    Wait {
        /// Who.
        holder: String,
    },
}

/// Follows one lease.
pub struct Elector {
    me: String,
    seen: Option<(Record, Instant)>,
}

impl Elector {
    /// Follows a lease under a name that nobody else has.
    pub fn new(me: impl Into<String>) -> Self {
        Self {
            me: me.into(),
            seen: None,
        }
    }

    /// Our name.
    pub fn me(&self) -> &str {
        &self.me
    }

    /// Says what is to be done about the lease as it was read just now.
    pub fn step(&mut self, read: Option<Record>, now: Instant) -> Step {
        let Some(read) = read else {
            self.seen = None;
            return Step::Create;
        };
        let since = match &self.seen {
            Some((seen, since)) if *seen == read => *since,
            _ => now,
        };
        let step = if read.holder.is_empty() {
            Step::Take
        } else if read.holder == self.me {
            Step::Renew
        } else if now.saturating_duration_since(since) >= read.duration {
            Step::Take
        } else {
            Step::Wait {
                holder: read.holder.clone(),
            }
        };
        self.seen = Some((read, since));
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn record(holder: &str, version: u32) -> Option<Record> {
        Some(Record {
            holder: holder.to_owned(),
            duration: 15 * SECOND,
            version: version.to_string(),
        })
    }

    fn waits(holder: &str) -> Step {
        Step::Wait {
            holder: holder.to_owned(),
        }
    }

    #[test]
    fn a_lease_that_is_free_is_taken() {
        let (mut elector, now) = (Elector::new("me"), Instant::now());
        assert_eq!(elector.step(None, now), Step::Create);
        assert_eq!(elector.step(record("", 1), now), Step::Take);
        assert_eq!(elector.step(record("me", 2), now), Step::Renew);
    }

    #[test]
    fn a_holder_that_renews_keeps_it() {
        let (mut elector, now) = (Elector::new("me"), Instant::now());
        for n in 0..10 {
            let step = elector.step(record("other", n), now + n * 14 * SECOND);
            assert_eq!(step, waits("other"), "{n}");
        }
    }

    #[test]
    fn a_holder_that_is_gone_loses_it_by_our_own_clock() {
        let (mut elector, now) = (Elector::new("me"), Instant::now());
        assert_eq!(elector.step(record("other", 1), now), waits("other"));
        assert_eq!(elector.step(record("other", 1), now + 14 * SECOND), waits("other"));
        assert_eq!(elector.step(record("other", 1), now + 15 * SECOND), Step::Take);
        // Somebody else was quicker.
        assert_eq!(elector.step(record("third", 2), now + 16 * SECOND), waits("third"));
        assert_eq!(elector.step(record("third", 2), now + 30 * SECOND), waits("third"));
        assert_eq!(elector.step(record("third", 2), now + 31 * SECOND), Step::Take);
    }

    #[test]
    fn the_old_holder_has_ended_before_a_new_one_begins() {
        for seconds in [3, 15, 60] {
            let timing = Timing {
                duration: seconds * SECOND,
            };
            assert!(timing.certain() < timing.duration);
            assert!(
                timing.pause() * 3 < timing.certain(),
                "a lost renewal or two cost nothing"
            );
        }
    }
}
