//! What is wrong with rule files, as data and for people.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use crate::yaml::{self, Pos};

/// A fault of a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable code, such as `unknown-key`; [`CODES`] has them all.
    pub code: &'static str,
    /// The file as it was named.
    pub file: String,
    /// Where the fault is.
    pub pos: Pos,
    /// How many characters are meant; 0 where that is not known.
    pub width: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// The codes of what is only found where rules are held against something: cases, a configuration.
pub const HELD: &[(&str, &str)] = &[
    (
        "matches-nothing",
        "The rule decides nothing in any case, or with `--config` in any configured release.",
    ),
    (
        "rule-fails",
        "An expression of the rule fails on an image, member or config that there is.",
    ),
    (
        "unread-field",
        "None of the configured targets reads the field that the rule sets.",
    ),
];

/// Every code and what it means. Codes are stable: scripts and documentation may name them.
pub const CODES: &[(&str, &str)] = &[
    (
        "not-yaml",
        "The file is no YAML, or larger or deeper than what is read.",
    ),
    ("too-large", "The file is larger than what is read."),
    (
        "wrong-type",
        "A value has another form than the key or field wants, found by evaluating on the sample world.",
    ),
    ("unknown-key", "A key that rules do not have."),
    ("missing-id", "The rule has no `id`."),
    ("bad-id", "The `id` is not in kebab-case."),
    ("missing-because", "The rule does not say why."),
    ("missing-on", "The rule does not say what it is about."),
    ("unknown-subject", "`on` names nothing that a rule can be about."),
    ("sets-nothing", "The rule neither sets nor appends."),
    (
        "bad-releases",
        "`releases` is no list of bounds such as `>=4.17 <4.20`.",
    ),
    ("no-release", "No release is within the bounds of `releases`."),
    (
        "bad-expression",
        "An expression cannot be read, or is longer, deeper or more nested than allowed.",
    ),
    (
        "bad-regex",
        "What `matches` or `capture` looks for is no regular expression.",
    ),
    (
        "release-comparison",
        "`release` is compared with a number, or ordered as a text; `major` or `minor` with a text.",
    ),
    ("unknown-field", "The subject has no such field."),
    (
        "unknown-variable",
        "Rules on this subject see no such variable, or it has no such part.",
    ),
    ("unknown-function", "There is no such function."),
    ("duplicate-id", "Two rules have one `id`."),
    (
        "unknown-rule",
        "`overrides` or `replaces` names a rule that does not exist.",
    ),
    ("wrong-subject", "A rule replaces one about something else."),
    ("idle-override", "A rule overrides one that sets none of its fields."),
    (
        "override-circle",
        "Rules override each other in a circle, so that none of them wins.",
    ),
    (
        "contradiction",
        "Two rules set one field, may both apply, and neither says which wins.",
    ),
    (
        "old-name",
        "A variable has another name now. The old one is read as what it meant; `rules check` warns.",
    ),
    (
        "unknown-architecture",
        "A condition asks for an architecture by a name that metadata does not have for it.",
    ),
    (
        "unreachable",
        "The rule can never decide: a rule that always applies overrides it, or its `when` is false.",
    ),
];

impl Diagnostic {
    /// Whether rules with it are right nevertheless.
    pub fn is_warning(&self) -> bool {
        self.code == "old-name"
    }

    /// `error` or `warning`.
    fn level(&self) -> &'static str {
        if self.is_warning() { "warning" } else { "error" }
    }
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {} [{}]", self.file, self.pos, self.message, self.code)?;
        if self.hint.is_empty() {
            Ok(())
        } else {
            write!(f, "\n  hint: {}", self.hint)
        }
    }
}

/// The files that faults are about, by name, to show their lines.
#[derive(Debug, Default)]
pub struct Texts<'t>(HashMap<&'t str, std::borrow::Cow<'t, str>>);

impl<'t> Texts<'t> {
    /// Takes the files as they were loaded.
    pub fn new(files: &'t [(String, Vec<u8>)]) -> Self {
        let text = |(name, bytes): &'t (String, Vec<u8>)| (name.as_str(), String::from_utf8_lossy(bytes));
        Self(files.iter().map(text).collect())
    }

    fn excerpt(&self, fault: &Diagnostic) -> Option<String> {
        let text = self.0.get(fault.file.as_str())?;
        let line = text
            .trim_start_matches('\u{feff}')
            .lines()
            .nth((fault.pos.line as usize).checked_sub(1)?)?;
        yaml::excerpt(line, fault.pos, fault.width)
    }

    /// Writes a fault with its place, the line it is on and a hint.
    pub fn show(&self, fault: &Diagnostic) -> String {
        let margin = " ".repeat(fault.pos.line.to_string().len());
        let mut out = format!("{}[{}]: {}\n", fault.level(), fault.code, fault.message);
        let _ = writeln!(out, "{margin}--> {}:{}", fault.file, fault.pos);
        out.push_str(&self.excerpt(fault).unwrap_or_default());
        if !fault.hint.is_empty() {
            let _ = writeln!(out, "{margin} = help: {}", fault.hint);
        }
        out
    }

    /// A fault for programs.
    pub fn json(&self, fault: &Diagnostic) -> Json {
        json!({
            "code": fault.code,
            "level": fault.level(),
            "file": fault.file,
            "line": fault.pos.line,
            "column": fault.pos.column,
            "width": fault.width,
            "message": fault.message,
            "hint": fault.hint,
            "excerpt": self.excerpt(fault),
        })
    }
}
