//! Target `release-controller`: the release controller's files of a new release, made from those of the release before.
//!
//! People write these files by hand and add checks to them, so a file that is there stays as it is, and a new one is the
//! newest earlier one of its kind with other versions in its texts: order of keys, spacing and additions are kept.

pub mod missing;
mod text;

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::payload_jobs::gates::{self, Gate, Gates};
use super::{
    Actual, Ask, Cut, Destination, Earlier, Reads, Rendered, Step, Target, Tree, When, payload_jobs, prow_config,
    prow_jobs, release_name,
};
use crate::base::{Release as Number, RepoName};
use crate::derive::outline::base_scope;
use crate::facts::group::Group;
use crate::facts::{json, release_controller};
use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Cause, Desired, Policy, Refused, Verdict, WHOLE_FILE};
use crate::rules::{Decision, RuleSet, Subject};
use crate::targets::asking::{self, OwnRules};
use crate::yaml::keys::NO_OPTIONS;

use text::Making;
pub use text::{from_minor_before, spliced};

/// The target.
pub static TARGET: Target = Target {
    name: "release-controller",
    group: prow_config::TARGET.group,
    about: "the release controller's files of a new release, made from those of the release before",
    place: "the CI config repository, one branch for all releases",
    owns: "nothing of a file that is there",
    seeds: "the whole file, where the release lacks one that the release before has, and builds something; with the first \
            release of a major the files of the major's own streams",
    leaves: "files that are there: people add checks to them",
    options: &NO_OPTIONS,
    after: &[payload_jobs::TARGET.name],
    destinations: Destination::ci_config,
    reads,
    render: |ask, actual| match place(ask.rules()) {
        Ok(Some(spot)) => render(ask, &spot, actual),
        Ok(None) => Rendered::default(),
        Err(findings) => Rendered {
            findings,
            ..Rendered::default()
        },
    },
    cut: Cut::Step(&Step {
        at: 30,
        when: When::WithFirst,
        name: "release-controller",
        title: "the release controller's files",
        because: "the release's stream has configs that promote to it",
    }),
    wait: super::door::no_wait,
    folders: &[],
};

/// The files of all releases and majors, of the same kinds as the release's own.
fn reads(ask: &Ask<'_>, _: &RepoName) -> Result<Reads, Vec<Finding>> {
    // What rules fail at is reported where the files are made.
    let Ok(Some(spot)) = place(ask.rules()) else {
        return Ok(Reads::default());
    };
    let trees = spot.folders().into_iter().map(|folder| {
        let spot = spot.clone();
        Tree::of(folder, 1).only(move |path| spot.has(path))
    });
    Ok(Reads {
        trees: trees.collect(),
        ..Reads::default()
    })
}

/// Where a release's files are, and the rule that says so.
#[derive(Clone, Debug)]
pub struct Spot {
    /// The release.
    release: Number,
    /// The paths that the files of the release can have. Which of them there are, those of the newest release before it say.
    pub paths: Vec<String>,
    /// The paths of the files of the release's major.
    pub majors: Vec<String>,
    /// What entries of further upgrades are called.
    further: String,
    /// What an entry says in a major's first release that upgrades from the minor release before.
    previous_minor: Json,
    decision: Decision,
}

impl Spot {
    /// The folders of the files.
    pub fn folders(&self) -> BTreeSet<String> {
        let folder = |path: &String| path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        self.paths.iter().chain(&self.majors).map(folder).collect()
    }

    /// What the entry of a further upgrade is called, beside that of another one.
    fn further_key(&self, name: &str, from: Number) -> String {
        self.further
            .replace("{name}", name)
            .replace("{from}", &from.to_string())
    }

    /// Whether a path is that of a file of any release, or of any major.
    pub fn has(&self, path: &str) -> bool {
        self.release_of(path).is_some() || self.major_of(path).is_some()
    }

    /// The release whose file a path is.
    pub fn release_of(&self, path: &str) -> Option<Number> {
        self.paths.iter().find_map(|form| self.release.of_same_form(form, path))
    }

    /// The major whose file a path is.
    pub fn major_of(&self, path: &str) -> Option<u32> {
        self.majors.iter().find_map(|form| self.major_in(form, path))
    }

    fn major_in(&self, form: &str, path: &str) -> Option<u32> {
        let (before, after) = form.rsplit_once(&format!("{}.", self.release.major))?;
        path.strip_prefix(before)?
            .strip_suffix(after)?
            .strip_suffix('.')?
            .parse()
            .ok()
    }
}

/// Asks the rules where the release's files are; `None`: it has none.
///
/// # Errors
/// A rule that failed.
pub fn place<'a>(release: impl Into<OwnRules<'a>>) -> Result<Option<Spot>, Vec<Finding>> {
    let release = release.into();
    let (mut paths, mut failed, mut decided) = (Vec::new(), Vec::new(), None);
    let mut decide = |field: &str| {
        let (decision, more) = asking::of_target(release, TARGET.name, field);
        failed.extend(more);
        decision
    };
    for field in ["file", "files"] {
        let decision = decide(field);
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
    let (majors, further, previous_minor) = (decide("majors"), decide("further"), decide("previous_minor"));
    if !failed.is_empty() {
        return Err(failed);
    }
    let further = further.value.as_ref().and_then(Json::as_str).unwrap_or("{name}-{from}");
    Ok(decided.map(|decision| Spot {
        release: release.number(),
        paths,
        majors: asking::texts(&majors),
        further: further.to_owned(),
        previous_minor: previous_minor.value.unwrap_or_default(),
        decision,
    }))
}

/// The paths that the files of a release can have, before it is derived; none where a rule fails.
pub fn paths(rules: &RuleSet, release: Number, payload: &Json) -> Vec<String> {
    let mut scope = base_scope(release, &Group::default(), Some(payload));
    scope.set("target", &serde_json::json!(TARGET.name));
    let decide = |field| rules.decide(Subject::Target, field, release, &scope);
    let one = decide("file").value.and_then(|path| path.as_str().map(str::to_owned));
    let mut paths = asking::texts(&decide("files"));
    paths.extend(one.filter(|path| !path.is_empty()));
    paths
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
fn render(ask: &Ask<'_>, spot: &Spot, actual: &Actual) -> Rendered {
    let mut rendered = Rendered::default();
    if let Some((path, why)) = actual.unreadable.first_key_value() {
        let finding = Finding::new(Severity::Error, "unreadable-release-controller", why.clone());
        rendered.findings.push(finding.with_place(actual.place(path, None)));
        return rendered;
    }
    let release = ask.rules();
    let own = release.number();
    let forms: Vec<Form<'_>> = spot.paths.iter().map(|path| Form::of(path, actual, own)).collect();
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
    let builds = release.has_images();
    let ended = super::has_ended(release);
    // Files that are there under other names than those of the release before are how it is done now.
    let renamed = !there.is_empty() && !there.iter().any(is_asked);
    if !builds || renamed || ended {
        return rendered;
    }
    let upgrades_from = match gates::upgrades_from(release, own) {
        Ok(upgrades_from) => upgrades_from,
        Err(findings) => {
            rendered.findings.extend(findings);
            rendered.missed.insert(TARGET.name.to_owned());
            return rendered;
        }
    };
    let jobs = known_jobs(ask);
    let mut is_new = false;
    for form in forms.iter().filter(is_asked).filter(|form| !is_there(form)) {
        let Some((base, path, text)) = form.earlier.last() else {
            continue;
        };
        let making = Making {
            from: (
                *base,
                gates::upgrades_from(release, *base)
                    .ok()
                    .and_then(|list| list.first().copied()),
            ),
            to: own,
            upgrades_from: &upgrades_from,
            further: &spot.further,
            previous_minor: &spot.previous_minor,
            jobs: &jobs,
        };
        is_new = true;
        make(ask, spot, actual, (form.own, path), making.text(text), &mut rendered);
    }
    if is_new && own_major_begins(spot, &forms) {
        majors(ask, spot, actual, &upgrades_from, &mut rendered);
    }
    rendered
}

/// Whether no release of the major has a file yet.
fn own_major_begins(spot: &Spot, forms: &[Form<'_>]) -> bool {
    let mut earlier = forms.iter().flat_map(|form| &form.earlier);
    !earlier.any(|(number, ..)| number.major == spot.release.major)
}

/// Makes the files of a major that begins, of those of the newest major before it.
fn majors(ask: &Ask<'_>, spot: &Spot, actual: &Actual, upgrades_from: &[Number], rendered: &mut Rendered) {
    let own = spot.release;
    for form in spot.majors.iter().filter(|form| !actual.files.contains_key(*form)) {
        let files = actual.files.iter();
        let earlier = files.filter_map(|(path, text)| Some((spot.major_in(form, path)?, path, text)));
        let Some((major, path, text)) = earlier
            .filter(|(major, ..)| *major < own.major)
            .max_by_key(|(major, ..)| *major)
        else {
            continue;
        };
        let making = Making {
            from: (own, None),
            to: own,
            upgrades_from,
            further: &spot.further,
            previous_minor: &spot.previous_minor,
            jobs: &[],
        };
        let text = text::of_major(text, major, own.major).and_then(|text| making.text(text.as_bytes()));
        make(ask, spot, actual, (form, path), text, rendered);
    }
}

/// The jobs that the release will have, each with the end of its name from the variant on.
fn known_jobs(ask: &Ask<'_>) -> Vec<(String, String)> {
    let (Some(earlier), Ok(Some(gates))) = (ask.earlier.get(payload_jobs::TARGET.name), Gates::of(ask.rules())) else {
        return Vec::new();
    };
    let main = Gate::of(ask.rules().number());
    let known = earlier.files.iter().filter_map(|file| gates.taken_apart(&file.path));
    let branches: BTreeSet<String> = known
        .filter(|(_, gate)| *gate == main)
        .map(|(branch, _)| branch)
        .collect();
    let (own, variant) = (format!("-{}-{}-", gates.repo.org, gates.repo.repo), gates.variant(main));
    let names = names_in(earlier).into_iter().filter_map(|name| {
        let of_branch =
            |branch: &String| Some(name.find(&format!("{own}{branch}-{variant}-"))? + own.len() + branch.len());
        let end = name.get(branches.iter().find_map(of_branch)?..)?.to_owned();
        Some((name, end))
    });
    names.collect()
}

fn names_in(earlier: &Earlier) -> Vec<String> {
    let files = earlier.files.iter();
    let texts = files.filter_map(|file| Some((&file.path, file.after.as_deref()?)));
    texts
        .flat_map(|(path, text)| prow_jobs::periodics_in(path, text))
        .collect()
}

/// Takes the text of a new file, or tells why there is none.
fn make(
    ask: &Ask<'_>,
    spot: &Spot,
    actual: &Actual,
    (path, base): (&str, &str),
    text: Result<String, json::Fault>,
    rendered: &mut Rendered,
) {
    let (release, number) = (ask.rules(), spot.release);
    match text {
        Ok(after) => {
            let mut file = actual.file(&TARGET, release, path);
            settle(release, spot, ask.policy, base, after, &mut file);
            rendered.files.push(file);
        }
        Err(json::Fault { line, why }) => {
            let text = format!("the file that {path} of {number} would be made from cannot be read: {why}");
            let finding = Finding::new(Severity::Error, "unreadable-release-controller", text)
                .with_place(actual.place(base, Some(line)))
                .with_release(release_name(release))
                .with_help("put that file right, or write the new one by hand");
            rendered.findings.push(finding);
            rendered.missed.insert(TARGET.name.to_owned());
        }
    }
}

fn settle(release: OwnRules<'_>, place: &Spot, policy: &Policy, base: &str, after: String, desired: &mut Desired) {
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
    let entries = release_controller::read(text.as_bytes())
        .map(|file| file.entries)
        .unwrap_or_default();
    entries.into_iter().filter_map(|entry| Some(entry.job?.0)).collect()
}
