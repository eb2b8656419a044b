//! Build roots with an older Go than the module asks for.

use super::streams::{asked, go_line, place, stream_with};
use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::derive::DerivedImage;
use crate::derive::content::Content;
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};

static DERIVED: Code = Code {
    name: "go-build-root",
    family: Family::Go,
    severity: Warning,
    title: "a config's build root has an older Go than the module asks for",
    means: "Tests, and whatever else CI runs in the source, run in the build root. With an older Go than go.mod asks for they \
            fail, or fetch another Go from the network.",
    action: "Name a newer build root in `ci_alignment.streams_prs.ci_build_root` or `okd_alignment.ci_build_root`.",
    example: "openshift/beacon: go.mod asks for Go 1.22, its build root openshift/release:golang-1.21 has 1.21",
    fix: None,
};

static OWN: Code = Code {
    name: "go-own-build-root",
    family: Family::Go,
    severity: Warning,
    title: "the build root that a repository names itself has an older Go than its module asks for",
    means: "`.ci-operator.yaml` names the build root of CI's own configs of the repository. It was left behind when go.mod \
            moved on.",
    action: "Raise `build_root_image` in `.ci-operator.yaml`.",
    example: "openshift/beacon: go.mod asks for Go 1.22, .ci-operator.yaml names openshift/release:golang-1.21",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&DERIVED, &OWN], &[Need::Components], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let release = context.release;
    let content = Content::new(release);
    for config in release.configs.values() {
        let images: Vec<&DerivedImage> = config.images.iter().filter_map(|key| release.images.get(key)).collect();
        // The build root is one for all images of a config: the module that asks for the newest Go speaks for them.
        let asking = images.iter().rev().filter_map(|image| Some((*image, asked(image)?)));
        let newest = asking.max_by_key(|(_, (go, _))| (go.major, go.minor, go.patch));
        let Some((image, (asked, file))) = newest else {
            continue;
        };
        let repo = &config.repo;
        let older = |pullspec: &str| content.go(&image.view, pullspec).filter(|has| !has.satisfies(asked));
        if let Some(root) = &config.build_root.value
            && let Some(has) = older(&root.to_string())
        {
            let shown = format!("{}/{}:{}", root.namespace, root.name, root.tag);
            let text = format!("{repo}: {file} asks for Go {asked}, its build root {shown} has {has}");
            let help = match stream_with(release, &content, asked, &root.to_string()) {
                Some(stream) => format!("{stream}: name it in `ci_build_root`"),
                None => format!("no stream of streams.yml has Go {asked}: add one, and name it in `ci_build_root`"),
            };
            let finding = DERIVED.finding(text).with_place(go_line(image)).with_help(help);
            sink.add(finding.with_component(repo.to_string()).with_cause(shown));
        }
        if let Some((root, line)) = &image.own_build_root
            && let Some(has) = older(&format!("{}/{root}", release.payload.registry.value))
        {
            let text = format!("{repo}: {file} asks for Go {asked}, .ci-operator.yaml names {root} with {has}");
            let help = format!("name a build root with Go {asked} there");
            let finding = OWN
                .finding(text)
                .with_place(place(image, ".ci-operator.yaml", *line))
                .with_help(help);
            sink.add(finding.with_component(repo.to_string()).with_cause(root.clone()));
        }
    }
}
