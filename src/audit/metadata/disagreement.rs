//! Two OKD stanzas of one image that say different things.

use super::references::at;
use crate::audit::Sink;
use crate::audit::check::{Check, nothing};
use crate::audit::context::Context;
use crate::facts::image::Image;
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};
use crate::model::metadata::Metadata;
use crate::yaml::Node;

static DISAGREE: Code = Code {
    name: "stanzas-disagree",
    family: Family::Metadata,
    severity: Warning,
    title: "the two OKD stanzas of an image say different things",
    means: "`content.source.okd_alignment` is read for CI, `okd` for Konflux. Where they say different things, CI tests something \
            else than what is built.",
    action: "Let both say the same, or remove one of them.",
    example: "beacon: CI builds Dockerfile.okd (`okd_alignment.dockerfile`), Konflux Dockerfile.ocp (`content.source.dockerfile`)",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check {
    codes: &[&DISAGREE],
    needs: &[],
    asks: nothing,
    run,
};

/// Keys of `okd_alignment` that only make sense for an image that is built.
const BUILDING: [&str; 6] = [
    "tag_name",
    "dockerfile",
    "from",
    "build_args",
    "inject_rpm_repositories",
    "context_dir",
];

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for (key, image) in &metadata.images {
        let (Some(okd), Some(alignment)) = (
            image.node.get("okd").filter(|node| node.as_map().is_some()),
            at(&image.node, "content.source.okd_alignment").filter(|node| node.as_map().is_some()),
        ) else {
            continue;
        };
        for text in said(image, okd, alignment) {
            let place = metadata.place(Metadata::image_file(key), Some(okd.pos.line));
            let mut finding = DISAGREE
                .finding(format!("{key}: {text}"))
                .with_place(place)
                .with_help("let both stanzas say the same, or remove one of them");
            finding.image = context.release.images.get(key).map(|image| image.tag.value.clone());
            sink.add(finding);
        }
    }
}

fn said(image: &Image, okd: &Node, alignment: &Node) -> Vec<String> {
    let view = &image.view;
    let mut found = Vec::new();
    let text = |node: Option<&Node>| node.and_then(Node::text).map(str::to_owned);
    let mode = text(okd.get("mode")).unwrap_or_default();
    if mode == "disabled" {
        let builds = BUILDING.iter().find(|key| alignment.get(key).is_some());
        let enabled = view["okd"]["enabled"] == true && alignment.get("resolve_as").is_none();
        if let Some(key) = builds.filter(|_| enabled) {
            found.push(format!(
                "`okd.mode` is disabled, and `okd_alignment.{key}` says how it is built"
            ));
        }
        return found;
    }
    if mode == "enabled" && view["okd"]["enabled"] == false {
        found.push("`okd.mode` is enabled, and `okd_alignment.enabled` is false".to_owned());
    }
    let own = |key: &str, default: &str| text(at(&image.node, key)).unwrap_or_else(|| default.to_owned());
    let dockerfile = own("content.source.dockerfile", "Dockerfile");
    if let Some(ci) = text(alignment.get("dockerfile")) {
        let konflux = text(at(okd, "content.source.dockerfile"));
        let by = konflux
            .as_ref()
            .map_or("content.source.dockerfile", |_| "okd.content.source.dockerfile");
        let konflux = konflux.unwrap_or(dockerfile);
        if ci != konflux {
            found.push(format!(
                "CI builds {ci} (`okd_alignment.dockerfile`), Konflux {konflux} (`{by}`)"
            ));
        }
    }
    if let (Some(ci), Some(konflux)) = (text(alignment.get("tag_name")), text(okd.get("payload_name")))
        && ci != konflux
    {
        found.push(format!(
            "its tag is {ci} for CI (`okd_alignment.tag_name`), {konflux} for Konflux (`okd.payload_name`)"
        ));
    }
    let (ci, konflux) = (&view["okd"]["from"], &view["konflux"]["from"]);
    if alignment.get("from").is_some() && okd.get("from").is_some() && ci != konflux {
        found.push(format!("its `from` is {ci} for CI, {konflux} for Konflux"));
    }
    found
}
