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
    crate::base::text::hex(&hasher.finalize()[..6])
});

/// What is drawn for a state's class, as the style sheet has it: to be drawn within another picture.
pub(super) fn shape(class: &str) -> &'static str {
    let name = match class {
        "ok" => "check.svg",
        "df" => "differs.svg",
        "wt" => "clock.svg",
        "pr" => "request.svg",
        "br" => "cross.svg",
        _ => "dash.svg",
    };
    let found = ASSETS.iter().find(|(known, ..)| *known == name);
    let text = found.map_or("", |(_, _, text)| *text).trim_end();
    let inside = text.split_once('>').map_or("", |(_, rest)| rest);
    inside.strip_suffix("</svg>").unwrap_or_default()
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_a_shape_of_its_own() {
        let classes = ["ok", "df", "wt", "pr", "br", "no"];
        let shapes: std::collections::BTreeSet<&str> = classes.iter().map(|class| shape(class)).collect();
        assert_eq!(shapes.len(), classes.len());
        for class in classes {
            let of_style =
                format!(".{class} {{ --mark: var(--{class}); --back: var(--{class}-back); --shape: url(/assets/");
            let (_, rest) = ASSETS[0].2.split_once(&of_style).unwrap();
            let name = rest.split(')').next().unwrap();
            let (_, _, text) = ASSETS.iter().find(|(known, ..)| *known == name).unwrap();
            assert!(text.contains(shape(class)), "{class} is {name} in the style sheet");
            assert!(
                shape(class).starts_with('<') && !shape(class).contains("svg"),
                "{class}"
            );
        }
    }
}
