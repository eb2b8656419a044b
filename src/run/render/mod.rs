//! Renders targets: asks each where it writes and what it looks at there, reads that, and lets it render.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use super::ground::{Ground, Grounds, NoGround};
use super::heads::Head;
use super::{Run, RunError, beside};
use crate::cut::{detect, guard};
use crate::derive::{Image, Release, Standing};
use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Cause, Desired, Verdict};
use crate::source::Snapshot;
use crate::targets::{self, Actual, Ask, Chosen, Cut, Destination, Earlier, Rendered, TARGETS, Target};

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
        let waiting = wait(release, &mut files, &part.configs);
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
        part.render()
    };
    releases.par_iter().map(one).collect()
}

/// Everything that is rendered for a cut as a whole: what changes together with the configs that promote, configured or not,
/// and what else is configured. What goes with promotions is rendered step by step.
pub(super) fn of_cut(run: &Run) -> Vec<Chosen> {
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
    };
    let reads = (chosen.target.reads)(&ask, &ground.name);
    reads.map(|reads| ground.read(run, &reads).files).unwrap_or_default()
}

/// A config that is changed by itself: for a step of a cut, or to put something right that is no release's own wish.
pub(super) struct Single<'s> {
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
pub(super) fn alone(
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
pub(super) fn with_promotions(
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

/// The configs that promote to the release's stream from where the release is not built.
fn others(release: &Release<'_>, files: &[Desired], configs: &BTreeMap<String, Arc<[u8]>>) -> Vec<guard::Other> {
    let own = files.iter().filter(|file| !file.held).map(|file| file.path.as_str());
    let own: BTreeSet<&str> = own.collect();
    let payload = &release.payload;
    let stream = (payload.namespace.value.as_str(), payload.name.value.as_str());
    guard::others(configs.iter().map(|(path, text)| (path, &**text)), &own, stream)
}

/// What tells of a branch cut.
fn detected(releases: &[Release<'_>], parts: &[ReleaseFiles]) -> Vec<Finding> {
    let mut configs = BTreeMap::new();
    for (release, part) in releases.iter().zip(parts) {
        let others = others(release, &part.rendered.files, &part.configs);
        configs.extend(others.into_iter().map(|other| (other.path, other.facts)));
    }
    detect::moved(releases, &configs)
}

/// Holds configs, with what follows them, whose tags another config promotes, and those that images leave before they are
/// elsewhere.
fn wait(release: &Release<'_>, files: &mut [Desired], configs: &BTreeMap<String, Arc<[u8]>>) -> Vec<Finding> {
    let others = others(release, files, configs);
    let waiting = guard::hold(files, &others);
    let derived = release
        .images
        .values()
        .filter(|image| image.standing == Standing::Derived);
    let home = |image: &Image| Some((image.tag.value.clone(), image.repository.value.as_ref()?.to_string()));
    let homes = derived.filter_map(home).collect();
    let payload = &release.payload;
    guard::keep_old_homes(files, &homes, (&payload.namespace.value, &payload.name.value));
    waiting
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
            self.wait_for_others(&chosen, &mut results, &mut rendered)?;
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

    /// Keeps files as they are that would come to something else once those that they are made from have changed, where the
    /// run leaves the targets of these out: files of a group change together.
    fn wait_for_others(
        &self,
        chosen: &Chosen,
        results: &mut BTreeMap<&'static str, Earlier>,
        rendered: &mut Rendered,
    ) -> Result<(), RunError> {
        let unwritten: Vec<&'static str> = chosen
            .target
            .after
            .iter()
            .copied()
            .filter(|name| {
                let left_out = self.run.config.left_out.iter().any(|other| other.target.name == *name);
                let earlier = results.get(name).filter(|earlier| left_out && !earlier.is_written);
                earlier.is_some_and(|earlier| earlier.files.iter().any(|file| file.before != file.after))
            })
            .collect();
        if unwritten.is_empty() {
            return Ok(());
        }
        for name in &unwritten {
            results.entry(name).and_modify(|earlier| earlier.is_written = true);
        }
        let later = self.one(chosen, results, &mut ReleaseFiles::default());
        for name in &unwritten {
            results.entry(name).and_modify(|earlier| earlier.is_written = false);
        }
        let (later, _) = later?;
        let mut later: BTreeMap<_, _> = later.files.into_iter().map(|file| (place_of(&file), file)).collect();
        for file in &mut rendered.files {
            let then = later.remove(&place_of(file)).map(|then| then.after);
            if then.is_some_and(|then| then != file.after) {
                file.hold();
            }
        }
        rendered.files.extend(later.into_values().map(|mut file| {
            file.hold();
            file
        }));
        Ok(())
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
        };
        let destinations = (target.destinations)(&ask).unwrap_or_else(|findings| {
            rendered.findings.extend(findings);
            rendered.missed.insert(target.name.to_owned());
            Vec::new()
        });
        let number = self.release.metadata.release;
        let opened = destinations
            .into_par_iter()
            .map(|destination| self.grounds.open(number, &destination));
        for ground in opened.collect::<Result<Vec<_>, _>>()? {
            match ground {
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
                        }
                        there.push(actual);
                    } else {
                        rendered.missed.insert(target.name.to_owned());
                    }
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

/// Where a file stands.
fn place_of(file: &Desired) -> (String, String, String) {
    (file.repo.to_string(), file.branch.clone(), file.path.clone())
}

fn take<T>(rendered: &mut Rendered, part: Result<T, Vec<Finding>>) -> Option<T> {
    part.map_err(|findings| rendered.findings.extend(findings)).ok()
}

/// Files that cannot be followed stay as they are.
fn hold(files: &mut [Desired], stuck: &BTreeSet<String>) {
    for file in files.iter_mut().filter(|file| stuck.contains(&file.path)) {
        file.hold();
    }
}

fn without_source(target: &Target, source: &str) -> Finding {
    let name = target.name;
    let text = format!("target {name} needs `{source}` with a path or URL that ends in <org>/<repo>");
    let help = "add the source, or leave the target out";
    Finding::new(Severity::Warning, "target-without-source", text).with_help(help)
}

fn without_ground(target: &Target, why: NoGround) -> Finding {
    let name = target.name;
    match why {
        NoGround::Unconfigured(source) => without_source(target, source),
        NoGround::Unreadable(why) => {
            let text = format!("the repository that target {name} writes to cannot be read: {why}");
            let help = "what is there, and what a pull request proposes, stays as it is until it can be read";
            Finding::new(Severity::Error, "unreadable-destination", text).with_help(help)
        }
        NoGround::NoBranch(repo, branches) => {
            let text = format!(
                "target {name} has no branch to write to: {repo} has no branch {}",
                branches.join(" and no branch ")
            );
            let help = "make the branch, or leave the target or the release out";
            // The pipeline's branches are made by people, release by release: that one is missing has a word of its own.
            let code = match *target == targets::payload_pipeline::TARGET {
                true => "no-pipeline-branch",
                false => "no-destination-branch",
            };
            Finding::new(Severity::Warning, code, text).with_help(help)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_target_lacks_is_said_with_what_to_do() {
        let told = |why| {
            let finding = without_ground(targets::promoting().expect("a target"), why);
            assert!(finding.help.is_some());
            (finding.code.to_string(), finding.message)
        };
        let repo = "o/r".parse().expect("a name");
        let (code, text) = told(NoGround::NoBranch(repo, vec!["a".to_owned(), "main".to_owned()]));
        assert_eq!(code, "no-destination-branch");
        assert!(text.ends_with("o/r has no branch a and no branch main"), "{text}");
        let finding = without_ground(
            &targets::payload_pipeline::TARGET,
            NoGround::NoBranch("o/r".parse().expect("a name"), vec!["a".to_owned()]),
        );
        assert_eq!(finding.code, "no-pipeline-branch");
        let (code, text) = told(NoGround::Unreadable("o/r: refused".to_owned()));
        assert_eq!(code, "unreadable-destination");
        assert!(text.ends_with("cannot be read: o/r: refused"), "{text}");
        let (code, text) = told(NoGround::Unconfigured("sources.ci-config"));
        assert_eq!(code, "target-without-source");
        assert!(text.contains("needs `sources.ci-config`"), "{text}");
    }
}
