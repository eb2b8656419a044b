//! The BuildConfigs that are there, and which image each of them builds.

use std::collections::{BTreeMap, BTreeSet};

use super::names::Plan;
use crate::finding::{Finding, Severity};
use crate::targets::documents::Files;
use crate::targets::paths::{below, clean};
use crate::yaml::Node;

/// The folder of BuildConfigs.
pub(super) const FOLDER: &str = "buildconfigs/";

/// A BuildConfig.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub path: String,
    /// Its place among the documents of the file.
    pub document: usize,
    pub name: String,
    /// What it builds, `stream:tag`.
    pub output: String,
}

impl Found {
    /// What it says.
    pub fn node<'f>(&self, files: &'f Files<'_>) -> Option<&'f Node> {
        files.documents(&self.path).get(self.document)
    }

    /// Whether people have set it aside.
    pub fn is_failing(&self) -> bool {
        self.path
            .rsplit('/')
            .next()
            .is_some_and(|name| name.starts_with("failing-"))
    }
}

/// All BuildConfigs in the order of their files.
pub(super) fn all(files: &Files<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (path, file) in files.below(FOLDER) {
        for (document, node) in file.documents.iter().enumerate() {
            if node.get("kind").and_then(Node::as_str) != Some("BuildConfig") {
                continue;
            }
            let text = |path: &[&str]| node.at(path).and_then(Node::text).unwrap_or_default().to_owned();
            let output = match text(&["spec", "output", "to", "kind"]).as_str() {
                "ImageStreamTag" => text(&["spec", "output", "to", "name"]),
                _ => String::new(),
            };
            found.push(Found {
                path: path.to_owned(),
                document,
                name: text(&["metadata", "name"]),
                output,
            });
        }
    }
    found
}

/// BuildConfigs that stand in a `List`: the file, and what each of them builds.
fn listed(files: &Files<'_>) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (path, file) in files.below(FOLDER) {
        let lists = file.documents.iter().filter(|node| {
            let kind = node.get("kind").and_then(Node::as_str).unwrap_or_default();
            kind.ends_with("List") || node.as_seq().is_some()
        });
        let items = lists
            .filter_map(|node| node.get("items").unwrap_or(node).as_seq())
            .flatten();
        let builds = items.filter(|item| item.get("kind").and_then(Node::as_str) == Some("BuildConfig"));
        let outputs: Vec<String> = builds
            .map(|item| {
                item.at(&["spec", "output", "to", "name"])
                    .and_then(Node::text)
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect();
        if !outputs.is_empty() {
            found.push((path.to_owned(), outputs));
        }
    }
    found
}

/// Which BuildConfig builds which image.
#[derive(Default)]
pub(super) struct Matched {
    /// By the image's key.
    pub of_image: BTreeMap<String, Found>,
    /// Images whose BuildConfig is known under another tag, by key.
    pub renamed: BTreeSet<String>,
    /// Images that have a BuildConfig that is left alone, by key.
    pub left: BTreeSet<String>,
    /// Images that may have a BuildConfig in a file that cannot be read, by key.
    pub waiting: BTreeSet<String>,
    /// Images without a BuildConfig that cannot have one, as something else is in its place, by key.
    pub unplaced: BTreeSet<String>,
    /// BuildConfigs without an image.
    pub others: Vec<Found>,
}

/// Matches BuildConfigs and images by what is built, else by the one thing that they are both made from.
pub(super) fn matched(files: &mut Files<'_>, all: &[Found], plans: &[Plan<'_>], known: &BTreeSet<String>) -> Matched {
    let mut matched = Matched::default();
    let mut by_output: BTreeMap<&str, Vec<&Found>> = BTreeMap::new();
    for found in all {
        by_output.entry(&found.output).or_default().push(found);
    }
    let plan_of: BTreeMap<&str, &Plan<'_>> = plans.iter().map(|plan| (plan.output.as_str(), plan)).collect();
    for (output, several) in &by_output {
        let [found] = several.as_slice() else {
            if !output.is_empty() {
                duplicate(files, output, several);
                matched.left.extend(plan_of.get(output).map(|plan| plan.key.to_owned()));
            }
            continue;
        };
        match plan_of.get(output) {
            Some(plan) => drop(matched.of_image.insert(plan.key.to_owned(), (*found).clone())),
            None if !known.contains(*output) => matched.others.push((*found).clone()),
            None => {}
        }
    }
    for (path, outputs) in listed(files) {
        let text = format!(
            "{path} holds BuildConfigs in a list, of {}; they are left alone",
            outputs.join(", ")
        );
        let finding = Finding::new(Severity::Error, "unreadable-buildconfig", text)
            .with_help("let each be a document of its own, with `---` between them");
        files.tell(finding, &path, None);
        let known = outputs.iter().filter_map(|output| plan_of.get(output.as_str()));
        matched.left.extend(known.map(|plan| plan.key.to_owned()));
    }
    matched.of_image.retain(|key, _| !matched.left.contains(key));
    by_source(files, plans, &mut matched);
    matched
}

fn duplicate(files: &mut Files<'_>, output: &str, several: &[&Found]) {
    let names: Vec<&str> = several.iter().map(|found| found.path.as_str()).collect();
    let text = format!("{} all build {output}; they are left alone", names.join(", "));
    let finding =
        Finding::new(Severity::Error, "duplicate-output", text).with_help("let one of them go, or build another tag");
    let path = several[0].path.clone();
    files.tell(finding, &path, None);
}

/// What a BuildConfig or an image is built from: repository, context, and the Dockerfile's path below that.
type Source = (String, String, String);

fn source(node: &Node) -> Option<Source> {
    let uri = node.at(&["spec", "source", "git", "uri"])?.text()?;
    let text = |path: &[&str]| node.at(path).and_then(Node::text);
    let file = text(&["spec", "strategy", "dockerStrategy", "dockerfilePath"]).unwrap_or("Dockerfile");
    let context = text(&["spec", "source", "contextDir"]).unwrap_or_default();
    Some((repository(uri)?, clean(context), below(file, context)))
}

/// `org/repo` of an address.
pub(super) fn repository(uri: &str) -> Option<String> {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let mut parts = rest.trim_end_matches('/').trim_end_matches(".git").rsplit('/');
    let (repo, org) = (parts.next()?, parts.next()?);
    Some(format!("{org}/{repo}"))
}

/// The last part of a path.
pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn by_source(files: &Files<'_>, plans: &[Plan<'_>], matched: &mut Matched) {
    /// Files without an image and images without a file.
    type Unmatched<'p> = (Vec<usize>, Vec<&'p Plan<'p>>);
    let mut candidates: BTreeMap<Source, Unmatched<'_>> = BTreeMap::new();
    for (at, found) in matched.others.iter().enumerate() {
        if let Some(source) = found.node(files).and_then(source) {
            candidates.entry(source).or_default().0.push(at);
        }
    }
    let free = plans
        .iter()
        .filter(|plan| !matched.of_image.contains_key(plan.key) && !matched.left.contains(plan.key));
    for plan in free {
        let source = (
            plan.image.repository.value.clone(),
            clean(&plan.image.context_dir.value),
            below(&plan.image.dockerfile.value, &plan.image.context_dir.value),
        );
        candidates.entry(source).or_default().1.push(plan);
    }
    let mut taken = BTreeSet::new();
    for (there, wanted) in candidates.into_values() {
        if let ([at], [plan]) = (there.as_slice(), wanted.as_slice()) {
            taken.insert(*at);
            matched.renamed.insert(plan.key.to_owned());
            matched
                .of_image
                .insert(plan.key.to_owned(), matched.others[*at].clone());
        }
    }
    let mut at = 0;
    matched.others.retain(|_| {
        at += 1;
        !taken.contains(&(at - 1))
    });
}
