//! Pull requests that are meant badly, or that change while they are looked at: clear words, and one answer of what was looked at.

use serde_json::Value as Json;

use crate::support::pull_world::{APP, BEACON, NUMBER, PullWorld};

const ALL: &str = "{pulls: {repositories: ['openshift/beacon'], comment: changes}}";

fn world() -> PullWorld {
    PullWorld::new(ALL, APP)
}

fn title(check: &Json) -> &str {
    check["output"]["title"].as_str().unwrap_or_default()
}

/// Puts other files in the place of the pull request's.
fn head_of(world: &mut PullWorld, files: &[(&str, i32, &[u8])]) {
    let base = world.github.files(BEACON, "main");
    let kept = base
        .iter()
        .filter(|(path, _)| files.iter().all(|(other, ..)| other != path));
    let kept: Vec<(&str, i32, &[u8])> = kept
        .map(|(path, text)| (path.as_str(), 0o100_644, text.as_bytes()))
        .collect();
    world.head = world.github.push_raw(BEACON, "topic", &[&kept[..], files].concat());
}

#[test]
fn three_thousand_files_are_no_more_than_those_that_matter() {
    let mut world = world();
    let names: Vec<String> = (0..3_000).map(|number| format!("docs/{number}.md")).collect();
    let mut files: Vec<(&str, i32, &[u8])> = names.iter().map(|name| (name.as_str(), 0o100_644, &b"x"[..])).collect();
    head_of(&mut world, &files);
    let ran = world.reconcile(&[]);
    assert_eq!(
        (ran.code, world.checks().len()),
        (0, 0),
        "none of them decides a build: {}",
        ran.stderr
    );
    let staged = format!("FROM golang:1.21 AS more\nRUN make more\n{}", world.dockerfile());
    files.push(("Dockerfile", 0o100_644, staged.as_bytes()));
    head_of(&mut world, &files);
    world.reconcile(&[]);
    assert!(
        title(&world.checks()[0]).starts_with("breaks: "),
        "{:?}",
        world.checks()
    );
}

#[test]
fn a_push_between_two_questions_is_what_is_answered() {
    let world = world();
    let staged = format!("FROM golang:1.21 AS other\nRUN make other\n{}", world.dockerfile());
    let head = world
        .github
        .push(BEACON, "topic", "ann", &[("Dockerfile", Some(&staged))]);
    // The list was asked for just before.
    let old = world.head.clone();
    world.github.edit(BEACON, |pull| pull.listed = Some(old));
    world.reconcile(&[]);
    assert_eq!(world.checks().len(), 0, "the old head is nobody's any more");
    assert_eq!(world.checks_of(&head).len(), 1);
    world.github.edit(BEACON, |pull| pull.listed = None);
    world.reconcile(&[]);
    assert_eq!((world.checks_of(&head).len(), world.comments().len()), (1, 1));
    assert!(world.tide_merges());
}

#[test]
fn a_fork_that_is_gone_leaves_its_head() {
    let world = world();
    world.github.fork(BEACON, "ann/beacon");
    world
        .github
        .edit(BEACON, |pull| pull.head_repo = Some("ann/beacon".to_owned()));
    world.github.delete_repository("ann/beacon");
    let ran = world.reconcile(&[]);
    assert_eq!((ran.code, world.checks().len()), (0, 1), "{}", ran.stderr);
}

#[test]
fn one_that_does_not_merge_waits_until_it_is_rebased() {
    let world = world();
    world.github.edit(BEACON, |pull| pull.conflicts = true);
    let ran = world.reconcile(&[]);
    let said = "openshift/beacon#7: waits: openshift/beacon#7 does not merge into release-4.16; nothing can be said until it is rebased";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert_eq!((ran.code, world.checks().len(), world.comments().len()), (0, 0, 0));
    let asked = world.run(&["impact", BEACON, "--pull", &NUMBER.to_string()]);
    assert_eq!(asked.code, 1);
    assert!(
        asked.stderr.contains("nothing can be said until it is rebased"),
        "{}",
        asked.stderr
    );
    world.github.edit(BEACON, |pull| pull.conflicts = false);
    world.reconcile(&[]);
    assert_eq!(world.checks().len(), 1);
}

#[test]
fn what_no_dockerfile_is_does_not_cost_more_than_its_name() {
    let mut world = world();
    let large = "FROM golang:1.21 AS builder\n# and so on\n".repeat(50 << 20 >> 5);
    assert!(large.len() > 50 << 20);
    head_of(&mut world, &[("Dockerfile", 0o100_644, large.as_bytes())]);
    world.reconcile(&[]);
    let checks = world.checks();
    assert!(title(&checks[0]).starts_with("breaks: "), "{checks:?}");
    assert!(title(&checks[0]).contains("bytes large, more than the"), "{checks:?}");
    let asked = world.github.asked(0);
    assert!(
        !asked.iter().any(|asked| asked.contains("/git/blobs/")),
        "it is not even fetched: {asked:?}"
    );

    head_of(&mut world, &[("Dockerfile", 0o120_000, b"../../../../etc/passwd")]);
    world.reconcile(&[]);
    assert!(
        title(&world.checks()[0]).contains("leaves the repository"),
        "{:?}",
        world.checks()
    );

    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
    for (one, other) in ('a'..'k').zip('b'..'l') {
        bomb +=
            &format!("{other}: &{other} [*{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}]\n");
    }
    head_of(
        &mut world,
        &[("manifests/image-references", 0o100_644, bomb.as_bytes())],
    );
    world.reconcile(&[]);
    let title = title(&world.checks()[0]).to_owned();
    assert!(
        title.starts_with("changes: ") && title.contains("anchors and aliases multiply"),
        "{title}"
    );
}

#[test]
fn names_steer_nobody() {
    let mut world = world();
    let evil = "FROM @everyone/</details><script>:\u{202e}1 AS builder\nFROM evil\u{7}#1:\u{1b}[31m AS more\n";
    let text = format!("{evil}{}", world.dockerfile());
    head_of(&mut world, &[("Dockerfile", 0o100_644, text.as_bytes())]);
    world.github.edit(BEACON, |pull| {
        pull.title = "</details> @everyone \u{202e}\u{7} ".repeat(40);
    });
    let ran = world.reconcile(&[]);
    let (checks, comments) = (world.checks(), world.comments());
    assert_eq!((checks.len(), comments.len()), (1, 1), "{}", ran.stderr);
    let summary = checks[0]["output"]["summary"].as_str().unwrap();
    for (where_, said) in [
        ("title", title(&checks[0])),
        ("summary", summary),
        ("comment", &comments[0]),
        ("log", &ran.stderr),
    ] {
        for never in ["@everyone", "\u{202e}", "\u{7}", "\u{1b}"] {
            let quoted = where_ == "log" && never == "@everyone";
            assert!(quoted || !said.contains(never), "{where_} has {never:?}: {said}");
        }
        let raw = ["</details>", "<script>"].iter().any(|never| said.contains(never));
        assert!(!raw || matches!(where_, "log" | "title"), "{where_}: {said}");
    }
    assert!(world.tide_merges());
}
