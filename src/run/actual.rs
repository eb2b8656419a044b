//! Reads a target's files as they are: those that a release's configs go to, and all others of our variant.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::unreadable;
use crate::audit::Finding;
use crate::derive::Release;
use crate::facts::ci_config::{self, ConfigName};
use crate::source::{EntryKind, Snapshot};
use crate::target::prow_config;

type Read = (BTreeMap<String, Arc<[u8]>>, Vec<Finding>);

/// Reads all configs of our variant.
pub fn files(release: &Release<'_>, snapshot: &dyn Snapshot) -> Read {
    let mut findings = Vec::new();
    let mut folders = Vec::new();
    for org in directories(snapshot, ci_config::ROOT, &mut findings) {
        let root = format!("{}/{org}", ci_config::ROOT);
        folders.extend(
            directories(snapshot, &root, &mut findings)
                .into_iter()
                .map(|repo| (org.clone(), repo)),
        );
    }
    let variant = release.payload.variant.value.as_str();
    let mut paths: Vec<String> = folders
        .par_iter()
        .flat_map_iter(|(org, repo)| {
            let folder = format!("{}/{org}/{repo}", ci_config::ROOT);
            let entries = snapshot.list(&folder).ok().flatten().unwrap_or_default();
            let ours = move |file: &str| {
                ConfigName::parse(file, org, repo).is_some_and(|name| name.variant.as_deref() == Some(variant))
            };
            entries
                .into_iter()
                .filter(move |entry| ours(&entry.name))
                .map(move |entry| format!("{folder}/{}", entry.name))
        })
        .collect();
    paths.extend(
        release
            .configs
            .values()
            .map(|config| prow_config::path(release, config)),
    );
    paths.sort();
    paths.dedup();
    let read: Vec<_> = paths.into_par_iter().map(|path| (snapshot.read(&path), path)).collect();
    let mut files = BTreeMap::new();
    for (result, path) in read {
        match result {
            Ok(Some(blob)) => drop(files.insert(path, blob.bytes)),
            Ok(None) => {}
            Err(error) => {
                // An empty text is no config: it is reported and stays as it is.
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
