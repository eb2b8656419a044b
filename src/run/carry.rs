//! Carry-forward: asks components whether a file that metadata no longer names is still there.

use std::collections::BTreeMap;

use super::Run;
use crate::audit::cut::{self, Wanted};
use crate::audit::{Finding, Severity};
use crate::derive::Release;
use crate::model;

impl Run {
    /// What OKD had on one release and lacks on the next, for each two neighbours of derived releases.
    pub fn carry_forward(&self, releases: &[Release<'_>]) -> Vec<Finding> {
        let mut sorted: Vec<&Release<'_>> = releases.iter().collect();
        sorted.sort_by_key(|release| release.metadata.release);
        let mut looked: BTreeMap<(model::release::Release, String), Option<bool>> = BTreeMap::new();
        let mut findings = Vec::new();
        for pair in sorted.windows(2) {
            let [before, after] = pair else { continue };
            let release = after.metadata.release;
            for lost in cut::lost(before, after) {
                let there = match &lost.file {
                    None => Some(true),
                    Some(file) => *looked
                        .entry((release, format!("{} {} {}", file.repo, file.branch, file.path)))
                        .or_insert_with(|| self.is_there(release, file)),
                };
                match there {
                    Some(true) => findings.push(lost.finding),
                    Some(false) => {}
                    None => findings.push(not_judged(lost.finding, lost.file.as_ref())),
                }
            }
        }
        findings.sort();
        findings
    }

    /// Whether a component has a file; `None`: it cannot be told.
    fn is_there(&self, release: model::release::Release, file: &Wanted) -> Option<bool> {
        let location = self.config.sources.components.repo(release, &file.repo)?;
        let opened = self.sources.open(&file.repo.to_string(), &location, &file.branch);
        opened.ok()?.oid(&file.path).ok().map(|oid| oid.is_some())
    }
}

fn not_judged(mut finding: Finding, file: Option<&Wanted>) -> Finding {
    let file = file
        .map(|file| format!("{} at {} of {}", file.path, file.branch, file.repo))
        .unwrap_or_default();
    finding.severity = Severity::Note;
    finding.code = "carry-not-judged".into();
    finding.message = format!(
        "{} (not judged: whether {file} is still there cannot be read)",
        finding.message
    );
    finding
}
