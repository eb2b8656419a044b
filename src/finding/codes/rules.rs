//! Codes about rules.

use crate::finding::Severity::Error;
use crate::finding::{Code, Family};

/// The codes.
pub static CODES: &[Code] = &[
    Code {
        name: "rule-failed",
        family: Family::Rules,
        severity: Error,
        title: "a rule failed",
        means: "The rule's expression could not be evaluated on this input. What it decides stays as it is; other images are not affected.",
        action: "Put the rule or its input right; `lockstep explain` shows what was tried.",
        example: "rule `tag-from-name` failed on image beacon for `tag`: no such key",
        fix: None,
    },
    Code {
        name: "no-rule",
        family: Family::Rules,
        severity: Error,
        title: "no rule says what is needed",
        means: "Something that must have a value has none, so what depends on it is not derived.",
        action: "Use the `builtin` rules, or add one that sets the field.",
        example: "no rule sets the payload's `registry` for 4.16",
        fix: None,
    },
];
