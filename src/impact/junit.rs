//! The answer as JUnit, which CI systems show: a test a release, failed where the change breaks OKD.

use std::fmt::Write as _;

use super::answer::{Impact, OfRelease, Verdict};
use super::text::{line, title};

/// Writes an answer.
pub fn junit(impact: &Impact) -> String {
    let failed = |release: &&OfRelease| release.verdict == Verdict::Breaks;
    let failures = impact.releases.iter().filter(failed).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuites><testsuite name=\"lockstep impact\" tests=\"{}\" failures=\"{failures}\">",
        impact.releases.len().max(1)
    );
    for release in &impact.releases {
        // Of run and pull request nothing is in the name: whoever counts runs knows a test by it.
        let name = format!("{} in OKD {}", impact.repository, release.release);
        let _ = write!(out, "<testcase classname=\"lockstep\" name=\"{}\">", xml(&name));
        let lines: Vec<String> = release.new.iter().map(line).collect();
        let told = format!(
            "{}\n{}\n{}\n{}",
            title(impact),
            impact.sentence,
            impact.todo,
            lines.join("\n")
        );
        match release.verdict {
            Verdict::Breaks => {
                let _ = write!(
                    out,
                    "<failure message=\"{}\">{}</failure>",
                    xml(&impact.sentence),
                    xml(&told)
                );
            }
            _ => {
                let _ = write!(out, "<system-out>{}</system-out>", xml(&told));
            }
        }
        out.push_str("</testcase>\n");
    }
    if impact.releases.is_empty() {
        let _ = writeln!(
            out,
            "<testcase classname=\"lockstep\" name=\"{} in OKD\"><system-out>{}</system-out></testcase>",
            xml(&impact.repository),
            xml(&title(impact))
        );
    }
    out.push_str("</testsuite></testsuites>\n");
    out
}

/// Text as it may stand in XML: what no XML can hold is shown as it is on a terminal.
pub(super) fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        for letter in crate::base::text::terminal(line).chars() {
            match letter {
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                '"' => out.push_str("&quot;"),
                // Two that are printed by nobody, and that no XML may have.
                '\u{fffe}' | '\u{ffff}' => out.extend(letter.escape_unicode()),
                letter => out.push(letter),
            }
        }
    }
    out
}
