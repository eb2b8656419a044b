//! ocp-build-data of one release, with the lookups that its files need from one another.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value as Json;

use crate::base::{Origin, Place, Release};
use crate::facts::group::Group;
use crate::facts::image::ImageMetadata;
use crate::facts::stream::Stream;
use crate::finding::Finding;

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
    pub images: BTreeMap<String, ImageMetadata>,
    /// Keys of images whose file is there and could not be read.
    pub broken: BTreeSet<String>,
    /// Whether something else than an image's file is there and could not be read.
    pub partial: bool,
    /// What was wrong with files.
    pub findings: Vec<Finding>,
    /// Digests of images that are not built here, by pullspec, where a lock gives them.
    pub external: BTreeMap<String, String>,
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
            external: BTreeMap::new(),
            streams,
            streams_by_name,
        }
    }

    /// A stream by name or alias.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.streams_by_name.get(name).map(|at| &self.streams[*at])
    }

    /// All streams in the order of the file.
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// All names and aliases of streams.
    pub fn stream_names(&self) -> impl Iterator<Item = &str> {
        self.streams_by_name.keys().map(String::as_str)
    }

    /// The path of an image's file.
    pub fn image_file(key: &str) -> String {
        format!("images/{key}.yml")
    }

    /// The key of the image that a file is of; `None`: it is another file.
    pub fn image_of_file(path: &str) -> Option<&str> {
        let key = path.strip_prefix("images/")?.strip_suffix(".yml")?;
        (!key.is_empty() && !key.contains('/')).then_some(key)
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

    /// A place in an image's file: the line of a key by its dotted name in the view, such as `okd_stanza.payload_name`.
    pub fn key_place(&self, key: &str, view: &str) -> Place {
        self.image_place(key, &view.split('.').collect::<Vec<_>>())
    }

    /// Whether a key of an image's file that says if it is needed, or what it is built from, has a form that was not
    /// expected: what is read in its place is no evidence.
    pub fn is_misread(&self, key: &str) -> bool {
        let faults = self.images.get(key).map(|image| image.faults.as_slice());
        !faults.unwrap_or_default().is_empty()
    }

    /// The public repository that an image's `url` leads to, as `org/repo`; `web` where there is no `url`.
    pub fn repository_of(&self, view: &Json) -> Option<String> {
        let text = |name: &str| view["source"][name].as_str().filter(|text| !text.is_empty());
        let url = self.group.public_url(text("url").or_else(|| text("web"))?);
        let path = url.strip_prefix("https://github.com/")?;
        let (org, repo) = path.split_once('/')?;
        let plain = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        if plain(org) && plain(repo) {
            Some(format!("{org}/{repo}"))
        } else {
            None
        }
    }
}

/// The key of the image whose metadata could not be read, where that is what was found: the image is in no document then.
pub fn unread_image(finding: &Finding) -> Option<&str> {
    let place = finding.place.as_ref()?;
    (finding.code == "unreadable-metadata").then(|| Metadata::image_of_file(&place.file))?
}
