//! The result of an audit as data: what `audit --format json` prints.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::registry;
use crate::base::Color;
use crate::finding::policy::{Judged, Suppression};
use crate::finding::{Family, Finding, Severity};
use crate::plan::{FileChange, Plan, unified};

/// The result of an audit.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Report {
    /// The releases that were looked at.
    pub releases: Vec<String>,
    /// How many findings there are.
    pub counts: Counts,
    /// The findings, errors first.
    pub findings: Vec<Shown>,
    /// Findings that a suppression covers.
    pub suppressed: Vec<Suppressed>,
    /// Checks that were not run, because something that they need is missing.
    pub skipped: Vec<Skipped>,
    /// The commit of build data that the findings are new against, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The safe changes that put findings right, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixes: Option<Vec<Fixed>>,
}

/// A file that a fix changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Fixed {
    /// The repository.
    pub repo: String,
    /// The file.
    pub path: String,
    /// The release.
    pub release: String,
    /// `new`, `changed` or `removed`.
    pub change: String,
    /// The codes of the findings that it puts right.
    pub codes: Vec<String>,
    /// The change as a unified diff, control characters escaped.
    pub diff: String,
}

impl Fixed {
    /// The files of a plan of fixes.
    pub fn of(plan: &Plan) -> Vec<Self> {
        let files = plan
            .changing()
            .flat_map(|pr| pr.files.iter().map(move |file| (pr, file)));
        let fixed = files.map(|(pr, file)| Self {
            repo: pr.scope.repo.to_string(),
            path: file.path.clone(),
            release: pr.scope.release.clone(),
            change: file.kind.to_string(),
            codes: codes(file),
            diff: unified(file, Color::Off),
        });
        fixed.collect()
    }
}

fn codes(file: &FileChange) -> Vec<String> {
    let codes: BTreeSet<&String> = file.causes.iter().map(|cause| &cause.rule).collect();
    codes.into_iter().cloned().collect()
}

/// How many findings there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Counts {
    /// Of severity error.
    pub errors: usize,
    /// Of severity warning.
    pub warnings: usize,
    /// Of severity note.
    pub notes: usize,
    /// That are suppressed.
    pub suppressed: usize,
}

/// A finding, and what is known of its code.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Shown {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// The family of its code.
    pub family: Family,
    /// Whether `--fix` puts it right.
    pub fixable: bool,
    /// What `--fix` does, e.g. `removes okd.from`, where that is safe and a request can be made for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// Findings of one suppression.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Suppressed {
    /// The suppression.
    pub by: Suppression,
    /// What it covers.
    pub findings: Vec<Finding>,
}

/// A check that was not run on some releases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Skipped {
    /// The codes that it could have found.
    pub codes: Vec<String>,
    /// The releases.
    pub releases: Vec<String>,
    /// What was missing.
    pub missing: String,
}

impl Report {
    /// Puts a report together. `fixes`: what `--fix` does, by what the finding is known by.
    pub fn new(
        releases: Vec<String>,
        judged: Judged,
        suppressions: &[Suppression],
        skipped: Vec<Skipped>,
        fixes: &BTreeMap<String, String>,
    ) -> Self {
        let Judged { shown, suppressed } = judged;
        let of = |severity| shown.iter().filter(|finding| finding.severity == severity).count();
        let counts = Counts {
            errors: of(Severity::Error),
            warnings: of(Severity::Warning),
            notes: of(Severity::Note),
            suppressed: suppressed.values().map(Vec::len).sum(),
        };
        let suppressed = suppressed.into_iter().filter_map(|(at, findings)| {
            let by = suppressions.get(at)?.clone();
            Some(Suppressed { by, findings })
        });
        Self {
            releases,
            counts,
            suppressed: suppressed.collect(),
            findings: shown.into_iter().map(|finding| Shown::of(finding, fixes)).collect(),
            skipped,
            since: None,
            fixes: None,
        }
    }

    /// Whether there is a finding of severity error: what `--exit-code` asks for.
    pub fn has_errors(&self) -> bool {
        self.counts.errors > 0
    }
}

impl Shown {
    /// A finding with what is known of its code. `fixes`: what `--fix` does, by what the finding is known by.
    pub fn of(finding: Finding, fixes: &BTreeMap<String, String>) -> Self {
        let code = registry::find(&finding.code);
        let fix = fixes.get(&finding.identity()).cloned();
        Self {
            family: code.map_or(Family::Reading, |code| code.family),
            fixable: fix.is_some(),
            fix,
            finding,
        }
    }
}
