//! The two ends of a change: where a pull request of GitHub's stands, and how base and head are opened.

use std::collections::BTreeSet;

use super::{Asked, Home, ImpactError};
use crate::run::Run;
use crate::source::github::PullHead;
use crate::source::merge::{MergeError, Merged};
use crate::source::{CommitId, Snapshot, SourceError};

/// How the head of a pull request is read.
#[derive(Clone, Debug)]
pub(super) enum Read {
    /// The commit that merging it would make; its own head.
    Merge { head: String },
    /// Its own head's files, laid over the base.
    Files(BTreeSet<String>),
    /// Its own head as it is.
    AsIs,
}

impl Run {
    /// A pull request where GitHub's API is read: on the base that it is for, as the commit that merging it would make, or, where
    /// GitHub has none, file by file. `known`: where it stands, if that was asked already.
    pub(super) fn on_github(&self, asked: Asked, known: Option<PullHead>) -> Result<(Asked, Read), ImpactError> {
        let pull = asked.pull.filter(|_| asked.base.is_none() && asked.at.is_none());
        let (Some(pull), Some(reader)) = (pull, self.sources.github()) else {
            return Ok((asked, Read::AsIs));
        };
        let found = match known {
            Some(known) => known,
            None => reader.pull(&asked.repository, pull).map_err(MergeError::from)?,
        };
        if found.conflicts {
            return Err(ImpactError::Conflict(asked.repository, pull, found.branch));
        }
        let (head, read) = match (found.merge, found.files) {
            (Some(merge), _) => (merge, Read::Merge { head: found.head }),
            (None, Some(files)) => (found.head, Read::Files(files)),
            (None, None) => (found.head, Read::AsIs),
        };
        let asked = Asked {
            base: Some(found.base),
            branch: asked.branch.or(Some(found.branch)),
            head,
            ..asked
        };
        Ok((asked, read))
    }

    /// Base and head of a repository behind a URL: it is read without its history, so nothing can be merged.
    pub(super) fn far(
        &self,
        home: &Home,
        branch: &str,
        base: Option<&str>,
        head: &str,
        read: &Read,
    ) -> Result<Merged, SourceError> {
        let is_commit = |text: &str| text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let github = self.sources.github().zip(home.location.name());
        let open = |what: &str| match (is_commit(what), &github) {
            (true, Some((reader, name))) => {
                let commit = CommitId(what.to_owned());
                Ok(Box::new(reader.open_at(name, branch, commit)) as Box<dyn Snapshot>)
            }
            (false, Some((reader, name))) => Ok(Box::new(reader.open(name, what)?) as Box<dyn Snapshot>),
            (true, None) => self.sources.open_commit(&home.name, &home.location, branch, what),
            (false, None) => self.sources.open(&home.name, &home.location, what),
        };
        let base = open(base.unwrap_or(branch))?;
        let base_commit = base.origin().commit.clone();
        if let (Read::Files(files), Some((reader, name)), Some(under)) = (read, &github, &base_commit) {
            let (under, above) = (CommitId(under.clone()), CommitId(head.to_owned()));
            let with = reader.open_over(name, branch, under, above, files.clone());
            return Ok(Merged {
                merged_commit: with.origin().commit.clone(),
                head_commit: Some(head.to_owned()),
                with: Box::new(with),
                base_commit,
                base,
            });
        }
        let with = open(head)?;
        Ok(Merged {
            head_commit: with.origin().commit.clone(),
            merged_commit: None,
            base_commit,
            base,
            with,
        })
    }
}
