//! Other releases' build data, beside the one that is derived: what people decided there may hold here, too.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::DerivedImage;
use crate::base::{Date, Release};
use crate::model::metadata::Metadata;
use crate::yaml::Node;

/// Build data of other releases, and when their OKD stanzas were changed.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    /// Build data, by release.
    pub metadata: BTreeMap<Release, Arc<Metadata>>,
    /// The last change of an image's OKD stanzas, by release and key; its own release is among them. None where the branch's
    /// history is not there.
    pub edits: BTreeMap<(Release, String), Option<Edited>>,
    /// What is carried here from older branches.
    pub carried: Arc<Carried>,
    /// Where the branches of other releases stood, as far as they were looked at.
    pub heads: Vec<(Release, String)>,
}

/// What was added to OKD's stanzas on older branches after the next one had been made, and that is lacking here.
#[derive(Debug, Default)]
pub struct Carried {
    /// What is carried.
    pub all: Vec<Carry>,
    /// What is not, and why.
    pub left: Vec<Left>,
    /// Why the histories of branches could not be read: nothing is carried then.
    pub unread: Option<Unread>,
    /// Build data with what is carried, and the images that are derived from it; none where that changes nothing.
    pub release: Option<(Metadata, BTreeMap<String, DerivedImage>)>,
}

/// Why histories could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// A sentence without a full stop.
    pub why: String,
    /// Whether they may be read later without anybody changing anything.
    pub passing: bool,
}

impl Unread {
    /// What stays so until somebody changes it.
    pub fn lasting(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            passing: false,
        }
    }
}

/// One key that is carried.
#[derive(Clone, Debug, PartialEq)]
pub struct Carry {
    /// The file.
    pub path: String,
    /// The key, dotted.
    pub key: String,
    /// What it means here.
    pub value: Node,
    /// How texts of it are written, by what they mean here.
    pub spelled: BTreeMap<String, String>,
    /// The release that it was added in.
    pub from: Release,
    /// The commit that added it.
    pub edited: Edited,
}

/// One key that is not carried.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Left {
    /// The file.
    pub path: String,
    /// The key, dotted.
    pub key: String,
    /// The release that it was added in.
    pub from: Release,
    /// The commit that added it.
    pub edited: Edited,
    /// Why it is not carried.
    pub why: String,
}

/// The last change of a stanza.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Edited {
    /// When.
    pub day: Date,
    /// Seconds since 1970.
    pub time: i64,
    /// The commit.
    pub commit: String,
}

impl Neighbours {
    /// Build data of older releases, the nearest first.
    pub fn older(&self, than: Release) -> impl Iterator<Item = &Arc<Metadata>> {
        self.metadata.range(..than).rev().map(|(_, metadata)| metadata)
    }

    /// Build data of newer releases, the nearest first.
    pub fn newer(&self, than: Release) -> impl Iterator<Item = &Arc<Metadata>> {
        let from = (std::ops::Bound::Excluded(than), std::ops::Bound::Unbounded);
        self.metadata.range(from).map(|(_, metadata)| metadata)
    }

    /// When an image's OKD stanzas were last changed in a release.
    pub fn edited(&self, release: Release, key: &str) -> Option<&Edited> {
        self.edits.get(&(release, key.to_owned()))?.as_ref()
    }
}
