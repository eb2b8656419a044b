//! The answer as data: what `results --format json` prints.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which images do not build.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Results {
    /// The version of this form.
    pub version: u32,
    /// Each release.
    pub releases: Vec<OfRelease>,
    /// Sources that could not be read, each with why: what they would have said is missing.
    pub unread: Vec<Unread>,
}

/// A source that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Unread {
    /// The source, as the configuration names it.
    pub source: String,
    /// Why.
    pub why: String,
}

/// The images and payloads of a release.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OfRelease {
    /// The release.
    pub release: String,
    /// The images, by payload tag.
    pub images: Vec<ImageResult>,
    /// The release controller's streams.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payloads: Vec<Payload>,
    /// Which images are none of the release.
    #[serde(skip)]
    pub absent: Absent,
}

/// Which images are none of a release, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Absent {
    /// Tags that metadata says are not built for OKD.
    pub dropped: BTreeSet<String>,
    /// Whether all that says which images there are could be read, and each was placed: whatever is not listed is none.
    pub all_others: bool,
}

impl OfRelease {
    /// Whether an image is certainly none of the release. One that is merely not listed may be one whose metadata cannot be read.
    pub fn lacks(&self, image: &str) -> bool {
        let listed = self.images.iter().any(|known| known.image == image);
        !listed && self.absent.has(image)
    }
}

impl Absent {
    /// Whether an image that is not listed is certainly none.
    pub fn has(&self, image: &str) -> bool {
        self.all_others || self.dropped.contains(image)
    }
}

/// How an image stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImageState {
    /// Its build fails.
    Broken,
    /// It cannot be built because another image fails.
    BecauseOf,
    /// It is built, and another image of its config keeps it from being promoted.
    HeldBack,
    /// It was not tried.
    NotTried,
    /// CI itself is at fault.
    Ci,
    /// It is built, on a parent from before.
    StaleBase,
    /// Nobody can tell.
    Unknown,
    /// It builds.
    Builds,
}

impl ImageState {
    /// All of them, the worst first.
    pub const ALL: [Self; 8] = [
        Self::Broken,
        Self::BecauseOf,
        Self::HeldBack,
        Self::NotTried,
        Self::Ci,
        Self::StaleBase,
        Self::Unknown,
        Self::Builds,
    ];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Builds => "builds",
            Self::Broken => "broken",
            Self::BecauseOf => "because-of",
            Self::HeldBack => "held-back",
            Self::NotTried => "not-tried",
            Self::Ci => "ci",
            Self::Unknown => "unknown",
            Self::StaleBase => "stale-base",
        }
    }
}

/// One image.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ImageResult {
    /// Its payload tag.
    pub image: String,
    /// The repository that it is built from.
    pub repository: String,
    /// The branch.
    pub branch: String,
    /// The job that builds it.
    pub job: String,
    /// How it stands.
    pub state: ImageState,
    /// What it is, in a few words; empty where it builds.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub says: String,
    /// The image that it waits for: the root, through all that wait for one another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The first commit at which it did not build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// When that was, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_time: Option<i64>,
    /// The last commit at which it built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good: Option<String>,
    /// How often it was tried in vain since.
    #[serde(skip_serializing_if = "is_zero")]
    pub attempts: usize,
    /// Whether OKD alone fails, by what OCP's job says of the same commit; null where that is not known.
    pub okd_only: Option<bool>,
    /// OCP's job.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub twin: String,
    /// The last lines of what the build said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// What changed between the last good commit and the first bad one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suspects: Vec<Suspect>,
    /// The folder of the last run that told how it stands, below the configured base of artifacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// How another system builds the same, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Elsewhere>,
    /// What it was before, from run to run, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Spell>,
    /// Why nobody is to hear of it, where the configuration says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silenced: Option<String>,
}

impl ImageResult {
    /// Whether its build fails and somebody is to hear of it.
    pub fn is_told(&self) -> bool {
        self.state == ImageState::Broken && self.silenced.is_none()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// How another system builds an image: what stands beside CI's own answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Elsewhere {
    /// What builds it there.
    pub job: String,
    /// How it stands there.
    pub state: ImageState,
    /// What that is, in a few words; empty where it builds.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub says: String,
    /// The first commit at which it did not build there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// When that was, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_time: Option<i64>,
}

/// Runs that say the same of an image, one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Spell {
    /// How the image stood by each of them alone.
    pub state: ImageState,
    /// What that is, in a few words; empty where it builds.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub says: String,
    /// The commit of the first of them.
    pub since: String,
    /// When that began, in seconds since 1970; null where it is not told.
    pub since_time: Option<i64>,
    /// The commit of the last of them.
    pub until: String,
    /// How many runs.
    pub runs: usize,
}

/// Something that changed between a good commit and a bad one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Suspect {
    /// The commit.
    pub commit: String,
    /// The pull request's number, where the commit merges one.
    pub pull: Option<u64>,
    /// Its title.
    pub title: String,
}

/// One of the release controller's streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Payload {
    /// The stream.
    pub stream: String,
    /// The newest payload, the one that was tried last; none where there is none.
    pub newest: Option<String>,
    /// When that was made, in seconds since 1970, as its name says; null where it does not.
    pub newest_time: Option<i64>,
    /// How it stands: `Accepted`, `Rejected`, `Ready`, `Failed` or `Pending`.
    pub phase: Option<String>,
    /// The newest one that was accepted.
    pub accepted: Option<String>,
    /// When that was made, in seconds since 1970, as its name says; null where it does not.
    pub accepted_time: Option<i64>,
    /// How many there are since.
    pub since: usize,
    /// The newest of those that was rejected or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejected: Option<String>,
    /// The first of those that was rejected or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_rejected: Option<String>,
    /// The jobs that failed of the newest one that was rejected.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedJob>,
    /// The payload that `changes` count from, up to the first one that was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes_since: Option<String>,
    /// What changed since then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

/// A job that failed of a payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailedJob {
    /// Its name in the release controller.
    pub job: String,
    /// Whether the payload cannot be accepted without it.
    pub blocking: bool,
    /// How it ended.
    pub state: String,
    /// The folder of its run below the configured base of artifacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// What changed of some images from one payload to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Their payload tags.
    pub images: Vec<String>,
    /// The repository that they are built from, `org/repo`.
    pub repository: String,
    /// The commit that they were built from; null where they are new.
    pub before: Option<String>,
    /// The commit that they are built from; null where they are gone.
    pub after: Option<String>,
    /// The pull requests between the two, where they are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pulls: Vec<Suspect>,
}
