//! Images that the release builds from another repository than a config's: metadata moved them, and the config is their old home.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::RepoName;
use crate::derive::{Dropped, Image, Release, Standing};
use crate::facts::ci_tags::{self, Tag};
use crate::model::metadata::Metadata;
use crate::targets::Actual;

/// Where the images of a release are at home.
pub struct Homes<'r> {
    release: &'r Release<'r>,
    actual: &'r Actual,
    by_tag: BTreeMap<&'r str, &'r Image>,
}

/// The end of what is said of an image that has moved.
pub const OLD_HOME: &str = "this is its old home";

impl<'r> Homes<'r> {
    /// The release.
    pub fn release(&self) -> &'r Release<'r> {
        self.release
    }

    /// Looks where images are built that could be derived: of any other it is not known where it belongs.
    pub fn of(release: &'r Release<'r>, actual: &'r Actual) -> Self {
        let derived = release
            .images
            .values()
            .filter(|image| image.standing == Standing::Derived);
        let by_tag = derived.map(|image| (image.tag.value.as_str(), image)).collect();
        Self {
            release,
            actual,
            by_tag,
        }
    }

    /// What a config of a repository promotes to the release although another repository is the image's home by now; without all of
    /// metadata nothing is certain. `built`: the tags of the config's images.
    pub fn left(&self, repo: &RepoName, built: &BTreeSet<String>, text: &[u8]) -> BTreeMap<String, Dropped> {
        let away = |tag: &&String| self.elsewhere(repo, tag).is_some();
        if !self.release.complete || !built.iter().any(|tag| away(&tag)) {
            return BTreeMap::new();
        }
        let payload = &self.release.payload;
        let stream = (&payload.namespace.value, &payload.name.value);
        let promoted = ci_tags::read(text).unwrap_or_default().promotes;
        let here = promoted.into_iter().filter(|tag| (&tag.namespace, &tag.name) == stream);
        let left = here.filter(|tag| built.contains(&tag.tag)).filter_map(|tag| {
            let (image, home) = self.elsewhere(repo, &tag.tag)?;
            if self.has_come(home, &tag) {
                return None;
            }
            let file = Metadata::image_file(&image.key);
            let dropped = Dropped {
                key: image.key.clone(),
                why: format!("{file} builds {} from {home} now; {OLD_HOME}", tag.tag),
                rule: image.repository.deciders().last(),
            };
            Some((tag.tag, dropped))
        });
        left.collect()
    }

    /// The image of a tag and its home, where that is another repository.
    fn elsewhere(&self, repo: &RepoName, tag: &str) -> Option<(&'r Image, &'r RepoName)> {
        let image = *self.by_tag.get(tag)?;
        let home = image.repository.value.as_ref().filter(|home| *home != repo)?;
        Some((image, home))
    }

    /// Whether an image's home promotes it already: what another config promotes beside it has not moved, and is somebody's.
    fn has_come(&self, home: &RepoName, tag: &Tag) -> bool {
        let config = self.release.configs.get(home);
        let text = config.and_then(|config| self.actual.files.get(&super::path(self.release, config)));
        text.is_some_and(|text| ci_tags::read(text).unwrap_or_default().promotes.contains(tag))
    }
}
