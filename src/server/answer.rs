//! Answers: JSON, pages, and not saying again what the asker has.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::board::View;

pub(super) const JSON: &str = "application/json";
pub(super) const HTML: &str = "text/html; charset=utf-8";

/// An answer that is JSON.
pub(super) fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => typed(status, JSON, bytes),
        Err(error) => failed(&format!("an answer could not be written: {error}")),
    }
}

/// An answer of a kind.
pub(super) fn typed(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    (status, [(CONTENT_TYPE, HeaderValue::from_static(kind))], body.into()).into_response()
}

/// What is wrong on our side: said in the log, not to the asker.
pub(super) fn failed(error: &str) -> Response {
    tracing::error!("{error}");
    let text = "this could not be answered; the log says why\n";
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}

/// What an answer about a view is called; `more` is what it depends on beside the view.
pub(super) fn tag(view: &View, more: i64) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("\"{version}-{:x}-{:x}-{more:x}\"", view.started, view.generation)
}

/// Whether the asker has what is called so.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut tags = known.flat_map(|value| value.split(','));
    tags.any(|known| matches!(known.trim(), known if known == "*" || known.trim_start_matches("W/") == tag))
}

/// Nothing new.
pub(super) fn unchanged(tag: &str) -> Response {
    named(StatusCode::NOT_MODIFIED.into_response(), tag)
}

/// Names an answer, so that it can be asked whether it still holds.
pub(super) fn named(mut response: Response, tag: &str) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_known_in_any_of_the_ways_to_say_so() {
        for (value, known) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", true),
            ("\"b\"", false),
            ("a", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static(value));
            assert_eq!(is_known(&headers, "\"a\""), known, "{value}");
        }
        assert!(!is_known(&HeaderMap::new(), "\"a\""));
    }
}
