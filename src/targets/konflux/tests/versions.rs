//! Components with versions: one for all releases.

use super::*;

const MODEL: &str = "- id: with-versions\n  because: x\n  on: target\n  when: target == 'konflux'\n  set: {model: versions}\n  \
                     overrides: [konflux-model]\n";
const CLI: &str = "all/components/okd-cli.yaml";
const TOOLS: &str = "all/components/okd-tools.yaml";

fn versions() -> World {
    world_with(MODEL)
}

fn runs(files: &[(&str, &str)]) -> Seen {
    render(&versions(), &At::default(), files)
}

/// A Component's text with another release's version before ours.
fn with_older(component: &str) -> String {
    let older =
        "    versions:\n      - name: 4-15\n        revision: release-4.15 # theirs\n        skip-builds: true\n";
    let text = component.replace("    versions:\n", older);
    assert_ne!(text, component);
    text
}

#[test]
fn a_run_says_its_version_and_starts_while_builds_are_enabled() {
    let seen = runs(&[]);
    assert_eq!(seen.files.keys().collect::<Vec<_>>(), [REQUEST, PUSH]);
    assert_eq!(seen.codes(), Vec::<&str>::new());
    let push = seen.text(PUSH);
    for part in [
        "build.konflux-ci.dev/version: 4-16\n",
        "build.konflux-ci.dev/target_branch: \"{{target_branch}}\"\n",
        "on-cel-expression: event == \"push\" && target_branch == \"release-4.16\" && builds_enabled == \"true\"\n",
        "    build.konflux-ci.dev/component: okd-cli\n    pipelines.konflux-ci.dev/type: build\n",
        "  name: okd-cli-4-16-on-push\n",
        "okd-tenant/okd-cli:{{revision}}\n",
        "serviceAccountName: build-pipeline-okd-cli\n",
    ] {
        assert!(push.contains(part), "{part}\n{push}");
    }
    assert!(!push.contains("appstudio"), "{push}");
    let again = runs(&[(PUSH, push), (REQUEST, seen.text(REQUEST))]);
    assert_eq!(
        (again.text(PUSH), again.text(REQUEST), again.codes()),
        (push, seen.text(REQUEST), vec![])
    );
    let moved = push.replace("release-4.16", "main");
    assert_eq!(runs(&[(PUSH, &moved)]).text(PUSH), push);
}

#[test]
fn runs_of_another_release_stay_whatever_becomes_of_ours() {
    let fresh = runs(&[]);
    let other = fresh.text(PUSH).replace("4-16", "4-17");
    let path = ".tekton/okd-cli-4-17-push.yaml";
    // The same image in two releases on one branch.
    let seen = runs(&[(path, &other), (PUSH, fresh.text(PUSH))]);
    assert_eq!((seen.text(path), seen.codes()), (other.as_str(), vec![]));
    // An image that this release does not have, and the other one may.
    let gone = |text: &str| text.replace("okd-cli", "okd-never");
    let (own, theirs) = (gone(fresh.text(PUSH)), gone(&other));
    let files = [
        (".tekton/okd-never-4-16-push.yaml", own.as_str()),
        (".tekton/okd-never-4-17-push.yaml", &theirs),
    ];
    let seen = runs(&files);
    assert_eq!(seen.files[files[0].0], None);
    assert_eq!(seen.text(files[1].0), theirs);
    // One of our name without the version is nobody's.
    let without = fresh.text(PUSH).replace("    build.konflux-ci.dev/version: 4-16\n", "");
    let seen = runs(&[(PUSH, &without)]);
    assert_eq!(
        (seen.text(PUSH), seen.codes()),
        (without.as_str(), vec!["tekton-foreign"])
    );
}

#[test]
fn a_component_has_a_version_for_each_release_and_opens_no_request() {
    let seen = config(&versions(), &[], &[]);
    let paths: Vec<&str> = seen.files.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [CLI, TOOLS, "all/kustomization.yaml", "pipelines/okd-build.yaml"]
    );
    let component = seen.text(CLI);
    for part in [
        "apiVersion: konflux-ci.dev/v1alpha1\nkind: Component\n",
        "  containerImage: quay.io/redhat-user-workloads/okd-tenant/okd-cli\n",
        "      pipelineref-by-git-resolver:\n        url: https://github.com/openshift/config\n",
        "  skip-offboarding-pr: true\n",
        "    url: https://github.com/openshift/cli\n    versions:\n      - name: 4-16\n        revision: release-4.16\n        context: .\n        \
         dockerfilePath: cli.Dockerfile\n",
        "kind: ImageRepository\n",
    ] {
        assert!(component.contains(part), "{part}\n{component}");
    }
    assert!(
        !component.contains("request:") && !component.contains("actions"),
        "{component}"
    );
    assert!(!seen.text("all/kustomization.yaml").contains("application"));
    // A release that joins adds its version; one whose branch moves changes its own.
    let cut = component.replace("release-4.16", "main");
    let joined = with_older(&cut);
    let seen = config(&versions(), &[(CLI, &joined)], &[]);
    assert_eq!(seen.text(CLI), with_older(component));
    let own = "      - name: 4-16\n        revision: release-4.16\n        context: .\n        dockerfilePath: cli.Dockerfile\n";
    let without = with_older(component).replace(own, "");
    let seen = config(&versions(), &[(CLI, &without)], &[]);
    assert_eq!(seen.text(CLI), with_older(component));
    assert_eq!(seen.codes(), Vec::<&str>::new());
    // So does one in a file that people gave another name.
    let other = "all/components/cli.yaml";
    let seen = config(&versions(), &[(other, &without)], &[]);
    assert_eq!(
        (seen.text(other), seen.files.contains_key(CLI)),
        (&*with_older(component), false)
    );
    // What the controllers take away, and what people add, stays so.
    let acted = component
        .replace(
            "  annotations:\n    image-controller.appstudio.redhat.com/update-component-image: \"true\"\n",
            "",
        )
        .replace("        context: .\n", "        skip-builds: true\n");
    assert_ne!(acted, component);
    assert_eq!(config(&versions(), &[(CLI, &acted)], &[]).text(CLI), acted);
}

#[test]
fn the_newest_release_says_what_all_versions_share() {
    let fresh = config(&versions(), &[], &[]);
    let (component, own) = (fresh.text(CLI), "openshift/cli\n");
    // Older versions follow this release's repository.
    let moved = with_older(component).replace(own, "openshift/before\n");
    let seen = config(&versions(), &[(CLI, &moved)], &[]);
    assert_eq!(seen.text(CLI), with_older(component));
    assert_eq!(seen.codes(), ["konflux-moved"]);
    // A newer one is not undone.
    let newer = with_older(component).replace("4-15", "4-17");
    let stale = newer.replace("release-4.16", "main");
    let seen = config(&versions(), &[(CLI, &stale)], &[]);
    assert_eq!((seen.text(CLI), seen.codes()), (newer.as_str(), vec![]));
    for (old, new) in [
        (own, "openshift/after\n"),
        ("containerImage: quay.io", "containerImage: else.io"),
    ] {
        let other = stale.replace(old, new);
        let seen = config(&versions(), &[(CLI, &other)], &[]);
        assert_eq!(
            (seen.text(CLI), seen.codes()),
            (other.as_str(), vec!["component-shared"])
        );
    }
    let same = stale.replace(own, "openshift/cli.git\n");
    let seen = config(&versions(), &[(CLI, &same)], &[]);
    assert_eq!(
        seen.text(CLI),
        same.replace(
            "revision: main\n        context",
            "revision: release-4.16\n        context"
        )
    );
}

#[test]
fn a_release_that_goes_takes_its_version_and_the_last_one_the_component() {
    let fresh = config(&versions(), &[], &[]);
    let path = "all/components/okd-never.yaml";
    let gone = |text: &str| text.replace("okd-cli", "okd-never");
    let last = gone(fresh.text(CLI));
    let list = "resources:\n- components/okd-never.yaml\n- components/okd-cli.yaml\n- components/okd-tools.yaml\n";
    let kustomization = ("all/kustomization.yaml", list);
    let seen = config(&versions(), &[(path, &last), kustomization], &[]);
    assert_eq!(seen.files[path], None);
    assert!(!seen.text(kustomization.0).contains("never"));
    let several = gone(&with_older(fresh.text(CLI)));
    let own = "      - name: 4-16\n        revision: release-4.16\n        context: .\n        dockerfilePath: cli.Dockerfile\n";
    let seen = config(&versions(), &[(path, &several), kustomization], &[]);
    assert_eq!(seen.text(path), several.replace(own, ""));
    assert_eq!(seen.text(kustomization.0), list);
    // Another release's alone, one that people changed, and one of which not all is known.
    let theirs = last.replace("4-16", "4-17");
    assert_eq!(config(&versions(), &[(path, &theirs)], &[]).text(path), theirs);
    let added = several.replace(
        "        context: .\n",
        "        context: .\n        build-pipeline: {}\n",
    );
    let seen = config(&versions(), &[(path, &added)], &[]);
    assert_eq!(
        (seen.text(path), seen.codes()),
        (added.as_str(), vec!["dropped-with-additions"])
    );
    let unmarked = unmarked(&last);
    assert_eq!(config(&versions(), &[(path, &unmarked)], &[]).text(path), unmarked);
}

#[test]
fn the_version_goes_after_the_runs_that_need_it() {
    let fresh = config(&versions(), &[], &[]);
    let path = "all/components/okd-never.yaml";
    let several = with_older(fresh.text(CLI)).replace("okd-cli", "okd-never");
    let world = versions();
    let mut file = desired(&world, path, &several);
    assert!(file.after != file.before && file.causes.iter().any(|cause| cause.field == "versions"));
    file.images = vec!["never".to_owned()];
    let mut run = file.clone();
    run.path = ".tekton/okd-never-4-16-push.yaml".to_owned();
    let mut files = [file.clone(), run];
    assert!(wait(&mut files).is_empty());
    assert!(files[0].held && !files[1].held);
    let mut files = [file];
    assert!(wait(&mut files).is_empty() && !files[0].held);
}

#[test]
fn names_and_options_that_konflux_does_not_know_are_told() {
    let codes = |rules: &str| {
        let seen = render(&world_with(&format!("{MODEL}{rules}")), &At::default(), &[]);
        (seen.files.len(), seen.codes().join(" "))
    };
    let rule = |set: &str, overrides: &str| {
        format!(
            "- id: other\n  because: x\n  on: target\n  when: target == 'konflux'\n  set: {set}\n  overrides: [{overrides}]\n"
        )
    };
    assert_eq!(codes(""), (2, String::new()));
    for version in ["'4.16'", "A", "-x", "''"] {
        let rule = rule(&format!("{{version: {version}}}"), "konflux-model");
        assert_eq!(codes(&rule).0, 0, "{version}");
    }
    let unfit = rule("{version: '4.16'}", "konflux-model");
    assert_eq!(codes(&unfit), (0, "name-unfit".to_owned()));
    let labels = rule("{labels: {component: c, type: t}}", "konflux-labels-of-versions");
    assert_eq!(codes(&labels), (0, "name-unfit".to_owned()));
    let seen = config(&versions(), &[], &[(&NUDGES, json!("direct"))]);
    assert_eq!(seen.codes(), ["nudges-not-heard"]);
}
