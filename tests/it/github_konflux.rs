//! Konflux's runs go to each component's own repository on GitHub: one request each, as many as may be new, what bots change kept.

use crate::support::{fake_github, github_demo, program};
use fake_github::state::{PullState, time};
use github_demo::World;
use program::ran;

use std::fs;
use std::path::Path;

const TENANT: &str = "rules:\n- id: ours\n  because: Ours.\n  on: target\n  when: target == 'konflux'\n  set: {tenant: okd-tenant}\n  \
                      overrides: [konflux-tenant]\n";
const CONFIG: &str = "okd/konflux-config";
const BEACON: &str = "openshift/beacon";

/// The demo with the target, and a repository on GitHub for each component, on the branch that it is built from.
fn world(forge: &str, more: &str) -> World {
    let world = World::with(forge);
    let folder = world.demo.folder();
    let config = fs::read_to_string(folder.join("lockstep.yaml")).expect("the configuration");
    let config = config
        .replace(
            "targets: [prow-config]",
            &format!("targets:\n- konflux: {{gitops: {{repo: {CONFIG}}}}}\n{more}"),
        )
        .replace("rules: [builtin]", "rules: [builtin, tenant.yaml]");
    fs::write(folder.join("lockstep.yaml"), config).expect("written");
    fs::write(folder.join("tenant.yaml"), TENANT).expect("written");
    fs::create_dir_all(folder.join("repos").join(CONFIG)).expect("made");
    fs::write(folder.join("repos").join(CONFIG).join("README.md"), "Resources.\n").expect("written");
    world.github.repository(CONFIG, &[("README.md", "Resources.\n")]);
    for repo in components(&folder) {
        world.github.repository(&repo, &[("README.md", "A component.\n")]);
        let main = world.github.branch(&repo, "main");
        for branch in [
            "release-4.16",
            "openshift-4.16",
            "platform-base-rhel9",
            "platform-nodejs-rhel9",
        ] {
            world
                .github
                .inside()
                .state
                .set_ref(&repo, &format!("refs/heads/{branch}"), main.clone());
        }
    }
    world
}

fn components(folder: &Path) -> Vec<String> {
    let repos = fs::read_dir(folder.join("repos/openshift")).expect("a folder");
    let names = repos.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names
        .filter(|name| name != "release")
        .map(|name| format!("openshift/{name}"))
        .collect()
}

/// The repositories with an open request.
fn open(world: &World) -> Vec<String> {
    let mut repos = components(&world.demo.folder());
    repos.push(CONFIG.to_owned());
    repos.sort();
    repos.retain(|repo| {
        let pulls = world.github.pulls(repo);
        let open = pulls.iter().filter(|pull| pull.state == PullState::Open).count();
        assert!(open <= 1, "{repo} has {open} requests");
        open == 1
    });
    repos
}

fn reconcile(world: &World) {
    let done = ran(&mut world.command());
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
}

/// Merges the request of a repository, there and in the folder that is read.
fn merge(world: &World, repo: &str) {
    world.github.merge(repo);
    let base = world.github.pulls(repo).pop().expect("a request").base;
    for (path, text) in world.github.files(repo, &base) {
        let file = world.demo.folder().join("repos").join(repo).join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(file, text).expect("written");
    }
}

#[test]
fn each_repository_has_one_request_and_what_a_bot_changes_stays() {
    let world = world("", "");
    reconcile(&world);
    let repos = open(&world);
    assert!(
        repos.len() >= 5 && repos.contains(&CONFIG.to_owned()) && repos.contains(&BEACON.to_owned()),
        "{repos:?}"
    );
    let head = "lockstep/konflux/4.16";
    let push = ".tekton/okd-beacon-4-16-push.yaml";
    let files = world.github.files(BEACON, head);
    assert!(
        files[push].contains("target_branch == \"release-4.16\""),
        "{}",
        files[push]
    );
    for repo in &repos {
        merge(&world, repo);
    }
    reconcile(&world);
    assert_eq!(open(&world), Vec::<String>::new(), "all of it is there");
    // A bot bumps a digest in the run and in the shared pipeline, and somebody changes what is managed.
    let folder = world.demo.folder().join("repos");
    let bumped = files[push]
        .replace("        value: main\n", "        value: main@sha256:0123\n")
        .replace("namespace: okd-tenant", "namespace: other-tenant");
    assert_ne!(bumped, files[push]);
    fs::write(folder.join(BEACON).join(push), &bumped).expect("written");
    world
        .github
        .push(BEACON, "release-4.16", "bot", &[(push, Some(&bumped))]);
    let pipeline = "pipelines/okd-build.yaml";
    let text = fs::read_to_string(folder.join(CONFIG).join(pipeline)).expect("the pipeline");
    let text = text.replace("sha256:", "sha256:ffff");
    fs::write(folder.join(CONFIG).join(pipeline), &text).expect("written");
    world.github.push(CONFIG, "main", "bot", &[(pipeline, Some(&text))]);
    reconcile(&world);
    assert_eq!(open(&world), [BEACON]);
    let after = &world.github.files(BEACON, head)[push];
    assert_eq!(*after, bumped.replace("other-tenant", "okd-tenant"));
}

/// Has all requests opened some seconds ago, by the clock that the program looks at.
fn opened_ago(world: &World, seconds: u64) {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let at = time(clock.expect("a clock").as_secs() - seconds);
    let repos = &mut world.github.inside().state.repos;
    let pulls = repos.values_mut().flat_map(|repo| &mut repo.pulls);
    pulls.for_each(|pull| pull.created_at.clone_from(&at));
}

#[test]
fn no_more_are_opened_than_may_be_new_however_many_runs_there_are() {
    let adopted = [
        "openshift/beacon",
        "openshift/foundation",
        "openshift/chartroom",
        "openshift/tidewatch",
    ];
    let world = world(
        ", max-new: 2",
        &format!("adopt: {{components: [{}]}}\n", adopted.join(", ")),
    );
    let all = components(&world.demo.folder());
    assert!(adopted.iter().all(|repo| all.contains(&(*repo).to_owned())), "{all:?}");
    assert!(all.len() > adopted.len(), "some are not adopted: {all:?}");
    reconcile(&world);
    let first = open(&world);
    assert_eq!(first.len(), 2, "{first:?}");
    // Within the hour nothing more, also where one is merged meanwhile; what is open is kept up to date.
    opened_ago(&world, 600);
    reconcile(&world);
    assert_eq!(open(&world), first);
    merge(&world, &first[0]);
    reconcile(&world);
    assert_eq!(open(&world), first[1..]);
    // An hour later the next ones, and then there is nothing left of what is adopted.
    for _ in 0..3 {
        opened_ago(&world, 4_000);
        reconcile(&world);
    }
    let mut seen = open(&world);
    seen.push(first[0].clone());
    seen.sort();
    let mut wanted = adopted.map(str::to_owned).to_vec();
    wanted.sort();
    assert_eq!(seen, wanted);
    for repo in &seen {
        assert_eq!(
            world.github.pulls(repo).len(),
            1,
            "{repo} has one request, however many runs"
        );
    }
}

#[test]
fn what_may_be_new_is_counted_in_each_organisation() {
    let world = world(", max-new: 2", "");
    reconcile(&world);
    let first = open(&world);
    let of = |org: &str| first.iter().filter(|repo| repo.starts_with(org)).count();
    assert_eq!((of("openshift/"), of("okd/")), (2, 1), "{first:?}");
}

#[test]
fn only_what_is_adopted_is_proposed() {
    let world = world("", &format!("adopt: {{components: [{BEACON}]}}\n"));
    reconcile(&world);
    assert_eq!(open(&world), [BEACON]);
}
