//! What is carried to a release from older branches of build data.

use super::changes::{Change, Changes, Does, Fit};
use super::text::{self, NotEdited};
use super::{Actual, Ask, TARGET, judged, release_name, unsafe_edit, written};
use crate::derive::neighbours::{Carry, Edited};
use crate::derive::{DerivedImage, Release};
use crate::doozer::predict::Ends;
use crate::doozer::{Doozer, modify};
use crate::facts::group::Group;
use crate::finding::{Finding, Severity};
use crate::model::metadata::Metadata;
use crate::plan::{Cause, Desired};

/// What a change that is carried names as its rule.
const RULE: &str = "carried-from-older-release";

/// Why a key is carried.
pub fn carried_cause(release: &Release<'_>, carry: &Carry) -> Cause {
    let image = Metadata::image_of_file(&carry.path).and_then(|key| release.images.get(key));
    Cause {
        rule: RULE.to_owned(),
        rule_at: String::new(),
        field: carry.key.clone(),
        item: None,
        component: image.and_then(|image| image.component()).unwrap_or_default(),
        images: image.map(|image| image.tag.value.clone()).into_iter().collect(),
        old: None,
        new: Some(super::changes::short(&carry.value)),
        because: format!(
            "It was added to {} when the branch of the next release had been made.",
            carry.from
        ),
    }
}

/// The changes of a file that are carried.
pub(super) fn changes(release: &Release<'_>, path: &str) -> Vec<Change> {
    let carried = release.neighbours.carried.all.iter().filter(|carry| carry.path == path);
    carried.map(|carry| change(release, carry)).collect()
}

fn change(release: &Release<'_>, carry: &Carry) -> Change {
    Change {
        key: carry.key.clone(),
        does: Does::Set(carry.value.clone()),
        cause: carried_cause(release, carry),
        with: None,
        spelled: carry.spelled.clone(),
    }
}

/// What is told of a file beside its causes: the commits behind what is carried.
pub(super) fn notes(release: &Release<'_>, path: &str, applied: &[Change]) -> Vec<String> {
    let is_applied = |carry: &&Carry| {
        let mut keys = applied.iter().filter(|change| change.cause.rule == RULE);
        carry.path == path && keys.any(|change| change.key == carry.key)
    };
    let carried = release.neighbours.carried.all.iter().filter(is_applied);
    let note = |carry: &Carry| {
        format!(
            "`{}` is carried from {}: {} of {} added it",
            carry.key,
            carry.from,
            short(&carry.edited),
            carry.edited.day
        )
    };
    carried.map(note).collect()
}

/// A file of which nothing else is looked at: the group's, or that of an image that OKD does not need.
pub(super) fn alone(ask: &Ask<'_>, actual: &Actual, path: &str, findings: &mut Vec<Finding>) -> Option<Desired> {
    let release = ask.release;
    let before = std::str::from_utf8(actual.files.get(path)?).ok()?;
    let mut file = actual.file(&TARGET, release, path);
    let (applied, refused) = judged(ask, changes(release, path));
    file.refused = refused;
    file.notes = notes(release, path, &applied);
    let edited = edited(release, path, before, &applied);
    if let Err(why) = written(&mut file, before, edited, applied) {
        findings.push(unsafe_edit(ask, actual, path, path, &why));
    }
    Some(file)
}

fn edited(release: &Release<'_>, path: &str, before: &str, changes: &[Change]) -> Result<String, NotEdited> {
    let image = Metadata::image_of_file(path).and_then(|key| release.metadata.images.get(key));
    match image {
        Some(image) => text::edited(before, &release.metadata.group, &image.node, changes),
        // A group's own file is read as it is written.
        None => match crate::yaml::parse(before.as_bytes()) {
            Ok(node) => text::edited(before, &Group::default(), &node, changes),
            Err(error) => Err(error.into()),
        },
    }
}

/// A file's text with what is carried to it.
///
/// # Errors
/// Why it is not safe.
pub fn with_carried<'c>(
    release: &Release<'_>,
    path: &str,
    text: &str,
    all: impl Iterator<Item = &'c Carry>,
) -> Result<String, NotEdited> {
    let changes: Vec<Change> = all.map(|carry| change(release, carry)).collect();
    edited(release, path, text, &changes)
}

/// Why an image could no longer be built with what is carried, where it can be now.
pub(super) fn breaks(ask: &Ask<'_>, as_is: &Doozer<'_>, with: &Doozer<'_>, image: &DerivedImage) -> Option<String> {
    let texts = &ask.release.texts;
    let look = |repo: &_, path: &str| texts.get(repo, path).cloned();
    let repo = image.repository.value.as_ref();
    let (before, after) = (
        as_is.predict(&image.key, repo, &look)?,
        with.predict(&image.key, repo, &look)?,
    );
    if after.ends != Ends::Fails {
        return None;
    }
    let node = &ask
        .release
        .neighbours
        .carried
        .release
        .as_ref()?
        .0
        .images
        .get(&image.key)?
        .node;
    let fit = Changes::new(ask, with, image, node).fit(&after.dockerfile.value);
    // OCP's modifications that do not fit are emptied with it.
    let mended = |rule: &str| rule == modify::RULE && matches!(fit, Fit::Empty(_));
    let known = |text: &str| before.reasons.iter().any(|reason| reason.text == text);
    let mut new = after
        .reasons
        .iter()
        .filter(|reason| !mended(&reason.rule) && !known(&reason.text));
    new.next()
        .map(|reason| format!("doozer could not build it then: {}", reason.text))
}

/// What is told of carrying as a whole.
pub(super) fn told(release: &Release<'_>) -> Vec<Finding> {
    let carried = &release.neighbours.carried;
    let mut findings = Vec::new();
    if let Some(unread) = &carried.unread {
        let text = format!(
            "whether something was added to OKD's stanzas of an older release that {} lacks is not known: {}",
            release.metadata.release, unread.why
        );
        let help = match unread.passing {
            true => "nothing is carried this time, and the next run tries again",
            false => {
                "nothing is carried; a repository of build data that has the whole history of its branches is read, on disk or \
                      behind a URL whose server can leave the contents of files out"
            }
        };
        let finding = Finding::new(Severity::Note, "okd-carry-unread", text)
            .with_place(release.metadata.place("images", None))
            .with_release(release_name(release))
            .with_help(help);
        findings.push(finding);
    }
    for left in &carried.left {
        findings.push(finding(
            release,
            &left.path,
            &left.key,
            (left.from, &left.edited),
            &left.why,
        ));
    }
    findings
}

/// What is told of a file's keys that are not carried after all.
pub(super) fn left_for(release: &Release<'_>, path: &str, why: &str) -> Vec<Finding> {
    let carried = release.neighbours.carried.all.iter().filter(|carry| carry.path == path);
    let one = |carry: &Carry| finding(release, path, &carry.key, (carry.from, &carry.edited), why);
    carried.map(one).collect()
}

fn finding(
    release: &Release<'_>,
    path: &str,
    key: &str,
    (from, edited): (crate::base::Release, &Edited),
    why: &str,
) -> Finding {
    let name = Metadata::image_of_file(path);
    let text = format!(
        "{}: {} of {} added `{key}` to {from}, and it is not carried to {}: {why}",
        name.unwrap_or(path),
        short(edited),
        edited.day,
        release.metadata.release
    );
    let image = name.and_then(|key| release.images.get(key));
    let mut finding = Finding::new(Severity::Note, "okd-carry-left", text)
        .with_place(release.metadata.place(path, None))
        .with_release(release_name(release))
        .with_help("write it there by hand where it is meant");
    finding.image = image.map(|image| image.tag.value.clone());
    finding.component = image.and_then(|image| image.component());
    finding
}

fn short(edited: &Edited) -> &str {
    edited.commit.get(..10).unwrap_or(&edited.commit)
}
