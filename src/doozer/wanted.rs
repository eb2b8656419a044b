//! What is derived here, in the tool's words: to be held against what it makes.

use serde_json::{Value as Json, json};

use crate::derive::outline::base_scope;
use crate::derive::resolve::{Resolved, Resolver};
use crate::derive::{DerivedImage, Release};

use super::parents::Stands;

/// What an entry of metadata means here: the image or stream that it ends at, or a text where a rule or metadata puts one in
/// its place. None where it cannot be resolved.
pub fn meaning(release: &Release<'_>, resolver: &mut Resolver<'_, '_>, entry: &Json) -> Option<Stands> {
    let Resolved { pullspec, chain } = resolver.resolve(entry).ok()?;
    let text = |image: String| Stands::Text { image };
    let Some(last) = chain.last() else {
        return Some(text(pullspec));
    };
    let metadata = release.metadata;
    Some(if last.kind == "member" {
        // Under its own tag, or as CI has it from OCP, it is the same image.
        let tag = release
            .images
            .get(&last.name)
            .map(|image| release.payload.tag(&image.tag.value).to_string());
        let view = metadata.images.get(&last.name).map(|image| &image.view);
        let upstream = view.is_some_and(|view| view["ci"]["upstream_image"] == pullspec.as_str());
        match tag.as_deref() == Some(pullspec.as_str()) || upstream {
            true => Stands::Own {
                image: last.name.clone(),
            },
            false => text(pullspec),
        }
    } else {
        let view = metadata.stream(&last.name).map(|stream| &stream.view);
        let is_it = |image: &Json| image == pullspec.as_str();
        let own = view.is_some_and(|view| is_it(&view["upstream_image"]) || is_it(&view["image"]));
        match own {
            true => Stands::Stream {
                stream: last.name.clone(),
                image: pullspec,
            },
            false => text(pullspec),
        }
    })
}

/// What each parent of an image means, builders first.
pub fn parents(release: &Release<'_>, image: &DerivedImage) -> Vec<(Json, Option<Stands>)> {
    let metadata = release.metadata;
    let scope = base_scope(metadata.release, &metadata.group, Some(&release.payload.view));
    let mut resolver = Resolver::new(release.rules, metadata, &release.images, &scope);
    let entries = super::parents::entries(&image.from.value);
    let plain = |entry: &Json| {
        let kind = ["member", "image", "stream"]
            .into_iter()
            .find(|kind| entry.get(kind).is_some());
        kind.map_or_else(|| json!({}), |kind| json!({ kind: entry[kind] }))
    };
    let mut one = |entry: Json| {
        let means = meaning(release, &mut resolver, &entry);
        (entry, means)
    };
    entries.into_iter().map(|entry| one(plain(entry))).collect()
}

/// A path without what does not change it.
pub fn plain(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}
