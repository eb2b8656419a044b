//! What verifies the payload of each release: which jobs, from where, and what is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::branches::Depth;
use super::{Run, RunError, audit, render};
use crate::base::Release as Number;
use crate::derive::complete::complete;
use crate::derive::payload::Demand;
use crate::derive::{Components, Release};
use crate::facts::json::Fault;
use crate::facts::release_controller as controller;
use crate::model::metadata::Metadata;
use crate::source::Snapshot;
use crate::targets::payload_jobs::gates::{Gate, Gates};
use crate::targets::payload_jobs::verification::Verification;
use crate::targets::{self, release_controller};

/// What verifies the payload of one release.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Payload")]
pub struct Verified {
    /// The release.
    pub release: String,
    /// The image stream that it is promoted to.
    pub stream: String,
    /// Why it has ended; empty: it has not.
    pub ended: String,
    /// Its gating jobs, and what else its payload waits for, by name.
    pub jobs: BTreeMap<String, Job>,
    /// The releases that are upgraded to it, as rules have it, with the gating config of each; null where there is none.
    pub upgrades_from: BTreeMap<String, Option<String>>,
    /// Those of these releases that nobody looks after: nothing is missing of them.
    pub not_looked_after: BTreeSet<String>,
    /// What is missing, a sentence each.
    pub missing: Vec<String>,
}

/// A job that verifies a payload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "PayloadJob")]
pub struct Job {
    /// The gating config that it is made from; null: it is made by hand, or elsewhere.
    pub config: Option<String>,
    /// The entries of the release controller's files that wait for it, `<file>: <entry>`.
    pub waited_for_by: Vec<String>,
    /// Whether one of these is not optional: where the job fails, no payload is accepted.
    pub blocking: bool,
}

impl Run {
    /// What verifies the payloads of derived releases. `None`: the CI configs' repository has no gating configs, so that nothing
    /// can be said.
    ///
    /// # Errors
    /// The files as they are cannot be read.
    pub fn verified(
        &self,
        releases: &[Release<'_>],
        ci: Option<&Arc<dyn Snapshot>>,
    ) -> Result<Option<Vec<Verified>>, RunError> {
        let (Some(newest), Some(ground)) = (releases.last(), render::ci_config(self, ci)?) else {
            return Ok(None);
        };
        let numbers = releases.iter().map(|release| release.metadata.release);
        let looked_after = audit::verification::looked_after(self, numbers);
        let Some(known) = audit::verification::read(self, newest, &ground, looked_after) else {
            return Ok(None);
        };
        Ok(Some(
            releases.iter().filter_map(|release| of(release, &known)).collect(),
        ))
    }
}

impl Run {
    /// What verifies the payloads of releases, as build data and CI configs alone say it: no component is read for it.
    ///
    /// # Errors
    /// As [`Self::verified`] has them; or build data of a release cannot be read.
    pub fn verified_by_configs(
        &self,
        releases: &[Number],
        ci: Option<&Arc<dyn Snapshot>>,
    ) -> Result<Option<Vec<Verified>>, RunError> {
        let metadata = releases.iter().map(|release| self.metadata(*release));
        let metadata: Vec<Metadata> = metadata.collect::<Result<_, _>>()?;
        let drawn = metadata.iter().map(|metadata| {
            let outline = self.outline(metadata, ci.map(|ci| &**ci), &Demand::default(), Depth::Branch)?;
            Ok(complete(outline, &Components::new()))
        });
        let drawn = drawn.collect::<Result<Vec<_>, RunError>>()?;
        self.verified(&drawn, ci)
    }
}

fn of(release: &Release<'_>, known: &Verification) -> Option<Verified> {
    let gates = Gates::of(release).ok()??;
    let number = release.metadata.release;
    let payload = &release.payload;
    let mut verified = Verified {
        release: number.to_string(),
        stream: format!("{}/{}", payload.namespace.value, payload.name.value),
        ended: targets::ended(release),
        ..Verified::default()
    };
    let configs = known
        .configs
        .keys()
        .filter_map(|path| Some((gates.taken_apart(path)?.1, path)));
    let configs: Vec<(Gate, &String)> = configs.filter(|(gate, _)| gate.release == number).collect();
    for (_, path) in &configs {
        for name in known.of_configs.get(*path).into_iter().flatten() {
            let job = verified.jobs.entry(name.clone()).or_default();
            job.config = Some((*path).clone());
        }
    }
    if !configs.iter().any(|(gate, _)| *gate == Gate::of(number)) {
        verified.missing.push(format!("{number} has no gating config"));
    }
    upgrades(number, &gates, &configs, known, &mut verified);
    entries(release, known, &mut verified);
    Some(verified)
}

fn upgrades(number: Number, gates: &Gates, configs: &[(Gate, &String)], known: &Verification, verified: &mut Verified) {
    for from in &gates.upgrades_from {
        let config = configs.iter().find(|(gate, _)| *gate == Gate::upgrade(number, *from));
        let config = config.map(|(_, path)| (*path).clone());
        if !known.looked_after.contains(from) {
            verified.not_looked_after.insert(from.to_string());
        } else if config.is_none() {
            let text = format!("no gating config tests upgrades from {from} to {number}");
            verified.missing.push(text);
        }
        verified.upgrades_from.insert(from.to_string(), config);
    }
}

/// What the release controller's files of the release wait for.
fn entries(release: &Release<'_>, known: &Verification, verified: &mut Verified) {
    let Ok(Some(spot)) = release_controller::place(release) else {
        return;
    };
    let own = known.controllers.iter();
    let own = own.filter(|(path, _)| spot.release_of(path) == Some(release.metadata.release));
    let mut any = false;
    for (path, text) in own {
        any = true;
        let file = path.rsplit('/').next().unwrap_or_default();
        let read = match controller::read(text) {
            Ok(read) => read,
            Err(Fault { line, why }) => {
                verified.missing.push(format!("{file}:{line} cannot be read: {why}"));
                continue;
            }
        };
        for entry in read.entries.into_iter().filter(|entry| !read.ended && !entry.disabled) {
            let Some((job, _)) = entry.job else {
                verified
                    .missing
                    .push(format!("`verify.{}` of {file} names no job", entry.key));
                continue;
            };
            if known.elsewhere.contains(&job) {
                verified.missing.push(format!(
                    "`verify.{}` of {file} waits for {job}, which was not looked at",
                    entry.key
                ));
            } else if !known.jobs.contains(&job) {
                verified.missing.push(format!(
                    "`verify.{}` of {file} waits for {job}, which no job file has",
                    entry.key
                ));
            }
            let waits = format!("{file}: {}", entry.key);
            let job = verified.jobs.entry(job).or_default();
            job.waited_for_by.push(waits);
            job.blocking |= !entry.optional;
        }
    }
    if !any {
        verified
            .missing
            .push("the release controller has no file of it".to_owned());
    }
}
