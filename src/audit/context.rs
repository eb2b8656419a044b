//! What checks look at: plain data of one release, and of its neighbours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::debt::Debt;
use super::need::Need;
use crate::base::{Origin, Place, Release as ReleaseNumber, RepoName};
pub use crate::derive::texts::FileText;
use crate::derive::{Components, Release, Standing};
use crate::facts::ci_config::{self, Promotion};
use crate::model::metadata::Metadata;
use crate::targets::payload_jobs::verification::Verification;
use crate::yaml::{self, Node};

/// The facts of one release. What is `None` could not be had, and checks that need it are not run.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The release as it is derived; without component facts every image of it is held.
    pub release: &'a Release<'a>,
    /// Facts of the component repositories.
    pub components: Option<&'a Components>,
    /// Files of component repositories that checks asked for.
    pub files: Option<&'a Files>,
    /// Names of files of component repositories.
    pub names: Option<&'a Names>,
    /// Dockerfiles of OKD's own beside OCP's, by the image's key.
    pub twins: Option<&'a BTreeMap<String, Twin>>,
    /// The CI configs.
    pub ci: Option<&'a CiConfigs>,
    /// What verifies payloads.
    pub verification: Option<&'a Verification>,
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
            Need::Names => self.names.is_some(),
            Need::History => self.twins.is_some(),
            Need::CiConfigs => self.ci.is_some(),
            Need::Payload => self.release.demand.last.is_some(),
            Need::Verification => self.verification.is_some(),
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
    /// Texts by the path asked for.
    pub texts: BTreeMap<String, FileText>,
}

/// A Dockerfile of OKD's own beside OCP's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Twin {
    /// Both are there.
    Apart {
        /// What OKD's owes OCP's.
        debts: Vec<Debt>,
    },
    /// OCP's is not there.
    Gone,
    /// Their history does not tell, and why.
    Unknown(String),
}

/// Names of files of component repositories, as far as checks look for them.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// By repository; one that cannot be read is not there.
    pub repos: BTreeMap<RepoName, RepoNames>,
}

/// Names of files of one repository.
#[derive(Clone, Debug)]
pub struct RepoNames {
    /// Where they were read.
    pub origin: Origin,
    /// The files whose names are of the patterns that were asked for: paths, and what they lead to where they are links.
    pub paths: BTreeMap<String, String>,
}

/// The CI configs as far as checks look at them.
#[derive(Clone, Debug)]
pub struct CiConfigs {
    /// Where they were read.
    pub origin: Origin,
    /// All configs of OKD's variant, of all releases, by path.
    pub variant: BTreeMap<String, Arc<[u8]>>,
    /// Paths of all configs without a variant that stand beside those.
    pub plain: BTreeSet<String>,
    /// Repositories and branches that a release of the audit is built from, or would be if it could be derived.
    pub built: BTreeSet<(RepoName, String)>,
    /// Names of the tests that rules make, of all configs.
    pub tests: BTreeSet<String>,
    /// Namespaces and names of the image streams that OKD's releases have, of all releases that configs promote to.
    pub streams: BTreeSet<(String, String)>,
    /// Releases that are closed, by namespace and name of their image streams.
    pub closed: BTreeMap<(String, String), Closed>,
    /// The configuration of image mirroring, where no target looks after it: its place and its text.
    pub mirroring: Option<(Place, Arc<[u8]>)>,
}

/// A release that is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The release.
    pub release: ReleaseNumber,
    /// Why it is, as a rule has it.
    pub because: String,
}

impl CiConfigs {
    /// Whether a config can go without anything being lost: it is for OKD's releases and for nothing else, none is built
    /// from its branch, and nobody added a test to it.
    pub fn is_spare(&self, repo: &RepoName, branch: &str, text: &[u8]) -> bool {
        let promotions = ci_config::promotions(text).unwrap_or_default();
        let ours = |one: &Promotion| self.streams.contains(&(one.namespace.clone(), one.name.clone()));
        let built = self.built.contains(&(repo.clone(), branch.to_owned()));
        if promotions.is_empty() || !promotions.iter().all(ours) || built {
            return false;
        }
        let Ok(root) = yaml::parse(text) else { return false };
        let tests = root.get("tests").and_then(Node::as_seq).unwrap_or_default();
        let made = |test: &Node| {
            let name = test.get("as").and_then(Node::text);
            name.is_some_and(|name| self.tests.contains(name))
        };
        tests.iter().all(made)
    }
}
