//! Names that may be written to a repository.

use git2::Reference;

use super::ForgeError;
use crate::base::path_fault;
use crate::plan::PullRequest;

/// Makes sure that no name or path of a pull request is one that must not be written.
pub fn check_names(wanted: &PullRequest) -> Result<(), ForgeError> {
    let unsafe_ = |what: &str, why: &str| {
        Err(ForgeError::Unsafe {
            what: what.to_owned(),
            why: why.to_owned(),
        })
    };
    for branch in [&wanted.base, &wanted.head()] {
        if !Reference::is_valid_name(&format!("refs/heads/{branch}")) {
            return unsafe_(branch, "it is no name of a branch");
        }
    }
    match wanted
        .files
        .iter()
        .find_map(|file| path_fault(&file.path).map(|why| (&file.path, why)))
    {
        Some((path, why)) => unsafe_(path, why),
        None => Ok(()),
    }
}
