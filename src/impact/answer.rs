//! The answer as data: what `impact --format json` prints.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::audit::report::Shown;
use crate::rebuild::Rebuild;

/// What a change would do to OKD.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Impact {
    /// The version of this form.
    pub version: u32,
    /// The repository that is changed, `org/repo`.
    pub repository: String,
    /// The pull request's number; null where it is none.
    pub pull: Option<u64>,
    /// The base: its commit, or the folder that it is.
    pub base: String,
    /// The head: its commit, or the folder that it is.
    pub head: String,
    /// How the head was put on top of the base.
    pub merged: Merge,
    /// The branch that is changed; empty where it is not known.
    pub branch: String,
    /// A digest of what was read, of metadata and rules: the same digest, the same answer.
    pub digest: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// The same as a sentence for somebody who never heard of OKD.
    pub sentence: String,
    /// What to do, a sentence.
    #[serde(rename = "do")]
    pub todo: String,
    /// Each release that is built from the branch.
    pub releases: Vec<OfRelease>,
}

/// How a head was put on top of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Merge {
    /// They were merged in memory.
    Memory,
    /// The commit that the forge would merge was read.
    Commit,
    /// The files that the head changes were laid over the base as the head has them.
    Files,
    /// The head's files were read as they are: what the base got meanwhile may be missing.
    AsIs,
}

/// What a change comes to, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// OKD loses an image.
    Breaks,
    /// OKD's image becomes another than somebody meant.
    Changes,
    /// Something that was wrong is right afterwards, and nothing gets worse.
    Mends,
    /// What is wrong stays so although its file is touched.
    Still,
    /// Nothing of that.
    Nothing,
}

impl Verdict {
    /// All, the worst first.
    pub const ALL: [Self; 5] = [Self::Breaks, Self::Changes, Self::Mends, Self::Still, Self::Nothing];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Breaks => "breaks",
            Self::Changes => "changes",
            Self::Mends => "mends",
            Self::Still => "still",
            Self::Nothing => "nothing",
        }
    }
}

/// What it comes to in one release.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OfRelease {
    /// The release.
    pub release: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// What is found with the change and was not without it. What OKD alone suffers comes first.
    pub new: Vec<Found>,
    /// What was found without the change and is not with it.
    pub gone: Vec<Found>,
    /// What is found either way, in this repository or in a file that is touched.
    pub still: Vec<Found>,
    /// Values of the unified build config that change.
    pub values: Vec<ValueChange>,
    /// Files that targets would then propose otherwise.
    pub files: Vec<FileChanged>,
    /// What would have to be built again, in batches; null where nothing would.
    pub rebuild: Option<Rebuild>,
}

/// What a finding means for OKD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// OKD loses the image.
    Break,
    /// OKD's image becomes another.
    Change,
    /// It is worth knowing.
    Note,
    /// It concerns nobody who changes this repository.
    None,
}

/// Whether the file that a finding stands in is touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Touched {
    /// It is.
    Yes,
    /// It is not.
    No,
}

/// A finding, and what it means.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Found {
    /// The finding as the audit shows it.
    #[serde(flatten)]
    pub shown: Shown,
    /// What it means for OKD, by rules `on: finding`.
    pub impact: Effect,
    /// Whether OKD alone suffers, so that nobody else says it.
    pub alone: bool,
    /// Another release whose metadata of the image fits, so that it can be taken over from there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<Cure>,
    /// Whether its file is touched.
    #[serde(skip)]
    #[schemars(skip)]
    pub touched: Option<Touched>,
}

impl Found {
    /// Whether somebody works on the very file of a component that it stands in. What else of an image's metadata is touched,
    /// says nothing of it.
    pub fn is_worked_on(&self) -> bool {
        let finding = &self.shown.finding;
        let file_of = finding.place.as_ref().map(|place| &place.repo);
        self.touched == Some(Touched::Yes) && finding.component.as_ref() == file_of
    }
}

/// Metadata of another release that fits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Cure {
    /// The release.
    pub release: String,
    /// The branch of build data.
    pub branch: String,
    /// The file.
    pub file: String,
    /// What of it: the part that differs, such as `from`.
    pub key: String,
}

/// A value that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ValueChange {
    /// The image, by its tag, or the repository.
    pub of: String,
    /// The field, such as `builders[1].pullspec`.
    pub field: String,
    /// Without the change; null where there was none.
    pub before: Json,
    /// With it; null where there is none.
    pub after: Json,
    /// The rules that decided it, as `id (file:line)`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Why it is so, where the engine itself decided it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// A file that a target would propose otherwise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct FileChanged {
    /// The repository.
    pub repository: String,
    /// The path.
    pub path: String,
    /// The target.
    pub target: String,
    /// What the proposal with the change is: `new`, `changed`, `removed`, or `none` where it goes.
    pub change: String,
    /// Whether the change edits this very file by hand, so that the proposal would put it back.
    pub puts_back: bool,
}
