//! Whether this process may still write: it is not about to end, and the lease is its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::base::{Barred, Guard};

/// Whether this process may still write. Asked before every single request that writes.
#[derive(Debug, Default)]
pub struct Fence {
    stopping: AtomicBool,
    /// It only looks, for as long as it runs.
    observes: bool,
    /// With a lease: until when it is certainly ours, by this machine's steady clock. Without one: `None`.
    lease: Option<Mutex<Option<Instant>>>,
}

impl Fence {
    /// A fence for a process that is alone.
    pub fn alone() -> Arc<Self> {
        Arc::default()
    }

    /// A fence for a process that has to get a lease first.
    pub fn leased() -> Arc<Self> {
        Arc::new(Self {
            lease: Some(Mutex::new(None)),
            ..Self::default()
        })
    }

    /// A fence for a process that only looks.
    pub fn observing() -> Arc<Self> {
        Arc::new(Self {
            observes: true,
            ..Self::default()
        })
    }

    /// Lets nothing through from now on: the process ends.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
    }

    /// Whether the process is about to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// Says until when the lease is ours; `None`: it is not.
    pub fn hold_until(&self, until: Option<Instant>) {
        if let Some(lease) = &self.lease {
            *lease.lock().unwrap_or_else(PoisonError::into_inner) = until;
        }
    }

    /// Whether the lease is certainly ours now.
    pub fn is_ours(&self) -> bool {
        let until = self
            .lease
            .as_ref()
            .map(|lease| *lease.lock().unwrap_or_else(PoisonError::into_inner));
        until.is_none_or(|until| until.is_some_and(|until| Instant::now() < until))
    }

    /// Says at which moment something may be written.
    fn check(&self, now: Instant) -> Result<(), Barred> {
        if self.is_stopping() {
            return Err(Barred::Ending);
        }
        if self.observes {
            return Err(Barred::Observes);
        }
        let Some(lease) = &self.lease else { return Ok(()) };
        match *lease.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(until) if now < until => Ok(()),
            Some(_) => Err(Barred::LeaseLost),
            None => Err(Barred::NoLease),
        }
    }
}

impl Guard for Fence {
    fn may_write(&self) -> Result<(), Barred> {
        self.check(Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn alone_writes_until_it_stops() {
        let fence = Fence::alone();
        assert_eq!(fence.may_write(), Ok(()));
        fence.hold_until(None);
        assert_eq!(fence.may_write(), Ok(()), "there is no lease to lose");
        fence.stop();
        assert!(fence.may_write().is_err());
    }

    #[test]
    fn who_observes_never_writes() {
        let fence = Fence::observing();
        assert!(fence.may_write().is_err_and(|why| why == Barred::Observes));
        fence.hold_until(Some(Instant::now() + Duration::from_secs(10)));
        assert!(fence.may_write().is_err(), "a lease changes nothing");
    }

    #[test]
    fn a_lease_ends_by_itself() {
        let (fence, now) = (Fence::leased(), Instant::now());
        assert!(fence.check(now).is_err(), "it has to be had first");
        fence.hold_until(Some(now + Duration::from_secs(10)));
        assert_eq!(fence.check(now + Duration::from_secs(9)), Ok(()));
        assert!(fence.check(now + Duration::from_secs(10)).is_err());
        fence.hold_until(None);
        assert!(fence.check(now).is_err());
    }
}
