//! Where components' branches stand, and whether they still do.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Run;
use crate::base::{Release, RepoName};
use crate::source::{CommitId, Location};

/// A component's branch and the commit at which something was learnt of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Head {
    /// The release that it was read for: where a component is may depend on it.
    pub release: Release,
    /// The component.
    pub repo: RepoName,
    /// The branch.
    pub branch: String,
    /// The commit; empty where the branch could not be read.
    pub commit: String,
}

impl Run {
    /// Asks GitHub's API in as few questions as can be where branches are; elsewhere each is asked when it is looked at.
    pub(super) fn foresee_heads<'h>(&self, branches: impl Iterator<Item = (Release, &'h RepoName, &'h str)>) {
        let Some(reader) = self.sources.github() else { return };
        let named = branches.filter_map(|(release, repo, branch)| {
            let at = self.config.sources.components.repo(release, repo)?;
            Some((at.name().unwrap_or_else(|| repo.clone()), branch.to_owned()))
        });
        reader.heads(&named.collect::<Vec<_>>());
    }

    /// Whether all branches are still at their commits.
    pub(super) fn are_unmoved(&self, heads: &[Head]) -> bool {
        self.foresee_heads(heads.iter().map(|head| (head.release, &head.repo, &*head.branch)));
        let mut places: Vec<(&RepoName, Option<Location>, Vec<&Head>)> = Vec::new();
        let mut by_name: BTreeMap<&RepoName, Vec<usize>> = BTreeMap::new();
        for head in heads {
            let location = self.home_of(head.release, &head.repo);
            let known = by_name.entry(&head.repo).or_default();
            match known.iter().find(|at| places[**at].1 == location) {
                Some(at) => places[*at].2.push(head),
                None => {
                    known.push(places.len());
                    places.push((&head.repo, location, vec![head]));
                }
            }
        }
        places
            .par_iter()
            .all(|(repo, location, heads)| self.are_at(repo, location.as_ref(), heads))
    }

    /// Whether branches of one repository are still at their commits.
    fn are_at(&self, repo: &RepoName, location: Option<&Location>, heads: &[&Head]) -> bool {
        let branches: Vec<&str> = heads.iter().map(|head| &*head.branch).collect();
        let several = location.filter(|_| heads.len() > 1);
        if let Some(now) = several.and_then(|at| self.sources.heads(repo, at, &branches)) {
            return heads.iter().zip(now).all(|(head, now)| head.commit == now);
        }
        heads.par_iter().all(|head| {
            let at = location.and_then(|at| self.sources.component_head(repo, at, &head.branch).ok()?);
            at.map_or(String::new(), |CommitId(commit)| commit) == head.commit
        })
    }
}
