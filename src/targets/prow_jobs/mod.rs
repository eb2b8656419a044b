//! Target `prow-jobs`: the jobs of OKD's ci-operator configs, among the jobs of others in openshift/release.
//!
//! Jobs follow the config that they are generated from, as it will be: the two change in one pull request.

mod facts;
mod file;
mod files;
mod job;
pub mod names;
mod registry;
mod scan;
mod sources;
#[cfg(test)]
mod tests;
mod there;
mod wording;

use std::collections::BTreeMap;

use rayon::prelude::*;

use self::files::Files;
use self::job::{LISTS, Maker};
use self::registry::Registry;
pub use self::sources::Source;
use super::{Actual, Ask, Cut, Destination, Rendered, Target, prow_config, release_name};
use crate::base::RepoName;
use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Desired, Policy};
use crate::targets::asking::OwnRules;
use crate::yaml::keys::NO_OPTIONS;

/// The target.
pub static TARGET: Target = Target {
    name: "prow-jobs",
    group: prow_config::TARGET.group,
    about: "the jobs of OKD's ci-operator configs, among the jobs of others",
    place: "the CI config repository, one branch for all releases",
    owns: "jobs that are generated from configs of OKD's variant, in files that may hold others'",
    seeds: "nothing",
    leaves: "all other jobs, and what CI's dispatcher and people set in ours, such as `cluster`",
    options: &NO_OPTIONS,
    after: &[prow_config::TARGET.name],
    destinations: Destination::ci_config,
    reads: sources::reads,
    render: door,
    cut: Cut::Follows,
    wait: super::door::no_wait,
    folders: &[],
};

/// Reads a file as one of presubmits, of postsubmits and of periodics, for the mutation runner (`tests/fuzz`).
#[doc(hidden)]
pub fn read_as_jobs(text: &[u8]) {
    for list in LISTS {
        drop(file::JobFile::read(Some(text), list, "openshift/etcd"));
    }
}

/// Renders the jobs of all configs onto the job files that are there.
fn door(ask: &Ask<'_>, actual: &Actual) -> Rendered {
    let mut actual = actual.clone();
    let sources = sources::all(ask, &actual);
    let mut findings = Vec::new();
    unread(&sources, &mut actual, &mut findings);
    let registry = Registry::read(&sources, &actual, &mut findings);
    let mut rendered = render(ask.rules(), &sources, &registry, &actual, ask.policy);
    rendered.findings.extend(findings);
    rendered
}

/// Renders the jobs of configs that another target has. `actual` has their job files, and what [`registry_files`] names.
pub(super) fn of_sources<'a>(
    release: impl Into<OwnRules<'a>>,
    sources: &[Source],
    actual: &Actual,
    policy: &Policy,
) -> Rendered {
    let mut actual = actual.clone();
    let mut findings = Vec::new();
    unread(sources, &mut actual, &mut findings);
    let registry = Registry::read(sources, &actual, &mut findings);
    let mut rendered = render(release, sources, &registry, &actual, policy);
    rendered.findings.extend(findings);
    rendered
}

/// The files of the step registry that say something of the configs' tests.
pub(super) fn registry_files(sources: &[Source]) -> Vec<String> {
    registry::files(sources)
}

/// The names of the jobs that run by the clock, of a job file; none where it is no such file or cannot be read.
pub fn periodics_in(path: &str, text: &[u8]) -> Vec<String> {
    let end = format!("-{}.yaml", file::PERIODICS);
    if !path.starts_with(names::ROOT) || !path.ends_with(&end) {
        return Vec::new();
    }
    let read = file::JobFile::read(Some(text), file::PERIODICS, "");
    read.map(|file| file.jobs.iter().map(|job| job.name.to_string()).collect())
        .unwrap_or_default()
}

/// The names of the jobs that run by the clock which a config asks for; none where it cannot be read or a rule fails.
pub fn periodics_of<'a>(release: impl Into<OwnRules<'a>>, source: &Source) -> Vec<String> {
    let release = release.into();
    let Some(facts) = source.facts() else { return Vec::new() };
    let (registry, scope) = (Registry::default(), release.scope());
    let of = job::Of {
        repo: &source.repo,
        branch: &source.branch,
        variant: &source.variant,
        facts,
    };
    let drafts = Maker::new(release, &scope, &registry, of)
        .drafts(facts)
        .unwrap_or_default();
    let periodics = drafts.into_iter().filter(|draft| draft.list == Some(file::PERIODICS));
    periodics.map(|draft| draft.name).collect()
}

/// One job file from what several releases make of it, each by itself: jobs by their names, those in order that are new.
///
/// `None` where it is no file of jobs that run by the clock, or one of the texts cannot be read.
pub fn joined(path: &str, before: Option<&[u8]>, afters: &[&[u8]]) -> Option<Vec<u8>> {
    if !path.starts_with(names::ROOT) || !path.ends_with(&format!("-{}.yaml", file::PERIODICS)) {
        return None;
    }
    file::joined(before, afters)
}

/// Tells of job files that cannot be read, and marks them.
fn unread(sources: &[Source], actual: &mut Actual, findings: &mut Vec<Finding>) {
    for path in sources.iter().flat_map(Source::paths) {
        if let Some(why) = actual.unreadable.get(&path) {
            let finding = Finding::new(Severity::Error, "unreadable-jobs", why.clone());
            findings.push(finding.with_place(actual.place(&path, None)));
            // This is no job file: it is reported and stays as it is.
            actual.files.insert(path, Bytes::from(&b"\0"[..]));
        }
    }
}

/// The branch's label and the list of a job file's name in the folder of a repository.
pub fn file_parts<'f>(file: &'f str, repo: &RepoName) -> Option<(&'f str, &'static str)> {
    names::taken_apart(file, repo, &LISTS)
}

/// Renders the jobs of all configs of a release onto the job files that are there.
pub fn render<'a>(
    release: impl Into<OwnRules<'a>>,
    sources: &[Source],
    registry: &Registry,
    actual: &Actual,
    policy: &Policy,
) -> Rendered {
    let release = release.into();
    let scope = release.scope();
    let one = |source: &Source, actual: &Actual| {
        let files = Files {
            release,
            source,
            registry,
            actual,
            policy,
        };
        files.render(&scope)
    };
    let groups = by_files(sources);
    let groups: Vec<Rendered> = groups
        .par_iter()
        .map(|group| in_one_place(group, actual, one))
        .collect();
    let mut rendered = Rendered::default();
    for group in groups {
        rendered.files.extend(group.files);
        rendered.findings.extend(group.findings);
        rendered.stuck.extend(group.stuck);
    }
    for finding in &mut rendered.findings {
        finding.release.get_or_insert_with(|| release_name(release));
    }
    rendered
}

/// Configs whose jobs stand in the same files: variants of one branch.
fn by_files(sources: &[Source]) -> Vec<Vec<&Source>> {
    let mut groups: BTreeMap<(&RepoName, String), Vec<&Source>> = BTreeMap::new();
    for source in sources {
        let key = (&source.repo, names::label(&source.branch));
        groups.entry(key).or_default().push(source);
    }
    groups.into_values().collect()
}

/// Renders configs whose jobs stand in the same files one after the other, each onto what comes of those before.
fn in_one_place(group: &[&Source], actual: &Actual, one: impl Fn(&Source, &Actual) -> (Rendered, bool)) -> Rendered {
    let mut rendered = Rendered::default();
    let mut done: BTreeMap<String, Desired> = BTreeMap::new();
    for source in group {
        let (part, stuck) = match done.is_empty() {
            true => one(source, actual),
            false => one(source, &after(actual, source, &done)),
        };
        rendered.findings.extend(part.findings);
        rendered.stuck.extend(stuck.then(|| source.config.clone()));
        for file in part.files {
            match done.get_mut(&file.path) {
                Some(known) => join(known, file),
                None => drop(done.insert(file.path.clone(), file)),
            }
        }
    }
    rendered.files.extend(done.into_values());
    rendered
}

/// The files of a config as they are after what is done to them.
fn after(actual: &Actual, source: &Source, done: &BTreeMap<String, Desired>) -> Actual {
    let files = source.paths().filter_map(|path| {
        let text = match done.get(&path) {
            Some(file) => file.after.clone(),
            None => actual.files.get(&path).cloned(),
        };
        Some((path, text?))
    });
    Actual {
        repo: actual.repo.clone(),
        branch: actual.branch.clone(),
        origin: actual.origin.clone(),
        files: files.collect(),
        unreadable: actual.unreadable.clone(),
        beside: BTreeMap::new(),
        links: std::collections::BTreeSet::new(),
    }
}

/// Adds what a later config makes of a file to what came before.
fn join(known: &mut Desired, file: Desired) {
    known.after = file.after;
    known.held &= file.held;
    known.causes.extend(file.causes);
    known.refused.extend(file.refused);
    known.images.extend(file.images);
    known.notes.extend(
        file.notes
            .into_iter()
            .filter(|note| !known.notes.contains(note))
            .collect::<Vec<_>>(),
    );
}
