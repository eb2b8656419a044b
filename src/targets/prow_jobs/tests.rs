//! Tests of the target on job files by hand: where jobs of ours go, and what of others stays.

use std::sync::Arc;

use super::*;
use crate::base::Origin;
use crate::derive::outline::payload_of;
use crate::derive::payload::Demand;
use crate::facts::group::Group;
use crate::model::metadata::Metadata;
use crate::plan::{Accept, Adopt};
use crate::rules::RuleSet;
use crate::run::rule_files::BUILTIN;

const PRE: &str = "ci-operator/jobs/org/repo/org-repo-release-4.16-presubmits.yaml";
const POST: &str = "ci-operator/jobs/org/repo/org-repo-release-4.16-postsubmits.yaml";
const CONFIG: &str = "ci-operator/config/org/repo/org-repo-release-4.16__okd-scos.yaml";

/// Builds and promotes an image, no tests.
const PLAIN: &str = "build_root:\n  image_stream_tag:\n    name: b\nimages:\n- to: a\npromotion:\n  to:\n  - name: scos-4.16\n    namespace: origin\n";

struct World {
    rules: RuleSet,
    metadata: Metadata,
    branch: &'static str,
    policy: Policy,
}

impl World {
    fn new() -> Self {
        let files: Vec<_> = BUILTIN
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect();
        let rules = RuleSet::load(&files).expect("the built-in rules are right");
        let origin = Origin {
            name: "o/bd".to_owned(),
            branch: String::new(),
            commit: None,
        };
        let metadata = Metadata::new("4.16".parse().expect("a release"), origin, Group::default(), Vec::new());
        let (branch, policy) = ("release-4.16", Policy::default());
        Self {
            rules,
            metadata,
            branch,
            policy,
        }
    }

    fn render(&self, config: Option<&str>, files: &[(&str, &str)]) -> Rendered {
        let release = Release {
            rules: &self.rules,
            metadata: &self.metadata,
            payload: payload_of(&self.rules, self.metadata.release, &Group::default()).expect("a payload"),
            images: BTreeMap::new(),
            configs: BTreeMap::new(),
            components: BTreeMap::new(),
            cycles: Vec::new(),
            demand: Demand::default(),
            tags: BTreeMap::new(),
            complete: true,
            findings: Vec::new(),
        };
        let source = Source {
            config: CONFIG.to_owned(),
            repo: "org/repo".parse().expect("a name"),
            branch: self.branch.to_owned(),
            text: config.map(|text| Arc::from(text.as_bytes())),
            held: false,
            images: Vec::new(),
        };
        let files = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Arc::from(text.as_bytes())));
        let actual = Actual {
            repo: "openshift/release".parse().expect("a name"),
            branch: "master".to_owned(),
            origin: Origin {
                name: "openshift/release".to_owned(),
                branch: String::new(),
                commit: None,
            },
            files: files.collect(),
            unreadable: BTreeMap::new(),
        };
        render(&release, &[source], &actual, &self.policy)
    }
}

fn after(jobs: &Rendered, path: &str) -> Option<String> {
    let file = jobs.files.iter().find(|file| file.path == path)?;
    Some(String::from_utf8(file.after.as_ref()?.to_vec()).expect("UTF-8"))
}

fn names(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("    name: "))
        .collect()
}

fn codes(jobs: &Rendered) -> Vec<&str> {
    jobs.findings.iter().map(|finding| &*finding.code).collect()
}

/// A job file with plain jobs of these names, each on its cluster and with its profile.
fn others(list: &str, jobs: &[(&str, &str, &str)]) -> String {
    let mut text = format!("{list}:\n  org/repo:\n");
    for (name, cluster, profile) in jobs {
        text.push_str(&format!("  - agent: kubernetes\n    cluster: {cluster}\n    labels:\n"));
        if !profile.is_empty() {
            text.push_str(&format!(
                "      ci-operator.openshift.io/cloud-cluster-profile: {profile}\n"
            ));
        }
        text.push_str(&format!("      ci.openshift.io/generator: prowgen\n    name: {name}\n    spec:\n      x: |\n        y\n\n        z\n"));
    }
    text
}

const OURS: &str = "pull-ci-org-repo-release-4.16-okd-scos-images";

#[test]
fn a_new_repository_gets_both_files() {
    let jobs = World::new().render(Some(PLAIN), &[]);
    let pre = after(&jobs, PRE).expect("presubmits");
    assert_eq!(names(&pre), [OURS]);
    assert!(
        pre.starts_with("presubmits:\n  org/repo:\n  - agent: kubernetes\n    always_run: false\n"),
        "{pre}"
    );
    assert!(
        pre.contains("    - ^release-4\\.16$\n    - ^release-4\\.16-\n    cluster: build02\n"),
        "{pre}"
    );
    assert!(pre.contains("      skip_cloning: true\n"), "{pre}");
    let post = after(&jobs, POST).expect("postsubmits");
    assert_eq!(names(&post), ["branch-ci-org-repo-release-4.16-okd-scos-images"]);
    assert!(post.contains("        - --promote\n"), "{post}");
    assert!(codes(&jobs).is_empty());
}

#[test]
fn rendering_again_changes_nothing() {
    let world = World::new();
    let first = world.render(Some(PLAIN), &[]);
    let (pre, post) = (after(&first, PRE).expect("one"), after(&first, POST).expect("one"));
    let again = world.render(Some(PLAIN), &[(PRE, &pre), (POST, &post)]);
    assert!(
        again
            .files
            .iter()
            .all(|file| file.before == file.after && file.causes.is_empty())
    );
}

#[test]
fn jobs_are_sorted_in_and_take_the_cluster_of_the_plain_images_job() {
    let there = others(
        "presubmits",
        &[
            ("pull-ci-org-repo-release-4.16-images", "build07", ""),
            ("pull-ci-org-repo-release-4.16-unit", "build03", ""),
        ],
    );
    let jobs = World::new().render(Some(PLAIN), &[(PRE, &there)]);
    let text = after(&jobs, PRE).expect("presubmits");
    let order = [
        "pull-ci-org-repo-release-4.16-images",
        OURS,
        "pull-ci-org-repo-release-4.16-unit",
    ];
    assert_eq!(names(&text), order);
    let at = text
        .find("    cluster: build07\n    context")
        .expect("the cluster of the plain job");
    assert!(text[..at].contains("-images\n"));
    let (head, tail) = there
        .split_once("  - agent: kubernetes\n    cluster: build03")
        .expect("the second job");
    assert!(text.starts_with(head) && text.ends_with(&format!("  - agent: kubernetes\n    cluster: build03{tail}")));
}

#[test]
fn a_test_gets_a_job_where_its_profile_runs() {
    let config = format!(
        "{PLAIN}releases:\n  latest: {{}}\ntests:\n- always_run: false\n  as: e2e\n  optional: true\n  run_if_changed: ^go\n  steps:\n    cluster_profile: openshift-org-aws\n- as: unit\n  container:\n    from: src\n- as: nightly\n  cron: '@daily'\n  steps: {{}}\n"
    );
    let there = others(
        "presubmits",
        &[
            ("a", "build01", "openshift-org-aws"),
            ("b", "build05", "openshift-org-aws"),
            ("c", "build05", "openshift-org-aws"),
            ("pull-ci-org-repo-release-4.16-images", "build07", ""),
        ],
    );
    let jobs = World::new().render(Some(&config), &[(PRE, &there)]);
    let text = after(&jobs, PRE).expect("presubmits");
    let e2e = text
        .split("  - agent")
        .find(|job| job.contains("okd-scos-e2e\n    optional"))
        .expect("the job");
    for line in [
        "    cluster: build05\n",
        "    always_run: false\n",
        "    optional: true\n",
        "    run_if_changed: ^go\n",
        "      ci-operator.openshift.io/cloud: aws\n",
        "        - --lease-server-credentials-file=/etc/boskos/credentials\n",
        "        - --secret-dir=/secrets/ci-pull-credentials\n",
        "        - --target=e2e\n",
    ] {
        assert!(e2e.contains(line), "{line} is missing in {e2e}");
    }
    let unit = text
        .split("  - agent")
        .find(|job| job.contains("okd-scos-unit\n    rerun"))
        .expect("the job");
    assert!(
        unit.contains("    always_run: true\n") && unit.contains("    cluster: build07\n"),
        "{unit}"
    );
    assert!(!text.contains("nightly"));
    assert_eq!(codes(&jobs), Vec::<&str>::new());
    // Where it is already on one of the profile's clusters it stays.
    let moved = text.replacen(
        &format!("  - agent{e2e}"),
        &format!("  - agent{}", e2e.replace("build05", "build01")),
        1,
    );
    let again = World::new().render(Some(&config), &[(PRE, &moved)]);
    assert_eq!(after(&again, PRE).as_deref(), Some(moved.as_str()));
}

const PERIODIC: &str = "ci-operator/jobs/org/repo/org-repo-release-4.16-periodics.yaml";

#[test]
fn a_test_that_runs_by_the_clock_has_its_job_among_the_periodic_ones() {
    let config = format!(
        "{PLAIN}tests:\n- as: nightly\n  cron: '@daily'\n  steps: {{}}\n- as: often\n  interval: 6h\n  presubmit: true\n  steps: {{}}\n- as: payload\n  release_controller: true\n  interval: 6h\n  steps: {{}}\n"
    );
    let world = World::new();
    let jobs = world.render(Some(&config), &[]);
    let text = after(&jobs, PERIODIC).expect("periodics");
    let name = |test: &str| format!("periodic-ci-org-repo-release-4.16-okd-scos-{test}");
    let head = format!(
        "periodics:\n- agent: kubernetes\n  cluster: build02\n  cron: {}\n  decorate: true\n  decoration_config:\n    skip_cloning: true\n  extra_refs:\n  - base_ref: release-4.16\n    org: org\n    repo: repo\n  labels:\n    ci-operator.openshift.io/variant: okd-scos\n    ci.openshift.io/generator: prowgen\n    pj-rehearse.openshift.io/can-be-rehearsed: \"true\"\n  name: {}\n  spec:\n    containers:\n    - args:\n",
        names::daily(&name("nightly")),
        name("nightly")
    );
    assert!(text.starts_with(&head), "{text}");
    let jobs_of: Vec<&str> = text.split("- agent: kubernetes\n").skip(1).collect();
    assert_eq!(jobs_of.len(), 3);
    assert!(
        jobs_of[1].contains("  interval: 6h\n") && !jobs_of[1].contains("cron:"),
        "{}",
        jobs_of[1]
    );
    assert!(
        jobs_of[2].contains("  cron: '@yearly'\n")
            && jobs_of[2].contains("    ci-operator.openshift.io/release-controller: \"true\"\n")
            && !jobs_of[2].contains("interval:"),
        "{}",
        jobs_of[2]
    );
    let pre = after(&jobs, PRE).expect("presubmits");
    assert!(
        pre.contains("okd-scos-often\n") && !pre.contains("okd-scos-nightly\n"),
        "{pre}"
    );
    // Those of others stay byte for byte, whatever they look like, and dispatch moves ours.
    let others = "- agent: kubernetes\n  cluster:   build09\n  interval: 1h\n  name: a-job-of-others\n  spec:\n    x: |\n      y\n\n      z\n";
    let moved = text
        .replacen("periodics:\n", &format!("periodics:\n{others}"), 1)
        .replacen("cluster: build02\n  cron", "cluster: build11\n  cron", 1);
    let again = world.render(Some(&config), &[(PERIODIC, &moved)]);
    assert_eq!(after(&again, PERIODIC).as_deref(), Some(moved.as_str()));
    let gone = world.render(Some(PLAIN), &[(PERIODIC, &moved)]);
    assert_eq!(after(&gone, PERIODIC), Some(format!("periodics:\n{others}")));
    let empty = world.render(Some(PLAIN), &[(PERIODIC, &text)]);
    assert_eq!(after(&empty, PERIODIC), None, "its last job goes, and the file with it");
}

#[test]
fn a_file_of_periodic_jobs_that_lines_do_not_tell_is_parsed() {
    let config = format!("{PLAIN}tests:\n- as: nightly\n  cron: 0 1 * * *\n  steps: {{}}\n");
    let world = World::new();
    let there = "periodics: [{name: z-job, agent: kubernetes}]\n";
    let text = after(&world.render(Some(&config), &[(PERIODIC, there)]), PERIODIC).expect("periodics");
    assert!(text.ends_with("- agent: kubernetes\n  name: z-job\n"), "{text}");
    let back = world.render(Some(PLAIN), &[(PERIODIC, &text)]);
    assert_eq!(
        after(&back, PERIODIC).as_deref(),
        Some("periodics:\n- agent: kubernetes\n  name: z-job\n")
    );
    let wrong = world.render(Some(&config), &[(PERIODIC, "periodics: {a: b}\n")]);
    assert_eq!(codes(&wrong), ["unreadable-jobs"]);
    assert!(wrong.stuck.contains(CONFIG));
}

#[test]
fn jobs_of_ours_go_with_their_config_and_others_stay() {
    let world = World::new();
    let there = others("presubmits", &[("pull-ci-org-repo-release-4.16-images", "build07", "")]);
    let first = world.render(Some(PLAIN), &[(PRE, &there)]);
    let (pre, post) = (after(&first, PRE).expect("one"), after(&first, POST).expect("one"));
    let foreign = pre
        .replace(OURS, "pull-ci-org-repo-release-4.16-okd-images")
        .replace("variant: okd-scos", "variant: okd");
    let gone = world.render(None, &[(PRE, &pre), (POST, &post)]);
    assert_eq!(
        after(&gone, PRE).as_deref(),
        Some(there.as_str()),
        "what was there before comes back byte for byte"
    );
    let post = gone.files.iter().find(|file| file.path == POST).expect("looked at");
    assert!(
        post.after.is_none() && post.causes.len() == 1,
        "a file without jobs goes: {:?}",
        post.causes
    );
    let kept = world.render(None, &[(PRE, &foreign)]);
    assert_eq!(after(&kept, PRE), Some(foreign));
}

#[test]
fn a_hand_edit_inside_a_job_of_ours_is_put_right_and_named() {
    let world = World::new();
    let pre = after(&world.render(Some(PLAIN), &[]), PRE).expect("one");
    let edited = pre.replace("optional: true", "optional: false");
    let jobs = world.render(Some(PLAIN), &[(PRE, &edited)]);
    assert_eq!(after(&jobs, PRE), Some(pre));
    let file = jobs.files.iter().find(|file| file.path == PRE).expect("the file");
    let [cause] = &file.causes[..] else {
        panic!("{:?}", file.causes)
    };
    assert_eq!((cause.field.as_str(), cause.item.as_deref()), ("jobs[]", Some(OURS)));
    assert_eq!(
        (cause.old.as_deref(), cause.new.as_deref()),
        (Some("optional: false"), Some("optional: true"))
    );
    assert_eq!(cause.rule, "presubmit-job");
    let moved = file
        .before
        .as_deref()
        .map(|b| String::from_utf8_lossy(b).replace("build02", "build09"))
        .expect("there");
    let jobs = world.render(
        Some(PLAIN),
        &[(PRE, &moved.replace("optional: false", "optional: true"))],
    );
    let file = jobs.files.iter().find(|file| file.path == PRE).expect("the file");
    assert_eq!(file.causes[0].rule, "job-cluster-default");
}

#[test]
fn what_is_not_adopted_or_is_accepted_stays() {
    let mut world = World::new();
    let pre = after(&world.render(Some(PLAIN), &[]), PRE).expect("one");
    let edited = pre.replace("optional: true", "optional: false");
    world.policy.adopt = Adopt {
        causes: vec!["build_root".into()],
        ..Adopt::default()
    };
    let jobs = world.render(Some(PLAIN), &[(PRE, &edited)]);
    assert_eq!(after(&jobs, PRE), Some(edited.clone()));
    assert!(after(&jobs, POST).is_none(), "a new file is not adopted either");
    assert_eq!(jobs.files.iter().map(|file| file.refused.len()).sum::<usize>(), 2);
    world.policy = Policy {
        accept: vec![Accept {
            cause: "jobs[]".into(),
            component: None,
            image: Some(OURS.into()),
            release: None,
            reason: "r".into(),
            author: "a".into(),
            until: None,
            at: None,
        }],
        ..Policy::default()
    };
    assert_eq!(after(&world.render(Some(PLAIN), &[(PRE, &edited)]), PRE), Some(edited));
}

#[test]
fn a_broken_job_file_stops_its_config_and_nothing_else() {
    let jobs = World::new().render(Some(PLAIN), &[(PRE, "presubmits: [\n")]);
    assert_eq!(codes(&jobs), ["unreadable-jobs"]);
    assert_eq!(jobs.stuck.iter().collect::<Vec<_>>(), [CONFIG]);
    assert!(jobs.files.iter().all(|file| file.held && file.before == file.after));
    for text in [
        "[]\n",
        "presubmits: []\n",
        "presubmits: {org/repo: {}}\n",
        "presubmits: {org/repo: [{}]}\n",
    ] {
        assert_eq!(
            codes(&World::new().render(Some(PLAIN), &[(PRE, text)])),
            ["unreadable-jobs"],
            "{text}"
        );
    }
}

#[test]
fn a_file_in_another_form_is_parsed_and_written_in_canonical_form() {
    let there = "# by hand\npresubmits:\n  org/repo:\n    - {name: z, cluster: build01}\n    - {cluster: build04, name: pull-ci-org-repo-release-4.16-images}\npostsubmits: {}\n";
    let jobs = World::new().render(Some(PLAIN), &[(PRE, there)]);
    let text = after(&jobs, PRE).expect("presubmits");
    assert_eq!(text.matches("cluster: build04").count(), 2, "{text}");
    assert!(text.contains("  - cluster: build01\n    name: z\n"), "{text}");
    let file = jobs.files.iter().find(|file| file.path == PRE).expect("the file");
    assert_eq!(file.notes.len(), 1);
    let again = World::new().render(Some(PLAIN), &[(PRE, &text)]);
    assert_eq!(after(&again, PRE), Some(text));
}

#[test]
fn names_that_are_there_twice_are_told() {
    let world = World::new();
    let there = others("presubmits", &[("a", "build01", ""), ("a", "build01", "")]);
    let jobs = world.render(Some(PLAIN), &[(PRE, &there)]);
    assert_eq!(codes(&jobs), ["duplicate-job"]);
    assert_eq!(names(&after(&jobs, PRE).expect("one")), ["a", "a", OURS]);
    let pre = after(&world.render(Some(PLAIN), &[]), PRE).expect("one");
    let doubled = format!(
        "{pre}{}",
        pre.strip_prefix("presubmits:\n  org/repo:\n").expect("the head")
    );
    let jobs = world.render(Some(PLAIN), &[(PRE, &doubled)]);
    assert_eq!((codes(&jobs), after(&jobs, PRE)), (vec!["duplicate-job"], Some(pre)));
}

#[test]
fn a_job_of_others_with_our_name_is_left_alone_and_told() {
    let there = others("presubmits", &[(OURS, "build01", "")]);
    let jobs = World::new().render(Some(PLAIN), &[(PRE, &there)]);
    assert_eq!(codes(&jobs), ["job-name-taken"]);
    assert_eq!(after(&jobs, PRE), Some(there));
}

#[test]
fn a_branch_with_characters_of_patterns_keeps_them_out_of_names() {
    let world = World {
        branch: "release-4.16+x",
        ..World::new()
    };
    let jobs = world.render(Some(PLAIN), &[]);
    let file = jobs
        .files
        .iter()
        .find(|file| file.path.ends_with("presubmits.yaml"))
        .expect("one");
    assert_eq!(
        file.path,
        "ci-operator/jobs/org/repo/org-repo-release-4.16x-presubmits.yaml"
    );
    let text = String::from_utf8_lossy(file.after.as_deref().expect("text"));
    assert!(
        text.contains("    branches:\n    - release-4.16+x\n    cluster"),
        "{text}"
    );
}

#[test]
fn a_config_without_images_has_jobs_for_its_tests_only() {
    let config = "build_root:\n  from_repository: true\ncanonical_go_repository: k8s.io/x\ntests:\n- as: unit\n  postsubmit: true\n  container: {from: src}\n  secrets:\n  - name: a.b\n";
    let jobs = World::new().render(Some(config), &[]);
    assert_eq!(after(&jobs, PRE), None);
    let post = after(&jobs, POST).expect("one");
    assert!(
        !post.contains("skip_cloning") && post.contains("    path_alias: k8s.io/x\n"),
        "{post}"
    );
    assert!(
        post.contains("        - --secret-dir=/secrets/a.b\n") && post.contains("          name: a-b\n"),
        "{post}"
    );
}
