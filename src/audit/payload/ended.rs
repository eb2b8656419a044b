//! What verifies the payload of a release that has ended, and may go.

use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::cut::retire::{Ending, referrers};
use crate::finding::Severity::Note;
use crate::finding::{Code, Family};
use crate::targets;

use super::own::Own;

static CODE: Code = Code {
    name: "ended-release",
    family: Family::Payload,
    severity: Note,
    title: "a release has ended, and what verifies its payload is still there",
    means: "A rule calls the release closed. Its gating configs and their jobs, the release controller's files and the entry that \
            mirrors its images may go; nothing goes by itself, and it gets no new files.",
    action: "`lockstep cut --retire RELEASE` shows that change, and with `--apply` makes it as one request.",
    example: "4.16 has ended, and these may go: openshift-release-main__okd-4.16.yaml with 6 jobs; nobody refers to them",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::CiConfigs, Need::Verification], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some(own) = Own::of(context) else { return };
    let because = targets::ended(context.release);
    let ending = Ending::of(context.release, &own.gates, own.all);
    let Some(first) = ending.configs.first().or(ending.controllers.first()) else {
        return;
    };
    if because.is_empty() {
        return;
    }
    let names: Vec<&str> = ending
        .configs
        .iter()
        .chain(&ending.controllers)
        .map(|path| name(path))
        .collect();
    let referrers = referrers(own.release, &own.gates, &ending, own.all);
    let referred = match referrers.len() {
        0 => "nobody refers to them".to_owned(),
        _ => format!("still referred to: {}", referrers.join("; ")),
    };
    let payload = &context.release.payload;
    let stream = format!("{}/{}", payload.namespace.value, payload.name.value);
    let mirrored = match own.all.mirrored.contains(&stream) {
        true => format!(", and the entry that mirrors {stream}"),
        false => String::new(),
    };
    let jobs = match ending.jobs.len() {
        1 => "1 job".to_owned(),
        many => format!("{many} jobs"),
    };
    let text = format!(
        "{} has ended ({because}), and these may go: {} with {jobs}{mirrored}; {referred}",
        own.release,
        names.join(", "),
    );
    let finding = CODE.finding(text).with_place(own.place(first, 1)).with_help(format!(
        "`lockstep cut --retire {}` shows that change, and with `--apply` makes it as one request",
        own.release
    ));
    sink.add(finding);
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}
