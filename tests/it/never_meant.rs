//! What was never meant is never written: stories of a maintainer, a service and others on one target repository.

use serde_json::Value as Json;

use crate::support::cut_world::{CutWorld, Ran};

/// The branches of ours that are there, with their commits.
fn branches(world: &CutWorld) -> Vec<(String, String)> {
    let repo = world.repo();
    let found = repo.references_glob("refs/heads/lockstep/*").unwrap();
    let mut all: Vec<(String, String)> = found
        .map(|found| {
            let found = found.unwrap();
            let name = found.name().unwrap().trim_start_matches("refs/heads/").to_owned();
            (name, found.target().unwrap().to_string())
        })
        .collect();
    all.sort();
    all
}

fn names(world: &CutWorld) -> Vec<String> {
    branches(world).into_iter().map(|(name, _)| name).collect()
}

fn done(ran: Ran) -> Ran {
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    ran
}

fn reconcile(world: &CutWorld) -> Ran {
    done(world.run("reconcile", &[]))
}

#[test]
fn a_cut_that_is_under_way_is_the_one_owner_of_its_releases() {
    let world = CutWorld::new();
    done(world.cut(&["--apply"]));
    assert_eq!(names(&world), ["lockstep/cut"]);
    let after = (branches(&world), world.pull_requests());
    // Whoever comes, in whatever order and from wherever, proposes nothing against it.
    for _ in 0..2 {
        let said = reconcile(&world).stdout;
        assert!(
            said.contains("step 1 of 4 of the cut from 4.16 to 4.17 is open"),
            "{said}"
        );
        assert!(said.contains("left to the branch cut that is under way"), "{said}");
        let text = CutWorld::config_text(&world, "").replace("state: state", "state: elsewhere");
        std::fs::write(world.path("elsewhere.yaml"), text).unwrap();
        let elsewhere = done(world.run_with("elsewhere.yaml", "reconcile", &[]));
        assert!(elsewhere.stdout.contains("--abandon"), "{}", elsewhere.stdout);
        let plan = done(world.run("plan", &["--format", "json"])).json();
        for outcome in plan["outcomes"].as_array().unwrap() {
            assert_eq!(outcome["action"], "leave-to-cut", "{outcome:#}");
            assert_eq!(outcome["writes"], Json::Array(Vec::new()), "{outcome:#}");
        }
        done(world.cut(&["--apply"]));
        assert_eq!((branches(&world), world.pull_requests()), after);
    }
    // Between two steps it is under way still.
    world.merge("lockstep/cut");
    let said = reconcile(&world).stdout;
    assert!(said.contains("step 1 of 4") && said.contains("is merged"), "{said}");
    assert_eq!(names(&world), ["lockstep/cut"]);
    let view = done(world.cut(&["--apply"])).json();
    assert_eq!(view["steps"][0]["number"], 2, "{view:#}");
    let record = String::from_utf8(
        world
            .pull_requests()
            .remove("openshift__release__lockstep_cut.json")
            .unwrap(),
    );
    assert!(record.unwrap().contains("Cut to 4.17, step 2 of 4"));
}

#[test]
fn a_cut_closes_what_was_open_and_gives_it_back_when_it_is_given_up() {
    let world = CutWorld::new();
    reconcile(&world);
    let before = names(&world);
    assert_eq!(before, ["lockstep/ci/4.16", "lockstep/ci/4.17"]);
    let content = |name: &str| {
        let repo = world.repo();
        let head = repo.find_reference(&format!("refs/heads/{name}")).unwrap();
        head.peel_to_tree().unwrap().id()
    };
    let trees: Vec<_> = before.iter().map(|name| content(name)).collect();
    let said = done(world.cut(&["--apply"])).stderr;
    assert!(said.contains("closed, a branch cut is under way and has it"), "{said}");
    assert_eq!(names(&world), ["lockstep/cut"]);
    let said = done(world.cut(&["--abandon", "--format", "text"])).stdout;
    assert!(said.contains("is given up at step 1"), "{said}");
    assert!(names(&world).is_empty(), "{:?}", names(&world));
    assert!(done(world.cut(&["--abandon"])).stdout.contains("nothing is given up"));
    reconcile(&world);
    assert_eq!(names(&world), before);
    let again: Vec<_> = before.iter().map(|name| content(name)).collect();
    assert_eq!(again, trees, "it ends where it would have been without the cut");
}

#[test]
fn in_all_orders_a_cut_ends_in_the_same_place() {
    let straight = CutWorld::new();
    let arrive = |world: &CutWorld, between: &dyn Fn(usize)| {
        for turn in 0.. {
            assert!(turn < 12, "it does not arrive");
            let view = done(world.cut(&["--apply"])).json();
            between(turn);
            if view["steps"].as_array().unwrap().is_empty() {
                return;
            }
            world.merge("lockstep/cut");
            world.check();
            between(turn);
        }
    };
    arrive(&straight, &|_| {});
    let world = CutWorld::new();
    arrive(&world, &|turn| {
        for _ in 0..=turn % 2 {
            reconcile(&world);
            world.check();
        }
    });
    assert_eq!(world.all(), straight.all());
    let plan = world.run("plan", &["--exit-code"]);
    assert!(!plan.stdout.contains("under way"), "{}", plan.stdout);
}

#[test]
fn a_persons_commit_on_a_step_is_left_alone_and_merged_it_blocks_nothing() {
    let world = CutWorld::new();
    done(world.cut(&["--apply"]));
    world.push("lockstep/cut", &[("README.md", "by ann\n")]);
    let tip = branches(&world);
    let said = done(world.cut(&["--apply"])).stderr;
    reconcile(&world);
    assert!(said.contains("ann") || said.contains("up to date"), "{said}");
    assert_eq!(branches(&world), tip);
    world.merge("lockstep/cut");
    let view = done(world.cut(&["--apply"])).json();
    assert_eq!(view["steps"][0]["number"], 2, "{view:#}");
    assert_ne!(branches(&world), tip, "the next step is on the branch");
}

#[test]
fn a_target_alone_leaves_the_rest_of_a_request_as_it_is() {
    let world = CutWorld::new();
    reconcile(&world);
    let before = branches(&world);
    for target in ["release-controller", "prow-config", "prow-jobs"] {
        done(world.run("reconcile", &["--target", target]));
        assert_eq!(branches(&world), before, "{target}");
    }
    for release in ["4.16", "4.17"] {
        done(world.run("reconcile", &["--release", release]));
        assert_eq!(branches(&world), before, "{release}");
    }
}

#[test]
fn a_name_that_nothing_has_closes_nothing() {
    let world = CutWorld::new();
    reconcile(&world);
    let before = branches(&world);
    let config = |more: &str| {
        let other = CutWorld::config_text(&world, more);
        std::fs::write(world.path("wrong.yaml"), other).unwrap();
    };
    config("adopt: {components: [openshift/foundatoin]}\n");
    let ran = done(world.run_with("wrong.yaml", "reconcile", &[]));
    assert!(
        ran.stderr.contains("did you mean `openshift/foundation`?"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stdout.contains("In sync"), "{}", ran.stdout);
    assert_eq!(branches(&world), before);
    config("accept: [{cause: needed-payloda, component: openshift/newcomer, reason: r, author: ann}]\n");
    let ran = done(world.run_with("wrong.yaml", "reconcile", &[]));
    assert!(ran.stderr.contains("did you mean `needed-payload`?"), "{}", ran.stderr);
    assert_eq!(branches(&world), before, "in doubt it stays proposed");
    for (args, said) in [
        (["--release", "4.61"], "4.61"),
        (["--target", "prow-conifg"], "did you mean `prow-config`?"),
        (["--set", "vars.GO_LATESTT=1.99"], "GO_LATESTT"),
        (["--set", "streams.golang.upstraem_image=x/y/z:t"], "upstraem_image"),
    ] {
        let ran = world.run("plan", &args);
        assert_ne!(ran.code, 0, "{args:?}: {}", ran.stdout);
        assert!(ran.stderr.contains(said), "{args:?}: {}", ran.stderr);
        assert_eq!(branches(&world), before);
    }
}

#[test]
fn what_is_tried_out_is_not_written() {
    let world = CutWorld::new();
    for args in [&["--set", "vars.MAJOR=4"][..], &["--with-rules", "."][..]] {
        let ran = world.run("reconcile", args);
        assert_eq!(ran.code, 64, "{}", ran.stderr);
        assert!(ran.stderr.contains("for looking"), "{}", ran.stderr);
        assert!(world.cut(&[args, &["--apply"]].concat()).code == 64);
        assert!(names(&world).is_empty());
    }
    let ran = world.run("reconcile", &["--set", "vars.MAJOR=4", "--dry-run"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(names(&world).is_empty());
}

#[test]
fn in_sync_is_said_only_where_everything_was_compared() {
    let world = CutWorld::new();
    let bad = "rules:\n- id: bad\n  because: A fault.\n  on: image\n  when: \"image.key.matches('[' + image.key)\"\n  set: {dockerfile: x}\n  overrides: [dockerfile-default]\n";
    std::fs::write(world.path("bad.yaml"), bad).unwrap();
    let plan = |args: &[&str]| world.run("plan", &[args, &["--exit-code"]].concat());
    let ran = plan(&["--with-rules", "bad.yaml"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let last = ran.stdout.lines().last().unwrap();
    assert!(last.starts_with("Not compared: ") && last.contains("bad"), "{last}");
    assert!(!ran.stdout.contains("In sync"), "{}", ran.stdout);

    let text = std::fs::read_to_string(world.path("lockstep.yaml")).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from));
        std::fs::write(world.path("wrong.yaml"), text.replace(from, to)).unwrap();
        world.run_with("wrong.yaml", "plan", &["--exit-code"])
    };
    for (from, to) in [
        ("components/{org}", "nowhere/{org}"),
        ("  ci-config: {repo: openshift/release.git, branch: master}\n", ""),
        (
            "openshift/release.git, branch: master",
            "openshift/nowhere.git, branch: master",
        ),
    ] {
        let ran = changed(from, to);
        assert_eq!(ran.code, 1, "{from}: {}", ran.stdout);
        assert!(!ran.stdout.contains("In sync"), "{from}: {}", ran.stdout);
    }
    let json = world
        .run("plan", &["--format", "json", "--with-rules", "bad.yaml"])
        .json();
    assert_eq!(json["in_sync"], false);
    assert_eq!(
        json["not_compared"][0]["code"], "rule-failed",
        "{:#}",
        json["not_compared"]
    );
}

#[test]
fn a_dockerfile_that_a_rule_names_and_is_not_there_is_told_at_the_rule() {
    let world = CutWorld::new();
    let rule = "rules:\n- id: gone\n  because: A fault.\n  on: image\n  when: image.key != ''\n  set: {dockerfile: Dockerfile.gone}\n  overrides: [dockerfile-of-alignment]\n";
    std::fs::write(world.path("gone.yaml"), rule).unwrap();
    let ran = world.run("plan", &["--with-rules", "gone.yaml"]);
    let all = format!("{}{}", ran.stdout, ran.stderr);
    let told = all.lines().find(|line| line.contains("[no-dockerfile]"));
    let told = told.unwrap_or_else(|| panic!("{all}"));
    assert!(
        told.contains("gone.yaml:2: rule `gone` names the Dockerfile of "),
        "{told}"
    );
    assert!(all.contains("correct the rule"), "{all}");
    let own = world.run("plan", &[]);
    assert!(!own.stdout.contains("[no-dockerfile]"), "{}", own.stdout);
}

#[test]
fn another_namespace_leaves_no_promotion_of_ours_behind() {
    let world = CutWorld::new();
    let head = "rules:\n- id: elsewhere\n  because: A try.\n  on: payload\n";
    let overrides = format!("{head}  set: {{namespace: okd}}\n  overrides: [payload-on-app-ci]\n");
    let all = "{registry: registry.ci.openshift.org, namespace: okd, name: 'scos-${release}', variant: okd-scos}";
    let replaces = format!("{head}  set: {all}\n  replaces: payload-on-app-ci\n");
    let former = "- id: was-there\n  because: A try.\n  on: payload\n  append: {former: ['origin/scos-${release}']}\n";
    // Of a rule that is no longer there only `former` can tell.
    for (rules, moves) in [(overrides, true), (replaces.clone(), false), (replaces + former, true)] {
        std::fs::write(world.path("ns.yaml"), rules).unwrap();
        let plan = done(world.run(
            "plan",
            &["--release", "4.16", "--with-rules", "ns.yaml", "--format", "json"],
        ))
        .json();
        let requests = plan["pull_requests"].as_array().unwrap().iter();
        let files = requests.flat_map(|request| request["files"].as_array().unwrap());
        // What waits for the cut in the old namespace is new in the other one.
        let there = |file: &&Json| file["target"] == "prow-config" && file["kind"] == "changed";
        let configs: Vec<&Json> = files.filter(there).collect();
        assert!(configs.len() >= 2, "{plan:#}");
        for file in configs {
            let causes = file["causes"].as_array().unwrap();
            let promotion = causes.iter().find(|cause| cause["field"] == "promotion");
            let promotion = promotion.unwrap_or_else(|| panic!("{file:#}"));
            let (old, new) = (promotion["old"].as_str().unwrap(), promotion["new"].as_str().unwrap());
            assert!(old.contains("origin/scos-4.16"), "{old}");
            assert_eq!(!new.contains("origin/"), moves, "{new}");
            assert!(new.contains("okd/scos-4.16"), "{new}");
        }
    }
}
