//! What is wrong, where, and what to do.

use std::path::Path;

use super::{LEAST, config, faults};
use crate::config::*;

/// The one fault of a text as `line:column code message`.
fn only(text: &str) -> String {
    let faults = faults(text);
    assert_eq!(faults.list.len(), 1, "{faults}");
    let fault = &faults.list[0];
    format!("{} {} {}", fault.span.pos, fault.code, fault.message)
}

/// The one fault of a text that starts with the smallest configuration; the text's own lines count from 1.
fn only_after_least(text: &str) -> String {
    let (line, rest) = only(&format!("{LEAST}{text}"))
        .split_once(':')
        .map(|(l, r)| (l.to_owned(), r.to_owned()))
        .unwrap();
    format!("{}:{rest}", line.parse::<u32>().unwrap() - 2)
}

#[test]
fn each_kind_of_fault_has_its_place() {
    for (text, expected) in [
        (
            "targets: [prow-config, prow-config]",
            "1:24 config-duplicate `prow-config` is listed twice",
        ),
        ("relases: auto", "1:1 config-unknown-key unknown key `relases`"),
        (
            "targets: [prow-confg]",
            "1:11 config-bad-value `prow-confg` is not known here",
        ),
        (
            "targets: [{prow-config: {speed: 1}}]",
            "1:26 config-unknown-key unknown key `speed`",
        ),
        (
            "targets: [{prow-config: {}, b: {}}]",
            "1:11 config-wrong-type a mapping with one key is expected, this one has 2",
        ),
        ("targets: [{b: {}}]", "1:12 config-bad-value `b` is not known here"),
        (
            "rules: builtin",
            "1:8 config-wrong-type this is a string, what is expected is a list, each item a string",
        ),
        ("rules: []", "1:8 config-bad-value the list is empty"),
        ("rules: ['']", "1:9 config-bad-value the text is empty"),
        (
            "state:",
            "1:7 config-wrong-type this is null, what is expected is a string",
        ),
        (
            "state: 7",
            "1:8 config-wrong-type this is a number, what is expected is a string",
        ),
        (
            "schedule: '*/10 * * * *'",
            "1:11 config-bad-value `*/10 * * * *` has 5 fields, a cron expression with seconds has six",
        ),
        (
            "schedule: '0 0 0 * * ;'",
            "1:11 config-bad-value `0 0 0 * * ;` has characters that no cron expression has",
        ),
        (
            "listen: localhost",
            "1:9 config-bad-value `localhost` is not an address to listen on",
        ),
        (
            "lease: {kind: kubernetes, name: Lockstep}",
            "1:33 config-bad-value `Lockstep` is not the name of an object in Kubernetes",
        ),
        (
            "lease: {kind: kubernetes, name: lockstep, duration: 2}",
            "1:53 config-bad-value a lease of 2 s is of no use",
        ),
        ("limits: {removals: -1}", "1:20 config-bad-value `-1` is less than 0"),
        (
            "limits: {removals: 99999999999}",
            "1:20 config-bad-value `99999999999` is too much",
        ),
        (
            "adopt: {components: [etcd]}",
            "1:22 config-bad-value `etcd` is not a repository's name: two names with a slash between them are expected, such as openshift/etcd",
        ),
        (
            "adopt: {releases: [4]}",
            "1:20 config-bad-value `4` is not a release: two numbers with a dot between them are expected, such as 4.16",
        ),
        (
            "accept: [{cause: a, reason: b, author: c, until: 2026-02-30}]",
            "1:50 config-bad-value `2026-02-30` is not a day of the calendar, write it as YYYY-MM-DD",
        ),
        (
            "accept: [{cause: a, author: c}]",
            "1:10 config-missing-key the key `reason` is missing",
        ),
        (
            "audit: {severity: [{code: stage-cuont, level: note}]}",
            "1:27 config-bad-value there is no finding `stage-cuont`",
        ),
        (
            "audit: {severity: [{code: stage-count, level: loud}]}",
            "1:47 config-bad-value `loud` is not known here",
        ),
        (
            "audit: {suppress: [{code: stage-count, reason: r, author: a}]}",
            "1:20 config-missing-key the key `until` is missing",
        ),
        ("forge: {dir: x}", "1:8 config-missing-key the key `kind` is missing"),
        (
            "forge: {kind: gihub}",
            "1:15 config-bad-value `gihub` is not known here",
        ),
        (
            "forge: {kind: [a]}",
            "1:15 config-wrong-type this is a list, what is expected is `github` or `local`",
        ),
        (
            "forge: {kind: local, token-env: A}",
            "1:22 config-unknown-key unknown key `token-env`",
        ),
        (
            "forge: {kind: github}",
            "1:8 config-missing-key one of `app`, `token-env` or `token-file` is missing",
        ),
        (
            "forge: {kind: github, token-env: A, token-file: B}",
            "1:37 config-conflict `token-env` and `token-file` exclude one another",
        ),
        (
            "forge: {kind: github, token-env: A-B}",
            "1:34 config-bad-value `A-B` is not the name of an environment variable",
        ),
        (
            "forge: {kind: github, token-env: A, api: ftp://x}",
            "1:42 config-bad-value `ftp://x` is not an `http` or `https` URL",
        ),
        (
            "forge: {kind: github, app: {id: x, key-file: k}}",
            "1:33 config-wrong-type this is a string, what is expected is a whole number",
        ),
    ] {
        assert_eq!(only_after_least(text), expected, "{text}");
    }
}

/// The one fault of a text, as `message: hint`.
fn advice(text: &str) -> String {
    let faults = faults(text);
    assert_eq!(faults.list.len(), 1, "{faults}");
    format!("{}: {}", faults.list[0].message, faults.list[0].hint)
}

#[test]
fn what_people_write_by_mistake_comes_with_the_right_form() {
    let listen = "is not an address to listen on: write an IP address and a port: `127.0.0.1:";
    for (text, expected) in [
        ("rules: builtin", "it is a list, of one item, too: write `[builtin]`"),
        ("targets: [prow-confg]", "did you mean `prow-config`?"),
        ("listen: 9090", &format!("`9090` {listen}9090`")),
        ("listen: ':9090'", &format!("`:9090` {listen}9090`")),
        ("listen: localhost:9090", &format!("`localhost:9090` {listen}9090`")),
        ("listen: localhost", &format!("`localhost` {listen}8080`")),
        (
            "schedule: 10",
            "`10` has 1 field, a cron expression with seconds has six: second",
        ),
        (
            "limits: {removals: -1}",
            "`-1` is less than 0: write a whole number from 0 on",
        ),
        (
            "limits: {removals: 1.5}",
            "`1.5` is no whole number: write it in digits",
        ),
        ("limits: {removals: '10'}", "write it without quotes"),
        (
            "forge: {kind: gitlab}",
            "`gitlab` is not known here: write `github` or `local`",
        ),
        ("forge: {kind: gihub}", "did you mean `github`?"),
        ("acept: []", "unknown key `acept`: did you mean `accept`?"),
        (
            "accept: [{cuase: a, reason: b, author: c}]",
            "unknown key `cuase`: did you mean `cause`?",
        ),
        (
            "accept: [{cause: a, reason: b, author: c, untill: 2026-01-31}]",
            "unknown key `untill`: did you mean `until`?",
        ),
        (
            "accept: [{cause: a, reason: b, author: c, until: 2026}]",
            "`2026` is not a day of the calendar, write it as YYYY-MM-DD: such as 2026-01-31",
        ),
        (
            "accept: {cause: a}",
            "what is expected is a list, each item a mapping: write a list",
        ),
    ] {
        let said = advice(&format!("{LEAST}{text}"));
        assert!(said.contains(expected), "{text}: {said}");
    }
    for release in ["'4.16'", "4.16"] {
        let said = advice(&format!("sources: {{build-data: {{repo: bd}}}}\nreleases: {release}"));
        assert!(said.ends_with("write `[\"4.16\"]`"), "{said}");
    }
    let said = advice("sources: {build-data: {repo: bd}}\nreleases: atuo");
    assert!(said.contains("did you mean `auto`?"), "{said}");
}

#[test]
fn sources_are_checked() {
    let least = |rest: &str| format!("releases: ['4.16']\nsources: {rest}");
    for (text, expected) in [
        ("{}", "2:10 config-missing-key the key `build-data` is missing"),
        (
            "{build-data: bd}",
            "2:23 config-wrong-type this is a string, what is expected is a mapping",
        ),
        (
            "{build-data: {repo: ssh://x/y}}",
            "2:30 config-bad-value `ssh://x/y` cannot be read",
        ),
        (
            "{build-data: {repo: git@github.com:a/b}}",
            "2:30 config-bad-value `***@github.com:a/b` cannot be read",
        ),
        (
            "{build-data: {repo: 'https://host'}}",
            "2:30 config-bad-value `https://host` cannot be read",
        ),
        (
            "{build-data: {repo: 'file:///%{release}'}}",
            "2:30 config-bad-value `file:///%{release}` cannot be read",
        ),
        (
            "{build-data: {repo: b}, payload: {image-references: 'https://host/x?y'}}",
            "2:62 config-bad-value `https://host/x?y` cannot be read",
        ),
        (
            "{build-data: {repo: \"b/{relase}\"}}",
            "2:33 config-bad-placeholder unknown placeholder `{relase}`",
        ),
        (
            "{build-data: {repo: 'b/{release'}}",
            "2:33 config-bad-placeholder this brace is never closed",
        ),
        (
            "{build-data: {repo: b}, ci-config: {repo: b, branch: 'x-{release}'}}",
            "2:66 config-bad-placeholder unknown placeholder `{release}`",
        ),
        (
            "{build-data: {repo: b}, components: {repo: 'm/{org}'}}",
            "2:53 config-bad-placeholder the placeholder `{repo}` is missing",
        ),
        (
            "{build-data: {repo: b}, components: {via: gitub}}",
            "2:52 config-bad-value `gitub` is not known here",
        ),
        (
            "{build-data: {repo: b}, payload: {}}",
            "2:43 config-missing-key the key `image-references` is missing",
        ),
        (
            "{build-data: {repo: b}, payload: {repo: r, image-references: /i}}",
            "2:71 config-conflict with `repo` this is a path in it",
        ),
        (
            "{build-data: {repo: b}, payload: {image-references: ./i, release-metadata: m}}",
            "2:85 config-conflict this is neither a URL nor a path",
        ),
        (
            "{build-data: {repo: b}, payload: {image-references: ./i, branch: main}}",
            "2:75 config-conflict without `repo` there is no branch",
        ),
    ] {
        assert_eq!(only(&least(text)), expected, "{text}");
    }
}

#[test]
fn finding_releases_needs_branches_that_name_them() {
    assert!(
        only("sources: {build-data: {repo: 'bd/{release}'}}")
            .contains("1:30 config-conflict with a repository for each release")
    );
    assert!(
        only("sources: {build-data: {repo: bd, branch: main}}").contains("1:42 config-conflict without `{release}`")
    );
    config("sources: {build-data: {repo: 'bd/{release}', branch: main}}\nreleases: [4.16]\n");
}

#[test]
fn a_text_that_is_no_mapping_is_one_fault() {
    assert_eq!(only(""), "1:1 config-missing-key the key `sources` is missing");
    assert_eq!(
        only("# nothing\n"),
        "1:1 config-missing-key the key `sources` is missing"
    );
    assert_eq!(
        only("- a\n"),
        "1:1 config-wrong-type this is a list, what is expected is a mapping"
    );
    assert!(only("sources:\n\tbuild-data: x\n").starts_with("2:1 config-syntax"));
    assert!(
        only("state: a\nstate: b\n").starts_with("2:1 config-syntax"),
        "a key twice"
    );
    let not_utf8 = parse(b"state: \xff\n", "lockstep.yaml", Path::new("")).unwrap_err();
    assert_eq!(
        (not_utf8.list[0].code, not_utf8.list[0].span.pos.line),
        (Code::Syntax, 1)
    );
}

#[test]
fn all_faults_are_shown_at_once_with_place_excerpt_and_hint() {
    let text = "sources:\n  build-data: {repo: bd, brnch: x}\nreleases: [4.16, \"4.x\", 4.16]\nforge:\n  kind: github\n  token: hunter2\n  \
                token-env: ghp_0123456789abcdef\nlimits: {Removals: 1}\n";
    insta::assert_snapshot!(faults(text), @r#"
    error[config-unknown-key]: unknown key `brnch`
     --> lockstep.yaml:2:26
      |
    2 |   build-data: {repo: bd, brnch: x}
      |                          ^^^^^
      = help: did you mean `branch`?

    error[config-bad-value]: `4.x` is not a release: two numbers with a dot between them are expected, such as 4.16
     --> lockstep.yaml:3:18
      |
    3 | releases: [4.16, "4.x", 4.16]
      |                  ^^^^^
      = help: write it as "4.16"

    error[config-duplicate]: `4.16` is listed twice
     --> lockstep.yaml:3:25
      |
    3 | releases: [4.16, "4.x", 4.16]
      |                         ^^^^
      = help: remove one of the two

    error[config-secret]: the key `token` would hold a secret
     --> lockstep.yaml:6:3
      |
    6 |   token: ***
      |   ^^^^^
      = help: name the environment variable or file that holds it: `token-env`, `token-file` or `app` of `forge`

    error[config-secret]: this value holds a secret
     --> lockstep.yaml:7:14
      |
    7 |   token-env: ***
      |              ^^^
      = help: name where the secret is found instead, and change this one, since it has been seen

    error[config-unknown-key]: unknown key `Removals`
     --> lockstep.yaml:8:10
      |
    8 | limits: {Removals: 1}
      |          ^^^^^^^^
      = help: did you mean `removals`?

    6 faults in lockstep.yaml
    "#);
}

#[test]
fn no_output_repeats_a_secret() {
    for line in [
        "forge: {kind: github, token: hunter2-0123456789}",
        "forge: {kind: github, token-env: ghp_hunter20123456789}",
        "forge: {kind: github, token-file: x, api: https://me:hunter2@example.org}",
        "sources: {build-data: {repo: 'https://hunter2@github.com/a/b'}}",
        "password: hunter2",
        "schedule: github_pat_hunter2012345",
    ] {
        let faults = faults(line);
        assert!(faults.list.iter().any(|fault| fault.code == Code::Secret), "{faults}");
        assert!(!faults.to_string().contains("hunter2"), "{faults}");
    }
}

#[test]
fn codes_are_unique() {
    let mut codes = Code::ALL.map(Code::as_str).to_vec();
    codes.dedup();
    assert_eq!(codes.len(), Code::ALL.len());
    assert!(codes.iter().all(|code| code.starts_with("config-")));
}

#[test]
fn telling_after_the_merge_needs_results_and_a_table_a_place() {
    let with = |feedback: &str| {
        format!(
            "sources: {{build-data: {{repo: ./b}}, results: {{github: true}}}}\nreleases: ['4.16']\nfeedback: {feedback}\n\
             forge: {{kind: github, token-env: TOKEN}}\n"
        )
    };
    assert_eq!(
        only(&with("{breaks: {as: table}}")),
        "3:25 config-conflict the table has no place"
    );
    assert_eq!(
        only(&with("{breaks: {as: letter}}")),
        "3:25 config-bad-value `letter` is not known here"
    );
    assert_eq!(
        only(&with("{breaks: {as: comment, table: okd}}")),
        "3:41 config-bad-value `okd` is not a repository's name: two names with a slash between them are expected, such as openshift/etcd"
    );
    assert_eq!(
        only(&with("{breaks: {as: comment}}").replace(", results: {github: true}", "")),
        "3:25 config-conflict without `sources.results` nobody knows what does not build"
    );
    let none = config(&with("{breaks: {as: none, table: okd-project/okd}}"));
    assert_eq!(none.feedback.breaks, None);
    let some = config(&with("{breaks: {as: comment, table: okd-project/okd, max-new: 3}}"));
    let again = config(&show(&some).to_string());
    assert_eq!(again.feedback, some.feedback);
    assert_eq!(some.feedback.breaks.expect("it is on").max_new, 3);
}

#[test]
fn telling_needs_github() {
    let with = |more: &str, feedback: &str| {
        format!(
            "sources: {{build-data: {{repo: ./b}}, results: {{github: true}}{more}}}\nreleases: ['4.16']\nfeedback: {feedback}\n"
        )
    };
    let local = with(", components: {via: github}", "{pulls: {repositories: [o/r]}}");
    let fault = "config-conflict `feedback.pulls` needs `forge` with `kind: github`";
    assert_eq!(only(&local), format!("3:34 {fault}"));
    let forge = "forge: {kind: github, token-env: TOKEN}\n";
    assert!(config(&(local + forge)).feedback.pulls.is_some());
    assert_eq!(
        only(&(with("", "{pulls: {repositories: [o/r]}}") + forge)),
        "3:34 config-conflict `feedback.pulls` needs `sources.components` with `via: github`"
    );
    assert_eq!(
        only(&with("", "{breaks: {as: issue}}")),
        "3:25 config-conflict `feedback.breaks` needs `forge` with `kind: github`"
    );
}

#[test]
fn rules_that_are_not_there_are_faults_with_the_others() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("lockstep.yaml");
    std::fs::write(dir.path().join("own.yaml"), "rules: []\n").expect("written");
    let text =
        "sources: {build-data: {repo: ./b}}\nreleases: ['4.16']\nrules: [bultin, own.yaml, nothere.yaml]\nstat: x\n";
    std::fs::write(&path, text).expect("written");
    let told = crate::config::load(&path).expect_err("faults").to_string();
    for part in [
        "lockstep.yaml:3:9",
        "did you mean `builtin`?",
        "lockstep.yaml:3:27",
        "nothere.yaml cannot be read: there is no such file or directory",
        "lockstep.yaml:4:1",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("own.yaml cannot"), "{told}");
}

#[test]
fn what_a_command_does_not_need_is_no_fault_for_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("lockstep.yaml");
    let told = "sources: {build-data: {repo: ./b}, results: {github: true}}\nreleases: ['4.16']\nfeedback: {breaks: {as: issue}}\n";
    let loads = |care| crate::config::load_with(&path, care).is_ok();
    std::fs::write(&path, told).expect("written");
    assert_eq!(
        [Care::OtherRules, Care::Usual, Care::Whole].map(loads),
        [true, true, false]
    );
    std::fs::write(
        &path,
        "sources: {build-data: {repo: ./b}}\nreleases: ['4.16']\nrules: [nothere.yaml]\n",
    )
    .expect("written");
    assert_eq!(
        [Care::OtherRules, Care::Usual, Care::Whole].map(loads),
        [true, false, false]
    );
}

#[test]
fn a_missing_placeholder_says_what_comes_of_it() {
    let text = format!("{LEAST}targets: [{{build-config: {{path: foo.yaml}}}}]\n");
    let faults = parse(text.as_bytes(), "lockstep.yaml", Path::new(""))
        .expect_err("a fault")
        .to_string();
    assert!(faults.contains("without it all releases would share it"), "{faults}");
}
