//! Where something stands, and where what was read was taken.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in a file of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Place {
    /// The repository as people know it, e.g. `openshift-eng/ocp-build-data`; empty for files of the tool's own user
    /// (configuration, rules).
    pub repo: String,
    /// The commit's full hexadecimal id, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The path in the repository.
    pub file: String,
    /// The line, from 1, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

impl fmt::Display for Place {
    /// Writes `repo/file:line at commit`, the commit cut to ten digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.repo.is_empty() {
            write!(f, "{}: ", self.repo)?;
        }
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        match self.commit.as_deref() {
            Some(commit) => write!(f, " at {}", commit.get(..10).unwrap_or(commit)),
            None => Ok(()),
        }
    }
}

/// Where a snapshot was taken: what findings and provenance cite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The repository as people know it, e.g. `openshift-eng/ocp-build-data`.
    pub name: String,
    /// The branch that was asked for; empty for a plain directory.
    pub branch: String,
    /// The commit's full hexadecimal id; `None` for a plain directory.
    pub commit: Option<String>,
}
