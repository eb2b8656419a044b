//! One run of the daemon: derives what is to be looked at, plans, writes where it may, and posts what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use rayon::prelude::*;

use super::account::{Done, difference, partly, told};
use super::cursors::Cursors;
use super::cuts::Cuts;
use super::error::ReconcileError;
use super::fence::Fence;
use super::history::Ids;
use super::known::{Attempt, Known, seen};
use super::now;
use super::post::Posting;
use super::queue::Work;
use super::settings::Settings;
use super::verified::Verification;
use crate::base::{Date, Gate, Guard, Origin, Release};
use crate::board::{Applied, Board, Cache, Drift, Outcome as Ended, RunRecord};
use crate::finding::Finding;
use crate::github::{self, Usage};
use crate::plan::{NotCompared, Plan, with_run};
use crate::run::feedback::{Watch, Wish};
use crate::run::history::{self, Keeper};
use crate::run::place::ConfiguredForge;
use crate::run::results::Followed;
use crate::run::{LoadedRules, Run, begin};
use crate::source::Snapshot;
use crate::store::Store;

/// What is kept from one run to the next.
pub struct Reconciler {
    pub(super) run: Run,
    /// The forge, for as long as it can be used again: tokens and limits are known then.
    pub(super) place: Option<ConfiguredForge>,
    /// Whose pull requests are told.
    pub(super) watch: Watch,
    pub(super) fence: Arc<Fence>,
    pub(super) board: Arc<Board>,
    pub(super) known: BTreeMap<Release, Known>,
    /// What concerns several releases, as of the last look at everything.
    between: Vec<Finding>,
    /// Where the CI configs were read, and the day of the last run: with another one, everything is looked at.
    last: Option<(Option<Origin>, Date)>,
    cursors: Cursors,
    cuts: Cuts,
    verification: Verification,
    ids: Ids,
    kept: Keeper,
    /// What is known of results of builds.
    pub(super) followed: Followed,
}

/// What is found before anything is derived.
struct Ground {
    ci: Option<Arc<dyn Snapshot>>,
    releases: Vec<Release>,
    wanted: BTreeSet<Release>,
    whole: bool,
}

impl Reconciler {
    /// Gets ready to run by some settings.
    ///
    /// # Errors
    /// The client for GitHub's API cannot be made.
    pub fn new(settings: &Settings, store: Store, fence: Arc<Fence>, board: Arc<Board>) -> Result<Self, github::Fault> {
        let cursors = Cursors::kept(&store);
        Ok(Self {
            run: make_run(settings, store)?,
            place: None,
            watch: Watch::default(),
            fence,
            board,
            known: BTreeMap::new(),
            between: Vec::new(),
            last: None,
            cursors,
            cuts: Cuts::default(),
            verification: Verification::default(),
            ids: Ids::default(),
            kept: Keeper::new(&settings.config.state),
            followed: Followed::default(),
        })
    }

    /// Goes by other settings from now on. What is known stays until it is derived anew.
    ///
    /// # Errors
    /// As [`Self::new`]; the old settings stay.
    pub fn reload(&mut self, settings: &Settings) -> Result<(), github::Fault> {
        let mut run = make_run(settings, Store::disabled())?;
        run.set_store(self.run.set_store(Store::disabled()));
        self.run = run;
        self.place = None;
        self.watch = Watch::default();
        self.last = None;
        self.kept = Keeper::new(&settings.config.state);
        Ok(())
    }

    /// The branch of the CI configs that was read last.
    pub fn ci_branch(&self) -> Option<String> {
        let (read, _) = self.last.as_ref()?;
        Some(read.as_ref()?.branch.clone())
    }

    /// The commit of the CI configs that was read last.
    pub(super) fn ci_commit(&self) -> Option<String> {
        let (read, _) = self.last.as_ref()?;
        read.as_ref()?.commit.clone()
    }

    /// The id of a run that is not made here.
    pub fn next_id(&mut self) -> String {
        self.ids.next(now())
    }

    /// Makes one run.
    pub fn reconcile(&mut self, work: &Work) -> Done {
        let (started, at) = (Instant::now(), now());
        let id = self.ids.next(at);
        let kinds: Vec<&str> = work.kinds.iter().map(|kind| kind.name()).collect();
        let span = tracing::info_span!("run", id);
        let _inside = span.enter();
        let record = RunRecord {
            id,
            trigger: kinds.first().copied().unwrap_or_default().to_owned(),
            because: work.because.iter().cloned().collect(),
            started: at,
            ..RunRecord::default()
        };
        tracing::info!(
            trigger = kinds.join("+"),
            merged = work.merged,
            because = (!record.because.is_empty()).then(|| record.because.join(", ")),
            "a run starts"
        );
        let (requests, cache) = (self.requests(), self.run.store().stats());
        let mut done = Done { record, again: false };
        if let Err(error) = self.make(work, &mut done) {
            done.again = true;
            done.record.outcome = Ended::Failed;
            done.record.error = Some(error.to_string());
        }
        self.keep(&done.record.id);
        self.run.store().flush();
        let used = self.run.store().stats();
        done.record.cache = Cache {
            hits: used.hits - cache.hits,
            misses: used.misses - cache.misses,
        };
        done.record.requests = difference(&self.requests(), &requests);
        self.posting(None).limits(self.usage().limits);
        done.record.took = started.elapsed().as_secs_f64();
        told(&done.record);
        done
    }

    /// Keeps what the releases came to, so that a later state can be compared with this run.
    fn keep(&mut self, id: &str) {
        let known = self.known.iter();
        let releases = known
            .map(|(release, known)| (*release, Arc::clone(&known.document)))
            .collect();
        let results = self.board.view().results.clone();
        let stuck = results.map(|shown| history::stuck(&shown.results));
        if let Err(why) = self.kept.keep(id, releases, stuck.as_ref()) {
            tracing::warn!("{why}");
        }
    }

    /// What was used of GitHub's API so far, by the one who reads and the one who writes.
    fn usage(&self) -> Usage {
        let reader = self.run.sources().github().map(|reader| reader.client().usage());
        let mut usage = reader.unwrap_or_default();
        usage.merge(self.place.as_ref().map(ConfiguredForge::usage).unwrap_or_default());
        usage
    }

    /// How many requests were made so far, by API.
    fn requests(&self) -> BTreeMap<String, u64> {
        let Usage { rest, graphql, .. } = self.usage();
        let git = self.run.sources().git_requests();
        let named = [("rest", rest), ("graphql", graphql), ("git", git)];
        named.map(|(api, count)| (api.to_owned(), count)).into()
    }

    fn make(&mut self, work: &Work, done: &mut Done) -> Result<(), ReconcileError> {
        self.refresh();
        if work.is_of_pulls() && !self.known.is_empty() {
            self.only_pulls(&work.wish, done);
            return Ok(());
        }
        let ground = match self.ground(work) {
            Ok(ground) => ground,
            Err(error) => {
                self.posting(None).unreadable(&error.to_string());
                return Err(error);
            }
        };
        done.record.releases = ground.wanted.iter().map(Release::to_string).collect();
        let stood = self.stands();
        let failed = self.derive(&ground)?;
        let moved = self
            .cursors
            .advance(ground.ci.as_deref(), &self.known, self.run.store());
        done.record.because.extend(moved);
        let plan = Arc::new(self.plan(&ground, &failed, &done.record.id));
        done.record.drift = Drift::of(&plan);
        for finding in &plan.findings {
            let count = done.record.findings.entry(finding.severity.to_string()).or_default();
            *count += 1;
        }
        // What was found is shown before it is written, which may take its time.
        self.posting(ground.ci.as_ref())
            .derived(&ground.releases, &failed, &plan);
        let applied = self.write(&ground, &plan, &done.record.id);
        if let Ok(applied) = &applied {
            self.posting(ground.ci.as_ref()).written(&plan, applied);
        }
        self.look_at_cuts(&ground);
        let untold = self.look_at_results(&mut done.record);
        self.look_at_verification(&ground);
        let doubtful = !plan.not_compared.is_empty() || self.known.values().any(Known::is_doubtful);
        done.account(ground.wanted.len(), &failed, &*applied?, doubtful);
        if failed.is_empty() {
            self.last = Some((origin(ground.ci.as_ref()), Date::of_unix(now())));
        }
        partly(&mut done.record, untold);
        let mut wish = if ground.whole { Wish::all() } else { work.wish.clone() };
        wish.extend(self.moved(&stood));
        self.look_at_pulls(&wish, done);
        Ok(())
    }

    pub(super) fn posting(&self, ci: Option<&Arc<dyn Snapshot>>) -> Posting<'_> {
        Posting {
            board: &self.board,
            run: &self.run,
            known: &self.known,
            ci: origin(ci),
            at: now(),
        }
    }

    /// Takes on what may have changed by itself since the last run.
    fn refresh(&mut self) {
        self.run.set_day(Date::of_unix(now()));
        if let Some(reader) = self.run.sources().github() {
            reader.forget();
        }
        if !self.run.store().is_usable() {
            let (store, warning) = Store::open(&self.run.config().state);
            if let Some(warning) = warning {
                tracing::warn!("{warning}");
            }
            if store.is_enabled() {
                self.run.set_store(store);
            }
        }
    }

    fn ground(&self, work: &Work) -> Result<Ground, ReconcileError> {
        let ci = self.run.ci_config()?;
        let releases = self.run.releases(&[], ci.as_deref())?;
        if releases.is_empty() {
            return Err(ReconcileError::NoRelease);
        }
        let here = (origin(ci.as_ref()), Date::of_unix(now()));
        let is_known = here.0.as_ref().is_some_and(|read| read.commit.is_some());
        let moved = self.last.as_ref() != Some(&here) || !is_known;
        let whole = work.whole || moved;
        let wanted = |release: &&Release| {
            whole || work.releases.contains(release) || self.known.get(release).is_none_or(Known::is_doubtful)
        };
        Ok(Ground {
            wanted: releases.iter().filter(wanted).copied().collect(),
            ci,
            releases,
            whole,
        })
    }

    /// Derives what is wanted. What cannot be derived costs the others nothing; it stays as it was known.
    fn derive(&mut self, ground: &Ground) -> Result<BTreeMap<Release, String>, ReconcileError> {
        let on_cluster = self.run.asks_cluster();
        let attempts: Vec<(Release, Attempt)> = ground
            .wanted
            .par_iter()
            .map(|release| {
                let before = self.known.get(release).and_then(|known| known.key.as_deref());
                let attempt = self.run.derivation(
                    *release,
                    ground.ci.as_ref(),
                    |key| before == Some(key),
                    |release| seen(release, on_cluster),
                );
                (*release, attempt)
            })
            .collect();
        let mut failed = BTreeMap::new();
        for (release, attempt) in attempts {
            match attempt {
                Ok(derivation) => Known::take(&mut self.known, release, derivation, now()),
                Err(crate::run::RunError::Rules(faults)) => return Err(ReconcileError::Rules(faults)),
                Err(error) => {
                    tracing::error!(%release, "{error}");
                    failed.insert(release, error.to_string());
                    if let Some(known) = self.known.get_mut(&release) {
                        known.key = None;
                    }
                }
            }
        }
        self.known.retain(|release, _| ground.releases.contains(release));
        Ok(failed)
    }

    /// The plan of everything that is known. A release that could not be derived now has no part in it: its pull request
    /// is left alone.
    fn plan(&mut self, ground: &Ground, failed: &BTreeMap<Release, String>, id: &str) -> Plan {
        if ground.whole {
            let newest = ground.releases.iter().max();
            let newest = newest.and_then(|release| Some(&self.known.get(release)?.rendering));
            self.between = self.run.between(&ground.releases, newest, ground.ci.as_deref());
        }
        let derived = ground.releases.iter().filter(|release| !failed.contains_key(release));
        let known = derived.filter_map(|release| self.known.get(release));
        let renderings = known.map(|known| known.rendering.clone()).collect();
        let unlooked = failed
            .iter()
            .map(|(release, why)| NotCompared::release(&release.to_string(), why));
        let mut plan = self
            .run
            .plan_beside(renderings, self.between.clone(), failed.is_empty(), unlooked.collect());
        for pull in &mut plan.pull_requests {
            pull.body = with_run(&pull.body, id);
        }
        plan
    }

    /// Makes the pull requests what they should be; where this replica may not write, says what would be written.
    fn write(&mut self, ground: &Ground, plan: &Plan, id: &str) -> Result<Arc<Applied>, github::Fault> {
        let mut place = match self.place.take() {
            // Of a local forge the source is part.
            Some(place @ ConfiguredForge::GitHub(_)) => place,
            _ => {
                let gate = Gate::new(Arc::clone(&self.fence) as Arc<dyn Guard>);
                ConfiguredForge::of(&self.run, gate)?
            }
        };
        let dry_run = self.fence.may_write().is_err();
        let outcomes = place.apply(&self.run, ground.ci.as_ref(), plan, dry_run, now());
        self.place = Some(place);
        Ok(Arc::new(Applied {
            run: id.to_owned(),
            dry_run,
            outcomes,
        }))
    }

    /// Plans the trains of branch cuts that are under way: last, since nothing that is written waits for them.
    fn look_at_cuts(&mut self, ground: &Ground) {
        if self.fence.is_stopping() {
            return;
        }
        let trains = self.cuts.trains(&self.run, &self.known, ground.ci.as_ref());
        let home = self
            .run
            .config()
            .sources
            .ci_config
            .as_ref()
            .filter(|_| !trains.is_empty());
        let home = home.and_then(|config| {
            let base = config.base(ground.ci.as_ref()?.origin());
            Some((config.name()?, base))
        });
        let train = home.and_then(|(repo, branch)| self.place.as_ref()?.train(&repo, &branch).ok()?);
        self.posting(ground.ci.as_ref()).cuts(&trains, train.as_ref());
    }

    /// Looks at what verifies the payloads.
    fn look_at_verification(&mut self, ground: &Ground) {
        if self.fence.is_stopping() {
            return;
        }
        let view = self.verification.look(&self.run, &self.known, ground.ci.as_ref());
        let posted = self.board.view();
        if posted
            .verified
            .as_ref()
            .is_none_or(|posted| !Arc::ptr_eq(posted, &view))
        {
            self.board.update(|board| board.verified = Some(view));
        }
    }
}

fn make_run(settings: &Settings, store: Store) -> Result<Run, github::Fault> {
    let config = settings.config.clone();
    let sources = begin::sources(&config)?;
    let run = Run::new(config, LoadedRules::new(settings.rules.clone()), sources);
    Ok(run.remembering(store, begin::build()).on(Date::of_unix(now())))
}

fn origin(ci: Option<&Arc<dyn Snapshot>>) -> Option<Origin> {
    ci.map(|ci| ci.origin().clone())
}
