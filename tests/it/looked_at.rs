//! What was looked at is what is written; what only looks writes nothing; what is tried out shows what it alone changes.

use serde_json::Value as Json;

use crate::support::cut_world::{CutWorld, Ran};
use crate::support::service::{Service, wait_until};

fn done(ran: Ran) -> Ran {
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    ran
}

/// The branches of ours, with what they point at.
fn heads(world: &CutWorld) -> Vec<(String, git2::Oid)> {
    let repo = world.repo();
    let found = repo.references_glob("refs/heads/lockstep/*").unwrap();
    let mut all: Vec<_> = found
        .map(|found| {
            let found = found.unwrap();
            (found.name().unwrap().to_owned(), found.target().unwrap())
        })
        .collect();
    all.sort();
    all
}

fn trees(world: &CutWorld) -> Vec<(String, git2::Oid)> {
    let repo = world.repo();
    let tree = |id| repo.find_commit(id).unwrap().tree_id();
    heads(world).into_iter().map(|(name, id)| (name, tree(id))).collect()
}

fn kept(world: &CutWorld) {
    let ran = done(world.run("plan", &["--out", "plan.json"]));
    assert!(
        ran.stderr.contains("lockstep reconcile --plan plan.json"),
        "{}",
        ran.stderr
    );
    assert!(heads(world).is_empty(), "a plan writes nothing");
}

fn as_kept(world: &CutWorld) -> Ran {
    world.run("reconcile", &["--plan", "plan.json"])
}

#[test]
fn a_kept_plan_is_written_as_it_was_looked_at_whatever_moves_elsewhere() {
    let straight = CutWorld::new();
    done(straight.run("reconcile", &[]));
    let world = CutWorld::new();
    kept(&world);
    // Metadata goes on, and so do files that the plan does not touch: what was looked at is written all the same.
    world.change_build_data("4.16", "group.yml", "vars: {MAJOR: 4, MINOR: 16}\nname: changed\n");
    world.write(&[("README.md", "by ann\n")]);
    let dry = done(world.run("reconcile", &["--plan", "plan.json", "--dry-run"]));
    assert!(
        heads(&world).is_empty() && dry.stdout.contains("open a pull request"),
        "{}",
        dry.stdout
    );
    let said = done(as_kept(&world)).stdout;
    assert!(said.contains("As kept in plan.json: Drift: "), "{said}");
    let of = |world: &CutWorld, name: &str| -> Vec<(String, Option<Vec<u8>>)> {
        let repo = world.repo();
        let head = repo.find_reference(name).unwrap().peel_to_commit().unwrap();
        let base = head.parent(0).unwrap().tree().unwrap();
        let diff = repo
            .diff_tree_to_tree(Some(&base), Some(&head.tree().unwrap()), None)
            .unwrap();
        let new = diff.deltas().map(|delta| {
            let path = delta.new_file().path().unwrap().display().to_string();
            let blob = repo.find_blob(delta.new_file().id());
            (path, blob.ok().map(|blob| blob.content().to_vec()))
        });
        new.collect()
    };
    let names: Vec<String> = heads(&world).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 2);
    for name in names {
        assert_eq!(of(&world, &name), of(&straight, &name), "{name}");
    }
    let after = heads(&world);
    let again = done(as_kept(&world)).stdout;
    assert!(again.contains("up to date"), "{again}");
    assert_eq!(heads(&world), after, "once is enough");
}

#[test]
fn what_has_moved_is_told_and_nothing_of_it_is_written() {
    let world = CutWorld::new();
    kept(&world);
    let text = std::fs::read_to_string(world.path("plan.json")).unwrap();
    let plan: Json = serde_json::from_str(&text).unwrap();
    let first = |request: &Json| request["wanted"]["files"][0]["path"].as_str().unwrap().to_owned();
    let of = |release: &str| {
        let mut all = plan["requests"].as_array().unwrap().iter();
        first(all.find(|one| one["wanted"]["scope"]["release"] == release).unwrap())
    };
    // A person changes a file that the plan of 4.16 changes, and pushes to the branch of 4.17.
    world.write(&[(&of("4.16"), "by: ann\n")]);
    let ran = as_kept(&world);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let moved = ran
        .stdout
        .lines()
        .find(|line| line.contains("nothing is written"))
        .unwrap();
    assert!(moved.contains(&of("4.16")) && moved.contains("has changed"), "{moved}");
    let names: Vec<String> = heads(&world).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        ["refs/heads/lockstep/ci/4.17"],
        "the other one is as it was looked at"
    );
    world.push("lockstep/ci/4.17", &[("README.md", "by ann\n")]);
    let before = heads(&world);
    let ran = world.run("reconcile", &["--plan", "plan.json", "--format", "json"]);
    assert_eq!((ran.code, heads(&world)), (1, before), "{}", ran.stdout);
    let outcomes = ran.json()["outcomes"].clone();
    let errors: Vec<&str> = outcomes
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["error"].as_str())
        .collect();
    assert_eq!(errors.len(), 2, "{outcomes:#}");
    assert!(
        errors.iter().all(|error| error.ends_with("make a new plan")),
        "{errors:?}"
    );
}

#[test]
fn a_kept_plan_is_no_way_around() {
    let world = CutWorld::new();
    for args in [&["--set", "vars.MAJOR=4"][..], &["--with-rules", "."][..]] {
        let ran = world.run("plan", &[args, &["--out", "plan.json"]].concat());
        assert_eq!(ran.code, 64, "{}", ran.stderr);
        assert!(!world.path("plan.json").exists());
    }
    kept(&world);
    let text = std::fs::read_to_string(world.path("plan.json")).unwrap();
    std::fs::write(
        world.path("plan.json"),
        text.replace("namespace: origin", "namespace: oregon"),
    )
    .unwrap();
    let ran = as_kept(&world);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("somebody has edited it"), "{}", ran.stderr);
    for (text, said) in [("", "no kept plan"), ("{\"version\": 2}", "version 2")] {
        std::fs::write(world.path("plan.json"), text).unwrap();
        assert!(as_kept(&world).stderr.contains(said));
    }
    std::fs::remove_file(world.path("plan.json")).unwrap();
    assert!(as_kept(&world).stderr.contains("plan.json cannot be read"));
    let both = world.run("reconcile", &["--plan", "plan.json", "--release", "4.16"]);
    assert_eq!(both.code, 64, "{}", both.stderr);
    assert!(heads(&world).is_empty());
}

#[test]
fn a_lock_is_for_looking() {
    let world = CutWorld::new();
    done(world.run(
        "build-config",
        &["--release", "4.16", "--lock", "lock.json", "--offline"],
    ));
    let ran = world.run("reconcile", &["--locked", "lock.json"]);
    assert_eq!(ran.code, 64, "{}", ran.stderr);
    assert!(ran.stderr.contains("`--locked` is for looking"), "{}", ran.stderr);
    done(world.run("reconcile", &["--locked", "lock.json", "--dry-run"]));
    assert!(heads(&world).is_empty());
}

#[test]
fn an_observing_service_does_everything_but_write() {
    let world = CutWorld::new();
    let config = world.config("schedule: '0 0 0 1 1 *'\nlisten: 127.0.0.1:0\n");
    let service = Service::start_with(&config, &["--observe"], &[]);
    let planned = || service.get("/api/v1/pull-requests").1;
    wait_until("a plan", || service.log(), || planned().contains("\"planned\""));
    service.rest();
    assert!(
        heads(&world).is_empty() && world.pull_requests().is_empty(),
        "nothing is written"
    );
    let requests: Json = serde_json::from_str(&planned()).unwrap();
    assert_eq!(requests.as_array().unwrap().len(), 2, "{requests:#}");
    let status: Json = serde_json::from_str(&service.get("/api/v1/status").1).unwrap();
    assert_eq!(status["lease"]["state"], "observing", "{status:#}");
    let metrics = service.get("/metrics").1;
    assert!(metrics.contains("lockstep_writer 0"), "{metrics}");
    assert!(service.get("/").1.contains("it was started with --observe"));
    // What people do is seen.
    world.write(&[("core-services/release-controller/_releases/README.md", "by ann\n")]);
    service.rest();
    assert!(heads(&world).is_empty());
    assert!(service.end().0.success());
}

#[test]
fn a_try_shows_what_it_alone_changes() {
    let world = CutWorld::new();
    let rule = "rules:\n- id: other-argument\n  because: A try.\n  on: image\n  when: image.key == 'base'\n  append: {build_args: [{name: TRY, value: 'yes'}]}\n";
    std::fs::write(world.path("try.yaml"), rule).unwrap();
    let json = |args: &[&str]| done(world.run("plan", &[args, &["--format", "json"]].concat())).json();
    let as_it_is = json(&[]);
    let tried = json(&["--with-rules", "try.yaml"]);
    let files = |plan: &Json| -> Vec<String> {
        let requests = plan["pull_requests"].as_array().unwrap().iter();
        let files = requests.flat_map(|one| one["files"].as_array().unwrap());
        files.map(|file| file["path"].as_str().unwrap().to_owned()).collect()
    };
    let changed = files(&tried);
    assert!(
        !changed.is_empty() && changed.len() < files(&as_it_is).len(),
        "{changed:?}"
    );
    assert!(changed.iter().all(|path| path.contains("foundation")), "{changed:?}");
    let what_if = &tried["what_if"];
    assert_eq!(what_if["tried"], serde_json::json!(["--with-rules try.yaml"]));
    let whole = as_it_is["counts"].clone();
    assert_eq!(what_if["drift_as_it_is"], whole, "{what_if:#}");
    assert_eq!(tried["outcomes"], serde_json::json!([]), "nothing of a try is written");
    let causes = tried["pull_requests"][0]["files"][0]["causes"].to_string();
    assert!(
        causes.contains("build_args"),
        "the rule's own field is the cause: {causes}"
    );
    let text = done(world.run("plan", &["--with-rules", "try.yaml"])).stdout;
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("What if: `--with-rules try.yaml` changes "), "{last}");
    assert!(
        last.contains("against the configuration as it is; as it is, "),
        "{last}"
    );
    // What changes nothing says so, whatever else differs.
    let nothing = done(world.run("plan", &["--set", "vars.MAJOR=4"])).stdout;
    assert!(
        nothing.contains("What if: `--set vars.MAJOR=4` changes nothing"),
        "{nothing}"
    );
    let ran = world.run("plan", &["--set", "vars.MAJOR=4", "--exit-code"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert_eq!(world.run("plan", &["--with-rules", "try.yaml", "--exit-code"]).code, 2);
    assert_eq!(json(&[]), as_it_is, "nothing is remembered of a try");
    let wrong = world.run("plan", &["--set", "streams.golang.upstraem_image=x"]);
    assert_eq!(wrong.code, 1, "{}", wrong.stdout);
    assert!(!wrong.stdout.contains("changes nothing"), "{}", wrong.stdout);
}

#[test]
fn the_steps_of_a_cut_show_their_files_as_a_plan_does() {
    let world = CutWorld::new();
    let said = done(world.cut(&["--format", "text", "--by", "file"])).stdout;
    for step in 1..=4 {
        assert!(said.contains(&format!("\n{step}. 4.1")), "step {step} of\n{said}");
    }
    assert!(
        said.contains("--- a/ci-operator/config/") && said.contains("+++ b/ci-operator/config/"),
        "{said}"
    );
    assert!(said.contains("-  - name: scos-4.16\n+  - name: scos-4.17\n"), "{said}");
    let by_cause = done(world.cut(&["--format", "text", "--by", "cause"])).stdout;
    assert!(by_cause.contains("e.g. openshift/"), "{by_cause}");
    assert!(!done(world.cut(&["--format", "text"])).stdout.contains("--- a/"));
    assert_eq!(trees(&world), [], "nothing is written");
}

#[test]
fn a_field_can_be_explained_by_the_name_that_a_plan_has_for_it() {
    let world = CutWorld::new();
    let plan = done(world.run("plan", &["--format", "json"])).json();
    let mut asked = std::collections::BTreeMap::new();
    for request in plan["pull_requests"].as_array().unwrap() {
        let files = request["files"].as_array().unwrap().iter();
        for file in files.filter(|file| file["target"] == "prow-config") {
            for cause in file["causes"].as_array().unwrap() {
                let field = cause["field"].as_str().unwrap().to_owned();
                let image = cause["images"][0].as_str().or(file["images"][0].as_str());
                let (Some(image), Some(release)) = (image, request["release"].as_str()) else {
                    continue;
                };
                asked.insert(field, (image.to_owned(), release.to_owned()));
            }
        }
    }
    assert!(asked.len() >= 6, "{asked:?}");
    for (field, (image, release)) in asked {
        let ran = world.run("explain", &[&image, "--release", &release, "--field", &field]);
        assert_eq!(ran.code, 0, "{image} {release} {field}: {}", ran.stderr);
        assert!(ran.stdout.contains(" = "), "{field}: {}", ran.stdout);
    }
    let elsewhere = world.run("explain", &["newcomer", "--release", "4.16"]);
    assert!(elsewhere.stderr.contains("; 4.17 has it"), "{}", elsewhere.stderr);
    let unknown = world.run("explain", &["twims"]);
    assert!(unknown.stderr.contains("did you mean `twins`?"), "{}", unknown.stderr);
}
