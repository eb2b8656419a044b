//! Renders targets: asks each where it writes and what it looks at there, reads that, and lets it render.

mod lacking;
mod stepwise;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use self::lacking::{unseen, without_ground, without_source};
use self::waiting::{detected, hold, hold_unseen, wait};
use super::ground::{Ground, Grounds, NoGround};
use super::heads::Head;
use super::{Run, RunError, beside};
use crate::base::RepoName;
use crate::derive::Release;
use crate::finding::Finding;
use crate::source::Snapshot;
use crate::targets::door::Memo;
use crate::targets::{self, Actual, Ask, Chosen, Cut, Destination, Earlier, Rendered, TARGETS, Target};

pub(super) use self::stepwise::{Single, alone, of_cut, with_promotions};

/// What the targets of some releases come to.
#[derive(Default)]
pub(super) struct Whole {
    /// Files and findings.
    pub rendered: Rendered,
    /// Where the repositories stand that were read for them, the CI configs' aside; `None` where that does not tell what was
    /// read.
    pub heads: Option<Vec<Head>>,
}

/// Renders the configured targets. What would promote a tag that another config still promotes waits.
pub(super) fn render(run: &Run, releases: &[Release<'_>], ci: Option<&Arc<dyn Snapshot>>) -> Result<Whole, RunError> {
    let parts = parts(run, releases, ci, &run.config.targets)?;
    let mut whole = Whole {
        heads: Some(Vec::new()),
        ..Whole::default()
    };
    let rendered = &mut whole.rendered;
    let missing: BTreeMap<&str, &Finding> = parts
        .iter()
        .flat_map(|part| &part.missing)
        .map(|(name, finding)| (*name, finding))
        .collect();
    let missing = run
        .config
        .targets
        .iter()
        .filter_map(|chosen| missing.get(chosen.target.name));
    rendered.findings.extend(missing.map(|finding| (*finding).clone()));
    rendered.findings.extend(detected(releases, &parts));
    for (part, release) in parts.into_iter().zip(releases) {
        let mut files = part.rendered.files;
        run.with_fixes(release, &mut files);
        let mut waiting = wait(release, &mut files, &part.configs);
        let targets = run.config.targets.iter().map(|chosen| chosen.target);
        targets.for_each(|target| waiting.extend((target.wait)(&mut files)));
        rendered.files.append(&mut files);
        rendered.findings.extend(part.rendered.findings);
        rendered.findings.extend(waiting);
        rendered.missed.extend(part.rendered.missed);
        whole.heads = whole.heads.zip(part.heads).map(|(all, more)| [all, more].concat());
    }
    Ok(whole)
}

/// What one release's targets want, and the configs that promote as they are.
#[derive(Default)]
pub(super) struct ReleaseFiles {
    /// Files and findings.
    pub rendered: Rendered,
    /// Configs of the variant, of all releases, by path.
    pub configs: BTreeMap<String, Arc<[u8]>>,
    /// Targets that have nowhere to write to, by name.
    missing: BTreeMap<&'static str, Finding>,
    heads: Option<Vec<Head>>,
}

impl ReleaseFiles {
    /// Of a release that nothing is written for: no repository was asked for it.
    fn nothing() -> Self {
        Self {
            heads: Some(Vec::new()),
            ..Self::default()
        }
    }
}

/// Renders targets for each release, in the releases' order.
pub(super) fn parts(
    run: &Run,
    releases: &[Release<'_>],
    ci: Option<&Arc<dyn Snapshot>>,
    targets: &[Chosen],
) -> Result<Vec<ReleaseFiles>, RunError> {
    let grounds = Grounds::new(run, ci);
    let one = |release: &Release<'_>| {
        if !release.payload.waits.value.is_empty() {
            return Ok(ReleaseFiles::nothing());
        }
        let part = Part {
            run,
            grounds: &grounds,
            release,
            targets,
        };
        // All targets ask for it; meanwhile the first reads what is there.
        rayon::join(|| part.render(), || release.build_config()).0
    };
    releases.par_iter().map(one).collect()
}

/// The CI config repository with what the local forge has merged; `None` without such a source, or where its location names
/// no repository.
pub(super) fn ci_config(run: &Run, ci: Option<&Arc<dyn Snapshot>>) -> Result<Option<Ground>, RunError> {
    let Some(release) = run
        .config
        .sources
        .ci_config
        .as_ref()
        .map(|_| crate::base::Release::new(0, 0))
    else {
        return Ok(None);
    };
    Ok(Grounds::new(run, ci).open(release, &Destination::CiConfig)?.ok())
}

/// The configs that promote, of whatever release, as they are in a snapshot.
pub(super) fn promoting_configs(run: &Run, release: &Release<'_>, ground: &Ground) -> BTreeMap<String, Arc<[u8]>> {
    let Some(chosen) = targets::promoting().and_then(Chosen::plain) else {
        return BTreeMap::new();
    };
    let ask = Ask {
        release,
        options: &chosen.options,
        policy: &run.policy,
        earlier: &BTreeMap::new(),
        memo: Memo::default(),
    };
    let reads = (chosen.target.reads)(&ask, &ground.name);
    reads.map(|reads| ground.read(run, &reads).files).unwrap_or_default()
}

/// One release's part.
struct Part<'p> {
    run: &'p Run,
    grounds: &'p Grounds<'p>,
    release: &'p Release<'p>,
    targets: &'p [Chosen],
}

impl Part<'_> {
    fn render(&self) -> Result<ReleaseFiles, RunError> {
        let mut all = ReleaseFiles {
            heads: Some(Vec::new()),
            ..ReleaseFiles::default()
        };
        let mut results: BTreeMap<&'static str, Earlier> = BTreeMap::new();
        let needed: BTreeSet<&str> = self
            .targets
            .iter()
            .flat_map(|chosen| chosen.target.after)
            .copied()
            .collect();
        for target in self.in_order() {
            let configured = self.targets.iter().find(|chosen| chosen.target == target);
            let plain = Chosen::plain(target).filter(|_| needed.contains(target.name));
            let Some(chosen) = configured.cloned().or(plain) else {
                continue;
            };
            let (mut rendered, actual) = self.one(&chosen, &results, &mut all)?;
            self.wait_for_others(&chosen, &results, &mut rendered)?;
            let missed = rendered.missed.contains(target.name);
            let unsure = target.after.iter().any(|name| all.rendered.missed.contains(*name));
            if missed || unsure || !self.release.complete {
                // What metadata could not be read may well ask for more.
                all.rendered.missed.insert(target.name.to_owned());
            }
            for name in target.after {
                if let Some(earlier) = results.get_mut(name) {
                    hold(&mut earlier.files, &rendered.stuck);
                }
            }
            all.rendered.findings.append(&mut rendered.findings);
            let earlier = Earlier {
                files: rendered.files,
                actual,
                is_written: configured.is_some(),
                is_whole: true,
            };
            results.insert(target.name, earlier);
        }
        for target in self.in_order() {
            let Some(earlier) = results.remove(target.name) else {
                continue;
            };
            if target.cut == Cut::Promotes {
                all.configs
                    .extend(earlier.actual.into_iter().flat_map(|actual| actual.files));
            }
            if earlier.is_written {
                all.rendered.files.extend(earlier.files);
            }
        }
        Ok(all)
    }

    /// All targets, each after those that it is made from; what is not registered (tests have such) comes last.
    fn in_order(&self) -> impl Iterator<Item = &'static Target> {
        let others = self.targets.iter().map(|chosen| chosen.target);
        let others = others.filter(|target| !TARGETS.contains(target));
        TARGETS.iter().copied().chain(others)
    }

    /// Asks in one question where the branches of destinations are.
    fn foresee(&self, destinations: &[Destination]) {
        let number = self.release.metadata.release;
        let branches = destinations.iter().flat_map(|destination| match destination {
            Destination::Repository { name, branches } => {
                branches.iter().map(|branch| (name, branch.as_str())).collect()
            }
            Destination::Former { name, branch } => vec![(name, branch.as_str())],
            Destination::CiConfig | Destination::BuildData => Vec::new(),
        });
        self.run
            .foresee_heads(branches.map(|(name, branch)| (number, name, branch)));
    }

    /// Asks GitHub at once for all that a target looks at, but for what is remembered.
    fn gather<'g>(&self, ask: &Ask<'_>, target: &Target, grounds: impl Iterator<Item = &'g Ground>) {
        let Some(reader) = self.run.sources.github() else {
            return;
        };
        let wanted = grounds.filter_map(|ground| {
            let reads = (target.reads)(ask, &ground.name).ok()?;
            ground.unknown(self.run, &reads)
        });
        let wanted: Vec<_> = wanted.collect();
        if !wanted.is_empty() {
            reader.gather(&wanted, &self.run.store);
        }
    }

    /// Renders one target at all of its destinations.
    fn one(
        &self,
        chosen: &Chosen,
        earlier: &BTreeMap<&'static str, Earlier>,
        all: &mut ReleaseFiles,
    ) -> Result<(Rendered, Vec<Actual>), RunError> {
        let (mut rendered, mut there) = (Rendered::default(), Vec::new());
        let target = chosen.target;
        let ask = Ask {
            release: self.release,
            options: &chosen.options,
            policy: &self.run.policy,
            earlier,
            memo: Memo::default(),
        };
        let destinations = (target.destinations)(&ask).unwrap_or_else(|findings| {
            rendered.findings.extend(findings);
            rendered.missed.insert(target.name.to_owned());
            Vec::new()
        });
        let number = self.release.metadata.release;
        self.foresee(&destinations);
        let written: BTreeSet<RepoName> = destinations.iter().filter_map(written).cloned().collect();
        // Repositories that nothing is written to and that were not looked at, and why where nobody has said it.
        let mut not_seen: BTreeMap<RepoName, Option<String>> = BTreeMap::new();
        let opened = destinations.into_par_iter().map(|destination| {
            let former = match &destination {
                Destination::Former { name, .. } => Some(name.clone()),
                _ => None,
            };
            self.grounds.open(number, &destination).map(|ground| (ground, former))
        });
        let opened = opened.collect::<Result<Vec<_>, _>>()?;
        self.gather(
            &ask,
            target,
            opened.iter().filter_map(|(ground, _)| ground.as_ref().ok()),
        );
        for (ground, former) in opened {
            match ground {
                // A plain directory has no branches.
                Ok(ground) if former.is_some() && ground.head.is_none() => {}
                Ok(ground) => {
                    let part = self.at(&ask, chosen, &ground).map(|(part, actual, heads)| {
                        all.heads.iter_mut().for_each(|all| all.extend(heads.iter().cloned()));
                        (part, actual)
                    });
                    all.heads = all.heads.take().filter(|_| ground.is_settled);
                    all.heads.iter_mut().for_each(|heads| heads.extend(ground.head.clone()));
                    if let Some((part, actual)) = take(&mut rendered, part) {
                        rendered.files.extend(part.files);
                        rendered.findings.extend(part.findings);
                        rendered.stuck.extend(part.stuck);
                        rendered.missed.extend(part.missed);
                        if !actual.unreadable.is_empty() {
                            rendered.missed.insert(target.name.to_owned());
                            not_seen.extend(former.map(|name| (name, None)));
                        }
                        there.push(actual);
                    } else {
                        rendered.missed.insert(target.name.to_owned());
                    }
                }
                // There may be no such branch.
                Err(NoGround::NoBranch(..)) if former.is_some() => {}
                Err(why) if former.is_some() => {
                    all.heads = None;
                    rendered.missed.insert(target.name.to_owned());
                    let why = match why {
                        NoGround::Unreadable(why) => Some(why),
                        _ => None,
                    };
                    not_seen.extend(former.map(|name| (name, why)));
                }
                Err(NoGround::Unconfigured(source)) => {
                    drop(all.missing.insert(target.name, without_source(target, source)))
                }
                Err(no_ground) => {
                    all.heads = None;
                    rendered.missed.insert(target.name.to_owned());
                    rendered
                        .findings
                        .push(without_ground(target, no_ground).with_release(number.to_string()));
                }
            }
        }
        // Where it is written to, too, that it cannot be read is told there.
        not_seen.retain(|name, _| !written.contains(name));
        hold_unseen(&mut rendered.files, &not_seen);
        let why = not_seen.iter().filter_map(|(name, why)| Some((name, why.as_ref()?)));
        let told = why.map(|(name, why)| unseen(target, name, why).with_release(number.to_string()));
        rendered.findings.extend(told);
        Ok((rendered, there))
    }

    fn at(
        &self,
        ask: &Ask<'_>,
        chosen: &Chosen,
        ground: &Ground,
    ) -> Result<(Rendered, Actual, Vec<Head>), Vec<Finding>> {
        let reads = (chosen.target.reads)(ask, &ground.name)?;
        let mut actual = ground.read(self.run, &reads);
        let mut heads = Vec::new();
        if let Some(asked) = reads.beside {
            let asked = asked(ask, &actual);
            (actual.beside, heads) = beside::look(self.run, self.release.metadata.release, ground, asked);
        }
        Ok(((chosen.target.render)(ask, &actual), actual, heads))
    }
}

/// The repository that a destination writes to, unless things only go from there.
fn written(destination: &Destination) -> Option<&RepoName> {
    match destination {
        Destination::Repository { name, .. } => Some(name),
        Destination::CiConfig | Destination::BuildData | Destination::Former { .. } => None,
    }
}

fn take<T>(rendered: &mut Rendered, part: Result<T, Vec<Finding>>) -> Option<T> {
    part.map_err(|findings| rendered.findings.extend(findings)).ok()
}
