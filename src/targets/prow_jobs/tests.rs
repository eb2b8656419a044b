//! Tests of the target on job files by hand: where jobs of ours go, and what of others stays.

use std::sync::Arc;

use super::*;
use crate::base::Origin;
use crate::derive::Release;
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

/// The rules of June 2024, when jobs were given clusters with the config.
const RULES_2024: &str = include_str!("../../../fixtures/okd-2024-06/rules.yaml");

struct World {
    rules: RuleSet,
    metadata: Metadata,
    branch: &'static str,
    policy: Policy,
    registry: Registry,
    unchanged: bool,
}

impl World {
    fn new() -> Self {
        Self::with(&[])
    }

    fn of_2024() -> Self {
        Self::with(&[("2024.yaml", RULES_2024)])
    }

    fn with(more: &[(&str, &str)]) -> Self {
        let files: Vec<_> = BUILTIN
            .iter()
            .chain(more)
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
            registry: Registry::default(),
            unchanged: false,
        }
    }

    fn render(&self, config: Option<&str>, files: &[(&str, &str)]) -> Rendered {
        self.render_all(&[(CONFIG, config)], files)
    }

    /// Renders the jobs of several configs.
    fn render_all(&self, configs: &[(&str, Option<&str>)], files: &[(&str, &str)]) -> Rendered {
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
            texts: crate::derive::texts::Texts::default(),
            neighbours: crate::derive::neighbours::Neighbours::default(),
            complete: true,
            findings: Vec::new(),
            document: std::sync::OnceLock::new(),
        };
        let source = |(path, config): &(&str, Option<&str>)| {
            let text = config.map(|text| Arc::from(text.as_bytes()));
            let mut source = Source::new(path, text).expect("a config");
            (source.branch, source.unchanged) = (self.branch.to_owned(), self.unchanged);
            source
        };
        let sources: Vec<Source> = configs.iter().map(source).collect();
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
            beside: BTreeMap::new(),
            links: std::collections::BTreeSet::new(),
        };
        render(&release, &sources, &self.registry, &actual, &self.policy)
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
        pre.starts_with("presubmits:\n  org/repo:\n  - agent: kubernetes\n    always_run: true\n"),
        "{pre}"
    );
    assert!(
        pre.contains("    - ^release-4\\.16$\n    - ^release-4\\.16-\n    context"),
        "the dispatcher has not seen it yet: {pre}"
    );
    assert!(
        pre.contains("      sparse_checkout_files:\n      - Dockerfile\n"),
        "{pre}"
    );
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
fn jobs_are_sorted_in_and_in_2024_took_the_cluster_of_the_plain_images_job() {
    let there = others(
        "presubmits",
        &[
            ("pull-ci-org-repo-release-4.16-images", "build07", ""),
            ("pull-ci-org-repo-release-4.16-unit", "build03", ""),
        ],
    );
    let jobs = World::of_2024().render(Some(PLAIN), &[(PRE, &there)]);
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
fn in_2024_a_test_got_a_job_where_its_profile_ran() {
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
    let jobs = World::of_2024().render(Some(&config), &[(PRE, &there)]);
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
    let again = World::of_2024().render(Some(&config), &[(PRE, &moved)]);
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
        "periodics:\n- agent: kubernetes\n  cron: {}\n  decorate: true\n  decoration_config:\n    sparse_checkout_files:\n    - Dockerfile\n  extra_refs:\n  - base_ref: release-4.16\n    org: org\n    repo: repo\n    sparse_checkout_files:\n    - Dockerfile\n  labels:\n    ci-operator.openshift.io/variant: okd-scos\n    ci.openshift.io/generator: prowgen\n    pj-rehearse.openshift.io/can-be-rehearsed: \"true\"\n  name: {}\n  spec:\n    containers:\n    - args:\n",
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
        .replacen(
            "agent: kubernetes\n  cron",
            "agent: kubernetes\n  cluster: build11\n  cron",
            1,
        );
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
    let edited = pre.replace("always_run: true", "always_run: false");
    let jobs = world.render(Some(PLAIN), &[(PRE, &edited)]);
    assert_eq!(after(&jobs, PRE), Some(pre.clone()));
    let file = jobs.files.iter().find(|file| file.path == PRE).expect("the file");
    let [cause] = &file.causes[..] else {
        panic!("{:?}", file.causes)
    };
    assert_eq!((cause.field.as_str(), cause.item.as_deref()), ("jobs[]", Some(OURS)));
    assert_eq!(
        (cause.old.as_deref(), cause.new.as_deref()),
        (Some("always_run: false"), Some("always_run: true"))
    );
    assert_eq!(cause.rule, "presubmit-job");
    assert_eq!(codes(&jobs), Vec::<&str>::new(), "the config changes as well");
    let still = World {
        unchanged: true,
        ..World::new()
    };
    let jobs = still.render(Some(PLAIN), &[(PRE, &edited)]);
    assert_eq!(
        (codes(&jobs), after(&jobs, PRE)),
        (vec!["job-edited"], Some(pre.clone()))
    );
    let message = &jobs.findings[0].message;
    assert!(message.ends_with(&format!("{OURS} (always_run)")), "{message}");
    // An older generator's job is no edit of anybody's.
    let older = edited.replace("ci_ci-operator_latest", "ci_ci-operator_old");
    let jobs = still.render(Some(PLAIN), &[(PRE, &older)]);
    assert_eq!((codes(&jobs), after(&jobs, PRE)), (vec![], Some(pre)));
}

#[test]
fn what_the_dispatcher_and_people_set_on_a_job_stays_and_nothing_else() {
    let world = World::new();
    let config = format!(
        "{PLAIN}tests:\n- {{as: unit, max_concurrency: 3, reporter_config: {{channel: '#c'}}}}\n- {{as: after, postsubmit: true}}\n- {{as: night, cron: x}}\n- {{as: told, cron: x, reporter_config: {{channel: '#c'}}}}\n- {{as: placed, cluster: build05}}\n"
    );
    let first = world.render(Some(&config), &[]);
    let set = |path: &str, indent: &str, more: &str| {
        let text = after(&first, path).expect("the file");
        let text = text
            .replace("max_concurrency: 3\n", "max_concurrency: 9\n")
            .replace("max_concurrency: 1\n", "max_concurrency: 8\n");
        let text = text.replace("    cluster: build05\n", "");
        let lines = more.lines().map(|line| format!("{indent}{line}\n")).collect::<String>();
        text.replace(
            &format!("{indent}decorate: true\n"),
            &format!("{lines}{indent}decorate: true\n"),
        )
    };
    let pre = set(
        PRE,
        "    ",
        "cluster: build99\nskip_report: true\nrun_before_merge: true",
    );
    let post = set(POST, "    ", "cluster: build99\nskip_report: true");
    let night = set(
        PERIODIC,
        "  ",
        "cluster: build99\nmax_concurrency: 2\nreporter_config:\n  slack: {channel: '#old', nobody: knows, report: true}",
    );
    let jobs = world.render(Some(&config), &[(PRE, &pre), (POST, &post), (PERIODIC, &night)]);
    let text = |path: &str| after(&jobs, path).expect("the file");
    let of = |path: &str, name: &str| {
        let text = text(path);
        let job = text
            .split("- agent: kubernetes\n")
            .find(|job| job.contains(&format!("okd-scos-{name}\n")));
        job.expect("the job").to_owned()
    };
    let unit = of(PRE, "unit");
    for kept in [
        "cluster: build99\n",
        "max_concurrency: 9\n",
        "skip_report: true\n",
        "channel: '#c'\n",
    ] {
        assert!(unit.contains(kept), "{kept} {unit}");
    }
    assert!(!unit.contains("run_before_merge"), "{unit}");
    assert!(
        of(PRE, "placed").contains("    cluster: build05\n"),
        "the test says where"
    );
    assert!(!of(PRE, "placed").contains("max_concurrency"), "none was there");
    assert!(of(POST, "after").contains("max_concurrency: 8\n"));
    assert!(
        of(POST, "images").contains("max_concurrency: 1\n"),
        "promotion runs alone"
    );
    assert!(!text(POST).contains("skip_report") && text(POST).matches("cluster: build99").count() == 2);
    let night = of(PERIODIC, "night");
    assert!(
        night.contains("  max_concurrency: 2\n") && night.contains("      channel: '#old'\n      report: true\n"),
        "{night}"
    );
    assert!(of(PERIODIC, "told").contains("channel: '#c'\n"));
}

#[test]
fn promotion_by_the_clock_is_always_there() {
    let world = World::new();
    let config = PLAIN.replace("promotion:\n", "promotion:\n  cron: '@daily'\n");
    let first = world.render(Some(&config), &[]);
    let (text, post) = (
        after(&first, PERIODIC).expect("periodics"),
        after(&first, POST).expect("one"),
    );
    let name = "periodic-ci-org-repo-release-4.16-okd-scos-images";
    for line in [
        &format!("  cron: {}\n", names::daily(name)),
        "    ci-operator.openshift.io/is-promotion: \"true\"\n",
        "  max_concurrency: 1\n",
        "      - --promote\n",
    ] {
        assert!(text.contains(line), "{line} {text}");
    }
    assert!(!text.contains("can-be-rehearsed"), "{text}");
    let again = world.render(Some(&config), &[(PERIODIC, &text), (POST, &post)]);
    assert_eq!(after(&again, PERIODIC), Some(text));
}

#[test]
fn clouds_come_from_the_step_registry() {
    let config = "tests:\n- {as: a, steps: {cluster_profile: okd-lab}}\n- {as: b, steps: {workflow: ipi}}\n- {as: c, steps: {cluster_profile: gcp-9}}\n";
    let clouds = |world: &World| {
        let jobs = world.render(Some(config), &[]);
        let text = after(&jobs, PRE).expect("presubmits");
        let clouds = text
            .lines()
            .filter_map(|line| line.strip_prefix("      ci-operator.openshift.io/cloud: "));
        (clouds.map(str::to_owned).collect::<Vec<_>>(), codes(&jobs).join(" "))
    };
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut world = World::new();
    assert_eq!(
        clouds(&world),
        (vec!["okd-lab".to_owned(), "gcp".to_owned()], String::new())
    );
    world.registry = Registry {
        profiles: Some([pair("okd-lab", "metal"), pair("aws-5", "aws")].into()),
        workflows: [pair("ipi", "aws-5")].into(),
    };
    let told = ["metal", "aws", "gcp"].map(str::to_owned).to_vec();
    assert_eq!(clouds(&world), (told, "unknown-cluster-profile".to_owned()));
}

#[test]
fn what_is_not_adopted_or_is_accepted_stays() {
    let mut world = World::new();
    let pre = after(&world.render(Some(PLAIN), &[]), PRE).expect("one");
    let edited = pre.replace("always_run: true", "always_run: false");
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
    let jobs = World::of_2024().render(Some(PLAIN), &[(PRE, there)]);
    let text = after(&jobs, PRE).expect("presubmits");
    assert_eq!(text.matches("cluster: build04").count(), 2, "{text}");
    assert!(text.contains("  - cluster: build01\n    name: z\n"), "{text}");
    let file = jobs.files.iter().find(|file| file.path == PRE).expect("the file");
    assert_eq!(file.notes.len(), 1);
    let again = World::of_2024().render(Some(PLAIN), &[(PRE, &text)]);
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
fn a_job_by_hand_with_our_name_is_taken_over_with_its_cluster_and_told() {
    let there = others("presubmits", &[(OURS, "build01", "")])
        .replace("    labels:\n      ci.openshift.io/generator: prowgen\n", "");
    let jobs = World::new().render(Some(PLAIN), &[(PRE, &there)]);
    assert_eq!(codes(&jobs), ["job-by-hand"]);
    let text = after(&jobs, PRE).expect("one");
    assert!(text.contains("    cluster: build01\n    context: ci/prow/"), "{text}");
    let again = World::new().render(Some(PLAIN), &[(PRE, &text)]);
    assert_eq!((codes(&again), after(&again, PRE)), (vec![], Some(text)));
}

#[test]
fn a_job_that_is_asked_for_twice_is_written_once_and_told() {
    let config = format!("{PLAIN}tests:\n- {{as: images, container: {{from: src}}}}\n- {{as: e2e}}\n");
    let jobs = World::new().render(Some(&config), &[]);
    assert_eq!(codes(&jobs), ["duplicate-job"]);
    let pre = after(&jobs, PRE).expect("one");
    assert_eq!(names(&pre), ["pull-ci-org-repo-release-4.16-okd-scos-e2e", OURS]);
    assert!(
        pre.contains("        - --target=[images]\n") && !pre.contains("--target=images\n"),
        "{pre}"
    );
}

#[test]
fn two_mounts_in_one_place_stop_the_config_and_nothing_else() {
    let config = format!("{PLAIN}tests:\n- {{as: e2e, secrets: [{{name: gcs}}]}}\n");
    let jobs = World::new().render(Some(&config), &[(PRE, "presubmits: {}\n")]);
    assert_eq!(codes(&jobs), ["unwritable-job"]);
    assert!(jobs.stuck.contains(CONFIG) && after(&jobs, PRE).as_deref() == Some("presubmits: {}\n"));
}

#[test]
fn keys_that_the_generator_does_not_know_are_noted() {
    let config = format!("{PLAIN}prowgen: {{privat: true}}\n");
    let jobs = World::new().render(Some(&config), &[]);
    assert_eq!(codes(&jobs), ["unknown-config-key"]);
    assert_eq!(jobs.findings[0].place.as_ref().and_then(|place| place.line), Some(10));
    assert!(after(&jobs, PRE).is_some());
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
        text.contains("    branches:\n    - release-4.16+x\n    context"),
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

#[test]
fn variants_of_a_branch_share_their_files() {
    const PLAIN_VARIANT: &str = "ci-operator/config/org/repo/org-repo-release-4.16.yaml";
    const OTHER: &str = "ci-operator/config/org/repo/org-repo-release-4.16__lamp.yaml";
    let world = World::new();
    let all = |text| [(CONFIG, Some(PLAIN)), (PLAIN_VARIANT, Some(PLAIN)), (OTHER, text)];
    let jobs = world.render_all(&all(Some("tests:\n- {as: e2e}\n")), &[]);
    let pre = after(&jobs, PRE).expect("presubmits");
    let expected = [
        "pull-ci-org-repo-release-4.16-images",
        "pull-ci-org-repo-release-4.16-lamp-e2e",
        OURS,
    ];
    assert_eq!(names(&pre), expected);
    assert_eq!(jobs.files.iter().filter(|file| file.path == PRE).count(), 1);
    let plain = pre.split("  - agent").nth(1).expect("a job");
    assert!(!plain.contains("variant"), "{plain}");
    let post = after(&jobs, POST).expect("postsubmits");
    let again = world.render_all(&all(Some("tests:\n- {as: e2e}\n")), &[(PRE, &pre), (POST, &post)]);
    assert!(
        again
            .files
            .iter()
            .all(|file| file.before == file.after && file.causes.is_empty())
    );
    // What cannot be read of one keeps its jobs, and costs the others nothing.
    let broken = world.render_all(&all(Some("tests: [\n")), &[(PRE, &pre)]);
    assert_eq!((after(&broken, PRE), after(&broken, POST)), (Some(pre), Some(post)));
}
