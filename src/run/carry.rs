//! Carry-forward: asks components whether a file that metadata no longer names is still there.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Run;
use super::memo::Slot;
use crate::audit::cut::{self, Side, Wanted};
use crate::audit::{Finding, Severity};
use crate::config::Via;
use crate::derive;
use crate::derive::payload::Demand;
use crate::model::release::Release;
use crate::source::Snapshot;

/// Must change when the same metadata comes to other findings.
const VERSION: u32 = 2;

impl Run {
    /// What OKD had on one release and lacks on the next, for each two neighbours of derived releases.
    pub fn carry_forward(&self, releases: &[derive::Release<'_>]) -> Vec<Finding> {
        self.carry_forward_of(releases.iter())
    }

    /// The same for releases that stand apart.
    pub(super) fn carry_forward_of<'r>(&self, releases: impl Iterator<Item = &'r derive::Release<'r>>) -> Vec<Finding> {
        let sides = releases.map(|release| Side {
            metadata: release.metadata,
            images: &release.images,
        });
        self.carried(sides.collect()).0
    }

    /// The same for releases that are not derived yet; recalled where neither metadata nor CI configs have changed.
    pub fn carry_forward_between(&self, releases: &[Release], ci: Option<&dyn Snapshot>) -> Vec<Finding> {
        if releases.len() < 2 {
            return Vec::new();
        }
        let slots: Option<Vec<_>> = releases.iter().map(|release| self.slot(*release, ci)).collect();
        let slot = slots.map(|slots| together(&slots));
        let known = slot.as_ref().and_then(|slot| {
            self.store
                .get::<(String, String)>("carry", VERSION, slot.name.as_bytes())
        });
        if let (Some((commits, findings)), Some(slot)) = (known, &slot)
            && commits == slot.commits
            && let Ok(known) = serde_json::from_str(&findings)
        {
            return known;
        }
        let metadata: Vec<_> = releases
            .par_iter()
            .filter_map(|release| self.metadata(*release).ok())
            .collect();
        let outlines: Vec<_> = metadata
            .par_iter()
            .filter_map(|metadata| self.outline(metadata, ci, &Demand::default()).ok())
            .collect();
        let sides = outlines.iter().map(|outline| Side {
            metadata: outline.metadata,
            images: &outline.images,
        });
        let (findings, looked) = self.carried(sides.collect());
        // Components move without metadata: what they say is asked for each time.
        if let (Some(slot), false, Ok(text)) = (slot, looked, serde_json::to_string(&findings)) {
            let (key, value) = (slot.name.as_bytes(), (&slot.commits, text));
            self.store.put("carry", VERSION, key, &value);
        }
        findings
    }

    /// Compares neighbours; also tells whether components were asked.
    fn carried(&self, mut sides: Vec<Side<'_>>) -> (Vec<Finding>, bool) {
        sides.sort_by_key(|side| side.metadata.release);
        let mut looked: BTreeMap<(Release, String), Option<bool>> = BTreeMap::new();
        let mut findings = Vec::new();
        for pair in sides.windows(2) {
            let [before, after] = pair else { continue };
            let release = after.metadata.release;
            for lost in cut::lost(*before, *after) {
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
        (findings, !looked.is_empty())
    }

    /// Whether a component has a file; `None`: it cannot be told.
    fn is_there(&self, release: Release, file: &Wanted) -> Option<bool> {
        if self.config.sources.components.via == Via::None {
            return None;
        }
        let location = self.config.sources.components.repo(release, &file.repo)?;
        let opened = self.sources.open(&file.repo.to_string(), &location, &file.branch);
        opened.ok()?.oid(&file.path).ok().map(|oid| oid.is_some())
    }
}

/// What is remembered of several releases is kept as what is of one.
fn together(slots: &[Slot]) -> Slot {
    let each = |part: fn(&Slot) -> &str| slots.iter().map(part).collect::<Vec<_>>().join(" ");
    Slot {
        name: each(|slot| &slot.name),
        commits: each(|slot| &slot.commits),
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
