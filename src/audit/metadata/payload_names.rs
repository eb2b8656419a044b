//! Images of the payload that name no payload tag.

use crate::audit::check::{Check, nothing};
use crate::audit::context::Context;
use crate::audit::edit::Edit;
use crate::audit::{Change, Sink};
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};
use crate::model::metadata::Metadata;

static MISSING: Code = Code {
    name: "payload-name-missing",
    family: Family::Metadata,
    severity: Warning,
    title: "an image of the payload names no payload tag",
    means: "`for_payload` is true and `payload_name` is not there. The tag is then guessed from the last part of `name`, and \
            whoever renames the image moves the tag without noticing.",
    action: "Add `payload_name`.",
    example: "beacon is for the payload and has no `payload_name`; its tag is taken from its name: beacon",
    fix: Some("adds the key with the tag that holds today, unless OKD has a tag of its own"),
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
        // Where a stanza gives OKD a tag of its own, OCP's is not what is derived here.
        let own = image.view["okd"]["tag_name"] == "" && image.view["konflux"]["payload_name"] == "";
        let change = (own && is_plain(tag)).then(|| Change::Metadata {
            file: Metadata::image_file(key),
            edit: Edit::Add {
                after: "for_payload".to_owned(),
                key: "payload_name".to_owned(),
                value: tag.to_owned(),
            },
        });
        let because = "The tag that holds today is written down.";
        sink.add_with_fix(finding.with_cause("payload_name"), change, because);
    }
}

/// Whether a tag can stand in a file as it is.
fn is_plain(tag: &str) -> bool {
    let starts = tag.starts_with(|c: char| c.is_ascii_lowercase());
    starts && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
