//! What a release image says of itself: `image-references` (its images by tag) and `release-metadata`.
//!
//! Operators ship an `image-references` of their own beside their manifests, with the tags that they deploy.

mod image_references;
mod release_metadata;

pub use image_references::{ImageReferences, MAX_TAGS, Tag};
pub use release_metadata::ReleaseMetadata;

use serde::{Deserialize, Serialize};

use crate::yaml::{self, Node};

/// Why a file of a payload could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// The line, from 1, where one is known.
    pub line: Option<u32>,
    /// What was found and what was expected.
    pub message: String,
}

impl Fault {
    fn at(node: &Node, message: impl Into<String>) -> Self {
        Self {
            line: line(node),
            message: message.into(),
        }
    }
}

/// Reads JSON or YAML whose `kind` says what it is. Values know their lines.
fn document(bytes: &[u8], kind: &str) -> Result<Node, Fault> {
    let node = match yaml::parse(bytes) {
        Ok(node) => node,
        // JSON has texts that YAML does not know, such as escaped pairs of surrogates: read as such it has no lines.
        Err(error) => serde_json::from_slice::<serde_json::Value>(bytes)
            .map(|json| Node::from(&json))
            .map_err(|_| Fault {
                line: Some(error.pos.line),
                message: error.text(),
            })?,
    };
    if node.as_map().is_none() {
        return Err(Fault::at(
            &node,
            format!("a mapping is expected, this is {}", node.type_name()),
        ));
    }
    match node.get("kind").and_then(Node::text) {
        Some(found) if found == kind => Ok(node),
        Some(found) => {
            let message = format!("`kind: {kind}` is expected, this is `{}`", shortened(found));
            Err(Fault::at(node.get("kind").unwrap_or(&node), message))
        }
        None => Err(Fault::at(
            &node,
            format!("`kind: {kind}` is expected, there is no `kind`"),
        )),
    }
}

/// The line of a value, where it was read from a text that has any.
fn line(node: &Node) -> Option<u32> {
    Some(node.pos.line).filter(|line| *line > 0)
}

/// A text of somebody else's that a message can show.
fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

fn text(node: Option<&Node>) -> String {
    node.and_then(Node::text).unwrap_or_default().to_owned()
}
