//! Histories of branches at URLs, kept beside the mirrors: `git/<host-org-repo>-<hash>.history.git`.
//!
//! Such a repository holds, for every branch asked for, all of its commits and their folders, and of files the contents that
//! were read. It is made for repositories whose history somebody asks for; all others have a [`Mirror`] alone. A branch is
//! fetched after the other, each on top of what is there, so that one that breaks off costs itself. It can be deleted at any
//! time; what is needed of it is fetched again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{ObjectType, Oid, Repository};

use super::http::{Session, What};
use super::local::open_git;
use super::mirror::{InUse, MAX_PACKS, Mirror, refname, tips, unusable};
use super::{Progress, RemoteUrl, SourceError};

/// Where a branch's history is to reach.
pub(super) struct Head<'h> {
    pub(super) branch: &'h str,
    pub(super) commit: Oid,
}

/// Where the histories of one URL's repository are kept.
pub(super) struct Histories(Mirror);

impl Histories {
    pub(super) fn new(state: &Path, url: &RemoteUrl) -> Self {
        let mut mirror = Mirror::new(state, url);
        // Beside the mirror; the locks of both are named by what stands before the last dot.
        mirror.path.set_extension("history.git");
        Self(mirror)
    }

    /// The repository itself, into which contents of files are brought.
    pub(super) fn mirror(&self) -> &Mirror {
        &self.0
    }

    /// Opens the repository.
    pub(super) fn open(&self) -> Result<Repository, SourceError> {
        open_git(&self.0.path).map_err(|error| unusable(&self.0.path, error.message()))
    }

    /// Has the histories of branches here, those that are not there fetched in this order. They stay as long as the result is
    /// kept.
    pub(super) fn bring(
        &self,
        session: &Session<'_>,
        heads: &[Head<'_>],
        progress: Option<&Progress>,
    ) -> Result<InUse, SourceError> {
        let in_use = self.0.in_use()?;
        let missing = |heads: &[Head<'_>]| match open_git(&self.0.path) {
            Ok(repo) => heads.iter().any(|head| !is_there(&repo, head)),
            Err(_) => true,
        };
        if !missing(heads) {
            return Ok(in_use);
        }
        drop(in_use);
        let _lock = self.0.lock()?;
        self.tidy();
        let repo = self.0.open_or_init()?;
        let report = |line: &str| {
            if let Some(progress) = progress {
                progress(&format!("{}: {line}", self.0.place));
            }
        };
        // Another process or thread may have fetched some while this one waited.
        let lacking: Vec<&Head<'_>> = heads.iter().filter(|head| !is_there(&repo, head)).collect();
        let (moved, new): (Vec<_>, Vec<_>) = lacking
            .into_iter()
            .partition(|head| repo.refname_to_id(&refname(head.branch)).is_ok());
        let rounds = new.chunks(1).chain((!moved.is_empty()).then_some(moved.as_slice()));
        for round in rounds {
            self.fetch(&repo, session, round, &report)?;
        }
        self.0.in_use()
    }

    /// Fetches what is not here of the histories of some branches, and sets them.
    fn fetch(
        &self,
        repo: &Repository,
        session: &Session<'_>,
        heads: &[&Head<'_>],
        report: &dyn Fn(&str),
    ) -> Result<(), SourceError> {
        // A new branch mostly begins where another one is, and what a killed process fetched is there.
        let wanted: BTreeSet<Oid> = heads.iter().map(|head| head.commit).collect();
        let wanted: Vec<Oid> = wanted
            .into_iter()
            .filter(|commit| whole(repo, *commit).is_err())
            .collect();
        if !wanted.is_empty() {
            if !session.filters() {
                return Err(SourceError::NoHistory {
                    place: self.0.place.clone(),
                    message: "the server cannot leave the contents of files out of it".to_owned(),
                });
            }
            let names: Vec<&str> = heads.iter().map(|head| head.branch).collect();
            report(&format!("fetching the history of {}", names.join(", ")));
            self.0.take(repo, session, What::History(&wanted), report)?;
            if repo.is_shallow() {
                // Nothing is set to it; what came does no harm.
                let _ = fs::remove_file(self.0.path.join("shallow"));
                return Err(SourceError::NoHistory {
                    place: self.0.place.clone(),
                    message: "the server itself has not got all of it (a shallow clone)".to_owned(),
                });
            }
        }
        for head in heads {
            whole(repo, head.commit).map_err(|why| SourceError::Unreachable {
                place: self.0.place.clone(),
                message: format!("the server did not send all of the history of {}: {why}", head.branch),
            })?;
            self.0.point(repo, head.branch, head.commit)?;
        }
        Ok(())
    }

    /// Gathers the small packs of many fetches into one. The large one of the first stays: packing it anew takes long, and all
    /// that was ever fetched of a history is a part of it. One that somebody reads from is left for the next time.
    fn tidy(&self) {
        let mut packs = self.0.packs();
        if packs.len() < MAX_PACKS {
            return;
        }
        let Ok(readers) = self.0.lock_file("use") else { return };
        if readers.try_lock().is_err() {
            return;
        }
        packs.sort_by_cached_key(|pack| fs::metadata(pack).map_or(0, |found| found.len()));
        packs.pop();
        if let Err(error) = self.gather(&packs) {
            tracing::info!("{}: its packs cannot be gathered: {error}", self.0.place);
        }
    }

    fn gather(&self, packs: &[PathBuf]) -> Result<(), git2::Error> {
        let repo = open_git(&self.0.path)?;
        let mut builder = repo.packbuilder()?;
        for pack in packs {
            let index = fs::read(pack.with_extension("idx")).unwrap_or_default();
            let listed = listed(&index).ok_or_else(|| git2::Error::from_str("an index of a pack cannot be read"))?;
            for oid in listed {
                builder.insert_object(oid, None)?;
            }
        }
        self.0.replace(packs, builder)
    }
}

fn is_there(repo: &Repository, head: &Head<'_>) -> bool {
    repo.refname_to_id(&refname(head.branch))
        .is_ok_and(|at| at == head.commit)
}

/// Whether all commits of a history and their folders are here, down to what branches that are here have.
fn whole(repo: &Repository, commit: Oid) -> Result<(), git2::Error> {
    let odb = repo.odb()?;
    let mut walk = repo.revwalk()?;
    walk.push(commit)?;
    for tip in tips(repo) {
        walk.hide(tip)?;
    }
    let mut seen = BTreeSet::new();
    for id in walk {
        let root = repo.find_commit(id?)?.tree_id();
        if !seen.insert(root) {
            continue;
        }
        for entry in &repo.find_tree(root)? {
            let is_folder = entry.kind() == Some(ObjectType::Tree) && seen.insert(entry.id());
            if is_folder && !odb.exists(entry.id()) {
                return Err(git2::Error::from_str(&format!("folder {} is not there", entry.id())));
            }
        }
    }
    Ok(())
}

/// The objects of a pack, by its index (version 2).
fn listed(index: &[u8]) -> Option<Vec<Oid>> {
    const HEAD: usize = 8;
    const FANOUT: usize = 256 * 4;
    const ID: usize = 20;
    let table = index.strip_prefix(b"\xfftOc\0\0\0\x02")?;
    let count = table.get(FANOUT - 4..FANOUT)?;
    let count = u32::from_be_bytes(count.try_into().ok()?) as usize;
    let ids = index.get(HEAD + FANOUT..)?.get(..count.checked_mul(ID)?)?;
    ids.chunks_exact(ID).map(|id| Oid::from_bytes(id).ok()).collect()
}

#[cfg(test)]
mod tests;
