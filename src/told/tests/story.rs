//! Thirty days of one release and a half: exactly these writes.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::base::Release;
use crate::results::{Artifacts, Classifier, Images, JobRun, Outcome, Step, outcomes, row, settle};
use crate::rules::RuleSet;

const GO: &str = "error: build failed\ngo: go.mod requires go >= 1.26.0 (running go 1.25.9; GOTOOLCHAIN=local)";

/// A run of a job: when, of which commit, how OCP's job ended, and the steps that failed or were not tried.
struct Ran {
    job: &'static str,
    day: i64,
    commit: u64,
    state: crate::results::State,
    twin: bool,
    steps: Vec<Step>,
}

fn step(name: &str, below: &str, failed: Option<bool>, text: &str) -> Step {
    Step {
        name: name.to_owned(),
        dependencies: vec![below.to_owned()],
        started_at: failed.map(|_| "2026-01-01T00:00:00Z".to_owned()),
        finished_at: None,
        failed,
        text: text.to_owned(),
    }
}

/// The jobs: the images that each builds.
const JOBS: [(&str, &[&str]); 3] = [
    ("harbor", &["harbor-base", "harbor-tools"]),
    ("beacon", &["beacon"]),
    ("tidewatch", &["tidewatch"]),
];

fn rules() -> RuleSet {
    let files: Vec<(String, Vec<u8>)> = crate::run::rule_files::BUILTIN
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    RuleSet::load(&files).expect("the built-in rules")
}

/// The commit that merges a pull request.
fn id(pull: u64) -> String {
    format!("{pull:02}{}", "c".repeat(38))
}

fn of_job(rules: &RuleSet, release: Release, job: &str, images: &[&str], runs: &[&Ran]) -> Vec<ImageResult> {
    let classifier = Classifier::new(rules, release);
    let tags: BTreeSet<String> = images.iter().map(|&tag| tag.to_owned()).collect();
    let mut rows: BTreeMap<String, Vec<(JobRun, Outcome)>> = BTreeMap::new();
    for (build, ran) in runs.iter().enumerate() {
        let run = JobRun {
            job: format!("branch-ci-openshift-{job}-main-okd-scos-images"),
            build: format!("{}", build + 100),
            commit: id(ran.commit),
            state: ran.state.clone(),
            started: Some(START + ran.day * DAY),
            finished: None,
        };
        let steps = || Artifacts::Steps(ran.steps.clone());
        for (tag, outcome) in outcomes(&run, &tags, steps, &classifier).expect("it has ended") {
            rows.entry(tag).or_default().push((run.clone(), outcome));
        }
    }
    let number = |commit: &str| commit[..2].parse::<u64>().expect("a commit");
    let result = |(tag, runs_of): (String, Vec<(JobRun, Outcome)>)| {
        let row = row(runs_of);
        let commit = |run: &Option<JobRun>| run.as_ref().map(|run| run.commit.clone());
        let (since, last_good) = (commit(&row.since), commit(&row.last_good));
        let between = match (&last_good, &since) {
            (Some(good), Some(bad)) => number(good) + 1..number(bad) + 1,
            _ => 0..0,
        };
        let twin = runs.iter().find(|ran| Some(id(ran.commit)) == since);
        let fails = row.state == ImageState::Broken;
        ImageResult {
            image: tag,
            repository: format!("openshift/{job}"),
            branch: "main".to_owned(),
            job: format!("branch-ci-openshift-{job}-main-okd-scos-images"),
            state: row.state,
            says: row.says,
            because: row.because,
            since_time: row.since.as_ref().and_then(|run| run.started),
            okd_only: twin.filter(|_| fails).map(|ran| ran.twin),
            twin: format!("branch-ci-openshift-{job}-main-images"),
            suspects: between
                .filter(|_| fails)
                .map(|pull| Suspect {
                    commit: id(pull),
                    pull: Some(pull),
                    title: format!("Change {pull} of {job}"),
                })
                .collect(),
            since,
            last_good,
            attempts: row.attempts,
            lines: row.lines,
            run: row.last.as_ref().and_then(JobRun::folder),
            elsewhere: None,
            history: Vec::new(),
            silenced: None,
        }
    };
    rows.into_iter().map(result).collect()
}

/// How it stands on a day.
fn on(rules: &RuleSet, day: i64, all: &[Ran]) -> Results {
    let of = |release: Release| {
        let mut results = BTreeMap::new();
        for (job, images) in JOBS {
            let runs: Vec<&Ran> = all.iter().filter(|ran| ran.job == job && ran.day <= day).collect();
            for image in of_job(rules, release, job, images, &runs) {
                results.insert(image.image.clone(), image);
            }
        }
        let parents = BTreeMap::from([("beacon".to_owned(), BTreeSet::from(["harbor-base".to_owned()]))]);
        settle(Images {
            results: &mut results,
            parents: &parents,
        });
        OfRelease {
            release: release.to_string(),
            images: results.into_values().collect(),
            payloads: Vec::new(),
            absent: Absent {
                all_others: true,
                ..Absent::default()
            },
        }
    };
    Results {
        version: 1,
        releases: vec![of(Release::new(4, 21))],
        unread: Vec::new(),
    }
}

fn runs() -> Vec<Ran> {
    use crate::results::State::{Failure, Success};
    let ran = |job, day, commit, state, twin, steps: &[Step]| Ran {
        job,
        day,
        commit,
        state,
        twin,
        steps: steps.to_vec(),
    };
    let own = |name, text| step(name, "src", Some(true), text);
    let base = [own("harbor-base", GO), step("harbor-tools", "src", Some(false), "")];
    vec![
        ran("harbor", 0, 10, Success, true, &[]),
        ran("beacon", 0, 20, Success, true, &[]),
        ran("tidewatch", 0, 30, Success, true, &[]),
        // A merge breaks harbor-base for good; harbor-tools is held back, beacon waits.
        ran("harbor", 2, 11, Failure, true, &base),
        // The cluster has no node.
        ran(
            "tidewatch",
            3,
            31,
            Failure,
            true,
            &[own("tidewatch", "with reason FetchSourceFailed: no")],
        ),
        // beacon fails once, and then does not.
        ran(
            "beacon",
            4,
            21,
            Failure,
            true,
            &[own("beacon", "a test that sometimes fails")],
        ),
        ran("beacon", 5, 21, Success, true, &[]),
        ran("harbor", 6, 12, Success, true, &[]),
        // All steps are green, and promotion fails.
        ran(
            "beacon",
            8,
            22,
            Failure,
            true,
            &[step("beacon", "src", Some(false), "")],
        ),
        // OCP's fails as well.
        ran("tidewatch", 10, 32, Failure, false, &[own("tidewatch", GO)]),
        ran("tidewatch", 12, 33, Success, true, &[]),
        // One of two merges breaks beacon; it takes two attempts to be believed.
        ran(
            "beacon",
            14,
            24,
            Failure,
            true,
            &[own("beacon", "make: *** [build] Error 2")],
        ),
        ran(
            "beacon",
            15,
            25,
            Failure,
            true,
            &[own("beacon", "make: *** [build] Error 2")],
        ),
        ran("beacon", 17, 26, Success, true, &[]),
        // It comes back.
        ran("beacon", 20, 27, Failure, true, &[own("beacon", GO)]),
        ran("beacon", 23, 28, Success, true, &[]),
    ]
}

fn told(form: Form, table: Option<&str>) -> String {
    let (rules, all) = (rules(), runs());
    let mut forge = Forge::new(form);
    forge.table = table.map(repo);
    let warned = Some("breaks: With this OKD loses harbor-base.");
    for (job, pull, day, warned) in [
        ("harbor", 11, 2, warned),
        ("beacon", 24, 14, None),
        ("beacon", 27, 20, None),
    ] {
        forge.merged(&format!("openshift/{job}"), pull, day, warned);
    }
    let mut out = String::new();
    for day in 0..=30 {
        forge.now = START + day * DAY + 3_600;
        if day == 21 {
            forge.say(
                "ann",
                "It is known.\n/lockstep silence 7d because the builder moves next week",
            );
        }
        let telling = forge.tell(&on(&rules, day, &all));
        for write in &telling.writes {
            out.push_str(&format!("day {day}: {write}\n"));
            for line in write.body().lines() {
                out.push_str(&format!("    {line}\n"));
            }
        }
        for unsaid in &telling.unsaid {
            out.push_str(&format!("day {day}: {unsaid}\n"));
        }
    }
    out
}

#[test]
fn thirty_days_with_comments_and_issues() {
    insta::assert_snapshot!(told(Form::Comment, None));
}

#[test]
fn thirty_days_with_a_table() {
    insta::assert_snapshot!(told(Form::Table, Some("okd-project/okd")));
}
