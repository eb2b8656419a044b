//! What Dockerfiles call the members and streams of metadata.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{DerivedImage, Standing};
use crate::model::metadata::Metadata;
use crate::model::pullspec::Spellings;

/// The names under which Dockerfiles know members and streams.
#[derive(Default)]
pub(super) struct Names {
    /// Entries of metadata by the pullspec that stands for them in OCP.
    pub pullspecs: BTreeMap<String, Vec<Json>>,
    /// Keys of images by their tag in OCP's payload.
    pub tags: BTreeMap<String, Vec<String>>,
}

impl Names {
    /// Collects the names of all streams, and of the images that OKD builds.
    pub fn new(metadata: &Metadata, images: &BTreeMap<String, DerivedImage>, spellings: &Spellings) -> Self {
        let mut names = Self::default();
        let built = |image: &&DerivedImage| !matches!(image.standing, Standing::Dropped(_));
        for image in images.values().filter(built) {
            let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
            names.add(
                spellings,
                &text(&image.view["ci"]["upstream_image"]),
                json!({"member": image.key}),
            );
            let tag = Some(text(&image.view["payload_name"])).filter(|tag| !tag.is_empty());
            let tag = tag.unwrap_or_else(|| image.tag.value.clone());
            names.tags.entry(tag).or_default().push(image.key.clone());
        }
        for stream in metadata.streams() {
            let view = &stream.view;
            for pullspec in [&view["upstream_image"], &view["image"]] {
                let pullspec = pullspec.as_str().unwrap_or_default();
                names.add(spellings, pullspec, json!({"stream": stream.name}));
            }
        }
        names
    }

    fn add(&mut self, spellings: &Spellings, pullspec: &str, entry: Json) {
        let pullspec = spellings.canonical(pullspec);
        let entries = self.pullspecs.entry(pullspec.into_owned()).or_default();
        if !entries.contains(&entry) {
            entries.push(entry);
        }
    }
}
