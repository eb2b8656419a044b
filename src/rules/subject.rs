//! What rules can be about, which fields they can set on it, and what form each field's value has.

use serde_json::Value as Json;

/// What a rule is about (its `on`). The engine evaluates subjects in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A release's payload: registry, namespace and stream that OKD's images are promoted to.
    Payload,
    /// One image of ocp-build-data.
    Image,
    /// An image as something that others are built from or with.
    Member,
    /// A stream of ocp-build-data's `streams.yml`.
    Stream,
    /// One FROM of an image's Dockerfile, paired with its entry in metadata.
    Input,
    /// One ci-operator config: all images of a repository's branch.
    Config,
    /// One job of a ci-operator config: its images, their promotion, or one of its tests.
    Job,
    /// What a target manages, seeds and leaves.
    Target,
    /// One tag of the payload, or one that an operator asks for.
    Tag,
    /// One builder that the images of a release are built with where OKD builds on a cluster of its own.
    Builder,
    /// One finding that comes, goes or stays with a change of others.
    Finding,
    /// One failed step of a run that builds images.
    Failure,
}

/// The form of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldForm {
    /// `true` or `false`.
    Bool,
    /// A non-empty string.
    Text,
    /// A string that may be empty (nothing there).
    MaybeText,
    /// A list of strings.
    Texts,
    /// Exactly one of `member`, `stream` or `image`, each a non-empty string; or an empty mapping for none.
    Reference,
    /// `{builder: [reference…], and one of member, stream, image}`.
    From,
    /// A mapping.
    Map,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of mappings, each with a text under this key, which is its identity.
    ListBy(&'static str),
}

/// One field of a subject.
#[derive(Debug)]
pub struct Field {
    /// Its name, as rules write it.
    pub name: &'static str,
    /// The form of its value.
    pub kind: FieldForm,
    /// What it decides, in one sentence.
    pub doc: &'static str,
}

const fn field(name: &'static str, kind: FieldForm, doc: &'static str) -> Field {
    Field { name, kind, doc }
}

const PAYLOAD: &[Field] = &[
    field(
        "registry",
        FieldForm::Text,
        "Host of the registry that OKD's images are promoted to.",
    ),
    field(
        "namespace",
        FieldForm::Text,
        "Namespace of the image stream that holds the payload.",
    ),
    field(
        "name",
        FieldForm::Text,
        "Name of the image stream that holds the payload.",
    ),
    field("variant", FieldForm::Text, "Variant of OKD's ci-operator configs."),
    field(
        "source_namespace",
        FieldForm::Text,
        "Namespace that OCP's configs of the release promote to.",
    ),
    field(
        "source_name",
        FieldForm::Text,
        "Name of the image stream that OCP's configs of the release promote to.",
    ),
    field(
        "spellings",
        FieldForm::Texts,
        "Ways in which one image of the registry is written, with `<namespace>`, `<name>` and `<tag>`; the first counts.",
    ),
    field(
        "development",
        FieldForm::Texts,
        "Names that the development branch of a repository can have: their configs are read first, and of two that are there one is left over.",
    ),
    field(
        "former",
        FieldForm::Texts,
        "Where an earlier rule set promoted, `namespace/name`: entries of ours that are left there move. What a rule sets that another one overrides counts by itself.",
    ),
    field(
        "waits",
        FieldForm::MaybeText,
        "Why OKD of the release is not built yet: nothing is written for it; empty: it is built.",
    ),
    field(
        "closed",
        FieldForm::MaybeText,
        "Why the release is closed, for the audit: what still promotes to it is left over; empty: it is not.",
    ),
];

const IMAGE: &[Field] = &[
    field(
        "needed",
        FieldForm::Bool,
        "Whether OKD needs the image for itself; what it is built from is needed, too.",
    ),
    field(
        "excluded",
        FieldForm::MaybeText,
        "Why the image is not built for OKD although it is needed; empty: it is built.",
    ),
    field("tag", FieldForm::Text, "The image's tag in the payload."),
    field(
        "repository",
        FieldForm::MaybeText,
        "The public repository, `org/repo`; empty: there is none.",
    ),
    field(
        "branch",
        FieldForm::MaybeText,
        "The branch that its repository is built from, in the place of the one that promotes to the release; empty: that one.",
    ),
    field(
        "pullspec",
        FieldForm::MaybeText,
        "An image that stands for it, so that it is not built; empty: it is built.",
    ),
    field("dockerfile", FieldForm::Text, "The Dockerfile, relative to `path`."),
    field(
        "path",
        FieldForm::MaybeText,
        "The folder of the Dockerfile in the repository.",
    ),
    field(
        "context_dir",
        FieldForm::MaybeText,
        "The build context, stripped from the Dockerfile's path.",
    ),
    field(
        "from",
        FieldForm::From,
        "What the image is built from and with, in the order of the Dockerfile's FROM lines.",
    ),
    field(
        "build_args",
        FieldForm::ListBy("name"),
        "Build arguments, `{name, value}` each.",
    ),
    field(
        "resources",
        FieldForm::Map,
        "Requests and limits of the image's build; empty: the config's.",
    ),
    field(
        "prepare",
        FieldForm::Map,
        "`{name, commands}` of a step that prepares the base image; empty: none.",
    ),
    field(
        "build_root",
        FieldForm::Reference,
        "The build root that the image's metadata asks for.",
    ),
    field("arches", FieldForm::Texts, "Architectures that the image is built for."),
    field(
        "tag_here",
        FieldForm::Text,
        "The image's tag in the stream of a pipeline of OKD's own.",
    ),
    field(
        "excluded_here",
        FieldForm::MaybeText,
        "Why a pipeline of OKD's own does not build the image; empty: it does.",
    ),
    field(
        "resources_here",
        FieldForm::OneOf(&["high", "low", "none"]),
        "The profile of resources that a new build of such a pipeline starts with.",
    ),
    field(
        "component",
        FieldForm::Text,
        "The name of the image's component in Konflux, in the namespace of its tenant.",
    ),
    field(
        "container_image",
        FieldForm::MaybeText,
        "Where Konflux pushes the image, without a tag; empty: below the registry, by tenant and component, with a repository that is made for it.",
    ),
    field(
        "repo_files",
        FieldForm::MaybeText,
        "The folder of the component's repository with the RPM repositories that its build in Konflux has; empty: none.",
    ),
    field(
        "own_dockerfiles",
        FieldForm::Texts,
        "Names of Dockerfiles that are OKD's, with `*` for any characters: the audit tells of those that nobody names.",
    ),
];

const MEMBER: &[Field] = &[field(
    "resolve",
    FieldForm::Reference,
    "What stands for the image where others name it.",
)];

const STREAM: &[Field] = &[field(
    "pullspec",
    FieldForm::Text,
    "The pullspec that the stream stands for.",
)];

const INPUT: &[Field] = &[
    field("replace", FieldForm::Bool, "Whether the FROM is replaced at all."),
    field(
        "payload_tag",
        FieldForm::MaybeText,
        "The tag of OCP's payload that a line names for which metadata has no entry; empty: none.",
    ),
    field(
        "go",
        FieldForm::MaybeText,
        "The Go version that the image provides; empty: none or unknown.",
    ),
    field(
        "foreign",
        FieldForm::MaybeText,
        "Why the image is not OKD's content, for the audit; empty: it is.",
    ),
    field(
        "allowed",
        FieldForm::MaybeText,
        "Why it may be used although it is foreign; empty: it may not.",
    ),
    field(
        "builder_here",
        FieldForm::MaybeText,
        "The builder of a pipeline of OKD's own that stands for an image that it does not build; empty: the image itself.",
    ),
    field(
        "base_here",
        FieldForm::MaybeText,
        "The tag in that pipeline's stream that stands for a base that it does not build; empty: the image itself.",
    ),
];

const CONFIG: &[Field] = &[
    field("build_root", FieldForm::Reference, "The build root of the config."),
    field("promotion", FieldForm::Map, "The config's `promotion`."),
    field("prowgen", FieldForm::Map, "The config's `prowgen`: what its jobs need."),
    field("releases", FieldForm::Map, "The config's `releases`."),
    field("resources", FieldForm::Map, "The config's `resources`."),
    field("tests", FieldForm::ListBy("as"), "The config's `tests`."),
    field(
        "images_form",
        FieldForm::OneOf(&["list", "items"]),
        "Whether `images` is a list or `{items: […]}`; a list that is there is turned, never the other way round.",
    ),
    field(
        "stage_names",
        FieldForm::OneOf(&["all", "last"]),
        "Whose names an input lists that several stages resolve to: all stages' or the last one's.",
    ),
    field(
        "same_meaning",
        FieldForm::OneOf(&["keep", "rewrite"]),
        "Whether a config that means the same is kept as it is or written in our form.",
    ),
];

const JOB: &[Field] = &[
    field(
        "list",
        FieldForm::OneOf(&["presubmits", "postsubmits", "periodics", "none"]),
        "Which job file the job stands in.",
    ),
    field("name", FieldForm::Text, "The job's full name."),
    field(
        "twin",
        FieldForm::MaybeText,
        "The job that builds the same for OCP, for `results`; empty: there is none.",
    ),
    field(
        "peer",
        FieldForm::MaybeText,
        "The job of the same file whose cluster is asked for; empty: none.",
    ),
    field(
        "cluster",
        FieldForm::MaybeText,
        "The cluster that the job runs on; empty: the dispatcher says.",
    ),
    field(
        "cloud",
        FieldForm::MaybeText,
        "The cloud that the test's cluster profile is of; empty: none.",
    ),
    field(
        "always_run",
        FieldForm::Bool,
        "Whether each pull request, or merge, starts the job.",
    ),
    field(
        "optional",
        FieldForm::Bool,
        "Whether a merge does not wait for the job.",
    ),
    field("image", FieldForm::Text, "The image of the job's container."),
    field(
        "args",
        FieldForm::Texts,
        "The container's arguments; sorted when the job is written.",
    ),
    field(
        "labels",
        FieldForm::ListBy("name"),
        "The job's labels, `{name, value}` each.",
    ),
    field(
        "env",
        FieldForm::ListBy("name"),
        "The container's environment variables as the job has them; sorted by name.",
    ),
    field(
        "ports",
        FieldForm::ListBy("name"),
        "The container's ports as the job has them; sorted by name.",
    ),
    field(
        "mounts",
        FieldForm::ListBy("name"),
        "The container's volume mounts as the job has them; sorted by name.",
    ),
    field(
        "volumes",
        FieldForm::ListBy("name"),
        "The job's volumes as the job has them; sorted by name.",
    ),
    field(
        "decoration",
        FieldForm::ListBy("name"),
        "Settings of the job's decoration, `{name, value}` each; a null value leaves the key out.",
    ),
    field(
        "reporter",
        FieldForm::Map,
        "Where the job's results are reported besides.",
    ),
    field("pod", FieldForm::Map, "The job's pod: refers to `parts`."),
    field(
        "body",
        FieldForm::Map,
        "The whole job: refers to `parts`, `parts.pod` included; what is null is left out.",
    ),
];

const TARGET: &[Field] = &[
    field(
        "file",
        FieldForm::MaybeText,
        "The path of the one file that the target has for a release; empty: it has many.",
    ),
    field(
        "mirror",
        FieldForm::Map,
        "How mapping files are written: `{file, source, target}`, texts with `{stream}`, `{tag}`, `{target_tag}` and the keys of the configuration.",
    ),
    field(
        "moving",
        FieldForm::Texts,
        "Tags of mirrored images that the newest release has alone.",
    ),
    field(
        "unmirrored",
        FieldForm::Texts,
        "Streams to which OKD promotes and that are deliberately not mirrored.",
    ),
    field(
        "files",
        FieldForm::Texts,
        "The paths that the target's files of a release can have; which of them there are, those of the release before say.",
    ),
    field(
        "gates",
        FieldForm::Map,
        "What gating configs of payloads are called: `{repository, main, upgrade}`; variants with `{release}`, and `{from}` for what is upgraded.",
    ),
    field(
        "moves",
        FieldForm::Texts,
        "Values of a gating config that name its release: keys joined by dots, `*` for any key or item.",
    ),
    field(
        "majors",
        FieldForm::Texts,
        "The paths of the files of a whole major; they come with its first release.",
    ),
    field(
        "further",
        FieldForm::Text,
        "What the entries of further upgrades are called: with `{name}`, that of the first one's entry, and `{from}`.",
    ),
    field(
        "previous_minor",
        FieldForm::Map,
        "What an entry that upgrades from the minor release before says in the first release of a major, in JSON.",
    ),
    field("fresh", FieldForm::Map, "What each new gating config says besides."),
    field(
        "upgrades_from",
        FieldForm::Texts,
        "The releases from which upgrades to the release are tested; `{before}` is the minor release before it.",
    ),
    field(
        "bounds",
        FieldForm::Map,
        "The bounds of what upgrades start from: `{lower, stream, upper}`, with `{two_before}` for the release two minors before; `upper` means none.",
    ),
    field("manage", FieldForm::Texts, "Fields of a file that are kept as derived."),
    field(
        "seed",
        FieldForm::Texts,
        "Fields that are set only when the file is new.",
    ),
    field(
        "keep",
        FieldForm::Texts,
        "Managed fields that are people's once they are there: added where they are missing, never rewritten.",
    ),
    field(
        "branch_here",
        FieldForm::Text,
        "The branch of the pipeline's repository that a release is built from.",
    ),
    field(
        "stream",
        FieldForm::Text,
        "The image stream that the pipeline builds into.",
    ),
    field(
        "forks",
        FieldForm::MaybeText,
        "The image that holds forked Dockerfiles; empty: there is none.",
    ),
    field(
        "arches_here",
        FieldForm::Texts,
        "Architectures that the pipeline can build, as Go names them.",
    ),
    field(
        "images_at",
        FieldForm::Text,
        "Where the images of the stream are pulled from by builds that know no streams, up to the stream's name.",
    ),
    field(
        "strategy",
        FieldForm::Text,
        "The build strategy of Shipwright's builds.",
    ),
    field(
        "env",
        FieldForm::ListBy("name"),
        "What ART's tool sets in every image of OKD, each `{name, value}`.",
    ),
    field(
        "el_names",
        FieldForm::Texts,
        "What stands before the EL version in the tags that FROMs of components name.",
    ),
    field(
        "el_suffixes",
        FieldForm::Texts,
        "What stands before the EL version in the tags of ART's builders, behind `.` or `+`.",
    ),
    field(
        "title_prefix",
        FieldForm::MaybeText,
        "What titles and commit messages of the target's requests begin with; empty: nothing.",
    ),
    field(
        "request_note",
        FieldForm::MaybeText,
        "What reviewers of the target's requests have to know, sentences of Markdown; empty: nothing.",
    ),
    field(
        "tenant",
        FieldForm::MaybeText,
        "The namespace of Konflux's cluster that builds the release; empty: none does, and nothing is written.",
    ),
    field(
        "pushes_to",
        FieldForm::Text,
        "Where Konflux pushes images, up to the tenant: registry and organisation.",
    ),
    field(
        "application",
        FieldForm::Text,
        "The application in Konflux that a release's components belong to.",
    ),
    field(
        "display_name",
        FieldForm::Text,
        "The application's name, as people see it.",
    ),
    field(
        "floating",
        FieldForm::Text,
        "The tag that the newest image of a component has in Konflux, by which others are built from it.",
    ),
    field(
        "platforms",
        FieldForm::Map,
        "The platform that Konflux builds an architecture on, by the architecture as Go names it; others are not built.",
    ),
    field(
        "model",
        FieldForm::OneOf(&["components", "versions"]),
        "Whether Konflux has a component for each image and release, or one for each image with a version for each release.",
    ),
    field(
        "version",
        FieldForm::Text,
        "The name of the release's version of a component, where components have versions.",
    ),
    field(
        "labels",
        FieldForm::Map,
        "By what a run in Konflux says what it is of: `{application, component, type}`, the label of each, and `version`, an annotation; application and version may be left out.",
    ),
    field(
        "service_account",
        FieldForm::Text,
        "The service account that a component is built with; `{component}` stands for the component.",
    ),
    field(
        "expires",
        FieldForm::MaybeText,
        "How long the image of a pull request is kept; empty: for ever.",
    ),
    field(
        "pipeline",
        FieldForm::Map,
        "The shared build pipeline: `{path, revision, runner, timeout}` with its file, the branch or tag that runs read it at, the image that its script runs in, and how long a new run may take.",
    ),
    field(
        "build_pipeline",
        FieldForm::MaybeText,
        "What a Component says of the pipeline that Konflux would choose by itself; empty: nothing.",
    ),
    field(
        "built_before",
        FieldForm::Texts,
        "Branches that a release may have been built from before its own: `{earlier}` stands for each release before it.",
    ),
    field(
        "resources_branch",
        FieldForm::Text,
        "The branch of the repository that holds Konflux's resources.",
    ),
    field(
        "resources_folder",
        FieldForm::Text,
        "The folder in it that holds a release's; where components have versions, one for all releases.",
    ),
    field(
        "extra_resources",
        FieldForm::ListBy("file"),
        "Other resources of a release that are made where they are not there: `{file, resource}` each.",
    ),
];

const TAG: &[Field] = &[
    field(
        "stands_for",
        FieldForm::Text,
        "The tag of OKD's payload that takes its place; itself in most cases.",
    ),
    field(
        "external",
        FieldForm::MaybeText,
        "Where the image comes from when no config promotes it; empty: a config does.",
    ),
    field(
        "kept",
        FieldForm::MaybeText,
        "Why it is promoted although no operator asks for it; empty: nothing says so.",
    ),
];

const BUILDER: &[Field] = &[
    field(
        "comes",
        FieldForm::OneOf(&["build", "import", "there"]),
        "Whether the pipeline builds it, imports it, or has it already, made by hand.",
    ),
    field("in_stream", FieldForm::Text, "The image stream that it is a tag of."),
    field(
        "source",
        FieldForm::Map,
        "What it is built from: `{repository, branch, context_dir, dockerfile, from, build_args}`.",
    ),
];

const FINDING: &[Field] = &[
    field(
        "impact",
        FieldForm::OneOf(&["break", "change", "note", "none"]),
        "What becomes of OKD: it loses the image, gets another one, or nothing; `none`: it is no business of whoever changes a repository.",
    ),
    field(
        "alone",
        FieldForm::Bool,
        "Whether OKD alone suffers, so that OCP's own CI says nothing.",
    ),
];

const FAILURE: &[Field] = &[
    field(
        "kind",
        FieldForm::OneOf(&["image", "ci"]),
        "Whose trouble it is: of what is built, or of CI itself.",
    ),
    field(
        "certain",
        FieldForm::Bool,
        "Whether it never goes by itself, so that it counts at once and not after a second attempt.",
    ),
    field(
        "says",
        FieldForm::MaybeText,
        "What it is, for people; empty: nothing that is known.",
    ),
];

impl Subject {
    /// All subjects in the order of their evaluation.
    pub const ALL: [Self; 12] = [
        Self::Payload,
        Self::Image,
        Self::Member,
        Self::Stream,
        Self::Input,
        Self::Config,
        Self::Job,
        Self::Target,
        Self::Tag,
        Self::Builder,
        Self::Finding,
        Self::Failure,
    ];

    /// The word that rules use for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Image => "image",
            Self::Member => "member",
            Self::Stream => "stream",
            Self::Input => "input",
            Self::Config => "config",
            Self::Job => "job",
            Self::Target => "target",
            Self::Tag => "tag",
            Self::Builder => "builder",
            Self::Finding => "finding",
            Self::Failure => "failure",
        }
    }

    /// Finds a subject by its word.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.name() == name)
    }

    /// The fields that rules can set on it.
    pub fn fields(self) -> &'static [Field] {
        match self {
            Self::Payload => PAYLOAD,
            Self::Image => IMAGE,
            Self::Member => MEMBER,
            Self::Stream => STREAM,
            Self::Input => INPUT,
            Self::Config => CONFIG,
            Self::Job => JOB,
            Self::Target => TARGET,
            Self::Tag => TAG,
            Self::Builder => BUILDER,
            Self::Finding => FINDING,
            Self::Failure => FAILURE,
        }
    }

    /// Finds one of its fields by name.
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.fields().iter().find(|field| field.name == name)
    }
}

const REFERENCE_KEYS: [&str; 3] = ["member", "stream", "image"];

impl FieldForm {
    /// What a value of this form looks like, for people.
    pub fn expected(self) -> String {
        match self {
            Self::Bool => "true or false".into(),
            Self::Text => "a text that is not empty".into(),
            Self::MaybeText => "a text".into(),
            Self::Texts => "a list of texts".into(),
            Self::Reference => "a mapping with one of `member`, `stream` or `image`".into(),
            Self::From => {
                "a mapping with one of `member`, `stream` or `image`, and `builder` with a list of such".into()
            }
            Self::Map => "a mapping".into(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::ListBy(key) => format!("a list of mappings that each have `{key}`"),
        }
    }

    /// Tells whether a value has this form.
    pub fn accepts(self, value: &Json) -> bool {
        match self {
            Self::Bool => value.is_boolean(),
            Self::Text => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::MaybeText => value.is_string(),
            Self::Texts => value.as_array().is_some_and(|items| items.iter().all(Json::is_string)),
            Self::Reference => is_reference(value, true),
            Self::From => is_from(value),
            Self::Map => value.is_object(),
            Self::OneOf(words) => value.as_str().is_some_and(|text| words.contains(&text)),
            Self::ListBy(key) => value
                .as_array()
                .is_some_and(|items| items.iter().all(|item| item[key].is_string())),
        }
    }

    /// Tells whether several rules may each add items (`append`).
    pub fn is_list(self) -> bool {
        matches!(self, Self::Texts | Self::ListBy(_))
    }
}

fn is_reference(value: &Json, may_be_empty: bool) -> bool {
    let Some(map) = value.as_object() else { return false };
    let named = REFERENCE_KEYS.iter().filter(|key| {
        map.get(**key)
            .is_some_and(|v| v.as_str().is_some_and(|t| !t.is_empty()))
    });
    match map.len() {
        0 => may_be_empty,
        1 => named.count() == 1,
        _ => false,
    }
}

fn is_from(value: &Json) -> bool {
    let Some(map) = value.as_object() else { return false };
    let mut rest = map.clone();
    let builders = rest.remove("builder").unwrap_or_else(|| Json::Array(Vec::new()));
    builders
        .as_array()
        .is_some_and(|list| list.iter().all(|item| is_reference(item, false)))
        && is_reference(&Json::Object(rest), true)
}
