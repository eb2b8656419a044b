//! How many pull requests are opened at a time: a flood helps nobody. Pure, so that a dry run says who waits.

use std::collections::BTreeMap;

use crate::forge::Waits;

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
#[derive(Clone, Debug, Default)]
pub struct Standing<'a> {
    /// The organisation.
    pub org: &'a str,
    /// What it is called.
    pub name: String,
    /// Whether it is open.
    pub open: bool,
    /// Whether it is to be opened.
    pub opens: bool,
    /// Why it can neither be opened nor is open, where that is to be put right first.
    pub stuck: Option<&'static str>,
    /// When those from its branch were opened, in seconds since 1970-01-01.
    pub opened: &'a [i64],
    /// Which of the others have to be open before it.
    pub after: Vec<usize>,
}

#[derive(Default)]
struct Org {
    open: usize,
    recent: Vec<i64>,
}

/// Says for each pull request whether it has to wait; those that are first in `order` are let through first.
pub fn admit(standings: &[Standing<'_>], order: &[usize], bounds: Bounds, now: i64) -> Vec<Option<Waits>> {
    let mut orgs: BTreeMap<&str, Org> = BTreeMap::new();
    for standing in standings {
        let org = orgs.entry(standing.org).or_default();
        org.open += usize::from(standing.open);
        org.recent.extend(standing.opened.iter().filter(|at| **at > now - HOUR));
    }
    let mut all: Vec<Option<Waits>> = standings.iter().map(|_| None).collect();
    for (at, standing) in order.iter().filter_map(|at| Some((*at, standings.get(*at)?))) {
        let Some(org) = orgs.get_mut(standing.org).filter(|_| standing.opens) else {
            continue;
        };
        let behind = standing
            .after
            .iter()
            .find_map(|other| behind(standings.get(*other)?, all.get(*other)?.as_ref()));
        all[at] = behind.or_else(|| org.take(standing.org, bounds, now));
    }
    all
}

/// Why what comes after a pull request waits with it.
fn behind(other: &Standing<'_>, waits: Option<&Waits>) -> Option<Waits> {
    let why = match (waits, other.stuck) {
        (Some(_), _) => "which waits itself",
        (None, Some(stuck)) => stuck,
        (None, None) => return None,
    };
    Some(Waits {
        why: format!("it builds on images of {}, {why}", other.name),
        until: waits.and_then(|waits| waits.until),
    })
}

impl Org {
    /// Takes one of the places that are left; else says for how long there is none.
    fn take(&mut self, name: &str, bounds: Bounds, now: i64) -> Option<Waits> {
        if self.open >= bounds.open {
            let why = format!(
                "{} pull requests are open in {name}, or are before long, as many as `forge.max-open` allows: it is opened once one is merged or closed",
                self.open
            );
            return Some(Waits { why, until: None });
        }
        self.recent.sort_unstable();
        // With as many as are allowed, the next one may come when the oldest of them is an hour old.
        let Some(over) = self.recent.len().checked_sub(bounds.new) else {
            self.open += 1;
            self.recent.push(now);
            return None;
        };
        let why = format!(
            "`forge.max-new` allows {} new pull requests an hour in {name}",
            bounds.new
        );
        let until = self.recent.get(over).map(|at| at + HOUR);
        // Those that wait after it are expected after it.
        self.recent.extend(until);
        self.open += usize::from(until.is_some());
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
            ..Standing::default()
        }
    }

    fn waiting(standings: &[Standing<'_>]) -> Vec<Option<Option<i64>>> {
        let order: Vec<usize> = (0..standings.len()).collect();
        let waits = admit(standings, &order, BOUNDS, 10_000);
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
        assert!(admit(&[standing("o", false, true, &[])], &[0], Bounds { open: 0, new: 1 }, 0)[0].is_some());
    }

    #[test]
    fn none_allowed_at_all() {
        let waits = admit(&[standing("o", false, true, &[])], &[0], Bounds { open: 1, new: 0 }, 0);
        assert_eq!(waits[0].as_ref().map(|waits| waits.until), Some(None));
    }

    #[test]
    fn who_waits_longer_is_expected_later() {
        let bounds = Bounds { open: 100, new: 2 };
        let all: Vec<_> = (0..6).map(|_| standing("o", false, true, &[])).collect();
        let waits = admit(&all, &[0, 1, 2, 3, 4, 5], bounds, 10_000);
        let until: Vec<_> = waits
            .into_iter()
            .map(|waits| waits.and_then(|waits| waits.until))
            .collect();
        let [first, second] = [Some(13_600), Some(17_200)];
        assert_eq!(until, [None, None, first, first, second, second]);
    }

    #[test]
    fn what_others_build_on_comes_first_and_they_wait_with_it() {
        let mut all: Vec<_> = (0..3).map(|_| standing("o", false, true, &[])).collect();
        all[0].after = vec![2];
        let order = [2, 0, 1];
        let bounds = Bounds { open: 9, new: 2 };
        assert!(
            admit(&all, &order, bounds, 10_000)[1].is_some(),
            "the last in order waits"
        );
        let waits = admit(&all, &order, Bounds { open: 9, new: 0 }, 10_000);
        assert!(
            waits[0].as_ref().unwrap().why.contains("which waits itself"),
            "{waits:?}"
        );
        all[2].opens = false;
        all[2].stuck = Some("which is withheld");
        let waits = admit(&all, &order, bounds, 10_000);
        assert!(
            waits[0].as_ref().unwrap().why.ends_with("which is withheld"),
            "{waits:?}"
        );
        assert_eq!((waits[1].is_some(), waits[2].is_some()), (false, false));
    }
}
