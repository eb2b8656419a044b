//! What a config promotes and what it is built from: all that the order of a cut depends on.

use std::collections::BTreeSet;

use crate::facts::promoted;
pub use crate::facts::promoted::Tag;
use crate::yaml::{self, Node};

/// What matters of a config.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The tags that it promotes.
    pub promotes: BTreeSet<Tag>,
    /// The tags that its `base_images` name.
    pub bases: BTreeSet<Tag>,
}

/// Reads a config.
///
/// # Errors
/// It is no YAML.
pub fn read(text: &[u8]) -> Result<Facts, yaml::Error> {
    let root = yaml::parse(text)?;
    let mut facts = Facts {
        promotes: promoted::tags(&root),
        ..Facts::default()
    };
    let bases = root.get("base_images").and_then(Node::as_map);
    facts.bases = bases
        .into_iter()
        .flat_map(yaml::Mapping::iter)
        .map(|(_, base)| stream_tag(base))
        .collect();
    Ok(facts)
}

fn stream_tag(node: &Node) -> Tag {
    let text = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
    Tag {
        namespace: text("namespace"),
        name: text("name"),
        tag: text("tag"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_promoted_follows_from_images_and_entries() {
        let text = b"base_images:\n  b: {name: s, namespace: ns, tag: base}\nimages:\n  items:\n  - to: xa\n  - to: xb\npromotion:\n  to:\n  - {name: s, namespace: ns, excluded_images: [xb], additional_images: {z: src}}\n  - {tag: t, namespace: m}\n  - {name: off, namespace: ns, disabled: true}\n";
        let facts = read(text).expect("YAML");
        let shown: Vec<String> = facts.promotes.iter().map(Tag::to_string).collect();
        assert_eq!(shown, ["m/xa:t", "m/xb:t", "ns/s:xa", "ns/s:z"]);
        assert_eq!(
            facts.bases.iter().map(Tag::to_string).collect::<Vec<_>>(),
            ["ns/s:base"]
        );
        assert!(read(b"images: [").is_err());
        assert_eq!(
            read(b"promotion:\n  namespace: ns\n  name: s\nimages:\n- to: x\n")
                .expect("YAML")
                .promotes
                .len(),
            1
        );
    }
}
