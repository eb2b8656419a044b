//! What a FROM becomes (`doozerlib/backend/rebaser.py`: `_resolve_parents`, `_resolve_member_parent`, `_resolve_stream_parent`,
//! `_resolve_image_from_upstream_parent`, `_identify_stage_references`).

use std::collections::BTreeSet;

use regex::Regex;
use serde::Serialize;
use serde_json::Value as Json;

use super::merge::at;
use super::terms::{Terms, tag_of};
use crate::facts::dockerfile::Dockerfile;
use crate::facts::stream::Stream;
use crate::model::metadata::Metadata;

/// The rule of the tool that resolves parents.
pub const RULE: &str = "doozerlib/backend/rebaser.py: _resolve_parents";

/// What stands for a parent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Stands {
    /// The tool's own build of an image.
    Own {
        /// Its key.
        image: String,
    },
    /// The image of a stream.
    Stream {
        /// The stream's own name.
        stream: String,
        /// Its image.
        image: String,
    },
    /// The image of the stream that has the Go and EL version of the FROM.
    Canonical {
        /// The stream's own name.
        stream: String,
        /// Its image.
        image: String,
    },
    /// The image that metadata names.
    Text {
        /// It.
        image: String,
    },
    /// Nothing, and why the rebase or the build stops.
    Nothing {
        /// Why.
        why: String,
    },
}

impl Stands {
    /// What is written, in words.
    pub fn told(&self) -> String {
        match self {
            Self::Own { image } => format!("doozer's own build of {image}"),
            Self::Stream { stream, image } => format!("{image} (stream {stream})"),
            Self::Canonical { stream, image } => format!("{image} (canonical builder, stream {stream})"),
            Self::Text { image } => image.clone(),
            Self::Nothing { why } => format!("nothing: {why}"),
        }
    }
}

/// Metadata's entries of a merged `from`, builders first, as the tool pairs them with FROMs.
pub fn entries(from: &Json) -> Vec<&Json> {
    let builders = from["builder"].as_array().into_iter().flatten();
    let last = ["member", "stream", "image"]
        .iter()
        .any(|kind| from.get(kind).is_some());
    builders.chain(last.then_some(from)).collect()
}

/// What a metadata entry is called: `member x`.
pub fn called(entry: &Json) -> String {
    let named = |kind: &str| Some(format!("{kind} {}", at(entry, kind)?.as_str()?));
    let kinds = ["member", "image", "stream"];
    kinds
        .into_iter()
        .find_map(named)
        .unwrap_or_else(|| "an entry that names nothing".to_owned())
}

/// Resolves entries of one release.
pub struct Parents<'a> {
    /// Build data.
    pub metadata: &'a Metadata,
    /// Words of rules.
    pub terms: &'a Terms,
    /// Whether the image with a key is switched off for OKD.
    pub is_off: &'a dyn Fn(&str) -> Option<String>,
}

impl Parents<'_> {
    /// What stands for an entry; `written`: the FROM, where the image takes its builders from the sources.
    pub fn resolve(&self, entry: &Json, written: Option<&str>) -> Stands {
        let text = |kind: &str| entry.get(kind).and_then(Json::as_str);
        let nothing = |why: String| Stands::Nothing { why };
        match (text("member"), text("image"), text("stream")) {
            (Some(member), ..) => self.member(member),
            (_, Some(image), _) => Stands::Text {
                image: image.to_owned(),
            },
            (.., Some(stream)) => written
                .and_then(|written| self.canonical(written))
                .unwrap_or_else(|| self.stream(stream)),
            _ => nothing("the entry names no member, image or stream".to_owned()),
        }
    }

    fn member(&self, member: &str) -> Stands {
        let nothing = |why: String| Stands::Nothing { why };
        let Some(parent) = self.metadata.images.get(member) else {
            let broken = self.metadata.broken.contains(member);
            let why = if broken {
                "has a file that cannot be read"
            } else {
                "is not there"
            };
            return nothing(format!("member {member} {why}"));
        };
        // The parent's own `okd` stanza may say it, too.
        let merged = super::merge::image(&parent.node).config;
        let stream = at(&merged, "content.source.okd_alignment.resolve_as.stream").and_then(Json::as_str);
        match stream.filter(|stream| !stream.is_empty()) {
            Some(stream) => self.stream(stream),
            None => match (self.is_off)(member) {
                Some(why) => nothing(format!(
                    "{member} is not built for OKD ({why}), and no stream stands for it"
                )),
                None => Stands::Own {
                    image: member.to_owned(),
                },
            },
        }
    }

    fn stream(&self, name: &str) -> Stands {
        let has = |stream: &&Stream| {
            let aliases = stream.view["aliases"].as_array().into_iter().flatten();
            stream.name == name || aliases.into_iter().any(|alias| alias == name)
        };
        let found: Vec<&Stream> = self.metadata.streams().iter().filter(has).collect();
        let why = match found.as_slice() {
            [] => format!("there is no stream {name}"),
            [stream] => match stream.view["image"].as_str().filter(|image| !image.is_empty()) {
                Some(image) => {
                    return Stands::Stream {
                        stream: stream.name.clone(),
                        image: image.to_owned(),
                    };
                }
                None => format!("stream {} has no `image`", stream.name),
            },
            [one, other, ..] => format!("streams {} and {} are both called {name}", one.name, other.name),
        };
        Stands::Nothing { why }
    }

    /// The first stream whose image has the Go and EL version that a FROM names.
    fn canonical(&self, written: &str) -> Option<Stands> {
        let (el, go) = (self.terms.el_of_from(written)?, go_of(written)?);
        let fits = |stream: &&Stream| {
            let Some(tag) = stream.view["image"].as_str().and_then(tag_of) else {
                return false;
            };
            version_of(tag) == Some(go) && self.terms.el_of_tag(tag) == Some(el)
        };
        let stream = self.metadata.streams().iter().find(fits)?;
        Some(Stands::Canonical {
            stream: stream.name.clone(),
            image: stream.view["image"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

/// The Go version that a tag names: `golang-1.24`, `golang1.24`.
pub fn go_of(pullspec: &str) -> Option<(u32, u32)> {
    let tag = tag_of(pullspec)?;
    let found = Regex::new(r"golang-?([0-9]{1,4})\.([0-9]{1,4})").ok()?.captures(tag)?;
    Some((found[1].parse().ok()?, found[2].parse().ok()?))
}

/// The first two numbers of a builder's own tag: `v1.24.1-2026…`.
fn version_of(tag: &str) -> Option<(u32, u32)> {
    let tag = tag.replace("golang-builder-", "");
    let numbers: Option<Vec<u32>> = tag
        .trim()
        .split('-')
        .next()?
        .trim_start_matches('v')
        .split('.')
        .map(|number| number.parse().ok())
        .collect();
    match numbers?.as_slice() {
        [major, minor, ..] => Some((*major, *minor)),
        _ => None,
    }
}

/// One FROM of a Dockerfile as the tool counts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its line, from 1.
    pub line: u32,
    /// What it names, ARGs substituted.
    pub written: String,
    /// Whether it continues a stage, so that it stays.
    pub is_stage: bool,
}

/// The FROMs of a Dockerfile. One with a flag (`--platform`) is always taken for an image.
pub fn lines(dockerfile: &Dockerfile) -> Vec<Line> {
    let mut names = BTreeSet::new();
    let one = |stage: &crate::facts::dockerfile::Stage| {
        let base = stage.image_as_written.to_lowercase();
        let line = Line {
            line: stage.line,
            written: stage.image.clone(),
            is_stage: stage.platform.is_none() && names.contains(&base),
        };
        names.extend(stage.name.as_ref().map(|name| name.to_lowercase()));
        line
    };
    dockerfile.stages.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_off_tags() {
        assert_eq!(go_of("r/ocp/builder:rhel-9-golang-1.24-openshift-4.20"), Some((1, 24)));
        assert_eq!(go_of("r/ocp/builder:base-rhel9"), None);
        assert_eq!(go_of("r/golang-1.2"), None, "a tag is needed");
        assert_eq!(version_of("v1.24.1-202601.el9.gabc"), Some((1, 24)));
        assert_eq!(version_of("golang-builder-v1.24-1"), Some((1, 24)));
        assert_eq!(version_of("rhel-9"), None);
        assert_eq!(tag_of("r/x:1@sha256:2"), Some("1"));
        assert_eq!(tag_of("r/x@sha256:2"), None);
    }

    #[test]
    fn stages_stay_unless_a_flag_hides_them() {
        let text = b"FROM a AS One\nFROM one AS two\nFROM --platform=linux/amd64 two\nFROM b\n";
        let facts = Dockerfile::parse(text).expect("a Dockerfile");
        let stages: Vec<bool> = lines(&facts).iter().map(|line| line.is_stage).collect();
        assert_eq!(stages, [false, true, false, false]);
    }
}
