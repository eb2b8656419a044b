//! The release controller's payloads: how a stream stands, what failed of a payload, and what changed from one to the next.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::answer::{Change, FailedJob, Payload, Suspect};
use super::run::JobRun;
use super::run::State;
use crate::base::loose::{List, Loose, May, read};
use crate::facts::payload::ImageReferences;

/// As many changes of a payload are kept.
const CHANGES: usize = 400;
/// As many pull requests of one change.
const PULLS: usize = 50;
/// As many failed jobs of a payload.
const JOBS: usize = 100;
/// As many characters of what others have written.
const LENGTH: usize = 200;

/// What the release controller says of one payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// How it stands: once that is `Accepted`, `Rejected` or `Failed` it stays so.
    pub phase: String,
    /// The jobs that failed.
    pub failed: Vec<FailedJob>,
    /// The payload that its changes count from; none where it does not say.
    pub from: Option<String>,
    /// What changed since then.
    pub changes: Vec<Change>,
}

/// The payloads of a stream (`…/tags`).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Tags {
    tags: List<Tag>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tag {
    name: Loose<String>,
    phase: Loose<String>,
}

/// One payload (`…/release/<tag>?format=short`).
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Said {
    phase: May<String>,
    results: Loose<Results>,
    change_log_json: Loose<Log>,
}

/// Its jobs by name, in the order in which they are said.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Results {
    blocking_jobs: Loose<Map<String, Json>>,
    async_jobs: Loose<Map<String, Json>>,
    informing_jobs: Loose<Map<String, Json>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Job {
    state: Loose<String>,
    url: Loose<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Log {
    from: Loose<Tag>,
    updated_images: List<Updated>,
}

/// One line of the change log.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Updated {
    name: May<String>,
    path: Loose<String>,
    full_change_log: Loose<String>,
    commits: List<Commit>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Commit {
    #[serde(rename = "pullID")]
    pull: May<u64>,
    subject: Loose<String>,
}

/// Whether a text is what the release controller names a stream or payload.
pub fn is_name(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'+');
    !text.is_empty() && text.len() <= 128 && text.bytes().all(legal) && !text.contains("..") && !text.starts_with('.')
}

/// A stream's payloads, the newest first as the release controller has them (`…/tags`); `None`: that is no such list.
pub fn stream(name: &str, bytes: &[u8]) -> Option<Payload> {
    let answer: Tags = read(&serde_json::from_slice(bytes).ok()?)?;
    let tags = answer.tags.items()?.iter().filter(|tag| is_name(&tag.name));
    let tags: Vec<(String, &str)> = tags.map(|tag| (tag.name.clone(), tag.phase.as_str())).collect();
    let accepted = tags.iter().position(|(_, phase)| *phase == "Accepted");
    let since = tags.get(..accepted.unwrap_or(tags.len())).unwrap_or_default();
    let refused = |(_, phase): &&(String, &str)| matches!(*phase, "Rejected" | "Failed");
    let name_of = |tag: Option<&(String, &str)>| tag.map(|(name, _)| name.clone());
    let newest = tags.first();
    Some(Payload {
        stream: name.to_owned(),
        newest: name_of(newest),
        newest_time: newest.and_then(|(name, _)| made(name)),
        phase: newest.map(|(_, phase)| phase.chars().take(LENGTH).collect()),
        accepted: accepted.and_then(|at| name_of(tags.get(at))),
        accepted_time: accepted.and_then(|at| made(&tags.get(at)?.0)),
        since: since.len(),
        rejected: name_of(since.iter().find(refused)),
        first_rejected: name_of(since.iter().rev().find(refused)),
        failed: Vec::new(),
        changes_since: None,
        changes: Vec::new(),
    })
}

/// When a payload was made, as its name ends: `…-2024-11-24-110045`.
fn made(tag: &str) -> Option<i64> {
    let ending = tag.get(tag.len().checked_sub(17)?..)?;
    let time = chrono::NaiveDateTime::parse_from_str(ending, "%Y-%m-%d-%H%M%S").ok()?;
    Some(time.and_utc().timestamp())
}

/// What the release controller says of one payload (`…/release/<tag>?format=short`); `None`: that is no such answer.
pub fn info(bytes: &[u8]) -> Option<Info> {
    let answer: Said = read(&serde_json::from_slice(bytes).ok()?)?;
    let jobs = &answer.results;
    let jobs = [
        (&jobs.blocking_jobs, true),
        (&jobs.async_jobs, false),
        (&jobs.informing_jobs, false),
    ];
    let mut failed = Vec::new();
    for (jobs, blocking) in jobs {
        for (name, job) in jobs.iter() {
            let job: Job = read(job).unwrap_or_default();
            if matches!(job.state.as_str(), "Failed" | "Error" | "Aborted") {
                failed.push(FailedJob {
                    job: short(name),
                    blocking,
                    state: short(&job.state),
                    run: folder(&job.url),
                });
            }
        }
    }
    failed.truncate(JOBS);
    let log = &answer.change_log_json;
    let updated = log.updated_images.iter();
    Some(Info {
        phase: answer.phase.0?,
        failed,
        from: Some(log.from.name.clone()).filter(|name| is_name(name)),
        changes: updated
            .filter_map(|updated| updated_image(updated))
            .take(CHANGES)
            .collect(),
    })
}

fn short(text: &str) -> String {
    text.chars().take(LENGTH).collect()
}

/// The folder of a run below the artifacts' base: of its address nothing is taken but the job's name and the id.
fn folder(url: &str) -> Option<String> {
    let mut parts = url.trim_end_matches('/').rsplit('/');
    let (build, job) = (parts.next()?, parts.next()?);
    let run = JobRun {
        job: job.to_owned(),
        build: build.to_owned(),
        commit: String::new(),
        state: State::Failure,
        started: None,
        finished: None,
    };
    run.folder()
}

fn updated_image(updated: &Updated) -> Option<Change> {
    let images = updated.name.as_deref()?.split(',').map(|name| short(name.trim()));
    let repository = repository(&updated.path)?;
    let range = updated.full_change_log.rsplit_once("/compare/");
    let range = range.and_then(|(_, range)| range.split_once("..."));
    let commits = updated.commits.iter().map(|commit| Suspect {
        commit: String::new(),
        pull: commit.pull.filter(|pull| *pull > 0),
        title: short(&commit.subject),
    });
    Some(Change {
        images: images.filter(|name| !name.is_empty()).collect(),
        repository,
        before: range.map(|(before, _)| before.to_owned()).filter(|id| is_commit(id)),
        after: range.map(|(_, after)| after.to_owned()).filter(|id| is_commit(id)),
        pulls: commits.take(PULLS).collect(),
    })
}

fn is_commit(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `org/repo` of an address on a forge.
fn repository(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let mut parts = rest.split('/').skip(1);
    let (org, repo) = (parts.next()?, parts.next()?);
    let name: crate::base::RepoName = format!("{org}/{}", repo.trim_end_matches(".git")).parse().ok()?;
    Some(name.to_string())
}

/// What changed from one payload to another, by what their images say they were built from: images that were built from the same
/// range of the same repository are one change. What was rebuilt from the same commit is none.
pub fn changes(before: &ImageReferences, after: &ImageReferences) -> Vec<Change> {
    let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let mut found: BTreeMap<(String, Option<String>, Option<String>), Vec<String>> = BTreeMap::new();
    for tag in &after.tags {
        let was = before.tag(&tag.name);
        let old = was.and_then(|was| known(&was.commit));
        let new = known(&tag.commit);
        let moved = was.is_some_and(|was| was.source != tag.source);
        if was.is_some() && old == new && !moved {
            continue;
        }
        let source = repository(&tag.source).unwrap_or_else(|| short(&tag.source));
        found.entry((source, old, new)).or_default().push(tag.name.clone());
    }
    for tag in before.tags.iter().filter(|tag| after.tag(&tag.name).is_none()) {
        let source = repository(&tag.source).unwrap_or_else(|| short(&tag.source));
        found
            .entry((source, known(&tag.commit), None))
            .or_default()
            .push(tag.name.clone());
    }
    let all = found.into_iter().map(|((repository, before, after), images)| Change {
        images,
        repository,
        before,
        after,
        pulls: Vec::new(),
    });
    all.take(CHANGES).collect()
}

/// Names the pull requests of changes, as far as a change log of the same repositories has them.
pub fn name_pulls(changes: &mut [Change], log: &[Change]) {
    for change in changes.iter_mut().filter(|change| change.pulls.is_empty()) {
        let same = |logged: &&Change| logged.repository == change.repository && logged.after == change.after;
        if let Some(logged) = log.iter().find(same) {
            change.pulls.clone_from(&logged.pulls);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_says_how_long_nothing_was_accepted() {
        let tags = br#"{"name":"s","tags":[
            {"name":"4.12.0-0.nightly-2022-07-15-132344","phase":"Ready"},
            {"name":"4.12.0-0.nightly-2022-07-15-065851","phase":"Rejected"},
            {"name":"4.12.0-0.nightly-2022-07-15-044227","phase":"Failed"},
            {"name":"4.12.0-0.nightly-2022-07-15-024227","phase":"Accepted"},
            {"name":"../../x","phase":"Accepted"}]}"#;
        let found = stream("s", tags).expect("a list");
        assert_eq!(
            (found.newest.as_deref(), found.phase.as_deref()),
            (Some("4.12.0-0.nightly-2022-07-15-132344"), Some("Ready"))
        );
        assert_eq!((found.accepted_time, found.since), (Some(1_657_852_947), 3));
        assert_eq!(found.rejected.as_deref(), Some("4.12.0-0.nightly-2022-07-15-065851"));
        assert_eq!(
            found.first_rejected.as_deref(),
            Some("4.12.0-0.nightly-2022-07-15-044227")
        );
        for text in [
            &b"no release configuration exists with the requested name"[..],
            b"{}",
            b"[",
            b"",
        ] {
            assert_eq!(stream("s", text), None);
        }
        let odd = stream(
            "s",
            br#"{"tags":[{"name":"a b"},{"phase":"Accepted"},{"name":"x","phase":"Odd"}]}"#,
        )
        .expect("a list");
        assert_eq!((odd.newest.as_deref(), odd.accepted, odd.since), (Some("x"), None, 1));
    }

    #[test]
    fn of_a_payload_the_failed_jobs_are_told_and_of_their_addresses_only_job_and_id() {
        let said = br#"{"phase":"Rejected","results":{"blockingJobs":{
            "aws":{"state":"Failed","url":"https://evil.example.com/view/gs/x/logs/periodic-aws/12"},
            "gcp":{"state":"Succeeded","url":""}, "odd":{"state":"Failed","url":"https://evil.example.com/../x"}},
            "informingJobs":{"metal":{"state":"Failed"}}}}"#;
        let found = info(said).expect("an answer");
        let told: Vec<_> = found
            .failed
            .iter()
            .map(|job| (job.job.as_str(), job.blocking, job.run.as_deref()))
            .collect();
        let expected = [
            ("aws", true, Some("logs/periodic-aws/12")),
            ("odd", true, None),
            ("metal", false, None),
        ];
        assert_eq!(told, expected);
        assert_eq!(info(b"no release configuration exists"), None);
    }

    #[test]
    fn two_payloads_say_what_each_image_moved_from_and_to() {
        let list = |tags: &[(&str, &str, &str)]| {
            let tags = tags.iter().map(|(name, repo, commit)| {
                serde_json::json!({"name": name, "from": {"kind": "DockerImage", "name": "r/x@sha256:1"}, "annotations": {
                    "io.openshift.build.commit.id": commit, "io.openshift.build.source-location": format!("https://github.com/o/{repo}")}})
            });
            let stream = serde_json::json!({"kind": "ImageStream", "metadata": {"name": "p"}, "spec": {"tags": tags.collect::<Vec<_>>()}});
            ImageReferences::parse(stream.to_string().as_bytes()).expect("a list")
        };
        let before = list(&[("a", "x", "1"), ("b", "x", "1"), ("c", "y", "3"), ("gone", "z", "4")]);
        let after = list(&[("a", "x", "2"), ("b", "x", "2"), ("c", "y", "3"), ("new", "w", "5")]);
        let mut found = changes(&before, &after);
        let told = |change: &Change| {
            let [from, to] = [&change.before, &change.after].map(|id| id.clone().unwrap_or("-".to_owned()));
            format!("{} {from}..{to} {}", change.repository, change.images.join("+"))
        };
        let lines: Vec<String> = found.iter().map(told).collect();
        assert_eq!(lines, ["o/w -..5 new", "o/x 1..2 a+b", "o/z 4..- gone"]);
        let log = r#"{"phase":"Rejected","changeLogJson":{"from":{"name":"p0"},"updatedImages":[{"name":"a, b",
            "path":"https://github.com/o/x/tree/2222222","fullChangeLog":"https://github.com/o/x/compare/1111111...2222222",
            "commits":[{"subject":"Break it","pullID":7}]}]}}"#;
        let log = info(log.as_bytes()).expect("an answer");
        assert_eq!(
            (log.from.as_deref(), log.changes[0].before.as_deref()),
            (Some("p0"), Some("1111111"))
        );
        found[1].after = Some("2222222".to_owned());
        name_pulls(&mut found, &log.changes);
        assert_eq!(found[1].pulls[0].pull, Some(7));
        assert!(found[0].pulls.is_empty());
    }
}
