//! `junit_operator.xml` of a run of ci-operator: only the steps that ran, with what failed ones said.
//!
//! Read by hand, within bounds: of XML it knows elements, their attributes and text, and nothing that could be loaded or grow.

use super::steps::Step;

/// The largest file that is read, in bytes: what is longer is read up to there.
pub const MAX_BYTES: u64 = 16 << 20;
/// As much is kept of what a step said, its end.
const MAX_TEXT: usize = 8 << 10;
/// As many steps are kept.
const MOST_STEPS: usize = 5_000;

/// It is no JUnit.
#[derive(Debug, thiserror::Error)]
#[error("this is no JUnit: it has no test")]
pub struct JUnitError;

/// Reads the steps. `Build image ironic from the repository` is the step `ironic`; others keep their names.
///
/// # Errors
/// It has no test at all.
pub fn junit(bytes: &[u8]) -> Result<Vec<Step>, JUnitError> {
    let text = String::from_utf8_lossy(bytes);
    let mut steps: Vec<Step> = Vec::new();
    let mut rest = text.as_ref();
    while let Some(at) = rest.find("<testcase") {
        rest = &rest[at + "<testcase".len()..];
        let Some(end) = rest.find('>') else { break };
        let (head, after) = (&rest[..end], &rest[end + 1..]);
        let closed = head.ends_with('/');
        let body = match closed {
            true => "",
            false => &after[..after.find("</testcase>").unwrap_or(after.len())],
        };
        rest = after;
        if let Some(name) = attribute(head, "name") {
            steps.push(step(&name, body));
        }
        if steps.len() >= MOST_STEPS {
            break;
        }
    }
    if steps.is_empty() { Err(JUnitError) } else { Ok(steps) }
}

fn step(name: &str, body: &str) -> Step {
    let built = name
        .strip_prefix("Build image ")
        .and_then(|rest| rest.strip_suffix(" from the repository"));
    let failed = body.contains("<failure");
    let skipped = body.contains("<skipped");
    let said = body.find("<failure").map_or("", |at| &body[at..]);
    let said = said.find('>').map_or("", |at| &said[at + 1..]);
    let said = &said[..said.find("</failure>").unwrap_or(said.len())];
    Step {
        name: built.unwrap_or(name).to_owned(),
        dependencies: Vec::new(),
        started_at: (!skipped).then(|| "told by JUnit".to_owned()),
        finished_at: None,
        failed: Some(failed),
        text: end_of(&plain(said)),
    }
}

/// The value of an attribute.
fn attribute(head: &str, name: &str) -> Option<String> {
    let start = format!("{name}=\"");
    let mut from = 0;
    while let Some(at) = head.get(from..)?.find(&start) {
        let at = from + at;
        let before = head[..at].chars().next_back();
        if before.is_none_or(char::is_whitespace) {
            let value = &head[at + start.len()..];
            return Some(plain(&value[..value.find('"')?]));
        }
        from = at + start.len();
    }
    None
}

/// Text without XML's escapes.
fn plain(text: &str) -> String {
    let text = text.trim().trim_start_matches("<![CDATA[").trim_end_matches("]]>");
    let mut out = text.to_owned();
    for (escape, letter) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&#xA;", "\n"),
        ("&amp;", "&"),
    ] {
        out = out.replace(escape, letter);
    }
    out
}

/// The end of a text, which says why.
fn end_of(text: &str) -> String {
    let mut at = text.len().saturating_sub(MAX_TEXT);
    while !text.is_char_boundary(at) {
        at += 1;
    }
    text[at..].to_owned()
}
