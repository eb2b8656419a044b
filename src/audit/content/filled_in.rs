//! FROM lines that OKD's config in the CI repository does not replace, so that CI fills them in itself.

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
use crate::yaml::{self, Mapping, Node};

static CODE: Code = Code {
    name: "foreign-filled-in",
    family: Family::Content,
    severity: Error,
    title: "a config does not replace a FROM, and CI takes what the Dockerfile names",
    means: "The config as it is has no `inputs` entry for a FROM of the image. CI then imports the image that the Dockerfile \
            names, which is the one that OCP is built from. It builds and runs, so nobody notices until somebody looks inside.",
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
            let open = image
                .inputs
                .iter()
                .enumerate()
                .filter(|(_, input)| !replaced(item, input));
            for (index, input) in open {
                let seen = view(
                    (&input.kind, &input.name),
                    input.builder,
                    index,
                    Some(input),
                    &input.written,
                );
                if let Some(why) = judge.foreign(&image.view, &seen) {
                    let fills_in = StreamTag::parse(&input.written)
                        .is_some_and(|tag| tag.registry == release.payload.registry.value);
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

/// Whether an item says what stands for a FROM.
fn replaced(item: &Node, input: &Input) -> bool {
    let last = !input.builder && !input.inner;
    if last && item.get("from").is_some() {
        return true;
    }
    let inputs = item.get("inputs").and_then(Node::as_map);
    let names = inputs
        .into_iter()
        .flat_map(Mapping::iter)
        .filter_map(|(_, entry)| entry.get("as")?.as_seq());
    names
        .flatten()
        .filter_map(Node::text)
        .any(|name| name == input.written || input.stage.as_deref() == Some(name))
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
    let text = format!("{tag}: nothing replaces FROM {}, {then}: {why}", input.written);
    let field = if input.builder { "an `inputs` entry" } else { "`from`" };
    CODE.finding(text)
        .with_image(tag.clone())
        .with_component(config.repo.to_string())
        .with_cause(input.written.clone())
        .with_help(format!("add {field} that names {}", input.pullspec.value))
}
