//! `lockstep rules test` and `coverage`: the shipped cases, and the traps that a test runner must not fall into.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lockstep::workbench::case::Case;
use lockstep::workbench::run::Bench;
use lockstep::workbench::sets::RuleSets;
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Runs `lockstep rules …` where the shipped rules are.
fn rules(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lockstep"));
    command.current_dir(ROOT).arg("rules").args(args);
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

/// A copy of one shipped case, in a folder of cases of its own.
struct Copy {
    cases: TempDir,
    name: &'static str,
}

impl Copy {
    fn of(name: &'static str) -> Self {
        let cases = TempDir::new().expect("a folder");
        copy(
            &Path::new(ROOT).join("fixtures/cases").join(name),
            &cases.path().join(name),
        );
        Self { cases, name }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.cases.path().join(self.name).join(file)
    }

    /// Replaces a part of a file, which must be there.
    fn edit(&self, file: &str, old: &str, new: &str) -> &Self {
        let text = fs::read_to_string(self.path(file)).expect("a file");
        assert!(text.contains(old), "{text}");
        fs::write(self.path(file), text.replace(old, new)).expect("written");
        self
    }

    fn write(&self, file: &str, text: &str) -> &Self {
        fs::create_dir_all(self.path(file).parent().expect("a folder")).expect("a folder");
        fs::write(self.path(file), text).expect("written");
        self
    }

    fn test(&self, args: &[&str]) -> Output {
        let cases = self.cases.path().display().to_string();
        rules(&[&["test", cases.as_str()], args].concat())
    }

    /// The case fails with this code and all of these words.
    fn fails(&self, code: &str, words: &[&str]) {
        let output = self.test(&[]);
        let text = text(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(&format!("[{code}]")), "{code}: {text}");
        for word in words {
            assert!(text.contains(word), "{word}: {text}");
        }
    }
}

const FILE: &str =
    "expected/openshift/release/ci-operator/config/openshift/lantern/openshift-lantern-release-4.16__okd-scos.yaml";

#[test]
fn the_shipped_cases_pass_and_every_rule_decides_in_one() {
    let output = rules(&["test"]);
    assert!(output.status.success(), "{}", text(&output));
    let output = rules(&["coverage", "--min", "100"]);
    assert!(output.status.success(), "{}", text(&output));
    let output = rules(&["check"]);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn a_copy_passes_so_that_the_tests_below_break_what_they_say() {
    let output = Copy::of("build-arg").test(&[]);
    assert!(output.status.success(), "{}", text(&output));
}

#[test]
fn no_case_at_all_is_a_failure() {
    let empty = TempDir::new().expect("a folder");
    let path = empty.path().display().to_string();
    for args in [
        &["test", path.as_str()][..],
        &["coverage", &path],
        &["test", "--filter", "no-such-case"],
        &["test", "/nowhere"],
    ] {
        let output = rules(args);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", text(&output));
    }
}

#[test]
fn a_wrong_value_shows_the_rules_behind_it() {
    let case = Copy::of("build-arg");
    case.edit("case.yaml", "value: oil-4.16", "value: gas");
    case.fails(
        "wrong-value",
        &[
            "images.lantern.build_args",
            "-    \"value\": \"gas\"",
            "rule lantern-oil",
            "rules.yaml:3",
        ],
    );
}

#[test]
fn a_value_that_is_not_there_says_what_is() {
    let case = Copy::of("build-arg");
    case.edit("case.yaml", "images.lantern.build_args", "images.lantern.build_arg");
    case.fails("wrong-value", &["there is no such value", "build_args"]);
}

#[test]
fn a_wrong_file_shows_a_diff_and_the_rule() {
    let case = Copy::of("build-arg");
    case.edit(FILE, "namespace: origin", "namespace: elsewhere");
    case.fails(
        "wrong-file",
        &[
            "-    namespace: elsewhere",
            "+    namespace: origin",
            "rule promote-to-payload",
        ],
    );
}

#[test]
fn an_expected_file_that_nothing_produces_fails() {
    let case = Copy::of("build-arg");
    case.write(
        "expected/openshift/release/ci-operator/config/a/b/a-b-main__okd-scos.yaml",
        "a: 1\n",
    );
    case.fails("file-not-produced", &["a-b-main"]);
}

#[test]
fn a_file_that_is_not_expected_fails() {
    let case = Copy::of("build-arg");
    fs::remove_file(case.path(FILE)).expect("removed");
    case.fails("unexpected-file", &["openshift-lantern"]);
}

#[test]
fn a_finding_that_is_not_expected_fails_and_so_does_one_that_does_not_come() {
    let case = Copy::of("build-arg");
    case.edit("case.yaml", "release:", "findings: [no-such-code]\nrelease:");
    case.fails("missing-finding", &["no-such-code", "no finding at all"]);
    let case = Copy::of("disagreement");
    case.edit("case.yaml", "- {code: no-promotion, text: openshift/unbuilt}\n", "");
    case.fails("unexpected-finding", &["no-promotion"]);
}

#[test]
fn what_must_not_occur_is_looked_for_in_values_and_files() {
    let case = Copy::of("build-arg");
    case.write("case.yaml", "about: x\nrelease: '4.16'\nrules: [builtin, rules.yaml]\nabsent:\n  texts: [oil-4]\n  values: [images.beacon]\n");
    case.fails(
        "present-text",
        &[
            "images.lantern.build_args[1].value is oil-4.16",
            "release-4.16__okd-scos.yaml:",
        ],
    );
    case.fails("present-value", &["images.beacon must not be there"]);
}

#[test]
fn a_case_that_expects_nothing_fails() {
    let case = Copy::of("build-arg");
    fs::remove_dir_all(case.path("expected")).expect("removed");
    case.write("case.yaml", "about: x\nrelease: '4.16'\nrules: [builtin, rules.yaml]\n");
    case.fails("expects-nothing", &["--update"]);
    fs::create_dir(case.path("expected")).expect("an empty folder");
    case.fails("expects-nothing", &["holds no file"]);
}

#[test]
fn a_case_with_faults_fails_with_their_places() {
    let case = Copy::of("build-arg");
    fs::remove_file(case.path("case.yaml")).expect("removed");
    case.fails("bad-case", &["case.yaml cannot be read"]);
    case.write(
        "case.yaml",
        "about: x\nrelease: latest\nvalue: {}\nrules: [../../../../etc]\nvalues: {'a..b': 1}\n",
    );
    case.fails(
        "bad-case",
        &[
            "bad-release",
            "unknown-key",
            "did you mean `values`",
            "leaves-folder",
            "bad-path",
            "case.yaml:2:",
        ],
    );
    case.write("case.yaml", "about: x\nrelease: '4.16'\nrules: [/etc]\n");
    case.fails("bad-case", &["leaves-folder"]);
    case.write("case.yaml", "about: [\n");
    case.fails("bad-case", &["not-yaml"]);
}

#[test]
fn a_folder_that_is_no_case_fails_and_the_others_run() {
    let case = Copy::of("build-arg");
    fs::create_dir(case.cases.path().join("unfinished")).expect("a folder");
    case.fails(
        "bad-case",
        &["unfinished/case.yaml cannot be read", "2 cases: 1 passed, 1 failed"],
    );
}

#[test]
fn rules_with_faults_are_shown_in_the_case() {
    let case = Copy::of("build-arg");
    case.edit("rules.yaml", "tag == 'lantern'", "tagg == 'lantern'");
    case.fails(
        "cannot-run",
        &["unknown-variable", "rules.yaml:6:9", "did you mean `tag`?"],
    );
    fs::remove_file(case.path("rules.yaml")).expect("removed");
    case.fails("cannot-run", &["rules.yaml cannot be read"]);
    fs::create_dir(case.path("rules.yaml")).expect("a folder");
    case.fails("cannot-run", &["has no *.yaml file"]);
}

#[test]
fn an_expected_file_that_cannot_be_read_fails() {
    let case = Copy::of("build-arg");
    std::os::unix::fs::symlink("/etc/passwd", case.path("expected/link")).expect("a link");
    case.fails("cannot-run", &["neither a file nor a folder"]);
}

#[test]
fn update_makes_what_comes_out_the_expectation_and_shows_it() {
    let case = Copy::of("build-arg");
    case.edit("rules.yaml", "oil-${release}", "gas-${release}");
    case.write("expected/stale.yaml", "a: 1\n");
    let output = case.test(&["--update"]);
    let shown = text(&output);
    assert!(
        shown.contains("+      value: gas-4.16") && shown.contains("updated: removed"),
        "{shown}"
    );
    let output = case.test(&[]);
    assert!(output.status.success(), "{}", text(&output));
    let kept = fs::read_to_string(case.path("case.yaml")).expect("the case");
    assert!(kept.contains("gas-4.16") && kept.starts_with("about:"), "{kept}");
    assert!(!case.path("expected/stale.yaml").exists());
}

#[test]
fn other_forms_of_output_say_the_same() {
    let case = Copy::of("build-arg");
    case.edit("case.yaml", "value: oil-4.16", "value: \"<&>\"");
    let json = case.test(&["--format", "json"]);
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(report["passed"], false);
    assert_eq!(report["cases"][0]["failures"][0]["code"], "wrong-value");
    let junit = text(&case.test(&["--format", "junit"]));
    assert!(
        junit.contains("tests=\"1\" failures=\"1\"") && junit.contains("&lt;&amp;&gt;"),
        "{junit}"
    );
    assert_eq!(json.status.code(), Some(1));
}

#[test]
fn coverage_has_a_threshold() {
    let cases = Path::new(ROOT).join("fixtures/cases/build-arg");
    let output = rules(&["coverage", &cases.display().to_string(), "--min", "100"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("member-resolved-as"), "{}", text(&output));
    let output = rules(&["coverage", &cases.display().to_string(), "--min", "10", "--annotate"]);
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains("NEVER/"), "{}", text(&output));
    assert!(
        text(&output).contains("       2/2 | - id: built-for-okd"),
        "{}",
        text(&output)
    );
}

/// What the engine shows to rules is what `src/rules/variables.md`, and with it the reference, says: in every case, for every
/// subject.
#[test]
fn what_rules_see_is_what_the_reference_says() {
    let sets = RuleSets::default();
    let mut cases = 0;
    for entry in fs::read_dir(Path::new(ROOT).join("fixtures/cases")).expect("the cases") {
        let Ok(case) = Case::read(&entry.expect("a case").path()) else {
            continue;
        };
        let bench = Bench::new(&case, &sets).expect(&case.name);
        bench.results().expect(&case.name);
        let unlike: Vec<String> = bench.record.unlike().into_iter().collect();
        assert_eq!(unlike, [""; 0], "{}", case.name);
        cases += 1;
    }
    assert!(cases > 30, "{cases} cases");
}
