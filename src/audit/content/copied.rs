//! Images besides those of FROM lines that a Dockerfile takes files from, and that are not OKD's content.

use super::filled_in;
use crate::audit::Sink;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::base::Place;
use crate::derive::content::{Content, view};
use crate::derive::{DerivedImage, DerivedInput, Standing};
use crate::finding::Severity::{Error, Warning};
use crate::finding::{Code, Family, Finding, Subject};
use crate::model::pullspec::StreamTag;
use crate::model::replacement::InputKind;

static COPIED: Code = Code {
    name: "foreign-copied",
    family: Family::Content,
    severity: Error,
    title: "files are copied from an image that is not OKD's content",
    means: "A `COPY --from` names an image that a rule calls foreign, and nothing in ocp-build-data is known by that name, so \
            that nothing replaces it. What is copied ends up in OKD's image.",
    action: "Copy from a stage whose FROM ocp-build-data knows, name an image of OKD's payload, or allow it with a rule that sets \
             `allowed`.",
    example: "beacon: COPY --from=registry.example.com/ocp/4.16:cli-artifacts is not replaced: it is OCP's",
    fix: None,
};

static IN_RUN: Code = Code {
    name: "foreign-in-run",
    family: Family::Content,
    severity: Warning,
    title: "a RUN takes files from an image that is not OKD's content",
    means: "A `RUN --mount=…,from=`, or a command that a `RUN` runs, names an image that a rule calls foreign. CI's builder \
            replaces neither, whatever the config says.",
    action: "Use a stage with a FROM of its own, or `COPY --from`, which are replaced; or allow it with a rule that sets `allowed`.",
    example: "beacon: RUN --mount=from=registry.example.com/ocp/4.16:cli is not replaced: it is OCP's",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(&[&COPIED, &IN_RUN], &[], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let release = context.release;
    let content = Content::new(release);
    let derived = |image: &&DerivedImage| image.standing == Standing::Derived;
    for image in release.images.values().filter(derived) {
        let by_hand = |copy: &DerivedInput| filled_in::replaces(context, image, copy);
        let kept = |copy: &&DerivedInput| copy.by != InputKind::Copy || (!copy.replace.value && !by_hand(copy));
        for (index, copy) in image.copies.iter().filter(kept).enumerate() {
            let written = release.payload.spellings.canonical(&copy.written);
            let seen = view((copy.by.name(), &copy.name), copy.builder, index, Some(copy), &written);
            if let Some(why) = content.foreign(&image.view, &seen) {
                let tag = content.payload_tag(&image.view, &seen).filter(|tag| !tag.is_empty());
                let wanted = tag.map(|tag| release.payload.tag(&tag));
                sink.add(finding(image, copy, wanted.as_ref(), &why));
            }
        }
    }
}

fn finding(image: &DerivedImage, copy: &DerivedInput, wanted: Option<&StreamTag>, why: &str) -> Finding {
    let code = if copy.by == InputKind::Copy { &COPIED } else { &IN_RUN };
    let text = format!(
        "{}: {}{} is not replaced: {why}",
        image.tag.value,
        copy.by.line(),
        copy.token
    );
    let help = match (copy.replace.value, wanted) {
        (true, _) => format!(
            "OKD's is {}: take the files with `COPY --from`, or from a stage of its own",
            copy.pullspec.value
        ),
        (false, Some(tag)) if copy.by == InputKind::Copy => format!(
            "no image of ocp-build-data that OKD builds has this tag; where {tag} is there all the same, an input `{}` with \
             `as: [{}]` takes it from there and stays",
            tag.key(),
            copy.token
        ),
        _ => {
            "copy from a stage whose FROM ocp-build-data knows, or allow it with a rule that sets `allowed`".to_owned()
        }
    };
    let origin = image.origin.as_ref();
    let place = Place {
        repo: origin.map(|origin| origin.name.clone()).unwrap_or_default(),
        commit: origin.and_then(|origin| origin.commit.clone()),
        file: image.dockerfile.clone(),
        line: Some(copy.line),
    };
    let finding = code.finding(text).with_place(place).with_help(help);
    let finding = finding
        .with_image(image.tag.value.clone())
        .with_subject(Subject::Name(copy.written.clone()))
        .with_cause(copy.written.clone());
    match &image.repository.value {
        Some(repo) => finding.with_component(repo.to_string()),
        None => finding,
    }
}
