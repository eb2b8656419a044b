//! Images of the payload that name no payload tag.

use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::audit::edit::Edit;
use crate::audit::{Change, Sink};
use crate::facts::image::ImageMetadata;
use crate::finding::Severity::{Note, Warning};
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

static OTHER: Code = Code {
    name: "payload-tag-of-okd",
    family: Family::Metadata,
    severity: Note,
    title: "an image has another payload tag for OKD than for OCP",
    means: "`okd.payload_name` names the tag in OKD's payload, `payload_name` the one in OCP's, and they differ. OKD's configs \
            promote the first; nothing is promoted under the second, which operators may ask for.",
    action: "Nothing, if that is meant; else let both say the same, or remove `okd.payload_name`.",
    example: "beacon is stream-beacon in OKD's payload (`okd.payload_name`) and beacon in OCP's (`payload_name`)",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&MISSING, &OTHER], &[], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let metadata = context.metadata();
    for (key, image) in &metadata.images {
        sink_other(context, key, image, sink);
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
        let own = image.view["okd_alignment"]["tag_name"] == "" && image.view["okd_stanza"]["payload_name"] == "";
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

/// Tells of a tag that is OKD's alone. Where `okd_alignment` names one, the two stanzas are compared elsewhere.
fn sink_other(context: &Context<'_>, key: &str, image: &ImageMetadata, sink: &mut Sink) {
    let view = &image.view;
    let (okd, ocp) = (
        view["okd_stanza"]["payload_name"].as_str().unwrap_or_default(),
        view["payload_name"].as_str().unwrap_or_default(),
    );
    if okd.is_empty() || ocp.is_empty() || okd == ocp || view["okd_alignment"]["tag_name"] != "" {
        return;
    }
    let Some(derived) = context.release.images.get(key) else {
        return;
    };
    let text = format!("{key} is {okd} in OKD's payload (`okd.payload_name`) and {ocp} in OCP's (`payload_name`)");
    let finding = OTHER
        .finding(text)
        .with_place(context.metadata().image_place(key, &["okd_stanza", "payload_name"]))
        .with_image(derived.tag.value.clone());
    sink.add(finding.with_help(format!(
        "nothing is promoted as {ocp} for OKD; remove one of the two if that is not meant"
    )));
}

/// Whether a tag can stand in a file as it is.
fn is_plain(tag: &str) -> bool {
    let starts = tag.starts_with(|c: char| c.is_ascii_lowercase());
    starts && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}
