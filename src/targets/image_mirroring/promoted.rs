//! What configs promote to the streams that are mirrored: as they are, and as they will be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use crate::facts::ci_config;
use crate::facts::promoted::{self, Tag};
use crate::plan::Desired;
use crate::targets::{Actual, Earlier};
use crate::yaml;

/// What configs promote to the streams of a namespace, as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Promoted {
    /// Tags by the config's path; configs that promote nothing are left out.
    pub tags: BTreeMap<String, BTreeSet<Tag>>,
    /// Paths of configs, or folders of them, that cannot be read.
    pub unreadable: BTreeSet<String>,
}

impl Promoted {
    pub(super) fn of(actual: &Actual, namespace: &str) -> Self {
        let below = format!("{}/", ci_config::ROOT);
        let configs: Vec<_> = actual
            .files
            .iter()
            .filter(|(path, _)| path.starts_with(&below))
            .collect();
        let read = configs
            .into_par_iter()
            .map(|(path, text)| (path, tags(text, namespace)));
        let mut all = Self::default();
        for (path, tags) in read.collect::<Vec<_>>() {
            match tags {
                Some(tags) if tags.is_empty() => {}
                Some(tags) => drop(all.tags.insert(path.clone(), tags)),
                None => drop(all.unreadable.insert(path.clone())),
            }
        }
        let broken = actual
            .unreadable
            .keys()
            .filter(|path| path.starts_with(ci_config::ROOT));
        all.unreadable.extend(broken.cloned());
        all
    }
}

/// What a config promotes to the namespace; `None`: it cannot be read. Few do: the others are not read further than it takes
/// to see that.
fn tags(text: &Arc<[u8]>, namespace: &str) -> Option<BTreeSet<Tag>> {
    if memchr::memmem::find(text, namespace.as_bytes()).is_none() {
        return Some(BTreeSet::new());
    }
    let promotions = ci_config::promotions(text).ok()?;
    if !promotions
        .iter()
        .any(|entry| entry.promotes() && entry.namespace == namespace)
    {
        return Some(BTreeSet::new());
    }
    let tags = promoted::tags(&yaml::parse(text).ok()?);
    Some(tags.into_iter().filter(|tag| tag.namespace == namespace).collect())
}

/// The configs that change. One that would promote what another config of OKD's still promotes waits until that one has moved.
pub(super) fn changed(earlier: &Earlier, promoted: &Promoted) -> Vec<Desired> {
    let own = earlier.files.iter().filter(|file| !file.held);
    let own: BTreeSet<&str> = own.map(|file| file.path.as_str()).collect();
    let others = earlier.actual.iter().flat_map(|actual| actual.files.keys());
    let others = others.filter(|path| !own.contains(path.as_str()));
    let taken: BTreeSet<&Tag> = others.filter_map(|path| promoted.tags.get(path)).flatten().collect();
    let waits = |file: &Desired| {
        let before = promoted.tags.get(&file.path);
        let after = file.after.as_deref().and_then(|text| yaml::parse(text).ok());
        let after = after.map(|root| promoted::tags(&root)).unwrap_or_default();
        after
            .iter()
            .any(|tag| taken.contains(tag) && !before.is_some_and(|before| before.contains(tag)))
    };
    let files = earlier.files.iter().filter(|file| file.before != file.after);
    files.filter(|file| !waits(file)).cloned().collect()
}

/// What is promoted once the configs are changed.
pub(super) fn overlaid(
    before: &BTreeMap<String, BTreeSet<Tag>>,
    changed: &[Desired],
) -> BTreeMap<String, BTreeSet<Tag>> {
    let mut after = before.clone();
    for file in changed {
        let root = file.after.as_deref().and_then(|text| yaml::parse(text).ok());
        let tags = root.map(|root| promoted::tags(&root)).unwrap_or_default();
        if tags.is_empty() {
            after.remove(&file.path);
        } else {
            after.insert(file.path.clone(), tags);
        }
    }
    after
}
