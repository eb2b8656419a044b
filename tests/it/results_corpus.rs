//! Real payloads and what the release controller really says of one, as the corpus has them.
//!
//! Ignored by itself, since the corpus is no part of the project: set `LOCKSTEP_CORPUS`, or lay it at `../shared/corpus`.

use std::path::{Path, PathBuf};

use lockstep::base::Release;
use lockstep::facts::payload::ImageReferences;
use lockstep::results::answer::Change;
use lockstep::results::cluster::{Built, Names, build, pipeline_run};
use lockstep::results::payload::{changes, info, stream};
use lockstep::results::{Classifier, Outcome};
use lockstep::rules::RuleSet;
use lockstep::run::rule_files::BUILTIN;

fn read(name: &str) -> Vec<u8> {
    let corpus = match std::env::var_os("LOCKSTEP_CORPUS") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
    };
    let path = corpus.join("feedback").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
#[ignore = "needs the corpus; `.ci/run` runs this where it is"]
fn two_real_payloads_give_commit_ranges() {
    let list = |name| ImageReferences::parse(&read(name)).unwrap();
    let before = list("imagestream/image-references-4.8.json");
    let after = list("imagestream/image-references-4.10-nightly.json");
    assert_eq!((before.tags.len(), after.tags.len()), (140, 146));
    let found = changes(&before, &after);
    let of = |tag: &str| {
        found
            .iter()
            .find(|change| change.images.iter().any(|image| image == tag))
            .unwrap()
    };
    let machines = of("aws-machine-controllers");
    assert_eq!(machines.repository, "openshift/cluster-api-provider-aws");
    assert_eq!(
        machines.before.as_deref(),
        Some("ec9ced760c3a6817037957f00ca7e5b7aa0c12ed")
    );
    assert_eq!(
        machines.after.as_deref(),
        Some("b045e9da245d4b1f3ba5275d6cdec10d17b14bc8")
    );
    let count = |wanted: fn(&Change) -> bool| -> usize {
        found
            .iter()
            .filter(|change| wanted(change))
            .map(|change| change.images.len())
            .sum()
    };
    let (new, gone) = (
        after.tags.iter().filter(|tag| before.tag(&tag.name).is_none()).count(),
        before.tags.iter().filter(|tag| after.tag(&tag.name).is_none()).count(),
    );
    assert_eq!((new, gone), (12, 6));
    let moved = count(|change| change.before.is_some() && change.after.is_some());
    println!(
        "{} changes: {moved} images moved, {new} are new, {gone} are gone",
        found.len()
    );
    assert!(count(|change| change.after.is_none()) >= gone && count(|change| change.before.is_none()) >= new);
    assert_eq!(
        changes(&before, &before),
        [],
        "nothing changes from a payload to itself"
    );
    // From b to a each range is turned round.
    for change in changes(&after, &before) {
        let turned =
            |one: &&Change| (&one.before, &one.after, &one.images) == (&change.after, &change.before, &change.images);
        assert!(found.iter().any(|one| turned(&one)), "{change}");
    }
}

#[test]
#[ignore = "needs the corpus; `.ci/run` runs this where it is"]
fn real_release_information_names_the_suspects() {
    let found = info(&read("release-controller/release-4.12.1.json")).unwrap();
    assert_eq!(
        (found.phase.as_str(), found.from.as_deref()),
        ("Accepted", Some("4.12.0"))
    );
    assert_eq!(found.changes.len(), 24);
    let installer = &found.changes[0];
    assert_eq!(
        installer.images,
        ["baremetal-installer", "installer", "installer-artifacts"]
    );
    assert_eq!(installer.repository, "openshift/installer");
    assert_eq!(
        installer.before.as_deref(),
        Some("ba940311c8cb2a07173725e5c2f668df7c61924c")
    );
    let pulls: Vec<_> = installer.pulls.iter().filter_map(|pull| pull.pull).collect();
    assert_eq!(pulls, [6706, 6783, 6773, 6753, 6661, 6751, 6680]);
    assert_eq!(
        installer.pulls[0].title,
        "Set ip=dhcp,dhcp6 for master nodes on dualstack"
    );
    assert!(
        found
            .changes
            .iter()
            .all(|change| change.before.is_some() && !change.pulls.is_empty())
    );
}

#[test]
#[ignore = "needs the corpus; `.ci/run` runs this where it is"]
fn a_real_stream_and_a_real_404_are_told_apart() {
    let found = stream(
        "4.12.0-0.nightly",
        &read("release-controller/tags-4.12.0-0.nightly.json"),
    )
    .unwrap();
    assert_eq!(found.accepted.as_deref(), Some("4.12.0-0.nightly-2022-07-15-024227"));
    assert_eq!(
        found.first_rejected.as_deref(),
        Some("4.12.0-0.nightly-2022-07-15-065851")
    );
    assert_eq!((found.since, found.accepted_time), (2, Some(1_657_852_947)));
    assert_eq!(
        stream("s", &read("release-controller/okd-latest-404-4.16.0-0.okd.txt")),
        None
    );
}

#[test]
#[ignore = "needs the corpus; `.ci/run` runs this where it is"]
fn real_objects_of_a_cluster_are_read_and_those_that_name_no_image_say_nothing() {
    let json = |name: &str| -> serde_json::Value { serde_json::from_slice(&read(name)).unwrap() };
    let failed = json("tekton/pipelinerun-failed-build-step.json");
    let timeout = json("tekton/pipelinerun-timeout-konflux.json");
    let list: serde_json::Value = serde_yaml::from_slice(&read("openshift-build/failed-build.yaml")).unwrap();
    let items = list["items"].as_array().unwrap();
    let builds: Vec<_> = items.iter().filter(|item| item["kind"] == "Build").collect();
    assert_eq!(builds.len(), 1);
    let of_build: Vec<_> = builds.into_iter().filter_map(build).collect();
    let all: Vec<Built> = [&failed, &timeout]
        .into_iter()
        .filter_map(pipeline_run)
        .chain(of_build)
        .collect();
    assert_eq!(all.len(), 3, "all three are understood");
    let files: Vec<(String, Vec<u8>)> = BUILTIN
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    let rules = RuleSet::load(&files).unwrap();
    let classifier = Classifier::new(&rules, Release::new(4, 16));
    let mut names = Names::default();
    assert!(names.rows(&all, &classifier).is_empty(), "nobody knows their names");
    names.components = [("go-sample".to_owned(), "sample".to_owned())].into();
    names.outputs = [(("ruby-hello-world:latest".to_owned(), String::new()), "ruby".to_owned())].into();
    let key = |name: &str| format!("appstudio.openshift.io/{name}");
    names.labels.component = key("component");
    names.labels.application = key("application");
    names.labels.kind = "pipelines.appstudio.openshift.io/type".to_owned();
    let rows = names.rows(&all, &classifier);
    assert_eq!(
        rows.keys().collect::<Vec<_>>(),
        ["ruby"],
        "a run that is called a test is no build"
    );
    names.labels.kind = String::new();
    let rows = names.rows(&all, &classifier);
    let says = "the cluster could not finish the run (PipelineRunTimeout)".to_owned();
    assert_eq!(rows["sample"][0].1, Outcome::Ci(says));
    assert!(matches!(rows["ruby"][0].1, Outcome::Broken(_)));
}
