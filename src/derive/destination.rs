//! Where a release's images are promoted to, and where OCP's are: the fields that rules on payload set.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::scope::base_scope;
use super::{Derived, failures};
use crate::base::Release;
use crate::facts::group::Group;
use crate::finding::{Finding, Severity};
use crate::model::pullspec::{Spellings, StreamTag};
use crate::rules::{RuleSet, Scope, Subject};

/// The payload of a release: where OKD's images are promoted to, and where OCP's are.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    /// The registry's host.
    pub registry: Derived<String>,
    /// The image stream's namespace.
    pub namespace: Derived<String>,
    /// The image stream's name.
    pub name: Derived<String>,
    /// Where an earlier rule set promoted, by namespace and name: what is left there is OKD's own.
    pub former: Vec<(String, String)>,
    /// The variant of OKD's ci-operator configs.
    pub variant: Derived<String>,
    /// The namespace that OCP's configs of the release promote to.
    pub source_namespace: Derived<String>,
    /// The name that OCP's configs of the release promote to.
    pub source_name: Derived<String>,
    /// The ways in which one image of the registry is written.
    pub spellings: Spellings,
    /// Names that the development branch of a repository can have.
    pub development: Vec<String>,
    /// Why OKD of the release is not built yet; empty: it is.
    pub waits: Derived<String>,
    /// All of it, as rules see it.
    pub view: Json,
}

impl Payload {
    /// The stream tag of one of OKD's own images.
    pub fn tag(&self, tag: &str) -> StreamTag {
        StreamTag {
            registry: self.registry.value.clone(),
            namespace: self.namespace.value.clone(),
            name: self.name.value.clone(),
            tag: tag.to_owned(),
        }
    }
}

/// Asks the rules where a release's images are promoted to.
///
/// # Errors
/// A field that no rule sets, or a rule that failed.
pub fn payload_of(rules: &RuleSet, release: Release, group: &Group) -> Result<Payload, Vec<Finding>> {
    let scope = base_scope(release, group, None);
    let mut findings = Vec::new();
    let mut shown = json!({});
    let mut field = |name: &str| {
        let decision = rules.decide(Subject::Payload, name, release, &scope);
        findings.extend(failures(rules, &decision, name, "the payload"));
        let text = decision.text().to_owned();
        if text.is_empty() && decision.failures().next().is_none() {
            let message = format!("no rule sets the payload's `{name}` for {release}");
            findings.push(
                Finding::new(Severity::Error, "no-rule", message).with_help("use the `builtin` rules, or add one"),
            );
        }
        shown[name] = json!(text);
        Derived::new(text, decision)
    };
    let payload = Payload {
        registry: field("registry"),
        namespace: field("namespace"),
        name: field("name"),
        variant: field("variant"),
        source_namespace: field("source_namespace"),
        source_name: field("source_name"),
        spellings: Spellings::default(),
        former: Vec::new(),
        development: Vec::new(),
        waits: Derived::default(),
        view: Json::Null,
    };
    let former = former(rules, release, &scope, &payload, &mut findings);
    let spellings = spellings(rules, release, &scope, &mut findings);
    let development = list("development", rules, release, &scope, &mut findings);
    let decision = rules.decide(Subject::Payload, "waits", release, &scope);
    findings.extend(failures(rules, &decision, "waits", "the payload"));
    let why = decision.text();
    let waits = Derived::new(why.to_owned(), decision);
    if findings.is_empty() {
        Ok(Payload {
            spellings,
            former,
            development,
            waits,
            view: shown,
            ..payload
        })
    } else {
        Err(findings)
    }
}

/// Where images of the release were promoted to before: as rules say that another one overrides, or in so many words.
fn former(
    rules: &RuleSet,
    release: Release,
    scope: &Scope<'_>,
    payload: &Payload,
    findings: &mut Vec<Finding>,
) -> Vec<(String, String)> {
    let said = list("former", rules, release, scope, findings);
    let said = said.iter().filter_map(|text| text.split_once('/'));
    let mut found: BTreeSet<(String, String)> = said.map(|(space, name)| (space.into(), name.into())).collect();
    let all = |field: &str, own: &Derived<String>| {
        let others = rules.overridden(Subject::Payload, field, release, scope).into_iter();
        let others = others.filter_map(|value| value.as_str().map(str::to_owned));
        others.chain([own.value.clone()]).collect::<BTreeSet<String>>()
    };
    for space in all("namespace", &payload.namespace) {
        let names = all("name", &payload.name).into_iter();
        found.extend(names.map(|name| (space.clone(), name)));
    }
    found.remove(&(payload.namespace.value.clone(), payload.name.value.clone()));
    found.into_iter().collect()
}

/// The texts of a list that rules decide for the payload.
fn list(field: &str, rules: &RuleSet, release: Release, scope: &Scope<'_>, findings: &mut Vec<Finding>) -> Vec<String> {
    let decision = rules.decide(Subject::Payload, field, release, scope);
    findings.extend(failures(rules, &decision, field, "the payload"));
    let items = decision.value.as_ref().and_then(Json::as_array).into_iter().flatten();
    items.filter_map(Json::as_str).map(str::to_owned).collect()
}

/// The ways in which one image of the registry is written.
fn spellings(rules: &RuleSet, release: Release, scope: &Scope<'_>, findings: &mut Vec<Finding>) -> Spellings {
    let patterns = list("spellings", rules, release, scope, findings);
    Spellings::new(patterns.iter().map(String::as_str)).unwrap_or_else(|pattern| {
        let message = format!("`{pattern}` is no spelling of an image of the payload's registry");
        let finding = Finding::new(Severity::Error, "rule-failed", message).with_help(
            "a spelling has `<namespace>`, `<name>` and `<tag>`, in this order and with something between them",
        );
        findings.push(finding);
        Spellings::default()
    })
}
