//! Tells the pull requests of others what they would do to OKD, where that is configured.

use std::collections::BTreeSet;

use super::branches::Depth;
use super::impact::{Asked, ImpactError};
use super::place::Place;
use super::{Run, RunError};
use crate::audit::pattern::matches;
use crate::base::text::inert;
use crate::base::{Release, RepoName};
use crate::config::{CiConfig, Form as Wanted, Pulls};
use crate::derive::Standing;
use crate::derive::payload::Demand;
use crate::forge::github::tell::{Answer, Form, Told};
use crate::github::Credential;
use crate::impact::{self, Impact, Verdict};
use crate::source::github::OpenPull;

/// What became of one pull request.
#[derive(Clone, Debug)]
pub struct ToldPull {
    /// The repository.
    pub repository: RepoName,
    /// Its number.
    pub pull: u64,
    /// What became of its answer, or why there is none.
    pub told: Result<Told, String>,
}

/// For how long answers are counted, in seconds.
const HOUR: i64 = 3_600;
/// Must change when what is remembered has another form.
const VERSION: u32 = 1;

impl Run {
    /// Looks at the open pull requests of the configured repositories, and gives each an answer that has not got it. `now`: seconds
    /// since 1970.
    ///
    /// # Errors
    /// Rules that are wrong, or pull requests that cannot be listed.
    pub fn tell_pulls(
        &mut self,
        place: &Place,
        releases: &[Release],
        dry_run: bool,
        now: i64,
    ) -> Result<Vec<ToldPull>, RunError> {
        let Some(pulls) = self.config.feedback.pulls.clone() else {
            return Ok(Vec::new());
        };
        let (Place::GitHub(forge), Some(reader)) = (place, self.sources.github().cloned()) else {
            let text =
                "`feedback.pulls` needs `forge` with `kind: github`, and `sources.components` with `via: github`";
            return Err(RunError::Config(text.to_owned()));
        };
        let form = self.form(&pulls)?;
        let names: Vec<RepoName> = self.told_repositories(&pulls, releases)?.into_iter().collect();
        let open = reader
            .open_pulls(&names)
            .map_err(|fault| RunError::Config(fault.to_string()))?;
        let mut sent = self.sent(now);
        let mut told = Vec::new();
        for OpenPull {
            repo: repository,
            number: pull,
            ..
        } in open.pulls
        {
            let outcome = match self.answer(&repository, pull, releases, &pulls) {
                Ok(None) => continue,
                Err(error) => Err(error.to_string()),
                Ok(Some(answer)) => {
                    let is_full = sent.len() >= pulls.max_new;
                    match forge
                        .tell(&answer, form, dry_run || is_full)
                        .map_err(|fault| fault.to_string())
                    {
                        Ok(Told::Written(_)) if is_full => {
                            let most = pulls.max_new;
                            Ok(Told::Waits(format!(
                                "{most} answers were given within the last hour (`feedback.pulls.max-new`)"
                            )))
                        }
                        Ok(Told::Written(lines)) => {
                            sent.push(now);
                            Ok(Told::Written(lines))
                        }
                        other => other,
                    }
                }
            };
            told.push(ToldPull {
                repository,
                pull,
                told: outcome,
            });
        }
        if !dry_run {
            self.store.put("feedback", VERSION, b"sent", &sent);
        }
        Ok(told)
    }

    /// When answers were given within the last hour.
    fn sent(&self, now: i64) -> Vec<i64> {
        let known: Option<Vec<i64>> = self.store.get("feedback", VERSION, b"sent");
        let mut sent = known.unwrap_or_default();
        sent.retain(|at| now - at < HOUR);
        sent
    }

    fn form(&self, pulls: &Pulls) -> Result<Form, RunError> {
        match (pulls.form, &self.config.forge) {
            (Wanted::Status, _) => Ok(Form::Status),
            (
                Wanted::Check,
                crate::config::Forge::GitHub {
                    credential: Credential::App { id, .. },
                    ..
                },
            ) => Ok(Form::Check(*id)),
            (Wanted::Check, _) => {
                let text = "`feedback.pulls.as: check` needs `forge.app`: only an app can write checks; a token can set a status";
                Err(RunError::Config(text.to_owned()))
            }
        }
    }

    /// The repositories whose pull requests are told: components of the releases, build data and CI configs, as far as a pattern
    /// names them.
    fn told_repositories(&self, pulls: &Pulls, releases: &[Release]) -> Result<BTreeSet<RepoName>, RunError> {
        let mut names = BTreeSet::new();
        let ci = self.ci_config()?;
        for release in releases {
            let metadata = self.metadata(*release)?;
            let outline = self.outline(&metadata, ci.as_deref(), &Demand::default(), Depth::Branch)?;
            let built = outline
                .images
                .values()
                .filter(|image| !matches!(image.standing, Standing::Dropped(_)));
            names.extend(built.filter_map(|image| image.repository.value.clone()));
            names.extend(self.config.sources.build_data.repo(*release).name());
        }
        names.extend(self.config.sources.ci_config.as_ref().and_then(CiConfig::name));
        names.retain(|name| {
            pulls
                .repositories
                .iter()
                .any(|pattern| matches(pattern, &name.to_string()))
        });
        Ok(names)
    }

    /// The answer for a pull request; `None` where nothing that decides a build is touched.
    fn answer(
        &mut self,
        repository: &RepoName,
        pull: u64,
        releases: &[Release],
        pulls: &Pulls,
    ) -> Result<Option<Answer>, ImpactError> {
        let asked = Asked {
            repository: repository.clone(),
            pull: Some(pull),
            base: None,
            head: String::new(),
            branch: None,
            at: None,
        };
        let found = self.impact(&asked, releases)?;
        let says = |release: &impact::OfRelease| {
            let found = !release.new.is_empty() || !release.gone.is_empty() || release.verdict != Verdict::Nothing;
            found || !release.values.is_empty() || !release.files.is_empty() || release.rebuild.is_some()
        };
        if !found.releases.iter().any(says) {
            return Ok(None);
        }
        Ok(Some(Answer {
            repo: repository.clone(),
            pull,
            head: found.head.clone(),
            holds: found.verdict == Verdict::Breaks && pulls.breaks_fail,
            warns: matches!(found.verdict, Verdict::Breaks | Verdict::Changes),
            title: line(&found),
            summary: impact::markdown(&found),
            digest: found.digest,
        }))
    }
}

/// The answer in a line.
fn line(found: &Impact) -> String {
    inert(&format!("{}: {}", found.verdict.name(), found.sentence))
}

impl std::fmt::Display for ToldPull {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { repository, pull, told } = self;
        match told {
            Ok(Told::Already) => write!(f, "{repository}#{pull}: answered already"),
            Ok(Told::Written(lines)) => write!(f, "{repository}#{pull}: {}", lines.join("; ")),
            Ok(Told::Waits(why)) => write!(f, "{repository}#{pull}: waits: {why}"),
            Err(why) => write!(f, "{repository}#{pull}: not answered: {why}"),
        }
    }
}
