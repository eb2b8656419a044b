//! Argo's batches: JSON in a parameter of the workflow that builds all from scratch.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

use super::causes::Causes;
use super::order::{Order, settle, too_early};
use crate::finding::{Finding, Severity};
use crate::targets::documents::Files;
use crate::yaml::Node;
use crate::yaml::edit::path::{Step, find, set};

/// The workflow's file.
pub(super) const FILE: &str = "argo-workflows/okd-workflows/50-build-okd-from-scratch.yaml";
/// The workflow that it calls, which builds what comes before all batches.
pub(super) const SHARED: &str = "argo-workflows/okd-workflows/40-mirror-and-customize.yaml";
/// What that says where each item is built for architectures of its own.
pub(super) const OF_ITEM: &str = "{{item.architectures}}";

const LIST: &str = "buildconfigs-batched-list";
const NAME: &str = "buildConfig";
const ARCHES: &str = "architectures";
/// Keys of an item that people fill in for one build.
const OVERRIDES: [&str; 2] = ["overrideRepoUrl", "overrideBranch"];

const PARAMETERS: [Step<'static>; 3] = [Step::Key("spec"), Step::Key("arguments"), Step::Key("parameters")];

fn parameter<'s>(identity: &'s [&'s str], name: &'s str, key: &'s str) -> Vec<Step<'s>> {
    [&PARAMETERS[..], &[Step::With(identity, name), Step::Key(key)]].concat()
}

/// The items of each batch, by name in their order.
type Items = Vec<Vec<(String, Map<String, Json>)>>;

/// Brings the batches in line.
pub(super) fn render(files: &mut Files<'_>, causes: &Causes<'_>, order: &Order, heard: bool) {
    let identity: &[&str] = &["name"];
    let path = parameter(identity, LIST, "value");
    let place = files.documents(FILE).iter().enumerate().find_map(|(at, node)| {
        let value = find(node, &path)?;
        Some((at, value.text()?.to_owned(), value.pos.line))
    });
    let Some((document, text, line)) = place else {
        if files.is_there(FILE) {
            unreadable(files, None, &format!("it has no parameter {LIST} with a value"));
        }
        return;
    };
    let there = match read(&text) {
        Ok(there) => there,
        Err(why) => return unreadable(files, Some(line), &why.to_string()),
    };
    // The first batch here is the first one after what the shared workflow builds before all.
    let names = there
        .iter()
        .map(|batch| batch.iter().map(|(name, _)| name.clone()).collect());
    let before: Vec<Vec<String>> = std::iter::once(Vec::new()).chain(names).collect();
    let after = settle(files, causes, FILE, &before, order);
    too_early(files, FILE, &after, order);
    let items = items(files, causes, &there, &after, order, heard);
    if items == there {
        return;
    }
    let text = written(&text, &items);
    files.apply(FILE, |documents| {
        _ = set(&mut documents[document], &path, Node::string(text))
    });
}

fn unreadable(files: &mut Files<'_>, line: Option<u32>, why: &str) {
    let finding = Finding::new(
        Severity::Error,
        "unreadable-buildconfig",
        format!("{FILE} is left as it is: {why}"),
    )
    .with_help("put the list right");
    files.tell(finding, FILE, line);
}

/// Why the list cannot be read.
#[derive(Debug, thiserror::Error)]
enum NoBatches {
    #[error("{LIST} is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("{LIST} is no list of lists of objects with `{NAME}`")]
    Form,
}

fn read(text: &str) -> Result<Items, NoBatches> {
    let json: Json = serde_json::from_str(text)?;
    let batches = json.as_array().ok_or(NoBatches::Form)?;
    let batch = |batch: &Json| {
        let items = batch.as_array()?.iter().map(|item| {
            let item = item.as_object()?;
            Some((item.get(NAME)?.as_str()?.to_owned(), item.clone()))
        });
        items.collect::<Option<Vec<_>>>()
    };
    batches
        .iter()
        .map(batch)
        .collect::<Option<Items>>()
        .ok_or(NoBatches::Form)
}

/// The items of the batches: those that are there with all that people wrote in them, new ones with what all have.
fn items(
    files: &mut Files<'_>,
    causes: &Causes<'_>,
    there: &Items,
    after: &[Vec<String>],
    order: &Order,
    heard: bool,
) -> Items {
    let mut known: BTreeMap<&str, Vec<&Map<String, Json>>> = BTreeMap::new();
    for (name, item) in there.iter().flatten() {
        known.entry(name).or_default().push(item);
    }
    let fresh = |name: &str| {
        let pairs = [(NAME, name)].into_iter().chain(OVERRIDES.map(|key| (key, "")));
        pairs
            .map(|(key, text)| (key.to_owned(), Json::from(text)))
            .collect::<Map<_, _>>()
    };
    let mut batches = Items::new();
    for names in after.iter().skip(1) {
        let mut batch = Vec::new();
        for name in names {
            let found = known
                .get_mut(name.as_str())
                .filter(|items| !items.is_empty())
                .map(|items| items.remove(0));
            let mut item = found.cloned().unwrap_or_else(|| fresh(name));
            let was = item.get(ARCHES).and_then(Json::as_str).map(str::to_owned);
            let wanted = match order.narrow.get(name) {
                Some(arches) => Some(arches.clone()),
                // Where the workflow hears each item, every item has to say something.
                None if heard && order.of_name.contains_key(name) => {
                    Some("{{workflow.parameters.architectures}}".to_owned())
                }
                None if order.widened.get(name) == was.as_ref() => None,
                None => was.clone(),
            };
            if was != wanted {
                let cause = causes.list(ARCHES, name, &[name], was, wanted.clone());
                if files.change(FILE, cause, |_| {}) {
                    match wanted {
                        Some(wanted) => drop(item.insert(ARCHES.to_owned(), Json::from(wanted))),
                        None => drop(item.shift_remove(ARCHES)),
                    }
                }
            }
            batch.push((name.clone(), item));
        }
        batches.push(batch);
    }
    batches
}

/// The list in the form that it has: an object a line, as it stands where it is unchanged.
fn written(before: &str, batches: &Items) -> String {
    let mut lines: BTreeMap<String, &str> = BTreeMap::new();
    for line in before.lines() {
        let line = line.trim().trim_end_matches(',').trim_end();
        if let Ok(item @ Json::Object(_)) = serde_json::from_str::<Json>(line) {
            lines.insert(item.to_string(), line);
        }
    }
    let mut text = String::from("[ [\n");
    for (at, batch) in batches.iter().enumerate() {
        if at > 0 {
            text.push_str("], [\n");
        }
        for (at, (_, item)) in batch.iter().enumerate() {
            let item = Json::Object(item.clone()).to_string();
            let comma = if at + 1 < batch.len() { "," } else { "" };
            _ = writeln!(text, "  {}{comma}", lines.get(&item).copied().unwrap_or(&item));
        }
    }
    text.push_str("] ]");
    if before.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The names of what the shared workflow builds before all batches.
pub(super) fn prepared(files: &Files<'_>) -> Option<BTreeSet<String>> {
    let documents = files.documents(SHARED);
    let mut texts = Vec::new();
    documents.iter().for_each(|node| strings(node, &mut texts));
    let lists = texts
        .into_iter()
        .filter(|text| text.contains(NAME))
        .filter_map(|text| read(text).ok());
    let names: BTreeSet<String> = lists.flatten().flatten().map(|(name, _)| name).collect();
    (!names.is_empty()).then_some(names)
}

fn strings<'n>(node: &'n Node, texts: &mut Vec<&'n str>) {
    if let Some(map) = node.as_map() {
        map.iter().for_each(|(key, value)| {
            if key != "description" {
                strings(value, texts);
            }
        });
    } else if let Some(items) = node.as_seq() {
        items.iter().for_each(|item| strings(item, texts));
    } else if let Some(text) = node.as_str() {
        texts.push(text);
    }
}

/// What the shared workflow does not build before all, and has to; and what it builds that is gone.
pub(super) fn check_prepared(files: &mut Files<'_>, wanted: &[String], gone: &BTreeSet<String>) {
    let Some(there) = prepared(files) else { return };
    for name in there.intersection(gone) {
        let text = format!("{name} is built before all batches, and there is no BuildConfig of that name any more");
        let finding = Finding::new(Severity::Error, "listed-but-absent", text)
            .with_help("take it out of the list of the step `initial`");
        files.tell(finding, SHARED, None);
    }
    let missing: Vec<&String> = wanted.iter().filter(|name| !there.contains(*name)).collect();
    if missing.is_empty() {
        return;
    }
    let names: Vec<&str> = missing.iter().map(|name| name.as_str()).collect();
    let text = format!(
        "{} must be built before all batches, and this workflow does not",
        names.join(", ")
    );
    let finding = Finding::new(Severity::Warning, "parent-in-no-batch", text)
        .with_help("add them to the list of the step `initial`");
    files.tell(finding, SHARED, None);
}

/// Whether the architectures of an item are heard, and the place to say so.
pub(super) fn hears_items(files: &Files<'_>) -> bool {
    let mut texts = Vec::new();
    files
        .documents(SHARED)
        .iter()
        .for_each(|node| strings(node, &mut texts));
    texts.into_iter().any(|text| text == OF_ITEM)
}

/// Lets the shared workflow hear the architectures of each item.
pub(super) fn hear_items(files: &mut Files<'_>, causes: &Causes<'_>, narrow: &[&str]) -> bool {
    const WORKFLOW: &str = "{{workflow.parameters.architectures}}";
    let cause = causes.list(
        ARCHES,
        "single-batch",
        narrow,
        Some(WORKFLOW.to_owned()),
        Some(OF_ITEM.to_owned()),
    );
    let identity: &[&str] = &["name"];
    let templates = [
        Step::Key("spec"),
        Step::Key("templates"),
        Step::With(identity, "single-batch"),
        Step::Key("steps"),
    ];
    let step = [
        Step::At(0),
        Step::At(0),
        Step::Key("arguments"),
        Step::Key("parameters"),
        Step::With(identity, ARCHES),
        Step::Key("value"),
    ];
    let path = [&templates[..], &step].concat();
    let place = files
        .documents(SHARED)
        .iter()
        .position(|node| find(node, &path).and_then(Node::text) == Some(WORKFLOW));
    let Some(document) = place else { return false };
    files.change(SHARED, cause, |documents| {
        _ = set(&mut documents[document], &path, Node::string(OF_ITEM))
    })
}

/// The architectures that are built by default, and the document that says so.
fn default_there(files: &Files<'_>) -> Option<(usize, String)> {
    let identity: &[&str] = &["name"];
    let path = parameter(identity, ARCHES, "default");
    let mut documents = files.documents(FILE).iter().enumerate();
    documents.find_map(|(at, node)| Some((at, find(node, &path)?.text()?.to_owned())))
}

fn split(text: &str) -> BTreeSet<String> {
    let arches = text.split(',').map(str::trim).filter(|arch| !arch.is_empty());
    arches.map(str::to_owned).collect()
}

/// The architectures that are built by default.
pub(super) fn arches(files: &Files<'_>) -> BTreeSet<String> {
    default_there(files).map(|(_, text)| split(&text)).unwrap_or_default()
}

/// Sets the architectures that are built by default, where they are others than those that are there.
pub(super) fn default_arches(files: &mut Files<'_>, causes: &Causes<'_>, wanted: &BTreeSet<String>) {
    let Some((document, text)) = default_there(files) else {
        return;
    };
    if split(&text) == *wanted || wanted.is_empty() {
        return;
    }
    let identity: &[&str] = &["name"];
    let path = parameter(identity, ARCHES, "default");
    let new = wanted.iter().cloned().collect::<Vec<_>>().join(",");
    let cause = causes.list(ARCHES, "default", &[], Some(text), Some(new.clone()));
    files.change(FILE, cause, |documents| {
        _ = set(&mut documents[document], &path, Node::string(new))
    });
}
