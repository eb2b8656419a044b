//! Runs, artifacts and rows put together by hand.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{ImageResult, ImageState};
use super::*;
use crate::base::Release;
use crate::rules::RuleSet;

fn rules() -> RuleSet {
    let files: Vec<(String, Vec<u8>)> = crate::run::rule_files::BUILTIN
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    RuleSet::load(&files).expect("the built-in rules")
}

fn run(build: u32, commit: &str, state: State) -> JobRun {
    JobRun {
        job: "branch-ci-o-r-main-okd-scos-images".to_owned(),
        build: build.to_string(),
        commit: commit.to_owned(),
        state,
        started: Some(i64::from(build) * 100),
        finished: None,
    }
}

fn step(name: &str, dependencies: &[&str], failed: Option<bool>, text: &str) -> Step {
    Step {
        name: name.to_owned(),
        dependencies: dependencies.iter().map(|&name| name.to_owned()).collect(),
        started_at: failed.map(|_| "2026-01-01T00:00:00Z".to_owned()),
        finished_at: None,
        failed,
        text: text.to_owned(),
    }
}

/// What a failed run with these steps says of images.
fn told(images: &[&str], steps: Vec<Step>) -> BTreeMap<String, String> {
    let rules = rules();
    let classifier = Classifier::new(&rules, Release::new(4, 21));
    let images: BTreeSet<String> = images.iter().map(|&tag| tag.to_owned()).collect();
    let run = run(1, "a", State::Failure);
    let found = outcomes(&run, &images, || Artifacts::Steps(steps), &classifier).expect("it ended");
    let word = |outcome: Outcome| match outcome {
        Outcome::Built => "built".to_owned(),
        Outcome::Broken(failure) => format!("broken {}{}", failure.says, if failure.is_certain { "!" } else { "" }),
        Outcome::BecauseOf(tag) => format!("because of {tag}"),
        Outcome::HeldBack(tag) => format!("held back by {tag}"),
        Outcome::NotTried(why) => format!("not tried: {why}"),
        Outcome::Ci(why) => format!("ci: {why}"),
        Outcome::Unknown(why) => format!("unknown: {why}"),
    };
    found.into_iter().map(|(tag, outcome)| (tag, word(outcome))).collect()
}

fn pairs(found: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    found.iter().map(|(tag, word)| (tag.as_str(), word.as_str())).collect()
}

const GO: &str = "go: go.mod requires go >= 1.26.0 (running go 1.25.9; GOTOOLCHAIN=local)";

#[test]
fn one_broken_image_holds_its_siblings_back_and_stops_those_built_from_it() {
    let steps = vec![
        step("src", &[], Some(false), ""),
        step("a", &["src"], Some(true), GO),
        step("b", &["src"], Some(false), ""),
        step("c", &["between"], None, ""),
        step("between", &["a"], None, ""),
    ];
    assert_eq!(
        pairs(&told(&["a", "b", "c"], steps)),
        [
            ("a", "broken go.mod asks for a newer Go than the builder has!"),
            ("b", "held back by a"),
            ("c", "because of a"),
        ]
    );
}

#[test]
fn what_is_cis_own_trouble_breaks_no_image() {
    let clone = vec![
        step("src", &[], Some(true), "fatal: Could not resolve host: github.com"),
        step("a", &["src"], None, ""),
    ];
    let fetched = "step `src` failed: CI could not fetch, push or resolve what the build needs";
    assert_eq!(
        pairs(&told(&["a"], clone)),
        [("a", format!("not tried: {fetched}").as_str())]
    );
    let evicted = "the build a failed after 34s with reason BuildPodEvicted: The node was low on resource";
    let word = told(&["a"], vec![step("a", &[], Some(true), evicted)]);
    assert_eq!(
        pairs(&word),
        [("a", "ci: the cluster could not finish the build (BuildPodEvicted)")]
    );
    let green = told(&["a"], vec![step("a", &[], Some(false), "")]);
    assert_eq!(
        pairs(&green),
        [("a", "ci: every step succeeded, and the job failed: it did not promote")]
    );
}

#[test]
fn real_failures_are_known_by_what_they_say() {
    let rules = rules();
    let classifier = Classifier::new(&rules, Release::new(4, 21));
    let told = |text: &str| {
        let failure = classifier.failure("a", text);
        (failure.is_ci, failure.is_certain)
    };
    let of_image = [
        "the build x failed after 34s with reason ManageDockerfileFailed: Failed to prepare the dockerfile for the build",
        GO,
        "operator \"machine-config-operator\" contained an invalid image-references file: no input image tag named \"rhel-coreos\"",
    ];
    for text in of_image {
        assert_eq!(told(text), (false, true), "{text}");
    }
    let of_ci = [
        "* could not resolve inputs: could not determine inputs for step [release:latest]: failed to resolve release latest",
        "error: failed to push image registry.build06.ci.openshift.org/ci-op-s5hc1iwv/release:latest: unable to upload new layer (0)",
        "dial tcp: lookup quay.io: no route to host",
    ];
    for text in of_ci {
        assert_eq!(told(text), (true, false), "{text}");
    }
    // A broken Dockerfile gives this reason as well: alone it says nothing.
    assert_eq!(
        told("the build x failed after 3s with reason GenericBuildFailed: Generic Build failure"),
        (false, false)
    );
    assert_eq!(told(""), (false, false));
}

fn broken(is_certain: bool) -> Outcome {
    Outcome::Broken(Failure {
        is_ci: false,
        is_certain,
        says: "it fails".to_owned(),
        lines: Vec::new(),
    })
}

/// The state, since when and the last good commit of runs, the oldest first.
fn of(outcomes: &[Outcome]) -> (ImageState, Option<String>, Option<String>, usize) {
    let runs = outcomes
        .iter()
        .zip(10..)
        .map(|(outcome, build)| (run(build, &format!("c{build}"), State::Failure), outcome.clone()));
    let row = row(runs.collect());
    let commit = |run: Option<JobRun>| run.map(|run| run.commit);
    (row.state, commit(row.since), commit(row.last_good), row.attempts)
}

#[test]
fn a_break_counts_after_two_attempts_or_at_once_where_it_is_certain() {
    let some = |commit: &str| Some(commit.to_owned());
    let (good, ci) = (Outcome::Built, Outcome::Ci("evicted".to_owned()));
    assert_eq!(of(&[good.clone(), broken(false)]).0, ImageState::Unknown);
    assert_eq!(
        of(&[good.clone(), broken(true)]),
        (ImageState::Broken, some("c11"), some("c10"), 1)
    );
    assert_eq!(
        of(&[good.clone(), broken(false), ci.clone(), broken(false)]),
        (ImageState::Broken, some("c11"), some("c10"), 2),
        "what CI did between them counts for nothing"
    );
    assert_eq!(
        of(&[good.clone(), broken(false), broken(false), ci.clone()]).0,
        ImageState::Broken
    );
    assert_eq!(
        of(&[broken(true), good.clone()]),
        (ImageState::Builds, None, some("c11"), 0),
        "it recovered"
    );
    assert_eq!(
        of(&[broken(true), good.clone(), broken(true)]).1,
        some("c12"),
        "and fell ill again"
    );
    assert_eq!(of(&[good, ci]).0, ImageState::Ci);
    assert_eq!(of(&[]).0, ImageState::Unknown);
}

#[test]
fn what_was_held_back_before_it_broke_was_built_until_then() {
    let (held, parent) = (Outcome::HeldBack("x".to_owned()), Outcome::BecauseOf("x".to_owned()));
    let some = |commit: &str| Some(commit.to_owned());
    assert_eq!(
        of(&[Outcome::Built, held, broken(true)]),
        (ImageState::Broken, some("c12"), some("c11"), 1)
    );
    assert_eq!(
        of(&[Outcome::Built, parent, broken(true)]),
        (ImageState::Broken, some("c12"), some("c10"), 1),
        "what was not tried says nothing"
    );
}

#[test]
fn runs_are_put_in_order_by_their_ids_and_counted_once() {
    let runs = vec![
        (run(9, "old", State::Success), Outcome::Built),
        (run(100, "new", State::Failure), broken(true)),
        (run(100, "new", State::Failure), broken(true)),
    ];
    let row = row(runs);
    assert_eq!((row.state, row.attempts), (ImageState::Broken, 1));
}

fn image(tag: &str, state: ImageState, because: Option<&str>) -> (String, ImageResult) {
    let result = ImageResult {
        image: tag.to_owned(),
        repository: "o/r".to_owned(),
        branch: "main".to_owned(),
        job: "job".to_owned(),
        state,
        says: String::new(),
        because: because.map(str::to_owned),
        since: None,
        since_time: None,
        last_good: None,
        attempts: 0,
        okd_only: None,
        twin: String::new(),
        lines: Vec::new(),
        suspects: Vec::new(),
        run: None,
        elsewhere: None,
        history: Vec::new(),
        silenced: None,
    };
    (tag.to_owned(), result)
}

#[test]
fn the_root_is_found_through_all_that_wait_and_what_is_built_on_it_has_a_stale_base() {
    let mut results = BTreeMap::from([
        image("a", ImageState::Broken, None),
        image("b", ImageState::BecauseOf, Some("a")),
        image("c", ImageState::HeldBack, Some("b")),
        image("d", ImageState::Builds, None),
        image("e", ImageState::Builds, None),
        image("f", ImageState::Builds, None),
        image("g", ImageState::NotTried, None),
        image("h", ImageState::NotTried, None),
    ]);
    let above = |tag: &str, parent: &str| (tag.to_owned(), BTreeSet::from([parent.to_owned()]));
    let parents = BTreeMap::from([above("d", "b"), above("e", "d"), above("f", "x"), above("g", "a")]);
    settle(Images {
        results: &mut results,
        parents: &parents,
    });
    let told: Vec<_> = results
        .values()
        .map(|image| (image.image.as_str(), image.state.name(), image.because.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("a", "broken", None),
            ("b", "because-of", Some("a")),
            ("c", "held-back", Some("a")),
            ("d", "stale-base", Some("a")),
            ("e", "stale-base", Some("a")),
            ("f", "builds", None),
            ("g", "because-of", Some("a")),
            ("h", "not-tried", None),
        ]
    );
}

#[test]
fn of_decks_list_the_asked_for_postsubmits_are_read() {
    let item = |kind: &str, job: &str, state: &str| {
        format!(
            r#"{{"spec":{{"type":"{kind}","job":"{job}","refs":{{"org":"o","repo":"r","base_sha":"abc","extra":[1,{{}}]}}}},"status":{{"state":"{state}","startTime":"2026-01-02T00:00:10Z","completionTime":"2026-01-02T00:00:05Z","build_id":"17"}}}}"#
        )
    };
    let list = format!(
        r#"{{"metadata":{{"x":[]}},"items":[{},{},{},{{"spec":{{"type":"periodic"}}}}]}}"#,
        item("postsubmit", "mine", "scheduling"),
        item("postsubmit", "other", "success"),
        item("presubmit", "mine", "failure"),
    );
    let runs = deck(list.as_bytes(), &|job| job == "mine").expect("a list");
    assert_eq!(runs.len(), 1);
    assert_eq!(
        (runs[0].state.clone(), runs[0].commit.as_str()),
        (State::Running, "abc")
    );
    assert!(
        runs[0].started.is_some() && runs[0].finished.is_none(),
        "finished before it started"
    );
    let error = deck(&list.as_bytes()[..list.len() - 9], &|_| true)
        .expect_err("cut off")
        .to_string();
    assert!(error.contains("cut off"), "{error}");
    assert_eq!(State::of("somethingNew"), State::Unknown("somethingnew".to_owned()));
}

#[test]
fn addresses_are_built_of_what_ci_gives_and_nothing_else() {
    assert_eq!(
        run(17, "a", State::Failure).folder().as_deref(),
        Some("logs/branch-ci-o-r-main-okd-scos-images/17")
    );
    let with = |job: &str, build: &str| JobRun {
        job: job.to_owned(),
        build: build.to_owned(),
        ..run(1, "a", State::Failure)
    };
    for (job, build) in [
        ("../../etc", "1"),
        ("a/b", "1"),
        ("a", "1/../2"),
        ("a", ""),
        ("", "1"),
        ("https://x", "1"),
    ] {
        assert_eq!(with(job, build).folder(), None, "{job} {build}");
    }
}

#[test]
fn junit_of_ci_operator_names_images_and_what_they_said() {
    let text = r#"<testsuites><testsuite name="step graph" tests="3">
<testcase classname="x" name="Build image ironic from the repository" time="1"><failure message="">error: &lt;broken&gt; &amp; more</failure></testcase>
<testcase name="All images are built and tagged into stable"/>
<testcase name="Build image oc from the repository"><skipped/></testcase></testsuite></testsuites>"#;
    let steps = junit(text.as_bytes()).expect("JUnit");
    let told: Vec<_> = steps
        .iter()
        .map(|step| {
            (
                step.name.as_str(),
                step.has_failed(),
                step.was_tried(),
                step.text.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("ironic", true, true, "error: <broken> & more"),
            ("All images are built and tagged into stable", false, true, ""),
            ("oc", false, false, ""),
        ]
    );
    assert!(junit(b"<html>404</html>").is_err());
    let cut = junit(&text.as_bytes()[..260]).expect("what is there");
    assert_eq!(cut.len(), 1, "a file that is cut off says what it still has");
    assert!(step_graph(b"[{\"name\":\"a\"").is_err());
}

#[test]
fn people_read_the_worst_first_and_nothing_that_steers_a_terminal() {
    let mut broken = image("ironic", ImageState::Broken, None).1;
    broken.says = "its build failed\u{7}\u{202e}".to_owned();
    broken.since = Some("0123456789abcdef".to_owned());
    broken.okd_only = Some(true);
    let builds = image("oc", ImageState::Builds, None).1;
    let results = answer::Results {
        version: 1,
        releases: vec![answer::OfRelease {
            release: "4.21".to_owned(),
            images: vec![builds, broken],
            payloads: Vec::new(),
            absent: answer::Absent {
                all_others: true,
                ..answer::Absent::default()
            },
        }],
        unread: Vec::new(),
    };
    let shown = text(&results, crate::base::Color::Off);
    assert_eq!(
        shown,
        "4.21: 1 builds, 1 broken\n  broken ironic: its build failed\\u{7}\\u{202e}; since 0123456789 of o/r; OKD only\n\n"
    );
}
