//! From arguments to a run: configuration, rules, sources, state.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use indicatif::ProgressBar;
use lockstep::audit::{self, Finding};
use lockstep::config::{self, Config, Forge, RuleSet as RuleSource, Target};
use lockstep::derive;
use lockstep::model::metadata::Metadata;
use lockstep::model::release::Release;
use lockstep::plan::Date;
use lockstep::rules::RuleSet;
use lockstep::run::{Overrides, Run, RunError, rule_files};
use lockstep::source::{Snapshot, Sources};
use lockstep::store::Store;

use super::args::Common;
use super::{Ended, Usage, progress, say};

/// A run that is ready, and what is shown meanwhile.
pub struct Ready {
    /// The run.
    pub run: Run,
    /// The CI configs, where there is such a source.
    pub ci: Option<Arc<dyn Snapshot>>,
    /// Metadata of each release that could be read.
    pub metadata: Vec<Metadata>,
    /// Whether the run is for everything that is configured.
    pub whole: bool,
    /// Whether all went well so far.
    pub ended: Ended,
    bar: Option<ProgressBar>,
}

/// Gets ready what the arguments ask for.
///
/// # Errors
/// A configuration, rule or argument that is wrong, or a source that nothing can be done without.
pub fn ready(common: &Common) -> Result<Ready, anyhow::Error> {
    let asked = releases(common)?;
    prepare(common, asked)
}

/// Gets ready for the releases from one to another that build data has.
///
/// # Errors
/// As [`ready`]; or build data lacks one of the two.
pub fn ready_between(common: &Common, from: Release, to: Release) -> Result<Ready, anyhow::Error> {
    if !common.releases.is_empty() {
        return Err(Usage("`--release` has no place here: `--from` and `--to` say which releases".into()).into());
    }
    let config = configuration(common)?;
    let sources = Sources::new(Some(config.state.clone()));
    let known = lockstep::run::releases::in_build_data(&config, &sources, Some((from, to)))?;
    let between = match known {
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
            known
                .into_iter()
                .filter(|release| (from..=to).contains(release))
                .collect()
        }
        None => {
            let text = "build data is one plain directory, which holds one release; a cut needs a repository with branches, or `{release}` in its place";
            return Err(anyhow!(text));
        }
    };
    prepare(common, between)
}

fn prepare(common: &Common, asked: Vec<Release>) -> Result<Ready, anyhow::Error> {
    let config = configuration(common)?;
    let rules = rules(&config)?;
    let overrides = Overrides::parse(&common.set).map_err(Usage)?;
    let bar = progress::bar();
    let (store, warning) = Store::open(&config.state);
    if let Some(warning) = warning {
        say(&format!("warning: {warning}"));
    }
    let run = Run {
        sources: sources(&config, bar.as_ref()),
        policy: config.policy(Some(Date::of_unix(now()))),
        store,
        rules,
        overrides,
        progress: bar.as_ref().map(progress::on),
        config,
    };
    let whole = asked.is_empty() && common.targets.is_empty() && common.set.is_empty();
    let ci = run.ci_config()?;
    let releases = run.releases(&asked, ci.as_deref())?;
    if releases.is_empty() {
        return Err(anyhow!(
            "no release is both in build data and promoted to by an OCP config; list `releases` instead"
        ));
    }
    let (mut metadata, mut ended) = (Vec::new(), Ended::Done);
    for release in releases {
        match run.metadata(release) {
            Ok(read) => metadata.push(read),
            Err(error) => {
                tell_error(&error);
                ended = Ended::Failed;
            }
        }
    }
    Ok(Ready {
        run,
        ci,
        metadata,
        whole,
        ended,
        bar,
    })
}

impl Ready {
    /// Derives all releases that can be derived.
    pub fn derive(&self, ended: &mut Ended) -> Vec<derive::Release<'_>> {
        use rayon::prelude::*;
        let derived: Vec<_> = self
            .metadata
            .par_iter()
            .map(|metadata| self.run.derive(metadata, self.ci.as_deref()))
            .collect();
        let mut releases = Vec::new();
        for result in derived {
            match result {
                Ok(release) => releases.push(release),
                Err(error) => {
                    tell_error(&error);
                    *ended = Ended::Failed;
                }
            }
        }
        self.run.store.flush();
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        releases
    }
}

/// Says what kept a release from being derived, its findings included.
fn tell_error(error: &RunError) {
    say(&format!("error: {error}"));
    if let RunError::Release { findings, .. } = error {
        tell(findings);
    }
}

/// Findings for people, on stderr, many of one cause as one.
pub fn tell(findings: &[Finding]) {
    for group in audit::group(findings) {
        for line in group.to_string().lines() {
            say(&lockstep::plan::terminal(line));
        }
    }
}

/// Says on stderr which sources could not be read: something that was asked for was not done.
pub fn unread_sources(findings: &[Finding]) -> Ended {
    let unread = findings.iter().any(|finding| finding.code == "unreadable-component");
    if unread { Ended::Failed } else { Ended::Done }
}

fn configuration(common: &Common) -> Result<Config, anyhow::Error> {
    let mut config = config::load(&common.config)?;
    if !common.rules.is_empty() {
        let set = |text: &String| match text.as_str() {
            "builtin" => RuleSource::Builtin,
            path => RuleSource::Path(path.into()),
        };
        config.rules = common.rules.iter().map(set).collect();
    }
    if !common.targets.is_empty() {
        let target = |name: &String| {
            let names: Vec<_> = Target::ALL.into_iter().map(Target::name).collect();
            Target::of_name(name)
                .ok_or_else(|| Usage(format!("there is no target `{name}`; known here: {}", names.join(", "))))
        };
        config.targets = common.targets.iter().map(target).collect::<Result<_, _>>()?;
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

fn rules(config: &Config) -> Result<RuleSet, anyhow::Error> {
    let files = rule_files::read(&config.rules).map_err(|message| anyhow!(message))?;
    RuleSet::load(&files).map_err(|faults| {
        for fault in &faults {
            say(&format!("error: {fault}"));
        }
        anyhow!(
            "the rules have {} fault{}",
            faults.len(),
            if faults.len() == 1 { "" } else { "s" }
        )
    })
}

fn sources(config: &Config, bar: Option<&ProgressBar>) -> Sources {
    let sources = Sources::new(Some(config.state.clone()));
    match bar.cloned() {
        Some(bar) => sources.with_progress(Arc::new(move |what| bar.set_message(what.to_owned()))),
        None => sources,
    }
}

/// Seconds since 1970-01-01.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// The forge that pull requests are made in.
///
/// # Errors
/// The configured forge cannot be written to by this version.
pub fn local_forge(ready: &Ready) -> Result<lockstep::forge::local::LocalForge, anyhow::Error> {
    let Forge::Local { .. } = &ready.run.config.forge else {
        let text = "`forge.kind: github` cannot be written to by this version; use `plan` and `render`, or `forge: {kind: local, dir: …}`";
        return Err(anyhow!(text));
    };
    let mut forge = ready.run.forge().context("the forge is local")?;
    if let (Some(config), Some(ci)) = (&ready.run.config.sources.ci_config, &ready.ci)
        && let Some(name) = config.name()
    {
        forge.add_home(name, config.branch.clone(), home(&config.repo(), Arc::clone(ci)));
    }
    Ok(forge)
}

/// Where branches of a target are made: in its own repository where that is local, else in one seeded from it.
fn home(location: &lockstep::source::Location, source: Arc<dyn Snapshot>) -> lockstep::forge::local::Home {
    use lockstep::forge::local::Home;
    match (location, &source.origin().commit) {
        (lockstep::source::Location::Path(path), Some(_)) => Home::Git(git_path(path)),
        _ => Home::Mirror(source),
    }
}

/// `PATH`, or `PATH.git` where only that is there.
fn git_path(path: &Path) -> std::path::PathBuf {
    if path.exists() {
        return path.to_owned();
    }
    let mut with_git = path.as_os_str().to_owned();
    with_git.push(".git");
    with_git.into()
}
