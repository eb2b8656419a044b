//! ocp-build-data of one release, with the lookups that its files need from one another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::release::Release;
use crate::audit::{Finding, Place};
use crate::facts::group::Group;
use crate::facts::image::Image;
use crate::facts::stream::Stream;
use crate::source::Origin;

/// ocp-build-data of one release.
#[derive(Debug)]
pub struct Metadata {
    /// The release.
    pub release: Release,
    /// Where it was read.
    pub origin: Origin,
    /// `group.yml`.
    pub group: Group,
    /// Images by key (file name without `.yml`).
    pub images: BTreeMap<String, Image>,
    /// Keys of images whose file is there and could not be read.
    pub broken: BTreeSet<String>,
    /// Whether something else than an image's file is there and could not be read.
    pub partial: bool,
    /// What was wrong with files.
    pub findings: Vec<Finding>,
    streams: Vec<Stream>,
    streams_by_name: HashMap<String, usize>,
}

impl Metadata {
    /// Puts the facts of a release together. A stream's own name wins over another's alias.
    pub fn new(release: Release, origin: Origin, group: Group, streams: Vec<Stream>) -> Self {
        let mut streams_by_name = HashMap::new();
        for (at, stream) in streams.iter().enumerate() {
            let aliases = stream.view["aliases"].as_array().into_iter().flatten();
            for alias in aliases.filter_map(|alias| alias.as_str()) {
                streams_by_name.entry(alias.to_owned()).or_insert(at);
            }
        }
        for (at, stream) in streams.iter().enumerate() {
            streams_by_name.insert(stream.name.clone(), at);
        }
        let (images, broken, findings) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        Self {
            release,
            origin,
            group,
            images,
            broken,
            partial: false,
            findings,
            streams,
            streams_by_name,
        }
    }

    /// A stream by name or alias.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams_by_name.get(name).map(|at| &self.streams[*at])
    }

    /// All names and aliases of streams.
    pub fn stream_names(&self) -> impl Iterator<Item = &str> {
        self.streams_by_name.keys().map(String::as_str)
    }

    /// The path of an image's file.
    pub fn image_file(key: &str) -> String {
        format!("images/{key}.yml")
    }

    /// A place in a file of build data.
    pub fn place(&self, file: impl Into<String>, line: Option<u32>) -> Place {
        Place {
            repo: self.origin.name.clone(),
            commit: self.origin.commit.clone(),
            file: file.into(),
            line,
        }
    }

    /// A place in an image's file: the line of a path of its view, such as `["from", "builder"]`.
    pub fn image_place(&self, key: &str, path: &[&str]) -> Place {
        let path: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        let line = self.images.get(key).and_then(|image| image.line_of(&path));
        self.place(Self::image_file(key), line)
    }
}
