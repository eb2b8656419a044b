//! Tekton's batches: the tasks of the pipeline that builds all from scratch.

use std::collections::BTreeSet;

use super::causes::Causes;
use super::order::{Order, settle, too_early};
use super::patches::Patch;
use super::vacant::Unread;
use crate::finding::{Finding, Severity};
use crate::targets::documents::Files;
use crate::yaml::Node;
use crate::yaml::edit::path::{Step, find, find_mut, set};

/// The pipeline's file.
pub(super) const FILE: &str = "pipelines/build-from-scratch.yaml";

const TASKS: [Step<'static>; 2] = [Step::Key("spec"), Step::Key("tasks")];
const LIST: [Step<'static>; 3] = [
    Step::Key("params"),
    Step::With(&["name"], "build_configs"),
    Step::Key("value"),
];

/// The tasks that build: their place among the tasks, by batch.
struct Tasks {
    document: usize,
    /// Index of the task of each batch from 0 on.
    at: Vec<usize>,
}

/// The names of BuildConfigs that are built before all batches.
pub(super) fn prepared(files: &Files<'_>) -> BTreeSet<String> {
    let documents = files.documents(FILE);
    let Some(tasks) = tasks(documents) else {
        return BTreeSet::new();
    };
    let list = lists(documents, &tasks).into_iter().next();
    list.unwrap_or_default().into_iter().collect()
}

fn tasks(documents: &[Node]) -> Option<Tasks> {
    documents.iter().enumerate().find_map(|(document, node)| {
        let all = find(node, &TASKS)?.as_seq()?;
        let name = |task: &Node| task.get("name").and_then(Node::text).unwrap_or_default().to_owned();
        let place = |wanted: &str| {
            all.iter()
                .position(|task| name(task) == wanted && find(task, &LIST).is_some())
        };
        let mut at = Vec::new();
        while let Some(found) = place(&batch_name(at.len() + 1)) {
            at.push(found);
        }
        // What the first batch runs after is built before all of them.
        let first = all.get(*at.first()?)?;
        let before = first
            .get("runAfter")?
            .as_seq()?
            .iter()
            .filter_map(Node::text)
            .find_map(place)?;
        at.insert(0, before);
        Some(Tasks { document, at })
    })
}

fn batch_name(batch: usize) -> String {
    format!("batch-{batch:02}")
}

fn lists(documents: &[Node], tasks: &Tasks) -> Vec<Vec<String>> {
    let root = &documents[tasks.document];
    let list = |at: &usize| {
        let path = [&TASKS[..], &[Step::At(*at)], &LIST].concat();
        let items = find(root, &path).and_then(Node::as_seq).unwrap_or_default();
        items.iter().filter_map(Node::text).map(str::to_owned).collect()
    };
    tasks.at.iter().map(list).collect()
}

/// Brings the lists in line. A patch that counts tasks keeps their number as it is.
pub(super) fn render(files: &mut Files<'_>, causes: &Causes<'_>, order: &Order, patches: &[Patch], unread: &Unread) {
    let Some(tasks) = tasks(files.documents(FILE)) else {
        if files.is_there(FILE) {
            let text = format!(
                "{FILE} has no task {} with a list of BuildConfigs that runs after another one",
                batch_name(1)
            );
            files.tell(
                Finding::new(Severity::Error, "unreadable-buildconfig", text).with_help("put the pipeline right"),
                FILE,
                None,
            );
        }
        return;
    };
    let before = lists(files.documents(FILE), &tasks);
    counted(files, &tasks, patches);
    let mut after = settle(files, causes, FILE, &before, order);
    builders(files, causes, &mut after, order);
    let room = tasks.at.len();
    if after.len() > room && !may_grow(files, &tasks, patches) {
        after.truncate(room);
        for (at, list) in before.iter().enumerate() {
            let lost: Vec<String> = list
                .iter()
                .filter(|name| !after.iter().flatten().any(|kept| kept == *name))
                .cloned()
                .collect();
            after[at].extend(lost);
        }
    }
    too_early(files, FILE, &after, order);
    unknown(files, &after, order, unread);
    if after != before {
        let cause_free = |documents: &mut [Node]| write(&mut documents[tasks.document], &tasks, &before, &after);
        files.apply(FILE, cause_free);
    }
}

/// The builders, in front of all that is built with them.
fn builders(files: &mut Files<'_>, causes: &Causes<'_>, lists: &mut [Vec<String>], order: &Order) {
    let Some(first) = lists.first_mut() else { return };
    let mut at = 0;
    for name in &order.builders {
        if first.contains(name) {
            continue;
        }
        let cause = causes.list("build_configs", name, &[name], None, Some("batch 0".to_owned()));
        if files.change(FILE, cause, |_| {}) {
            first.insert(at, name.clone());
            at += 1;
        }
    }
}

fn write(root: &mut Node, tasks: &Tasks, before: &[Vec<String>], after: &[Vec<String>]) {
    let node = |names: &[String]| Node::seq(names.iter().map(|name| Node::string(name.as_str())));
    for (batch, names) in after.iter().enumerate().take(tasks.at.len()) {
        if before.get(batch) != Some(names) {
            let path = [&TASKS[..], &[Step::At(tasks.at[batch])], &LIST].concat();
            _ = set(root, &path, node(names));
        }
    }
    let Some(last) = tasks.at.last().copied() else { return };
    let Some(all) = find_mut(root, &TASKS).and_then(Node::as_seq_mut) else {
        return;
    };
    let mut previous = batch_name(tasks.at.len() - 1);
    let end = previous.clone();
    for (batch, names) in after.iter().enumerate().skip(tasks.at.len()) {
        let mut task = all[last].clone();
        let name = batch_name(batch);
        _ = set(&mut task, &[Step::Key("name")], Node::string(name.as_str()));
        _ = set(
            &mut task,
            &[Step::Key("runAfter")],
            Node::seq([Node::string(previous.as_str())]),
        );
        _ = set(&mut task, &LIST, node(names));
        all.insert(last + batch + 1 - tasks.at.len(), task);
        previous = name;
    }
    for task in all.iter_mut() {
        let own = task
            .get("name")
            .and_then(Node::text)
            .is_some_and(|name| name.starts_with("batch-"));
        let after = task
            .as_map_mut()
            .and_then(|map| map.get_mut("runAfter"))
            .and_then(Node::as_seq_mut);
        for name in after
            .into_iter()
            .flatten()
            .filter(|name| !own && name.text() == Some(&end))
        {
            *name = Node::string(previous.as_str());
        }
    }
}

/// Patches that name a task by its number have to find a batch there.
fn counted(files: &mut Files<'_>, tasks: &Tasks, patches: &[Patch]) {
    for patch in patches.iter().filter(|patch| patch.kind == "Pipeline") {
        for at in patch.task_indices() {
            if !tasks.at.contains(&at) {
                let text = format!(
                    "a patch of {} changes task {at} of the pipeline, which is no batch",
                    patch.target
                );
                let finding = Finding::new(Severity::Error, "patch-index", text)
                    .with_help("let the patch name the number of the task that it means");
                files.tell(finding, &patch.file, Some(patch.line));
            }
        }
    }
}

/// Whether a task may be added: no patch counts tasks behind the last batch.
fn may_grow(files: &mut Files<'_>, tasks: &Tasks, patches: &[Patch]) -> bool {
    let last = tasks.at.last().copied().unwrap_or_default();
    let pipelines = patches.iter().filter(|patch| patch.kind == "Pipeline");
    let counting: Vec<&Patch> = pipelines
        .filter(|patch| patch.task_indices().any(|at| at > last))
        .collect();
    for patch in &counting {
        let text = "another batch is needed, and a patch counts the tasks behind it: their number stays as it is";
        let finding = Finding::new(Severity::Error, "patch-index", text)
            .with_help("take the number out of the patch, then the batch is added");
        files.tell(finding, &patch.file, Some(patch.line));
    }
    counting.is_empty()
}

/// Tells of names that no BuildConfig has.
fn unknown(files: &mut Files<'_>, lists: &[Vec<String>], order: &Order, unread: &Unread) {
    let is_known = |name: &str| order.all.contains(name) || unread.may_hold(name).is_some();
    for name in lists.iter().flatten().filter(|name| !is_known(name)) {
        let text = format!("{name} is in a batch, and there is no BuildConfig of that name");
        let finding = Finding::new(Severity::Error, "listed-but-absent", text).with_help("take it out of the batch");
        files.tell(finding, FILE, None);
    }
}
