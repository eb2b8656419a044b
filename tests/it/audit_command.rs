//! `lockstep audit` as people and programs use it: forms of output, exit codes, configuration, and what is new.

use crate::support::audit_world;
use audit_world::{Ran, World};
use serde_json::Value as Json;

const BEACON: &str = "build-data/4.16/images/beacon.yml";

/// The base world with one dangling member (an error) and one override that changes nothing (a note).
fn world() -> World {
    let world = World::base();
    change(
        &world,
        &format!(
            "{{{BEACON}: {{'member: harbor-base': 'member: harbour-base'}}, \
             build-data/4.16/images/tidewatch.yml: {{Dockerfile.okd: Dockerfile.ocp}}, repos/openshift/tidewatch/Dockerfile.okd: null}}"
        ),
    );
    world
}

fn change(world: &World, changes: &str) {
    let changes = serde_yaml::from_str(changes).expect("YAML");
    world.change(&changes).expect("the changes can be made");
}

fn run(world: &World, args: &[&str]) -> Ran {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    world.run(&args)
}

fn json(ran: &Ran) -> Json {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr))
}

/// What is wrong with an instance.
pub(crate) fn faults(schema: &Json, instance: &Json) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let faults = validator.iter_errors(instance);
    faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

#[test]
fn people_read_what_is_wrong_where_and_what_to_do() {
    let ran = run(&world(), &["audit"]);
    insta::assert_snapshot!("audit", ran.stdout);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

#[test]
fn exit_code_2_is_for_errors_and_only_where_it_is_asked_for() {
    assert_eq!(run(&world(), &["audit"]).code, 0);
    assert_eq!(run(&world(), &["audit", "--exit-code"]).code, 2);
    assert_eq!(run(&World::base(), &["audit", "--exit-code"]).code, 0);
    let notes = World::base();
    change(
        &notes,
        "{build-data/4.16/images/tidewatch.yml: {Dockerfile.okd: Dockerfile.ocp}}",
    );
    let ran = run(&notes, &["audit", "--exit-code"]);
    assert!(ran.stdout.contains("note[override-equals-default]"), "{}", ran.stdout);
    assert_eq!(ran.code, 0, "a note is no error");
}

#[test]
fn json_is_as_its_schema_says() {
    let world = suppressing();
    let schema = json(&run(&world, &["audit", "--schema"]));
    let report = json(&run(&world, &["audit", "--format", "json", "--fix"]));
    assert_eq!(faults(&schema, &report), Vec::<String>::new());
    assert_eq!(report["counts"]["errors"], 1);
    assert_eq!(report["counts"]["suppressed"], 1);
    assert_eq!(report["suppressed"][0]["by"]["author"], "ann");
}

#[test]
fn sarif_is_as_the_standard_says() {
    let schema = std::fs::read_to_string("tests/sarif/sarif-2.1.0.json").expect("the schema");
    let schema = serde_json::from_str(&schema).expect("JSON");
    let run_of = |world: &World| {
        let log = json(&run(world, &["audit", "--format", "sarif"]));
        assert_eq!(faults(&schema, &log), Vec::<String>::new());
        log["runs"][0].clone()
    };
    let told = run_of(&suppressing());
    let results = told["results"].as_array().expect("results");
    let of = |code: &str| {
        results
            .iter()
            .find(|result| result["ruleId"] == code)
            .expect("a result")
    };
    let dangling = of("dangling-member");
    assert_eq!(dangling["level"], "error");
    let place = &dangling["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "images/beacon.yml");
    assert_eq!(place["region"]["startLine"], 7);
    let rule = dangling["ruleIndex"].as_u64().expect("an index") as usize;
    assert_eq!(told["tool"]["driver"]["rules"][rule]["id"], "dangling-member");
    assert!(
        of("override-equals-default")["suppressions"][0]["justification"]
            .as_str()
            .is_some_and(|why| why.contains("ann"))
    );
    assert_eq!(run_of(&World::base())["results"], serde_json::json!([]));
    // The check can fail.
    let wrong = serde_json::json!({"version": "2.1.0", "runs": [{"results": []}]});
    assert!(!faults(&schema, &wrong).is_empty());
}

/// [`world`] with a suppression of its note.
fn suppressing() -> World {
    let world = world();
    let lines = "state: state\naudit:\n  suppress:\n  - {code: override-equals-default, image: tidewatch, reason: known, author: ann, until: 2099-01-31}\n";
    change(&world, &format!("{{lockstep.yaml: {{'state: state': {lines:?}}}}}"));
    world
}

#[test]
fn the_configuration_says_how_much_a_finding_matters_and_where() {
    let of = |lines: &str| {
        let world = world();
        let lines = format!("state: state\naudit: {{severity: [{lines}]}}");
        change(&world, &format!("{{lockstep.yaml: {{'state: state': {lines:?}}}}}"));
        let report = json(&run(&world, &["audit", "--format", "json"]));
        let counts = &report["counts"];
        (
            counts["errors"].as_u64(),
            counts["warnings"].as_u64(),
            counts["notes"].as_u64(),
        )
    };
    let before = (Some(1), Some(0), Some(1));
    assert_eq!(of("{code: stage-count, level: off}"), before);
    assert_eq!(
        of("{code: dangling-member, level: warning}"),
        (Some(0), Some(1), Some(1))
    );
    assert_eq!(of("{code: dangling-member, level: off}"), (Some(0), Some(0), Some(1)));
    assert_eq!(of("{code: dangling-member, level: off, release: 4.17}"), before);
    assert_eq!(
        of("{code: dangling-member, level: off, image: beacon, release: 4.16}"),
        (Some(0), Some(0), Some(1))
    );
    assert_eq!(
        of("{code: override-equals-default, level: error, component: openshift/beacon}"),
        before
    );
    let later = "{code: dangling-member, level: note}, {code: dangling-member, level: warning, image: beacon}";
    assert_eq!(
        of(later),
        (Some(0), Some(1), Some(1)),
        "a later one goes before an earlier one"
    );
}

#[test]
fn only_what_is_new_since_a_commit_is_shown_and_moved_lines_are_no_news() {
    let world = World::base();
    let git = "{repo: bd, branch: openshift-4.16, commits: [\
               {images/tidewatch.yml: {Dockerfile.okd: Dockerfile.ocp}}, \
               {images/tidewatch.yml: {'for_payload: true': \"for_payload: true\\n# one line more\"}, \
               images/beacon.yml: {'member: harbor-base': 'member: harbour-base'}}]}";
    change(
        &world,
        "{lockstep.yaml: {'build-data/{release}': bd}, repos/openshift/tidewatch/Dockerfile.okd: null}",
    );
    copy(&world.path("build-data/4.16"), &world.path("bd"));
    world
        .commit(&serde_yaml::from_str(git).expect("YAML"))
        .expect("commits");
    let repo = git2::Repository::open(world.path("bd")).expect("a repository");
    let id = |name: &str| repo.revparse_single(name).expect("a commit").id().to_string();
    let found = |commit: &str| {
        let ran = run(&world, &["audit", "--format", "json", "--since", commit]);
        (ran.codes().into_iter().collect::<Vec<_>>(), ran)
    };
    let (codes, ran) = found(&id("HEAD~1"));
    assert_eq!(codes, ["dangling-member"], "{}", ran.stdout);
    assert_eq!(json(&ran)["since"], id("HEAD~1"));
    assert_eq!(
        found(&id("HEAD~2")[..12]).0,
        ["dangling-member", "override-equals-default"]
    );
    assert_eq!(found(&id("HEAD")).0, Vec::<String>::new());
    let ran = run(&world, &["audit", "--since", &"0".repeat(40)]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("no commit"), "{}", ran.stderr);
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let there = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &there);
        } else {
            std::fs::copy(&path, there).expect("a file");
        }
    }
}

#[test]
fn a_code_is_explained_and_a_misspelled_one_has_a_hint() {
    let world = World::base();
    let ran = run(&world, &["audit", "--explain", "dangling-member"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("What to do: Correct the name"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("`audit --fix` writes the key of the image"),
        "{}",
        ran.stdout
    );
    let ran = run(&world, &["audit", "--explain", "dockerfile-behind"]);
    assert!(
        ran.stdout.contains("`audit --fix` leaves it to a person"),
        "{}",
        ran.stdout
    );
    let ran = run(&world, &["audit", "--explain", "dangling-membre"]);
    assert_eq!(ran.code, 64);
    assert!(ran.stderr.contains("did you mean `dangling-member`?"), "{}", ran.stderr);
}

#[test]
fn text_of_inputs_cannot_steer_a_terminal() {
    let world = World::base();
    change(
        &world,
        &format!("{{{BEACON}: {{'member: harbor-base': \"member: \\\"a\\\\e[31mb\\\"\"}}}}"),
    );
    for args in [&["audit"][..], &["audit", "--fix"]] {
        let ran = run(&world, args);
        assert!(ran.stdout.contains("a\\u{1b}[31mb"), "{}", ran.stdout);
        assert!(!ran.stdout.contains('\u{1b}'));
    }
}

/// A world with an error that every command comes by: a Dockerfile with more stages than metadata knows.
fn miscounted(settings: &str) -> World {
    let world = World::base();
    let lines = format!("state: state\naudit: {settings}");
    change(
        &world,
        &format!(
            "{{repos/openshift/beacon/Dockerfile: {{'FROM': \"FROM scratch AS more\\nFROM\"}}, \
             lockstep.yaml: {{'state: state': {lines:?}, '[\"4.16\"]': '[\"4.16\", \"4.17\"]'}}}}"
        ),
    );
    world
}

#[test]
fn every_command_hears_what_the_configuration_says_of_findings() {
    let off = "{severity: [{code: stage-count, level: off}]}";
    let note = "{severity: [{code: stage-count, level: note}]}";
    let suppressed = "{suppress: [{code: stage-count, reason: known, author: ann, until: 2099-01-31}]}";
    let commands: [&[&str]; 6] = [
        &["plan"],
        &["plan", "--format", "json"],
        &["reconcile", "--dry-run"],
        &["render", "--out", "there"],
        &["cut", "--from", "4.16", "--to", "4.17"],
        &["explain", "beacon"],
    ];
    for command in commands {
        let said = |settings: &str| {
            let ran = run(&miscounted(settings), command);
            format!("{}{}", ran.stdout, ran.stderr)
        };
        let is_error = |text: &str| text.contains("error[stage-count]") || text.contains("\"severity\": \"error\"");
        let (before, noted) = (said("{}"), said(note));
        assert!(
            before.contains("stage-count") && is_error(&before),
            "{command:?}: {before}"
        );
        assert!(
            noted.contains("stage-count") && !is_error(&noted),
            "{command:?}: {noted}"
        );
        for settings in [off, suppressed] {
            let text = said(settings);
            assert!(!text.contains("stage-count"), "{command:?} {settings}: {text}");
        }
    }
    let plan = run(&miscounted(suppressed), &["plan"]);
    assert!(plan.stdout.contains("findings suppressed"), "{}", plan.stdout);
}
