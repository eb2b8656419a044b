//! `lockstep impact`: what a change of others would do, in every kind of repository and every form of output.

use std::path::Path;
use std::process::Command;

use crate::audit_command::faults;
use crate::support::audit_world;
use crate::support::pull_world::{BEACON, PullWorld, TOKEN};
use audit_world::{Ran, World};
use serde_json::Value as Json;

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

/// Copies a folder of the world beside itself.
fn copied(world: &World, from: &str, to: &str) -> String {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("a folder") {
            let entry = entry.expect("an entry");
            let to = to.join(entry.file_name());
            match entry.path().is_dir() {
                true => copy(&entry.path(), &to),
                false => drop(std::fs::copy(entry.path(), to).expect("copied")),
            }
        }
    }
    copy(&world.path(from), &world.path(to));
    to.to_owned()
}

fn codes(answer: &Json, which: &str) -> Vec<String> {
    let found = answer["releases"].as_array().into_iter().flatten();
    let found = found.flat_map(|release| release[which].as_array().into_iter().flatten());
    found
        .map(|found| found["code"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// beacon's head has one FROM more than metadata knows.
fn with_a_stage() -> (World, String) {
    let world = World::base();
    let head = copied(&world, "repos/openshift/beacon", "heads/openshift/beacon");
    let stage = "FROM golang:1.21 AS more\nRUN make more\nFROM golang:1.21 AS builder";
    change(
        &world,
        &format!("{{{head}/Dockerfile: {{FROM golang:1.21 AS builder: {stage:?}}}}}"),
    );
    (world, head)
}

#[test]
fn a_stage_that_metadata_lacks_breaks() {
    let (world, head) = with_a_stage();
    let args = ["impact", "openshift/beacon", "--head", &head, "--format", "json"];
    let ran = run(&world, &args);
    let answer = json(&ran);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(answer["verdict"], "breaks");
    assert_eq!(answer["merged"], "as-is");
    assert_eq!(answer["releases"][0]["release"], "4.16");
    assert_eq!(codes(&answer, "new"), ["stage-count"]);
    assert_eq!(answer["releases"][0]["new"][0]["impact"], "break");
    assert_eq!(answer["releases"][0]["new"][0]["alone"], false);
    let sentence = answer["sentence"].as_str().unwrap();
    assert!(
        sentence.contains("loses the image `beacon` of release 4.16"),
        "{sentence}"
    );
    let schema = json(&run(&world, &["impact", "--schema"]));
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let faults: Vec<String> = validator.iter_errors(&answer).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
    assert_eq!(run(&world, &[&args[..], &["--exit-code"]].concat()).code, 2);
    let again = json(&run(&world, &args));
    assert_eq!(again["digest"], answer["digest"], "the same, the same digest");
}

#[test]
fn the_cure_may_stand_in_another_release() {
    let (world, head) = with_a_stage();
    change(
        &world,
        r#"{build-data/4.17/images/beacon.yml: {"  builder:\n": "  builder:\n  - stream: golang\n"}}"#,
    );
    let config = serde_yaml::from_str("releases: ['4.16', '4.17']").expect("YAML");
    world.configure(&config);
    let args = [
        "impact",
        "openshift/beacon",
        "--head",
        &head,
        "--release",
        "4.16",
        "--format",
        "json",
    ];
    let answer = json(&run(&world, &args));
    assert_eq!(
        answer["do"],
        "The metadata of this image in 4.17 fits already: take `from` over from images/beacon.yml of branch openshift-4.17 in \
         ocp-build-data."
    );
}

#[test]
fn every_form_says_the_same() {
    let (world, head) = with_a_stage();
    let form = |form: &str| {
        let ran = run(
            &world,
            &["impact", "openshift/beacon", "--head", &head, "--format", form],
        );
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    assert!(
        form("text").starts_with("openshift/beacon into release-4.16: breaks\n"),
        "{}",
        form("text")
    );
    assert!(form("text").lines().count() <= 24, "it fits a screen");
    assert!(form("markdown").starts_with("### OKD: openshift/beacon into release-4.16: breaks\n"));
    assert!(form("junit").contains("tests=\"1\" failures=\"1\""));
    let sarif: Json = serde_json::from_str(&form("sarif")).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "stage-count");
    let schema = std::fs::read_to_string("tests/sarif/sarif-2.1.0.json").expect("the schema");
    let schema = serde_json::from_str(&schema).expect("JSON");
    assert_eq!(faults(&schema, &sarif), Vec::<String>::new(), "as the standard says");
    let nothing = run(
        &world,
        &[
            "impact",
            "openshift/beacon",
            "--head",
            "repos/openshift/beacon",
            "--format",
            "sarif",
        ],
    );
    let nothing: Json = serde_json::from_str(&nothing.stdout).expect("JSON");
    assert_eq!(faults(&schema, &nothing), Vec::<String>::new());
    assert_eq!(nothing["runs"][0]["results"], serde_json::json!([]));
}

/// A git repository of tidewatch: OKD's and OCP's Dockerfile are even on its branch, and a topic brings OCP's further.
fn with_history() -> World {
    let world = World::base();
    let repo = serde_yaml::from_str(
        "{repo: repos/openshift/tidewatch, branch: release-4.16, commits: [{Dockerfile.ocp: {'RUN make': \"RUN make\\nCOPY conf /conf\"}}]}",
    );
    world.commit(&repo.expect("YAML")).expect("committed");
    world
}

#[test]
fn a_head_of_git_is_merged_and_told_by_its_commit() {
    let world = with_history();
    let args = |base: &'static str, head: &'static str| {
        [
            "impact",
            "openshift/tidewatch",
            "--branch",
            "release-4.16",
            "--base",
            base,
            "--head",
            head,
            "--format",
            "json",
        ]
    };
    let answer = json(&run(&world, &args("release-4.16~1", "release-4.16")));
    assert_eq!(
        (&answer["verdict"], &answer["merged"]),
        (&"changes".into(), &"memory".into())
    );
    assert_eq!(codes(&answer, "new"), ["dockerfile-behind"]);
    let found = &answer["releases"][0]["new"][0];
    assert_eq!(found["subject"]["name"], "COPY conf /conf");
    assert_eq!(
        found["place"]["commit"], answer["head"],
        "nobody knows the commit that the merge would make"
    );
    let short: String = answer["head"].as_str().unwrap().chars().take(10).collect();
    assert!(found["message"].as_str().unwrap().contains(&short), "{found}");

    let none = json(&run(&world, &args("release-4.16", "release-4.16")));
    assert_eq!(none["verdict"], "nothing", "a commit does nothing to itself");
    assert_eq!((codes(&none, "new").len(), codes(&none, "gone").len()), (0, 0));
}

#[test]
fn a_folder_that_says_what_the_branch_says_does_nothing() {
    let world = World::base();
    let label = "FROM golang:1.21 AS builder\nLABEL io.openshift.release.operator=true";
    change(
        &world,
        &format!("{{repos/openshift/beacon/Dockerfile: {{FROM golang:1.21 AS builder: {label:?}}}}}"),
    );
    let head = copied(&world, "repos/openshift/beacon", "heads/openshift/beacon");
    let repo = serde_yaml::from_str("{repo: repos/openshift/beacon, branch: release-4.16}");
    world.commit(&repo.expect("YAML")).expect("committed");
    let args = ["impact", "openshift/beacon", "--branch", "release-4.16"];
    let answer = json(&run(
        &world,
        &[&args[..], &["--head", &head, "--format", "json"]].concat(),
    ));
    assert_eq!((codes(&answer, "new"), &answer["verdict"]), (vec![], &"nothing".into()));
}

#[test]
fn build_data_and_ci_configs_are_looked_at_as_well() {
    let world = World::base();
    let head = copied(&world, "build-data/4.16", "heads/build-data/4.16");
    change(
        &world,
        &format!("{{{head}/images/beacon.yml: {{'member: harbor-base': 'member: harbour-base'}}}}"),
    );
    let answer = json(&run(
        &world,
        &["impact", "build-data/4.16", "--head", &head, "--format", "json"],
    ));
    assert_eq!(answer["verdict"], "breaks");
    assert!(
        codes(&answer, "new").contains(&"dangling-member".to_owned()),
        "{answer}"
    );

    let head = copied(&world, "repos/openshift/release", "heads/openshift/release");
    let config = format!("{head}/ci-operator/config/openshift/beacon/openshift-beacon-release-4.16.yaml");
    let text = std::fs::read_to_string(world.path(&config)).expect("a config");
    let (kept, _) = text.split_once("promotion:").expect("it promotes");
    std::fs::write(world.path(&config), kept).expect("written");
    let answer = json(&run(
        &world,
        &["impact", "openshift/release", "--head", &head, "--format", "json"],
    ));
    assert_eq!(answer["verdict"], "breaks", "an OCP config that stops promoting");
    assert!(codes(&answer, "new").contains(&"no-promotion".to_owned()), "{answer}");
}

#[test]
fn what_cannot_be_answered_says_why() {
    let world = World::base();
    let ran = run(&world, &["impact", "openshift/beacon", "--head", "no/such"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("no commit `no/such`"), "{}", ran.stderr);
    for args in [
        &["impact", "openshift/beacon"][..],
        &["impact", "beacon", "--head", "x"],
        &["impact"],
    ] {
        let ran = run(&world, args);
        assert_eq!(ran.code, 64, "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn what_no_release_is_built_from_names_what_may_be_meant() {
    let world = World::base();
    let asked = |args: &[&str]| {
        let ran = run(&world, &[&["impact"], args].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let misspelt = asked(&["openshift/becon", "--head", "x"]);
    assert!(misspelt.contains("did you mean `openshift/beacon`?"), "{misspelt}");
    let elsewhere = asked(&["openshift/nothing-like-it", "--head", "x"]);
    assert!(elsewhere.contains("Nothing needs to be done"), "{elsewhere}");
    let branch = asked(&["openshift/beacon", "--head", "x", "--branch", "relase-4.16"]);
    assert!(
        branch.contains("but from `release-4.16` (4.16): did you mean `release-4.16`?"),
        "{branch}"
    );
}

#[test]
fn a_job_of_prow_asks_without_arguments_and_leaves_what_ci_shows() {
    let world = with_history();
    let repo = world.path("repos/openshift/tidewatch");
    let commit = |what: &str| {
        let shown = Command::new("git")
            .arg("-C")
            .arg(&repo)
            .args(["rev-parse", what])
            .output()
            .expect("git");
        String::from_utf8(shown.stdout).expect("a commit").trim().to_owned()
    };
    let spec = serde_json::json!({"type": "presubmit", "job": "pull-ci-openshift-tidewatch-release-4.16-okd", "refs": {
        "org": "openshift", "repo": "tidewatch", "base_ref": "release-4.16", "base_sha": commit("release-4.16~1"),
        "pulls": [{"number": 7, "author": "ann", "sha": commit("release-4.16")}]}});
    let config = std::fs::read_to_string(world.path("lockstep.yaml")).expect("a configuration");
    assert!(config.contains("repos/"), "{config}");
    let ran = Command::new(env!("CARGO_BIN_EXE_lockstep"))
        .args(["impact", "--format", "json", "--config"])
        .arg(world.path("lockstep.yaml"))
        .current_dir(&repo)
        .env("JOB_SPEC", spec.to_string())
        .env("ARTIFACT_DIR", world.path("artifacts"))
        .output()
        .expect("it runs");
    let answer: Json = serde_json::from_slice(&ran.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&ran.stderr));
    });
    assert_eq!((&answer["pull"], &answer["verdict"]), (&7.into(), &"changes".into()));
    let left = |name: &str| std::fs::read_to_string(world.path("artifacts").join(name)).expect(name);
    assert!(left("junit_lockstep-impact.xml").contains("failures=\"0\""));
    assert!(left("lockstep-impact-summary.html").starts_with("<!doctype html>"));
}

/// The answer for beacon with a head that was changed by hand.
fn with_head(edit: impl FnOnce(&Path)) -> Json {
    let world = World::base();
    let head = copied(&world, "repos/openshift/beacon", "heads/openshift/beacon");
    edit(&world.path(&head));
    json(&run(
        &world,
        &["impact", "openshift/beacon", "--head", &head, "--format", "json"],
    ))
}

#[test]
fn a_hostile_head_is_told_in_clear_words() {
    let large = with_head(|head| {
        let text = "FROM golang:1.21 AS builder\nRUN make\n".repeat(300_000);
        std::fs::write(head.join("Dockerfile"), text).expect("written");
    });
    assert_eq!(codes(&large, "new"), ["bad-dockerfile"]);
    assert!(
        large["sentence"].as_str().unwrap().contains("bytes large, more than"),
        "{large}"
    );
    let link = with_head(|head| {
        std::fs::remove_file(head.join("Dockerfile")).expect("removed");
        std::os::unix::fs::symlink("../../../../etc/passwd", head.join("Dockerfile")).expect("linked");
    });
    assert_eq!(
        (codes(&link, "new"), &link["verdict"]),
        (vec!["bad-dockerfile".to_owned()], &"breaks".into())
    );
    assert!(
        link["sentence"].as_str().unwrap().contains("leaves the repository"),
        "{link}"
    );
    let bomb = with_head(|head| {
        let mut text = String::from("a: &a [x, x, x, x, x, x, x, x, x, x]\n");
        for (one, other) in ('a'..'k').zip('b'..'l') {
            text += &format!(
                "{other}: &{other} [*{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}, *{one}]\n"
            );
        }
        std::fs::create_dir_all(head.join("manifests")).expect("a folder");
        std::fs::write(head.join("manifests/image-references"), text).expect("written");
    });
    assert_eq!(codes(&bomb, "new"), ["unreadable-image-references"]);
    assert!(
        bomb["sentence"]
            .as_str()
            .unwrap()
            .contains("manifests/image-references: "),
        "{bomb}"
    );
    let many = with_head(|head| {
        for number in 0..3_000 {
            std::fs::write(head.join(format!("file-{number}")), "x").expect("written");
        }
    });
    assert_eq!(many["verdict"], "nothing", "none of them decides a build");
}

#[test]
fn a_head_that_does_not_merge_says_which_file() {
    let world = with_history();
    let repo = world.path("repos/openshift/tidewatch");
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        let command = command
            .arg("-C")
            .arg(&repo)
            .args(["-c", "user.name=A", "-c", "user.email=a@example.com"]);
        assert!(command.args(args).output().expect("git").status.success(), "{args:?}");
    };
    git(&["checkout", "-q", "-f", "-b", "topic", "release-4.16~1"]);
    std::fs::write(
        repo.join("Dockerfile.ocp"),
        "FROM golang:1.21 AS builder\nRUN make other\n",
    )
    .expect("written");
    git(&["commit", "-q", "-a", "-m", "Another way"]);
    let ran = run(
        &world,
        &[
            "impact",
            "openshift/tidewatch",
            "--branch",
            "release-4.16",
            "--head",
            "topic",
        ],
    );
    assert_eq!(ran.code, 1);
    let said =
        "topic does not merge into release-4.16: both changed Dockerfile.ocp; nothing can be said until it is rebased";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}

#[test]
fn a_pull_request_on_github_is_read_as_the_commit_that_merging_would_make() {
    for (merges, how) in [(true, "commit"), (false, "files")] {
        let pulled = PullWorld::new("{}", TOKEN);
        let merge = merges.then(|| pulled.head.clone());
        pulled.github.edit(BEACON, |pull| pull.merge_sha = merge);
        let ran = pulled.run(&["impact", BEACON, "--pull", "7", "--format", "json"]);
        let answer = json(&ran);
        assert_eq!(
            (&answer["verdict"], &answer["merged"]),
            (&"breaks".into(), &how.into()),
            "{}",
            ran.stderr
        );
        assert_eq!(
            (&answer["pull"], &answer["head"], &answer["branch"]),
            (&7.into(), &pulled.head.clone().into(), &"release-4.16".into())
        );
        let asked = pulled.github.asked(0);
        let writes: Vec<&String> = asked.iter().filter(|asked| !asked.contains("/graphql")).collect();
        assert!(
            writes.is_empty(),
            "nothing is written, and nothing else asked: {writes:?}"
        );
    }
    let pulled = PullWorld::new("{}", TOKEN);
    let ran = pulled.run(&["impact", BEACON, "--pull", "8"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("openshift/beacon#8"), "{}", ran.stderr);
}

#[test]
fn a_hand_edit_that_would_be_put_back_is_told_with_the_two_lawful_ways() {
    let world = World::base();
    let ran = run(&world, &["render", "--out", "rendered"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let configs = "ci-operator/config/openshift";
    copied(
        &world,
        &format!("rendered/openshift/release/{configs}"),
        &format!("repos/openshift/release/{configs}"),
    );
    let head = copied(&world, "repos/openshift/release", "heads/openshift/release");
    let folder = world.path(&format!("{head}/{configs}/beacon"));
    let ours = std::fs::read_dir(folder)
        .expect("configs")
        .map(|entry| entry.expect("an entry").path());
    let ours = ours
        .into_iter()
        .find(|path| path.to_string_lossy().contains("__"))
        .expect("OKD's config");
    let text = std::fs::read_to_string(&ours).expect("a config");
    std::fs::write(&ours, text.replacen("from: ", "from: hand_", 1)).expect("written");
    let answer = json(&run(
        &world,
        &["impact", "openshift/release", "--head", &head, "--format", "json"],
    ));
    let files = answer["releases"][0]["files"].as_array().expect("files");
    assert_eq!(files.len(), 1, "{answer}");
    assert_eq!(
        (&files[0]["puts_back"], &files[0]["change"]),
        (&true.into(), &"changed".into())
    );
    assert!(
        answer["do"]
            .as_str()
            .unwrap()
            .contains("with a rule, or have it accepted"),
        "{answer}"
    );
}
