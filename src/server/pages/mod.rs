//! Pages for people who would rather look than read. Made whole here: they work without scripts and ask no other host.

mod assets;
mod builds;
mod diff;
mod drift;
mod frame;
mod graph;
mod image;
mod impact;
mod links;
mod matrix;
mod others;
mod payloads;
mod runs;
mod verify;
mod words;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use minijinja::Value;

use super::{Server, answer, now};
use crate::board::{Time, View};

/// The routes.
pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/", get(matrix))
        .route("/images/{key}", get(newest))
        .route("/images/{key}/{release}", get(image))
        .route("/drift", get(drift))
        .route("/pull-requests", get(requests))
        .route("/runs", get(runs))
        .route("/findings", get(findings))
        .route("/graph", get(graph))
        .route("/results", get(results))
        .route("/payloads", get(payloads))
        .route("/cut", get(cut))
        .route("/verify", get(verified))
        .route("/verify/{release}", get(verify))
        .route("/impact", get(impacts))
        .route("/impact/{org}/{repo}/{number}", get(one_impact))
}

/// The routes of style sheets and pictures; they say nothing of what is shown.
pub(super) fn assets_of_pages() -> Router<Server> {
    Router::new().route("/assets/{name}", get(assets::asset))
}

async fn matrix(State(server): State<Server>, headers: HeaderMap, Query(query): Query<matrix::Filter>) -> Response {
    page(&server, &headers, "matrix.html", |look| {
        Some(frame::value(matrix::Matrix::of(look, query)))
    })
}

async fn newest(State(server): State<Server>, Path(key): Path<String>) -> Response {
    match image::newest(&server.inner.board.view(), &key) {
        Some(address) => Redirect::to(&address).into_response(),
        None => missing(&server),
    }
}

async fn image(State(server): State<Server>, headers: HeaderMap, Path(path): Path<(String, String)>) -> Response {
    page(&server, &headers, "image.html", |look| {
        image::ImagePage::of(look, &path.0, &path.1).map(frame::value)
    })
}

async fn drift(State(server): State<Server>, headers: HeaderMap, Query(query): Query<drift::Filter>) -> Response {
    page(&server, &headers, "drift.html", |look| {
        Some(frame::value(drift::Drift::of(look, query)))
    })
}

async fn requests(State(server): State<Server>, headers: HeaderMap) -> Response {
    page(&server, &headers, "requests.html", |look| {
        Some(frame::value(others::Requests::of(look)))
    })
}

async fn runs(State(server): State<Server>, headers: HeaderMap, Query(query): Query<runs::Which>) -> Response {
    page(&server, &headers, "runs.html", |look| {
        Some(frame::value(runs::Runs::of(look, &query)))
    })
}

async fn findings(State(server): State<Server>, headers: HeaderMap, Query(query): Query<others::Which>) -> Response {
    page(&server, &headers, "findings.html", |look| {
        Some(frame::value(others::Findings::of(look, query)))
    })
}

async fn graph(State(server): State<Server>, headers: HeaderMap, Query(query): Query<graph::Which>) -> Response {
    page(&server, &headers, "graph.html", |look| {
        graph::Picture::of(look, query).map(frame::value)
    })
}

async fn cut(State(server): State<Server>, headers: HeaderMap) -> Response {
    page(&server, &headers, "cut.html", |look| {
        Some(frame::value(others::Cut::of(look)))
    })
}

async fn results(State(server): State<Server>, headers: HeaderMap, Query(query): Query<builds::Which>) -> Response {
    page(&server, &headers, "results.html", |look| {
        Some(frame::value(builds::Results::of(look, query)))
    })
}

async fn payloads(State(server): State<Server>, headers: HeaderMap) -> Response {
    page(&server, &headers, "payloads.html", |look| {
        Some(frame::value(payloads::Payloads::of(look)))
    })
}

async fn verified(State(server): State<Server>, headers: HeaderMap) -> Response {
    page(&server, &headers, "verified.html", |look| {
        Some(frame::value(verify::All::of(look)))
    })
}

async fn verify(State(server): State<Server>, headers: HeaderMap, Path(release): Path<String>) -> Response {
    page(&server, &headers, "verify.html", |look| {
        verify::One::of(look, &release).map(frame::value)
    })
}

async fn impacts(State(server): State<Server>, headers: HeaderMap, Query(query): Query<impact::Which>) -> Response {
    page(&server, &headers, "impact.html", |look| {
        Some(frame::value(impact::Impacts::of(look, query)))
    })
}

async fn one_impact(
    State(server): State<Server>,
    headers: HeaderMap,
    Path((org, repo, number)): Path<(String, String, String)>,
) -> Response {
    page(&server, &headers, "impact-one.html", |look| {
        let number = number.parse().ok()?;
        impact::One::of(look, &format!("{org}/{repo}"), number).map(frame::value)
    })
}

/// One moment at which somebody looks.
struct Moment<'v> {
    view: &'v View,
    now: Time,
}

impl Moment<'_> {
    /// How long ago something was.
    fn ago(&self, then: Time) -> String {
        words::span(self.now - then)
    }
}

/// Makes a page about what is posted now, unless the asker has it. Ages are told in minutes, so it changes with them.
fn page(
    server: &Server,
    headers: &HeaderMap,
    template: &str,
    make: impl FnOnce(&Moment<'_>) -> Option<Value>,
) -> Response {
    let view = server.inner.board.view();
    let now = now();
    let tag = answer::tag(&view, now / 60);
    if answer::is_known(headers, &tag) {
        return answer::unchanged(&tag);
    }
    let look = Moment { view: &view, now };
    let Some(content) = make(&look) else {
        return missing(server);
    };
    match frame::render(template, &look, server.inner.board.queue_length(), content) {
        Ok(html) => answer::named(answer::typed(StatusCode::OK, answer::HTML, html), &tag),
        Err(error) => answer::failed(&format!("the page {template} could not be made: {error:#}")),
    }
}

/// The page of what is not there.
pub(super) fn missing(server: &Server) -> Response {
    let view = server.inner.board.view();
    let look = Moment {
        view: &view,
        now: now(),
    };
    match frame::render(
        "missing.html",
        &look,
        server.inner.board.queue_length(),
        Value::from(()),
    ) {
        Ok(html) => answer::typed(StatusCode::NOT_FOUND, answer::HTML, html),
        Err(error) => answer::failed(&format!("the page missing.html could not be made: {error:#}")),
    }
}
