use super::*;

#[test]
fn a_report_says_what_to_do() {
    let report = Report {
        version: 1,
        checks: vec![
            Check::ok("clock", "now"),
            Check::fail("token", "it is\u{1b}[31m wrong", "make another"),
            Check::skipped("lease", "x"),
        ],
    };
    let text = report.text();
    assert!(text.contains("FAIL     token  it is"), "{text}");
    assert!(text.contains("                → make another\n"), "{text}");
    assert!(
        text.ends_with("\nOne thing would fail.\n") && !text.contains('\u{1b}'),
        "{text}"
    );
    assert_eq!(report.failing(), 1);
}

#[test]
fn a_clock_of_long_ago_and_a_folder_that_is_a_file_are_seen() {
    assert_eq!(here::clock(0).state, State::Fail);
    assert_eq!(here::clock(1_800_000_000).state, State::Ok);
    let dir = tempfile::tempdir().expect("a folder");
    assert_eq!(here::folder("state", &dir.path().join("new/one")).state, State::Ok);
    std::fs::write(dir.path().join("file"), "x").expect("written");
    let check = here::folder("state", &dir.path().join("file"));
    assert!(
        check.state == State::Fail && check.found.contains("cannot be written"),
        "{check:?}"
    );
    let left: Vec<_> = std::fs::read_dir(dir.path().join("new/one"))
        .expect("a folder")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
