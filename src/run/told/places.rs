//! Where things were told: remembered, as it would have to be searched for at GitHub.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::base::RepoName;
use crate::forge::github::breaks::LookFor;
use crate::results::answer::Results;
use crate::store::Store;
use crate::told::{Deed, Door, Key, Telling, There, concerns, told_of};

/// What it is kept under.
const KEPT_AS: &str = "told places";

/// Where something was told that may have to be told otherwise: what GitHub itself knows, and would have to be searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Places {
    pulls: BTreeSet<(RepoName, u64)>,
    issues: BTreeSet<(RepoName, u64)>,
    /// Something was about to be begun there when this was written.
    begun: BTreeSet<RepoName>,
    /// The breaks that were told: where one is told nowhere any more, somebody has deleted that.
    pub told: BTreeSet<Key>,
}

impl Places {
    /// What there is, with what is about to be written and, of what could not be looked at, what was before.
    pub fn of((there, results): (&There, &Results), telling: &Telling, before: Option<&Self>, now: i64) -> Self {
        let mut places = Self::default();
        let objects = there.objects.iter();
        for object in objects.filter(|object| concerns(object, now)) {
            let place = (object.repo.clone(), object.number);
            match object.comment {
                Some(_) => places.pulls.insert(place),
                None => places.issues.insert(place),
            };
        }
        for write in &telling.writes {
            let repo = write.repository.clone();
            match &write.deed {
                Deed::Comment { pull, .. } => drop(places.pulls.insert((repo, *pull))),
                Deed::Open { .. } => drop(places.begun.insert(repo)),
                Deed::EditComment { .. } | Deed::Edit { .. } | Deed::Say { .. } => {}
            }
        }
        // What could not be looked at is still where it was.
        if let Some(before) = before {
            let unread = |repo: &RepoName| matches!(there.doors.get(repo), Some(Door::Shut(_)));
            let of = |all: &BTreeSet<(RepoName, u64)>| -> Vec<(RepoName, u64)> {
                all.iter().filter(|(repo, _)| unread(repo)).cloned().collect()
            };
            places.pulls.extend(of(&before.pulls));
            places.issues.extend(of(&before.issues));
            places
                .begun
                .extend(before.begun.iter().filter(|repo| unread(repo)).cloned());
        }
        places.told = told_of(there, results);
        places
    }

    /// Remembers it, before anything is written.
    pub fn note(&self, store: &Store) {
        if store.is_enabled() && !store.note(KEPT_AS, self) {
            tracing::debug!("where things are told cannot be remembered: it is looked for anew");
        }
    }

    /// What is remembered.
    pub fn noted(store: &Store) -> Option<Self> {
        store.noted(KEPT_AS)
    }

    /// What is to be looked at of what is remembered.
    pub fn wanted(&self) -> BTreeMap<RepoName, LookFor> {
        let mut wanted: BTreeMap<RepoName, LookFor> = BTreeMap::new();
        for (repo, pull) in &self.pulls {
            wanted.entry(repo.clone()).or_default().pulls.insert(*pull);
        }
        for (repo, number) in &self.issues {
            wanted.entry(repo.clone()).or_default().numbers.insert(*number);
        }
        for repo in &self.begun {
            wanted.entry(repo.clone()).or_default().issues = true;
        }
        wanted
    }
}
