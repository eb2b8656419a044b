//! All of openshift/release that the corpus has comes out of reading and writing byte for byte.
//!
//! Skipped, with a line that says so, where the corpus is not there: set `LOCKSTEP_CORPUS`, or lay it at `../shared/corpus`.
#![allow(clippy::disallowed_methods, reason = "tests make files, repositories and processes")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockstep::yaml::{Section, emit, parse, parse_section, section};

fn corpus() -> Option<PathBuf> {
    let path = match std::env::var_os("LOCKSTEP_CORPUS") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
    };
    let found = path.join("4.16").is_dir();
    if !found {
        println!("skipped: no corpus at {}", path.display());
    }
    found.then_some(path)
}

fn unpack(archive: &Path, into: &Path) {
    fs::create_dir_all(into).unwrap();
    let status = Command::new("tar")
        .arg("-xf")
        .arg(archive)
        .arg("-C")
        .arg(into)
        .status()
        .unwrap();
    assert!(status.success(), "tar could not unpack {}", archive.display());
}

/// The YAML files below a folder, sorted.
fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Reads and writes each file; gives those that come out differently, each with its first differing line.
fn differing(files: &[PathBuf]) -> Vec<String> {
    let difference = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        let written = match parse(text.as_bytes()) {
            Ok(node) => emit(&node),
            Err(error) => return Some(format!("{}: {error}", file.display())),
        };
        if written == text {
            return None;
        }
        let line = text
            .lines()
            .zip(written.lines())
            .position(|(a, b)| a != b)
            .unwrap_or_default();
        let at = |text: &str| text.lines().nth(line).unwrap_or_default().to_owned();
        Some(format!(
            "{}:{}: {:?} became {:?}",
            file.display(),
            line + 1,
            at(&text),
            at(&written)
        ))
    };
    files.iter().filter_map(difference).collect()
}

#[test]
fn configs_and_jobs_come_out_byte_for_byte() {
    let Some(corpus) = corpus() else { return };
    let temp = tempfile::tempdir().unwrap();
    unpack(&corpus.join("4.16/release.tar.xz"), &temp.path().join("release"));
    unpack(&corpus.join("4.16/expected-jobs.tar.xz"), &temp.path().join("jobs"));
    let configs = yaml_files(&temp.path().join("release/ci-operator/config"));
    let jobs = yaml_files(&temp.path().join("jobs/ci-operator/jobs"));
    let expected = yaml_files(&corpus.join("4.16/expected"));
    assert_eq!((configs.len(), jobs.len(), expected.len()), (7118, 334, 168));
    for files in [configs, jobs, expected] {
        let wrong = differing(&files);
        assert!(
            wrong.is_empty(),
            "{} of {} differ:\n{}",
            wrong.len(),
            files.len(),
            wrong[..wrong.len().min(20)].join("\n")
        );
    }
}

#[test]
fn a_section_is_what_the_whole_file_has() {
    let Some(corpus) = corpus() else { return };
    let temp = tempfile::tempdir().unwrap();
    unpack(&corpus.join("4.16/release.tar.xz"), temp.path());
    let configs = yaml_files(&temp.path().join("ci-operator/config"));
    assert_eq!(configs.len(), 7118);
    let mut unclear = 0;
    for file in &configs {
        let text = fs::read(file).unwrap();
        let whole = parse(&text).unwrap();
        for key in ["promotion", "images", "zz_generated_metadata", "nonesuch"] {
            let part = parse_section(&text, key).unwrap();
            // The debug form has the places too.
            assert_eq!(
                format!("{part:?}"),
                format!("{:?}", whole.get(key).cloned()),
                "{} {key}",
                file.display()
            );
        }
        unclear += usize::from(section(&text, "promotion") == Section::Unclear);
    }
    // The fast path is worth having only if it is taken.
    assert!(
        unclear < configs.len() / 20,
        "{unclear} of {} configs must be parsed whole",
        configs.len()
    );
}
