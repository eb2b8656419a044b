//! Rules about a target's own files (`on: job`, `on: target`): asked here alone, so that each answer comes with the rule
//! behind it, and what fails is told in the same words.

use serde_json::{Value as Json, json};

use crate::base::Release as Number;
use crate::derive::outline::base_scope;
use crate::derive::{Derived, Payload, Release, failures};
use crate::facts::group::Group;
use crate::finding::Finding;
use crate::model::build_config::RuleAt;
use crate::plan::Cause;
use crate::rules::{Decision, Rule, Scope, Subject};

/// What a target may ask of a release's rules: what they say of its own files. Of images it knows what its sources and the build
/// config say, and nothing else.
#[derive(Clone, Copy)]
pub struct OwnRules<'a>(&'a Release<'a>);

impl<'a, 'r: 'a> From<&'a Release<'r>> for OwnRules<'a> {
    fn from(release: &'a Release<'r>) -> Self {
        Self(release)
    }
}

impl<'a> OwnRules<'a> {
    /// The release.
    pub fn number(self) -> Number {
        self.0.metadata.release
    }

    /// Its payload.
    pub fn payload(self) -> &'a Payload {
        &self.0.payload
    }

    /// A rule by its place among all.
    pub(super) fn rule(self, at: usize) -> Option<RuleAt> {
        self.0.rules.rules.get(at).map(Rule::named)
    }

    /// The strongest rule that sets a field of a job.
    pub(super) fn strongest_of_job(self, field: &str) -> Option<usize> {
        let candidates = self.0.rules.candidates(Subject::Job, field)?;
        candidates.setters.first().copied()
    }

    /// The variables that all rules of the release see.
    pub(super) fn scope(self) -> Scope<'static> {
        let Release { metadata, payload, .. } = self.0;
        base_scope(metadata.release, &metadata.group, Some(&payload.view))
    }

    /// Whether OKD needs any image of the release.
    pub(super) fn has_images(self) -> bool {
        !self.0.images.is_empty()
    }

    /// Asks about a target as a whole for another release, whose group is not known.
    pub(super) fn of_target_at(self, number: Number, target: &str, field: &str) -> (Decision, Vec<Finding>) {
        let Release {
            metadata,
            payload,
            rules,
            ..
        } = self.0;
        let none = Group::default();
        let group = if number == metadata.release {
            &metadata.group
        } else {
            &none
        };
        let mut scope = base_scope(number, group, Some(&payload.view));
        scope.set("target", &json!(target));
        let decision = rules.decide(Subject::Target, field, number, &scope);
        let failed = failures(rules, &decision, field, &format!("target {target}"));
        (decision, failed)
    }

    /// Asks about a job that is in scope. `what` says in findings which.
    pub(super) fn of_job(self, field: &str, scope: &Scope<'_>, what: &str) -> (Decision, Vec<Finding>) {
        self.ask(Subject::Job, field, scope, what)
    }

    fn ask(self, subject: Subject, field: &str, scope: &Scope<'_>, what: &str) -> (Decision, Vec<Finding>) {
        let decision = self.0.rules.decide(subject, field, self.number(), scope);
        let failed = failures(self.0.rules, &decision, field, what);
        (decision, failed)
    }
}

/// Asks the rules about a target as a whole.
pub(super) fn of_target<'a>(release: impl Into<OwnRules<'a>>, target: &str, field: &str) -> (Decision, Vec<Finding>) {
    let rules = release.into();
    let mut scope = rules.scope();
    scope.set("target", &json!(target));
    rules.ask(Subject::Target, field, &scope, &format!("target {target}"))
}

/// The rules that decided a value, as the unified build config names them.
pub(super) fn rules_of<'a, T>(release: impl Into<OwnRules<'a>>, derived: &Derived<T>) -> Vec<RuleAt> {
    let known = release.into();
    derived.deciders().filter_map(|at| known.rule(at)).collect()
}

/// Why a field is what it is: id, place and sentence of the last rule behind it; without one the engine's own id and sentence.
pub(super) fn why(rules: &[RuleAt], engine: (&str, &str)) -> (String, String, String) {
    let (id, at, because) = match rules.last() {
        Some(rule) => (&*rule.id, &*rule.at, &*rule.because),
        None => (engine.0, "", engine.1),
    };
    (id.to_owned(), at.to_owned(), because.to_owned())
}

/// Why a release is closed, as the rules have it; empty: it is not.
pub(super) fn closed<'a>(release: impl Into<OwnRules<'a>>) -> String {
    let OwnRules(release) = release.into();
    let metadata = release.metadata;
    let scope = base_scope(metadata.release, &metadata.group, None);
    let decision = release
        .rules
        .decide(Subject::Payload, "closed", metadata.release, &scope);
    decision.text().to_owned()
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
pub(super) fn cause<'a>(
    release: impl Into<OwnRules<'a>>,
    rule: Option<usize>,
    field: &str,
    component: String,
) -> Cause {
    let known = release.into();
    cause_of(rule.and_then(|at| known.rule(at)).as_ref(), field, component)
}

/// The same of a rule that the build config names.
pub(super) fn cause_of(rule: Option<&RuleAt>, field: &str, component: String) -> Cause {
    let text = |of: fn(&RuleAt) -> &str| rule.map(of).unwrap_or_default().to_owned();
    Cause {
        rule: text(|rule| &rule.id),
        rule_at: text(|rule| &rule.at),
        field: field.to_owned(),
        item: None,
        component,
        images: Vec::new(),
        old: None,
        new: None,
        because: text(|rule| &rule.because),
    }
}
