//! Patches of kustomizations, as far as they change what we write: where, what, and for which objects.

use std::collections::BTreeMap;

use crate::targets::documents::Files;
use crate::yaml::{self, Node};

/// One patch of a kustomization.
pub(super) struct Patch {
    /// The kustomization.
    pub file: String,
    pub line: u32,
    /// The kind of objects that it is for; empty: any.
    pub kind: String,
    /// How its target reads, for people.
    pub target: String,
    name: String,
    labels: Vec<Condition>,
    /// JSON pointers that it changes.
    pub pointers: Vec<String>,
}

/// One condition of a label selector.
enum Condition {
    Is(String, String),
    IsNot(String, String),
    Has(String),
    HasNot(String),
    /// What is not understood here holds for nobody.
    Unknown,
}

/// All patches of the kustomizations that build on our files.
pub(super) fn all(files: &Files<'_>) -> Vec<Patch> {
    let folders = ["buildconfigs/", "pipelines/", "variants/", "argo-workflows/"];
    let mut patches = Vec::new();
    for (path, file) in folders.into_iter().flat_map(|folder| files.below(folder)) {
        if !path.ends_with("kustomization.yaml") {
            continue;
        }
        for node in &file.documents {
            let listed = node.get("patches").and_then(Node::as_seq).unwrap_or_default();
            patches.extend(listed.iter().filter_map(|patch| read(path, patch)));
        }
    }
    patches
}

fn read(file: &str, patch: &Node) -> Option<Patch> {
    let target = patch.get("target");
    let text = |key: &str| {
        target
            .and_then(|target| target.get(key)?.text())
            .unwrap_or_default()
            .to_owned()
    };
    let body = patch.get("patch")?;
    let node = yaml::parse(body.text()?.as_bytes()).ok()?;
    let mut pointers = Vec::new();
    let mut kind = text("kind");
    match node.as_seq() {
        Some(operations) => {
            let paths = operations.iter().filter_map(|operation| operation.get("path")?.text());
            pointers.extend(paths.map(str::to_owned));
        }
        None => {
            leaves(&node, "", &mut pointers);
            if kind.is_empty() {
                kind = node.get("kind").and_then(Node::text).unwrap_or_default().to_owned();
            }
        }
    }
    let own_name = node.at(&["metadata", "name"]).and_then(Node::text).unwrap_or_default();
    let name = if target.is_some() {
        text("name")
    } else {
        own_name.to_owned()
    };
    let told = [("name", &name), ("labels", &text("labelSelector"))];
    let told: Vec<String> = told
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| format!("{key} {text}"))
        .collect();
    Some(Patch {
        file: file.to_owned(),
        line: body.pos.line,
        target: format!("{kind} {}", told.join(", ")).trim().to_owned(),
        kind,
        name,
        labels: text("labelSelector")
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(condition)
            .collect(),
        pointers,
    })
}

fn leaves(node: &Node, at: &str, pointers: &mut Vec<String>) {
    match node.as_map() {
        Some(map) => map
            .iter()
            .for_each(|(key, value)| leaves(value, &format!("{at}/{key}"), pointers)),
        None => pointers.push(at.to_owned()),
    }
}

fn condition(text: &str) -> Condition {
    let text = text.trim();
    let pair = |sign: &str| {
        text.split_once(sign)
            .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
    };
    if text.contains(' ') && !text.contains('=') {
        return Condition::Unknown;
    }
    if let Some((key, value)) = pair("!=") {
        return Condition::IsNot(key, value);
    }
    if let Some((key, value)) = pair("==").or_else(|| pair("=")) {
        return Condition::Is(key, value);
    }
    match text.strip_prefix('!') {
        Some(key) => Condition::HasNot(key.to_owned()),
        None => Condition::Has(text.to_owned()),
    }
}

impl Patch {
    /// Whether it is for an object.
    pub fn is_for(&self, kind: &str, name: &str, labels: &BTreeMap<String, String>) -> bool {
        let named = self.name.is_empty() || self.name == name || is_pattern(&self.name, name);
        let holds = |condition: &Condition| match condition {
            Condition::Is(key, value) => labels.get(key) == Some(value),
            Condition::IsNot(key, value) => labels.get(key) != Some(value),
            Condition::Has(key) => labels.contains_key(key),
            Condition::HasNot(key) => !labels.contains_key(key),
            Condition::Unknown => false,
        };
        (self.kind.is_empty() || self.kind == kind) && named && self.labels.iter().all(holds)
    }

    /// The numbers of the tasks that it changes.
    pub fn task_indices(&self) -> impl Iterator<Item = usize> {
        let rest = self
            .pointers
            .iter()
            .filter_map(|pointer| pointer.strip_prefix("/spec/tasks/"));
        rest.filter_map(|rest| rest.split('/').next()?.parse().ok())
    }

    /// Whether it sets a field or something around it.
    pub fn sets(&self, pointer: &str) -> bool {
        let around = |own: &String| {
            pointer
                .strip_prefix(own.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.pointers.iter().any(around)
    }
}

/// Whether a name matches another one as a regular expression, which is how kustomize compares them: the whole of it.
fn is_pattern(pattern: &str, name: &str) -> bool {
    regex::Regex::new(&format!("^(?:{pattern})$")).is_ok_and(|regex| regex.is_match(name))
}

/// The labels of an object.
pub(super) fn labels(node: &Node) -> BTreeMap<String, String> {
    let map = node.at(&["metadata", "labels"]).and_then(Node::as_map);
    let pairs = map.into_iter().flat_map(|map| map.iter());
    pairs
        .filter_map(|(key, value)| Some((key.to_owned(), value.text()?.to_owned())))
        .collect()
}
