//! What a check is: one unit with its codes, what it needs, and a pure function.

use super::Sink;
use super::context::Context;
use crate::base::RepoName;
use crate::derive::Release;
use crate::finding::Code;

/// What a check needs beside ocp-build-data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Facts of the component repositories: Dockerfiles, go.mod, build roots.
    Components,
    /// Files of component repositories that only checks ask for.
    Files,
    /// Names of files of component repositories.
    Names,
    /// The history of component repositories.
    History,
    /// The CI configs.
    CiConfigs,
    /// The payload's own list of images.
    Payload,
    /// What verifies payloads: openshift/release's own gating configs.
    Verification,
    /// The release before this one.
    Before,
}

impl Need {
    /// What it is called in the summary.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Components => "the component repositories",
            Self::Files => "files of the component repositories",
            Self::Names => "names of files of the component repositories (`sources.components` with `via: git`)",
            Self::History => {
                "the history of the component repositories (paths of whole clones in `sources.components`)"
            }
            Self::CiConfigs => "the CI configs (`sources.ci-config`)",
            Self::Payload => "the payload's list of images (`sources.payload`)",
            Self::Verification => "the gating configs of the CI configs' own repository",
            Self::Before => "the release before it",
        }
    }
}

/// A file of a component repository that a check asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// The repository.
    pub repo: RepoName,
    /// The branch.
    pub branch: String,
    /// The file.
    pub path: String,
}

/// What a check asks for that reads nothing beside what everybody sees.
pub fn nothing(_: &Release<'_>) -> Vec<Asked> {
    Vec::new()
}

/// One check: a pure function from the facts of a release to findings.
#[derive(Debug)]
pub struct Check {
    /// The codes of its findings; the first one names the check.
    pub codes: &'static [&'static Code],
    /// What it needs; where one of these is missing it is skipped.
    pub needs: &'static [Need],
    /// The files of component repositories that it needs ([`Need::Files`]); they are read before it is run.
    pub asks: fn(&Release<'_>) -> Vec<Asked>,
    /// Looks at a release.
    pub run: fn(&Context<'_>, &mut Sink),
}

impl Check {
    /// What the check is called: its first code.
    pub fn name(&self) -> &'static str {
        self.codes.first().map_or("", |code| code.name)
    }
}
