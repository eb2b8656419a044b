//! The images of one job: how each stands by the runs that are known.

use std::collections::BTreeMap;

use super::Reader;
use crate::base::Release;
use crate::results::answer::{ImageResult, ImageState, Suspect};
use crate::results::{Artifacts, Classifier, Job, JobRun, Outcome, State, merged, outcomes, row, spells};

/// Of so many failed runs of a job, the newest, artifacts are read.
const FAILED_RUNS: usize = 6;

impl Reader<'_> {
    /// The images of one job.
    pub(super) fn of_job(
        &mut self,
        job: &Job,
        release: Release,
        classifier: &Classifier<'_>,
    ) -> BTreeMap<String, ImageResult> {
        let at = (job.repository.clone(), job.branch.clone());
        let known = self.followed.branches.get(&at);
        let of = |name: &str| {
            known
                .and_then(|branch| branch.runs.get(name))
                .cloned()
                .unwrap_or_default()
        };
        let (own, twins) = (of(&job.name), of(&job.twin));
        let mut rows = self.rows(job, &own, classifier);
        let mut results = BTreeMap::new();
        for tag in &job.images {
            let runs = rows.remove(tag).unwrap_or_default();
            let history = spells(runs.clone());
            let row = row(runs);
            let commit = |run: &Option<JobRun>| run.as_ref().map(|run| run.commit.clone()).filter(|id| !id.is_empty());
            let (since, last_good) = (commit(&row.since), commit(&row.last_good));
            let fails = matches!(row.state, ImageState::Broken);
            let suspects = match (&last_good, &since, fails) {
                (Some(good), Some(bad), true) => self.suspects(job, release, good, bad),
                _ => Vec::new(),
            };
            let started = row.since.as_ref().and_then(|run| run.started);
            let result = ImageResult {
                image: tag.clone(),
                repository: job.repository.to_string(),
                branch: job.branch.clone(),
                job: job.name.clone(),
                state: row.state,
                says: row.says,
                because: row.because,
                // A clock that is ahead makes nothing begin tomorrow.
                since_time: started.map(|started| started.min(self.now)),
                okd_only: fails.then(|| okd_only(&row.failing, &twins)).flatten(),
                twin: job.twin.clone(),
                since,
                last_good,
                attempts: row.attempts,
                lines: row.lines,
                suspects,
                run: row.last.as_ref().or(own.first()).and_then(JobRun::folder),
                elsewhere: None,
                history,
                silenced: self.silence(tag, release),
            };
            results.insert(tag.clone(), result);
        }
        results
    }

    /// What each run says of each image of a job.
    fn rows(
        &mut self,
        job: &Job,
        own: &[JobRun],
        classifier: &Classifier<'_>,
    ) -> BTreeMap<String, Vec<(JobRun, Outcome)>> {
        let mut rows: BTreeMap<String, Vec<(JobRun, Outcome)>> = BTreeMap::new();
        let mut failed = 0;
        for run in own {
            if run.state == State::Failure {
                failed += 1;
            }
            let artifacts = || match failed <= FAILED_RUNS {
                true => self.artifacts(run, &job.images),
                false => Artifacts::Unreadable("it is older than the runs that are looked into".to_owned()),
            };
            for (tag, outcome) in outcomes(run, &job.images, artifacts, classifier).unwrap_or_default() {
                rows.entry(tag).or_default().push((run.clone(), outcome));
            }
        }
        rows
    }

    /// Why nobody is to hear of an image.
    fn silence(&self, tag: &str, release: Release) -> Option<String> {
        let today = self.run.today();
        let mut all = self.run.config.feedback.silence.iter();
        let holds = all.find(|one| {
            let ended = today.is_some_and(|today| today > one.until);
            one.image == tag && one.release.is_none_or(|only| only == release) && !ended
        });
        holds.map(|one| format!("{} ({}, until {})", one.reason, one.author, one.until))
    }

    /// What was merged between a good commit and a bad one, where the repository is at hand.
    fn suspects(&self, job: &Job, release: Release, good: &str, bad: &str) -> Vec<Suspect> {
        let at = (job.repository.clone(), job.branch.clone());
        let branch = self.followed.branches.get(&at);
        let reported = branch.and_then(|branch| branch.between(good, bad));
        reported.unwrap_or_else(|| {
            let location = self.run.config.sources.components.repo(release, &job.repository);
            let between = location.and_then(|location| self.run.sources.between(&location, good, bad).ok());
            let steps = between.unwrap_or_default().into_iter();
            steps.map(|(commit, message)| merged(&commit, &message)).collect()
        })
    }
}

/// Whether OKD alone fails: OCP's job succeeded on a commit on which OKD's does not. Where both fail, and OCP's is mended later, it is
/// from then on that OKD's fails alone.
fn okd_only(failing: &[String], twins: &[JobRun]) -> Option<bool> {
    let mut of_them = twins
        .iter()
        .filter(|run| !run.commit.is_empty() && failing.contains(&run.commit));
    match () {
        () if of_them.clone().any(|run| run.state == State::Success) => Some(true),
        () if of_them.any(|run| run.state == State::Failure) => Some(false),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twin_of_the_same_commit_says_whether_okd_fails_alone() {
        let run = |commit: &str, state| JobRun {
            job: "twin".to_owned(),
            build: "1".to_owned(),
            commit: commit.to_owned(),
            state,
            started: None,
            finished: None,
        };
        let twins = [
            run("a", State::Success),
            run("b", State::Failure),
            run("c", State::Running),
        ];
        let only = |failing: &[&str]| {
            let failing: Vec<String> = failing.iter().map(|&commit| commit.to_owned()).collect();
            okd_only(&failing, &twins)
        };
        assert_eq!(only(&["a"]), Some(true));
        assert_eq!(only(&["b"]), Some(false));
        assert_eq!((only(&["c"]), only(&["d"]), only(&[""])), (None, None, None));
        assert_eq!(only(&["a", "b"]), Some(true), "OCP's was mended, and OKD's was not");
        assert_eq!(only(&["c", "b"]), Some(false));
    }
}
