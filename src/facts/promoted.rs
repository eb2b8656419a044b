//! The tags that a ci-operator config promotes, as ci-operator itself counts them.

use std::collections::BTreeSet;
use std::fmt;

use crate::yaml::{Mapping, Node};

use super::ci_config::{self, Promotion};

/// What stands for all images in `excluded_images`.
const ALL: &str = "*";

/// A tag of an image stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
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

/// The items of a config's `images`, in either form.
pub fn images(root: &Node) -> &[Node] {
    let images = root.get("images");
    let items = images.and_then(|images| images.as_seq().or_else(|| images.get("items")?.as_seq()));
    items.unwrap_or_default()
}

/// The tags that a config promotes: of each entry that is not switched off its images, without those that are `optional` or
/// excluded, and what it names besides.
pub fn tags(root: &Node) -> BTreeSet<Tag> {
    let Some(promotion) = root.get("promotion") else {
        return BTreeSet::new();
    };
    let built: Vec<&str> = images(root)
        .iter()
        .filter(|item| !ci_config::flag(item, "optional"))
        .filter_map(|item| item.get("to").and_then(Node::text))
        .collect();
    let entries = ci_config::entries(promotion);
    let entries = entries.into_iter().zip(ci_config::promotions_of(promotion));
    entries
        .filter(|(_, to)| to.promotes())
        .flat_map(|(entry, to)| of_entry(entry, &to, &built))
        .collect()
}

fn of_entry(entry: &Node, to: &Promotion, built: &[&str]) -> Vec<Tag> {
    let excluded = entry.get("excluded_images").and_then(Node::as_seq).unwrap_or_default();
    let excluded: BTreeSet<&str> = excluded.iter().filter_map(Node::text).collect();
    let additional = entry.get("additional_images").and_then(Node::as_map);
    let additional = additional.into_iter().flat_map(Mapping::keys);
    let kept = built
        .iter()
        .copied()
        .filter(|image| !excluded.contains(image) && !excluded.contains(ALL));
    let tag = |image: &str| {
        // Where both are given, the name counts.
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
    };
    kept.chain(additional).map(tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn told(text: &str) -> Vec<String> {
        let root = yaml::parse(text.as_bytes()).expect("YAML");
        tags(&root).iter().map(Tag::to_string).collect()
    }

    #[test]
    fn what_is_promoted_follows_from_images_and_entries() {
        let text = "images:\n  items:\n  - to: xa\n  - to: xb\n  - {to: xc, optional: true}\npromotion:\n  to:\n  - {name: s, namespace: ns, excluded_images: [xb], additional_images: {z: src}}\n  - {tag: t, namespace: m}\n  - {name: off, namespace: ns, disabled: true}\n";
        assert_eq!(told(text), ["m/xa:t", "m/xb:t", "ns/s:xa", "ns/s:z"]);
        assert_eq!(
            told("promotion:\n  namespace: ns\n  name: s\nimages:\n- to: x\n"),
            ["ns/s:x"],
            "the older form"
        );
    }

    #[test]
    fn nothing_but_additional_images_where_all_are_excluded() {
        let text =
            "images: {items: [{to: a}]}\npromotion:\n  to:\n  - {name: s, namespace: ns, excluded_images: ['*', b]";
        assert_eq!(told(&format!("{text}}}\n")), Vec::<String>::new());
        assert_eq!(told(&format!("{text}, additional_images: {{c: a}}}}\n")), ["ns/s:c"]);
    }

    #[test]
    fn an_optional_image_is_promoted_where_an_entry_names_it() {
        let text = "images: {items: [{to: a, optional: true}]}\npromotion:\n  to:\n  - {name: s, namespace: ns, additional_images: {a: a}}\n";
        assert_eq!(told(text), ["ns/s:a"]);
    }

    #[test]
    fn odd_entries_promote_nothing() {
        for text in [
            "promotion:\n  to: [{namespace: ns}]\nimages: {items: [{to: a}]}\n",
            "promotion:\n  to: [{name: s}]\nimages: {items: [{to: a}]}\n",
            "promotion:\n  to: [x, [y], null]\nimages: {items: [{to: a}]}\n",
            "promotion: x\nimages: x\n",
            "images: {items: [{to: a}]}\n",
            "promotion:\n  to: [{name: s, namespace: ns}]\nimages: {items: [a, {from: b}]}\n",
            "[]\n",
        ] {
            assert_eq!(told(text), Vec::<String>::new(), "{text}");
        }
    }
}
