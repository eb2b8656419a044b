//! Package repositories that the `okd` stanza takes away without saying so.

use super::references::at;
use crate::audit::Sink;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};
use crate::yaml::Node;

static EMPTIED: Code = Code {
    name: "enabled-repos-emptied",
    family: Family::Metadata,
    severity: Warning,
    title: "the okd stanza empties enabled_repos without saying so",
    means: "When the `okd` stanza is merged over an image, `enabled_repos` is emptied first, whatever the stanza is about. OKD's \
            build then has none of the image's package repositories.",
    action: "Name the repositories that OKD needs in `okd.enabled_repos`, or say there that it needs none (`[]`).",
    example: "beacon: the `okd` stanza takes baseos-rpms away; it has no `enabled_repos` of its own",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&EMPTIED], &[], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for (key, image) in &metadata.images {
        let Some(okd) = image.node.get("okd").filter(|okd| okd.as_map().is_some()) else {
            continue;
        };
        let said = okd.get("enabled_repos").is_some();
        if said || is_off(&image.node) {
            continue;
        }
        let repos: Vec<_> = texts(image.node.get("enabled_repos"));
        if repos.is_empty() {
            continue;
        }
        let text = format!(
            "{key}: the `okd` stanza takes {} away; it has no `enabled_repos` of its own",
            repos.join(", ")
        );
        let place = metadata.place(crate::model::metadata::Metadata::image_file(key), Some(okd.pos.line));
        let mut finding = EMPTIED
            .finding(text)
            .with_place(place)
            .with_help("name what OKD needs in `okd.enabled_repos`, or say `[]` there");
        finding.image = context.release.tag(key);
        sink.add(finding.with_cause("okd.enabled_repos"));
    }
}

/// Whether the image is not built for OKD: `okd.mode` decides where it is set.
fn is_off(node: &Node) -> bool {
    let mode = at(node, "okd.mode").or_else(|| node.get("mode"));
    mode.and_then(Node::text) == Some("disabled")
}

fn texts(node: Option<&Node>) -> Vec<&str> {
    let items = node.and_then(Node::as_seq).unwrap_or_default();
    items.iter().filter_map(Node::text).collect()
}
