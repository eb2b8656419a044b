//! Reads what CI says of the jobs that build images, and puts it together.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::{Run, RunError};
use crate::base::{Date, Release, RepoName};
use crate::config::ResultSources;
use crate::results::answer::{ImageResult, ImageState, OfRelease, Payload, Results, Suspect, Unread};
use crate::results::{
    Artifacts, Classifier, Images, Job, JobRun, Outcome, State, deck, jobs, junit, outcomes, row, settle, step_graph,
};
use crate::source::github::Status;

/// The version of the answer's form.
const VERSION: u32 = 1;
/// The largest list of deck's that is read, in bytes. It is read in a stream.
const DECK_BYTES: u64 = 400 << 20;
/// The largest answer of the release controller that is read, in bytes.
const TAGS_BYTES: u64 = 16 << 20;
/// Of so many failed runs of a job, the newest, artifacts are read.
const FAILED_RUNS: usize = 6;
/// Deck leaves these out of its list, which is long enough without.
const DECK: &str = "/prowjobs.js?omit=annotations,labels,decoration_config,pod_spec";

/// What is asked of results.
#[derive(Clone, Debug, Default)]
pub struct ResultsAsked {
    /// Only this image, by payload tag.
    pub image: Option<String>,
    /// Only what does not build since this day or later.
    pub since: Option<Date>,
}

impl Run {
    /// Which images of releases do not build.
    ///
    /// # Errors
    /// Rules that are wrong; or no source of results is configured.
    pub fn results(&self, releases: &[Release], asked: &ResultsAsked) -> Result<Results, RunError> {
        let Some(sources) = &self.config.sources.results else {
            let text = "no results can be read: `sources.results` of the configuration names none";
            return Err(RunError::Config(text.to_owned()));
        };
        let rules = self.rules()?;
        let mut reader = Reader {
            run: self,
            sources,
            unread: BTreeSet::new(),
            steps: BTreeMap::new(),
        };
        let ci = self.ci_config()?;
        let (mut built, mut all) = (BTreeMap::new(), Vec::new());
        for release in releases {
            let metadata = match self.metadata(*release) {
                Ok(metadata) => metadata,
                Err(error) => {
                    reader.missing(&format!("release {release}"), error.to_string());
                    continue;
                }
            };
            match self.derive(&metadata, ci.as_deref()) {
                Ok(derived) => drop(built.insert(*release, jobs(&derived, rules))),
                Err(error @ RunError::Rules(_)) => return Err(error),
                Err(error) => reader.missing(&format!("release {release}"), error.to_string()),
            }
        }
        let names: BTreeSet<&str> = built
            .values()
            .flat_map(|built| &built.jobs)
            .flat_map(|job| [job.name.as_str(), job.twin.as_str()])
            .collect();
        let branches: BTreeSet<_> = built
            .values()
            .flat_map(|built| &built.jobs)
            .map(|job| (job.repository.clone(), job.branch.clone()))
            .collect();
        let runs = reader.runs(&names, branches);
        for (release, built) in &built {
            let mut results = BTreeMap::new();
            let classifier = Classifier::new(rules, *release);
            for job in &built.jobs {
                results.extend(reader.of_job(job, *release, &runs, &classifier));
            }
            settle(Images {
                results: &mut results,
                parents: &built.parents,
            });
            let mut images: Vec<ImageResult> = results.into_values().collect();
            images.retain(|image| is_asked(image, asked));
            all.push(OfRelease {
                release: release.to_string(),
                images,
                payloads: reader.payloads(*release),
            });
        }
        Ok(Results {
            version: VERSION,
            releases: all,
            unread: reader.unread.into_iter().collect(),
        })
    }
}

fn is_asked(image: &ImageResult, asked: &ResultsAsked) -> bool {
    let named = asked.image.as_ref().is_none_or(|tag| *tag == image.image);
    let later = asked.since.is_none_or(|day| {
        let since = image.since_time.map(Date::of_unix);
        since.is_some_and(|since| since >= day)
    });
    named && later
}

/// Reads sources; each fails alone.
struct Reader<'r> {
    run: &'r Run,
    sources: &'r ResultSources,
    unread: BTreeSet<Unread>,
    /// The last steps of branches, the newest first: commits and their messages.
    steps: BTreeMap<(RepoName, String), Vec<(String, String)>>,
}

impl Reader<'_> {
    fn missing(&mut self, source: &str, why: impl Into<String>) {
        self.unread.insert(Unread {
            source: source.to_owned(),
            why: why.into(),
        });
    }

    /// The runs of jobs, by job.
    fn runs(
        &mut self,
        names: &BTreeSet<&str>,
        branches: BTreeSet<(RepoName, String)>,
    ) -> BTreeMap<String, Vec<JobRun>> {
        let mut by_job: BTreeMap<String, Vec<JobRun>> = BTreeMap::new();
        if self.sources.github {
            let branches: Vec<_> = branches.into_iter().collect();
            for run in self.reported(names, &branches) {
                by_job.entry(run.job.clone()).or_default().push(run);
            }
        }
        if let Some(base) = &self.sources.deck {
            let reader = self.run.sources.below(base, DECK, DECK_BYTES);
            let read = reader.map_err(|error| error.to_string());
            match read.and_then(|reader| deck(reader, &|job| names.contains(job)).map_err(|error| error.to_string())) {
                Ok(runs) => {
                    for run in runs {
                        by_job.entry(run.job.clone()).or_default().push(run);
                    }
                }
                Err(why) => self.missing("sources.results.prow.deck", why),
            }
        }
        by_job
    }

    /// The runs that were reported as statuses of commits.
    fn reported(&mut self, names: &BTreeSet<&str>, branches: &[(RepoName, String)]) -> Vec<JobRun> {
        const SOURCE: &str = "sources.results.github";
        let run = self.run;
        let Some(github) = run.sources.github() else {
            self.missing(SOURCE, "it needs `sources.components` with `via: github`");
            return Vec::new();
        };
        let answers = match github.reported(branches) {
            Ok(answers) => answers,
            Err(fault) => {
                self.missing(SOURCE, fault.to_string());
                return Vec::new();
            }
        };
        let mut runs = Vec::new();
        for (answer, branch) in answers.into_iter().zip(branches) {
            match answer {
                Ok(steps) => {
                    let known = |status: &&Status| {
                        let author = self.sources.author.as_ref();
                        names.contains(status.context.as_str()) && author.is_none_or(|author| *author == status.author)
                    };
                    for step in &steps {
                        runs.extend(
                            step.statuses
                                .iter()
                                .filter(known)
                                .map(|status| of_status(status, &step.commit)),
                        );
                    }
                    let merged = steps.into_iter().map(|step| (step.commit, step.message));
                    self.steps.insert(branch.clone(), merged.collect());
                }
                Err(why) => self.missing(SOURCE, why),
            }
        }
        runs
    }

    /// The images of one job.
    fn of_job(
        &mut self,
        job: &Job,
        release: Release,
        runs: &BTreeMap<String, Vec<JobRun>>,
        classifier: &Classifier<'_>,
    ) -> BTreeMap<String, ImageResult> {
        let mut own: Vec<JobRun> = runs.get(&job.name).cloned().unwrap_or_default();
        // Ids grow with time.
        own.sort_by_key(|run| std::cmp::Reverse((run.build.len(), run.build.clone(), run.started)));
        let mut rows: BTreeMap<&String, Vec<(JobRun, Outcome)>> = BTreeMap::new();
        let mut failed = 0;
        for run in &own {
            if run.state == State::Failure {
                failed += 1;
            }
            let artifacts = || match failed <= FAILED_RUNS {
                true => self.artifacts(run),
                false => Artifacts::Unreadable("it is older than the runs that are looked into".to_owned()),
            };
            for (tag, outcome) in outcomes(run, &job.images, artifacts, classifier).unwrap_or_default() {
                if let Some(tag) = job.images.get(&tag) {
                    rows.entry(tag).or_default().push((run.clone(), outcome));
                }
            }
        }
        let twins = runs.get(&job.twin).map(Vec::as_slice).unwrap_or_default();
        let mut results = BTreeMap::new();
        for tag in &job.images {
            let row = row(rows.remove(tag).unwrap_or_default());
            let commit = |run: &Option<JobRun>| run.as_ref().map(|run| run.commit.clone()).filter(|id| !id.is_empty());
            let (since, last_good) = (commit(&row.since), commit(&row.last_good));
            let fails = matches!(row.state, ImageState::Broken);
            let suspects = match (&last_good, &since, fails) {
                (Some(good), Some(bad), true) => self.suspects(job, release, good, bad),
                _ => Vec::new(),
            };
            let result = ImageResult {
                image: tag.clone(),
                repository: job.repository.to_string(),
                branch: job.branch.clone(),
                job: job.name.clone(),
                state: row.state,
                says: row.says,
                because: row.because,
                since_time: row.since.as_ref().and_then(|run| run.started),
                okd_only: since
                    .as_ref()
                    .filter(|_| fails)
                    .and_then(|commit| okd_only(commit, twins)),
                twin: job.twin.clone(),
                since,
                last_good,
                attempts: row.attempts,
                lines: row.lines,
                suspects,
                run: own.first().and_then(JobRun::folder),
                silenced: self.silence(tag, release),
            };
            results.insert(tag.clone(), result);
        }
        results
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

    /// What a failed run left: the graph of steps and what JUnit says of those that failed.
    fn artifacts(&mut self, run: &JobRun) -> Artifacts {
        let Some(base) = self.sources.artifacts.clone() else {
            return Artifacts::Unreadable("`sources.results.prow.artifacts` is not configured".to_owned());
        };
        let Some(folder) = run.folder() else {
            return Artifacts::Unreadable("the run's job or id has a form that CI does not give".to_owned());
        };
        let read = |name: &str, most: u64| {
            self.run
                .sources
                .bytes_below(&base, &format!("/{folder}/artifacts/{name}"), most)
        };
        let junit = read("junit_operator.xml", crate::results::JUNIT_BYTES).map_err(|error| error.to_string());
        let said = junit.and_then(|bytes| junit_steps(&bytes));
        let graph = read("ci-operator-step-graph.json", crate::results::GRAPH_BYTES).map_err(|error| error.to_string());
        let graph = graph.and_then(|bytes| step_graph(&bytes).map_err(|error| error.to_string()));
        match (graph, said) {
            (Ok(mut steps), said) => {
                let mut texts: BTreeMap<String, String> = BTreeMap::new();
                for step in said.unwrap_or_default() {
                    texts.insert(step.name, step.text);
                }
                for step in &mut steps {
                    step.text = texts.remove(&step.name).unwrap_or_default();
                }
                Artifacts::Steps(steps)
            }
            (Err(_), Ok(steps)) => Artifacts::Steps(steps),
            (Err(why), Err(_)) => Artifacts::Unreadable(format!("what the run left cannot be read: {why}")),
        }
    }

    /// What was merged between a good commit and a bad one, where the repository is at hand.
    fn suspects(&self, job: &Job, release: Release, good: &str, bad: &str) -> Vec<Suspect> {
        let reported = self.steps.get(&(job.repository.clone(), job.branch.clone()));
        let reported = reported.and_then(|steps| {
            let at = |commit: &str| steps.iter().position(|(id, _)| id == commit);
            Some(steps.get(at(bad)?..at(good)?)?.to_vec())
        });
        let steps = reported.or_else(|| {
            let location = self.run.config.sources.components.repo(release, &job.repository)?;
            self.run.sources.between(&location, good, bad).ok()
        });
        let told = steps.unwrap_or_default().into_iter().map(|(commit, message)| {
            let (pull, title) = merged(&message);
            Suspect { commit, pull, title }
        });
        told.collect()
    }

    /// How the release controller's streams stand.
    fn payloads(&mut self, release: Release) -> Vec<Payload> {
        let Some((base, streams)) = &self.sources.release_controller else {
            return Vec::new();
        };
        let mut all = Vec::new();
        for stream in streams {
            let stream = stream.replace("{release}", &release.to_string());
            let path = format!("/api/v1/releasestream/{stream}/tags");
            match self.run.sources.bytes_below(base, &path, TAGS_BYTES) {
                Ok(bytes) => match payload(&stream, &bytes) {
                    Some(payload) => all.push(payload),
                    None => self.missing(
                        "sources.results.release-controller",
                        format!("{stream}: it is no list of tags"),
                    ),
                },
                Err(error) => self.missing("sources.results.release-controller", error.to_string()),
            }
        }
        all
    }
}

/// A run as a status tells of it. Of the address only the run's id is taken, which is put on the configured base.
fn of_status(status: &Status, commit: &str) -> JobRun {
    let last = status.link.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let is_id = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
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

fn junit_steps(bytes: &[u8]) -> Result<Vec<crate::results::Step>, String> {
    junit(bytes).map_err(|error| error.to_string())
}

/// Whether OKD alone fails: OCP's job of the same commit succeeded.
fn okd_only(commit: &str, twins: &[JobRun]) -> Option<bool> {
    let mut of_commit = twins.iter().filter(|run| run.commit == commit);
    match () {
        () if of_commit.clone().any(|run| run.state == State::Success) => Some(true),
        () if of_commit.any(|run| run.state == State::Failure) => Some(false),
        () => None,
    }
}

/// The pull request that a commit merges, and its title.
fn merged(message: &str) -> (Option<u64>, String) {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    if let Some(rest) = first.strip_prefix("Merge pull request #") {
        let number = rest.split(' ').next().and_then(|number| number.parse().ok());
        return (number, lines.next().unwrap_or(first).to_owned());
    }
    let squashed = first.strip_suffix(')').and_then(|text| text.rsplit_once("(#"));
    let number = squashed.and_then(|(_, number)| number.parse().ok());
    (number, first.to_owned())
}

/// A stream's payloads, the newest first as the release controller has them.
fn payload(stream: &str, bytes: &[u8]) -> Option<Payload> {
    let answer: Json = serde_json::from_slice(bytes).ok()?;
    let tags = answer["tags"].as_array()?;
    let name = |tag: &Json| tag["name"].as_str().map(str::to_owned);
    let accepted = tags.iter().position(|tag| tag["phase"] == "Accepted");
    Some(Payload {
        stream: stream.to_owned(),
        newest: tags.first().and_then(name),
        phase: tags.first().and_then(|tag| tag["phase"].as_str()).map(str::to_owned),
        accepted: accepted.and_then(|at| tags.get(at)).and_then(name),
        since: accepted.unwrap_or(tags.len()),
    })
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

    #[test]
    fn a_commit_says_which_pull_request_it_merges() {
        let merge = "Merge pull request #729 from someone/branch\n\nOKD-306: Add the missing file\n";
        assert_eq!(merged(merge), (Some(729), "OKD-306: Add the missing file".to_owned()));
        assert_eq!(merged("Fix it (#12)\n"), (Some(12), "Fix it (#12)".to_owned()));
        assert_eq!(merged("Fix it\n"), (None, "Fix it".to_owned()));
    }

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
        assert_eq!(okd_only("a", &twins), Some(true));
        assert_eq!(okd_only("b", &twins), Some(false));
        assert_eq!((okd_only("c", &twins), okd_only("d", &twins)), (None, None));
    }

    #[test]
    fn a_stream_says_how_long_nothing_was_accepted() {
        let tags = br#"{"name":"s","tags":[{"name":"c","phase":"Ready"},{"name":"b","phase":"Rejected"},{"name":"a","phase":"Accepted"}]}"#;
        let found = payload("s", tags).expect("a list");
        assert_eq!(
            (found.newest.as_deref(), found.phase.as_deref()),
            (Some("c"), Some("Ready"))
        );
        assert_eq!((found.accepted.as_deref(), found.since), (Some("a"), 2));
        assert_eq!(
            payload("s", b"no release configuration exists with the requested name"),
            None
        );
    }
}
