//! What bad input costs: one item, with a finding or an error that says where and what to do. Nothing else changes.

use crate::support::world;
use std::collections::BTreeMap;
use std::net::TcpListener;

use git2::FileMode;
use serde_json::Value as Json;
use world::{BUILD_DATA, NAMES, RELEASE, World, config_of};

/// What a fault is expected to cost and to say.
struct Expected<'e> {
    /// Images whose config is not rendered, or stays as it is.
    lost: &'e [&'e str],
    /// The finding's code.
    code: &'e str,
    /// A part of its message.
    message: &'e str,
    /// The file that it names.
    file: &'e str,
    /// The line that it names.
    line: Option<u64>,
    /// The exit code.
    exit: i32,
}

/// Makes a fault in the usual world and checks all that it costs and says.
fn costs(fault: impl FnOnce(&mut World), expected: &Expected<'_>) {
    let (all, ran) = World::usual().render();
    assert_eq!((ran.code, all.len()), (0, 4), "{}", ran.stderr);
    let mut world = World::usual();
    fault(&mut world);
    let (left, ran) = world.render();
    let wanted: BTreeMap<_, _> = NAMES
        .iter()
        .filter(|name| !expected.lost.contains(name))
        .map(|name| config_of(name, "release-4.16"))
        .map(|path| (path.clone(), all[&path].clone()))
        .collect();
    assert_eq!(
        left.keys().collect::<Vec<_>>(),
        wanted.keys().collect::<Vec<_>>(),
        "{}",
        ran.stderr
    );
    assert!(left == wanted, "another image's bytes changed: {}", ran.stderr);
    assert_eq!(ran.code, expected.exit, "{}", ran.stderr);
    let (code, plan, ran) = world.plan();
    assert_eq!(code, expected.exit, "{}", ran.stderr);
    let finding = found(&plan, expected.code, expected.message);
    let file = finding["place"]["file"].as_str().unwrap_or_default();
    assert!(file.ends_with(expected.file), "{finding}");
    assert_eq!(finding["place"]["line"].as_u64(), expected.line, "{finding}");
    assert!(
        finding["help"].as_str().is_some_and(|help| !help.is_empty()),
        "{finding}"
    );
}

fn found(plan: &Json, code: &str, message: &str) -> Json {
    let findings = plan["findings"].as_array().expect("findings");
    let says = |finding: &&Json| {
        finding["code"] == code && finding["message"].as_str().is_some_and(|text| text.contains(message))
    };
    let finding = findings.iter().find(says);
    finding
        .unwrap_or_else(|| panic!("no {code} with `{message}` in {findings:#?}"))
        .clone()
}

/// A file of metadata that cannot be read.
fn broken_metadata(text: &str, message: &str, line: Option<u64>) {
    let fault = |world: &mut World| world.build_data(&[("images/buoy.yml", text)]);
    let expected = Expected {
        lost: &["buoy"],
        code: "unreadable-metadata",
        message,
        file: "images/buoy.yml",
        line,
        exit: 0,
    };
    costs(fault, &expected);
}

/// An image's metadata that says something else.
fn odd_image(from: &str, more: &str, code: &str, message: &str, line: Option<u64>) {
    let expected = Expected {
        lost: &["buoy"],
        code,
        message,
        file: "images/buoy.yml",
        line,
        exit: 0,
    };
    costs(|world| world.image("buoy", from, more), &expected);
}

#[test]
fn a_yaml_file_with_tabs() {
    broken_metadata("name: x\nfrom:\n\tstream: base\n", "a tab in the indentation", Some(3));
}

#[test]
fn a_duplicate_key() {
    broken_metadata("name: x\nfrom: {stream: base}\nname: y\n", "name", Some(3));
}

#[test]
fn an_alias_bomb() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let list = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    let world = World::usual();
    world.build_data(&[("images/buoy.yml", &text)]);
    let (_, plan, ran) = world.plan();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let finding = found(&plan, "unreadable-metadata", "");
    assert_eq!(finding["place"]["file"], "images/buoy.yml");
    assert!(finding["place"]["line"].is_number(), "{finding}");
}

#[test]
fn a_hundred_megabytes_of_yaml() {
    // git packs repeated text well; a plain directory has it as a sparse file.
    let text = "a: b\n".repeat(20 << 20);
    broken_metadata(&text, "more than the", None);
}

#[test]
fn a_file_that_is_not_utf_8() {
    let fault = |world: &mut World| world.commit(BUILD_DATA, "openshift-4.16", &[("images/buoy.yml", b"name: \xff\n")]);
    let expected = Expected {
        lost: &["buoy"],
        code: "unreadable-metadata",
        message: "not UTF-8",
        file: "images/buoy.yml",
        line: Some(1),
        exit: 0,
    };
    costs(fault, &expected);
}

#[test]
fn a_name_that_is_not_utf_8() {
    let fault = |world: &mut World| {
        let items: [(&[u8], &[u8], FileMode); 1] = [(b"images/\xff.yml", b"name: x\n", FileMode::Blob)];
        world.commit_items(BUILD_DATA, "openshift-4.16", &items);
    };
    let expected = Expected {
        lost: &[],
        code: "unreadable-metadata",
        message: "not UTF-8",
        file: "images/\u{fffd}.yml",
        line: None,
        exit: 0,
    };
    costs(fault, &expected);
}

#[test]
fn a_member_that_does_not_exist() {
    odd_image(
        "{member: anchr}",
        "",
        "unresolved-from",
        "there is no image anchr",
        Some(4),
    );
    let world = World::usual();
    world.image("buoy", "{member: anchr}", "");
    let finding = found(&world.plan().1, "unresolved-from", "anchr");
    assert!(
        finding["help"].as_str().is_some_and(|help| help.contains("anchor")),
        "{finding}"
    );
}

#[test]
fn a_stream_that_does_not_exist() {
    odd_image(
        "{stream: bass}",
        "",
        "unresolved-from",
        "there is no stream bass",
        Some(4),
    );
}

#[test]
fn a_member_cycle() {
    let fault = |world: &mut World| {
        world.image("buoy", "{member: capstan}", "");
        world.image("capstan", "{member: buoy}", "");
    };
    let expected = Expected {
        lost: &["buoy", "capstan"],
        code: "member-cycle",
        message: "buoy → capstan → buoy",
        file: "images/buoy.yml",
        line: Some(4),
        exit: 0,
    };
    costs(fault, &expected);
}

#[test]
fn two_images_with_one_payload_tag() {
    let fault = |world: &mut World| {
        let text = "name: x\npayload_name: capstan\nfor_payload: true\nfrom: {stream: base}\ncontent:\n  source:\n    git: {url: \
                    'https://github.com/openshift-priv/buoy'}\n";
        world.build_data(&[("images/buoy.yml", text)]);
    };
    let expected = Expected {
        lost: &["buoy", "capstan"],
        code: "duplicate-tag",
        message: "images/buoy.yml and images/capstan.yml",
        file: "images/buoy.yml",
        line: Some(2),
        exit: 0,
    };
    costs(fault, &expected);
}

#[test]
fn a_count_mismatch() {
    let fault = |world: &mut World| {
        let text: &[u8] = b"# two\nFROM a:1 AS one\nFROM b:1\n";
        world.commit("openshift/buoy", "release-4.16", &[("Dockerfile", text)]);
    };
    let expected = Expected {
        lost: &["buoy"],
        code: "stage-count",
        message: "has 2 FROM lines",
        file: "Dockerfile",
        line: Some(2),
        exit: 0,
    };
    costs(fault, &expected);
}

#[test]
fn a_dockerfile_that_is_none_or_missing() {
    let fault = |world: &mut World| world.commit("openshift/buoy", "release-4.16", &[("Dockerfile", b"RUN x\n")]);
    let expected = Expected {
        lost: &["buoy"],
        code: "bad-dockerfile",
        message: "cannot be used",
        file: "Dockerfile",
        line: Some(1),
        exit: 0,
    };
    costs(fault, &expected);
    let alignment = "konflux: {}\nokd: {content: {source: {dockerfile: Dockerfile.gone}}}\n";
    odd_image(
        "{stream: base}",
        alignment,
        "no-dockerfile",
        "Dockerfile.gone is not in branch release-4.16",
        Some(6),
    );
}

#[test]
fn a_dockerfile_path_that_leaves_the_repository() {
    for path in ["../../etc/passwd", "/etc/passwd", "sub/../../../etc/passwd"] {
        let more = format!("okd: {{content: {{source: {{dockerfile: {path}}}}}}}\n");
        odd_image(
            "{stream: base}",
            &more,
            "bad-dockerfile",
            "leaves the repository",
            Some(5),
        );
    }
}

#[test]
fn a_dockerfile_behind_a_link_that_leaves_the_repository() {
    for target in [&b"../../../etc/passwd"[..], b"/etc/passwd", b"Dockerfile"] {
        let fault = |world: &mut World| {
            world.commit_items(
                "openshift/buoy",
                "release-4.16",
                &[(b"Dockerfile", target, FileMode::Link)],
            );
        };
        let expected = Expected {
            lost: &["buoy"],
            code: "bad-dockerfile",
            message: "Dockerfile",
            file: "images/buoy.yml",
            line: Some(6),
            exit: 0,
        };
        costs(fault, &expected);
    }
}

#[test]
fn a_component_that_cannot_be_reached_keeps_its_config() {
    let world = World::usual();
    let (all, _) = world.render();
    let path = config_of("buoy", "release-4.16");
    let in_repo = path.strip_prefix("openshift/release/").expect("below the repository");
    let stale = String::from_utf8_lossy(&all[&path]).replace("dockerfile_path: Dockerfile", "dockerfile_path: old");
    world.commit(RELEASE, "master", &[(in_repo, stale.as_bytes())]);
    std::fs::remove_dir_all(world.path("openshift/buoy")).expect("it goes");
    let (left, ran) = world.render();
    assert_eq!(
        ran.code, 1,
        "a source that was asked for could not be read: {}",
        ran.stderr
    );
    let others: BTreeMap<_, _> = all.into_iter().filter(|(other, _)| *other != path).collect();
    assert!(left == others, "{}", ran.stderr);
    let (code, plan, _) = world.plan();
    assert_eq!((code, plan["held"].as_u64()), (1, Some(1)));
    let finding = found(&plan, "unreadable-component", "openshift/buoy cannot be read");
    assert!(
        finding["help"]
            .as_str()
            .is_some_and(|help| help.contains("stay as they are")),
        "{finding}"
    );
    let ran = world.run("reconcile", &[]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let branch = world.repository(RELEASE);
    let tip = branch
        .find_reference("refs/heads/lockstep/ci/4.16")
        .expect("the pull request")
        .peel_to_tree()
        .expect("a tree");
    let entry = tip.get_path(std::path::Path::new(in_repo)).expect("the config");
    let blob = branch.find_blob(entry.id()).expect("a blob");
    assert_eq!(String::from_utf8_lossy(blob.content()), stale);
}

#[test]
fn an_unreachable_url() {
    // A port that was free a moment ago, and that nothing listens on.
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port")
        .port();
    let mut world = World::usual();
    world.settings.insert(
        "components",
        format!("{{repo: 'http://127.0.0.1:{port}/{{org}}/{{repo}}'}}"),
    );
    let (left, ran) = world.render();
    assert_eq!((ran.code, left.len()), (1, 0), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("cannot be reached") && ran.stderr.contains("check the network"),
        "{}",
        ran.stderr
    );
    world
        .settings
        .insert("build-data", format!("{{repo: 'http://127.0.0.1:{port}/o/r'}}"));
    let (code, _, ran) = world.plan();
    assert_eq!(code, 1);
    assert!(
        ran.stderr.contains("build data of 4.16") && ran.stderr.contains("check the network"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_branch_that_does_not_exist_costs_its_release_only() {
    let mut world = World::usual();
    let (all, _) = world.render();
    world.settings.insert("releases", "['4.16', '4.99']".to_owned());
    let (left, ran) = world.render();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(left == all);
    assert!(
        ran.stderr
            .contains("no branch `openshift-4.99`; it has `openshift-4.16`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_component_without_its_branch_or_without_any() {
    let gone = |world: &mut World| {
        std::fs::remove_dir_all(world.path("openshift/buoy")).expect("it goes");
        drop(world.repository("openshift/buoy"));
    };
    let mut world = World::usual();
    gone(&mut world);
    let (left, ran) = world.render();
    assert_eq!((ran.code, left.len()), (1, 3), "{}", ran.stderr);
    assert!(ran.stderr.contains("the repository is empty"), "{}", ran.stderr);
    world.commit("openshift/buoy", "main", &[("Dockerfile", b"FROM x\n")]);
    let (left, ran) = world.render();
    assert_eq!((ran.code, left.len()), (1, 3), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("no branch `release-4.16`; it has `main`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_rule_that_does_not_compile() {
    let mut world = World::usual();
    world.write(
        "bad.yaml",
        b"rules:\n- id: bad\n  because: x\n  on: image\n  when: image.pay_load ==\n  set: {tag: x}\n",
    );
    world.settings.insert("rules", "[builtin, bad.yaml]".to_owned());
    let (left, ran) = world.render();
    assert_eq!((ran.code, left.len()), (1, 0), "{}", ran.stderr);
    assert!(ran.stderr.contains("bad.yaml:5"), "{}", ran.stderr);
}

#[test]
fn a_rule_that_fails_on_one_image() {
    let fault = |world: &mut World| {
        let rule = "rules:\n- id: odd\n  because: x\n  on: image\n  when: image.key == 'buoy' && int(image.name) > 0\n  set: {path: sub}\n  overrides: [path-of-alignment]\n";
        world.write("odd.yaml", rule.as_bytes());
        world.settings.insert("rules", "[builtin, odd.yaml]".to_owned());
    };
    let expected = Expected {
        lost: &["buoy"],
        code: "rule-failed",
        message: "`odd` failed on image buoy",
        file: "odd.yaml",
        line: Some(2),
        exit: 0,
    };
    costs(fault, &expected);
}

#[test]
fn names_that_lead_elsewhere() {
    for url in [
        "https://github.com/openshift-priv/..",
        "https://github.com/../buoy",
        "https://example.org/openshift/buoy",
    ] {
        let fault = |world: &mut World| {
            let text = format!(
                "name: x\npayload_name: buoy\nfor_payload: true\nfrom: {{stream: base}}\ncontent: {{source: {{git: {{url: '{url}'}}}}}}\n"
            );
            world.build_data(&[("images/buoy.yml", &text)]);
        };
        let expected = Expected {
            lost: &["buoy"],
            code: "no-public-source",
            message: url,
            file: "images/buoy.yml",
            line: Some(5),
            exit: 0,
        };
        costs(fault, &expected);
    }
}

#[test]
fn a_branch_that_leads_elsewhere() {
    let mut world = World::usual();
    let text = "name: x\npayload_name: buoy\nfor_payload: true\nfrom: {stream: base}\ncontent: {source: {git: {url: \
                'https://github.com/openshift-priv/buoy', branch: {target: ../../../x}}}}\n";
    world.build_data(&[("images/buoy.yml", text)]);
    let config = world.run("build-config", &["--format", "json"]);
    assert_eq!(
        config.code, 0,
        "the branch comes from the CI configs: {}",
        config.stderr
    );
    world.settings.insert("ci-config", String::new());
    let config = world.run("build-config", &["--format", "json"]);
    assert_eq!(config.code, 1, "{}", config.stderr);
    assert!(config.stdout.contains("openshift/buoy cannot be read"));
}

#[test]
fn a_broken_config_of_ours_stays_as_it_is() {
    let path = config_of("buoy", "release-4.16");
    let in_repo = path
        .strip_prefix("openshift/release/")
        .expect("below the repository")
        .to_owned();
    let fault = |world: &mut World| world.commit(RELEASE, "master", &[(&in_repo, b"promotion:\n  to: [\n")]);
    let expected = Expected {
        lost: &["buoy"],
        code: "unreadable-config",
        message: "cannot be read",
        file: &in_repo,
        line: Some(3),
        exit: 0,
    };
    costs(fault, &expected);
}

#[test]
fn a_broken_ocp_config_keeps_the_branch_unknown() {
    let path = "ci-operator/config/openshift/buoy/openshift-buoy-release-4.16.yaml";
    let fault = |world: &mut World| world.commit(RELEASE, "master", &[(path, b"promotion:\n\tto: []\n")]);
    let expected = Expected {
        lost: &["buoy"],
        code: "unreadable-config",
        message: path,
        file: "images/buoy.yml",
        line: Some(7),
        exit: 0,
    };
    costs(fault, &expected);
}

#[test]
fn sources_of_any_kind_give_the_same_bytes() {
    let world = World::usual();
    let (all, _) = world.render();
    // A plain directory in the place of a bare repository.
    std::fs::remove_dir_all(world.path("openshift/buoy")).expect("it goes");
    world.write("repos/openshift/buoy/Dockerfile", b"FROM base:1\n");
    // An ordinary repository with a work tree that says something else.
    let capstan = world.path("openshift/capstan");
    let ordinary = world.path("openshift/other");
    std::fs::create_dir_all(&ordinary).expect("a folder");
    std::fs::rename(&capstan, ordinary.join(".git")).expect("it moves");
    std::fs::rename(&ordinary, &capstan).expect("it moves");
    world.write("repos/openshift/capstan/Dockerfile", b"not committed\n");
    let (left, ran) = world.render();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(left == all);
}

#[test]
fn every_release_that_both_sides_know_is_found() {
    let mut world = World::usual();
    let (all, _) = world.render();
    let repo = world.repository(BUILD_DATA);
    let tip = repo
        .find_reference("refs/heads/openshift-4.16")
        .expect("4.16")
        .peel_to_commit()
        .expect("a commit");
    for branch in ["openshift-4.17", "openshift-4.18", "rhel-9"] {
        repo.branch(branch, &tip, false).expect("a branch");
    }
    for name in NAMES {
        world.commit(
            &format!("openshift/{name}"),
            "main",
            &[("Dockerfile", b"FROM base:1\n")],
        );
        world.promote(name, "main", "4.17");
    }
    world.settings.insert("releases", "auto".to_owned());
    let (found, ran) = world.render();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        found.len(),
        8,
        "4.16 from release-4.16, 4.17 from main, no 4.18: {:?}",
        found.keys()
    );
    assert!(all.iter().all(|(path, bytes)| found[path] == *bytes));
    assert!(found.contains_key(&config_of("anchor", "main")));
    world.commit("openshift/anchor", "next-major", &[("Dockerfile", b"FROM base:1\n")]);
    world.promote("anchor", "next-major", "4.18");
    let (found, ran) = world.render();
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        found.keys().any(|path| path.contains("next-major")),
        "a branch of any name promotes: {:?}",
        found.keys()
    );
}

#[test]
fn faults_of_rules_are_said_where_the_releases_are_to_be_found() {
    let mut world = World::usual();
    world.settings.insert("releases", "auto".to_owned());
    world.settings.insert("rules", "[builtin, faulty.yaml]".to_owned());
    world.write(
        "faulty.yaml",
        b"rules:\n- id: no-reason\n  on: image\n  set: {nonsense: 1}\n",
    );
    let ran = world.run("plan", &[]);
    assert_ne!(ran.code, 0);
    assert!(ran.stderr.contains("faulty.yaml:"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("no release is both"), "{}", ran.stderr);
}

#[test]
fn wrong_usage_is_told_from_what_could_not_be_done() {
    let world = World::usual();
    for (arguments, code) in [
        (&["--release", "four"][..], 64),
        (&["--target", "nothing"], 64),
        (&["--nonsense"], 64),
        (&["--release", "4.1"], 1),
    ] {
        let ran = world.run("plan", arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(world.run("plan", &["--exit-code"]).code, 2);
    assert_eq!(world.run("plan", &[]).code, 0);
}
