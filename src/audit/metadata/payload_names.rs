//! Images of the payload that name no payload tag.

use crate::audit::Severity::Warning;
use crate::audit::Sink;
use crate::audit::check::{Check, Code, Family, nothing};
use crate::audit::context::Context;

static MISSING: Code = Code {
    name: "payload-name-missing",
    family: Family::Metadata,
    severity: Warning,
    title: "an image of the payload names no payload tag",
    means: "`for_payload` is true and `payload_name` is not there. The tag is then guessed from the last part of `name`, and \
            whoever renames the image moves the tag without noticing.",
    action: "Add `payload_name`.",
    example: "beacon is for the payload and has no `payload_name`; its tag is taken from its name: beacon",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check {
    codes: &[&MISSING],
    needs: &[],
    asks: nothing,
    run,
};

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for (key, image) in &metadata.images {
        if image.view["for_payload"] != true || image.view["payload_name"] != "" {
            continue;
        }
        let derived = context.release.images.get(key);
        let tag = derived.map_or("", |image| image.tag.value.as_str());
        let text = format!("{key} is for the payload and has no `payload_name`; its tag is taken from its name: {tag}");
        let mut finding = MISSING
            .finding(text)
            .with_place(metadata.image_place(key, &["for_payload"]))
            .with_help(format!("add `payload_name: {tag}`"));
        finding.image = derived.map(|image| image.tag.value.clone());
        sink.add(finding.with_cause("payload_name"));
    }
}
