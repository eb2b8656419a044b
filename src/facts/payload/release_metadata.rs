//! `release-metadata`: which version a payload is, and which it can be updated from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fault, document, text};
use crate::yaml::{Node, Value};

/// A payload's version and what leads to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseMetadata {
    /// The version, such as `4.16.0-okd-scos.1`.
    pub version: String,
    /// Versions that can be updated to it.
    pub previous: Vec<String>,
    /// What else is said of it, such as `url`.
    pub metadata: BTreeMap<String, String>,
}

impl ReleaseMetadata {
    /// Reads `release-metadata`, JSON or YAML of kind `cincinnati-metadata-v0`.
    ///
    /// # Errors
    /// It is of another kind, or names no version.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let root = document(bytes, "cincinnati-metadata-v0")?;
        let version = text(root.get("version"));
        if version.is_empty() {
            return Err(Fault::at(&root, "`version` is missing"));
        }
        let previous = root.get("previous").and_then(Node::as_seq).unwrap_or_default();
        Ok(Self {
            version,
            previous: previous.iter().filter_map(Node::text).map(str::to_owned).collect(),
            metadata: root.get("metadata").map(texts).unwrap_or_default(),
        })
    }
}

fn texts(node: &Node) -> BTreeMap<String, String> {
    let Value::Map(map) = &node.value else {
        return BTreeMap::new();
    };
    let texts = map
        .iter()
        .filter_map(|(key, node)| Some((key.to_owned(), node.text()?.to_owned())));
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_predecessors_are_read() {
        let json = br#"{"kind": "cincinnati-metadata-v0", "version": "4.16.0", "previous": ["4.15.1", "4.15.2"],
            "metadata": {"url": "https://example.com", "odd": [1]}}"#;
        let read = ReleaseMetadata::parse(json).expect("metadata");
        assert_eq!(read.version, "4.16.0");
        assert_eq!(read.previous, ["4.15.1", "4.15.2"]);
        assert_eq!(
            read.metadata.get("url").map(String::as_str),
            Some("https://example.com")
        );
        assert_eq!(read.metadata.len(), 1);
    }

    #[test]
    fn another_kind_or_no_version_is_refused() {
        for (text, message) in [
            (
                "{\"kind\": \"x\"}",
                "`kind: cincinnati-metadata-v0` is expected, this is `x`",
            ),
            ("kind: cincinnati-metadata-v0\n", "`version` is missing"),
        ] {
            assert_eq!(
                ReleaseMetadata::parse(text.as_bytes()).unwrap_err().to_string(),
                message
            );
        }
    }
}
