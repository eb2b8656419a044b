//! Looks for Dockerfiles where the one that metadata names is not.

use std::collections::BTreeSet;

use crate::config::Via;
use crate::source::{EntryKind, Snapshot};

/// Folders that hold other people's files.
const FOREIGN: [&str; 4] = ["vendor", "node_modules", "third_party", "testdata"];
/// How deep folders are looked into.
const DEPTH: usize = 6;
/// The most folders that are looked into.
const FOLDERS: usize = 3000;
/// The most files that are named.
const FILES: usize = 100;

/// The Dockerfiles of a repository, sorted. Behind GitHub's API each folder is a request: there only the folders on the way to the
/// missing ones are looked into.
pub(super) fn there(snapshot: &dyn Snapshot, missing: &[&str], via: Via) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut todo: Vec<(String, usize)> = match via {
        Via::GitHub => on_the_way(missing).into_iter().map(|folder| (folder, 0)).collect(),
        Via::Git | Via::None => vec![(String::new(), DEPTH)],
    };
    let mut looked = 0;
    while let Some((folder, depth)) = todo.pop() {
        looked += 1;
        if looked > FOLDERS || found.len() >= FILES {
            break;
        }
        for entry in snapshot.list(&folder).ok().flatten().unwrap_or_default() {
            let path = if folder.is_empty() {
                entry.name.clone()
            } else {
                format!("{folder}/{}", entry.name)
            };
            match entry.kind {
                EntryKind::Dir if depth > 0 && !FOREIGN.contains(&entry.name.as_str()) => todo.push((path, depth - 1)),
                EntryKind::File | EntryKind::Link if is_dockerfile(&entry.name) => drop(found.insert(path)),
                _ => {}
            }
        }
    }
    found.into_iter().take(FILES).collect()
}

/// The folders of some files, with all that they are in.
fn on_the_way(files: &[&str]) -> BTreeSet<String> {
    let mut folders = BTreeSet::from([String::new()]);
    for file in files {
        let mut at = *file;
        while let Some((folder, _)) = at.rsplit_once('/') {
            folders.insert(folder.to_owned());
            at = folder;
        }
    }
    folders
}

/// Whether a file is called as Dockerfiles are.
fn is_dockerfile(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is = |word: &str| {
        name == word
            || name.starts_with(&format!("{word}."))
            || name.starts_with(&format!("{word}-"))
            || name.ends_with(&format!(".{word}"))
    };
    is("dockerfile") || is("containerfile")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::memory::MemorySnapshot;

    #[test]
    fn dockerfiles_are_found_by_their_names() {
        let files = [
            "Dockerfile.rhel9",
            "images/a/Containerfile",
            "ci.Dockerfile",
            "vendor/x/Dockerfile",
            "Dockerfiles",
            "a/dockerfile",
            "docs/x.md",
        ];
        let tree: MemorySnapshot = files.iter().map(|path| (*path, "FROM x\n")).collect();
        let all = there(&tree, &["Dockerfile"], Via::Git);
        assert_eq!(
            all,
            [
                "Dockerfile.rhel9",
                "a/dockerfile",
                "ci.Dockerfile",
                "images/a/Containerfile"
            ]
        );
        let near = there(&tree, &["images/a/Dockerfile"], Via::GitHub);
        assert_eq!(near, ["Dockerfile.rhel9", "ci.Dockerfile", "images/a/Containerfile"]);
    }
}
