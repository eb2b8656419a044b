//! Two OKD stanzas of one image that say different things.

use serde_json::Value as Json;

use super::references::at;
use crate::audit::Sink;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::derive::supposed::Supposed;
use crate::doozer::merge;
use crate::facts::image::ImageMetadata;
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
pub static CHECK: Check = Check::new(&[&DISAGREE], &[], run);

/// Where metadata names the Dockerfile, and where it does so for Konflux alone.
const DOCKERFILE: &str = "content.source.dockerfile";
const KONFLUX: &str = "konflux.content.source.dockerfile";

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
    let supposed = Supposed::new(context.release);
    for (key, image) in &metadata.images {
        let Some(okd) = image.node.get("okd").filter(|node| node.as_map().is_some()) else {
            continue;
        };
        let alignment = at(&image.node, "content.source.okd_alignment").filter(|node| node.as_map().is_some());
        // A Dockerfile of Konflux' own says something else than CI is told, whether OKD has a second stanza or not.
        let nothing = Node::default();
        let alignment = match alignment {
            Some(alignment) => alignment,
            None if merge::origin(&image.node, DOCKERFILE).is_some_and(|(by, _)| by.ends_with(KONFLUX)) => &nothing,
            None => continue,
        };
        for text in said(&supposed, key, image, okd, alignment) {
            let place = metadata.place(Metadata::image_file(key), Some(okd.pos.line));
            let mut finding = DISAGREE
                .finding(format!("{key}: {text}"))
                .with_place(place)
                .with_help("let both stanzas say the same, or remove one of them");
            finding.image = context.release.tag(key);
            sink.add(finding);
        }
    }
}

/// What CI has for a field, by the rules, and who says so.
fn of_ci(supposed: &Supposed<'_>, key: &str, field: &str) -> Option<(Json, String)> {
    let decision = supposed.decide(key, field)?;
    let taken = supposed.taken_from(&decision, field);
    let by = match taken {
        Some(key) => format!(
            "`{}`",
            key.file.replace("content.source.okd_alignment.", "okd_alignment.")
        ),
        None => supposed
            .rule(&decision)
            .filter(|rule| rule.when.is_some())
            .map_or_else(|| format!("`{DOCKERFILE}`"), |rule| format!("rule `{}`", rule.id)),
    };
    Some((decision.value?, by))
}

/// The Dockerfiles that CI and Konflux build, where they are not the same: one by the rules, the other as ART's tool merges.
fn dockerfiles(supposed: &Supposed<'_>, key: &str, image: &ImageMetadata) -> Option<String> {
    let (ci, ci_by) = of_ci(supposed, key, "dockerfile")?;
    let ci = ci.as_str()?;
    let merged = merge::image(&image.node).config;
    let konflux = merge::at(&merged, DOCKERFILE)
        .and_then(Json::as_str)
        .unwrap_or("Dockerfile");
    if ci == konflux {
        return None;
    }
    let by = merge::origin(&image.node, DOCKERFILE).map_or_else(|| DOCKERFILE.to_owned(), |(by, _)| by);
    Some(format!("CI builds {ci} ({ci_by}), Konflux {konflux} (`{by}`)"))
}

/// The tags that both stanzas name, where CI's is another one.
fn tags(supposed: &Supposed<'_>, key: &str, okd: &Node) -> Option<String> {
    let konflux = okd.get("payload_name").and_then(Node::text)?;
    let (ci, by) = of_ci(supposed, key, "tag")?;
    let ci = ci.as_str().filter(|ci| *ci != konflux)?;
    Some(format!(
        "its tag is {ci} for CI ({by}), {konflux} for Konflux (`okd.payload_name`)"
    ))
}

/// What both stanzas have as `from`, where CI's is another one.
fn froms(supposed: &Supposed<'_>, key: &str, image: &ImageMetadata) -> Option<String> {
    let (ci, _) = of_ci(supposed, key, "from")?;
    let konflux = &image.view["okd_stanza"]["from"];
    (ci != *konflux).then(|| format!("its `from` is {ci} for CI, {konflux} for Konflux"))
}

fn said(supposed: &Supposed<'_>, key: &str, image: &ImageMetadata, okd: &Node, alignment: &Node) -> Vec<String> {
    let view = &image.view;
    let mut found = Vec::new();
    let mode = okd.get("mode").and_then(Node::text).unwrap_or_default();
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
    found.extend(dockerfiles(supposed, key, image));
    if alignment.get("tag_name").and_then(Node::text).is_some() {
        found.extend(tags(supposed, key, okd));
    }
    if alignment.get("from").is_some() && okd.get("from").is_some() {
        found.extend(froms(supposed, key, image));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::tests::world::World;

    fn told(rules: &str, text: &str) -> Option<String> {
        let world = World::new().metadata("x", text).refined_by(rules);
        let release = world.release();
        dockerfiles(&Supposed::new(&release), "x", &world.metadata.images["x"])
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
            assert_eq!(told("rules: []\n", &text), expected, "{text}");
        }
    }

    #[test]
    fn what_ci_builds_is_what_the_rules_decide() {
        let both = "content: {source: {dockerfile: D.art, okd_alignment: {dockerfile: D.ci}}}\n\
                    okd: {content: {source: {dockerfile: D.okd}}}\n";
        let other = "rules:\n- id: stanza-first\n  because: The `okd` stanza counts before the other one here.\n  on: image\n  \
                     when: image.okd_stanza.dockerfile != ''\n  set: {dockerfile: '${image.okd_stanza.dockerfile}'}\n  \
                     overrides: [dockerfile-of-alignment]\n";
        let said = "CI builds D.ci (`okd_alignment.dockerfile`), Konflux D.okd (`okd.content.source.dockerfile`)";
        assert_eq!(told("rules: []\n", both).as_deref(), Some(said));
        assert_eq!(told(other, both), None);
        let named = other.replace("'${image.okd_stanza.dockerfile}'", "D.rule");
        let said = "CI builds D.rule (rule `stanza-first`), Konflux D.okd (`okd.content.source.dockerfile`)";
        assert_eq!(told(&named, both).as_deref(), Some(said));
    }

    #[test]
    fn tag_and_from_of_ci_are_what_the_rules_decide() {
        let both = "content: {source: {okd_alignment: {tag_name: a, from: {member: m}}}}\n\
                    okd: {payload_name: b, from: {stream: s}}\n";
        let other = |field: &str, said: &str, overridden: &str| {
            format!(
                "rules:\n- id: stanza-first\n  because: The `okd` stanza counts before the other one here.\n  on: image\n  \
                 set: {{{field}: '${{image.okd_stanza.{said}}}'}}\n  overrides: [{overridden}]\n"
            )
        };
        let tag = "its tag is a for CI (`okd_alignment.tag_name`), b for Konflux (`okd.payload_name`)";
        let from = "its `from` is {\"member\":\"m\"} for CI, {\"stream\":\"s\"} for Konflux";
        for (rules, expected) in [
            ("rules: []\n".to_owned(), vec![tag, from]),
            (other("tag", "payload_name", "tag-from-alignment"), vec![from]),
            (other("from", "from", "from-of-alignment"), vec![tag]),
        ] {
            let world = World::new().metadata("x", both).refined_by(&rules);
            let (release, image) = (world.release(), &world.metadata.images["x"]);
            let (okd, alignment) = (at(&image.node, "okd"), at(&image.node, "content.source.okd_alignment"));
            let said = said(&Supposed::new(&release), "x", image, okd.unwrap(), alignment.unwrap());
            assert_eq!(said, expected, "{rules}");
        }
    }
}
