//! Which images have to be built again, because of what, and in which order: two unified build configs compared.
//!
//! Each image is compared by what decides its build: its sources' tree, its Dockerfile, what each FROM stands for, arguments,
//! injected repositories, architectures. An image that is built from one that is built again is built again, too. Commits,
//! resources, tests, names of rules and findings decide nothing.

mod image;
mod show;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::model::batches::batches;
use crate::model::build_config::BuildConfig;
pub use image::{Facts, NoDocument};
pub use show::{argo, konflux, tags, tekton, text};

/// Why an image has to be built again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its sources are others: another tree, repository or branch.
    OwnSource,
    /// Its Dockerfile is another one, or says something else.
    Dockerfile,
    /// What it is based on is another image.
    Base,
    /// What it is built with, or copies files from, is another image.
    Builder,
    /// A build argument has another value.
    BuildArg,
    /// The step that prepares its base, such as injected repositories.
    Repositories,
    /// It is built for other architectures.
    Architectures,
    /// It was not there before, or could not be derived.
    MetadataNew,
    /// What it is built from could not be derived, so nobody knows.
    Unknown,
    /// An image that it is built from, by key, is built again.
    Parent(String),
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OwnSource => "own-source",
            Self::Dockerfile => "dockerfile",
            Self::Base => "base",
            Self::Builder => "builder",
            Self::BuildArg => "build-arg",
            Self::Repositories => "repositories",
            Self::Architectures => "architectures",
            Self::MetadataNew => "metadata-new",
            Self::Unknown => "unknown",
            Self::Parent(key) => return write!(f, "parent:{key}"),
        })
    }
}

impl Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An image that has to be built again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Again {
    /// Its tag in the payload.
    pub tag: String,
    /// Why: what concerns itself first, then the images that it is built from.
    #[schemars(with = "Vec<String>")]
    pub reasons: Vec<Reason>,
    /// Whether only what it is built from is a reason.
    pub only_by_parent: bool,
    /// Its batch, from 1; none where a circle or something that could not be derived keeps it from having one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// The repository that it is built from now, where that is another one than before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_repository: Option<String>,
    /// The branch that it is built from now, where that is another one than before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_branch: Option<String>,
    /// Whether nothing but its source differs, so that a build of before with another source is the same.
    pub only_source: bool,
}

/// What has to be built again.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Rebuild {
    /// The version of this form.
    pub version: u32,
    /// The release.
    pub release: String,
    /// How many images there are.
    pub of: usize,
    /// The images that have to be built again, by key.
    pub images: BTreeMap<String, Again>,
    /// The same in batches, by key: each can be built once the one before it is.
    pub batches: Vec<Vec<String>>,
    /// Images that are not built any more, by key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<String>,
    /// Images that were built before and could not be read or derived now, by key: whether they have to be built again, or at all, is
    /// not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<String>,
}

/// What is known of the images that are not derived in a build config.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Underived {
    /// Keys of those that are not built for OKD.
    dropped: BTreeSet<String>,
    /// Keys of those that could not be derived.
    held: BTreeSet<String>,
    /// Whether all others are certainly not needed.
    complete: bool,
}

impl Underived {
    /// Of a build config.
    pub fn of(document: &BuildConfig) -> Self {
        Self {
            dropped: document.dropped.keys().cloned().collect(),
            held: document.held.iter().cloned().collect(),
            complete: document.complete,
        }
    }

    /// Whether an image that is not derived is certainly not built.
    pub fn is_gone(&self, key: &str) -> bool {
        self.dropped.contains(key) || (self.complete && !self.held.contains(key))
    }
}

/// What of a unified build config, as JSON, decides builds: compared with another one it comes to the same as the whole.
pub fn essence(document: &Json) -> Json {
    image::essence(document)
}

/// Compares two unified build configs, as JSON. `rest`: of the second one.
///
/// # Errors
/// One of them is none.
pub fn rebuild(before: &Json, after: &Json, rest: &Underived) -> Result<Rebuild, NoDocument> {
    // A digest that only one of them knows says nothing of a change.
    let (mut was, mut is) = (image::digests(before), image::digests(after));
    was.retain(|pullspec, _| is.contains_key(pullspec));
    is.retain(|pullspec, _| was.contains_key(pullspec));
    let release = after["release"].as_str().unwrap_or_default();
    let (old, new) = (image::all(before, &was)?, image::all(after, &is)?);
    Ok(between(release, &old, &new, rest))
}

/// Compares what decides the builds of a release's images, by key. `rest`: of the new ones.
pub fn between(
    release: &str,
    old: &BTreeMap<String, Facts>,
    new: &BTreeMap<String, Facts>,
    rest: &Underived,
) -> Rebuild {
    let parents = image::parents(new);
    let mut reasons: BTreeMap<&str, BTreeSet<Reason>> = BTreeMap::new();
    for (key, facts) in new {
        let direct = match old.get(key) {
            Some(before) => facts.reasons(before),
            None => BTreeSet::from([Reason::MetadataNew]),
        };
        let unknown = parents[key].iter().any(|parent| !new.contains_key(parent));
        let direct = direct.into_iter().chain(unknown.then_some(Reason::Unknown));
        reasons.insert(key, direct.collect());
    }
    spread(&parents, &mut reasons);
    let again: BTreeMap<&str, BTreeSet<Reason>> = reasons.into_iter().filter(|(_, why)| !why.is_empty()).collect();
    let order = ordered(&parents, again.keys().copied());
    let images = again.iter().map(|(key, why)| {
        let (facts, before) = (&new[*key], old.get(*key));
        let mut why: Vec<Reason> = why.iter().cloned().collect();
        why.sort();
        let differs = |field: fn(&Facts) -> &String| {
            before
                .filter(|before| field(before) != field(facts))
                .map(|_| field(facts).clone())
        };
        let found = Again {
            tag: facts.tag.clone(),
            only_by_parent: why.iter().all(|reason| matches!(reason, Reason::Parent(_))),
            only_source: why
                .iter()
                .all(|reason| matches!(reason, Reason::OwnSource | Reason::Parent(_)))
                && why.contains(&Reason::OwnSource),
            reasons: why,
            batch: order.of.get(*key).copied(),
            other_repository: differs(|facts| &facts.repository),
            other_branch: differs(|facts| &facts.branch),
        };
        ((*key).to_owned(), found)
    });
    let lost = old.keys().filter(|key| !new.contains_key(*key)).cloned();
    let (gone, unknown) = lost.partition(|key| rest.is_gone(key));
    let batched = order.lists().into_iter().filter(|batch| !batch.is_empty());
    Rebuild {
        version: 1,
        release: release.to_owned(),
        of: new.len(),
        images: images.collect(),
        batches: batched
            .map(|batch| batch.into_iter().map(str::to_owned).collect())
            .collect(),
        gone,
        unknown,
    }
}

/// Lets each image know which of those that it is built from are built again.
fn spread<'k>(parents: &'k BTreeMap<String, BTreeSet<String>>, reasons: &mut BTreeMap<&'k str, BTreeSet<Reason>>) {
    let mut children: BTreeMap<&'k str, Vec<&'k str>> = BTreeMap::new();
    for (key, above) in parents {
        for parent in above {
            children.entry(parent).or_default().push(key);
        }
    }
    let mut queue: Vec<&str> = reasons
        .iter()
        .filter(|(_, why)| !why.is_empty())
        .map(|(key, _)| *key)
        .collect();
    while let Some(key) = queue.pop() {
        for child in children.get(key).into_iter().flatten() {
            let Some(why) = reasons.get_mut(child) else { continue };
            let was_empty = why.is_empty();
            why.insert(Reason::Parent(key.to_owned()));
            if was_empty {
                queue.push(child);
            }
        }
    }
}

/// Batches of some of the images; all others are there already.
fn ordered<'k>(
    parents: &BTreeMap<String, BTreeSet<String>>,
    some: impl Iterator<Item = &'k str>,
) -> crate::model::batches::Batches {
    let some: BTreeSet<&str> = some.collect();
    let graph: BTreeMap<String, BTreeSet<String>> = some
        .iter()
        .map(|key| ((*key).to_owned(), parents[*key].clone()))
        .collect();
    let ready = graph
        .values()
        .flatten()
        .filter(|parent| !some.contains(parent.as_str()))
        .cloned()
        .collect();
    batches(&graph, &BTreeSet::new(), &ready)
}
