//! Tags that are promoted and that nobody wants.

use std::collections::BTreeSet;

use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::derive::Standing;
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};

static UNWANTED: Code = Code {
    name: "unwanted-tag",
    family: Family::Payload,
    severity: Warning,
    title: "an image is promoted that nobody wants",
    means: "No operator asks for the tag, and no rule says why it is in the payload all the same. It costs builds, and every \
            release carries it.",
    action: "Leave the image out (a rule that sets `excluded`), or say with a rule `on: tag` why it is kept (`kept`).",
    example: "stray is promoted, no operator asks for it, and no rule says why it is kept",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&UNWANTED], &[Need::Components], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let release = context.release;
    let asked: BTreeSet<&str> = release
        .tags
        .values()
        .filter(|tag| tag.wanted_by.iter().any(|wanted| !wanted.operators.is_empty()))
        .map(|tag| tag.stands_for.value.as_str())
        .collect();
    for (name, tag) in &release.tags {
        if asked.contains(name.as_str()) || !tag.kept.value.is_empty() || tag.kept.failed() {
            continue;
        }
        let derived = |key: &&String| {
            release
                .images
                .get(*key)
                .is_some_and(|image| image.standing == Standing::Derived)
        };
        let Some(key) = tag.built_by.iter().find(derived) else {
            continue;
        };
        let finding = UNWANTED
            .finding(format!(
                "{name} is promoted, no operator asks for it, and no rule says why it is kept"
            ))
            .with_place(release.metadata.image_place(key, &["payload_name"]))
            .with_image(name.clone())
            .with_help("exclude the image, or set `kept` in a rule `on: tag`");
        sink.add(finding);
    }
}
