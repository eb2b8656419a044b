//! What rule authors do around cases: start one, cut one out of real repositories, watch, try rules out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::channel;
use std::time::Duration;

use lockstep::workbench::watch::{Round, Watch};
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn lockstep(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.current_dir(dir).args(args);
    command.output().expect("the binary runs")
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder to copy") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// A copy of the demo, which has a folder of repositories.
fn demo() -> TempDir {
    let dir = TempDir::new().expect("a folder");
    copy(&Path::new(ROOT).join("fixtures/demo"), dir.path());
    dir
}

#[test]
fn a_new_rule_passes_check_and_fails_test_until_it_is_filled_in() {
    let dir = TempDir::new().expect("a folder");
    let made = lockstep(
        dir.path(),
        &["rules", "new", "needs-oil", "--cases", "cases", "--release", "4.20"],
    );
    assert!(made.status.success(), "{}", text(&made));
    let check = lockstep(dir.path(), &["rules", "check", "cases/needs-oil/rules.yaml"]);
    assert!(check.status.success(), "{}", text(&check));
    let test = lockstep(dir.path(), &["rules", "test", "cases"]);
    assert_eq!(test.status.code(), Some(1));
    assert!(
        text(&test).contains("[fill-in]") && text(&test).contains("FILL IN what the rule"),
        "{}",
        text(&test)
    );
    assert_eq!(
        text(&test).matches("\n     [").count(),
        1,
        "nothing else is wrong: {}",
        text(&test)
    );
    let file = dir.path().join("cases/needs-oil/case.yaml");
    let case = fs::read_to_string(&file).expect("the case");
    let filled = case.replace(
        "FILL IN what the rule must make of it",
        "[{name: TAGS, value: scos}, {name: SAMPLE, value: fill-in}]",
    );
    fs::write(&file, filled).expect("written");
    let test = lockstep(dir.path(), &["rules", "test", "cases"]);
    assert!(test.status.success(), "{}", text(&test));
    let coverage = lockstep(dir.path(), &["rules", "coverage", "cases"]);
    assert!(
        text(&coverage).contains("needs-oil (cases/needs-oil/rules.yaml:2)"),
        "{}",
        text(&coverage)
    );
}

#[test]
fn a_new_rule_takes_no_other_ones_place_and_needs_a_name() {
    let dir = TempDir::new().expect("a folder");
    for name in ["Needs_Oil", "../x", "a-", ""] {
        let made = lockstep(dir.path(), &["rules", "new", name, "--cases", "cases"]);
        assert_eq!(made.status.code(), Some(1), "{name}");
    }
    let new = || lockstep(dir.path(), &["rules", "new", "a", "--cases", "cases"]);
    assert!(new().status.success());
    assert!(text(&new()).contains("is there already"));
}

#[test]
fn a_captured_case_has_what_its_image_needs_and_comes_to_the_same() {
    let demo = demo();
    let args = [
        "rules",
        "capture",
        "--release",
        "4.16",
        "--image",
        "lantern-operator",
        "--out",
        "cases/lantern",
    ];
    let captured = lockstep(demo.path(), &args);
    assert!(captured.status.success(), "{}", text(&captured));
    let test = lockstep(demo.path(), &["rules", "test", "cases"]);
    assert!(test.status.success(), "{}", text(&test));
    let render = lockstep(demo.path(), &["render", "--release", "4.16", "--out", "rendered"]);
    assert!(render.status.success(), "{}", text(&render));
    let file = "openshift/release/ci-operator/config/openshift/lantern-operator/openshift-lantern-operator-release-4.16__okd-scos.yaml";
    let read = |path: PathBuf| fs::read_to_string(path).expect("a config");
    let expected = read(demo.path().join("cases/lantern/expected").join(file));
    assert_eq!(expected, read(demo.path().join("rendered").join(file)));
    let images = demo
        .path()
        .join("cases/lantern/input/openshift-eng/ocp-build-data/images");
    let mut kept: Vec<_> = fs::read_dir(images)
        .expect("images")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    kept.sort();
    assert_eq!(
        kept,
        [
            "harbor-base.rhel9.yml",
            "lantern-operator.yml",
            "lantern.yml",
            "platform-base.rhel9.yml"
        ]
    );
    let again = lockstep(demo.path(), &args);
    assert!(text(&again).contains("is there already"));
    let unknown = lockstep(
        demo.path(),
        &[
            "rules",
            "capture",
            "--release",
            "4.16",
            "--image",
            "nothing",
            "--out",
            "cases/x",
        ],
    );
    assert!(
        text(&unknown).contains("no needed image has the tag or key `nothing`"),
        "{}",
        text(&unknown)
    );
    let only_one = lockstep(
        demo.path(),
        &["rules", "capture", "--image", "lantern", "--out", "cases/x"],
    );
    assert!(only_one.status.success(), "{}", text(&only_one));
    let none = lockstep(demo.path(), &["rules", "coverage", "cases", "--only", "zzz"]);
    assert_eq!(none.status.code(), Some(1), "{}", text(&none));
}

#[test]
fn a_case_of_an_image_that_is_held_says_so_and_passes() {
    let demo = demo();
    let dockerfile = demo.path().join("repos/openshift/lantern-operator/operand/Dockerfile");
    let file = fs::read_to_string(&dockerfile).expect("a Dockerfile");
    fs::write(dockerfile, format!("FROM more AS more\n{file}")).expect("written");
    let args = ["rules", "capture", "--image", "lantern", "--out", "cases/x"];
    let captured = lockstep(demo.path(), &args);
    assert!(
        text(&captured).contains("lantern could not be derived for 4.16"),
        "{}",
        text(&captured)
    );
    let test = lockstep(demo.path(), &["rules", "test", "cases"]);
    assert!(test.status.success(), "{}", text(&test));
}

#[test]
fn a_plan_with_more_rules_shows_what_they_would_change() {
    let demo = demo();
    let rule = "rules:\n- id: own-registry\n  because: It is tried out.\n  on: config\n  when: repo.full == 'openshift/beacon'\n  \
        append:\n    tests:\n    - as: tried-out\n      commands: 'true'\n      container: {from: src}\n";
    fs::write(demo.path().join("more.yaml"), rule).expect("written");
    let before = text(&lockstep(demo.path(), &["plan", "--by", "file"]));
    let plan = text(&lockstep(
        demo.path(),
        &["plan", "--by", "file", "--with-rules", "more.yaml"],
    ));
    assert!(!before.contains("tried-out") && plan.contains("tried-out"), "{plan}");
    assert!(!demo.path().join("out").exists(), "nothing is written");
}

/// Takes rounds until one satisfies; fails instead of hanging.
fn until(rounds: &std::sync::mpsc::Receiver<Round>, wanted: impl Fn(&Round) -> bool) -> Round {
    loop {
        let round = rounds
            .recv_timeout(Duration::from_secs(60))
            .expect("a round within a minute");
        if wanted(&round) {
            return round;
        }
    }
}

#[test]
fn a_watch_runs_what_depends_on_a_saved_file() {
    let dir = TempDir::new().expect("a folder");
    let cases = dir.path().join("cases");
    for name in ["build-arg", "other-arches"] {
        copy(&Path::new(ROOT).join("fixtures/cases").join(name), &cases.join(name));
    }
    let (sender, rounds) = channel();
    let mut watch = Watch::new(vec![cases.clone()], Vec::new()).expect("a watcher");
    std::thread::spawn(move || watch.run(|round| sender.send(round).is_ok()));
    let names = |round: &Round| {
        round
            .verdicts
            .iter()
            .map(|v| (v.name.clone(), v.failures.is_empty()))
            .collect::<Vec<_>>()
    };
    let first = until(&rounds, |_| true);
    assert_eq!(
        names(&first),
        [("build-arg".into(), true), ("other-arches".into(), true)]
    );

    // A rule of one case, written by rename as editors do, beside a scratch file.
    let rules = cases.join("build-arg/rules.yaml");
    let edited = fs::read_to_string(&rules).expect("rules").replace("oil-", "gas-");
    fs::write(cases.join("build-arg/.rules.yaml.swp"), "x").expect("written");
    fs::write(cases.join("build-arg/rules.yaml~"), &edited).expect("written");
    fs::rename(cases.join("build-arg/rules.yaml~"), &rules).expect("renamed");
    let round = until(&rounds, |round| {
        round.verdicts.iter().any(|verdict| !verdict.failures.is_empty())
    });
    assert_eq!(
        names(&round),
        [("build-arg".into(), false)],
        "the other case does not depend on it"
    );

    // A burst of saves, and a case that goes away while it is watched.
    for _ in 0..50 {
        fs::write(&rules, edited.replace("gas-", "oil-")).expect("written");
    }
    until(&rounds, |round| names(round) == [("build-arg".into(), true)]);
    fs::remove_dir_all(cases.join("build-arg")).expect("removed");
    fs::write(cases.join("other-arches/rules.yaml"), "rules: [\n").expect("written");
    until(&rounds, |round| names(round) == [("other-arches".into(), false)]);

    // The folder itself goes and comes back.
    fs::remove_dir_all(&cases).expect("removed");
    until(&rounds, |round| round.trouble.is_some());
    copy(
        &Path::new(ROOT).join("fixtures/cases/build-arg"),
        &cases.join("build-arg"),
    );
    until(&rounds, |round| names(round) == [("build-arg".into(), true)]);
}
