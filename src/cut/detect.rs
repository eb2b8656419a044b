//! Notices a cut: releases that are built from other branches than OKD's configs promote from.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use crate::audit::{Finding, Severity};
use crate::derive;
use crate::model::release::Release;
use crate::target::prow_jobs;

/// Looks at the configs that are there and at where each release is built from: one finding a release.
pub fn moved(releases: &[derive::Release<'_>], configs: &BTreeMap<String, Facts>) -> Vec<Finding> {
    releases
        .iter()
        .filter_map(|release| moved_of(release, configs))
        .collect()
}

/// Tells of releases that build data has and that come after all that are looked after.
pub fn new_releases(newest: Release, in_build_data: &BTreeSet<Release>) -> Option<Finding> {
    let new: Vec<String> = in_build_data
        .iter()
        .filter(|known| **known > newest)
        .map(Release::to_string)
        .collect();
    if new.is_empty() {
        return None;
    }
    let text = format!(
        "ocp-build-data has branches of releases after {newest}, the newest looked after: {}",
        new.join(", ")
    );
    let help = "add them to `releases`, or let `releases` be auto; `lockstep cut` shows what follows";
    Some(Finding::new(Severity::Note, "new-release", text).with_help(help))
}

/// The repositories whose OKD config promotes to a release from a branch that it is no longer built from.
fn moved_of(release: &derive::Release<'_>, configs: &BTreeMap<String, Facts>) -> Option<Finding> {
    let (namespace, name) = (&release.payload.namespace.value, &release.payload.name.value);
    let mut branches: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (path, facts) in configs {
        let here = facts
            .promotes
            .iter()
            .any(|tag| tag.namespace == *namespace && tag.name == *name);
        let Some((repo, branch)) = prow_jobs::config_of(path).filter(|_| here) else {
            continue;
        };
        let Some(config) = release.configs.get(&repo) else {
            continue;
        };
        if !config.branch.is_empty() && config.branch != branch {
            let moves = (branch, config.branch.clone());
            branches.entry(moves).or_default().push(repo.to_string());
        }
    }
    if branches.is_empty() {
        return None;
    }
    let number = release.metadata.release;
    let count: usize = branches.values().map(Vec::len).sum();
    let moves = branches
        .iter()
        .map(|((from, to), repos)| format!("{} from {from} to {to}", repos.len()));
    let moves: Vec<String> = moves.collect();
    let repositories = if count == 1 {
        "1 repository is".to_owned()
    } else {
        format!("{count} repositories are")
    };
    let text = format!(
        "a branch cut is under way: OCP's promotion to {number} has moved, and {repositories} not there yet: {}",
        moves.join(", ")
    );
    let finding = Finding::new(Severity::Note, "branch-cut", text).with_release(number.to_string());
    Some(finding.with_help(format!(
        "`lockstep cut --from {number} --to NEXT` shows what has to happen in which order"
    )))
}
