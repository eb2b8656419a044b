//! The release controller's streams: what was accepted last, what was tried last, what failed, and what changed between the two.

use std::collections::BTreeMap;

use serde::Serialize;

use super::builds::{SuspectView, suspect};
use super::words::When;
use super::{Moment, links};
use crate::results::answer::{Change, FailedJob, Payload, Unread};

/// As many changes of a stream are shown.
const CHANGES: usize = 100;

/// The page.
#[derive(Serialize)]
pub(super) struct Payloads {
    known: bool,
    unread: Vec<Unread>,
    streams: Vec<Stream>,
}

/// One stream.
#[derive(Serialize)]
struct Stream {
    name: String,
    releases: Vec<String>,
    newest: Option<String>,
    newest_when: Option<When>,
    phase: String,
    class: &'static str,
    accepted: Option<String>,
    accepted_when: Option<When>,
    since: usize,
    rejected: Option<String>,
    first_rejected: Option<String>,
    failed: Vec<FailedJob>,
    changes_since: Option<String>,
    changes: Vec<ChangeView>,
    left_out: usize,
}

#[derive(Serialize)]
struct ChangeView {
    images: String,
    repository: String,
    repository_link: Option<String>,
    range: String,
    range_link: Option<String>,
    pulls: Vec<SuspectView>,
}

impl Payloads {
    pub(super) fn of(look: &Moment<'_>) -> Self {
        let shown = look.view.results.as_deref();
        let mut streams: BTreeMap<&str, Stream> = BTreeMap::new();
        for release in shown.into_iter().flat_map(|shown| &shown.results.releases) {
            for payload in &release.payloads {
                let stream = streams.entry(&payload.stream).or_insert_with(|| stream(look, payload));
                stream.releases.push(release.release.clone());
            }
        }
        let unread = shown.into_iter().flat_map(|shown| &shown.results.unread);
        Self {
            known: shown.is_some(),
            unread: unread
                .filter(|one| one.source.ends_with("release-controller"))
                .cloned()
                .collect(),
            streams: streams.into_values().collect(),
        }
    }
}

fn stream(look: &Moment<'_>, payload: &Payload) -> Stream {
    let when = |time: Option<i64>| time.map(|time| When::of(look, time.min(look.now)));
    Stream {
        name: payload.stream.clone(),
        releases: Vec::new(),
        newest: payload.newest.clone(),
        newest_when: when(payload.newest_time),
        phase: payload.phase.clone().unwrap_or_default(),
        class: match payload.phase.as_deref() {
            Some("Accepted") => "ok",
            Some("Rejected" | "Failed") => "br",
            Some("Ready" | "Pending") => "wt",
            _ => "no",
        },
        accepted: payload.accepted.clone(),
        accepted_when: when(payload.accepted_time),
        since: payload.since,
        rejected: payload.rejected.clone(),
        first_rejected: payload.first_rejected.clone(),
        failed: payload.failed.clone(),
        changes_since: payload.changes_since.clone(),
        changes: payload.changes.iter().take(CHANGES).map(change).collect(),
        left_out: payload.changes.len().saturating_sub(CHANGES),
    }
}

fn change(change: &Change) -> ChangeView {
    let short = |id: &str| id.chars().take(10).collect::<String>();
    let repository = links::repository(&change.repository);
    let hex = |id: &&String| id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let ends = change
        .before
        .as_ref()
        .filter(hex)
        .zip(change.after.as_ref().filter(hex));
    ChangeView {
        images: change.images.join(", "),
        range: match (&change.before, &change.after) {
            (Some(before), Some(after)) => format!("{}..{}", short(before), short(after)),
            (None, Some(after)) => format!("new at {}", short(after)),
            (Some(before), None) => format!("gone, was at {}", short(before)),
            (None, None) => "of no known commit".to_owned(),
        },
        range_link: repository
            .clone()
            .zip(ends)
            .map(|(repository, (before, after))| format!("{repository}/compare/{before}...{after}")),
        repository_link: repository,
        repository: change.repository.clone(),
        pulls: change
            .pulls
            .iter()
            .map(|pull| suspect(&change.repository, pull))
            .collect(),
    }
}
