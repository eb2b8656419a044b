//! Architectures of OKD's stanzas that metadata has no such name for.

use crate::audit::Sink;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::audit::metadata::references::at;
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};
use crate::model::arch;
use crate::model::metadata::Metadata;
use crate::yaml::Node;

static CODE: Code = Code {
    name: "unknown-architecture",
    family: Family::Doozer,
    severity: Warning,
    title: "an `okd` stanza names no architecture, or one that nothing has",
    means: "The architectures of an image are those that its `okd.arches` and its group have in common (art-tools: \
            `doozerlib/metadata.py` `get_arches`), and the group's are replaced by its own `okd.arches`. A name that is none is \
            passed over without a word, or, where it is the only one, stops the build; a list without any counts as if it were not \
            there.",
    action: "Write the name that metadata has for the architecture, or take an empty list away.",
    example: "beacon: `okd.arches` names arm64, which is no architecture; aarch64 may be meant",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for name in unknown(
        metadata.group.build["arches"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str()),
    ) {
        let place = metadata.place("group.yml", metadata.group.okd_line);
        sink.add(CODE.finding(text("group.yml", "arches", name)).with_place(place));
    }
    for (key, image) in &metadata.images {
        let Some(node) = at(&image.node, "okd.arches") else {
            continue;
        };
        let found = |text: String, line: u32| {
            let place = metadata.place(Metadata::image_file(key), Some(line));
            let mut finding = CODE.finding(text).with_place(place);
            finding.image = context.release.tag(key);
            finding
        };
        if node.as_seq().is_some_and(<[Node]>::is_empty) {
            let text = format!("{key}: `okd.arches` is an empty list, and the group's architectures hold");
            sink.add(found(text, node.pos.line));
        }
        let names = node.as_seq().into_iter().flatten().filter_map(Node::text);
        for name in unknown(names) {
            sink.add(found(text(key, "okd.arches", name), node.pos.line));
        }
    }
}

fn unknown<'n>(names: impl Iterator<Item = &'n str>) -> impl Iterator<Item = &'n str> {
    names.filter(|name| !arch::NAMES.contains(name))
}

fn text(whose: &str, key: &str, name: &str) -> String {
    format!(
        "{whose}: `{key}` names {name}, which is no architecture; {} may be meant",
        arch::meant(name)
    )
}
