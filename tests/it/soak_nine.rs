//! Nine releases with every target there is, sources that change each second and a fault each minute: in the end all that was
//! asked for is merged, and the process is no larger than after its first minutes.
//!
//! Ignored by itself, and too long for `.ci/run`: `LOCKSTEP_SOAK=30m cargo test --test it soak_nine:: -- --ignored --nocapture`.

use crate::support::{service, world};
use std::time::{Duration, Instant};

use git2::{BranchType, Repository, Signature, Time};
use service::Service;
use world::{BUILD_DATA, RELEASE, World};

const RELEASES: [&str; 9] = ["4.16", "4.17", "4.18", "4.19", "4.20", "4.21", "4.22", "4.23", "5.0"];
const COMPONENTS: usize = 12;
const TARGETS: &str = "[prow-config, prow-jobs, image-mirroring, payload-jobs, release-controller, {build-config: {repo: okd/configs}}, \
                       build-data, payload-pipeline, {konflux: {gitops: {repo: okd/konflux-config}}}]";
const TENANT: &str = "rules:\n- id: ours\n  because: Ours.\n  on: target\n  when: target == 'konflux'\n  set: {tenant: okd-tenant}\n  \
                      overrides: [konflux-tenant]\n";
/// Where requests of each kind are merged to; build data and components have a branch a release.
const ONE_BRANCH: [(&str, &str); 4] = [
    (RELEASE, "master"),
    ("okd/configs", "main"),
    ("okd/konflux-config", "main"),
    ("okd-project/okd-payload-pipeline", "main"),
];

fn component(number: usize) -> String {
    format!("part-{number:02}")
}

fn branch_of(release: &str) -> String {
    format!("release-{release}")
}

fn nine() -> World {
    let mut world = World::without_images();
    world.settings.insert("targets", TARGETS.to_owned());
    world.settings.insert("rules", "[builtin, tenant.yaml]".to_owned());
    world
        .settings
        .insert("releases", format!("{RELEASES:?}").replace('"', "'"));
    world
        .settings
        .insert("more", "schedule: '*/5 * * * * *'\nlisten: 127.0.0.1:0\n".to_owned());
    world.write("tenant.yaml", TENANT.as_bytes());
    for (repo, branch) in &ONE_BRANCH[1..] {
        world.commit(repo, branch, &[("README.md", b"Files.\n")]);
    }
    for release in RELEASES {
        release_of(&world, release);
    }
    world
}

/// A release's metadata, its components' branches and their OCP configs.
fn release_of(world: &World, release: &str) {
    let (major, minor) = release.split_once('.').unwrap();
    let group = format!(
        "vars: {{MAJOR: {major}, MINOR: {minor}}}\narches: [x86_64]\npublic_upstreams:\n\
         - {{private: 'https://github.com/openshift-priv', public: 'https://github.com/openshift'}}\n"
    );
    let streams = "base: {image: 'a/b', upstream_image: 'registry.ci.openshift.org/origin/base:stream9'}\n\
                   rhel-9-golang: {image: 'a/c', upstream_image: 'registry.ci.openshift.org/ocp/builder:golang'}\n";
    let branch = format!("openshift-{release}");
    let files: [(&str, &[u8]); 2] = [("group.yml", group.as_bytes()), ("streams.yml", streams.as_bytes())];
    world.commit(BUILD_DATA, &branch, &files);
    world.commit(
        "okd-project/okd-payload-pipeline",
        &branch_of(release),
        &[("README.md", b"Files.\n")],
    );
    for number in 0..COMPONENTS {
        image(world, release, number, 0);
        let name = component(number);
        world.commit(
            &format!("openshift/{name}"),
            &branch_of(release),
            &[("Dockerfile", b"FROM base:1\n")],
        );
        world.promote(&name, &branch_of(release), release);
    }
}

/// An image's metadata; `change` makes it differ, in what it is built from too.
fn image(world: &World, release: &str, number: usize, change: u64) {
    let (name, branch) = (component(number), branch_of(release));
    let from = if number > 0 && change % 2 == 1 {
        "{member: part-00}"
    } else {
        "{stream: base}"
    };
    let text = format!(
        "name: openshift/ose-{name}\npayload_name: {name}\nfor_payload: true\nfrom: {from}\ncontent:\n  source:\n    \
         git: {{url: 'https://github.com/openshift-priv/{name}', branch: {{target: {branch}}}}}\n# change {change}\n"
    );
    let path = format!("images/{name}.yml");
    world.commit(BUILD_DATA, &format!("openshift-{release}"), &[(&path, text.as_bytes())]);
}

/// One of the sources changes.
fn push(world: &World, turn: u64) {
    let of = usize::try_from(turn).unwrap();
    let (release, number) = (RELEASES[of % RELEASES.len()], of / RELEASES.len() % COMPONENTS);
    match turn % 3 {
        0 => image(world, release, number, turn),
        1 => {
            let text = format!("FROM base:1\nLABEL n={turn}\n");
            world.commit(
                &format!("openshift/{}", component(number)),
                &branch_of(release),
                &[("Dockerfile", text.as_bytes())],
            );
        }
        _ => {
            let path = format!("docs/{number}.md");
            world.commit(RELEASE, "master", &[(&path, turn.to_string().as_bytes())]);
        }
    }
}

/// A fault that is gone after some seconds.
fn fault(world: &World, service: &mut Option<Service>, minute: u64) {
    let moved = |path: &str| {
        let (here, gone) = (world.path(path), world.path("gone"));
        std::fs::rename(&here, &gone).unwrap();
        std::thread::sleep(Duration::from_secs(7));
        std::fs::rename(&gone, &here).unwrap();
    };
    let broken = |repo: &str, branch: &str, path: &str, bad: &[u8]| {
        world.commit(repo, branch, &[(path, bad)]);
        std::thread::sleep(Duration::from_secs(7));
    };
    match minute % 5 {
        0 => moved(BUILD_DATA),
        1 => moved("openshift/part-03"),
        2 => {
            broken(BUILD_DATA, "openshift-4.19", "images/part-02.yml", b"name: [\n");
            image(world, "4.19", 2, minute);
        }
        3 => {
            world.write("tenant.yaml", b"rules: [{id: }]\n");
            std::thread::sleep(Duration::from_secs(7));
            world.write("tenant.yaml", TENANT.as_bytes());
        }
        // What is restarted is small again: only in the first third, so that the rest of the time one process is looked at.
        _ => {
            if let Some(running) = service.take() {
                running.kill();
            }
            *service = Some(start(world));
        }
    }
}

fn start(world: &World) -> Service {
    Service::start(&world.config(), &[("RUST_LOG", "lockstep=info")])
}

/// People merge what is open; how many requests that were.
fn merge(world: &World) -> usize {
    let mut merged = 0;
    let components = (0..COMPONENTS).map(|number| format!("openshift/{}", component(number)));
    let mut repos: Vec<(String, Option<&str>)> = components.map(|repo| (repo, None)).collect();
    repos.push((BUILD_DATA.to_owned(), None));
    repos.extend(ONE_BRANCH.map(|(repo, branch)| (repo.to_owned(), Some(branch))));
    for (name, base) in repos {
        let Ok(repo) = Repository::open(world.path(&name)) else {
            continue;
        };
        let heads: Vec<String> = repo
            .branches(Some(BranchType::Local))
            .unwrap()
            .filter_map(|branch| branch.ok()?.0.name().ok()?.map(str::to_owned))
            .filter(|branch| branch.starts_with("lockstep/"))
            .collect();
        for head in heads {
            let release = head.rsplit('/').next().unwrap();
            let bases = match base {
                Some(base) if name.ends_with("pipeline") => vec![branch_of(release), base.to_owned()],
                Some(base) => vec![base.to_owned()],
                None if name == BUILD_DATA => vec![format!("openshift-{release}")],
                None => vec![branch_of(release)],
            };
            merged += usize::from(bases.iter().any(|base| merged_into(&repo, &head, base)));
        }
    }
    merged
}

/// Merges a head into a base, as people do; whether there was anything to merge.
fn merged_into(repo: &Repository, head: &str, base: &str) -> bool {
    let tip = |branch: &str| {
        repo.find_branch(branch, BranchType::Local)
            .ok()?
            .get()
            .peel_to_commit()
            .ok()
    };
    let (Some(head), Some(onto)) = (tip(head), tip(base)) else {
        return false;
    };
    if repo.merge_base(head.id(), onto.id()).ok() == Some(head.id()) {
        return false;
    }
    let Ok(mut index) = repo.merge_commits(&onto, &head, None) else {
        return false;
    };
    // What conflicts waits for the service to write it anew.
    let Ok(tree) = index.write_tree_to(repo) else {
        return false;
    };
    let tree = repo.find_tree(tree).unwrap();
    let who = Signature::new("A Person", "person@example.com", &Time::new(1_700_000_000, 0)).unwrap();
    repo.commit(
        Some(&format!("refs/heads/{base}")),
        &who,
        &who,
        "Merge",
        &tree,
        &[&onto, &head],
    )
    .is_ok()
}

#[test]
#[ignore = "takes half an hour"]
fn nine_releases_with_all_targets_end_in_sync_and_have_not_grown() {
    let world = nine();
    let mut service = Some(start(&world));
    let (started, duration) = (Instant::now(), crate::soak::duration());
    let (mut turn, mut minute, mut merged) = (0, 0, 0);
    let mut sizes: Vec<(u64, u64, usize)> = Vec::new();
    while started.elapsed() < duration {
        turn += 1;
        push(&world, turn);
        if turn.is_multiple_of(10) {
            merged += merge(&world);
        }
        let now = started.elapsed().as_secs() / 60;
        if now > minute {
            minute = now;
            let late = started.elapsed() > duration / 3;
            fault(&world, &mut service, if late { minute % 4 } else { minute });
            let (memory, files) = service.as_ref().unwrap().size();
            sizes.push((minute, memory >> 20, files));
            println!(
                "minute {minute}: {} MiB, {files} files open, {turn} pushes, {merged} merged",
                memory >> 20
            );
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    settle(&world, service.as_ref().unwrap());
    assert!(merged > 3 * RELEASES.len(), "only {merged} requests were merged");
    let late: Vec<_> = sizes
        .iter()
        .filter(|size| size.0 > duration.as_secs() / 60 / 2)
        .collect();
    let (Some(first), Some(last)) = (late.first(), late.last()) else {
        return;
    };
    println!(
        "{turn} pushes, {merged} merged, {} runs since the last restart",
        service.as_ref().unwrap().runs()
    );
    assert!(last.2 <= first.2 + 8, "open files grow: {sizes:?}");
    assert!(last.1 <= first.1 + first.1 / 2 + 32, "memory grows: {sizes:?}");
}

/// Nothing is pushed any more: what is open is merged until nothing differs.
fn settle(world: &World, service: &Service) {
    let settling = Instant::now();
    loop {
        merge(world);
        std::thread::sleep(Duration::from_secs(3));
        let ran = world.run("plan", &["--exit-code"]);
        if ran.code == 0 {
            return;
        }
        let log = || {
            service
                .log()
                .split_off(service.log().len().saturating_sub(20))
                .join("\n")
        };
        assert!(
            settling.elapsed() < 3 * service::PATIENCE,
            "not in sync: {}\n{}",
            ran.stdout,
            log()
        );
    }
}
