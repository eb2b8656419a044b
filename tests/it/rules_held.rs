//! Rules held against a world: what contradicts, fails or matches nothing there, told from the author's side; and the advice holds.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;
use tempfile::TempDir;

use crate::support::program::Demo;

/// A rule author at the demo.
struct Author {
    demo: Demo,
    dir: TempDir,
}

struct Checked {
    code: i32,
    out: String,
}

impl Author {
    fn new() -> Self {
        Self {
            demo: Demo::new(),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn write(&self, rules: &str) -> PathBuf {
        let path = self.dir.path().join("mine.yaml");
        std::fs::write(&path, rules).unwrap();
        path
    }

    fn check(&self, rules: &str, args: &[&str]) -> Checked {
        let path = self.write(rules);
        let output = Command::new(env!("CARGO_BIN_EXE_lockstep"))
            .args(["rules", "check"])
            .arg(path)
            .args(args)
            .current_dir(self.demo.folder())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Checked {
            code: output.status.code().unwrap(),
            out: text(&output.stdout) + &text(&output.stderr),
        }
    }

    fn on_real(&self, rules: &str) -> Checked {
        self.check(rules, &["--config", "lockstep.yaml"])
    }
}

/// A rule on a subject that sets one thing.
fn rule(id: &str, on: &str, when: &str, set: &str, more: &str) -> String {
    let when = if when.is_empty() {
        String::new()
    } else {
        format!("  when: {when}\n")
    };
    format!("- id: {id}\n  because: Mine.\n  on: {on}\n{when}  set: {{{set}}}\n{more}")
}

/// What the advice of a fault says to write.
fn advice(out: &str) -> String {
    let start = out.find("overrides: [").unwrap_or_else(|| panic!("no advice in {out}"));
    out[start..].split_once(']').unwrap().0.to_owned() + "]"
}

#[test]
fn a_fix_as_advised_holds_on_real_data() {
    let author = Author::new();
    for (on, set) in [
        ("image", "dockerfile: Dockerfile"),
        ("image", "needed: true"),
        ("image", "excluded: 'mine'"),
        ("image", "path: x"),
        ("image", "from: {stream: rhel-9-golang}"),
        ("image", "arches: [x86_64]"),
        ("member", "resolve: {image: quay.io/mine/mine:mine}"),
        ("stream", "pullspec: quay.io/mine/mine:mine"),
        ("payload", "namespace: mine"),
    ] {
        for when in ["", "\"release != ''\""] {
            let bare = format!("rules:\n{}", rule("mine", on, when, set, ""));
            let before = author.on_real(&bare);
            assert_eq!(before.code, 1, "{bare}{}", before.out);
            assert!(before.out.contains("[contradiction]"), "{bare}{}", before.out);
            assert!(
                before.out.contains("for `mine` to win, give it the line"),
                "{}",
                before.out
            );
            let fixed = format!(
                "rules:\n{}",
                rule("mine", on, when, set, &format!("  {}\n", advice(&before.out)))
            );
            let after = author.on_real(&fixed);
            assert!(!after.out.contains("[contradiction]"), "{fixed}{}", after.out);
            assert!(!after.out.contains("[rule-fails]"), "{fixed}{}", after.out);
            let plan = author
                .demo
                .run(&["plan", "--with-rules", author.write(&fixed).to_str().unwrap()]);
            assert!(!plan.out.contains("rule-failed"), "{fixed}{}", plan.out);
        }
    }
}

#[test]
fn what_matches_nothing_says_why() {
    let author = Author::new();
    let own = |when: &str, more: &str| {
        let more = format!("  overrides: [path-of-alignment]\n{more}");
        format!("rules:\n{}", rule("mine", "image", when, "path: x", &more))
    };
    let told = |rules: &str| {
        let Checked { code, out } = author.on_real(rules);
        assert_eq!(code, 1, "{out}");
        assert!(
            out.contains("[matches-nothing]") && out.contains("`mine` decides nothing in"),
            "{out}"
        );
        out
    };
    let out = told(&own("image.key == 'beakon'", ""));
    assert!(out.contains("its `when` holds for none of "), "{out}");
    let out = told(&own("image.key == 'beacon'", "  releases: '>=4.20'\n"));
    assert!(out.contains("or of its releases"), "{out}");
    let both = own("image.key == 'beacon'", "") + &rule("stronger", "image", "", "path: why", "  overrides: [mine]\n");
    let Checked { out, .. } = author.on_real(&both);
    assert!(out.contains("`stronger`") && out.contains("overrid"), "{out}");
    let matching = author.on_real(&own("image.key == 'beacon'", ""));
    assert_eq!(matching.code, 0, "{}", matching.out);
    assert!(
        matching
            .out
            .contains("held against 4.16: one value is decided by yours"),
        "{}",
        matching.out
    );
    assert_eq!(
        author
            .check(
                &own("image.key == 'beacon'", ""),
                &["--config", "lockstep.yaml", "--release", "four"]
            )
            .code,
        64
    );
}

#[test]
fn on_the_cases_what_matches_nothing_is_a_note() {
    let author = Author::new();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
    let own = |key: &str| {
        format!(
            "rules:\n{}",
            rule(
                "mine",
                "image",
                &format!("image.key == '{key}'"),
                "path: x",
                "  overrides: [path-of-alignment]\n"
            )
        )
    };
    let args = ["--cases", cases.to_str().unwrap()];
    let none = author.check(&own("nobody"), &args);
    assert_eq!(none.code, 0, "{}", none.out);
    assert!(
        none.out.contains("note: ") && none.out.contains("decides nothing in any case"),
        "{}",
        none.out
    );
    let some = author.check(&own("machine-agent"), &args);
    assert!(some.code == 0 && !some.out.contains("note: "), "{}", some.out);
    let json = author.check(&own("nobody"), &[&args[..], &["--format", "json"]].concat());
    let json: Json = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["notes"][0]["code"], "matches-nothing", "{json:#}");
    assert_eq!(json["faults"], serde_json::json!([]));
}

#[test]
fn what_fails_on_an_image_is_told_at_the_rule() {
    let author = Author::new();
    let failing = format!(
        "rules:\n{}",
        rule(
            "mine",
            "image",
            "image.from.builder[4].stream == 'x'",
            "path: x",
            "  overrides: [path-of-alignment]\n"
        )
    );
    let Checked { code, out } = author.on_real(&failing);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("[rule-fails]: `mine` fails for image "), "{out}");
    assert!(out.contains("mine.yaml:2:1"), "{out}");
}

#[test]
fn a_field_that_no_configured_target_reads_is_told() {
    let author = Author::new();
    let arches = format!(
        "rules:\n{}",
        rule(
            "mine",
            "image",
            "image.key == 'beacon'",
            "arches: [x86_64]",
            "  overrides: [arches-of-okd-stanza]\n"
        )
    );
    let ran = author.on_real(&arches);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(
        ran.out
            .contains("`mine` sets `arches`, which none of the configured targets reads (prow-config)"),
        "{}",
        ran.out
    );
    let config = author.demo.folder().join("lockstep.yaml");
    let text = std::fs::read_to_string(&config).unwrap();
    let with = text.replace(
        "prow-config",
        "prow-config, {build-config: {repo: openshift/release, branch: main}}",
    );
    assert_ne!(with, text);
    std::fs::write(config, with).unwrap();
    let ran = author.on_real(&arches);
    assert!(!ran.out.contains("unread-field"), "{}", ran.out);
}
