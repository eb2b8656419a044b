//! `group.yml` of ocp-build-data (with `group.ext.yml` merged over it): variables, public upstreams, architectures.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::overlay::overlay;
use super::view::{self, Form, Key, WrongForm};
use crate::yaml::{Mapping, Node, Value};

/// The one key of the group's `okd` that has a form of its own.
const OKD: &[Key] = &[Key {
    view: "enabled",
    file: "okd.enabled",
    form: Form::Bool(true),
}];

/// The group's keys that decide builds, beside those that are read by themselves.
pub const BUILD: [&str; 5] = [
    "canonical_builders_from_upstream",
    "arches",
    "arches_override",
    "enabled",
    "branch",
];

/// A variable that other readers of YAML print in another way than it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Misprint {
    /// The variable.
    pub name: String,
    /// Its value as it is written, and as it is used here.
    pub written: String,
    /// What others make of it.
    pub printed: String,
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
}

/// Looks for such variables among the `vars` of a file, without quotes around them: `1.20` is the number 1.2 for most programs.
pub fn misprints(vars: Option<&Node>, file: &str) -> Vec<Misprint> {
    let entries = vars.and_then(Node::as_map).into_iter().flat_map(Mapping::iter);
    let odd = entries.filter_map(|(name, node)| {
        let printed = match &node.value {
            Value::Number(text) => print(text),
            Value::Bool(true) => "True".to_owned(),
            Value::Bool(false) => "False".to_owned(),
            _ => return None,
        };
        let written = node.text()?.to_owned();
        (written != printed).then(|| Misprint {
            name: name.to_owned(),
            written,
            printed,
            file: file.to_owned(),
            line: node.pos.line,
        })
    });
    odd.collect()
}

/// A number as a program prints it that has read it as one, such as ART's tools do.
fn print(text: &str) -> String {
    match Json::from(&Node::number(text)) {
        Json::Number(number) => number.to_string(),
        _ => text.to_owned(),
    }
}

/// What lockstep reads of `group.yml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// `vars`: what `{NAME}` in the other files stands for.
    pub vars: BTreeMap<String, String>,
    /// `public_upstreams`: prefix of a private address and the public one in its place.
    pub upstreams: Vec<(String, String)>,
    /// `arches`: architectures of images that name none, those of `okd` where it names some.
    pub arches: Vec<String>,
    /// What decides builds of OKD besides: [`BUILD`] of the group with `okd` laid over it, variables replaced.
    #[serde(with = "super::json_text")]
    pub build: Json,
    /// The names of `repos`, with those of `okd` among them; none where the group has no such list of its own.
    pub repos: Option<BTreeSet<String>>,
    /// `software_lifecycle.phase`: how far the release is; empty where that is not said.
    pub phase: String,
    /// `okd`, whatever it holds: `enabled` is there and true unless it says otherwise.
    #[serde(with = "super::json_text")]
    pub okd: Json,
    /// The line of `okd`, and of `okd.enabled` where it is said.
    pub okd_line: Option<u32>,
    /// Variables that other readers print in another way.
    pub misprints: Vec<Misprint>,
    /// What was wrong with the file.
    pub faults: Vec<WrongForm>,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            vars: BTreeMap::new(),
            upstreams: Vec::new(),
            arches: Vec::new(),
            build: Json::Object(Map::new()),
            repos: None,
            phase: String::new(),
            okd: view::sample(OKD),
            okd_line: None,
            misprints: Vec::new(),
            faults: Vec::new(),
        }
    }
}

impl Group {
    /// Reads the parsed file.
    pub fn read(root: &Node) -> Self {
        let mut group = Self::default();
        for (key, value) in entries(root.get("vars"), "vars", &mut group.faults) {
            match value.text() {
                Some(text) => drop(group.vars.insert(key, text.to_string())),
                None => group.faults.push(wrong(&format!("vars.{key}"), value, "a text")),
            }
        }
        group.vars = expand(&group.vars);
        let phase = root.at(&["software_lifecycle", "phase"]).and_then(Node::text);
        group.phase = phase.unwrap_or_default().to_owned();
        group.read_okd(root);
        // As ART's tools do it for OKD: `okd` is laid over the group's own keys, and a list is replaced.
        let own = root.get("okd").filter(|okd| okd.as_map().is_some());
        let of_okd = own.and_then(|okd| okd.get("arches"));
        group.arches = match of_okd {
            Some(node) => texts(Some(node), "okd.arches", &mut group.faults),
            None => texts(root.get("arches"), "arches", &mut group.faults),
        };
        group.read_build(root, own);
        let repos = root.get("repos").and_then(Node::as_map);
        let of_okd = own.and_then(|okd| okd.get("repos")).and_then(Node::as_map);
        group.repos = repos.map(|repos| {
            let names = repos.keys().chain(of_okd.into_iter().flat_map(Mapping::keys));
            names.map(str::to_owned).collect()
        });
        for item in items(root.get("public_upstreams"), "public_upstreams", &mut group.faults) {
            let part = |name| item.get(name).and_then(Node::text).map(|text| text.to_string());
            match (part("private"), part("public")) {
                (Some(private), Some(public)) => group.upstreams.push((private, public)),
                _ => group
                    .faults
                    .push(wrong("public_upstreams", item, "a mapping with `private` and `public`")),
            }
        }
        group
    }

    /// What rules see of it.
    pub fn view(&self) -> Json {
        serde_json::json!({"arches": self.arches, "phase": self.phase, "okd": self.okd})
    }

    /// Reads `okd`, variables replaced.
    fn read_okd(&mut self, root: &Node) {
        let mut shaped = view::shape(root, OKD);
        self.faults.append(&mut shaped.faults);
        self.okd_line = view::line_of(root, OKD, &["enabled".to_owned()]);
        let there = root.get("okd").filter(|okd| okd.as_map().is_some());
        let mut okd: Map<String, Json> = there
            .map(Json::from)
            .and_then(|okd| okd.as_object().cloned())
            .unwrap_or_default();
        okd.values_mut().for_each(|value| self.substitute_in(value));
        okd.extend(shaped.view.as_object().cloned().unwrap_or_default());
        self.okd = Json::Object(okd);
    }

    /// Reads what decides builds, `okd` laid over it.
    fn read_build(&mut self, root: &Node, okd: Option<&Node>) {
        let of = |node: &Node| -> Json {
            let known = BUILD
                .iter()
                .filter_map(|key| Some(((*key).to_owned(), Json::from(node.get(key)?))));
            Json::Object(known.collect())
        };
        let mut build = of(root);
        if let Some(okd) = okd {
            build = overlay(&build, &of(okd));
        }
        self.substitute_in(&mut build);
        self.build = build;
    }

    fn substitute_in(&self, value: &mut Json) {
        match value {
            Json::String(text) => *text = self.substitute(text),
            Json::Array(items) => items.iter_mut().for_each(|item| self.substitute_in(item)),
            Json::Object(map) => map.values_mut().for_each(|value| self.substitute_in(value)),
            _ => {}
        }
    }

    /// Replaces each `{NAME}` of a known variable in a text; anything else in braces stays as it is.
    pub fn substitute(&self, text: &str) -> String {
        substitute(text, &self.vars)
    }

    /// The public address of a private one: the longest matching prefix wins. Addresses in ssh form are read, too.
    pub fn public_url(&self, url: &str) -> String {
        let url = https_form(url);
        let matching = self
            .upstreams
            .iter()
            .filter(|(private, _)| has_prefix(&url, &https_form(private)));
        match matching.max_by_key(|(private, _)| private.len()) {
            Some((private, public)) => format!("{}{}", https_form(public), &url[https_form(private).len()..]),
            None => url,
        }
    }
}

/// Tells whether an address starts with a prefix that ends where a part of its path ends.
fn has_prefix(url: &str, prefix: &str) -> bool {
    url.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
}

/// `git@host:org/repo.git` and `ssh://git@host/org/repo` as `https://host/org/repo`, without `.git`.
fn https_form(url: &str) -> String {
    let url = url.trim().trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    if let Some(rest) = url.strip_prefix("ssh://") {
        return format!("https://{}", rest.split_once('@').map_or(rest, |(_, rest)| rest));
    }
    match url.split_once('@') {
        Some((user, rest)) if !user.contains('/') && rest.contains(':') => {
            format!("https://{}", rest.replacen(':', "/", 1))
        }
        _ => url.to_owned(),
    }
}

/// Merges `group.ext.yml` over `group.yml`: mappings recurse, everything else is replaced.
pub fn merge(base: &mut Node, over: Node) {
    match (&mut base.value, over.value) {
        (Value::Map(base), Value::Map(over)) => {
            for (key, value) in over.entries {
                match base.entries.iter_mut().find(|(known, _)| known.text == key.text) {
                    Some((_, known)) => merge(known, value),
                    None => base.entries.push((key, value)),
                }
            }
        }
        (_, Value::Null) => {}
        (base, over) => *base = over,
    }
}

/// Replaces each `{NAME}` of a known variable.
pub fn substitute(text: &str, vars: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let known = from[1..]
            .find('}')
            .and_then(|end| Some((vars.get(&from[1..=end])?, end)));
        match known {
            Some((value, end)) => {
                out.push_str(value);
                rest = &from[end + 2..];
            }
            None => {
                out.push('{');
                rest = &from[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Variables may name others; a few rounds are enough for any real file and end for circular ones.
fn expand(vars: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut vars = vars.clone();
    for _ in 0..4 {
        let next: BTreeMap<_, _> = vars
            .iter()
            .map(|(name, value)| {
                let text = substitute(value, &vars);
                (name.clone(), if text.len() > 4096 { value.clone() } else { text })
            })
            .collect();
        if next == vars {
            break;
        }
        vars = next;
    }
    vars
}

fn wrong(key: &str, node: &Node, expected: &str) -> WrongForm {
    let message = format!("{expected} is expected here, this is {}", node.type_name());
    WrongForm {
        key: key.into(),
        pos: node.pos,
        message,
    }
}

fn entries<'n>(node: Option<&'n Node>, key: &str, faults: &mut Vec<WrongForm>) -> Vec<(String, &'n Node)> {
    match node.map(|node| (&node.value, node)) {
        None | Some((Value::Null, _)) => Vec::new(),
        Some((Value::Map(Mapping { entries, .. }), _)) => entries
            .iter()
            .map(|(key, value)| (key.text.to_string(), value))
            .collect(),
        Some((_, node)) => {
            faults.push(wrong(key, node, "a mapping"));
            Vec::new()
        }
    }
}

fn items<'n>(node: Option<&'n Node>, key: &str, faults: &mut Vec<WrongForm>) -> Vec<&'n Node> {
    match node.map(|node| (&node.value, node)) {
        None | Some((Value::Null, _)) => Vec::new(),
        Some((Value::Seq(items), _)) => items.iter().collect(),
        Some((_, node)) => {
            faults.push(wrong(key, node, "a list"));
            Vec::new()
        }
    }
}

fn texts(node: Option<&Node>, key: &str, faults: &mut Vec<WrongForm>) -> Vec<String> {
    let mut texts = Vec::new();
    for item in items(node, key, faults) {
        match item.text() {
            Some(text) => texts.push(text.to_string()),
            None => faults.push(wrong(key, item, "a text")),
        }
    }
    texts
}

#[cfg(test)]
mod tests;
