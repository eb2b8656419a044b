//! Where in a pull request's own files the new findings stand, for a forge that shows them beside the lines.

use super::answer::{Found, Impact, Touched};
use crate::base::text::{clip, inert, terminal};
use crate::finding::Severity;

/// As long the words beside a line are, in characters.
const MESSAGE: usize = 2_000;
/// As long what stands above them is.
const TITLE: usize = 100;

/// A finding beside a line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The file.
    pub path: String,
    /// The line, from 1; the first one where only the file is known.
    pub line: u32,
    /// How much it matters.
    pub severity: Severity,
    /// What stands above the words.
    pub title: String,
    /// The words, safe to show.
    pub message: String,
    /// The commit that the line was counted in.
    pub commit: String,
}

/// The marks of an answer, what OKD alone suffers first. What several releases have in common is one. What is found in other
/// repositories has no line here, and what was there before is nobody's doing.
pub fn marks(impact: &Impact) -> Vec<Mark> {
    let mut all: Vec<(&Found, Vec<&str>)> = Vec::new();
    for release in &impact.releases {
        for found in &release.new {
            let same = |(known, _): &&mut (&Found, Vec<&str>)| is_same(known, found);
            match all.iter_mut().find(same) {
                Some((_, releases)) => releases.push(&release.release),
                None => all.push((found, vec![&release.release])),
            }
        }
    }
    all.sort_by_key(|(found, _)| (!found.alone, found.impact));
    all.iter()
        .filter_map(|(found, releases)| mark(impact, found, releases))
        .collect()
}

fn is_same(one: &Found, other: &Found) -> bool {
    let of = |found: &Found| {
        let finding = &found.shown.finding;
        let place = finding.place.clone().map(|place| (place.file, place.line));
        (finding.code.clone(), finding.message.clone(), place, found.alone)
    };
    of(one) == of(other)
}

fn mark(impact: &Impact, found: &Found, releases: &[&str]) -> Option<Mark> {
    let finding = &found.shown.finding;
    let place = finding.place.as_ref()?;
    let commit = match found.touched? {
        Touched::Yes => place.commit.clone()?,
        // With the change it is what it is without.
        Touched::No => impact.base.clone(),
    };
    // A name that cannot be shown as it is is no file that a page has.
    if terminal(&place.file) != place.file {
        return None;
    }
    let who = if found.alone {
        "OKD alone suffers."
    } else {
        "OCP suffers as well."
    };
    let help = finding
        .help
        .as_ref()
        .map_or_else(String::new, |help| format!("\n{}", inert(help)));
    let message = format!("{}{help}", inert(&finding.message));
    Some(Mark {
        path: place.file.clone(),
        line: place.line.unwrap_or(1).max(1),
        severity: finding.severity,
        title: clip(&format!("OKD {}: {}", releases.join(", "), finding.code), TITLE),
        message: format!("{}\n{who}", clip(&message, MESSAGE)),
        commit,
    })
}

/// The line of a file that was counted in another state of it; `None` where the file has no such line any more. Of several that
/// say the same the nearest is taken.
pub fn line_in(before: &[u8], line: u32, after: &[u8]) -> Option<u32> {
    if before == after {
        return Some(line);
    }
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    let wanted = before.split(|byte| *byte == b'\n').nth(at)?;
    let lines = after.split(|byte| *byte == b'\n').enumerate();
    let same = lines.filter(|(_, text)| *text == wanted).map(|(n, _)| n);
    let nearest = same.min_by_key(|n| n.abs_diff(at))?;
    u32::try_from(nearest + 1).ok()
}
