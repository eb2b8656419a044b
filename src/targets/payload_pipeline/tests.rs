mod bad;
mod gone;
mod held;
mod people;
mod place;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::base::Origin;
use crate::derive::here::here;
use crate::derive::tests::world::{World, repo_name};
use crate::finding::Finding;
use crate::targets::door::Memo;
use crate::targets::{Beside, Options, Question, Told};

/// What the pipeline has: a builder and a base, batches in both drivers, a list of files, and `cli` as people keep it.
fn there() -> BTreeMap<String, String> {
    let item = |name: &str| {
        format!("            {{\"buildConfig\":\"{name}\",\"overrideRepoUrl\":\"\",\"overrideBranch\":\"\"}}")
    };
    let files = [
        ("buildconfigs/05-base.yaml", hand_made("base", "base")),
        ("buildconfigs/06-cli.yaml", CLI.to_owned()),
        ("buildconfigs/kustomization.yaml", "resources:\n  - 05-base.yaml\n  - 06-cli.yaml # the first\n".to_owned()),
        (
            "pipelines/build-from-scratch.yaml",
            "kind: Pipeline\nspec:\n  tasks:\n    - name: prepare\n      params:\n        - name: build_configs\n          \
             value:\n            - base\n            - cli\n    - name: batch-01\n      runAfter:\n      - prepare\n      \
             timeout: 4h\n      params:\n        - name: build_configs\n          value:\n          - theirs\n    - name: \
             new-release\n      runAfter:\n      - batch-01\n"
                .to_owned(),
        ),
        (
            argo::FILE,
            format!(
                "kind: WorkflowTemplate\nspec:\n  arguments:\n    parameters:\n      - name: architectures\n        default: \
                 amd64\n      - name: buildconfigs-batched-list\n        value: |\n          [ [\n{}\n          ] ]\n",
                item("theirs")
            ),
        ),
        (
            argo::SHARED,
            "kind: WorkflowTemplate\nspec:\n  templates:\n    - name: entrypoint\n      steps:\n        - - name: initial\n            \
             value: |\n              [ [ {\"buildConfig\": \"base\"}, {\"buildConfig\": \"builder-go1.21\"} ], [ {\"buildConfig\": \
             \"cli\"} ] ]\n    - name: single-batch\n      steps:\n        - - name: single-batch\n            arguments:\n              \
             parameters:\n                - name: architectures\n                  value: \"{{workflow.parameters.architectures}}\"\n"
                .to_owned(),
        ),
        ("buildconfigs/10-theirs.yaml", hand_made("theirs", "theirs")),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), text)).collect()
}

fn hand_made(name: &str, tag: &str) -> String {
    format!(
        "apiVersion: build.openshift.io/v1\nkind: BuildConfig\nmetadata:\n  name: {name}\nspec:\n  source:\n    images: []\n  \
         strategy:\n    dockerStrategy:\n      dockerfilePath: Dockerfile\n  output:\n    to:\n      kind: ImageStreamTag\n      name: \
         'release:{tag}'\n"
    )
}

/// As people keep it: another branch, quotes of their own, comments, an environment, old texts.
const CLI: &str = "\
apiVersion: build.openshift.io/v1
kind: BuildConfig
metadata:
  name: cli
spec:
  source:
    type: Git
    git:
      uri: 'https://github.com/openshift/cli' # upstream
      ref: release-4.15
    contextDir: .
    images:
      - from:
          kind: ImageStreamTag
          name: 'release:builder'
        as:
          - registry.ci.openshift.org/ocp/builder:golang-1.20
  strategy:
    type: Docker
    dockerStrategy:
      imageOptimizationPolicy: SkipLayers
      dockerfilePath: ./cli.Dockerfile
      from:
        kind: \"ImageStreamTag\"
        name: \"release:base\"
      # Needed since 4.13.
      env:
        - name: X
          value: \"1\"
  output:
    to:
      kind: ImageStreamTag
      name: 'release:cli'
";

const GO: &str = "registry.ci.openshift.org/ocp/builder:golang-1.21";

/// The base of the world has a name here, as CentOS Stream's has in the rules.
fn based(rules: &str) -> String {
    let base = "rules:\n- id: base-of-world\n  because: x\n  on: input\n  when: input.pullspec.endsWith('/origin/base:stream9')\n  set: \
                {base_here: base}\n  overrides: [pipeline-no-builder]\n";
    format!("{base}{}", rules.trim_start_matches("rules:\n"))
}

fn world() -> World {
    let cli = format!("FROM {GO} AS builder\nFROM registry.ci.openshift.org/ocp/4.16:base\n");
    World::new()
        .image("cli", "cli", "{builder: [{stream: golang}], stream: base}", &cli)
        .image(
            "tools",
            "tools",
            "{member: cli}",
            "FROM registry.ci.openshift.org/ocp/4.16:cli\n",
        )
        .refined_by(&based(""))
}

struct Seen {
    files: BTreeMap<String, Option<String>>,
    before: BTreeMap<String, String>,
    findings: Vec<Finding>,
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
            .filter(|line| !old.lines().any(|other| other == *line))
            .map(str::trim);
        let gone = old
            .lines()
            .filter(|line| !new.lines().any(|other| other == *line))
            .map(str::trim);
        (added.collect(), gone.collect())
    }
}

fn render_with(world: &World, files: BTreeMap<String, String>, options: &[(&Key, serde_json::Value)]) -> Seen {
    render_beside(world, files, options, &|_| Told::Absent)
}

fn render_beside(
    world: &World,
    files: BTreeMap<String, String>,
    options: &[(&Key, serde_json::Value)],
    beside: &dyn Fn(&Beside) -> Told,
) -> Seen {
    let release = world.release();
    let mut chosen = Options::defaults(TARGET.options);
    for (key, value) in options {
        chosen.set(key, value.clone());
    }
    let ask = Ask {
        release: &release,
        options: &chosen,
        policy: &world.policy,
        earlier: &BTreeMap::new(),
        memo: Memo::default(),
    };
    let actual = Actual {
        repo: repo_name("okd-payload-pipeline"),
        branch: "release-4.16".to_owned(),
        origin: Origin {
            name: "openshift/okd-payload-pipeline".to_owned(),
            branch: "release-4.16".to_owned(),
            commit: None,
        },
        files: files
            .iter()
            .map(|(path, text)| (path.clone(), Arc::from(text.as_bytes())))
            .collect(),
        unreadable: BTreeMap::new(),
        links: std::collections::BTreeSet::new(),
        beside: BTreeMap::new(),
    };
    let reads = (TARGET.reads)(&ask, &actual.repo).unwrap_or_default();
    let asked = reads.beside.map(|asked| asked(&ask, &actual)).unwrap_or_default();
    let told = asked.into_iter().map(|asked| (asked.clone(), beside(&asked)));
    let actual = Actual {
        beside: told.collect(),
        ..actual
    };
    let rendered = (TARGET.render)(&ask, &actual);
    let text = |bytes: &Arc<[u8]>| String::from_utf8_lossy(bytes).into_owned();
    let after = rendered
        .files
        .iter()
        .map(|file| (file.path.clone(), file.after.as_ref().map(text)));
    Seen {
        files: after.collect(),
        before: files,
        findings: rendered.findings,
    }
}

fn render(world: &World, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Seen {
    let mut files = there();
    change(&mut files);
    render_with(world, files, &[])
}

fn replace(files: &mut BTreeMap<String, String>, path: &str, old: &str, new: &str) {
    let text = files.get_mut(path).expect(path);
    assert!(text.contains(old), "{path} has no {old}");
    *text = text.replace(old, new);
}

#[test]
fn what_people_keep_changes_where_it_has_to_and_nowhere_else() {
    let seen = render(&world(), |_| {});
    let (added, gone) = seen.changed("buildconfigs/06-cli.yaml");
    assert_eq!(
        gone,
        [
            "ref: release-4.15",
            "name: 'release:builder'",
            "- registry.ci.openshift.org/ocp/builder:golang-1.20"
        ]
    );
    assert_eq!(
        added,
        [
            "labels:",
            "skip-replace-builder: \"true\"",
            "skip-replace-cli: \"true\"",
            "change-build-arg-tags: \"true\"",
            "ref: release-4.16",
            "name: release:builder-go1.21",
            "- registry.ci.openshift.org/ocp/builder:golang-1.21",
            "buildArgs:",
            "- name: TAGS",
            "value: scos",
        ]
    );
    let tools = seen.text("buildconfigs/10-tools.yaml");
    assert!(
        tools.contains("app.kubernetes.io/managed-by: lockstep") && tools.contains("images: []"),
        "{tools}"
    );
    assert!(
        seen.text("buildconfigs/04-builder-go1.21.yaml")
            .contains("value: \"1.21\"")
    );
    let (added, gone) = seen.changed("buildconfigs/kustomization.yaml");
    assert_eq!(
        (added, gone),
        (vec!["- 04-builder-go1.21.yaml", "- 10-tools.yaml"], vec![])
    );
}

#[test]
fn both_drivers_have_the_same_batches() {
    let seen = render(&world(), |_| {});
    let (added, gone) = seen.changed(tekton::FILE);
    assert_eq!((added, gone), (vec!["- builder-go1.21", "- tools"], vec![]));
    let (added, gone) = seen.changed(argo::FILE);
    assert_eq!(
        added,
        [
            "{\"buildConfig\":\"theirs\",\"overrideRepoUrl\":\"\",\"overrideBranch\":\"\"},",
            "{\"buildConfig\":\"tools\",\"overrideRepoUrl\":\"\",\"overrideBranch\":\"\"}",
        ]
    );
    assert_eq!(
        gone,
        ["{\"buildConfig\":\"theirs\",\"overrideRepoUrl\":\"\",\"overrideBranch\":\"\"}"]
    );
}

#[test]
fn a_second_rendering_changes_nothing() {
    let world = world();
    let first = render_with(&world, there(), &[(&SHIPWRIGHT, true.into())]);
    let files: BTreeMap<String, String> = first
        .files
        .into_iter()
        .filter_map(|(path, text)| Some((path, text?)))
        .collect();
    let second = render_with(&world, files.clone(), &[(&SHIPWRIGHT, true.into())]);
    let again: BTreeMap<String, String> = second
        .files
        .into_iter()
        .filter_map(|(path, text)| Some((path, text?)))
        .collect();
    assert_eq!(again, files);
}

#[test]
fn a_fork_and_all_that_goes_with_it_stays() {
    let forked = |files: &mut BTreeMap<String, String>| {
        replace(
            files,
            "buildconfigs/06-cli.yaml",
            "          name: 'release:builder'\n        as:\n          - registry.ci.openshift.org/ocp/builder:golang-1.20\n",
            "          name: 'release:forked-dockerfiles'\n        paths:\n          - sourcePath: /code/cli/cli.Dockerfile\n            destinationDir: ./\n",
        );
        files.insert(
            "forks/cli/cli.Dockerfile".to_owned(),
            "FROM a AS b\nFROM c\n".to_owned(),
        );
    };
    let seen = render(&world(), forked);
    assert!(
        seen.message("forked-dockerfile").contains("may do without the fork"),
        "{}",
        seen.message("forked-dockerfile")
    );
    let (added, gone) = seen.changed("buildconfigs/06-cli.yaml");
    assert_eq!((added, gone), (vec!["ref: release-4.16"], vec!["ref: release-4.15"]));
    // An item that puts another file elsewhere is no fork.
    let seen = render(&world(), |files| {
        forked(files);
        replace(
            files,
            "buildconfigs/06-cli.yaml",
            "destinationDir: ./",
            "destinationDir: ./hack",
        );
    });
    assert_eq!(seen.message("forked-dockerfile"), "");
}

#[test]
fn a_fork_is_held_against_what_upstream_did_since() {
    let forked = CLI.replace(
        "          name: 'release:builder'\n        as:\n          - registry.ci.openshift.org/ocp/builder:golang-1.20\n",
        "          name: 'release:forked-dockerfiles'\n        paths:\n          - sourcePath: /code/cli/cli.Dockerfile\n            destinationDir: ./\n",
    );
    let told = |told: Told| {
        let mut files = there();
        files.insert("buildconfigs/06-cli.yaml".to_owned(), forked.clone());
        files.insert(
            "forks/cli/cli.Dockerfile".to_owned(),
            "FROM a AS b\nFROM c\n".to_owned(),
        );
        let answer = |asked: &Beside| match &asked.what {
            Question::ChangedAfter(fork) => {
                let asked = (asked.repo.to_string(), &*asked.branch, &*asked.path, fork.as_str());
                assert_eq!(
                    asked,
                    (
                        "openshift/cli".to_owned(),
                        "release-4.16",
                        "cli.Dockerfile",
                        "forks/cli/cli.Dockerfile"
                    )
                );
                told.clone()
            }
            Question::Text => Told::Absent,
        };
        let seen = render_beside(&world(), files, &[], &answer);
        seen.message("forked-dockerfile").to_owned()
    };
    let text = told(Told::Later("0123456789abcdef".to_owned()));
    assert!(
        text.ends_with("it may do without the fork; upstream's was changed after it, in 0123456789"),
        "{text}"
    );
    let text = told(Told::NotLater);
    assert!(text.ends_with("upstream's has not changed since"), "{text}");
    let text = told(Told::Unknown("shallow".to_owned()));
    assert!(text.ends_with("changed since is not known: shallow"), "{text}");
}

#[test]
fn a_builder_that_cannot_be_told_its_version_is_told_of() {
    let with = |dockerfile: Told| {
        let answer = |asked: &Beside| {
            let place = (asked.repo.to_string(), &*asked.branch, &*asked.path);
            assert_eq!(place, ("okd-project/images".to_owned(), "main", "builder/Dockerfile"));
            dockerfile.clone()
        };
        let seen = render_beside(&world(), there(), &[], &answer);
        let found = seen
            .findings
            .iter()
            .find(|finding| finding.code == "builder-ignores-version");
        found.map(|finding| (finding.severity, finding.message.clone()))
    };
    let text = |text: &str| Told::Text(Arc::from(text.as_bytes()));
    let (severity, message) = with(text("FROM a\nARG GOPATH=/go\nRUN x\n")).expect("a finding");
    assert_eq!(severity, Severity::Warning);
    assert!(message.starts_with("builder-go1.21 is told GO_VERSION"), "{message}");
    for takes in ["ARG GO_VERSION\nFROM a\n", "FROM a\narg X GO_VERSION=1.20\n"] {
        assert_eq!(with(text(takes)), None, "{takes}");
    }
    let (severity, message) = with(Told::Absent).expect("a finding");
    assert!(
        severity == Severity::Warning && message.ends_with("which is not there"),
        "{message}"
    );
    let (severity, message) = with(Told::Unknown("no such repository".to_owned())).expect("a finding");
    assert!(
        severity == Severity::Note && message.ends_with("no such repository"),
        "{message}"
    );
    let (severity, _) = with(text("FROM a\nRUN <<E\n")).expect("a finding");
    assert_eq!(severity, Severity::Note, "what cannot be read tells nothing");
}

#[test]
fn two_that_build_one_tag_are_left_alone() {
    let seen = render(&world(), |files| {
        drop(files.insert("buildconfigs/20-again.yaml".to_owned(), hand_made("again", "cli")))
    });
    assert!(seen.codes().contains(&"duplicate-output"));
    assert_eq!(seen.text("buildconfigs/06-cli.yaml"), CLI);
    assert!(
        seen.message("parent-in-no-batch").contains("tools is built from cli"),
        "{:?}",
        seen.codes()
    );
    assert!(
        !render(&world(), |_| {})
            .codes()
            .iter()
            .any(|code| ["duplicate-output", "parent-in-no-batch"].contains(code))
    );
}

#[test]
fn patches_that_set_a_branch_or_count_tasks_are_heeded() {
    let branch = "patches:\n  - patch: |-\n      - op: replace\n        path: /spec/source/git/ref\n        value: x\n    target:\n      kind: BuildConfig\n      labelSelector: \"LABEL\"\n";
    let patched = |label: &'static str| {
        move |files: &mut BTreeMap<String, String>| {
            let text = branch.replace("LABEL", label);
            files.insert("variants/scos/kustomization.yaml".to_owned(), text);
        }
    };
    let seen = render(&world(), patched("skip-release-branch!=true"));
    assert!(seen.codes().contains(&"ref-patched"));
    assert!(seen.text("buildconfigs/06-cli.yaml").contains("ref: release-4.15"));
    assert!(
        !render(&world(), patched("skip-release-branch==true"))
            .codes()
            .contains(&"ref-patched")
    );
    let counting = |at: usize| {
        move |files: &mut BTreeMap<String, String>| {
            let text = format!(
                "patches:\n  - patch: |-\n      - op: add\n        path: /spec/tasks/{at}/params/0/value/-\n        value: x\n    target:\n      kind: Pipeline\n"
            );
            files.insert("variants/fcos/kustomization.yaml".to_owned(), text);
        }
    };
    assert!(render(&world(), counting(2)).codes().contains(&"patch-index"));
    assert!(!render(&world(), counting(1)).codes().contains(&"patch-index"));
    // A second batch is needed, and a patch counts what stands behind it: the number of tasks stays.
    let deeper = world().image(
        "deep",
        "deep",
        "{member: tools}",
        "FROM registry.ci.openshift.org/ocp/4.16:tools\n",
    );
    let seen = render(&deeper, counting(2));
    assert!(!seen.text(tekton::FILE).contains("batch-02"));
    let seen = render(&deeper, |_| {});
    let text = seen.text(tekton::FILE);
    let added = text.split_once("- name: batch-02\n").map_or("", |(_, rest)| rest);
    assert!(
        added.contains("- batch-01\n") && added.contains("timeout: 4h\n") && added.contains("- deep\n"),
        "{text}"
    );
    assert!(
        text.ends_with("- name: new-release\n      runAfter:\n      - batch-02\n"),
        "{text}"
    );
}

#[test]
fn a_placeholder_goes_once_its_tag_is_built() {
    let stream = "kind: ImageStream\nmetadata:\n  name: release\nspec:\n  tags:\n    - name: other\n      from:\n        name: x\n    - name: tools\n      from:\n        name: x\n";
    let seen = render(&world(), |files| {
        drop(files.insert("buildconfigs/01-imagestream.yaml".to_owned(), stream.to_owned()))
    });
    assert!(seen.message("placeholder-tag-built").contains("tools"));
    assert!(
        seen.text("buildconfigs/01-imagestream.yaml")
            .ends_with("    - name: other\n      from:\n        name: x\n")
    );
    let seen = render(&world(), |files| {
        drop(files.insert(
            "buildconfigs/01-imagestream.yaml".to_owned(),
            stream.replace("tools", "kuryr"),
        ))
    });
    assert_eq!(seen.message("placeholder-tag-built"), "");
}

#[test]
fn lists_are_held_against_what_is_there() {
    let seen = render(&world(), |files| {
        replace(
            files,
            "buildconfigs/kustomization.yaml",
            "  - 05-base.yaml\n",
            "  - 05-base.yaml\n  - 99-gone.yaml\n",
        );
    });
    assert!(seen.message("listed-but-absent").contains("99-gone.yaml"));
    // It is listed nowhere in the base world.
    assert!(seen.message("absent-from-list").contains("10-theirs.yaml"));
    let seen = render(&world(), |files| {
        replace(
            files,
            "buildconfigs/kustomization.yaml",
            "  - 05-base.yaml\n",
            "  - 05-base.yaml\n  - 10-theirs.yaml\n",
        );
    });
    assert!(
        !seen
            .codes()
            .iter()
            .any(|code| ["listed-but-absent", "absent-from-list"].contains(code)),
        "{:?}",
        seen.codes()
    );
    let rebuild = |name: &str| {
        format!(
            "spec:\n  tasks:\n    - name: a\n      params:\n        - name: build_configs\n          value: [cli, {name}]\n"
        )
    };
    let with = |name: &'static str| {
        move |files: &mut BTreeMap<String, String>| {
            drop(files.insert("pipelines/full-rebuild.yaml".to_owned(), rebuild(name)))
        }
    };
    assert!(render(&world(), with("x")).message("list-behind").contains("tools"));
    assert_eq!(render(&world(), with("tools")).message("list-behind"), "");
}

#[test]
fn architectures_are_named_where_they_are_not_all() {
    let narrow = || {
        world().image_with("only", "only", "{member: cli}", "FROM registry.ci.openshift.org/ocp/4.16:cli\n", "").refined_by(&based("rules:\n- id: two\n  because: x\n  on: image\n  set: {arches: [x86_64, aarch64]}\n  overrides: [ARCHES]\n- id: one\n  because: x\n  on: image\n  when: tag == 'only'\n  set: {arches: [x86_64]}\n  overrides: [two]\n"
                .replace("ARCHES", &arches_rules())
                .as_str()))
    };
    let seen = render(&narrow(), |_| {});
    assert!(
        seen.message("architecture-not-heard").contains("only"),
        "{:?}",
        seen.codes()
    );
    assert!(
        seen.text("buildconfigs/10-only.yaml")
            .contains("lockstep.okd.io/architectures: amd64")
    );
    assert!(seen.text(argo::FILE).contains(
        "\"buildConfig\":\"only\",\"overrideRepoUrl\":\"\",\"overrideBranch\":\"\",\"architectures\":\"amd64\""
    ));
    assert!(seen.text(argo::FILE).contains("default: amd64,arm64"));
    let seen = render_with(&narrow(), there(), &[(&ARCHITECTURES, "per-image".into())]);
    assert_eq!(seen.message("architecture-not-heard"), "");
    assert!(seen.text(argo::SHARED).contains("value: \"{{item.architectures}}\""));
    assert!(seen.text(argo::FILE).contains("\"buildConfig\":\"tools\",\"overrideRepoUrl\":\"\",\"overrideBranch\":\"\",\"architectures\":\"{{workflow.parameters.architectures}}\""));
    let none = world().refined_by(&based(&format!("rules:\n- id: none\n  because: x\n  on: image\n  when: tag == 'tools'\n  set: {{arches: [s390x]}}\n  overrides: [{}]\n", arches_rules())));
    assert!(render(&none, |_| {}).codes().contains(&"no-architecture"));
    assert!(!render(&world(), |_| {}).codes().contains(&"no-architecture"));
}

/// The ids of the built-in rules that set `arches`.
fn arches_rules() -> String {
    let rules = crate::derive::tests::world::rules(&[]);
    let setting = rules
        .rules
        .iter()
        .filter(|rule| rule.settings.iter().any(|set| set.field == "arches"));
    setting.map(|rule| rule.id.clone()).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_has_no_name_here_is_pulled_and_told() {
    let other = world().image(
        "x",
        "x",
        "{builder: [{image: quay.io/o/b:1}], image: quay.io/o/a:1}",
        "FROM quay.io/o/c:1 AS b\nFROM quay.io/o/d:1\n",
    );
    let seen = render(&other, |_| {});
    assert!(
        seen.message("foreign-base-here").contains("quay.io/o/a:1"),
        "{:?}",
        seen.codes()
    );
    let build = seen.text("buildconfigs/10-x.yaml");
    assert!(
        build.contains("kind: DockerImage\n        name: quay.io/o/a:1"),
        "{build}"
    );
    let named = "rules:\n- id: named\n  because: x\n  on: input\n  when: input.pullspec == 'quay.io/o/a:1'\n  set: {base_here: a}\n  overrides: [pipeline-no-builder]\n";
    let other = world()
        .image("x", "x", "{image: quay.io/o/a:1}", "FROM quay.io/o/d:1\n")
        .refined_by(&based(named));
    let seen = render(&other, |_| {});
    assert_eq!(seen.message("foreign-base-here"), "");
    assert!(seen.text("buildconfigs/10-x.yaml").contains("name: release:a"));
    // A stream that no rule has a name for, as a builder.
    let unnamed = world().refined_by(&based("rules:\n- id: unnamed\n  because: x\n  on: input\n  set: {builder_here: ''}\n  overrides: [pipeline-go-builder, pipeline-node-builder, pipeline-base]\n"));
    let seen = render(&unnamed, |_| {});
    assert!(
        seen.message("foreign-builder-here").contains("golang"),
        "{:?}",
        seen.codes()
    );
    assert_eq!(render(&world(), |_| {}).message("foreign-builder-here"), "");
}

#[test]
fn images_that_are_gone_are_told_of_or_removed() {
    let seen = render(&world(), |_| {});
    assert!(
        seen.message("buildconfig-without-image").contains("base")
            || seen.message("buildconfig-without-image").contains("theirs")
    );
    let marked = || {
        hand_made("old", "old").replace(
            "  name: old\n",
            "  name: old\n  labels:\n    app.kubernetes.io/managed-by: lockstep\n",
        )
    };
    let seen = render(&world(), |files| {
        drop(files.insert("buildconfigs/10-old.yaml".to_owned(), marked()))
    });
    assert_eq!(seen.files.get("buildconfigs/10-old.yaml"), Some(&None));
    let seen = render(&world(), |files| {
        let text = marked().replace(
            "      dockerfilePath",
            "      env:\n        - name: X\n          value: x\n      dockerfilePath",
        );
        files.insert("buildconfigs/10-old.yaml".to_owned(), text);
    });
    assert!(
        seen.message("dropped-with-additions").contains("env"),
        "{:?}",
        seen.codes()
    );
    assert!(seen.files["buildconfigs/10-old.yaml"].is_some());
}

#[test]
fn what_a_buildconfig_cannot_do_is_told() {
    let more = world().image_with(
        "more",
        "more",
        "{member: cli}",
        "FROM registry.ci.openshift.org/ocp/4.16:cli\n",
        "build_args: [{name: EXTRA, value: zz}], inject_rpm_repositories: [{id: a, baseurl: b}]",
    );
    let seen = render(&more, |_| {});
    assert!(
        seen.codes().contains(&"variant-cannot-set-tags") && seen.codes().contains(&"prepare-not-applied"),
        "{:?}",
        seen.codes()
    );
    assert!(!seen.text("buildconfigs/10-more.yaml").contains("change-build-arg-tags"));
    let codes = render(&world(), |_| {}).codes().join(" ");
    assert!(!codes.contains("variant-cannot-set-tags") && !codes.contains("prepare-not-applied"));
}

#[test]
fn bad_files_cost_themselves_only() {
    for (path, text, code) in [
        ("buildconfigs/06-cli.yaml", "kind: [", "unreadable-buildconfig"),
        (
            "buildconfigs/06-cli.yaml",
            "apiVersion: v1\nkind: List\nitems: []\n",
            "",
        ),
        (
            argo::FILE,
            "spec:\n  arguments:\n    parameters:\n      - name: buildconfigs-batched-list\n        value: '[[{]]'\n",
            "unreadable-buildconfig",
        ),
        (
            "pipelines/build-from-scratch.yaml",
            "kind: Pipeline\nspec: {tasks: []}\n",
            "unreadable-buildconfig",
        ),
        ("buildconfigs/kustomization.yaml", "generators: [a]\nbases: [b]\n", ""),
        (
            "buildconfigs/06-cli.yaml",
            &CLI.replace("  source:\n", "  source: &s\n")
                .replace("    contextDir: .\n", "    contextDir: .\n    x: &t y\n"),
            "",
        ),
    ] {
        let seen = render(&world(), |files| drop(files.insert(path.to_owned(), text.to_owned())));
        assert!(
            code.is_empty() || seen.codes().contains(&code),
            "{path}: {:?}",
            seen.codes()
        );
        if code == "unreadable-buildconfig" {
            assert!(
                seen.files.get(path).is_none_or(|after| after.as_deref() == Some(text)),
                "{path} stays"
            );
        }
        // Without the task that lists what is built first, `tools` is a batch later.
        let tools = ["10", "20"].map(|number| seen.text(&format!("buildconfigs/{number}-tools.yaml")).to_owned());
        assert!(tools.iter().any(|text| text.contains("name: tools")), "{path}");
    }
    // A comment that tells of a text which goes: the file stays, and a finding says so.
    let seen = render(&world(), |files| {
        replace(
            files,
            "buildconfigs/06-cli.yaml",
            "builder:golang-1.20\n",
            "builder:golang-1.20 # keep\n",
        );
    });
    assert!(seen.codes().contains(&"edit-refused"), "{:?}", seen.codes());
    assert!(!render(&world(), |_| {}).codes().contains(&"edit-refused"));
    // Line breaks of another system, two documents in one file, and no `images` at all, which would stop kustomize.
    let seen = render(&world(), |files| {
        let text = format!("{}---\n{}", CLI.replace("    images:\n      - from:\n          kind: ImageStreamTag\n          name: 'release:builder'\n        as:\n          - registry.ci.openshift.org/ocp/builder:golang-1.20\n", ""), hand_made("beside", "beside"));
        files.insert("buildconfigs/06-cli.yaml".to_owned(), text.replace('\n', "\r\n"));
    });
    let text = seen.text("buildconfigs/06-cli.yaml");
    assert!(
        text.contains("ref: release-4.16\r\n") && text.contains("images:\r\n") && text.contains("name: beside\r\n"),
        "{text}"
    );
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
}

#[test]
fn a_builder_can_be_imported() {
    let imported = world().refined_by(&based("rules:\n- id: imported\n  because: x\n  on: builder\n  when: builder.go != ''\n  set: {comes: import, in_stream: tools}\n  overrides: [pipeline-builder-built]\n"));
    let seen = render(&imported, |files| {
        let stream = "kind: ImageStream\nmetadata:\n  name: tools\nspec:\n  tags:\n    - name: centos9\n      from:\n        kind: DockerImage\n        name: x\n";
        files.insert(
            "buildconfigs/02-additional-imagestream.yaml".to_owned(),
            stream.to_owned(),
        );
    });
    let stream = seen.text("buildconfigs/02-additional-imagestream.yaml");
    assert!(stream.ends_with(&format!("    - name: builder-go1.21\n      from:\n        kind: DockerImage\n        name: {GO}\n      referencePolicy:\n        type: Local\n")), "{stream}");
    assert!(
        seen.text("buildconfigs/06-cli.yaml")
            .contains("name: tools:builder-go1.21")
    );
    assert!(!seen.files.contains_key("buildconfigs/04-builder-go1.21.yaml"));
}

#[test]
fn shipwright_has_a_context_for_each_text() {
    let seen = render_with(&world(), there(), &[(&SHIPWRIGHT, true.into())]);
    let build = seen.text("shipwright/builds/cli.yaml");
    for part in [
        format!("- value: {GO}=docker://image-registry.openshift-image-registry.svc:5000/okd/release:builder-go1.21\n"),
        "- value: registry.ci.openshift.org/ocp/4.16:base=docker://image-registry.openshift-image-registry.svc:5000/okd/release:base\n".to_owned(),
        "- value: TAGS=scos\n".to_owned(),
    ] {
        assert!(build.contains(&part), "{part}: {build}");
    }
    assert!(
        seen.text("shipwright/builds/kustomization.yaml")
            .contains("- cli.yaml\n  - tools.yaml\n")
    );
}

#[test]
fn a_file_gets_behind_what_it_is_built_from() {
    let seen = render(&world(), |files| {
        let tools = CLI
            .replace("name: cli", "name: tools")
            .replace("release:cli'", "release:tools'")
            .replace("openshift/cli'", "openshift/tools'");
        files.insert("buildconfigs/06-tools.yaml".to_owned(), tools);
        replace(
            files,
            "buildconfigs/kustomization.yaml",
            "  - 06-cli.yaml # the first\n",
            "  - 06-cli.yaml # the first\n  - 06-tools.yaml\n",
        );
    });
    assert_eq!(seen.files["buildconfigs/06-tools.yaml"], None);
    assert!(seen.text("buildconfigs/10-tools.yaml").contains("ref: release-4.16"));
    let (added, gone) = seen.changed("buildconfigs/kustomization.yaml");
    assert!(
        added.contains(&"- 10-tools.yaml") && gone.contains(&"- 06-tools.yaml"),
        "{added:?} {gone:?}"
    );
}

#[test]
fn what_is_built_has_the_names_that_the_rules_give() {
    let named = world().refined_by(&based(
        "rules:\n- id: other-tag\n  because: x\n  on: image\n  when: tag == 'tools'\n  set: {tag_here: kit}\n  overrides: \
         [pipeline-tag]\n- id: left-to-others\n  because: x\n  on: image\n  when: tag == 'cli'\n  set: {excluded_here: made by \
         hand}\n  overrides: [pipeline-builds]\n",
    ));
    let release = named.release();
    let (found, failed) = here(&release, TARGET.name).expect("rules of the pipeline");
    assert_eq!(failed, []);
    assert_eq!(
        found.built().into_iter().collect::<Vec<_>>(),
        [("tools".to_owned(), "kit".to_owned())]
    );
}
