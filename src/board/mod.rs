//! The board: what the daemon knows, posted whole for everybody who looks.
//!
//! One side posts, any number of readers take the [`View`] that is there. A view never changes: whoever holds one sees
//! one moment, however long it takes to write a page about it.

mod impacts;
mod requests;
mod runs;
mod totals;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use impacts::Impacts;
pub use requests::{PullRequestState, PullRequestView};
pub use runs::{Cache, Drift, Outcome, RateLimit, RunRecord};
pub use totals::{BOUNDS, Durations, Totals};

use crate::base::Release;
use crate::cut;
use crate::finding::Finding;
use crate::forge;
use crate::model::build_config::BuildConfig;
use crate::plan::Plan;
use crate::results::answer::Results;
use crate::run::verified::Verified;

/// Seconds since 1970-01-01.
pub type Time = i64;

/// The most runs that a view holds, newest first; a store may keep more.
pub const MAX_RUNS: usize = 500;

/// Everything that is known at one moment.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// When the daemon started.
    pub started: Time,
    /// Grows with every view that is posted.
    pub generation: u64,
    /// What each release comes to.
    pub releases: BTreeMap<Release, Arc<ReleaseView>>,
    /// What the last run would change, or changed.
    pub plan: Arc<Plan>,
    /// What came of that plan at the forge, or would.
    pub applied: Arc<Applied>,
    /// How each pull request of the plan stands, sorted by scope.
    pub pull_requests: Vec<PullRequestView>,
    /// The last runs, newest first.
    pub runs: VecDeque<Arc<RunRecord>>,
    /// Whether the daemon does its work, or why not.
    pub readiness: Readiness,
    /// Who writes.
    pub lease: Lease,
    /// What is read, by name of the source.
    pub sources: BTreeMap<String, SourceView>,
    /// What is left of the APIs' rate limits, by API.
    pub rate_limits: BTreeMap<String, RateLimit>,
    /// Branch cuts that have steps left.
    pub trains: Vec<Arc<cut::show::View>>,
    /// Open pull requests of others, and what each was told.
    pub impacts: Arc<Impacts>,
    /// Which images do not build; `None`: no source of results is configured, or none was looked at yet.
    pub results: Option<Arc<ResultsView>>,
    /// What verifies the payloads; `None`: no run has come to it yet.
    pub verified: Option<Arc<VerifiedView>>,
}

impl View {
    /// What keeps the daemon from its work, as `(what, why)`: among others that nobody can tell who writes.
    pub fn reasons(&self) -> Vec<(&'static str, &str)> {
        let mut reasons = self.readiness.reasons();
        if let Lease::Unknown(why) = &self.lease {
            reasons.push(("lease", why));
        }
        reasons
    }
}

/// Results of builds as they were read last.
#[derive(Clone, Debug)]
pub struct ResultsView {
    /// What was read.
    pub results: Results,
    /// When.
    pub at: Time,
}

/// What verifies the payloads of the releases.
#[derive(Clone, Debug, Default)]
pub struct VerifiedView {
    /// By release.
    pub releases: BTreeMap<Release, Verified>,
    /// Why it cannot be told now; what else is said here is older then.
    pub unknown: Option<String>,
}

/// What came of a plan at the forge.
#[derive(Debug, Default)]
pub struct Applied {
    /// The run that looked there; empty while it is at it, and as long as there was none.
    pub run: String,
    /// Whether it only looked, since another replica writes or it observes.
    pub dry_run: bool,
    /// What it made of each pull request, or would make, in the order of the plan.
    pub outcomes: Vec<forge::Outcome>,
}

/// What a release comes to.
#[derive(Clone, Debug)]
pub struct ReleaseView {
    /// The release.
    pub release: Release,
    /// What was derived last; `None`: it never could be.
    pub build_config: Option<Arc<BuildConfig>>,
    /// What was found while deriving and rendering it.
    pub findings: Vec<Finding>,
    /// When it was derived.
    pub derived_at: Time,
    /// Since when each file differs, by `org/repo` and path of the file. Files in sync are not named.
    pub drift_since: BTreeMap<(String, String), Time>,
    /// Why the last attempt to derive it failed; what else is said here is older then.
    pub error: Option<String>,
}

/// A source as it was read last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceView {
    /// The repository as people know it, or its location without secrets.
    pub repo: String,
    /// The branch; empty for a plain directory.
    pub branch: String,
    /// The commit that was read; `None` for a plain directory.
    pub commit: Option<String>,
    /// When it was read; `None`: it never was.
    pub read_at: Option<Time>,
    /// Why the last attempt to read it failed.
    pub error: Option<String>,
}

/// Whether one thing that the work needs is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It is.
    Ready,
    /// It is not, and why.
    Closed(String),
}

impl Default for Gate {
    fn default() -> Self {
        Self::Closed("not tried yet".to_owned())
    }
}

/// Whether the daemon does its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// All sources were read at least once.
    pub sources: Gate,
    /// The state can be written.
    pub store: Gate,
    /// The forge answers.
    pub forge: Gate,
    /// Of what was asked for something could be compared; `None`: that was not tried yet, which the sources say.
    pub comparison: Option<Gate>,
    /// The daemon is about to end.
    pub stopping: bool,
}

impl Readiness {
    /// What keeps it from being ready, as `(what, why)`.
    pub fn reasons(&self) -> Vec<(&'static str, &str)> {
        let gates = [
            ("sources", &self.sources),
            ("store", &self.store),
            ("forge", &self.forge),
        ];
        let closed = gates.into_iter().filter_map(|(what, gate)| match gate {
            Gate::Ready => None,
            Gate::Closed(why) => Some((what, why.as_str())),
        });
        let compared = match &self.comparison {
            Some(Gate::Closed(why)) => Some(("comparison", why.as_str())),
            Some(Gate::Ready) | None => None,
        };
        let stopping = self.stopping.then_some(("process", "it is shutting down"));
        closed.chain(compared).chain(stopping).collect()
    }
}

/// Who writes, where there may be several replicas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lease {
    /// There is one replica, and a lock on its state.
    #[default]
    Alone,
    /// This one.
    Held {
        /// Since when.
        since: Time,
    },
    /// Another one; this one reads and plans.
    Elsewhere {
        /// Its name.
        holder: String,
    },
    /// Nobody that is known: the lease could not be renewed or read.
    Unknown(String),
    /// Whoever else: this one was started to look only.
    Observing,
}

impl Lease {
    /// Whether this replica may write.
    pub fn writes(&self) -> bool {
        matches!(self, Self::Alone | Self::Held { .. })
    }
}

/// Where views are posted. Its lock is held for as long as it takes to exchange a pointer.
#[derive(Debug, Default)]
pub struct Board {
    view: RwLock<Arc<View>>,
    queue_length: AtomicUsize,
    totals: Mutex<Totals>,
}

impl Board {
    /// A board with a first view.
    pub fn new(view: View) -> Self {
        Self {
            view: RwLock::new(Arc::new(view)),
            queue_length: AtomicUsize::new(0),
            totals: Mutex::default(),
        }
    }

    /// What is posted now.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Posts a changed copy of what is there. Two at once come one after the other, and none is lost. Runs that are new in
    /// front of the others count in the [`Totals`].
    pub fn update(&self, change: impl FnOnce(&mut View)) -> Arc<View> {
        let mut posted = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let mut view = View::clone(&posted);
        change(&mut view);
        view.runs.truncate(MAX_RUNS);
        view.generation = posted.generation + 1;
        self.count(&view, &posted);
        *posted = Arc::new(view);
        Arc::clone(&posted)
    }

    fn count(&self, view: &View, before: &View) {
        let known = before.runs.front();
        let is_new = |run: &&Arc<RunRecord>| known.is_none_or(|known| known.id != run.id);
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        view.runs.iter().take_while(is_new).for_each(|run| totals.count(run));
    }

    /// What all runs since the start come to together; those that the first view had do not count.
    pub fn totals(&self) -> Totals {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says how many things wait to be looked at; changes too often for a view of its own.
    pub fn set_queue_length(&self, length: usize) {
        self.queue_length.store(length, Ordering::Relaxed);
    }

    /// How many things wait to be looked at.
    pub fn queue_length(&self) -> usize {
        self.queue_length.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_is_held_stays_as_it_was() {
        let board = Board::default();
        let before = board.view();
        board.update(|view| view.started = 7);
        assert_eq!((before.started, before.generation), (0, 0));
        assert_eq!((board.view().started, board.view().generation), (7, 1));
    }

    #[test]
    fn updates_at_once_are_all_kept() {
        let board = Board::default();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..50).for_each(|_| drop(board.update(|view| view.started += 1))));
            }
        });
        assert_eq!((board.view().started, board.view().generation), (400, 400));
    }

    #[test]
    fn a_board_that_nobody_posted_on_is_not_ready_and_says_why() {
        let view = Board::default().view();
        let reasons = view.readiness.reasons();
        let expected = ["sources", "store", "forge"].map(|what| (what, "not tried yet"));
        assert_eq!(reasons, expected);
    }

    #[test]
    fn runs_are_bounded() {
        let board = Board::default();
        for at in 0..MAX_RUNS + 3 {
            let run = RunRecord {
                id: at.to_string(),
                ..RunRecord::default()
            };
            board.update(|view| view.runs.push_front(Arc::new(run)));
        }
        let view = board.view();
        assert_eq!(view.runs.len(), MAX_RUNS);
        assert_eq!(view.runs[0].id, (MAX_RUNS + 2).to_string(), "the newest are kept");
        board.update(|view| view.started = 1);
        let counted: u64 = board.totals().runs.values().sum();
        assert_eq!(counted, MAX_RUNS as u64 + 3, "each is counted once");
    }
}
