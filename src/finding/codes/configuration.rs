//! Codes about the configuration.

use crate::finding::Severity::{Error, Warning};
use crate::finding::{Code, Family};

/// The codes.
pub static CODES: &[Code] = &[
    Code {
        name: "acceptance-expired",
        family: Family::Configuration,
        severity: Warning,
        title: "an acceptance of drift has ended",
        means: "Its last day is past, so what it covered is drift again.",
        action: "Remove it, or agree on a later `until`.",
        example: "lockstep.yaml:14: the acceptance of `build_root` by ann ended on 2026-01-31",
        fix: None,
    },
    Code {
        name: "acceptance-unused",
        family: Family::Configuration,
        severity: Warning,
        title: "an acceptance of drift covers nothing",
        means: "Nothing differs there any more, or what it names was never there.",
        action: "Remove it.",
        example: "lockstep.yaml:14: the acceptance of `build_root` by ann covers nothing",
        fix: None,
    },
    Code {
        name: "suppression-expired",
        family: Family::Configuration,
        severity: Warning,
        title: "a suppression of findings has ended",
        means: "Its last day is past, so what it covered is shown again.",
        action: "Put right what it covered, or agree on a later `until`.",
        example: "lockstep.yaml:20: the suppression of `stage-count` by ann ended on 2026-01-31",
        fix: None,
    },
    Code {
        name: "suppression-unused",
        family: Family::Configuration,
        severity: Warning,
        title: "a suppression of findings covers nothing",
        means: "What it covered has been put right, or what it names was never there.",
        action: "Remove it.",
        example: "lockstep.yaml:20: the suppression of `stage-count` by ann covers nothing",
        fix: None,
    },
    Code {
        name: "unknown-name",
        family: Family::Configuration,
        severity: Error,
        title: "the configuration names something that nothing has",
        means: "A component, image, release, rule or field in `adopt` or `accept` is none that there is: misspelt, or gone. Nothing is adopted on its account, and what the acceptance may be meant for is neither written nor closed.",
        action: "Put the name right, or take it out.",
        example: "`adopt.components`: no component is named `openshift/etdc`: did you mean `openshift/etcd`?; nothing is adopted on its account",
        fix: None,
    },
];
