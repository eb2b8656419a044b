//! Tests that the gating configs of both neighbours of a release have, and its own has not.

use std::collections::{BTreeMap, BTreeSet};

use super::own::Own;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::audit::{Change, Sink};
use crate::base::Release;
use crate::facts::gating;
use crate::finding::Severity::Note;
use crate::finding::{Code, Family, Subject};
use crate::targets::payload_jobs::gates::Gate;
use crate::targets::payload_jobs::missing::{self, Neighbour};

static CODE: Code = Code {
    name: "gating-behind",
    family: Family::Payload,
    severity: Note,
    title: "a test is missing that the releases before and after have",
    means: "The gating configs of the release before and of the one after have a test of that name, and the release's own has none: it \
            was added to one of them, or lost at a cut. Where both have the same one, but for what names the release and how often \
            it runs, the fix adds it as the older one has it, with the base images that both have and this one lacks. Where they \
            differ, in the cluster profile or in the time of a `cron` as well, there is no fix: people spread these by hand.",
    action: "Add the test, or leave it so.",
    example: "the gating config of 4.21 has no test e2e-gcp, which those of 4.20 and 4.22 have",
    fix: Some("where both have the same test: adds it, with its job"),
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::CiConfigs, Need::Verification], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some(own) = Own::of(context) else { return };
    let mut tests: BTreeMap<Release, BTreeSet<String>> = BTreeMap::new();
    for (gate, _, text) in own.configs(|gate| gate.from.is_none()) {
        let Ok(config) = gating::read(text) else { continue };
        let names = config.tests.into_iter().map(|(name, _)| name);
        tests.entry(gate.release).or_default().extend(names);
    }
    let Some(here) = tests.get(&own.release) else { return };
    let before = tests.range(..own.release).next_back();
    let after = tests.range(own.release..).nth(1);
    let (Some((before, older)), Some((after, newer))) = (before, after) else {
        return;
    };
    let mains = own.mains();
    let path = mains.first().map(|(path, ..)| own.place(path, 1));
    for test in older.intersection(newer).filter(|test| !here.contains(*test)) {
        let change = addition(context, &own, test, (*before, *after));
        let text = format!(
            "the gating config of {} has no test {test}, which those of {before} and {after} have",
            own.release
        );
        let help = match change {
            Some(_) => "add the test as both have it, or leave it so",
            None => "add the test, or leave it so; the two have it differently, so choose what it is to be",
        };
        let mut finding = CODE
            .finding(text)
            .with_component(own.gates.repo.to_string())
            .with_help(help)
            .with_subject(Subject::Name(test.clone()));
        finding.place.clone_from(&path);
        let because = format!("The gating configs of {before} and {after} have the same test.");
        sink.add_with_fix(finding, change, because);
    }
}

/// The test as both neighbours have it, where each release has one config.
fn addition(context: &Context<'_>, own: &Own<'_>, test: &str, around: (Release, Release)) -> Option<Change> {
    let of = |release: Release| match own.configs(|gate| gate == Gate::of(release))[..] {
        [(_, path, text)] => Some((path, text)),
        _ => None,
    };
    let neighbour = |release: Release| {
        let (_, text) = of(release)?;
        Some(Neighbour { release, text })
    };
    let (path, text) = of(own.release)?;
    let around = (neighbour(around.0)?, neighbour(around.1)?);
    let here = std::str::from_utf8(text).ok()?;
    Some(Change::Pieces {
        config: path.clone(),
        text: text.clone(),
        pieces: missing::test_of_neighbours(context.release, &own.gates, here, test, around)?,
    })
}
