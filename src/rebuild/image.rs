//! What of an image decides its build, read from a unified build config of any age.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Reason;
use crate::model::build_config::Image;
use crate::model::graph;

/// What an image of Dockerfile lines stands for: the text, and an image of ours by key or a pullspec.
type Line = (String, Stands);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Stands {
    Own(String),
    Pullspec(String),
}

/// What decides an image's build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub(super) tag: String,
    pub(super) repository: String,
    pub(super) branch: String,
    tree: Option<String>,
    commit: Option<String>,
    dockerfile: String,
    dockerfile_blob: Option<String>,
    context: String,
    base: Option<Line>,
    builders: BTreeSet<Line>,
    copies: BTreeSet<Line>,
    /// As JSON, in the order of keys.
    build_args: String,
    prepare: String,
    arches: BTreeSet<String>,
}

/// Digests of images that are not built here, by pullspec, as a unified build config that was made from a lock has them.
pub(super) fn digests(document: &Json) -> BTreeMap<&str, &str> {
    let known = document["external"].as_object().into_iter().flatten();
    known
        .filter_map(|(pullspec, digest)| Some((pullspec.as_str(), digest.as_str()?)))
        .collect()
}

/// What of a unified build config decides builds: it compares as the whole does.
pub(super) fn essence(document: &Json) -> Json {
    const OF_IMAGE: [&str; 13] = [
        "tag",
        "repository",
        "branch",
        "tree",
        "commit",
        "dockerfile",
        "dockerfile_blob",
        "context_dir",
        "base",
        "builders",
        "copies_from",
        "build_args",
        "prepare",
    ];
    let images = document["images"].as_object().into_iter().flatten();
    let images = images.map(|(key, image)| {
        let kept = OF_IMAGE
            .iter()
            .chain(&["arches"])
            .filter_map(|field| Some((*field, image.get(*field)?)));
        let kept: serde_json::Map<_, _> = kept
            .map(|(field, value)| (field.to_owned(), without_why(value)))
            .collect();
        (key.clone(), Json::Object(kept))
    });
    let images: serde_json::Map<_, _> = images.collect();
    let mut kept = serde_json::json!({"release": document["release"], "images": images});
    if let Some(external) = document.get("external") {
        kept["external"] = external.clone();
    }
    kept
}

/// A value without the rules and places that it comes from.
fn without_why(value: &Json) -> Json {
    match value {
        Json::Object(map) if map.contains_key("value") => serde_json::json!({"value": map["value"]}),
        Json::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), without_why(value)))
            .collect(),
        Json::Array(items) => items.iter().map(without_why).collect(),
        other => other.clone(),
    }
}

/// JSON that is no unified build config.
#[derive(Debug, thiserror::Error)]
#[error("this is no unified build config: it has no `images`")]
pub struct NoDocument;

/// All images of a unified build config. `digests`: of images that are not built here, as far as they are to be compared.
///
/// # Errors
/// It is none.
pub(super) fn all(document: &Json, digests: &BTreeMap<&str, &str>) -> Result<BTreeMap<String, Facts>, NoDocument> {
    let images = document["images"].as_object();
    let images = images.ok_or(NoDocument)?;
    Ok(images
        .iter()
        .map(|(key, image)| (key.clone(), Facts::read(image, digests)))
        .collect())
}

/// What each image is built from, by key: its FROMs, and what else it takes files from, but for what would close a circle.
pub(super) fn parents(images: &BTreeMap<String, Facts>) -> BTreeMap<String, BTreeSet<String>> {
    fn own<'f>(lines: impl Iterator<Item = &'f Line>) -> impl Iterator<Item = &'f String> {
        lines.filter_map(|(_, stands)| match stands {
            Stands::Own(key) => Some(key),
            Stands::Pullspec(_) => None,
        })
    }
    let froms = |facts: &Facts| own(facts.base.iter().chain(&facts.builders)).cloned().collect();
    let mut edges: BTreeMap<String, BTreeSet<String>> =
        images.iter().map(|(key, facts)| (key.clone(), froms(facts))).collect();
    for (key, facts) in images {
        for parent in own(facts.copies.iter()) {
            if !graph::stands_on(parent, key, &edges) {
                edges.entry(key.clone()).or_default().insert(parent.clone());
            }
        }
    }
    edges
}

impl Facts {
    fn read(image: &Json, digests: &BTreeMap<&str, &str>) -> Self {
        let value = |field: &str| image[field]["value"].as_str().unwrap_or_default().to_owned();
        let text = |field: &str| image[field].as_str().map(str::to_owned);
        let list = |field: &str| image[field].as_array().into_iter().flatten();
        let builders = list("builders").filter_map(|input| line(input, &input["pullspec"]["value"], digests));
        let copies = list("copies_from").filter_map(|copy| line(copy, &copy["pullspec"], digests));
        let arches = image["arches"]["value"].as_array().into_iter().flatten();
        Self {
            tag: value("tag"),
            repository: value("repository"),
            branch: value("branch"),
            tree: text("tree"),
            commit: text("commit"),
            dockerfile: value("dockerfile"),
            dockerfile_blob: text("dockerfile_blob"),
            context: value("context_dir"),
            base: line(&image["base"], &image["base"]["pullspec"]["value"], digests),
            builders: builders.collect(),
            copies: copies.collect(),
            build_args: sorted(&image["build_args"]["value"]).to_string(),
            prepare: sorted(&image["prepare"]["value"]).to_string(),
            arches: arches.filter_map(Json::as_str).map(str::to_owned).collect(),
        }
    }

    /// The same of an image as it is derived, without digests.
    pub fn of(image: &Image) -> Self {
        let base = image.base.iter().chain(&image.builders);
        let mut froms = base.map(|input| stands(&input.written, &input.image, input.replaced, &input.pullspec.value));
        let copies = image.copies_from.iter();
        Self {
            tag: image.tag.value.clone(),
            repository: image.repository.value.clone(),
            branch: image.branch.value.clone(),
            tree: image.tree.clone(),
            commit: image.commit.clone(),
            dockerfile: image.dockerfile.value.clone(),
            dockerfile_blob: image.dockerfile_blob.clone(),
            context: image.context_dir.value.clone(),
            base: image.base.as_ref().and_then(|_| froms.next()),
            builders: froms.collect(),
            copies: copies
                .map(|copy| stands(&copy.written, &copy.image, copy.replaced, &copy.pullspec))
                .collect(),
            build_args: sorted(&image.build_args.value).to_string(),
            prepare: sorted(&image.prepare.value).to_string(),
            arches: image.arches.value.iter().cloned().collect(),
        }
    }

    /// What differs from before.
    pub(super) fn reasons(&self, before: &Self) -> BTreeSet<Reason> {
        let differs = [
            (self.other_source(before), Reason::OwnSource),
            (self.other_dockerfile(before), Reason::Dockerfile),
            (self.base != before.base, Reason::Base),
            (
                self.builders != before.builders || self.copies != before.copies,
                Reason::Builder,
            ),
            (self.build_args != before.build_args, Reason::BuildArg),
            (self.prepare != before.prepare, Reason::Repositories),
            (self.arches != before.arches, Reason::Architectures),
        ];
        differs
            .into_iter()
            .filter(|(differs, _)| *differs)
            .map(|(_, reason)| reason)
            .collect()
    }

    /// The same tree is the same source, wherever it comes from; without trees the commits are compared.
    fn other_source(&self, before: &Self) -> bool {
        match (&self.tree, &before.tree) {
            (Some(own), Some(other)) => own != other,
            _ => {
                let place = |facts: &Self| (facts.repository.clone(), facts.branch.clone(), facts.commit.clone());
                place(self) != place(before)
            }
        }
    }

    fn other_dockerfile(&self, before: &Self) -> bool {
        let blobs = match (&self.dockerfile_blob, &before.dockerfile_blob) {
            (Some(own), Some(other)) => own != other,
            _ => false,
        };
        blobs || self.dockerfile != before.dockerfile || self.context != before.context
    }
}

fn stands(written: &str, image: &Option<String>, replaced: bool, pullspec: &str) -> Line {
    let stands = match image {
        Some(key) if replaced => Stands::Own(key.clone()),
        None if replaced => Stands::Pullspec(pullspec.to_owned()),
        _ => Stands::Pullspec(written.to_owned()),
    };
    (written.to_owned(), stands)
}

fn line(input: &Json, pullspec: &Json, digests: &BTreeMap<&str, &str>) -> Option<Line> {
    let written = input["written"].as_str()?.to_owned();
    let replaced = input["replaced"].as_bool() != Some(false);
    let external = |pullspec: &str| match digests.get(pullspec) {
        Some(digest) => Stands::Pullspec(format!("{pullspec}@{digest}")),
        None => Stands::Pullspec(pullspec.to_owned()),
    };
    let stands = match input["image"].as_str().filter(|_| replaced) {
        Some(key) => Stands::Own(key.to_owned()),
        None if replaced => external(pullspec.as_str().unwrap_or_default()),
        None => external(&written),
    };
    Some((written, stands))
}

/// A value whose mappings are in the order of their keys.
pub(super) fn sorted(value: &Json) -> Json {
    match value {
        Json::Object(map) => {
            let ordered: BTreeMap<&String, Json> = map.iter().map(|(key, value)| (key, sorted(value))).collect();
            ordered.into_iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        Json::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
