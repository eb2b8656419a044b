//! What a body tells of where things come from: the commits of metadata and components, with links.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::change::{ChangeKind, FileChange, PullRequest};
use super::super::upstream::{Spot, Upstream};
use super::{DIFFS, FILES, FINDINGS, IMAGES, LEFT, NOTES, bounded, left_of};
use crate::base::text::{clip, code};

/// Encloses what is said of when the drift began: while the content stays, so does this.
pub const SINCE: [&str; 2] = ["<!-- lockstep:since -->", "<!-- lockstep:since-end -->"];

/// Says with which commit of the metadata the drift was first seen.
pub fn since(out: &mut String, upstream: Option<&Upstream>) {
    let Some(metadata) = upstream.map(|upstream| &upstream.metadata) else {
        return;
    };
    let Some(commit) = commit(metadata) else { return };
    let branch = match metadata.branch.as_str() {
        "" => String::new(),
        branch => format!(" (branch {})", code(&clip(branch, 100))),
    };
    let [begin, end] = SINCE;
    let name = code(&clip(&metadata.name, 100));
    let _ = writeln!(out, "{begin}\nFirst seen with {name} at {commit}{branch}.\n{end}\n");
}

/// A commit, short, as a link where there is one.
fn commit(spot: &Spot) -> Option<String> {
    let short = code(spot.short()?);
    Some(match spot.commit_link() {
        Some(link) => format!("[{short}]({link})"),
        None => short,
    })
}

/// The metadata of the first image of some, as a link where there is one.
pub fn metadata_of(upstream: &Upstream, images: &[String]) -> Option<String> {
    let image = images.iter().find_map(|tag| upstream.images.get(tag))?;
    Some(file(&upstream.metadata, &image.file))
}

fn file(spot: &Spot, path: &str) -> String {
    let text = code(&clip(path, 100));
    match spot.file_link(path) {
        Some(link) => format!("[{text}]({link})"),
        None => text,
    }
}

/// Lists the images of the files, with their metadata and the commit of their component.
pub fn images(out: &mut String, pr: &PullRequest, upstream: Option<&Upstream>) {
    let mut images: BTreeMap<&str, &FileChange> = BTreeMap::new();
    for file in &pr.files {
        // Of several files the one that is not about the image alone says less.
        for tag in &file.images {
            let known = images.entry(tag).or_insert(file);
            if known.kind == ChangeKind::Changed && file.kind != ChangeKind::Changed {
                *known = file;
            }
        }
    }
    if images.is_empty() {
        return;
    }
    out.push_str("### Images\n\n| Image | Change | Metadata | Component |\n|---|---|---|---|\n");
    let rows = images.iter().map(|(tag, file)| row(tag, file, upstream));
    let budget = IMAGES.max(left_of(out, FILES + NOTES + LEFT + FINDINGS + DIFFS));
    bounded(out, budget, rows, "images");
}

fn row(tag: &str, of: &FileChange, upstream: Option<&Upstream>) -> String {
    let known = upstream.and_then(|upstream| Some((upstream, upstream.images.get(tag)?)));
    let metadata = known
        .map(|(upstream, image)| file(&upstream.metadata, &image.file))
        .unwrap_or_default();
    let component = known
        .and_then(|(_, image)| image.component.as_deref())
        .or(of.component.as_deref());
    let component = component.map(
        |name| match upstream.and_then(|upstream| commit(upstream.components.get(name)?)) {
            Some(commit) => format!("{} at {commit}", code(&clip(name, 100))),
            None => code(&clip(name, 100)),
        },
    );
    let change = match of.kind {
        ChangeKind::New => "in a new file",
        ChangeKind::Changed => "in a changed file",
        ChangeKind::Removed => "in a file that goes",
    };
    format!(
        "| {} | {change} | {metadata} | {} |\n",
        code(&clip(tag, 80)),
        component.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::upstream::UpstreamImage;
    use super::*;

    #[test]
    fn names_of_inputs_mean_nothing() {
        let evil = "a|b](x) @team fixes #1 <!-- lockstep:end -->".to_owned();
        let spot = Spot {
            name: evil.clone(),
            branch: evil.clone(),
            commit: Some("0123456789abcdef".into()),
            web: Some(format!("https://h/{evil}")),
        };
        let image = UpstreamImage {
            file: evil.clone(),
            component: Some(evil.clone()),
            ..UpstreamImage::default()
        };
        let upstream = Upstream {
            metadata: spot.clone(),
            components: [(evil.clone(), spot)].into(),
            images: [(evil.clone(), image)].into(),
            ..Upstream::default()
        };
        let mut told = String::new();
        since(&mut told, Some(&upstream));
        told.push_str(&metadata_of(&upstream, std::slice::from_ref(&evil)).unwrap());
        for bad in ["@team", "fixes", "#1", "<!-- lockstep:end", "](", "a|b"] {
            // What is escaped is shown, not read.
            assert!(!told.replace("\\]", "").contains(bad), "{bad} in {told}");
        }
    }
}
