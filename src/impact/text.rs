//! The answer for a person: it fits on a screen, and what OKD alone suffers comes first.

use std::fmt::Write as _;

use super::answer::{Found, Impact, Merge, OfRelease};
use crate::base::Color;
use crate::base::text::terminal;

/// As many findings of a kind are shown.
const MOST: usize = 5;

/// What is not seen, which is said so that nobody takes silence for more than it is.
pub const UNSEEN: &str = "Not seen here: which packages CentOS Stream has, and patch levels of Go.";

/// Shows an answer.
pub fn text(impact: &Impact, color: Color) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", color.paint("1", &terminal(&title(impact))));
    let _ = writeln!(out, "\n{}", terminal(&impact.sentence));
    let _ = writeln!(out, "{}", terminal(&impact.todo));
    for release in &impact.releases {
        of_release(&mut out, release);
    }
    if let Some(how) = how_merged(impact) {
        let _ = writeln!(out, "\n{how}");
    }
    let _ = writeln!(out, "\n{UNSEEN}");
    out
}

/// What was looked at, and what came of it.
pub(super) fn title(impact: &Impact) -> String {
    let pull = impact.pull.map_or_else(String::new, |pull| format!("#{pull}"));
    let branch = match impact.branch.as_str() {
        "" => String::new(),
        branch => format!(" into {branch}"),
    };
    format!("{}{pull}{branch}: {}", impact.repository, impact.verdict.name())
}

/// How the head was read, where that may miss something.
pub(super) fn how_merged(impact: &Impact) -> Option<&'static str> {
    match impact.merged {
        // Nothing was read at all.
        _ if impact.releases.is_empty() => None,
        Merge::AsIs => Some("The head was read as it is: what its base got meanwhile may be missing."),
        Merge::Files => Some(
            "The forge has no merge of the two: the head's files were laid over its base one by one, so what both changed in one file may be missing.",
        ),
        Merge::Memory | Merge::Commit => None,
    }
}

/// What changes beside findings, in a few words; empty where nothing does.
pub(super) fn beside(release: &OfRelease) -> String {
    let count = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    let again = release.rebuild.as_ref();
    let parts = [
        count(
            release.values.len(),
            "value of the build config",
            "values of the build config",
        ),
        count(
            release.files.len(),
            "file proposed otherwise",
            "files proposed otherwise",
        ),
        count(
            again.map_or(0, |again| again.images.len()),
            "image to build again",
            "images to build again",
        ),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn of_release(out: &mut String, release: &OfRelease) {
    let _ = writeln!(out, "\n{}: {}", terminal(&release.release), release.verdict.name());
    for (word, found) in [
        ("new", &release.new),
        ("gone", &release.gone),
        ("still", &release.still),
    ] {
        for one in found.iter().take(MOST) {
            let _ = writeln!(out, "  {word:<5} {}", terminal(&line(one)));
        }
        if found.len() > MOST {
            let _ = writeln!(out, "  {word:<5} and {} more", found.len() - MOST);
        }
    }
    let beside = beside(release);
    if !beside.is_empty() {
        let _ = writeln!(out, "  also  {beside}");
    }
}

/// A finding in a line.
pub(super) fn line(found: &Found) -> String {
    let finding = &found.shown.finding;
    let alone = if found.alone { ", OKD alone" } else { "" };
    format!("{}[{}{alone}] {}", finding.severity, finding.code, finding.message)
}
