//! A cut to its end: what verifies the new release's payload and mirrors its images is there before it is named, and a payload
//! that comes out is verified by jobs that exist.

use crate::support::cut_world;
use cut_world::CutWorld;
use serde_json::Value as Json;

const CONFIGS: &str = "ci-operator/config/openshift/release/openshift-release-master__okd-scos-";
const JOBS: &str = "ci-operator/jobs/openshift/release/openshift-release-master-periodics.yaml";
pub(crate) const CONTROLLERS: &str = "core-services/release-controller/_releases/release-okd-scos-";
const MIRRORING: &str = "core-services/image-mirroring/openshift/_config.yaml";

fn main_config(release: &str, lower: &str) -> String {
    format!(
        "base_images:\n  upi:\n    name: \"{release}\"\n    namespace: origin\n    tag: upi\nreleases:\n  initial:\n    prerelease:\n      \
         product: okd\n      version_bounds:\n        lower: {lower}.0-0\n        stream: 4-scos-stable\n        upper: 4.999.0-0\n  \
         latest:\n    candidate:\n      product: okd\n      stream: okd-scos\n      version: \"{release}\"\ntests:\n- as: e2e\n  interval: \
         168h\n  steps:\n    workflow: e2e\nzz_generated_metadata:\n  branch: master\n  org: openshift\n  repo: release\n  variant: \
         okd-scos-{release}\n"
    )
}

fn pair(to: &str, from: &str) -> String {
    format!(
        "releases:\n  initial:\n    candidate:\n      version: \"{from}\"\n  latest:\n    candidate:\n      version: \"{to}\"\ntests:\n- as: \
         upgrade\n  interval: 168h\n  steps:\n    workflow: upgrade\nzz_generated_metadata:\n  branch: master\n  org: openshift\n  repo: \
         release\n  variant: okd-scos-{to}-upgrade-from-okd-scos-{from}\n"
    )
}

pub(crate) fn controller(release: &str, from: &str) -> String {
    let job = format!("periodic-ci-openshift-release-master-okd-scos-{release}");
    format!(
        "{{\n  \"name\": \"{release}.0-0.okd-scos\",\n  \"verify\": {{\n    \"aws\":{{\"prowJob\": {{\"name\": \"{job}-e2e\"}}}},\n     \
         \"aws-upgrade-minor\": {{\n      \"prowJob\": {{\"name\": \"{job}-upgrade-from-okd-scos-{from}-upgrade\"}},\n      \
         \"upgradeFromRelease\": {{\"candidate\": {{\"stream\": \"okd\", \"version\": \"{from}\"}}}}\n    }}\n  }}\n}}\n"
    )
}

fn mirroring(release: &str) -> String {
    format!(
        "source_registry: \"registry.ci.openshift.org\"\nsource_namespace: origin\ntarget_registry: \"quay.io\"\ntarget_namespace: \
         openshift\nimages:\n  \"scos-{release}\":\n  - \"{release}\"\n  - \"{release}.0\"\n  - latest\n"
    )
}

/// Puts what verifies and mirrors a release in its place.
pub(crate) fn verified(world: &CutWorld, release: &str, from: &str, lower: &str) {
    let (next, stable) = (
        format!("{CONTROLLERS}4.y-next.json"),
        format!("{CONTROLLERS}4.y-stable.json"),
    );
    world.write(&[
        (&format!("{CONFIGS}{release}.yaml"), &main_config(release, lower)),
        (&format!("{CONFIGS}{release}-upgrade-from-okd-scos-{from}.yaml"), &pair(release, from)),
        (&format!("{CONTROLLERS}{release}.json"), &controller(release, from)),
        (MIRRORING, &mirroring(release)),
        (&next, "{\n  \"name\":\"4-scos-next\"\n}\n"),
        (
            &stable,
            "{\n  \"name\":\"4-scos-stable\",\n  \"verify\":{\n    \"minor\":{\n      \"upgradeFrom\": \"PreviousMinor\"\n    }\n  }\n}\n",
        ),
    ]);
}

fn steps(view: &Json) -> Vec<(String, Vec<String>)> {
    let text = |value: &Json| value.as_str().unwrap_or("?").to_owned();
    let steps = view["steps"].as_array().expect("steps").iter();
    let paths = |step: &Json| {
        step["files"]
            .as_array()
            .expect("files")
            .iter()
            .map(|file| text(&file["path"]))
            .collect()
    };
    steps
        .map(|step| {
            (
                format!("{} {}", text(&step["release"]), text(&step["kind"])),
                paths(step),
            )
        })
        .collect()
}

fn holds(view: &Json) {
    for step in view["steps"].as_array().expect("steps") {
        let checks = step["checks"].as_array().expect("checks");
        assert_eq!(checks.len(), 5, "jobs and mirroring are known: {step:#}");
        for check in checks {
            assert_eq!(check["broken_by"], Json::Array(Vec::new()), "{step:#}");
        }
    }
}

/// Merges one step after the other, as `cut --apply` proposes them; gives their kinds.
fn arrive(world: &CutWorld, from: &str, to: &str) -> Vec<String> {
    let mut taken = Vec::new();
    loop {
        let ran = world.run("cut", &["--from", from, "--to", to, "--format", "json", "--apply"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let view = ran.json();
        let Some((kind, _)) = steps(&view).first().cloned() else {
            assert_eq!(view["stuck"], Json::Array(Vec::new()), "{view:#}");
            return taken;
        };
        holds(&view);
        world.merge(view["steps"][0]["head"].as_str().expect("a head"));
        world.check();
        taken.push(kind);
        assert!(taken.len() < 14, "the train does not arrive: {taken:?}");
    }
}

#[test]
fn nothing_is_named_before_it_exists() {
    let world = CutWorld::new();
    verified(&world, "4.16", "4.15", "4.14");
    let view = world.cut(&[]).json();
    holds(&view);
    let all = steps(&view);
    let kinds: Vec<&str> = all.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "4.17 payload-jobs",
            "4.16 payload-jobs",
            "4.17 vacate",
            "4.17 configs",
            "4.16 bases",
            "4.16 configs"
        ]
    );
    let first: Vec<&str> = all[0].1.iter().map(String::as_str).collect();
    assert_eq!(
        first,
        [
            &format!("{CONFIGS}4.17-upgrade-from-okd-scos-4.16.yaml"),
            &format!("{CONFIGS}4.17.yaml"),
            JOBS,
            MIRRORING
        ]
    );
    let promotes_first = &all[2].1;
    for path in [
        format!("{CONTROLLERS}4.17.json"),
        MIRRORING.replace("_config.yaml", "mapping_origin_scos-4_17"),
    ] {
        assert!(promotes_first.contains(&path), "{path}: {promotes_first:?}");
    }
    let verified = &view["payloads"][1];
    assert_eq!(
        (&verified["release"], &verified["missing"]),
        (&Json::from("4.17"), &Json::Array(Vec::new()))
    );
    assert_eq!(verified["jobs"].as_array().map(Vec::len), Some(2), "{view:#}");
    let text = world.cut(&["--format", "text"]).stdout;
    assert!(
        text.contains("a payload of 4.17 would be verified by 2 jobs that are there"),
        "{text}"
    );
}

#[test]
fn the_cut_arrives_and_its_payload_is_verified() {
    let world = CutWorld::new();
    verified(&world, "4.16", "4.15", "4.14");
    assert_eq!(arrive(&world, "4.16", "4.17").len(), 6);
    let jobs = world.read(JOBS);
    for name in ["4.17-e2e", "4.17-upgrade-from-okd-scos-4.16-upgrade", "4.16-e2e"] {
        assert!(
            jobs.contains(&format!(
                "  name: periodic-ci-openshift-release-master-okd-scos-{name}\n"
            )),
            "{jobs}"
        );
    }
    assert_eq!(
        world.read(&format!("{CONTROLLERS}4.17.json")),
        controller("4.17", "4.16")
    );
    let config = world.read(&format!("{CONFIGS}4.17.yaml"));
    assert_eq!(
        config,
        main_config("4.17", "4.15"),
        "bounds and all that names the release, and nothing else"
    );
    let mirrored = world.read(MIRRORING);
    assert!(
        mirrored.ends_with("  \"scos-4.17\":\n  - \"4.17\"\n  - \"4.17.0\"\n  - latest\n  \"scos-4.16\":\n  - \"4.16\"\n  - \"4.16.0\"\n"),
        "{mirrored}"
    );
}

#[test]
fn a_job_that_nobody_makes_is_told_by_the_step_that_would_need_it() {
    let world = CutWorld::new();
    verified(&world, "4.16", "4.15", "4.14");
    let more = controller("4.16", "4.15").replace("-e2e\"}}", "-gone\"}}");
    world.write(&[(&format!("{CONTROLLERS}4.16.json"), &more)]);
    let view = world.cut(&[]).json();
    let broken: Vec<String> = view["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .flat_map(|step| step["checks"].as_array().expect("checks"))
        .flat_map(|check| check["broken_by"].as_array().expect("a list"))
        .map(ToString::to_string)
        .collect();
    assert_eq!(broken.len(), 1, "{broken:?}");
    assert!(
        broken[0].contains("4.17.json: periodic-ci-openshift-release-master-okd-scos-4.17-gone"),
        "{broken:?}"
    );
    assert_eq!(view["payloads"][1]["missing"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_cut_over_a_major_has_its_streams_and_its_upgrades() {
    let world = CutWorld::across_a_major();
    verified(&world, "4.23", "4.22", "4.21");
    let taken = arrive(&world, "4.23", "5.0");
    assert_eq!(taken[0], "5.0 payload-jobs");
    let config = world.read(&format!("{CONFIGS}5.0.yaml"));
    for line in [
        "lower: 4.21.0-0",
        "stream: 5-scos-stable",
        "upper: 5.999.0-0",
        "enable_secrets_store_csi_driver: true",
    ] {
        assert!(config.contains(line), "{line} in {config}");
    }
    let upgrade = world.read(&format!("{CONFIGS}5.0-upgrade-from-okd-scos-4.22.yaml"));
    assert!(
        upgrade.contains("version: \"4.22\"") && upgrade.contains("version: \"5.0\""),
        "{upgrade}"
    );
    assert_eq!(world.read(&format!("{CONTROLLERS}5.0.json")), controller("5.0", "4.22"));
    assert_eq!(
        world.read(&format!("{CONTROLLERS}5.y-next.json")),
        "{\n  \"name\":\"5-scos-next\"\n}\n"
    );
    let stable = world.read(&format!("{CONTROLLERS}5.y-stable.json"));
    assert!(
        stable.contains("\"5-scos-stable\"")
            && stable.contains("      \"upgradeFrom\": \"PreviousMinor\",\n      \"disabled\": true\n"),
        "{stable}"
    );
    let mirrored = world.read(MIRRORING);
    assert!(
        mirrored.contains("  \"scos-5.0\":\n  - \"5.0\"\n  - \"5.0.0\"\n  - latest\n  \"scos-4.23\":\n"),
        "{mirrored}"
    );
}

#[test]
fn a_cut_goes_over_the_configured_releases() {
    let world = CutWorld::new();
    let text = world
        .config_text("")
        .replace("[\"4.16\", \"4.17\"]", "[\"4.16\", \"4.18\"]");
    std::fs::write(world.path("lockstep.yaml"), text).expect("a file");
    world.change_build_data("4.18", "group.yml", "vars: {MAJOR: 4, MINOR: 18}\n");
    let ran = world.run("cut", &["--from", "4.16", "--to", "4.18", "--format", "json"]);
    let view = ran.json();
    assert_eq!(view["releases"], serde_json::json!(["4.16", "4.18"]));
    assert_eq!(view["left_out"], serde_json::json!(["4.17"]));
    assert!(
        ran.stderr
            .contains("build data has 4.17 between 4.16 and 4.18, which `releases` does not name"),
        "{}",
        ran.stderr
    );
    assert!(
        steps(&view).iter().all(|(kind, _)| !kind.starts_with("4.17")),
        "{view:#}"
    );
    let text = world.run("cut", &["--from", "4.16", "--to", "4.18"]).stdout;
    assert!(
        text.starts_with("branch cut 4.16 → 4.18 (4.17 is left out): "),
        "{text}"
    );
}

/// Lets the configuration find its releases itself.
fn auto(world: &CutWorld) {
    let text = world
        .config_text("")
        .replace("releases: [\"4.16\", \"4.17\"]", "releases: auto");
    std::fs::write(world.path("lockstep.yaml"), text).expect("a file");
    // In the fixture one config has moved on already.
    let all = world.all();
    let moved = all.iter().filter(|(path, _)| path.ends_with("__okd-scos.yaml"));
    let moved: Vec<(&str, String)> = moved
        .map(|(path, text)| {
            (
                path.as_str(),
                String::from_utf8_lossy(text).replace("scos-4.17", "scos-4.15"),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = moved.iter().map(|(path, text)| (*path, text.as_str())).collect();
    world.write(&files);
}

#[test]
fn a_release_that_nothing_of_okd_knows_is_passed_over() {
    let world = CutWorld::new();
    auto(&world);
    let plan = world.run("plan", &["--format", "json"]).json();
    let told: Vec<&Json> = plan["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter(|finding| finding["code"] == "release-passed-over")
        .collect();
    assert_eq!(told.len(), 1, "{plan:#}");
    assert_eq!(
        (&told[0]["release"], &told[0]["severity"]),
        (&Json::from("4.17"), &Json::from("note"))
    );
    assert!(
        !plan["pull_requests"].to_string().contains("lockstep/ci/4.17"),
        "no configs: {plan:#}"
    );
    // A file of the release controller's is enough to be known by.
    world.write(&[(
        &format!("{CONTROLLERS}4.17-ci.json"),
        "{\"name\": \"4.17.0-0.okd-scos\"}\n",
    )]);
    let plan = world.run("plan", &["--format", "json"]).json();
    assert!(
        !plan["findings"].to_string().contains("release-passed-over"),
        "{plan:#}"
    );
    assert!(
        plan["pull_requests"].to_string().contains("lockstep/ci/4.17"),
        "{plan:#}"
    );
}

#[test]
fn a_cut_begins_with_a_release_that_nothing_of_okd_knows() {
    let world = CutWorld::new();
    auto(&world);
    let view = world.cut(&[]).json();
    assert_eq!(view["releases"], serde_json::json!(["4.16", "4.17"]));
    assert!(!view["steps"].as_array().expect("steps").is_empty());
}

/// Puts an end to 4.16, and lets nothing promote to it any more.
fn ended(world: &CutWorld) {
    let group = "vars: {MAJOR: 4, MINOR: 16}\nsoftware_lifecycle: {phase: eol}\n";
    world.change_build_data("4.16", "group.yml", group);
    let all = world.all();
    let configs = all.keys().filter(|path| path.ends_with("__okd-scos.yaml"));
    let files: Vec<(&str, &str)> = configs.map(|path| (path.as_str(), "tests: []\n")).collect();
    world.write(&files);
}

#[test]
fn what_verifies_and_mirrors_an_ended_release_goes_in_one_request() {
    let world = CutWorld::new();
    verified(&world, "4.16", "4.15", "4.14");
    let jobs = "periodics:\n- agent: kubernetes\n  labels:\n    ci-operator.openshift.io/variant: okd-scos-4.16\n    \
                ci.openshift.io/generator: prowgen\n  name: periodic-ci-openshift-release-master-okd-scos-4.16-e2e\n- agent:   \
                kubernetes\n  name: periodic-theirs\n";
    let both = mirroring("4.17") + "  \"scos-4.16\":\n  - \"4.16\"\n  - \"4.16.0\"\n";
    let mapping = MIRRORING.replace("_config.yaml", "mapping_origin_scos-4_16");
    world.write(&[
        (JOBS, jobs),
        (MIRRORING, &both),
        (&mapping, "x\n"),
        (
            &format!("{CONFIGS}4.17-upgrade-from-okd-scos-4.16.yaml"),
            &pair("4.17", "4.16"),
        ),
        (&format!("{CONTROLLERS}4.17.json"), &controller("4.17", "4.16")),
    ]);
    let refused = world.run("cut", &["--retire", "4.16"]);
    assert_eq!(refused.code, 1, "{}", refused.stdout);
    assert!(
        refused.stderr.contains("no rule says that 4.16 has ended"),
        "{}",
        refused.stderr
    );
    assert!(world.pull_requests().is_empty(), "nothing is retired by itself");

    ended(&world);
    let seen = world.run("cut", &["--retire", "4.16"]);
    assert_eq!(seen.code, 0, "{}", seen.stderr);
    assert!(
        seen.stdout
            .contains("What `lockstep cut --retire 4.16 --apply` would write")
            && seen.stdout.contains("open a pull request from lockstep/retire/4.16"),
        "{}",
        seen.stdout
    );
    assert!(world.pull_requests().is_empty(), "who looks writes nothing");
    let ran = world.run("cut", &["--retire", "4.16", "--apply", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let view = ran.json();
    let refers = view["referrers"].to_string();
    assert!(
        refers.contains("tests upgrades from 4.16 to 4.17") && refers.contains("upgrades from 4.16"),
        "{view:#}"
    );
    let schema = world.run("cut", &["--retire", "4.16", "--schema"]).json();
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    assert!(validator.is_valid(&view), "{schema:#}");
    assert_eq!(
        schema["required"],
        serde_json::json!(["release", "because", "files", "referrers"]),
        "nothing of the train's"
    );
    assert_eq!(world.pull_requests().len(), 1);
    world.merge("lockstep/retire/4.16");
    let all = world.all();
    for gone in [
        &format!("{CONFIGS}4.16.yaml"),
        &format!("{CONFIGS}4.16-upgrade-from-okd-scos-4.15.yaml"),
        &format!("{CONTROLLERS}4.16.json"),
        &mapping,
    ] {
        assert!(!all.contains_key(gone), "{gone}");
    }
    assert_eq!(
        world.read(JOBS),
        "periodics:\n- agent:   kubernetes\n  name: periodic-theirs\n",
        "others keep their bytes"
    );
    assert_eq!(world.read(MIRRORING), mirroring("4.17"));
    assert!(all.contains_key(&format!("{CONFIGS}4.17-upgrade-from-okd-scos-4.16.yaml")));
    let again = world.run("cut", &["--retire", "4.16", "--apply"]);
    assert!(again.stdout.contains("nothing of it is left"), "{}", again.stdout);
    assert!(again.stderr.contains("as merged"), "{}", again.stderr);
    let records = world.pull_requests();
    let merged = |record: &Vec<u8>| String::from_utf8_lossy(record).contains("\"state\": \"merged\"");
    assert!(records.len() == 1 && records.values().all(merged), "{records:?}");
}

#[test]
fn a_stream_that_something_promotes_to_stays_mirrored() {
    let world = CutWorld::new();
    verified(&world, "4.16", "4.15", "4.14");
    world.change_build_data(
        "4.16",
        "group.yml",
        "vars: {MAJOR: 4, MINOR: 16}\nsoftware_lifecycle: {phase: eol}\n",
    );
    let view = world.run("cut", &["--retire", "4.16", "--format", "json"]).json();
    assert!(
        view["referrers"]
            .to_string()
            .contains("promote to origin/scos-4.16, which stays mirrored"),
        "{view:#}"
    );
    assert!(!view["files"].to_string().contains("image-mirroring"), "{view:#}");
}

#[test]
fn what_verifies_a_payload_is_told_with_what_is_missing() {
    let world = CutWorld::new();
    let nothing = world.run("payload", &["--release", "4.16"]);
    assert_eq!(nothing.code, 1);
    assert!(nothing.stderr.contains("have no gating configs"), "{}", nothing.stderr);
    verified(&world, "4.16", "4.15", "4.14");
    let more = controller("4.16", "4.15").replace("-e2e\"}}", "-gone\"}}");
    world.write(&[(&format!("{CONTROLLERS}4.16.json"), &more)]);
    let all = world.run("payload", &["--format", "json"]).json();
    let (old, new) = (&all[0], &all[1]);
    let job = |name: &str| &old["jobs"][format!("periodic-ci-openshift-release-master-okd-scos-4.16-{name}")];
    assert_eq!(job("e2e")["config"], format!("{CONFIGS}4.16.yaml"), "{all:#}");
    assert_eq!(job("e2e")["waited_for_by"], serde_json::json!([]));
    assert_eq!(
        job("gone")["waited_for_by"],
        serde_json::json!(["release-okd-scos-4.16.json: aws"])
    );
    assert_eq!(
        (&job("gone")["blocking"], &job("e2e")["blocking"]),
        (&Json::from(true), &Json::from(false))
    );
    assert_eq!(
        old["upgrades_from"]["4.15"],
        format!("{CONFIGS}4.16-upgrade-from-okd-scos-4.15.yaml")
    );
    assert_eq!(old["missing"].as_array().map(Vec::len), Some(1));
    let missing = new["missing"].to_string();
    for what in [
        "4.17 has no gating config",
        "upgrades from 4.16 to 4.17",
        "no file of it",
    ] {
        assert!(missing.contains(what), "{what} in {missing}");
    }
    let text = world.run("payload", &["--release", "4.16"]).stdout;
    assert!(
        text.contains("-4.16-gone\n    from no gating config; waited for by release-okd-scos-4.16.json: aws\n"),
        "{text}"
    );
    assert!(
        text.contains("  missing: `verify.aws` of release-okd-scos-4.16.json waits for "),
        "{text}"
    );
}

/// The cut over a major, before build data has a branch of the new one; a rule says where that is upgraded to from.
fn before_the_major() -> CutWorld {
    let world = CutWorld::across_a_major();
    verified(&world, "4.23", "4.22", "4.21");
    let rule = "rules:\n- id: mine\n  because: People chose so.\n  on: target\n  releases: \"5.0\"\n  when: target == 'payload-jobs'\n  \
                set: {upgrades_from: ['4.23']}\n  overrides: [upgrades-to-first-of-major]\n";
    std::fs::write(world.path("mine.yaml"), rule).expect("a file");
    let repo = git2::Repository::open(world.path("build-data.git")).expect("a repository");
    let mut branch = repo
        .find_branch("openshift-5.0", git2::BranchType::Local)
        .expect("a branch");
    branch.delete().expect("it goes");
    world
}

fn configure(world: &CutWorld, releases: &str, rules: &str) {
    let text = world
        .config_text("")
        .replace("[\"4.23\", \"5.0\"]", releases)
        .replace("[builtin]", rules);
    std::fs::write(world.path("lockstep.yaml"), text).expect("a file");
}

#[test]
fn a_major_of_the_rules_without_a_branch_is_told() {
    let world = before_the_major();
    configure(&world, "[\"4.23\"]", "[builtin]");
    let before = world.run("audit", &["--format", "json"]);
    let text = world.config_text("").replace("[builtin]", "[builtin, mine.yaml]");
    std::fs::write(world.path("lockstep.yaml"), text).expect("a file");
    let ran = world.run("audit", &["--format", "json"]);
    assert_eq!((before.code, ran.code), (0, 0), "{}", ran.stderr);
    let (before, report) = (before.json(), ran.json());
    let all = |report: &Json| report["findings"].as_array().expect("findings").clone();
    let new: Vec<Json> = all(&report)
        .into_iter()
        .filter(|finding| !all(&before).contains(finding))
        .collect();
    assert_eq!(new.len(), 1, "nothing else is found or lost: {new:#?}");
    assert_eq!(all(&report).len(), all(&before).len() + 1);
    assert_eq!(
        (&new[0]["code"], &new[0]["severity"]),
        (&Json::from("major-without-branch"), &Json::from("note"))
    );
    assert_eq!(
        new[0]["message"],
        "5.0 is upgraded to from 4.23 by mine (mine.yaml:2), and build data has no branch of 5.0 yet"
    );
}

#[test]
fn a_release_that_is_asked_for_and_has_no_branch_costs_itself_alone() {
    let world = before_the_major();
    configure(&world, "[\"4.23\"]", "[builtin, mine.yaml]");
    let alone = world.run("plan", &["--format", "json"]);
    assert_eq!(alone.code, 0, "{}", alone.stderr);
    let text = world.config_text("").replace("[\"4.23\"]", "[\"4.23\", \"5.0\"]");
    std::fs::write(world.path("lockstep.yaml"), text).expect("a file");
    let both = world.run("plan", &["--format", "json"]);
    assert_eq!(both.code, 1);
    assert!(
        both.stderr.contains("5.0") && both.stderr.contains("openshift-5.0"),
        "{}",
        both.stderr
    );
    assert_eq!(both.json()["pull_requests"], alone.json()["pull_requests"]);
    let cut = world.run("cut", &["--from", "4.23", "--to", "5.0", "--format", "json"]);
    assert_eq!(cut.code, 1);
    assert!(
        cut.stderr.contains("build data has no release 5.0; it has 4.23"),
        "{}",
        cut.stderr
    );
}
