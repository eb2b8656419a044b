//! Changes of single configs that are no release's own wish: one that goes, one that stops for a while.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Cut, LeftBehind};
use crate::cut::{Role, Unit, World, pause, train};
use crate::derive::Release;
use crate::facts::{ci_config, ci_tags};
use crate::plan::{self, Cause, Desired};
use crate::run::{Run, RunError, render};
use crate::source::Snapshot;
use crate::targets::Rendered;

/// Makes changes of single configs that are no release's own wish.
pub(super) struct Single<'s> {
    pub run: &'s Run,
    pub releases: &'s [Release<'s>],
    pub ci: Option<&'s Arc<dyn Snapshot>>,
    pub texts: &'s BTreeMap<String, plan::Bytes>,
}

impl Single<'_> {
    /// The removal of a config that nothing takes over, with its jobs; `None` where a person has to judge.
    pub fn retired(&self, left: &LeftBehind<'_>) -> Result<Option<Unit>, RunError> {
        let text = self.texts.get(left.path);
        let Some(text) = text.filter(|text| left.obsolete && !left.has_additions(text)) else {
            return Ok(None);
        };
        let because = format!(
            "{} is built from branch {} now, and the release after it builds nothing there",
            left.release.metadata.release, left.config.branch
        );
        let cause = Cause {
            rule: plan::REMOVED_FILE.to_owned(),
            rule_at: String::new(),
            field: plan::WHOLE_FILE.to_owned(),
            item: None,
            component: left.repo.to_string(),
            images: Vec::new(),
            old: Some(format!("promotes from {}", left.branch)),
            new: None,
            because,
        };
        self.changed(left.path, left.release, text, None, cause)
    }

    /// Puts the changes of all pauses into their steps. Where one cannot be made, the train ends before it.
    pub fn pauses(&self, cut: &mut Cut, world: &World) -> Result<(), RunError> {
        for at in 0..cut.train.steps.len() {
            let pauses = std::mem::take(&mut cut.train.steps[at].pauses);
            for unit in pauses
                .iter()
                .filter_map(|at| cut.units.get(*at).cloned())
                .collect::<Vec<_>>()
            {
                let Some(pause) = self.paused(&unit, world)? else {
                    end_before(cut, at, &unit.path);
                    return Ok(());
                };
                cut.train.steps[at].units.push(cut.units.len());
                cut.units.push(pause);
            }
        }
        Ok(())
    }

    /// Adds to each step what is made from all configs together, where the step changes what some of them promote.
    pub fn with_promotions(&self, cut: &mut Cut) -> Result<(), RunError> {
        let mut written: Vec<Desired> = Vec::new();
        for at in 0..cut.train.steps.len() {
            let step = &cut.train.steps[at];
            let releases = &mut self.releases.iter();
            let release = releases.find(|release| release.metadata.release == step.release);
            let units = || step.units.iter().filter_map(|at| cut.units.get(*at));
            let changed: Vec<Desired> = units().filter_map(promotion_changed).cloned().collect();
            let files: Vec<Desired> = units().flat_map(|unit| unit.files.iter().cloned()).collect();
            let beside = match release.filter(|_| !changed.is_empty()) {
                Some(release) => render::with_promotions(self.run, release, self.ci, &written, &changed)?,
                None => Rendered::default(),
            };
            written.extend(files);
            cut.findings.extend(beside.findings);
            let (number, wanted) = (step.release, |file: &Desired| file.before != file.after);
            for file in beside.files.into_iter().filter(wanted) {
                written.push(file.clone());
                cut.train.steps[at].units.push(cut.units.len());
                cut.units.push(standing_beside(number, file));
            }
        }
        cut.findings.sort();
        cut.findings.dedup();
        Ok(())
    }

    fn paused(&self, unit: &Unit, world: &World) -> Result<Option<Unit>, RunError> {
        let release = self
            .releases
            .iter()
            .find(|release| release.metadata.release == unit.release);
        let before = self.texts.get(&unit.path);
        let (Some(release), Some(before)) = (release, before) else {
            return Ok(None);
        };
        let Some(after) = pause::text(before, &world.streams) else {
            return Ok(None);
        };
        let cause = Cause {
            rule: pause::RULE.to_owned(),
            rule_at: String::new(),
            field: "promotion".to_owned(),
            item: None,
            component: unit.component.clone().unwrap_or_default(),
            images: Vec::new(),
            old: None,
            new: Some("disabled for a while".to_owned()),
            because: format!(
                "This config and another one take each other's tags; it promotes to {} once these are free.",
                unit.release
            ),
        };
        self.changed(&unit.path, release, before, Some(after), cause)
    }

    /// A config with another text, or none, and its jobs; `None` where they cannot follow.
    fn changed(
        &self,
        path: &str,
        release: &Release<'_>,
        before: &plan::Bytes,
        after: Option<plan::Bytes>,
        cause: Cause,
    ) -> Result<Option<Unit>, RunError> {
        let Some((repo, _)) = ci_config::config_of(path) else {
            return Ok(None);
        };
        let facts = |text: &plan::Bytes| ci_tags::read(text).ok();
        let mut unit = Unit {
            path: path.to_owned(),
            release: release.metadata.release,
            component: Some(repo.to_string()),
            before: facts(before),
            after: after.as_ref().and_then(facts),
            role: Role::Config { has_jobs: true },
            files: Vec::new(),
        };
        let single = render::Single {
            path,
            before: Some(before),
            after,
            cause,
        };
        unit.files = render::alone(self.run, release, self.ci, single)?;
        let changes = unit
            .files
            .iter()
            .any(|file| file.path == path && file.before != file.after);
        Ok(changes.then_some(unit))
    }
}

/// The config of a unit, if something else is promoted once it has changed.
fn promotion_changed(unit: &Unit) -> Option<&Desired> {
    let tags = |facts: &Option<ci_tags::Facts>| facts.as_ref().map(|facts| facts.promotes.clone()).unwrap_or_default();
    let differs = tags(&unit.before) != tags(&unit.after);
    unit.files.iter().find(|file| differs && file.path == unit.path)
}

/// A file that goes with the configs of a step.
fn standing_beside(release: crate::base::Release, file: Desired) -> Unit {
    Unit {
        path: file.path.clone(),
        release,
        component: None,
        before: None,
        after: None,
        role: Role::Config { has_jobs: true },
        files: vec![file],
    }
}

/// Ends the train before a step that cannot be made.
fn end_before(cut: &mut Cut, step: usize, path: &str) {
    let left = cut.train.steps.split_off(step);
    let paths = left
        .iter()
        .flat_map(|step| &step.units)
        .filter_map(|at| cut.units.get(*at));
    let why = format!("{path} would have to stop promoting for a while, and its jobs cannot follow");
    let stuck = paths.map(|unit| train::Stuck {
        path: unit.path.clone(),
        why: why.clone(),
    });
    cut.train.stuck.extend(stuck);
}
