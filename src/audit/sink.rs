//! Where checks put what they find.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::edit::Edit;
use crate::finding::Finding;

/// Takes findings of one release, and the changes that put them right.
#[derive(Debug, Default)]
pub struct Sink {
    release: String,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Safe changes.
    pub fixes: Vec<Fix>,
}

impl Sink {
    /// A sink for a release.
    pub fn new(release: impl Into<String>) -> Self {
        Self {
            release: release.into(),
            ..Self::default()
        }
    }

    /// Takes a finding; it is one of the sink's release.
    pub fn add(&mut self, mut finding: Finding) {
        finding.release.get_or_insert_with(|| self.release.clone());
        self.findings.push(finding);
    }

    /// Takes a finding and the change that puts it right, where there is one.
    pub fn add_with_fix(&mut self, mut finding: Finding, change: Option<Change>, because: impl Into<String>) {
        finding.release.get_or_insert_with(|| self.release.clone());
        let fix = change.map(|change| Fix {
            code: finding.code.to_string(),
            finding: finding.identity(),
            release: self.release.clone(),
            component: finding.component.clone(),
            change,
            because: because.into(),
        });
        self.fixes.extend(fix);
        self.findings.push(finding);
    }
}

impl Sink {
    /// Takes a finding and the changes that put it right together, as many as there are.
    pub fn add_with_fixes(&mut self, finding: Finding, changes: Vec<Change>, because: &str) {
        let mut changes = changes.into_iter();
        self.add_with_fix(finding, changes.next(), because);
        let more: Vec<Fix> = match self.fixes.last() {
            Some(first) => changes
                .map(|change| Fix {
                    change,
                    ..first.clone()
                })
                .collect(),
            None => Vec::new(),
        };
        self.fixes.extend(more);
    }
}

/// A change that is safe to make: it stands in the plan where `--fix` asks for it.
#[derive(Clone, Debug)]
pub struct Fix {
    /// The finding's code.
    pub code: String,
    /// What the finding is known by ([`Finding::identity`]).
    pub finding: String,
    /// The release.
    pub release: String,
    /// The component that it is about.
    pub component: Option<String>,
    /// What is changed.
    pub change: Change,
    /// Why, a sentence.
    pub because: String,
}

/// What a fix changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file of the release's build data.
    Metadata {
        /// Its path.
        file: String,
        /// What in it.
        edit: Edit,
    },
    /// A config of the CI repository gets another text, and its jobs follow.
    Config {
        /// Its path.
        config: String,
        /// Its text, as it was read.
        text: Arc<[u8]>,
        /// Its text as it should be.
        after: Arc<[u8]>,
    },
    /// A new config of the CI repository, with its jobs.
    New {
        /// Its path.
        config: String,
        /// Its text.
        after: Arc<[u8]>,
    },
    /// A piece of a file of the CI repository is replaced.
    Piece {
        /// Its path.
        path: String,
        /// Its text, as it was read.
        text: Arc<[u8]>,
        /// The bytes of the piece.
        at: Range<usize>,
        /// What stands there afterwards.
        new: String,
    },
    /// Pieces come into a config of the CI repository, beside what else comes into it, and its jobs follow.
    Pieces {
        /// Its path.
        config: String,
        /// Its text, as it was read.
        text: Arc<[u8]>,
        /// What comes in, each with the bytes in whose place it stands.
        pieces: Vec<(Range<usize>, String)>,
    },
    /// A config of the CI repository goes, with its jobs.
    Retire {
        /// Its path.
        config: String,
        /// Its text, as it was read.
        text: Arc<[u8]>,
    },
}

impl fmt::Display for Change {
    /// Says what it does, for `audit --fix …`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metadata {
                file,
                edit: edit @ Edit::Replace { .. },
            } => write!(f, "{edit} of {file}"),
            Self::Metadata { file, edit } => write!(f, "{edit} in {file}"),
            Self::Config { config, .. } => write!(f, "edits {config}"),
            Self::Pieces { config, .. } => write!(f, "edits {config} and its jobs"),
            Self::New { config, .. } => write!(f, "adds {config} and its jobs"),
            Self::Piece { path, .. } => write!(f, "edits {path}"),
            Self::Retire { config, .. } => write!(f, "removes {config} and its jobs"),
        }
    }
}
