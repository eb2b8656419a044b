//! Reads what only checks look at.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::Audited;
use crate::audit::check::Asked;
use crate::audit::context::{FileText, Files, Names, RepoFiles, RepoNames, Twin};
use crate::audit::debt::Search;
use crate::audit::files::{behind, unnamed};
use crate::audit::pattern::matches;
use crate::audit::registry;
use crate::base::RepoName;
use crate::config::Via;
use crate::derive::Release;
use crate::run::Run;
use crate::source::{EntryKind, Snapshot, Walked};

/// What was gathered for a release beside what it is derived from.
#[derive(Default)]
pub(super) struct Gathered {
    /// Files of component repositories that checks asked for.
    pub files: Option<Files>,
    /// Names of files of component repositories.
    pub names: Option<Names>,
    /// Dockerfiles of OKD's own beside OCP's.
    pub twins: Option<BTreeMap<String, Twin>>,
}

/// Gathers for one release.
pub(super) fn gather(run: &Run, audited: &Audited<'_>) -> Gathered {
    // Behind GitHub's API each folder would be a request, and there is no history.
    let at_hand = audited.components.is_some() && run.config.sources.components.via == Via::Git;
    Gathered {
        files: audited.components.as_ref().map(|_| files(run, &audited.release)),
        names: at_hand.then(|| names(run, &audited.release)),
        twins: if at_hand { twins(run, &audited.release) } else { None },
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
    snapshot.expect(&paths.iter().map(String::as_str).collect::<Vec<_>>());
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

/// Folders that hold other people's files.
const FOREIGN: [&str; 3] = ["vendor", "node_modules", "third_party"];
/// How deep folders are looked into.
const DEPTH: usize = 6;

/// Looks for the files that checks ask for by name.
fn names(run: &Run, release: &Release<'_>) -> Names {
    let wanted: Vec<_> = unnamed::wanted(release).into_iter().collect();
    let read = wanted.into_par_iter().filter_map(|((repo, branch), patterns)| {
        let location = run.config.sources.components.repo(release.metadata.release, &repo)?;
        let snapshot = run.sources.open_component(&repo, &location, &branch).ok()?;
        let mut paths = BTreeMap::new();
        find(&*snapshot, "", &patterns, DEPTH, &mut paths);
        let origin = snapshot.origin().clone();
        Some((repo, RepoNames { origin, paths }))
    });
    let repos = read.collect::<Vec<_>>().into_iter().collect();
    Names { repos }
}

/// Looks into a folder. One that cannot be read holds nothing that can be told of.
fn find(
    snapshot: &dyn Snapshot,
    folder: &str,
    patterns: &BTreeSet<String>,
    depth: usize,
    found: &mut BTreeMap<String, String>,
) {
    for entry in snapshot.list(folder).ok().flatten().unwrap_or_default() {
        let path = if folder.is_empty() {
            entry.name.clone()
        } else {
            format!("{folder}/{}", entry.name)
        };
        let wanted = || patterns.iter().any(|pattern| matches(pattern, &entry.name));
        match entry.kind {
            EntryKind::Dir if depth > 1 && !FOREIGN.contains(&entry.name.as_str()) => {
                find(snapshot, &path, patterns, depth - 1, found);
            }
            EntryKind::File if wanted() => drop(found.insert(path.clone(), path)),
            // A link that leads nowhere is no Dockerfile.
            EntryKind::Link if wanted() => {
                if let Ok(Some(blob)) = snapshot.read(&path) {
                    found.insert(path, blob.path);
                }
            }
            _ => {}
        }
    }
}

/// Compares Dockerfiles of OKD's own with OCP's; `None` where no history tells of any of them.
fn twins(run: &Run, release: &Release<'_>) -> Option<BTreeMap<String, Twin>> {
    let pairs = behind::pairs(release);
    let compared = pairs.into_par_iter().filter_map(|pair| {
        let location = run
            .config
            .sources
            .components
            .repo(release.metadata.release, &pair.repo)?;
        let snapshot = run.sources.open_component(&pair.repo, &location, &pair.branch).ok()?;
        Some((pair.key.clone(), twin(&*snapshot, &pair)))
    });
    let twins: BTreeMap<_, _> = compared.collect::<Vec<_>>().into_iter().collect();
    let told = twins.is_empty() || twins.values().any(|twin| !matches!(twin, Twin::Unknown(_)));
    told.then_some(twins)
}

fn twin(snapshot: &dyn Snapshot, pair: &behind::Pair) -> Twin {
    let (now, okd) = match (text(snapshot, &pair.twin), text(snapshot, &pair.file)) {
        (FileText::Text(now), FileText::Text(okd)) => (now, okd),
        (FileText::Missing, _) => return Twin::Gone,
        _ => return Twin::Unknown("one of them cannot be read as text".to_owned()),
    };
    let mut search = Search::new(&now, &okd);
    if search.is_settled() {
        return Twin::Apart { debts: Vec::new() };
    }
    let walked = snapshot.walk_back([&pair.twin, &pair.file], &mut |step| search.see(step));
    let open = !search.is_settled();
    let debts = search.into_debts();
    match walked {
        // What came in a part of the history that is here is owed, whatever came before.
        Ok(Walked::Short(why)) if open && debts.is_empty() => Twin::Unknown(why),
        Ok(_) => Twin::Apart { debts },
        Err(error) => Twin::Unknown(error.to_string()),
    }
}
