//! Images that are switched off and that OKD needs.

use std::collections::BTreeMap;

use serde_json::json;

use crate::audit::Sink;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::derive::outline::base_scope;
use crate::derive::resolve::Resolver;
use crate::derive::{DerivedImage, Standing};
use crate::finding::Severity::{Error, Note};
use crate::finding::{Code, Family, Finding};

static DISABLED: Code = Code {
    name: "disabled-image-built",
    family: Family::Metadata,
    severity: Note,
    title: "an image that OCP does not build is built for OKD, and no stanza says that this is meant",
    means: "`mode: disabled` keeps an image out of OCP. OKD needs it all the same, because it is for the payload or another image \
            is built from it. Nobody at OCP notices when its source stops building.",
    action: "Say `okd.mode: enabled` if it is meant, or switch it off for OKD, too.",
    example: "beacon has `mode: disabled` and is built for OKD, because it is for the payload",
    fix: None,
};

static DROPPED: Code = Code {
    name: "dropped-image-needed",
    family: Family::Metadata,
    severity: Error,
    title: "an image is built from one that OKD does not build",
    means: "Metadata says that OKD does not build the base or builder, and nothing stands in for it, so the image is looked for \
            under a tag of OKD's payload that nobody promotes.",
    action: "Let OKD build it, put another image in its place (`okd_alignment.resolve_as`), or build from something else.",
    example: "tidewatch is built from beacon, which OKD does not build (`okd.mode` is disabled); nothing else stands in for it",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&DISABLED, &DROPPED], &[], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    for image in context.release.images.values() {
        if is_switched_off_silently(image) {
            sink.add(built(context, image));
        }
    }
    let lost = lost(context);
    for image in context.release.images.values().filter(|image| is_built(image)) {
        for member in members(image) {
            if let Some(why) = lost.get(member.as_str()) {
                sink.add(needed(context, image, &member, why));
            }
        }
    }
}

fn is_built(image: &DerivedImage) -> bool {
    !matches!(image.standing, Standing::Dropped(_))
}

fn is_switched_off_silently(image: &DerivedImage) -> bool {
    is_built(image) && image.view["mode"] == "disabled" && image.view["okd_stanza"]["mode"] == ""
}

fn built(context: &Context<'_>, image: &DerivedImage) -> Finding {
    let why = match &image.needed_by {
        Some(child) => format!("{child} is built from it"),
        None if image.view["for_payload"] == true => "it is for the payload".to_owned(),
        None => "other images are built with it".to_owned(),
    };
    let text = format!("{} has `mode: disabled` and is built for OKD, because {why}", image.key);
    DISABLED
        .finding(text)
        .with_place(context.metadata().image_place(&image.key, &["mode"]))
        .with_image(image.tag.value.clone())
        .with_help("say `okd.mode: enabled` if that is meant")
}

/// Images that OKD does not build and that are looked for under a tag of its own payload all the same; and why they are
/// not built.
fn lost<'c>(context: &Context<'c>) -> BTreeMap<&'c str, &'c str> {
    let release = context.release;
    let scope = base_scope(
        release.metadata.release,
        &release.metadata.group,
        Some(&release.payload.view),
    );
    let mut resolver = Resolver::new(release.rules, release.metadata, &release.images, &scope);
    let dropped = release.images.values().filter_map(|image| match &image.standing {
        Standing::Dropped(why) => Some((image, why.as_str())),
        _ => None,
    });
    let own = |image: &DerivedImage, pullspec: &str| pullspec == release.payload.tag(&image.tag.value).to_string();
    let others: Vec<&DerivedImage> = release.images.values().filter(|image| is_built(image)).collect();
    let promoted = |tag: &str| others.iter().any(|image| image.tag.value == tag);
    dropped
        .filter(|(image, _)| {
            let resolved = resolver.resolve(&json!({ "member": image.key }));
            resolved.is_ok_and(|resolved| own(image, &resolved.pullspec)) && !promoted(&image.tag.value)
        })
        .map(|(image, why)| (image.key.as_str(), why))
        .collect()
}

fn members(image: &DerivedImage) -> Vec<String> {
    let builders = image.from.value["builder"].as_array().into_iter().flatten();
    let all = builders.chain([&image.from.value]);
    all.filter_map(|entry| entry["member"].as_str().map(str::to_owned))
        .collect()
}

fn needed(context: &Context<'_>, image: &DerivedImage, member: &str, why: &str) -> Finding {
    let text = format!(
        "{} is built from {member}, which OKD does not build ({why}); nothing else stands in for it",
        image.key
    );
    let path = ["from"];
    DROPPED
        .finding(text)
        .with_place(context.metadata().image_place(&image.key, &path))
        .with_image(image.tag.value.clone())
        .with_help(format!("let OKD build {member}, or put another image in its place"))
        .with_cause(format!("member {member}"))
}
