//! Builders of another EL version than the sources name, where metadata has an alternative for it.

use super::sources::{asks, look, source};
use crate::audit::Sink;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::derive::{DerivedImage, Standing};
use crate::doozer::parents::Stands;
use crate::doozer::predict::{Parent, Prediction};
use crate::doozer::terms::tag_of;
use crate::doozer::{Doozer, Terms};
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};
use crate::model::metadata::Metadata;
use crate::yaml::Node;

static CODE: Code = Code {
    name: "alternative-upstream-not-applied",
    family: Family::Doozer,
    severity: Warning,
    title: "a FROM of one EL version gets a builder of another, and `alternative_upstream` says otherwise",
    means: "`alternative_upstream` has what an image is built from while its sources still name another EL version than metadata. The \
            rebase for Konflux does not read it (art-tools: only `doozerlib/distgit.py` `_update_image_config` does), and neither is \
            it read here: what is built for one EL version runs on another.",
    action: "Let the sources' FROM name the EL version that metadata names, or let `okd.from` have the alternative's `from` until they do.",
    example: "beacon: FROM golang-rhel9 (Dockerfile:1) gets stream go, whose image is of EL 10, and `alternative_upstream` has another \
              `from` for el9",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[], run).asking(asks);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let release = context.release;
    let with: Vec<&DerivedImage> = release
        .images
        .values()
        .filter(|image| !matches!(image.standing, Standing::Dropped(_)))
        .filter(|image| alternatives(context.metadata(), image).is_some())
        .collect();
    if with.is_empty() {
        return;
    }
    let doozer = Doozer::new(release.metadata, Terms::of(release));
    let look = look(context);
    for image in with {
        let repo = source(image).map(|(repo, _)| repo);
        if let Some(prediction) = doozer.predict(&image.key, repo, &look) {
            judge(context, &doozer, image, &prediction, sink);
        }
    }
}

fn alternatives<'m>(metadata: &'m Metadata, image: &DerivedImage) -> Option<&'m Node> {
    let node = metadata.images.get(&image.key)?.node.get("alternative_upstream")?;
    node.as_seq().is_some().then_some(node)
}

fn judge(context: &Context<'_>, doozer: &Doozer<'_>, image: &DerivedImage, prediction: &Prediction, sink: &mut Sink) {
    let metadata = context.metadata();
    let Some(node) = alternatives(metadata, image) else {
        return;
    };
    let of = |el: u32| {
        let items = node.as_seq().into_iter().flatten();
        let named = |item: &&Node| item.get("when").and_then(Node::text) == Some(&format!("el{el}"));
        items.into_iter().find(named)
    };
    for parent in &prediction.from {
        let Some((written, has)) = versions(metadata, doozer, parent) else {
            continue;
        };
        let Some(alternative) = of(written).filter(|_| written != has) else {
            continue;
        };
        let text = format!(
            "{}: FROM {} ({}:{}) gets {}, whose image is of EL {has}, and `alternative_upstream` has another `from` for el{written}",
            image.key,
            parent.written.as_deref().unwrap_or_default(),
            prediction.dockerfile.value,
            parent.line.unwrap_or_default(),
            parent.metadata,
        );
        let place = metadata.place(Metadata::image_file(&image.key), Some(alternative.pos.line));
        let mut finding = CODE.finding(text).with_place(place).with_image(image.tag.value.clone());
        finding.component = image.component();
        sink.add(finding.with_help("let the FROM name the other EL version, or let `okd.from` have the alternative"));
    }
}

/// The EL version that a FROM names, and that of what stands for it: of the image for ART, else of CI's.
fn versions(metadata: &Metadata, doozer: &Doozer<'_>, parent: &Parent) -> Option<(u32, u32)> {
    let terms = doozer.terms();
    let written = terms.el_of_from(parent.written.as_deref()?)?;
    let (Stands::Stream { stream, image } | Stands::Canonical { stream, image }) = &parent.becomes else {
        return None;
    };
    let of = |pullspec: &str| {
        tag_of(pullspec)
            .and_then(|tag| terms.el_of_tag(tag))
            .or_else(|| terms.el_of_from(pullspec))
    };
    let upstream = metadata
        .stream(stream)
        .and_then(|stream| stream.view["upstream_image"].as_str());
    Some((written, of(image).or_else(|| of(upstream?))?))
}
