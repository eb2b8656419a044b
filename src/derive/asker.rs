//! Asks the rules what a target makes of a release and of its images: one scope for all, and what went wrong beside the answers.
//!
//! Only a target that needs such answers asks, so the rules about them are not asked in any other run.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::outline::base_scope;
use super::{Derived, DerivedImage, Release, failures};
use crate::finding::Finding;
use crate::rules::{Decision, Scope, Subject};

/// Asks, and keeps what went wrong.
pub(super) struct Asker<'r> {
    pub release: &'r Release<'r>,
    pub findings: Vec<Finding>,
}

impl<'r> Asker<'r> {
    pub fn new(release: &'r Release<'r>) -> Self {
        Self {
            release,
            findings: Vec::new(),
        }
    }

    /// What rules see whatever they are about.
    pub fn scope(&self) -> Scope<'static> {
        let metadata = self.release.metadata;
        base_scope(metadata.release, &metadata.group, Some(&self.release.payload.view))
    }

    /// What rules see of an image.
    pub fn of_image<'s>(&self, image: &'s DerivedImage, scope: &'s Scope<'s>) -> Scope<'s> {
        let mut inner = scope.inner();
        inner.show("image", &image.view);
        inner.set("tag", &json!(image.tag.value));
        if self.release.rules.uses_variable(Subject::Image, "metadata") {
            let whole = self.release.metadata.images.get(&image.key);
            inner.set("metadata", &whole.map_or(json!({}), |facts| Json::from(&facts.node)));
        }
        inner
    }

    pub fn decide(&mut self, subject: Subject, field: &str, scope: &Scope<'_>, about: &str) -> Decision {
        let rules = self.release.rules;
        let decision = rules.decide(subject, field, self.release.metadata.release, scope);
        self.findings.extend(failures(rules, &decision, field, about));
        decision
    }

    pub fn text(&mut self, subject: Subject, field: &str, scope: &Scope<'_>, about: &str) -> Derived<String> {
        let decision = self.decide(subject, field, scope, about);
        let text = decision.text();
        Derived::new(text.to_owned(), decision)
    }

    /// A list of texts that a rule on target sets.
    pub fn texts(&mut self, field: &str, scope: &Scope<'_>, about: &str) -> Derived<Vec<String>> {
        let decision = self.decide(Subject::Target, field, scope, about);
        let items = decision.value.as_ref().and_then(Json::as_array).into_iter().flatten();
        let texts = items.filter_map(Json::as_str).map(str::to_owned).collect();
        Derived::new(texts, decision)
    }

    /// The texts of a mapping that a rule on target sets.
    pub fn pairs(&mut self, field: &str, scope: &Scope<'_>, about: &str) -> Derived<BTreeMap<String, String>> {
        let decision = self.decide(Subject::Target, field, scope, about);
        let entries = decision.value.as_ref().and_then(Json::as_object).into_iter().flatten();
        let pairs = entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        Derived::new(pairs.collect(), decision)
    }
}
