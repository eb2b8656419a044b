//! The unified build config: what a release comes to, every value with its provenance as data. It is what is passed from
//! derivation to all that comes after it, and, written as text, a documented, versioned document.

mod commits;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use super::pullspec::{Spellings, StreamTag};
use super::replacement::{InputKind, Recipe};
use crate::base::{Place, Release, RepoName};
use crate::finding::Finding;

/// The version of the document's form. It grows when a key changes its meaning or goes.
pub const VERSION: u32 = 1;

/// The unified build config of a release.
// What is skipped where it is written is for targets and checks, which have it from here as well.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BuildConfig {
    /// Version of this form.
    pub version: u32,
    /// The release, such as `4.16`.
    #[schemars(with = "String")]
    pub release: Release,
    /// Where OKD's images are promoted to.
    pub payload: Payload,
    /// Commit of ocp-build-data that it is derived from; none for a plain directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_data: Option<String>,
    /// Images that are derived, by key in ocp-build-data.
    pub images: BTreeMap<String, Image>,
    /// Needed images that are not built for OKD, by key, and why.
    pub dropped: BTreeMap<String, String>,
    /// Needed images that could not be derived, by key; findings say why.
    pub held: Vec<String>,
    /// What is known of those nevertheless, by key.
    pub held_images: BTreeMap<String, HeldImage>,
    /// Circles of images that are built from one another, as keys, the first one named again at the end.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cycles: Vec<Vec<String>>,
    /// What the images of a repository have in common.
    // Those of which no image is derived are not written.
    #[serde(serialize_with = "written")]
    #[schemars(with = "BTreeMap<String, Repository>")]
    pub repositories: BTreeMap<RepoName, Repository>,
    /// Digests of images that OKD does not build itself, by pullspec, where a lock gives them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub external: BTreeMap<String, String>,
    /// What was found on the way.
    pub findings: Vec<Finding>,
    /// Whether all that says which images there are could be read and decided, so that what is missing from it is positively gone.
    #[serde(skip)]
    pub complete: bool,
}

fn written<S: Serializer>(all: &BTreeMap<RepoName, Repository>, serializer: S) -> Result<S::Ok, S::Error> {
    with_images(all).serialize(serializer)
}

fn with_images(all: &BTreeMap<RepoName, Repository>) -> BTreeMap<String, &Repository> {
    let with = all.iter().filter(|(_, repository)| !repository.keys.is_empty());
    with.map(|(name, own)| (name.to_string(), own)).collect()
}

impl BuildConfig {
    /// The repositories as they are written: those of which an image is derived.
    pub fn written_repositories(&self) -> BTreeMap<String, &Repository> {
        with_images(&self.repositories)
    }
}

/// A value and why it is so.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Value<T> {
    /// The value.
    pub value: T,
    /// Rules that decided it, as `id (file:line)`; none where the engine itself did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub rules: Vec<RuleAt>,
    /// Places in the inputs that the rules read, `repository: file:line at commit`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub from: Vec<At>,
    /// Why it is so, where the engine itself decided it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// A rule that decided a value, and where it stands. As text `id (file:line)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleAt {
    /// Its id.
    pub id: Arc<str>,
    /// Where it stands, `file:line`.
    pub at: Arc<str>,
    /// Why it is so.
    pub because: Arc<str>,
}

impl fmt::Display for RuleAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.id, self.at)
    }
}

impl Serialize for RuleAt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A place in an input. As text `repository: file:line at commit`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(pub Place);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The payload.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Payload {
    /// Host of the registry.
    pub registry: Value<String>,
    /// Namespace of the image stream.
    pub namespace: Value<String>,
    /// Name of the image stream.
    pub name: Value<String>,
    /// Variant of OKD's ci-operator configs.
    pub variant: Value<String>,
    /// The payload as it was last built; none where it isn't configured or can't be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<LastPayload>,
    /// Every tag that is built, asked for by an operator, or was in the last payload.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, PayloadTag>,
    /// Where an earlier rule set promoted, by namespace and name: what is left there is OKD's own.
    #[serde(skip)]
    pub former: Vec<(String, String)>,
    /// The ways in which one image of the registry is written.
    #[serde(skip)]
    pub spellings: Spellings,
}

impl Payload {
    /// The stream tag of one of OKD's own images.
    pub fn tag(&self, tag: &str) -> StreamTag {
        StreamTag {
            registry: self.registry.value.clone(),
            namespace: self.namespace.value.clone(),
            name: self.name.value.clone(),
            tag: tag.to_owned(),
        }
    }
}

/// The payload as it was last built.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LastPayload {
    /// Its version; none where that wasn't read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where its list of images was read.
    #[schemars(with = "String")]
    pub from: At,
}

/// One tag of the payload.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PayloadTag {
    /// Keys in ocp-build-data of the images that are built for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub built_by: Vec<String>,
    /// Who asks for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wanted_by: Vec<WantedBy>,
    /// What it was in the last payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<LastTag>,
    /// The tag of OKD's payload that takes its place, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<Value<String>>,
    /// Where it comes from, where no config promotes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<Value<String>>,
    /// Why it is promoted although no operator asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<Value<String>>,
}

/// Who asks for a tag.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Wanted")]
pub struct WantedBy {
    /// Tags of the images that ship the list; empty where it is in no release.
    pub operators: Vec<String>,
    /// Where the list names it.
    #[schemars(with = "String")]
    pub at: At,
}

/// A tag of the last payload.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct LastTag {
    /// The image.
    pub pullspec: String,
    /// The repository that it was built from, `org/repo`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repository: String,
    /// The commit that it was built from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// Where the payload names it.
    #[schemars(with = "String")]
    pub at: At,
}

/// One image.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Image {
    /// Its tag in the payload.
    pub tag: Value<String>,
    /// Its public repository, `org/repo`.
    pub repository: Value<String>,
    /// The branch that it is built from.
    pub branch: Value<String>,
    /// Commit of the repository that its Dockerfile was read at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Git's id of the build context's tree: the same tree, the same sources.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
    /// Git's id of the Dockerfile's blob, links followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dockerfile_blob: Option<String>,
    /// Whether it is in the payload, or only built because others need it.
    pub payload: bool,
    /// What decides its build, in one word: where it differs the image has to be built again. None where something that it
    /// is built from could not be derived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The Dockerfile, from the repository's root.
    pub dockerfile: Value<String>,
    /// The build context, from the repository's root; empty: the root.
    pub context_dir: Value<String>,
    /// What it is based on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Input>,
    /// What it is built with, in the order of the Dockerfile.
    pub builders: Vec<Input>,
    /// What its Dockerfile copies files from besides its own stages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub copies_from: Vec<Copied>,
    /// The stages of its Dockerfile in order: what each names, as it stands.
    pub stages: Recipe,
    /// What go.mod asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub go: Option<Go>,
    /// The build root that the component's own `.ci-operator.yaml` names, `namespace/name:tag`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_build_root: Option<Value<String>>,
    /// Build arguments.
    pub build_args: Value<Json>,
    /// Resources of its build; empty: its repository's.
    pub resources: Value<Json>,
    /// A step that prepares its base, `{name, commands}`; empty: none.
    pub prepare: Value<Json>,
    /// Architectures.
    pub arches: Value<Vec<String>>,
    /// Build wave: an image comes after what it is built from. None where a circle keeps it from having one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
    /// Why it is built at all.
    #[serde(skip)]
    pub reason: Reason,
}

impl Image {
    /// What its Dockerfile's FROMs name: builders, then the base.
    pub fn froms(&self) -> impl Iterator<Item = &Input> {
        self.builders.iter().chain(&self.base)
    }
}

/// Why an image is built at all.
#[derive(Clone, Debug)]
pub struct Reason {
    /// The rule.
    pub rule: Option<RuleAt>,
    /// A sentence.
    pub because: String,
    /// Whether it is only needed because another image is built from it.
    pub for_another: bool,
}

/// A needed image that could not be derived.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct HeldImage {
    /// Its tag in the payload; empty: that could not be derived either.
    pub tag: String,
    /// Its public repository, `org/repo`; empty: unknown.
    pub repository: String,
    /// Key of the image that metadata names as its base.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Keys of the images that metadata names as its builders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub builders: Vec<String>,
    /// Build wave, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
}

/// An image that a Dockerfile takes files from by another line than a FROM.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Copied {
    /// What line it is: `copy`, `mount`, or `run` for a pullspec that a `RUN` may pull.
    pub kind: InputKind,
    /// The image as the Dockerfile names it, ARGs substituted.
    pub written: String,
    /// The same as it stands in the line; none where that is equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The image that stands for it in OKD: what a FROM of the same name is replaced by, OKD's build of an image of OCP's
    /// payload, what stands for the stream or member that is known by its name, else the image itself.
    pub pullspec: String,
    /// Key of the image that is built for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Metadata's entry that it was taken for: `member x` or `stream y`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// Where the Dockerfile names it.
    #[schemars(with = "String")]
    pub at: At,
    /// Whether it is replaced, by builders that can: OpenShift's replaces `copy` alone.
    pub replaced: bool,
    /// The rules that decided the pullspec.
    #[serde(skip)]
    pub rules: Vec<RuleAt>,
}

/// One FROM.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Input {
    /// The image that stands for it in OKD.
    pub pullspec: Value<String>,
    /// Key of the image that is built for that, where OKD builds it itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Metadata's entry: `member x`, `stream y` or `image z`.
    pub metadata: String,
    /// The image as the Dockerfile names it, ARGs substituted.
    pub written: String,
    /// The same as it stands in the FROM; none where that is equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Where the Dockerfile names it.
    #[schemars(with = "String")]
    pub at: At,
    /// The stage's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Whether the FROM is replaced.
    pub replaced: bool,
    /// The Go version that it provides, where it is a Go builder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub go: Option<String>,
    /// The place of its stage among the Dockerfile's.
    #[serde(skip)]
    pub stage_index: usize,
    /// Whether later stages start from this one, so that it is no base although it pairs with metadata's last entry.
    #[serde(skip)]
    pub inner: bool,
}

/// The Go version that a component asks for.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Go {
    /// The `go` line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Value<String>>,
    /// The `toolchain` line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<Value<String>>,
}

/// What the images of a repository have in common.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Repository {
    /// The branch that the release is built from.
    pub branch: String,
    /// Tags of its images in the order of its ci-operator config.
    pub images: Vec<String>,
    /// The build root's pullspec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_root: Option<Value<String>>,
    /// The config's `promotion`.
    pub promotion: Value<Json>,
    /// The config's `prowgen`.
    pub prowgen: Value<Json>,
    /// The config's `releases`.
    pub releases: Value<Json>,
    /// The config's `resources`.
    pub resources: Value<Json>,
    /// The config's `tests`.
    pub tests: Value<Json>,
    /// Keys of its images, in the same order as their tags.
    #[serde(skip)]
    pub keys: Vec<String>,
    /// Payload tags of its images that could not be derived: what is there of them stays.
    #[serde(skip)]
    pub held: BTreeSet<String>,
    /// Its images that metadata positively dropped, by payload tag.
    #[serde(skip)]
    pub dropped: BTreeMap<String, Dropped>,
    /// Whether `images` of a new config is `{items: […]}`.
    #[serde(skip)]
    pub images_as_items: Value<bool>,
    /// Whether an input of the config lists only the names of the last stage that resolves to it.
    #[serde(skip)]
    pub last_stage_only: Value<bool>,
    /// Whether a config that means the same is written in our form.
    #[serde(skip)]
    pub rewrite_same_meaning: Value<bool>,
    /// Whether something about the config itself could not be derived, so that nothing of it is touched.
    #[serde(skip)]
    pub broken: bool,
}

/// An image that metadata positively dropped from its repository's config.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// Its key in ocp-build-data.
    pub key: String,
    /// Why, as a sentence.
    pub why: String,
    /// The rule that says so.
    pub rule: Option<RuleAt>,
    /// The step that prepares its base; none: there is none.
    pub step: Option<String>,
}
