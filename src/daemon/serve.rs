//! Starts everything, and ends it again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use chrono::Utc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::applier::Applier;
use super::fence::Fence;
use super::lease::{Keeper, LeaseError, Parts};
use super::lock::{self, Taken};
use super::queue::{Queue, Trigger, TriggerKind};
use super::reconcile::Reconciler;
use super::relay::Relay;
use super::schedule::Ticker;
use super::settings::Settings;
use super::watch::Watcher;
use super::{history, now};
use crate::board::{Board, Lease, View};
use crate::config;
use crate::github;
use crate::server::{Limits, Server, Triggers, listen};
use crate::store::{Store, WarningKind};

/// How long the write at hand may take once the end has come: with what follows it stays below 20 s.
const GRACE: Duration = Duration::from_secs(12);
/// How long answers may take that are being given then.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Why the service ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Told,
    Interrupted,
    /// Nobody told it to: what makes runs is gone.
    Applier,
}

impl End {
    fn words(self) -> &'static str {
        match self {
            Self::Told => "told to end",
            Self::Interrupted => "interrupted",
            Self::Applier => "the applier has ended by itself",
        }
    }
}

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another service works with the same state.
    #[error(
        "another `lockstep serve` uses the state in {} ({who}): stop it, or name another `state` for this one",
        state.display()
    )]
    InUse {
        /// The state's directory.
        state: PathBuf,
        /// Who it is.
        who: String,
    },
    /// The state is of a newer version.
    #[error("{0}")]
    NewerState(String),
    /// It cannot listen.
    #[error("cannot listen on {listen}: {error}; free it, or name another `listen`")]
    Listen {
        /// The address.
        listen: std::net::SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// Something that the system does not give.
    #[error("{what}: {error}")]
    System {
        /// What was being done.
        what: &'static str,
        /// What the system said.
        error: std::io::Error,
    },
    /// What makes runs is gone.
    #[error("{}", End::Applier.words())]
    Applier,
    /// The client for GitHub's API cannot be made.
    #[error(transparent)]
    GitHub(#[from] github::Fault),
    /// The lease cannot be looked for.
    #[error(transparent)]
    Lease(#[from] LeaseError),
}

/// Runs until it is told to end. `observe`: it does everything but write, and asks for no lease.
///
/// # Errors
/// It cannot start.
pub fn serve(file: &Path, settings: Settings, observe: bool) -> Result<(), ServeError> {
    let _lock = lock_state(&settings.config.state)?;
    let store = open_store(&settings.config.state)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(system("starting the threads of the server"))?;
    settings.warn_of_secrets();
    let listen = settings.config.listen;
    let listener = runtime.block_on(TcpListener::bind(listen));
    let listener = listener.map_err(|error| ServeError::Listen { listen, error })?;
    let lease = settings.config.lease.clone().filter(|_| !observe);
    let view = View {
        started: now(),
        runs: history::kept(&store),
        lease: match lease {
            _ if observe => Lease::Observing,
            Some(_) => Lease::Unknown("not asked for yet".to_owned()),
            None => Lease::Alone,
        },
        ..View::default()
    };
    let fence = match lease {
        _ if observe => Fence::observing(),
        Some(_) => Fence::leased(),
        None => Fence::alone(),
    };
    if observe {
        tracing::info!("it only observes: nothing is written, and no lease is asked for");
    }
    let board = Arc::new(Board::new(view));
    let relay = lease.as_ref().map(|_| Arc::default());
    let queue = Arc::new(Queue::new(Arc::clone(&board)).with_relay(relay.clone()));
    let triggers = Arc::clone(&queue) as Arc<dyn Triggers>;
    let access = settings.config.server.clone();
    let started = Started {
        server: Server::new(Arc::clone(&board), triggers, access, Limits::default()),
        queue,
        board,
        fence,
    };
    let reconciler = Reconciler::new(&settings, store, Arc::clone(&started.fence), Arc::clone(&started.board))?;
    let schedule = watch::channel(settings.config.schedule.clone());
    let keeper = match lease.as_ref().zip(relay) {
        Some((lease, relay)) => Some(runtime.block_on(started.keeper(lease, relay))?),
        None => None,
    };
    let work = started.start(file, settings, reconciler, schedule.0)?;
    let ended = runtime.block_on(started.attend(listener, schedule.1, work, keeper));
    runtime.shutdown_timeout(LAST_ANSWERS);
    ended
}

fn system(what: &'static str) -> impl Fn(std::io::Error) -> ServeError {
    move |error| ServeError::System { what, error }
}

/// Makes sure that no other service works with this state.
fn lock_state(state: &Path) -> Result<Option<Taken>, ServeError> {
    match lock::take(state) {
        taken @ Taken::Ours(_) => Ok(Some(taken)),
        Taken::Other(who) => Err(ServeError::InUse {
            state: state.to_owned(),
            who,
        }),
        Taken::Impossible(error) => {
            tracing::warn!(
                "the state in {} cannot be locked ({error}): make sure yourself that this is the only service that writes",
                state.display()
            );
            Ok(None)
        }
    }
}

fn open_store(state: &Path) -> Result<Store, ServeError> {
    let (store, warning) = Store::open(state);
    match warning {
        Some(warning) if warning.kind == WarningKind::Newer => Err(ServeError::NewerState(warning.message)),
        Some(warning) => {
            tracing::warn!("{warning}");
            Ok(store)
        }
        None => Ok(store),
    }
}

/// What the parts of the daemon share.
struct Started {
    queue: Arc<Queue>,
    board: Arc<Board>,
    fence: Arc<Fence>,
    server: Server,
}

impl Started {
    /// Starts the applier on a thread of its own; what is given back ends when it does.
    fn start(
        &self,
        file: &Path,
        settings: Settings,
        reconciler: Reconciler,
        schedule: watch::Sender<String>,
    ) -> Result<mpsc::Receiver<()>, ServeError> {
        let server = self.server.clone();
        let applier = Applier {
            file: file.to_owned(),
            settings,
            reconciler,
            queue: Arc::clone(&self.queue),
            board: Arc::clone(&self.board),
            watcher: Watcher::new(Arc::clone(&self.queue)),
            reloaded: Box::new(move |settings| {
                schedule.send_replace(settings.config.schedule.clone());
                server.reconfigure(settings.config.server.clone());
            }),
        };
        self.queue.push(Trigger::whole(TriggerKind::Start, ""));
        let (sender, ended) = mpsc::channel();
        let thread = std::thread::Builder::new().name("applier".to_owned()).spawn(move || {
            // Dropped when the thread ends, in whatever way.
            let _ends = sender;
            applier.run();
        });
        thread.map_err(system("starting the applier"))?;
        Ok(ended)
    }

    /// Answers, ticks and listens to signals until it is told to end.
    async fn attend(
        &self,
        listener: TcpListener,
        schedule: watch::Receiver<String>,
        work: mpsc::Receiver<()>,
        keeper: Option<Keeper>,
    ) -> Result<(), ServeError> {
        let mut term = signal(SignalKind::terminate()).map_err(system("listening to signals"))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(system("listening to signals"))?;
        let hangup = signal(SignalKind::hangup()).map_err(system("listening to signals"))?;
        let address = listener.local_addr().map_err(system("listening"))?;
        let (stop, stopped) = watch::channel(false);
        let keeper = keeper.map(|keeper| tokio::spawn(keeper.keep(stopped.clone())));
        let server = tokio::spawn(answer(listener, self.server.clone(), stopped));
        tokio::spawn(tick(Arc::clone(&self.queue), schedule));
        tokio::spawn(reload_on(hangup, Arc::clone(&self.queue)));
        tracing::info!("listening on http://{address}");
        let mut gone = tokio::task::spawn_blocking(move || work.recv());
        let why = tokio::select! {
            _ = term.recv() => End::Told,
            _ = interrupt.recv() => End::Interrupted,
            _ = &mut gone => End::Applier,
        };
        self.end(why, gone).await;
        let _ = stop.send(true);
        if let Some(keeper) = keeper {
            let _ = tokio::time::timeout(LAST_ANSWERS, keeper).await;
        }
        let _ = tokio::time::timeout(LAST_ANSWERS, server).await;
        if why == End::Applier {
            return Err(ServeError::Applier);
        }
        tracing::info!("ended");
        Ok(())
    }

    async fn keeper(&self, lease: &config::Lease, relay: Arc<Relay>) -> Result<Keeper, ServeError> {
        let parts = Parts {
            fence: Arc::clone(&self.fence),
            board: Arc::clone(&self.board),
            queue: Arc::clone(&self.queue),
            relay,
        };
        Ok(Keeper::new(lease, parts).await?)
    }

    /// Lets the write at hand finish; nothing is begun any more. What is left is in the journal, and at the forge.
    async fn end<T>(&self, why: End, applier: tokio::task::JoinHandle<T>) {
        let started = Instant::now();
        tracing::info!("{}: finishing the write at hand", why.words());
        self.fence.stop();
        self.board.update(|view| view.readiness.stopping = true);
        self.queue.close();
        if applier.is_finished() {
            return;
        }
        match tokio::time::timeout(GRACE, applier).await {
            Ok(_) => tracing::info!("the applier has ended after {:.1} s", started.elapsed().as_secs_f64()),
            Err(_) => tracing::warn!("the applier is still at work; what it was writing is in the journal"),
        }
    }
}

/// Answers until it is told to stop.
async fn answer(listener: TcpListener, server: Server, mut stopped: watch::Receiver<bool>) {
    let stop = async move {
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    listen::serve(server, listener, stop, LAST_ANSWERS).await;
}

/// Pushes a full run whenever the schedule says so.
async fn tick(queue: Arc<Queue>, mut schedule: watch::Receiver<String>) {
    loop {
        let text = schedule.borrow_and_update().clone();
        let Some(mut ticker) = Ticker::new(&text, Utc::now()) else {
            tracing::error!("`schedule: {text}` cannot be read");
            return;
        };
        loop {
            tokio::select! {
                () = tokio::time::sleep(ticker.pause(Utc::now())) => {
                    if ticker.is_due(Utc::now()) {
                        queue.push(Trigger::whole(TriggerKind::Schedule, ""));
                    }
                }
                changed = schedule.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
            }
        }
    }
}

/// Pushes a reload at every SIGHUP.
async fn reload_on(mut hangup: tokio::signal::unix::Signal, queue: Arc<Queue>) {
    while hangup.recv().await.is_some() {
        queue.push(Trigger::whole(TriggerKind::Reload, "SIGHUP"));
    }
}
