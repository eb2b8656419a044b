//! What stands before every answer: bounds, who may look, and the headers that keep a browser from being misused.

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Server, secret};
use crate::config::{Access, Secret};

/// Only what this server sends itself: no script, no frame, no other host, and forms come back here.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Refuses what is too long to be meant well.
pub(super) async fn bounds(State(server): State<Server>, request: Request, next: Next) -> Response {
    let length = request.uri().path_and_query().map_or(0, |uri| uri.as_str().len());
    if length > server.limits().uri_bytes {
        let text = format!(
            "the address has {length} bytes, more than the {} that are read\n",
            server.limits().uri_bytes
        );
        return (StatusCode::URI_TOO_LONG, text).into_response();
    }
    next.run(request).await
}

/// Adds the headers that go with every answer.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let fixed: [(HeaderName, &'static str); 6] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Lets in who may look.
pub(super) async fn access(State(server): State<Server>, request: Request, next: Next) -> Response {
    let config = server.config();
    let open = config.open_metrics && request.uri().path() == "/metrics";
    match &config.access {
        Access::Token(token) if !open => match shown_token(token, request.headers()) {
            Ok(()) => next.run(request).await,
            Err(refusal) => refusal,
        },
        Access::Token(_) | Access::Machine | Access::Proxy => next.run(request).await,
    }
}

fn shown_token(token: &Secret, headers: &HeaderMap) -> Result<(), Response> {
    let right = secret::read(token).map_err(|error| {
        tracing::error!("the server's token: {error}");
        let text = "the server's own token cannot be read; its log says why\n";
        (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
    })?;
    if bearer(headers).is_some_and(|shown| secret::is_token(&right, shown)) {
        return Ok(());
    }
    let challenge = [(WWW_AUTHENTICATE, "Bearer realm=\"lockstep\"")];
    let text = "a bearer token is needed: `Authorization: Bearer …`\n";
    Err((StatusCode::UNAUTHORIZED, challenge, text).into_response())
}

/// The token of an `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii())
}
