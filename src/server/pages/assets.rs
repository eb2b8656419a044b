//! The style sheet and its marks. Their addresses carry a digest, so that browsers may keep them for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

const CSS: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

const ASSETS: [(&str, &str, &str); 8] = [
    ("style.css", CSS, include_str!("assets/style.css")),
    ("check.svg", SVG, include_str!("assets/check.svg")),
    ("differs.svg", SVG, include_str!("assets/differs.svg")),
    ("request.svg", SVG, include_str!("assets/request.svg")),
    ("clock.svg", SVG, include_str!("assets/clock.svg")),
    ("cross.svg", SVG, include_str!("assets/cross.svg")),
    ("dash.svg", SVG, include_str!("assets/dash.svg")),
    ("icon.svg", SVG, include_str!("assets/icon.svg")),
];

/// What changes when any of them does.
static DIGEST: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = Sha256::new();
    for (_, _, text) in ASSETS {
        hasher.update(text);
    }
    hasher
        .finalize()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
});

/// The address of one.
pub(super) fn address(name: &str) -> String {
    format!("/assets/{name}?{}", *DIGEST)
}

/// Answers with one of them.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let Some((_, kind, text)) = ASSETS.into_iter().find(|(known, ..)| *known == name) else {
        return (StatusCode::NOT_FOUND, "nothing is here\n").into_response();
    };
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, text).into_response()
}
