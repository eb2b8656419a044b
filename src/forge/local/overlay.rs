//! A target's files as they are: a source, and what was merged in the repository that was seeded from it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use git2::{Oid, Repository};

use super::git::{branch_ref, doing, open, proposals, tip};
use super::mirror;
use crate::base::{Origin, RepoName, from_root};
use crate::forge::ForgeError;
use crate::source::{Blob, Entry, EntryKind, ReadError, Snapshot};

/// A source with the files that a merge has changed since.
struct Overlay {
    source: Arc<dyn Snapshot>,
    /// The files in which the seeded repository's branch differs from the source; `None`: the merge removed it.
    merged: BTreeMap<String, Option<Oid>>,
    repo: Mutex<Repository>,
}

/// Reads a source and the repository seeded from it as one. Without such a repository: the source itself.
pub fn actual(
    path: &Path,
    name: &RepoName,
    branch: &str,
    source: Arc<dyn Snapshot>,
) -> Result<Arc<dyn Snapshot>, ForgeError> {
    if !path.exists() {
        return Ok(source);
    }
    let Ok(repo) = open(path) else {
        return Ok(source);
    }; // killed while it was being made
    let Some(seed) = mirror::seed_tip(&repo, branch)? else {
        return Ok(source);
    };
    let Some(base) = tip(&repo, &branch_ref(branch))? else {
        return Ok(source);
    };
    let trees = seed.tree().and_then(|from| Ok((from, base.tree()?)));
    let (from, to) = trees.map_err(doing("reading the seeded repository"))?;
    let changed = proposals(&repo, &from, &to)?;
    let edits = mirror::edits(&repo, name, branch, source.as_ref())?;
    let merged: BTreeMap<_, _> = changed
        .into_iter()
        .filter(|(path, _)| !edits.contains_key(path))
        .map(|(path, p)| (path, p.new))
        .collect();
    drop((from, to, seed, base));
    if merged.is_empty() {
        return Ok(source);
    }
    Ok(Arc::new(Overlay {
        source,
        merged,
        repo: Mutex::new(repo),
    }))
}

impl Snapshot for Overlay {
    fn origin(&self) -> &Origin {
        self.source.origin()
    }

    fn read(&self, path: &str) -> Result<Option<Blob>, ReadError> {
        let plain = from_root(path);
        match self.merged.get(&plain) {
            None => self.source.read(path),
            Some(None) => Ok(None),
            Some(Some(oid)) => {
                let repo = self.repo.lock().unwrap_or_else(PoisonError::into_inner);
                let fault = |e: git2::Error| ReadError::Io {
                    path: plain.clone(),
                    message: e.message().to_owned(),
                };
                let blob = repo.find_blob(*oid).map_err(fault)?;
                Ok(Some(Blob {
                    bytes: Arc::from(blob.content()),
                    oid: oid.to_string(),
                    path: plain.clone(),
                }))
            }
        }
    }

    fn expect(&self, paths: &[&str]) {
        self.source.expect(paths);
    }

    fn oid(&self, path: &str) -> Result<Option<String>, ReadError> {
        match self.merged.get(&from_root(path)) {
            None => self.source.oid(path),
            Some(oid) => Ok(oid.map(|oid| oid.to_string())),
        }
    }

    fn list(&self, dir: &str) -> Result<Option<Vec<Entry>>, ReadError> {
        let listed = self.source.list(dir)?;
        let there = listed.is_some();
        let mut entries: BTreeMap<String, Entry> = listed
            .unwrap_or_default()
            .into_iter()
            .map(|entry| (entry.name.clone(), entry))
            .collect();
        let prefix = match from_root(dir) {
            root if root.is_empty() => root,
            dir => format!("{dir}/"),
        };
        for (path, oid) in self.merged.range(prefix.clone()..) {
            let Some(rest) = path.strip_prefix(&prefix) else { break };
            let name = rest.split('/').next().unwrap_or(rest).to_owned();
            match (rest.contains('/'), oid) {
                (true, Some(_)) => {
                    entries.entry(name.clone()).or_insert(Entry {
                        name,
                        kind: EntryKind::Dir,
                        oid: None,
                    });
                }
                (true, None) => {}
                (false, Some(oid)) => {
                    entries.insert(
                        name.clone(),
                        Entry {
                            name,
                            kind: EntryKind::File,
                            oid: Some(oid.to_string()),
                        },
                    );
                }
                (false, None) => {
                    entries.remove(&name);
                }
            }
        }
        Ok((there || !entries.is_empty()).then(|| entries.into_values().collect()))
    }
}
