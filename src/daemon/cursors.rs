//! Where each branch stood when it was last read: what has moved since is what a run was about.

use std::collections::BTreeMap;

use super::known::Known;
use crate::base::{Origin, Release};
use crate::source::Snapshot;
use crate::store::Store;

/// The note in the store.
const KEY: &str = "cursors";
/// The most branches that are named as moved.
const NAMED: usize = 20;

/// The commit that each branch was read at, by repository and branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursors(BTreeMap<String, String>);

impl Cursors {
    /// Where branches stood when the process before this one ended; nowhere where that is not known any more.
    pub fn kept(store: &Store) -> Self {
        Self(store.noted(KEY).unwrap_or_default())
    }

    /// Moves to where branches stand now, and names those that have moved, at most [`NAMED`] of them.
    pub fn advance(
        &mut self,
        ci: Option<&dyn Snapshot>,
        known: &BTreeMap<Release, Known>,
        store: &Store,
    ) -> Vec<String> {
        let mut origins: Vec<&Origin> = ci.map(Snapshot::origin).into_iter().collect();
        for known in known.values() {
            origins.push(&known.build_data);
            origins.extend(known.components.values());
        }
        let here = |origin: &&Origin| {
            let commit = origin.commit.clone()?;
            Some((format!("{} {}", origin.name, origin.branch), commit))
        };
        let next = Self(origins.iter().filter_map(here).collect());
        let moved = next.since(self);
        if next != *self {
            store.note(KEY, &next.0);
            *self = next;
        }
        moved
    }

    fn since(&self, before: &Self) -> Vec<String> {
        let moved = |(at, commit): (&String, &String)| {
            let was = before.0.get(at).filter(|was| *was != commit)?;
            let [was, is] = [was, commit].map(|commit| commit.get(..10).unwrap_or(commit));
            Some(format!("{at} moved from {was} to {is}"))
        };
        self.0.iter().filter_map(moved).take(NAMED).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(commits: &[(&str, &str)]) -> Cursors {
        let pairs = commits
            .iter()
            .map(|(at, commit)| ((*at).to_owned(), (*commit).to_owned()));
        Cursors(pairs.collect())
    }

    #[test]
    fn only_what_was_elsewhere_has_moved() {
        let before = at(&[("o/a main", "0123456789abcdef"), ("o/b main", "1")]);
        let after = at(&[("o/a main", "fedcba9876543210"), ("o/b main", "1"), ("o/c main", "1")]);
        assert_eq!(after.since(&before), ["o/a main moved from 0123456789 to fedcba9876"]);
        assert_eq!(after.since(&Cursors::default()), [""; 0], "the first look is no move");
    }

    #[test]
    fn cursors_are_there_after_the_process_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path());
        let cursors = at(&[("o/a main", "1")]);
        store.note(KEY, &cursors.0);
        drop(store);
        let (store, _) = Store::open(dir.path());
        assert_eq!(Cursors::kept(&store), cursors);
        assert_eq!(Cursors::kept(&Store::disabled()), Cursors::default());
    }
}
