//! Codes of findings: what each means, and the family that it belongs to.

use super::{Finding, Severity};

/// What findings are about, and the folder that their checks stand in.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Files and repositories that cannot be read or understood.
    Reading,
    /// ocp-build-data contradicts itself or its sources.
    Metadata,
    /// Rules that say nothing, or fail.
    Rules,
    /// A base or builder that is not OKD's.
    Content,
    /// What ART's tool builds for OKD, and what is derived here.
    Doozer,
    /// Versions of Go that do not fit together.
    Go,
    /// Files that nobody names, that fell behind or that are there twice.
    Files,
    /// What the payload wants and what is built for it.
    Payload,
    /// What a branch cut loses or leaves behind.
    Cut,
    /// Files of targets, and pull requests.
    Targets,
    /// lockstep's own configuration.
    Configuration,
}

impl Family {
    /// Every family, in the order of documentation.
    pub const ALL: [Self; 11] = [
        Self::Reading,
        Self::Metadata,
        Self::Rules,
        Self::Content,
        Self::Doozer,
        Self::Go,
        Self::Files,
        Self::Payload,
        Self::Cut,
        Self::Targets,
        Self::Configuration,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Metadata => "metadata",
            Self::Rules => "rules",
            Self::Content => "content",
            Self::Doozer => "doozer",
            Self::Go => "go",
            Self::Files => "files",
            Self::Payload => "payload",
            Self::Cut => "cut",
            Self::Targets => "targets",
            Self::Configuration => "configuration",
        }
    }

    /// What its findings are about.
    pub fn about(self) -> &'static str {
        match self {
            Self::Reading => "Files and repositories that cannot be read or understood.",
            Self::Metadata => "ocp-build-data contradicts itself, or the sources that it describes.",
            Self::Rules => "Rules that say nothing about something, or fail on it.",
            Self::Content => "A base or builder that is not OKD's.",
            Self::Doozer => {
                "What ART's tool (doozer) will build for OKD from the same metadata, where that is not what is derived here."
            }
            Self::Go => "Versions of Go that do not fit together.",
            Self::Files => "Files that nobody names, that fell behind another one, or that are there twice.",
            Self::Payload => "What the payload wants, and what is built for it.",
            Self::Cut => "What a branch cut loses or leaves behind.",
            Self::Targets => "Files of targets, and the pull requests that change them.",
            Self::Configuration => "lockstep's own configuration.",
        }
    }
}

/// A code and its documentation. The code is stable: it is never used for something else.
#[derive(Debug)]
pub struct Code {
    /// The code, kebab-case.
    pub name: &'static str,
    /// Its family.
    pub family: Family,
    /// The severity that its findings have unless the configuration says otherwise.
    pub severity: Severity,
    /// What is wrong, a short sentence without a full stop.
    pub title: &'static str,
    /// What it means: what follows from it, and how it is noticed.
    pub means: &'static str,
    /// What to do.
    pub action: &'static str,
    /// An example of a message.
    pub example: &'static str,
    /// What `audit --fix` changes, where a change is safe.
    pub fix: Option<&'static str>,
}

impl Code {
    /// Makes a finding of this code.
    pub fn finding(&self, message: impl Into<String>) -> Finding {
        Finding::new(self.severity, self.name.to_owned(), message)
    }
}
