//! Where checks put what they find.

use std::sync::Arc;

use super::Finding;
use crate::source::RepoName;

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

    /// Takes a finding and the change that puts it right.
    pub fn add_with_fix(&mut self, finding: Finding, mut fix: Fix) {
        fix.release.clone_from(&self.release);
        fix.code.clone_from(&finding.code.to_string());
        self.fixes.push(fix);
        self.add(finding);
    }
}

/// A change of one file that is safe to make: it stands in the plan where `--fix` asks for it.
#[derive(Clone, Debug, Default)]
pub struct Fix {
    /// The finding's code; the sink fills it in.
    pub code: String,
    /// The release; the sink fills it in.
    pub release: String,
    /// The repository that the file stands in; `None`: the CI configs' own.
    pub repo: Option<RepoName>,
    /// The file's path.
    pub path: String,
    /// The component that it is about.
    pub component: Option<String>,
    /// The file as it is.
    pub before: Option<Arc<[u8]>>,
    /// The file as it should be; `None`: it should not be there.
    pub after: Option<Arc<[u8]>>,
    /// Why, a sentence.
    pub because: String,
}
