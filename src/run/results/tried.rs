//! Tries the sources of results, each with as little as tells whether it will do.

use std::collections::BTreeSet;
use std::io::Read as _;

use super::reported::of_status;
use super::{At, DECK, cluster};
use crate::base::{Release, RepoName};
use crate::config::ResultSources;
use crate::results::JobRun;
use crate::results::payload;
use crate::run::Run;
use crate::source::cluster::list;
use crate::source::{Location, NO_BUCKET, NO_KEY, SourceError};

/// So much of deck's list is read, in bytes: whether it is one stands at its beginning.
const BEGINNING: u64 = 4 << 10;
/// The largest file of an artifact or a stream that is read.
const BYTES: u64 = 16 << 20;

/// A source that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its key in the configuration.
    pub source: &'static str,
    /// What was found.
    pub found: Found,
}

/// What was found of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It will do.
    Good(String),
    /// Whether it will do cannot be told, and why.
    Unclear(String),
    /// Why it will not do.
    Bad(String),
}

impl From<Result<String, String>> for Found {
    fn from(found: Result<String, String>) -> Self {
        found.map_or_else(Self::Bad, Self::Good)
    }
}

impl Run {
    /// Tries each source of results that is configured. `component`: one whose statuses are looked at.
    pub fn try_results(&self, releases: &[Release], component: Option<&(RepoName, String)>) -> Vec<Tried> {
        let Some(sources) = &self.config.sources.results else {
            return Vec::new();
        };
        let mut tried = Vec::new();
        let mut runs = Vec::new();
        if sources.github {
            let found = self.try_statuses(sources, component, &mut runs).into();
            tried.push(Tried {
                source: "sources.results.github",
                found,
            });
        }
        if let Some(deck) = &sources.deck {
            let found = self.try_deck(deck).into();
            tried.push(Tried {
                source: "sources.results.prow.deck",
                found,
            });
        }
        if let Some(artifacts) = &sources.artifacts {
            let found = self.try_artifacts(artifacts, &runs);
            tried.push(Tried {
                source: "sources.results.prow.artifacts",
                found,
            });
        }
        tried.extend(self.try_streams(sources, releases));
        if let Some(namespace) = &sources.namespace {
            let found = try_cluster(namespace).into();
            tried.push(Tried {
                source: "sources.results.kubernetes",
                found,
            });
        }
        tried
    }

    /// Whether statuses of a component's last steps can be read; the runs that they tell of.
    fn try_statuses(
        &self,
        sources: &ResultSources,
        component: Option<&At>,
        runs: &mut Vec<JobRun>,
    ) -> Result<String, String> {
        let reader = self
            .sources
            .github()
            .ok_or("it needs `sources.components` with `via: github`")?;
        let (repo, branch) = component.ok_or("no component is known whose statuses could be read")?;
        let found = reader
            .reported(&[(repo.clone(), branch.clone())])
            .map_err(|fault| fault.to_string())?;
        let steps = found.into_iter().next().unwrap_or_else(|| Ok(Vec::new()));
        let steps = steps.map_err(|why| why.to_string())?;
        let mut contexts = BTreeSet::new();
        for step in &steps {
            let known = |author: &String| sources.author.as_ref().is_none_or(|wanted| wanted == author);
            for status in step.statuses.iter().filter(|status| known(&status.author)) {
                contexts.insert(status.context.as_str());
                let run = of_status(status, &step.commit);
                // Others than Prow set statuses, too: of its own runs the address ends like the folder.
                let ends = |folder: String| status.link.trim_end_matches('/').ends_with(&folder);
                runs.extend(run.folder().is_some_and(ends).then_some(run));
            }
        }
        Ok(format!(
            "statuses of {repo}, branch {branch}, are read: jobs that told of its last steps: {}",
            contexts.len()
        ))
    }

    /// Whether deck's list begins as one.
    fn try_deck(&self, deck: &Location) -> Result<String, String> {
        let reader = self
            .sources
            .below(deck, DECK, BEGINNING)
            .map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        reader
            .take(BEGINNING)
            .read_to_end(&mut bytes)
            .map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&bytes);
        match text.trim_start().starts_with('{') && text.contains("\"items\"") {
            true => Ok("it lists jobs".to_owned()),
            false => Err("what it answers is no list of jobs".to_owned()),
        }
    }

    /// Whether a run that is known has left something; where none is known, whether the server answers.
    fn try_artifacts(&self, artifacts: &Location, runs: &[JobRun]) -> Found {
        if let Location::Path(path) = artifacts
            && self.sources.below(artifacts, "/.", 1).is_err()
        {
            return Found::Bad(format!("{} is no folder that can be read", path.display()));
        }
        let folder = runs.iter().find_map(JobRun::folder);
        let suffix = match &folder {
            Some(folder) => format!("/{folder}/started.json"),
            None => "/logs".to_owned(),
        };
        let later = "which runs left something there is seen when one is looked into";
        let is_remote = matches!(artifacts, Location::Url(_));
        match (self.sources.bytes_below(artifacts, &suffix, BYTES), folder) {
            (Ok(_), Some(folder)) => Found::Good(format!("{folder} is there")),
            (Ok(_), None) => Found::Good(format!("it answers; {later}")),
            (Err(SourceError::NoFile { code, .. }), folder) => match (code.as_deref(), folder) {
                (Some(NO_BUCKET), _) => Found::Bad(format!(
                    "it answers, and has no such bucket (`{NO_BUCKET}`): the bucket's name is what the address of a job's page has \
                     between `/view/gs/` and `/logs/`"
                )),
                (_, Some(folder)) => Found::Bad(format!("{folder} is not there, though a status tells of that run")),
                (Some(NO_KEY), None) => Found::Good(format!("the bucket is there; {later}")),
                (_, None) if is_remote => Found::Unclear(format!(
                    "it answers that nothing is at `{suffix}`, which it may say of a wrong address as well; {later}"
                )),
                (_, None) => Found::Good(format!("the folder is there; {later}")),
            },
            (Err(error), _) => Found::Bad(error.to_string()),
        }
    }

    /// Each stream of the release controller.
    fn try_streams(&self, sources: &ResultSources, releases: &[Release]) -> Vec<Tried> {
        let Some(controller) = &sources.release_controller else {
            return Vec::new();
        };
        let mut names = BTreeSet::new();
        for stream in &controller.streams {
            names.extend(
                releases
                    .iter()
                    .map(|release| stream.replace("{release}", &release.to_string())),
            );
        }
        let one = |name: String| {
            let path = format!("/api/v1/releasestream/{name}/tags");
            let bytes = self.sources.bytes_below(&controller.url, &path, BYTES);
            let bytes = bytes.map_err(|error| match error {
                SourceError::NoFile { .. } => format!("it has no stream `{name}`"),
                error => format!("{name}: {error}"),
            })?;
            let found = payload::stream(&name, &bytes).ok_or_else(|| format!("{name}: it is no list of tags"))?;
            Ok(match found.newest {
                Some(newest) => format!("{name}: the newest payload is {newest}"),
                None => format!("{name}: it has no payload"),
            })
        };
        names
            .into_iter()
            .map(|name| Tried {
                source: "sources.results.release-controller",
                found: one(name).into(),
            })
            .collect()
    }
}

/// Whether builds can be listed.
fn try_cluster(namespace: &str) -> Result<String, String> {
    let (mut builds, mut runs) = (0, 0);
    let known = list(namespace, &cluster::KINDS, &mut |plural, _| match plural {
        "builds" => builds += 1,
        _ => runs += 1,
    });
    let known = known.map_err(|error| error.to_string())?;
    match known {
        0 => Err(cluster::NO_KIND.to_owned()),
        _ => Ok(format!(
            "{builds} Builds and {runs} PipelineRuns are listed in {namespace}"
        )),
    }
}
