//! Results of builds, as the service read them last.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::board::{Time, View};
use crate::results::answer::{ImageResult, Payload, Unread};

/// Which images do not build: what `lockstep results --format json` prints, and when that was read.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ResultsAnswer<'v> {
    /// The version of this form.
    version: u32,
    /// When it was read, in seconds since 1970-01-01.
    read_at: Time,
    /// Each release.
    releases: Vec<OfRelease<'v>>,
    /// Sources that could not be read, each with why: what they would have said is missing, or older.
    unread: &'v [Unread],
}

/// The images and payloads of a release.
#[derive(Debug, Serialize, JsonSchema)]
struct OfRelease<'v> {
    /// The release.
    release: &'v str,
    /// The images, by payload tag.
    images: Vec<&'v ImageResult>,
    /// The release controller's streams.
    #[serde(skip_serializing_if = "<[Payload]>::is_empty")]
    payloads: &'v [Payload],
}

impl<'v> ResultsAnswer<'v> {
    /// The results of a view, of one release and image where they are named; `None`: there are none.
    pub fn of(view: &'v View, release: Option<&str>, image: Option<&str>) -> Option<Self> {
        let shown = view.results.as_deref()?;
        let wanted = shown.results.releases.iter();
        let wanted = wanted.filter(|one| release.is_none_or(|release| one.release == release));
        let releases = wanted.map(|one| OfRelease {
            release: &one.release,
            images: one
                .images
                .iter()
                .filter(|result| image.is_none_or(|image| result.image == image))
                .collect(),
            payloads: &one.payloads,
        });
        Some(Self {
            version: shown.results.version,
            read_at: shown.at,
            releases: releases.collect(),
            unread: &shown.results.unread,
        })
    }
}

/// One of the release controller's streams, and the releases that it is looked at for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StreamAnswer<'v> {
    /// The releases.
    releases: Vec<&'v str>,
    #[serde(flatten)]
    payload: &'v Payload,
}

impl<'v> StreamAnswer<'v> {
    /// All streams of a view by name; `None`: no results are read.
    pub fn all(view: &'v View) -> Option<Vec<Self>> {
        let mut streams: BTreeMap<&str, Self> = BTreeMap::new();
        for release in &view.results.as_deref()?.results.releases {
            for payload in &release.payloads {
                let stream = streams.entry(&payload.stream).or_insert_with(|| Self {
                    releases: Vec::new(),
                    payload,
                });
                stream.releases.push(&release.release);
            }
        }
        Some(streams.into_values().collect())
    }
}
