//! Reads job files: those of a release's configs, and those of the release's branches that have no config of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::unreadable;
use crate::base::RepoName;
use crate::derive::Release;
use crate::finding::Finding;
use crate::source::{EntryKind, Snapshot};
use crate::targets::Actual;
use crate::targets::prow_jobs::{self, Source, names};

type Read = (BTreeMap<String, Arc<[u8]>>, Vec<Finding>);

/// Reads the job files of configs.
pub fn files(sources: &[Source], snapshot: &dyn Snapshot) -> Read {
    let paths: Vec<String> = sources.iter().flat_map(Source::paths).collect();
    let read: Vec<_> = paths.into_par_iter().map(|path| (snapshot.read(&path), path)).collect();
    let (mut files, mut findings) = (BTreeMap::new(), Vec::new());
    for (result, path) in read {
        match result {
            Ok(Some(blob)) => drop(files.insert(path, blob.bytes)),
            Ok(None) => {}
            Err(error) => {
                findings.push(unreadable(snapshot, "unreadable-jobs", &path, None, error.to_string()));
                // This is no job file: it is reported and stays as it is.
                files.insert(path, Arc::from(&b"\0"[..]));
            }
        }
    }
    (files, findings)
}

/// Branches of the release with jobs of ours and no config of ours: a config that somebody removed without its jobs.
///
/// Only branches whose name ends with the release are looked at; a development branch belongs to one release after the
/// other.
pub fn orphans(release: &Release<'_>, sources: &[Source], there: &Actual, snapshot: &dyn Snapshot) -> Vec<Source> {
    let configs = there.files.keys().filter_map(|path| prow_jobs::config_of(path));
    let derived = sources
        .iter()
        .map(|source| (source.repo.clone(), source.branch.clone()));
    let known: BTreeSet<(RepoName, String)> = configs
        .chain(derived)
        .map(|(repo, branch)| (repo, names::label(&branch)))
        .collect();
    let repositories: Vec<&RepoName> = release.configs.keys().collect();
    let found: Vec<_> = repositories
        .into_par_iter()
        .flat_map_iter(|repo| {
            candidates(release, repo, snapshot)
                .into_iter()
                .map(move |found| (repo, found))
        })
        .filter(|(repo, (label, _))| !known.contains(&((*repo).clone(), label.clone())))
        .filter(|(_, (_, path))| mentions(snapshot, path, &release.payload.variant.value))
        .map(|(repo, (label, _))| orphan(repo, label))
        .collect();
    let found: BTreeMap<String, Source> = found
        .into_iter()
        .map(|source| (source.config.clone(), source))
        .collect();
    found.into_values().collect()
}

/// Job files in the folder of a repository that are for a branch of the release: the branch's label and the path.
fn candidates(release: &Release<'_>, repo: &RepoName, snapshot: &dyn Snapshot) -> Vec<(String, String)> {
    let folder = format!("{}/{}/{}", names::ROOT, repo.org, repo.repo);
    let end = format!("-{}", release.metadata.release);
    let entries = snapshot.list(&folder).ok().flatten().unwrap_or_default();
    let files = entries.into_iter().filter(|entry| entry.kind == EntryKind::File);
    let found = files.filter_map(|entry| {
        let (label, _) = prow_jobs::file_parts(&entry.name, repo)?;
        let wanted = label.ends_with(&end);
        wanted.then(|| (label.to_owned(), format!("{folder}/{}", entry.name)))
    });
    found.collect()
}

/// Whether a file names the variant at all.
fn mentions(snapshot: &dyn Snapshot, path: &str, variant: &str) -> bool {
    let blob = snapshot.read(path).ok().flatten();
    blob.is_some_and(|blob| memchr::memmem::find(&blob.bytes, variant.as_bytes()).is_some())
}

/// Jobs without a config: what should be there is nothing.
fn orphan(repo: &RepoName, branch: String) -> Source {
    Source {
        config: format!("a config of branch {branch} of {repo}"),
        repo: repo.clone(),
        branch,
        text: None,
        held: false,
        images: Vec::new(),
    }
}
