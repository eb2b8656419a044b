//! What stands at a local path: a git repository, a plain directory, or nothing.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Once;

use git2::{BranchType, ConfigLevel, ErrorClass, ErrorCode, Oid, Reference, Repository, RepositoryOpenFlags};

use super::SourceError;
use super::error::REMOTE;

/// What was found at a path.
pub(super) enum Local {
    Git(Repository),
    Dir(PathBuf),
}

/// Sets libgit2 up for this process: hermetic and quick to open. Call it before the first repository is opened;
/// opening through this module does.
pub fn prepare_git() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let levels = [
            ConfigLevel::ProgramData,
            ConfigLevel::System,
            ConfigLevel::XDG,
            ConfigLevel::Global,
        ];
        for level in levels {
            // SAFETY: not to be called while another thread reads configuration; `Once` and the rule above see to it.
            // An error leaves the search path as it was, which costs time and nothing else.
            let _ = unsafe { git2::opts::set_search_path(level, "") };
        }
        // SAFETY: as above. A mirror is often another user's. The check guards against running what a repository's
        // configuration names (hooks, filters); nothing of the kind is ever run here, only refs and objects are read.
        let _ = unsafe { git2::opts::set_verify_owner_validation(false) };
        // As git itself does: an object is checked when it comes into a repository (and its zlib sum when it is read), not
        // each time anew. It took a tenth of a run.
        git2::opts::strict_hash_verification(false);
    });
}

/// Opens the repository that is exactly at a path, never one around it.
pub(super) fn open_git(path: &Path) -> Result<Repository, git2::Error> {
    prepare_git();
    Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, std::iter::empty::<&OsStr>())
}

/// Finds what stands at a path, or at the same path with `.git` appended.
pub(super) fn find(path: &Path, place: &str) -> Result<Local, SourceError> {
    let error = match open_git(path) {
        Ok(repo) => return Ok(Local::Git(repo)),
        Err(error) => error,
    };
    match fs::metadata(path) {
        Ok(meta) if meta.is_dir() && error.code() == ErrorCode::NotFound && !looks_like_git(path) => {
            // Only listing tells whether the directory may be read.
            fs::read_dir(path).map_err(|error| denied(place, &error))?;
            Ok(Local::Dir(path.to_owned()))
        }
        Ok(meta) if meta.is_dir() => Err(damaged(place, &error)),
        Ok(_) => Err(SourceError::NotFound {
            place: format!("{place} (a file)"),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => bare_sibling(path, place),
        Err(error) => Err(denied(place, &error)),
    }
}

fn bare_sibling(path: &Path, place: &str) -> Result<Local, SourceError> {
    let mut sibling = path.as_os_str().to_owned();
    sibling.push(".git");
    let sibling = PathBuf::from(sibling);
    if path.file_name().is_none() || !sibling.exists() {
        return Err(SourceError::NotFound {
            place: place.to_owned(),
        });
    }
    open_git(&sibling)
        .map(Local::Git)
        .map_err(|error| damaged(place, &error))
}

/// Says whether a directory that git cannot open was meant to be a repository: silently taking it for plain files would
/// read a half-written mirror's insides as its content.
fn looks_like_git(path: &Path) -> bool {
    path.join(".git").symlink_metadata().is_ok()
        || (path.join("HEAD").is_file() && (path.join("objects").is_dir() || path.join("refs").is_dir()))
}

fn denied(place: &str, error: &io::Error) -> SourceError {
    SourceError::Denied {
        place: place.to_owned(),
        message: error.to_string(),
    }
}

pub(super) fn damaged(place: &str, error: &git2::Error) -> SourceError {
    SourceError::Corrupt {
        place: place.to_owned(),
        message: error.message().to_owned(),
    }
}

/// Resolves a branch to its commit.
pub(super) fn branch_commit(repo: &Repository, branch: &str, place: &str) -> Result<Oid, SourceError> {
    let refname = format!("refs/heads/{branch}");
    let reference = match repo.find_reference(&refname) {
        Ok(reference) => reference,
        Err(error) if error.code() == ErrorCode::NotFound || error.code() == ErrorCode::InvalidSpec => {
            let remote = repo.find_reference(&format!("refs/remotes/{REMOTE}/{branch}")).is_ok();
            return Err(SourceError::no_branch(
                place.to_owned(),
                branch,
                branch_names(repo, place)?,
                remote,
            ));
        }
        Err(error) => return Err(damaged(place, &error)),
    };
    let commit = reference.peel_to_commit().map_err(|error| damaged(place, &error))?;
    Ok(commit.id())
}

/// The repository's own default branch: the one that its HEAD names. In a clone that people work in HEAD is what somebody looks at
/// just now, so the default of where it came from goes first; a HEAD that names a branch which nobody ever pushed tells nothing.
pub(super) fn default_branch(repo: &Repository, place: &str) -> Result<String, SourceError> {
    let names = branch_names(repo, place)?;
    let named = |reference: &str, prefix: &str| {
        let reference = repo.find_reference(reference).ok()?;
        let target = reference.symbolic_target().ok().flatten()?;
        target.strip_prefix(prefix).map(str::to_owned)
    };
    let origin = format!("refs/remotes/{REMOTE}/");
    let of_origin = (!repo.is_bare())
        .then(|| named(&format!("{origin}HEAD"), &origin))
        .flatten();
    let heads = [of_origin, named("HEAD", "refs/heads/")];
    match heads.into_iter().flatten().find(|head| names.contains(head)) {
        Some(head) => Ok(head),
        None => likely_branch(&names).ok_or_else(|| SourceError::no_default(place.to_owned(), names)),
    }
}

/// The branch that a repository is developed on, told by the names of all that it has.
pub(super) fn likely_branch(names: &[String]) -> Option<String> {
    const USUAL: [&str; 2] = ["main", "master"];
    let usual: Vec<&String> = names.iter().filter(|name| USUAL.contains(&name.as_str())).collect();
    match (usual.as_slice(), names) {
        ([one], _) => Some((*one).clone()),
        (_, [one]) => Some(one.clone()),
        _ => None,
    }
}

/// What the files of a bare repository alone tell of a branch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Glance {
    /// The commit that it is at.
    At(Oid),
    /// There is no such branch.
    Missing,
    /// libgit2 has to be asked.
    Unclear,
}

/// Looks at the files of a bare repository for a branch.
///
/// Most repositories are only asked whether they have moved, or have a branch, and opening one takes forty system calls.
/// Everything else (work trees, linked refs, other formats, faults) is libgit2's business; so is whether the commit is there,
/// once it is read.
pub(super) fn glance(path: &Path, branch: &str) -> Glance {
    const ID: usize = 40;
    let name = format!("refs/heads/{branch}");
    let is_bare = || path.join("HEAD").is_file() && path.join("objects").is_dir() && !path.join(".git").exists();
    if !Reference::is_valid_name(&name) || !is_bare() {
        return Glance::Unclear;
    }
    match fs::File::open(path.join(&name)) {
        Ok(file) => {
            let mut text = String::new();
            let read = file.take(ID as u64 + 2).read_to_string(&mut text);
            let id = Some(text.trim_end_matches('\n')).filter(|id| read.is_ok() && id.len() == ID);
            id.and_then(|id| Oid::from_str(id).ok())
                .map_or(Glance::Unclear, Glance::At)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_packed(path, &name) => Glance::Missing,
        _ => Glance::Unclear,
    }
}

/// Whether a ref may stand elsewhere than in a file of its own.
fn is_packed(path: &Path, name: &str) -> bool {
    if ["reftable", "commondir"].iter().any(|other| path.join(other).exists()) {
        return true;
    }
    match fs::read(path.join("packed-refs")) {
        Ok(packed) => memchr::memmem::find(&packed, name.as_bytes()).is_some(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Lists a repository's branches by name. Names that are not UTF-8 cannot be asked for and are left out.
pub(super) fn branch_names(repo: &Repository, place: &str) -> Result<Vec<String>, SourceError> {
    let branches = match repo.branches(Some(BranchType::Local)) {
        Ok(branches) => branches,
        Err(error) if error.class() == ErrorClass::Reference && error.code() == ErrorCode::NotFound => {
            return Ok(vec![]);
        }
        Err(error) => return Err(damaged(place, &error)),
    };
    let mut names: Vec<String> = branches
        .filter_map(Result::ok)
        .filter_map(|(branch, _)| branch.name().ok().flatten().map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}
