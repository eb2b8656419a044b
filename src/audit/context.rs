//! What checks look at: plain data of one release, and of its neighbours.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::Need;
use crate::derive::{Components, Release, Standing};
use crate::model::metadata::Metadata;
use crate::source::{Origin, RepoName};

/// The facts of one release. What is `None` could not be had, and checks that need it are not run.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The release as it is derived; without component facts every image of it is held.
    pub release: &'a Release<'a>,
    /// Facts of the component repositories.
    pub components: Option<&'a Components>,
    /// Files of component repositories that checks asked for.
    pub files: Option<&'a Files>,
    /// The CI configs.
    pub ci: Option<&'a CiConfigs>,
    /// The release before this one, of those that are audited.
    pub before: Option<&'a Release<'a>>,
    /// The release after this one, of those that are audited.
    pub after: Option<&'a Release<'a>>,
}

impl<'a> Context<'a> {
    /// ocp-build-data of the release.
    pub fn metadata(&self) -> &'a Metadata {
        self.release.metadata
    }

    /// Whether anybody builds an image: OCP, unless its mode is disabled, or OKD.
    pub fn is_built(&self, key: &str) -> bool {
        let okd = self.release.images.get(key).map(|image| &image.standing);
        let ocp = self
            .metadata()
            .images
            .get(key)
            .is_some_and(|image| image.view["mode"] != "disabled");
        ocp || okd.is_some_and(|standing| !matches!(standing, Standing::Dropped(_)))
    }

    /// Whether what a check needs is there.
    pub fn has(&self, need: Need) -> bool {
        match need {
            Need::Components => self.components.is_some(),
            Need::Files => self.files.is_some(),
            Need::CiConfigs => self.ci.is_some(),
            Need::Payload => self.release.demand.last.is_some(),
            Need::Before => self.before.is_some(),
        }
    }
}

/// Files of component repositories that checks asked for.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// By repository.
    pub repos: BTreeMap<RepoName, RepoFiles>,
}

impl Files {
    /// The text of a file; `None` where it was not asked for, or its repository cannot be read.
    pub fn text(&self, repo: &RepoName, path: &str) -> Option<&FileText> {
        self.repos.get(repo)?.texts.get(path)
    }
}

/// What was read of one repository.
#[derive(Clone, Debug)]
pub struct RepoFiles {
    /// Where it was read.
    pub origin: Origin,
    /// Texts by the path asked for.
    pub texts: BTreeMap<String, FileText>,
}

/// A file that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileText {
    /// Its text.
    Text(Arc<str>),
    /// Nothing is there.
    Missing,
    /// It is there and cannot be read as text.
    Unreadable,
}

/// The CI configs as far as checks look at them.
#[derive(Clone, Debug)]
pub struct CiConfigs {
    /// Where they were read.
    pub origin: Origin,
    /// All configs of OKD's variant, of all releases, by path.
    pub variant: BTreeMap<String, Arc<[u8]>>,
}
