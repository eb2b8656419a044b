//! Other releases' build data, beside the one that is derived: what people decided there may hold here, too.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::{Date, Release};
use crate::model::metadata::Metadata;

/// Build data of other releases, and when their OKD stanzas were changed.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    /// Build data, by release.
    pub metadata: BTreeMap<Release, Arc<Metadata>>,
    /// The last change of an image's OKD stanzas, by release and key; its own release is among them. None where the branch's
    /// history is not there.
    pub edits: BTreeMap<(Release, String), Option<Edited>>,
}

/// The last change of a stanza.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
