//! The one that applies: takes what waits, reconciles, and says what matters from now on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::ReconcileError;
use super::interest::Interest;
use super::queue::{Queue, Taken, TriggerKind, Work};
use super::reconcile::Reconciler;
use super::settings::Settings;
use super::watch::{Watched, Watcher};
use super::{history, now};
use crate::board::{Board, Outcome, RunRecord};

/// The pause before what failed is tried again; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Takes what waits and reconciles, on a thread of its own.
pub struct Applier {
    pub file: PathBuf,
    pub settings: Settings,
    pub reconciler: Reconciler,
    pub queue: Arc<Queue>,
    pub board: Arc<Board>,
    pub watcher: Watcher,
    pub reloaded: Box<dyn Fn(&Settings) + Send>,
}

impl Applier {
    /// Works until the queue is closed.
    pub fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        let mut again = None;
        self.attend();
        loop {
            let work = match self.queue.take(again) {
                Taken::Closed => return,
                Taken::Work(work) => work,
                Taken::Nothing => retry(),
            };
            let failed = self.one(&work);
            if failed {
                again = Some(Instant::now() + pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            } else {
                (again, pause) = (None, FIRST_PAUSE);
            }
        }
    }

    /// Makes one run; tells whether it is worth to try again.
    fn one(&mut self, work: &Work) -> bool {
        if work.kinds.contains(&TriggerKind::Reload)
            && let Err(error) = self.reload()
        {
            self.refused(work, &error.to_string());
            // What else waits is done by the settings that there are.
            if work.kinds.len() == 1 {
                return false;
            }
        }
        let done = self.reconciler.reconcile(work);
        let stopped = self.reconciler.fence.is_stopping();
        self.keep(done.record);
        self.attend();
        done.again && !stopped
    }

    /// Reads the configuration and the rules anew.
    fn reload(&mut self) -> Result<(), ReconcileError> {
        let settings = Settings::read(&self.file)?;
        for key in self.settings.fixed_since_start(&settings) {
            tracing::warn!("`{key}` has changed: it counts from the next start on");
        }
        self.reconciler.reload(&settings)?;
        (self.reloaded)(&settings);
        settings.warn_of_secrets();
        self.settings = settings;
        tracing::info!("the configuration and the rules were read anew");
        Ok(())
    }

    /// Says that the settings that are there now are not taken on.
    fn refused(&mut self, work: &Work, error: &str) {
        for line in error.lines() {
            tracing::error!("{line}");
        }
        tracing::error!("the configuration or the rules are wrong: those from before stay in force");
        let record = RunRecord {
            id: self.reconciler.next_id(),
            trigger: TriggerKind::Reload.name().to_owned(),
            because: work.because.iter().cloned().collect(),
            started: now(),
            outcome: Outcome::Failed,
            error: Some(format!("refused, those from before stay in force: {error}")),
            ..RunRecord::default()
        };
        self.keep(record);
    }

    fn keep(&self, record: RunRecord) {
        history::keep(self.reconciler.run.store(), &record);
        self.board.update(|view| view.runs.push_front(Arc::new(record)));
    }

    /// Says what webhooks and files matter from now on.
    fn attend(&mut self) {
        let config = &self.reconciler.run.config();
        let (mut interest, mut watched) = (Interest::of_config(config), Watched::default());
        interest.read_from(self.reconciler.ci_branch());
        watched.settings(&self.file, &self.settings);
        watched.sources(config, &self.reconciler.known);
        for (release, known) in &self.reconciler.known {
            let components = known.components.iter();
            interest.add(
                *release,
                components.map(|(repo, origin)| (repo, origin.branch.as_str())),
            );
        }
        for shown in &self.board.view().pull_requests {
            if let (Some(url), Ok(release)) = (&shown.url, shown.scope.release.parse()) {
                interest.request(&shown.scope.repo, url, release);
            }
        }
        if !self.reconciler.known.is_empty() {
            interest.complete();
        }
        self.queue.set_interest(interest);
        self.watcher.watch(watched);
    }
}

fn retry() -> Work {
    Work {
        kinds: [TriggerKind::Retry].into(),
        whole: true,
        ..Work::default()
    }
}
