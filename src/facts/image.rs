//! `images/<key>.yml` of ocp-build-data.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::literal::{self, Literal};
use super::view::{self, Form, Key, WrongForm};
use crate::yaml::Node;

const fn key(view: &'static str, file: &'static str, form: Form) -> Key {
    Key { view, file, form }
}

/// The keys of an image's metadata that rules see, with their places in the file.
pub const KEYS: &[Key] = &[
    key("name", "name", Form::Text),
    key("payload_name", "payload_name", Form::Text),
    key("for_payload", "for_payload", Form::Bool(false)),
    key("base_only", "base_only", Form::Bool(false)),
    key("mode", "mode", Form::Text),
    key("arches", "arches", Form::Texts),
    key("from", "from", Form::From),
    key("enabled_repos", "enabled_repos", Form::Texts),
    key("source.dockerfile", "content.source.dockerfile", Form::Text),
    key("source.path", "content.source.path", Form::Text),
    key("source.url", "content.source.git.url", Form::Text),
    key("source.web", "content.source.git.web", Form::Text),
    key("source.branch", "content.source.git.branch.target", Form::Text),
    key(
        "ci.upstream_image",
        "content.source.ci_alignment.upstream_image",
        Form::Text,
    ),
    key(
        "ci.build_root",
        "content.source.ci_alignment.streams_prs.ci_build_root",
        Form::Reference,
    ),
    key(
        "ci.merge_first",
        "content.source.ci_alignment.streams_prs.merge_first",
        Form::Bool(false),
    ),
    key(
        "ci.streams_prs_enabled",
        "content.source.ci_alignment.streams_prs.enabled",
        Form::Bool(true),
    ),
    key(
        "okd_alignment.enabled",
        "content.source.okd_alignment.enabled",
        Form::Bool(true),
    ),
    key(
        "okd_alignment.tag_name",
        "content.source.okd_alignment.tag_name",
        Form::Text,
    ),
    key(
        "okd_alignment.resolve_as",
        "content.source.okd_alignment.resolve_as",
        Form::Reference,
    ),
    key(
        "okd_alignment.dockerfile",
        "content.source.okd_alignment.dockerfile",
        Form::Text,
    ),
    key("okd_alignment.path", "content.source.okd_alignment.path", Form::Text),
    key(
        "okd_alignment.context_dir",
        "content.source.okd_alignment.context_dir",
        Form::Text,
    ),
    key(
        "okd_alignment.build_args",
        "content.source.okd_alignment.build_args",
        Form::Maps,
    ),
    key(
        "okd_alignment.resources",
        "content.source.okd_alignment.resources",
        Form::Map,
    ),
    key(
        "okd_alignment.inject_rpm_repositories",
        "content.source.okd_alignment.inject_rpm_repositories",
        Form::Maps,
    ),
    key(
        "okd_alignment.run_if_changed",
        "content.source.okd_alignment.run_if_changed",
        Form::Text,
    ),
    key(
        "okd_alignment.skip_if_only_changed",
        "content.source.okd_alignment.skip_if_only_changed",
        Form::Text,
    ),
    key("okd_alignment.from", "content.source.okd_alignment.from", Form::From),
    key(
        "okd_alignment.ci_build_root",
        "content.source.okd_alignment.ci_build_root",
        Form::Reference,
    ),
    key(
        "okd_alignment.ci_always_run",
        "content.source.okd_alignment.ci_always_run",
        Form::Bool(false),
    ),
    key("okd_stanza.mode", "okd.mode", Form::Text),
    key("okd_stanza.dockerfile", "okd.content.source.dockerfile", Form::Text),
    key("okd_stanza.from", "okd.from", Form::From),
    key("okd_stanza.arches", "okd.arches", Form::Texts),
    key("okd_stanza.payload_name", "okd.payload_name", Form::Text),
    key("okd_stanza.enabled_repos", "okd.enabled_repos", Form::Texts),
    key("konflux_stanza", "konflux", Form::Map),
];

/// Keys of OKD's stanzas that no built-in rule uses, and what reads them. `rules/README.md` says so beside each.
pub const WITHOUT_RULE: &[(&str, &str)] = &[
    (
        "okd_stanza.enabled_repos",
        "read by checks of the audit: CI's builds have no repositories to enable",
    ),
    (
        "konflux_stanza",
        "CI does not read it, the rebase for Konflux puts it over everything else",
    ),
];

/// What an image's file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ImageMetadata {
    /// The shaped view, as rules see it.
    #[serde(with = "super::json_text")]
    pub view: Json,
    /// The whole file, for places and for what has no key in the view.
    pub node: Node,
    /// Values of another form than expected.
    pub faults: Vec<WrongForm>,
    /// Texts with numbers that are the same whatever the variables are.
    pub literals: Vec<Literal>,
}

impl ImageMetadata {
    /// Reads an image's parsed file.
    pub fn read(node: Node) -> Self {
        let view::Shaped { view, faults } = view::shape(&node, KEYS);
        Self {
            view,
            node,
            faults,
            literals: Vec::new(),
        }
    }

    /// Adds what only the text tells, as it is before variables are put in.
    #[must_use]
    pub fn with_text(mut self, text: &str) -> Self {
        self.literals = literal::find(&self.node, text);
        self
    }

    /// The value of a key.
    pub fn get(&self, key: &Key) -> &Json {
        key.view.split('.').fold(&self.view, |at, name| &at[name])
    }

    /// The line that a path of the view came from.
    pub fn line_of(&self, path: &[String]) -> Option<u32> {
        view::line_of(&self.node, KEYS, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    fn read(text: &str) -> ImageMetadata {
        ImageMetadata::read(parse(text.as_bytes()).expect("YAML"))
    }

    #[test]
    fn both_stanzas_are_seen_apart() {
        let image = read(
            "name: openshift/ose-x\ncontent:\n  source:\n    okd_alignment: {tag_name: mine, resolve_as: {stream: s}}\n    \
             ci_alignment: {streams_prs: {ci_build_root: {member: m}}}\nokd:\n  mode: disabled\n  content: {source: {dockerfile: D}}\n",
        );
        assert_eq!(image.faults, []);
        let view = &image.view;
        assert_eq!(
            (
                &view["okd_alignment"]["tag_name"],
                &view["okd_alignment"]["resolve_as"]["stream"]
            ),
            (&"mine".into(), &"s".into())
        );
        assert_eq!(
            (&view["okd_stanza"]["mode"], &view["okd_stanza"]["dockerfile"]),
            (&"disabled".into(), &"D".into())
        );
        assert_eq!(
            (&view["ci"]["build_root"]["member"], &view["okd_alignment"]["enabled"]),
            (&"m".into(), &true.into())
        );
        assert_eq!(image.line_of(&["okd_alignment".into(), "tag_name".into()]), Some(4));
        assert_eq!(image.line_of(&["okd_stanza".into(), "dockerfile".into()]), Some(8));
    }

    #[test]
    fn no_two_keys_lie_in_each_others_way() {
        let mut seen = std::collections::BTreeSet::new();
        for key in KEYS {
            assert!(seen.insert(key.view), "{} twice", key.view);
            let below = format!("{}.", key.view);
            assert!(KEYS.iter().all(|other| !other.view.starts_with(&below)), "{}", key.view);
        }
    }

    #[test]
    fn it_is_kept_and_read_again() {
        let image = read("name: x\nfrom: {member: m}\nfor_payload: odd\n");
        let bytes = postcard::to_stdvec(&image).expect("it is written");
        let again: ImageMetadata = postcard::from_bytes(&bytes).expect("it is read");
        assert_eq!(
            (again.view, again.node, again.faults.len()),
            (image.view, image.node, 1)
        );
    }
}
