//! Where everything is read from: templates of the configuration, filled in for a release or component.

use std::path::PathBuf;

use super::format::is_oci;
use crate::base::{Origin, Release, RepoName};
use crate::source::{Location, Template};

/// Where metadata, configs and sources are read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Sources {
    /// ocp-build-data.
    pub build_data: BuildData,
    /// openshift/release; without it a branch is metadata's `git.branch.target`.
    pub ci_config: Option<CiConfig>,
    /// The component repositories.
    pub components: Components,
    /// The payload's own list of images.
    pub payload: Option<Payload>,
    /// Where results of builds are read from.
    pub results: Option<ResultSources>,
}

/// Where results of builds are read from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultSources {
    /// Whether statuses of commits are read through GitHub's API.
    pub github: bool,
    /// Who sets Prow's statuses there; `None`: anybody.
    pub author: Option<String>,
    /// Prow's page of jobs.
    pub deck: Option<Location>,
    /// The folder of what jobs left.
    pub artifacts: Option<Location>,
    /// The release controller.
    pub release_controller: Option<ReleaseController>,
    /// The namespace of a cluster where builds run.
    pub namespace: Option<String>,
}

/// The release controller, whose streams hold payloads.
#[derive(Clone, Debug, PartialEq)]
pub struct ReleaseController {
    /// Where it is.
    pub url: Location,
    /// Its streams, with `{release}` in them.
    pub streams: Vec<String>,
    /// Where a payload is, by its name.
    pub(super) payload: Option<Template>,
}

impl ReleaseController {
    /// Where a payload of some name is; `None` where that is not configured, or the name could lead elsewhere.
    pub fn payload(&self, tag: &str) -> Option<PayloadFile> {
        let template = self.payload.as_ref()?;
        let values = [("tag", tag)];
        match is_oci(template.text()) {
            true => template.fill(&values).ok().map(PayloadFile::Oci),
            false => template.expand(&values).ok().map(PayloadFile::File),
        }
    }
}

/// ocp-build-data: one branch, or one repository, a release.
#[derive(Clone, Debug, PartialEq)]
pub struct BuildData {
    pub(super) repo: Template,
    pub(super) branch: Template,
}

impl BuildData {
    /// The repository that holds a release.
    pub fn repo(&self, release: Release) -> Location {
        located(&self.repo, release)
    }

    /// The repository that holds every release; `None` when each has its own.
    pub fn shared_repo(&self) -> Option<Location> {
        self.repo.expand(&[]).ok()
    }

    /// The branch that holds a release.
    pub fn branch(&self, release: Release) -> String {
        filled(&self.branch, release)
    }

    /// The release that a branch holds; `None` for a branch of another kind.
    pub fn release_of(&self, branch: &str) -> Option<Release> {
        self.branch.value_in(branch, "release")?.parse().ok()
    }
}

/// openshift/release: one branch for all releases.
#[derive(Clone, Debug, PartialEq)]
pub struct CiConfig {
    pub(super) repo: Location,
    /// The branch that is read, and that pull requests go to; `None`: the repository's own default branch.
    pub branch: Option<String>,
}

impl CiConfig {
    /// Where the repository is.
    pub fn repo(&self) -> Location {
        self.repo.clone()
    }

    /// The branch that pull requests go to: the one that was read. A plain directory has none of its own.
    pub fn base(&self, read: &Origin) -> String {
        const OF_DIRECTORY: &str = "main";
        let read = Some(read.branch.as_str()).filter(|branch| !branch.is_empty());
        self.branch.as_deref().or(read).unwrap_or(OF_DIRECTORY).to_owned()
    }

    /// The repository's name, where pull requests go; `None` when its location does not end in `org/repo`.
    pub fn name(&self) -> Option<RepoName> {
        self.repo.name()
    }
}

/// The component repositories, found by a template.
#[derive(Clone, Debug, PartialEq)]
pub struct Components {
    pub(super) repo: Template,
    /// How they are read.
    pub via: Via,
}

impl Components {
    /// Where a component's repository is for a release; `None` for a name that could lead elsewhere (`..`, a slash).
    pub fn repo(&self, release: Release, name: &RepoName) -> Option<Location> {
        let release = release.to_string();
        let values = [("org", &*name.org), ("repo", &name.repo), ("release", &release)];
        self.repo.expand(&values).ok()
    }
}

/// How component repositories are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// By fetching them.
    Git,
    /// Through GitHub's API.
    GitHub,
    /// Not at all: only what metadata and CI configs tell is known.
    None,
}

impl Via {
    pub(super) const ALL: [Self; 3] = [Self::Git, Self::GitHub, Self::None];

    /// The name as the configuration has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::GitHub => "github",
            Self::None => "none",
        }
    }
}

/// Where the payload as it was last built is described.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    pub(super) image_references: Template,
    pub(super) release_metadata: Option<Template>,
    pub(super) repo: Option<Template>,
    pub(super) branch: Option<Template>,
    /// The file with logins for registries.
    pub auth_file: Option<PathBuf>,
    /// Which image of a list is read.
    pub architecture: String,
    /// Whether a registry elsewhere is asked without encryption.
    pub insecure: bool,
}

/// Where a file of a release's payload is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadFile {
    /// In a release image in a registry, such as `quay.io/org/name:tag`.
    Oci(String),
    /// At a URL or path.
    File(Location),
    /// In a repository, at a branch.
    InRepo {
        /// The repository or directory.
        repo: Location,
        /// The branch; `None`: the repository's own default branch.
        branch: Option<String>,
        /// The path in it.
        path: String,
    },
}

impl Payload {
    /// The text of a file's place with its placeholders, a relative path as seen from the current directory.
    pub(super) fn rebased(&self, file: &Template) -> String {
        if self.repo.is_some() || is_oci(file.text()) {
            file.text().to_owned()
        } else {
            file.rebased()
        }
    }

    /// Where a release's `image-references` are.
    pub fn image_references(&self, release: Release) -> PayloadFile {
        self.file(&self.image_references, release)
    }

    /// Where a release's `release-metadata` is, if that is said.
    pub fn release_metadata(&self, release: Release) -> Option<PayloadFile> {
        let file = self.release_metadata.as_ref()?;
        Some(self.file(file, release))
    }

    fn file(&self, file: &Template, release: Release) -> PayloadFile {
        match &self.repo {
            Some(repo) => PayloadFile::InRepo {
                repo: located(repo, release),
                branch: self.branch.as_ref().map(|branch| filled(branch, release)),
                path: filled(file, release),
            },
            None if is_oci(file.text()) => PayloadFile::Oci(filled(file, release)),
            None => PayloadFile::File(located(file, release)),
        }
    }
}

const CHECKED: &str = "no configuration has a template that some release makes no location of";

fn located(template: &Template, release: Release) -> Location {
    template.expand(&[("release", &release.to_string())]).expect(CHECKED)
}

fn filled(template: &Template, release: Release) -> String {
    template.fill(&[("release", &release.to_string())]).expect(CHECKED)
}
