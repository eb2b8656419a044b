//! The demo does what its README promises, and docs/demo.md shows what it prints.

use crate::support::program;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use program::{Demo, Ran, without_lines_of_rules};

/// Every file below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.display().to_string(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn shown() -> String {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/demo.md")).unwrap();
    without_lines_of_rules(&text)
}

/// The commit of a branch in the demo's repository of pull requests.
fn branch(repo: &git2::Repository, name: &str) -> Option<git2::Oid> {
    let found = repo.find_branch(name, git2::BranchType::Local).ok()?;
    found.get().target()
}

#[test]
fn reconcile_prints_what_its_page_shows() {
    let demo = Demo::new();
    let Ran { code, out, err } = demo.run(&["reconcile"]);
    assert_eq!(code, 0, "{err}");
    insta::assert_snapshot!("reconcile_stdout", without_lines_of_rules(&out));
    insta::assert_snapshot!("reconcile_stderr", err);
    assert!(
        shown().contains(&without_lines_of_rules(&format!("{err}{out}"))),
        "docs/demo.md no longer shows what the demo prints"
    );
}

#[test]
fn explain_prints_what_its_page_shows() {
    let ran = Demo::new().run(&["explain", "harbor-toolbox", "--field", "base"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        shown().contains(&without_lines_of_rules(&ran.out)),
        "docs/demo.md no longer shows:\n{}",
        ran.out
    );
}

#[test]
fn every_promise_of_the_demo_is_in_its_differences() {
    let demo = Demo::new();
    let Ran { code, out, err } = demo.run(&["plan", "--by", "file", "--exit-code"]);
    assert_eq!(code, 1, "one file of metadata could not be compared: {err}");
    insta::assert_snapshot!("plan_by_file", without_lines_of_rules(&out));
    let shown = |args: &[&str]| without_lines_of_rules(&demo.run(args).out);
    insta::assert_snapshot!("plan", shown(&["plan"]));
    insta::assert_snapshot!("plan_by_image", shown(&["plan", "--by", "image"]));
    assert!(!demo.folder().join("out").exists(), "a plan writes no pull request");
}

#[test]
fn a_dry_run_says_what_a_run_does() {
    let demo = Demo::new();
    let dry = demo.run(&["reconcile", "--dry-run"]);
    assert!(!demo.folder().join("out").exists(), "a dry run writes nothing");
    let wet = demo.run(&["reconcile"]);
    let writes = |ran: &Ran| -> Vec<String> {
        let lines = ran.out.lines().take_while(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    assert_eq!(writes(&dry), writes(&wet));
    assert_eq!(writes(&dry).len(), 4, "{}", dry.out);
}

#[test]
fn a_second_run_does_nothing() {
    let demo = Demo::new();
    demo.run(&["reconcile"]);
    let out = demo.folder().join("out");
    let before = files(&out);
    assert!(before.len() > 5, "pull request and branch are there");
    let second = demo.run(&["reconcile"]);
    assert_eq!(second.code, 0, "{}", second.err);
    assert_eq!(files(&out), before);
    insta::assert_snapshot!("second_reconcile", second.out);
}

#[test]
fn a_merge_ends_the_drift() {
    let demo = Demo::new();
    demo.run(&["reconcile"]);
    let repo = git2::Repository::open_bare(demo.folder().join("out/openshift/release.git")).unwrap();
    let proposed = branch(&repo, "lockstep/ci/4.16").unwrap();
    repo.reference("refs/heads/main", proposed, true, "merge").unwrap();

    let plan = demo.run(&["plan", "--exit-code"]);
    assert_eq!(
        (plan.code, plan.err.as_str()),
        (1, ""),
        "one file of metadata is broken"
    );
    assert!(plan.out.contains("Not everything was compared: "), "{}", plan.out);
    let reconcile = demo.run(&["reconcile"]);
    insta::assert_snapshot!("reconcile_after_the_merge", reconcile.out);
    assert_eq!(branch(&repo, "lockstep/ci/4.16"), None, "the branch has done its work");
}

#[test]
fn a_dockerfile_for_okd_that_metadata_does_not_name_is_left_alone() {
    let demo = Demo::new();
    let before = demo.run(&["plan", "--by", "file"]).out;
    let stray = demo.folder().join("repos/openshift/beacon/Dockerfile.okd");
    fs::write(stray, "FROM quay.io/centos/centos:stream9\n").unwrap();
    assert_eq!(demo.run(&["plan", "--by", "file"]).out, before);
}

#[test]
fn a_repository_that_is_not_there_holds_back_its_own_images_only() {
    let demo = Demo::new();
    let whole = demo.run(&["plan", "--by", "file"]).out;
    fs::remove_dir_all(demo.folder().join("repos/openshift/lantern-operator")).unwrap();
    let ran = demo.run(&["plan", "--by", "file"]);
    assert_eq!(ran.code, 1, "something that was asked for could not be done");
    for image in ["lantern", "lantern-operator"] {
        let named = format!("{image} is not derived: openshift/lantern-operator cannot be read: ");
        let in_json = demo.run(&["plan", "--format", "json"]).out;
        assert!(in_json.contains(&named), "no finding names {image}");
    }
    for part in whole.split("\nnew ").filter(|part| !part.contains("lantern")) {
        let part = part.split("\nFindings").next().unwrap().trim_end();
        let part = part.trim_start_matches("ci 4.16 in openshift/release, branch main: 5 files");
        assert!(ran.out.contains(part), "changed as well:\n{part}\n---\n{}", ran.out);
    }
}

#[test]
fn mended_yaml_shows_that_the_entry_had_been_right() {
    let demo = Demo::new();
    let broken = demo
        .folder()
        .join("repos/openshift-eng/ocp-build-data/images/tidewatch-exporter.yml");
    let text = fs::read_to_string(&broken).unwrap();
    fs::write(&broken, text.replace("\n     url:", "\n      url:")).unwrap();
    let ran = demo.run(&["plan", "--by", "file"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!ran.out.contains("Findings"), "{}", ran.out);
    assert!(!ran.out.contains("tidewatch"), "{}", ran.out);
}
