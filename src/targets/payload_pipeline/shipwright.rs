//! Shipwright's builds: the same images by another build system. These files are ours from the first line to the last.

use std::collections::{BTreeMap, BTreeSet};

use super::causes::Causes;
use super::fresh::MARK;
use super::names::{Plan, Reference};
use super::patches::labels;
use super::wanted::below_context;
use crate::derive::here::Here;
use crate::targets::documents::Files;
use crate::targets::paths::clean;
use crate::yaml::edit;
use crate::yaml::{Mapping, Node};

/// The folder of builds.
pub(super) const FOLDER: &str = "shipwright/builds/";

fn text(text: impl Into<Box<str>>) -> Node {
    Node::string(text)
}

/// The build of an image.
pub(super) fn build(plan: &Plan<'_>, here: &Here, arches: &BTreeSet<String>) -> Node {
    let stream = format!("{}/", here.images_at.value);
    let at = |reference: &Reference| match reference {
        Reference::Tag(tag) => format!("docker://{stream}{tag}"),
        Reference::Pullspec(pullspec) => format!("docker://{pullspec}"),
    };
    let contexts = plan
        .all
        .iter()
        .map(|(text, reference)| format!("{text}={}", at(reference)));
    let args = plan.image.build_args.value.as_array().into_iter().flatten();
    let args = args.filter_map(|arg| Some(format!("{}={}", arg["name"].as_str()?, arg["value"].as_str()?)));
    let list = |name: &str, values: Vec<String>| {
        let values = values.into_iter().map(|value| Node::map([("value", text(value))]));
        Node::map([("name", text(name)), ("values", Node::seq(values))])
    };
    let mut params = vec![
        list("architectures", arches.intersection(&plan.arches).cloned().collect()),
        Node::map([("name", text("dockerfile")), ("value", text(below_context(plan)))]),
    ];
    let args: Vec<String> = args.collect();
    if !args.is_empty() {
        params.push(list("build-args", args));
    }
    params.push(list("build-contexts", contexts.collect()));
    let context = clean(&plan.image.context_dir.value);
    let git = Node::map([
        (
            "url",
            text(format!("https://github.com/{}", plan.image.repository.value)),
        ),
        ("revision", text(plan.image.branch.value.as_str())),
    ]);
    let mut source = Mapping::new();
    source.insert("type", text("Git"));
    source.insert("git", git);
    if !context.is_empty() {
        source.insert("contextDir", text(context));
    }
    let spec = Node::map([
        ("source", source.into()),
        (
            "strategy",
            Node::map([
                ("name", text(here.strategy.value.as_str())),
                ("kind", text("ClusterBuildStrategy")),
            ]),
        ),
        ("paramValues", Node::seq(params)),
        (
            "output",
            Node::map([("image", text(format!("{stream}{}", plan.output)))]),
        ),
    ]);
    let labels = Node::map([(MARK.0, text(MARK.1))]);
    let metadata = Node::map([("name", text(plan.here.tag.value.as_str())), ("labels", labels)]);
    Node::map([
        ("apiVersion", text("shipwright.io/v1beta1")),
        ("kind", text("Build")),
        ("metadata", metadata),
        ("spec", spec),
    ])
}

/// Writes the builds of all images and the list of them, and removes those of images that are gone. `known`: what the release's
/// images build, whether that is built here or not.
pub(super) fn render(
    files: &mut Files<'_>,
    causes: &Causes<'_>,
    plans: &[Plan<'_>],
    known: &BTreeSet<String>,
    arches: &BTreeSet<String>,
) {
    let here = causes.here;
    let mut wanted: BTreeMap<String, (Node, Option<&Plan<'_>>)> = BTreeMap::new();
    for plan in plans {
        let path = format!("{FOLDER}{}.yaml", plan.here.tag.value);
        wanted.insert(path, (build(plan, here, arches), Some(plan)));
    }
    let names: BTreeSet<String> = wanted.keys().map(|path| path[FOLDER.len()..].to_owned()).collect();
    let gone = gone(files, causes, known);
    for (path, tag) in gone.iter().filter(|(path, _)| !wanted.contains_key(path)) {
        let cause = causes.file(None, Some(tag), Some("a build for Shipwright"), None);
        files.remove(path, cause);
    }
    let unread = files.unread(FOLDER).map(|(path, _)| path);
    let held = files.below(FOLDER).map(|(path, _)| path).chain(unread);
    let held = held.filter_map(|path| path.strip_prefix(FOLDER)).map(str::to_owned);
    // What could not be derived this time stays listed.
    let listed: BTreeSet<String> = names
        .into_iter()
        .chain(held.filter(|name| name != "kustomization.yaml"))
        .collect();
    let list = Node::map([
        ("apiVersion", text("kustomize.config.k8s.io/v1beta1")),
        ("kind", text("Kustomization")),
        ("resources", Node::seq(listed.into_iter().map(text))),
    ]);
    wanted.insert(format!("{FOLDER}kustomization.yaml"), (list, None));
    for (path, (node, plan)) in wanted {
        let component = plan.map(|plan| plan.image.repository.value.as_str());
        let tag = plan.map(|plan| plan.here.tag.value.as_str());
        if !files.is_there(&path) {
            let cause = causes.file(component, tag, None, Some("a build for Shipwright"));
            files.add(
                &path,
                edit::fresh(&node),
                cause,
                component,
                &tag.into_iter().collect::<Vec<_>>(),
            );
            continue;
        }
        if let (Some(component), Some(tag)) = (component, tag) {
            files.about(&path, Some(component), tag);
        }
        if let [there] = files.documents(&path)
            && *there != node
        {
            let cause = causes.file(component, tag, Some("another build"), Some("a build for Shipwright"));
            files.change(&path, cause, |documents| documents[0] = node);
        }
    }
}

/// Builds that we wrote for images which the release positively does not have: path and tag.
fn gone(files: &Files<'_>, causes: &Causes<'_>, known: &BTreeSet<String>) -> Vec<(String, String)> {
    let (here, stream) = (causes.here, causes.stream());
    let ours = files.below(FOLDER).filter_map(|(path, _)| {
        let [build] = files.documents(path) else { return None };
        let marked = labels(build).get(MARK.0).is_some_and(|mark| mark == MARK.1);
        let tag = build.at(&["metadata", "name"])?.text()?.to_owned();
        marked.then(|| (path.to_owned(), tag))
    });
    let is_gone =
        |tag: &String| here.dropped.contains(tag) || (here.complete && !known.contains(&format!("{stream}:{tag}")));
    ours.filter(|(_, tag)| is_gone(tag)).collect()
}
