//! One owner at a time: a cut, the service, `reconcile`, another replica and a person on one repository, in all orders; and
//! whatever part of the world a run sees, the rest of what is proposed keeps its bytes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::support::cut_world::{CutWorld, Ran};
use crate::support::service::Service;

fn done(ran: Ran) -> Ran {
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    ran
}

/// The branches of ours that are there, with their commits.
fn heads(world: &CutWorld) -> BTreeMap<String, git2::Oid> {
    let repo = world.repo();
    let found = repo.references_glob("refs/heads/lockstep/*").unwrap();
    let head = |found: git2::Reference<'_>| {
        let name = found.name().unwrap().trim_start_matches("refs/heads/").to_owned();
        (name, found.target().unwrap())
    };
    found.map(|found| head(found.unwrap())).collect()
}

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Cut,
    Reconcile,
    Replica,
    Person,
}

/// Every order of some.
fn orders(all: &[Who]) -> Vec<Vec<Who>> {
    if all.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |at: usize| {
        let mut rest = all.to_vec();
        let first = rest.remove(at);
        orders(&rest).into_iter().map(move |mut order| {
            order.insert(0, first);
            order
        })
    };
    (0..all.len()).flat_map(with_first).collect()
}

const BY_ANN: &str = "by-ann.md";

/// Another replica: its own state, the same repository.
fn elsewhere(world: &CutWorld) -> Ran {
    let text = CutWorld::config_text(world, "").replace("state: state", "state: elsewhere");
    std::fs::write(world.path("elsewhere.yaml"), text).unwrap();
    world.run_with("elsewhere.yaml", "reconcile", &[])
}

fn act(world: &CutWorld, who: Who) {
    match who {
        Who::Cut => drop(done(world.cut(&["--apply"]))),
        Who::Reconcile => drop(done(world.run("reconcile", &[]))),
        Who::Replica => drop(done(elsewhere(world))),
        Who::Person => {
            // On whatever is open: a step of the cut before anything else.
            let heads = heads(world);
            let head = ["lockstep/cut", "lockstep/ci/4.16"]
                .into_iter()
                .find(|name| heads.contains_key(*name));
            world.push(head.unwrap_or("master"), &[(BY_ANN, "by ann\n")]);
        }
    }
    world.check();
}

/// All that the base has in the end, without what the person added.
fn end(world: &CutWorld) -> BTreeMap<String, Vec<u8>> {
    let mut all = world.all();
    all.remove(BY_ANN);
    all
}

/// Takes the cut to its end.
fn arrive(world: &CutWorld) {
    for turn in 0.. {
        assert!(turn < 12, "it does not arrive");
        let view = done(world.cut(&["--apply"])).json();
        if view["steps"].as_array().unwrap().is_empty() {
            return;
        }
        world.merge("lockstep/cut");
        world.check();
    }
}

#[test]
fn in_all_orders_there_is_one_owner_and_no_ping_pong() {
    let straight = CutWorld::new();
    arrive(&straight);
    let all = [Who::Cut, Who::Reconcile, Who::Replica, Who::Person];
    let orders = orders(&all);
    assert_eq!(orders.len(), 24);
    let story = |(at, order): (usize, &Vec<Who>)| {
        let world = CutWorld::new();
        let (mut foreign, mut cut) = (BTreeMap::new(), false);
        for who in order {
            let before = heads(&world);
            act(&world, *who);
            cut |= *who == Who::Cut;
            let after = heads(&world);
            if *who == Who::Person {
                foreign = after
                    .iter()
                    .filter(|(name, tip)| before.get(*name) != Some(tip))
                    .map(|(n, t)| (n.clone(), *t))
                    .collect();
            }
            for (name, tip) in &foreign {
                assert_eq!(after.get(name), Some(tip), "{order:?}: a person's commit is kept");
            }
            let ours: BTreeSet<&String> = after.keys().filter(|name| !foreign.contains_key(*name)).collect();
            let of_cut = ours.iter().filter(|name| name.as_str() == "lockstep/cut").count();
            assert!(of_cut == 0 || ours.len() == 1, "{order:?}: two owners, {ours:?}");
            assert!(
                !cut || ours.iter().all(|name| name.as_str() == "lockstep/cut"),
                "{order:?}: {ours:?}"
            );
        }
        let rested = heads(&world);
        for who in order.iter().filter(|who| **who != Who::Person) {
            act(&world, *who);
            assert_eq!(heads(&world), rested, "{order:?}: {who:?} moves what is settled");
        }
        // Some of the orders are taken to their end; each actor is the first of one of them.
        if at % 5 == 0 {
            arrive(&world);
            assert_eq!(end(&world), end(&straight), "{order:?}");
            done(world.run("reconcile", &[]));
            assert_eq!(end(&world), end(&straight), "{order:?}");
        }
    };
    std::thread::scope(|scope| {
        let story = &story;
        for part in 0..2 {
            let own = orders.iter().enumerate().filter(move |(at, _)| at % 2 == part);
            scope.spawn(move || own.for_each(story));
        }
    });
}

#[test]
fn a_service_beside_a_cut_a_person_and_a_replica_ends_in_the_same_place() {
    let straight = CutWorld::new();
    arrive(&straight);
    let world = CutWorld::new();
    let config = world.config("schedule: '0 0 0 1 1 *'\nlisten: 127.0.0.1:0\n");
    let service = Service::start(&config, &[]);
    service.wait_for("a run is over", 1);
    service.rest();
    assert_eq!(
        heads(&world).keys().collect::<Vec<_>>(),
        ["lockstep/ci/4.16", "lockstep/ci/4.17"]
    );
    // The cut takes over from the service, which then leaves everything to it; so does a replica elsewhere.
    let apply = || {
        done(world.run_with(
            "beside.yaml",
            "cut",
            &["--from", "4.16", "--to", "4.17", "--apply", "--format", "json"],
        ))
        .json()
    };
    let beside = CutWorld::config_text(&world, "").replace("state: state", "state: beside");
    std::fs::write(world.path("beside.yaml"), beside).unwrap();
    apply();
    service.rest();
    assert_eq!(heads(&world).keys().collect::<Vec<_>>(), ["lockstep/cut"]);
    world.push("lockstep/cut", &[(BY_ANN, "by ann\n")]);
    let tip = heads(&world);
    service.rest();
    done(elsewhere(&world));
    apply();
    service.rest();
    assert_eq!(heads(&world), tip, "a person's commit on the step is kept by everybody");
    for turn in 0.. {
        assert!(turn < 12, "it does not arrive");
        world.merge("lockstep/cut");
        world.check();
        service.rest();
        let between: Vec<String> = heads(&world)
            .into_keys()
            .filter(|name| name != "lockstep/cut")
            .collect();
        assert!(
            between.is_empty(),
            "the service opened {between:?} while the cut is under way"
        );
        if apply()["steps"].as_array().unwrap().is_empty() {
            break;
        }
        done(elsewhere(&world));
    }
    service.rest();
    assert_eq!(end(&world), end(&straight));
    let cut = service.get("/cut").1;
    assert!(cut.contains("No branch cut is under way."), "{cut}");
    assert!(service.end().0.success());
}

const TARGETS: [&str; 3] = ["prow-config", "prow-jobs", "release-controller"];
const RELEASES: [&str; 2] = ["4.16", "4.17"];
const COMPONENTS: [&str; 3] = ["openshift/harbour", "openshift/foundation", "openshift/moved"];

/// Every file that a branch proposes, with its content.
fn proposed(world: &CutWorld, release: &str) -> BTreeMap<String, Vec<u8>> {
    let repo = world.repo();
    let head = repo
        .find_reference(&format!("refs/heads/lockstep/ci/{release}"))
        .unwrap()
        .peel_to_commit()
        .unwrap();
    let base = repo
        .find_reference("refs/heads/master")
        .unwrap()
        .peel_to_tree()
        .unwrap();
    let diff = repo
        .diff_tree_to_tree(Some(&base), Some(&head.tree().unwrap()), None)
        .unwrap();
    let content = |delta: git2::DiffDelta<'_>| {
        let path = delta
            .new_file()
            .path()
            .or(delta.old_file().path())
            .unwrap()
            .display()
            .to_string();
        let blob = repo.find_blob(delta.new_file().id());
        (path, blob.map(|blob| blob.content().to_vec()).unwrap_or_default())
    };
    diff.deltas().map(content).collect()
}

/// The target that owns a file, and the component that it is about.
fn of_file(path: &str) -> (&'static str, String) {
    let component = path.split('/').skip(2).take(2).collect::<Vec<_>>().join("/");
    match path {
        _ if path.starts_with("ci-operator/config/") => ("prow-config", component),
        _ if path.starts_with("ci-operator/jobs/") => ("prow-jobs", component),
        _ => ("release-controller", String::new()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Of random parts of targets, releases and adopted components, with or without a source that cannot be read: what lies
    /// outside keeps its bytes in the requests, and none is closed. What then sees everything ends where it would have ended.
    #[test]
    fn what_a_run_did_not_look_at_keeps_its_bytes(
        targets in subsequence(TARGETS.to_vec(), 1..=3),
        releases in subsequence(RELEASES.to_vec(), 1..=2),
        adopt in subsequence(COMPONENTS.to_vec(), 0..=2),
        broken in select(vec!["", "openshift/harbour", "openshift/foundation", "build-data 4.17"]),
        changed in any::<bool>(),
    ) {
        let world = CutWorld::new();
        done(world.run("reconcile", &[]));
        let before: BTreeMap<&str, _> = RELEASES.iter().map(|release| (*release, proposed(&world, release))).collect();
        if changed {
            for (release, branch) in [("4.16", "release-4.16"), ("4.17", "main")] {
                let dockerfile = format!("FROM registry.ci.openshift.org/ocp/builder:rhel-9-golang-1.99-openshift-{release} AS builder\nFROM registry.ci.openshift.org/ocp/{release}:base\n");
                world.change_component("openshift/moved", branch, "Dockerfile", &dockerfile);
            }
        }
        let (there, away) = match broken {
            "" => (String::new(), String::new()),
            "build-data 4.17" => ("build-data.git/refs/heads/openshift-4.17".to_owned(), "away".to_owned()),
            repo => (format!("components/{repo}.git"), "away".to_owned()),
        };
        if !there.is_empty() {
            std::fs::rename(world.path(&there), world.path(&away)).unwrap();
        }
        let more = match adopt.is_empty() {
            true => String::new(),
            false => format!("adopt: {{components: [{}]}}\n", adopt.join(", ")),
        };
        std::fs::write(world.path("part.yaml"), CutWorld::config_text(&world, &more)).unwrap();
        let mut args: Vec<&str> = targets.iter().flat_map(|target| ["--target", target]).collect();
        args.extend(releases.iter().flat_map(|release| ["--release", release]));
        let ran = world.run_with("part.yaml", "reconcile", &args);
        prop_assert!(ran.code == 0 || !broken.is_empty(), "{}\n{}", ran.stdout, ran.stderr);
        if !broken.is_empty() && broken.starts_with("openshift/") {
            prop_assert!(!ran.stdout.contains("In sync"), "{}", ran.stdout);
        }
        for release in RELEASES {
            let after = proposed(&world, release);
            for (path, content) in &before[release] {
                let (target, component) = of_file(path);
                let adopted = adopt.is_empty() || adopt.contains(&&*component);
                let read = broken != component && !(broken.starts_with("build-data") && release == "4.17");
                let inside = targets.contains(&target) && releases.contains(&release) && adopted && read;
                if !inside {
                    prop_assert_eq!(after.get(path), Some(content), "{} of {}", path, release);
                }
            }
        }
        let open = world.pull_requests();
        for (name, record) in &open {
            let text = String::from_utf8_lossy(record);
            prop_assert!(text.contains("\"state\": \"open\""), "{} is closed: {}", name, ran.stdout);
        }
        prop_assert_eq!(open.len(), 2);
        if !there.is_empty() {
            std::fs::rename(world.path(&away), world.path(&there)).unwrap();
        }
        done(world.run("reconcile", &[]));
        let whole = RELEASES.map(|release| proposed(&world, release));
        let fresh = CutWorld::new();
        if changed {
            for (release, branch) in [("4.16", "release-4.16"), ("4.17", "main")] {
                let dockerfile = format!("FROM registry.ci.openshift.org/ocp/builder:rhel-9-golang-1.99-openshift-{release} AS builder\nFROM registry.ci.openshift.org/ocp/{release}:base\n");
                fresh.change_component("openshift/moved", branch, "Dockerfile", &dockerfile);
            }
        }
        done(fresh.run("reconcile", &[]));
        prop_assert_eq!(whole, RELEASES.map(|release| proposed(&fresh, release)));
    }
}
