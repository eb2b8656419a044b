//! BuildConfigs of images that the release no longer has.

use std::collections::BTreeSet;

use super::causes::Causes;
use super::found::{Found, Matched};
use super::fresh::{MARK, OF_BUILDER};
use super::patches::labels;
use super::wanted::{SKIP, TAGS, TAGS_LABEL};
use crate::finding::{Finding, Severity};
use crate::targets::documents::Files;
use crate::yaml::{Node, Value};

/// Removes what is positively gone and has nothing of people's in it, and tells of the rest. `settled`: what each image needs
/// is known, so that a builder that none does is gone. What was removed.
pub(super) fn render(files: &mut Files<'_>, causes: &Causes<'_>, matched: &Matched, settled: bool) -> Vec<Found> {
    let here = causes.here;
    let dropped: BTreeSet<String> = here
        .dropped
        .iter()
        .map(|tag| format!("{}:{tag}", causes.stream()))
        .collect();
    let builders: BTreeSet<String> = causes
        .here
        .builders
        .iter()
        .map(|(name, builder)| format!("{}:{name}", builder.in_stream.value))
        .collect();
    let mut removed = Vec::new();
    for found in matched.others.iter().filter(|found| !builders.contains(&found.output)) {
        let Some(node) = found.node(files).cloned() else {
            continue;
        };
        let labels = labels(&node);
        let marked = labels.get(MARK.0).is_some_and(|mark| mark == MARK.1);
        // What an image is built with that is held is not known.
        if marked && labels.contains_key(OF_BUILDER) && !settled {
            continue;
        }
        let gone = dropped.contains(&found.output) || (marked && here.complete);
        if !gone {
            without(files, found);
            continue;
        }
        let additions = additions(&node);
        if !additions.is_empty() || files.documents(&found.path).len() != 1 {
            let what = if additions.is_empty() {
                "other documents".to_owned()
            } else {
                additions.join(", ")
            };
            let text = format!(
                "{} builds {}, which the release does not have; it stays, as people added {what}",
                found.path, found.output
            );
            let finding =
                Finding::new(Severity::Warning, "dropped-with-additions", text).with_help("remove the file by hand");
            files.tell(finding, &found.path, None);
            continue;
        }
        let cause = causes.file(None, found.output.rsplit(':').next(), Some("a BuildConfig"), None);
        if files.remove(&found.path, cause) {
            removed.push(found.clone());
        }
    }
    removed
}

fn without(files: &mut Files<'_>, found: &Found) {
    let output = if found.output.is_empty() {
        "nothing that is known"
    } else {
        &found.output
    };
    let text = format!("{} builds {output}, which is no image of the release", found.name);
    let finding = Finding::new(Severity::Note, "buildconfig-without-image", text)
        .with_help("nothing, where it is the pipeline's own; otherwise remove it");
    let line = super::wanted::line_of(found, files);
    files.tell(finding, &found.path, line);
}

/// What of a BuildConfig is neither managed nor set in new files.
fn additions(node: &Node) -> Vec<String> {
    let known: [&[&str]; 14] = [
        &["apiVersion"],
        &["kind"],
        &["metadata", "name"],
        &["metadata", "annotations", super::fresh::ARCHES],
        &["spec", "source", "type"],
        &["spec", "source", "git", "uri"],
        &["spec", "source", "git", "ref"],
        &["spec", "source", "contextDir"],
        &["spec", "strategy", "type"],
        &["spec", "strategy", "dockerStrategy", "imageOptimizationPolicy"],
        &["spec", "strategy", "dockerStrategy", "dockerfilePath"],
        &["spec", "strategy", "dockerStrategy", "from"],
        &["spec", "output", "to"],
        &["metadata", "labels", MARK.0],
    ];
    let labels = SKIP.into_iter().chain([TAGS_LABEL, "resources-profile", OF_BUILDER]);
    let labels: Vec<[&str; 3]> = labels.map(|label| ["metadata", "labels", label]).collect();
    let mut found = Vec::new();
    let is_known = |path: &[&str]| known.contains(&path) || labels.iter().any(|label| label[..] == *path);
    walk(node, &mut Vec::new(), &is_known, &mut found);
    found
}

fn walk(node: &Node, path: &mut Vec<&str>, known: &dyn Fn(&[&str]) -> bool, found: &mut Vec<String>) {
    if known(path) {
        return;
    }
    match (&node.value, path.as_slice()) {
        (Value::Map(map), _) => {
            for (key, value) in map.iter() {
                // The path lives as long as this visit of the entry.
                let mut below: Vec<&str> = path.clone();
                below.push(key);
                walk(value, &mut below, known, found);
            }
        }
        (Value::Seq(items), ["spec", "source", "images"]) => {
            if items.iter().any(|item| item.get("paths").is_some()) {
                found.push("spec.source.images[].paths".to_owned());
            }
        }
        (Value::Seq(items), ["spec", "strategy", "dockerStrategy", "buildArgs"]) => {
            let other = items
                .iter()
                .filter_map(|item| item.get("name")?.text())
                .filter(|name| *name != TAGS);
            found.extend(other.map(|name| format!("buildArgs {name}")));
        }
        _ => found.push(path.join(".")),
    }
}
