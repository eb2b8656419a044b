//! OKD's branch cut of 4.16, 168 files, as one pull request: what it costs.
//!
//! Ignored by themselves, since the corpus is no part of the project: set `LOCKSTEP_CORPUS`, or lay it at `../shared/corpus`.

use crate::support::github_world;
use std::fs;
use std::path::{Path, PathBuf};

use github_world::{REPO, World, actions, file};
use lockstep::forge::Action::*;
use lockstep::forge::github::NoJournal;

fn expected() -> PathBuf {
    let corpus = match std::env::var_os("LOCKSTEP_CORPUS") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
    };
    let path = corpus.join("4.16/expected");
    assert!(path.is_dir(), "no corpus at {}", corpus.display());
    path
}

fn files(folder: &Path) -> Vec<(String, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
#[ignore = "needs the corpus; `.ci/run` runs this where it is"]
fn the_branch_cut_of_4_16() {
    let folder = expected();
    let files = files(&folder);
    assert_eq!(files.len(), 168);
    let mut world = World::new(&[("OWNERS", "reviewers: [ann]\n")]);
    world.options.labels = vec!["okd".into()];
    world.options.reviewers = vec!["owners".into()];
    let desired: Vec<_> = files.iter().map(|(path, text)| file(path, None, Some(text))).collect();
    let plan = world.plan(&desired);
    assert_eq!(actions(&world.run(&plan, false, &NoJournal)), [Create]);
    let asked = world.github.asked(0);
    println!("168 files: {} requests\n{}", asked.len(), asked.join("\n"));
    assert!(asked.len() <= 8, "{asked:#?}");
    let branch = world.github.files(REPO, "lockstep/ci/4.16");
    assert!(files.iter().all(|(path, text)| branch.get(path) == Some(text)));
    let body = &world.only_pull().body;
    assert!(body.chars().count() <= 65_536, "{}", body.chars().count());

    let before = world.github.requests();
    assert_eq!(actions(&world.run(&plan, false, &NoJournal)), [UpToDate]);
    assert_eq!(world.github.requests() - before, 1);
}
