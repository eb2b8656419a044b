//! Facts are JSON, in which a name that is not there is null and nobody notices: what Rust looks up in the view of an image's or a
//! stream's file is held against the keys that the view has.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lockstep::facts::{image, stream};
use lockstep::rules::variables;
use regex::Regex;

/// What has a view of another kind: jobs as rules see them, and the shaping of views itself.
const OTHERS: [&str; 3] = ["src/targets/prow_jobs/", "src/facts/view.rs", "src/facts/view/"];

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Every name that a view has: keys of files, what the engine adds, and what the payload shows; and the mappings on the way.
fn known() -> BTreeSet<String> {
    let keys = image::KEYS.iter().chain(stream::KEYS).map(|key| key.view.to_owned());
    let shown = variables::all().iter().filter_map(|one| {
        let (root, rest) = one.path.split_once('.')?;
        matches!(root, "image" | "stream" | "payload").then(|| rest.to_owned())
    });
    let mut all = BTreeSet::new();
    for key in keys.chain(shown) {
        let parts: Vec<&str> = key.split('.').collect();
        all.extend((1..=parts.len()).map(|many| parts[..many].join(".")));
    }
    all
}

/// Whether a path leads to a key, or into the value of one.
fn leads(known: &BTreeSet<String>, path: &str) -> bool {
    let keys = image::KEYS.iter().chain(stream::KEYS);
    known.contains(path)
        || keys
            .map(|key| format!("{}.", key.view))
            .any(|key| path.starts_with(&key))
}

/// The names that are written out, up to the first that is not.
fn literal(parts: &str) -> Option<String> {
    let quoted = Regex::new(r#"^\s*"([a-z_]+)"\s*$"#).unwrap();
    let parts = parts.split([',', '[', ']']).filter(|part| !part.trim().is_empty());
    let names: Vec<String> = parts
        .map_while(|part| Some(quoted.captures(part)?[1].to_owned()))
        .collect();
    (!names.is_empty()).then(|| names.join("."))
}

#[test]
fn what_rust_looks_up_in_a_view_is_a_key_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut files, known, mut looked_up) = (Vec::new(), known(), 0);
    sources(&root.join("src"), &mut files);
    let ways = [
        Regex::new(r"\bview((?:\[[^\]]+\])+)").unwrap(),
        Regex::new(r"image_place\([^;&]*?&?[^;&]*?,\s*&\[([^\]]*)\]").unwrap(),
        Regex::new(r#"key_place\([^;"]*("[a-z_.]+")"#).unwrap(),
    ];
    for path in files {
        let name = path
            .strip_prefix(root)
            .expect("below the project")
            .display()
            .to_string();
        let text = std::fs::read_to_string(&path).expect("a file");
        if OTHERS.iter().any(|other| name.starts_with(other)) {
            continue;
        }
        for found in ways.iter().flat_map(|way| way.captures_iter(&text)) {
            let Some(key) = literal(&found[1].replace('.', "\",\"")) else {
                let of_view = found[0].starts_with("view");
                assert!(
                    !of_view || found[1].starts_with("[0]"),
                    "{name}: `{}` is not checked: write the key out",
                    &found[0]
                );
                continue;
            };
            assert!(leads(&known, &key), "{name}: `{}`: a view has no `{key}`", &found[0]);
            looked_up += 1;
        }
    }
    assert!(looked_up > 60, "{looked_up} look-ups");
}
