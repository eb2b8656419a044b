//! Reads a target's files as they are: those that a release's configs go to, and all others of our variant.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Run, unreadable};
use crate::audit::Finding;
use crate::derive::Release;
use crate::facts::ci_config::{self, ConfigName};
use crate::source::{EntryKind, Snapshot};

type Read = (BTreeMap<String, Arc<[u8]>>, Vec<Finding>);

/// Must change when the same commit yields another list.
const VERSION: u32 = 1;

/// Reads all configs of our variant.
pub fn files(run: &Run, release: &Release<'_>, snapshot: &dyn Snapshot) -> Read {
    let mut findings = Vec::new();
    let variant = release.payload.variant.value.as_str();
    let key = snapshot
        .origin()
        .commit
        .as_ref()
        .map(|commit| format!("{commit} {variant}"));
    let known = key
        .as_ref()
        .and_then(|key| run.store.get("variant", VERSION, key.as_bytes()));
    let paths: Vec<String> = known.unwrap_or_else(|| {
        let paths = list(variant, snapshot, &mut findings);
        if let (Some(key), true) = (key, findings.is_empty()) {
            run.store.put("variant", VERSION, key.as_bytes(), &paths);
        }
        paths
    });
    let read: Vec<_> = paths.into_par_iter().map(|path| (snapshot.read(&path), path)).collect();
    let mut files = BTreeMap::new();
    for (result, path) in read {
        match result {
            Ok(Some(blob)) => drop(files.insert(path, blob.bytes)),
            Ok(None) => {}
            Err(error) => {
                // A text that is no config stands for it: it is reported once more there and stays as it is.
                findings.push(unreadable(
                    snapshot,
                    "unreadable-config",
                    &path,
                    None,
                    error.to_string(),
                ));
                files.insert(path, Arc::from(&b"\0"[..]));
            }
        }
    }
    (files, findings)
}

/// Lists the paths of all configs of a variant.
fn list(variant: &str, snapshot: &dyn Snapshot, findings: &mut Vec<Finding>) -> Vec<String> {
    let mut folders = Vec::new();
    for org in directories(snapshot, ci_config::ROOT, findings) {
        let root = format!("{}/{org}", ci_config::ROOT);
        folders.extend(
            directories(snapshot, &root, findings)
                .into_iter()
                .map(|repo| (org.clone(), repo)),
        );
    }
    let mut paths: Vec<String> = folders
        .par_iter()
        .flat_map_iter(|(org, repo)| {
            let folder = format!("{}/{org}/{repo}", ci_config::ROOT);
            let entries = snapshot.list(&folder).ok().flatten().unwrap_or_default();
            let ours = move |file: &str| {
                ConfigName::parse(file, org, repo).is_some_and(|name| name.variant.as_deref() == Some(variant))
            };
            let names = entries
                .into_iter()
                .map(|entry| entry.name)
                .filter(move |name| ours(name));
            names.map(move |name| format!("{folder}/{name}"))
        })
        .collect();
    paths.sort();
    paths
}

fn directories(snapshot: &dyn Snapshot, folder: &str, findings: &mut Vec<Finding>) -> Vec<String> {
    match snapshot.list(folder) {
        Ok(entries) => {
            let dirs = entries
                .into_iter()
                .flatten()
                .filter(|entry| entry.kind == EntryKind::Dir);
            dirs.map(|entry| entry.name).collect()
        }
        Err(error) => {
            findings.push(unreadable(
                snapshot,
                "unreadable-config",
                folder,
                None,
                error.to_string(),
            ));
            Vec::new()
        }
    }
}
