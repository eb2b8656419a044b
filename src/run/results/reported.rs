//! Runs that were reported as statuses of commits on GitHub.

use std::collections::{BTreeMap, BTreeSet};

use super::{At, Reader};
use crate::results::{Branch, JobRun, State, merged};
use crate::source::github::{LastStep, Reported, Status};

/// What is told of it.
const SOURCE: &str = "sources.results.github";

impl Reader<'_> {
    /// Takes the runs that were reported. What stands on last steps was asked for together with where branches are; the steps
    /// below are asked for where they are not known. `branches`: each with its place on GitHub. Tells whether all could be read.
    pub(super) fn reported(&mut self, names: &BTreeSet<&str>, branches: &BTreeMap<At, At>) -> bool {
        let run = self.run;
        let Some(github) = run.sources.github() else {
            self.missing(SOURCE, "it needs `sources.components` with `via: github`");
            return false;
        };
        let mut wanted = Vec::new();
        for (at, place) in branches {
            let last = github.last_step(&place.0, &place.1);
            let is_author = |status: &&Status| {
                self.sources
                    .author
                    .as_ref()
                    .is_none_or(|author| *author == status.author)
            };
            let Some(branch) = self.followed.branches.get_mut(at) else {
                continue;
            };
            let mut known = !self.whole && !branch.waits(self.now);
            if let Some(LastStep { parent, step }) = last {
                known &= branch.take_head(merged(&step.commit, &step.message), parent.as_deref());
                take(branch, &step, names, is_author);
            }
            if !known || branch.head().is_none() {
                wanted.push((at, place.clone()));
            }
        }
        let places: Vec<At> = wanted.iter().map(|(_, place)| place.clone()).collect();
        let answers = match github.reported(&places) {
            Ok(answers) => answers,
            Err(fault) => {
                self.missing(SOURCE, fault.to_string());
                return false;
            }
        };
        let mut all = true;
        for (answer, (at, _)) in answers.into_iter().zip(wanted) {
            match answer {
                Ok(steps) => {
                    let Some(branch) = self.followed.branches.get_mut(at) else {
                        continue;
                    };
                    branch.take_steps(steps.iter().map(|step| merged(&step.commit, &step.message)).collect());
                    for step in &steps {
                        let author = self.sources.author.as_ref();
                        take(branch, step, names, |status| {
                            author.is_none_or(|author| *author == status.author)
                        });
                    }
                }
                Err(why) => {
                    all = false;
                    self.missing(SOURCE, why.to_string());
                }
            }
        }
        all
    }
}

/// Takes what was reported on a step.
fn take(branch: &mut Branch, step: &Reported, names: &BTreeSet<&str>, is_known: impl Fn(&&Status) -> bool) {
    let known = step.statuses.iter().filter(is_known);
    for status in known.filter(|status| names.contains(status.context.as_str())) {
        branch.take_run(of_status(status, &step.commit));
    }
}

/// A run as a status tells of it. Of the address only the run's id is taken, which is put on the configured base.
pub(super) fn of_status(status: &Status, commit: &str) -> JobRun {
    let last = status.link.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let is_id = !last.is_empty() && last.len() <= 30 && last.bytes().all(|byte| byte.is_ascii_digit());
    let time = chrono::DateTime::parse_from_rfc3339(&status.created_at);
    JobRun {
        job: status.context.clone(),
        build: if is_id { last.to_owned() } else { String::new() },
        commit: commit.to_owned(),
        state: State::of(&status.state),
        started: time.ok().map(|time| time.timestamp()),
        finished: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_statuss_address_only_the_id_is_taken() {
        let status = |link: &str| Status {
            context: "branch-ci-o-r-main-okd-scos-images".to_owned(),
            state: "FAILURE".to_owned(),
            link: link.to_owned(),
            created_at: "2026-01-02T00:00:00Z".to_owned(),
            author: "openshift-ci".to_owned(),
        };
        let run = of_status(&status("https://evil.example.com/view/gs/x/logs/other-job/17/"), "abc");
        assert_eq!(
            (run.build.as_str(), run.state.clone(), run.started),
            ("17", State::Failure, Some(1_767_312_000))
        );
        assert_eq!(
            run.folder().as_deref(),
            Some("logs/branch-ci-o-r-main-okd-scos-images/17")
        );
        assert_eq!(
            of_status(&status("https://evil.example.com/../../x"), "abc").folder(),
            None
        );
    }
}
