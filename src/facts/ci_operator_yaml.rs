//! `.ci-operator.yaml`: the build root that a component repository names for itself.

use serde::{Deserialize, Serialize};

use crate::yaml::{self, Error, Node, Pos};

/// What a `.ci-operator.yaml` says; fields that are not listed are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CiOperatorYaml {
    /// The image that tests and builds start from.
    pub build_root_image: Option<BuildRootImage>,
}

/// A tag of an image stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildRootImage {
    /// Where the value of `build_root_image` starts.
    pub pos: Pos,
    /// The image stream's name, e.g. `release`.
    pub name: String,
    /// The image stream's namespace, e.g. `openshift`.
    pub namespace: String,
    /// The tag.
    pub tag: String,
}

/// Reads a `.ci-operator.yaml`.
///
/// # Errors
/// Where the text is no YAML, or `build_root_image` is there without its `name`, `namespace` and `tag`.
pub fn parse(text: &[u8]) -> Result<CiOperatorYaml, Error> {
    let root = yaml::parse(text)?;
    if root.is_null() {
        return Ok(CiOperatorYaml::default());
    }
    if root.as_map().is_none() {
        return Err(expected(&root, "a mapping"));
    }
    let image = root.get("build_root_image").filter(|image| !image.is_null());
    let build_root_image = image.map(build_root_image).transpose()?;
    Ok(CiOperatorYaml { build_root_image })
}

fn build_root_image(node: &Node) -> Result<BuildRootImage, Error> {
    if node.as_map().is_none() {
        return Err(expected(node, "a mapping with `name`, `namespace` and `tag`"));
    }
    let field = |key: &str| {
        let message = || format!("`build_root_image` has no `{key}`; expected `name`, `namespace` and `tag`");
        let value = node.get(key).filter(|value| !value.is_null());
        let value = value.ok_or_else(|| Error {
            pos: node.pos,
            message: message(),
        })?;
        // A tag such as 1.20 is meant as it is written.
        let text = value.text().ok_or_else(|| expected(value, "a text"))?;
        Ok(text.to_owned())
    };
    Ok(BuildRootImage {
        pos: node.pos,
        name: field("name")?,
        namespace: field("namespace")?,
        tag: field("tag")?,
    })
}

fn expected(node: &Node, what: &str) -> Error {
    Error {
        pos: node.pos,
        message: format!("{what} is expected here, this is {}", node.type_name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<BuildRootImage>, String> {
        parse(text.as_bytes())
            .map(|facts| facts.build_root_image)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn reads_the_build_root() {
        let text =
            "# ours\nother: {x: 1}\nbuild_root_image:\n  name: release\n  namespace: openshift\n  tag: 1.20\n  as: x\n";
        let image = read(text).expect("it is well-formed").expect("it names an image");
        assert_eq!(
            (image.name.as_str(), image.namespace.as_str(), image.tag.as_str()),
            ("release", "openshift", "1.20")
        );
        assert_eq!(image.pos.line, 4);
        let facts = CiOperatorYaml {
            build_root_image: Some(image),
        };
        let bytes = postcard::to_stdvec(&facts).expect("facts can be encoded");
        assert_eq!(postcard::from_bytes::<CiOperatorYaml>(&bytes), Ok(facts));
    }

    #[test]
    fn a_file_may_name_none() {
        for text in ["", "# nothing\n", "other: 1\n", "build_root_image:\n", "{}"] {
            assert_eq!(read(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn wrong_forms_have_a_place() {
        for (text, message) in [
            ("- a\n", "1:1: a mapping is expected here, this is a list"),
            (
                "build_root_image: x\n",
                "1:19: a mapping with `name`, `namespace` and `tag` is expected here, this is a string",
            ),
            (
                "build_root_image:\n  name: a\n  namespace: b\n",
                "2:3: `build_root_image` has no `tag`; expected `name`, `namespace` and `tag`",
            ),
            (
                "build_root_image:\n  name: a\n  namespace: b\n  tag: [c]\n",
                "4:8: a text is expected here, this is a list",
            ),
        ] {
            assert_eq!(read(text), Err(message.to_owned()), "{text:?}");
        }
        assert!(read("build_root_image: {\n").is_err());
    }
}
