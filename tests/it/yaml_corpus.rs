//! All of openshift/release that the corpus has comes out of reading and writing byte for byte.
//!
//! Ignored by themselves, since the corpus is no part of the project: set `LOCKSTEP_CORPUS`, or lay it at `../shared/corpus`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lockstep::facts::group::Group;
use lockstep::yaml::edit::{self, How};
use lockstep::yaml::{Node, Section, Value, emit, parse, parse_section, section};

fn corpus() -> PathBuf {
    let path = match std::env::var_os("LOCKSTEP_CORPUS") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
    };
    assert!(path.join("4.16").is_dir(), "no corpus at {}", path.display());
    path
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
    all_files(folder, "yaml")
}

/// The files below a folder that end so, sorted.
fn all_files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
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
#[ignore = "needs the corpus; `.ci/run` runs this where it is"]
fn configs_and_jobs_come_out_byte_for_byte() {
    let corpus = corpus();
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
#[ignore = "needs the corpus; `.ci/run` runs this where it is"]
fn a_section_is_what_the_whole_file_has() {
    let corpus = corpus();
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

/// All scalars of a value, each turned into `word`, one at a time: what the value would be with only that one changed.
fn each_changed(root: &Node, word: &str) -> Vec<Node> {
    fn scalars(node: &Node, path: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
        let children: Vec<&Node> = match &node.value {
            Value::Map(map) => map.iter().map(|(_, value)| value).collect(),
            Value::Seq(items) => items.iter().collect(),
            _ => return found.push(path.clone()),
        };
        for (at, child) in children.into_iter().enumerate() {
            path.push(at);
            scalars(child, path, found);
            path.pop();
        }
    }
    let mut found = Vec::new();
    scalars(root, &mut Vec::new(), &mut found);
    let changed = found.iter().map(|path| {
        let mut root = root.clone();
        let node = path.iter().fold(&mut root, |node, at| match &mut node.value {
            Value::Map(map) => &mut map.entries[*at].1,
            Value::Seq(items) => &mut items[*at],
            _ => unreachable!("a path goes through collections"),
        });
        *node = Node::string(word);
        root
    });
    changed.collect()
}

/// Sets values of a file that people wrote to what they are, then to something else and back: gives what was refused, and
/// whatever did not come out as it went in.
fn there_and_back(file: &Path, group: &Group) -> (usize, usize, Vec<String>) {
    let text = fs::read_to_string(file).unwrap();
    let read = |text: &str| group.substitute(text);
    let how = How {
        read: &read,
        ..How::default()
    };
    let Ok(documents) = edit::documents(&text, &how) else {
        return (0, 1, Vec::new());
    };
    let mut wrong = Vec::new();
    if edit::edit(&text, &documents, &how).as_deref() != Ok(&text) {
        wrong.push(format!("{}: changed by nothing", file.display()));
    }
    let (mut made, mut refused) = (0, 0);
    // The first few values and the last few: enough of each kind over all the files.
    let changed: Vec<Node> = documents
        .first()
        .map(|root| each_changed(root, "other"))
        .unwrap_or_default();
    let some = changed
        .iter()
        .enumerate()
        .filter(|(at, _)| *at < 2 || at + 2 > changed.len());
    for (at, other) in some {
        let mut wanted = documents.clone();
        wanted[0] = other.clone();
        let Ok(there) = edit::edit(&text, &wanted, &how) else {
            refused += 1;
            continue;
        };
        made += 1;
        let touched = there.lines().zip(text.lines()).filter(|(a, b)| a != b).count();
        if there.lines().count() == text.lines().count() && touched > 1 {
            wrong.push(format!("{}: value {at} touched {touched} lines", file.display()));
        }
        let mut with_key = documents.clone();
        let Some(map) = with_key[0].as_map_mut() else { continue };
        map.insert("zz_new", Node::map([("list", Node::seq(["a", "b"]))]));
        let back = edit::edit(&text, &with_key, &how).and_then(|with| edit::edit(&with, &documents, &how));
        if at == 0 && back.as_deref() != Ok(&text) {
            wrong.push(format!(
                "{}: a key that came and went left something: {back:?}",
                file.display()
            ));
        }
    }
    (made, refused, wrong)
}

#[test]
#[ignore = "needs the corpus; `.ci/run` runs this where it is"]
fn files_that_people_wrote_keep_every_other_byte() {
    let corpus = corpus();
    let temp = tempfile::tempdir().unwrap();
    let mut files: Vec<(PathBuf, Group)> = Vec::new();
    for release in ["4.16", "4.17", "4.18", "4.19", "4.20", "4.21", "4.22", "4.23", "5.0"] {
        let into = temp.path().join(release);
        unpack(
            &corpus.join(format!("build-data-2026-01/openshift-{release}.tar.xz")),
            &into,
        );
        let (major, minor) = release.split_once('.').unwrap();
        let vars = [
            ("MAJOR", major),
            ("MINOR", minor),
            ("GO_LATEST", "1.24"),
            ("GO_PREVIOUS", "1.23"),
            ("GO_EXTRA", "1.22"),
        ];
        let group = Group {
            vars: vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..Group::default()
        };
        files.extend(all_files(&into, "yml").into_iter().map(|file| (file, group.clone())));
    }
    let build_data = files.len();
    let into = temp.path().join("tekton");
    unpack(&corpus.join("tekton/files.tar.xz"), &into);
    files.extend(yaml_files(&into).into_iter().map(|file| (file, Group::default())));
    let (mut made, mut refused, mut wrong) = (0, 0, Vec::new());
    for (file, group) in &files {
        let (some, others, found) = there_and_back(file, group);
        (made, refused) = (made + some, refused + others);
        wrong.extend(found);
    }
    println!(
        "{build_data} files of build data, {} of tekton: {made} changes made, {refused} refused",
        files.len() - build_data
    );
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    assert!(
        build_data >= 2362 && files.len() - build_data > 100,
        "{build_data} and {}",
        files.len()
    );
    assert!(refused * 50 < made, "{refused} of {made} refused");
}

/// A text without its OKD stanzas: what no change of them may touch.
fn without_stanzas(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let mut out = String::new();
    let mut within: Option<usize> = None;
    for line in text.split_inclusive('\n') {
        let plain = line.trim();
        if within.is_some_and(|of| plain.is_empty() || indent(line) > of) {
            continue;
        }
        within = (plain.starts_with("okd:") && indent(line) == 0 || plain.starts_with("okd_alignment:"))
            .then(|| indent(line));
        if within.is_none() {
            out.push_str(line);
        }
    }
    out.trim_end().to_owned()
}

/// Gives a file the OKD stanzas of another one, new ones where people put them.
fn with_stanzas_of(before: &Node, after: &Node) -> Node {
    let mut wanted = before.clone();
    let root = wanted.as_map_mut().unwrap();
    match after.get("okd") {
        Some(okd) => drop(root.insert("okd", okd.clone())),
        None => drop(root.remove("okd")),
    }
    let Some(source) = wanted
        .as_map_mut()
        .and_then(|root| root.get_mut("content"))
        .and_then(Node::as_map_mut)
        .and_then(|content| content.get_mut("source"))
    else {
        return wanted;
    };
    match after.at(&["content", "source", "okd_alignment"]) {
        Some(stanza) if source.get("okd_alignment").is_some() => {
            drop(source.as_map_mut().unwrap().insert("okd_alignment", stanza.clone()));
        }
        Some(stanza) => assert!(edit::path::insert_behind(
            source,
            &[],
            "ci_alignment",
            "okd_alignment",
            stanza.clone()
        )),
        None => drop(source.as_map_mut().unwrap().remove("okd_alignment")),
    }
    wanted
}

fn strings_of(node: &Node, found: &mut Vec<String>) {
    match &node.value {
        Value::String(text) => found.push(text.to_string()),
        Value::Map(map) => map.iter().for_each(|(_, value)| strings_of(value, found)),
        Value::Seq(items) => items.iter().for_each(|item| strings_of(item, found)),
        _ => {}
    }
}

#[test]
#[ignore = "needs the corpus; `.ci/run` runs this where it is"]
fn real_edits_of_okd_stanzas_come_out_as_people_made_them() {
    let corpus = corpus();
    let temp = tempfile::tempdir().unwrap();
    unpack(&corpus.join("build-data-edits/build-data-edits.tar.xz"), temp.path());
    let manifest = fs::read_to_string(corpus.join("build-data-edits/MANIFEST.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let (mut made, mut alone, mut equal, mut wrong) = (0, 0, 0, Vec::new());
    for entry in manifest
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["status"] == "M")
    {
        let id = entry["id"].as_str().unwrap();
        let (major, minor) = entry["branch"].as_str().unwrap().split_once('.').unwrap();
        let vars = [
            ("MAJOR", major),
            ("MINOR", minor),
            ("GO_LATEST", "1.24"),
            ("GO_PREVIOUS", "1.23"),
        ];
        let group = Group {
            vars: vars.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..Group::default()
        };
        let text = |name: &str| fs::read_to_string(temp.path().join("build-data-edits").join(id).join(name)).unwrap();
        let (before, after) = (text("before.yml"), text("after.yml"));
        let read = |text: &str| group.substitute(text);
        let mut raw = Vec::new();
        strings_of(&parse(after.as_bytes()).unwrap(), &mut raw);
        let spell = |string: &str| {
            raw.iter()
                .find(|raw| read(raw) == string)
                .cloned()
                .unwrap_or_else(|| string.to_owned())
        };
        let how = How {
            read: &read,
            spell: &spell,
            indent_lists: false,
        };
        let there = edit::documents(&before, &how).unwrap();
        let wanted = with_stanzas_of(&there[0], &edit::documents(&after, &how).unwrap()[0]);
        let result = match edit::edit(&before, std::slice::from_ref(&wanted), &how) {
            Ok(result) => result,
            Err(refused) => {
                wrong.push(format!("{id}: {refused}"));
                continue;
            }
        };
        made += 1;
        if edit::documents(&result, &how).unwrap() != [wanted] {
            wrong.push(format!("{id}: it means something else"));
        }
        if without_stanzas(&result) != without_stanzas(&before) {
            wrong.push(format!("{id}: a line outside of the stanzas differs"));
        }
        if without_stanzas(&after) == without_stanzas(&before) {
            alone += 1;
            equal += usize::from(result == after);
        }
    }
    println!(
        "{made} of 139 real edits arrive at what was meant; {equal} of {alone} that changed nothing else are the same bytes"
    );
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(made, 139);
    assert!(equal * 10 >= alone * 6, "{equal} of {alone}");
}
