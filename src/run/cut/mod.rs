//! Puts a cut together: what is there, what each release derives, and the train from one to the other.

mod payloads;
mod retire;
mod single;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::single::Single;
use super::{Run, RunError, render};
use crate::base::RepoName;
use crate::cut::{self, Role, Train, Unit, World, train};
use crate::derive::{Config, Release};
use crate::facts::ci_config;
use crate::facts::ci_tags::{self, Facts, Tag};
use crate::finding::{Finding, Severity};
use crate::plan::{self, Desired, Plan};
use crate::source::Snapshot;
use crate::targets::{self, Cut as InCut};
use crate::yaml;

pub use self::retire::{Retirement, RetirementView};

/// A cut: the train, and all that its steps are made of.
#[derive(Debug, Default)]
pub struct Cut {
    /// The changes.
    pub units: Vec<Unit>,
    /// The steps.
    pub train: Train,
    /// What was found on the way.
    pub findings: Vec<Finding>,
    /// What the releases were derived from.
    pub upstream: Vec<plan::Upstream>,
}

impl Cut {
    /// Leaves out the findings about configs that a step moves: the train says what becomes of them.
    fn leave_out_settled(&mut self) {
        let units = self.train.steps.iter().flat_map(|step| &step.units);
        let moved: BTreeSet<&str> = units
            .filter_map(|at| self.units.get(*at))
            .map(|unit| &*unit.path)
            .collect();
        let settled = |finding: &Finding| {
            let place = finding.place.as_ref();
            finding.code == "double-promotion" && place.is_some_and(|place| moved.contains(&*place.file))
        };
        self.findings.retain(|finding| !settled(finding));
    }

    /// The plan of one step, which is of a train.
    pub fn plan(&self, step: &train::Step, of: &plan::Step, run: &Run) -> Plan {
        let units = step.units.iter().filter_map(|at| self.units.get(*at));
        Plan::build(plan::Input {
            desired: units.flat_map(|unit| unit.files.iter().cloned()).collect(),
            policy: run.policy.clone(),
            max_removals: run.config.limits.removals,
            service: run.config.service.clone(),
            rules_web: run.config.rules_web.clone(),
            audit: run.config.audit.clone(),
            upstream: self.upstream.clone(),
            step: Some(of.clone()),
            ..plan::Input::default()
        })
    }
}

impl Run {
    /// Plans the cut of derived releases, oldest first.
    ///
    /// # Errors
    /// The files as they are cannot be read.
    pub fn cut(&self, releases: &[Release<'_>], ci: Option<&Arc<dyn Snapshot>>) -> Result<Cut, RunError> {
        let parts = render::parts(self, releases, ci, &render::of_cut(self))?;
        let mut cut = Cut {
            upstream: releases.iter().map(|release| self.upstream(release)).collect(),
            ..Cut::default()
        };
        let (mut world, mut texts) = (World::default(), BTreeMap::new());
        for release in releases {
            let payload = &release.payload;
            let stream = (payload.namespace.value.clone(), payload.name.value.clone());
            world.streams.insert(release.metadata.release, stream);
        }
        for part in &parts {
            for (path, text) in &part.configs {
                texts.entry(path.clone()).or_insert_with(|| Arc::clone(text));
                if let (false, Ok(facts)) = (world.configs.contains_key(path), ci_tags::read(text)) {
                    world.configs.insert(path.clone(), facts);
                }
            }
        }
        let mut claimed = BTreeSet::new();
        for (release, part) in releases.iter().zip(parts) {
            cut.findings.extend(release.findings.iter().cloned());
            cut.findings.extend(part.rendered.findings);
            let units = units(release, part.rendered.files);
            let derived = units.iter().filter(|unit| unit.files.iter().any(|file| !file.held));
            claimed.extend(derived.map(|unit| unit.path.clone()));
            cut.units.extend(
                units
                    .into_iter()
                    .filter(|unit| unit.files.iter().any(|file| file.before != file.after)),
            );
        }
        for left in left_behind(releases, &world, &claimed) {
            let single = Single {
                run: self,
                releases,
                ci,
                texts: &texts,
            };
            match single.retired(&left)? {
                Some(unit) => cut.units.push(unit),
                None => cut.findings.push(left.finding()),
            }
        }
        with_branch(releases, &mut cut.units);
        cut.findings.extend(shared(&mut cut.units));
        cut.findings.sort();
        cut.findings.dedup();
        self.mirror_first(&mut cut, releases, ci)?;
        world.payloads = self.payloads(releases, ci)?;
        cut.train = train::plan(&world, &cut.units);
        cut.train.verified = payloads::verified(releases, &cut.train.payloads);
        let single = Single {
            run: self,
            releases,
            ci,
            texts: &texts,
        };
        single.pauses(&mut cut, &world)?;
        single.with_promotions(&mut cut)?;
        cut.leave_out_settled();
        Ok(cut)
    }
}

/// Puts files that change together together: a config and its jobs.
fn units(release: &Release<'_>, files: Vec<Desired>) -> Vec<Unit> {
    let mut units: BTreeMap<(RepoName, String, String), Unit> = BTreeMap::new();
    for mut file in files {
        let path = file.follows.as_ref().unwrap_or(&file.path).clone();
        let role = targets::find(&file.target).map(|target| target.cut);
        let place = (file.repo.clone(), file.branch.clone(), path.clone());
        let unit = units.entry(place).or_insert_with(|| Unit {
            path,
            release: release.metadata.release,
            component: file.component.clone(),
            before: None,
            after: None,
            role: Role::Config { has_jobs: false },
            files: Vec::new(),
        });
        match role {
            Some(InCut::Promotes) => {
                let facts = |text: &Option<plan::Bytes>| -> Option<Facts> { ci_tags::read(text.as_deref()?).ok() };
                (unit.before, unit.after) = (facts(&file.before), facts(&file.after));
            }
            Some(InCut::Follows) => unit.role = Role::Config { has_jobs: true },
            Some(InCut::Step(step)) => unit.role = Role::Own(step),
            Some(InCut::Steps(_, of)) => {
                unit.role = Role::Own(of(&file));
                let group = targets::find(&file.target).map_or("", |target| target.group);
                file.group = format!("{}{group}", plan::CUT_BESIDE);
            }
            Some(InCut::WithPromotions | InCut::None) | None => {}
        }
        unit.files.push(file);
    }
    units.into_values().collect()
}

/// A config that promotes to a release which is built from another branch, and that no release takes over.
struct LeftBehind<'l> {
    path: &'l str,
    repo: RepoName,
    branch: String,
    /// The release that it promotes to, and its config for the repository.
    release: &'l Release<'l>,
    config: &'l Config,
    /// Whether the release after that one positively has nothing to build there.
    obsolete: bool,
}

impl LeftBehind<'_> {
    fn finding(&self) -> Finding {
        let number = self.release.metadata.release;
        let (path, branch) = (self.path, &self.config.branch);
        let text = format!(
            "{path} promotes to {number}, which is built from branch {branch} of {}; no release of this cut takes the config over",
            self.repo
        );
        let help = "remove the config and its jobs by hand, or include the release that is built from its branch";
        Finding::new(Severity::Warning, "left-behind", text)
            .with_component(self.repo.to_string())
            .with_release(number.to_string())
            .with_help(help)
    }

    /// The names of tests that somebody added.
    fn has_additions(&self, text: &[u8]) -> bool {
        let tests = yaml::parse_section(text, "tests").ok().flatten();
        let names = tests.as_ref().and_then(yaml::Node::as_seq).unwrap_or_default();
        let ours = self.config.tests.value.as_array().cloned().unwrap_or_default();
        let is_ours = |name: Option<&str>| ours.iter().any(|test| test["as"].as_str() == name);
        names
            .iter()
            .any(|test| !is_ours(test.get("as").and_then(yaml::Node::text)))
    }
}

fn left_behind<'l>(releases: &'l [Release<'l>], world: &'l World, claimed: &BTreeSet<String>) -> Vec<LeftBehind<'l>> {
    let mut found = Vec::new();
    for (path, facts) in world.configs.iter().filter(|(path, _)| !claimed.contains(*path)) {
        let Some((repo, branch)) = ci_config::config_of(path) else {
            continue;
        };
        for release in releases {
            let (namespace, name) = (&release.payload.namespace.value, &release.payload.name.value);
            let here = |tag: &Tag| tag.namespace == *namespace && tag.name == *name;
            let elsewhere = |config: &&Config| !config.images.is_empty() && config.branch != branch;
            let Some(config) = release.configs.get(&repo).filter(elsewhere) else {
                continue;
            };
            if !facts.promotes.iter().any(here) {
                continue;
            }
            let next = releases
                .iter()
                .find(|other| other.metadata.release > release.metadata.release);
            let obsolete = next.is_some_and(|next| {
                let nothing = |config: &Config| config.images.is_empty() && config.held.is_empty();
                next.complete && next.configs.get(&repo).is_none_or(nothing)
            });
            let (repo, branch) = (repo.clone(), branch.clone());
            found.push(LeftBehind {
                path,
                repo,
                branch,
                release,
                config,
                obsolete,
            });
        }
    }
    found
}

/// Two releases can be built from one branch; its one config cannot promote for both, so neither changes it.
fn shared(units: &mut Vec<Unit>) -> Vec<Finding> {
    let place = |unit: &Unit| {
        let file = unit.files.first();
        (
            file.map(|file| (file.repo.clone(), file.branch.clone())),
            unit.path.clone(),
        )
    };
    let mut wanted: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    let configs = units.iter().filter(|unit| matches!(unit.role, Role::Config { .. }));
    for unit in configs {
        wanted.entry(place(unit)).or_default().insert(unit.release.to_string());
    }
    wanted.retain(|_, releases| releases.len() > 1);
    units.retain(|unit| !wanted.contains_key(&place(unit)));
    wanted
        .into_iter()
        .map(|((_, path), releases)| cut::guard::shared(&path, releases))
        .collect()
}

/// Has files that leave a branch go with the release of the cut that is built from it: they are in one request with those
/// that come there.
fn with_branch(releases: &[Release<'_>], units: &mut [Unit]) {
    for unit in units {
        let leaves = matches!(unit.role, Role::Own(_)) && unit.files.iter().all(|file| file.after.is_none());
        let Some(file) = unit.files.first().filter(|_| leaves) else {
            continue;
        };
        let here = |release: &&Release<'_>| {
            let config = release.configs.get(&file.repo);
            config.is_some_and(|config| config.branch == file.branch)
        };
        let built: Vec<&Release<'_>> = releases.iter().filter(here).collect();
        let Some(other) = built.first().map(|release| release.metadata.release) else {
            continue;
        };
        if built.iter().any(|release| release.metadata.release == unit.release) {
            continue;
        }
        unit.release = other;
        unit.files.iter_mut().for_each(|file| file.release = other.to_string());
    }
}
