//! What is known of a branch from one look to the next: its last steps, and the runs of the jobs that build it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::answer::Suspect;
use super::run::{JobRun, State};

/// As many steps of a branch are kept.
const STEPS: usize = 40;
/// As many runs of a job are kept.
const RUNS: usize = 40;
/// For so long the end of a run is waited for that is not on the last step, in seconds: CI ends what takes longer.
const PATIENCE: i64 = 24 * 3_600;
/// As many characters of a title are kept.
const TITLE: usize = 200;

/// What is known of a branch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// Its last steps, the newest first; empty where none was told of.
    #[serde(default)]
    pub steps: Vec<Suspect>,
    /// The runs of its jobs by job, the newest first.
    #[serde(default)]
    pub runs: BTreeMap<String, Vec<JobRun>>,
}

impl Branch {
    /// The last step.
    pub fn head(&self) -> Option<&str> {
        self.steps.first().map(|step| step.commit.as_str())
    }

    /// Takes a branch's steps as they are, the newest first. What was known before stands below them.
    pub fn take_steps(&mut self, steps: Vec<Suspect>) {
        let Some(oldest) = steps.last().map(|step| step.commit.clone()) else {
            return;
        };
        let below = self.steps.iter().position(|step| step.commit == oldest);
        let before = below.map(|at| self.steps.split_off(at + 1)).unwrap_or_default();
        self.steps = steps.into_iter().chain(before).take(STEPS).collect();
    }

    /// Takes a branch's last step. Tells whether it is known what stands below it: where it is not, steps are missing.
    pub fn take_head(&mut self, step: Suspect, parent: Option<&str>) -> bool {
        match self.head() {
            Some(head) if head == step.commit => true,
            Some(head) if Some(head) == parent => {
                self.steps.insert(0, step);
                self.steps.truncate(STEPS);
                true
            }
            _ => false,
        }
    }

    /// Takes a run, which may be known by another state. A run that has ended stays so: of what was told later of the same run
    /// only another end counts.
    pub fn take_run(&mut self, run: JobRun) {
        let runs = self.runs.entry(run.job.clone()).or_default();
        let same = |known: &&mut JobRun| match run.build.is_empty() {
            true => known.build.is_empty() && known.commit == run.commit,
            false => known.build == run.build || (known.build.is_empty() && known.commit == run.commit),
        };
        match runs.iter_mut().find(same) {
            Some(known) => {
                let (started, finished) = (known.started, known.finished);
                // What is known of when it began was told when it began.
                let began = if started.is_none() { run.started } else { started };
                let is_end = |state: &State| !matches!(state, State::Running | State::Unknown(_));
                if is_end(&run.state) || !is_end(&known.state) {
                    *known = JobRun {
                        started: began,
                        finished: run.finished.or(finished),
                        ..run
                    };
                }
            }
            None => runs.push(run),
        }
        runs.sort_by(|one, other| other.order().cmp(&one.order()));
        runs.truncate(RUNS);
    }

    /// The steps after one commit up to another, the newest first; `None` where one of the two is not known.
    pub fn between(&self, after: &str, up_to: &str) -> Option<Vec<Suspect>> {
        let at = |commit: &str| self.steps.iter().position(|step| step.commit == commit);
        Some(self.steps.get(at(up_to)?..at(after)?)?.to_vec())
    }

    /// Whether the end of a run is waited for that nobody would be told of by the last step alone.
    pub fn waits(&self, now: i64) -> bool {
        let older = |run: &JobRun| Some(run.commit.as_str()) != self.head();
        self.runs.values().any(|runs| {
            // A newer run of the job says more than the end of an older one.
            runs.first().is_some_and(|run| {
                let young = run.started.is_some_and(|started| now - started < PATIENCE);
                run.state == State::Running && older(run) && young
            })
        })
    }
}

/// The pull request that a commit merges, and its title.
pub fn merged(commit: &str, message: &str) -> Suspect {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let short = |text: &str| text.chars().take(TITLE).collect::<String>();
    let (pull, title) = match first.strip_prefix("Merge pull request #") {
        Some(rest) => (
            rest.split(' ').next().and_then(|number| number.parse().ok()),
            short(lines.next().unwrap_or(first)),
        ),
        None => {
            let squashed = first.strip_suffix(')').and_then(|text| text.rsplit_once("(#"));
            (squashed.and_then(|(_, number)| number.parse().ok()), short(first))
        }
    };
    Suspect {
        commit: commit.to_owned(),
        pull,
        title,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(build: &str, commit: &str, state: State, started: i64) -> JobRun {
        JobRun {
            job: "job".to_owned(),
            build: build.to_owned(),
            commit: commit.to_owned(),
            state,
            started: Some(started),
            finished: None,
        }
    }

    fn branch(commits: &[&str]) -> Branch {
        let mut branch = Branch::default();
        branch.take_steps(commits.iter().map(|commit| merged(commit, "Fix it (#1)")).collect());
        branch
    }

    fn commits(branch: &Branch) -> Vec<&str> {
        branch.steps.iter().map(|step| step.commit.as_str()).collect()
    }

    #[test]
    fn a_commit_says_which_pull_request_it_merges() {
        let of = |message: &str| {
            let Suspect { pull, title, .. } = merged("abc", message);
            (pull, title)
        };
        let merge = "Merge pull request #729 from someone/branch\n\nOKD-306: Add the missing file\n";
        assert_eq!(of(merge), (Some(729), "OKD-306: Add the missing file".to_owned()));
        assert_eq!(of("Fix it (#12)\n"), (Some(12), "Fix it (#12)".to_owned()));
        assert_eq!(of("Fix it\n"), (None, "Fix it".to_owned()));
        assert_eq!(of(&"x".repeat(1_000_000)).1.len(), TITLE);
    }

    #[test]
    fn steps_grow_at_the_top_and_are_asked_for_where_one_is_missing() {
        let mut known = branch(&["b", "a"]);
        assert!(known.take_head(merged("b", ""), Some("a")), "nothing is new");
        assert!(
            known.take_head(merged("c", ""), Some("b")),
            "what is new stands on what is known"
        );
        assert_eq!(commits(&known), ["c", "b", "a"]);
        assert!(!known.take_head(merged("f", ""), Some("e")), "something lies between");
        known.take_steps(["f", "e", "d", "c"].map(|commit| merged(commit, "")).to_vec());
        assert_eq!(commits(&known), ["f", "e", "d", "c", "b", "a"]);
        known.take_steps(["z", "y"].map(|commit| merged(commit, "")).to_vec());
        assert_eq!(
            commits(&known),
            ["z", "y"],
            "pushed with force: what was before is gone"
        );
        let many: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        known.take_steps(many.iter().map(|commit| merged(commit, "")).collect());
        assert_eq!(known.steps.len(), STEPS);
    }

    #[test]
    fn a_run_is_known_once_by_its_last_state() {
        let mut known = branch(&["b", "a"]);
        known.take_run(run("", "b", State::Running, 10));
        known.take_run(run("7", "b", State::Running, 10));
        known.take_run(run("7", "b", State::Failure, 90));
        known.take_run(run("7", "b", State::Running, 95));
        let runs = &known.runs["job"];
        assert_eq!(runs.len(), 1);
        assert_eq!((&runs[0].state, runs[0].started), (&State::Failure, Some(10)));
        known.take_run(run("9", "b", State::Success, 120));
        known.take_run(run("8", "b", State::Failure, 110));
        let order: Vec<&str> = known.runs["job"].iter().map(|run| run.build.as_str()).collect();
        assert_eq!(order, ["9", "8", "7"]);
        for build in 10..100 {
            known.take_run(run(&build.to_string(), "b", State::Success, 0));
        }
        assert_eq!(
            (known.runs["job"].len(), known.runs["job"][0].build.as_str()),
            (RUNS, "99")
        );
    }

    #[test]
    fn the_end_of_a_run_below_the_last_step_is_waited_for_a_day() {
        let mut known = branch(&["b", "a"]);
        known.take_run(run("1", "b", State::Running, 1_000));
        assert!(!known.waits(2_000), "the last step tells of it by itself");
        known.take_head(merged("c", ""), Some("b"));
        assert!(known.waits(2_000));
        assert!(!known.waits(1_000 + PATIENCE), "it will not come any more");
        known.take_run(run("2", "c", State::Success, 2_000));
        assert!(!known.waits(2_100), "a newer one has told more");
    }
}
