//! When the schedule's time has come, by a clock that may jump.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use cron::Schedule;

/// How long is slept at most before the clock is looked at again.
const LONGEST: Duration = Duration::from_secs(20);

/// Follows a schedule.
pub struct Ticker {
    schedule: Schedule,
    last: DateTime<Utc>,
    next: Option<DateTime<Utc>>,
}

impl Ticker {
    /// Follows a schedule from a moment on; `None` where it cannot be read.
    pub fn new(text: &str, now: DateTime<Utc>) -> Option<Self> {
        let schedule = Schedule::from_str(text).ok()?;
        let next = schedule.after(&now).next();
        Some(Self {
            schedule,
            last: now,
            next,
        })
    }

    /// Tells whether its time has come since it was last asked. However many times were missed (the clock has jumped, the
    /// machine has slept), it comes once. When the clock goes back, what comes next is reckoned from there.
    pub fn is_due(&mut self, now: DateTime<Utc>) -> bool {
        let back = now < self.last;
        self.last = now;
        let due = !back && self.next.is_some_and(|next| next <= now);
        if due || back {
            self.next = self.schedule.after(&now).next();
        }
        due
    }

    /// How long to sleep before it is asked again.
    pub fn pause(&self, now: DateTime<Utc>) -> Duration {
        let until = self.next.and_then(|next| (next - now).to_std().ok());
        until.unwrap_or(LONGEST).clamp(Duration::from_millis(50), LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn its_time_comes_once() {
        let mut ticker = Ticker::new("0 */10 * * * *", at("2026-01-01T00:03:00Z")).unwrap();
        assert!(!ticker.is_due(at("2026-01-01T00:09:59Z")));
        assert!(ticker.is_due(at("2026-01-01T00:10:00Z")));
        assert!(!ticker.is_due(at("2026-01-01T00:10:00Z")));
        assert!(ticker.is_due(at("2026-01-01T00:20:01Z")));
    }

    #[test]
    fn a_clock_that_jumps_ahead_makes_one_run() {
        let mut ticker = Ticker::new("0 */10 * * * *", at("2026-01-01T00:03:00Z")).unwrap();
        assert!(ticker.is_due(at("2031-01-01T00:00:01Z")));
        assert!(!ticker.is_due(at("2031-01-01T00:09:59Z")));
        assert!(ticker.is_due(at("2031-01-01T00:10:00Z")));
    }

    #[test]
    fn a_clock_that_goes_back_does_not_stop_the_runs() {
        let mut ticker = Ticker::new("0 */10 * * * *", at("2031-01-01T00:03:00Z")).unwrap();
        assert!(!ticker.is_due(at("2026-01-01T00:03:00Z")));
        assert!(ticker.is_due(at("2026-01-01T00:10:00Z")));
    }

    #[test]
    fn the_clock_is_looked_at_often_enough_to_notice() {
        let now = at("2026-01-01T00:00:01Z");
        let ticker = Ticker::new("0 0 0 1 1 *", now).unwrap();
        assert_eq!(ticker.pause(now), LONGEST);
        let ticker = Ticker::new("0 0 0 1 1 * 2020", now).unwrap();
        assert_eq!(ticker.pause(now), LONGEST, "a schedule that never comes");
        let ticker = Ticker::new("* * * * * *", now).unwrap();
        assert_eq!(ticker.pause(now), Duration::from_secs(1));
    }
}
