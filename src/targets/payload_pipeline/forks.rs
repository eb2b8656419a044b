//! Forked Dockerfiles: left alone, and whether upstream's would do without the fork.

use super::files::Files;
use super::found::Found;
use super::names::Plan;
use crate::facts::dockerfile::Dockerfile;
use crate::finding::{Finding, Severity};

/// The folder of forks in the repository, and where it is in the image that holds them.
const FOLDER: &str = "forks/";
const IN_IMAGE: &str = "/code/";

/// Tells of a BuildConfig whose Dockerfile is a fork.
pub(super) fn tell(files: &mut Files<'_>, plan: &Plan<'_>, there: &Found, fork: &str) {
    let tag = &plan.here.tag.value;
    let path = fork.strip_prefix(IN_IMAGE).map(|rest| format!("{FOLDER}{rest}"));
    let bytes = path.as_ref().and_then(|path| files.actual.files.get(path));
    let own = bytes.and_then(|bytes| Dockerfile::parse(bytes).ok());
    let verdict = verdict(plan, own.as_ref());
    let upstream = &plan.image.dockerfile.value;
    let text = format!("{tag} is built from the fork {fork} in the place of {upstream}; {verdict}");
    let finding = Finding::new(Severity::Note, "forked-dockerfile", text)
        .with_image(tag.clone())
        .with_component(plan.image.repository.value.clone())
        .with_help(
            "take the item with `paths` and the fork out where upstream's Dockerfile will do; the rest then follows",
        );
    let line = super::wanted::line_of(there, files);
    files.tell(finding, &there.path, line);
}

/// Whether upstream's Dockerfile does without the fork.
fn verdict(plan: &Plan<'_>, fork: Option<&Dockerfile>) -> String {
    let upstream = &plan.image.stages.stages;
    let foreign: Vec<&str> = plan
        .image
        .builders
        .iter()
        .chain(&plan.image.base)
        .filter(|input| !input.replaced)
        .map(|input| input.written.as_str())
        .collect();
    if !foreign.is_empty() {
        return format!("upstream's has FROMs that are not replaced: {}", foreign.join(", "));
    }
    match fork {
        None => "what the fork says is not known".to_owned(),
        Some(fork) if fork.stages.len() == upstream.len() => {
            "upstream's has as many stages, and all its FROMs are replaced: it may do without the fork".to_owned()
        }
        Some(fork) => format!(
            "upstream's has {} stages, the fork {}",
            upstream.len(),
            fork.stages.len()
        ),
    }
}
