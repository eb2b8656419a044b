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
    means: "`content.source.okd_alignment` is read for CI, `okd` for Konflux, and over it what the image's `konflux` stanza says. \
            Where they say different things, CI tests something else than what is built.",
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

/// Where Konflux is told of a Dockerfile of its own: what is said for it wins over what is said for OKD, as in the rebase of ART's
/// tools.
const KONFLUX: [&str; 2] = [
    "okd.konflux.content.source.dockerfile",
    "konflux.content.source.dockerfile",
];

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
        let Some(okd) = image.node.get("okd").filter(|node| node.as_map().is_some()) else {
            continue;
        };
        let alignment = at(&image.node, "content.source.okd_alignment").filter(|node| node.as_map().is_some());
        // A Dockerfile of Konflux' own says something else than CI is told, whether OKD has a second stanza or not.
        let nothing = Node::default();
        let alignment = match alignment {
            Some(alignment) => alignment,
            None if KONFLUX.iter().any(|path| at(&image.node, path).is_some()) => &nothing,
            None => continue,
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

/// The Dockerfiles that CI and Konflux build, where they are not the same.
fn dockerfiles(image: &Image, alignment: &Node) -> Option<String> {
    let named = |path: &'static str| Some((at(&image.node, path)?.text()?.to_owned(), path));
    let okd = || named("okd.content.source.dockerfile");
    let own = || named("content.source.dockerfile").unwrap_or(("Dockerfile".to_owned(), "content.source.dockerfile"));
    let of_konflux = KONFLUX.iter().find_map(|path| named(path));
    let ci = alignment.get("dockerfile").and_then(Node::text);
    let ci = ci.map(|file| (file.to_owned(), "okd_alignment.dockerfile"));
    if ci.is_none() && of_konflux.is_none() {
        return None;
    }
    let (ci, ci_by) = ci.or_else(okd).unwrap_or_else(own);
    let (konflux, by) = of_konflux.or_else(okd).unwrap_or_else(own);
    (ci != konflux).then(|| format!("CI builds {ci} (`{ci_by}`), Konflux {konflux} (`{by}`)"))
}

fn said(image: &Image, okd: &Node, alignment: &Node) -> Vec<String> {
    let view = &image.view;
    let mut found = Vec::new();
    let text = |node: Option<&Node>| node.and_then(Node::text).map(str::to_owned);
    let mode = text(okd.get("mode")).unwrap_or_default();
    if mode == "disabled" {
        let builds = BUILDING.iter().find(|key| alignment.get(key).is_some());
        let enabled = view["okd_alignment"]["enabled"] == true && alignment.get("resolve_as").is_none();
        if let Some(key) = builds.filter(|_| enabled) {
            found.push(format!(
                "`okd.mode` is disabled, and `okd_alignment.{key}` says how it is built"
            ));
        }
        return found;
    }
    if mode == "enabled" && view["okd_alignment"]["enabled"] == false {
        found.push("`okd.mode` is enabled, and `okd_alignment.enabled` is false".to_owned());
    }
    found.extend(dockerfiles(image, alignment));
    if let (Some(ci), Some(konflux)) = (text(alignment.get("tag_name")), text(okd.get("payload_name")))
        && ci != konflux
    {
        found.push(format!(
            "its tag is {ci} for CI (`okd_alignment.tag_name`), {konflux} for Konflux (`okd.payload_name`)"
        ));
    }
    let (ci, konflux) = (&view["okd_alignment"]["from"], &view["okd_stanza"]["from"]);
    if alignment.get("from").is_some() && okd.get("from").is_some() && ci != konflux {
        found.push(format!("its `from` is {ci} for CI, {konflux} for Konflux"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::parse;

    fn told(text: &str) -> Option<String> {
        let image = Image::read(parse(text.as_bytes()).expect("YAML"));
        let alignment = at(&image.node, "content.source.okd_alignment")
            .cloned()
            .unwrap_or_default();
        dockerfiles(&image, &alignment)
    }

    #[test]
    fn what_konflux_is_told_for_itself_wins() {
        let source = |own: &str| format!("content: {{source: {{dockerfile: D.art{own}}}}}\n");
        let konflux = "konflux: {content: {source: {dockerfile: D.konflux}}}\n";
        let okd = "okd: {content: {source: {dockerfile: D.okd}}}\n";
        let aligned = source(", okd_alignment: {dockerfile: D.ci}");
        let said = |ci: &str, konflux: &str| Some(format!("CI builds {ci}, Konflux {konflux}"));
        let ci = "D.ci (`okd_alignment.dockerfile`)";
        for (text, expected) in [
            (aligned.clone(), said(ci, "D.art (`content.source.dockerfile`)")),
            (
                format!("{aligned}{okd}"),
                said(ci, "D.okd (`okd.content.source.dockerfile`)"),
            ),
            (
                format!("{aligned}{okd}{konflux}"),
                said(ci, "D.konflux (`konflux.content.source.dockerfile`)"),
            ),
            (
                format!("{}{okd}{konflux}", source("")),
                said(
                    "D.okd (`okd.content.source.dockerfile`)",
                    "D.konflux (`konflux.content.source.dockerfile`)",
                ),
            ),
            (format!("{}{okd}", source("")), None),
            (
                format!("{aligned}konflux: {{content: {{source: {{dockerfile: D.ci}}}}}}\n"),
                None,
            ),
        ] {
            assert_eq!(told(&text), expected, "{text}");
        }
    }
}
