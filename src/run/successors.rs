//! Asks components whether they have a branch of the next release already: a cut starts there, before metadata and CI
//! configs know of it.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Rendering, Run};
use crate::base::{Release, RepoName};
use crate::cut::detect;
use crate::derive;
use crate::finding::Finding;
use crate::source::{Location, Snapshot};

/// The branch that each component would have for the next release, named after the one that metadata has for this.
pub(super) fn successors(derived: &derive::Release<'_>) -> BTreeMap<RepoName, String> {
    let release = derived.metadata.release;
    let images = derived.images.values().filter_map(|image| {
        let repo = image.repository.value.clone()?;
        derived.components.contains_key(&repo).then_some(())?;
        let branch = image.view["source"]["branch"].as_str()?;
        Some((repo, named_after(branch, release, release.next())?))
    });
    images.collect()
}

/// A branch's name with another release in it; `None` where it has not this one.
fn named_after(branch: &str, release: Release, next: Release) -> Option<String> {
    let number = release.to_string();
    let (at, _) = branch.rmatch_indices(&number).next()?;
    let (head, tail) = (&branch[..at], &branch[at + number.len()..]);
    let goes_on = |c: char| c.is_ascii_digit() || c == '.';
    let whole = !head.ends_with(goes_on) && !tail.starts_with(goes_on);
    whole.then(|| format!("{head}{next}{tail}"))
}

impl Run {
    /// Tells of components with a branch of the release after the newest one, where nobody looks after that.
    ///
    /// Repositories on disk and those read through GitHub's API are asked, the latter all in one question. Behind a URL it
    /// would be a connection for each.
    pub(super) fn branched(
        &self,
        releases: &[Release],
        newest: Option<&Rendering>,
        ci: Option<&dyn Snapshot>,
    ) -> Option<Finding> {
        let newest = newest.filter(|newest| releases.iter().max() == Some(&newest.release))?;
        let next = newest.release.next();
        let wanted = newest.successors.iter();
        self.foresee_heads(wanted.map(|(repo, branch)| (next, repo, &**branch)));
        let has = |(repo, branch): &(&RepoName, &String)| self.has_branch(next, repo, branch);
        let found: Vec<_> = newest.successors.par_iter().filter(has).collect();
        // A run may be for fewer releases than are looked after.
        let is_known = !found.is_empty() && self.releases(&[], ci).is_ok_and(|all| all.contains(&next));
        detect::new_branches(next, &found, newest.successors.len()).filter(|_| !is_known)
    }

    fn has_branch(&self, release: Release, repo: &RepoName, branch: &str) -> bool {
        let Some(location) = self.config.sources.components.repo(release, repo) else {
            return false;
        };
        if matches!(location, Location::Url(_)) && self.sources.github().is_none() {
            return false;
        }
        self.sources.component_has(repo, &location, branch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_named_after_the_next_release() {
        let next = |branch: &str| named_after(branch, Release::new(4, 16), Release::new(4, 17));
        assert_eq!(next("release-4.16").as_deref(), Some("release-4.17"));
        assert_eq!(next("openshift-4.16-okd").as_deref(), Some("openshift-4.17-okd"));
        assert_eq!(next("4.16").as_deref(), Some("4.17"));
        for other in ["main", "release-4.160", "release-14.16", "v4.16.3", "release-4.15", ""] {
            assert_eq!(next(other), None, "{other}");
        }
    }
}
