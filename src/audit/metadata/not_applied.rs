//! Modifications that ART makes for OKD and that CI does not.

use super::references::at;
use crate::audit::Sink;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::derive::Standing;
use crate::finding::Severity::Note;
use crate::finding::{Code, Family};
use crate::model::metadata::Metadata;
use crate::yaml::Node;

static CODE: Code = Code {
    name: "modifications-not-applied",
    family: Family::Metadata,
    severity: Note,
    title: "ART builds an image for OKD from a modified source, CI from it as it is",
    means: "`okd.content.source.modifications` changes the source for ART's build of OKD alone. CI knows nothing of it and builds the \
            source as it is: it may fail where ART's build does not, and what it tests is another image than what ships.",
    action: "Make the change in the source itself, or, where a build argument can make it, in `okd_alignment.build_args`.",
    example: "beacon: ART builds it for OKD from a source with 1 modification (`okd.content.source.modifications`), CI from Dockerfile \
              as it is",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[], run);

const KEY: &str = "okd.content.source.modifications";

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for image in context.release.images.values() {
        let node = metadata.images.get(&image.key).and_then(|facts| at(&facts.node, KEY));
        let Some(node) = node.filter(|_| !matches!(image.standing, Standing::Dropped(_))) else {
            continue;
        };
        let count = node.as_seq().map_or(0, <[Node]>::len);
        if count == 0 {
            continue;
        }
        let many = if count == 1 { "" } else { "s" };
        let text = format!(
            "{}: ART builds it for OKD from a source with {count} modification{many} (`{KEY}`), CI from {} as it is",
            image.key, image.dockerfile
        );
        let help = "make the change in the source itself, or with a build argument in `okd_alignment.build_args`";
        let mut finding = CODE
            .finding(text)
            .with_place(metadata.place(Metadata::image_file(&image.key), Some(node.pos.line)))
            .with_image(image.tag.value.clone())
            .with_help(help);
        finding.component = image.component();
        sink.add(finding);
    }
}
