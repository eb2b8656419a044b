//! What was not carried forward is looked for again only where something has moved.

use crate::support::cut_world;
use std::sync::Arc;

use cut_world::CutWorld;
use lockstep::config;
use lockstep::finding::Finding;
use lockstep::run::{LoadedRules, Run, rule_files};
use lockstep::source::{Recorder, Sources};
use lockstep::store::Store;

/// What is found between the releases, and how many files were read for it.
fn between(world: &CutWorld) -> (Vec<Finding>, usize) {
    let config = config::load(&world.config("")).unwrap_or_else(|error| panic!("{error}"));
    let (recorder, (store, warning)) = (Arc::new(Recorder::default()), Store::open(&config.state));
    assert_eq!(warning, None);
    let sources = Sources::new(Some(config.state.clone())).with_recorder(Arc::clone(&recorder));
    let rules = LoadedRules::new(rule_files::read(&config.rules).unwrap());
    let run = Run::new(config, rules, sources).remembering(store, "test");
    let ci = run.ci_config().unwrap();
    let releases = run.releases(&[], ci.as_deref()).unwrap();
    let found = run.between(&releases, None, ci.as_deref());
    run.store().flush();
    (found, recorder.files().len())
}

fn has(found: &[Finding], code: &str) -> bool {
    found.iter().any(|finding| finding.code == code)
}

#[test]
fn findings_between_releases_are_kept_while_all_commits_are_the_same() {
    let world = CutWorld::new();
    let (first, read) = between(&world);
    assert!(has(&first, "carry-dockerfile") && read > 0, "{first:#?}");
    assert_eq!(between(&world), (first.clone(), 0), "nothing is read again");

    // The component that was asked for its file moves: it is asked again, and has it no more.
    let (repo, branch) = ("openshift/harbour", "main");
    world.change_component(repo, branch, "README.md", "moved\n");
    assert_eq!(between(&world).0, first, "the file is still there");
    assert_eq!(between(&world).1, 0);
    world.remove_from_component(repo, branch, "Dockerfile.okd");
    let (found, _) = between(&world);
    assert!(!has(&found, "carry-dockerfile"), "{found:#?}");
    assert_eq!(between(&world), (found, 0));
}
