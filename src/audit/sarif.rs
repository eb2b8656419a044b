//! A report as SARIF 2.1.0, for tools that show findings beside the lines that they are about.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::registry;
use super::report::{Report, Suppressed};
use crate::base::Place;
use crate::finding::{Code, Finding, Severity};

/// Where the schema of the format is.
const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes a report as one run of SARIF. `version` is the program's own.
pub fn sarif(report: &Report, version: &str) -> Json {
    let codes = registry::codes();
    let index: BTreeMap<&str, usize> = codes.iter().enumerate().map(|(at, code)| (code.name, at)).collect();
    let shown = report.findings.iter().map(|shown| result(&shown.finding, &index));
    let suppressed = report.suppressed.iter().flat_map(|one| {
        let index = &index;
        one.findings
            .iter()
            .map(move |finding| suppressed(result(finding, index), one))
    });
    let all: Vec<&Finding> = findings(report).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "lockstep",
                "version": version,
                "informationUri": "https://github.com/okd-project/lockstep",
                "rules": codes.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": bases(&all),
            "results": shown.chain(suppressed).collect::<Vec<_>>(),
        }],
    })
}

fn findings(report: &Report) -> impl Iterator<Item = &Finding> {
    let shown = report.findings.iter().map(|shown| &shown.finding);
    shown.chain(report.suppressed.iter().flat_map(|one| &one.findings))
}

fn rule(code: &Code) -> Json {
    json!({
        "id": code.name,
        "shortDescription": {"text": code.title},
        "fullDescription": {"text": code.means},
        "help": {"text": code.action},
        "defaultConfiguration": {"level": level(code.severity)},
        "properties": {"tags": [code.family.name()]},
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn result(finding: &Finding, index: &BTreeMap<&str, usize>) -> Json {
    let text = match &finding.help {
        Some(help) => format!("{}\n\nhelp: {help}", finding.message),
        None => finding.message.clone(),
    };
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": {"text": text},
        "partialFingerprints": {"lockstep/v1": fingerprint(finding)},
        "properties": properties(finding),
    });
    if let Some(at) = index.get(&*finding.code) {
        result["ruleIndex"] = json!(at);
    }
    if let Some(place) = finding.place.as_ref().filter(|place| !place.file.is_empty()) {
        result["locations"] = json!([location(place)]);
    }
    result
}

fn properties(finding: &Finding) -> Json {
    let all = [
        ("release", &finding.release),
        ("component", &finding.component),
        ("image", &finding.image),
        ("cause", &finding.cause),
    ];
    let known = all
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))));
    Json::Object(known.collect())
}

fn suppressed(mut result: Json, by: &Suppressed) -> Json {
    let why = format!("{} ({}, until {})", by.by.reason, by.by.author, by.by.until);
    result["suppressions"] = json!([{"kind": "external", "status": "accepted", "justification": why}]);
    result
}

fn location(place: &Place) -> Json {
    let mut artifact = json!({"uri": encoded(&place.file)});
    if !place.repo.is_empty() {
        artifact["uriBaseId"] = json!(base(place));
    }
    let mut physical = json!({"artifactLocation": artifact});
    if let Some(line) = place.line.filter(|line| *line > 0) {
        physical["region"] = json!({"startLine": line});
    }
    json!({"physicalLocation": physical})
}

/// What a repository at a commit is called in locations.
fn base(place: &Place) -> String {
    match &place.commit {
        Some(commit) => format!("{}@{commit}", place.repo),
        None => place.repo.clone(),
    }
}

/// Where each repository is, as far as its name and a commit tell.
fn bases(findings: &[&Finding]) -> Json {
    let places = findings.iter().filter_map(|finding| finding.place.as_ref());
    let known = places.filter(|place| !place.repo.is_empty()).map(|place| {
        let mut one = json!({"description": {"text": format!("{}, as it was read", place.repo)}});
        if let (Some(commit), Ok(repo)) = (&place.commit, place.repo.parse::<crate::base::RepoName>()) {
            one["uri"] = json!(format!("https://github.com/{repo}/blob/{commit}/"));
        }
        (base(place), one)
    });
    Json::Object(known.collect())
}

/// What a finding is known by, whichever line and commit it stands at.
fn fingerprint(finding: &Finding) -> String {
    let digest = Sha256::digest(finding.identity().as_bytes());
    crate::base::text::hex(&digest[..16])
}

/// A path as a relative reference: what may not stand in one is written as `%XX`.
fn encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_pose_as_an_address() {
        assert_eq!(encoded("images/a b.yml"), "images/a%20b.yml");
        assert_eq!(encoded("javascript:x"), "javascript%3Ax");
    }

    #[test]
    fn a_moved_line_is_the_same_finding() {
        let at = |line| {
            Finding::new(Severity::Note, "a-note", "n").with_place(Place {
                repo: "o/r".into(),
                commit: Some(format!("{line:040}")),
                file: "f".into(),
                line: Some(line),
            })
        };
        assert_eq!(fingerprint(&at(1)), fingerprint(&at(2)));
        assert_ne!(fingerprint(&at(1)), fingerprint(&at(1).with_image("i")));
    }
}
