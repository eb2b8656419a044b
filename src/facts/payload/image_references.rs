//! `image-references`: an OpenShift `ImageStream` whose tags are the images of a payload, or of one operator.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Fault, document, line, shortened, text};
use crate::yaml::Node;

/// The most tags that are read. A payload has some two hundred.
pub const MAX_TAGS: usize = 5000;

/// The images of a payload, or those that one operator deploys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageReferences {
    /// The image stream's name: the payload's version in one; empty where there is none.
    pub name: String,
    /// The tags in the order of the text.
    pub tags: Vec<Tag>,
    /// Tags that could not be understood; they cost themselves only.
    pub faults: Vec<Fault>,
}

/// One tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// The tag's name.
    pub name: String,
    /// The line, from 1, where one is known.
    pub line: Option<u32>,
    /// What it points at; in an operator's list a text that the payload's pullspec takes the place of.
    pub pullspec: String,
    /// The commit that it was built from (`io.openshift.build.commit.id`); empty where it isn't said.
    pub commit: String,
    /// The repository that it was built from (`io.openshift.build.source-location`); empty where it isn't said.
    pub source: String,
    /// Versions of its parts (`io.openshift.build.versions`); empty where it isn't said.
    pub versions: String,
}

impl ImageReferences {
    /// Reads `image-references`, JSON or YAML.
    ///
    /// # Errors
    /// It is neither, or no `ImageStream` with tags.
    pub fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let root = document(bytes, "ImageStream")?;
        let Some(list) = root.at(&["spec", "tags"]).filter(|tags| !tags.is_null()) else {
            return Ok(Self {
                name: text(root.at(&["metadata", "name"])),
                ..Self::default()
            });
        };
        let items = list
            .as_seq()
            .ok_or_else(|| Fault::at(list, format!("`spec.tags` is {}, a list is expected", list.type_name())))?;
        if items.len() > MAX_TAGS {
            let message = format!("`spec.tags` has {} items; at most {MAX_TAGS} are read", items.len());
            return Err(Fault::at(list, message));
        }
        let mut references = Self {
            name: text(root.at(&["metadata", "name"])),
            ..Self::default()
        };
        let mut seen = BTreeSet::new();
        for item in items {
            match tag(item) {
                Ok(tag) if !seen.insert(tag.name.clone()) => {
                    let message = format!(
                        "the tag `{}` is there twice; the first one counts",
                        shortened(&tag.name)
                    );
                    references.faults.push(Fault::at(item, message));
                }
                Ok(tag) => references.tags.push(tag),
                Err(fault) => references.faults.push(fault),
            }
        }
        Ok(references)
    }

    /// Looks a tag up.
    pub fn tag(&self, name: &str) -> Option<&Tag> {
        self.tags.iter().find(|tag| tag.name == name)
    }
}

fn tag(item: &Node) -> Result<Tag, Fault> {
    let name = item.get("name").and_then(Node::text).unwrap_or_default();
    if name.is_empty() {
        return Err(Fault::at(item, "a tag has no `name`"));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.len() > 128 || !name.chars().all(legal) {
        return Err(Fault::at(item, format!("`{}` is no name of a tag", shortened(name))));
    }
    let annotation = |name: &str| text(item.at(&["annotations", &format!("io.openshift.build.{name}")]));
    Ok(Tag {
        name: name.to_owned(),
        line: item.get("name").and_then(line),
        pullspec: text(item.at(&["from", "name"])),
        commit: annotation("commit.id"),
        source: annotation("source-location"),
        versions: annotation("versions"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#"{
  "kind": "ImageStream",
  "apiVersion": "image.openshift.io/v1",
  "metadata": {"name": "4.12.0"},
  "spec": {"tags": [
    {
      "name": "etcd",
      "annotations": {
        "io.openshift.build.commit.id": "40936e7a",
        "io.openshift.build.source-location": "https://github.com/openshift/etcd"
      },
      "from": {"kind": "DockerImage", "name": "quay.io/x/y@sha256:01"}
    },
    {"name": "cli", "from": {"name": "quay.io/x/y@sha256:02"}, "generation": null}
  ]}
}"#;

    #[test]
    fn json_and_yaml_say_the_same() {
        let json = ImageReferences::parse(JSON.as_bytes()).expect("JSON");
        assert_eq!(
            (json.name.as_str(), json.tags.len(), json.faults.len()),
            ("4.12.0", 2, 0)
        );
        let etcd = json.tag("etcd").expect("etcd");
        assert_eq!((etcd.line, etcd.commit.as_str()), (Some(7), "40936e7a"));
        assert_eq!(etcd.source, "https://github.com/openshift/etcd");
        let text = "kind: ImageStream\nmetadata: {name: 4.12.0}\nspec:\n  tags:\n  - name: etcd\n    from:\n      \
                    kind: DockerImage\n      name: quay.io/x/y@sha256:01\n    annotations: {io.openshift.build.commit.id: \
                    40936e7a, io.openshift.build.source-location: 'https://github.com/openshift/etcd'}\n  - name: cli\n    \
                    from: {name: 'quay.io/x/y@sha256:02'}\n";
        let mut yaml = ImageReferences::parse(text.as_bytes()).expect("YAML");
        assert_eq!(yaml.tags[0].line, Some(5));
        for (ours, theirs) in yaml.tags.iter_mut().zip(&json.tags) {
            ours.line = theirs.line;
        }
        assert_eq!(yaml, json);
    }

    #[test]
    fn json_that_yaml_does_not_know_is_read_without_lines() {
        let text = JSON.replace("4.12.0", "\\ud83d\\ude00");
        let read = ImageReferences::parse(text.as_bytes()).expect("JSON");
        assert_eq!((read.name.as_str(), read.tags.len()), ("\u{1f600}", 2));
    }

    #[test]
    fn one_bad_tag_costs_itself() {
        let text = "kind: ImageStream\nspec:\n  tags:\n  - {from: {name: x}}\n  - name: a\n  - name: 'a b'\n  - name: a\n  - text\n";
        let read = ImageReferences::parse(text.as_bytes()).expect("YAML");
        let told: Vec<_> = read
            .faults
            .iter()
            .map(|fault| (fault.line, fault.message.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (Some(4), "a tag has no `name`"),
                (Some(6), "`a b` is no name of a tag"),
                (Some(7), "the tag `a` is there twice; the first one counts"),
                (Some(8), "a tag has no `name`"),
            ]
        );
        assert_eq!(read.tags.len(), 1);
    }

    #[test]
    fn what_is_no_image_stream_is_refused_with_its_line() {
        for (text, line, message) in [
            ("[a]", 1, "a mapping is expected, this is a list"),
            ("", 1, "a mapping is expected, this is null"),
            ("\na: b\n", 2, "`kind: ImageStream` is expected, there is no `kind`"),
            (
                "a: b\nkind: List\n",
                2,
                "`kind: ImageStream` is expected, this is `List`",
            ),
            (
                "kind: ImageStream\nspec:\n  tags: {a: b}\n",
                3,
                "`spec.tags` is a mapping, a list is expected",
            ),
        ] {
            let fault = ImageReferences::parse(text.as_bytes()).expect_err(text);
            assert_eq!((fault.message.as_str(), fault.line), (message, Some(line)), "{text}");
        }
        assert!(ImageReferences::parse(b"kind: [").is_err());
        let none = ImageReferences::parse(b"kind: ImageStream\nspec: {tags: null}\n").expect("no tags");
        assert_eq!(none.tags, []);
        let many = format!(
            "kind: ImageStream\nspec:\n  tags:\n{}",
            "  - name: a\n".repeat(MAX_TAGS + 1)
        );
        assert!(
            ImageReferences::parse(many.as_bytes())
                .unwrap_err()
                .message
                .contains("at most 5000")
        );
    }
}
