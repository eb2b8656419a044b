//! FROM lines that OKD's config in the CI repository does not replace, so that CI fills them in itself.

use std::collections::BTreeMap;

use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::{CiConfigs, Context};
use crate::base::Place;
use crate::derive::content::{Content, view};
use crate::derive::{Config, DerivedImage, DerivedInput, Release};
use crate::facts::ci_config::ConfigName;
use crate::finding::Severity::Error;
use crate::finding::{Code, Family, Finding, Subject};
use crate::model::pullspec::StreamTag;
use crate::model::replacement::{InputKind, read_item, replace};
use crate::yaml::{self, Node};

static CODE: Code = Code {
    name: "foreign-filled-in",
    family: Family::Content,
    severity: Error,
    title: "a config does not replace a FROM, and CI takes what the Dockerfile names",
    means: "The config as it is has nothing that replaces a FROM or a `COPY --from` of the image as it stands in the \
            Dockerfile: CI compares texts letter by letter and knows neither stages nor arguments. It then imports the image that \
            the Dockerfile names, which is the one that OCP is built from. It builds and runs, so nobody notices until \
            somebody looks inside.",
    action: "Add the `inputs` entry, or `from` where it is the base. Where lockstep manages the file, its next pull request \
             does so.",
    example: "beacon: nothing replaces FROM registry.example.com/ocp/4.16:base-rhel9, so CI takes that: it is OCP's",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::Components, Need::CiConfigs], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let (release, Some(ci)) = (context.release, context.ci) else {
        return;
    };
    let content = Content::new(release);
    for config in release.configs.values() {
        let path = path(release, config);
        // A file that is no YAML is told of where it is rendered.
        let Some(root) = ci.variant.get(&path).and_then(|text| yaml::parse(text).ok()) else {
            continue;
        };
        for item in items(&root) {
            let Some(image) = built(context, config, item) else {
                continue;
            };
            let one = One {
                release,
                config,
                image,
                root: &root,
            };
            let found = places(item, image).into_iter().enumerate();
            let found = found.filter_map(|(index, (input, by))| one.judge(&content, index, input, by));
            for finding in found {
                sink.add(finding.with_place(place(ci, &path, item)));
            }
        }
    }
}

/// Whether the config that is there replaces a line of an image's Dockerfile that nothing in metadata is known for.
pub(super) fn replaces(context: &Context<'_>, image: &DerivedImage, copy: &DerivedInput) -> bool {
    let config = image
        .repository
        .value
        .as_ref()
        .and_then(|repo| context.release.configs.get(repo));
    let (Some(ci), Some(config)) = (context.ci, config) else {
        return false;
    };
    let text = ci.variant.get(&path(context.release, config));
    let Some(root) = text.and_then(|text| yaml::parse(text).ok()) else {
        return false;
    };
    let is = |item: &&Node| item.get("to").and_then(Node::text) == Some(image.tag.value.as_str());
    let item = items(&root).iter().find(is);
    item.is_some_and(|item| read_item(item).replacements.of(&copy.token).is_some())
}

/// One item of a config and the image that it builds.
struct One<'o> {
    release: &'o Release<'o>,
    config: &'o Config,
    image: &'o DerivedImage,
    root: &'o Node,
}

impl One<'_> {
    /// What is wrong with a line of the Dockerfile. `by`: the reference that replaces it.
    fn judge(&self, content: &Content<'_>, index: usize, input: &DerivedInput, by: Option<&str>) -> Option<Finding> {
        let pullspec = match by {
            Some(reference) => self
                .base_image(reference)
                .filter(|there| *there != input.pullspec.value)?,
            None => self.release.payload.spellings.canonical(&input.written).into_owned(),
        };
        let kind = match input.by {
            InputKind::From => input.kind.as_str(),
            other => other.name(),
        };
        let seen = view((kind, &input.name), input.builder, index, Some(input), &pullspec);
        let why = content.foreign(&self.image.view, &seen)?;
        let registry = &self.release.payload.registry.value;
        let text = match by {
            Some(_) => format!(
                "{pullspec} takes the place of {}{}: {why}",
                input.by.line(),
                input.token
            ),
            None => {
                let served = StreamTag::parse(&pullspec).is_some_and(|tag| tag.registry == *registry);
                let then = if served { "so CI takes that" } else { "so it stays" };
                format!("nothing replaces {}{}, {then}: {why}", input.by.line(), input.token)
            }
        };
        Some(finding(self.config, self.image, input, &text))
    }

    /// The pullspec of an entry of `base_images`.
    fn base_image(&self, reference: &str) -> Option<String> {
        let base = self.root.at(&["base_images", reference])?;
        let text = |key| base.get(key).and_then(Node::text).unwrap_or_default().to_owned();
        let registry = self.release.payload.registry.value.clone();
        let (namespace, name, tag) = (text("namespace"), text("name"), text("tag"));
        Some(
            StreamTag {
                registry,
                namespace,
                name,
                tag,
            }
            .to_string(),
        )
    }
}

/// The path of OKD's config of a repository.
fn path(release: &Release<'_>, config: &Config) -> String {
    let name = ConfigName {
        branch: config.branch.clone(),
        variant: Some(release.payload.variant.value.clone()),
    };
    name.path(&config.repo.org, &config.repo.repo)
}

fn items(root: &Node) -> &[Node] {
    let images = root.get("images");
    let items = images.and_then(|images| images.as_seq().or_else(|| images.get("items").and_then(Node::as_seq)));
    items.unwrap_or_default()
}

/// The image that an item builds, where it is derived: else its FROM lines are not known.
fn built<'c>(context: &Context<'c>, config: &Config, item: &Node) -> Option<&'c DerivedImage> {
    let to = item.get("to").and_then(Node::text)?;
    let images = config.images.iter().filter_map(|key| context.release.images.get(key));
    images.into_iter().find(|image| image.tag.value == to)
}

/// The lines of an image's Dockerfile that CI's builder can replace, and the reference by which an item has each replaced.
fn places<'i>(item: &'i Node, image: &'i DerivedImage) -> Vec<(&'i DerivedInput, Option<&'i str>)> {
    let read = read_item(item);
    let built = replace(&image.recipe, &read.replacements);
    let froms = image.inputs.iter().filter_map(|input| {
        let became = built.froms.get(input.stage_index)?;
        Some((input, became.replacement()))
    });
    let copied = |text: &str| {
        let mut copies = image.copies.iter();
        copies.find(|copy| copy.by == InputKind::Copy && copy.replace.value && copy.token == text)
    };
    let copies = image.recipe.copies().zip(&built.copies);
    let copies =
        copies.filter_map(|((text, begun), became)| Some((copied(text).filter(|_| !begun)?, became.replacement())));
    let copies: BTreeMap<&str, (&DerivedInput, Option<&str>)> =
        copies.map(|place| (place.0.token.as_str(), place)).collect();
    froms.chain(copies.into_values()).collect()
}

fn place(ci: &CiConfigs, path: &str, item: &Node) -> Place {
    Place {
        repo: ci.origin.name.clone(),
        commit: ci.origin.commit.clone(),
        file: path.to_owned(),
        line: Some(item.pos.line),
    }
}

fn finding(config: &Config, image: &DerivedImage, input: &DerivedInput, text: &str) -> Finding {
    let tag = &image.tag.value;
    let inputs = input.builder || input.inner;
    let field = if inputs {
        format!("an `inputs` entry with `as: [{}]`", input.token)
    } else {
        "`from`".to_owned()
    };
    CODE.finding(format!("{tag}: {text}"))
        .with_image(tag.clone())
        .with_component(config.repo.to_string())
        .with_subject(Subject::Name(input.written.clone()))
        .with_cause(input.written.clone())
        .with_help(format!("add {field} that names {}", input.pullspec.value))
}
