//! Tells once, where that is configured, that images do not build: looks at what was told, plans, and writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::place::ConfiguredForge;
use super::{Run, RunError};
use crate::base::RepoName;
use crate::base::text::terminal;
use crate::config::{Breaks, Forge, Form as PullForm};
use crate::forge::github::GithubForge;
use crate::forge::github::breaks::{LookFor, Looking};
use crate::forge::github::tell::Form;
use crate::github::Credential;
use crate::results::answer::Results;
use crate::source::Location;
use crate::told;
use crate::told::{Deed, Door, Key, Object, Policy, Telling, There, Unsaid, Write, concerns, plan, told_of};

/// How often what is there is looked at anew, where somebody else may have been quicker or an answer was lost.
const ROUNDS: u32 = 3;
/// For how long what was begun is counted, in seconds.
const HOUR: i64 = 3_600;
/// Must change when what is remembered has another form.
const VERSION: u32 = 1;
/// Where places are remembered.
const PLACES: &str = "told places";

/// What came of telling.
#[derive(Clone, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Told {
    /// What was written, or would be, in order.
    pub writes: Vec<Write>,
    /// What does not build and is not told, and why.
    pub unsaid: Vec<Unsaid>,
    /// What failed; it costs the others nothing.
    pub failed: Vec<String>,
    /// What whoever runs this should know.
    pub notes: Vec<String>,
}

impl Told {
    /// A line each, safe to show.
    pub fn lines(&self) -> Vec<String> {
        let writes = self.writes.iter().map(ToString::to_string);
        let unsaid = self.unsaid.iter().map(ToString::to_string);
        let failed = self.failed.iter().map(|why| terminal(&format!("not told: {why}")));
        let notes = self.notes.iter().map(|note| terminal(&format!("note: {note}")));
        writes.chain(unsaid).chain(failed).chain(notes).collect()
    }
}

/// Where something was told that may have to be told otherwise: what GitHub itself knows, and would have to be searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Places {
    pulls: BTreeSet<(RepoName, u64)>,
    issues: BTreeSet<(RepoName, u64)>,
    /// Something was about to be begun there when this was written.
    begun: BTreeSet<RepoName>,
    /// The breaks that were told: where one is told nowhere any more, somebody has deleted that.
    told: BTreeSet<Key>,
}

impl Run {
    /// Tells, edits and ends what results ask for; in a dry run only says what would be written. `now`: seconds since 1970.
    ///
    /// # Errors
    /// The forge is not GitHub.
    pub fn tell_breaks(
        &self,
        place: &ConfiguredForge,
        results: &Results,
        dry_run: bool,
        now: i64,
    ) -> Result<Told, RunError> {
        let Some(breaks) = &self.config.feedback.breaks else {
            return Ok(Told::default());
        };
        let ConfiguredForge::GitHub(forge) = place else {
            let text = "`feedback.breaks` needs `forge` with `kind: github`: it is there that pull requests and issues are told";
            return Err(RunError::Config(text.to_owned()));
        };
        let mut teller = Teller {
            run: self,
            forge,
            breaks,
            results,
            dry_run,
            now,
            looked: BTreeMap::new(),
            there: There::default(),
            told: Told::default(),
            failed: BTreeSet::new(),
            unclear: BTreeMap::new(),
            before: self.store.noted(PLACES),
            sent: self.begun_of_late(now),
        };
        teller.tell();
        let Teller { mut told, sent, .. } = teller;
        told.notes.extend(self.silences_of_no_use(results));
        if !dry_run {
            self.store.put("told", VERSION, b"sent", &sent);
        }
        Ok(told)
    }

    /// When something was begun within the last hour.
    fn begun_of_late(&self, now: i64) -> Vec<i64> {
        let known: Option<Vec<i64>> = self.store.get("told", VERSION, b"sent");
        let mut sent = known.unwrap_or_default();
        sent.retain(|at| now - at < HOUR);
        sent
    }

    /// A sentence about each silence that is over, or of an image that a release does not have.
    pub fn silences_of_no_use(&self, results: &Results) -> Vec<String> {
        let mut notes = Vec::new();
        for one in &self.config.feedback.silence {
            let what = format!("{}: the silence of `{}` by {}", one.at, one.image, one.author);
            if self.today().is_some_and(|today| today > one.until) {
                notes.push(format!(
                    "{what} ended on {}: remove it, or agree on a later `until`",
                    one.until
                ));
                continue;
            }
            let of = results
                .releases
                .iter()
                .filter(|of| one.release.is_none_or(|only| only.to_string() == of.release));
            let of: Vec<_> = of.collect();
            let has = |image: &str| of.iter().any(|of| of.images.iter().any(|known| known.image == image));
            if !of.is_empty() && !has(&one.image) {
                let names: BTreeSet<&str> = of
                    .iter()
                    .flat_map(|of| of.images.iter().map(|image| image.image.as_str()))
                    .collect();
                let names: Vec<&str> = names.into_iter().collect();
                let hint = crate::rules::load::nearest(&one.image, &names);
                let releases: Vec<&str> = of.iter().map(|of| of.release.as_str()).collect();
                notes.push(format!(
                    "{what}: there is no such image in {}; {hint}",
                    releases.join(", ")
                ));
            }
        }
        notes
    }

    /// Where people find what a run left: the page of jobs, else the bare log. The address is built of what is configured and of the
    /// run's folder alone.
    fn address(&self, folder: &str) -> Option<String> {
        let sources = self.config.sources.results.as_ref()?;
        let url = |at: &Option<Location>| match at {
            Some(Location::Url(url)) => Some(url.to_string().trim_end_matches('/').to_owned()),
            _ => None,
        };
        let artifacts = url(&sources.artifacts)?;
        let address = match (url(&sources.deck), artifacts.rsplit('/').next()) {
            (Some(deck), Some(bucket)) => format!("{deck}/view/gs/{bucket}/{folder}"),
            _ => format!("{artifacts}/{folder}/build-log.txt"),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/%".contains(c);
        address.chars().all(plain).then_some(address)
    }

    /// In which form open pull requests are told; `None`: they are not.
    fn form_of_pulls(&self) -> Option<Form> {
        let pulls = self.config.feedback.pulls.as_ref()?;
        match (pulls.form, &self.config.forge) {
            (PullForm::Status, _) => Some(Form::Status),
            (
                PullForm::Check,
                Forge::GitHub {
                    credential: Credential::App { id, .. },
                    ..
                },
            ) => Some(Form::Check(*id)),
            (PullForm::Check, _) => None,
        }
    }
}

/// What a write goes to.
type Target = (RepoName, Option<u64>, Option<u64>);

/// One telling.
struct Teller<'t> {
    run: &'t Run,
    forge: &'t GithubForge,
    breaks: &'t Breaks,
    results: &'t Results,
    dry_run: bool,
    now: i64,
    /// All that was looked at.
    looked: BTreeMap<RepoName, LookFor>,
    there: There,
    told: Told,
    /// What could not be written, and is not tried again now.
    failed: BTreeSet<Target>,
    /// What may have been written, and why nobody knows.
    unclear: BTreeMap<Target, String>,
    /// What was remembered.
    before: Option<Places>,
    sent: Vec<i64>,
}

impl Teller<'_> {
    fn tell(&mut self) {
        let places = self.before.take();
        self.there.known = places.as_ref().map(|places| places.told.clone()).unwrap_or_default();
        let wanted = places.as_ref().map_or_else(|| self.everywhere(), at);
        self.before = places;
        self.look(wanted);
        let mut round = 0;
        loop {
            let telling = self.plan();
            self.told.unsaid.clone_from(&telling.unsaid);
            self.remember(&telling);
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
        let looking = Looking {
            form: self.run.form_of_pulls(),
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

    /// Remembers where things are told, before anything is written.
    fn remember(&self, telling: &Telling) {
        let mut places = Places::default();
        let objects = self.there.objects.iter();
        for object in objects.filter(|object| concerns(object, self.now)) {
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
        if let Some(before) = &self.before {
            let unread = |repo: &RepoName| matches!(self.there.doors.get(repo), Some(Door::Shut(_)));
            let of = |all: &BTreeSet<(RepoName, u64)>| -> Vec<(RepoName, u64)> {
                all.iter().filter(|(repo, _)| unread(repo)).cloned().collect()
            };
            places.pulls.extend(of(&before.pulls));
            places.issues.extend(of(&before.issues));
            places
                .begun
                .extend(before.begun.iter().filter(|repo| unread(repo)).cloned());
        }
        places.told = told_of(&self.there, self.results);
        if self.run.store.is_enabled() && !self.run.store.note(PLACES, &places) {
            tracing::debug!("where things are told cannot be remembered: it is looked for anew");
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

/// What is to be looked at of what is remembered.
fn at(places: &Places) -> BTreeMap<RepoName, LookFor> {
    let mut wanted: BTreeMap<RepoName, LookFor> = BTreeMap::new();
    for (repo, pull) in &places.pulls {
        wanted.entry(repo.clone()).or_default().pulls.insert(*pull);
    }
    for (repo, number) in &places.issues {
        wanted.entry(repo.clone()).or_default().numbers.insert(*number);
    }
    for repo in &places.begun {
        wanted.entry(repo.clone()).or_default().issues = true;
    }
    wanted
}
