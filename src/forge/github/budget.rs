//! How many pull requests are opened at a time: a flood helps nobody. Pure, so that a dry run says who waits.

use std::collections::BTreeMap;

/// The span that new pull requests are counted in, in seconds.
const HOUR: i64 = 3_600;

/// Bounds in one organisation.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The most that may be open.
    pub open: usize,
    /// The most that may be opened within an hour.
    pub new: usize,
}

/// How one pull request stands.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// The organisation.
    pub org: &'a str,
    /// Whether it is open.
    pub open: bool,
    /// Whether it is to be opened.
    pub opens: bool,
    /// When those from its branch were opened, in seconds since 1970-01-01.
    pub opened: &'a [i64],
}

/// Why a pull request waits, and until when at least where that can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// The reason, for people.
    pub why: String,
    /// The time from which on it is expected, in seconds since 1970-01-01.
    pub until: Option<i64>,
}

#[derive(Default)]
struct Org {
    open: usize,
    recent: Vec<i64>,
}

/// Says for each pull request whether it has to wait; those that come first are let through first.
pub fn admit(standings: &[Standing<'_>], bounds: Bounds, now: i64) -> Vec<Option<Waits>> {
    let mut orgs: BTreeMap<&str, Org> = BTreeMap::new();
    for standing in standings {
        let org = orgs.entry(standing.org).or_default();
        org.open += usize::from(standing.open);
        org.recent.extend(standing.opened.iter().filter(|at| **at > now - HOUR));
    }
    for org in orgs.values_mut() {
        org.recent.sort_unstable();
    }
    standings
        .iter()
        .map(|standing| {
            let org = orgs.get_mut(standing.org).filter(|_| standing.opens)?;
            let waits = org.waits(standing.org, bounds);
            if waits.is_none() {
                org.open += 1;
                org.recent.push(now);
            }
            waits
        })
        .collect()
}

impl Org {
    fn waits(&self, name: &str, bounds: Bounds) -> Option<Waits> {
        if self.open >= bounds.open {
            let why = format!(
                "{} pull requests are open in {name}, as many as `forge.max-open` allows: it is opened once one is merged or closed",
                self.open
            );
            return Some(Waits { why, until: None });
        }
        // With as many as are allowed, the next one may come when the oldest of them is an hour old.
        let over = self.recent.len().checked_sub(bounds.new)?;
        let why = format!(
            "{} pull requests were opened in {name} within an hour, as many as `forge.max-new` allows",
            self.recent.len()
        );
        let until = self.recent.get(over).map(|at| at + HOUR);
        Some(Waits { why, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { open: 3, new: 2 };

    fn standing<'a>(org: &'a str, open: bool, opens: bool, opened: &'a [i64]) -> Standing<'a> {
        Standing {
            org,
            open,
            opens,
            opened,
        }
    }

    fn waiting(standings: &[Standing<'_>]) -> Vec<Option<Option<i64>>> {
        let waits = admit(standings, BOUNDS, 10_000);
        waits.into_iter().map(|waits| waits.map(|waits| waits.until)).collect()
    }

    #[test]
    fn so_many_new_ones_an_hour() {
        let new = standing("o", false, true, &[]);
        let all = [new.clone(), new.clone(), new.clone(), standing("p", false, true, &[])];
        assert_eq!(
            waiting(&all),
            [None, None, Some(Some(13_600)), None],
            "each organisation for itself"
        );
        let all = [
            standing("o", true, false, &[9_000]),
            standing("o", false, false, &[8_000, 100]),
            new,
        ];
        assert_eq!(
            waiting(&all),
            [None, None, Some(Some(11_600))],
            "when the oldest is an hour old"
        );
    }

    #[test]
    fn so_many_open_ones() {
        let open = standing("o", true, false, &[1]);
        let all = [
            open.clone(),
            open.clone(),
            standing("o", false, true, &[]),
            standing("o", false, true, &[]),
        ];
        assert_eq!(waiting(&all), [None, None, None, Some(None)]);
        assert!(admit(&[standing("o", false, true, &[])], Bounds { open: 0, new: 1 }, 0)[0].is_some());
    }

    #[test]
    fn none_allowed_at_all() {
        let waits = admit(&[standing("o", false, true, &[])], Bounds { open: 1, new: 0 }, 0);
        assert_eq!(waits[0].as_ref().map(|waits| waits.until), Some(None));
    }
}
