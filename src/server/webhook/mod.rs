//! `/webhook/github`: takes deliveries that are signed, and only tells the daemon to look sooner.

mod payload;

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::{BODIES_MIB, Server, Told, secret};
use crate::base::text::terminal;
use payload::Read;

/// The events that something is done about.
pub(super) const EVENTS: [&str; 11] = [
    "ping",
    "push",
    "create",
    "delete",
    "pull_request",
    "pull_request_review",
    "issue_comment",
    "check_run",
    "check_suite",
    "installation",
    "installation_repositories",
];

/// An answer that refuses.
type Refusal = (StatusCode, String);

/// Reads a delivery as one of an event, for the mutation runner (`tests/fuzz`).
pub fn delivered(event: &str, body: &[u8]) {
    drop(payload::read(event, "-", body));
}

/// Takes one delivery.
pub(super) async fn receive(State(server): State<Server>, request: Request) -> Response {
    let event = header(request.headers(), "x-github-event")
        .unwrap_or_default()
        .to_owned();
    let delivery = header(request.headers(), "x-github-delivery").unwrap_or("-").to_owned();
    let answer = take(&server, request, &event, &delivery).await;
    let (status, text) = answer.unwrap_or_else(|refusal| refusal);
    tracing::debug!(
        delivery = terminal(&delivery),
        event = terminal(&event),
        status = status.as_u16(),
        "{text}"
    );
    let count = server.inner.count_delivery(&event, status.as_u16());
    // A wrong secret is to be seen; whoever sends nonsense for hours does not fill the log with it.
    if status.is_client_error() && count.is_power_of_two() {
        tracing::warn!(
            event = terminal(&event),
            count,
            "a webhook's delivery was refused: {text}"
        );
    }
    let retry = [(RETRY_AFTER, "60")];
    match status {
        StatusCode::SERVICE_UNAVAILABLE => (status, retry, text + "\n").into_response(),
        _ => (status, text + "\n").into_response(),
    }
}

async fn take(server: &Server, request: Request, event: &str, delivery: &str) -> Result<Refusal, Refusal> {
    let (parts, body) = request.into_parts();
    let signature = signature(&parts.headers)?;
    if header(&parts.headers, CONTENT_TYPE.as_str()).is_none_or(|kind| !is_json(kind)) {
        return Err((
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "deliveries are JSON: set the webhook's content type to application/json".into(),
        ));
    }
    let secret = secret_of(server)?;
    let body = received(server, &parts.headers, body).await?;
    if !secret::is_signed(&secret, &body, &signature) {
        return Err((
            StatusCode::UNAUTHORIZED,
            "the signature is not that of this body".into(),
        ));
    }
    Ok(match payload::read(event, delivery, &body)? {
        Read::Ping => (StatusCode::OK, "pong".into()),
        Read::Ignored(why) => (StatusCode::ACCEPTED, format!("ignored: {why}")),
        Read::Event(event) => match server.inner.triggers.tell(event) {
            Told::Queued => (StatusCode::ACCEPTED, "queued".into()),
            Told::Foreign => (StatusCode::ACCEPTED, "ignored: nothing here reads that".into()),
            Told::Full => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the queue is full; the next full reconcile sees what this was about".into(),
            ),
        },
    })
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// The signature of `X-Hub-Signature-256`. Without one the body is not even read.
fn signature(headers: &HeaderMap) -> Result<[u8; 32], Refusal> {
    let text = header(headers, "x-hub-signature-256")
        .ok_or_else(|| (StatusCode::UNAUTHORIZED, "the delivery is not signed".to_owned()))?;
    let digits = text.strip_prefix("sha256=").unwrap_or_default();
    unhex(digits).ok_or_else(|| {
        let text = "X-Hub-Signature-256 is no signature: `sha256=` and 64 hexadecimal digits are expected";
        (StatusCode::UNAUTHORIZED, text.to_owned())
    })
}

fn unhex(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

fn secret_of(server: &Server) -> Result<Vec<u8>, Refusal> {
    let config = server.config();
    let place = config.webhook.as_ref().ok_or_else(|| {
        let text = "no deliveries are taken here: `server.webhook` names no secret";
        (StatusCode::NOT_FOUND, text.to_owned())
    })?;
    secret::read(place).map_err(|error| {
        tracing::error!("the webhook's secret: {error}");
        let text = "the webhook's secret cannot be read; the log says why";
        (StatusCode::SERVICE_UNAVAILABLE, text.to_owned())
    })
}

/// The raw body: bounded, in time as well, and only so many at once.
async fn received(server: &Server, headers: &HeaderMap, body: Body) -> Result<axum::body::Bytes, Refusal> {
    let limits = server.limits();
    let too_large = || {
        let text = format!("the body is larger than {} bytes", limits.body_bytes);
        (StatusCode::PAYLOAD_TOO_LARGE, text)
    };
    let length = header(headers, CONTENT_LENGTH.as_str()).and_then(|text| text.parse::<usize>().ok());
    if length.is_some_and(|length| length > limits.body_bytes) {
        return Err(too_large());
    }
    let mib = length
        .unwrap_or(limits.body_bytes)
        .div_ceil(1 << 20)
        .clamp(1, BODIES_MIB);
    let all = async {
        let permit = server.inner.bodies.acquire_many(u32::try_from(mib).unwrap_or(1)).await;
        let bytes = to_bytes(body, limits.body_bytes).await;
        drop(permit);
        bytes
    };
    match tokio::time::timeout(limits.body, all).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) if is_too_large(&error) => Err(too_large()),
        Ok(Err(_)) => Err((StatusCode::BAD_REQUEST, "the body ended before its end".into())),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, slow(limits.body))),
    }
}

fn slow(limit: Duration) -> String {
    format!("the body did not arrive within {} s", limit.as_secs_f32())
}

fn is_too_large(error: &axum::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}
