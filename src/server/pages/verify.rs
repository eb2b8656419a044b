//! What verifies the payloads: all releases at a glance, and each with its jobs, where they come from and what is missing.

use serde::Serialize;

use super::{Moment, links};
use crate::base::Release;
use crate::run::verified::{Job, Verified};

/// The page of all releases.
#[derive(Serialize)]
pub(super) struct All<'v> {
    releases: Vec<Summary<'v>>,
    unknown: Option<&'v str>,
    /// Whether a run has looked at it.
    looked: bool,
}

#[derive(Serialize)]
struct Summary<'v> {
    release: &'v str,
    link: String,
    stream: &'v str,
    ended: &'v str,
    jobs: usize,
    /// How many of them a payload waits for, and how many of these it is not accepted without.
    waited_for: usize,
    blocking: usize,
    upgrades_from: Vec<&'v str>,
    missing: usize,
    here: bool,
}

impl<'v> All<'v> {
    pub(super) fn of(look: &Moment<'v>) -> Self {
        Self {
            releases: summaries(look, None),
            unknown: unknown(look),
            looked: look.view.verified.is_some(),
        }
    }
}

fn summaries<'v>(look: &Moment<'v>, here: Option<Release>) -> Vec<Summary<'v>> {
    let all = look.view.verified.iter().flat_map(|verified| &verified.releases);
    let summary = |(release, one): (&'v Release, &'v Verified)| Summary {
        link: links::verification(&one.release),
        release: &one.release,
        stream: &one.stream,
        ended: &one.ended,
        jobs: one.jobs.len(),
        waited_for: one.jobs.values().filter(|job| !job.waited_for_by.is_empty()).count(),
        blocking: one.jobs.values().filter(|job| job.blocking).count(),
        upgrades_from: one.upgrades_from.keys().map(String::as_str).collect(),
        missing: one.missing.len(),
        here: here == Some(*release),
    };
    all.map(summary).collect()
}

fn unknown<'v>(look: &Moment<'v>) -> Option<&'v str> {
    look.view.verified.as_ref()?.unknown.as_deref()
}

/// The page of one release.
#[derive(Serialize)]
pub(super) struct One<'v> {
    release: String,
    releases: Vec<Summary<'v>>,
    unknown: Option<&'v str>,
    looked: bool,
    /// What verifies it; none where nobody can tell.
    shown: Option<Shown<'v>>,
}

#[derive(Serialize)]
struct Shown<'v> {
    stream: &'v str,
    ended: &'v str,
    missing: &'v [String],
    /// Releases that are upgraded to it, with the gating config of each, and whether nobody looks after it.
    upgrades: Vec<(&'v str, Option<&'v str>, bool)>,
    jobs: Vec<JobView<'v>>,
}

#[derive(Serialize)]
struct JobView<'v> {
    name: &'v str,
    config: Option<&'v str>,
    waits: &'v [String],
    blocking: bool,
}

impl<'v> One<'v> {
    /// That of a release which is looked after.
    pub(super) fn of(look: &Moment<'v>, release: &str) -> Option<Self> {
        let number: Release = release.parse().ok()?;
        let found = look.view.verified.as_ref().and_then(|all| all.releases.get(&number));
        if found.is_none() && !look.view.releases.contains_key(&number) {
            return None;
        }
        Some(Self {
            release: number.to_string(),
            releases: summaries(look, Some(number)),
            unknown: unknown(look),
            looked: look.view.verified.is_some(),
            shown: found.map(shown),
        })
    }
}

fn shown(one: &Verified) -> Shown<'_> {
    let upgrades = one.upgrades_from.iter();
    Shown {
        stream: &one.stream,
        ended: &one.ended,
        missing: &one.missing,
        upgrades: upgrades
            .map(|(from, config)| (from.as_str(), config.as_deref(), one.not_looked_after.contains(from)))
            .collect(),
        jobs: one.jobs.iter().map(job).collect(),
    }
}

fn job<'v>((name, job): (&'v String, &'v Job)) -> JobView<'v> {
    JobView {
        name,
        config: job.config.as_deref(),
        waits: &job.waited_for_by,
        blocking: job.blocking,
    }
}
