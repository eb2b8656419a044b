//! ci-operator configs of openshift/release: their names, and what they promote.

use serde::{Deserialize, Serialize};

use crate::base::RepoName;
use crate::yaml::{self, Node};

/// The folder of all ci-operator configs.
pub const ROOT: &str = "ci-operator/config";

/// A config's file name, taken apart: `<org>-<repo>-<branch>[__<variant>].yaml`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigName {
    /// The branch that the config is for.
    pub branch: String,
    /// The variant, if any.
    pub variant: Option<String>,
}

impl ConfigName {
    /// Takes a file name apart; `None` where it is not a config of this repository.
    pub fn parse(file: &str, org: &str, repo: &str) -> Option<Self> {
        let rest = file.strip_suffix(".yaml")?.strip_prefix(org)?.strip_prefix('-')?;
        let rest = rest.strip_prefix(repo)?.strip_prefix('-')?;
        let (branch, variant) = match rest.split_once("__") {
            Some((branch, variant)) => (branch, Some(variant.to_owned())),
            None => (rest, None),
        };
        if branch.is_empty() {
            None
        } else {
            Some(Self {
                branch: branch.to_owned(),
                variant,
            })
        }
    }

    /// The config's path in openshift/release. A branch's slashes become dashes, as the repository's own tools have it.
    pub fn path(&self, org: &str, repo: &str) -> String {
        let branch = self.branch.replace('/', "-");
        let variant = self
            .variant
            .as_ref()
            .map(|variant| format!("__{variant}"))
            .unwrap_or_default();
        format!("{ROOT}/{org}/{repo}/{org}-{repo}-{branch}{variant}.yaml")
    }
}

/// The repository and branch that a config is for; `None` where the path is none of a config.
pub fn config_of(path: &str) -> Option<(RepoName, String)> {
    let (org, repo, name) = taken_apart(path)?;
    let (org, repo) = (org.to_owned(), repo.to_owned());
    Some((RepoName { org, repo }, name.branch))
}

/// The organisation, repository and name that make the path of a config.
pub fn taken_apart(path: &str) -> Option<(&str, &str, ConfigName)> {
    let mut parts = path.strip_prefix(ROOT)?.strip_prefix('/')?.split('/');
    let (org, repo, file) = (parts.next()?, parts.next()?, parts.next()?);
    Some((org, repo, ConfigName::parse(file, org, repo)?))
}

/// One entry of `promotion.to`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promotion {
    /// The image stream's namespace.
    pub namespace: String,
    /// The image stream's name; empty where `tag` names one tag of many streams.
    pub name: String,
    /// The tag, where each image is a stream of its own.
    pub tag: String,
    /// Whether the entry (or the whole promotion) is switched off.
    pub disabled: bool,
    /// The line that it stands in.
    pub line: u32,
}

impl Promotion {
    /// Whether it is switched on and goes to an image stream.
    pub fn is_active(&self, namespace: &str, name: &str) -> bool {
        !self.disabled && self.goes_to(namespace, name)
    }

    /// Whether it goes to an image stream, switched on or not.
    pub fn goes_to(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }
}

/// Reads what a config promotes, without parsing the rest of the file where its form allows that.
///
/// # Errors
/// The file is no YAML.
pub fn promotions(text: &[u8]) -> Result<Vec<Promotion>, yaml::Error> {
    let section = yaml::parse_section(text, "promotion")?;
    Ok(section.as_ref().map(promotions_of).unwrap_or_default())
}

impl Promotion {
    /// Whether the entry promotes anything: it is switched on and says where to.
    pub fn promotes(&self) -> bool {
        !self.disabled && self.has_place()
    }

    /// Whether the entry says where to: a namespace, and a name or a tag.
    pub fn has_place(&self) -> bool {
        !(self.namespace.is_empty() || self.name.is_empty() && self.tag.is_empty())
    }
}

/// The entries of a `promotion` section as they stand there: the list under `to`, or the section itself where it has the older
/// form of one entry without a list.
pub fn entries(section: &Node) -> Vec<&Node> {
    match section.get("to").and_then(Node::as_seq) {
        Some(items) => items.iter().collect(),
        None if section.get("namespace").is_some() => vec![section],
        None => Vec::new(),
    }
}

/// Reads the entries of a `promotion` section, in the same order as [`entries`].
pub fn promotions_of(section: &Node) -> Vec<Promotion> {
    let all_disabled = flag(section, "disabled");
    let entry = |node: &Node| Promotion {
        namespace: text(node, "namespace"),
        name: text(node, "name"),
        tag: text(node, "tag"),
        disabled: all_disabled || flag(node, "disabled"),
        line: node.pos.line,
    };
    entries(section).into_iter().map(entry).collect()
}

fn text(node: &Node, key: &str) -> String {
    node.get(key)
        .and_then(Node::text)
        .map(|text| text.to_string())
        .unwrap_or_default()
}

/// Whether a key is there and true.
pub(super) fn flag(node: &Node, key: &str) -> bool {
    node.get(key).and_then(Node::as_bool).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(branch: &str, variant: Option<&str>) -> ConfigName {
        ConfigName {
            branch: branch.to_owned(),
            variant: variant.map(str::to_owned),
        }
    }

    #[test]
    fn names_are_taken_apart_and_put_together() {
        for (file, expected) in [
            ("o-r-main.yaml", Some(name("main", None))),
            ("o-r-release-4.16__v.yaml", Some(name("release-4.16", Some("v")))),
            ("o-r-main__a__b.yaml", Some(name("main", Some("a__b")))),
            ("o-r-.yaml", None),
            ("o-r-__v.yaml", None),
            ("o-r.yaml", None),
            ("o-x-main.yaml", None),
            ("o-r-main.yml", None),
            ("OWNERS", None),
        ] {
            assert_eq!(ConfigName::parse(file, "o", "r"), expected, "{file}");
            if let Some(name) = expected {
                assert_eq!(name.path("o", "r"), format!("{ROOT}/o/r/{file}"));
            }
        }
        assert_eq!(
            name("feature/x", None).path("o", "r"),
            format!("{ROOT}/o/r/o-r-feature-x.yaml")
        );
        assert_eq!(
            name("../../x", None).path("o", "r"),
            format!("{ROOT}/o/r/o-r-..-..-x.yaml")
        );
    }

    #[test]
    fn promotions_are_read_in_both_forms() {
        let read = |text: &str| {
            let list = promotions(text.as_bytes()).expect("YAML");
            let told = list
                .iter()
                .map(|p| format!("{}/{}:{} {} {}", p.namespace, p.name, p.tag, p.disabled, p.line));
            told.collect::<Vec<_>>()
        };
        let list = "a: 1\npromotion:\n  to:\n  - name: '4.16'\n    namespace: ocp\n  - {namespace: x, tag: t, disabled: true}\n";
        assert_eq!(read(list), ["ocp/4.16: false 4", "x/:t true 6"]);
        assert_eq!(read("promotion: {name: 4.16, namespace: ocp}\n"), ["ocp/4.16: false 1"]);
        assert_eq!(
            read("promotion:\n  disabled: true\n  to: [{name: a, namespace: b}]\n"),
            ["b/a: true 3"]
        );
        for text in [
            "",
            "a: 1\n",
            "promotion:\n",
            "promotion: {disabled: true}\n",
            "promotion: {to: x}\n",
        ] {
            assert_eq!(read(text), Vec::<String>::new(), "{text}");
        }
        assert!(promotions(b"promotion:\n\tto: x\n").is_err());
    }
}
