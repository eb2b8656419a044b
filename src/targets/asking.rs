//! Rules about a target's own files (`on: job`, `on: target`): asked here alone, so that each answer comes with the rule
//! behind it, and what fails is told in the same words.

use serde_json::{Value as Json, json};

use crate::derive::outline::base_scope;
use crate::derive::{Derived, Release, failures};
use crate::finding::Finding;
use crate::model::build_config::RuleAt;
use crate::plan::Cause;
use crate::rules::{Decision, Scope, Subject};

/// Asks the rules for a field of what is in scope. `what` says in findings what the rules were about.
pub(super) fn ask(
    release: &Release<'_>,
    subject: Subject,
    field: &str,
    scope: &Scope<'_>,
    what: &str,
) -> (Decision, Vec<Finding>) {
    let decision = release.rules.decide(subject, field, release.metadata.release, scope);
    let failed = failures(release.rules, &decision, field, what);
    (decision, failed)
}

/// Asks the rules about a target as a whole.
pub(super) fn of_target(release: &Release<'_>, target: &str, field: &str) -> (Decision, Vec<Finding>) {
    let metadata = release.metadata;
    let mut scope = base_scope(metadata.release, &metadata.group, Some(&release.payload.view));
    scope.set("target", &json!(target));
    ask(release, Subject::Target, field, &scope, &format!("target {target}"))
}

/// The rules that decided a value, as the unified build config names them.
pub(super) fn rules_of<T>(release: &Release<'_>, derived: &Derived<T>) -> Vec<RuleAt> {
    let rules = derived.deciders().filter_map(|at| release.rules.rules.get(at));
    rules
        .map(|rule| RuleAt {
            id: rule.id.clone(),
            at: rule.place.to_string(),
        })
        .collect()
}

/// Why a field is what it is: id, place and sentence of the last rule behind it; without one the engine's own id and sentence.
pub(super) fn why(release: &Release<'_>, rules: &[RuleAt], engine: (&str, &str)) -> (String, String, String) {
    let decided = rules.last().and_then(|named| {
        let rule = release.rules.rules.iter().find(|rule| rule.id == named.id)?;
        Some((named.id.clone(), named.at.clone(), rule.because.clone()))
    });
    decided.unwrap_or_else(|| (engine.0.to_owned(), String::new(), engine.1.to_owned()))
}

/// Why a release is closed, as the rules have it; empty: it is not.
pub(super) fn closed(release: &Release<'_>) -> String {
    let metadata = release.metadata;
    let scope = base_scope(metadata.release, &metadata.group, None);
    let decision = release
        .rules
        .decide(Subject::Payload, "closed", metadata.release, &scope);
    decision
        .value
        .as_ref()
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The texts of a decided list.
pub(super) fn texts(decision: &Decision) -> Vec<String> {
    let items = decision.value.as_ref().and_then(Json::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .map(str::to_owned)
        .collect()
}

/// The cause of a difference in a field, as far as the rule behind it tells: its id, its place and its reason.
pub(super) fn cause(release: &Release<'_>, rule: Option<usize>, field: &str, component: String) -> Cause {
    let rule = rule.and_then(|at| release.rules.rules.get(at));
    Cause {
        rule: rule.map(|rule| rule.id.clone()).unwrap_or_default(),
        rule_at: rule.map(|rule| rule.place.to_string()).unwrap_or_default(),
        field: field.to_owned(),
        item: None,
        component,
        images: Vec::new(),
        old: None,
        new: None,
        because: rule.map(|rule| rule.because.clone()).unwrap_or_default(),
    }
}
