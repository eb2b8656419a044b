//! Dockerfiles that metadata names and that are not there: which one was meant.

use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::audit::edit::Edit;
use crate::audit::{Change, Sink, spelling};
use crate::derive::DerivedImage;
use crate::derive::nearest::nearest;
use crate::derive::provenance::taken_from;
use crate::finding::Severity::Error;
use crate::finding::{Code, Family};
use crate::model::metadata::Metadata;

static CODE: Code = Code {
    name: "no-dockerfile",
    family: Family::Metadata,
    severity: Error,
    title: "the Dockerfile that metadata names is not there",
    means: "The image is not derived, and what is there of it stays. The message has the Dockerfiles that are there, the likely one \
            first.",
    action: "Correct the name in ocp-build-data, or set `okd_alignment.dockerfile`.",
    example: "Dockerfile.rhel7 is not in branch release-4.16 of openshift/beacon: it has Dockerfile.rhel9, images/Dockerfile",
    fix: Some(
        "writes the one path that differs in no more than two letters and in no number, or the one file of that name in another \
               folder",
    ),
};

/// The check. Derivation tells of the finding; here it gets its fix.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::Components], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let found = context
        .release
        .findings
        .iter()
        .filter(|finding| finding.code == CODE.name);
    for finding in found {
        let mut images = context.release.images.values();
        let image = images.find(|image| finding.image.as_ref() == Some(&image.tag.value));
        let change = image.and_then(|image| change(context, image));
        sink.add_with_fix(finding.clone(), change, "The Dockerfile has another name.");
    }
}

/// Writes the path that was meant, where there is no doubt and one key says it.
fn change(context: &Context<'_>, image: &DerivedImage) -> Option<Change> {
    let component = context
        .components?
        .get(image.repository.value.as_ref()?)?
        .as_ref()
        .ok()?;
    let meant = meant(&image.dockerfile, component.others.as_deref()?)?;
    let folder = image.path.value.trim_matches('/');
    let old = image.dockerfile_name.value.clone();
    let new = match folder {
        "" => meant,
        folder => meant.strip_prefix(folder)?.strip_prefix('/')?,
    };
    let named = taken_from(context.release.rules, &image.dockerfile_name.tried, "dockerfile")?;
    let line = context.metadata().key_place(&image.key, named.view).line?;
    Some(Change::Metadata {
        file: Metadata::image_file(&image.key),
        edit: Edit::Replace {
            line,
            old,
            new: new.to_owned(),
        },
    })
}

fn meant<'t>(missing: &str, there: &'t [String]) -> Option<&'t str> {
    let known = there.iter().map(String::as_str);
    let name = |path: &str| path.rsplit('/').next().map(str::to_owned);
    let moved = || {
        let same: Vec<&str> = nearest(missing, there)
            .into_iter()
            .filter(|path| name(path) == name(missing))
            .collect();
        match same.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    };
    spelling::meant(missing, known).or_else(moved)
}
