//! What was added to OKD's stanzas on one branch of build data after the next one had been made of it, and what a later branch
//! lacks of that.
//!
//! At a cut the new branch has all that the old one has. What people add to the old one afterwards is lost to the new one
//! unless somebody thinks of it. People's later decisions count: what was removed again, there or here, is not carried.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::merge::{self, at};
use super::topics::{ALIGNMENT, Topic, dotted};
use crate::base::Release;
use crate::derive::neighbours::{Carry, Edited};
use crate::facts::group::Group;
use crate::model::metadata::Metadata;
use crate::yaml::{self, Node, Value};

/// OKD's stanzas of a file of build data.
const STANZAS: [&[&str]; 2] = [&["okd"], &["content", "source", "okd_alignment"]];
/// Keys whose value is one thing: with half of it, it would be another one.
const WHOLE: [&str; 2] = ["from", "resolve_as"];

/// One step in which a file of build data changed.
#[derive(Clone, Debug)]
pub struct Step {
    /// The file.
    pub path: String,
    /// The commit, and when it was made.
    pub edited: Edited,
    /// The file before it.
    pub before: Option<Arc<[u8]>>,
    /// The file after it.
    pub after: Option<Arc<[u8]>>,
}

/// A key that was added.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Added {
    /// The file.
    pub path: String,
    /// The key, dotted.
    pub key: String,
    /// Its value as it is written, variables and all.
    pub value: Node,
    /// The step that gave it this value.
    pub edited: Edited,
}

/// Whether a step may concern OKD's stanzas at all.
pub fn concerns(before: Option<&[u8]>, after: Option<&[u8]>) -> bool {
    let named = |bytes: Option<&[u8]>| bytes.is_some_and(|bytes| bytes.windows(3).any(|word| word == b"okd"));
    named(before) || named(after)
}

/// What steps of a branch, the last one first, added to OKD's stanzas in the end: what was there before them, in whichever of
/// the two, is not new, and what was taken back is not there.
pub fn added(steps: &[Step]) -> Vec<Added> {
    let mut by_path: BTreeMap<&str, Vec<&Step>> = BTreeMap::new();
    for step in steps {
        by_path.entry(&step.path).or_default().push(step);
    }
    let files = by_path.into_iter().flat_map(|(path, steps)| in_file(path, &steps));
    files.collect()
}

fn in_file(path: &str, steps: &[&Step]) -> Vec<Added> {
    let (Some(last), Some(first)) = (steps.first(), steps.last()) else {
        return Vec::new();
    };
    let (Some(now), Some(then)) = (read(last.after.as_deref()), read(first.before.as_deref())) else {
        return Vec::new();
    };
    let new = leaves(&now).into_iter().filter(|(key, value)| {
        let there = dotted(&then, key).is_some() || leads_to_value(&then, key);
        !there && elsewhere(&then, key, value) != Elsewhere::Same
    });
    let new: Vec<(String, Node)> = new.collect();
    new.into_iter()
        .filter_map(|(key, value)| {
            let made = |step: &&&Step| {
                let before = read(step.before.as_deref()).and_then(|file| dotted(&file, &key).cloned());
                before.as_ref() != Some(&value)
            };
            let edited = steps.iter().find(made)?.edited.clone();
            let path = path.to_owned();
            Some(Added {
                path,
                key,
                value,
                edited,
            })
        })
        .collect()
}

/// A file as it is written; nothing where there is none, none where it cannot be read.
fn read(file: Option<&[u8]>) -> Option<Node> {
    file.map_or_else(|| Some(Node::default()), |bytes| yaml::parse(bytes).ok())
}

/// Whether a key's parents end in a value of their own: there is no place for it.
fn leads_to_value(root: &Node, key: &str) -> bool {
    let mut node = root;
    for part in key.split('.') {
        match node.get(part) {
            Some(next) => node = next,
            None => return !node.is_null() && node.as_map().is_none(),
        }
    }
    false
}

/// All keys of OKD's stanzas, dotted, with their values.
pub fn leaves(root: &Node) -> Vec<(String, Node)> {
    let mut found = Vec::new();
    for stanza in STANZAS {
        if let Some(node) = root.at(stanza) {
            below(&stanza.join("."), node, &mut found);
        }
    }
    found
}

fn below(key: &str, node: &Node, found: &mut Vec<(String, Node)>) {
    let last = key.rsplit('.').next().unwrap_or(key);
    let is_whole =
        |map: &yaml::Mapping| map.is_empty() || WHOLE.contains(&last) || map.keys().any(|name| name.contains('.'));
    match &node.value {
        Value::Null => {}
        Value::Map(map) if !is_whole(map) => {
            map.iter()
                .for_each(|(name, node)| below(&format!("{key}.{name}"), node, found));
        }
        _ => found.push((key.to_owned(), node.clone())),
    }
}

/// What the other stanza says of what a key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// Nothing.
    Silent,
    /// The same.
    Same,
    /// Something else: under which key, and what.
    Other(String, String),
}

/// What a file's other OKD stanza says of what a key has as its value.
pub fn elsewhere(file: &Node, key: &str, value: &Node) -> Elsewhere {
    if key == format!("{ALIGNMENT}.build_args") {
        return arguments(file, value);
    }
    let Some(topic) = Topic::of(key) else {
        return Elsewhere::Silent;
    };
    // Only the key itself is asked: what the file says of it under this one is another question.
    let alone = Node::map([("x", value.clone())]);
    let mut own = Node::default();
    let steps: Vec<yaml::edit::path::Step<'_>> = key.split('.').map(Into::into).collect();
    let set = yaml::edit::path::set(&mut own, &steps, alone.get("x").cloned().unwrap_or_default());
    let is_aligned = key.starts_with(ALIGNMENT);
    let meant = if is_aligned {
        topic.aligned(&own)
    } else {
        topic.said(&own).map(|(_, value)| value)
    };
    let Some(meant) = meant.filter(|_| set) else {
        return Elsewhere::Silent;
    };
    let other = if is_aligned {
        topic.said(file)
    } else {
        topic.aligned(file).map(|value| (topic.alignment_key(), value))
    };
    match other {
        None => Elsewhere::Silent,
        Some((_, other)) if topic.same(&meant, &other) => Elsewhere::Same,
        Some((key, other)) => Elsewhere::Other(key, shown(&other)),
    }
}

/// Build arguments are single keys in the other stanza.
fn arguments(file: &Node, value: &Node) -> Elsewhere {
    let args = value.as_seq().unwrap_or_default();
    let mut all = args.iter().filter_map(|arg| {
        let topic = Topic::Env(arg.get("name")?.text()?.to_owned());
        let (key, other) = topic.said(file)?;
        let meant = arg.get("value")?.text()?.to_owned();
        Some((other.as_str() == Some(&meant), key, shown(&other)))
    });
    let found: Vec<_> = all.by_ref().collect();
    match found.iter().find(|(same, ..)| !same) {
        Some((_, key, other)) => Elsewhere::Other(key.clone(), other.clone()),
        None if !found.is_empty() && found.len() == args.len() => Elsewhere::Same,
        None => Elsewhere::Silent,
    }
}

fn shown(value: &Json) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    super::modify::short(&text)
}

/// What of an addition a later branch is to do.
#[derive(Clone, Debug)]
pub enum Fate {
    /// Nothing: it has it, or has no such file.
    Nothing,
    /// It is carried there.
    Carried(Carry),
    /// It is not, and why.
    Left(String),
}

/// A file of a later branch, as it is now.
#[derive(Clone, Copy, Debug)]
pub struct There<'t> {
    /// The file, its variables replaced; `group.yml` as it is written.
    pub node: &'t Node,
    /// The group.
    pub group: &'t Group,
}

/// What becomes of an addition of an older release in a file of a later one, as far as the two files tell.
pub fn fate(added: &Added, from: Release, there: There<'_>) -> Fate {
    let is_group = Metadata::image_of_file(&added.path).is_none();
    let raw = renumbered(&added.value, from, there);
    let mut spelled = BTreeMap::new();
    let value = match is_group {
        true => raw,
        false => meaning(&raw, there.group, &mut spelled),
    };
    if dotted(there.node, &added.key).is_some() {
        return Fate::Nothing;
    }
    if leads_to_value(there.node, &added.key) {
        return Fate::Left("what it would stand in is no mapping there".to_owned());
    }
    if !is_group {
        if holds_anyway(there.node, &added.key, &value) {
            return Fate::Nothing;
        }
        // Under a stronger key of the same stanza.
        let stronger = Topic::of(&added.key).and_then(|topic| topic.said(there.node));
        if let Some((key, other)) = stronger.filter(|_| !added.key.starts_with(ALIGNMENT)) {
            return Fate::Left(format!("`{key}` says {} there", shown(&other)));
        }
        match elsewhere(there.node, &added.key, &value) {
            Elsewhere::Same => return Fate::Nothing,
            Elsewhere::Other(key, other) => {
                return Fate::Left(format!("`{key}` says {other} there"));
            }
            Elsewhere::Silent => {}
        }
        if let Some(name) = unknown(&value, there.group) {
            return Fate::Left(format!("{{{name}}} is no variable there"));
        }
    }
    Fate::Carried(Carry {
        path: added.path.clone(),
        key: added.key.clone(),
        value,
        spelled,
        from,
        edited: added.edited.clone(),
    })
}

/// Whether a key's value holds in a file without the key.
fn holds_anyway(node: &Node, key: &str, value: &Node) -> bool {
    let merged = merge::image(node).config;
    let meant = Json::from(value);
    if let Some(name) = key.strip_prefix(ALIGNMENT) {
        let own = match Topic::of(key) {
            // What it is without either stanza.
            Some(Topic::Mode) => return meant == true && at(&merged, "mode").is_none_or(|mode| mode == "enabled"),
            Some(Topic::Env(_)) | None => return false,
            Some(topic) if topic.said(node).is_some() => return false,
            Some(topic) => topic.built(&Json::from(node)),
        };
        return !name.is_empty() && own == meant;
    }
    let Some(rest) = key.strip_prefix("okd.") else {
        return node.get("okd").is_some();
    };
    match (Topic::of(key), at(&merged, rest)) {
        (Some(topic), _) => topic.same(&topic.built(&merged), &meant),
        // Nothing to take away.
        (None, None) => meant.as_array().is_some_and(Vec::is_empty) && rest.ends_with("modifications"),
        (None, Some(there)) => *there == meant && (rest != "enabled_repos" || node.get("okd").is_some()),
    }
}

/// A value with variables in the place of the number of the release that it comes from, where the later one has them.
fn renumbered(value: &Node, from: Release, there: There<'_>) -> Node {
    let vars = &there.group.vars;
    let number = match (vars.get("MAJOR"), vars.get("MINOR")) {
        (Some(_), Some(_)) => from.to_string(),
        _ => return value.clone(),
    };
    mapped(value, &mut |text| numbers_replaced(text, &number, "{MAJOR}.{MINOR}"))
}

/// A text with something else in the place of a release's number, where that is not a part of a longer one.
pub fn numbers_replaced(text: &str, number: &str, new: &str) -> String {
    let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(number) {
        let (before, from) = rest.split_at(at);
        let behind = &from[number.len()..];
        let longer =
            is_digit(before.chars().next_back().or_else(|| out.chars().next_back())) || is_digit(behind.chars().next());
        out.push_str(before);
        out.push_str(if longer { number } else { new });
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// What a value means with the variables of a group; `spelled`: how its texts are written, by what they mean.
fn meaning(value: &Node, group: &Group, spelled: &mut BTreeMap<String, String>) -> Node {
    mapped(value, &mut |text| {
        let means = group.substitute(text);
        if means != text {
            spelled.insert(means.clone(), text.to_owned());
        }
        means
    })
}

fn mapped(value: &Node, of: &mut dyn FnMut(&str) -> String) -> Node {
    let mut value = value.clone();
    map_strings(&mut value, of);
    value
}

fn map_strings(node: &mut Node, of: &mut dyn FnMut(&str) -> String) {
    match &mut node.value {
        Value::String(text) => *text = of(text).into(),
        Value::Seq(items) => items.iter_mut().for_each(|item| map_strings(item, of)),
        Value::Map(map) => map.entries.iter_mut().for_each(|(_, node)| map_strings(node, of)),
        _ => {}
    }
}

/// A variable that a group does not have, where a value still names one.
fn unknown(value: &Node, group: &Group) -> Option<String> {
    let mut found = None;
    let mut look = |text: &str| {
        let parts = text.match_indices('{').filter(|(at, _)| !text[..*at].ends_with('$'));
        let names = parts.filter_map(|(at, _)| text[at + 1..].split_once('}').map(|(name, _)| name));
        let is_name = |name: &&str| {
            name.starts_with(|c: char| c.is_ascii_uppercase())
                && name
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        };
        let unknown = names.filter(is_name).find(|name| !group.vars.contains_key(*name));
        if let (None, Some(name)) = (&found, unknown) {
            found = Some(name.to_owned());
        }
        text.to_owned()
    };
    mapped(value, &mut look);
    found
}

/// Whether a key was taken out of a file in one of the steps, the last one first, and in which.
pub fn removed(steps: &[Step], path: &str, key: &str) -> Option<Edited> {
    let there = |file: &Option<Arc<[u8]>>| read(file.as_deref()).is_some_and(|file| dotted(&file, key).is_some());
    let of_file = steps.iter().filter(|step| step.path == path);
    // A file that went is another matter: there is nothing to carry into.
    let gone = of_file
        .clone()
        .find(|step| step.after.is_some() && there(&step.before) && !there(&step.after))?;
    let now_there = of_file.clone().next().is_some_and(|last| there(&last.after));
    (!now_there).then(|| gone.edited.clone())
}

#[cfg(test)]
mod tests;
