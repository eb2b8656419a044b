//! What verifies a release's payloads and cannot be read: nothing can be said of it, which is said.

use super::own::Own;
use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::facts::json::Fault;
use crate::facts::{gating, release_controller};
use crate::finding::Severity::Error;
use crate::finding::{Code, Family};

static GATING: Code = Code {
    name: "unreadable-gating",
    family: Family::Reading,
    severity: Error,
    title: "a gating config cannot be read",
    means: "It says what verifies a release's payloads. Its jobs stay as they are, no config of a newer release is made from it, and \
            no check looks at it.",
    action: "Put the file right by hand.",
    example: "the gating config cannot be read: expected the next key of the mapping that starts at 3:5",
    fix: None,
};

static CONTROLLER: Code = Code {
    name: "unreadable-release-controller",
    family: Family::Reading,
    severity: Error,
    title: "a release controller's file cannot be read",
    means: "Its reader takes it for no JSON: comments are none. No payload of the release is made or verified, no check looks at the \
            file, and the next release's own file, which is made from it, cannot be made.",
    action: "Put that file right, or write the new one by hand.",
    example: "the file that release-okd-4.16.json of 4.16 would be made from cannot be read: a value is expected, there is `x`",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&GATING, &CONTROLLER], &[Need::CiConfigs, Need::Verification], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let Some(own) = Own::of(context) else { return };
    let mut told = |path: &str, line: u32, why: &str| {
        let finding = GATING
            .finding(format!("the gating config cannot be read: {why}"))
            .with_place(own.place(path, line))
            .with_component(own.gates.repo.to_string());
        sink.add(finding.with_help("put the file right by hand; until then it and its jobs stay as they are"));
    };
    for (_, path, text) in own.configs(|gate| gate.release == own.release) {
        if let Err(error) = gating::read(text) {
            told(path, error.pos.line, &error.text());
        }
    }
    for (path, why) in own.unread(|gate| gate.release == own.release) {
        told(path, 1, why);
    }
    for (path, text) in own.controller_texts() {
        let Err(Fault { line, why }) = release_controller::read(text) else {
            continue;
        };
        let finding = CONTROLLER.finding(format!("the release controller's file cannot be read: {why}"));
        let help = "put the file right: until then nobody can say what its payloads wait for";
        sink.add(finding.with_place(own.place(path, line)).with_help(help));
    }
}
