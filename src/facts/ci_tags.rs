//! What a config promotes and what it is built from: all that the order of a cut depends on.

use std::collections::BTreeSet;
use std::fmt;

use super::ci_config;
use crate::yaml::{self, Node};

/// A tag of an image stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// The stream's namespace.
    pub namespace: String,
    /// The stream's name.
    pub name: String,
    /// The tag.
    pub tag: String,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.namespace, self.name, self.tag)
    }
}

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
    let images = root.get("images");
    let items = images.and_then(|images| images.as_seq().or_else(|| images.get("items").and_then(Node::as_seq)));
    let built: Vec<&str> = items
        .into_iter()
        .flatten()
        .filter_map(|item| item.get("to").and_then(Node::text))
        .collect();
    let mut facts = Facts::default();
    if let Some(promotion) = root.get("promotion") {
        let entries = promotion.get("to").and_then(Node::as_seq).unwrap_or_default();
        let entries = if entries.is_empty() {
            vec![promotion]
        } else {
            entries.iter().collect()
        };
        for (entry, to) in entries.into_iter().zip(ci_config::promotions_of(promotion)) {
            if !to.disabled {
                facts.promotes.extend(promoted(entry, &to, &built));
            }
        }
    }
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

/// The tags of one entry: every image that is built and not excluded, and those that the entry names besides.
fn promoted<'p>(entry: &'p Node, to: &'p ci_config::Promotion, built: &'p [&'p str]) -> impl Iterator<Item = Tag> + 'p {
    let excluded = entry.get("excluded_images").and_then(Node::as_seq).unwrap_or_default();
    let excluded: BTreeSet<&str> = excluded.iter().filter_map(Node::text).collect();
    let additional = entry.get("additional_images").and_then(Node::as_map);
    let additional = additional.into_iter().flat_map(yaml::Mapping::keys);
    let kept = built
        .iter()
        .copied()
        .filter(move |image| !excluded.contains(image) && !excluded.contains("*"));
    kept.chain(additional).map(move |image| {
        let (name, tag) = if to.name.is_empty() {
            (image, to.tag.as_str())
        } else {
            (to.name.as_str(), image)
        };
        Tag {
            namespace: to.namespace.clone(),
            name: name.to_owned(),
            tag: tag.to_owned(),
        }
    })
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
