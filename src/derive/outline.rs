//! The first step: which images OKD needs, where their sources are, and which files have to be read for the rest.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::demand::Demand;
pub use super::destination::payload_of;
use super::image::{Draft, Maker, Unneeded};
use super::provenance::taken_from;
pub use super::scope::base_scope;
use super::{DerivedImage, Payload, Standing, failures};
use crate::base::Place;
use crate::finding::{Finding, Severity};
use crate::model::metadata::Metadata;
use crate::rules::RuleSet;

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
    pub images: BTreeMap<String, DerivedImage>,
    /// Images that nothing needs, by key.
    pub unneeded: BTreeMap<String, Unneeded>,
    /// What was read of the payload and of what operators ask of it.
    pub demand: Demand,
    /// Whether it is certain that these are all images that are needed.
    pub complete: bool,
    /// What was found on the way.
    pub findings: Vec<Finding>,
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
