//! Whose trouble a failure is, as rules `on: failure` say it.

use serde_json::{Value as Json, json};

use crate::base::Release;
use crate::rules::{RuleSet, Scope, Subject};

/// What a failure is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether CI itself is at fault, and not what is built.
    pub is_ci: bool,
    /// Whether it never goes by itself: it counts at once.
    pub is_certain: bool,
    /// What it is, for people.
    pub says: String,
    /// The last lines of what was said.
    pub lines: Vec<String>,
}

/// Asks the rules.
pub struct Classifier<'r> {
    rules: &'r RuleSet,
    release: Release,
}

/// As many last lines are shown.
const LINES: usize = 5;
/// As long a line is shown, in characters.
const LENGTH: usize = 300;

impl<'r> Classifier<'r> {
    /// For a release.
    pub fn new(rules: &'r RuleSet, release: Release) -> Self {
        Self { rules, release }
    }

    /// What a step's failure is. A build that failed `with reason X:` says its reason.
    pub fn failure(&self, step: &str, text: &str) -> Failure {
        let reason = text.split_once("with reason ").map_or("", |(_, rest)| {
            rest.split(|c: char| !c.is_ascii_alphanumeric())
                .next()
                .unwrap_or_default()
        });
        let mut scope = Scope::new();
        scope.set("release", &json!(self.release.to_string()));
        scope.set("major", &json!(self.release.major));
        scope.set("minor", &json!(self.release.minor));
        scope.set("failure", &json!({"step": step, "reason": reason, "text": text}));
        let decide = |field| self.rules.decide(Subject::Failure, field, self.release, &scope).value;
        let says = decide("says")
            .as_ref()
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_owned();
        let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty());
        let mut lines: Vec<String> = lines
            .map(|line| line.chars().take(LENGTH).collect::<String>())
            .collect();
        lines.drain(..lines.len().saturating_sub(LINES));
        Failure {
            is_ci: decide("kind").as_ref().and_then(Json::as_str) == Some("ci"),
            is_certain: decide("certain").as_ref().and_then(Json::as_bool).unwrap_or_default(),
            says,
            lines,
        }
    }
}
