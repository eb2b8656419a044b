//! What is shown, and what cannot get through.

use super::*;

#[test]
fn inputs_cannot_steer_a_terminal_or_a_page() {
    let mut evil = cause("r", "x\x1b[31m", "etcd");
    evil.new = Some("`</code><!-- lockstep:end --> @all fixes #1 | x".into());
    evil.because = "@everyone\n# Heading".into();
    let mut desired = changed("etcd", vec![evil]);
    desired.notes.push("![x](http://evil) \x07".into());
    desired.after = bytes("a: 1\nb: \x1b[2J\r\nc: 3");
    let plan = build(vec![desired], Policy::default());
    for by in [By::Cause, By::File, By::Image] {
        assert!(
            !text(&plan, Some(by), Color::Off)
                .chars()
                .any(|c| c.is_control() && c != '\n'),
            "{by:?}"
        );
    }
    let body = &plan.pull_requests[0].body;
    assert_eq!(body.matches(END).count(), 1);
    for bad in ["@all", "@everyone", "#1", "fixes", "\n# ", "![", "\x07"] {
        assert!(!body.contains(bad), "{bad:?} in {body}");
    }
}

#[test]
fn colours_only_when_asked() {
    assert!(text(&rich(), Some(By::File), Color::On).contains("\x1b[32m+"));
    assert!(!text(&rich(), Some(By::File), Color::Off).contains('\x1b'));
}

#[test]
fn a_body_is_bounded_and_says_what_is_missing() {
    let long = "x".repeat(500);
    let desired = (0..3000)
        .map(|i| Desired {
            notes: vec![format!("note {i} {long}")],
            ..changed(&format!("c{i}-{long}"), vec![cause(&format!("rule{i}"), &long, &long)])
        })
        .collect();
    let plan = build(desired, Policy::default());
    let body = &plan.pull_requests[0].body;
    assert!(body.len() <= MAX_BODY, "{}", body.len());
    for what in ["more files", "more causes", "more notes"] {
        assert!(body.contains(what), "{what}");
    }
    assert!(body.trim_end().ends_with(END));
}

#[test]
fn much_drift_is_shown_by_cause() {
    let desired = |n: usize| (0..n).map(|i| file(&format!("c{i}"), None, bytes("x"))).collect();
    assert_eq!(By::suiting(&build(desired(10), Policy::default())), By::File);
    assert_eq!(By::suiting(&build(desired(11), Policy::default())), By::Cause);
    let plan = build(desired(11), Policy::default());
    assert_eq!(summary(&plan), "Drift: 11 files in 1 pull request differ: 11 new");
}

#[test]
fn bytes_that_are_no_text_are_not_shown() {
    let mut desired = file("a", bytes("x"), None);
    desired.after = Some(Arc::from(&[0xff_u8, 0xfe][..]));
    let plan = build(vec![desired], Policy::default());
    assert!(text(&plan, Some(By::File), Color::Off).contains("1 bytes become 2"));
}

#[test]
fn only_the_managed_part_of_a_body_is_rewritten() {
    let old = format!("hello\n{BEGIN}\nold\n{END}\nbye\n");
    let new = format!("{BEGIN}\nnew\n{END}\n");
    assert_eq!(merge_body(&old, &new), format!("hello\n{BEGIN}\nnew\n{END}\nbye\n"));
    assert_eq!(merge_body("taken over by a person", &new), "taken over by a person");
    assert_eq!(merge_body(BEGIN, &new), BEGIN, "half a pair of markers is no pair");
}

#[test]
fn a_body_has_folded_diffs_that_nothing_breaks_out_of() {
    let mut desired = changed("etcd", vec![cause("r", "build_root", "etcd")]);
    desired.before = bytes("a: 1\n");
    desired.after = bytes("a: 2\n```` <!-- lockstep:end --> </details>\n");
    let plan = build(vec![desired], Policy::default());
    let body = &plan.pull_requests[0].body;
    let fence = "`````";
    let inside = body
        .split(&format!("{fence}diff\n"))
        .nth(1)
        .and_then(|rest| rest.split(fence).next());
    assert!(
        inside.is_some_and(|diff| diff.contains("-a: 1\n+a: 2\n+````")),
        "{body}"
    );
    assert_eq!(body.matches(END).count(), 1, "{body}");

    let long: String = (0..1000).map(|n| format!("line: {n}\n")).collect();
    let mut desired = changed("etcd", vec![cause("r", "build_root", "etcd")]);
    desired.after = bytes(&long);
    let plan = build(vec![desired], Policy::default());
    assert!(plan.pull_requests[0].body.contains("more lines"));
}
