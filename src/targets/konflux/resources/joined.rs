//! A file that several releases change, each by itself: components with versions, and the list of their files.

use std::collections::BTreeSet;

use super::listed_as;
use crate::plan::Desired;
use crate::yaml::Node;
use crate::yaml::edit::path::{find, keys, set};
use crate::yaml::edit::{self, How};

/// The lists that releases share, and the key by which their items are told apart; none: by themselves.
const LISTS: [(&[&str], Option<&str>); 2] = [(&["spec", "source", "versions"], Some("name")), (&["resources"], None)];

/// The last release's file with what the others change of its lists; `None`: it cannot be made.
pub(in crate::targets) fn joined(before: Option<&[u8]>, afters: &[&[u8]]) -> Option<Vec<u8>> {
    let (last, others) = afters.split_last()?;
    let text = std::str::from_utf8(last).ok()?;
    let there = before.map_or(Some(Vec::new()), read)?;
    let mut documents = read(last)?;
    for other in others {
        for (at, other) in read(other)?.iter().enumerate() {
            let Some(document) = documents.get_mut(at).filter(|document| kind(document) == kind(other)) else {
                continue;
            };
            for (path, key) in LISTS {
                let path = keys(path);
                let items = |node: Option<&Node>| -> Vec<Node> {
                    let list = node.and_then(|node| find(node, &path)).and_then(Node::as_seq);
                    list.map(<[Node]>::to_vec).unwrap_or_default()
                };
                let (own, theirs) = (items(Some(document)), items(Some(other)));
                let merged = merged(own.clone(), &items(there.get(at)), &theirs, key);
                if merged != own {
                    _ = set(document, &path, Node::seq(merged));
                }
            }
        }
    }
    edited(text, &documents)
}

fn read(bytes: &[u8]) -> Option<Vec<Node>> {
    edit::documents(std::str::from_utf8(bytes).ok()?, &How::default()).ok()
}

fn edited(text: &str, documents: &[Node]) -> Option<Vec<u8>> {
    let how = How {
        indent_lists: true,
        ..How::default()
    };
    edit::edit(text, documents, &how).ok().map(String::into_bytes)
}

/// Leaves files in a list of files that are not removed yet; the list is held where nothing else of it changes.
pub(in crate::targets::konflux) fn stay_listed(list: &mut Desired, stay: &BTreeSet<&str>) {
    let (Some(before), Some(after)) = (list.before.as_deref(), list.after.as_deref()) else {
        return;
    };
    let (Some(mut documents), Some(new)) = (read(before), read(after)) else {
        return;
    };
    let path = keys(&["resources"]);
    let items = |documents: &[Node]| -> Vec<Node> {
        let list = documents
            .first()
            .and_then(|node| find(node, &path))
            .and_then(Node::as_seq);
        list.map(<[Node]>::to_vec).unwrap_or_default()
    };
    let (there, new) = (items(&documents), items(&new));
    let stays = |node: &Node| stay.contains(&*listed_as(node));
    if !there.iter().any(|node| !new.contains(node) && stays(node)) {
        return;
    }
    let mut all = there.clone();
    all.retain(|node| new.contains(node) || stays(node));
    all.extend(new.into_iter().filter(|node| !there.contains(node)));
    let changed = all != there;
    if let Some(root) = documents.first_mut() {
        _ = set(root, &path, Node::seq(all));
    }
    let text = std::str::from_utf8(before).ok().filter(|_| changed);
    match text.and_then(|text| edited(text, &documents)) {
        Some(text) => list.after = Some(text.into()),
        None => list.hold(),
    }
}

fn kind(node: &Node) -> Option<&str> {
    node.get("kind").and_then(Node::as_str)
}

/// A list with what another one changes of what was there.
fn merged(mut own: Vec<Node>, before: &[Node], theirs: &[Node], key: Option<&str>) -> Vec<Node> {
    let name = |node: &Node| {
        let named = key.map_or(Some(node), |key| node.get(key));
        named.and_then(Node::text).map(str::to_owned)
    };
    let of = |list: &[Node], item: &Node| list.iter().position(|other| name(other) == name(item));
    for item in theirs.iter().filter(|item| !before.contains(item)) {
        match of(&own, item) {
            Some(at) => own[at] = item.clone(),
            None => own.push(item.clone()),
        }
    }
    own.retain(|item| of(before, item).is_none() || of(theirs, item).is_some());
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(versions: &str) -> String {
        format!("kind: Component\nspec:\n  source:\n    url: x # theirs\n    versions:{versions}\n")
    }

    #[test]
    fn each_release_has_its_version_and_nobodys_is_lost() {
        let version = |name: &str, branch: &str| format!("\n    - name: {name}\n      revision: {branch}");
        let (old, gone) = (version("4-16", "main"), version("4-15", "b"));
        let before = component(&format!("{gone}{old}"));
        // One release moves its branch, one leaves, one joins.
        let one = component(&format!("{gone}{}", version("4-16", "release-4.16")));
        let two = component(&old);
        let three = component(&format!("{gone}{old}{}", version("4-17", "main")));
        let joined = joined(
            Some(before.as_bytes()),
            &[one.as_bytes(), two.as_bytes(), three.as_bytes()],
        );
        let wanted = component(&format!(
            "{}{}",
            version("4-16", "release-4.16"),
            version("4-17", "main")
        ));
        assert_eq!(
            joined.as_deref().map(String::from_utf8_lossy).as_deref(),
            Some(wanted.as_str())
        );
    }

    #[test]
    fn new_files_of_several_releases_are_one() {
        let list = |files: &str| format!("kind: Kustomization\nresources:\n{files}");
        let (one, two) = (list("- a.yaml\n- b.yaml\n"), list("- b.yaml\n- c.yaml\n"));
        let joined = joined(None, &[one.as_bytes(), two.as_bytes()]).expect("one file");
        assert_eq!(String::from_utf8_lossy(&joined), list("- b.yaml\n- c.yaml\n- a.yaml\n"));
        assert!(super::joined(None, &[b"a: [", b"b: 1"]).is_none() && super::joined(None, &[]).is_none());
    }
}
