//! Reads what only checks look at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::Audited;
use crate::audit::check::Asked;
use crate::audit::context::{CiConfigs, FileText, Files, RepoFiles};
use crate::audit::registry;
use crate::derive::Release;
use crate::run::{Run, actual};
use crate::source::{RepoName, Snapshot};

/// What was gathered for a release beside what it is derived from.
#[derive(Default)]
pub(super) struct Gathered {
    /// Files of component repositories that checks asked for.
    pub files: Option<Files>,
    /// The CI configs.
    pub ci: Option<CiConfigs>,
}

/// Gathers for one release.
pub(super) fn gather(run: &Run, audited: &Audited<'_>, ci: Option<&Arc<dyn Snapshot>>) -> Gathered {
    Gathered {
        files: audited.components.as_ref().map(|_| files(run, &audited.release)),
        ci: ci.map(|ci| ci_configs(run, audited, &**ci)),
    }
}

/// Reads every file that a check asks for. A repository that cannot be read has no entry.
fn files(run: &Run, release: &Release<'_>) -> Files {
    let asked: BTreeSet<Asked> = registry::checks().flat_map(|check| (check.asks)(release)).collect();
    let mut by_repo: BTreeMap<(RepoName, String), Vec<String>> = BTreeMap::new();
    for one in asked {
        by_repo.entry((one.repo, one.branch)).or_default().push(one.path);
    }
    let read = by_repo.into_par_iter().filter_map(|((repo, branch), paths)| {
        let files = repo_files(run, release, &repo, &branch, paths)?;
        Some((repo, files))
    });
    let repos = read.collect::<Vec<_>>().into_iter().collect();
    Files { repos }
}

fn repo_files(
    run: &Run,
    release: &Release<'_>,
    repo: &RepoName,
    branch: &str,
    paths: Vec<String>,
) -> Option<RepoFiles> {
    let location = run.config.sources.components.repo(release.metadata.release, repo)?;
    let snapshot = run.sources.open_component(repo, &location, branch).ok()?;
    let texts = paths.into_iter().map(|path| (path.clone(), text(&*snapshot, &path)));
    Some(RepoFiles {
        texts: texts.collect(),
        origin: snapshot.origin().clone(),
    })
}

fn text(snapshot: &dyn Snapshot, path: &str) -> FileText {
    match snapshot.read(path) {
        Ok(Some(blob)) => match std::str::from_utf8(&blob.bytes) {
            Ok(text) => FileText::Text(text.into()),
            Err(_) => FileText::Unreadable,
        },
        Ok(None) => FileText::Missing,
        Err(_) => FileText::Unreadable,
    }
}

fn ci_configs(run: &Run, audited: &Audited<'_>, ci: &dyn Snapshot) -> CiConfigs {
    CiConfigs {
        origin: ci.origin().clone(),
        variant: actual::files(run, &audited.release, ci).files,
    }
}
