//! Whether everything that is read can be reached, and where would be written.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::{Check, Ci, Written};
use crate::base::{Release, RepoName};
use crate::config::{CiConfig, Via};
use crate::derive::Components;
use crate::derive::complete::{complete, wanted};
use crate::derive::outline::Outline;
use crate::derive::payload::Demand;
use crate::model::metadata::Metadata;
use crate::plan::Policy;
use crate::run::branches::Depth;
use crate::run::results::{Found, Tried};
use crate::run::{Run, RunError};
use crate::source::SourceError;
use crate::targets::{self, Ask, Destination, Target};

/// As many repositories that cannot be reached are named.
const NAMED: usize = 10;

/// What was looked at, and what would be written to.
#[derive(Default)]
pub(super) struct Looked {
    pub checks: Vec<Check>,
    pub written: BTreeSet<Written>,
    /// The repositories of targets' own, each with the branches of which one has to be there, and what is to be written.
    destinations: BTreeMap<(RepoName, Vec<String>), For>,
    /// The releases that were found.
    pub releases: Vec<Release>,
    /// Where components are, on GitHub where they are there.
    pub components: BTreeSet<RepoName>,
    /// Build data and CI configs.
    pub shared: BTreeSet<RepoName>,
    /// A branch of a component that can be read.
    pub component: Option<(RepoName, String)>,
}

const SOURCES: &str = "check the address and the network, `no_proxy` and `https_proxy`; a private one needs a token";

/// What to do about a source that cannot be read.
fn way_out(error: &SourceError) -> &'static str {
    let is_url = |place: &str| place.contains("://");
    match error {
        SourceError::NoBranch { .. } | SourceError::NoDefault { .. } | SourceError::Empty { .. } => {
            "name a branch that is there, or make this one"
        }
        SourceError::NotFound { place } | SourceError::NoFile { place, .. } if !is_url(place) => {
            "name the folder or repository that is there, in `sources`; a relative path starts at the configuration's folder"
        }
        SourceError::Corrupt { .. } => "clone it anew, or name another one in `sources`",
        SourceError::Denied { place, .. } if !is_url(place) => "let the user that lockstep runs as read it",
        SourceError::NoState { .. } | SourceError::State { .. } => "put `state` right",
        _ => SOURCES,
    }
}

/// What to do where a run cannot begin.
fn help_of(error: &RunError) -> &'static str {
    match error {
        RunError::Source { error, .. } => way_out(error),
        RunError::Config(_) => "put the configuration right; `lockstep config check` shows what it says",
        _ => SOURCES,
    }
}

/// The CI configs.
pub(super) fn ci(run: &Run, read: &Result<Option<Ci>, RunError>) -> Option<Check> {
    run.config().sources.ci_config.as_ref()?;
    Some(match read {
        Ok(Some(snapshot)) => Check::ok("CI configs", at(&snapshot.origin().clone())),
        Ok(None) => return None,
        Err(error) => Check::fail("CI configs", error.to_string(), help_of(error)),
    })
}

fn at(origin: &crate::base::Origin) -> String {
    match &origin.commit {
        Some(commit) => format!(
            "{} at {}, branch {}",
            origin.name,
            commit.get(..10).unwrap_or(commit),
            origin.branch
        ),
        None => format!("{}, a folder", origin.name),
    }
}

/// Releases, build data, rules, components and destinations.
pub(super) fn look(run: &Run, ci: Option<&Ci>) -> Looked {
    let mut looked = Looked::default();
    if let Err(error) = run.rules() {
        let text = match &error {
            RunError::Rules(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            error => error.to_string(),
        };
        looked.checks.push(Check::fail(
            "rules",
            text,
            "`lockstep rules check` shows each with its place",
        ));
        return looked;
    }
    let releases = match run.releases(&[], ci.map(|ci| &**ci)) {
        Ok(releases) if releases.is_empty() => {
            let help = "list `releases`, or check `sources.build-data`";
            let text = "no release is both in build data and promoted to by an OCP config";
            looked.checks.push(Check::fail("releases", text, help));
            return looked;
        }
        Ok(releases) => releases,
        Err(error) => {
            let help = help_of(&error);
            looked.checks.push(Check::fail("releases", error.to_string(), help));
            return looked;
        }
    };
    let names: Vec<String> = releases.iter().map(Release::to_string).collect();
    looked.checks.push(Check::ok("releases", names.join(", ")));
    looked.releases.clone_from(&releases);
    let mut wanted = BTreeMap::new();
    let ci_config = run.config().sources.ci_config.as_ref();
    looked.shared.extend(ci_config.and_then(CiConfig::name));
    for release in releases {
        looked
            .shared
            .extend(run.config().sources.build_data.repo(release).name());
        let metadata = match run.metadata(release) {
            Ok(metadata) => metadata,
            Err(error) => {
                let what = format!("build data {release}");
                looked
                    .checks
                    .push(Check::fail(what, error.to_string(), help_of(&error)));
                continue;
            }
        };
        let found = format!("{}, {} images", at(&metadata.origin), metadata.images.len());
        looked.checks.push(Check::ok(format!("build data {release}"), found));
        match run.outline(&metadata, ci.map(|ci| &**ci), &Demand::default(), Depth::Branch) {
            Ok(outline) => of_release(run, &metadata, outline, ci, &mut wanted, &mut looked),
            Err(error) => looked.checks.push(Check::fail(
                format!("release {release}"),
                error.to_string(),
                "`lockstep audit` says more of it",
            )),
        }
    }
    looked.checks.extend(components(run, &wanted));
    looked.checks.extend(destinations(run, &wanted, &looked.destinations));
    for ((repo, branch), release) in wanted {
        let location = run.config().sources.components.repo(release, &repo);
        let name = location.and_then(|location| location.name()).unwrap_or(repo);
        looked.component.get_or_insert_with(|| (name.clone(), branch));
        looked.components.insert(name);
    }
    looked
}

/// The sources of results, each tried with little.
pub(super) fn results(run: &Run, looked: &Looked) -> Vec<Check> {
    let tried = run.try_results(&looked.releases, looked.component.as_ref());
    let check = |Tried { source, found }: Tried| match found {
        Found::Good(found) => Check::ok(source, found),
        Found::Unclear(found) => Check::note(
            source,
            found,
            "compare `sources.results.prow.artifacts` with the address that a job's page shows its artifacts at, up to `/logs`",
        ),
        Found::Bad(why) => Check::fail(
            source,
            why,
            "put it right, or take it out of `sources.results`: the others are read without it",
        ),
    };
    tried.into_iter().map(check).collect()
}

/// A target that writes, and a release of which it does.
type For = (&'static Target, Release);

/// Branches of components, each with the release that it is read for.
type RepoBranches = BTreeMap<(RepoName, String), Release>;

fn of_release(
    run: &Run,
    metadata: &Metadata,
    outline: Outline<'_>,
    ci: Option<&Ci>,
    components: &mut RepoBranches,
    looked: &mut Looked,
) {
    for (repo, (branch, _)) in wanted(&outline) {
        components.entry((repo, branch)).or_insert(metadata.release);
    }
    // Where targets write follows from metadata and rules alone, but for those that write into each component.
    let release = complete(outline, &Components::new());
    let policy = Policy::default();
    for chosen in &run.config().targets {
        let ask = Ask {
            release: &release,
            options: &chosen.options,
            policy: &policy,
            earlier: &BTreeMap::new(),
            memo: crate::targets::door::Memo::default(),
        };
        let destinations = match (chosen.target.destinations)(&ask) {
            Ok(destinations) => destinations,
            Err(findings) => {
                let texts: Vec<String> = findings.into_iter().map(|finding| finding.message).collect();
                let what = format!("target {}", chosen.target.name);
                let help = "`lockstep rules check` and `lockstep audit` show the places";
                looked.checks.push(Check::fail(what, texts.join("; "), help));
                continue;
            }
        };
        for destination in destinations {
            if let Destination::Repository { name, branches } = &destination {
                let key = (name.clone(), branches.clone());
                let first = (chosen.target, metadata.release);
                looked.destinations.entry(key).or_insert(first);
            }
            let Some((repo, base)) = place(run, metadata.release, &destination, ci) else {
                continue;
            };
            let head = format!("lockstep/{}/{}", chosen.target.group, metadata.release);
            looked.written.insert(Written { repo, base, head });
        }
    }
}

/// Asks for the repositories that targets write to beside those that everything is read from.
fn destinations(run: &Run, components: &RepoBranches, wanted: &BTreeMap<(RepoName, Vec<String>), For>) -> Vec<Check> {
    let known: BTreeSet<&RepoName> = components.keys().map(|(repo, _)| repo).collect();
    let others = wanted.iter().filter(|((repo, _), _)| !known.contains(repo));
    others
        .map(|((repo, branches), of)| destination(run, repo, branches, *of))
        .collect()
}

/// Asks a repository for the first of some branches that is there.
fn destination(run: &Run, repo: &RepoName, branches: &[String], (target, release): For) -> Check {
    let what = repo.to_string();
    let Some(location) = run.config().sources.components.repo(release, repo) else {
        return Check::fail(what, "`sources.components.repo` has no place for it", SOURCES);
    };
    for branch in branches {
        match run.sources().component_head(repo, &location, branch) {
            Err(SourceError::NoBranch { .. }) => {}
            Err(error) => {
                let text = format!("target {} writes there: {error}", target.name);
                return Check::fail(what, text, way_out(&error));
            }
            Ok(_) => return Check::ok(what, format!("target {} writes there, to {branch}", target.name)),
        }
    }
    let text = format!(
        "target {} writes there, and it has no branch {}",
        target.name,
        branches.join(" and no branch ")
    );
    let help = "make the branch, or leave the target or the release out";
    // The pipeline's branches are made by people, release by release.
    match *target == targets::payload_pipeline::TARGET {
        true => Check::note(what, text, help),
        false => Check::fail(what, text, help),
    }
}

/// The repository and branch of a destination.
fn place(run: &Run, release: Release, destination: &Destination, ci: Option<&Ci>) -> Option<(RepoName, String)> {
    let sources = &run.config().sources;
    match destination {
        Destination::CiConfig => {
            let config: &CiConfig = sources.ci_config.as_ref()?;
            Some((config.name()?, config.base(ci?.origin())))
        }
        Destination::BuildData => {
            let location = sources.build_data.repo(release);
            Some((location.name()?, sources.build_data.branch(release)))
        }
        Destination::Repository { name, branches } => {
            let location = sources.components.repo(release, name)?;
            let is_there = |branch: &&String| run.sources().component_head(name, &location, branch).is_ok();
            let branch = branches.iter().find(is_there).or(branches.first())?;
            Some((name.clone(), branch.clone()))
        }
        // There files only go, and only where there are any.
        Destination::Former { .. } => None,
    }
}

/// Asks each component's branch where it is.
fn components(run: &Run, wanted: &RepoBranches) -> Vec<Check> {
    if run.config().sources.components.via == Via::None {
        let text = "they are not read (`sources.components.via: none`)";
        return vec![Check::note(
            "components",
            text,
            "nothing, where metadata is all that is to be looked at",
        )];
    }
    if wanted.is_empty() {
        return vec![Check::skipped("components", "no build data names any")];
    }
    if let Some(reader) = run.sources().github() {
        let all: Vec<_> = wanted.keys().cloned().collect();
        reader.heads(&all);
    }
    let ask = |((repo, branch), release): (&(RepoName, String), &Release)| {
        let location = run.config().sources.components.repo(*release, repo);
        let found = match location {
            None => Err(("`sources.components.repo` has no place for it".to_owned(), SOURCES)),
            Some(location) => {
                let head = run.sources().component_head(repo, &location, branch);
                head.map(drop).map_err(|error| (error.to_string(), way_out(&error)))
            }
        };
        (repo.clone(), found.err())
    };
    let mut failing: BTreeMap<RepoName, (String, &str)> = BTreeMap::new();
    let mut all = BTreeSet::new();
    for (repo, found) in wanted.par_iter().map(ask).collect::<Vec<_>>() {
        if let Some(why) = found {
            failing.entry(repo.clone()).or_insert(why);
        }
        all.insert(repo);
    }
    let mut checks = Vec::new();
    let reached = all.len() - failing.len();
    let text = format!("{reached} of {} repositories are reached", all.len());
    checks.push(match failing.is_empty() {
        true => Check::ok("components", text),
        false => Check::fail(
            "components",
            text,
            "the images of the others stay as they are until they can be read",
        ),
    });
    let more = failing.len().saturating_sub(NAMED);
    let named = failing.into_iter().take(NAMED);
    checks.extend(named.map(|(repo, (why, help))| Check::fail(repo.to_string(), why, help)));
    if more > 0 {
        checks.push(Check::fail(
            "components",
            format!("and {more} more"),
            "put these right first",
        ));
    }
    checks
}
