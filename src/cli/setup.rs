//! From arguments to a run: configuration, rules, sources, state.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{anyhow, bail};
use indicatif::ProgressBar;
use lockstep::base::{Date, Release};
use lockstep::config::{self, Care, Config, RuleSet as RuleSource};
use lockstep::derive;
use lockstep::finding;
use lockstep::finding::Finding;
use lockstep::model::metadata::Metadata;
use lockstep::plan::{self, NotCompared, Plan};
use lockstep::rules::load::nearest;
use lockstep::run::audit::Audit;
use lockstep::run::lock::Lock;
use lockstep::run::{LoadedRules, Overrides, Rendering, Run, RunError, begin, rule_files};
use lockstep::source::{Recorder, Snapshot, Sources};
use lockstep::store::Store;
use lockstep::targets::{self, Chosen};
use rayon::prelude::*;

use super::common::Common;
use super::{Ended, Usage, progress, say};

/// A run that is ready, and what is shown meanwhile.
pub struct Ready {
    /// The run.
    pub run: Run,
    /// The CI configs, where there is such a source.
    pub ci: Option<Arc<dyn Snapshot>>,
    /// The releases.
    pub releases: Vec<Release>,
    /// Whether the run is for everything that is configured.
    pub whole: bool,
    /// Digests of images that are not built here, where a lock gives them.
    pub locked: BTreeMap<String, String>,
    bar: Option<ProgressBar>,
}

/// Refuses to write what is only tried out: nobody has asked for it but whoever looks at it.
///
/// # Errors
/// Arguments that change what metadata or rules say, for this run alone. `instead`: how to look at what they would change.
pub fn in_earnest(common: &Common, instead: &str) -> Result<(), Usage> {
    let tried = [("--set", &common.set), ("--with-rules", &common.with_rules)];
    let tried: Vec<&str> = tried
        .iter()
        .filter(|(_, given)| !given.is_empty())
        .map(|(name, _)| *name)
        .collect();
    if common.locked.is_some() {
        return Err(Usage(format!(
            "`--locked` is for looking: a lock says what everything was once, and pull requests are made of what it is; {instead} shows what would be written; to have exactly what was looked at written later, keep it with `plan --out`"
        )));
    }
    if tried.is_empty() {
        return Ok(());
    }
    Err(Usage(format!(
        "`{}` is for looking, and no pull request is made of what nobody asked for: {instead} shows what it would change; to have it written, put it into metadata or into the configured rules",
        tried.join("` and `")
    )))
}

/// What is only tried out, as it was given.
pub fn tries(common: &Common) -> Vec<String> {
    let set = common.set.iter().map(|set| format!("--set {set}"));
    let rules = common.with_rules.iter().map(|path| format!("--with-rules {path}"));
    set.chain(rules).collect()
}

/// Gets ready to write a plan that is there already: nothing is derived.
///
/// # Errors
/// As [`ready`].
pub fn ready_for(common: &Common, plan: &Plan) -> Result<Ready, anyhow::Error> {
    let releases = plan.pull_requests.iter().map(|pr| pr.scope.release.parse());
    let releases: BTreeSet<Release> = releases.filter_map(Result::ok).collect();
    prepare(common, releases.into_iter().collect(), None, BTreeSet::new())
}

/// Gets ready what the arguments ask for.
///
/// # Errors
/// A configuration, rule or argument that is wrong, or a source that nothing can be done without.
pub fn ready(common: &Common) -> Result<Ready, anyhow::Error> {
    ready_recording(common, None)
}

/// Gets ready for the releases from one to another that build data has and that the configuration looks after, and names those
/// between them that it leaves out.
///
/// # Errors
/// As [`ready`]; or build data lacks one of the two.
pub fn ready_between(common: &Common, from: Release, to: Release) -> Result<(Ready, Vec<String>), anyhow::Error> {
    if !common.releases.is_empty() {
        return Err(Usage("`--release` has no place here: `--from` and `--to` say which releases".into()).into());
    }
    let config = configuration(common)?;
    let sources = Sources::new(Some(config.state.clone()));
    let known = lockstep::run::releases::in_build_data(&config, &sources, Some((from, to)))?;
    let (between, left_out): (Vec<Release>, Vec<Release>) = match known {
        Some(known) => {
            for asked in [from, to] {
                if !known.contains(&asked) {
                    let known: Vec<String> = known.iter().map(Release::to_string).collect();
                    return Err(anyhow!(
                        "build data has no release {asked}; it has {}",
                        known.join(", ")
                    ));
                }
            }
            let looked_after = |release: &Release| match &config.releases {
                config::Releases::List(list) => [from, to].contains(release) || list.contains(release),
                config::Releases::Auto => true,
            };
            let between = known.into_iter().filter(|release| (from..=to).contains(release));
            between.partition(looked_after)
        }
        None => {
            let text = "build data is one plain directory, which holds one release; a cut needs a repository with branches, or `{release}` in its place";
            return Err(anyhow!(text));
        }
    };
    let is_auto = matches!(config.releases, config::Releases::Auto);
    let mut ready = prepare(common, between, None, BTreeSet::new())?;
    let mut left_out = left_out;
    if is_auto && ready.releases.len() > 2 {
        let found = ready.run.releases(&[], ready.ci.as_deref())?;
        let looked_after = |release: &Release| [from, to].contains(release) || found.contains(release);
        let (kept, others): (Vec<Release>, Vec<Release>) = ready.releases.into_iter().partition(looked_after);
        (ready.releases, left_out) = (kept, others);
    }
    let left_out: Vec<String> = left_out.iter().map(Release::to_string).collect();
    if !left_out.is_empty() {
        let why = if is_auto {
            "no OKD config and no release controller knows"
        } else {
            "`releases` does not name"
        };
        say(&format!(
            "note: build data has {} between {from} and {to}, which {why}: left out of the cut",
            left_out.join(", ")
        ));
    }
    Ok((ready, left_out))
}

/// Gets ready for one release, whether the configuration names it or not.
///
/// # Errors
/// As [`ready`].
pub fn ready_of(common: &Common, release: Release) -> Result<Ready, anyhow::Error> {
    prepare(common, vec![release], None, BTreeSet::new())
}

/// Gets ready as [`ready`] does from a lock, but for repositories that are read at their heads.
///
/// # Errors
/// As [`ready`] has them.
pub fn ready_free(common: &Common, free: BTreeSet<String>) -> Result<Ready, anyhow::Error> {
    prepare(common, releases(common)?, None, free)
}

/// Gets ready as [`ready`] does, with every file that is read noted.
///
/// # Errors
/// As [`ready`] has them.
pub fn ready_recording(common: &Common, recorder: Option<&Arc<Recorder>>) -> Result<Ready, anyhow::Error> {
    prepare(common, releases(common)?, recorder, BTreeSet::new())
}

fn prepare(
    common: &Common,
    asked: Vec<Release>,
    recorder: Option<&Arc<Recorder>>,
    free: BTreeSet<String>,
) -> Result<Ready, anyhow::Error> {
    let config = configuration(common)?;
    let lock = common.locked.as_deref().map(Lock::read).transpose()?;
    let asked = match &lock {
        Some(lock) => of_lock(lock, asked)?,
        None => asked,
    };
    let files = rule_files::read(&config.rules)?;
    let overrides = Overrides::parse(&common.set).map_err(|error| Usage(error.to_string()))?;
    let bar = progress::bar();
    // What a cache knows is not read, so that nothing of it could be noted.
    // What was remembered of branches' heads says nothing of other commits.
    let (store, warning) = match recorder.is_some() || lock.is_some() {
        true => (Store::disabled(), None),
        false => Store::open(&config.state),
    };
    if let Some(warning) = warning {
        say(&format!("warning: {warning}"));
    }
    let mut sources = sources(&config, bar.as_ref())?;
    if let Some(recorder) = recorder {
        sources = sources.with_recorder(Arc::clone(recorder));
    }
    if let Some(lock) = &lock {
        sources = sources
            .with_commits(lock.pins(), lock.external.clone())
            .with_head_of(free);
    }
    let rules = LoadedRules::new(files);
    let digest = rules.digest();
    let run = Run::new(config, rules, sources)
        .remembering(store, begin::build())
        .trying(overrides)
        .on(Date::of_unix(now()))
        .telling(bar.as_ref().map(progress::on));
    if let Some(lock) = lock.as_ref().filter(|lock| lock.rules != digest) {
        say(&format!(
            "warning: the rules are others than those that the lock of {} was written with",
            lock.release
        ));
    }
    let whole = asked.is_empty() && common.targets.is_empty() && common.set.is_empty() && common.with_rules.is_empty();
    let ci = run.ci_config()?;
    known_releases(&run, &asked)?;
    let releases = run.releases(&asked, ci.as_deref())?;
    if releases.is_empty() {
        return Err(anyhow!(
            "no release is both in build data and promoted to by an OCP config; list `releases` instead"
        ));
    }
    Ok(Ready {
        run,
        ci,
        releases,
        whole,
        locked: lock.map(|lock| lock.external).unwrap_or_default(),
        bar,
    })
}

/// The release of a lock, which has to be the one that is asked for.
fn of_lock(lock: &Lock, asked: Vec<Release>) -> Result<Vec<Release>, anyhow::Error> {
    let own: Release = lock
        .release
        .parse()
        .map_err(|error| anyhow!("the lock's release: {error}"))?;
    match asked.iter().find(|asked| **asked != own) {
        Some(other) => Err(Usage(format!("the lock is of release {own}, and {other} is asked for")).into()),
        None => Ok(vec![own]),
    }
}

/// Whether a file is at a path.
pub fn is_file(path: &Path) -> bool {
    path.is_file()
}

/// Writes a text to a file: all of it, or nothing.
///
/// # Errors
/// The file, or one beside it, cannot be written.
pub fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        // A device or a pipe is written to, never replaced.
        return std::fs::write(path, text);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(name);
    let written = std::fs::write(&beside, text).and_then(|()| std::fs::rename(&beside, path));
    if written.is_err() {
        // What went wrong is said by the error itself.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

/// A file's text, if it is no larger than so many bytes.
///
/// # Errors
/// It cannot be read, or is larger.
pub fn text(path: &Path, most: u64) -> anyhow::Result<String> {
    let told = |error: std::io::Error| anyhow!("{} cannot be read: {error}", path.display());
    let size = std::fs::metadata(path).map_err(told)?.len();
    if size > most {
        bail!(
            "{} has {size} bytes, more than the {most} that are read",
            path.display()
        );
    }
    std::fs::read_to_string(path).map_err(told)
}

/// Makes sure that build data has the releases that are asked for, where it can say which it has.
fn known_releases(run: &Run, asked: &[Release]) -> Result<(), anyhow::Error> {
    if asked.is_empty() {
        return Ok(());
    }
    // Where that cannot be told, reading the release itself says what is wrong.
    let known = lockstep::run::releases::in_build_data(run.config(), run.sources(), None);
    let known = known
        .ok()
        .flatten()
        .filter(|known| !known.is_empty())
        .unwrap_or_default();
    let names: Vec<String> = known.iter().map(Release::to_string).collect();
    let missing = asked
        .iter()
        .find(|release| !known.is_empty() && !known.contains(release));
    missing.map_or(Ok(()), |release| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let hint = nearest(&release.to_string(), &names);
        Err(anyhow!("build data has no release {release}; {hint}"))
    })
}

impl Ready {
    /// What each release comes to; one that cannot be derived costs the others nothing.
    ///
    /// # Errors
    /// Rules that are wrong: no release can be derived with them.
    pub fn renderings(&self, ended: &mut Ended) -> Result<Vec<Rendering>, anyhow::Error> {
        self.renderings_told(ended, true)
    }

    /// The same; `told`: whether what keeps a release from being derived is said.
    ///
    /// # Errors
    /// As [`Self::renderings`].
    pub fn renderings_told(&self, ended: &mut Ended, told: bool) -> Result<Vec<Rendering>, anyhow::Error> {
        let results = self
            .releases
            .par_iter()
            .map(|release| self.run.rendering(*release, self.ci.as_ref()));
        let mut results: Vec<_> = results.collect();
        if !told {
            results.retain(|result| matches!(result, Ok(_) | Err(RunError::Rules(_))));
        }
        let renderings = self.collect(results, ended)?;
        if renderings
            .iter()
            .any(|rendering| finding::lacks_repository(&rendering.findings))
        {
            *ended = Ended::Failed;
        }
        Ok(renderings)
    }

    /// The plan of all releases.
    ///
    /// # Errors
    /// Rules that are wrong.
    pub fn plan(&self, ended: &mut Ended) -> Result<Plan, anyhow::Error> {
        Ok(self.plan_of_all(self.renderings(ended)?, self.whole))
    }

    /// The plan of what the releases come to.
    pub fn plan_of_all(&self, renderings: Vec<Rendering>, whole: bool) -> Plan {
        let newest = renderings.iter().max_by_key(|rendering| rendering.release);
        let between = self.run.between(&self.releases, newest, self.ci.as_deref());
        let missing = |release: &&Release| renderings.iter().all(|rendering| rendering.release != **release);
        let failed = self.releases.iter().filter(missing);
        let failed = failed
            .map(|release| NotCompared::release(&release.to_string(), "it could not be derived; see the errors above"));
        let failed = failed.collect();
        self.run.plan_beside(renderings, between, whole, failed)
    }

    /// The plan of one derived release; none where there is nothing to compare it with.
    ///
    /// # Errors
    /// The target's files cannot be read.
    pub fn plan_of(&self, release: &derive::Release<'_>) -> Result<Option<Plan>, anyhow::Error> {
        if self.ci.is_none() {
            return Ok(None);
        }
        let rendered = self.run.render(std::slice::from_ref(release), self.ci.as_ref())?;
        let rendering = Rendering {
            release: release.metadata.release,
            files: rendered.files,
            findings: rendered.findings,
            // The order of pull requests does not matter here.
            upstream: plan::Upstream::default(),
            successors: BTreeMap::new(),
            missed: rendered.missed,
        };
        Ok(Some(self.run.plan(vec![rendering], Vec::new(), false)))
    }

    /// Metadata of each release that can be read.
    ///
    /// # Errors
    /// Rules that are wrong.
    pub fn metadata(&self, ended: &mut Ended) -> Result<Vec<Metadata>, anyhow::Error> {
        self.collect(
            self.releases
                .par_iter()
                .map(|release| self.run.metadata(*release))
                .collect(),
            ended,
        )
    }

    /// Derives all releases that can be derived.
    ///
    /// # Errors
    /// Rules that are wrong.
    pub fn derive<'r>(
        &'r self,
        metadata: &'r [Metadata],
        ended: &mut Ended,
    ) -> Result<Vec<derive::Release<'r>>, anyhow::Error> {
        self.each(metadata, ended, |metadata| {
            self.run.derive(metadata, self.ci.as_deref())
        })
    }

    /// Audits all releases that can be derived.
    ///
    /// # Errors
    /// Rules that are wrong, or a target's files that cannot be read.
    pub fn audit(&self, metadata: &[Metadata], ended: &mut Ended) -> Result<Audit, anyhow::Error> {
        let result = self.run.audit(metadata, self.ci.as_ref(), self.whole);
        let Some(audited) = self.collect(vec![result], ended)?.pop() else {
            return Err(anyhow!("the releases cannot be audited"));
        };
        for error in &audited.failed {
            tell_error(error);
            *ended = Ended::Failed;
        }
        if finding::lacks_component(&audited.findings) {
            *ended = Ended::Failed;
        }
        Ok(audited)
    }

    /// Derives all releases that can be derived, with all that can be known of their payloads.
    ///
    /// # Errors
    /// Rules that are wrong.
    pub fn derive_whole<'r>(
        &'r self,
        metadata: &'r [Metadata],
        ended: &mut Ended,
    ) -> Result<Vec<derive::Release<'r>>, anyhow::Error> {
        self.each(metadata, ended, |metadata| {
            self.run.derive_whole(metadata, self.ci.as_deref())
        })
    }

    /// Does one thing for each release's metadata, several at a time.
    fn each<'r, T: Send>(
        &self,
        metadata: &'r [Metadata],
        ended: &mut Ended,
        one: impl Fn(&'r Metadata) -> Result<T, RunError> + Send + Sync,
    ) -> Result<Vec<T>, anyhow::Error> {
        self.collect(metadata.par_iter().map(one).collect(), ended)
    }

    /// Ends what is shown meanwhile, and keeps what was learnt.
    pub fn finish(&self) {
        self.run.store().flush();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn collect<T>(&self, results: Vec<Result<T, RunError>>, ended: &mut Ended) -> Result<Vec<T>, anyhow::Error> {
        self.finish();
        let mut done = Vec::new();
        for result in results {
            match result {
                Ok(one) => done.push(one),
                Err(error @ RunError::Rules(_)) => return Err(error.into()),
                Err(error) => {
                    tell_error(&error);
                    *ended = Ended::Failed;
                }
            }
        }
        Ok(done)
    }
}

/// Says what kept a release from being derived, its findings included.
fn tell_error(error: &RunError) {
    match error {
        // What keeps it from that is said in full.
        RunError::Release { release, findings } if !findings.is_empty() => {
            say(&format!("error: release {release} cannot be derived"));
            tell(findings);
        }
        error => say(&format!("error: {error}")),
    }
}

/// Findings for people, on stderr, many of one cause as one.
pub fn tell(findings: &[Finding]) {
    for group in finding::group(&finding::by_component(findings)) {
        for line in group.to_string().lines() {
            say(&lockstep::base::text::terminal(line));
        }
    }
}

fn configuration(common: &Common) -> Result<Config, anyhow::Error> {
    let care = match common.rules.is_empty() {
        true => Care::Usual,
        false => Care::OtherRules,
    };
    let mut config = config::load_with(&common.config, care)?;
    if !common.rules.is_empty() {
        let set = |text: &String| match text.as_str() {
            "builtin" => RuleSource::Builtin,
            "feedback" => RuleSource::Feedback,
            path => RuleSource::Path(path.into()),
        };
        config.rules = common.rules.iter().map(set).collect();
    }
    config
        .rules
        .extend(common.with_rules.iter().map(|path| RuleSource::Path(path.into())));
    if !common.targets.is_empty() {
        let of_name = |name: &String| {
            let unknown = || format!("there is no target `{name}`; {}", nearest(name, &targets::names()));
            let target = targets::find(name).ok_or_else(|| Usage(unknown()))?;
            let configured = config.targets.iter().find(|chosen| chosen.target == target).cloned();
            let lacking = || {
                let given = target
                    .options
                    .required()
                    .map(|key| format!("`{}`", key.name))
                    .collect::<Vec<_>>();
                format!(
                    "target {name} needs its options {} in `targets` of the configuration",
                    given.join(", ")
                )
            };
            configured
                .or_else(|| Chosen::plain(target))
                .ok_or_else(|| Usage(lacking()))
        };
        let asked: Vec<Chosen> = common.targets.iter().map(of_name).collect::<Result<_, _>>()?;
        let before = std::mem::replace(&mut config.targets, asked);
        let left_out = before.into_iter().filter(|chosen| !config.targets.contains(chosen));
        config.left_out = left_out.collect();
    }
    Ok(config)
}

fn releases(common: &Common) -> Result<Vec<Release>, Usage> {
    let parse = |text: &String| {
        text.parse::<Release>()
            .map_err(|error| Usage(format!("--release: {error}")))
    };
    let releases = common.releases.iter().map(parse).collect::<Result<BTreeSet<_>, _>>()?;
    Ok(releases.into_iter().collect())
}

fn sources(config: &Config, bar: Option<&ProgressBar>) -> Result<Sources, anyhow::Error> {
    let sources = begin::sources(config)?;
    Ok(match bar.cloned() {
        Some(bar) => sources.with_progress(Arc::new(move |what| bar.set_message(what.to_owned()))),
        None => sources,
    })
}

/// Seconds since 1970-01-01.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
