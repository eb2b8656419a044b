//! Codes about what is written into build data for ART's tool.

use crate::finding::Severity::{Error, Note, Warning};
use crate::finding::{Code, Family};

/// The codes.
pub static CODES: &[Code] = &[
    Code {
        name: "doozer-builds-nothing",
        family: Family::Doozer,
        severity: Note,
        title: "doozer does not build OKD of a release",
        means: "Neither `group.yml` nor any image has an `okd` stanza: ART builds OKD of the releases where those are. Target \
                `build-data` writes nothing for the others; what doozer would make of an image is still shown by \
                `lockstep explain IMAGE --as doozer`.",
        action: "Nothing, unless OKD of that release is to be built by ART.",
        example: "no file of build data of 4.16 has an `okd` stanza: doozer does not build OKD of it",
        fix: None,
    },
    Code {
        name: "okd-says-otherwise",
        family: Family::Doozer,
        severity: Warning,
        title: "somebody wrote into `okd` what `okd_alignment` contradicts",
        means: "CI builds what `okd_alignment` says, ART what `okd` says. Both were written by people, so target `build-data` does not \
                choose: it writes `okd_alignment`'s value only where `adopt.causes` has `okd-says-otherwise`.",
        action: "Remove the one that is not meant.",
        example: "beacon: `okd.content.source.dockerfile` says Dockerfile.konflux, `okd_alignment.dockerfile` Dockerfile.okd",
        fix: None,
    },
    Code {
        name: "okd-settled-otherwise",
        family: Family::Doozer,
        severity: Warning,
        title: "the two OKD stanzas disagree, and another release shows that people decided against `okd_alignment`",
        means: "The nearest older and newer release in which the stanzas agree, or one is silent, say how such a disagreement was \
                settled. Where both branches' histories are there, only what is younger than this release's last change of the stanzas \
                counts. What is settled otherwise, or in two ways, is not written by target `build-data`.",
        action: "Settle it in the same way, or say in the request why this release differs.",
        example: "beacon: `okd_alignment` names Dockerfile, doozer takes Dockerfile.rhel, and people settled it: 4.22 builds Dockerfile.rhel \
                  (since 0123456789 of 2026-01-22)",
        fix: None,
    },
    Code {
        name: "okd-carry-left",
        family: Family::Doozer,
        severity: Note,
        title: "what was added to OKD's stanzas of an older release is not carried to a later one",
        means: "What is added to an image's or the group's `okd` or `okd_alignment` on one branch of build data after the next one was \
                made is missing on the later branches, and target `build-data` carries it there. Not where people took it out again \
                since, where the other stanza says something else, where doozer could no longer build the image, or where the file \
                cannot be changed safely.",
        action: "Write it there by hand where it is meant; otherwise nothing.",
        example: "beacon: 0123456789 of 2026-01-22 added `okd.envs.FLAVOUR` to 4.21, and it is not carried to 4.22: abcdef0123 of \
                  2026-01-29 removed it from 4.22",
        fix: None,
    },
    Code {
        name: "okd-carry-unread",
        family: Family::Doozer,
        severity: Note,
        title: "whether something is to be carried from older releases is not known",
        means: "What was added to OKD's stanzas on one branch after the next one was made is told by the histories of both. A plain \
                folder and a shallow clone have none; a server that cannot leave the contents of files out of a history is not \
                asked for it, as that may be gigabytes; and one may be out of reach, or lack what it promised. Nothing is carried then.",
        action: "Where the server could not be reached, nothing: the next run asks again, and goes on where this one stopped. Otherwise \
                 let `sources.build-data` be a repository that has the whole history of its branches: on disk, such as a mirror, or \
                 behind a URL whose server offers `filter` in git's protocol 2 (`uploadpack.allowFilter`).",
        example: "whether something was added to OKD's stanzas of an older release that 4.22 lacks is not known: 4.21: there is no \
                  history here",
        fix: None,
    },
    Code {
        name: "source-not-written",
        family: Family::Doozer,
        severity: Error,
        title: "a Dockerfile is not written with what its FROMs stand for",
        means: "`lockstep render --sources` writes the Dockerfile of every image for builders that cannot replace FROMs. One whose \
                modifications (`okd.content.source.modifications`) do not fit it, that has other FROMs than were derived, that could \
                not be read, or that two images need with other FROMs, is left out; all others are written.",
        action: "Put the Dockerfile or its modifications right.",
        example: "beacon: Dockerfile is not written: `RUN make` of its modifications does not occur in it",
        fix: None,
    },
    Code {
        name: "okd-modifications-stop",
        family: Family::Doozer,
        severity: Warning,
        title: "the modifications of an `okd` stanza do not fit the Dockerfile that is to be written into it",
        means: "doozer stops where the text of a modification does not occur in the Dockerfile, so the Dockerfile is not written.",
        action: "Adapt the modifications to it, or remove them; then it is written.",
        example: "beacon: Dockerfile.okd is not written into `okd`: `RUN make` of `okd`'s modifications does not occur in it",
        fix: None,
    },
];
