//! `lockstep results`, from folders of the form that deck, artifacts and release controller have.

use crate::support::audit_world;
use crate::support::fake_github::FakeGithub;
use audit_world::{Ran, World};
use serde_json::{Value as Json, json};

fn run(world: &World, args: &[&str]) -> Ran {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    world.run(&args)
}

fn answer(world: &World, more: &[&str]) -> (Json, i32) {
    let ran = run(world, &[&["results", "--format", "json"], more].concat());
    let json =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", ran.stdout, ran.stderr));
    (json, ran.code)
}

pub(crate) fn write(world: &World, path: &str, text: &str) {
    let path = world.path(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("written");
}

const GO: &str = "go: go.mod requires go &gt;= 1.26.0 (running go 1.25.9; GOTOOLCHAIN=local)";

pub(crate) fn job(repo: &str, variant: &str) -> String {
    format!("branch-ci-openshift-{repo}-release-4.16-{variant}images")
}

/// A world in which harbor's image fails since its second commit, and OCP's does not.
pub(crate) fn world() -> World {
    let world = World::base();
    let config = "sources: {build-data: {repo: 'build-data/{release}'}, ci-config: {repo: repos/openshift/release}, components: {repo: \
                  'repos/{org}/{repo}'}, results: {prow: {deck: ci, artifacts: ci/artifacts}, release-controller: {url: ci, streams: \
                  ['{release}.0-0.okd', gone]}}}";
    world.configure(&serde_yaml::from_str(config).expect("YAML"));
    ci(&world);
    world
}

/// Writes what deck, artifacts and release controller have.
pub(crate) fn ci(world: &World) {
    let item = |job: &str, build: &str, commit: &str, state: &str, day: u32| {
        json!({"spec": {"type": "postsubmit", "job": job, "refs": {"base_sha": commit.repeat(40)}},
               "status": {"state": state, "build_id": build, "startTime": format!("2026-01-{day:02}T00:00:00Z")}})
    };
    let (okd, ocp) = (job("harbor", "okd-scos-"), job("harbor", ""));
    let items = json!({"items": [
        item(&okd, "1", "a", "success", 1), item(&okd, "2", "b", "failure", 2), item(&ocp, "2", "b", "success", 2),
        item(&okd, "3", "b", "pending", 3), item(&job("beacon", "okd-scos-"), "5", "c", "success", 3),
        item("branch-ci-somebody-elses-job", "9", "d", "failure", 3),
    ]});
    write(world, "ci/prowjobs.js", &items.to_string());
    let graph = json!([{"name": "src", "started_at": "2026-01-02T00:00:00Z", "failed": false},
        {"name": "harbor-base", "dependencies": ["src"], "started_at": "2026-01-02T00:00:00Z", "failed": true}]);
    let folder = format!("ci/artifacts/logs/{okd}/2/artifacts");
    write(
        world,
        &format!("{folder}/ci-operator-step-graph.json"),
        &graph.to_string(),
    );
    let junit = format!(
        "<testsuites><testsuite name=\"step graph\"><testcase name=\"Build image harbor-base from the repository\"><failure>{GO}</failure></testcase></testsuite></testsuites>"
    );
    write(world, &format!("{folder}/junit_operator.xml"), &junit);
    let tags = json!({"name": "s", "tags": [{"name": "p2", "phase": "Rejected"}, {"name": "p1", "phase": "Accepted"}]});
    write(world, "ci/api/v1/releasestream/4.16.0-0.okd/tags", &tags.to_string());
    let rejected = json!({"name": "p2", "phase": "Rejected", "results": {}});
    write(
        world,
        "ci/api/v1/releasestream/4.16.0-0.okd/release/p2",
        &rejected.to_string(),
    );
}

pub(crate) fn image<'j>(answer: &'j Json, tag: &str) -> &'j Json {
    let images = answer["releases"][0]["images"].as_array().expect("images");
    images
        .iter()
        .find(|image| image["image"] == tag)
        .unwrap_or_else(|| panic!("{tag}: {answer}"))
}

#[test]
fn what_fails_is_told_with_since_and_twin_and_what_stands_on_it() {
    let world = world();
    let (found, code) = answer(&world, &[]);
    let harbor = image(&found, "harbor-base");
    assert_eq!(harbor["state"], "broken", "{found}");
    assert_eq!(harbor["says"], "go.mod asks for a newer Go than the builder has");
    assert_eq!(
        (&harbor["since"], &harbor["last_good"]),
        (&"b".repeat(40).into(), &"a".repeat(40).into())
    );
    assert_eq!(harbor["okd_only"], true);
    assert_eq!(
        harbor["lines"][0],
        "go: go.mod requires go >= 1.26.0 (running go 1.25.9; GOTOOLCHAIN=local)"
    );
    let beacon = image(&found, "beacon");
    assert_eq!(
        (&beacon["state"], &beacon["because"]),
        (&"stale-base".into(), &"harbor-base".into())
    );
    assert_eq!(image(&found, "tidewatch")["state"], "unknown", "no run has told of it");
    let payload = &found["releases"][0]["payloads"][0];
    assert_eq!(
        (&payload["newest"], &payload["accepted"], &payload["since"]),
        (&"p2".into(), &"p1".into(), &1.into())
    );
    assert_eq!(
        found["unread"].as_array().map(Vec::len),
        Some(1),
        "the stream that is gone"
    );
    assert_eq!(code, 1, "something could not be read");
    let schema: Json = serde_json::from_str(&run(&world, &["results", "--schema"]).stdout).expect("a schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let faults: Vec<String> = validator.iter_errors(&found).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn a_rejected_payload_says_what_failed_and_what_changed_since_the_last_good_one() {
    let world = world();
    let config = "sources: {results: {release-controller: {url: ci, streams: ['{release}.0-0.okd'], payload: './ci/payloads/{tag}.json'}}}";
    world.configure(&serde_yaml::from_str(config).expect("YAML"));
    let tags = json!({"name": "s", "tags": [{"name": "p3", "phase": "Rejected"}, {"name": "p2", "phase": "Failed"},
        {"name": "p1", "phase": "Accepted"}]});
    write(&world, "ci/api/v1/releasestream/4.16.0-0.okd/tags", &tags.to_string());
    let folder = "ci/api/v1/releasestream/4.16.0-0.okd/release";
    let url = "https://evil.example.com/view/gs/b/logs/periodic-aws/7";
    let last = json!({"name": "p3", "phase": "Rejected", "results": {"blockingJobs": {"aws": {"state": "Failed", "url": url}}}});
    write(&world, &format!("{folder}/p3"), &last.to_string());
    let compare = format!(
        "https://github.com/openshift/harbor/compare/{}...{}",
        "a".repeat(40),
        "b".repeat(40)
    );
    let first = json!({"name": "p2", "phase": "Failed", "changeLogJson": {"from": {"name": "p1"}, "updatedImages": [{"name": "harbor-base",
        "path": format!("https://github.com/openshift/harbor/tree/{}", "b".repeat(40)), "fullChangeLog": compare,
        "commits": [{"subject": "Raise Go", "pullID": 7}]}]}});
    write(&world, &format!("{folder}/p2"), &first.to_string());
    let payload = |commit: &str| {
        let tag = |name: &str, repo: &str, commit: &str| {
            json!({"name": name, "from": {"kind": "DockerImage", "name": "r/x"}, "annotations": {"io.openshift.build.commit.id": commit,
                "io.openshift.build.source-location": format!("https://github.com/openshift/{repo}")}})
        };
        let tags = [
            tag("harbor-base", "harbor", &commit.repeat(40)),
            tag("beacon", "beacon", &"c".repeat(40)),
        ];
        json!({"kind": "ImageStream", "metadata": {"name": "p"}, "spec": {"tags": tags}}).to_string()
    };
    write(&world, "ci/payloads/p1.json", &payload("a"));
    write(&world, "ci/payloads/p2.json", &payload("b"));
    let (found, code) = answer(&world, &[]);
    let stream = &found["releases"][0]["payloads"][0];
    assert_eq!(
        stream["failed"][0],
        json!({"job": "aws", "blocking": true, "state": "Failed", "run": "logs/periodic-aws/7"})
    );
    assert_eq!(
        (&stream["changes_since"], &stream["first_rejected"]),
        (&"p1".into(), &"p2".into())
    );
    let pull = json!({"commit": "", "pull": 7, "title": "Raise Go"});
    let change = json!({"images": ["harbor-base"], "repository": "openshift/harbor", "before": "a".repeat(40), "after": "b".repeat(40),
        "pulls": [pull]});
    assert_eq!(
        stream["changes"],
        json!([change]),
        "what was not built from anything else is no change"
    );
    assert_eq!(code, 0, "{found}");
    let shown = run(&world, &["results"]).stdout;
    assert!(shown.contains("of p3 failed: aws"), "{shown}");
    assert!(
        shown.contains("openshift/harbor aaaaaaaaaa..bbbbbbbbbb (harbor-base): #7"),
        "{shown}"
    );
    // Without the payloads the release controller's own change log is all there is.
    std::fs::remove_file(world.path("ci/payloads/p1.json")).expect("gone");
    let (found, code) = answer(&world, &[]);
    let stream = &found["releases"][0]["payloads"][0];
    assert_eq!(stream["changes"], json!([change]));
    assert!(found["unread"].to_string().contains("payload p1: "), "{found}");
    assert_eq!(code, 1);
}

#[test]
fn one_image_and_a_day_can_be_asked_for() {
    let world = world();
    let count = |more: &[&str]| answer(&world, more).0["releases"][0]["images"].as_array().map(Vec::len);
    assert_eq!(count(&["--image", "beacon"]), Some(1));
    assert_eq!(count(&["--since", "2026-01-02"]), Some(1));
    assert_eq!(count(&["--since", "2026-01-03"]), Some(0));
    assert_eq!(run(&world, &["results", "--since", "yesterday"]).code, 64);
    let misspelt = run(&world, &["results", "--image", "becon"]);
    assert_eq!(misspelt.code, 1);
    assert!(
        misspelt.stderr.contains("did you mean `beacon`?"),
        "{}",
        misspelt.stderr
    );
}

#[test]
fn an_image_that_nobody_could_read_is_not_denied() {
    let world = world();
    write(&world, "build-data/4.16/images/buoy.yml", "name: [openshift/ose-buoy\n");
    let unread = |tag: &str| {
        let (found, code) = answer(&world, &["--image", tag]);
        (found["unread"].to_string(), code)
    };
    let (unread_of_buoy, code) = unread("buoy");
    let why = "whether it has an image `buoy` is not known (`lockstep plan` says what is wrong)";
    assert!(
        unread_of_buoy.contains("some metadata of release 4.16"),
        "{unread_of_buoy}"
    );
    assert!(unread_of_buoy.contains(why), "{unread_of_buoy}");
    assert_eq!(code, 1);
    assert!(unread("becon").0.contains("did you mean `beacon`?"));
    assert!(!unread("beacon").0.contains("is not known"), "what is known is");
}

#[test]
fn people_read_it_on_a_screen() {
    let shown = run(&world(), &["results"]).stdout;
    assert!(
        shown.contains("broken harbor-base: go.mod asks for a newer Go than the builder has; since bbbbbbbbbb"),
        "{shown}"
    );
    assert!(shown.contains("OKD only"), "{shown}");
    assert!(shown.contains("stale-base beacon"), "{shown}");
    assert!(
        shown.contains("4.16.0-0.okd: p2 Rejected; 1 since p1, which was accepted"),
        "{shown}"
    );
    assert!(
        shown.contains("sources.results.release-controller could not be read"),
        "{shown}"
    );
}

#[test]
fn a_source_that_is_cut_off_costs_itself_alone() {
    let world = world();
    write(&world, "ci/prowjobs.js", "{\"items\":[{\"spec\":{");
    let (found, code) = answer(&world, &[]);
    assert_eq!(image(&found, "harbor-base")["state"], "unknown");
    assert_eq!(
        found["releases"][0]["payloads"][0]["newest"], "p2",
        "the release controller is read all the same"
    );
    assert_eq!(found["unread"].as_array().map(Vec::len), Some(2));
    assert_eq!(code, 1);
}

#[test]
fn nothing_is_on_unless_it_is_configured() {
    let ran = run(&World::base(), &["results"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("`sources.results` of the configuration names none"),
        "{}",
        ran.stderr
    );
}

/// Puts the world's components on a GitHub, where harbor's image fails since its second commit and OCP's as well. Those two
/// commits.
pub(crate) fn on_github(world: &World, github: &FakeGithub, prow: &str, more: &str) -> (String, String) {
    let dockerfile = [("Dockerfile", "FROM base:1\n")];
    github.repository("openshift/harbor", &dockerfile);
    for repo in ["openshift/beacon", "openshift/tidewatch"] {
        github.repository(repo, &dockerfile);
    }
    let push = |repo: &str, file: &str| {
        let commit = github.push(repo, "main", "ann", &[(file, Some("x"))]);
        let mut inside = github.inside();
        inside
            .state
            .set_ref(repo, "refs/heads/release-4.16", Some(commit.clone()));
        commit
    };
    let (good, bad) = (push("openshift/harbor", "a"), push("openshift/harbor", "b"));
    for repo in ["openshift/beacon", "openshift/tidewatch"] {
        push(repo, "a");
    }
    let (okd, ocp) = (job("harbor", "okd-scos-"), job("harbor", ""));
    let status = |context: &str, state: &str, id: &str, who: &str| {
        let link = format!("https://prow.example.com/view/gs/x/logs/{context}/{id}");
        [context.to_owned(), state.to_owned(), link, who.to_owned()]
    };
    {
        let mut inside = github.inside();
        inside
            .state
            .statuses
            .insert(good.clone(), vec![status(&okd, "SUCCESS", "1", "openshift-ci")]);
        let of_bad = vec![
            status(&okd, "FAILURE", "2", "openshift-ci"),
            status(&ocp, "FAILURE", "2", "openshift-ci"),
            status(&okd, "SUCCESS", "9", "somebody"),
        ];
        inside.state.statuses.insert(bad.clone(), of_bad);
    }
    write(world, "token", "secret\n");
    let config = format!(
        "{{sources: {{build-data: {{repo: 'build-data/{{release}}'}}, ci-config: {{repo: repos/openshift/release}}, components: {{repo: \
         'https://github.com/{{org}}/{{repo}}', via: github}}, results: {{github: true, prow: {{author: openshift-ci, {prow}}}{more}}}}}, \
         forge: {{kind: github, api: '{}', token-file: token}}}}",
        github.url
    );
    world.unconfigure("forge");
    world.configure(&serde_yaml::from_str(&config).expect("YAML"));
    (good, bad)
}

#[test]
fn statuses_of_merged_commits_tell_of_runs_of_long_ago() {
    let world = world();
    let github = FakeGithub::start();
    let (good, bad) = on_github(&world, &github, "artifacts: ci/artifacts", "");
    let (found, code) = answer(&world, &["--image", "harbor-base"]);
    let harbor = image(&found, "harbor-base");
    assert_eq!(harbor["state"], "broken", "{found}");
    assert_eq!((&harbor["since"], &harbor["last_good"]), (&bad.into(), &good.into()));
    assert_eq!(
        harbor["okd_only"], false,
        "OCP's fails on the same commit, and its own CI tells of that"
    );
    assert_eq!(harbor["suspects"].as_array().map(Vec::len), Some(1));
    assert_eq!(code, 0);
}

#[test]
fn the_steps_of_a_branch_are_its_merges_and_not_what_they_merged() {
    let world = world();
    let github = FakeGithub::start();
    let (good, last) = on_github(&world, &github, "artifacts: ci/artifacts", "");
    let okd = job("harbor", "okd-scos-");
    // Two pull requests of more commits each than GitHub lists at once; the commits of the second are younger than the first merge.
    let merge = |number: u32, onto: &str| {
        let mut inside = github.inside();
        let state = &mut inside.state;
        let tree = state
            .git
            .find_commit(git2::Oid::from_str(onto).unwrap())
            .unwrap()
            .tree_id();
        let (tree, who) = (tree.to_string(), ("ann", "ann@example.org"));
        let mut side = onto.to_owned();
        for n in 0..25 {
            side = state.commit(&tree, &[side], &format!("Step {n} (#999)"), who).unwrap();
        }
        let message = format!("Merge pull request #{number} from ann/branch\n\nThe change {number}\n");
        state.commit(&tree, &[onto.to_owned(), side], &message, who).unwrap()
    };
    let first = merge(728, &last);
    let second = merge(729, &first);
    {
        let mut inside = github.inside();
        let status = |state: &str, id: &str| {
            let link = format!("https://prow.example.com/view/gs/x/logs/{okd}/{id}");
            vec![[okd.clone(), state.to_owned(), link, "openshift-ci".to_owned()]]
        };
        let statuses = &mut inside.state.statuses;
        statuses.clear();
        statuses.insert(good.clone(), status("SUCCESS", "1"));
        statuses.insert(first.clone(), status("SUCCESS", "5"));
        statuses.insert(second.clone(), status("FAILURE", "6"));
        let branch = "refs/heads/release-4.16";
        inside.state.set_ref("openshift/harbor", branch, Some(second.clone()));
    }
    let folder = format!("ci/artifacts/logs/{okd}");
    std::fs::rename(world.path(&format!("{folder}/2")), world.path(&format!("{folder}/6"))).expect("moved");
    let (found, code) = answer(&world, &["--image", "harbor-base"]);
    let harbor = image(&found, "harbor-base");
    assert_eq!(
        (&harbor["since"], &harbor["last_good"]),
        (&second.clone().into(), &first.into()),
        "{found}"
    );
    assert_eq!(
        harbor["suspects"],
        json!([{"commit": second, "pull": 729, "title": "The change 729"}]),
        "one pull request was merged, whatever it is made of"
    );
    assert_eq!(code, 0);
    let asked = github.asked(0);
    let questions = asked.iter().filter(|asked| asked.ends_with("/graphql")).count();
    assert!(
        questions <= 6,
        "a line of steps is followed in a few questions: {asked:?}"
    );
}

#[test]
fn a_silence_is_shown_with_its_reason_until_its_day() {
    let told = |until: &str| {
        let world = world();
        let silence = format!(
            "feedback: {{silence: [{{image: harbor-base, reason: its upstream moves, author: ann, until: {until}}}]}}"
        );
        world.configure(&serde_yaml::from_str(&silence).expect("YAML"));
        answer(&world, &["--image", "harbor-base"]).0["releases"][0]["images"][0]["silenced"].clone()
    };
    assert_eq!(told("2999-01-01"), "its upstream moves (ann, until 2999-01-01)");
    assert_eq!(
        told("2020-01-01"),
        Json::Null,
        "a silence in the past says nothing any more"
    );
}
