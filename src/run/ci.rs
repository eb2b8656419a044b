//! Renders the targets of openshift/release: configs, their jobs and the release controller, which change together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::{Run, RunError, actual, jobs, unreadable};
use crate::audit::{Finding, Severity};
use crate::config::{CiConfig, Target};
use crate::derive::Release;
use crate::plan::Desired;
use crate::source::{RepoName, Snapshot};
use crate::target::{Actual, Rendered, prow_config, prow_jobs, release_controller};

/// Renders those of the configured targets that stand in the CI config repository.
pub(super) fn render(
    run: &Run,
    releases: &[Release<'_>],
    ci: Option<&Arc<dyn Snapshot>>,
) -> Result<Rendered, RunError> {
    let mut rendered = Rendered::default();
    let known = run.config.sources.ci_config.as_ref();
    let known = known.and_then(|config| Some((config.name()?, config)));
    let (Some(ci), Some((name, config))) = (ci, known) else {
        rendered
            .findings
            .extend(run.config.targets.iter().map(|target| without_source(*target)));
        return Ok(rendered);
    };
    let snapshot = match &run.forge() {
        Some(forge) => forge.actual(&name, &config.branch, Arc::clone(ci))?,
        None => Arc::clone(ci),
    };
    let part = |release: &Release<'_>| {
        Part {
            run,
            name: &name,
            config,
            snapshot: &*snapshot,
            release,
        }
        .render()
    };
    let parts: Vec<Rendered> = releases.par_iter().map(part).collect();
    for part in parts {
        rendered.files.extend(part.files);
        rendered.findings.extend(part.findings);
    }
    Ok(rendered)
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
}

impl Part<'_> {
    fn render(&self) -> Rendered {
        let wants = |target: Target| self.run.config.targets.contains(&target);
        let mut rendered = Rendered::default();
        if wants(Target::ProwConfig) || wants(Target::ProwJobs) {
            let actual::Read {
                files,
                unreadable,
                findings,
            } = actual::files(self.run, self.release, self.snapshot);
            let mut there = self.actual(files);
            there.unreadable = unreadable;
            let mut configs = prow_config::render(self.release, &there, &self.run.policy);
            if wants(Target::ProwJobs) {
                self.jobs(wants(Target::ProwConfig), &there, &mut configs.files, &mut rendered);
            }
            if wants(Target::ProwConfig) {
                rendered.files.append(&mut configs.files);
                rendered.findings.extend(findings);
            }
            rendered.findings.append(&mut configs.findings);
        }
        if wants(Target::ReleaseController) {
            self.release_controller(&mut rendered);
        }
        rendered
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
