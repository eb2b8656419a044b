//! Target `konflux`: the runs of Pipelines as Code that build each image in Konflux, in the component's own repository on the
//! branch that the release is built from, and, by option, the resources that a cluster needs for them.
//!
//! A run is known by the label of its component. A few of its fields are managed; bots that bump digests and people who add
//! paths, tasks or network isolation are never undone. Files of other components are not touched, whatever they say.

mod branch;
mod causes;
mod cel;
mod fresh;
mod left;
mod merge;
mod names;
mod pipeline;
mod plans;
mod repository;
mod resources;
mod runs;
mod takes;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::causes::Causes;
use self::fresh::Shared;
use self::plans::World;
use self::repository::Repository;
use self::resources::Resources;
use super::documents::Files;
use super::{Actual, Ask, Cut, Destination, Options, Reads, Rendered, Step, Target, Tree, When};
use crate::base::RepoName;
use crate::finding::{Finding, Severity};
use crate::plan::{Cause, Desired};
use crate::yaml::keys::{COMPONENT, Key, Section, ValueForm, default, optional, required, section};

/// The target.
pub static TARGET: Target = Target {
    name: "konflux",
    group: "konflux",
    about: "runs of Pipelines as Code in each component's repository, and Konflux's resources: OKD in Konflux",
    place: "each component's repository on the branch that the release is built from, or one central repository; resources in \
            a repository of their own",
    owns: "of a run with our component's label: name, namespace, labels, the branch and event in its expression, the pushed \
           image, Dockerfile, context, platforms, its own build arguments, what FROMs are replaced by, the floating tag and \
           the service account; of a resource the fields that follow from the release",
    seeds: "a new run's paths, annotations, pipeline, timeout and workspaces; the request that a new Component starts with; the \
            shared pipeline whole",
    leaves: "runs of other components, parameters that are not named here, inline pipelines and other references, expressions that \
             people wrote in another way, resources of other kinds",
    options: &OPTIONS,
    after: &[],
    destinations,
    reads,
    render,
    cut: Cut::Steps(&[&RESOURCES, &RUNS], step),
    wait,
    folders: &[TEKTON],
};

static RESOURCES: Step = Step {
    at: 60,
    when: When::AfterAll,
    name: "konflux-resources",
    title: "Konflux's resources",
    because: "a run fails where its component is not there yet",
};

static RUNS: Step = Step {
    at: 70,
    when: When::AfterAll,
    name: "konflux-runs",
    title: "the runs in components' repositories",
    because: "the branch of development lets go of the older release's components before that release's own branch builds them",
};

/// The group of files on branches that a release was built from before: they are in requests of their own.
const FORMER: &str = "konflux-former";
/// The folder that Pipelines as Code reads.
const TEKTON: &str = ".tekton";
/// Where a central repository has the runs of all.
const CENTRAL: &str = "pipelineruns";
/// How deep Pipelines as Code is followed into the folder.
const DEPTH: usize = 9;

const WHERE: Key = default(
    "where",
    ValueForm::Word(&["repositories", "central"]),
    "repositories",
    "Whether the runs stand in each component's repository, or all in one (`central`) from which somebody copies them on.",
);
const CENTRAL_REPO: Key = optional(
    "central",
    COMPONENT,
    "The repository that has the runs of all, `org/repo`, where they stand in one; without it that of `gitops`.",
);
const REPO: Key = required(
    "repo",
    COMPONENT,
    "The repository, `org/repo`; it is found as components are.",
);
static GITOPS_KEYS: Section = section("The repository that Konflux's resources are applied from.", &[REPO]);
const GITOPS: Key = optional(
    "gitops",
    ValueForm::Map(&GITOPS_KEYS),
    "Where Konflux's resources and the shared pipeline are written, `{repo: org/repo}`; without it they are not.",
);
const NUDGES: Key = default(
    "nudges",
    ValueForm::Word(&["none", "direct"]),
    "none",
    "Whether a new image asks each component that is built from it to be built again (`direct`): a request in each one's repository.",
);

static OPTIONS: Section = section(
    "How Konflux's files are written.",
    &[WHERE, CENTRAL_REPO, GITOPS, NUDGES],
);

fn gitops(options: &Options) -> Option<RepoName> {
    let given = options.all().get(GITOPS.name)?;
    given[REPO.name].as_str()?.parse().ok()
}

/// The central repository, where runs stand in one.
fn central(options: &Options) -> Option<RepoName> {
    let is_central = options.text(&WHERE) == "central";
    let own = options.text(&CENTRAL_REPO).parse().ok();
    own.or_else(|| gitops(options)).filter(|_| is_central)
}

fn destinations(ask: &Ask<'_>) -> Result<Vec<Destination>, Vec<Finding>> {
    let world = plans::world(ask, TARGET.name)?;
    let konflux = &world.konflux;
    let one = |name: RepoName, branch: &str| Destination::Repository {
        name,
        branches: vec![branch.to_owned()],
    };
    let mut all = BTreeSet::new();
    if let Some(name) = gitops(ask.options) {
        all.insert(one(name, &konflux.resources_branch.value));
    }
    if ask.options.text(&WHERE) == "central" {
        let Some(name) = central(ask.options) else {
            let text = "runs are to stand in one repository, and none is named";
            let finding = Finding::new(Severity::Error, "konflux-no-repository", text)
                .with_help("give the target the option `central` or `gitops`");
            return Err(vec![finding]);
        };
        all.insert(one(name, &konflux.central_branch.value));
        return Ok(all.into_iter().collect());
    }
    let mut own: BTreeSet<(RepoName, String)> = BTreeSet::new();
    for plan in &world.plans {
        own.extend(plan.repository.parse().ok().map(|name| (name, plan.branch.clone())));
    }
    // Where nothing is built any more something may have to go.
    let known: BTreeSet<RepoName> = own.iter().map(|(name, _)| name.clone()).collect();
    let others = ask.repositories().filter(|(_, branch)| !branch.is_empty());
    let others = others.filter(|(repo, _)| !known.contains(repo));
    own.extend(others.map(|(repo, branch)| (repo.clone(), branch.to_owned())));
    for (name, branch) in dropped(world, &own) {
        let branches = branch::former(world, &branch).into_iter().chain([branch]);
        all.extend(branches.map(|branch| Destination::Former {
            name: name.clone(),
            branch,
        }));
    }
    for (name, branch) in &own {
        all.insert(one(name.clone(), branch));
        for former in branch::former(world, branch) {
            if !own.contains(&(name.clone(), former.clone())) {
                all.insert(Destination::Former {
                    name: name.clone(),
                    branch: former,
                });
            }
        }
    }
    Ok(all.into_iter().collect())
}

/// The repositories of which no image is left, each with the branch that its runs would be on: no config says that it is built.
fn dropped(world: &World, own: &BTreeSet<(RepoName, String)>) -> BTreeSet<(RepoName, String)> {
    let known: BTreeSet<&RepoName> = own.iter().map(|(name, _)| name).collect();
    let images = world.konflux.images.values().filter(|there| there.is_dropped);
    let places = images.filter_map(|there| Some((there.repository.clone()?, there.branch.clone())));
    places
        .filter(|(name, branch)| !known.contains(name) && !branch.is_empty())
        .collect()
}

fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

fn reads(ask: &Ask<'_>, name: &RepoName) -> Result<Reads, Vec<Finding>> {
    let world = plans::world(ask, TARGET.name)?;
    let mut reads = Reads::default();
    let is_gitops = gitops(ask.options).as_ref() == Some(name);
    let is_central = central(ask.options).as_ref() == Some(name);
    if is_gitops {
        let folder = world.konflux.resources_folder.value.trim_matches('/');
        reads.files.push(world.konflux.pipeline.value.path.clone());
        reads.trees.push(Tree::of(folder, 3).only(is_yaml));
    }
    if is_central {
        reads.trees.push(Tree::of(CENTRAL, DEPTH).only(is_yaml));
    }
    if !is_gitops && !is_central {
        reads.trees.push(keyed(Tree::of(TEKTON, DEPTH).only(is_yaml), "runs"));
        // What is no folder of its own is found beside it.
        reads
            .trees
            .push(keyed(Tree::of("", 1).only(|path| path == TEKTON), "folder"));
        reads.beside = Some(left::asked);
    }
    Ok(reads)
}

fn keyed(mut tree: Tree, key: &str) -> Tree {
    tree.key = Some(format!("konflux {key}"));
    tree
}

fn render(ask: &Ask<'_>, actual: &Actual) -> Rendered {
    let world = match plans::world(ask, TARGET.name) {
        Ok(world) => world,
        Err(findings) => {
            return Rendered {
                findings,
                ..Rendered::default()
            };
        }
    };
    let causes = Causes { rules: ask.rules() };
    let gitops = gitops(ask.options);
    let named = gitops.as_ref().map(ToString::to_string);
    let shared = || named.as_deref().map_or(Shared::Unknown, Shared::Repository);
    let central = central(ask.options);
    let is_gitops = gitops.as_ref() == Some(&actual.repo);
    let is_central = central.as_ref() == Some(&actual.repo);
    let code = if is_gitops {
        "unreadable-resource"
    } else {
        "tekton-unreadable"
    };
    let mut files = Files::read(ask, actual, &TARGET, code);
    if is_gitops {
        let resources = Resources {
            world,
            causes: &causes,
            repository: actual.repo.to_string(),
            shared: shared(),
            nudges: ask.options.text(&NUDGES) == "direct",
        };
        resources.render(&mut files);
    }
    if is_central {
        in_one(&mut files, world, &causes, shared);
    }
    if !is_gitops && !is_central {
        let name = actual.repo.to_string();
        if blocked(&mut files, &name) {
            return files.finish();
        }
        let repository = Repository {
            world,
            causes: &causes,
            shared: shared(),
            name: name.clone(),
            branch: Some(actual.branch.clone()),
            folder: format!("{TEKTON}/"),
        };
        repository.render(&mut files);
        let is_own = world
            .plans
            .iter()
            .any(|plan| plan.repository == name && plan.branch == actual.branch);
        if is_own || !is_former(world, actual) {
            of_images(&mut files, world, &name, &shared());
        }
    }
    let mut rendered = files.finish();
    if !is_gitops && !is_central && rendered.files.is_empty() && is_left(world, actual) {
        // That nothing is left is said, too: the request that removed the last file is noted as merged.
        rendered.files.push(actual.file(&TARGET, ask.rules(), TEKTON));
    }
    if !is_gitops && !is_central && is_former(world, actual) {
        rendered
            .files
            .iter_mut()
            .for_each(|file| file.group = FORMER.to_owned());
    }
    rendered
}

/// Whether a branch is one that none of the repository's images is built from, or would be.
fn is_former(world: &World, actual: &Actual) -> bool {
    let name = actual.repo.to_string();
    let built = world.plans.iter().filter(|plan| plan.repository == name);
    let mut branches: Vec<&String> = built.map(|plan| &plan.branch).collect();
    if branches.is_empty() {
        let images = world.konflux.images.values();
        let of_it = images.filter(|there| there.repository.as_ref() == Some(&actual.repo));
        branches.extend(of_it.map(|there| &there.branch));
    }
    !branches.is_empty() && branches.iter().all(|branch| **branch != actual.branch)
}

/// Whether it is certain that none of a repository's images is built any more, and this is the branch that they would be on.
fn is_left(world: &World, actual: &Actual) -> bool {
    let images = world.konflux.images.values();
    let mut of_it = images
        .filter(|there| there.repository.as_ref() == Some(&actual.repo))
        .peekable();
    let is_certain = world.complete && world.konflux.held.is_empty() && actual.unreadable.is_empty();
    is_certain && of_it.peek().is_some() && of_it.all(|there| there.is_dropped) && !is_former(world, actual)
}

/// What was found of the images of a repository.
fn of_images(files: &mut Files<'_>, world: &World, repository: &str, shared: &Shared<'_>) {
    files
        .findings
        .extend(world.findings.get(repository).cloned().unwrap_or_default());
    // What is about none is told once.
    let first = world.plans.iter().map(|plan| plan.repository.as_str()).min();
    if first.is_none_or(|first| first == repository) {
        files
            .findings
            .extend(world.findings.get("").cloned().unwrap_or_default());
        if matches!(shared, Shared::Unknown) {
            let name = shared.name(world);
            let text = format!("new runs name pipeline {name}, and nobody says where that is");
            let finding = Finding::new(Severity::Warning, "pipeline-unknown", text)
                .with_release(world.release.clone())
                .with_help("give the target the option `gitops`: the shared pipeline is written there");
            files.findings.push(finding);
        }
    }
}

/// Tells of a `.tekton` that is no folder: nothing can be written there.
fn blocked(files: &mut Files<'_>, repository: &str) -> bool {
    let actual = files.actual;
    let why = actual.unreadable.get(TEKTON).cloned();
    let is_file = actual.files.contains_key(TEKTON) || actual.links.contains(TEKTON);
    let Some(why) = why.or_else(|| is_file.then(|| "it is a file or a link".to_owned())) else {
        return false;
    };
    let text = format!("`{TEKTON}` is no folder that runs could stand in: {why}");
    let finding = Finding::new(Severity::Error, "tekton-unreadable", text)
        .with_component(repository.to_owned())
        .with_help("make it a folder; nothing is written until then");
    files.tell(finding, TEKTON, None);
    true
}

/// The runs of all components in one repository.
fn in_one<'s>(files: &mut Files<'_>, world: &World, causes: &Causes<'_>, shared: impl Fn() -> Shared<'s>) {
    let repositories: BTreeSet<&str> = world.plans.iter().map(|plan| plan.repository.as_str()).collect();
    // Where nothing is built any more something may have to go.
    let folder = |path: &str| {
        let (name, _) = path
            .strip_prefix(CENTRAL)?
            .strip_prefix('/')?
            .split_once(&format!("/{TEKTON}/"))?;
        Some(name.to_owned())
    };
    let mut folders: BTreeSet<String> = files.below(CENTRAL).filter_map(|(path, _)| folder(path)).collect();
    folders.extend(repositories.iter().map(|name| (*name).to_owned()));
    for name in folders {
        let repository = Repository {
            world,
            causes,
            shared: shared(),
            name: name.clone(),
            branch: None,
            folder: format!("{CENTRAL}/{name}/{TEKTON}/"),
        };
        repository.render(files);
        if repositories.contains(&*name) {
            of_images(files, world, &name, &shared());
        }
    }
    let text = format!(
        "the runs of {} repositories stand in one: nothing triggers them there",
        repositories.len()
    );
    let finding = Finding::new(Severity::Note, "tekton-central", text)
        .with_release(world.release.clone())
        .with_help("copy them on to the components' repositories");
    files.findings.push(finding);
}

/// A file of resources that several releases change, each by itself; `None`: the last one has it.
pub(super) fn joined(before: Option<&[u8]>, afters: &[&[u8]]) -> Option<Vec<u8>> {
    resources::joined(before, afters)
}

/// The step of a cut that a file goes in.
fn step(file: &Desired) -> &'static Step {
    let is_run = file.path.starts_with(&format!("{TEKTON}/")) || file.path.starts_with(&format!("{CENTRAL}/"));
    if is_run { &RUNS } else { &RESOURCES }
}

/// Holds what has to wait: runs on a release's own branch for those on the branch that it was built from before, so that no
/// component is built from two; and the removal of resources for that of the runs that need them.
fn wait(files: &mut [Desired]) -> Vec<Finding> {
    let mut left: BTreeSet<(String, String)> = BTreeSet::new();
    let mut kept: BTreeSet<(String, String)> = BTreeSet::new();
    let mut running: BTreeSet<String> = BTreeSet::new();
    for file in files
        .iter()
        .filter(|file| file.target == TARGET.name && file.before.is_some())
    {
        if file.group == FORMER && !file.images.is_empty() {
            left.insert((file.repo.to_string(), file.path.clone()));
            let stays = file.images.iter().filter(|_| file.after.is_some());
            kept.extend(stays.map(|tag| (file.repo.to_string(), tag.clone())));
        }
        if *step(file) == RUNS {
            running.extend(file.images.iter().cloned());
        }
    }
    let mut waiting: BTreeSet<(String, String, String)> = BTreeSet::new();
    for file in files
        .iter_mut()
        .filter(|file| file.target == TARGET.name && file.before != file.after)
    {
        let is_run = *step(file) == RUNS;
        let repo = file.repo.to_string();
        // A new run beside one that stays would build the image a second time, without what people made of that one.
        let again = file.before.is_none()
            && file
                .images
                .iter()
                .any(|tag| kept.contains(&(repo.clone(), tag.clone())));
        if is_run
            && file.group != FORMER
            && file.after.is_some()
            && (again || left.contains(&(repo, file.path.clone())))
        {
            file.hold();
            waiting.insert((file.repo.to_string(), file.branch.clone(), file.release.clone()));
        }
        let version = |cause: &Cause| cause.field == causes::VERSIONS && cause.new.is_none();
        let goes = file.after.is_none() || file.causes.iter().any(version);
        if !is_run && goes && file.images.iter().any(|tag| running.contains(tag)) {
            file.hold();
        }
    }
    stay_listed(files);
    let told = waiting.into_iter().map(|(repo, branch, release)| {
        let text = format!(
            "the runs of {repo} on {branch} wait until those on the branch that it was built from before are gone"
        );
        Finding::new(Severity::Note, "konflux-waits", text)
            .with_component(repo)
            .with_release(release)
            .with_help("merge the request that removes these; of those that stay it is told why")
    });
    told.collect()
}

/// Leaves what is held of the resources in the lists of files.
fn stay_listed(files: &mut [Desired]) {
    let of_ours = |file: &&Desired| file.target == TARGET.name && *step(file) == RESOURCES && file.before.is_some();
    let held: Vec<(RepoName, String)> = files
        .iter()
        .filter(of_ours)
        .filter(|file| file.held)
        .map(|file| (file.repo.clone(), file.path.clone()))
        .collect();
    for list in files.iter_mut().filter(|file| of_ours(&&**file)) {
        let Some(folder) = list.path.strip_suffix("kustomization.yaml").map(str::to_owned) else {
            continue;
        };
        let of_repo = held.iter().filter(|(repo, _)| *repo == list.repo);
        let stay = of_repo.filter_map(|(_, path)| path.strip_prefix(&*folder)).collect();
        resources::stay_listed(list, &stay);
    }
}
