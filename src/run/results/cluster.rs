//! Builds on a cluster, beside what CI says of the same images.

use std::collections::BTreeMap;

use super::Reader;
use crate::base::Release;
use crate::results::answer::{Elsewhere, ImageResult, ImageState};
use crate::results::cluster::{Built, Names, build, pipeline_run};
use crate::results::{Classifier, row, spells};
use crate::source::cluster::list;

/// What is told of it.
const SOURCE: &str = "sources.results.kubernetes";
/// A cluster is not asked again within so many seconds where nobody waits for the answer.
const PAUSE: i64 = 300;
/// What is listed: Builds, and runs of pipelines.
pub(super) const KINDS: [(&str, &str); 2] = [("build.openshift.io/v1", "builds"), ("tekton.dev/v1", "pipelineruns")];

/// What is said where the cluster knows neither.
pub(super) const NO_KIND: &str = "the cluster knows neither OpenShift's Builds nor Tekton's PipelineRuns";

/// What was read of a cluster.
#[derive(Debug, Default)]
pub(super) struct OnCluster {
    at: Option<i64>,
    all: Vec<Built>,
    /// Why it could not be read the last time; what is known is older then.
    unread: Option<String>,
}

impl Reader<'_> {
    /// Lists the builds of the configured namespace, unless that was done a moment ago.
    pub(super) fn list(&mut self) {
        let Some(namespace) = &self.sources.namespace else {
            self.followed.cluster = OnCluster::default();
            return;
        };
        let read_at = self.followed.cluster.at;
        let is_fresh = read_at.is_some_and(|at| !self.whole && (0..PAUSE).contains(&(self.now - at)));
        if !is_fresh {
            let mut all = Vec::new();
            let read = list(namespace, &KINDS, &mut |plural, object| {
                all.extend(match plural {
                    "builds" => build(object),
                    _ => pipeline_run(object),
                });
            });
            let cluster = &mut self.followed.cluster;
            cluster.at = Some(self.now);
            cluster.unread = match read {
                Ok(0) => Some(NO_KIND.to_owned()),
                Ok(_) => {
                    cluster.all = all;
                    None
                }
                Err(why) => Some(why.to_string()),
            };
        }
        if let Some(why) = self.followed.cluster.unread.clone() {
            self.missing(SOURCE, why);
        }
    }

    /// Puts what a cluster says of a release's images in the place of what nobody else says, else beside it.
    pub(super) fn add_builds(
        &self,
        results: &mut BTreeMap<String, ImageResult>,
        release: Release,
        names: &Names,
        classifier: &Classifier<'_>,
    ) {
        for (tag, runs) in names.rows(&self.followed.cluster.all, classifier) {
            let Some(result) = results.get_mut(&tag) else {
                tracing::debug!(%release, tag, "a build of an image that the release does not have");
                continue;
            };
            let newest = runs
                .iter()
                .max_by(|(one, _), (other, _)| one.order().cmp(&other.order()));
            let job = newest.map(|(run, _)| run.job.clone()).unwrap_or_default();
            let history = spells(runs.clone());
            let row = row(runs);
            let commit = |run: &Option<crate::results::JobRun>| {
                run.as_ref()
                    .map(|run| run.commit.clone())
                    .filter(|commit| !commit.is_empty())
            };
            let since_time = row.since.as_ref().and_then(|run| run.started);
            let since_time = since_time.map(|started| started.min(self.now));
            if result.history.is_empty() {
                result.job = job;
                (result.state, result.says) = (row.state, row.says);
                (result.since, result.last_good) = (commit(&row.since), commit(&row.last_good));
                (result.since_time, result.attempts, result.lines) = (since_time, row.attempts, row.lines);
                (result.history, result.twin) = (history, String::new());
            } else {
                let builds = row.state == ImageState::Builds;
                result.elsewhere = Some(Elsewhere {
                    job,
                    state: row.state,
                    says: row.says,
                    since: commit(&row.since).filter(|_| !builds),
                    since_time: since_time.filter(|_| !builds),
                });
            }
        }
    }
}
