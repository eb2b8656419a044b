//! HTTP: webhook, health, metrics, API and pages. Reads the daemon's [`Board`] and writes nothing.
//!
//! [`Server::router`] has the routes; [`listen::serve`] answers them on a socket, with bounds on how many connections
//! there are, how long a request may take to arrive and how large it may be.

#![expect(
    clippy::disallowed_methods,
    reason = "it listens, knows the time, and reads its secrets from files"
)]

mod answer;
mod api;
mod guard;
mod health;
pub mod listen;
mod metrics;
mod pages;
mod room;
pub mod secret;
pub mod standing;
pub mod triggers;
mod webhook;
#[doc(hidden)]
pub use webhook::delivered;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::sync::Semaphore;

use crate::board::{Board, Time};
use crate::config;
pub use triggers::{Event, EventKind, Told, Triggers};

/// How long and how large requests may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long the head of a request may take to arrive; a connection without a request is closed after it, too.
    pub head: Duration,
    /// How long the body of a request may take to arrive.
    pub body: Duration,
    /// The most bytes of a head, request line included.
    pub head_bytes: usize,
    /// The most bytes of a request's path and query.
    pub uri_bytes: usize,
    /// The most bytes of a body: GitHub's own bound for its deliveries.
    pub body_bytes: usize,
    /// The most connections at once.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            body: Duration::from_secs(30),
            head_bytes: 32 << 10,
            uri_bytes: 4 << 10,
            body_bytes: 25 << 20,
            connections: 256,
        }
    }
}

/// What every answer is made from.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    board: Arc<Board>,
    triggers: Arc<dyn Triggers>,
    config: RwLock<Arc<config::Server>>,
    limits: Limits,
    /// Deliveries by event and the status that they were answered with.
    deliveries: Mutex<BTreeMap<(String, u16), u64>>,
    /// Room for bodies that are being received, in MiB.
    bodies: Semaphore,
}

/// How many MiB of bodies are held at once.
const BODIES_MIB: usize = 64;

impl Server {
    /// A server that answers from a board and tells of webhooks.
    pub fn new(board: Arc<Board>, triggers: Arc<dyn Triggers>, config: config::Server, limits: Limits) -> Self {
        Self {
            inner: Arc::new(Inner {
                board,
                triggers,
                config: RwLock::new(Arc::new(config)),
                deliveries: Mutex::default(),
                limits,
                bodies: Semaphore::new(BODIES_MIB),
            }),
        }
    }

    /// Takes a changed configuration; where the server listens stays as it is.
    pub fn reconfigure(&self, config: config::Server) {
        *self.inner.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    fn config(&self) -> Arc<config::Server> {
        Arc::clone(&self.inner.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How long and how large requests may be.
    pub fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// The routes. What stands beside `guard::access` is open to everybody.
    pub fn router(self) -> Router {
        let shown = api::routes()
            .merge(pages::routes())
            .route("/metrics", get(metrics::metrics));
        let shown = shown.route_layer(from_fn_with_state(self.clone(), guard::access));
        Router::new()
            .merge(shown)
            .merge(pages::assets_of_pages())
            .route("/healthz", get(health::alive))
            .route("/readyz", get(health::ready))
            .route("/webhook/github", post(webhook::receive))
            .fallback(not_found)
            .layer(from_fn_with_state(self.clone(), guard::bounds))
            .layer(from_fn(guard::headers))
            .with_state(self)
    }
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "nothing is here\n").into_response()
}

impl Inner {
    /// Counts a delivery, and gives the count. Events that GitHub does not have count as one, so that nobody can make up
    /// labels.
    fn count_delivery(&self, event: &str, status: u16) -> u64 {
        let event = if webhook::EVENTS.contains(&event) {
            event
        } else {
            "other"
        };
        let mut deliveries = self.deliveries.lock().unwrap_or_else(PoisonError::into_inner);
        let count = deliveries.entry((event.to_owned(), status)).or_default();
        *count += 1;
        *count
    }

    fn deliveries(&self) -> BTreeMap<(String, u16), u64> {
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Seconds since 1970-01-01.
fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| Time::try_from(since.as_secs()).unwrap_or(Time::MAX))
}
