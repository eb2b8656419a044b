//! Target `release-controller`: the release controller's file of a new release, made from that of the release before.
//!
//! People write these files by hand and add checks to them, so a file that is there stays as it is, and a new one is the
//! newest earlier one with other versions in its texts: order of keys, spacing and additions are kept.

mod shift;

use super::{Actual, Ask, Cut, Destination, Reads, Rendered, Step, Target, Tree, prow_config, release_name};
use crate::base::{self, RepoName};
use crate::derive::outline::base_scope;
use crate::derive::{Release, failures};
use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Cause, Desired, Policy, Refused, Verdict};
use crate::rules::{Decision, Subject};
use crate::yaml::keys::NO_OPTIONS;

use shift::Shift;

/// The target.
pub static TARGET: Target = Target {
    name: "release-controller",
    group: prow_config::TARGET.group,
    about: "the release controller's file of a new release, made from that of the release before",
    place: "the CI config repository, one branch for all releases",
    owns: "nothing of a file that is there",
    seeds: "the whole file, where the release has none and builds something",
    leaves: "files that are there: people add checks to them",
    options: &NO_OPTIONS,
    after: &[],
    destinations: Destination::ci_config,
    reads,
    render: |ask, actual| match place(ask.release) {
        Ok(Some(spot)) => render(ask.release, &spot, actual, ask.policy),
        Ok(None) => Rendered::default(),
        Err(findings) => Rendered {
            findings,
            ..Rendered::default()
        },
    },
    cut: Cut::Step(&Step {
        at: 30,
        name: "release-controller",
        title: "the release controller's file",
        because: "the release's stream has configs that promote to it",
    }),
};

/// The files of all releases, of the same kind as the release's own.
fn reads(ask: &Ask<'_>, _: &RepoName) -> Result<Reads, Vec<Finding>> {
    // What rules fail at is reported where the file is made.
    let Ok(Some(spot)) = place(ask.release) else {
        return Ok(Reads::default());
    };
    let own = ask.release.metadata.release;
    let folder = spot.path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let tree = Tree::of(folder, 1).only(move |path| release_of(path, &spot.path, own).is_some());
    Ok(Reads {
        trees: vec![tree],
        ..Reads::default()
    })
}

/// Where a release's file is, and the rule that says so.
pub struct Spot {
    /// The path.
    pub path: String,
    decision: Decision,
}

/// Asks the rules where the release's file is; `None`: it has none.
///
/// # Errors
/// A rule that failed.
pub fn place(release: &Release<'_>) -> Result<Option<Spot>, Vec<Finding>> {
    let metadata = release.metadata;
    let mut scope = base_scope(metadata.release, &metadata.group, Some(&release.payload.view));
    scope.set("target", &serde_json::json!(TARGET.name));
    let decision = release.rules.decide(Subject::Target, "file", metadata.release, &scope);
    let failed = failures(release.rules, &decision, "file", &format!("target {}", TARGET.name));
    if !failed.is_empty() {
        return Err(failed);
    }
    let path = decision
        .value
        .as_ref()
        .and_then(|value| value.as_str())
        .unwrap_or_default()
        .to_owned();
    Ok(if path.is_empty() {
        None
    } else {
        Some(Spot { path, decision })
    })
}

/// The release that a file of the same folder is for, if its name differs from the release's own in nothing else.
pub fn release_of(path: &str, own: &str, release: base::Release) -> Option<base::Release> {
    let (before, after) = own.rsplit_once(&release.to_string())?;
    let text = path.strip_prefix(before)?.strip_suffix(after)?;
    text.parse().ok()
}

/// Renders the release's file. `actual` has the files of all releases beside it.
pub fn render(release: &Release<'_>, place: &Spot, actual: &Actual, policy: &Policy) -> Rendered {
    let mut rendered = Rendered::default();
    if let Some((path, why)) = actual.unreadable.first_key_value() {
        let finding = Finding::new(Severity::Error, "unreadable-release-controller", why.clone());
        rendered.findings.push(finding.with_place(actual.place(path, None)));
        return rendered;
    }
    let own = release.metadata.release;
    let before = actual.files.get(&place.path).cloned();
    let mut desired = actual.file(&TARGET, release, &*place.path);
    if before.is_none() {
        let builds = release.configs.values().any(|config| !config.images.is_empty());
        let mut earlier: Vec<_> = actual
            .files
            .iter()
            .filter_map(|(path, text)| Some((release_of(path, &place.path, own)?, path, text)))
            .filter(|(other, ..)| *other < own)
            .collect();
        earlier.sort_by_key(|(other, ..)| *other);
        let Some((base, path, text)) = earlier.pop().filter(|_| builds) else {
            return rendered;
        };
        let before_base = earlier.last().map(|(other, ..)| *other);
        match made(text, Shift::new(base, before_base, own)) {
            Ok(after) => settle(release, place, policy, path, after, &mut desired),
            Err(why) => {
                let text = format!("the file of {base}, which that of {own} would be made from, is no JSON: {why}");
                rendered.findings.push(finding(release, actual, path, text));
                return rendered;
            }
        }
    }
    rendered.files.push(desired);
    rendered
}

/// The text with other versions, if it is the JSON that it should be.
fn made(text: &[u8], shift: Shift) -> Result<String, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    serde_json::from_str::<serde_json::Value>(text).map_err(|error| error.to_string())?;
    Ok(shift.text(text))
}

fn settle(release: &Release<'_>, place: &Spot, policy: &Policy, base: &str, after: String, desired: &mut Desired) {
    let rule = place
        .decision
        .deciders()
        .last()
        .and_then(|at| release.rules.rules.get(at));
    let jobs = jobs(&after);
    let cause = Cause {
        rule: rule.map(|rule| rule.id.clone()).unwrap_or_default(),
        rule_at: rule.map(|rule| rule.place.to_string()).unwrap_or_default(),
        field: "file".to_owned(),
        item: None,
        component: desired.repo.to_string(),
        images: Vec::new(),
        old: None,
        new: Some(format!("made from {base}")),
        because: rule.map(|rule| rule.because.clone()).unwrap_or_default(),
    };
    match policy.verdict(&cause, &desired.release) {
        Verdict::Apply => {
            desired.after = Some(Bytes::from(after.into_bytes()));
            desired.causes = vec![cause];
            if !jobs.is_empty() {
                let note = format!("names jobs that have to be there: {}", jobs.join(", "));
                desired.notes.push(note);
            }
        }
        verdict => desired.refused.push(Refused { cause, verdict }),
    }
}

/// The jobs that the file names.
fn jobs(text: &str) -> Vec<String> {
    let root: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let checks = root["verify"].as_object().into_iter().flat_map(|map| map.values());
    let names = checks.filter_map(|check| check["prowJob"]["name"].as_str());
    names.map(str::to_owned).collect()
}

fn finding(release: &Release<'_>, actual: &Actual, path: &str, text: String) -> Finding {
    Finding::new(Severity::Error, "unreadable-release-controller", text)
        .with_place(actual.place(path, None))
        .with_release(release_name(release))
        .with_help("put that file right, or write the new one by hand")
}
