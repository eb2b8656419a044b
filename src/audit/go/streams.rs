//! What is common to the checks of Go: what an image asks for, and which stream would provide it.

use std::collections::BTreeSet;

use serde_json::json;

use crate::base::Place;
use crate::derive::content::Content;
use crate::derive::{DerivedImage, Release};
use crate::model::go::GoVersion;

/// The Go version that an image's module or workspace asks for, and the file that does.
pub(super) fn asked(image: &DerivedImage) -> Option<(GoVersion, &str)> {
    let line = image.go.asked.as_ref()?;
    Some((GoVersion::parse(&line.version)?, &line.file))
}

/// A place in an image's repository.
pub(super) fn place(image: &DerivedImage, file: &str, line: u32) -> Place {
    let origin = image.origin.as_ref();
    Place {
        repo: origin.map(|origin| origin.name.clone()).unwrap_or_default(),
        commit: origin.and_then(|origin| origin.commit.clone()),
        file: file.to_owned(),
        line: Some(line),
    }
}

/// The place of an image's `go` line.
pub(super) fn go_line(image: &DerivedImage) -> Place {
    let asked = image.go.asked.as_ref();
    asked.map_or_else(Place::default, |line| place(image, &line.file, line.line))
}

/// Names the stream that has the Go that is asked for: the oldest such Go, and of those one like the builder that is
/// used now.
pub(super) fn stream_with(release: &Release<'_>, content: &Content<'_>, asked: GoVersion, now: &str) -> Option<String> {
    let metadata = release.metadata;
    let names: BTreeSet<&str> = metadata
        .stream_names()
        .filter_map(|name| Some(metadata.stream(name)?.name.as_str()))
        .collect();
    let mut resolver = content.resolver();
    let view = release.images.values().next().map(|image| &image.view)?;
    let known = names.into_iter().filter_map(|name| {
        let pullspec = resolver.resolve(&json!({ "stream": name })).ok()?.pullspec;
        let go = content.go(view, &pullspec).filter(|go| go.satisfies(asked))?;
        Some(((go.major, go.minor, !alike(&pullspec, now), name.len(), name), go))
    });
    let ((.., name), go) = known.min_by(|(a, _), (b, _)| a.cmp(b))?;
    Some(format!("stream {name} has Go {go}"))
}

/// Whether two pullspecs are the same up to their first version of Go: builders of one kind.
fn alike(one: &str, other: &str) -> bool {
    let kind = |pullspec: &str| pullspec.split("golang").next().map(str::to_owned);
    kind(one) == kind(other)
}
