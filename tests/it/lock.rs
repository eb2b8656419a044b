//! Locks: commits of sources and digests of images that are not built here, kept, moved one by one, and compared.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::fake_registry::Registry;
use crate::support::program::{Demo, Ran};

/// The demo with git repositories in the place of folders, and a builder in a registry of this machine.
struct World {
    demo: Demo,
    registry: Registry,
}

const BUILD_DATA: &str = "repos/openshift-eng/ocp-build-data";
const BEACON: &str = "repos/openshift/beacon";

impl World {
    fn new() -> Self {
        let (demo, registry) = (Demo::new(), Registry::start());
        registry.image("golang", &[b"one".to_vec()]);
        let folder = demo.folder();
        let streams = folder.join(BUILD_DATA).join("streams.yml");
        let text = fs::read_to_string(&streams).unwrap();
        let old = "registry.ci.openshift.org/ocp/builder:rhel-9-golang-{GO_LATEST}-openshift-{MAJOR}.{MINOR}";
        assert!(text.contains(old));
        fs::write(&streams, text.replace(old, &registry.name("okd/builder:golang"))).unwrap();
        let config = folder.join("lockstep.yaml");
        let text = fs::read_to_string(&config).unwrap();
        let text = text.replace("ocp-build-data}", "ocp-build-data, branch: main}");
        fs::write(
            &config,
            text.replace("repos/openshift/release}", "repos/openshift/release, branch: main}"),
        )
        .unwrap();
        for folder in [BUILD_DATA.to_owned()].into_iter().chain(components(&folder)) {
            commit(&demo.folder().join(folder), "release-4.16");
        }
        let world = Self { demo, registry };
        // Not all components call the release's branch the same.
        let folder = world.demo.folder();
        for one in [BUILD_DATA.to_owned()].into_iter().chain(components(&folder)) {
            let repo = git2::Repository::open(folder.join(one)).unwrap();
            let head = repo.refname_to_id("refs/heads/release-4.16").unwrap();
            for branch in ["main", "openshift-4.16"] {
                repo.reference(&format!("refs/heads/{branch}"), head, true, "x")
                    .unwrap();
            }
        }
        world
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.demo.run(args)
    }

    fn locked(&self, name: &str, more: &[&str]) -> Value {
        let path = self.demo.folder().join(name);
        let args = ["build-config", "--format", "json", "--lock", path.to_str().unwrap()];
        let ran = self.run(&[&args[..], more].concat());
        assert_eq!(ran.code, 0, "{}", ran.err);
        self.lock(name)
    }

    fn lock(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.demo.folder().join(name)).unwrap()).unwrap()
    }

    fn path(&self, name: &str) -> String {
        self.demo.folder().join(name).to_str().unwrap().to_owned()
    }

    fn golang(&self) -> String {
        self.registry.name("okd/builder:golang")
    }
}

fn components(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("repos/openshift")).unwrap();
    entries
        .map(|entry| format!("repos/openshift/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect()
}

/// Commits all files of a folder to a branch of it.
fn commit(folder: &Path, branch: &str) -> String {
    let repo = git2::Repository::open(folder)
        .or_else(|_| git2::Repository::init(folder))
        .unwrap();
    let mut index = repo.index().unwrap();
    index.add_all(["*"], git2::IndexAddOption::FORCE, None).unwrap();
    let tree = repo.find_tree(index.write_tree().unwrap()).unwrap();
    let who = git2::Signature::new("A", "a@example.com", &git2::Time::new(1_700_000_000, 0)).unwrap();
    let reference = format!("refs/heads/{branch}");
    let parent = repo
        .refname_to_id(&reference)
        .ok()
        .map(|id| repo.find_commit(id).unwrap());
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    repo.commit(Some(&reference), &who, &who, "m", &tree, &parents)
        .unwrap()
        .to_string()
}

#[test]
fn a_lock_has_the_digest_of_what_is_not_built_here() {
    let world = World::new();
    let lock = world.locked("a.lock", &[]);
    let digest = lock["external"][world.golang()]
        .as_str()
        .expect("the builder's digest")
        .to_owned();
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
    // Others cannot be reached from here, and that is said of each.
    let at = lock["commits"]["openshift/beacon"]["release-4.16"]
        .as_str()
        .expect("a commit")
        .to_owned();
    assert_eq!(at.len(), 40);
    let of_image = world.registry.image("amd64", &[b"one".to_vec()]);
    assert_eq!(digest, of_image, "the same layers, the same image");
    world.registry.list("golang", &[("amd64", of_image.clone())]);
    let of_list = world.locked("list.lock", &[]);
    assert_ne!(
        of_list["external"][world.golang()],
        of_image.as_str(),
        "the list's own, not that of one architecture"
    );
    world.registry.image("golang", &[b"one".to_vec()]);
    let path = world.path("a.lock");
    let document = |more: &[&str]| world.run(&[&["build-config", "--format", "json"], more].concat());
    let of_lock = document(&["--locked", &path]);
    assert_eq!(of_lock.code, 0, "{}", of_lock.err);
    let document_of_lock: Value = serde_json::from_str(&of_lock.out).unwrap();
    assert_eq!(document_of_lock["external"][world.golang()], digest.as_str());
    // Everything moves: the tag in the registry, and the component.
    world.registry.image("golang", &[b"two".to_vec()]);
    fs::write(world.demo.folder().join(BEACON).join("new"), "x").unwrap();
    commit(&world.demo.folder().join(BEACON), "release-4.16");
    assert_eq!(
        document(&["--locked", &path]).out,
        of_lock.out,
        "the same lock, the same bytes"
    );
    assert_ne!(document(&[]).out, of_lock.out);
}

#[test]
fn one_thing_of_a_lock_is_moved_at_a_time() {
    let world = World::new();
    let first = world.locked("a.lock", &[]);
    world.registry.image("golang", &[b"two".to_vec()]);
    for name in ["beacon", "chartroom"] {
        let folder = world.demo.folder().join("repos/openshift").join(name);
        fs::write(folder.join("new"), "x").unwrap();
        commit(&folder, "release-4.16");
    }
    let of = |lock: &Value, repo: &str| lock["commits"][repo]["release-4.16"].clone();
    let golang = world.golang();
    // By pullspec: nothing but the digest moves.
    let moved = world.locked("a.lock", &["--update", &golang]);
    assert_ne!(moved["external"][&golang], first["external"][&golang]);
    assert_eq!(moved["commits"], first["commits"]);
    // By repository.
    let again = world.locked("a.lock", &["--update", "openshift/beacon"]);
    assert_ne!(of(&again, "openshift/beacon"), of(&first, "openshift/beacon"));
    assert_eq!(of(&again, "openshift/chartroom"), of(&first, "openshift/chartroom"));
    assert_eq!(again["external"], moved["external"]);
    // By an image of the repository.
    let document: Value = serde_json::from_str(&world.run(&["build-config", "--format", "json"]).out).unwrap();
    let images = document["images"].as_object().expect("images");
    let (key, _) = images
        .iter()
        .find(|(_, image)| image["repository"]["value"] == "openshift/chartroom")
        .expect("an image of it");
    let last = world.locked("a.lock", &["--update", key]);
    assert_ne!(of(&last, "openshift/chartroom"), of(&first, "openshift/chartroom"));
    let path = world.path("a.lock");
    let unknown = world.run(&["build-config", "--lock", &path, "--update", "nobody/knows"]);
    assert!(
        unknown.code == 64 && unknown.err.contains("`nobody/knows` is neither"),
        "{}",
        unknown.err
    );
    assert_eq!(world.lock("a.lock"), last, "a wrong name changes nothing");
}

#[test]
fn two_locks_are_compared_by_commits_and_digests() {
    let world = World::new();
    world.locked("old.lock", &[]);
    world.registry.image("golang", &[b"two".to_vec()]);
    let golang = world.golang();
    fs::copy(world.path("old.lock"), world.path("new.lock")).unwrap();
    world.locked("new.lock", &["--update", &golang]);
    let between = |old: &str, new: &str| -> Value {
        let (old, new) = (world.path(old), world.path(new));
        let ran = world.run(&["rebuild", "--since", &old, "--locked", &new, "--format", "json"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        serde_json::from_str(&ran.out).unwrap()
    };
    assert_eq!(between("old.lock", "old.lock")["images"], serde_json::json!({}));
    let found = between("old.lock", "new.lock");
    let images = found["images"].as_object().expect("images");
    assert!(!images.is_empty());
    let direct: Vec<&Value> = images
        .values()
        .filter(|image| image["only_by_parent"] == false)
        .collect();
    assert!(direct.iter().all(|image| image["reasons"][0] == "builder"), "{found}");
    assert_eq!(
        between("new.lock", "old.lock")["images"]
            .as_object()
            .map(|all| all.len()),
        Some(images.len())
    );
}

#[test]
fn a_lock_without_a_network_says_what_it_lacks() {
    let world = World::new();
    let path = world.path("a.lock");
    let ran = world.run(&["build-config", "--lock", &path, "--offline"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("is left out (`--offline`)"), "{}", ran.err);
    let lock = world.lock("a.lock");
    assert_eq!(lock["external"], serde_json::json!({}));
    assert!(lock["commits"]["openshift/beacon"].is_object());
    // A tag that the registry does not have.
    world.registry.forget("golang");
    let ran = world.run(&["build-config", "--lock", &path]);
    assert!(
        ran.code == 0
            && ran
                .err
                .contains(&format!("the digest of {} is left out", world.golang())),
        "{}",
        ran.err
    );
}

#[test]
fn what_a_lock_lacks_is_named() {
    let world = World::new();
    let mut lock = world.locked("a.lock", &["--offline"]);
    lock["commits"].as_object_mut().unwrap().remove("openshift/beacon");
    fs::write(world.path("a.lock"), lock.to_string()).unwrap();
    let path = world.path("a.lock");
    let ran = world.run(&["build-config", "--locked", &path]);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(
        said.contains("openshift/beacon") && said.contains("not in the lock"),
        "{said}"
    );
    for (text, part) in [
        ("{", "is no lock"),
        ("{\"lock\": 2}", "is no lock"),
        ("[]", "is no lock"),
    ] {
        fs::write(world.path("b.lock"), text).unwrap();
        let path = world.path("b.lock");
        let ran = world.run(&["build-config", "--locked", &path]);
        assert!(ran.code != 0 && ran.err.contains(part), "{text}: {}", ran.err);
    }
}
