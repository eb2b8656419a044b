//! What waits to be looked at: bounded, since all that is kept of a trigger is which releases it concerns.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::interest::Interest;
pub use super::look::Extent;
use super::relay::Relay;
use crate::base::Release;
use crate::board::Board;
use crate::run::feedback::Wish;
use crate::server::{Event, Told, Triggers};

/// How long a burst may pause before it counts as over.
const QUIET: Duration = Duration::from_millis(150);
/// How long a burst is waited for at most.
const LONGEST: Duration = Duration::from_millis(800);
/// How many reasons are kept of what was merged.
const REASONS: usize = 20;

/// What made somebody say that it is time to look. Of several that were merged, the first here names the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TriggerKind {
    /// The daemon has started.
    Start,
    /// The configuration or the rules are to be read again.
    Reload,
    /// This replica has got the lease.
    Lease,
    /// A webhook.
    Webhook,
    /// Files of a local source have changed.
    Files,
    /// The schedule's time has come.
    Schedule,
    /// The run before could not do everything.
    Retry,
}

impl TriggerKind {
    /// Its name, as run records have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Schedule => "schedule",
            Self::Files => "files",
            Self::Webhook => "webhook",
            Self::Lease => "lease",
            Self::Reload => "reload",
            Self::Retry => "retry",
        }
    }
}

/// Says that it is time to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Why.
    pub kind: TriggerKind,
    /// At what.
    pub look: Extent,
    /// More about it, for people.
    pub because: String,
}

impl Trigger {
    /// Asks for a look at everything.
    pub fn whole(kind: TriggerKind, because: impl Into<String>) -> Self {
        Self {
            kind,
            look: Extent::Whole,
            because: because.into(),
        }
    }
}

/// All triggers since the last look, merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Look at everything.
    pub whole: bool,
    /// Look at these releases.
    pub releases: BTreeSet<Release>,
    /// Look at these pull requests of others.
    pub wish: Wish,
    /// What triggered it.
    pub kinds: BTreeSet<TriggerKind>,
    /// More about it, each once; at most a few.
    pub because: BTreeSet<String>,
    /// How many triggers were merged.
    pub merged: u64,
}

impl Work {
    fn merge(&mut self, trigger: Trigger) {
        match trigger.look.parts() {
            None => self.whole = true,
            Some((releases, wish)) => {
                self.releases.extend(releases);
                self.wish.extend(wish);
            }
        }
        self.kinds.insert(trigger.kind);
        if !trigger.because.is_empty() && self.because.len() < REASONS {
            self.because.insert(trigger.because);
        }
        self.merged += 1;
    }

    /// Whether nothing but pull requests of others is asked for.
    pub fn is_of_pulls(&self) -> bool {
        !self.whole && self.releases.is_empty() && !self.wish.is_empty()
    }

    /// How many things wait.
    fn len(&self) -> usize {
        self.releases.len() + self.wish.len() + usize::from(self.whole)
    }
}

/// What came of waiting.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// There is something to do.
    Work(Work),
    /// Nothing came until then.
    Nothing,
    /// The daemon ends.
    Closed,
}

/// What waits to be looked at.
pub struct Queue {
    inner: Mutex<Inner>,
    changed: Condvar,
    board: Arc<Board>,
    /// Where there are several replicas: is told of what webhooks ask for, should another one write.
    relay: Option<Arc<Relay>>,
}

#[derive(Default)]
struct Inner {
    work: Work,
    /// When the first and the last of what waits came.
    burst: Option<(Instant, Instant)>,
    interest: Arc<Interest>,
    closed: bool,
}

impl Queue {
    /// An empty queue that tells a board how long it is.
    pub fn new(board: Arc<Board>) -> Self {
        Self {
            inner: Mutex::default(),
            changed: Condvar::new(),
            board,
            relay: None,
        }
    }

    /// Tells a relay, too, of what webhooks ask for.
    #[must_use]
    pub fn with_relay(mut self, relay: Option<Arc<Relay>>) -> Self {
        self.relay = relay;
        self
    }

    /// Takes a trigger; never waits.
    pub fn push(&self, trigger: Trigger) {
        let mut inner = self.inner();
        let now = Instant::now();
        inner.work.merge(trigger);
        inner.burst = Some((inner.burst.map_or(now, |(first, _)| first), now));
        self.board.set_queue_length(inner.work.len());
        drop(inner);
        self.changed.notify_all();
    }

    /// Says what matters from now on.
    pub fn set_interest(&self, interest: Interest) {
        self.inner().interest = Arc::new(interest);
    }

    /// Waits for something to do, and for the end of the burst that it comes in; at most until a moment, if one is given.
    pub fn take(&self, until: Option<Instant>) -> Taken {
        let mut inner = self.inner();
        loop {
            if inner.closed {
                return Taken::Closed;
            }
            let now = Instant::now();
            let ready = inner.burst.map(|(first, last)| (last + QUIET).min(first + LONGEST));
            if ready.is_some_and(|ready| ready <= now) {
                inner.burst = None;
                self.board.set_queue_length(0);
                return Taken::Work(std::mem::take(&mut inner.work));
            }
            if ready.is_none() && until.is_some_and(|until| until <= now) {
                return Taken::Nothing;
            }
            inner = match ready.or(until) {
                Some(then) => {
                    let waited = self.changed.wait_timeout(inner, then.saturating_duration_since(now));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Ends the waiting, now and for good.
    pub fn close(&self) {
        self.inner().closed = true;
        self.changed.notify_all();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Triggers for Queue {
    fn tell(&self, event: Event) -> Told {
        let interest = Arc::clone(&self.inner().interest);
        let Some((look, because)) = interest.of(&event) else {
            return Told::Foreign;
        };
        tracing::debug!(delivery = event.delivery, because, "a webhook asks for a look");
        if let Some(relay) = &self.relay {
            relay.note(&look);
        }
        self.push(Trigger {
            kind: TriggerKind::Webhook,
            look,
            because,
        });
        Told::Queued
    }
}
