//! What checks need to have been read.

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
        }
    }
}
