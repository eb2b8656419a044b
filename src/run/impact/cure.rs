//! Looks for metadata of other releases that fits what breaks.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Asked;
use crate::base::Release;
use crate::config::Releases;
use crate::derive::payload::Demand;
use crate::finding::Finding;
use crate::impact::{Cure, Effect, OfRelease};
use crate::model::metadata::Metadata;
use crate::run::branches::Depth;
use crate::run::{Run, releases};
use crate::source::{Instead, Snapshot};

/// In so many other releases metadata that fits is looked for.
const MOST_NEIGHBOURS: usize = 6;

impl Run {
    /// Looks for metadata of other releases that fits what breaks.
    pub(super) fn cures(&mut self, asked: &Asked, of: &mut OfRelease, with: &Arc<dyn Snapshot>) {
        let breaks = of.new.iter_mut().filter(|found| found.impact == Effect::Break);
        for found in breaks {
            let finding = found.shown.finding.clone();
            found.cure = self.cure(asked, &of.release, &finding, with);
        }
    }

    fn cure(&mut self, asked: &Asked, release: &str, finding: &Finding, with: &Arc<dyn Snapshot>) -> Option<Cure> {
        let own: Release = release.parse().ok()?;
        let tag = finding.image.as_ref()?;
        self.set_instead(Instead::default());
        let known = releases::in_build_data(&self.config, &self.sources, None);
        let mut known = known.ok().flatten().unwrap_or_default();
        if let Releases::List(listed) = &self.config.releases {
            known.extend(listed);
        }
        let mut others: Vec<Release> = known.into_iter().filter(|other| *other != own).collect();
        let distance = |other: &Release| {
            (
                other.major.abs_diff(own.major),
                other.minor.abs_diff(own.minor),
                *other < own,
            )
        };
        others.sort_by_key(distance);
        let mine = self.metadata(own).ok()?;
        for other in others.into_iter().take(MOST_NEIGHBOURS) {
            self.set_instead(Instead::default());
            let Ok(metadata) = self.metadata(other) else { continue };
            let ci = self.ci_config().ok().flatten();
            let Ok(outline) = self.outline(&metadata, ci.as_deref(), &Demand::default(), Depth::All) else {
                continue;
            };
            let image = outline.images.values().find(|image| image.tag.value == *tag);
            let Some(image) = image.filter(|image| image.repository.value.as_ref() == Some(&asked.repository)) else {
                continue;
            };
            let (key, branch) = (image.key.clone(), image.branch.clone());
            drop(outline);
            let Some(differs) = differs(&mine, &metadata, &key) else {
                continue;
            };
            let mut instead = Instead::default();
            instead.put(&asked.repository.to_string(), &branch, Arc::clone(with));
            self.set_instead(instead);
            let Ok(Ok((world, _))) = self.world(&metadata, ci.as_ref()) else {
                continue;
            };
            let same = |one: &Finding| one.code == finding.code && one.image == finding.image;
            let is_built = world.config.is_some_and(|config| config.builds(&key));
            if is_built && !world.findings.iter().any(same) {
                return Some(Cure {
                    release: other.to_string(),
                    branch: self.config.sources.build_data.branch(other),
                    file: Metadata::image_file(&key),
                    key: differs,
                });
            }
        }
        None
    }
}

/// The first part of an image's metadata that differs between two releases, `from` before all.
fn differs(mine: &Metadata, other: &Metadata, key: &str) -> Option<String> {
    let (mine, other) = (&mine.images.get(key)?.node, &other.images.get(key)?.node);
    let (mine, other) = (serde_json::Value::from(mine), serde_json::Value::from(other));
    if mine["from"] != other["from"] {
        return Some("from".to_owned());
    }
    let keys: BTreeSet<&String> = [&mine, &other]
        .into_iter()
        .filter_map(|node| node.as_object())
        .flat_map(|map| map.keys())
        .collect();
    keys.into_iter()
        .find(|key| mine[key.as_str()] != other[key.as_str()])
        .cloned()
}
