//! What both OKD stanzas of an image can say: CI reads it in `okd_alignment`, doozer in `okd`.

use serde_json::{Value as Json, json};

use super::merge::at;
use crate::yaml::Node;

/// Where `okd_alignment` stands in an image's file.
pub const ALIGNMENT: &str = "content.source.okd_alignment";

/// Something that both stanzas can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The Dockerfile's name.
    Dockerfile,
    /// The folder that it stands in.
    Folder,
    /// Base and builders.
    From,
    /// Whether it is built.
    Mode,
    /// Its tag in the payload.
    Tag,
    /// A build argument of CI, which is an environment variable for doozer.
    Env(String),
}

impl Topic {
    /// All that the stanzas of an image say in both ways or could say.
    pub fn all(node: &Node) -> Vec<Self> {
        let mut all = vec![Self::Dockerfile, Self::Folder, Self::From, Self::Mode, Self::Tag];
        let args = dotted(node, ALIGNMENT).and_then(|stanza| stanza.get("build_args"));
        let args = args.and_then(Node::as_seq).unwrap_or_default();
        let names = args.iter().filter_map(|arg| arg.get("name")?.text());
        all.extend(names.map(|name| Self::Env(name.to_owned())));
        all
    }

    /// The topic of a key of a file, dotted.
    pub fn of(key: &str) -> Option<Self> {
        let aligned = key.strip_prefix(ALIGNMENT).and_then(|rest| rest.strip_prefix('.'));
        Some(match (aligned, key) {
            (Some("dockerfile"), _)
            | (_, "okd.content.source.dockerfile" | "okd.konflux.content.source.dockerfile") => Self::Dockerfile,
            (Some("path"), _) | (_, "okd.content.source.path" | "okd.konflux.content.source.path") => Self::Folder,
            (Some("from"), _) | (_, "okd.from") => Self::From,
            (Some("enabled"), _) | (_, "okd.mode") => Self::Mode,
            (Some("tag_name"), _) | (_, "okd.payload_name") => Self::Tag,
            (None, key) => Self::Env(key.strip_prefix("okd.envs.")?.to_owned()),
            _ => return None,
        })
    }

    /// The key of `okd_alignment` that says it, dotted.
    pub fn alignment_key(&self) -> String {
        let key = match self {
            Self::Dockerfile => "dockerfile",
            Self::Folder => "path",
            Self::From => "from",
            Self::Mode => "enabled",
            Self::Tag => "tag_name",
            Self::Env(_) => "build_args",
        };
        format!("{ALIGNMENT}.{key}")
    }

    /// The keys of `okd` that say it, dotted, the strongest first.
    pub fn okd_keys(&self) -> Vec<String> {
        let own = |key: &str| vec![format!("okd.{key}")];
        let twice = |key: &str| {
            vec![
                format!("okd.konflux.content.source.{key}"),
                format!("okd.content.source.{key}"),
            ]
        };
        match self {
            Self::Dockerfile => twice("dockerfile"),
            Self::Folder => twice("path"),
            Self::From => own("from"),
            Self::Mode => own("mode"),
            Self::Tag => own("payload_name"),
            Self::Env(name) => own(&format!("envs.{name}")),
        }
    }

    /// What `okd_alignment` says, as `okd` would say it.
    pub fn aligned(&self, node: &Node) -> Option<Json> {
        if let Self::Env(name) = self {
            let args = dotted(node, &self.alignment_key())?.as_seq()?;
            let arg = args
                .iter()
                .find(|arg| arg.get("name").and_then(Node::text) == Some(name))?;
            return Some(text(arg.get("value")?));
        }
        let said = dotted(node, &self.alignment_key())?;
        match self {
            Self::Mode => Some(json!(if said.as_bool()? { "enabled" } else { "disabled" })),
            Self::From => Some(Json::from(said)),
            _ => said.text().filter(|text| !text.is_empty()).map(|text| json!(text)),
        }
    }

    /// What `okd` itself says, and the key that does.
    pub fn said(&self, node: &Node) -> Option<(String, Json)> {
        self.okd_keys().into_iter().find_map(|key| {
            let said = dotted(node, &key)?;
            let value = match self {
                Self::From => Json::from(said),
                _ => text(said),
            };
            Some((key, value))
        })
    }

    /// What doozer has after its merge; `null`: nothing.
    pub fn built(&self, merged: &Json) -> Json {
        let own = |path: &str| at(merged, path).filter(|value| value.as_str() != Some("")).cloned();
        match self {
            Self::Dockerfile => own("content.source.dockerfile").unwrap_or_else(|| json!("Dockerfile")),
            Self::Folder => own("content.source.path").unwrap_or_else(|| json!("")),
            Self::From => own("from").unwrap_or_default(),
            Self::Mode => own("mode").unwrap_or_else(|| json!("enabled")),
            Self::Tag => own("payload_name").or_else(|| tag_of_name(merged)).unwrap_or_default(),
            Self::Env(name) => match at(merged, &format!("envs.{name}")) {
                Some(Json::String(text)) => json!(text),
                Some(other) => json!(other.to_string()),
                None => Json::Null,
            },
        }
    }

    /// Whether two values of it are the same.
    pub fn same(&self, one: &Json, other: &Json) -> bool {
        match (self, one.as_str(), other.as_str()) {
            (Self::Folder | Self::Dockerfile, Some(one), Some(other)) => plain(one) == plain(other),
            _ => one == other,
        }
    }

    /// What a release does that has a value of it: `builds Dockerfile`.
    pub fn does(&self, value: &Json) -> String {
        let value = match value {
            Json::String(text) if text.is_empty() => "the repository's root".to_owned(),
            Json::String(text) => text.clone(),
            Json::Null => "nothing".to_owned(),
            other => super::modify::short(&other.to_string()),
        };
        match self {
            Self::Dockerfile => format!("builds {value}"),
            Self::Folder => format!("builds below {value}"),
            Self::From => format!("has {value} as its `from`"),
            Self::Mode => format!("has {value} as its `mode`"),
            Self::Tag => format!("has the tag {value}"),
            Self::Env(name) => format!("has {value} as {name}"),
        }
    }
}

/// The tag that is taken where no `payload_name` is said: the name without its namespace and the usual start.
fn tag_of_name(merged: &Json) -> Option<Json> {
    let name = at(merged, "name")?.as_str()?.rsplit('/').next()?;
    Some(json!(name.strip_prefix("ose-").unwrap_or(name)))
}

fn plain(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path).trim_end_matches('/')
}

fn text(node: &Node) -> Json {
    match node.text() {
        Some(text) => json!(text),
        None => Json::from(node),
    }
}

/// The value at a dotted path of a file; nothing (`null`) counts as absent.
pub fn dotted<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    let found = path.split('.').try_fold(node, |at, key| at.get(key))?;
    (!found.is_null()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doozer::merge;
    use crate::yaml::parse;

    #[test]
    fn each_topic_is_read_in_both_stanzas() {
        let text = "mode: disabled\nname: openshift/ose-x\n\
                    content: {source: {okd_alignment: {dockerfile: D, path: p/, from: {stream: a}, enabled: true, tag_name: t, \
                    build_args: [{name: K, value: 1}]}}}\n\
                    okd: {mode: enabled, from: {stream: b}, payload_name: u, envs: {K: v}, content: {source: {dockerfile: E, path: q}}}\n";
        let node = parse(text.as_bytes()).expect("YAML");
        let merged = merge::image(&node).config;
        let all: Vec<_> = Topic::all(&node)
            .iter()
            .map(|topic| {
                let (key, said) = topic.said(&node).expect("it is said");
                assert_eq!(Topic::of(&key).as_ref(), Some(topic), "{key}");
                assert_eq!(said, topic.built(&merged), "{key}");
                (topic.aligned(&node).expect("it is said there, too"), said)
            })
            .collect();
        let expected = [
            (json!("D"), json!("E")),
            (json!("p/"), json!("q")),
            (json!({"stream": "a"}), json!({"stream": "b"})),
            (json!("enabled"), json!("enabled")),
            (json!("t"), json!("u")),
            (json!("1"), json!("v")),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn what_nobody_says_has_its_default() {
        let node = parse(b"name: openshift/ose-x\n").expect("YAML");
        let merged = merge::image(&node).config;
        let built: Vec<Json> = Topic::all(&node).iter().map(|topic| topic.built(&merged)).collect();
        assert_eq!(
            built,
            [json!("Dockerfile"), json!(""), Json::Null, json!("enabled"), json!("x")]
        );
        assert!(Topic::Folder.same(&json!("p/"), &json!("./p")));
        assert_eq!(Topic::of("okd.enabled_repos"), None);
        assert_eq!(Topic::of("content.source.okd_alignment.resolve_as"), None);
    }
}
