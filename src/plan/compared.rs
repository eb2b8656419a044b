//! What could not be compared, and why: nobody is to read "in sync" where a part was never looked at.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::text::clip;
use crate::finding::Finding;

/// The codes of findings that say that a source, a file or a rule could not be read or evaluated. What stays as it is for
/// a reason in metadata, or in OCP's configs, was compared: it is as it should be.
const CODES: [&str; 14] = [
    "bad-dockerfile",
    "no-dockerfile",
    "no-images",
    "rule-failed",
    "target-without-source",
    "unreadable-component",
    "unreadable-config",
    "unreadable-gating",
    "unreadable-image-references",
    "unreadable-jobs",
    "unreadable-metadata",
    "unreadable-payload",
    "unreadable-release-controller",
    "unsafe-path",
];

/// How many subjects of one reason are named.
const NAMED: usize = 3;
/// The longest reason, in characters.
const WHY: usize = 200;

/// Something that was asked for and could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct NotCompared {
    /// The release, if it is of one.
    pub release: Option<String>,
    /// The code of the finding that says so; `not-derived` for a whole release.
    pub code: String,
    /// What it is about: images, components, files or targets, sorted.
    pub what: Vec<String>,
    /// The first reason, in a sentence.
    pub why: String,
}

impl fmt::Display for NotCompared {
    /// Writes one line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let release = self
            .release
            .as_deref()
            .map(|release| format!("{release}: "))
            .unwrap_or_default();
        let more = match self.what.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named: Vec<&str> = self.what.iter().take(NAMED).map(String::as_str).collect();
        let what = if named.is_empty() {
            String::new()
        } else {
            format!("{}{more}: ", named.join(", "))
        };
        write!(f, "{release}{what}{} ({})", clip(&self.why, WHY), self.code)
    }
}

impl NotCompared {
    /// A release that could not be derived at all.
    pub fn release(release: &str, why: &str) -> Self {
        Self {
            release: Some(release.to_owned()),
            code: "not-derived".to_owned(),
            what: Vec::new(),
            why: why.to_owned(),
        }
    }
}

/// Gathers what could not be compared from all that was found, whether it is shown or not.
pub fn not_compared<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<NotCompared> {
    let mut all: BTreeMap<(Option<String>, String), NotCompared> = BTreeMap::new();
    for finding in findings.into_iter().filter(|finding| CODES.contains(&&*finding.code)) {
        let key = (finding.release.clone(), finding.code.to_string());
        let one = all.entry(key).or_insert_with(|| NotCompared {
            release: finding.release.clone(),
            code: finding.code.to_string(),
            what: Vec::new(),
            why: finding.message.clone(),
        });
        let place = finding.place.as_ref().map(|place| &place.file);
        let subject = finding.image.as_ref().or(finding.component.as_ref()).or(place);
        if let Some(subject) = subject.filter(|subject| !subject.is_empty())
            && !one.what.contains(subject)
        {
            one.what.push(subject.clone());
        }
    }
    let mut all: Vec<NotCompared> = all.into_values().collect();
    all.iter_mut().for_each(|one| one.what.sort());
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    fn finding(code: &'static str, image: &str) -> Finding {
        Finding::new(Severity::Error, code, format!("{image} is out of reach"))
            .with_image(image.to_owned())
            .with_release("4.16")
    }

    #[test]
    fn only_what_could_not_be_read_or_evaluated_was_not_compared() {
        let found = [
            finding("rule-failed", "b"),
            finding("rule-failed", "a"),
            finding("rule-failed", "a"),
            finding("no-promotion", "c"),
            finding("unreadable-component", "d"),
        ];
        let told: Vec<String> = not_compared(&found).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "4.16: a, b: b is out of reach (rule-failed)",
                "4.16: d: d is out of reach (unreadable-component)"
            ]
        );
        assert!(not_compared(&found[3..4]).is_empty());
    }

    #[test]
    fn every_code_is_one_that_findings_have() {
        let known: Vec<&str> = crate::audit::registry::codes().iter().map(|code| code.name).collect();
        for code in CODES {
            assert!(known.contains(&code), "{code}");
        }
    }
}
