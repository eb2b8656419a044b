//! New files, as those that are there are written.

use serde_json::Value as Json;

use super::names::{Plan, Reference};
use super::wanted::{SKIP, TAGS, TAGS_LABEL, below_context, item};
use crate::derive::here::Builder;
use crate::targets::paths::clean;
use crate::yaml::{Mapping, Node};

/// The label of a file that we made.
pub(super) const MARK: (&str, &str) = ("app.kubernetes.io/managed-by", "lockstep");
/// The label that a builder has and an image has not.
pub(super) const OF_BUILDER: &str = "skip-release-branch";
/// The annotation with the architectures of an image that is not built for all.
pub(super) const ARCHES: &str = "lockstep.okd.io/architectures";

fn map<const N: usize>(entries: [(&str, Node); N]) -> Node {
    Node::map(entries)
}

fn text(text: impl Into<Box<str>>) -> Node {
    Node::string(text)
}

fn named(kind: &str, name: &str) -> Node {
    map([("kind", text(kind)), ("name", text(name))])
}

/// The BuildConfig of an image.
pub(super) fn build_config(plan: &Plan<'_>, name: &str, arches: Option<&str>) -> Node {
    let args = plan
        .image
        .build_args
        .value
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut labels = Mapping::new();
    labels.insert(MARK.0, text(MARK.1));
    if let [only] = args
        && only["name"] == TAGS
    {
        labels.insert(TAGS_LABEL, text("true"));
    }
    if plan.here.resources.value != "none" && !plan.here.resources.value.is_empty() {
        labels.insert("resources-profile", text(plan.here.resources.value.as_str()));
    }
    for label in SKIP {
        labels.insert(label, text("true"));
    }
    let context = clean(&plan.image.context_dir.value);
    let source = Source {
        repository: &plan.image.repository.value,
        branch: &plan.image.branch.value,
        context: if context.is_empty() { "." } else { &context },
        images: plan
            .replaced
            .iter()
            .map(|(texts, reference)| item(texts, reference))
            .collect(),
        dockerfile: &below_context(plan),
        from: plan.base.as_ref(),
        args,
    };
    let mut annotations = Mapping::new();
    if let Some(arches) = arches {
        annotations.insert(ARCHES, text(arches));
    }
    whole(name, labels, annotations, &source, &plan.output)
}

/// The BuildConfig of a builder.
pub(super) fn builder(name: &str, builder: &Builder) -> Node {
    let mut labels = Mapping::new();
    labels.insert(MARK.0, text(MARK.1));
    labels.insert(OF_BUILDER, text("true"));
    for label in SKIP {
        labels.insert(label, text("true"));
    }
    let said = |key: &str| builder.source.value[key].as_str().unwrap_or_default();
    let from = Some(said("from")).filter(|from| !from.is_empty());
    let from = from.map(|from| Reference::Tag(from.to_owned()));
    let context = clean(said("context_dir"));
    let source = Source {
        repository: said("repository"),
        branch: said("branch"),
        context: if context.is_empty() { "." } else { &context },
        images: Vec::new(),
        dockerfile: said("dockerfile"),
        from: from.as_ref(),
        args: builder.source.value["build_args"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default(),
    };
    whole(
        name,
        labels,
        Mapping::new(),
        &source,
        &format!("{}:{name}", builder.in_stream.value),
    )
}

struct Source<'s> {
    repository: &'s str,
    branch: &'s str,
    context: &'s str,
    images: Vec<Node>,
    dockerfile: &'s str,
    from: Option<&'s Reference>,
    args: &'s [Json],
}

fn whole(name: &str, labels: Mapping, annotations: Mapping, source: &Source<'_>, output: &str) -> Node {
    let mut metadata = Mapping::new();
    metadata.insert("name", text(name));
    metadata.insert("labels", labels);
    if !annotations.is_empty() {
        metadata.insert("annotations", annotations);
    }
    let git = map([
        ("uri", text(format!("https://github.com/{}", source.repository))),
        ("ref", text(source.branch)),
    ]);
    let mut docker = Mapping::new();
    docker.insert("imageOptimizationPolicy", text("SkipLayers"));
    docker.insert("dockerfilePath", text(source.dockerfile));
    if !source.args.is_empty() {
        let arg = |arg: &Json| {
            let said = |key: &str| text(arg[key].as_str().unwrap_or_default());
            map([("name", said("name")), ("value", said("value"))])
        };
        docker.insert("buildArgs", Node::seq(source.args.iter().map(arg)));
    }
    if let Some(from) = source.from {
        docker.insert("from", named(from.kind(), from.name()));
    }
    let spec = map([
        (
            "source",
            map([
                ("type", text("Git")),
                ("git", git),
                ("contextDir", text(source.context)),
                // The patches for all add to the list: without it none of the builds would be there.
                ("images", Node::seq(source.images.clone())),
            ]),
        ),
        (
            "strategy",
            map([("type", text("Docker")), ("dockerStrategy", docker.into())]),
        ),
        ("output", map([("to", named("ImageStreamTag", output))])),
    ]);
    map([
        ("apiVersion", text("build.openshift.io/v1")),
        ("kind", text("BuildConfig")),
        ("metadata", metadata.into()),
        ("spec", spec),
    ])
}
