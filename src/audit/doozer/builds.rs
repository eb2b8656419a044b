//! Where doozer builds something else than what is derived.

use super::sources::{asks, look, source};
use crate::audit::Sink;
use crate::audit::check::Check;
use crate::audit::context::Context;
use crate::derive::DerivedImage;
use crate::doozer::predict::{Ends, Reason};
use crate::doozer::{Difference, DifferenceKind, Doozer, Terms, compare};
use crate::finding::Severity::{Error, Note, Warning};
use crate::finding::{Code, Family, Finding};
use crate::model::build_config::At;

static OTHER_DOCKERFILE: Code = Code {
    name: "doozer-other-dockerfile",
    family: Family::Doozer,
    severity: Warning,
    title: "doozer builds an image of OKD from another Dockerfile than CI tests",
    means: "What CI builds and tests is not what ships. doozer takes `content.source.dockerfile` below `content.source.path` after the \
            merge of `okd`, and what the `konflux` stanza says wins over it (art-tools: `doozerlib/cli/images_okd.py` \
            `get_okd_image_config`, `doozerlib/backend/rebaser.py` `rebase_to` and `_merge_source`); `okd_alignment` is not read.",
    action: "Let the `okd` stanza name the Dockerfile that `okd_alignment` names (target `build-data` writes it), or remove the one \
             that is no longer meant.",
    example: "beacon: OKD is built from Dockerfile.okd, doozer takes Dockerfile.ocp (`content.source.dockerfile`)",
    fix: None,
};

static OTHER_PARENT: Code = Code {
    name: "doozer-other-parent",
    family: Family::Doozer,
    severity: Warning,
    title: "doozer builds an image of OKD from another base or builder than CI does",
    means: "A member stands for doozer's own build of it, or for the stream that its `okd_alignment.resolve_as.stream` names; \
            `resolve_as.image` and `tag_name` are not read. A stream stands for its `image`; where \
            `canonical_builders_from_upstream` is true (the image's, else the group's), the first stream whose image has the Go and \
            EL version that the FROM's tag names takes its place (art-tools: `doozerlib/backend/rebaser.py` \
            `_resolve_member_parent`, `_resolve_stream_parent`, `_resolve_image_from_upstream_parent`).",
    action: "Let both stanzas lead to one image: a `from` of `okd` for one of `okd_alignment`, `resolve_as.stream` for \
             `resolve_as.image`.",
    example: "beacon: member harbor-base is quay.io/example/base:9 in OKD, doozer takes doozer's own build of harbor-base",
    fix: None,
};

static WOULD_FAIL: Code = Code {
    name: "doozer-would-fail",
    family: Family::Doozer,
    severity: Error,
    title: "doozer cannot build an image of OKD",
    means: "The rebase stops at an `okd` stanza that is no mapping, a Dockerfile that is not there, another number of FROMs than metadata \
            has parents, a parent that nothing stands for, a modification that changes nothing, or architectures of which the group \
            has none (art-tools: `doozerlib/cli/images_okd.py` `get_okd_image_config`, `doozerlib/backend/rebaser.py` \
            `_merge_source`, `_resolve_parents`, `_run_modifications`, `doozerlib/source_modifications.py`, \
            `doozerlib/metadata.py` `get_arches`). Its failures go to a chat channel of ART, not to the component's developers.",
    action: "Put right what it stops at; `lockstep explain IMAGE --as doozer` shows the whole build.",
    example: "beacon: metadata names 2 parents, and Dockerfile has 1 FROMs that name an image",
    fix: None,
};

static WOULD_SKIP: Code = Code {
    name: "doozer-would-skip",
    family: Family::Doozer,
    severity: Warning,
    title: "doozer passes over an image that OKD needs",
    means: "doozer leaves out an image whose `mode` is `disabled` after the merge of `okd` (art-tools: `doozerlib/cli/images_okd.py` \
            `rebase_image`). An image that is disabled for OCP and made for OKD alone needs `okd.mode: enabled`.",
    action: "Say `okd.mode: enabled` (target `build-data` writes it), or take the image out of OKD.",
    example: "beacon: OKD needs it, and doozer passes it over: `mode` is disabled after the merge",
    fix: None,
};

static WOULD_BUILD: Code = Code {
    name: "doozer-would-build",
    family: Family::Doozer,
    severity: Note,
    title: "doozer builds an image that is switched off for OKD",
    means: "`okd_alignment.enabled: false` keeps an image out of CI's builds of OKD; doozer does not read it and builds the image \
            unless `okd.mode` is `disabled` (art-tools: `doozerlib/cli/images_okd.py` `rebase_image`).",
    action: "Say `okd.mode: disabled` (target `build-data` writes it).",
    example: "beacon: OKD does not build it (`okd_alignment.enabled` is false), doozer does: `okd.mode` says nothing",
    fix: None,
};

static UNREAD: Code = Code {
    name: "unread-by-doozer",
    family: Family::Doozer,
    severity: Note,
    title: "doozer does not read what an image's metadata says for CI's build of OKD",
    means: "Of `okd_alignment` doozer reads `resolve_as.stream` alone (art-tools: `doozerlib/backend/rebaser.py` \
            `_resolve_member_parent`). Other keys change CI's build only. What would do the same there is said where there is \
            something: `resolve_as.stream` for `resolve_as.image`, `okd.envs` for `build_args` (target `build-data` writes it); for \
            `inject_rpm_repositories` only repositories of the group, which `okd.enabled_repos` enables.",
    action: "Say it in a way that doozer reads, where there is one.",
    example: "beacon: `okd_alignment.inject_rpm_repositories` is not read; its addresses are CI's own, and `okd.enabled_repos` enables \
              repositories of the group there",
    fix: None,
};

/// The check.
pub static CHECK: Check = Check::new(
    &[
        &OTHER_DOCKERFILE,
        &OTHER_PARENT,
        &WOULD_FAIL,
        &WOULD_SKIP,
        &WOULD_BUILD,
        &UNREAD,
    ],
    &[],
    run,
)
.asking(asks);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let release = context.release;
    let doozer = Doozer::new(release.metadata, Terms::of(release));
    if !doozer.builds() {
        return;
    }
    let look = look(context);
    for (key, facts) in &release.metadata.images {
        let image = release.images.get(key);
        let repo = image.and_then(source).map(|(repo, _)| repo);
        let Some(prediction) = doozer.predict(key, repo, &look) else {
            continue;
        };
        for difference in image
            .map(|image| compare(release, image, &prediction))
            .unwrap_or_default()
        {
            sink.add(told(key, image, difference));
        }
        // What stands for an image counts where others are built from it, whether it is built or not.
        let stands = facts.view["okd_alignment"]["resolve_as"].get("image").is_some();
        let read = prediction.ends == Ends::Skips && !stands;
        for reason in prediction.unread.into_iter().filter(|_| !read) {
            sink.add(unread(key, image, reason));
        }
    }
}

fn told(key: &str, image: Option<&DerivedImage>, difference: Difference) -> Finding {
    let (code, help) = match difference.kind {
        DifferenceKind::OtherDockerfile => (
            &OTHER_DOCKERFILE,
            "let `okd.content.source.dockerfile` say what `okd_alignment.dockerfile` says",
        ),
        DifferenceKind::OtherParent => (
            &OTHER_PARENT,
            "let `okd.from` and `resolve_as.stream` lead to what OKD is built from",
        ),
        DifferenceKind::WouldFail => (&WOULD_FAIL, "put it right; until then ART ships no new build of it"),
        DifferenceKind::WouldSkip => (&WOULD_SKIP, "say `okd.mode: enabled`, or take the image out of OKD"),
        DifferenceKind::WouldBuild => (&WOULD_BUILD, "say `okd.mode: disabled`"),
    };
    about(
        image,
        code.finding(format!("{key}: {}", difference.text)),
        difference.at,
    )
    .with_help(help)
}

fn unread(key: &str, image: Option<&DerivedImage>, reason: Reason) -> Finding {
    about(image, UNREAD.finding(format!("{key}: {}", reason.text)), reason.at)
}

fn about(image: Option<&DerivedImage>, mut finding: Finding, at: Option<At>) -> Finding {
    finding.image = image.map(|image| image.tag.value.clone());
    finding.component = image.and_then(|image| image.component());
    match at {
        Some(at) => finding.with_place(at.0),
        None => finding,
    }
}
