//! Puts a cut together: what is there, what each release derives, and the train from one to the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Run, RunError, ci};
use crate::audit::{Finding, Severity};
use crate::config::Target;
use crate::cut::{self, Facts, Train, Unit, World, train};
use crate::derive::Release;
use crate::plan::{self, Desired, Plan};
use crate::source::Snapshot;
use crate::target::prow_jobs;

/// A cut: the train, and all that its steps are made of.
#[derive(Debug, Default)]
pub struct Cut {
    /// The changes.
    pub units: Vec<Unit>,
    /// The steps.
    pub train: Train,
    /// What was found on the way.
    pub findings: Vec<Finding>,
}

impl Cut {
    /// The plan of one step.
    pub fn plan(&self, step: &train::Step, run: &Run) -> Plan {
        let units = step.units.iter().filter_map(|at| self.units.get(*at));
        Plan::build(plan::Input {
            desired: units.flat_map(|unit| unit.files.iter().cloned()).collect(),
            findings: Vec::new(),
            policy: run.policy.clone(),
            max_removals: run.config.limits.removals,
            whole: false,
        })
    }
}

impl Run {
    /// Plans the cut of derived releases, oldest first.
    ///
    /// # Errors
    /// The files as they are cannot be read.
    pub fn cut(&self, releases: &[Release<'_>], ci: Option<&Arc<dyn Snapshot>>) -> Result<Cut, RunError> {
        let parts = ci::parts(self, releases, ci, &Target::ALL)?;
        let mut cut = Cut::default();
        let mut world = World::default();
        for release in releases {
            let payload = &release.payload;
            world
                .streams
                .insert((payload.namespace.value.clone(), payload.name.value.clone()));
        }
        for part in &parts {
            for (path, text) in &part.configs {
                if let (false, Ok(facts)) = (world.configs.contains_key(path), cut::facts::read(text)) {
                    world.configs.insert(path.clone(), facts);
                }
            }
        }
        let mut claimed = BTreeSet::new();
        for (release, part) in releases.iter().zip(parts) {
            cut.findings.extend(release.findings.iter().cloned());
            cut.findings.extend(part.rendered.findings);
            let units = units(release, part.rendered.files);
            claimed.extend(units.iter().map(|unit| unit.path.clone()));
            cut.units.extend(
                units
                    .into_iter()
                    .filter(|unit| unit.files.iter().any(|file| file.before != file.after)),
            );
        }
        cut.findings.extend(left_behind(releases, &world, &claimed));
        cut.findings.sort();
        cut.findings.dedup();
        cut.train = train::plan(&world, &cut.units);
        Ok(cut)
    }
}

/// Puts files that change together together: a config and its jobs.
fn units(release: &Release<'_>, files: Vec<Desired>) -> Vec<Unit> {
    let configs = files.iter().filter(|file| prow_jobs::config_of(&file.path).is_some());
    let job_paths: BTreeMap<String, String> = configs
        .filter_map(|config| prow_jobs::Source::of(config, true))
        .flat_map(|source| {
            source
                .paths()
                .map(|path| (path, source.config.clone()))
                .collect::<Vec<_>>()
        })
        .collect();
    let mut units: BTreeMap<String, Unit> = BTreeMap::new();
    for file in files {
        let path = job_paths.get(&file.path).unwrap_or(&file.path).clone();
        let is_config = path == file.path && prow_jobs::config_of(&path).is_some();
        let unit = units.entry(path.clone()).or_insert_with(|| Unit {
            path,
            release: release.metadata.release,
            component: file.component.clone(),
            before: None,
            after: None,
            jobs: train::Jobs::None,
            files: Vec::new(),
        });
        if is_config {
            let facts = |text: &Option<plan::Bytes>| -> Option<Facts> { cut::facts::read(text.as_deref()?).ok() };
            (unit.before, unit.after) = (facts(&file.before), facts(&file.after));
        } else if file.target == prow_jobs::NAME {
            unit.jobs = train::Jobs::Rendered;
        }
        unit.files.push(file);
    }
    units.into_values().collect()
}

/// Configs that promote to a release which is built from another branch, and that nothing moves on.
fn left_behind(releases: &[Release<'_>], world: &World, claimed: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, facts) in world.configs.iter().filter(|(path, _)| !claimed.contains(*path)) {
        let Some((repo, branch)) = prow_jobs::config_of(path) else {
            continue;
        };
        for release in releases {
            let (namespace, name) = (&release.payload.namespace.value, &release.payload.name.value);
            let here = facts
                .promotes
                .iter()
                .any(|tag| tag.namespace == *namespace && tag.name == *name);
            let elsewhere = release
                .configs
                .get(&repo)
                .filter(|config| !config.images.is_empty() && config.branch != branch);
            if let (true, Some(config)) = (here, elsewhere) {
                let number = release.metadata.release;
                let text = format!(
                    "{path} promotes to {number}, which is built from branch {} of {repo}; no release of this cut takes the config over",
                    config.branch
                );
                let help =
                    "remove the config and its jobs by hand, or include the release that is built from its branch";
                let finding = Finding::new(Severity::Warning, "left-behind", text)
                    .with_component(repo.to_string())
                    .with_release(number.to_string())
                    .with_help(help);
                findings.push(finding);
            }
        }
    }
    findings
}
