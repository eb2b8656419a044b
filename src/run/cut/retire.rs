//! The end of a release: what verifies and mirrors its payload goes, in one request, when somebody asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::base::Release as Number;
use crate::cut::retire::{Ending, referrers};
use crate::derive::Release;
use crate::facts::ci_config;
use crate::plan::{self, Desired, Plan};
use crate::run::ground::Ground;
use crate::run::{Run, RunError, audit, render};
use crate::source::Snapshot;
use crate::targets::payload_jobs::gates::Gates;
use crate::targets::{self, Actual, Reads, image_mirroring, payload_jobs, release_controller};

/// What goes with a release that has ended.
#[derive(Debug, Default)]
pub struct Retirement {
    /// Why it has ended, as a rule has it; empty: no rule says so, and nothing goes.
    pub because: String,
    /// The request.
    pub plan: Plan,
    /// The paths that go or change.
    pub paths: Vec<String>,
    /// Who still refers to what goes, a sentence each.
    pub referrers: Vec<String>,
}

/// What goes with a release that has ended, and who still refers to it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Retirement")]
pub struct RetirementView<'r> {
    /// The release.
    release: String,
    /// Why it has ended, as a rule has it.
    because: &'r str,
    /// The files that go or change, sorted.
    files: &'r [String],
    /// Who still refers to what goes, a sentence each.
    referrers: &'r [String],
}

impl Retirement {
    /// What is told of it.
    pub fn view(&self, release: Number) -> RetirementView<'_> {
        RetirementView {
            release: release.to_string(),
            because: &self.because,
            files: &self.paths,
            referrers: &self.referrers,
        }
    }
}

impl Run {
    /// Plans the end of a release.
    ///
    /// # Errors
    /// The files as they are cannot be read, or there is no source of them.
    pub fn retire(&self, release: &Release<'_>, ci: Option<&Arc<dyn Snapshot>>) -> Result<Retirement, RunError> {
        let mut retired = Retirement {
            because: targets::ended(release),
            ..Retirement::default()
        };
        let Some(ground) = render::ci_config(self, ci)? else {
            return Err(RunError::Config("`cut --retire` needs `sources.ci-config`".to_owned()));
        };
        if retired.because.is_empty() {
            return Ok(retired);
        }
        let known = audit::verification::read(self, release, &ground, BTreeSet::new());
        let mut files = Vec::new();
        if let (Ok(Some(gates)), Some(known)) = (Gates::of(release), &known) {
            let actual = self.actual_of(release, &ground, &payload_jobs::TARGET);
            files.extend(payload_jobs::retired(release, &gates, &actual, &self.policy));
            let ending = Ending::of(release, &gates, known);
            retired.referrers = referrers(release.metadata.release, &gates, &ending, known);
        }
        files.extend(self.controllers_of(release, &ground));
        files.extend(self.mirroring_of(release, &ground, &mut retired.referrers));
        for file in &mut files {
            file.group = plan::RETIRE.to_owned();
            file.follows = None;
        }
        files.retain(|file| file.before != file.after);
        retired.paths = files.iter().map(|file| file.path.clone()).collect();
        retired.paths.sort();
        retired.paths.dedup();
        for file in &mut files {
            file.notes
                .extend(retired.referrers.iter().map(|who| format!("still refers to it: {who}")));
        }
        retired.plan = Plan::build(plan::Input {
            max_removals: files.len(),
            desired: files,
            policy: self.policy.clone(),
            service: self.config.service.clone(),
            audit: self.config.audit.clone(),
            ..plan::Input::default()
        });
        Ok(retired)
    }

    /// The files that a target looks at.
    fn actual_of(&self, release: &Release<'_>, ground: &Ground, target: &'static targets::Target) -> Actual {
        let ask = targets::Ask {
            release,
            options: &targets::Options::defaults(target.options),
            policy: &self.policy,
            earlier: &BTreeMap::new(),
            memo: crate::targets::door::Memo::default(),
        };
        let reads = (target.reads)(&ask, &ground.name).unwrap_or_default();
        ground.read(self, &reads)
    }

    fn controllers_of(&self, release: &Release<'_>, ground: &Ground) -> Vec<Desired> {
        let Ok(Some(spot)) = release_controller::place(release) else {
            return Vec::new();
        };
        let actual = self.actual_of(release, ground, &release_controller::TARGET);
        let own = actual
            .files
            .keys()
            .filter(|path| spot.release_of(path) == Some(release.metadata.release));
        own.map(|path| targets::removed(&actual, &release_controller::TARGET, release, path))
            .collect()
    }

    /// The entry that mirrors the release's stream, and the file that is made from it; neither as long as something is promoted
    /// there.
    fn mirroring_of(&self, release: &Release<'_>, ground: &Ground, referrers: &mut Vec<String>) -> Vec<Desired> {
        let Ok(Some(spot)) = image_mirroring::place(release) else {
            return Vec::new();
        };
        let (namespace, name) = (&release.payload.namespace.value, &release.payload.name.value);
        let configs = render::promoting_configs(self, release, ground);
        let promotes = |text: &[u8]| {
            let promotions = ci_config::promotions(text).unwrap_or_default();
            promotions.iter().any(|one| one.is_active(namespace, name))
        };
        let promoting: Vec<&String> = configs
            .iter()
            .filter(|(_, text)| promotes(text))
            .map(|(path, _)| path)
            .collect();
        if let Some(first) = promoting.first() {
            let promote = match promoting.len() - 1 {
                0 => "promotes".to_owned(),
                more => format!("and {more} more promote"),
            };
            referrers.push(format!(
                "{first} {promote} to {namespace}/{name}, which stays mirrored as long as that is so"
            ));
            return Vec::new();
        }
        let reads = Reads {
            files: spot.files(name),
            ..Reads::default()
        };
        image_mirroring::retired(release, &spot, &ground.read(self, &reads), name)
    }
}
