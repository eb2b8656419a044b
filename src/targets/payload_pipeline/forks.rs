//! Forked Dockerfiles: left alone, and whether upstream's would do without the fork.

use super::found::Found;
use super::names::Plan;
use crate::base::RepoName;
use crate::facts::dockerfile::Dockerfile;
use crate::finding::{Finding, Severity};
use crate::targets::documents::Files;
use crate::targets::{Beside, Question, Told};

/// The folder of forks in the repository, and where it is in the image that holds them.
const FOLDER: &str = "forks/";
const IN_IMAGE: &str = "/code/";
/// How many digits of a commit are shown.
const SHORT: usize = 10;

/// Where a fork is in the pipeline's repository.
fn path_of(fork: &str) -> Option<String> {
    fork.strip_prefix(IN_IMAGE).map(|rest| format!("{FOLDER}{rest}"))
}

/// What is asked of upstream's repository about a Dockerfile of which there is a fork.
pub(super) fn beside(repo: RepoName, branch: &str, dockerfile: &str, fork: &str) -> Option<Beside> {
    Some(Beside {
        repo,
        branch: branch.to_owned(),
        path: dockerfile.to_owned(),
        what: Question::ChangedAfter(path_of(fork)?),
    })
}

/// Whether upstream's Dockerfile has changed since the fork did.
fn since(files: &Files<'_>, plan: &Plan<'_>, fork: &str) -> String {
    let (image, repo) = (plan.image, plan.image.repository.value.parse());
    let asked = repo
        .ok()
        .and_then(|repo| beside(repo, &image.branch.value, &image.dockerfile.value, fork));
    match asked.and_then(|asked| files.actual.beside.get(&asked)) {
        Some(Told::Later(commit)) => {
            let short = commit.get(..SHORT).unwrap_or(commit);
            format!("upstream's was changed after it, in {short}")
        }
        Some(Told::NotLater) => "upstream's has not changed since".to_owned(),
        Some(Told::Unknown(why)) => format!("whether upstream's has changed since is not known: {why}"),
        Some(Told::Text(_) | Told::Absent) | None => "whether upstream's has changed since is not known".to_owned(),
    }
}

/// Tells of a BuildConfig whose Dockerfile is a fork.
pub(super) fn tell(files: &mut Files<'_>, plan: &Plan<'_>, there: &Found, fork: &str) {
    let tag = &plan.here.tag.value;
    let bytes = path_of(fork).and_then(|path| files.actual.files.get(&path));
    let own = bytes.and_then(|bytes| Dockerfile::parse(bytes).ok());
    let verdict = verdict(plan, own.as_ref());
    let upstream = &plan.image.dockerfile.value;
    let since = since(files, plan, fork);
    let text = format!("{tag} is built from the fork {fork} in the place of {upstream}; {verdict}; {since}");
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
