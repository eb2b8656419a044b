//! Reads a target's files as they are: those that a release's configs go to, and all others of our variant.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::{Run, unreadable};
use crate::derive::Release;
use crate::facts::ci_config::{self, ConfigName};
use crate::finding::Finding;
use crate::source::{Entry, EntryKind, Snapshot};

/// A target's files as they are.
#[derive(Debug, Default)]
pub struct Read {
    /// Files, by path.
    pub files: BTreeMap<String, Arc<[u8]>>,
    /// Paths of files that are there and could not be read.
    pub unreadable: BTreeSet<String>,
    /// Why they could not.
    pub findings: Vec<Finding>,
}

/// Must change when the same commit yields another list.
const VERSION: u32 = 2;

/// Reads all configs of our variant.
pub fn files(run: &Run, release: &Release<'_>, snapshot: &dyn Snapshot) -> Read {
    let mut findings = Vec::new();
    let variant = release.payload.variant.value.as_str();
    let origin = snapshot.origin();
    let key = format!("{} {variant}", origin.name);
    let known = run
        .store
        .get::<(String, Vec<String>)>("variant", VERSION, key.as_bytes());
    let known = known.filter(|(commit, _)| origin.commit.as_ref() == Some(commit));
    let paths = known.map(|(_, paths)| paths).unwrap_or_else(|| {
        let paths = list(variant, snapshot, &mut findings);
        if let (Some(commit), true) = (&origin.commit, findings.is_empty()) {
            run.store.put("variant", VERSION, key.as_bytes(), &(commit, &paths));
        }
        paths
    });
    let read: Vec<_> = paths.into_par_iter().map(|path| (snapshot.read(&path), path)).collect();
    let mut all = Read {
        findings,
        ..Read::default()
    };
    for (result, path) in read {
        match result {
            Ok(Some(blob)) => drop(all.files.insert(path, blob.bytes)),
            Ok(None) if path.contains(char::REPLACEMENT_CHARACTER) => {
                all.findings
                    .push(fault(snapshot, &path, "the file's name is not UTF-8".into()));
            }
            Ok(None) => {}
            Err(error) => {
                all.findings.push(fault(snapshot, &path, error.to_string()));
                all.unreadable.insert(path);
            }
        }
    }
    all
}

fn fault(snapshot: &dyn Snapshot, path: &str, message: String) -> Finding {
    unreadable(snapshot, "unreadable-config", path, None, message)
        .with_help("put the file right by hand; until then it stays as it is")
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
    let listed: Vec<_> = folders
        .par_iter()
        .map(|(org, repo)| {
            let folder = format!("{}/{org}/{repo}", ci_config::ROOT);
            let ours = |file: &str| {
                ConfigName::parse(file, org, repo).is_some_and(|name| name.variant.as_deref() == Some(variant))
            };
            let paths = |entry: Entry| ours(&entry.name).then(|| format!("{folder}/{}", entry.name));
            match snapshot.list(&folder) {
                Ok(entries) => Ok(entries.into_iter().flatten().filter_map(paths).collect::<Vec<_>>()),
                Err(error) => Err(fault(snapshot, &folder, error.to_string())),
            }
        })
        .collect();
    let mut paths = Vec::new();
    for result in listed {
        match result {
            Ok(found) => paths.extend(found),
            Err(finding) => findings.push(finding),
        }
    }
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
            findings.push(fault(snapshot, folder, error.to_string()));
            Vec::new()
        }
    }
}
