//! Which files a commit, or a branch, changes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::answers::{Compared, File};
use crate::base::RepoName;
use crate::base::loose::{Loose, read};
use crate::forge::ForgeError;
use crate::github::{Fault, FaultKind, Reader};

/// How many files GitHub names on a page.
const PAGE: usize = 300;
/// How many pages there are at most, as GitHub has it.
const PAGES: usize = 10;

/// The paths that a commit changes against its first parent.
///
/// # Errors
/// They cannot be read, or there are more than GitHub names.
pub fn of_commit(reader: &Reader, repo: &RepoName, commit: &str) -> Result<BTreeSet<String>, ForgeError> {
    let mut paths = BTreeSet::new();
    for page in 1..=PAGES {
        let what = format!("looking at the files of commit {commit} of {repo}");
        let answer = get(
            reader,
            repo,
            format!("/repos/{repo}/commits/{commit}?page={page}"),
            &what,
        )?;
        let files = files(&answer, &what)?;
        let count = files.len();
        for file in files {
            paths.extend([file.0.filename.0, file.0.previous_filename.0].into_iter().flatten());
        }
        if count < PAGE {
            return Ok(paths);
        }
    }
    let what = format!("looking at the files of commit {commit} of {repo}");
    let kind = FaultKind::Garbled(format!(
        "it changes more than the {} files that are named",
        PAGE * PAGES
    ));
    Err(Fault { what, kind }.into())
}

/// The blobs that a commit has where it differs from the place where it left its base; `None`: there are too many, or
/// nobody can tell any more.
///
/// # Errors
/// They cannot be read.
pub fn since(
    reader: &Reader,
    repo: &RepoName,
    base: &str,
    head: &str,
) -> Result<Option<BTreeMap<String, Option<String>>>, ForgeError> {
    let what = format!("comparing {head} with the base in {repo}");
    let answer = match get(reader, repo, format!("/repos/{repo}/compare/{base}...{head}"), &what) {
        Err(ForgeError::GitHub(fault)) if matches!(fault.kind, FaultKind::NotFound) => return Ok(None),
        answer => answer?,
    };
    let files = files(&answer, &what)?;
    if files.len() >= PAGE {
        return Ok(None);
    }
    let mut blobs = BTreeMap::new();
    for file in files {
        let Loose(file) = file;
        let blob = file.sha.0.filter(|_| *file.status != "removed");
        blobs.extend(file.previous_filename.0.map(|path| (path, None)));
        blobs.extend(file.filename.0.map(|path| (path, blob)));
    }
    Ok(Some(blobs))
}

fn get(reader: &Reader, repo: &RepoName, path: String, what: &str) -> Result<Value, ForgeError> {
    Ok(reader.get(repo, path, what.to_owned())?.body)
}

fn files(answer: &Value, what: &str) -> Result<Vec<Loose<File>>, ForgeError> {
    let garbled = || Fault::lacks(what.to_owned(), "files");
    let compared: Compared = read(answer).unwrap_or_default();
    Ok(compared.files.into_items().ok_or_else(garbled)?)
}
