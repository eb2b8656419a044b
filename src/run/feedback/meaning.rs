//! Whether what a pull request changes means anything: most that touch a `go.mod` ask for the same Go afterwards.

use super::due::{Due, Looking};
use crate::facts::gomod;
use crate::run::Run;
use crate::run::impact::Bases;
use crate::run::modules::{GO_MOD, GO_WORK};
use crate::source::github::{Foreseen, PullHead, Reader};
use crate::source::{CommitId, Snapshot as _};

/// Whether a pull request touches something that decides a build, as far as its files are known.
pub(super) fn matters(looking: &Looking<'_>, due: &Due, head: &PullHead, bases: &Bases) -> bool {
    let Some(files) = &head.files else { return true };
    if looking.watched.is_component(&due.open.repo) {
        return !touched(due, head, bases).is_empty();
    }
    files.iter().any(|file| looking.watched.may_matter(file))
}

/// The files that decide a build among those that are changed.
fn touched<'h>(due: &Due, head: &'h PullHead, bases: &Bases) -> Vec<&'h str> {
    let paths = bases.looked_at(&due.open.repo, &due.open.branch);
    let files = head.files.iter().flatten();
    files.map(String::as_str).filter(|file| paths.matter(file)).collect()
}

/// The commit that is read of a pull request.
pub(super) fn commit(head: &PullHead) -> CommitId {
    CommitId(head.merge.clone().unwrap_or_else(|| head.head.clone()))
}

/// What is read of its base to see whether something means the same.
pub(super) fn of_base(due: &Due, head: &PullHead, bases: &Bases) -> Foreseen {
    let modules = touched(due, head, bases).into_iter().filter(|file| is_module(file));
    Foreseen {
        repo: due.open.repo.clone(),
        commit: CommitId(head.base.clone()),
        files: modules.map(str::to_owned).collect(),
        folders: std::collections::BTreeSet::new(),
    }
}

fn is_module(file: &str) -> bool {
    let name = file.rsplit('/').next().unwrap_or_default();
    name == GO_MOD || name == GO_WORK
}

impl Run {
    /// Whether all that a pull request changes of what decides a build are modules that ask for the same as before, and nothing was
    /// found in them: then nothing is derived otherwise.
    pub(super) fn means_the_same(
        &self,
        reader: &std::sync::Arc<Reader>,
        due: &Due,
        head: &PullHead,
        bases: &Bases,
    ) -> bool {
        let touched = touched(due, head, bases);
        if head.files.is_none() || touched.is_empty() || !touched.iter().all(|file| is_module(file)) {
            return false;
        }
        let repo = &due.open.repo;
        if touched.iter().any(|file| bases.finds_in(&repo.to_string(), file)) {
            return false;
        }
        let base = reader.open_at(repo, &due.open.branch, CommitId(head.base.clone()));
        let with = reader.open_at(repo, &due.open.branch, commit(head));
        touched.iter().all(|file| match (base.read(file), with.read(file)) {
            (Ok(Some(before)), Ok(Some(after))) => gomod::parse(&before.bytes) == gomod::parse(&after.bytes),
            _ => false,
        })
    }
}
