//! What people decided when they met a disagreement of the two OKD stanzas.
//!
//! CI reads `okd_alignment`, ART builds from `okd`. Where they say two things, the nearest older and the nearest newer release in
//! which they agree, or in which one of them is silent, show how it was settled.

use serde_json::Value as Json;

use super::merge;
use super::topics::Topic;
use crate::base::Release;
use crate::derive::neighbours::{Edited, Neighbours};
use crate::model::metadata::Metadata;

/// What an image's stanzas say of one topic in one release.
#[derive(Clone, Debug, PartialEq)]
struct Sides {
    /// What `okd_alignment` says.
    alignment: Option<Json>,
    /// What is built after the merge.
    built: Json,
    /// Whether they say one thing.
    agree: bool,
}

impl Sides {
    /// Of an image in a release; none where the image is not there.
    fn of(metadata: &Metadata, key: &str, topic: &Topic) -> Option<Self> {
        let node = &metadata.images.get(key)?.node;
        let (alignment, built) = (topic.aligned(node), topic.built(&merge::image(node).config));
        let agree = alignment.as_ref().is_none_or(|alignment| topic.same(alignment, &built));
        Some(Self {
            alignment,
            built,
            agree,
        })
    }
}

/// The images of a release whose stanzas disagree about something.
pub fn disputed(metadata: &Metadata) -> Vec<&str> {
    let disagree = |key: &str| {
        let topics = metadata
            .images
            .get(key)
            .map(|image| Topic::all(&image.node))
            .unwrap_or_default();
        let mut sides = topics.iter().filter_map(|topic| Sides::of(metadata, key, topic));
        sides.any(|sides| !sides.agree)
    };
    metadata
        .images
        .keys()
        .map(String::as_str)
        .filter(|key| disagree(key))
        .collect()
}

/// What of an image's file says how OKD is built, as a text to compare: whoever changes that has decided something.
pub fn says(bytes: &[u8]) -> String {
    const KEYS: [&[&str]; 4] = [
        &["okd"],
        &["content", "source", "okd_alignment"],
        &["content", "source", "dockerfile"],
        &["konflux", "content"],
    ];
    let Ok(root) = crate::yaml::parse(bytes) else {
        return String::from_utf8_lossy(bytes).into_owned();
    };
    let said = KEYS.map(|key| root.at(key).map(Json::from).unwrap_or_default());
    Json::from(said.to_vec()).to_string()
}

/// A release that shows how it was settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// The release.
    pub release: Release,
    /// What was settled.
    pub topic: Topic,
    /// What is built there.
    pub built: Json,
    /// The commit of its build data, where there is one.
    pub commit: Option<String>,
    /// When its stanzas were last changed, where its history is there.
    pub edited: Option<Edited>,
}

/// How a disagreement about an image was settled elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nowhere: this release's own stanzas decide.
    Nowhere,
    /// Everywhere as `okd_alignment` says here.
    AsAligned(Vec<Settled>),
    /// In another way, or in two ways.
    Otherwise(Vec<Settled>),
}

/// How the disagreement of a release about an image was settled in the releases around it; `aligned`: what its
/// `okd_alignment` says. A settlement counts where doozer builds the release, and, where both histories are known, only where
/// it is younger than this release's last change of the image's stanzas.
pub fn settled(neighbours: &Neighbours, release: Release, key: &str, topic: &Topic, aligned: &Json) -> Outcome {
    let own = neighbours.edited(release, key);
    let one = |metadata: &Metadata| {
        let okd =
            metadata.group.okd_line.is_some() || metadata.images.values().any(|image| image.node.get("okd").is_some());
        let sides = Sides::of(metadata, key, topic).filter(|sides| okd && sides.agree)?;
        let edited = neighbours.edited(metadata.release, key).cloned();
        let late = match (&edited, own) {
            (Some(there), Some(here)) => there.time > here.time,
            _ => true,
        };
        late.then(|| Settled {
            release: metadata.release,
            topic: topic.clone(),
            built: sides.built,
            commit: metadata.origin.commit.clone(),
            edited,
        })
    };
    let older = neighbours.older(release).find_map(|metadata| one(metadata));
    let newer = neighbours.newer(release).find_map(|metadata| one(metadata));
    let found: Vec<Settled> = older.into_iter().chain(newer).collect();
    match found.as_slice() {
        [] => Outcome::Nowhere,
        all if all.iter().all(|one| topic.same(&one.built, aligned)) => Outcome::AsAligned(found),
        _ => Outcome::Otherwise(found),
    }
}

impl std::fmt::Display for Settled {
    /// `4.22 builds Dockerfile (commit 0123456789, changed on 2026-01-22)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.release, self.topic.does(&self.built))?;
        let commit = self
            .edited
            .as_ref()
            .map(|edited| &edited.commit)
            .or(self.commit.as_ref());
        match (commit, &self.edited) {
            (Some(commit), Some(edited)) => {
                write!(f, " (since {} of {})", commit.get(..10).unwrap_or(commit), edited.day)
            }
            (Some(commit), None) => write!(
                f,
                " (at {}, of a day that is unknown)",
                commit.get(..10).unwrap_or(commit)
            ),
            (None, _) => f.write_str(" (since a day that is unknown)"),
        }
    }
}
