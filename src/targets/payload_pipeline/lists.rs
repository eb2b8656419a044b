//! What kustomize applies, image streams, and lists that others keep.

use std::collections::BTreeSet;

use super::causes::Causes;
use super::names::some;
use crate::finding::{Finding, Severity};
use crate::targets::documents::Files;
use crate::targets::paths::clean;
use crate::yaml::Node;
use crate::yaml::edit::path::{Step, find, find_mut, set};

/// The list of what is applied.
pub(super) const KUSTOMIZATION: &str = "buildconfigs/kustomization.yaml";
/// The stream that is built into, with images in the place of tags that are not built.
const PLACEHOLDERS: &str = "buildconfigs/01-imagestream.yaml";
/// Images that are imported.
const IMPORTED: &str = "buildconfigs/02-additional-imagestream.yaml";
/// A list of all builds that people keep.
const REBUILD: &str = "pipelines/full-rebuild.yaml";

/// How the names of files end that hold objects.
const ENDS: [&str; 3] = ["yaml", "yml", "json"];

/// A change of the list of files.
pub(super) enum Listed {
    Added(String),
    Removed(String),
    Renamed(String, String),
}

/// Brings the list of files in line, and tells where it names what is not there, or does not name what is.
pub(super) fn kustomization(files: &mut Files<'_>, causes: &Causes<'_>, changed: &[Listed]) {
    let Some(mut names) = resources(files) else { return };
    let before = names.clone();
    for change in changed {
        let (old, new) = match change {
            Listed::Added(name) => (None, Some(name)),
            Listed::Removed(name) => (Some(name), None),
            Listed::Renamed(from, to) => (Some(from), Some(to)),
        };
        let has = |name: &String| names.iter().any(|known| clean(known) == *name);
        if !old.is_some_and(has) && new.is_none_or(has) {
            continue;
        }
        let item = new.or(old).cloned().unwrap_or_default();
        let cause = causes.list("resources[]", &item, &[], old.cloned(), new.cloned());
        if !files.change(KUSTOMIZATION, cause, |_| {}) {
            continue;
        }
        names.retain(|name| Some(&clean(name)) != old);
        if let Some(new) = new {
            insert(&mut names, new);
        }
    }
    if names != before {
        let list = Node::seq(names.iter().map(|name| Node::string(name.as_str())));
        files.apply(KUSTOMIZATION, |documents| {
            _ = set(&mut documents[0], &[Step::Key("resources")], list)
        });
    }
    check(files, &names);
}

fn resources(files: &Files<'_>) -> Option<Vec<String>> {
    let list = files.documents(KUSTOMIZATION).first()?.get("resources")?.as_seq()?;
    Some(list.iter().filter_map(Node::text).map(str::to_owned).collect())
}

/// Puts a name in front of the first one that comes later in the alphabet.
fn insert(names: &mut Vec<String>, new: &str) {
    if names.iter().any(|name| clean(name) == new) {
        return;
    }
    let later = |name: &String| clean(name).as_str() > new;
    let at = names.iter().position(later).unwrap_or(names.len());
    names.insert(at, new.to_owned());
}

fn check(files: &mut Files<'_>, names: &[String]) {
    let folder = "buildconfigs/";
    let absent = names.iter().filter(|name| {
        !name.contains("..")
            && !name.contains("://")
            && name.rsplit_once('.').is_some_and(|(_, end)| ENDS.contains(&end))
    });
    let absent: Vec<&String> = absent
        .filter(|name| !files.is_there(&format!("{folder}{}", clean(name))))
        .collect();
    if !absent.is_empty() {
        let text = format!("in the list and not there: {}", some(&absent));
        let finding = Finding::new(Severity::Error, "listed-but-absent", text)
            .with_help("take the names out: kustomize stops at the first of them");
        files.tell(finding, KUSTOMIZATION, None);
    }
    let listed: BTreeSet<String> = names.iter().map(|name| clean(name)).collect();
    let there = files
        .below(folder)
        .filter_map(|(path, _)| path.strip_prefix(folder))
        .map(str::to_owned);
    let unlisted: Vec<String> = there
        .filter(|name| !listed.contains(name) && name != "kustomization.yaml" && !name.contains('/'))
        .collect();
    if !unlisted.is_empty() {
        let text = format!("not in the list, so kustomize leaves it out: {}", some(&unlisted));
        let finding = Finding::new(Severity::Note, "absent-from-list", text).with_help("list them, or remove them");
        files.tell(finding, KUSTOMIZATION, None);
    }
}

/// Takes images away that stand for tags which are built.
pub(super) fn placeholders(files: &mut Files<'_>, causes: &Causes<'_>, built: &BTreeSet<&str>) {
    let tags = [Step::Key("spec"), Step::Key("tags")];
    let stream = causes.stream().to_owned();
    for document in 0..files.documents(PLACEHOLDERS).len() {
        let root = &files.documents(PLACEHOLDERS)[document];
        if root.at(&["metadata", "name"]).and_then(Node::text) != Some(&stream) {
            continue;
        }
        let items = find(root, &tags).and_then(Node::as_seq).unwrap_or_default();
        let names = items
            .iter()
            .filter_map(|item| Some((item.get("name")?.text()?.to_owned(), item.pos.line)));
        let gone: Vec<(String, u32)> = names.filter(|(name, _)| built.contains(name.as_str())).collect();
        for (name, line) in gone {
            let text = format!("{name} has another image in its place, and is built now");
            files.tell(
                Finding::new(Severity::Note, "placeholder-tag-built", text),
                PLACEHOLDERS,
                Some(line),
            );
            let cause = causes.list("tags[]", &name, &[&name], Some("a placeholder".to_owned()), None);
            files.change(PLACEHOLDERS, cause, |documents| {
                if let Some(items) = find_mut(&mut documents[document], &tags).and_then(Node::as_seq_mut) {
                    items.retain(|item| item.get("name").and_then(Node::text) != Some(&name));
                }
            });
        }
    }
}

/// Lets a builder be imported.
pub(super) fn import(files: &mut Files<'_>, causes: &Causes<'_>, stream: &str, name: &str, pullspec: &str) {
    let document = files
        .documents(IMPORTED)
        .iter()
        .position(|node| node.at(&["metadata", "name"]).and_then(Node::text) == Some(stream));
    let Some(document) = document else {
        let text = format!("{name} is to be imported into the stream {stream}, which {IMPORTED} does not have");
        let finding = Finding::new(Severity::Warning, "parent-in-no-batch", text).with_help("add the stream");
        return files.tell(finding, IMPORTED, None);
    };
    let identity: &[&str] = &["name"];
    let tag = [Step::Key("spec"), Step::Key("tags"), Step::With(identity, name)];
    let at = [&tag[..], &[Step::Key("from"), Step::Key("name")]].concat();
    let there = find(&files.documents(IMPORTED)[document], &at)
        .and_then(Node::text)
        .map(str::to_owned);
    if there.as_deref() == Some(pullspec) {
        return;
    }
    let is_new = find(&files.documents(IMPORTED)[document], &tag).is_none();
    let cause = causes.list("tags[]", name, &[], there, Some(pullspec.to_owned()));
    files.change(IMPORTED, cause, |documents| {
        let root = &mut documents[document];
        let text = |text: &str| Node::string(text);
        let kind = [&tag[..], &[Step::Key("from"), Step::Key("kind")]].concat();
        _ = set(root, &kind, text("DockerImage")) && set(root, &at, text(pullspec));
        if is_new {
            let policy = [&tag[..], &[Step::Key("referencePolicy"), Step::Key("type")]].concat();
            _ = set(root, &policy, text("Local"));
        }
    });
}

/// Tells what a list that people keep lacks, and what of it is gone.
pub(super) fn rebuild(files: &mut Files<'_>, names: &BTreeSet<String>, gone: &BTreeSet<String>) {
    if !files.is_there(REBUILD) {
        return;
    }
    let mut there = BTreeSet::new();
    for node in files.documents(REBUILD) {
        let tasks = node.at(&["spec", "tasks"]).and_then(Node::as_seq).unwrap_or_default();
        for params in tasks.iter().filter_map(|task| task.get("params")?.as_seq()) {
            let lists = params
                .iter()
                .filter(|param| param.get("name").and_then(Node::text) == Some("build_configs"));
            let items = lists.filter_map(|param| param.get("value")?.as_seq()).flatten();
            there.extend(items.filter_map(Node::text).map(str::to_owned));
        }
    }
    let stale: Vec<&String> = there.intersection(gone).collect();
    if !stale.is_empty() {
        let text = format!(
            "in the list, and there is no BuildConfig of that name any more: {}",
            some(&stale)
        );
        let finding = Finding::new(Severity::Error, "listed-but-absent", text).with_help("take the names out");
        files.tell(finding, REBUILD, None);
    }
    let missing: Vec<&String> = names.iter().filter(|name| !there.contains(*name)).collect();
    if !missing.is_empty() {
        let text = format!(
            "{} of the images that are built here are not in this list: {}",
            missing.len(),
            some(&missing)
        );
        let finding = Finding::new(Severity::Note, "list-behind", text).with_help("add them, or remove the list");
        files.tell(finding, REBUILD, None);
    }
}
