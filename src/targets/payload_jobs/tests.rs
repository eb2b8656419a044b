use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::base::Origin;
use crate::derive::tests::world::{World, promotion, repo_name};
use crate::targets::{Options, joined};

const MAIN: &str = "\
base_images:
  far:
    name: ocm-2.14
    namespace: edge
    tag: far
  upi:
    name: \"4.22\"
    namespace: origin
    tag: upi
releases:
  initial:
    prerelease:
      product: okd
      version_bounds:
        lower: 4.20.0-0
        stream: 4-scos-stable
        upper: 4.1005.0-0
  latest:
    candidate:
      product: okd
      stream: okd-scos
      version: \"4.22\"
tests:
- as: e2e-cloud
  interval: 48h
  steps:
    cluster_profile: cloud-of-theirs
    env:
      CHANNEL: candidate-4.22
      TIMES: \"4\"
    workflow: e2e
zz_generated_metadata:
  branch: main
  org: openshift
  repo: release
  variant: okd-scos-4.22
";

fn pair(to: &str, from: &str) -> String {
    format!(
        "base_images:\n  upi:\n    name: \"{from}\"\n    namespace: origin\n    tag: upi\nreleases:\n  initial:\n    candidate:\n      \
         product: okd\n      stream: okd-scos\n      version: \"{from}\"\n  latest:\n    candidate:\n      product: okd\n      stream: \
         okd-scos\n      version: \"{to}\"\ntests:\n- as: e2e-upgrade\n  interval: 168h\n  steps:\n    cluster_profile: aws\n    \
         workflow: upgrade\nzz_generated_metadata:\n  branch: main\n  org: openshift\n  repo: release\n  variant: \
         okd-scos-{to}-upgrade-from-okd-scos-{from}\n"
    )
}

fn path(variant: &str) -> String {
    format!("ci-operator/config/openshift/release/openshift-release-main__okd-scos-{variant}.yaml")
}

const JOBS: &str = "ci-operator/jobs/openshift/release/openshift-release-main-periodics.yaml";

/// What is there at 4.22.
fn there() -> BTreeMap<String, String> {
    [
        (path("4.22"), MAIN.to_owned()),
        (path("4.22-upgrade-from-okd-scos-4.21"), pair("4.22", "4.21")),
    ]
    .into()
}

fn world(release: &str) -> World {
    let mut world = World::new().image(
        "cli",
        "cli",
        "{stream: base}",
        "FROM registry.ci.openshift.org/ocp/4.16:base\n",
    );
    world.metadata.release = release.parse().expect("a release");
    let branches = world.branches.iter_mut().flat_map(BTreeMap::values_mut);
    branches.for_each(|branches| branches.configs = vec![("release-4.16".to_owned(), vec![promotion(release, false)])]);
    world
}

fn rendered(world: &World, files: &BTreeMap<String, String>) -> Rendered {
    rendered_of(world, &actual(files))
}

fn rendered_of(world: &World, actual: &Actual) -> Rendered {
    let release = world.release();
    let ask = Ask {
        release: &release,
        options: &Options::defaults(TARGET.options),
        policy: &world.policy,
        earlier: &BTreeMap::new(),
        memo: crate::targets::door::Memo::default(),
    };
    (TARGET.render)(&ask, actual)
}

fn actual(files: &BTreeMap<String, String>) -> Actual {
    Actual {
        repo: repo_name("release"),
        branch: "main".to_owned(),
        origin: Origin {
            name: "openshift/release".to_owned(),
            branch: "main".to_owned(),
            commit: None,
        },
        files: files
            .iter()
            .map(|(path, text)| (path.clone(), Arc::from(text.as_bytes())))
            .collect(),
        unreadable: BTreeMap::new(),
        links: std::collections::BTreeSet::new(),
        beside: BTreeMap::new(),
    }
}

/// Paths and texts of the files that change.
fn changed(rendered: &Rendered) -> BTreeMap<String, String> {
    let files = rendered.files.iter().filter(|file| file.before != file.after);
    let text = |file: &Desired| String::from_utf8_lossy(file.after.as_deref().unwrap_or_default()).into_owned();
    files.map(|file| (file.path.clone(), text(file))).collect()
}

fn names(jobs: &str) -> Vec<&str> {
    jobs.lines().filter_map(|line| line.strip_prefix("  name: ")).collect()
}

fn codes(rendered: &Rendered) -> Vec<&str> {
    rendered.findings.iter().map(|finding| &*finding.code).collect()
}

#[test]
fn a_config_that_is_there_stays_and_its_jobs_are_made() {
    let seen = rendered(&world("4.22"), &there());
    let files = changed(&seen);
    assert_eq!(files.keys().collect::<Vec<_>>(), [JOBS], "{:?}", seen.findings);
    let jobs = &files[JOBS];
    assert_eq!(
        names(jobs),
        [
            "periodic-ci-openshift-release-main-okd-scos-4.22-e2e-cloud",
            "periodic-ci-openshift-release-main-okd-scos-4.22-upgrade-from-okd-scos-4.21-e2e-upgrade"
        ]
    );
    for line in [
        "  interval: 48h",
        "    job-release: \"4.22\"",
        "    ci.openshift.io/no-builds: \"true\"",
    ] {
        assert!(jobs.lines().any(|other| other == line), "{line} in {jobs}");
    }
    let mut after = there();
    after.extend(files);
    assert!(
        changed(&rendered(&world("4.22"), &after)).is_empty(),
        "again is the same"
    );
}

#[test]
fn a_new_release_gets_the_configs_of_the_one_before() {
    let files = changed(&rendered(&world("4.23"), &there()));
    let expected = MAIN
        .replace("lower: 4.20", "lower: 4.21")
        .replace("\"4.22\"", "\"4.23\"")
        .replace("candidate-4.22", "candidate-4.23")
        .replace("scos-4.22", "scos-4.23")
        .replace(
            "releases:\n  initial",
            "prowgen:\n  enable_secrets_store_csi_driver: true\nreleases:\n  initial",
        );
    assert_eq!(files[&path("4.23")], expected);
    let upgrade = pair("4.23", "4.22").replace(
        "releases:\n  initial",
        "prowgen:\n  enable_secrets_store_csi_driver: true\nreleases:\n  initial",
    );
    assert_eq!(files[&path("4.23-upgrade-from-okd-scos-4.22")], upgrade);
    assert_eq!(names(&files[JOBS]).len(), 2);
    assert_eq!(files.len(), 3);
}

#[test]
fn a_new_major_is_upgraded_to_from_where_rules_say() {
    let mut files = there();
    files.extend(changed(&rendered(&world("4.23"), &files)));
    let first = changed(&rendered(&world("5.0"), &files));
    let main = &first[&path("5.0")];
    for line in [
        "lower: 4.21.0-0",
        "stream: 5-scos-stable",
        "upper: 5.999.0-0",
        "CHANNEL: candidate-5.0",
    ] {
        assert!(main.contains(line), "{line} in {main}");
    }
    let paths: Vec<&String> = first.keys().collect();
    assert_eq!(
        paths,
        [&path("5.0-upgrade-from-okd-scos-4.22"), &path("5.0"), &JOBS.to_owned()]
    );
    assert!(first[&path("5.0-upgrade-from-okd-scos-4.22")].contains("name: \"4.22\""));
    files.extend(first);
    let second = changed(&rendered(&world("5.1"), &files));
    assert!(second[&path("5.1")].contains("lower: 4.22.0-0") && second[&path("5.1")].contains("upper: 5.999.0-0"));
    assert!(second.contains_key(&path("5.1-upgrade-from-okd-scos-4.22")));
    let from_first = &second[&path("5.1-upgrade-from-okd-scos-5.0")];
    assert!(
        from_first.contains("name: \"5.0\"") && from_first.contains("version: \"5.1\""),
        "{from_first}"
    );
}

#[test]
fn a_missing_pair_of_a_release_that_is_there_is_no_drift() {
    let mut files = there();
    files.remove(&path("4.22-upgrade-from-okd-scos-4.21"));
    let seen = changed(&rendered(&world("4.22"), &files));
    assert_eq!(seen.keys().collect::<Vec<_>>(), [JOBS]);
}

#[test]
fn jobs_of_other_releases_keep_their_bytes_and_all_together_are_one_file() {
    let mut files = there();
    let new = changed(&rendered(&world("4.23"), &files));
    files.extend(new.into_iter().filter(|(path, _)| path != JOBS));
    // Somebody else's job, not in the form of any generator.
    let theirs = "periodics:\n- name:   periodic-z-theirs\n  agent:   kubernetes\n";
    files.insert(JOBS.to_owned(), theirs.to_owned());
    let (old, new) = (rendered(&world("4.22"), &files), rendered(&world("4.23"), &files));
    let of = |seen: &Rendered| seen.files.iter().find(|file| file.path == JOBS).cloned().expect("jobs");
    let (old, new) = (of(&old), of(&new));
    let text = |file: &Desired| String::from_utf8_lossy(file.after.as_deref().expect("a file")).into_owned();
    assert!(
        text(&old).ends_with(&theirs[11..]) && text(&new).ends_with(&theirs[11..]),
        "{}",
        text(&old)
    );
    assert!(!text(&old).contains("okd-scos-4.23") && !text(&new).contains("main-okd-scos-4.22-"));
    let both = joined(&[&old, &new]).expect("one file");
    let both = String::from_utf8_lossy(&both).into_owned();
    // One after the other comes to the same.
    files.insert(JOBS.to_owned(), text(&old));
    assert_eq!(both, changed(&rendered(&world("4.23"), &files))[JOBS]);
}

#[test]
fn a_config_that_cannot_be_read_costs_what_is_made_of_it() {
    let mut files = there();
    files.insert(path("4.22"), "releases: [".to_owned());
    let seen = rendered(&world("4.23"), &files);
    assert_eq!(codes(&seen), ["unreadable-gating"]);
    let paths: Vec<String> = changed(&seen).into_keys().collect();
    assert_eq!(
        paths,
        [path("4.23-upgrade-from-okd-scos-4.22"), JOBS.to_owned()],
        "the other one is made"
    );
    let own = rendered(&world("4.22"), &files);
    assert!(codes(&own).contains(&"unreadable-gating"), "{:?}", own.findings);
}

#[test]
fn a_config_that_could_not_be_had_is_not_passed_over() {
    let mut files = there();
    let older = MAIN.replace("4.22", "4.21").replace("48h", "1h");
    files.insert(path("4.21"), older);
    files.remove(&path("4.22"));
    let mut actual = actual(&files);
    actual
        .unreadable
        .insert(path("4.22"), "a link leaves the repository".to_owned());
    let seen = rendered_of(&world("4.23"), &actual);
    assert_eq!(codes(&seen), ["unreadable-gating"]);
    assert!(
        seen.findings[0]
            .message
            .ends_with("; the config of 4.23 would be made from it"),
        "{}",
        seen.findings[0].message
    );
    assert!(!changed(&seen).contains_key(&path("4.23")));
}

#[test]
fn a_config_without_a_release_to_upgrade_from_has_no_bounds() {
    let mut files = there();
    let start = MAIN.find("  initial:").expect("a release");
    let end = MAIN.find("  latest:").expect("a release");
    files.insert(path("4.22"), format!("{}{}", &MAIN[..start], &MAIN[end..]));
    let seen = rendered(&world("4.23"), &files);
    assert!(codes(&seen).is_empty(), "{:?}", seen.findings);
    assert!(!changed(&seen)[&path("4.23")].contains("lower"));
    files.insert(path("4.22"), MAIN.replace("4.1005.0-0", "as you like"));
    assert!(changed(&rendered(&world("4.23"), &files))[&path("4.23")].contains("upper: as you like"));
}

#[test]
fn of_two_siblings_that_of_the_repositorys_branch_counts() {
    let mut files = there();
    let old = path("4.22").replace("-main__", "-master__");
    files.insert(old, MAIN.replace("48h", "1h").replace("branch: main", "branch: master"));
    let seen = rendered(&world("4.23"), &files);
    assert_eq!(codes(&seen), ["gating-twice"]);
    assert!(changed(&seen)[&path("4.23")].contains("interval: 48h"));
}

#[test]
fn rules_that_name_no_release_are_told() {
    let rule = |value: &str| {
        format!(
            "rules:\n- id: mine\n  because: x\n  on: target\n  when: target == 'payload-jobs'\n  set: {{upgrades_from: ['{value}']}}\n  \
             overrides: [upgrades-from-minor-before]\n"
        )
    };
    for (value, told) in [("x", "is not a release"), ("4.23", "which is not older")] {
        let seen = rendered(&world("4.23").refined_by(&rule(value)), &there());
        assert_eq!(codes(&seen), ["rule-failed"]);
        assert!(seen.findings[0].message.contains(told), "{}", seen.findings[0].message);
        assert!(changed(&seen).is_empty());
    }
}
