//! One telling: looks at what is there, plans by it, writes, and looks again where something was begun.

use std::collections::{BTreeMap, BTreeSet};

use super::Told;
use super::places::Places;
use crate::base::RepoName;
use crate::config::Breaks;
use crate::forge::github::GithubForge;
use crate::forge::github::breaks::{LookFor, Looking};
use crate::results::answer::Results;
use crate::run::Run;
use crate::told;
use crate::told::{Object, Policy, Telling, There, Write, plan};

/// How often what is there is looked at anew, where somebody else may have been quicker or an answer was lost.
const ROUNDS: u32 = 3;

/// What a write goes to.
type Target = (RepoName, Option<u64>, Option<u64>);

/// One telling.
pub(super) struct Teller<'t> {
    pub run: &'t Run,
    pub forge: &'t GithubForge,
    pub breaks: &'t Breaks,
    pub results: &'t Results,
    pub dry_run: bool,
    pub now: i64,
    /// All that was looked at.
    pub looked: BTreeMap<RepoName, LookFor>,
    pub there: There,
    pub told: Told,
    /// What could not be written, and is not tried again now.
    pub failed: BTreeSet<Target>,
    /// What may have been written, and why nobody knows.
    pub unclear: BTreeMap<Target, String>,
    /// What was remembered.
    pub before: Option<Places>,
    pub sent: Vec<i64>,
}

impl Teller<'_> {
    /// Looks, plans and writes, until nothing is left to write.
    pub fn tell(&mut self) {
        let places = self.before.take();
        self.there.known = places.as_ref().map(|places| places.told.clone()).unwrap_or_default();
        let wanted = places.as_ref().map_or_else(|| self.everywhere(), Places::wanted);
        self.before = places;
        self.look(wanted);
        let mut round = 0;
        loop {
            let telling = self.plan();
            self.told.unsaid.clone_from(&telling.unsaid);
            let found = (&self.there, self.results);
            Places::of(found, &telling, self.before.as_ref(), self.now).note(&self.run.store);
            let mut writes = telling.writes;
            writes.retain(|write| !self.failed.contains(&write.target()));
            if self.dry_run {
                self.told.writes = writes;
                break;
            }
            if writes.is_empty() || round == ROUNDS {
                let left: BTreeSet<Target> = writes.iter().map(Write::target).collect();
                let faults = self.unclear.iter().filter(|(target, _)| left.contains(target));
                let faults: Vec<String> = faults.map(|(_, fault)| fault.clone()).collect();
                self.told.failed.extend(faults);
                break;
            }
            if !self.perform(writes) {
                break;
            }
            // Something was begun, or nobody knows whether it was: what is there says, and whether somebody else was quicker.
            round += 1;
            self.forge.client().breathe(round);
            let again = std::mem::take(&mut self.looked);
            self.there = There {
                known: std::mem::take(&mut self.there.known),
                ..There::default()
            };
            self.look(again);
        }
        let notes = std::mem::take(&mut self.there.notes);
        self.told.notes.extend(notes);
    }

    /// Plans, after everything was looked at that the plan would begin something in.
    fn plan(&mut self) -> Telling {
        // A pull request may turn out to be none that is told, so that an issue has to be looked for: then for who approves
        // there, and no fourth thing comes after.
        for _ in 0..5 {
            let telling = self.planned();
            let mut wanted: BTreeMap<RepoName, LookFor> = BTreeMap::new();
            for (repo, pull) in &telling.look_at_pulls {
                wanted.entry(repo.clone()).or_default().pulls.insert(*pull);
            }
            for repo in &telling.look_at_issues {
                wanted.entry(repo.clone()).or_default().issues = true;
            }
            for repo in &telling.look_at_owners {
                wanted.entry(repo.clone()).or_default().owners = true;
            }
            if wanted.is_empty() {
                return telling;
            }
            self.look(wanted);
        }
        Telling::default()
    }

    fn planned(&self) -> Telling {
        let most = self.breaks.max_new;
        let bound = format!("{most} comments and issues were begun within the last hour (`feedback.breaks.max-new`)");
        let address = |folder: &str| self.run.address(folder);
        let policy = Policy {
            form: self.breaks.form,
            table: self.breaks.table.as_ref(),
            owners: self.breaks.owners,
            may_begin: most.saturating_sub(self.sent.len()),
            bound: &bound,
            now: self.now,
            address: &address,
        };
        plan(self.results, &self.there, &policy)
    }

    /// Where nobody remembers what was told: wherever it may have been.
    fn everywhere(&self) -> BTreeMap<RepoName, LookFor> {
        let mut wanted: BTreeMap<RepoName, LookFor> = BTreeMap::new();
        if let Some(table) = &self.breaks.table {
            wanted.entry(table.clone()).or_default().issues = true;
        }
        let images = self.results.releases.iter().flat_map(|release| &release.images);
        let repos: BTreeSet<RepoName> = images.filter_map(|image| image.repository.parse().ok()).collect();
        for repo in repos {
            let (comments, issues) = match (self.breaks.form, &self.breaks.table) {
                (told::Form::Comment, table) => (true, table.is_none()),
                (told::Form::Issue, _) => (false, true),
                (told::Form::Table, _) => (false, false),
            };
            if comments || issues {
                let wanted = wanted.entry(repo).or_default();
                (wanted.merged, wanted.issues) = (comments, wanted.issues || issues);
            }
        }
        wanted
    }

    /// Looks at what was not looked at yet.
    fn look(&mut self, wanted: BTreeMap<RepoName, LookFor>) {
        let pulls = self.run.config.feedback.pulls.as_ref();
        let looking = Looking {
            form: pulls.and_then(|pulls| self.run.form_of_pulls(pulls).ok()),
            now: self.now,
        };
        let (found, faults) = self.forge.look_at_told(&wanted, looking);
        for object in found.objects {
            let same = |known: &Object| {
                known.repo == object.repo && known.number == object.number && known.comment == object.comment
            };
            self.there.objects.retain(|known| !same(known));
            self.there.objects.push(object);
        }
        self.there.pulls.extend(found.pulls);
        self.there.doors.extend(found.doors);
        self.there.owners.extend(found.owners);
        self.there.notes.extend(found.notes);
        for (repo, more) in wanted {
            let all = self.looked.entry(repo).or_default();
            all.pulls.extend(more.pulls);
            all.numbers.extend(more.numbers);
            (all.issues, all.merged) = (all.issues || more.issues, all.merged || more.merged);
            all.owners |= more.owners;
        }
        for fault in faults {
            let text = fault.to_string();
            if !self.told.failed.contains(&text) {
                self.told.failed.push(text);
            }
        }
    }

    /// Writes; whether it has to be looked at again what is there.
    fn perform(&mut self, writes: Vec<Write>) -> bool {
        let (mut again, mut stopped) = (false, BTreeSet::new());
        self.unclear.clear();
        for write in writes {
            let target = write.target();
            // A word is said before an issue is closed: without the one the other has to wait.
            if stopped.contains(&target) {
                continue;
            }
            match self.forge.write_told(&write) {
                Ok(()) => {
                    if write.begins() {
                        self.sent.push(self.now);
                        again = true;
                    }
                    self.told.writes.push(write);
                }
                Err(fault) => {
                    tracing::debug!(%fault, "telling that an image does not build");
                    if fault.kind.asks_to_look_again() {
                        self.unclear.insert(target.clone(), fault.to_string());
                        again = true;
                    } else {
                        self.failed.insert(target.clone());
                        self.told.failed.push(fault.to_string());
                    }
                    stopped.insert(target);
                }
            }
        }
        again
    }
}
