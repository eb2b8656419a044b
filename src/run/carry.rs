//! Carry-forward: asks components whether a file that metadata no longer names is still there.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Run;
use super::branches::Depth;
use super::heads::Head;
use super::memo::Slot;
use crate::audit::cut::{self, Lost, NamedFile, Side};
use crate::base::Release;
use crate::config::Via;
use crate::derive;
use crate::derive::payload::Demand;
use crate::finding::{Finding, Severity};
use crate::source::Snapshot;

/// Must change when the same metadata comes to other findings.
const VERSION: u32 = 3;

/// What was found, and the commits that it was found at.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Those of build data and CI configs.
    commits: String,
    /// Those of the components that were asked.
    heads: Vec<Head>,
    /// Findings as JSON: their form leaves fields out, which the cache's own encoding cannot.
    findings: String,
}

/// What a component said of a file.
enum Said {
    /// Whether it is there, at a commit.
    At(Head, bool),
    /// Whether it is there, in a folder that has no commits.
    Plain(bool),
    /// Components are not read here.
    Unasked,
    /// It could not be read.
    Nothing,
}

impl Said {
    fn is_there(&self) -> Option<bool> {
        match self {
            Self::At(_, there) | Self::Plain(there) => Some(*there),
            Self::Unasked | Self::Nothing => None,
        }
    }
}

impl Run {
    /// What OKD had on one release and lacks on the next, for each two neighbours of derived releases.
    pub fn carry_forward(&self, releases: &[derive::Release<'_>]) -> Vec<Finding> {
        self.carry_forward_of(releases.iter())
    }

    /// The same for releases that stand apart.
    pub(super) fn carry_forward_of<'r>(&self, releases: impl Iterator<Item = &'r derive::Release<'r>>) -> Vec<Finding> {
        let sides = releases.map(|release| Side {
            rules: release.rules,
            metadata: release.metadata,
            images: &release.images,
        });
        self.carried(sides.collect()).0
    }

    /// The same for releases that are not derived yet; recalled where neither metadata, CI configs nor the components that
    /// were asked have moved.
    pub fn carry_forward_between(&self, releases: &[Release], ci: Option<&dyn Snapshot>) -> Vec<Finding> {
        if releases.len() < 2 {
            return Vec::new();
        }
        let slots: Option<Vec<_>> = releases.iter().map(|release| self.slot(*release, ci)).collect();
        let slot = slots.map(|slots| together(&slots));
        if let Some(known) = slot.as_ref().and_then(|slot| self.carry_kept(slot)) {
            return known;
        }
        let metadata: Vec<_> = releases
            .par_iter()
            .filter_map(|release| self.metadata(*release).ok())
            .collect();
        let outlines: Vec<_> = metadata
            .par_iter()
            .filter_map(|metadata| self.outline(metadata, ci, &Demand::default(), Depth::Branch).ok())
            .collect();
        let sides = outlines.iter().map(|outline| Side {
            rules: outline.rules,
            metadata: outline.metadata,
            images: &outline.images,
        });
        let (findings, heads) = self.carried(sides.collect());
        if let (Some(slot), Some(heads), Ok(text)) = (slot, heads, serde_json::to_string(&findings)) {
            let kept = Kept {
                commits: slot.commits,
                heads,
                findings: text,
            };
            self.store.put("carry", VERSION, slot.name.as_bytes(), &kept);
        }
        findings
    }

    /// What was found before, if all components that were asked are still where they were.
    fn carry_kept(&self, slot: &Slot) -> Option<Vec<Finding>> {
        let kept: Kept = self.store.get("carry", VERSION, slot.name.as_bytes())?;
        if kept.commits != slot.commits {
            return None;
        }
        let unmoved = self.are_unmoved(&kept.heads);
        unmoved.then(|| serde_json::from_str(&kept.findings).ok()).flatten()
    }

    /// Compares neighbours; also tells where the components were that were asked, unless one of them has to be asked again
    /// in any case.
    fn carried(&self, mut sides: Vec<Side<'_>>) -> (Vec<Finding>, Option<Vec<Head>>) {
        sides.sort_by_key(|side| side.metadata.release);
        let mut looked: BTreeMap<(Release, String), Said> = BTreeMap::new();
        let mut findings = Vec::new();
        let pairs = sides.windows(2).filter_map(|pair| match pair {
            [before, after] => Some((after.metadata.release, cut::lost(*before, *after))),
            _ => None,
        });
        let mut pairs: Vec<(Release, Vec<Lost>)> = pairs.collect();
        let known = self.say_what_is_carried(&mut pairs);
        for (release, all) in pairs {
            for lost in all {
                let there = match &lost.file {
                    None => Some(true),
                    Some(file) => looked
                        .entry((release, format!("{} {} {}", file.repo, file.branch, file.path)))
                        .or_insert_with(|| self.is_there(release, file))
                        .is_there(),
                };
                match there {
                    Some(true) => findings.push(lost.finding),
                    Some(false) => {}
                    None => findings.push(not_judged(lost.finding, lost.file.as_ref())),
                }
            }
        }
        findings.sort();
        (findings, heads(looked.into_values()).filter(|_| known))
    }

    /// Has findings say what the target of the configuration carries itself. False where it may tell more later.
    fn say_what_is_carried(&self, pairs: &mut [(Release, Vec<Lost>)]) -> bool {
        let all = || pairs.iter().flat_map(|(_, all)| all);
        let Some(newest) = pairs.iter().map(|(release, _)| *release).max() else {
            return true;
        };
        if !self.writes_build_data() || all().all(|lost| lost.said.is_none()) {
            return true;
        }
        let releases = self.known_releases().range(..=newest).copied().collect();
        let added = match self.histories_of(&releases).and_then(|branches| self.added(&branches)) {
            Ok(added) => added,
            Err(unread) => return !unread.passing,
        };
        for (release, lost) in pairs
            .iter_mut()
            .flat_map(|(release, all)| all.iter_mut().map(|lost| (*release, lost)))
        {
            let Some(said) = &lost.said else { continue };
            let of_branch = added.get(&said.release).into_iter().flat_map(|all| all.iter());
            let is_below = |key: &str| {
                said.keys
                    .iter()
                    .any(|said| key == *said || key.starts_with(&format!("{said}.")))
            };
            if of_branch
                .into_iter()
                .any(|added| added.path == said.path && is_below(&added.key))
            {
                lost.finding.help = Some(format!(
                    "it was added when the branch of {release} had been made: target `build-data` carries it with its request for \
                     {release}, or `okd-carry-left` says why not"
                ));
            }
        }
        true
    }

    /// Asks a component whether it has a file.
    fn is_there(&self, release: Release, file: &NamedFile) -> Said {
        let components = &self.config.sources.components;
        let location = match components.via {
            Via::None => return Said::Unasked,
            Via::Git | Via::GitHub => components.repo(release, &file.repo),
        };
        let Some(location) = location else { return Said::Unasked };
        let opened = self.sources.open_component(&file.repo, &location, &file.branch);
        let Ok(snapshot) = opened else { return Said::Nothing };
        let Ok(oid) = snapshot.oid(&file.path) else {
            return Said::Nothing;
        };
        match snapshot.origin().commit.clone() {
            None => Said::Plain(oid.is_some()),
            Some(commit) => {
                let head = Head {
                    release,
                    repo: file.repo.clone(),
                    branch: file.branch.clone(),
                    commit,
                };
                Said::At(head, oid.is_some())
            }
        }
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

/// Where all components were that were asked; `None` where that does not tell whether the same would be said again.
fn heads(said: impl Iterator<Item = Said>) -> Option<Vec<Head>> {
    let mut heads = Vec::new();
    for said in said {
        match said {
            Said::At(head, _) => heads.push(head),
            Said::Unasked => {}
            Said::Plain(_) | Said::Nothing => return None,
        }
    }
    heads.sort();
    heads.dedup();
    Some(heads)
}

fn not_judged(mut finding: Finding, file: Option<&NamedFile>) -> Finding {
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
