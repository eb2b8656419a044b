//! HTTP: webhook, health, metrics, API and pages. Reads the daemon's [`Board`] and writes nothing.

pub mod triggers;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::daemon::board::Board;
pub use triggers::{Event, Told, Triggers};

/// What every answer is made from.
#[derive(Clone)]
pub struct Server {
    /// What the daemon knows.
    pub board: Arc<Board>,
    /// Who is told of webhooks.
    pub triggers: Arc<dyn Triggers>,
}

impl Server {
    /// The routes.
    pub fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(|| async { "alive\n" }))
            .with_state(self)
    }
}
