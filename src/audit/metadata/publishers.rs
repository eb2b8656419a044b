//! Builders, bases and build roots in CI's registry that nothing of build data publishes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::derive::{DerivedImage, Standing};
use crate::facts::stream::Stream;
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family, Subject};
use crate::model::metadata::Metadata;
use crate::yaml::Node;

static CODE: Code = Code {
    name: "unpublished-image",
    family: Family::Metadata,
    severity: Warning,
    title: "a builder or base of CI is published by no image that is built",
    means: "What stands in CI under `upstream_image` of a stream is pushed there by an image of build data that has the same \
            `ci_alignment.upstream_image`, or mirrored. Here that image is disabled, or there is none. Jobs fail with \"image not \
            found\", or go on with what was pushed last.",
    action: "Switch the image on or add it, or let the stream name a pullspec that is published.",
    example: "registry.example.com/ocp/builder:golang-1.25 (stream golang-1.25) is published only by images/golang-builder-extra.yml, \
              which is disabled",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::Components], run);

/// What is used of a pullspec, and by whom.
#[derive(Default)]
struct Use<'c> {
    /// The member or stream that it is taken for, where it is named by one.
    names: BTreeSet<String>,
    images: BTreeSet<&'c str>,
}

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    let publishers = publishers(metadata);
    let kinds: BTreeSet<String> = publishers.keys().map(|pullspec| kind(pullspec)).collect();
    let streams = streams(metadata);
    for (pullspec, used) in used(context) {
        let published = publishers.get(pullspec.as_str()).map(Vec::as_slice).unwrap_or_default();
        let stream = streams.get(pullspec.as_str());
        let (why, file, path) = match (published, stream) {
            ([first, ..], _) if published.iter().all(|key| !is_built(context, key)) => {
                let files: Vec<String> = published.iter().map(|key| Metadata::image_file(key)).collect();
                let verb = if files.len() == 1 { "is" } else { "are" };
                let why = format!("published only by {}, which {verb} disabled", files.join(" and "));
                (
                    why,
                    Metadata::image_file(first),
                    metadata.image_place(first, &["mode"]).line,
                )
            }
            ([], Some(stream)) if expected(stream, &pullspec, &kinds) => {
                let why = "published by no image of build data, and not mirrored".to_owned();
                (why, "streams.yml".to_owned(), Some(stream.line))
            }
            _ => continue,
        };
        let names = used.names.into_iter().collect::<Vec<_>>().join(", ");
        let mut images: Vec<&str> = used.images.into_iter().collect();
        let more = images.len().saturating_sub(SHOWN);
        images.truncate(SHOWN);
        let rest = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        let finding = CODE
            .finding(format!("{pullspec} ({names}) is {why}"))
            .with_place(metadata.place(file, path))
            .with_cause(pullspec.clone())
            .with_subject(Subject::Name(pullspec))
            .with_help(format!(
                "jobs of {}{rest} take it: publish it, or name another one",
                images.join(", ")
            ));
        sink.add(finding);
    }
}

/// How many images a finding names.
const SHOWN: usize = 5;

/// Whether an image is built at all: one that OKD has no use for is, unless its mode says otherwise.
fn is_built(context: &Context<'_>, key: &str) -> bool {
    context
        .metadata()
        .images
        .get(key)
        .is_some_and(|image| image.view["mode"] != "disabled")
}

/// The images that push to CI, by what they push.
fn publishers(metadata: &Metadata) -> BTreeMap<&str, Vec<&str>> {
    let mut found: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, image) in &metadata.images {
        if let Some(pullspec) = image.view["ci"]["upstream_image"]
            .as_str()
            .filter(|text| !text.is_empty())
        {
            found.entry(pullspec).or_default().push(key);
        }
    }
    found
}

/// Streams by what CI takes for them; of several the first.
fn streams(metadata: &Metadata) -> BTreeMap<&str, &Stream> {
    let mut found = BTreeMap::new();
    for stream in metadata.streams() {
        if let Some(pullspec) = stream.view["upstream_image"].as_str().filter(|text| !text.is_empty()) {
            found.entry(pullspec).or_insert(stream);
        }
    }
    found
}

/// Whether an image of build data should publish a stream: it is said not to be mirrored, or pullspecs of its kind are published
/// so. One that is made out of another in CI has no need of it.
fn expected(stream: &Stream, pullspec: &str, kinds: &BTreeSet<String>) -> bool {
    let said = |key: &str| stream.node.get(key);
    let mirrored = said("mirror").and_then(Node::as_bool);
    let made = said("upstream_image_base").is_some() || said("transform").is_some();
    !made && (mirrored == Some(false) || (mirrored.is_none() && kinds.contains(&kind(pullspec))))
}

/// A pullspec without its numbers.
fn kind(pullspec: &str) -> String {
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+(\.\d+)*").expect("a pattern"));
    NUMBER.replace_all(pullspec, "#").into_owned()
}

/// What CI takes for builders, bases and build roots of what is built for OKD.
fn used<'c>(context: &Context<'c>) -> BTreeMap<String, Use<'c>> {
    let mut found: BTreeMap<String, Use<'c>> = BTreeMap::new();
    let mut take = |pullspec: String, name: String, image: &'c DerivedImage| {
        let used = found.entry(pullspec).or_default();
        used.names.insert(name);
        used.images.insert(&image.tag.value);
    };
    let release = context.release;
    for image in release
        .images
        .values()
        .filter(|image| image.standing == Standing::Derived)
    {
        for input in image
            .inputs
            .iter()
            .filter(|input| input.replace.value && input.kind != "image")
        {
            take(
                input.pullspec.value.clone(),
                format!("{} {}", input.kind, input.name),
                image,
            );
        }
    }
    for config in release.configs.values() {
        let first = config.images.first().and_then(|key| release.images.get(key));
        if let (Some(root), Some(image)) = (&config.build_root.value, first) {
            take(root.to_string(), "a build root".to_owned(), image);
        }
    }
    found
}
