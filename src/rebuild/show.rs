//! What has to be built again, for people and for the programs that build it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::{Again, Rebuild};

/// For people: a line an image, in batches, what concerns itself first.
pub fn text(rebuild: &Rebuild) -> String {
    let mut out = format!(
        "{} of {} images of {} have to be built again",
        rebuild.images.len(),
        rebuild.of,
        rebuild.release
    );
    out.push_str(if rebuild.images.is_empty() { "\n" } else { ":\n" });
    for (at, batch) in rebuild.batches.iter().enumerate() {
        _ = writeln!(out, "\nbatch {}", at + 1);
        let mut images: Vec<(&String, &Again)> = batch
            .iter()
            .filter_map(|key| rebuild.images.get_key_value(key))
            .collect();
        images.sort_by_key(|(key, image)| (image.only_by_parent, *key));
        for (_, image) in images {
            _ = writeln!(out, "  {}", line(image));
        }
    }
    let without: Vec<&Again> = rebuild.images.values().filter(|image| image.batch.is_none()).collect();
    if !without.is_empty() {
        out.push_str("\nin no batch: built from something that is in a circle or could not be derived\n");
        for image in without {
            _ = writeln!(out, "  {}", line(image));
        }
    }
    if !rebuild.gone.is_empty() {
        _ = writeln!(out, "\nno longer built: {}", rebuild.gone.join(", "));
    }
    if !rebuild.unknown.is_empty() {
        let unknown = rebuild.unknown.join(", ");
        _ = writeln!(out, "\nnot known, as they could not be read or derived: {unknown}");
    }
    out
}

fn line(image: &Again) -> String {
    let reasons: Vec<String> = image.reasons.iter().map(ToString::to_string).collect();
    let mark = if image.only_by_parent {
        " (only by what it is built from)"
    } else {
        ""
    };
    format!("{}: {}{mark}", image.tag, reasons.join(", "))
}

/// The tags, one a line, in the order of their batches.
pub fn tags(rebuild: &Rebuild) -> String {
    let keys = rebuild.batches.iter().flatten();
    let tags = keys
        .filter_map(|key| rebuild.images.get(key))
        .map(|image| format!("{}\n", image.tag));
    tags.collect()
}

/// Component names for Konflux, one a line, in the order of their batches. `names`: by key.
pub fn konflux(rebuild: &Rebuild, names: &BTreeMap<String, String>) -> String {
    let keys = rebuild.batches.iter().flatten();
    keys.filter_map(|key| names.get(key))
        .map(|name| format!("{name}\n"))
        .collect()
}

/// Parameters of the pipeline's Argo workflow. `names`: BuildConfigs by key; what has none is not built there.
///
/// Where an image is built from another source, that stands in its item, and the workflow forgets what it has built: its
/// memory knows an image by the source of its BuildConfig, not by the one that was put in its place.
pub fn argo(rebuild: &Rebuild, names: &BTreeMap<String, String>) -> Json {
    let (mut overrides, mut batches) = (false, Vec::new());
    for batch in &rebuild.batches {
        let mut items = Vec::new();
        for key in batch {
            let (Some(name), Some(image)) = (names.get(key), rebuild.images.get(key)) else {
                continue;
            };
            let moved = image.only_source && (image.other_repository.is_some() || image.other_branch.is_some());
            let of = |value: &Option<String>| value.clone().filter(|_| moved).unwrap_or_default();
            let repository = of(&image.other_repository);
            let url = if repository.is_empty() {
                String::new()
            } else {
                format!("https://github.com/{repository}")
            };
            overrides |= moved;
            items.push(json!({"buildConfig": name, "overrideRepoUrl": url, "overrideBranch": of(&image.other_branch)}));
        }
        if !items.is_empty() {
            batches.push(Json::Array(items));
        }
    }
    let list = Json::Array(batches).to_string();
    let mut parameters = vec![json!({"name": "buildconfigs-batched-list", "value": list})];
    if overrides {
        parameters.push(json!({"name": "cleanup", "value": "true"}));
    }
    json!({"arguments": {"parameters": parameters}})
}

/// A run for Tekton with a task a batch. `names`: BuildConfigs by key.
pub fn tekton(rebuild: &Rebuild, names: &BTreeMap<String, String>) -> Json {
    let mut tasks: Vec<Json> = Vec::new();
    for batch in &rebuild.batches {
        let builds: Vec<&String> = batch.iter().filter_map(|key| names.get(key)).collect();
        if builds.is_empty() {
            continue;
        }
        let mut task = json!({
            "name": format!("batch-{:02}", tasks.len() + 1),
            "taskRef": {"name": "batch-build"},
            "params": [{"name": "build_configs", "value": builds}],
        });
        if let Some(before) = tasks.last() {
            task["runAfter"] = json!([before["name"]]);
        }
        tasks.push(task);
    }
    json!({
        "apiVersion": "tekton.dev/v1",
        "kind": "PipelineRun",
        "metadata": {"generateName": "rebuild-"},
        "spec": {"pipelineSpec": {"tasks": tasks}},
    })
}
