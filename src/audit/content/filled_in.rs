//! FROM lines that OKD's config in the CI repository does not replace, so that CI fills them in itself.

use std::collections::BTreeSet;

use crate::audit::Sink;
use crate::audit::check::{Check, Need, nothing};
use crate::audit::context::{CiConfigs, Context};
use crate::audit::judge::{Judge, view};
use crate::base::Place;
use crate::derive::{Config, Image, Input};
use crate::facts::ci_config::ConfigName;
use crate::finding::Severity::Error;
use crate::finding::{Code, Family, Finding};
use crate::model::pullspec::StreamTag;
use crate::model::replacement::{Became, InputKind, read_item, replace};
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
pub static CHECK: Check = Check {
    codes: &[&CODE],
    needs: &[Need::Components, Need::CiConfigs],
    asks: nothing,
    run,
};

fn run(context: &Context<'_>, sink: &mut Sink) {
    let (release, Some(ci)) = (context.release, context.ci) else {
        return;
    };
    let judge = Judge::new(release);
    for config in release.configs.values() {
        let name = ConfigName {
            branch: config.branch.clone(),
            variant: Some(release.payload.variant.value.clone()),
        };
        let path = name.path(&config.repo.org, &config.repo.repo);
        // A file that is no YAML is told of where it is rendered.
        let Some(root) = ci.variant.get(&path).and_then(|text| yaml::parse(text).ok()) else {
            continue;
        };
        for item in items(&root) {
            let Some(image) = built(context, config, item) else {
                continue;
            };
            for (index, input) in open(item, image).into_iter().enumerate() {
                let kind = match input.by {
                    InputKind::From => input.kind.as_str(),
                    other => other.name(),
                };
                let written = release.payload.spellings.canonical(&input.written);
                let seen = view((kind, &input.name), input.builder, index, Some(input), &written);
                if let Some(why) = judge.foreign(&image.view, &seen) {
                    let fills_in =
                        StreamTag::parse(&written).is_some_and(|tag| tag.registry == release.payload.registry.value);
                    let place = place(ci, &path, item);
                    sink.add(finding(config, image, input, fills_in, &why).with_place(place));
                }
            }
        }
    }
}

fn items(root: &Node) -> &[Node] {
    let images = root.get("images");
    let items = images.and_then(|images| images.as_seq().or_else(|| images.get("items").and_then(Node::as_seq)));
    items.unwrap_or_default()
}

/// The image that an item builds, where it is derived: else its FROM lines are not known.
fn built<'c>(context: &Context<'c>, config: &Config, item: &Node) -> Option<&'c Image> {
    let to = item.get("to").and_then(Node::text)?;
    let images = config.images.iter().filter_map(|key| context.release.images.get(key));
    images.into_iter().find(|image| image.tag.value == to)
}

/// The lines of an image's Dockerfile that an item leaves as they are, of those that CI's builder can replace.
fn open<'i>(item: &Node, image: &'i Image) -> Vec<&'i Input> {
    let read = read_item(item);
    let built = replace(&image.recipe, &read.replacements);
    let stays = |became: &Became<'_>| became.replacement().is_none();
    let froms = image
        .inputs
        .iter()
        .filter(|input| built.froms.get(input.stage_index).is_some_and(stays));
    let texts: BTreeSet<&str> = built
        .copies
        .iter()
        .filter(|became| stays(became))
        .map(|became| became.text())
        .collect();
    let copies = image
        .copies
        .iter()
        .filter(|copy| copy.by == InputKind::Copy && texts.contains(copy.token.as_str()));
    froms.chain(copies).collect()
}

fn place(ci: &CiConfigs, path: &str, item: &Node) -> Place {
    Place {
        repo: ci.origin.name.clone(),
        commit: ci.origin.commit.clone(),
        file: path.to_owned(),
        line: Some(item.pos.line),
    }
}

fn finding(config: &Config, image: &Image, input: &Input, fills_in: bool, why: &str) -> Finding {
    let then = if fills_in { "so CI takes that" } else { "so it stays" };
    let tag = &image.tag.value;
    let text = format!(
        "{tag}: nothing replaces {}{}, {then}: {why}",
        input.by.line(),
        input.token
    );
    let inputs = input.builder || input.inner;
    let field = if inputs {
        format!("an `inputs` entry with `as: [{}]`", input.token)
    } else {
        "`from`".to_owned()
    };
    CODE.finding(text)
        .with_image(tag.clone())
        .with_component(config.repo.to_string())
        .with_cause(input.written.clone())
        .with_help(format!("add {field} that names {}", input.pullspec.value))
}
