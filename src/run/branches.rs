//! Reads what the plain (OCP) configs of each repository promote.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::{InputError, Run};
use crate::base::RepoName;
use crate::derive::outline::Outline;
use crate::derive::{Branches, RepoBranches};
use crate::facts::ci_config::{self, ConfigName, Promotion};
use crate::source::{EntryKind, ReadError, Snapshot};

/// Must change when the same file yields other facts.
const VERSION: u32 = 3;

/// How many configs of a repository are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// As many as tell its branch: first those that are likely, all others only where none of these promotes to the release.
    Branch,
    /// All of them, so that what promotes beside that branch is noticed.
    All,
}

/// Reads the configs of an outline's repositories. At the same commit the answer is the same.
pub fn read(run: &Run, ci: &dyn Snapshot, outline: &Outline<'_>, depth: Depth) -> Branches {
    let targets = targets(outline);
    let slot = slot(ci, outline, &targets, depth);
    let known = slot.as_ref().and_then(|(key, commit)| {
        let (at, known): (String, Branches) = run.store.get("branches", VERSION, key.as_bytes())?;
        (at == *commit).then_some(known)
    });
    if let Some(known) = known {
        return known;
    }
    expect(ci, outline, &targets, depth);
    let listed = OnceLock::new();
    let read = targets.into_par_iter().map(|(repo, target)| {
        let branches = Reader {
            run,
            ci,
            outline,
            repo: &repo,
            depth,
            folders: &listed,
        }
        .read(&target);
        (repo, branches)
    });
    let branches: Branches = read.collect::<Vec<_>>().into_iter().collect();
    let all_read = branches.values().all(|known| known.unreadable.is_empty());
    if let (Some((key, commit)), true) = (slot, all_read) {
        run.store.put("branches", VERSION, key.as_bytes(), &(commit, &branches));
    }
    branches
}

/// Has the configs that are read first brought at once.
fn expect(ci: &dyn Snapshot, outline: &Outline<'_>, targets: &[(RepoName, String)], depth: Depth) {
    let paths = targets.par_iter().flat_map_iter(|(repo, target)| {
        let names = plain_configs(ci, repo).unwrap_or_default().into_iter();
        let names = names.filter(move |name| depth == Depth::All || is_likely(outline, name, target));
        names.map(|name| name.path(&repo.org, &repo.repo))
    });
    let paths: Vec<String> = paths.collect();
    ci.expect(&paths.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Whether a config is likely to promote to the release whose branch is `target`: its own, and that of development.
fn is_likely(outline: &Outline<'_>, name: &ConfigName, target: &str) -> bool {
    name.branch == target || outline.payload.development.contains(&name.branch)
}

/// What the answer is kept under, one for all commits, and the commit that it holds for.
fn slot(
    ci: &dyn Snapshot,
    outline: &Outline<'_>,
    targets: &[(RepoName, String)],
    depth: Depth,
) -> Option<(Oid, String)> {
    let origin = ci.origin();
    let payload = &outline.payload;
    let text = format!(
        "{} {} {:?} {targets:?} {depth:?}",
        origin.name, payload.view, payload.development
    );
    let key = Oid::hash_object(ObjectType::Blob, text.as_bytes()).ok()?;
    Some((key, origin.commit.clone()?))
}

/// The repositories of an outline, each with the branch that metadata names.
fn targets(outline: &Outline<'_>) -> Vec<(RepoName, String)> {
    let mut targets: BTreeMap<RepoName, String> = BTreeMap::new();
    for image in outline.images.values() {
        if let Some(repo) = &image.repository.value {
            let target = image.view["source"]["branch"].as_str().unwrap_or_default();
            targets.entry(repo.clone()).or_insert_with(|| target.to_owned());
        }
    }
    targets.into_iter().collect()
}

/// All folders of configs, by the repository's name in small letters: GitHub does not tell capitals apart.
type Folders = BTreeMap<String, Vec<RepoName>>;

fn folders(ci: &dyn Snapshot) -> Folders {
    let below = |folder: &str| {
        let entries = ci.list(folder).ok().flatten().unwrap_or_default();
        let folders = entries.into_iter().filter(|entry| entry.kind == EntryKind::Dir);
        folders.map(|entry| entry.name)
    };
    let mut found = Folders::new();
    for org in below(ci_config::ROOT) {
        for repo in below(&format!("{}/{org}", ci_config::ROOT)) {
            let name = RepoName { org: org.clone(), repo };
            found.entry(name.repo.to_ascii_lowercase()).or_default().push(name);
        }
    }
    found
}

struct Reader<'r> {
    run: &'r Run,
    ci: &'r dyn Snapshot,
    outline: &'r Outline<'r>,
    repo: &'r RepoName,
    depth: Depth,
    /// Listed when the first repository promotes nothing.
    folders: &'r OnceLock<Folders>,
}

impl Reader<'_> {
    fn read(&self, target: &str) -> RepoBranches {
        let mut known = RepoBranches::default();
        let names = match plain_configs(self.ci, self.repo) {
            Ok(names) => names,
            Err(error) => {
                known.unreadable.push((folder(self.repo), error.to_string()));
                return known;
            }
        };
        let (first, rest): (Vec<_>, Vec<_>) = names
            .into_iter()
            .partition(|name| is_likely(self.outline, name, target));
        self.read_all(&first, &mut known);
        if self.depth == Depth::All || !self.promotes(&known) {
            self.read_all(&rest, &mut known);
        }
        if !self.promotes(&known) {
            self.elsewhere(&mut known);
        }
        known
    }

    fn promotes(&self, known: &RepoBranches) -> bool {
        known.configs.iter().any(|(_, promotions)| self.is_here(promotions))
    }

    fn is_here(&self, promotions: &[Promotion]) -> bool {
        let payload = &self.outline.payload;
        promotions
            .iter()
            .any(|one| one.is_active(&payload.source_namespace.value, &payload.source_name.value))
    }

    /// Looks at the folders of the same name, in other capitals or below other organisations: where a repository has no config
    /// that promotes, somebody may have moved it.
    fn elsewhere(&self, known: &mut RepoBranches) {
        let folders = self.folders.get_or_init(|| folders(self.ci));
        for other in folders.get(&self.repo.repo.to_ascii_lowercase()).into_iter().flatten() {
            let is_own = other.org.eq_ignore_ascii_case(&self.repo.org);
            if is_own && other != self.repo && known.configs.is_empty() {
                known.respelt = Some(other.clone());
            } else if !is_own {
                let promotes = self.promoting(other).map(|branch| (other.clone(), branch));
                known.forks.extend(promotes);
            }
        }
    }

    /// The branch of another repository whose config promotes to the release.
    fn promoting(&self, repo: &RepoName) -> Option<String> {
        let promotes = |name: &ConfigName| {
            promotions(self.run, self.ci, &name.path(&repo.org, &repo.repo)).is_ok_and(|all| self.is_here(&all))
        };
        let plain = plain_configs(self.ci, repo).unwrap_or_default();
        plain.into_iter().find(promotes).map(|name| name.branch)
    }

    fn read_all(&self, names: &[ConfigName], known: &mut RepoBranches) {
        let paths: Vec<String> = names
            .iter()
            .map(|name| name.path(&self.repo.org, &self.repo.repo))
            .collect();
        self.ci.expect(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        for name in names {
            let path = name.path(&self.repo.org, &self.repo.repo);
            match promotions(self.run, self.ci, &path) {
                Ok(promotions) => known.configs.push((name.branch.clone(), promotions)),
                Err(why) => known.unreadable.push((path, why.to_string())),
            }
        }
    }
}

/// What the plain configs of a repository promote; those that cannot be read promote nothing that can be named.
pub fn promotions_of(run: &Run, ci: &dyn Snapshot, repo: &RepoName) -> Vec<Promotion> {
    let names = plain_configs(ci, repo).unwrap_or_default().into_iter();
    let read = names.filter_map(|name| promotions(run, ci, &name.path(&repo.org, &repo.repo)).ok());
    read.flatten().collect()
}

/// The names of a repository's configs that are of no variant.
fn plain_configs(ci: &dyn Snapshot, repo: &RepoName) -> Result<Vec<ConfigName>, ReadError> {
    let entries = ci.list(&folder(repo))?.into_iter().flatten();
    let names = entries.filter_map(|entry| ConfigName::parse(&entry.name, &repo.org, &repo.repo));
    Ok(names.filter(|name| name.variant.is_none()).collect())
}

fn folder(repo: &RepoName) -> String {
    format!("{}/{}/{}", ci_config::ROOT, repo.org, repo.repo)
}

fn promotions(run: &Run, ci: &dyn Snapshot, path: &str) -> Result<Vec<Promotion>, InputError> {
    let store = &run.store;
    if store.is_enabled() {
        let oid = ci.oid(path)?;
        if let Some(known) = oid.and_then(|oid| store.get("promotions", VERSION, oid.as_bytes())) {
            return Ok(known);
        }
    }
    let blob = ci.read(path)?.ok_or(InputError::Missing)?;
    let promotions = ci_config::promotions(&blob.bytes)?;
    store.put("promotions", VERSION, blob.oid.as_bytes(), &promotions);
    Ok(promotions)
}
