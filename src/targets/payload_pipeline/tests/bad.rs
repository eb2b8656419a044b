//! What people, metadata and Dockerfiles can get wrong: each costs itself, and is told.

use super::*;

const FROM_CLI: &str = "FROM registry.ci.openshift.org/ocp/4.16:cli\n";

/// The messages of a code.
fn messages<'s>(seen: &'s Seen, code: &str) -> Vec<&'s str> {
    let found = seen.findings.iter().filter(|finding| finding.code == code);
    found.map(|finding| finding.message.as_str()).collect()
}

#[test]
fn a_parent_that_is_held_keeps_its_children_where_they_are() {
    // The Dockerfile of `cli` cannot be read.
    let held = World::new()
        .image("cli", "cli", "{stream: base}", "FROM\n")
        .image("tools", "tools", "{member: cli}", FROM_CLI)
        .refined_by(&based(""));
    let seen = render(&held, |_| {});
    assert_eq!(
        seen.text("buildconfigs/06-cli.yaml"),
        CLI,
        "what could not be derived stays"
    );
    let told = messages(&seen, "parent-in-no-batch");
    assert_eq!(
        told,
        ["tools is built from cli, which is in no batch; it stays where it is"]
    );
    assert!(
        !seen.text(tekton::FILE).contains("- tools"),
        "{}",
        seen.text(tekton::FILE)
    );
    assert!(!seen.text(argo::FILE).contains("tools"));
}

#[test]
fn an_image_about_which_a_rule_fails_keeps_all_that_is_there() {
    let disagree = |on: &str, when: &str, field: &str, overrides: &str, values: [&str; 2]| {
        let rule = |id: &str, value: &str| {
            format!(
                "- id: {id}\n  because: x\n  on: {on}\n  when: {when}\n  set: {{{field}: {value}}}\n  overrides: [{overrides}]\n"
            )
        };
        let [one, other] = values;
        based(&format!("rules:\n{}{}", rule("one", one), rule("other", other)))
    };
    let fresh = render(&world(), |_| {});
    let tools = "buildconfigs/10-tools.yaml";
    let builder = "buildconfigs/04-builder-go1.21.yaml";
    assert!(fresh.text(builder).contains("managed-by"), "{:?}", fresh.files.keys());
    let there: BTreeMap<String, String> = fresh
        .files
        .iter()
        .filter_map(|(path, text)| Some((path.clone(), text.clone()?)))
        .collect();
    let resources = "pipeline-resources, pipeline-resources-high";
    let tag = "pipeline-tag, pipeline-base-tag";
    for (on, when, field, overrides, values, held) in [
        (
            "image",
            "tag == 'cli'",
            "resources_here",
            resources,
            ["high", "low"],
            true,
        ),
        (
            "image",
            "tag == 'tools'",
            "resources_here",
            resources,
            ["high", "low"],
            true,
        ),
        ("image", "tag == 'tools'", "tag_here", tag, ["a", "b"], true),
        ("image", "tag == 'cli'", "tag_here", tag, ["a", "b"], true),
        (
            "builder",
            "true",
            "in_stream",
            "pipeline-builder-built",
            ["a", "b"],
            true,
        ),
        ("image", "tag == 'none'", "tag_here", tag, ["a", "b"], false),
    ] {
        let world = world().refined_by(&disagree(on, when, field, overrides, values));
        let seen = render_with(&world, there.clone(), &[]);
        assert_eq!(seen.codes().contains(&"rule-failed"), held, "{field}");
        for path in [
            tools,
            builder,
            "buildconfigs/06-cli.yaml",
            "buildconfigs/kustomization.yaml",
            tekton::FILE,
            argo::FILE,
        ] {
            assert_eq!(seen.text(path), there[path], "{when} {field} {path}");
        }
    }
    // What an image is built with that cannot be read is not known.
    let held = World::new()
        .image("cli", "cli", "{stream: base}", "FROM\n")
        .refined_by(&based(""));
    let seen = render_with(&held, there.clone(), &[]);
    assert_eq!(seen.text(builder), there[builder]);
    assert_eq!(seen.files[tools], None);
}

#[test]
fn a_parent_that_is_left_to_others_is_there() {
    let excluded = world().refined_by(&based(
        "rules:\n- id: other-cli\n  because: x\n  on: image\n  when: tag == 'cli'\n  set: {excluded_here: others make it}\n  overrides: [pipeline-builds]\n",
    ));
    let seen = render(&excluded, |_| {});
    assert_eq!(seen.text("buildconfigs/06-cli.yaml"), CLI);
    assert_eq!(messages(&seen, "parent-in-no-batch"), Vec::<&str>::new());
    let tools = seen.text("buildconfigs/10-tools.yaml");
    assert!(tools.contains("name: release:cli"), "{tools}");
    assert!(
        seen.text(tekton::FILE).contains("- theirs\n          - tools\n"),
        "{}",
        seen.text(tekton::FILE)
    );
}

#[test]
fn what_metadata_drops_goes_where_nobody_added_to_it() {
    let dropped = || world().image_with("old", "old", "{stream: base}", "FROM x\n", "enabled: false");
    let release = dropped();
    let release = release.release();
    assert!(
        matches!(release.images["old"].standing, crate::derive::Standing::Dropped(_)),
        "{:?}",
        release.images["old"].standing
    );
    let seen = render(&dropped(), |files| {
        drop(files.insert("buildconfigs/10-old.yaml".to_owned(), hand_made("old", "old")));
    });
    assert_eq!(seen.files.get("buildconfigs/10-old.yaml"), Some(&None));
    let seen = render(&dropped(), |files| {
        let text = hand_made("old", "old").replace("spec:\n  source", "spec:\n  nodeSelector: {a: b}\n  source");
        files.insert("buildconfigs/10-old.yaml".to_owned(), text);
    });
    assert!(seen.files["buildconfigs/10-old.yaml"].is_some());
    assert!(
        seen.message("dropped-with-additions").contains("nodeSelector"),
        "{:?}",
        seen.codes()
    );
}

#[test]
fn two_images_with_one_tag_change_nothing() {
    let twins = world().image_with("cli2", "cli2", "{stream: base}", "FROM x\n", "tag_name: cli");
    assert!(
        twins
            .release()
            .findings
            .iter()
            .any(|finding| finding.code == "duplicate-tag")
    );
    let seen = render(&twins, |_| {});
    assert_eq!(seen.text("buildconfigs/06-cli.yaml"), CLI);
    let made: Vec<&String> = seen.files.keys().filter(|path| path.contains("cli2")).collect();
    assert!(made.is_empty(), "{made:?}");
    assert_eq!(messages(&seen, "parent-in-no-batch").len(), 1, "tools stands on it");
}

#[test]
fn images_in_a_circle_are_in_no_batch() {
    let circle = world()
        .image("a", "a", "{member: b}", "FROM registry.ci.openshift.org/ocp/4.16:b\n")
        .image("b", "b", "{member: a}", "FROM registry.ci.openshift.org/ocp/4.16:a\n");
    let seen = render(&circle, |files| {
        drop(files.insert("buildconfigs/10-a.yaml".to_owned(), hand_made("a", "a")));
    });
    assert_eq!(seen.text("buildconfigs/10-a.yaml"), hand_made("a", "a"));
    assert!(!seen.files.contains_key("buildconfigs/10-b.yaml"));
    assert!(seen.text(tekton::FILE).contains("- tools"), "all others are built");
}

#[test]
fn buildconfigs_made_by_hand_may_stand_in_a_circle() {
    let from = |name: &str, parent: &str| {
        hand_made(name, name).replace(
            "    dockerStrategy:\n",
            &format!("    dockerStrategy:\n      from: {{kind: ImageStreamTag, name: 'release:{parent}'}}\n"),
        )
    };
    let with = |second: &'static str| {
        render(&world(), |files| {
            files.insert("buildconfigs/20-x.yaml".to_owned(), from("left", "right"));
            files.insert("buildconfigs/20-y.yaml".to_owned(), from("right", second));
        })
    };
    let seen = with("left");
    let told = messages(&seen, "parent-in-no-batch");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("left, which was made by hand, is built from right"),
        "{told:?}"
    );
    assert_eq!(messages(&with("theirs"), "parent-in-no-batch"), Vec::<&str>::new());
    // What it built last time is where it starts.
    assert_eq!(messages(&with("right"), "parent-in-no-batch"), Vec::<&str>::new());
}

#[test]
fn a_buildconfig_may_be_json() {
    let json = "{\"apiVersion\": \"build.openshift.io/v1\", \"kind\": \"BuildConfig\", \"metadata\": {\"name\": \"tools\"},\n \"spec\": {\"source\": {\"type\": \"Git\", \"git\": {\"uri\": \"https://github.com/openshift/tools\", \"ref\": \"release-4.15\"}, \"images\": []},\n \"strategy\": {\"type\": \"Docker\", \"dockerStrategy\": {\"dockerfilePath\": \"tools.Dockerfile\"}},\n \"output\": {\"to\": {\"kind\": \"ImageStreamTag\", \"name\": \"release:tools\"}}}}\n";
    for name in ["20-tools.json", "20-tools.yaml"] {
        let path = format!("buildconfigs/{name}");
        let seen = render(&world(), |files| {
            files.insert(path.clone(), json.to_owned());
            replace(
                files,
                "buildconfigs/kustomization.yaml",
                "  - 06-cli.yaml",
                &format!("  - {name}\n  - 06-cli.yaml"),
            );
        });
        assert!(
            !seen.files.contains_key("buildconfigs/10-tools.yaml"),
            "it is known by what it builds"
        );
        let text = seen.text(&path);
        if seen.codes().contains(&"edit-refused") {
            assert_eq!(text, json, "all of it or nothing");
            continue;
        }
        let node: serde_json::Value = serde_json::from_str(text).expect("it is JSON still");
        assert_eq!(node["spec"]["source"]["git"]["ref"], "release-4.16");
        assert_eq!(
            node["spec"]["strategy"]["dockerStrategy"]["from"]["name"],
            "release:cli"
        );
        assert!(!seen.codes().contains(&"listed-but-absent"), "{:?}", seen.codes());
    }
}

#[test]
fn buildconfigs_in_a_list_are_left_alone_and_not_made_twice() {
    let item: String = CLI
        .lines()
        .enumerate()
        .map(|(at, line)| format!("{}{line}\n", if at == 0 { "- " } else { "  " }))
        .collect();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{item}");
    let seen = render(&world(), |files| {
        drop(files.insert("buildconfigs/06-cli.yaml".to_owned(), list.clone()))
    });
    assert_eq!(seen.text("buildconfigs/06-cli.yaml"), list);
    assert!(
        seen.message("unreadable-buildconfig")
            .contains("in a list, of release:cli"),
        "{:?}",
        seen.codes()
    );
    let made: Vec<&String> = seen.files.keys().filter(|path| path.ends_with("-cli.yaml")).collect();
    assert_eq!(made, ["buildconfigs/06-cli.yaml"]);
}

#[test]
fn a_fork_under_a_name_that_metadata_does_not_have_stays() {
    let forked = CLI
        .replace("dockerfilePath: ./cli.Dockerfile", "dockerfilePath: ./Dockerfile.okd")
        .replace(
            "          name: 'release:builder'\n        as:\n          - registry.ci.openshift.org/ocp/builder:golang-1.20\n",
            "          name: 'release:forked-dockerfiles'\n        paths:\n          - sourcePath: /code/cli/Dockerfile.okd\n            destinationDir: ./\n",
        );
    let seen = render(&world(), |files| {
        drop(files.insert("buildconfigs/06-cli.yaml".to_owned(), forked.clone()))
    });
    let (added, gone) = seen.changed("buildconfigs/06-cli.yaml");
    assert_eq!((added, gone), (vec!["ref: release-4.16"], vec!["ref: release-4.15"]));
    let told = seen.message("forked-dockerfile");
    assert!(
        told.starts_with("cli is built from the fork /code/cli/Dockerfile.okd in the place of cli.Dockerfile"),
        "{told}"
    );
    assert!(told.contains("what the fork says is not known"), "{told}");
}

#[test]
fn what_stands_twice_in_a_batch_stands_there_once() {
    let seen = render(&world(), |files| {
        replace(
            files,
            tekton::FILE,
            "          - theirs\n",
            "          - tools\n          - theirs\n          - tools\n",
        );
    });
    let text = seen.text(tekton::FILE);
    assert_eq!(text.matches("- tools\n").count(), 1, "{text}");
    assert!(text.contains("          - tools\n          - theirs\n"), "{text}");
}

#[test]
fn only_the_list_of_files_is_touched_in_a_kustomization() {
    let list = "# ours\ngenerators: [gen.yaml]\nresources:\n  - https://example.com/base.yaml\n  - github.com/o/r//base?ref=main\n  - 05-base.yaml\n  - 06-cli.yaml\nconfigMapGenerator:\n- name: x\n";
    let seen = render(&world(), |files| {
        drop(files.insert("buildconfigs/kustomization.yaml".to_owned(), list.to_owned()))
    });
    let text = seen.text("buildconfigs/kustomization.yaml");
    let (added, gone) = seen.changed("buildconfigs/kustomization.yaml");
    assert_eq!(
        (added, gone),
        (vec!["- 04-builder-go1.21.yaml", "- 10-tools.yaml"], vec![])
    );
    assert!(
        text.starts_with("# ours\ngenerators: [gen.yaml]\nresources:\n")
            && text.ends_with("configMapGenerator:\n- name: x\n"),
        "{text}"
    );
    assert!(!seen.codes().contains(&"listed-but-absent"), "{:?}", seen.codes());
}

#[test]
fn anchors_keep_their_meaning_or_the_file_stays() {
    let anchored = CLI
        .replace("ref: release-4.15", "ref: &r release-4.15")
        .replace(
            "      # Needed since 4.13.\n",
            "      noCache: false\n      # Needed since 4.13.\n",
        )
        .replace("          value: \"1\"\n", "          value: *r\n");
    let seen = render(&world(), |files| {
        drop(files.insert("buildconfigs/06-cli.yaml".to_owned(), anchored.clone()))
    });
    let text = seen.text("buildconfigs/06-cli.yaml");
    if text == anchored {
        assert!(
            seen.message("edit-refused").contains("06-cli.yaml"),
            "{:?}",
            seen.codes()
        );
        return;
    }
    let node = crate::yaml::parse(text.as_bytes()).expect("YAML");
    let said = |path: &[&str]| node.at(path).and_then(crate::yaml::Node::text).map(str::to_owned);
    assert_eq!(said(&["spec", "source", "git", "ref"]).as_deref(), Some("release-4.16"));
    let env = node
        .at(&["spec", "strategy", "dockerStrategy", "env"])
        .and_then(crate::yaml::Node::as_seq)
        .expect("a list");
    assert_eq!(
        env[0].get("value").and_then(crate::yaml::Node::text),
        Some("release-4.15"),
        "nobody asked for another value"
    );
}

#[test]
fn a_from_with_an_argument_is_known_by_both_texts() {
    let with_arg = world().image(
        "x",
        "x",
        "{builder: [{member: cli}], stream: base}",
        "ARG CLI=registry.ci.openshift.org/ocp/4.16:cli\nFROM ${CLI} AS c\nFROM registry.ci.openshift.org/ocp/4.16:base\n",
    );
    let seen = render_with(&with_arg, there(), &[(&SHIPWRIGHT, true.into())]);
    let build = seen.text("buildconfigs/10-x.yaml");
    assert!(
        build.contains(
            "name: release:cli\n        as:\n          - ${CLI}\n          - registry.ci.openshift.org/ocp/4.16:cli\n"
        ),
        "{build}"
    );
    let contexts = seen.text("shipwright/builds/x.yaml");
    for text in ["${CLI}=docker://", "registry.ci.openshift.org/ocp/4.16:cli=docker://"] {
        assert!(
            contexts.contains(&format!(
                "{text}image-registry.openshift-image-registry.svc:5000/okd/release:cli"
            )),
            "{contexts}"
        );
    }
}

#[test]
fn a_text_that_means_two_things_holds_its_image_alone() {
    for (code, from, dockerfile) in [
        (
            "from-map-ambiguous",
            "{builder: [{stream: golang}, {member: cli}], stream: base}",
            "FROM a/b:1 AS one\nFROM a/b:1 AS two\nFROM c/d:1\n",
        ),
        (
            "from-map-hits-stage",
            "{builder: [{stream: golang}], stream: base}",
            "FROM golang AS golang\nFROM golang\n",
        ),
        (
            "from-map-hits-stage",
            "{builder: [{stream: golang}], stream: base}",
            "FROM golang AS golang\nFROM c/d:1\n",
        ),
    ] {
        let held = world().image("x", "x", from, dockerfile);
        let seen = render_with(&held, there(), &[(&SHIPWRIGHT, true.into())]);
        if dockerfile.ends_with("FROM golang\n") && !seen.codes().contains(&code) {
            // The last stage continues the first: metadata names one FROM too many.
            assert!(
                !seen.files.keys().any(|path| path.ends_with("-x.yaml")),
                "{:?}",
                seen.codes()
            );
            continue;
        }
        assert!(seen.codes().contains(&code), "{code}: {:?}", seen.codes());
        let made: Vec<&String> = seen
            .files
            .keys()
            .filter(|path| path.ends_with("x.yaml") && !path.contains("index"))
            .collect();
        assert!(made.is_empty(), "{made:?}");
        assert!(
            seen.files.contains_key("buildconfigs/10-tools.yaml"),
            "all others are there"
        );
    }
}
