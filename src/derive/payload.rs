//! What is asked of the payload, and what was in it: operators' own lists, and the payload as it was last built.
//!
//! [`Demand`] is what was read of both. `tags` puts it together with what is derived: for every tag what builds it, who
//! asks for it, and what it was in the last payload.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

pub use super::demand::{Demand, Last, Operator, repository};
use super::outline::{Outline, members};
use super::{Derived, Standing, failures};
use crate::base::{Place, RepoName};
use crate::facts::payload::Tag;
use crate::rules::{Scope, Subject};

/// Who asks for a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedBy {
    /// Payload tags of the images that ship the list; empty: it is in no release.
    pub operators: Vec<String>,
    /// The repository that holds the list.
    pub repo: RepoName,
    /// The line of the list.
    pub place: Place,
}

/// A tag of the last payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Before {
    /// What the payload says of it.
    pub tag: Tag,
    /// Where.
    pub place: Place,
}

/// One tag of the payload, or one that an operator asks for.
#[derive(Clone, Debug, Default)]
pub struct PayloadTag {
    /// Keys of the images that are built for it, those that could not be derived included.
    pub built_by: Vec<String>,
    /// Who asks for it.
    pub wanted_by: Vec<AskedBy>,
    /// What it was in the last payload.
    pub last: Option<Before>,
    /// The tag of OKD's payload that takes its place; itself in most cases.
    pub stands_for: Derived<String>,
    /// Where it comes from when no config promotes it; empty: a config does.
    pub external: Derived<String>,
    /// Why it is promoted although no operator asks for it; empty: nothing says so.
    pub kept: Derived<String>,
}

/// Puts together what is known of every tag. Rules about tags that fail are findings of the outline.
pub(super) fn tags(outline: &mut Outline<'_>, scope: &Scope<'_>) -> BTreeMap<String, PayloadTag> {
    let mut tags: BTreeMap<String, PayloadTag> = BTreeMap::new();
    for (key, image) in &outline.images {
        if !matches!(image.standing, Standing::Dropped(_)) && !image.tag.value.is_empty() {
            let tag = tags.entry(image.tag.value.clone()).or_default();
            tag.built_by.push(key.clone());
        }
    }
    for operator in &outline.demand.operators {
        let operators: Vec<String> = operator
            .images
            .iter()
            .filter_map(|key| outline.images.get(key))
            .map(|image| image.tag.value.clone())
            .collect();
        for asked in &operator.tags {
            tags.entry(asked.name.clone()).or_default().wanted_by.push(AskedBy {
                operators: operators.clone(),
                repo: operator.repo.clone(),
                place: at(&operator.place, asked.line),
            });
        }
    }
    if let Some(last) = &outline.demand.last {
        for tag in &last.references.tags {
            tags.entry(tag.name.clone()).or_default().last = Some(Before {
                tag: tag.clone(),
                place: at(&last.place, tag.line),
            });
        }
    }
    decide(outline, scope, &mut tags);
    tags
}

/// Asks the rules about every tag.
fn decide(outline: &mut Outline<'_>, scope: &Scope<'_>, tags: &mut BTreeMap<String, PayloadTag>) {
    let (rules, release) = (outline.rules, outline.metadata.release);
    let parents = parents(outline);
    for (name, tag) in tags {
        let mut inner = scope.inner();
        inner.set("tag", &view(outline, &parents, name, tag));
        let mut found = Vec::new();
        let mut field = |field: &str| {
            let decision = rules.decide(Subject::Tag, field, release, &inner);
            found.extend(failures(rules, &decision, field, &format!("tag {name}")));
            let text = decision.text();
            Derived::new(text.to_owned(), decision)
        };
        tag.stands_for = field("stands_for");
        tag.external = field("external");
        tag.kept = field("kept");
        if tag.stands_for.value.is_empty() {
            tag.stands_for.value.clone_from(name);
        }
        outline.findings.extend(found);
    }
}

/// Keys of images that others which are built are built from or with, each with one of those.
fn parents(outline: &Outline<'_>) -> BTreeMap<String, String> {
    let built = outline
        .images
        .iter()
        .filter(|(_, image)| !matches!(image.standing, Standing::Dropped(_)));
    let pairs = built.flat_map(|(key, image)| members(&image.from.value).into_iter().map(move |of| (of, key.clone())));
    pairs.collect()
}

/// A tag as rules see it.
fn view(outline: &Outline<'_>, parents: &BTreeMap<String, String>, name: &str, tag: &PayloadTag) -> Json {
    let images = || tag.built_by.iter().filter_map(|key| outline.images.get(key));
    let wanted: BTreeSet<String> = tag
        .wanted_by
        .iter()
        .filter(|wanted| !wanted.operators.is_empty())
        .map(|wanted| wanted.repo.to_string())
        .collect();
    json!({
        "name": name,
        "built_by": tag.built_by,
        "wanted_by": wanted,
        "for_payload": images().any(|image| image.view["for_payload"] == Json::Bool(true)),
        "needed_by": tag.built_by.iter().find_map(|key| parents.get(key)).cloned().unwrap_or_default(),
        "in_last": tag.last.is_some(),
    })
}

fn at(place: &Place, line: Option<u32>) -> Place {
    Place { line, ..place.clone() }
}
