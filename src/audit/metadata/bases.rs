//! Images with builders and no base.

use super::references::at;
use crate::audit::Sink;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::finding::Severity::{Error, Warning};
use crate::finding::{Code, Family};
use crate::model::metadata::Metadata;
use crate::yaml::Node;

static CODE: Code = Code {
    name: "no-base",
    family: Family::Metadata,
    severity: Error,
    title: "an image has builders and no base",
    means: "`from` names the base beside `builder`, by `member`, `stream` or `image`. Without one nobody knows what the last FROM \
            of the Dockerfile stands for; mostly the line slipped into the list of builders. For an image that nobody builds it \
            is a warning.",
    action: "Name the base: a line of `from` that is no item of `builder`.",
    example: "beacon: `from` has 2 builders and no base",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[], run);

/// Where an image is said to be built from something: each replaces the ones before it as a whole.
const FROMS: [&str; 3] = ["from", "okd.from", "content.source.okd_alignment.from"];

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for (key, image) in &metadata.images {
        for path in FROMS {
            let Some(from) = at(&image.node, path) else { continue };
            let builders = from.get("builder").and_then(Node::as_seq).unwrap_or_default();
            let base = ["member", "stream", "image"]
                .iter()
                .any(|kind| from.get(kind).is_some());
            if builders.is_empty() || base {
                continue;
            }
            let (count, many) = (builders.len(), if builders.len() == 1 { "" } else { "s" });
            let last = builders.last().map_or(from.pos.line, |node| node.pos.line);
            let mut finding = CODE
                .finding(format!("{key}: `{path}` has {count} builder{many} and no base"))
                .with_place(metadata.place(Metadata::image_file(key), Some(from.pos.line)))
                .with_help(format!(
                    "name the base beside `builder`; if it is the item in line {last}, take that out of the list"
                ));
            if !context.is_built(key) {
                finding.severity = Warning;
            }
            finding.image = context.release.tag(key);
            sink.add(finding);
        }
    }
}
