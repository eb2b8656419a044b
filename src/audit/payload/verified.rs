//! Jobs that a payload waits for and that nobody makes, and jobs that no payload waits for.

use std::sync::Arc;

use super::entries;
use super::own::Own;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::audit::{Change, Sink};
use crate::facts::release_controller::Entry;
use crate::finding::Severity::{Error, Note, Warning};
use crate::finding::{Code, Family, Subject};
use crate::targets::payload_jobs::gates::Gate;

static WITHOUT_JOB: Code = Code {
    name: "verify-without-job",
    family: Family::Payload,
    severity: Error,
    title: "a payload waits for a job that nobody makes",
    means: "The release controller's file names a job that no job file of the CI repository has and no gating config makes, or none \
            at all. A payload waits for it, and is never accepted where the entry is not optional.",
    action: "Name the job that there is, add the gating config that it is made from, or take the entry out.",
    example: "`verify.aws` waits for periodic-ci-openshift-release-master-okd-4.22-e2e-aws, which no job file has",
    fix: Some("where there is the same job of another branch: names that one"),
};

static NOT_LOOKED_AT: Code = Code {
    name: "verify-not-judged",
    family: Family::Payload,
    severity: Note,
    title: "whether a job that a payload waits for is there was not looked at",
    means: "It is a job of another repository, and the job files of that one are not in what was read; or a file that may \
            have it could not be read.",
    action: "Look by hand.",
    example: "`verify.other` waits for periodic-ci-other-repo-main-e2e, a job of another repository, which was not looked at",
    fix: None,
};

static KEY_TWICE: Code = Code {
    name: "verify-key-twice",
    family: Family::Payload,
    severity: Warning,
    title: "a key of a release controller's file is there twice",
    means: "Its reader takes the last one, so that the first says nothing.",
    action: "Take one of the two out.",
    example: "the key aws is there twice, and the last one counts",
    fix: None,
};

static WITHOUT_VERIFY: Code = Code {
    name: "job-without-verify",
    family: Family::Payload,
    severity: Note,
    title: "no payload waits for a gating job",
    means: "The release's gating config makes the job, and no release controller's file of the release names it: it runs by the \
            clock alone, and says nothing of a payload. Where the file of the same kind of the release before or after has an entry \
            for the job, the fix adds it as it stands there, optional or not. Where neither has one there is no fix: an entry that is \
            not optional keeps payloads from being accepted, and whether it is to is for people to say.",
    action: "Add an entry to the release controller's file, or leave it so.",
    example: "no payload of 4.22 waits for periodic-ci-openshift-release-main-okd-4.22-e2e-gcp",
    fix: Some("where a file of the same kind of the release before or after has the entry: adds it as it is there"),
};

/// The check.
pub static CHECK: Check = Check::new(
    &[&WITHOUT_JOB, &NOT_LOOKED_AT, &KEY_TWICE, &WITHOUT_VERIFY],
    &[Need::CiConfigs, Need::Verification],
    run,
);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some(own) = Own::of(context) else { return };
    for (path, text, file) in own.controllers() {
        for (key, line) in &file.twice {
            let text = format!("the key {key} is there twice, and the last one counts");
            sink.add(
                KEY_TWICE
                    .finding(text)
                    .with_place(own.place(path, *line))
                    .with_subject(Own::key(path, key))
                    .with_help("take one of the two out"),
            );
        }
        if file.ended {
            continue;
        }
        for entry in file.entries.iter().filter(|entry| !entry.disabled) {
            waits_for(&own, path, text, entry, sink);
        }
    }
    without_verify(context, &own, sink);
}

fn waits_for(own: &Own<'_>, path: &str, text: &Arc<[u8]>, entry: &Entry, sink: &mut Sink) {
    let key = &entry.key;
    let place = own.place(path, entry.line);
    let subject = Own::key(path, &format!("verify.{key}"));
    let Some((job, range)) = &entry.job else {
        let text = format!("`verify.{key}` of {} names no job", file_name(path));
        let help = "name its job below `prowJob`, or take the entry out";
        let finding = WITHOUT_JOB.finding(text).with_place(place).with_help(help);
        sink.add(finding.with_subject(subject));
        return;
    };
    if own.all.jobs.contains(job) {
        return;
    }
    if let Some(unread) = own.unread_jobs() {
        let text = format!("`verify.{key}` waits for {job}, and {unread}, which may have it, cannot be read");
        let finding = NOT_LOOKED_AT.finding(text).with_place(place).with_help("look by hand");
        sink.add(finding.with_subject(subject));
        return;
    }
    if own.all.elsewhere.contains(job) {
        let text = format!("`verify.{key}` waits for {job}, a job of another repository, which was not looked at");
        let finding = NOT_LOOKED_AT.finding(text).with_place(place).with_help("look by hand");
        sink.add(finding.with_subject(subject));
        return;
    }
    let meant = meant(own, job);
    let help = match meant {
        Some(meant) => format!("there is {meant}: name that one"),
        None => "add what the job is made from, or take the entry out".to_owned(),
    };
    let finding = WITHOUT_JOB
        .finding(format!("`verify.{key}` waits for {job}, which no job file has"))
        .with_place(place)
        .with_subject(subject)
        .with_help(help);
    let change = meant.map(|meant| Change::Piece {
        path: path.to_owned(),
        text: text.clone(),
        at: range.clone(),
        new: serde_json::Value::from(meant).to_string(),
    });
    sink.add_with_fix(
        finding,
        change,
        "The job is that of the branch that the gating config is for.",
    );
}

/// The same job of another branch of the gating configs' repository.
fn meant<'v>(own: &Own<'v>, job: &str) -> Option<&'v str> {
    let variant = format!("-{}-", own.gates.variant(Gate::of(own.release)));
    let end = job.get(job.find(&variant)?..)?;
    let configs = own.configs(|gate| gate.release == own.release).into_iter();
    let mut same = configs
        .filter_map(|(_, path, _)| own.all.of_configs.get(path))
        .flatten()
        .filter(|known| known.ends_with(end));
    let first = same.next()?;
    same.next().is_none().then_some(first.as_str())
}

fn without_verify(context: &Context<'_>, own: &Own<'_>, sink: &mut Sink) {
    let files: Vec<_> = own
        .controllers()
        .into_iter()
        .filter(|(path, ..)| own.is_own(path))
        .collect();
    if files.is_empty() || files.iter().all(|(.., file)| file.ended) || own.may_wait_for_more() {
        return;
    }
    let entries = || files.iter().flat_map(|(.., file)| &file.entries);
    let named = |job: &str| {
        entries().any(|entry| {
            entry
                .job
                .as_ref()
                .is_some_and(|(name, _)| name == job || same(own, name, job))
        })
    };
    for (gate, path, _) in own.configs(|gate| gate.release == own.release) {
        let jobs = own.all.of_configs.get(path).into_iter().flatten();
        for job in jobs.filter(|job| !named(job)) {
            let text = format!("no payload of {} waits for {job}", own.release);
            let help = "add an entry to the release controller's file, if it is to say something of a payload";
            let finding = WITHOUT_VERIFY
                .finding(text)
                .with_place(own.place(path, 1))
                .with_subject(Subject::Name(job.clone()))
                .with_help(help);
            let (changes, because) = entries::of_neighbours(context, own, gate, job);
            sink.add_with_fixes(finding, changes, &because);
        }
    }
}

/// Whether a name that nobody makes is meant for a job: that is told once, of the name.
fn same(own: &Own<'_>, name: &str, job: &str) -> bool {
    !own.all.jobs.contains(name) && meant(own, name) == Some(job)
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
