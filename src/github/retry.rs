//! When a call is made again: the one place that says so.

use std::time::Duration;

use super::FaultKind;

/// Whether a call may be made twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Twice does what once does.
    Safe,
    /// Twice could do it twice: only repeated when it was certainly not carried out.
    Once,
}

/// Bounds of repetition.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How often a call is made at most.
    pub attempts: u32,
    /// The pause before the second attempt; doubled before each further one.
    pub first_pause: Duration,
    /// A longer wait than this is left to the next run.
    pub longest_pause: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(90),
        }
    }
}

impl Policy {
    /// The pause before a call is made again after its `attempt`th failure (from 1); `None`: it is not.
    /// `jitter` is from 0 to 1.
    pub fn pause(&self, attempt: u32, fault: &FaultKind, repeat: Repeat, jitter: f64) -> Option<Duration> {
        let may = fault.is_transient() && (repeat == Repeat::Safe || fault.is_undone());
        if !may || attempt >= self.attempts {
            return None;
        }
        let pause = match fault {
            FaultKind::RateLimited { wait, .. } => *wait + self.first_pause.mul_f64(jitter),
            _ => self
                .first_pause
                .saturating_mul(1 << attempt.saturating_sub(1).min(16))
                .mul_f64(0.5 + jitter / 2.0),
        };
        (pause <= self.longest_pause).then_some(pause)
    }
}

/// Time, so that tests need none.
pub trait Clock: Send + Sync {
    /// Seconds since 1970-01-01.
    fn now(&self) -> i64;
    /// Waits.
    fn sleep(&self, pause: Duration);
    /// A number from 0 to 1, another one each time.
    fn jitter(&self) -> f64;
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    fn sleep(&self, pause: Duration) {
        std::thread::sleep(pause);
    }

    fn jitter(&self) -> f64 {
        use std::hash::{BuildHasher, Hasher, RandomState};
        // Each `RandomState` has keys of its own.
        let bits = RandomState::new().build_hasher().finish();
        f64::from((bits >> 32) as u32) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: FaultKind = FaultKind::RateLimited {
        wait: Duration::from_secs(30),
        secondary: true,
    };

    fn pause(attempt: u32, fault: &FaultKind, repeat: Repeat) -> Option<u64> {
        Policy::default()
            .pause(attempt, fault, repeat, 1.0)
            .map(|pause| pause.as_secs())
    }

    #[test]
    fn what_may_be_repeated_is_so_with_growing_pauses() {
        let fault = FaultKind::Server(502);
        assert_eq!(
            [1, 2, 3, 4].map(|n| pause(n, &fault, Repeat::Safe)),
            [Some(1), Some(2), Some(4), None]
        );
    }

    #[test]
    fn what_could_be_done_twice_is_not_repeated_unless_it_was_refused() {
        assert_eq!(pause(1, &FaultKind::Server(502), Repeat::Once), None);
        assert_eq!(pause(1, &SLOW, Repeat::Once), Some(31));
    }

    #[test]
    fn what_will_not_change_is_not_repeated() {
        for fault in [FaultKind::NotFound, FaultKind::Forbidden("no".into()), FaultKind::Moved] {
            assert_eq!(pause(1, &fault, Repeat::Safe), None);
        }
        let hour = FaultKind::RateLimited {
            wait: Duration::from_secs(3600),
            secondary: false,
        };
        assert_eq!(pause(1, &hour, Repeat::Safe), None, "left to the next run");
    }
}
