//! Gathers what checks look at, and runs them: the only place of an audit that reads.

mod configs;
mod fixes;
mod gather;
pub(super) mod verification;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

pub use fixes::Made;

use super::branches::Depth;
use super::heads::Head;
use super::render::{self, Whole};
use super::{Run, RunError};
use crate::audit::check::{Check, Need};
use crate::audit::context::{CiConfigs, Context};
use crate::audit::report::Skipped;
use crate::audit::{Fix, Sink, registry};
use crate::config::Via;
use crate::derive::complete::complete;
use crate::derive::payload::Demand;
use crate::derive::{Components, Release};
use crate::finding::policy::AuditPolicy;
use crate::finding::{Finding, UNREADABLE_COMPONENT};
use crate::model::metadata::Metadata;
use crate::plan::{Desired, Plan};
use crate::source::Snapshot;
use crate::targets::payload_jobs::verification::Verification;

use super::Rendering;
use super::successors::successors;

/// What an audit comes to.
#[derive(Debug)]
pub struct Audit {
    /// The releases that were looked at.
    pub releases: Vec<String>,
    /// The findings of checks, derivation, targets and plan.
    pub findings: Vec<Finding>,
    /// Safe changes that can be made.
    pub fixes: Vec<Made>,
    /// One entry for each release and repository that safe changes are looked for in.
    pub looked_at: Vec<Desired>,
    /// What was not looked for.
    pub skipped: Vec<Skipped>,
    /// Releases that could not be audited.
    pub failed: Vec<RunError>,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// Everything, whether a release is about to be cut as well.
    All,
    /// What is to be found in one release.
    Release,
}

/// What releases come to, before anything is made of the changes that checks propose.
struct Examined<'a, T> {
    audited: Vec<Audited<'a>>,
    findings: Vec<Finding>,
    fixes: Vec<Fix>,
    skipped: Skips,
    plan: Plan,
    failed: Vec<RunError>,
    heads: Option<Vec<Head>>,
    seen: Vec<T>,
}

/// What checks found in each release, and where the repositories stand that only they looked at.
struct Checked {
    sinks: Vec<(Sink, Vec<Missing>)>,
    of_checks: Option<Vec<Head>>,
}

/// What was found in one release.
pub(in crate::run) struct Found<T> {
    /// The findings of checks, derivation, targets and plan.
    pub findings: Vec<Finding>,
    /// The drift.
    pub plan: Plan,
    /// What was seen of it.
    pub seen: T,
    /// Where the repositories stand that were read, build data of the release and the CI configs aside; `None` where that does
    /// not tell what was read.
    pub heads: Option<Vec<Head>>,
}

/// A derived release and the components' facts that it was derived from; `None`: there are none.
struct Audited<'a> {
    release: Release<'a>,
    components: Option<Components>,
}

impl Run {
    /// Audits releases.
    ///
    /// # Errors
    /// Rules that are wrong, or a target's files that cannot be read.
    pub fn audit(&self, metadata: &[Metadata], ci: Option<&Arc<dyn Snapshot>>, whole: bool) -> Result<Audit, RunError> {
        self.audit_seen(metadata, ci, whole, |_| ()).map(|(audit, _)| audit)
    }

    /// Audits releases, and looks at each that was derived on the way.
    ///
    /// # Errors
    /// As [`Self::audit`].
    pub fn audit_seen<T: Send>(
        &self,
        metadata: &[Metadata],
        ci: Option<&Arc<dyn Snapshot>>,
        whole: bool,
        look: impl Fn(&Release<'_>) -> T + Sync,
    ) -> Result<(Audit, Vec<T>), RunError> {
        let examined = self.examined(metadata, ci, (whole, About::All), look)?;
        let audited = &examined.audited;
        let (fixes, looked_at) = (
            fixes::made(self, audited, ci, examined.fixes, whole)?,
            fixes::looked_at(self, audited, ci, whole)?,
        );
        let audit = Audit {
            releases: audited
                .iter()
                .map(|one| one.release.metadata.release.to_string())
                .collect(),
            findings: examined.findings,
            fixes,
            looked_at,
            skipped: examined.skipped.list(),
            failed: examined.failed,
        };
        Ok((audit, examined.seen))
    }

    /// Finds what there is to be found in one release, without any changes that could be made, and looks at it.
    ///
    /// # Errors
    /// As [`Self::audit`], and where the release cannot be derived.
    pub(in crate::run) fn findings_of<T: Send>(
        &self,
        metadata: &Metadata,
        ci: Option<&Arc<dyn Snapshot>>,
        look: impl Fn(&Release<'_>) -> T + Sync,
    ) -> Result<Found<T>, RunError> {
        let examined = self.examined(std::slice::from_ref(metadata), ci, (false, About::Release), look)?;
        let Some(seen) = examined.seen.into_iter().next() else {
            let release = metadata.release;
            let findings = Vec::new();
            let error = examined.failed.into_iter().next();
            return Err(error.unwrap_or(RunError::Release { release, findings }));
        };
        Ok(Found {
            findings: examined.findings,
            plan: examined.plan,
            seen,
            heads: examined.heads,
        })
    }

    /// Derives releases, runs all checks on them, and plans.
    fn examined<'a, T: Send>(
        &'a self,
        metadata: &'a [Metadata],
        ci: Option<&Arc<dyn Snapshot>>,
        (whole, about): (bool, About),
        look: impl Fn(&Release<'_>) -> T + Sync,
    ) -> Result<Examined<'a, T>, RunError> {
        let results: Vec<_> = metadata
            .par_iter()
            .map(|metadata| self.audited(metadata, ci.map(|ci| &**ci)))
            .collect();
        let (mut audited, mut failed) = (Vec::new(), Vec::new());
        for result in results {
            match result {
                Ok(one) => audited.push(one),
                Err(error @ RunError::Rules(_)) => return Err(error),
                Err(error) => failed.push(error),
            }
        }
        audited.sort_by_key(|one| one.release.metadata.release);
        let mut skipped = Skips::default();
        let (mut findings, mut fixes) = (Vec::new(), Vec::new());
        // Looking at it and rendering it do not wait for what only checks read.
        let (checked, (planned, seen)) = rayon::join(
            || self.checked(&audited, ci),
            || {
                rayon::join(
                    || self.plan_of(&audited, ci, (whole, about)),
                    || audited.par_iter().map(|one| look(&one.release)).collect(),
                )
            },
        );
        let Checked { sinks, of_checks } = checked?;
        for (sink, missing) in sinks {
            findings.extend(sink.findings);
            fixes.extend(sink.fixes);
            missing
                .into_iter()
                .for_each(|(check, need, release)| skipped.add(check, need, release));
        }
        let (plan, of_targets) = planned?;
        let told = told_twice(&findings);
        findings.extend(plan.findings.iter().filter(|finding| !told(finding)).cloned());
        let heads = of_targets
            .zip(of_checks)
            .map(|(targets, checks)| [targets, checks].concat());
        Ok(Examined {
            audited,
            findings,
            fixes,
            skipped,
            plan,
            failed,
            heads,
            seen,
        })
    }

    /// Reads what only checks look at, and runs them on each release.
    fn checked(&self, audited: &[Audited<'_>], ci: Option<&Arc<dyn Snapshot>>) -> Result<Checked, RunError> {
        let ((configs, verification), gathered) = rayon::join(
            || {
                rayon::join(
                    || configs::configs(self, audited, ci),
                    || verification::verification(self, audited, ci),
                )
            },
            || -> Vec<_> { audited.par_iter().map(|one| gather::gather(self, one)).collect() },
        );
        let ((configs, of_groups), verification) = (configs?, verification?);
        let sinks = (0..audited.len()).into_par_iter().map(|at| {
            let whole = (configs.as_ref(), verification.as_ref());
            checked(&context(audited, &gathered, whole, at))
        });
        let sinks = sinks.collect();
        let heads: Option<Vec<Vec<Head>>> = std::iter::once(of_groups)
            .chain(gathered.into_iter().map(|one| one.heads))
            .collect();
        Ok(Checked {
            sinks,
            of_checks: heads.map(|heads| heads.concat()),
        })
    }

    /// Derives a release. Where no component at all can be read, what needs them is skipped and that is said once.
    fn audited<'a>(&'a self, metadata: &'a Metadata, ci: Option<&dyn Snapshot>) -> Result<Audited<'a>, RunError> {
        if self.config.sources.components.via == Via::None {
            let outline = self.outline(metadata, ci, &Demand::default(), Depth::All)?;
            let mut release = complete(outline, &Components::new());
            release.findings.retain(|finding| finding.code != UNREADABLE_COMPONENT);
            return Ok(Audited {
                release: self.with_neighbours(release, ci),
                components: None,
            });
        }
        let (outline, components) = self.drawn_whole(metadata, ci)?;
        let mut release = complete(outline, &components);
        release = self.with_neighbours(release, ci);
        let none = !components.is_empty() && components.values().all(Result::is_err);
        if none {
            fold_unreadable(&mut release, components.len());
        }
        Ok(Audited {
            release,
            components: (!none).then_some(components),
        })
    }

    /// The drift of the releases, with the findings of derivation, targets and neighbours; and where the repositories stand that
    /// they were derived and rendered from, if that tells what was read.
    fn plan_of(
        &self,
        audited: &[Audited<'_>],
        ci: Option<&Arc<dyn Snapshot>>,
        (whole, about): (bool, About),
    ) -> Result<(Plan, Option<Vec<Head>>), RunError> {
        let renderings: Vec<_> = audited
            .par_iter()
            .map(|one| {
                let release = &one.release;
                let Whole { rendered, heads } = render::render(self, std::slice::from_ref(release), ci)?;
                let rendering = Rendering {
                    release: release.metadata.release,
                    files: rendered.files,
                    findings: release.findings.iter().cloned().chain(rendered.findings).collect(),
                    upstream: self.upstream(release),
                    successors: successors(release),
                    missed: rendered.missed,
                };
                Ok((rendering, self.heads_of(release, heads)))
            })
            .collect();
        let renderings = renderings.into_iter().collect::<Result<Vec<_>, RunError>>()?;
        let (renderings, heads): (Vec<_>, Vec<_>) = renderings.into_iter().unzip();
        let heads: Option<Vec<Vec<Head>>> = heads.into_iter().collect();
        let numbers: Vec<_> = audited.iter().map(|one| one.release.metadata.release).collect();
        let releases = audited.iter().map(|one| &one.release);
        let mut between = self.carry_forward_of(releases);
        between.extend(self.unattended(&numbers));
        let newest = renderings.iter().max_by_key(|rendering| rendering.release);
        let newest = newest.filter(|_| about == About::All);
        between.extend(self.branched(&numbers, newest, ci.map(|ci| &**ci)));
        // All that was found is judged together, afterwards.
        let plan = self.planned(renderings, between, whole, AuditPolicy::default());
        Ok((plan, heads.map(|heads| heads.concat())))
    }
}

/// Tells of derivation's findings about names that a check has found already: the same for all images, not only those that
/// are derived.
fn told_twice(of_checks: &[Finding]) -> impl Fn(&Finding) -> bool + use<> {
    let (mut names, mut variables) = (BTreeSet::new(), BTreeSet::new());
    for finding in of_checks {
        let release = finding.release.clone();
        let Some(name) = finding.about.clone() else { continue };
        if matches!(&*finding.code, "dangling-member" | "dangling-stream") {
            names.insert((release, finding.image.clone(), name));
        } else if finding.code == "dangling-variable" {
            variables.insert((release, format!("{{{name}}}")));
        }
    }
    // A check that has a fix for a finding of derivation tells of it itself.
    let known = |finding: &Finding| (finding.code.clone(), finding.image.clone(), finding.message.clone());
    let same: BTreeSet<_> = of_checks
        .iter()
        .map(|finding| (finding.release.clone(), known(finding)))
        .collect();
    // A file that a check cannot read, a target that reads it tells of, too.
    let file = |finding: &Finding| {
        let unreadable = matches!(&*finding.code, "unreadable-gating" | "unreadable-release-controller");
        let place = finding.place.as_ref().filter(|_| unreadable)?;
        Some((finding.release.clone(), finding.code.clone(), place.file.clone()))
    };
    let unreadable: BTreeSet<_> = of_checks.iter().filter_map(file).collect();
    move |finding| {
        if file(finding).is_some_and(|file| unreadable.contains(&file)) {
            return true;
        }
        if same.contains(&(finding.release.clone(), known(finding))) {
            return true;
        }
        let Some(name) = finding.about.as_ref().filter(|_| finding.code == "unresolved-from") else {
            return false;
        };
        let braces =
            |(release, braces): &(Option<String>, String)| *release == finding.release && name.contains(braces);
        variables.iter().any(braces) || names.contains(&(finding.release.clone(), finding.image.clone(), name.clone()))
    }
}

/// Tells of many repositories that cannot be read as one.
fn fold_unreadable(release: &mut Release<'_>, count: usize) {
    let is_one = |finding: &Finding| finding.code == UNREADABLE_COMPONENT;
    let Some(mut first) = release.findings.iter().find(|finding| is_one(finding)).cloned() else {
        return;
    };
    release.findings.retain(|finding| !is_one(finding));
    first.message = format!(
        "none of {count} component repositories can be read; for one, {}",
        first.message
    );
    first.component = None;
    first.image = None;
    release.findings.push(first);
}

fn context<'c>(
    audited: &'c [Audited<'c>],
    gathered: &'c [gather::Gathered],
    (configs, verification): (Option<&'c CiConfigs>, Option<&'c Verification>),
    at: usize,
) -> Context<'c> {
    let (one, facts) = (&audited[at], &gathered[at]);
    Context {
        release: &one.release,
        components: one.components.as_ref(),
        files: facts.files.as_ref(),
        names: facts.names.as_ref(),
        twins: facts.twins.as_ref(),
        ci: configs,
        verification,
        before: at.checked_sub(1).map(|before| &audited[before].release),
        after: audited.get(at + 1).map(|after| &after.release),
    }
}

type Missing = (&'static Check, Need, String);

/// Runs all checks on a release: each by itself, so what they find stands in their order.
fn checked(context: &Context<'_>) -> (Sink, Vec<Missing>) {
    let release = context.metadata().release.to_string();
    let all: Vec<_> = registry::checks().collect();
    let each = all.into_par_iter().map(|check| {
        let mut sink = Sink::new(release.clone());
        let missing = check.needs.iter().find(|need| !context.has(**need));
        if missing.is_none() {
            (check.run)(context, &mut sink);
        }
        (sink, missing.map(|need| (check, *need, release.clone())))
    });
    let (mut all, mut missing) = (Sink::new(release.clone()), Vec::new());
    for (sink, lacks) in each.collect::<Vec<_>>() {
        all.findings.extend(sink.findings);
        all.fixes.extend(sink.fixes);
        missing.extend(lacks);
    }
    (all, missing)
}

/// Checks that were not run, by check and what was missing.
#[derive(Default)]
struct Skips(BTreeMap<(&'static str, Need), (&'static Check, Vec<String>)>);

impl std::fmt::Debug for Skips {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Skips {
    fn add(&mut self, check: &'static Check, need: Need, release: String) {
        let entry = self
            .0
            .entry((check.name(), need))
            .or_insert_with(|| (check, Vec::new()));
        entry.1.push(release);
    }

    fn list(self) -> Vec<Skipped> {
        let list = self.0.into_iter().map(|((_, need), (check, releases))| Skipped {
            codes: check.codes.iter().map(|code| code.name.to_owned()).collect(),
            releases,
            missing: need.describe().to_owned(),
        });
        list.collect()
    }
}
