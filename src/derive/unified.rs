//! The unified build config: one documented, versioned document a release, every value with its provenance.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value as Json;

use super::payload::Last;
use super::provenance::About;
use super::{Config, Derived, Image as DerivedImage, Input as DerivedInput, Release, Standing, payload};
use crate::base::Place;
use crate::finding::Finding;
use crate::model::go::GoLine;
use crate::model::pullspec::StreamTag;
use crate::model::replacement::{InputKind, Recipe};

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
    pub rules: Vec<String>,
    /// Places in the inputs that the rules read, `repository: file:line at commit`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
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
    pub from: String,
}

/// One tag of the payload.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PayloadTag {
    /// Keys in ocp-build-data of the images that are built for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub built_by: Vec<String>,
    /// Who asks for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wanted_by: Vec<Wanted>,
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
pub struct Wanted {
    /// Tags of the images that ship the list; empty where it is in no release.
    pub operators: Vec<String>,
    /// Where the list names it.
    pub at: String,
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
    pub at: String,
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
    pub at: String,
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
    pub at: String,
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

/// Makes the document of a derived release.
pub fn build_config(release: &Release<'_>) -> BuildConfig {
    let maker = Maker {
        release,
        keys: built(release),
    };
    let standing =
        |wanted: fn(&Standing) -> bool| release.images.iter().filter(move |(_, image)| wanted(&image.standing));
    let dropped = release.images.iter().filter_map(|(key, image)| match &image.standing {
        Standing::Dropped(why) => Some((key.clone(), why.clone())),
        _ => None,
    });
    let payload = &release.payload;
    BuildConfig {
        version: VERSION,
        release: release.metadata.release.to_string(),
        payload: Payload {
            registry: maker.text(&payload.registry, "registry", About::Release),
            namespace: maker.text(&payload.namespace, "namespace", About::Release),
            name: maker.text(&payload.name, "name", About::Release),
            variant: maker.text(&payload.variant, "variant", About::Release),
            last: release.demand.last.as_ref().map(last_payload),
            tags: release
                .tags
                .iter()
                .map(|(name, tag)| (name.clone(), maker.tag(name, tag)))
                .collect(),
        },
        build_data: release.metadata.origin.commit.clone(),
        images: standing(|s| *s == Standing::Derived)
            .map(|(key, image)| (key.clone(), maker.image(image)))
            .collect(),
        dropped: dropped.collect(),
        held: standing(|s| *s == Standing::Held).map(|(key, _)| key.clone()).collect(),
        held_images: standing(|s| *s == Standing::Held)
            .map(|(key, image)| (key.clone(), held(image)))
            .collect(),
        cycles: release.cycles.clone(),
        repositories: release
            .configs
            .values()
            .filter(|config| !config.images.is_empty())
            .map(|config| (config.repo.to_string(), maker.repository(config)))
            .collect(),
        findings: release.findings.clone(),
    }
}

/// Pullspecs of OKD's own images, and whose they are. One that is derived counts before one that is held.
fn built(release: &Release<'_>) -> BTreeMap<String, String> {
    let mut built = BTreeMap::new();
    for standing in [Standing::Derived, Standing::Held] {
        for (key, image) in release.images.iter().filter(|(_, image)| image.standing == standing) {
            let pullspec = release.payload.tag(&image.tag.value).to_string();
            built.entry(pullspec).or_insert_with(|| key.clone());
        }
    }
    built
}

fn held(image: &DerivedImage) -> HeldImage {
    let repository = image.repository.value.as_ref();
    let from = &image.from.value;
    let member = |entry: &Json| entry["member"].as_str().map(str::to_owned);
    HeldImage {
        tag: image.tag.value.clone(),
        repository: repository.map(ToString::to_string).unwrap_or_default(),
        base: member(from),
        builders: from["builder"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(member)
            .collect(),
        wave: image.wave,
    }
}

struct Maker<'r> {
    release: &'r Release<'r>,
    /// Keys of the images that are built, by pullspec.
    keys: BTreeMap<String, String>,
}
fn last_payload(last: &Last) -> LastPayload {
    LastPayload {
        version: last.metadata.as_ref().map(|metadata| metadata.version.clone()),
        from: last.place.to_string(),
    }
}

impl Maker<'_> {
    fn tag(&self, name: &str, tag: &payload::PayloadTag) -> PayloadTag {
        let about = About::Release;
        let said =
            |derived: &Derived<String>, field| (!derived.value.is_empty()).then(|| self.text(derived, field, about));
        let wanted = |wanted: &payload::Wanted| Wanted {
            operators: wanted.operators.clone(),
            at: wanted.place.to_string(),
        };
        let last = |last: &payload::Before| LastTag {
            pullspec: last.tag.pullspec.clone(),
            repository: payload::repository(&last.tag.source).to_owned(),
            commit: last.tag.commit.clone(),
            at: last.place.to_string(),
        };
        PayloadTag {
            built_by: tag.built_by.clone(),
            wanted_by: tag.wanted_by.iter().map(wanted).collect(),
            last: tag.last.as_ref().map(last),
            stands_for: said(&tag.stands_for, "stands_for").filter(|other| other.value != name),
            external: said(&tag.external, "external"),
            kept: said(&tag.kept, "kept"),
        }
    }

    fn value<T, U>(&self, derived: &Derived<T>, field: &str, about: About<'_>, value: U) -> Value<U> {
        let rules: Vec<_> = derived
            .deciders()
            .filter_map(|at| self.release.rules.rules.get(at))
            .collect();
        let places = rules
            .iter()
            .flat_map(|rule| self.release.read_by(rule, field, about))
            .filter_map(|read| read.place);
        let mut from: Vec<String> = places.map(|place| place.to_string()).collect();
        from.sort();
        from.dedup();
        Value {
            value,
            rules: rules
                .iter()
                .map(|rule| format!("{} ({})", rule.id, rule.place))
                .collect(),
            from,
        }
    }

    fn text(&self, derived: &Derived<String>, field: &str, about: About<'_>) -> Value<String> {
        self.value(derived, field, about, derived.value.clone())
    }

    fn json(&self, derived: &Derived<Json>, field: &str, about: About<'_>) -> Value<Json> {
        self.value(derived, field, about, derived.value.clone())
    }

    fn image(&self, image: &DerivedImage) -> Image {
        let about = About::Image(&image.key);
        let is_base = |input: &&DerivedInput| !input.builder;
        let repository = image
            .repository
            .value
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        Image {
            tag: self.text(&image.tag, "tag", about),
            repository: self.value(&image.repository, "repository", about, repository),
            branch: Value {
                value: image.branch.clone(),
                rules: vec![image.branch_because.clone()],
                from: Vec::new(),
            },
            commit: image.origin.as_ref().and_then(|origin| origin.commit.clone()),
            dockerfile: self.value(&image.dockerfile_name, "dockerfile", about, image.dockerfile.clone()),
            context_dir: self.text(&image.context_dir, "context_dir", about),
            base: image.inputs.iter().find(is_base).map(|input| self.input(image, input)),
            builders: image
                .inputs
                .iter()
                .filter(|input| input.builder)
                .map(|input| self.input(image, input))
                .collect(),
            copies_from: image.copies.iter().map(|copy| self.copied(image, copy)).collect(),
            stages: image.recipe.clone(),
            go: self.go(image),
            own_build_root: image.own_build_root.as_ref().map(|(root, line)| Value {
                value: root.clone(),
                rules: Vec::new(),
                from: vec![place(image, ".ci-operator.yaml", *line)],
            }),
            build_args: self.json(&image.build_args, "build_args", about),
            resources: self.json(&image.resources, "resources", about),
            prepare: self.json(&image.prepare, "prepare", about),
            arches: self.value(&image.arches, "arches", about, image.arches.value.clone()),
            wave: image.wave,
        }
    }

    fn copied(&self, image: &DerivedImage, copy: &DerivedInput) -> Copied {
        let pullspec = &copy.pullspec.value;
        Copied {
            kind: copy.by,
            written: copy.written.clone(),
            token: token(copy),
            pullspec: pullspec.clone(),
            image: self.keys.get(pullspec).cloned(),
            metadata: (!copy.kind.is_empty()).then(|| format!("{} {}", copy.kind, copy.name)),
            at: place(image, &image.dockerfile, copy.line),
            replaced: copy.replace.value,
        }
    }

    fn input(&self, image: &DerivedImage, input: &DerivedInput) -> Input {
        let about = input
            .chain
            .last()
            .map_or(About::Image(&image.key), |step| match step.kind {
                "member" => About::Member(&step.name),
                _ => About::Stream(&step.name),
            });
        let field = if matches!(about, About::Stream(_)) {
            "pullspec"
        } else {
            "resolve"
        };
        Input {
            pullspec: self.text(&input.pullspec, field, about),
            image: self.keys.get(&input.pullspec.value).cloned(),
            metadata: format!("{} {}", input.kind, input.name),
            written: input.written.clone(),
            token: token(input),
            at: place(image, &image.dockerfile, input.line),
            stage: input.stage.clone(),
            replaced: input.replace.value,
            go: Some(input.go.value.clone()).filter(|go| !go.is_empty()),
        }
    }

    fn go(&self, image: &DerivedImage) -> Option<Go> {
        let line = |asked: &Option<GoLine>| {
            let GoLine { version, file, line } = asked.as_ref()?;
            Some(Value {
                value: version.clone(),
                rules: Vec::new(),
                from: vec![place(image, file, *line)],
            })
        };
        let go = Go {
            version: line(&image.go.asked),
            toolchain: line(&image.go.toolchain),
        };
        if go.version.is_none() && go.toolchain.is_none() {
            None
        } else {
            Some(go)
        }
    }

    fn repository(&self, config: &Config) -> Repository {
        let about = About::Release;
        let images = config.images.iter().filter_map(|key| self.release.images.get(key));
        let root = config.build_root.value.as_ref().map(StreamTag::to_string);
        Repository {
            branch: config.branch.clone(),
            images: images.map(|image| image.tag.value.clone()).collect(),
            build_root: root.map(|root| self.value(&config.build_root, "build_root", about, root)),
            promotion: self.json(&config.promotion, "promotion", about),
            prowgen: self.json(&config.prowgen, "prowgen", about),
            releases: self.json(&config.releases, "releases", about),
            resources: self.json(&config.resources, "resources", about),
            tests: self.json(&config.tests, "tests", about),
        }
    }
}

/// What a line names as it stands, where that is something else than what it resolves to.
fn token(input: &DerivedInput) -> Option<String> {
    Some(input.token.clone()).filter(|token| *token != input.written)
}

/// A place in an image's repository.
pub(super) fn place(image: &DerivedImage, file: &str, line: u32) -> String {
    let origin = image.origin.as_ref();
    let place = Place {
        repo: origin.map(|origin| origin.name.clone()).unwrap_or_default(),
        commit: origin.and_then(|origin| origin.commit.clone()),
        file: file.to_owned(),
        line: Some(line),
    };
    place.to_string()
}
