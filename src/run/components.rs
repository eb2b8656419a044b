//! Reads the facts of component repositories, several at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::Run;
use crate::audit::Place;
use crate::derive::complete::wanted;
use crate::derive::outline::Outline;
use crate::derive::{Component, Components, ReadFile};
use crate::facts::dockerfile::Dockerfile;
use crate::facts::gomod::{self, GoMod};
use crate::source::github::{Reader, Wanted};
use crate::source::{CommitId, Origin, RepoName, Snapshot};

/// Must change when the same commit yields other facts.
const VERSION: u32 = 1;

/// What is kept of a component between runs.
type Stored = (
    BTreeMap<String, Kept>,
    Option<GoMod>,
    Vec<(String, Option<u32>, String)>,
);

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
        (repo, component)
    });
    read.collect::<Vec<_>>().into_iter().collect()
}

/// Asks GitHub for all that is wanted at once, but for what is known from earlier runs.
fn foresee(run: &Run, reader: &Reader, outline: &Outline<'_>, wanted: &[(RepoName, (String, BTreeSet<String>))]) {
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
            .get::<Stored>("component", VERSION, key(&commit, files).as_bytes());
        let files = files.iter().cloned().chain(["go.mod".to_owned()]).collect();
        known.is_none().then_some(Wanted { repo, commit, files })
    });
    reader.gather(&unknown.collect::<Vec<_>>(), &run.store);
}

/// What the facts of a component are kept under.
fn key(commit: &CommitId, files: &BTreeSet<String>) -> String {
    format!("{commit} {}", files.iter().cloned().collect::<Vec<_>>().join(" "))
}

fn component(
    run: &Run,
    outline: &Outline<'_>,
    repo: &RepoName,
    branch: &str,
    files: &BTreeSet<String>,
) -> Result<Component, String> {
    let location = run.config.sources.components.repo(outline.metadata.release, repo);
    let location = location.ok_or_else(|| format!("`sources.components.repo` has no place for {repo}"))?;
    let name = repo.to_string();
    let mut key = None;
    if run.store.is_enabled() {
        let head = run.sources.component_head(repo, &location, branch);
        let head = head.map_err(|error| error.to_string())?;
        key = head.map(|commit| (self::key(&commit, files), commit));
        if let Some((key, commit)) = &key
            && let Some(stored) = run.store.get::<Stored>("component", VERSION, key.as_bytes())
        {
            let origin = Origin {
                name,
                branch: branch.to_owned(),
                commit: Some(commit.to_string()),
            };
            return Ok(restore(stored, origin));
        }
    }
    let snapshot = run
        .sources
        .open_component(repo, &location, branch)
        .map_err(|error| error.to_string())?;
    let stored = facts(&*snapshot, files);
    if let Some((key, _)) = key {
        run.store.put("component", VERSION, key.as_bytes(), &stored);
    }
    Ok(restore(stored, snapshot.origin().clone()))
}

fn facts(snapshot: &dyn Snapshot, files: &BTreeSet<String>) -> Stored {
    let dockerfiles = files
        .iter()
        .map(|path| (path.clone(), dockerfile(snapshot, path)))
        .collect();
    let mut faults = Vec::new();
    let go_mod = match snapshot.read("go.mod") {
        Ok(blob) => blob.map(|blob| gomod::parse(&blob.bytes)),
        Err(error) => {
            faults.push(("go.mod".to_owned(), None, error.to_string()));
            None
        }
    };
    (dockerfiles, go_mod, faults)
}

fn dockerfile(snapshot: &dyn Snapshot, path: &str) -> Kept {
    match snapshot.read(path) {
        Ok(Some(blob)) => match Dockerfile::parse(&blob.bytes) {
            Ok(dockerfile) => Kept::Found(dockerfile),
            Err(error) => Kept::Broken(Some(error.line), error.message),
        },
        Ok(None) => Kept::Missing,
        Err(error) => Kept::Broken(None, error.to_string()),
    }
}

fn restore((dockerfiles, go_mod, faults): Stored, origin: Origin) -> Component {
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
        go_mod,
        faults,
        origin,
    }
}
