//! What a run of all cases came to, for people and programs.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::judge::Verdict;
use crate::base::text::terminal;

/// All cases' verdicts for people: failures with their details, then a line that counts.
pub fn text(verdicts: &[Verdict], took: Duration) -> String {
    let mut out = String::new();
    for verdict in verdicts {
        let mark = if verdict.failures.is_empty() { "ok  " } else { "FAIL" };
        let _ = writeln!(out, "{mark} {}  {}", verdict.name, terminal(&verdict.about));
        for failure in &verdict.failures {
            let _ = writeln!(
                out,
                "     [{}] {}",
                failure.code,
                terminal(&failure.message).replace("\\n", "\n       ")
            );
            for line in failure.detail.lines() {
                let _ = writeln!(out, "       {line}");
            }
        }
        for line in &verdict.updated {
            let _ = writeln!(out, "     updated: {line}");
        }
    }
    let failed = verdicts.iter().filter(|verdict| !verdict.failures.is_empty()).count();
    let plural = if verdicts.len() == 1 { "" } else { "s" };
    let _ = writeln!(
        out,
        "{} case{plural}: {} passed, {failed} failed ({} ms)",
        verdicts.len(),
        verdicts.len() - failed,
        took.as_millis()
    );
    out
}

/// All cases' verdicts for programs.
pub fn json(verdicts: &[Verdict]) -> Json {
    let case = |verdict: &Verdict| {
        let failures: Vec<Json> = verdict
            .failures
            .iter()
            .map(|failure| json!({"code": failure.code, "message": failure.message, "detail": failure.detail}))
            .collect();
        json!({
            "case": verdict.name,
            "about": verdict.about,
            "passed": verdict.failures.is_empty(),
            "milliseconds": u64::try_from(verdict.took.as_millis()).unwrap_or(u64::MAX),
            "failures": failures,
            "updated": verdict.updated,
        })
    };
    json!({
        "passed": verdicts.iter().all(|verdict| verdict.failures.is_empty()),
        "cases": verdicts.iter().map(case).collect::<Vec<_>>(),
    })
}

/// All cases' verdicts as JUnit's XML, which CI systems show.
pub fn junit(verdicts: &[Verdict], took: Duration) -> String {
    let failed = verdicts.iter().filter(|verdict| !verdict.failures.is_empty()).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuite name=\"lockstep rules\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\" time=\"{:.3}\">",
        verdicts.len(),
        took.as_secs_f64()
    );
    for verdict in verdicts {
        let (name, time) = (escape(&verdict.name), verdict.took.as_secs_f64());
        let _ = writeln!(
            out,
            "  <testcase classname=\"rules\" name=\"{name}\" time=\"{time:.3}\">"
        );
        for failure in &verdict.failures {
            let (code, message, detail) = (failure.code, escape(&failure.message), escape(&failure.detail));
            let _ = writeln!(
                out,
                "    <failure type=\"{code}\" message=\"{message}\">{detail}</failure>"
            );
        }
        out.push_str("  </testcase>\n");
    }
    out.push_str("</testsuite>\n");
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            // XML 1.0 has no other control characters, not even escaped.
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
