//! `/api/v1`: what the board says, for programs. `openapi.json` describes every answer; a test holds the two together.

mod openapi;
mod results;
mod status;
mod views;

use std::str::FromStr;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde::{Deserialize, Serialize};

use super::{Server, answer};
use crate::base::Release;
use crate::board::View;
use crate::finding::{Finding, Severity};
use results::{ResultsAnswer, StreamAnswer};
pub(super) use status::Reason;
use status::Status;
use views::{Fault, ImpactAnswer, PlanAnswer, PullRequest, ReleaseSummary, Verification};

/// The most runs that are answered at once.
const MAX_LIMIT: usize = 500;

/// The routes.
pub(super) fn routes() -> Router<Server> {
    Router::new()
        .route("/api/v1/openapi.json", get(openapi))
        .route("/api/v1/releases", get(releases))
        .route("/api/v1/build-config/{release}", get(build_config))
        .route("/api/v1/plan", get(plan))
        .route("/api/v1/runs", get(runs))
        .route("/api/v1/findings", get(findings))
        .route("/api/v1/pull-requests", get(pull_requests))
        .route("/api/v1/cuts", get(cuts))
        .route("/api/v1/results", get(results))
        .route("/api/v1/payloads", get(payloads))
        .route("/api/v1/verification", get(verification))
        .route("/api/v1/verification/{release}", get(verification_of))
        .route("/api/v1/impact", get(impacts))
        .route("/api/v1/impact/{org}/{repo}/{number}", get(impact))
        .route("/api/v1/status", get(status))
        .route("/api/{*rest}", get(nothing))
}

async fn openapi(State(server): State<Server>, headers: HeaderMap) -> Response {
    about(&server, &headers, |_| bytes(&openapi::document()))
}

async fn releases(State(server): State<Server>, headers: HeaderMap) -> Response {
    about(&server, &headers, |view| bytes(&ReleaseSummary::all(view)))
}

async fn build_config(State(server): State<Server>, headers: HeaderMap, Path(release): Path<String>) -> Response {
    about(&server, &headers, |view| {
        let release = read::<Release>(&release)?;
        let shown = view
            .releases
            .get(&release)
            .ok_or_else(|| Fault::missing(&release.to_string()))?;
        let config = shown.build_config.as_deref();
        bytes(config.ok_or_else(|| Fault::not_derived(release, shown.error.as_deref()))?)
    })
}

async fn plan(State(server): State<Server>, headers: HeaderMap) -> Response {
    // Differences of thousands of files take a while; other answers must not wait for it.
    let made = tokio::task::spawn_blocking(move || about(&server, &headers, |view| bytes(&PlanAnswer::of(view))));
    made.await
        .unwrap_or_else(|error| answer::failed(&format!("the plan could not be written: {error}")))
}

/// A query that may make no sense.
type Asked<T> = Result<Query<T>, QueryRejection>;

fn asked<T>(query: Asked<T>) -> Result<T, Fault> {
    let Query(query) = query.map_err(|rejection| {
        let text = rejection.body_text();
        let (_, why) = text.split_once(": ").unwrap_or(("", &text));
        Fault::wrong(&format!("the query makes no sense: {why}"))
    })?;
    Ok(query)
}

/// Which runs.
#[derive(Deserialize)]
struct RunsQuery {
    limit: Option<usize>,
}

async fn runs(State(server): State<Server>, headers: HeaderMap, query: Asked<RunsQuery>) -> Response {
    about(&server, &headers, |view| {
        let limit = asked(query)?.limit.unwrap_or(100).min(MAX_LIMIT);
        bytes(&view.runs.iter().take(limit).collect::<Vec<_>>())
    })
}

/// Which findings.
#[derive(Deserialize)]
struct FindingsQuery {
    release: Option<String>,
    severity: Option<String>,
    code: Option<String>,
}

async fn findings(State(server): State<Server>, headers: HeaderMap, query: Asked<FindingsQuery>) -> Response {
    about(&server, &headers, |view| {
        let query = asked(query)?;
        let severity = query.severity.as_deref().map(severity).transpose()?;
        let wanted = |finding: &&Finding| {
            query
                .release
                .as_ref()
                .is_none_or(|release| finding.release.as_ref() == Some(release))
                && query.code.as_ref().is_none_or(|code| finding.code == *code)
                && severity.is_none_or(|severity| finding.severity == severity)
        };
        bytes(&view.plan.findings.iter().filter(wanted).collect::<Vec<_>>())
    })
}

async fn pull_requests(State(server): State<Server>, headers: HeaderMap) -> Response {
    about(&server, &headers, |view| bytes(&PullRequest::all(view)))
}

async fn cuts(State(server): State<Server>, headers: HeaderMap) -> Response {
    about(&server, &headers, |view| bytes(&view.trains))
}

/// Which results.
#[derive(Deserialize)]
struct ResultsQuery {
    release: Option<String>,
    image: Option<String>,
}

async fn results(State(server): State<Server>, headers: HeaderMap, query: Asked<ResultsQuery>) -> Response {
    about(&server, &headers, |view| {
        let ResultsQuery { release, image } = asked(query)?;
        let answer = ResultsAnswer::of(view, release.as_deref(), image.as_deref());
        bytes(&answer.ok_or_else(Fault::no_results)?)
    })
}

async fn payloads(State(server): State<Server>, headers: HeaderMap) -> Response {
    about(&server, &headers, |view| {
        bytes(&StreamAnswer::all(view).ok_or_else(Fault::no_results)?)
    })
}

async fn verification(State(server): State<Server>, headers: HeaderMap) -> Response {
    about(&server, &headers, |view| bytes(&Verification::of(view)))
}

async fn verification_of(State(server): State<Server>, headers: HeaderMap, Path(release): Path<String>) -> Response {
    about(&server, &headers, |view| {
        let release = read::<Release>(&release)?;
        let verified = view.verified.as_ref();
        match verified.and_then(|verified| verified.releases.get(&release)) {
            Some(one) => bytes(one),
            None if !view.releases.contains_key(&release) => Err(Fault::missing(&release.to_string())),
            None => Err(Fault::not_verified(
                release,
                verified.map(|verified| verified.unknown.as_deref()),
            )),
        }
    })
}

async fn impacts(State(server): State<Server>, headers: HeaderMap) -> Response {
    about(&server, &headers, |view| bytes(&ImpactAnswer::of(&view.impacts)))
}

async fn impact(
    State(server): State<Server>,
    headers: HeaderMap,
    Path((org, repo, number)): Path<(String, String, String)>,
) -> Response {
    about(&server, &headers, |view| {
        let name = format!("{org}/{repo}#{}", read::<u64>(&number)?);
        let answer = view.impacts.answers.get(&name);
        Ok(answer.ok_or_else(|| Fault::unanswered(&name))?.as_bytes().to_vec())
    })
}

async fn status(State(server): State<Server>, headers: HeaderMap) -> Response {
    about(&server, &headers, |view| bytes(&Status::of(view)))
}

async fn nothing() -> Response {
    let fault = Fault::nothing();
    answer::json(fault.status(), &fault)
}

/// Answers about what is posted now, unless the asker has it.
fn about(server: &Server, headers: &HeaderMap, make: impl FnOnce(&View) -> Result<Vec<u8>, Fault>) -> Response {
    let view = server.inner.board.view();
    let tag = answer::tag(&view, 0);
    if answer::is_known(headers, &tag) {
        return answer::unchanged(&tag);
    }
    match make(&view) {
        Ok(bytes) => answer::named(answer::typed(StatusCode::OK, answer::JSON, bytes), &tag),
        Err(fault) => answer::json(fault.status(), &fault),
    }
}

fn bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value).map_err(|error| Fault::ours(&error.to_string()))
}

fn read<T: FromStr<Err: ToString>>(text: &str) -> Result<T, Fault> {
    text.parse().map_err(|error: T::Err| Fault::wrong(&error.to_string()))
}

fn severity(text: &str) -> Result<Severity, Fault> {
    match text {
        "error" => Ok(Severity::Error),
        "warning" => Ok(Severity::Warning),
        "note" => Ok(Severity::Note),
        _ => Err(Fault::wrong("`severity` is `error`, `warning` or `note`")),
    }
}
