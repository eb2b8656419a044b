//! Target `build-data`: what OKD is built from here, written where ART's tool reads it.
//!
//! CI reads `okd_alignment`, doozer reads `okd`: one intent in two stanzas. This target writes the intent into `okd`, with the
//! least change of what people wrote, wherever doozer would build something else.

mod carried;
mod changes;
mod moved;
mod text;

use std::collections::BTreeSet;

use super::{Actual, Ask, Cut, Destination, Reads, Rendered, Target, Tree, asking, release_name};
use crate::base::RepoName;
use crate::derive::{DerivedImage, Release, Standing};
use crate::doozer::terms::TARGET as NAME;
use crate::doozer::{Doozer, Terms};
use crate::finding::{Finding, Severity};
use crate::model::metadata::Metadata;
use crate::plan::{Cause, Desired, Refused, Verdict};
use crate::yaml::keys::{Key, Section, ValueForm, default, section};

pub use carried::{carried_cause, with_carried};
use changes::{Change, Changes};
pub use text::NotEdited;

/// The target.
pub static TARGET: Target = Target {
    name: NAME,
    group: "build-data",
    about: "what OKD is built from, in the stanza of build data that ART's tool (doozer) reads",
    place: "the release's branch of build data",
    owns: "of an image's `okd`: Dockerfile and folder, `from`, `mode`, `payload_name`, `arches` and `envs` where doozer would \
           build something else than CI does; keys that were added to OKD's stanzas (an image's `okd` and `okd_alignment`, the \
           group's `okd`) on an older branch after the next one had been made; with option `fixes` what the audit puts right",
    seeds: "nothing",
    leaves: "everything else, and what people decided otherwise: that is shown",
    options: &OPTIONS,
    after: &[],
    destinations: |_| Ok(vec![Destination::BuildData]),
    reads,
    render,
    cut: Cut::None,
    wait: super::door::no_wait,
    folders: &[],
};

const STANZAS: Key = default(
    "stanzas",
    ValueForm::Word(&["okd", "both"]),
    "okd",
    "Which stanzas are written: `okd`, which doozer reads, or `both`: `okd_alignment`, too. A change of the latter builds the image anew for OCP.",
);

/// Whether the audit's safe changes of build data are part of the target's requests.
pub const FIXES: Key = default(
    "fixes",
    ValueForm::Flag,
    "false",
    "Whether what the audit can safely put right by build data alone is part of the same request; `audit --fix` then leaves it to that.",
);

static OPTIONS: Section = section("What is written into build data.", &[STANZAS, FIXES]);

fn reads(_: &Ask<'_>, _: &RepoName) -> Result<Reads, Vec<Finding>> {
    Ok(Reads {
        files: vec!["group.yml".to_owned(), "streams.yml".to_owned()],
        trees: vec![Tree::of("images", 1).only(|path| Metadata::image_of_file(path).is_some())],
        ..Reads::default()
    })
}

fn render(ask: &Ask<'_>, actual: &Actual) -> Rendered {
    let release = ask.release;
    let mut rendered = Rendered::default();
    let carried = &release.neighbours.carried;
    // The release as it will be with what is carried.
    let (metadata, images) = match &carried.release {
        Some((metadata, images)) => (metadata, images),
        None => (release.metadata, &release.images),
    };
    let as_is = Doozer::new(release.metadata, Terms::of(release));
    let doozer = Doozer::new(metadata, Terms::of(release));
    let mut changed = BTreeSet::new();
    // What the requests say is decided by rules, too: one that fails is told here.
    for field in ["title_prefix", "request_note"] {
        rendered.findings.extend(asking::of_target(release, NAME, field).1);
    }
    rendered.findings.extend(carried::told(release));
    if !doozer.builds() {
        rendered.findings.push(nothing(release));
    }
    for image in images.values() {
        let path = Metadata::image_file(&image.key);
        let file = WantedFile {
            ask,
            actual,
            as_is: &as_is,
            doozer: &doozer,
            metadata,
        };
        if let Some(file) = file.of(image, &mut rendered.findings) {
            changed.insert(path);
            rendered.files.push(file);
        }
    }
    for path in carried.all.iter().map(|carry| &carry.path).collect::<BTreeSet<_>>() {
        let is_image = Metadata::image_of_file(path).is_some_and(|key| images.contains_key(key));
        if let Some(file) = (!is_image)
            .then(|| carried::alone(ask, actual, path, &mut rendered.findings))
            .flatten()
        {
            changed.insert(path.clone());
            rendered.files.push(file);
        }
    }
    // What was looked at and is as it should be: a request that has lost its reason is closed.
    let rest = actual.files.keys().filter(|path| !changed.contains(*path));
    let rest: Vec<Desired> = rest.map(|path| actual.file(&TARGET, release, path.as_str())).collect();
    rendered.files.extend(rest);
    rendered
}

fn nothing(release: &Release<'_>) -> Finding {
    let text = format!(
        "no file of build data of {} has an `okd` stanza: doozer does not build OKD of it",
        release.metadata.release
    );
    Finding::new(Severity::Note, "doozer-builds-nothing", text)
        .with_place(release.metadata.place("group.yml", None))
        .with_release(release_name(release))
        .with_help(
            "nothing is written for it; `lockstep explain IMAGE --as doozer` shows what doozer would make of an image",
        )
}

/// What files are made from.
struct WantedFile<'w> {
    ask: &'w Ask<'w>,
    actual: &'w Actual,
    /// The release as it is.
    as_is: &'w Doozer<'w>,
    /// The release with what is carried.
    doozer: &'w Doozer<'w>,
    metadata: &'w Metadata,
}

impl WantedFile<'_> {
    /// The file of one image with what is to change in it; none where nothing is.
    fn of(&self, image: &DerivedImage, findings: &mut Vec<Finding>) -> Option<Desired> {
        let Self { ask, actual, .. } = *self;
        let release = ask.release;
        let path = Metadata::image_file(&image.key);
        let facts = release.metadata.images.get(&image.key)?;
        let text = std::str::from_utf8(actual.files.get(&path)?).ok()?;
        let mut carried = carried::changes(release, &path);
        let mut how = (self.doozer, image, &self.metadata.images.get(&image.key)?.node);
        if !carried.is_empty()
            && let Some(why) = carried::breaks(ask, self.as_is, self.doozer, image)
        {
            findings.extend(carried::left_for(release, &path, &why));
            carried.clear();
            how = (self.as_is, release.images.get(&image.key)?, &facts.node);
        }
        let (doozer, image, node) = how;
        let mut changes = Changes::new(ask, doozer, image, node);
        changes.all = carried;
        let dropped = matches!(image.standing, Standing::Dropped(_));
        if doozer.builds() {
            if dropped {
                changes.switch_off();
            } else {
                changes.collect();
            }
            if ask.options.text(&STANZAS) == "both" && !dropped {
                changes.mirror();
            }
        }
        findings.append(&mut changes.findings);
        if changes.all.is_empty() {
            return None;
        }
        // People write the Dockerfile first, and then what is modified in it.
        changes.all.sort_by_key(|change| change.key.ends_with(".modifications"));
        let mut file = actual.file(&TARGET, release, &*path);
        file.component = image.component();
        file.images = vec![image.tag.value.clone()];
        let (applied, refused) = judged(ask, changes.all);
        file.refused = refused;
        file.notes = carried::notes(release, &path, &applied);
        let edited = text::edited(text, &release.metadata.group, &facts.node, &applied);
        if let Err(why) = written(&mut file, text, edited, applied) {
            findings.push(unsafe_edit(ask, actual, &image.key, &path, &why).with_image(image.tag.value.clone()));
        }
        file.notes.extend(changes.notes);
        Some(file)
    }
}

/// Takes an edited text into a file with its causes; a file that cannot be edited is held.
fn written(
    file: &mut Desired,
    text: &str,
    edited: Result<String, NotEdited>,
    applied: Vec<Change>,
) -> Result<(), NotEdited> {
    match edited {
        Ok(after) => {
            file.causes = applied.into_iter().map(|change| change.cause).collect();
            if after != text {
                file.after = Some(after.into_bytes().into());
            }
            Ok(())
        }
        Err(why) => {
            file.hold();
            Err(why)
        }
    }
}

fn unsafe_edit(ask: &Ask<'_>, actual: &Actual, what: &str, path: &str, why: &NotEdited) -> Finding {
    Finding::new(
        Severity::Warning,
        "edit-refused",
        format!("{what}: its file cannot be changed safely: {why}"),
    )
    .with_place(actual.place(path, None))
    .with_release(release_name(ask.release))
    .with_help("make the change by hand; what would change: see `lockstep explain IMAGE --as doozer`")
}

/// Parts changes into those that the policy applies and the rest. What belongs to another change goes with it.
fn judged(ask: &Ask<'_>, all: Vec<Change>) -> (Vec<Change>, Vec<Refused>) {
    let release = release_name(ask.release);
    let (mut applied, mut refused): (Vec<Change>, Vec<Refused>) = (Vec::new(), Vec::new());
    let mut left_out = BTreeSet::new();
    for change in all {
        let verdict = ask.policy.verdict(&change.cause, &release);
        let waits = change.with.as_ref().is_some_and(|with| left_out.contains(with));
        if verdict == Verdict::Apply && !waits {
            applied.push(change);
        } else {
            left_out.insert(change.cause.field.clone());
            let verdict = if verdict == Verdict::Apply {
                Verdict::NotAdopted
            } else {
                verdict
            };
            refused.push(Refused {
                cause: change.cause,
                verdict,
            });
        }
    }
    (applied, refused)
}

/// The cause of a change: the rule that decided the value, the key that it is written to.
fn cause(release: &Release<'_>, image: &DerivedImage, rule: Option<usize>, field: &str) -> Cause {
    let component = image.component().unwrap_or_default();
    Cause {
        images: vec![image.tag.value.clone()],
        ..asking::cause(release, rule, field, component)
    }
}

#[cfg(test)]
mod tests;
