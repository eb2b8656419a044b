//! Reads the facts of component repositories, several at a time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::dockerfiles;
use super::modules::{GO_MOD, GO_WORK, Modules};
use super::{InputError, Run};
use crate::base::{Origin, Place, RepoName};
use crate::config::Via;
use crate::derive::complete::{Dockerfiles, context_folder, wanted};
use crate::derive::outline::Outline;
use crate::derive::{Component, Components, ReadFile};
use crate::facts::ci_operator_yaml::{self, CiOperatorYaml};
use crate::facts::dockerfile::{Builds, Dockerfile, builds};
use crate::model::go::GoNeed;
use crate::source::github::{Reader, ToRead};
use crate::source::{CommitId, Location, Noted, Paths, Snapshot};

/// Must change when the same commit yields other facts.
const VERSION: u32 = 6;

/// Where a component names its own build root.
const CI_OPERATOR: &str = ".ci-operator.yaml";

/// What is kept of a component between runs.
#[derive(serde::Serialize, serde::Deserialize)]
struct Stored {
    dockerfiles: BTreeMap<String, Kept>,
    oids: BTreeMap<String, String>,
    /// Dockerfiles that are there, where one that was asked for is not.
    others: Option<Vec<String>>,
    go: BTreeMap<(String, String), GoNeed>,
    ci_operator: Option<CiOperatorYaml>,
    /// Files that could not be understood: path, line, why.
    faults: Vec<(String, Option<u32>, String)>,
    /// What was looked at for all of that.
    looked_at: Paths,
}

/// A Dockerfile as it is kept.
#[derive(serde::Serialize, serde::Deserialize)]
enum Kept {
    Found(Dockerfile),
    Missing,
    Broken(Option<u32>, String),
}

/// Reads what an outline asks for.
pub fn read(run: &Run, outline: &Outline<'_>) -> Components {
    let wanted = wanted(outline);
    let (count, done) = (wanted.len(), AtomicUsize::new(0));
    let wanted: Vec<_> = wanted.into_iter().collect();
    if let Some(reader) = run.sources.github() {
        foresee(run, reader, outline, &wanted);
    }
    let read = wanted.into_par_iter().map(|(repo, (branch, files))| {
        let component = component(run, outline, &repo, &branch, &files);
        run.tell("reading repositories", done.fetch_add(1, Ordering::Relaxed) + 1, count);
        (repo, component.map_err(|why| why.to_string()))
    });
    read.collect::<Vec<_>>().into_iter().collect()
}

/// Asks GitHub for all that is wanted at once, but for what is known from earlier runs.
fn foresee(run: &Run, reader: &Reader, outline: &Outline<'_>, wanted: &[(RepoName, (String, Dockerfiles))]) {
    let named = |repo: &RepoName| {
        let location = run.config.sources.components.repo(outline.metadata.release, repo)?;
        Some(location.name().unwrap_or_else(|| repo.clone()))
    };
    let branches: Vec<_> = wanted
        .iter()
        .filter_map(|(repo, (branch, _))| Some((named(repo)?, branch.clone())))
        .collect();
    reader.heads(&branches);
    let unknown = wanted.iter().filter_map(|(repo, (branch, files))| {
        let repo = named(repo)?;
        let commit = reader.head(&repo, branch).ok()?;
        let known = run
            .store
            .get::<Stored>("component", VERSION, key(&commit.0, files).as_bytes());
        let beside = [GO_MOD, GO_WORK, CI_OPERATOR].map(str::to_owned);
        let files = files.keys().cloned().chain(beside).collect();
        let targets = run.config.targets.iter().map(|chosen| chosen.target);
        let folders = targets
            .flat_map(|target| target.folders)
            .map(|folder| (*folder).to_owned());
        known.is_none().then(|| ToRead {
            repo,
            commit,
            files,
            folders: folders.collect(),
        })
    });
    reader.gather(&unknown.collect::<Vec<_>>(), &run.store);
}

fn component(
    run: &Run,
    outline: &Outline<'_>,
    repo: &RepoName,
    branch: &str,
    files: &Dockerfiles,
) -> Result<Component, InputError> {
    if run.config.sources.components.via == Via::None {
        return Err(InputError::NotAsked);
    }
    let location = run.config.sources.components.repo(outline.metadata.release, repo);
    let location = location.ok_or_else(|| InputError::NoPlace(repo.clone()))?;
    let name = repo.to_string();
    let known = |commit: Option<&str>| {
        let key = commit.map(|commit| key(commit, files));
        let stored = key
            .as_ref()
            .and_then(|key| run.store.get::<Stored>("component", VERSION, key.as_bytes()));
        (key, stored)
    };
    // To be asked for its commit costs a repository less than to be opened, on disk as behind a URL. What is wrong with one on
    // disk, opening it tells.
    let far = matches!(location, Location::Url(_)) || run.sources.github().is_some();
    let head = run.sources.component_head(repo, &location, branch);
    let head = if far { head? } else { head.unwrap_or_default() };
    if let Some(CommitId(commit)) = head
        && let (_, Some(stored)) = known(Some(&commit))
    {
        run.sources.note(&name, branch, &stored.looked_at);
        let (branch, commit) = (branch.to_owned(), Some(commit));
        return Ok(restore(stored, Origin { name, branch, commit }));
    }
    let snapshot = run.sources.open_component(repo, &location, branch)?;
    let origin = snapshot.origin().clone();
    let (key, stored) = known(origin.commit.as_deref());
    if let Some(stored) = stored {
        run.sources.note(&name, branch, &stored.looked_at);
        return Ok(restore(stored, origin));
    }
    let stored = facts(&*snapshot, files, run.config.sources.components.via);
    if let Some(key) = key {
        run.store.put("component", VERSION, key.as_bytes(), &stored);
    }
    Ok(restore(stored, origin))
}

/// What a component's facts are kept under: its commit and the files that are asked for.
fn key(commit: &str, files: &Dockerfiles) -> String {
    let asked = files
        .iter()
        .flat_map(|(file, contexts)| std::iter::once(file).chain(contexts.iter().filter(|one| !one.is_empty())));
    asked.fold(commit.to_owned(), |key, part| key + " " + part)
}

fn facts(snapshot: &dyn Snapshot, files: &Dockerfiles, via: Via) -> Stored {
    let noted = Noted::of(snapshot);
    let snapshot: &dyn Snapshot = &noted;
    let mut faults = Vec::new();
    let expected = files.keys().map(String::as_str).chain([CI_OPERATOR, GO_MOD, GO_WORK]);
    snapshot.expect(&expected.collect::<Vec<_>>());
    let mut read = |path: &str| match snapshot.read(path) {
        Ok(blob) => blob,
        Err(error) => {
            faults.push((path.to_owned(), None, error.to_string()));
            None
        }
    };
    let ci_operator = read(CI_OPERATOR).map(|blob| ci_operator_yaml::parse(&blob.bytes));
    let ci_operator = ci_operator.transpose().unwrap_or_else(|error| {
        faults.push((CI_OPERATOR.to_owned(), Some(error.pos.line), error.to_string()));
        None
    });
    let (mut dockerfiles, mut go, mut modules) = (BTreeMap::new(), BTreeMap::new(), Modules::of(snapshot));
    let mut oids = BTreeMap::new();
    for (path, contexts) in files {
        let (kept, builds, oid) = dockerfile(snapshot, path);
        oids.extend(oid.map(|oid| (path.clone(), oid)));
        dockerfiles.insert(path.clone(), kept);
        for context in contexts {
            let folder = context_folder(context);
            // Whoever builds it reads a folder that cannot be read here, and says so; there is no id of it then.
            let tree = snapshot.tree(folder.trim_end_matches('/')).ok().flatten();
            oids.extend(tree.map(|oid| (folder, oid)));
            go.insert((path.clone(), context.clone()), modules.need(path, &builds, context));
        }
    }
    let unread = modules
        .faults
        .into_iter()
        .map(|(file, error)| (file, None, error.to_string()));
    faults.extend(unread);
    let missing: Vec<&str> = dockerfiles
        .iter()
        .filter(|(_, kept)| matches!(kept, Kept::Missing))
        .map(|(path, _)| path.as_str())
        .collect();
    let others = (!missing.is_empty()).then(|| dockerfiles::there(snapshot, &missing, via));
    Stored {
        dockerfiles,
        oids,
        others,
        go,
        ci_operator,
        faults,
        looked_at: noted.paths(),
    }
}

/// A Dockerfile, what it builds, and the id of its blob.
fn dockerfile(snapshot: &dyn Snapshot, path: &str) -> (Kept, Builds, Option<String>) {
    match snapshot.read(path) {
        Ok(Some(blob)) => match Dockerfile::parse(&blob.bytes) {
            Ok(dockerfile) => (Kept::Found(dockerfile), builds(&blob.bytes), Some(blob.oid)),
            Err(error) => (
                Kept::Broken(Some(error.line), error.message),
                Builds::default(),
                Some(blob.oid),
            ),
        },
        Ok(None) => (Kept::Missing, Builds::default(), None),
        Err(error) => (Kept::Broken(None, error.to_string()), Builds::default(), None),
    }
}

fn restore(stored: Stored, origin: Origin) -> Component {
    let Stored {
        dockerfiles,
        oids,
        others,
        go,
        ci_operator,
        faults,
        looked_at: _,
    } = stored;
    let dockerfiles = dockerfiles.into_iter().map(|(path, kept)| {
        let file = match kept {
            Kept::Found(dockerfile) => ReadFile::Found(dockerfile),
            Kept::Missing => ReadFile::Missing,
            Kept::Broken(line, message) => ReadFile::Broken(line, message),
        };
        (path, file)
    });
    let place = |file: String, line| Place {
        repo: origin.name.clone(),
        commit: origin.commit.clone(),
        file,
        line,
    };
    let faults = faults
        .into_iter()
        .map(|(file, line, message)| (place(file, line), message))
        .collect();
    Component {
        dockerfiles: dockerfiles.collect(),
        oids,
        others,
        go,
        ci_operator,
        faults,
        origin,
    }
}
