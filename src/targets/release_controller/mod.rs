//! Target `release-controller`: the release controller's files of a new release, made from those of the release before.
//!
//! People write these files by hand and add checks to them, so a file that is there stays as it is, and a new one is the
//! newest earlier one of its kind with other versions in its texts: order of keys, spacing and additions are kept.

mod shift;

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{Actual, Ask, Cut, Destination, Reads, Rendered, Step, Target, Tree, prow_config, release_name};
use crate::base::{Release as Number, RepoName};
use crate::derive::Release;
use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Cause, Desired, Policy, Refused, Verdict, WHOLE_FILE};
use crate::rules::Decision;
use crate::targets::asking;
use crate::yaml::keys::NO_OPTIONS;

use shift::Shift;

/// The target.
pub static TARGET: Target = Target {
    name: "release-controller",
    group: prow_config::TARGET.group,
    about: "the release controller's files of a new release, made from those of the release before",
    place: "the CI config repository, one branch for all releases",
    owns: "nothing of a file that is there",
    seeds: "the whole file, where the release lacks one that the release before has, and builds something",
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
        title: "the release controller's files",
        because: "the release's stream has configs that promote to it",
    }),
};

/// The files of all releases, of the same kinds as the release's own.
fn reads(ask: &Ask<'_>, _: &RepoName) -> Result<Reads, Vec<Finding>> {
    // What rules fail at is reported where the files are made.
    let Ok(Some(spot)) = place(ask.release) else {
        return Ok(Reads::default());
    };
    let own = ask.release.metadata.release;
    let folder = |path: &String| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let folders: BTreeSet<String> = spot.paths.iter().map(folder).collect();
    let trees = folders.into_iter().map(|folder| {
        let paths = spot.paths.clone();
        Tree::of(folder, 1).only(move |path| paths.iter().any(|form| own.of_same_form(form, path).is_some()))
    });
    Ok(Reads {
        trees: trees.collect(),
        ..Reads::default()
    })
}

/// Where a release's files are, and the rule that says so.
pub struct Spot {
    /// The paths that the files of the release can have. Which of them there are, those of the newest release before it say.
    pub paths: Vec<String>,
    decision: Decision,
}

/// Asks the rules where the release's files are; `None`: it has none.
///
/// # Errors
/// A rule that failed.
pub fn place(release: &Release<'_>) -> Result<Option<Spot>, Vec<Finding>> {
    let (mut paths, mut failed, mut decided) = (Vec::new(), Vec::new(), None);
    for field in ["file", "files"] {
        let (decision, more) = asking::of_target(release, TARGET.name, field);
        failed.extend(more);
        let known = paths.len();
        match &decision.value {
            Some(Json::String(path)) if !path.is_empty() => paths.push(path.clone()),
            Some(Json::Array(list)) => paths.extend(list.iter().filter_map(Json::as_str).map(str::to_owned)),
            _ => {}
        }
        if paths.len() > known {
            decided = Some(decision);
        }
    }
    if !failed.is_empty() {
        return Err(failed);
    }
    Ok(decided.map(|decision| Spot { paths, decision }))
}

/// The files of earlier releases whose names have one form, oldest first.
struct Form<'f> {
    own: &'f String,
    earlier: Vec<(Number, &'f String, &'f Bytes)>,
}

impl<'f> Form<'f> {
    fn of(own: &'f String, actual: &'f Actual, release: Number) -> Self {
        let files = actual.files.iter();
        let known = files.filter_map(|(path, text)| Some((release.of_same_form(own, path)?, path, text)));
        let mut earlier: Vec<_> = known.filter(|(other, ..)| *other < release).collect();
        earlier.sort_by_key(|(other, ..)| *other);
        Self { own, earlier }
    }
}

/// Renders the release's files. `actual` has the files of all releases beside them.
///
/// A release has the files that the newest release before it has: where that one has two, made by different builds, so has this
/// one.
pub fn render(release: &Release<'_>, place: &Spot, actual: &Actual, policy: &Policy) -> Rendered {
    let mut rendered = Rendered::default();
    if let Some((path, why)) = actual.unreadable.first_key_value() {
        let finding = Finding::new(Severity::Error, "unreadable-release-controller", why.clone());
        rendered.findings.push(finding.with_place(actual.place(path, None)));
        return rendered;
    }
    let own = release.metadata.release;
    let forms: Vec<Form<'_>> = place.paths.iter().map(|path| Form::of(path, actual, own)).collect();
    let newest = forms
        .iter()
        .filter_map(|form| form.earlier.last())
        .map(|(number, ..)| *number)
        .max();
    let is_there = |form: &&Form<'_>| actual.files.contains_key(form.own);
    let is_asked = |form: &&Form<'_>| form.earlier.last().is_some_and(|(number, ..)| Some(*number) == newest);
    let there: Vec<&Form<'_>> = forms.iter().filter(is_there).collect();
    rendered
        .files
        .extend(there.iter().map(|form| actual.file(&TARGET, release, form.own)));
    let builds = release.configs.values().any(|config| !config.images.is_empty());
    // Files that are there under other names than those of the release before are how it is done now.
    let renamed = !there.is_empty() && !there.iter().any(is_asked);
    if !builds || renamed {
        return rendered;
    }
    for form in forms.iter().filter(is_asked).filter(|form| !is_there(form)) {
        let mut file = actual.file(&TARGET, release, form.own);
        let (Some((base, path, text)), older) = (form.earlier.last(), form.earlier.iter().rev().nth(1)) else {
            continue;
        };
        match made(text, Shift::new(*base, older.map(|(number, ..)| *number), own)) {
            Ok(after) => {
                settle(release, place, policy, path, after, &mut file);
                rendered.files.push(file);
            }
            Err(why) => {
                let text = format!("the file of {base}, which that of {own} would be made from, is no JSON: {why}");
                rendered.findings.push(finding(release, actual, path, text));
                rendered.missed.insert(TARGET.name.to_owned());
            }
        }
    }
    rendered
}

/// The text with other versions, if it is the JSON that it should be.
fn made(text: &[u8], shift: Shift) -> Result<String, String> {
    let text = std::str::from_utf8(text).map_err(|error| error.to_string())?;
    serde_json::from_str::<serde_json::Value>(text).map_err(|error| error.to_string())?;
    Ok(shift.text(text))
}

fn settle(release: &Release<'_>, place: &Spot, policy: &Policy, base: &str, after: String, desired: &mut Desired) {
    let jobs = jobs(&after);
    let rule = place.decision.deciders().last();
    let cause = Cause {
        new: Some(format!("made from {base}")),
        ..asking::cause(release, rule, WHOLE_FILE, desired.repo.to_string())
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
