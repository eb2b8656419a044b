//! Shows a report to a person: many findings of one cause as one, with a count, and what was skipped.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::registry;
use super::report::{Report, Shown};
use crate::base::text::terminal;
use crate::base::{Color, Place};
use crate::finding::{Finding, Group, Severity, by_component, group};

/// How many further places of a cause are shown.
const PLACES: usize = 6;

/// Shows a report. Text of inputs comes escaped.
pub fn text(report: &Report, color: Color) -> String {
    let findings: Vec<Finding> = report.findings.iter().map(|shown| shown.finding.clone()).collect();
    let findings = by_component(&findings);
    let mut out = String::new();
    let mut last = None;
    for group in group(&findings) {
        let Some(first) = group.findings.first() else { continue };
        let head = (first.severity, first.code.clone());
        if last.as_ref() != Some(&head) {
            heading(&mut out, first, &findings, color);
            last = Some(head);
        }
        cause(&mut out, &group, report.releases.len() > 1);
        fix(&mut out, &group, report);
        out.push('\n');
    }
    skipped(&mut out, report);
    fixable(&mut out, report);
    let _ = writeln!(out, "{}", color.paint("1", &summary(report)));
    out
}

fn heading(out: &mut String, first: &Finding, all: &[Finding], color: Color) {
    let same = |finding: &&Finding| finding.code == first.code && finding.severity == first.severity;
    let count = all.iter().filter(same).count();
    let title = registry::find(&first.code).map_or("", |code| code.title);
    let name = format!("{}[{}]", first.severity, first.code);
    let _ = writeln!(
        out,
        "{} {}{}",
        color.paint(paint(first.severity), &terminal(&name)),
        color.paint("1", title),
        if count > 1 {
            format!(" ({count})")
        } else {
            String::new()
        }
    );
}

fn paint(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "1;31",
        Severity::Warning => "33",
        Severity::Note => "36",
    }
}

fn cause(out: &mut String, group: &Group<'_>, several: bool) {
    let Some((first, rest)) = group.findings.split_first() else {
        return;
    };
    if let Some(place) = &first.place {
        let _ = writeln!(out, "  {}", terminal(&place.to_string()));
    }
    let release = first.release.as_deref().filter(|_| several).unwrap_or_default();
    let release = if release.is_empty() {
        String::new()
    } else {
        format!("{release}: ")
    };
    let _ = writeln!(out, "    {release}{}", terminal(&first.message));
    if let Some(help) = &first.help {
        let _ = writeln!(out, "    help: {}", terminal(help));
    }
    if !rest.is_empty() {
        let others = others(first, rest, several);
        let others = if others.is_empty() {
            others
        } else {
            format!(": {others}")
        };
        let _ = writeln!(out, "    and {} more{}", rest.len(), terminal(&others));
    }
}

/// What `--fix` does about a cause.
fn fix(out: &mut String, group: &Group<'_>, report: &Report) {
    let of_group = |shown: &&Shown| group.findings.iter().any(|finding| **finding == shown.finding);
    let fixes = report.findings.iter().filter(|shown| shown.fixable).filter(of_group);
    let fixes: Vec<&str> = fixes.filter_map(|shown| shown.fix.as_deref()).collect();
    if let Some((first, rest)) = fixes.split_first() {
        let more = match rest.len() {
            0 => String::new(),
            more => format!(", and {more} more like it"),
        };
        let _ = writeln!(out, "    fix: `--fix` {}{more}", terminal(first));
    }
}

/// Where the others of a cause stand.
fn others(first: &Finding, rest: &[&Finding], several: bool) -> String {
    let mut shown: Vec<String> = Vec::new();
    let known = first.place.as_ref().map(|place| place.repo.as_str());
    for finding in rest {
        let place = match (&finding.place, &finding.image, &finding.component) {
            (Some(Place { repo, file, line, .. }), ..) => {
                let line = line.map(|line| format!(":{line}")).unwrap_or_default();
                // Releases can have repositories of their own; that they differ, the release says already.
                let named =
                    Some(repo.as_str()) == known || repo.is_empty() || (several && finding.release != first.release);
                let repo = if named { String::new() } else { format!("{repo}: ") };
                format!("{repo}{file}{line}")
            }
            (None, Some(subject), _) | (None, None, Some(subject)) => subject.clone(),
            (None, None, None) => String::new(),
        };
        let release = finding.release.as_deref().filter(|_| several);
        let text = match release {
            Some(release) if place.is_empty() => release.to_owned(),
            Some(release) => format!("{place} ({release})"),
            None => place,
        };
        if !text.is_empty() && !shown.contains(&text) {
            shown.push(text);
        }
    }
    let more = shown.len() > PLACES;
    shown.truncate(PLACES);
    shown.join(", ") + if more { ", …" } else { "" }
}

fn skipped(out: &mut String, report: &Report) {
    let missing: BTreeSet<&str> = report.skipped.iter().map(|skipped| skipped.missing.as_str()).collect();
    for what in missing {
        let of = report.skipped.iter().filter(|skipped| skipped.missing == what);
        let (mut codes, mut releases) = (BTreeSet::new(), BTreeSet::new());
        for skipped in of {
            codes.extend(skipped.codes.iter().map(String::as_str));
            releases.extend(skipped.releases.iter().map(String::as_str));
        }
        let whole = releases.len() == report.releases.len();
        let at = if whole {
            String::new()
        } else {
            format!(" in {}", join(releases))
        };
        let _ = writeln!(out, "not looked for without {}{at}: {}", terminal(what), join(codes));
    }
}

/// How much of it `--fix` would put right, where that was not asked for.
fn fixable(out: &mut String, report: &Report) {
    let count = report.findings.iter().filter(|shown| shown.fixable).count();
    if report.fixes.is_none() && count > 0 {
        let (have, them) = if count == 1 { ("has", "it") } else { ("have", "them") };
        let _ = writeln!(
            out,
            "{count} of these {have} a safe change: `lockstep audit --fix` shows {them}"
        );
    }
}

fn join(words: BTreeSet<&str>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}

/// One line that sums a report up.
pub fn summary(report: &Report) -> String {
    let count = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
    let counts = report.counts;
    let mut out = format!(
        "{}, {} and {} in {}",
        count(counts.errors, "error"),
        count(counts.warnings, "warning"),
        count(counts.notes, "note"),
        count(report.releases.len(), "release"),
    );
    if let Some(since) = &report.since {
        let _ = write!(
            out,
            " that build data at {} did not have",
            since.get(..10).unwrap_or(since)
        );
    }
    if counts.suppressed > 0 {
        let _ = write!(out, "; {} suppressed", counts.suppressed);
    }
    out + "; `lockstep audit --explain CODE` says what a code means"
}
