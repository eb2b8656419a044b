//! Keeps a config from being added while another one promotes its tags: outside a cut, too.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::ci_config;
use crate::facts::ci_tags::{self, Facts, Tag};
use crate::finding::{Finding, Severity};
use crate::plan::Desired;

/// A config of the payload's variant that promotes to the release's stream and that the release does not derive.
#[derive(Clone, Debug)]
pub struct Other {
    /// Its path.
    pub path: String,
    /// What it says.
    pub facts: Facts,
}

/// Finds the configs beside the release's own that promote to its stream. `own`: the paths that the release derives.
pub fn others<'f>(
    files: impl IntoIterator<Item = (&'f String, &'f [u8])>,
    own: &BTreeSet<&str>,
    stream: (&str, &str),
) -> Vec<Other> {
    let promotes_here = |text: &[u8]| {
        let promotions = ci_config::promotions(text).unwrap_or_default();
        promotions
            .iter()
            .any(|p| !p.disabled && (p.namespace.as_str(), p.name.as_str()) == stream)
    };
    let others = files
        .into_iter()
        .filter(|(path, text)| !own.contains(path.as_str()) && promotes_here(text));
    let read = others.filter_map(|(path, text)| Some((path, ci_tags::read(text).ok()?)));
    read.map(|(path, facts)| Other {
        path: path.clone(),
        facts,
    })
    .collect()
}

/// Holds every config that would promote what another one promotes, with the files that follow it.
pub fn hold(files: &mut [Desired], others: &[Other]) -> Vec<Finding> {
    let mut taken: BTreeMap<&Tag, &str> = BTreeMap::new();
    for other in others {
        taken.extend(other.facts.promotes.iter().map(|tag| (tag, other.path.as_str())));
    }
    if taken.is_empty() {
        return Vec::new();
    }
    let (mut findings, mut held) = (Vec::new(), BTreeSet::new());
    for file in files.iter().filter(|file| file.before != file.after) {
        let Some(after) = file
            .after
            .as_deref()
            .filter(|_| ci_config::config_of(&file.path).is_some())
        else {
            continue;
        };
        let (Ok(after), before) = (ci_tags::read(after), file.before.as_deref().map(ci_tags::read)) else {
            continue;
        };
        let before = before.and_then(Result::ok).unwrap_or_default();
        let new = after.promotes.iter().filter(|tag| !before.promotes.contains(*tag));
        let Some((tag, other)) = new.filter_map(|tag| Some((tag, *taken.get(tag)?))).next() else {
            continue;
        };
        findings.push(waits(file, tag, other));
        held.insert(file.path.clone());
    }
    let is_held = |file: &&mut Desired| held.contains(file.follows.as_ref().unwrap_or(&file.path));
    for file in files.iter_mut().filter(is_held) {
        file.hold();
    }
    findings
}

/// Holds every file that two releases want to change: both are built from one branch, whose one config cannot promote for
/// both.
pub fn share(files: &mut [Desired]) -> Vec<Finding> {
    let mut wanted: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.before != file.after) {
        let key = (file.repo.to_string(), file.path.clone());
        wanted.entry(key).or_default().insert(file.release.clone());
    }
    wanted.retain(|_, releases| releases.len() > 1);
    for file in files.iter_mut() {
        if wanted.contains_key(&(file.repo.to_string(), file.path.clone())) {
            file.hold();
        }
    }
    wanted
        .into_iter()
        .map(|((_, path), releases)| shared(&path, releases))
        .collect()
}

/// Tells of a file that several releases want.
pub fn shared(path: &str, releases: BTreeSet<String>) -> Finding {
    let releases: Vec<String> = releases.into_iter().collect();
    let text = format!(
        "{path} is wanted by {}, which are built from one branch",
        releases.join(" and ")
    );
    let help = "disable OCP's promotion to all but one of them, or leave the others out of `releases`";
    Finding::new(Severity::Warning, "shared-branch", text).with_help(help)
}

fn waits(file: &Desired, tag: &Tag, other: &str) -> Finding {
    let text = format!(
        "{} would promote {tag}, which {other} promotes: it waits until that one no longer does",
        file.path
    );
    let mut finding = Finding::new(Severity::Warning, "waits-for-vacate", text)
        .with_release(file.release.clone())
        .with_help("`lockstep cut` shows the order; the other config moves to its new release first");
    finding.component.clone_from(&file.component);
    finding
}
