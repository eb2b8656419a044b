//! Images that the release builds from another repository than a config's: metadata moved them, and the config is their old home.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::RepoName;
use crate::facts::ci_tags::{self, Tag};
use crate::model::build_config::{BuildConfig, Dropped, Image};
use crate::model::metadata::Metadata;
use crate::targets::Actual;

/// Where the images of a release are at home.
pub struct Homes<'r> {
    release: &'r BuildConfig,
    actual: &'r Actual,
    by_tag: BTreeMap<&'r str, Home<'r>>,
}

/// An image that could be derived, with its key and its repository.
type Home<'r> = (&'r str, &'r Image, &'r RepoName);

/// The end of what is said of an image that has moved.
pub const OLD_HOME: &str = "this is its old home";

impl<'r> Homes<'r> {
    /// The release.
    pub fn release(&self) -> &'r BuildConfig {
        self.release
    }

    /// Looks where images are built that could be derived: of any other it is not known where it belongs.
    pub fn of(release: &'r BuildConfig, actual: &'r Actual) -> Self {
        let all = release.repositories.iter();
        let homes: BTreeMap<&String, &RepoName> = all
            .flat_map(|(repo, config)| config.keys.iter().map(move |key| (key, repo)))
            .collect();
        let images = release.images.iter();
        let by_tag = images
            .filter_map(|(key, image)| Some((image.tag.value.as_str(), (key.as_str(), image, *homes.get(key)?))))
            .collect();
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
            let (key, image, home) = self.elsewhere(repo, &tag.tag)?;
            if self.has_come(home, &tag) {
                return None;
            }
            let file = Metadata::image_file(key);
            let dropped = Dropped {
                key: key.to_owned(),
                why: format!("{file} builds {} from {home} now; {OLD_HOME}", tag.tag),
                rule: image.repository.rules.last().cloned(),
                step: image.prepare.value["name"].as_str().map(str::to_owned),
            };
            Some((tag.tag, dropped))
        });
        left.collect()
    }

    /// The image of a tag, where its home is another repository.
    fn elsewhere(&self, repo: &RepoName, tag: &str) -> Option<Home<'r>> {
        self.by_tag.get(tag).copied().filter(|(.., home)| *home != repo)
    }

    /// The repository of the image that was dropped from its old home.
    pub fn of_dropped(&self, tag: &str) -> Option<&'r RepoName> {
        self.by_tag.get(tag).map(|(.., home)| *home)
    }

    /// Whether an image's home promotes it already: what another config promotes beside it has not moved, and is somebody's.
    fn has_come(&self, home: &RepoName, tag: &Tag) -> bool {
        let config = self.release.repositories.get(home);
        let text = config.and_then(|config| self.actual.files.get(&super::path(self.release, home, config)));
        text.is_some_and(|text| ci_tags::read(text).unwrap_or_default().promotes.contains(tag))
    }
}
