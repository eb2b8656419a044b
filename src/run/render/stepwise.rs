//! What is rendered for a cut, or for one config that is changed by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::ground::Grounds;
use super::super::{Run, RunError};
use super::{Part, ReleaseFiles, ci_config, take};
use crate::derive::Release;
use crate::plan::{Bytes, Cause, Desired, Verdict};
use crate::source::Snapshot;
use crate::targets::{self, Actual, Ask, Chosen, Cut, Earlier, Rendered, TARGETS, Target};

/// Everything that is rendered for a cut as a whole: what changes together with the configs that promote, configured or not,
/// and what else is configured. What goes with promotions is rendered step by step.
pub(in crate::run) fn of_cut(run: &Run) -> Vec<Chosen> {
    taking_part(run, |cut| !matches!(cut, Cut::None | Cut::WithPromotions))
}

/// The targets that do one of these things in a cut.
fn taking_part(run: &Run, wanted: impl Fn(Cut) -> bool) -> Vec<Chosen> {
    let group = targets::promoting().map(|target| target.group);
    let known = |target: &'static Target| {
        let configured = run.config.targets.iter().find(|chosen| chosen.target == target);
        let together = || Chosen::plain(target).filter(|_| Some(target.group) == group);
        configured.cloned().or_else(together)
    };
    TARGETS
        .iter()
        .filter(|target| wanted(target.cut))
        .filter_map(|target| known(target))
        .collect()
}

/// A config that is changed by itself: for a step of a cut, or to put something right that is no release's own wish.
pub(in crate::run) struct Single<'s> {
    /// Its path.
    pub path: &'s str,
    /// What it says now; `None`: it is new.
    pub before: Option<&'s Bytes>,
    /// What it is to say; `None`: it goes.
    pub after: Option<Bytes>,
    /// Why.
    pub cause: Cause,
}

/// Changes one config, with the files that follow it. Nothing where these cannot, or the policy does not want it.
pub(in crate::run) fn alone(
    run: &Run,
    release: &Release<'_>,
    ci: Option<&Arc<dyn Snapshot>>,
    single: Single<'_>,
) -> Result<Vec<Desired>, RunError> {
    let (Some(target), Some(ground)) = (targets::promoting(), ci_config(run, ci)?) else {
        return Ok(Vec::new());
    };
    let Single {
        path,
        before,
        after,
        cause,
    } = single;
    let mut actual = ground.read(run, &targets::Reads::default());
    actual
        .files
        .extend(before.map(|before| (path.to_owned(), Arc::clone(before))));
    let component = crate::facts::ci_config::config_of(path).map(|(repo, _)| repo.to_string());
    let file = Desired {
        component,
        after,
        ..actual.file(target, release, path)
    };
    let mut part = Part {
        run,
        grounds: &Grounds::new(run, ci),
        release,
        targets: &of_cut(run),
    }
    .following(target, &file, actual)?;
    let follow = part.stuck.is_empty() && part.files.iter().all(|file| !file.held);
    if follow && run.policy.verdict(&cause, &file.release) == Verdict::Apply {
        part.files.push(Desired {
            causes: vec![cause],
            ..file
        });
    }
    Ok(part.files)
}

/// What is made from all configs together, once a step changes some of them. `written` is what the steps before it have
/// changed.
pub(in crate::run) fn with_promotions(
    run: &Run,
    release: &Release<'_>,
    ci: Option<&Arc<dyn Snapshot>>,
    written: &[Desired],
    changed: &[Desired],
) -> Result<Rendered, RunError> {
    let mut all = Rendered::default();
    let (Some(promoting), Some(ground)) = (targets::promoting(), ci_config(run, ci)?) else {
        return Ok(all);
    };
    let step = Earlier {
        files: changed.to_vec(),
        actual: Vec::new(),
        is_written: true,
        is_whole: false,
    };
    let earlier = BTreeMap::from([(promoting.name, step)]);
    for chosen in taking_part(run, |cut| cut == Cut::WithPromotions) {
        let ask = Ask {
            release,
            options: &chosen.options,
            policy: &run.policy,
            earlier: &earlier,
            memo: crate::targets::door::Memo::default(),
        };
        let Some(reads) = take(&mut all, (chosen.target.reads)(&ask, &ground.name)) else {
            continue;
        };
        let mut actual = ground.read(run, &reads);
        for file in written {
            match &file.after {
                Some(text) => drop(actual.files.insert(file.path.clone(), Arc::clone(text))),
                None => drop(actual.files.remove(&file.path)),
            }
        }
        let rendered = (chosen.target.render)(&ask, &actual);
        all.files.extend(rendered.files);
        all.findings.extend(rendered.findings);
    }
    Ok(all)
}

impl Part<'_> {
    /// What follows one file that is changed by itself.
    fn following(&self, target: &'static Target, file: &Desired, actual: Actual) -> Result<Rendered, RunError> {
        let earlier = Earlier {
            files: vec![file.clone()],
            actual: vec![actual],
            is_written: true,
            is_whole: false,
        };
        let earlier = BTreeMap::from([(target.name, earlier)]);
        let mut rendered = Rendered::default();
        for chosen in self.targets.iter().filter(|chosen| chosen.target.cut == Cut::Follows) {
            let (part, _) = self.one(chosen, &earlier, &mut ReleaseFiles::default())?;
            rendered.files.extend(part.files);
            rendered.stuck.extend(part.stuck);
        }
        Ok(rendered)
    }
}
