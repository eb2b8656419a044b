//! Tags that an operator asks for and that nothing promotes.

use std::collections::BTreeMap;

use super::dropped;
use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::base::Place;
use crate::derive::Release;
use crate::derive::payload::{AskedBy, PayloadTag};
use crate::finding::Severity::{Error, Note};
use crate::finding::{Code, Family, Subject};
use crate::rules::load::near;

static UNRESOLVED: Code = Code {
    name: "unresolved-tag",
    family: Family::Payload,
    severity: Error,
    title: "an operator asks for an image that nothing promotes",
    means: "An operator's `image-references` names a tag that no OKD config promotes and no rule calls external. Composing \
            the release fails with `no input image tag named`.",
    action: "Let an image be built for the tag, or say with a rule `on: tag` where it comes from (`external`) or which tag \
             takes its place (`stands_for`).",
    example: "cluster-x-operator asks for x-driver, which nothing promotes",
    fix: None,
};

static UNSHIPPED: Code = Code {
    name: "operator-without-label",
    family: Family::Payload,
    severity: Note,
    title: "an operator outside the release asks for images that nothing promotes",
    means: "A repository has an `image-references`, and no Dockerfile of its images carries it with the label \
            `io.openshift.release.operator=true`: an operator in preview, or one that is delivered on its own. No release \
            fails for its sake, and once it gets the label one does.",
    action: "Nothing needs to be done; before the operator joins the release its images have to be promoted.",
    example: "openshift/csi-operator: nothing promotes smb-driver; no Dockerfile with the label of a release's operator ships this list",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&UNRESOLVED, &UNSHIPPED], &[Need::Components], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let release = context.release;
    let mut unshipped: BTreeMap<Place, (String, Vec<&str>)> = BTreeMap::new();
    for (name, tag) in release.tags.iter().filter(|(_, tag)| !is_resolved(release, tag)) {
        for wanted in &tag.wanted_by {
            if wanted.operators.is_empty() {
                let list = Place {
                    line: None,
                    ..wanted.place.clone()
                };
                let entry = unshipped
                    .entry(list)
                    .or_insert_with(|| (wanted.repo.to_string(), Vec::new()));
                entry.1.push(name);
            } else {
                unresolved(release, name, wanted, sink);
            }
        }
    }
    for (place, (repo, tags)) in unshipped {
        let text = format!(
            "{repo}: nothing promotes {}; no Dockerfile with the label of a release's operator ships this list",
            tags.join(", ")
        );
        sink.add(UNSHIPPED.finding(text).with_place(place).with_component(repo));
    }
}

/// Whether something is built for a tag or for the one that takes its place, or a rule says where it comes from.
fn is_resolved(release: &Release<'_>, tag: &PayloadTag) -> bool {
    let stand_in = release.tags.get(&tag.stands_for.value);
    let built = |tag: &PayloadTag| !tag.built_by.is_empty();
    let external = |tag: &PayloadTag| !tag.external.value.is_empty();
    built(tag) || external(tag) || stand_in.is_some_and(|tag| built(tag) || external(tag))
}

fn unresolved(release: &Release<'_>, name: &str, wanted: &AskedBy, sink: &mut Sink) {
    let who = wanted.operators.join(" and ");
    let (why, help) = match dropped(release, name) {
        Some((why, key)) => (
            format!(": {why}"),
            format!("let {key} be built for OKD, or take the tag out of the operator's list for OKD"),
        ),
        None => {
            let built = release.tags.iter().filter(|(_, tag)| !tag.built_by.is_empty());
            let known: Vec<&str> = built.map(|(name, _)| name.as_str()).collect();
            let hint = near(name, &known).unwrap_or_else(|| "add an image with that `payload_name`".to_owned());
            (
                String::new(),
                format!("{hint}; or say with a rule `on: tag` where it comes from"),
            )
        }
    };
    let finding = UNRESOLVED
        .finding(format!("{who} asks for {name}, which nothing promotes{why}"))
        .with_place(wanted.place.clone())
        .with_component(wanted.repo.to_string())
        .with_image(name.to_owned())
        .with_subject(Subject::Tag(name.to_owned()))
        .with_help(help);
    sink.add(finding);
}
