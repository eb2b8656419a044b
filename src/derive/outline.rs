//! The first step: which images OKD needs, where their sources are, and which files have to be read for the rest.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::demand::Demand;
use super::image::{Draft, Maker, Unneeded};
use super::provenance::taken_from;
use super::{Derived, Image, Payload, Standing, failures};
use crate::base::{Place, Release};
use crate::facts::group::Group;
use crate::finding::{Finding, Severity};
use crate::model::metadata::Metadata;
use crate::model::pullspec::Spellings;
use crate::rules::{RuleSet, Scope, Subject};

/// What the first step works on.
#[derive(Clone, Copy)]
pub struct Input<'a, 'd> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// ocp-build-data.
    pub metadata: &'a Metadata,
    /// What is known of the payload and of what operators ask of it.
    pub demand: &'d Demand,
}

/// The first step's result.
#[derive(Debug)]
pub struct Outline<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// ocp-build-data.
    pub metadata: &'a Metadata,
    /// The payload.
    pub payload: Payload,
    /// All needed images by key, as far as metadata alone tells.
    pub images: BTreeMap<String, Image>,
    /// Images that nothing needs, by key.
    pub unneeded: BTreeMap<String, Unneeded>,
    /// What was read of the payload and of what operators ask of it.
    pub demand: Demand,
    /// Whether it is certain that these are all images that are needed.
    pub complete: bool,
    /// What was found on the way.
    pub findings: Vec<Finding>,
}

/// The variables that all rules of a release see.
pub fn base_scope(release: Release, group: &Group, payload: Option<&Json>) -> Scope<'static> {
    let mut scope = Scope::new();
    scope.set("release", &json!(release.to_string()));
    scope.set("major", &json!(release.major));
    scope.set("minor", &json!(release.minor));
    scope.set("vars", &json!(group.vars));
    scope.set("group", &group.view());
    if let Some(payload) = payload {
        scope.set("payload", payload);
    }
    // Only Konflux's own fields are decided with it.
    scope.set("model", &json!(""));
    scope
}

impl<'a> Outline<'a> {
    /// Draws the outline of a release.
    ///
    /// # Errors
    /// The payload itself cannot be derived: without it nothing can.
    pub fn draw(input: Input<'a, '_>) -> Result<Self, Vec<Finding>> {
        let Input {
            rules,
            metadata,
            demand,
        } = input;
        let mut payload = payload_of(rules, metadata.release, &metadata.group)?;
        payload.view["tags"] = demand.tags_view();
        payload.view["wanted_by"] = demand.wanted_view();
        let mut outline = Self {
            rules,
            metadata,
            payload,
            images: BTreeMap::new(),
            unneeded: BTreeMap::new(),
            demand: Demand::default(),
            complete: metadata.broken.is_empty() && !metadata.partial,
            findings: metadata.findings.clone(),
        };
        outline.images();
        outline.duplicate_tags();
        outline.findings.extend(waiting(metadata, &outline.payload));
        Ok(outline)
    }

    fn images(&mut self) {
        let scope = base_scope(self.metadata.release, &self.metadata.group, Some(&self.payload.view));
        let builders = used_as_builder(self.metadata);
        let drafts = self.metadata.images.par_iter().map(|(key, image)| {
            let view = seen(self.metadata, &builders, key, &image.view);
            (key.as_str(), Draft::new(self.rules, self.metadata, key, view, &scope))
        });
        let drafts: BTreeMap<&str, Draft> = drafts.collect();
        let needed = self.needed(&drafts);
        let (wanted, rest): (Vec<_>, Vec<_>) = drafts.into_iter().partition(|(key, _)| needed.contains_key(key));
        for (key, draft) in rest {
            let unneeded = draft.unneeded(self.rules, self.metadata, key, &scope);
            self.unneeded.insert(key.to_owned(), unneeded);
        }
        let images = wanted.into_par_iter().map(|(key, draft)| {
            let needed_by = needed.get(key).copied().flatten().map(str::to_owned);
            let maker = Maker {
                rules: self.rules,
                metadata: self.metadata,
                key,
                findings: Vec::new(),
            };
            maker.image(draft, needed_by, &scope)
        });
        for (image, findings) in images.collect::<Vec<_>>() {
            self.findings.extend(findings);
            self.images.insert(image.key.clone(), image);
        }
    }

    /// Roots are what rules say is needed; the closure over parents is the engine's. Each image comes with one that is
    /// built from it, unless it is a root.
    fn needed(&mut self, drafts: &BTreeMap<&'a str, Draft>) -> BTreeMap<&'a str, Option<&'a str>> {
        let mut needed: BTreeMap<&str, Option<&str>> = BTreeMap::new();
        for (key, draft) in drafts {
            self.findings
                .extend(failures(self.rules, &draft.needed, "needed", &format!("image {key}")));
            // A rule that failed on an image must not make others vanish, so it counts as needed and fails later.
            let failed = draft.needed.failures().next().is_some();
            self.complete &= !failed && draft.from.failures().next().is_none() && !self.metadata.is_misread(key);
            if failed || draft.needed.value == Some(Json::Bool(true)) {
                needed.insert(*key, None);
            }
        }
        let parents = |key: &'a str| -> Vec<&'a str> {
            let from = drafts.get(key).and_then(|draft| draft.from.value.as_ref());
            let members = from.map(members).unwrap_or_default();
            members
                .iter()
                .filter_map(|member| drafts.get_key_value(member.as_str()))
                .map(|(key, _)| *key)
                .collect()
        };
        let mut todo: Vec<&'a str> = needed.keys().copied().collect();
        while let Some(child) = todo.pop() {
            for parent in parents(child) {
                if !needed.contains_key(parent) {
                    needed.insert(parent, Some(child));
                    todo.push(parent);
                }
            }
        }
        needed
    }

    /// Two images with one payload tag cannot both be promoted: neither is derived, and what is there stays.
    fn duplicate_tags(&mut self) {
        let mut by_tag: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, image) in &self.images {
            if image.standing == Standing::Derived {
                by_tag.entry(&image.tag.value).or_default().push(key);
            }
        }
        let doubled: Vec<(String, Vec<String>)> = by_tag
            .into_iter()
            .filter(|(_, keys)| keys.len() > 1)
            .map(|(tag, keys)| (tag.to_owned(), keys.into_iter().map(str::to_owned).collect()))
            .collect();
        for (tag, keys) in doubled {
            for key in &keys {
                let files = keys
                    .iter()
                    .map(|key| Metadata::image_file(key))
                    .collect::<Vec<_>>()
                    .join(" and ");
                let finding = Finding::new(
                    Severity::Error,
                    "duplicate-tag",
                    format!("{files} both have the payload tag {tag}"),
                )
                .with_place(self.tag_place(key))
                .with_image(tag.clone())
                .with_help("give one of them another `payload_name`, or a rule that sets `excluded` for it");
                self.findings.push(finding);
                if let Some(image) = self.images.get_mut(key) {
                    image.standing = Standing::Held;
                }
            }
        }
    }

    /// Where an image's tag is named.
    fn tag_place(&self, key: &str) -> Place {
        let tried = self.images.get(key).map(|image| image.tag.tried.as_slice());
        let taken = taken_from(self.rules, tried.unwrap_or_default(), "tag");
        self.metadata
            .key_place(key, taken.map_or("payload_name", |key| key.view))
    }
}

/// Tells of a release that OKD does not build yet.
fn waiting(metadata: &Metadata, payload: &Payload) -> Option<Finding> {
    let why = Some(&payload.waits.value).filter(|why| !why.is_empty())?;
    let text = format!("OKD {} is not built yet: {why}", metadata.release);
    let place = metadata.place("group.yml", metadata.group.okd_line);
    let finding = Finding::new(Severity::Note, "release-not-built", text).with_place(place);
    Some(finding.with_help("nothing is written for it until then, and what is there stays as it is"))
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
        let text = decision
            .value
            .as_ref()
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_owned();
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
    let why = decision.value.as_ref().and_then(Json::as_str).unwrap_or_default();
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

/// An image as rules on image see it: its file's view, and what the engine adds.
pub(super) fn seen(metadata: &Metadata, builders: &BTreeSet<&str>, key: &str, view: &Json) -> Json {
    let mut view = view.clone();
    view["key"] = json!(key);
    view["used_as_builder"] = json!(builders.contains(key));
    view["source"]["repository"] = json!(metadata.repository_of(&view).unwrap_or_default());
    view
}

/// Keys that any image names as a builder.
pub(super) fn used_as_builder(metadata: &Metadata) -> BTreeSet<&str> {
    let builders = |view: &'_ Json| -> Vec<String> {
        let list = view["from"]["builder"].as_array().into_iter().flatten();
        list.filter_map(|entry| entry["member"].as_str())
            .map(str::to_owned)
            .collect()
    };
    let named: BTreeSet<String> = metadata
        .images
        .values()
        .flat_map(|image| builders(&image.view))
        .collect();
    metadata
        .images
        .keys()
        .filter(|key| named.contains(*key))
        .map(String::as_str)
        .collect()
}

/// The members that a `from` names, builders first.
pub(crate) fn members(from: &Json) -> Vec<String> {
    let builders = from["builder"].as_array().into_iter().flatten();
    builders
        .chain([from])
        .filter_map(|entry| entry["member"].as_str())
        .map(str::to_owned)
        .collect()
}
