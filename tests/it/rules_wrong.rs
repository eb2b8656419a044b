//! Deliberately wrong rule files, one fault each: what a rule author gets to read is a snapshot.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lockstep::rules::diagnostic::{CODES, Texts};
use lockstep::rules::{Diagnostic, RuleSet};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wrong-rules")
}

/// Rule files by name, as they are loaded.
type Files = Vec<(String, Vec<u8>)>;

/// All wrong files: name without extension, and the file as it is loaded.
fn wrong() -> Vec<(String, Files)> {
    let entries = fs::read_dir(folder()).expect("the folder of wrong rules");
    let files = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|kind| kind == "yaml"))
        .collect();
    files.sort();
    let name = |path: &PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
    let load = |path: &PathBuf| vec![(format!("{}.yaml", name(path)), fs::read(path).expect("a file"))];
    files.iter().map(|path| (name(path), load(path))).collect()
}

fn faults(files: &[(String, Vec<u8>)]) -> Vec<Diagnostic> {
    match RuleSet::load(files) {
        Ok(set) => [set.unreachable(), set.old_names()].concat(),
        Err(faults) => faults,
    }
}

#[test]
fn every_wrong_file_has_one_fault_that_says_what_to_do() {
    let wrong = wrong();
    assert!(wrong.len() >= 25, "{}", wrong.len());
    for (name, files) in &wrong {
        let faults = faults(files);
        assert_eq!(faults.len(), 1, "{name}: {faults:#?}");
        assert!(
            !faults[0].hint.is_empty() || faults[0].code == "not-yaml",
            "{name} has no hint"
        );
        insta::with_settings!({snapshot_path => folder().join("snapshots"), prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name.as_str(), Texts::new(files).show(&faults[0]));
        });
    }
}

#[test]
fn every_code_is_documented_once_and_has_a_wrong_file() {
    let documented: BTreeSet<_> = CODES.iter().map(|(code, _)| *code).collect();
    assert_eq!(documented.len(), CODES.len());
    let seen: BTreeSet<_> = wrong()
        .iter()
        .flat_map(|(_, files)| faults(files))
        .map(|fault| fault.code)
        .collect();
    let large = faults(&[("large.yaml".into(), vec![b'#'; 50 << 20])]);
    assert_eq!(large.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["too-large"]);
    let seen: BTreeSet<_> = seen.into_iter().chain(["too-large"]).collect();
    assert_eq!(seen, documented);
}

#[test]
fn no_snapshot_is_left_without_its_file() {
    let known: BTreeSet<String> = wrong().into_iter().map(|(name, _)| format!("{name}.snap")).collect();
    let snapshots = fs::read_dir(folder().join("snapshots")).expect("the snapshots");
    let there: BTreeSet<String> = snapshots
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(there, known);
}

#[test]
fn faults_are_data_for_programs_too() {
    let text = "rules:\n- {id: a, because: x, on: image, set: {tagg: t}}\n";
    let files = [("a.yaml".to_owned(), text.as_bytes().to_vec())];
    let fault = Texts::new(&files).json(&faults(&files)[0]);
    assert_eq!(fault["code"], "unknown-field");
    assert_eq!(
        (
            fault["line"].as_u64(),
            fault["column"].as_u64(),
            fault["width"].as_u64()
        ),
        (Some(2), Some(40), Some(4))
    );
    assert_eq!(fault["hint"], "did you mean `tag`?");
}
