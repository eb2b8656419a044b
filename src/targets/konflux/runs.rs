//! The runs that are there: whose they are, and on what event each starts.

use std::collections::{BTreeMap, BTreeSet};

use super::cel::{self, Starts};
use crate::derive::konflux::Labels;
use crate::targets::documents::Files;
use crate::yaml::Node;

/// The prefix of what Pipelines as Code reads of a run.
const PAC: &str = "pipelinesascode.tekton.dev/";
/// The annotation with the expression that says when a run starts.
pub(super) const EXPRESSION: &str = "pipelinesascode.tekton.dev/on-cel-expression";

/// What starts a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Event {
    PullRequest,
    Push,
}

impl Event {
    pub const ALL: [Self; 2] = [Self::PullRequest, Self::Push];

    /// As expressions have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::PullRequest => "pull_request",
            Self::Push => "push",
        }
    }

    /// As names of files and runs have it.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::PullRequest => "pull-request",
            Self::Push => "push",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.word() == word)
    }

    /// The event that a name ends in.
    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| name.ends_with(event.suffix()))
    }
}

/// A run that is there.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub path: String,
    pub document: usize,
    /// What Pipelines as Code calls it.
    pub name: String,
    /// The component that its label names; empty: none.
    pub component: String,
    /// The version that its annotation names; empty: none.
    pub version: String,
    pub application: String,
    pub event: Option<Event>,
}

/// All runs below a folder.
pub(super) fn all(files: &Files<'_>, folder: &str, labels: &Labels) -> Vec<Run> {
    let mut runs = Vec::new();
    for (path, file) in files.below(folder) {
        for (document, node) in file.documents.iter().enumerate() {
            if node.get("kind").and_then(Node::as_str) != Some("PipelineRun") {
                continue;
            }
            let label = |key: &str| label(node, key).unwrap_or_default().to_owned();
            let name = name(node).unwrap_or_default().to_owned();
            runs.push(Run {
                path: path.to_owned(),
                document,
                component: label(&labels.component),
                version: annotation(node, &labels.version).unwrap_or_default().to_owned(),
                application: label(&labels.application),
                event: event(node, &name, path),
                name,
            });
        }
    }
    runs
}

/// The value of a label.
pub(super) fn label<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.at(&["metadata", "labels"])?.get(key)?.text()
}

/// The value of an annotation.
pub(super) fn annotation<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.at(&["metadata", "annotations"])?.get(key)?.text()
}

/// The expression that says when a run starts.
pub(super) fn expression(node: &Node) -> Option<&str> {
    annotation(node, EXPRESSION)
}

/// The name by which Pipelines as Code tells runs apart.
pub(super) fn name(node: &Node) -> Option<&str> {
    let metadata = node.get("metadata")?;
    let given = |key: &str| metadata.get(key).and_then(Node::text).filter(|name| !name.is_empty());
    given("name").or_else(|| given("generateName"))
}

/// The event that a run is for: what its expression compares with, else its annotation, else its name, else its file's.
fn event(node: &Node, name: &str, path: &str) -> Option<Event> {
    let said = expression(node).and_then(cel::read);
    let said = said.and_then(|said| Event::of_word(&said.events.first()?.value));
    let listed = || match listed(node, "on-event").as_deref() {
        Some([only]) => Event::of_word(only),
        _ => None,
    };
    let file = path.rsplit('/').next().unwrap_or(path);
    let file = file.trim_end_matches(".yaml").trim_end_matches(".yml");
    said.or_else(listed)
        .or_else(|| Event::of_name(name))
        .or_else(|| Event::of_name(file))
}

/// The words of an annotation such as `[push, pull_request]`, or of one word.
fn listed(node: &Node, key: &str) -> Option<Vec<String>> {
    let text = annotation(node, &format!("{PAC}{key}"))?;
    let words = text.trim().trim_start_matches('[').trim_end_matches(']').split(',');
    let words = words.map(|word| word.trim().trim_matches(['"', '\'']).to_owned());
    Some(words.filter(|word| !word.is_empty()).collect())
}

/// Whether a run lists the branches that it starts on, in the place of an expression.
pub(super) fn lists_branches(node: &Node) -> bool {
    expression(node).is_none() && listed(node, "on-target-branch").is_some()
}

/// Whether a run starts on an event on a branch.
pub(super) fn starts(node: &Node, event: Event, branch: &str, dockerfile: &str) -> Starts {
    if let Some(expression) = expression(node) {
        return cel::starts(expression, event.word(), branch, dockerfile);
    }
    match (listed(node, "on-event"), listed(node, "on-target-branch")) {
        (Some(events), Some(branches)) => {
            if !events.iter().any(|word| word == event.word()) {
                return Starts::No;
            }
            if branches.iter().any(|word| word == branch) {
                return Starts::Yes;
            }
            match branches.iter().any(|word| word.contains(['*', '?', '['])) {
                true => Starts::NotJudged("it lists branches by a pattern".to_owned()),
                false => Starts::No,
            }
        }
        _ => Starts::No,
    }
}

/// Names that several runs of a folder have, and the files of each.
pub(super) fn same_names(files: &Files<'_>, folder: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, file) in files.below(folder) {
        let runs = file.documents.iter();
        let runs = runs.filter(|node| node.get("kind").and_then(Node::as_str) == Some("PipelineRun"));
        for name in runs.filter_map(name) {
            of.entry(name.to_owned()).or_default().push(path.to_owned());
        }
    }
    let several = of.into_iter().filter(|(_, paths)| paths.len() > 1);
    several
        .map(|(name, paths)| (name, paths.into_iter().collect()))
        .collect()
}
