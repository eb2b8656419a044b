//! The merge of an image's metadata (`doozerlib/cli/images_okd.py`: `get_okd_image_config`; `doozerlib/backend/rebaser.py`:
//! `rebase_to`).

use serde_json::{Value as Json, json};

use crate::facts::overlay::overlay;
use crate::yaml::Node;

/// The rule of the tool that merges an image's `okd` stanza.
pub const MERGE_RULE: &str = "doozerlib/cli/images_okd.py: get_okd_image_config";

/// An image's metadata as the rebase has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// All of it.
    pub config: Json,
    /// Why the tool stops at the merge already, and the key that is to blame.
    pub fault: Option<(String, &'static str)>,
}

/// Merges an image's metadata: `enabled_repos` is emptied, `okd` is laid over it, and what `okd.from` says replaces `from` as a
/// whole; then the `konflux` stanza, to which `okd.konflux` belongs by now, is laid over all.
pub fn image(node: &Node) -> Merged {
    let mut config = Json::from(node);
    let mut fault = None;
    if let Some(map) = config.as_object_mut() {
        map.insert("enabled_repos".to_owned(), json!([]));
    }
    match config.get("okd").cloned() {
        Some(okd @ Json::Object(_)) => {
            config = overlay(&config, &okd);
            if let (Some(from), Some(map)) = (okd.get("from"), config.as_object_mut()) {
                map.insert("from".to_owned(), from.clone());
            }
        }
        Some(_) => fault = Some(no_mapping(node, "okd")),
        None => {}
    }
    match config.get("konflux").cloned() {
        Some(konflux @ Json::Object(_)) => config = overlay(&config, &konflux),
        Some(_) => fault = fault.or_else(|| Some(no_mapping(node, "konflux"))),
        None => {}
    }
    Merged { config, fault }
}

fn no_mapping(node: &Node, key: &'static str) -> (String, &'static str) {
    let kind = node.get(key).map_or("nothing", Node::type_name);
    (format!("`{key}` is {kind}, and the rebase merges a mapping"), key)
}

/// The value at a path of keys; nothing (`null`) counts as absent, as in the tool.
pub fn at<'j>(config: &'j Json, path: &str) -> Option<&'j Json> {
    let found = path.split('.').try_fold(config, |at, key| at.get(key))?;
    (!found.is_null()).then_some(found)
}

/// The Dockerfile that merged metadata names, from the repository's root.
pub fn dockerfile(config: &Json) -> String {
    let text = |path: &str| at(config, path).and_then(Json::as_str).filter(|text| !text.is_empty());
    let file = text("content.source.dockerfile").unwrap_or("Dockerfile");
    match text("content.source.path").map(|path| path.trim_end_matches('/')) {
        Some(folder) if !folder.is_empty() => format!("{folder}/{file}"),
        _ => file.to_owned(),
    }
}

/// The same of an image's file as it is, without merging anything.
pub fn dockerfile_of(file: &Node) -> String {
    let source = |key| file.at(&["content", "source", key]).map(Json::from);
    let (dockerfile, path) = (source("dockerfile"), source("path"));
    self::dockerfile(&serde_json::json!({"content": {"source": {"dockerfile": dockerfile, "path": path}}}))
}

/// Whether two files of an image come to the same build: all that is merged, but for `okd_alignment`, which the tool does not read.
pub fn same(one: &Node, other: &Node) -> bool {
    let read = |node: &Node| {
        let Merged { mut config, fault } = image(node);
        let dockerfile = dockerfile(&config);
        if let Some(map) = config.as_object_mut() {
            map.remove("okd");
        }
        if let Some(source) = config.pointer_mut("/content/source").and_then(Json::as_object_mut) {
            source.remove("dockerfile");
            source.remove("okd_alignment");
        }
        (config, dockerfile, fault)
    };
    read(one) == read(other)
}

/// The key of a file that a merged value comes from, strongest stanza first.
pub fn origin<'n>(node: &'n Node, path: &str) -> Option<(String, &'n Node)> {
    let stanzas = ["okd.konflux.", "konflux.", "okd.", ""];
    // What `enabled_repos` says beside `okd` does not count.
    let own = stanzas
        .iter()
        .filter(|stanza| path != "enabled_repos" || !stanza.is_empty());
    own.map(|stanza| format!("{stanza}{path}")).find_map(|key| {
        let found = key.split('.').try_fold(node, |at, part| at.get(part))?;
        Some((key, found))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    fn merged(text: &str) -> Merged {
        image(&parse(text.as_bytes()).expect("YAML"))
    }

    #[test]
    fn lists_are_replaced_and_repositories_emptied() {
        let text = "enabled_repos: [a]\narches: [x, y]\ncontent: {source: {modifications: [{action: remove}], dockerfile: D, path: p}}\n\
                    okd: {arches: [x], content: {source: {modifications: []}}}\n";
        let config = merged(text).config;
        assert_eq!(
            (&config["enabled_repos"], &config["arches"]),
            (&json!([]), &json!(["x"]))
        );
        let source = json!({"modifications": [], "dockerfile": "D", "path": "p"});
        assert_eq!(config["content"]["source"], source);
        let config = merged("enabled_repos: [a]\nokd: {enabled_repos: [b]}\n").config;
        assert_eq!(config["enabled_repos"], json!(["b"]));
    }

    #[test]
    fn a_from_is_replaced_as_a_whole() {
        let own = "from: {builder: [{stream: a}, {stream: b}], member: m}\n";
        assert_eq!(
            merged(&format!("{own}okd: {{from: {{stream: c}}}}\n")).config["from"],
            json!({"stream": "c"})
        );
        let kept = json!({"builder": [{"stream": "a"}, {"stream": "b"}], "member": "m"});
        assert_eq!(merged(&format!("{own}okd: {{mode: enabled}}\n")).config["from"], kept);
    }

    #[test]
    fn what_is_said_for_konflux_comes_last() {
        let source = |own: &str| format!("content: {{source: {{dockerfile: {own}}}}}");
        let own = source("A");
        let of = |text: &str| at(&merged(text).config, "content.source.dockerfile").cloned();
        assert_eq!(of(&own), Some(json!("A")));
        assert_eq!(of(&format!("{own}\nokd: {{{}}}\n", source("B"))), Some(json!("B")));
        let both = format!("{own}\nokd: {{{}}}\nkonflux: {{{}}}\n", source("B"), source("C"));
        assert_eq!(of(&both), Some(json!("C")));
        let all = format!(
            "{own}\nokd: {{{}, konflux: {{{}}}}}\nkonflux: {{{}}}\n",
            source("B"),
            source("D"),
            source("C")
        );
        assert_eq!(of(&all), Some(json!("D")));
    }

    #[test]
    fn where_a_value_comes_from_is_known() {
        let text =
            "content: {source: {dockerfile: A}}\nkonflux: {content: {source: {dockerfile: C}}}\nenabled_repos: [x]\n";
        let node = parse(text.as_bytes()).expect("YAML");
        let key = |path: &str| origin(&node, path).map(|(key, node)| (key, node.pos.line));
        assert_eq!(
            key("content.source.dockerfile"),
            Some(("konflux.content.source.dockerfile".to_owned(), 2))
        );
        assert_eq!(key("enabled_repos"), None);
    }

    #[test]
    fn a_stanza_that_is_no_mapping_stops_the_rebase() {
        for (text, told) in [
            ("okd: []\n", "`okd` is a list, and the rebase merges a mapping"),
            ("okd:\nname: x\n", "`okd` is null, and the rebase merges a mapping"),
            (
                "konflux: text\n",
                "`konflux` is a string, and the rebase merges a mapping",
            ),
        ] {
            assert_eq!(
                merged(text).fault.map(|(text, _)| text).as_deref(),
                Some(told),
                "{text}"
            );
        }
        assert_eq!(merged("okd: {}\n").fault, None);
    }
}
