//! The answer in markdown: for a check, a comment, or the summary of a workflow.

use std::fmt::Write as _;

use super::answer::{Impact, OfRelease};
use super::text::{UNSEEN, beside, how_merged, title};
use crate::base::text::{code, markdown as escaped};

/// As many findings of a kind are shown.
const MOST: usize = 20;

/// Shows an answer.
pub fn markdown(impact: &Impact) -> String {
    let mut out = format!("### OKD: {}\n\n", escaped(&title(impact)));
    let _ = writeln!(out, "{}\n\n{}\n", escaped(&impact.sentence), escaped(&impact.todo));
    for release in &impact.releases {
        table(&mut out, release);
    }
    if let Some(how) = how_merged(impact) {
        let _ = writeln!(out, "{how}\n");
    }
    let _ = writeln!(out, "{UNSEEN}");
    out
}

fn table(out: &mut String, release: &OfRelease) {
    let _ = writeln!(out, "**{}**: {}\n", escaped(&release.release), release.verdict.name());
    let parts = [
        ("new", &release.new),
        ("gone", &release.gone),
        ("still", &release.still),
    ];
    if parts.iter().any(|(_, found)| !found.is_empty()) {
        out.push_str("| | finding | who | what |\n|---|---|---|---|\n");
        for (word, found) in parts {
            for one in found.iter().take(MOST) {
                let finding = &one.shown.finding;
                let who = if one.alone { "OKD alone" } else { "OCP as well" };
                let name = code(&finding.code);
                let _ = writeln!(out, "| {word} | {name} | {who} | {} |", escaped(&finding.message));
            }
            if found.len() > MOST {
                let _ = writeln!(out, "| {word} | | | and {} more |", found.len() - MOST);
            }
        }
        out.push('\n');
    }
    let beside = beside(release);
    if !beside.is_empty() {
        let _ = writeln!(out, "Also: {beside}.\n");
    }
}
