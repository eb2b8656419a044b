//! Reads the files of components that a prediction of ART's tool looks at.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::Run;
use crate::audit::check::Asked;
use crate::audit::doozer::sources;
use crate::base::RepoName;
use crate::config::Via;
use crate::derive::Release;
use crate::derive::texts::{FileText, Texts};
use crate::source::Snapshot;

impl Run {
    /// The Dockerfiles of a release that ART's tool takes, and those that are derived. A repository that cannot be read has
    /// none.
    pub fn texts(&self, release: &Release<'_>) -> Texts {
        let mut texts = Texts::default();
        if self.config.sources.components.via == Via::None {
            return texts;
        }
        let mut by_repo: BTreeMap<(RepoName, String), Vec<String>> = BTreeMap::new();
        for Asked { repo, branch, path } in sources::asks(release) {
            by_repo.entry((repo, branch)).or_default().push(path);
        }
        let read = by_repo.into_par_iter().filter_map(|((repo, branch), paths)| {
            let location = self.config.sources.components.repo(release.metadata.release, &repo)?;
            let snapshot = self.sources.open_component(&repo, &location, &branch).ok()?;
            let read: Vec<_> = paths
                .into_iter()
                .map(|path| {
                    let text = text_of(&*snapshot, &path);
                    (path, text)
                })
                .collect();
            Some((repo, read))
        });
        for (repo, files) in read.collect::<Vec<_>>() {
            for (path, text) in files {
                texts.insert(repo.clone(), path, text);
            }
        }
        texts
    }
}

/// A file as text.
pub(super) fn text_of(snapshot: &dyn Snapshot, path: &str) -> FileText {
    match snapshot.read(path) {
        Ok(Some(blob)) => match std::str::from_utf8(&blob.bytes) {
            Ok(text) => FileText::Text(text.into()),
            Err(_) => FileText::Unreadable,
        },
        Ok(None) => FileText::Missing,
        Err(_) => FileText::Unreadable,
    }
}
