mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::base::Origin;
use crate::derive::tests::world::{World, repo_name};
use crate::targets::Told;
use crate::targets::door::Memo;

const GO: &str = "registry.ci.openshift.org/ocp/builder:golang-1.21";
const TENANT: &str = "rules:\n- id: ours\n  because: x\n  on: target\n  when: target == 'konflux'\n  set: {tenant: okd-tenant}\n  \
                      overrides: [konflux-tenant]\n";

fn world() -> World {
    world_with("")
}

fn world_with(rules: &str) -> World {
    let cli = format!("FROM {GO} AS builder\nFROM registry.ci.openshift.org/ocp/4.16:base\n");
    World::new()
        .image("cli", "cli", "{builder: [{stream: golang}], stream: base}", &cli)
        .image(
            "tools",
            "tools",
            "{member: cli}",
            "FROM registry.ci.openshift.org/ocp/4.16:cli\n",
        )
        .refined_by(&format!("{TENANT}{rules}"))
}

struct Seen {
    files: BTreeMap<String, Option<String>>,
    before: BTreeMap<String, String>,
    findings: Vec<Finding>,
    groups: BTreeSet<String>,
}

impl Seen {
    fn codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = self.findings.iter().map(|finding| &*finding.code).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    fn message(&self, code: &str) -> &str {
        let found = self.findings.iter().find(|finding| finding.code == code);
        found.map_or("", |finding| &finding.message)
    }

    fn text(&self, path: &str) -> &str {
        self.files.get(path).and_then(Option::as_deref).unwrap_or_default()
    }

    /// The lines of a file that are new, and those that are gone.
    fn changed(&self, path: &str) -> (Vec<&str>, Vec<&str>) {
        let (old, new) = (self.before.get(path).map_or("", String::as_str), self.text(path));
        let added = new
            .lines()
            .filter(|line| !old.lines().any(|there| there == *line))
            .map(str::trim);
        let gone = old
            .lines()
            .filter(|line| !new.lines().any(|there| there == *line))
            .map(str::trim);
        (added.collect(), gone.collect())
    }
}

/// Where a world is rendered into.
struct At<'a> {
    repo: &'a str,
    branch: &'a str,
    options: Vec<(&'a Key, serde_json::Value)>,
    links: Vec<&'a str>,
    unreadable: Vec<(&'a str, &'a str)>,
    /// Files of the branch that images are built from.
    beside: Vec<(&'a str, &'a str)>,
}

impl Default for At<'_> {
    fn default() -> Self {
        Self {
            repo: "cli",
            branch: "release-4.16",
            options: vec![(&GITOPS, json!({"repo": "openshift/config"}))],
            links: Vec::new(),
            unreadable: Vec::new(),
            beside: Vec::new(),
        }
    }
}

/// What the target makes of files.
fn rendered(world: &World, at: &At<'_>, files: &[(&str, &str)]) -> Rendered {
    let release = world.release();
    let mut options = Options::defaults(TARGET.options);
    for (key, value) in &at.options {
        options.set(key, value.clone());
    }
    let ask = Ask {
        release: &release,
        options: &options,
        policy: &world.policy,
        earlier: &BTreeMap::new(),
        memo: Memo::default(),
    };
    let mut actual = Actual {
        repo: repo_name(at.repo),
        branch: at.branch.to_owned(),
        origin: Origin {
            name: format!("openshift/{}", at.repo),
            branch: at.branch.to_owned(),
            commit: None,
        },
        files: files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), Arc::from(text.as_bytes())))
            .collect(),
        unreadable: at
            .unreadable
            .iter()
            .map(|(path, why)| ((*path).to_owned(), (*why).to_owned()))
            .collect(),
        beside: BTreeMap::new(),
        links: at.links.iter().map(|path| (*path).to_owned()).collect(),
    };
    let asked = (TARGET.reads)(&ask, &actual.repo).ok().and_then(|reads| reads.beside);
    for asked in asked.map(|asked| asked(&ask, &actual)).unwrap_or_default() {
        let found = at.beside.iter().find(|(path, _)| *path == asked.path);
        let told = found.map_or(Told::Absent, |(_, text)| Told::Text(Arc::from(text.as_bytes())));
        actual.beside.insert(asked, told);
    }
    (TARGET.render)(&ask, &actual)
}

fn render(world: &World, at: &At<'_>, files: &[(&str, &str)]) -> Seen {
    let rendered = rendered(world, at, files);
    let text = |bytes: &Arc<[u8]>| String::from_utf8_lossy(bytes).into_owned();
    Seen {
        groups: rendered.files.iter().map(|file| file.group.clone()).collect(),
        files: rendered
            .files
            .iter()
            .map(|file| (file.path.clone(), file.after.as_ref().map(text)))
            .collect(),
        before: files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect(),
        findings: rendered.findings,
    }
}

fn here(files: &[(&str, &str)]) -> Seen {
    render(&world(), &At::default(), files)
}

const PUSH: &str = ".tekton/okd-cli-4-16-push.yaml";
const REQUEST: &str = ".tekton/okd-cli-4-16-pull-request.yaml";

/// A run as it is written anew.
fn fresh_run(path: &str) -> String {
    let text = here(&[]).text(path).to_owned();
    assert!(!text.is_empty(), "{path}");
    text
}

#[test]
fn an_image_has_two_runs_and_a_second_rendering_changes_nothing() {
    let seen = here(&[]);
    assert_eq!(seen.files.keys().collect::<Vec<_>>(), [REQUEST, PUSH]);
    assert_eq!(seen.codes(), Vec::<&str>::new());
    let push = seen.text(PUSH);
    for part in [
        "  name: okd-cli-4-16-on-push\n  namespace: okd-tenant\n",
        "on-cel-expression: event == \"push\" && target_branch == \"release-4.16\"\n",
        "value: quay.io/redhat-user-workloads/okd-tenant/okd-cli-4-16:{{revision}}\n",
        &format!("        {GO}={GO}\n"),
        "      value:\n        - \"4.16\"\n",
        "value: https://github.com/openshift/config\n",
        "serviceAccountName: build-pipeline-okd-cli-4-16\n",
        "- linux/x86_64\n",
    ] {
        assert!(push.contains(part), "{part}\n{push}");
    }
    let request = seen.text(REQUEST);
    assert!(
        request.contains(":on-pr-{{revision}}\n") && request.contains("value: 5d\n"),
        "{request}"
    );
    assert!(!request.contains("additional-tags"), "{request}");
    let again = here(&[(PUSH, push), (REQUEST, request)]);
    assert_eq!((again.text(PUSH), again.text(REQUEST)), (push, request));
    let tools = At {
        repo: "tools",
        ..At::default()
    };
    let tools = render(&world(), &tools, &[]);
    let map = "registry.ci.openshift.org/ocp/4.16:cli=quay.io/redhat-user-workloads/okd-tenant/okd-cli-4-16:4.16\n";
    assert!(tools.text(".tekton/okd-tools-4-16-push.yaml").contains(map));
}

/// The run as people keep it: other lists, comments, digests of bots, a parameter of their own, another order.
fn kept() -> String {
    let text = fresh_run(PUSH);
    let text = text.replace(
        "target_branch == \"release-4.16\"",
        "target_branch\n      == \"main\" && (\"x/***\".pathChanged())",
    );
    let text = text.replace("  namespace: okd-tenant\n", "  namespace: 'okd-tenant' # ours\n");
    let text = text.replace(
        "    - name: dockerfile\n",
        "    - name: hermetic\n      value: \"true\"\n    # bumped by a bot\n    - name: dockerfile\n",
    );
    format!("{text}status: {{}}\n")
}

#[test]
fn the_branch_changes_where_it_stands_and_nothing_else_does() {
    let text = kept();
    let seen = here(&[(PUSH, &text)]);
    assert_eq!(seen.text(PUSH), text.replace("== \"main\"", "== \"release-4.16\""));
    assert_eq!(seen.codes(), Vec::<&str>::new());
    let crlf = text.replace('\n', "\r\n");
    let seen = here(&[(PUSH, &crlf)]);
    assert_eq!(seen.text(PUSH), crlf.replace("== \"main\"", "== \"release-4.16\""));
}

#[test]
fn managed_fields_are_put_right_and_lists_keep_what_is_others() {
    let text = fresh_run(PUSH)
        .replace("name: okd-cli-4-16-on-push", "name: cli-on-push")
        .replace("Dockerfile\n", "Dockerfile.old\n")
        .replace("- linux/x86_64\n", "- linux-mxlarge/amd64\n        - linux/s390x\n")
        .replace("TAGS=scos", "TAGS=none\n        - MORE=1")
        .replace(&format!("{GO}={GO}"), &format!("{GO}=other/image:1\n        gone=x"))
        .replace("        - \"4.16\"\n", "        - mine\n")
        .replace("build-pipeline-okd-cli-4-16", "pipeline");
    let seen = here(&[(PUSH, &text)]);
    let (added, gone) = seen.changed(PUSH);
    assert_eq!(
        gone,
        [
            "name: cli-on-push",
            "- linux/s390x",
            "value: cli.Dockerfile.old",
            "- TAGS=none",
            &format!("{GO}=other/image:1"),
            "gone=x",
            "serviceAccountName: pipeline"
        ]
    );
    assert_eq!(
        added,
        [
            "name: okd-cli-4-16-on-push",
            "value: cli.Dockerfile",
            "- TAGS=scos",
            &format!("{GO}={GO}"),
            "- \"4.16\"",
            "serviceAccountName: build-pipeline-okd-cli-4-16"
        ]
    );
    // In another order it says the same.
    let dockerfile = "    - name: dockerfile\n      value: cli.Dockerfile\n";
    let fresh = fresh_run(PUSH);
    assert!(fresh.contains(dockerfile));
    let turned = fresh
        .replace(dockerfile, "")
        .replace("  pipelineRef:\n", &format!("{dockerfile}  pipelineRef:\n"));
    assert_eq!(here(&[(PUSH, &turned)]).text(PUSH), turned);
}

#[test]
fn what_a_new_run_starts_with_is_peoples_from_then_on() {
    let request = fresh_run(REQUEST);
    for (old, new) in [
        ("value: 5d\n", "value: 14d\n"),
        ("    - name: image-expires-after\n      value: 5d\n", ""),
        ("    pipeline: 4h0m0s\n", "    pipeline: 8h0m0s\n    tasks: 7h0m0s\n"),
        ("  timeouts:\n    pipeline: 4h0m0s\n", ""),
        ("max-keep-runs: \"3\"", "max-keep-runs: \"9\""),
        ("cancel-in-progress: \"true\"", "cancel-in-progress: \"false\""),
        ("{{ git_auth_secret }}", "own"),
        ("https://github.com/openshift/cli?rev={{revision}}", "elsewhere"),
    ] {
        let kept = request.replace(old, new);
        assert_ne!(kept, request, "{old}");
        assert_eq!(here(&[(REQUEST, &kept)]).text(REQUEST), kept, "{old}");
    }
}

fn unmarked(run: &str) -> String {
    run.replace("    app.kubernetes.io/managed-by: lockstep\n", "")
}

#[test]
fn files_of_others_stay_whatever_they_say() {
    let theirs = unmarked(&fresh_run(PUSH)).replace("component: okd-cli-4-16", "component: theirs");
    let seen = here(&[(PUSH, &theirs)]);
    assert_eq!(seen.text(PUSH), theirs);
    assert_eq!(seen.codes(), ["tekton-foreign"]);
    let stale = theirs
        .replace("release-4.16", "main")
        .replace("name: okd-cli-4-16-on-push", "name: theirs");
    let seen = here(&[(".tekton/theirs.yaml", &stale)]);
    assert_eq!(
        (seen.text(".tekton/theirs.yaml"), seen.codes()),
        (stale.as_str(), vec!["tekton-foreign"])
    );
    assert!(
        seen.message("tekton-foreign").contains("1 runs of other components"),
        "{}",
        seen.message("tekton-foreign")
    );
    // A file of our name that is no run, and one that is a link.
    let seen = here(&[(PUSH, "kind: Task\n")]);
    assert_eq!(
        (seen.text(PUSH), seen.codes()),
        ("kind: Task\n", vec!["tekton-foreign"])
    );
    let link = At {
        links: vec![PUSH],
        ..At::default()
    };
    let old = fresh_run(PUSH).replace("Dockerfile\n", "Other\n");
    let seen = render(&world(), &link, &[(PUSH, &old)]);
    assert_eq!((seen.text(PUSH), seen.codes()), (old.as_str(), vec!["tekton-foreign"]));
}

#[test]
fn what_people_say_of_branches_in_another_way_is_left_and_told() {
    let with = |expression: &str| {
        let text = fresh_run(PUSH).replace("event == \"push\" && target_branch == \"release-4.16\"", expression);
        let seen = here(&[(PUSH, &text)]);
        (seen.text(PUSH) == text, seen.codes().join(" "))
    };
    for (expression, codes) in [
        (
            "event == \"push\" && target_branch.startsWith(\"release-\")",
            "tekton-branch-by-hand",
        ),
        (
            "event == \"push\" && (target_branch == \"a\" || target_branch == \"release-4.16\")",
            "tekton-branch-by-hand",
        ),
        (
            "event == \"push\" && target_branch in [\"main\"]",
            "tekton-branch-by-hand tekton-never-starts",
        ),
        (
            "event == \"push\" && target_branch == \"feature\"",
            "tekton-branch-by-hand tekton-never-starts",
        ),
        (
            "event == \"push\" && target_branch == \"release-4.17\"",
            "tekton-branch-by-hand tekton-never-starts",
        ),
        (
            "event == \"push\" && target_branch == \"release-4.16\" && body.created",
            "tekton-not-judged",
        ),
        ("event == \"push\" && custom == \"x\"", "tekton-not-judged"),
        ("event == \"push\" &&", "tekton-never-starts"),
        (
            "event == \"push\" && target_branch == \"release-4.16\" && files.all.all(x, x.matches(\"^docs/\"))",
            "tekton-never-starts",
        ),
    ] {
        assert_eq!(with(expression), (true, codes.to_owned()), "{expression}");
    }
    let (unchanged, codes) = with("event == \"push\" && target_branch == \"release-4.15\"");
    assert_eq!((unchanged, codes.as_str()), (false, ""));
    // One that says nothing of its event is looked at for both.
    let either = unmarked(&fresh_run(PUSH)).replace(
        "event == \"push\" && target_branch == \"release-4.16\"",
        "target_branch.contains(\"x\")",
    );
    let either = either.replace("okd-cli-4-16-on-push", "any");
    let seen = here(&[(".tekton/any.yaml", &either)]);
    assert_eq!(
        (seen.text(".tekton/any.yaml"), seen.codes()),
        (either.as_str(), vec!["tekton-branch-by-hand", "tekton-never-starts"])
    );
    let lists = fresh_run(PUSH).replace(
        "on-cel-expression: event == \"push\" && target_branch == \"release-4.16\"",
        "on-event: \"[push]\"\n    pipelinesascode.tekton.dev/on-target-branch: \"[main]\"",
    );
    let seen = here(&[(PUSH, &lists)]);
    assert_eq!(
        (seen.text(PUSH), seen.codes()),
        (lists.as_str(), vec!["tekton-branch-by-hand", "tekton-never-starts"])
    );
}

#[test]
fn one_broken_file_is_told_and_costs_no_other() {
    for broken in ["a: [", "\u{0}", "a: 1\na: 2\n", &"x".repeat(9 << 20)] {
        let seen = here(&[(".tekton/other.yaml", broken)]);
        assert_eq!(seen.codes(), ["tekton-unreadable"], "{broken:.10}");
        assert!(!seen.text(PUSH).is_empty());
    }
    let seen = here(&[(PUSH, "a: [")]);
    assert_eq!(
        (seen.codes(), seen.files.contains_key(PUSH)),
        (vec!["tekton-unreadable"], false)
    );
    for at in [
        At {
            unreadable: vec![(TEKTON, "not a directory")],
            ..At::default()
        },
        At {
            links: vec![TEKTON],
            ..At::default()
        },
    ] {
        let seen = render(&world(), &at, &[]);
        assert_eq!((seen.codes(), seen.files.len()), (vec!["tekton-unreadable"], 0));
    }
    // Two megabytes of somebody's, which say nothing of us.
    let big = format!(
        "kind: ConfigMap\nmetadata: {{name: big}}\ndata:\n{}",
        "  - a line like many others\n".repeat(80_000)
    );
    let seen = here(&[(".tekton/big.yaml", &big)]);
    assert!(big.len() > 2_000_000 && seen.text(".tekton/big.yaml") == big);
    assert_eq!((seen.codes(), seen.files.len()), (vec![], 3));
    let many: Vec<(String, String)> = (0..500)
        .map(|at| {
            (
                format!(".tekton/more/{at}.yaml"),
                format!("kind: Task\nmetadata: {{name: t{at}}}\n"),
            )
        })
        .collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let seen = here(&many);
    assert_eq!((seen.codes(), seen.files.len()), (vec![], 502));
}

#[test]
fn what_a_file_that_cannot_be_read_may_hold_is_not_made_a_second_time() {
    let broken = format!("{}  a: [\n", fresh_run(PUSH));
    let path = ".tekton/build.yaml";
    let seen = here(&[(path, &broken)]);
    assert_eq!((seen.files.len(), seen.codes()), (0, vec!["tekton-unreadable"]));
    let told = seen
        .findings
        .iter()
        .filter(|finding| finding.message.contains("is not added"));
    assert_eq!(told.count(), 2);
    // One of another image holds back nothing, one of which nothing is known all, and one beside the folder nothing.
    let other = broken.replace("okd-cli-4-16", "okd-cli-4-16-more");
    assert_eq!(here(&[(path, &other)]).files.len(), 2);
    let at = |path| At {
        unreadable: vec![(path, "it is too large")],
        ..At::default()
    };
    assert_eq!(render(&world(), &at(path), &[]).files.len(), 0);
    assert_eq!(render(&world(), &at(".tektonic/build.yaml"), &[]).files.len(), 2);
    let made = config(&world(), &[], &[]);
    let component = made.text("4.16/components/okd-cli-4-16.yaml");
    let seen = config(&world(), &[("4.16/all.yaml", &format!("{component}a: [\n"))], &[]);
    assert_eq!(seen.codes(), ["unreadable-resource"]);
    assert!(!seen.files.contains_key("4.16/components/okd-cli-4-16.yaml"));
    assert!(seen.files.contains_key("4.16/components/okd-tools-4-16.yaml"));
    assert!(!seen.text("4.16/kustomization.yaml").contains("okd-cli-4-16.yaml"));
    let broken = format!("{}a: [\n", made.text("4.16/application.yaml"));
    let seen = config(&world(), &[("4.16/all.yaml", &broken)], &[]);
    assert!(!seen.files.contains_key("4.16/application.yaml"));
    assert!(!seen.text("4.16/kustomization.yaml").contains("application.yaml"));
}

#[test]
fn forms_that_people_and_programs_write_are_read() {
    // Several documents in a file, v1beta1, JSON, an anchor.
    let run = fresh_run(PUSH).replace("release-4.16\"", "main\"");
    let several = format!("kind: Task\nmetadata: {{name: t}}\n---\n{run}");
    let seen = here(&[(".tekton/all.yaml", &several)]);
    assert_eq!(
        seen.text(".tekton/all.yaml"),
        several.replace("main\"", "release-4.16\"")
    );
    assert!(!seen.files.contains_key(PUSH));
    let old = fresh_run(PUSH).replace("tekton.dev/v1", "tekton.dev/v1beta1").replace(
        "  taskRunTemplate:\n    serviceAccountName: build-pipeline-okd-cli-4-16\n",
        "  serviceAccountName: x\n",
    );
    let seen = here(&[(PUSH, &old)]);
    assert_eq!(
        seen.text(PUSH),
        old.replace(
            "serviceAccountName: x",
            "serviceAccountName: build-pipeline-okd-cli-4-16"
        )
    );
    let node = crate::yaml::parse(fresh_run(PUSH).as_bytes()).expect("YAML");
    let json = format!("{:#}\n", serde_json::Value::from(&node)).replace("release-4.16\\\"", "main\\\"");
    let seen = here(&[(PUSH, &json)]);
    assert_eq!(seen.text(PUSH), json.replace("main\\\"", "release-4.16\\\""));
    let tails = fresh_run(PUSH).replace("release-4.16\"", "main\"");
    let tails = tails.replace("metadata:\n", "metadata:\n  creationTimestamp: null\n") + "status: {}\n";
    let seen = here(&[(PUSH, &tails)]);
    assert_eq!(seen.text(PUSH), tails.replace("main\"", "release-4.16\""));
    let anchored = fresh_run(PUSH).replace("namespace: okd-tenant", "namespace: &ns okd-tenant\n  uid: *ns");
    assert_eq!(here(&[(PUSH, &anchored)]).text(PUSH), anchored);
    let named = fresh_run(PUSH).replace("  name: okd-cli-4-16-on-push", "  generateName: okd-cli-");
    let seen = here(&[(PUSH, &named)]);
    assert!(
        seen.text(PUSH).contains("generateName: okd-cli-\n")
            && seen.text(PUSH).contains("  name: okd-cli-4-16-on-push\n")
    );
}

#[test]
fn runs_that_share_a_file_are_all_put_right_at_once() {
    let old = |path: &str| {
        let run = fresh_run(path).replace("release-4.16", "main");
        let run = run.replace("okd-tenant", "old-tenant").replace("cli.Dockerfile", "Old");
        run.replace("name: okd-cli-4-16-on-", "name: cli-on-")
    };
    let as_wanted = |path: &str| fresh_run(path);
    // Of one image, in both orders, and of two images of one repository.
    let tools = world_with("").image(
        "more",
        "cli",
        "{stream: base}",
        "FROM registry.ci.openshift.org/ocp/4.16:base\n",
    );
    let more = here_of(&tools);
    let more = more.text(".tekton/okd-more-4-16-push.yaml");
    let old_more = more.replace("release-4.16", "main").replace("okd-tenant", "old-tenant");
    let three = [old(PUSH), old_more, old(REQUEST)].join("---\n");
    let path = ".tekton/both.yaml";
    for (world, before, after) in [
        (
            world(),
            [old(PUSH), old(REQUEST)].join("---\n"),
            [as_wanted(PUSH), as_wanted(REQUEST)].join("---\n"),
        ),
        (
            world(),
            [old(REQUEST), old(PUSH)].join("---\n"),
            [as_wanted(REQUEST), as_wanted(PUSH)].join("---\n"),
        ),
        (
            tools,
            three,
            [as_wanted(PUSH), more.to_owned(), as_wanted(REQUEST)].join("---\n"),
        ),
    ] {
        let seen = render(&world, &At::default(), &[(path, &before)]);
        assert_eq!(seen.text(path), after);
        let again = render(&world, &At::default(), &[(path, &after)]);
        assert_eq!(again.text(path), after);
    }
}

#[test]
fn a_component_that_is_built_twice_and_runs_of_one_name_are_told() {
    let run = fresh_run(PUSH);
    let seen = here(&[(PUSH, &run), (".tekton/copy.yaml", &run)]);
    assert_eq!(seen.codes(), ["tekton-same-name", "tekton-two-runs"]);
    assert_eq!(seen.text(".tekton/copy.yaml"), run);
    // A name that others have already is not taken a second time.
    let theirs = unmarked(&run).replace("component: okd-cli-4-16", "component: theirs");
    let seen = here(&[(".tekton/theirs.yaml", &theirs)]);
    assert_eq!(seen.files.keys().collect::<Vec<_>>(), [REQUEST, ".tekton/theirs.yaml"]);
    assert_eq!(seen.codes(), ["tekton-foreign"]);
    let own = run.replace("name: okd-cli-4-16-on-push", "name: mine");
    let seen = here(&[(PUSH, &own), (".tekton/theirs.yaml", &theirs)]);
    assert_eq!((seen.text(PUSH), seen.codes()), (own.as_str(), vec![]));
    let broken = run.replace("revision}}", "revision}");
    assert_eq!(here(&[(PUSH, &broken)]).codes(), ["tekton-broken-placeholder"]);
}

#[test]
fn the_same_image_in_two_releases_on_one_branch_has_runs_of_each() {
    let next = unmarked(&fresh_run(PUSH))
        .replace("4-16", "4-17")
        .replace("\"4.16\"", "\"4.17\"");
    let marked = fresh_run(PUSH).replace("4-16", "4-17");
    let path = ".tekton/okd-cli-4-17-push.yaml";
    for other in [next, marked] {
        let seen = here(&[(PUSH, &fresh_run(PUSH)), (path, &other)]);
        assert_eq!((seen.text(path), seen.codes()), (other.as_str(), vec![]));
    }
}

#[test]
fn words_that_would_end_an_expression_cost_their_image() {
    for (word, fits) in [
        ("release-4.16", true),
        ("a\"||true||\"", false),
        ("a'b", false),
        ("{{x}}", false),
        ("$(params.x)", false),
    ] {
        assert_eq!(names::word_fault(word).is_none(), fits, "{word}");
    }
    let source = "name: openshift/ose-odd\npayload_name: odd\nfor_payload: true\nfrom: {stream: base}\ncontent: {source: {dockerfile: \
                  'D{{x}}', git: {url: 'git@github.com:openshift-priv/cli.git', branch: {target: release-4.16}}}}\n";
    let odd = world()
        .metadata("odd", source)
        .dockerfile("cli", "D{{x}}", &format!("FROM {GO}\n"));
    let seen = here_of(&odd);
    assert_eq!((seen.files.len(), seen.codes()), (2, vec!["name-unfit"]));
}

#[test]
fn a_pipeline_of_people_is_looked_at_where_it_can_be() {
    let shared = "  pipelineRef:\n    resolver: git\n    params:\n      - name: url\n        value: https://github.com/openshift/config\n      \
                  - name: revision\n        value: main\n      - name: pathInRepo\n        value: pipelines/okd-build.yaml\n";
    let fresh = fresh_run(PUSH);
    assert!(fresh.contains(shared), "{fresh}");
    let codes = |reference: &str, more: &[(&str, &str)]| {
        let text = fresh.replace(shared, reference);
        let files = [&[(PUSH, text.as_str())], more].concat();
        let seen = here(&files);
        assert_eq!(seen.text(PUSH), text);
        seen.codes().join(" ")
    };
    let pipeline = "kind: Pipeline\nmetadata: {name: own}\nspec: {params: []}\n";
    assert_eq!(codes("  pipelineSpec: {params: [{name: from-map}]}\n", &[]), "");
    assert_eq!(codes("  pipelineSpec: {params: []}\n", &[]), "from-not-replaced");
    assert_eq!(codes("  pipelineRef: {name: own}\n", &[]), "pipeline-unknown");
    assert_eq!(
        codes("  pipelineRef: {name: own}\n", &[(".tekton/p.yaml", pipeline)]),
        "from-not-replaced"
    );
    let taking = pipeline.replace("[]", "[{name: from-map}]");
    assert_eq!(
        codes("  pipelineRef: {name: own}\n", &[(".tekton/p.yaml", &taking)]),
        ""
    );
    let other = shared.replace("config", "elsewhere");
    assert_eq!(codes(&other, &[]), "pipeline-unknown");
    let tagged = shared.replace("value: main", "value: v7");
    assert_eq!(codes(&tagged, &[]), "");
    let by_file = fresh.replace(
        "    - name: build-args\n      value:\n        - TAGS=scos\n",
        "    - name: build-args-file\n      value: args.conf\n",
    );
    let seen = here(&[(PUSH, &by_file)]);
    assert_eq!(
        (seen.text(PUSH), seen.codes()),
        (by_file.as_str(), vec!["build-args-by-file"])
    );
}

#[test]
fn on_a_branch_of_before_what_is_ours_goes_in_a_request_of_its_own() {
    let run = fresh_run(PUSH);
    let theirs = unmarked(&run).replace("okd-cli-4-16", "theirs");
    let main = At {
        branch: "main",
        ..At::default()
    };
    let seen = render(&world(), &main, &[(PUSH, &run), (".tekton/theirs.yaml", &theirs)]);
    assert_eq!(seen.files[PUSH], None);
    assert_eq!(seen.files[".tekton/theirs.yaml"].as_ref(), Some(&theirs));
    assert_eq!((seen.files.len(), seen.codes()), (2, vec![]));
    assert_eq!(seen.groups, BTreeSet::from([FORMER.to_owned()]));
    let beside = format!("{run}---\nkind: Task\n");
    let seen = render(&world(), &main, &[(PUSH, &beside)]);
    assert_eq!(
        (seen.text(PUSH), seen.codes()),
        (beside.as_str(), vec!["dropped-with-additions"])
    );
}

#[test]
fn what_people_made_of_a_run_on_a_branch_of_before_is_not_lost() {
    let run = fresh_run(PUSH).replace("release-4.16", "main");
    let main = |beside: &[(&str, &str)], text: &str| {
        let at = At {
            branch: "main",
            beside: beside.to_vec(),
            ..At::default()
        };
        let seen = render(&world(), &at, &[(PUSH, text)]);
        (seen.files[PUSH].is_some(), seen.codes().join(" "))
    };
    let gone = (false, String::new());
    let stays = (true, "dropped-with-additions".to_owned());
    assert_eq!(main(&[], &run), gone);
    for (old, new) in [
        (
            "    - name: dockerfile\n",
            "    - name: hermetic\n      value: \"true\"\n    - name: dockerfile\n",
        ),
        ("  timeouts:\n", "  taskRunSpecs: []\n  timeouts:\n"),
        ("- linux/x86_64\n", "- linux-mxlarge/amd64\n"),
        (
            "target_branch == \"main\"",
            "target_branch == \"main\" && \"x/***\".pathChanged()",
        ),
        ("    pipeline: 4h0m0s\n", "    pipeline: 8h0m0s\n"),
    ] {
        let own = run.replace(old, new);
        assert_ne!(own, run, "{old}");
        assert_eq!(main(&[], &own), stays, "{old}");
        assert_eq!(main(&[(PUSH, &run)], &own), stays, "{old}");
        assert_eq!(main(&[(PUSH, &own)], &own), gone, "{old}");
        let put_right = here(&[(PUSH, &own)]);
        assert_eq!(main(&[(PUSH, put_right.text(PUSH))], &own), gone, "{old}");
        let theirs = own.replace("component: okd-cli-4-16", "component: theirs");
        assert_eq!(main(&[(PUSH, &theirs)], &own), stays, "{old}");
    }
}

#[test]
fn what_a_release_does_not_have_goes_unless_people_added_something() {
    let dropped = world().metadata(
        "gone",
        "name: openshift/ose-gone\npayload_name: gone\nfor_payload: true\nfrom: {stream: base}\ncontent: {source: {dockerfile: D, git: {url: \
         'git@github.com:openshift-priv/cli.git', branch: {target: release-4.16}}, okd_alignment: {enabled: false}}}\n",
    );
    let run = fresh_run(PUSH).replace("okd-cli-4-16", "okd-gone-4-16");
    let path = ".tekton/okd-gone-4-16-push.yaml";
    let files = [(path, run.as_str())];
    let seen = render(&dropped, &At::default(), &files);
    assert_eq!((seen.files[path].as_deref(), seen.codes()), (None, vec![]));
    let more = run.replace(
        "    - name: dockerfile\n",
        "    - name: hermetic\n      value: \"true\"\n    - name: dockerfile\n",
    );
    let seen = render(&dropped, &At::default(), &[(path, &more)]);
    assert_eq!(
        (seen.text(path), seen.codes()),
        (more.as_str(), vec!["dropped-with-additions"])
    );
    // What only has the mark goes where all is known of the release, and another release's never does.
    let unknown = run.replace("okd-gone-4-16", "okd-never-4-16");
    let seen = render(&world(), &At::default(), &[(path, &unknown)]);
    assert_eq!(seen.files[path].as_deref(), None);
    let other = unknown.replace("4-16", "4-17");
    let seen = render(&world(), &At::default(), &[(path, &other)]);
    assert_eq!(seen.text(path), other);
}

#[test]
fn an_image_about_which_a_rule_fails_keeps_its_runs_and_its_resources() {
    let fresh = [fresh_run(PUSH), fresh_run(REQUEST)];
    let runs = [(PUSH, fresh[0].as_str()), (REQUEST, &fresh[1])];
    let made = config(&world(), &[], &[]);
    let resources: Vec<(&str, &str)> = made.files.keys().map(|path| (path.as_str(), made.text(path))).collect();
    for field in ["component", "repo_files", "tag"] {
        let rule = |id: &str, value: &str| {
            let overridden = if field == "tag" {
                "tag-from-payload-name"
            } else {
                "konflux-component"
            };
            format!(
                "- id: {id}\n  because: x\n  on: image\n  when: image.name == 'openshift/ose-cli'\n  set: {{{field}: {value}}}\n  overrides: [{overridden}]\n"
            )
        };
        let world = world_with(&(rule("one", "a") + &rule("other", "b")));
        let seen = render(&world, &At::default(), &runs);
        assert_eq!((seen.text(PUSH), seen.text(REQUEST)), (runs[0].1, runs[1].1), "{field}");
        let seen = config(&world, &resources, &[]);
        for (path, text) in &resources {
            assert_eq!(seen.text(path), *text, "{field} {path}");
        }
    }
}

#[test]
fn runs_of_a_repository_of_which_no_image_is_left_go_before_its_resources() {
    let alignment = |enabled: bool| {
        world().image_with(
            "last",
            "last",
            "{stream: base}",
            "FROM x\n",
            &format!("enabled: {enabled}"),
        )
    };
    let at = |branch| At {
        repo: "last",
        branch,
        ..At::default()
    };
    let built = alignment(true);
    let run = render(&built, &at("release-4.16"), &[]);
    let path = ".tekton/okd-last-4-16-push.yaml";
    let run = run.text(path);
    assert!(!run.is_empty());
    let dropped = alignment(false);
    let release = dropped.release();
    let options = Options::defaults(TARGET.options);
    let ask = Ask {
        release: &release,
        options: &options,
        policy: &dropped.policy,
        earlier: &BTreeMap::new(),
        memo: Memo::default(),
    };
    let found = (TARGET.destinations)(&ask).expect("destinations");
    for branch in ["main", "release-4.16"] {
        let name = repo_name("last");
        let branch = branch.to_owned();
        assert!(found.contains(&Destination::Former { name, branch }), "{found:?}");
    }
    // Of a repository that was looked at and has nothing left that is said, so that a merged removal is noted.
    for (world, branch, said) in [(&dropped, "release-4.16", 1), (&dropped, "main", 0)] {
        let files = rendered(world, &at(branch), &[]).files;
        assert_eq!(files.len(), said, "{branch}");
        let is_nothing = |file: &Desired| file.before.is_none() && file.after.is_none() && !file.held;
        assert!(files.iter().all(is_nothing), "{branch}");
    }
    let resource = "4.16/components/okd-last-4-16.yaml";
    let text = config(&built, &[], &[]);
    let goes = desired(&dropped, resource, text.text(resource));
    assert_eq!(goes.after, None);
    // Where the repository cannot be looked at this tells that it stays.
    assert_eq!(goes.component, Some(repo_name("last").to_string()));
    for (branch, group) in [("release-4.16", TARGET.group), ("main", FORMER)] {
        let extended = run.replace("  timeouts:\n", "  taskRunSpecs: []\n  timeouts:\n");
        for (text, is_left) in [(run, false), (&extended, true)] {
            let seen = rendered(&dropped, &at(branch), &[(path, text)]).files;
            assert_eq!(
                (seen[0].after.is_some(), seen[0].group.as_str()),
                (is_left, group),
                "{branch}"
            );
            // While there is a run its resources are needed.
            let mut files = vec![goes.clone(), seen[0].clone()];
            assert!(wait(&mut files).is_empty());
            assert_eq!((files[0].held, files[1].held), (true, false), "{branch}");
        }
    }
}

#[test]
fn a_run_that_stays_keeps_the_resources_of_its_component_and_of_no_other() {
    let run = fresh_run(PUSH).replace("okd-cli-4-16", "okd-one-4-16");
    let own = run.replace("  timeouts:\n", "  taskRunSpecs: []\n  timeouts:\n");
    let text = config(&world(), &[], &[]);
    let text = text.text("4.16/components/okd-cli-4-16.yaml");
    let seen = rendered(&world(), &At::default(), &[(".tekton/okd-one-4-16-push.yaml", &own)]).files;
    let stays = seen
        .into_iter()
        .find(|file| file.path.contains("okd-one"))
        .expect("the run");
    assert_eq!(stays.before, stays.after);
    let gone = |name: &str| {
        let path = format!("4.16/components/{name}.yaml");
        desired(&world(), &path, &text.replace("okd-cli-4-16", name))
    };
    let mut files = vec![stays, gone("okd-one-4-16"), gone("okd-two-4-16")];
    assert!(files[1].after.is_none() && files[2].after.is_none());
    assert!(wait(&mut files).is_empty());
    assert_eq!(
        files.iter().map(|file| file.held).collect::<Vec<_>>(),
        [false, true, false]
    );
}

#[test]
fn a_file_that_waits_for_runs_stays_in_the_list_of_files() {
    let made = config(&world(), &[], &[]);
    let (cli, list) = ("4.16/components/okd-cli-4-16.yaml", "4.16/kustomization.yaml");
    let entries = "- components/okd-one-4-16.yaml\n  - ./components/okd-two-4-16.yaml\n";
    let listed = made
        .text(list)
        .replace("resources:\n", &format!("resources:\n  {entries}"));
    let two = |one: &str, two: &str, list_text: &str, runs: &[&str]| {
        let file = |name: &str| made.text(cli).replace("okd-cli-4-16", name);
        let (one_text, two_text) = (file(one), file(two));
        let paths = [one, two].map(|name| format!("4.16/components/{name}.yaml"));
        let at = At {
            repo: "config",
            branch: "main",
            ..At::default()
        };
        let there = [(&*paths[0], &*one_text), (&paths[1], &two_text), (list, list_text)];
        let mut files = rendered(&world(), &at, &there).files;
        for name in runs {
            let run = fresh_run(PUSH).replace("okd-cli-4-16", name);
            files.extend(
                rendered(
                    &world(),
                    &At::default(),
                    &[(&format!(".tekton/{name}-push.yaml"), &run)],
                )
                .files,
            );
        }
        assert!(wait(&mut files).is_empty());
        let found = files.into_iter().find(|file| file.path == list).expect("the list");
        let text = String::from_utf8_lossy(found.after.as_deref().unwrap_or_default()).into_owned();
        (text, found.held, found.causes.len())
    };
    let (one, other) = ("okd-one-4-16", "okd-two-4-16");
    // Nothing waits, one file does, all do.
    assert_eq!(two(one, other, &listed, &[]).0, made.text(list));
    let kept = listed.replace("  - ./components/okd-two-4-16.yaml\n", "");
    assert_eq!(two(one, other, &listed, &[one]), (kept, false, 1));
    assert_eq!(two(one, other, &listed, &[one, other]), (listed.clone(), true, 0));
    // What is missing is listed all the same.
    let tools = "  - components/okd-tools-4-16.yaml\n";
    let without = listed.replace(tools, "");
    assert_ne!(without, listed);
    let (text, held, _) = two(one, other, &without, &[one, other]);
    assert_eq!((text.trim_end(), held), (format!("{without}{tools}").trim_end(), false));
}

fn config(world: &World, files: &[(&str, &str)], more: &[(&'static Key, serde_json::Value)]) -> Seen {
    let mut at = At {
        repo: "config",
        branch: "main",
        ..At::default()
    };
    at.options.extend(more.iter().cloned());
    render(world, &at, files)
}

/// A file of the repository with the resources as it should be.
fn desired(world: &World, path: &str, text: &str) -> Desired {
    let at = At {
        repo: "config",
        branch: "main",
        ..At::default()
    };
    let files = rendered(world, &at, &[(path, text)]).files;
    files.into_iter().find(|file| file.path == path).expect("the file")
}

#[test]
fn resources_have_a_file_each_and_stay_as_people_keep_them() {
    let seen = config(&world(), &[], &[]);
    let paths: Vec<&str> = seen.files.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "4.16/application.yaml",
            "4.16/components/okd-cli-4-16.yaml",
            "4.16/components/okd-tools-4-16.yaml",
            "4.16/kustomization.yaml",
            "pipelines/okd-build.yaml"
        ]
    );
    let component = seen.text("4.16/components/okd-cli-4-16.yaml");
    for part in [
        "request: configure-pac-no-mr\n",
        "revision: release-4.16\n",
        "kind: ImageRepository\n",
        "name: okd-tenant/okd-cli-4-16\n",
    ] {
        assert!(component.contains(part), "{part}\n{component}");
    }
    // The controller takes the request away; a bot bumps the pipeline; people add what they like.
    let acted = component.replace(
        "    build.appstudio.openshift.io/request: configure-pac-no-mr\n",
        "    mintmaker: x\n",
    );
    let old = acted.replace("release-4.16", "main");
    let files = [
        ("4.16/components/okd-cli-4-16.yaml", old.as_str()),
        (
            "4.16/kustomization.yaml",
            "resources:\n- ./components/okd-cli-4-16.yaml # first\n- own.yaml\n",
        ),
        ("pipelines/okd-build.yaml", "bumped: true\n"),
    ];
    let seen = config(&world(), &files, &[]);
    assert_eq!(seen.text("4.16/components/okd-cli-4-16.yaml"), acted);
    assert_eq!(seen.text("pipelines/okd-build.yaml"), "bumped: true\n");
    assert_eq!(
        seen.text("4.16/kustomization.yaml"),
        "resources:\n- ./components/okd-cli-4-16.yaml # first\n- own.yaml\n- application.yaml\n- components/okd-tools-4-16.yaml\n"
    );
    let nudging = config(&world(), &[], &[(&NUDGES, json!("direct"))]);
    assert!(
        nudging
            .text("4.16/components/okd-cli-4-16.yaml")
            .contains("build-nudges-ref:\n    - okd-tools-4-16\n")
    );
    let moved = acted.replace("openshift/cli", "openshift/before");
    let seen = config(&world(), &[("4.16/components/okd-cli-4-16.yaml", &moved)], &[]);
    assert_eq!(
        (seen.text("4.16/components/okd-cli-4-16.yaml"), seen.codes()),
        (acted.as_str(), vec!["konflux-moved"])
    );
    // A resource that people took out, and a file that cannot be read.
    let one = component.split("---\n").next().unwrap_or_default();
    let seen = config(
        &world(),
        &[
            ("4.16/components/okd-cli-4-16.yaml", one),
            ("4.16/application.yaml", "a: ["),
        ],
        &[],
    );
    assert_eq!(seen.codes(), ["resource-missing", "unreadable-resource"]);
    assert_eq!(seen.text("4.16/components/okd-cli-4-16.yaml"), one);
    let gone = component.replace("okd-cli-4-16", "okd-never-4-16");
    let seen = config(&world(), &[("4.16/components/okd-never-4-16.yaml", &gone)], &[]);
    assert_eq!(seen.files["4.16/components/okd-never-4-16.yaml"], None);
}

#[test]
fn a_child_that_could_not_be_derived_stays_among_those_that_are_nudged() {
    let more = |world: World| {
        let dockerfile = "FROM registry.ci.openshift.org/ocp/4.16:cli\n";
        world.image("more", "more", "{member: cli}", dockerfile)
    };
    let nudges = [(&NUDGES, json!("direct"))];
    let path = "4.16/components/okd-cli-4-16.yaml";
    let made = config(&more(world()), &[], &nudges);
    let both = made.text(path);
    assert!(both.contains("build-nudges-ref:\n    - okd-more-4-16\n    - okd-tools-4-16\n"));
    let gone = both.replace("    - okd-more-4-16\n", "    - okd-more-4-16\n    - okd-never-4-16\n");
    let failing = |field: &str| {
        let rule = |id: &str, value: &str| {
            format!(
                "- id: {id}\n  because: x\n  on: image\n  when: image.name == 'openshift/ose-more'\n  set: {{{field}: {value}}}\n  overrides: [konflux-component]\n"
            )
        };
        more(world_with(&(rule("one", "a") + &rule("other", "b"))))
    };
    // Held by its name, and where not even that is known.
    assert_eq!(
        config(&failing("repo_files"), &[(path, &gone)], &nudges).text(path),
        both
    );
    assert_eq!(
        config(&failing("component"), &[(path, &gone)], &nudges).text(path),
        gone
    );
    // What the release does not have, and what is built from others, goes.
    assert_eq!(config(&more(world()), &[(path, &gone)], &nudges).text(path), both);
    let other = both.replace("- okd-more-4-16\n", "- okd-cli-4-16\n    - okd-more-4-16\n");
    assert_eq!(
        config(&failing("component"), &[(path, &other)], &nudges).text(path),
        both
    );
}

#[test]
fn resources_in_files_of_another_name_are_not_made_a_second_time() {
    let made = config(&world(), &[], &[]);
    let usual = "4.16/components/okd-cli-4-16.yaml";
    let tools = "4.16/components/okd-tools-4-16.yaml";
    let application = made.text("4.16/application.yaml");
    let (cli, old) = (made.text(usual), made.text(usual).replace("release-4.16", "main"));
    let list = ("4.16/kustomization.yaml", "resources:\n- all\n");
    // In one file, the last of them ours.
    let all = format!("{application}---\n{}---\n{old}", made.text(tools));
    let seen = config(&world(), &[("4.16/all/all.yaml", &all), list], &[]);
    let wanted = format!("{application}---\n{}---\n{cli}", made.text(tools));
    assert_eq!(seen.text("4.16/all/all.yaml"), wanted);
    assert_eq!(seen.files.len(), 3, "{:?}", seen.files.keys());
    assert_eq!((seen.text(list.0), seen.codes()), (list.1, vec![]));
    // A new list takes it along.
    let seen = config(&world(), &[("4.16/all/all.yaml", &all)], &[]);
    assert!(seen.text(list.0).contains("- all/all.yaml\n"), "{}", seen.text(list.0));
    // Each in a file of its own, and one of them gone.
    let (component, repository) = old.split_once("---\n").expect("two");
    let seen = config(
        &world(),
        &[("4.16/cli.yaml", component), ("4.16/images/cli.yml", repository)],
        &[],
    );
    assert!(
        !seen.files.contains_key(usual) && seen.codes().is_empty(),
        "{:?}",
        seen.codes()
    );
    assert_eq!(seen.text("4.16/cli.yaml"), component.replace("main", "release-4.16"));
    let seen = config(&world(), &[("4.16/cli.yaml", component)], &[]);
    assert!(!seen.files.contains_key(usual));
    assert_eq!(seen.codes(), ["resource-missing"]);
    let seen = config(&world(), &[("4.16/images/cli.yaml", repository)], &[]);
    assert_eq!(format!("{}---\n{repository}", seen.text(usual)), cli);
    let again = config(
        &world(),
        &[("4.16/images/cli.yaml", repository), (usual, seen.text(usual))],
        &[],
    );
    assert_eq!((again.text(usual), again.codes()), (seen.text(usual), vec![]));
    // One that a rule adds, too.
    let rule = "- id: more\n  because: x\n  on: target\n  when: target == 'konflux'\n  \
                set: {extra_resources: [{file: own.yaml, resource: {apiVersion: v1, kind: Secret, metadata: {name: own}}}]}\n  \
                overrides: [konflux-resources]\n";
    let own = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: own\n";
    assert_eq!(config(&world_with(rule), &[], &[]).text("4.16/own.yaml"), own);
    let seen = config(&world_with(rule), &[("4.16/secrets.yaml", own)], &[]);
    assert!(!seen.files.contains_key("4.16/own.yaml") && seen.text(list.0).contains("- secrets.yaml\n"));
    let seen = config(
        &world_with(rule),
        &[("4.16/secrets.yaml", &format!("{own}a: [\n"))],
        &[],
    );
    assert!(!seen.files.contains_key("4.16/own.yaml") && !seen.text(list.0).contains("own.yaml"));
    // What another tenant or another API has is something else.
    for (own, other) in [
        ("namespace: okd-tenant", "namespace: other"),
        ("appstudio.redhat.com/v1alpha1", "backstage.io/v1"),
    ] {
        let theirs = component.replace(own, other);
        let seen = config(&world(), &[("4.16/cli.yaml", &theirs)], &[]);
        assert_eq!((seen.text(usual), seen.text("4.16/cli.yaml")), (cli, theirs.as_str()));
    }
    // A file that goes is taken from the list by its own name, and stays where another component is in it.
    let never = old.replace("okd-cli-4-16", "okd-never-4-16");
    let (path, text) = (
        "4.16/components/never.yaml",
        "resources:\n- components/never.yaml\n- application.yaml\n",
    );
    let seen = config(&world(), &[(path, &never), (list.0, text)], &[]);
    assert_eq!(seen.files[path], None);
    assert!(!seen.text(list.0).contains("never"), "{}", seen.text(list.0));
    let (_, repository) = cli.split_once("---\n").expect("two");
    for theirs in [cli, repository] {
        let mixed = format!("{never}---\n{theirs}");
        let seen = config(&world(), &[(path, &mixed)], &[]);
        assert_eq!(seen.text(path), mixed);
    }
}

#[test]
fn all_runs_can_stand_in_one_repository_where_nothing_triggers_them() {
    let at = At {
        repo: "config",
        branch: "main",
        options: vec![(&WHERE, json!("central")), (&CENTRAL_REPO, json!("openshift/config"))],
        ..At::default()
    };
    let seen = render(&world(), &at, &[]);
    assert_eq!(seen.files.len(), 4);
    assert!(
        seen.files
            .contains_key("pipelineruns/openshift/cli/.tekton/okd-cli-4-16-push.yaml")
    );
    assert_eq!(seen.codes(), ["pipeline-unknown", "tekton-central"]);
    // What stands where nothing is built any more goes, and what moved goes from where it was.
    let push = seen.text("pipelineruns/openshift/cli/.tekton/okd-cli-4-16-push.yaml");
    let never = push.replace("okd-cli-4-16", "okd-never-4-16");
    let theirs = unmarked(&push.replace("okd-cli-4-16", "theirs"));
    let files = [
        (
            "pipelineruns/openshift/gone/.tekton/okd-never-4-16-push.yaml",
            never.as_str(),
        ),
        ("pipelineruns/openshift/gone/.tekton/theirs.yaml", &theirs),
        ("pipelineruns/openshift/before/.tekton/okd-cli-4-16-push.yaml", push),
    ];
    let after = render(&world(), &at, &files);
    assert_eq!((&after.files[files[0].0], &after.files[files[2].0]), (&None, &None));
    assert_eq!(after.text(files[1].0), theirs);
    let world = world();
    let release = world.release();
    let mut options = Options::defaults(TARGET.options);
    options.set(&WHERE, json!("central"));
    let ask = Ask {
        release: &release,
        options: &options,
        policy: &world.policy,
        earlier: &BTreeMap::new(),
        memo: Memo::default(),
    };
    let refused = (TARGET.destinations)(&ask).expect_err("refused");
    assert_eq!(refused[0].code, "konflux-no-repository");
}

#[test]
fn names_that_do_not_fit_cost_one_image_and_without_a_tenant_there_is_nothing() {
    let rule = |name: &str, when: &str| {
        format!(
            "- id: long\n  because: x\n  on: image\n  when: {when}\n  set: {{component: {name}}}\n  overrides: [konflux-component]\n"
        )
    };
    let codes = |name: &str, when: &str| {
        let world = world_with(&rule(name, when));
        let seen = here_of(&world);
        (seen.files.len(), seen.codes().join(" "))
    };
    assert_eq!(codes(&"a".repeat(64), "tag == 'cli'"), (0, "name-too-long".to_owned()));
    assert_eq!(codes(&"a".repeat(63), "tag == 'cli'"), (2, String::new()));
    assert_eq!(codes("a_b", "tag == 'cli'"), (0, "name-unfit".to_owned()));
    assert_eq!(
        codes("same", "tag in ['cli', 'tools']"),
        (0, "component-twice".to_owned())
    );
    // Two components that are pushed to one place.
    let one_place = "- id: place\n  because: x\n  on: image\n  set: {container_image: quay.io/x/y}\n  overrides: [konflux-component]\n";
    assert_eq!(here_of(&world_with(one_place)).codes(), ["component-twice"]);
    let nowhere = "- id: nowhere\n  because: x\n  on: target\n  when: target == 'konflux'\n  set: {platforms: {riscv: linux/riscv}}\n  \
                   overrides: [konflux-platforms]\n";
    let seen = here_of(&world_with(nowhere));
    assert_eq!((seen.files.len(), seen.codes()), (0, vec!["konflux-no-platform"]));
    let release = World::new();
    let release = release.release();
    let options = Options::defaults(TARGET.options);
    let ask = Ask {
        release: &release,
        options: &options,
        policy: &crate::plan::Policy::default(),
        earlier: &BTreeMap::new(),
        memo: Memo::default(),
    };
    let refused = (TARGET.destinations)(&ask).expect_err("refused");
    assert_eq!(
        refused.iter().map(|finding| &*finding.code).collect::<Vec<_>>(),
        ["konflux-no-tenant"]
    );
}

fn here_of(world: &World) -> Seen {
    render(world, &At::default(), &[])
}

#[test]
fn runs_wait_for_those_on_the_branch_of_before_and_resources_for_runs() {
    let file = |path: &str, group: &str, before: Option<&str>, after: Option<&str>| Desired {
        repo: repo_name("cli"),
        branch: group.to_owned(),
        path: path.to_owned(),
        release: "4.16".to_owned(),
        target: TARGET.name.to_owned(),
        group: group.to_owned(),
        component: None,
        images: vec!["cli".to_owned()],
        before: before.map(|text| Arc::from(text.as_bytes())),
        after: after.map(|text| Arc::from(text.as_bytes())),
        causes: Vec::new(),
        refused: Vec::new(),
        follows: None,
        notes: Vec::new(),
        held: false,
    };
    let mut files = vec![
        file(PUSH, FORMER, Some("old"), None),
        file(PUSH, TARGET.group, Some("old"), Some("new")),
        file(REQUEST, TARGET.group, None, Some("new")),
        file("4.16/components/okd-cli-4-16.yaml", TARGET.group, Some("x"), None),
    ];
    let told = wait(&mut files);
    assert_eq!(
        told.iter().map(|finding| &*finding.code).collect::<Vec<_>>(),
        ["konflux-waits"]
    );
    assert_eq!(
        files.iter().map(|file| file.held).collect::<Vec<_>>(),
        [false, true, false, true]
    );
    // A run that stays is not made a second time, whatever its file is called.
    let mut files = vec![
        file(".tekton/build.yaml", FORMER, Some("old"), Some("old")),
        file(PUSH, TARGET.group, None, Some("new")),
        file(REQUEST, TARGET.group, Some("old"), Some("new")),
    ];
    assert_eq!(wait(&mut files).len(), 1);
    assert_eq!(
        files.iter().map(|file| file.held).collect::<Vec<_>>(),
        [false, true, false]
    );
    let mut files = vec![
        file(REQUEST, TARGET.group, None, Some("new")),
        file("4.16/components/okd-cli-4-16.yaml", TARGET.group, Some("x"), None),
    ];
    assert!(wait(&mut files).is_empty() && files.iter().all(|file| !file.held));
}
