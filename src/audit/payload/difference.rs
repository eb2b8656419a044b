//! What is derived against the payload as it was last built: added, gone, moved, built from something else.

use super::dropped;
use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::base::RepoName;
use crate::derive::payload::{Before, PayloadTag, repository};
use crate::derive::{DerivedImage, Release, Standing};
use crate::finding::Severity::{Note, Warning};
use crate::finding::{Code, Family, Finding};

static ADDED: Code = Code {
    name: "payload-tag-added",
    family: Family::Payload,
    severity: Note,
    title: "an image is new in the payload",
    means: "It is derived and the last payload lacks it.",
    action: "Nothing needs to be done where it is meant.",
    example: "tidewatch is not in the last payload: ocp-build-data has it `for_payload`",
    fix: None,
};

static GONE: Code = Code {
    name: "payload-tag-gone",
    family: Family::Payload,
    severity: Note,
    title: "an image of the last payload is left out on purpose",
    means: "The last payload has it, and metadata or a rule says that it is not built any more.",
    action: "Nothing needs to be done where it is meant.",
    example: "old-driver of the last payload is left out: images/old-driver.yml is not built: `okd.mode` is disabled",
    fix: None,
};

static SOURCELESS: Code = Code {
    name: "payload-tag-without-source",
    family: Family::Payload,
    severity: Warning,
    title: "an image of the last payload has no source any more",
    means: "The last payload has it, no image of ocp-build-data has the tag, and no rule says where it comes from. It was \
            removed, it got another name, or its file was lost.",
    action: "Where it was removed nothing needs to be done; otherwise add the image, or a rule `on: tag` that sets `external`.",
    example: "old-driver of the last payload has no source: no image of ocp-build-data has that tag",
    fix: None,
};

static MOVED: Code = Code {
    name: "payload-repository-moved",
    family: Family::Payload,
    severity: Note,
    title: "an image is built from another repository than in the last payload",
    means: "The last payload says that it was built from one repository, metadata names another one.",
    action: "Nothing needs to be done where it is meant.",
    example: "beacon was built from openshift/beacon-old in the last payload, now from openshift/beacon",
    fix: None,
};

static DOCKERFILE: Code = Code {
    name: "payload-other-dockerfile",
    family: Family::Payload,
    severity: Note,
    title: "an image is built from another Dockerfile than OCP's",
    means: "OCP's payload has the image from one Dockerfile, OKD builds it from another one. What changes in OCP's does not \
            reach OKD by itself.",
    action: "Nothing needs to be done; keep the two in step.",
    example: "tidewatch is built from Dockerfile.okd, OCP's from Dockerfile.ocp",
    fix: None,
};

static COMMIT: Code = Code {
    name: "payload-other-commit",
    family: Family::Payload,
    severity: Note,
    title: "an image is built from another commit than in the last payload",
    means: "The branch that the release is built from has moved since, or the last payload is another release's.",
    action: "Nothing needs to be done; the next payload has it.",
    example: "beacon was built from 89a451c499 in the last payload, the branch is at 0123456789",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(
    &[&ADDED, &GONE, &SOURCELESS, &MOVED, &DOCKERFILE, &COMMIT],
    &[Need::Components, Need::Payload],
    run,
);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let release = context.release;
    for (name, tag) in &release.tags {
        match (&tag.last, tag.built_by.first().and_then(|key| release.images.get(key))) {
            (None, Some(image)) => sink.add(added(release, name, tag, image)),
            (Some(before), None) if tag.external.value.is_empty() => sink.add(gone(release, name, before)),
            (Some(before), Some(image)) => {
                let found = [moved(image, before), dockerfile(image, before), commit(image, before)];
                found.into_iter().flatten().for_each(|finding| sink.add(finding));
            }
            _ => {}
        }
    }
}

fn added(release: &Release<'_>, name: &str, tag: &PayloadTag, image: &DerivedImage) -> Finding {
    let asked = tag.wanted_by.iter().find(|wanted| !wanted.operators.is_empty());
    let why = match asked {
        Some(wanted) => format!(": {} asks for it", wanted.operators.join(" and ")),
        None if tag.kept.value.is_empty() => String::new(),
        None => format!(": {}", tag.kept.value),
    };
    ADDED
        .finding(format!("{name} is not in the last payload{why}"))
        .with_place(release.metadata.image_place(&image.key, &["payload_name"]))
        .with_image(name.to_owned())
        .with_cause("added to the last payload")
}

fn gone(release: &Release<'_>, name: &str, before: &Before) -> Finding {
    let (code, text) = match dropped(release, name) {
        Some((why, _)) => (&GONE, format!("{name} of the last payload is left out: {why}")),
        None => (
            &SOURCELESS,
            format!("{name} of the last payload has no source: no image of ocp-build-data has that tag"),
        ),
    };
    let finding = code.finding(text).with_place(before.place.clone());
    finding.with_image(name.to_owned()).with_help(code.action)
}

fn moved(image: &DerivedImage, before: &Before) -> Option<Finding> {
    let now = image.repository.value.as_ref()?;
    let then = repository(&before.tag.source);
    // What is no repository's name says nothing.
    let known: RepoName = then.parse().ok()?;
    (known != *now).then(|| {
        let text = format!(
            "{} was built from {then} in the last payload, now from {now}",
            image.tag.value
        );
        about(&MOVED, image, before, text)
    })
}

/// OCP's own payloads are built from the Dockerfile that metadata names for OCP.
fn dockerfile(image: &DerivedImage, before: &Before) -> Option<Finding> {
    let text = |name: &str| image.view["source"][name].as_str().unwrap_or_default();
    let file = Some(text("dockerfile"))
        .filter(|file| !file.is_empty())
        .unwrap_or("Dockerfile");
    let ocp = match text("path").trim_end_matches('/') {
        "" => file.to_owned(),
        path => format!("{path}/{file}"),
    };
    (image.standing == Standing::Derived && ocp != image.dockerfile).then(|| {
        let text = format!(
            "{} is built from {}, OCP's from {ocp}",
            image.tag.value, image.dockerfile
        );
        about(&DOCKERFILE, image, before, text).with_cause("another Dockerfile than OCP's")
    })
}

fn commit(image: &DerivedImage, before: &Before) -> Option<Finding> {
    let now = image.origin.as_ref()?.commit.as_deref()?;
    let then = before.tag.commit.as_str();
    (!then.is_empty() && then != now).then(|| {
        let short = |commit: &str| commit.chars().take(10).collect::<String>();
        let text = format!(
            "{} was built from {} in the last payload, the branch is at {}",
            image.tag.value,
            short(then),
            short(now)
        );
        about(&COMMIT, image, before, text).with_cause("another commit than in the last payload")
    })
}

fn about(code: &Code, image: &DerivedImage, before: &Before, text: String) -> Finding {
    let repo = image.component().unwrap_or_default();
    code.finding(text)
        .with_place(before.place.clone())
        .with_image(image.tag.value.clone())
        .with_component(repo)
}
