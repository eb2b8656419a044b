//! Renders the targets of openshift/release: configs, their jobs and the release controller, which change together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::{Run, RunError, actual, jobs, unreadable};
use crate::base::RepoName;
use crate::config::{CiConfig, Target};
use crate::cut::{detect, guard};
use crate::derive::Release;
use crate::finding::{Finding, Severity};
use crate::plan::{Cause, Desired, Verdict};
use crate::source::Snapshot;
use crate::targets::{Actual, Rendered, prow_config, prow_jobs, release_controller};

/// Renders those of the configured targets that stand in the CI config repository. What would promote a tag that another
/// config still promotes waits.
pub(super) fn render(
    run: &Run,
    releases: &[Release<'_>],
    ci: Option<&Arc<dyn Snapshot>>,
) -> Result<Rendered, RunError> {
    let mut rendered = Rendered::default();
    if ci.is_none() || run.config.sources.ci_config.as_ref().and_then(CiConfig::name).is_none() {
        rendered
            .findings
            .extend(run.config.targets.iter().map(|target| without_source(*target)));
        return Ok(rendered);
    }
    let parts = parts(run, releases, ci, &run.config.targets)?;
    rendered.findings.extend(detected(releases, &parts));
    for (part, release) in parts.into_iter().zip(releases) {
        let mut files = part.rendered.files;
        let waiting = wait(release, &mut files, &part.configs);
        rendered.files.append(&mut files);
        rendered.findings.extend(part.rendered.findings);
        rendered.findings.extend(waiting);
    }
    Ok(rendered)
}

/// What one release's targets want, and the configs of the variant as they are.
#[derive(Default)]
pub(super) struct ReleaseFiles {
    /// Files and findings.
    pub rendered: Rendered,
    /// Configs of the variant, of all releases, by path.
    pub configs: BTreeMap<String, Arc<[u8]>>,
}

/// The CI config repository that changes are made in: its name, its source, and its files with what the local forge has
/// merged.
type Known<'r> = (RepoName, &'r CiConfig, Arc<dyn Snapshot>);

/// Opens it; `None` without such a source, or where its location names no repository.
pub(super) fn as_they_are<'r>(run: &'r Run, ci: Option<&Arc<dyn Snapshot>>) -> Result<Option<Known<'r>>, RunError> {
    let known = run.config.sources.ci_config.as_ref();
    let known = known.and_then(|config| Some((config.name()?, config)));
    let (Some(ci), Some((name, config))) = (ci, known) else {
        return Ok(None);
    };
    let snapshot = match &run.forge() {
        Some(forge) => forge.actual(&name, &config.branch, Arc::clone(ci))?,
        None => Arc::clone(ci),
    };
    Ok(Some((name, config, snapshot)))
}

/// Renders targets for each release, in the releases' order; nothing without the CI config repository.
pub(super) fn parts(
    run: &Run,
    releases: &[Release<'_>],
    ci: Option<&Arc<dyn Snapshot>>,
    targets: &[Target],
) -> Result<Vec<ReleaseFiles>, RunError> {
    let Some((name, config, snapshot)) = as_they_are(run, ci)? else {
        return Ok(releases.iter().map(|_| ReleaseFiles::default()).collect());
    };
    let one = |release: &Release<'_>| {
        let (run, name, snapshot) = (run, &name, &*snapshot);
        Part {
            run,
            name,
            config,
            snapshot,
            release,
            targets,
        }
        .render()
    };
    Ok(releases.par_iter().map(one).collect())
}

/// Changes one config as its source says, with its jobs: for a step of a cut that is no release's own wish. Nothing where its
/// jobs cannot follow or the policy does not want it.
pub(super) fn alone(
    run: &Run,
    release: &Release<'_>,
    ci: Option<&Arc<dyn Snapshot>>,
    source: &prow_jobs::Source,
    before: &Arc<[u8]>,
    cause: Cause,
) -> Result<Vec<Desired>, RunError> {
    let Some((name, config, snapshot)) = as_they_are(run, ci)? else {
        return Ok(Vec::new());
    };
    let (name, snapshot, targets) = (&name, &*snapshot, &Target::ALL[..]);
    let part = Part {
        run,
        name,
        config,
        snapshot,
        release,
        targets,
    };
    let (files, _) = jobs::files(std::slice::from_ref(source), snapshot);
    let jobs = prow_jobs::render(release, std::slice::from_ref(source), &part.actual(files), &run.policy);
    let mut files = jobs.rendered.files;
    let number = release.metadata.release.to_string();
    let follow = jobs.stuck.is_empty() && files.iter().all(|file| !file.held);
    if follow && run.policy.verdict(&cause, &number) == Verdict::Apply {
        files.push(Desired {
            repo: name.clone(),
            branch: config.branch.clone(),
            path: source.config.clone(),
            release: number,
            target: prow_config::NAME.to_owned(),
            group: prow_config::GROUP.to_owned(),
            component: Some(source.repo.to_string()),
            images: source.images.clone(),
            before: Some(Arc::clone(before)),
            after: source.text.clone(),
            causes: vec![cause],
            refused: Vec::new(),
            notes: Vec::new(),
            held: false,
        });
    }
    Ok(files)
}

/// The configs that promote to the release's stream from where the release is not built.
fn others(release: &Release<'_>, files: &[Desired], configs: &BTreeMap<String, Arc<[u8]>>) -> Vec<guard::Other> {
    let own = files.iter().filter(|file| !file.held).map(|file| file.path.as_str());
    let own: BTreeSet<&str> = own.collect();
    let payload = &release.payload;
    let stream = (payload.namespace.value.as_str(), payload.name.value.as_str());
    guard::others(configs.iter().map(|(path, text)| (path, &**text)), &own, stream)
}

/// What tells of a branch cut.
fn detected(releases: &[Release<'_>], parts: &[ReleaseFiles]) -> Vec<Finding> {
    let mut configs = BTreeMap::new();
    for (release, part) in releases.iter().zip(parts) {
        let others = others(release, &part.rendered.files, &part.configs);
        configs.extend(others.into_iter().map(|other| (other.path, other.facts)));
    }
    detect::moved(releases, &configs)
}

/// Holds configs, with their jobs, whose tags another config promotes.
fn wait(release: &Release<'_>, files: &mut [Desired], configs: &BTreeMap<String, Arc<[u8]>>) -> Vec<Finding> {
    let others = others(release, files, configs);
    if others.is_empty() {
        return Vec::new();
    }
    let sources = files.iter().filter_map(|file| prow_jobs::Source::of(file, true));
    let jobs = sources
        .map(|source| (source.config.clone(), source.paths().collect()))
        .collect();
    guard::hold(files, &others, &jobs)
}

fn without_source(target: Target) -> Finding {
    let name = target.name();
    let text = format!("target {name} needs `sources.ci-config` with a path or URL that ends in <org>/<repo>");
    let help = "add the source, or leave the target out";
    Finding::new(Severity::Warning, "target-without-source", text).with_help(help)
}

/// One release's part.
struct Part<'p> {
    run: &'p Run,
    name: &'p RepoName,
    config: &'p CiConfig,
    snapshot: &'p dyn Snapshot,
    release: &'p Release<'p>,
    targets: &'p [Target],
}

impl Part<'_> {
    fn render(&self) -> ReleaseFiles {
        let wants = |target: Target| self.targets.contains(&target);
        let (mut rendered, mut there) = (Rendered::default(), BTreeMap::new());
        if wants(Target::ProwConfig) || wants(Target::ProwJobs) {
            let actual::Read {
                files,
                unreadable,
                findings,
            } = actual::files(self.run, self.release, self.snapshot);
            let mut actual = self.actual(files);
            actual.unreadable = unreadable;
            let mut configs = prow_config::render(self.release, &actual, &self.run.policy);
            if wants(Target::ProwJobs) {
                self.jobs(wants(Target::ProwConfig), &actual, &mut configs.files, &mut rendered);
            }
            if wants(Target::ProwConfig) {
                rendered.files.append(&mut configs.files);
                rendered.findings.extend(findings);
            }
            rendered.findings.append(&mut configs.findings);
            there = actual.files;
        }
        if wants(Target::ReleaseController) {
            self.release_controller(&mut rendered);
        }
        let configs = there;
        ReleaseFiles { rendered, configs }
    }

    fn release_controller(&self, rendered: &mut Rendered) {
        let spot = match release_controller::place(self.release) {
            Ok(Some(spot)) => spot,
            Ok(None) => return,
            Err(findings) => return rendered.findings.extend(findings),
        };
        let folder = spot.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let own = self.release.metadata.release;
        let mut files = BTreeMap::new();
        for entry in self.snapshot.list(folder).ok().flatten().unwrap_or_default() {
            let path = format!("{folder}/{}", entry.name);
            if release_controller::release_of(&path, &spot.path, own).is_none() {
                continue;
            }
            match self.snapshot.read(&path) {
                Ok(blob) => files.extend(blob.map(|blob| (path, blob.bytes))),
                Err(error) => {
                    let code = "unreadable-release-controller";
                    rendered
                        .findings
                        .push(unreadable(self.snapshot, code, &path, None, error.to_string()));
                    return;
                }
            }
        }
        let part = release_controller::render(self.release, &spot, &self.actual(files), &self.run.policy);
        rendered.files.extend(part.files);
        rendered.findings.extend(part.findings);
    }

    /// Jobs follow the configs as they will be, or as they are where configs are no target.
    fn jobs(&self, follow: bool, there: &Actual, configs: &mut [Desired], rendered: &mut Rendered) {
        let mut sources: Vec<_> = configs
            .iter()
            .filter_map(|config| prow_jobs::Source::of(config, follow))
            .collect();
        sources.extend(jobs::orphans(self.release, &sources, there, self.snapshot));
        let (files, findings) = jobs::files(&sources, self.snapshot);
        let jobs = prow_jobs::render(self.release, &sources, &self.actual(files), &self.run.policy);
        hold(configs, &jobs.stuck);
        rendered.files.extend(jobs.rendered.files);
        rendered.findings.extend(jobs.rendered.findings);
        rendered.findings.extend(findings);
    }

    fn actual(&self, files: BTreeMap<String, Arc<[u8]>>) -> Actual {
        Actual {
            repo: self.name.clone(),
            branch: self.config.branch.clone(),
            origin: self.snapshot.origin().clone(),
            files,
            unreadable: BTreeSet::new(),
        }
    }
}

/// Configs whose jobs cannot be written stay as they are.
fn hold(configs: &mut [Desired], stuck: &BTreeSet<String>) {
    for config in configs.iter_mut().filter(|config| stuck.contains(&config.path)) {
        config.after.clone_from(&config.before);
        config.causes.clear();
        config.held = true;
    }
}
