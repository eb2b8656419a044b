//! Alive, and ready or why not.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::api::Reason;
use super::{Server, answer};

/// `/healthz`: whoever answers is alive.
pub(super) async fn alive() -> Response {
    ([(CACHE_CONTROL, "no-store")], "alive\n").into_response()
}

/// What `/readyz` answers.
#[derive(Serialize)]
struct Ready {
    ready: bool,
    reasons: Vec<Reason>,
    /// Whether this replica writes.
    writes: bool,
    generation: u64,
    queue_length: usize,
}

/// `/readyz`: whether the daemon does its work, or why not. A replica that another one writes for is ready.
pub(super) async fn ready(State(server): State<Server>) -> Response {
    let view = server.inner.board.view();
    let reasons: Vec<Reason> = view.reasons().into_iter().map(Reason::from).collect();
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let ready = Ready {
        ready: reasons.is_empty(),
        reasons,
        writes: view.lease.writes(),
        generation: view.generation,
        queue_length: server.inner.board.queue_length(),
    };
    ([(CACHE_CONTROL, "no-store")], answer::json(status, &ready)).into_response()
}
