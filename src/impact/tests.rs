//! Two worlds of one release, put together by hand.

mod forms;

use std::collections::BTreeMap;

use super::*;
use crate::base::{Color, Place, Release, RepoName};
use crate::finding::{Finding, Severity, Subject};
use crate::rules::RuleSet;

fn rules() -> RuleSet {
    let files: Vec<(String, Vec<u8>)> = crate::run::rule_files::BUILTIN
        .iter()
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    RuleSet::load(&files).expect("the built-in rules")
}

fn world(findings: &[Finding]) -> World {
    World {
        findings: findings.to_vec(),
        judge: Judge::bare(Release::new(4, 21)),
        config: None,
        files: BTreeMap::new(),
    }
}

fn finding(severity: Severity, code: &'static str, file: &str, line: u32, words: &str) -> Finding {
    Finding::new(severity, code, words)
        .with_image("etcd")
        .with_component("openshift/etcd")
        .with_release("4.21")
        .with_place(Place {
            repo: "openshift/etcd".to_owned(),
            commit: Some(format!("{line:040}")),
            file: file.to_owned(),
            line: Some(line),
        })
}

fn behind(instruction: &str, line: u32) -> Finding {
    finding(
        Severity::Warning,
        "dockerfile-behind",
        "Dockerfile.okd",
        line,
        "it lacks something",
    )
    .with_subject(Subject::Instruction(instruction.to_owned()))
}

fn stages(words: &str) -> Finding {
    finding(Severity::Error, "stage-count", "Dockerfile", 3, words)
}

/// Compares; the files that are touched are named.
fn compared(before: &[Finding], after: &[Finding], touched: &[&str]) -> OfRelease {
    let repository: RepoName = "openshift/etcd".parse().expect("a name");
    let is_touched = |path: &str| touched.contains(&path);
    let change = Change {
        repository: &repository,
        name: "openshift/etcd",
        is_touched: &is_touched,
    };
    compare("4.21", &rules(), &change, &world(before), &world(after))
}

fn identities(found: &[Found]) -> Vec<String> {
    let mut all: Vec<String> = found.iter().map(|found| found.shown.finding.identity()).collect();
    all.sort();
    all
}

#[test]
fn a_verdict_is_the_worst_of_what_is_new_else_what_is_mended() {
    let (one, other) = ([behind("COPY a /a", 1)], [behind("COPY b /b", 1)]);
    let both = [one.clone(), other.clone()].concat();
    let verdict = |before: &[Finding], after: &[Finding], touched: &[&str]| compared(before, after, touched).verdict;
    assert_eq!(verdict(&[], &[stages("3 for 2"), one[0].clone()], &[]), Verdict::Breaks);
    assert_eq!(verdict(&one, &other, &[]), Verdict::Changes);
    assert_eq!(verdict(&both, &other, &[]), Verdict::Mends);
    assert_eq!(verdict(&one, &one, &["Dockerfile.okd"]), Verdict::Still);
    assert_eq!(verdict(&one, &one, &["Dockerfile"]), Verdict::Nothing);
    let note = finding(Severity::Note, "go-toolchain", "go.mod", 3, "it prefers another");
    let noted = compared(&[], &[note], &["go.mod"]);
    assert_eq!(
        (noted.verdict, noted.new.len()),
        (Verdict::Nothing, 1),
        "with the note in what is new"
    );
}

#[test]
fn a_note_that_goes_is_mended_as_well() {
    let note = finding(
        Severity::Note,
        "operator-without-label",
        "x/image-references",
        3,
        "nothing promotes x",
    );
    let answer = answer(vec![compared(&[note], &[], &[])]);
    assert_eq!(answer.verdict, Verdict::Mends);
    assert_eq!(answer.todo, "Nothing needs to be done.");
}

#[test]
fn what_no_release_is_built_from_is_told_as_that() {
    let (verdict, sentence, todo) = sentence(&[]);
    assert_eq!(verdict, Verdict::Nothing);
    assert!(sentence.contains("builds nothing from this branch"), "{sentence}");
    assert!(todo.contains("repository's name"), "{todo}");
}

#[test]
fn what_was_refused_before_is_nothing_new_in_other_words() {
    let refused = |words: &str| {
        finding(Severity::Error, "go-refused", "go.mod", 3, words).with_subject(Subject::Module("go.mod".to_owned()))
    };
    let found = compared(&[refused("1.24 for 1.23")], &[refused("1.25 for 1.23")], &["go.mod"]);
    assert_eq!(
        (found.verdict, found.new.len(), found.still.len()),
        (Verdict::Still, 0, 1)
    );
}

#[test]
fn a_neighbour_is_not_blamed() {
    let mut elsewhere = behind("COPY a /a", 1).with_component("openshift/oc");
    if let Some(place) = &mut elsewhere.place {
        place.repo = "openshift/oc".to_owned();
    }
    let found = compared(&[elsewhere.clone()], &[elsewhere], &["Dockerfile.okd"]);
    assert_eq!(found.verdict, Verdict::Nothing);
    assert!(found.still.is_empty());
}

#[test]
fn what_okd_alone_suffers_comes_first() {
    let found = compared(&[], &[stages("3 for 2"), behind("COPY a /a", 1)], &[]);
    let order: Vec<(&str, bool)> = found
        .new
        .iter()
        .map(|found| (&*found.shown.finding.code, found.alone))
        .collect();
    assert_eq!(order, [("dockerfile-behind", true), ("stage-count", false)]);
}

#[test]
fn the_configuration_of_who_runs_this_concerns_no_developer() {
    let lacks = Finding::new(Severity::Warning, "target-without-source", "no source");
    let found = compared(&[], &[lacks], &[]);
    assert_eq!((found.verdict, found.new.len()), (Verdict::Nothing, 0));
}

fn answer(releases: Vec<OfRelease>) -> Impact {
    let (verdict, sentence, todo) = sentence(&releases);
    Impact {
        version: 1,
        repository: "openshift/etcd".to_owned(),
        pull: Some(7),
        base: "a".repeat(40),
        head: "b".repeat(40),
        merged: Merge::Memory,
        branch: "main".to_owned(),
        digest: "00".to_owned(),
        verdict,
        sentence,
        todo,
        releases,
    }
}

#[test]
fn text_starts_with_what_it_means_and_what_to_do() {
    let found = compared(
        &[],
        &[behind("COPY a /a", 1).with_help("make the same change in Dockerfile.okd")],
        &[],
    );
    let shown = text(&answer(vec![found]), Color::Off);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(
        lines,
        [
            "openshift/etcd#7 into main: changes",
            "",
            "With this OKD, the community's build of OpenShift from the same repositories, gets the image `etcd` of release \
             4.21 wrong: it lacks something.",
            "Make the same change in Dockerfile.okd.",
            "",
            "4.21: changes",
            "  new   warning[dockerfile-behind, OKD alone] it lacks something",
            "",
            "Not seen here: which packages CentOS Stream has, and patch levels of Go.",
        ]
    );
}

#[test]
fn metadata_next_door_is_the_cure() {
    let mut found = compared(&[], &[stages("3 FROM, metadata has 2")], &[]);
    found.new[0].cure = Some(Cure {
        release: "4.22".to_owned(),
        branch: "openshift-4.22".to_owned(),
        file: "images/etcd.yml".to_owned(),
        key: "from".to_owned(),
    });
    assert_eq!(
        answer(vec![found]).todo,
        "The metadata of this image in 4.22 fits already: take `from` over from images/etcd.yml of branch openshift-4.22 in \
         ocp-build-data."
    );
}

#[test]
fn what_inputs_say_is_escaped_in_every_form() {
    let evil = "x</details>\u{202e}\u{7}@everyone <script>|`";
    let found = compared(&[], &[stages(evil)], &[]);
    let answer = answer(vec![found]);
    let markdown = markdown(&answer);
    assert!(!markdown.contains("</details>") && !markdown.contains("@everyone") && !markdown.contains('\u{202e}'));
    for text in [junit(&answer), page(&answer)] {
        assert!(
            !text.contains("<script>") && !text.contains("</details>") && !text.contains('\u{7}'),
            "{text}"
        );
    }
    assert!(!text(&answer, Color::Off).contains('\u{202e}'));
    let failures = junit(&answer).matches("<failure").count();
    assert_eq!(failures, 1, "what breaks is a failed test");
}

#[test]
fn a_sarif_log_has_the_new_findings() {
    let old = [behind("COPY a /a", 1)];
    let new = [old[0].clone(), stages("3 for 2")];
    let found = compared(&old, &new, &[]);
    let report = report(&answer(vec![found]));
    let codes: Vec<&str> = report.findings.iter().map(|shown| &*shown.finding.code).collect();
    assert_eq!(codes, ["stage-count"]);
}

#[test]
fn marks_name_lines_of_this_repository_once_for_all_releases() {
    let of = |release: &str| {
        let elsewhere = stages("3 for 2").with_place(Place {
            repo: "openshift-eng/ocp-build-data".to_owned(),
            commit: Some("c".repeat(40)),
            file: "images/etcd.yml".to_owned(),
            line: Some(1),
        });
        let hidden = finding(
            Severity::Error,
            "stage-count",
            "a\u{202e}b",
            1,
            "a name of another kind",
        );
        let evil = finding(
            Severity::Error,
            "stage-count",
            "Dockerfile",
            4,
            "x @everyone \u{7} fixes #1",
        );
        let other = finding(Severity::Note, "go-toolchain", "go.mod", 9, "it prefers another");
        let new = [
            elsewhere,
            hidden,
            evil,
            other,
            behind("COPY a /a", 2).with_help("copy it"),
        ];
        let old = behind("COPY b /b", 1);
        let mut found = compared(
            std::slice::from_ref(&old),
            &[std::slice::from_ref(&old), &new].concat(),
            &["Dockerfile", "Dockerfile.okd"],
        );
        found.release = release.to_owned();
        found
    };
    let answer = answer(vec![of("4.20"), of("4.21")]);
    let shown: Vec<String> = marks(&answer)
        .iter()
        .map(|mark| {
            let Mark {
                path,
                line,
                severity,
                title,
                message,
                commit,
            } = mark;
            format!("{severity} {path}:{line} at {} {title}: {message}", &commit[..4])
        })
        .collect();
    assert_eq!(
        shown,
        [
            "warning Dockerfile.okd:2 at 0000 OKD 4.20, 4.21: dockerfile-behind: it lacks something\ncopy it\nOKD alone suffers.",
            "error Dockerfile:4 at 0000 OKD 4.20, 4.21: stage-count: x @\u{200b}everyone \\u{7} f\u{200b}ixes #\u{200b}1\nOCP suffers as well.",
            "note go.mod:9 at aaaa OKD 4.20, 4.21: go-toolchain: it prefers another\nOCP suffers as well.",
        ],
        "of a file that is not touched the base's line is told"
    );
}

#[test]
fn a_line_is_found_where_it_has_moved_to() {
    let before = b"a\nb\nc\nb\n";
    assert_eq!(line_in(before, 3, before), Some(3));
    assert_eq!(line_in(before, 3, b"x\ny\na\nb\nc\n"), Some(5));
    assert_eq!(
        line_in(before, 4, b"b\nz\nz\nz\nb\n"),
        Some(5),
        "the nearest of several"
    );
    assert_eq!(line_in(before, 3, b"a\nb\n"), None);
    assert_eq!((line_in(before, 0, b"a\n"), line_in(before, 99, b"a\n")), (None, None));
    assert_eq!(line_in(b"", u32::MAX, b"a"), None);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn some() -> impl Strategy<Value = Vec<Finding>> {
        let one = (0..3usize, 0..3usize, 1..9u32).prop_map(|(severity, name, line)| {
            let severity = [Severity::Error, Severity::Warning, Severity::Note][severity];
            finding(
                severity,
                "dockerfile-behind",
                "Dockerfile.okd",
                line,
                "it lacks something",
            )
            .with_subject(Subject::Instruction(format!("COPY {name} /")))
        });
        proptest::collection::vec(one, 0..6)
    }

    proptest! {
        #[test]
        fn a_change_of_nothing_is_empty(findings in some()) {
            let found = compared(&findings, &findings, &[]);
            prop_assert!(found.new.is_empty() && found.gone.is_empty());
            prop_assert_eq!(found.verdict, Verdict::Nothing);
        }

        #[test]
        fn what_is_new_one_way_is_gone_the_other(a in some(), b in some()) {
            let (there, back) = (compared(&a, &b, &[]), compared(&b, &a, &[]));
            prop_assert_eq!(identities(&there.new), identities(&back.gone));
            prop_assert_eq!(identities(&there.gone), identities(&back.new));
        }

        #[test]
        fn moved_lines_change_nothing(findings in some(), by in 1..50u32) {
            let mut moved = findings.clone();
            for finding in &mut moved {
                if let Some(place) = &mut finding.place {
                    place.line = place.line.map(|line| line + by);
                }
            }
            // Two of one kind on one line are one; moved by the same they still are.
            let found = compared(&findings, &moved, &[]);
            prop_assert!(found.new.is_empty() && found.gone.is_empty());
        }
    }
}
