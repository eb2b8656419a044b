//! What could not be compared, and why: nobody is to read "in sync" where a part was never looked at.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::text::clip;
use crate::finding::Finding;

/// The codes of findings that say that a source, a file or a rule could not be read or evaluated. What stays as it is for
/// a reason in metadata, or in OCP's configs, was compared: it is as it should be.
const CODES: [&str; 26] = [
    "bad-dockerfile",
    "konflux-no-repository",
    "konflux-no-tenant",
    "mirroring-unsure",
    "no-destination-branch",
    "no-dockerfile",
    "no-group",
    "no-images",
    "no-rule",
    "rule-failed",
    "target-without-source",
    "tekton-unreadable",
    "unreadable-build-config",
    "unreadable-buildconfig",
    "unreadable-component",
    "unreadable-config",
    "unreadable-destination",
    "unreadable-gating",
    "unreadable-image-references",
    "unreadable-jobs",
    "unreadable-metadata",
    "unreadable-mirroring",
    "unreadable-payload",
    "unreadable-release-controller",
    "unreadable-resource",
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
    let mut all: BTreeMap<(Option<String>, String, Option<&str>), NotCompared> = BTreeMap::new();
    for finding in findings.into_iter().filter(|finding| CODES.contains(&&*finding.code)) {
        let place = finding.place.as_ref().map(|place| &place.file);
        let subject = finding.image.as_ref().or(finding.component.as_ref()).or(place);
        let subject = subject.filter(|subject| !subject.is_empty());
        // Of what names no subject, such as a target that cannot be written to, each reason is one of its own.
        let reason = subject.is_none().then_some(&*finding.message);
        let key = (finding.release.clone(), finding.code.to_string(), reason);
        let one = all.entry(key).or_insert_with(|| NotCompared {
            release: finding.release.clone(),
            code: finding.code.to_string(),
            what: Vec::new(),
            why: finding.message.clone(),
        });
        if let Some(subject) = subject.filter(|subject| !one.what.contains(subject)) {
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
    fn each_target_that_cannot_be_written_to_is_a_reason_of_its_own() {
        let of = |text: &str| Finding::new(Severity::Error, "unreadable-destination", text).with_release("4.16");
        let found = [of("target a has no repository"), of("target b has no repository")];
        let told: Vec<String> = not_compared(&found).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "4.16: target a has no repository (unreadable-destination)",
                "4.16: target b has no repository (unreadable-destination)"
            ]
        );
    }

    /// The codes whose names or family sound as if something had not been compared, and why it was all the same.
    const COMPARED: [(&str, &str); 12] = [
        ("branch-from-metadata", "the branch is known"),
        ("no-branch", "metadata and configs say nothing that is wanted"),
        (
            "no-pipeline-branch",
            "people make the pipeline's branches, and there is none of such a release",
        ),
        (
            "okd-carry-unread",
            "what the branch itself says was compared; a plain folder never has a history",
        ),
        ("unknown-stream", "a try is refused"),
        ("unknown-variable", "a try is refused"),
        ("unreadable-file", "nothing that is built depends on it"),
        (
            "unreadable-former",
            "nothing is wanted there, and a repository that OKD has done with may well be out of reach",
        ),
        ("unreadable-inputs", "the config is compared, and put right"),
        (
            "unreadable-step-registry",
            "jobs are derived from the names of profiles",
        ),
        (
            "unsettled-demand",
            "what rules contradict themselves about is settled in some order",
        ),
        ("wrong-type", "the key counts as not there"),
    ];

    #[test]
    fn of_every_code_about_reading_it_is_decided_whether_anything_was_compared() {
        let about_reading = |code: &&&crate::finding::Code| {
            code.family == crate::finding::Family::Reading
                || code.name.contains("unreadable")
                || code.name == "okd-carry-unread"
                || code.name.starts_with("no-") && code.name.ends_with("-branch")
                || code.name == "no-branch"
        };
        let known = crate::audit::registry::codes();
        for code in known.iter().filter(about_reading) {
            let is_compared = COMPARED.iter().any(|(name, _)| *name == code.name);
            assert_ne!(
                CODES.contains(&code.name),
                is_compared,
                "{}: in CODES, or in COMPARED",
                code.name
            );
        }
        for code in CODES.into_iter().chain(COMPARED.map(|(name, _)| name)) {
            assert!(known.iter().any(|known| known.name == code), "{code}");
        }
    }
}
