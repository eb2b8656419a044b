//! Findings: what is wrong, or worth knowing, in the inputs, said once with its place and what to do.
//!
//! A [`Finding`] is data that travels beside the results; it is never an error. [`group`] folds many findings of one
//! cause into one with a count, so that a list of them can be read. Every room may make one; what its [`Code`] means
//! stands in [`codes`], or beside the check that looks for it.

mod code;
pub mod codes;
mod fold;
pub mod policy;
mod subject;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use code::{Code, Family};
pub use fold::by_component;
pub use subject::Subject;

use crate::base::{Place, by_version};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something was left out or kept as it is because of this.
    Error,
    /// The result stands, and is probably not what somebody meant.
    Warning,
    /// Worth knowing; nothing needs to be done.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// Something wrong, or worth knowing, in the inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Finding {
    /// How much it matters. The order of findings starts with errors.
    pub severity: Severity,
    /// The stable code, kebab-case, e.g. `stage-count`.
    pub code: Cow<'static, str>,
    /// The component (`org/repo`) that it concerns, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// The image tag that it concerns, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The release that it was found for, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// What findings of one cause have in common, e.g. `stream base`, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What tells it from others of its code for the same image; its file, where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// The name in the file that it is about, as it is written there: two findings of one name are told apart and joined by
    /// it. It is not shown.
    #[serde(skip)]
    #[schemars(skip)]
    pub about: Option<String>,
}

impl Finding {
    /// Makes a finding without a place; the `with_` methods add what is known.
    pub fn new(severity: Severity, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            severity,
            code: code.into(),
            component: None,
            image: None,
            release: None,
            place: None,
            message: message.into(),
            cause: None,
            help: None,
            subject: None,
            about: None,
        }
    }

    /// Adds the place.
    #[must_use]
    pub fn with_place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the component (`org/repo`) that it concerns.
    #[must_use]
    pub fn with_component(mut self, component: impl Into<String>) -> Self {
        self.component = Some(component.into());
        self
    }

    /// Adds the image tag that it concerns.
    #[must_use]
    pub fn with_image(mut self, image: impl Into<String>) -> Self {
        self.image = Some(image.into());
        self
    }

    /// Adds what findings of one cause have in common.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds the name in the file that it is about.
    #[must_use]
    pub fn with_about(mut self, name: impl Into<String>) -> Self {
        self.about = Some(name.into());
        self
    }

    /// Adds what tells it from others of its code for the same image.
    #[must_use]
    pub fn with_subject(mut self, subject: Subject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// What a finding is known by: its code, release, component, image and subject, whichever line and commit it stands at and
    /// however it is worded. What may stand in one file several times counts as often as it does.
    pub fn identity(&self) -> String {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let subject = match (&self.subject, &self.place) {
            (Some(subject), _) => subject.to_string(),
            (None, Some(place)) => Subject::File(format!("{} {}", place.repo, place.file)).to_string(),
            (None, None) => String::new(),
        };
        let parts = [
            self.code.to_string(),
            text(&self.release),
            text(&self.component),
            text(&self.image),
            subject,
        ];
        parts.join("\u{1f}")
    }

    /// Adds the release that it was found for.
    #[must_use]
    pub fn with_release(mut self, release: impl Into<String>) -> Self {
        self.release = Some(release.into());
        self
    }
}

impl fmt::Display for Finding {
    /// Writes one line, and an indented second one with the help if there is any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: ", self.severity, self.code)?;
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n    help: {help}"),
            None => Ok(()),
        }
    }
}

impl Ord for Finding {
    /// By severity, code, subject and release, where 4.9 comes before 4.10; then by place and words.
    fn cmp(&self, other: &Self) -> Ordering {
        self.severity
            .cmp(&other.severity)
            .then_with(|| self.code.cmp(&other.code))
            .then_with(|| self.component.cmp(&other.component))
            .then_with(|| self.image.cmp(&other.image))
            .then_with(|| {
                self.release
                    .as_deref()
                    .map(by_version)
                    .cmp(&other.release.as_deref().map(by_version))
            })
            .then_with(|| self.place.cmp(&other.place))
            .then_with(|| self.message.cmp(&other.message))
            .then_with(|| self.cause.cmp(&other.cause))
            .then_with(|| self.help.cmp(&other.help))
            .then_with(|| self.subject.cmp(&other.subject))
            .then_with(|| self.about.cmp(&other.about))
    }
}

impl PartialOrd for Finding {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The code of a component repository that cannot be read.
pub(crate) const UNREADABLE_COMPONENT: &str = "unreadable-component";

/// Whether a component repository could not be read: what was found is then not all that there is, and the next run may
/// see more.
pub fn lacks_component(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.code == UNREADABLE_COMPONENT)
}

/// Whether a repository could not be read, a component's or one that a target writes to: something that was asked for could not
/// be done.
pub fn lacks_repository(findings: &[Finding]) -> bool {
    lacks_component(findings) || findings.iter().any(|finding| finding.code == "unreadable-destination")
}

/// Findings of one code and cause, shown as one.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// All of them, sorted; never empty.
    pub findings: Vec<&'a Finding>,
}

impl fmt::Display for Group<'_> {
    /// Writes the first finding and how many more there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.findings.split_first() else {
            return Ok(());
        };
        write!(f, "{first}")?;
        if rest.is_empty() {
            return Ok(());
        }
        write!(f, "\n    and {} more of {}", rest.len(), first.code)?;
        let mut subjects: Vec<&str> = rest
            .iter()
            .filter_map(|f| f.image.as_deref().or(f.component.as_deref()))
            .collect();
        subjects.dedup();
        const SHOWN: usize = 8;
        if !subjects.is_empty() {
            write!(f, ": {}", subjects[..subjects.len().min(SHOWN)].join(", "))?;
            if subjects.len() > SHOWN {
                f.write_str(", …")?;
            }
        }
        Ok(())
    }
}

/// Folds findings of one severity, code and cause (or help, where no cause is known) into one group each, errors first.
pub fn group(findings: &[Finding]) -> Vec<Group<'_>> {
    let mut groups: BTreeMap<(Severity, &str, Option<&str>), Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        groups
            .entry((
                finding.severity,
                &finding.code,
                finding.cause.as_deref().or(finding.help.as_deref()),
            ))
            .or_default()
            .push(finding);
    }
    groups
        .into_values()
        .map(|mut findings| {
            findings.sort();
            findings.dedup();
            Group { findings }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(image: &str) -> Finding {
        Finding::new(
            Severity::Error,
            "stage-count",
            format!("{image} has 3 stages, metadata names 2"),
        )
        .with_image(image)
        .with_place(Place {
            repo: "openshift/etcd".into(),
            commit: Some("0123456789abcdef".into()),
            file: "Dockerfile".into(),
            line: Some(7),
        })
        .with_help("name the missing stage in `from.builder`")
    }

    #[test]
    fn a_finding_is_one_line_and_its_help() {
        assert_eq!(
            count("etcd").to_string(),
            "error[stage-count]: openshift/etcd: Dockerfile:7 at 0123456789: etcd has 3 stages, metadata names 2\n    \
             help: name the missing stage in `from.builder`"
        );
    }

    #[test]
    fn a_finding_is_known_by_what_it_is_about_and_not_by_its_words() {
        let of = |words: &str| Finding::new(Severity::Error, "go-older", words).with_image("etcd");
        let go = |words: &str| of(words).with_subject(Subject::Module("go.mod".to_owned()));
        assert_eq!(go("asks for Go 1.24").identity(), go("asks for Go 1.25").identity());
        assert_ne!(
            go("a").identity(),
            of("a").with_subject(Subject::Module("x/go.mod".to_owned())).identity()
        );
        assert_ne!(
            go("a").identity(),
            of("a").with_subject(Subject::File("go.mod".to_owned())).identity()
        );
        assert_eq!(
            count("etcd").identity(),
            Finding {
                message: "other".to_owned(),
                ..count("etcd")
            }
            .identity()
        );
        let mut elsewhere = count("etcd");
        elsewhere.place.as_mut().expect("a place").file = "Dockerfile.okd".to_owned();
        assert_ne!(
            count("etcd").identity(),
            elsewhere.identity(),
            "without a subject it is the file"
        );
    }

    #[test]
    fn releases_are_ordered_as_versions() {
        let of = |release: &str| Finding::new(Severity::Note, "a-note", "n").with_release(release);
        let mut findings = [of("5.0"), of("4.10"), of("4.9"), of("some")];
        findings.sort();
        assert_eq!(findings, [of("some"), of("4.9"), of("4.10"), of("5.0")]);
    }

    #[test]
    fn many_of_one_code_are_one_group_and_repeats_count_once() {
        let note = Finding::new(Severity::Note, "a-note", "n");
        let findings = [note, count("b"), count("a"), count("c"), count("a")];
        let groups = group(&findings);
        assert_eq!(groups.len(), 2);
        assert_eq!(groups[0].findings.len(), 3, "errors come first");
        assert!(
            groups[0].to_string().ends_with("and 2 more of stage-count: b, c"),
            "{}",
            groups[0]
        );
    }
}
