//! Tests that the gating configs of both neighbours of a release have, and its own has not.

use std::collections::{BTreeMap, BTreeSet};

use super::own::Own;
use crate::audit::Sink;
use crate::audit::check::{Check, Need, nothing};
use crate::audit::context::Context;
use crate::base::Release;
use crate::facts::gating;
use crate::finding::Severity::Note;
use crate::finding::{Code, Family};

static CODE: Code = Code {
    name: "gating-behind",
    family: Family::Payload,
    severity: Note,
    title: "a test is missing that the releases before and after have",
    means: "The gating configs of the release before and of the one after have a test of that name, and the release's own has none: it \
            was added to one of them, or lost at a cut.",
    action: "Add the test, or leave it so.",
    example: "the gating config of 4.21 has no test e2e-gcp, which those of 4.20 and 4.22 have",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check {
    codes: &[&CODE],
    needs: &[Need::CiConfigs, Need::Verification],
    asks: nothing,
    run,
};

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
    let path = own.mains().first().map(|(path, ..)| own.place(path, 1));
    for test in older.intersection(newer).filter(|test| !here.contains(*test)) {
        let text = format!(
            "the gating config of {} has no test {test}, which those of {before} and {after} have",
            own.release
        );
        let finding = CODE
            .finding(text)
            .with_component(own.gates.repo.to_string())
            .with_help("add the test as the others have it, or leave it so");
        sink.add(match &path {
            Some(place) => finding.with_place(place.clone()),
            None => finding,
        });
    }
}
