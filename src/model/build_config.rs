//! The unified build config: what a release comes to, every value with its provenance as data. It is what is passed from
//! derivation to all that comes after it, and, written as text, a documented, versioned document.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use super::replacement::{InputKind, Recipe};
use crate::base::Place;
use crate::finding::Finding;

/// The version of the document's form. It grows when a key changes its meaning or goes.
pub const VERSION: u32 = 1;

/// The unified build config of a release.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct BuildConfig {
    /// Version of this form.
    pub version: u32,
    /// The release, such as `4.16`.
    pub release: String,
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
    pub repositories: BTreeMap<String, Repository>,
    /// Digests of images that OKD does not build itself, by pullspec, where a lock gives them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub external: BTreeMap<String, String>,
    /// What was found on the way.
    pub findings: Vec<Finding>,
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
    pub id: String,
    /// Where it stands, `file:line`.
    pub at: String,
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
}

impl BuildConfig {
    /// The same without the commits that its inputs were read at: it says what is built and why, and changes only with that.
    #[must_use]
    pub fn without_commits(mut self) -> Self {
        self.build_data = None;
        let payload = &mut self.payload;
        let own = [
            &mut payload.registry,
            &mut payload.namespace,
            &mut payload.name,
            &mut payload.variant,
        ];
        own.into_iter().for_each(Value::forget);
        payload.last.iter_mut().for_each(|last| last.from.forget());
        payload.tags.values_mut().for_each(PayloadTag::forget);
        self.images.values_mut().for_each(Image::forget);
        self.repositories.values_mut().for_each(Repository::forget);
        for place in self.findings.iter_mut().filter_map(|finding| finding.place.as_mut()) {
            place.commit = None;
        }
        self
    }
}

impl At {
    fn forget(&mut self) {
        self.0.commit = None;
    }
}

impl<T> Value<T> {
    fn forget(&mut self) {
        self.from.iter_mut().for_each(At::forget);
    }
}

impl PayloadTag {
    fn forget(&mut self) {
        let Self {
            built_by: _,
            wanted_by,
            last,
            stands_for,
            external,
            kept,
        } = self;
        wanted_by.iter_mut().for_each(|wanted| wanted.at.forget());
        last.iter_mut().for_each(|last| last.at.forget());
        [stands_for, external, kept]
            .into_iter()
            .flatten()
            .for_each(Value::forget);
    }
}

impl Image {
    fn forget(&mut self) {
        let Self {
            tag,
            repository,
            branch,
            commit,
            dockerfile,
            context_dir,
            base,
            builders,
            copies_from,
            stages: _,
            go,
            own_build_root,
            build_args,
            resources,
            prepare,
            arches,
            wave: _,
            tree,
            dockerfile_blob,
            payload: _,
            digest,
        } = self;
        // They change with the commit.
        [commit, tree, dockerfile_blob, digest]
            .into_iter()
            .for_each(|id| *id = None);
        let go = go
            .iter_mut()
            .flat_map(|go| [&mut go.version, &mut go.toolchain])
            .flatten();
        let texts = [tag, repository, branch, dockerfile, context_dir].into_iter();
        texts.chain(own_build_root).chain(go).for_each(Value::forget);
        [build_args, resources, prepare].into_iter().for_each(Value::forget);
        arches.forget();
        copies_from.iter_mut().for_each(|copied| copied.at.forget());
        for input in base.iter_mut().chain(builders) {
            input.pullspec.forget();
            input.at.forget();
        }
    }
}

impl Repository {
    fn forget(&mut self) {
        let Self {
            branch: _,
            images: _,
            build_root,
            promotion,
            prowgen,
            releases,
            resources,
            tests,
        } = self;
        build_root.iter_mut().for_each(Value::forget);
        [promotion, prowgen, releases, resources, tests]
            .into_iter()
            .for_each(Value::forget);
    }
}
