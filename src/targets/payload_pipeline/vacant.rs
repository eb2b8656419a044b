//! Whether there is room for a new BuildConfig: no file that cannot be read may hold it already, and nobody else has its name
//! or its file.

use super::found::{FOLDER, Found, Matched, base_name};
use super::names::Plan;
use super::renames::number;
use crate::finding::{Finding, Severity};
use crate::model::batches::Batches;
use crate::targets::documents::{Files, says};

/// The files of BuildConfigs that could not be read: what they hold is not known.
pub(super) struct Unread(Vec<(String, Option<String>)>);

impl Unread {
    /// Those of the repository.
    pub fn of(files: &Files<'_>) -> Self {
        let unread = files.unread(FOLDER);
        let unread = unread.map(|(path, text)| (path.to_owned(), text.map(std::borrow::Cow::into_owned)));
        Self(unread.collect())
    }

    /// The file that may hold the BuildConfig of a name: it is called so, says so, or says nothing at all.
    pub fn may_hold(&self, name: &str) -> Option<&str> {
        self.find(|text| says(text, name), name)
    }

    /// The same of an image's BuildConfig, whatever that is called.
    fn may_build(&self, plan: &Plan<'_>) -> Option<&str> {
        let image = plan.image;
        let dockerfile = base_name(&image.dockerfile.value);
        let is_source =
            |text: &str| says(text, &image.repository.value) && (dockerfile == "Dockerfile" || says(text, dockerfile));
        let tag = plan.here.tag.value.as_str();
        self.find(|text| says(text, tag) || is_source(text), tag)
    }

    fn find(&self, says: impl Fn(&str) -> bool, name: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .find(|(path, text)| text.as_deref().is_none_or(&says) || title(path) == name);
        found.map(|(path, _)| path.as_str())
    }
}

/// A file's name without the number in front of it.
fn title(path: &str) -> &str {
    let name = base_name(path);
    let name = name.rsplit_once('.').map_or(name, |(name, _)| name);
    let name = name.strip_prefix("failing-").unwrap_or(name);
    match name.split_once('-') {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => name,
    }
}

/// The name of an image's new file.
pub(super) fn file_name(batch: u32, tag: &str) -> String {
    format!("{}-{tag}.yaml", number(batch))
}

/// Whether nobody has the name of a new BuildConfig, and no file that cannot be read may hold it; otherwise that is told.
pub(super) fn is_free(files: &mut Files<'_>, all: &[Found], unread: &Unread, name: &str) -> bool {
    if let Some(path) = unread.may_hold(name) {
        waits(files, name, path);
        return false;
    }
    !is_named(files, all, name)
}

fn waits(files: &mut Files<'_>, name: &str, path: &str) {
    let text = format!("{name} gets no BuildConfig: {path}, which cannot be read, may hold it");
    let finding = Finding::new(Severity::Error, "unreadable-buildconfig", text).with_help("put the file right");
    files.tell(finding, path, None);
}

fn is_named(files: &mut Files<'_>, all: &[Found], name: &str) -> bool {
    let Some(other) = all.iter().find(|found| found.name == name) else {
        return false;
    };
    let text = format!(
        "{name} has no BuildConfig, and its name is that of one that builds {}",
        other.output
    );
    let finding =
        Finding::new(Severity::Error, "duplicate-output", text).with_help("let one of them have another name");
    files.tell(finding, &other.path, None);
    true
}

/// Tells of images without a BuildConfig that cannot have a new one because of what is there by name, or may be.
pub(super) fn names(files: &mut Files<'_>, plans: &[Plan<'_>], all: &[Found], unread: &Unread, matched: &mut Matched) {
    for plan in plans.iter().filter(|plan| lacks(plan, matched)).collect::<Vec<_>>() {
        let (key, tag) = (plan.key.to_owned(), plan.here.tag.value.as_str());
        if let Some(path) = unread.may_build(plan) {
            waits(files, tag, path);
            matched.waiting.insert(key);
        } else if is_named(files, all, tag) {
            matched.unplaced.insert(key);
        }
    }
}

/// The same of those in whose file's place there is something else.
pub(super) fn places(files: &mut Files<'_>, plans: &[Plan<'_>], batches: &Batches, matched: &mut Matched) {
    for plan in plans.iter().filter(|plan| lacks(plan, matched)).collect::<Vec<_>>() {
        let Some(batch) = batches.of.get(plan.key) else {
            continue;
        };
        if !files.is_free(&format!("{FOLDER}{}", file_name(*batch, &plan.here.tag.value))) {
            matched.unplaced.insert(plan.key.to_owned());
        }
    }
}

/// Whether an image needs a new BuildConfig.
pub(super) fn lacks(plan: &Plan<'_>, matched: &Matched) -> bool {
    let aside = [&matched.left, &matched.waiting, &matched.unplaced];
    !matched.of_image.contains_key(plan.key) && !aside.iter().any(|keys| keys.contains(plan.key))
}
