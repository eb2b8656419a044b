//! Kills the process after each request of a run: the next run ends where an undisturbed one would have.
#![recursion_limit = "256"]
#![allow(clippy::disallowed_methods, reason = "tests make files and processes")]

#[path = "fake_github/mod.rs"]
mod fake_github;
mod program;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use fake_github::FakeGithub;
use program::{Demo, Ran, program, ran};

const REPO: &str = "openshift/release";
const TOKEN: &str = "ghs_0123456789abcdefghij";

/// The demo, with a fake GitHub that has the files of its CI configs.
struct World {
    demo: Demo,
    github: FakeGithub,
}

#[derive(Clone, Copy, Debug)]
enum Life {
    Open,
    Update,
    Close,
}

impl World {
    fn new() -> Self {
        let (demo, github) = (Demo::new(), FakeGithub::start());
        let folder = demo.folder();
        let mut files = Vec::new();
        read(&folder.join("repos/openshift/release"), "", &mut files);
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        github.repository(REPO, &files);
        let main = github.branch(REPO, "main");
        github.inside().state.set_ref(REPO, "refs/heads/master", main);
        let config = fs::read_to_string(folder.join("lockstep.yaml")).unwrap();
        let forge = format!(
            "forge: {{kind: github, api: '{}', token-env: TOKEN, labels: [okd], reviewers: [ann]}}",
            github.url
        );
        fs::write(
            folder.join("lockstep.yaml"),
            config.replace("forge: {kind: local, dir: out}", &forge),
        )
        .unwrap();
        Self { demo, github }
    }

    /// A world right before a run of that kind.
    fn before(life: Life) -> Self {
        let world = Self::new();
        if !matches!(life, Life::Open) {
            world.run();
        }
        let rules = world.demo.folder();
        match life {
            Life::Open => {}
            // Another release policy: the same files with other contents.
            Life::Update => world.change_metadata(&rules),
            // What was proposed is on the base by another way.
            Life::Close => world.take_over(),
        }
        world
    }

    /// Changes what the metadata of one image says.
    fn change_metadata(&self, folder: &Path) {
        let images = folder.join("repos/openshift-eng/ocp-build-data/images");
        let mut names: Vec<_> = fs::read_dir(&images)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        let mut changed = 0;
        for path in names {
            let text = fs::read_to_string(&path).unwrap();
            if text.contains("payload_name:") && changed == 0 {
                let name = text
                    .lines()
                    .find_map(|line| line.strip_prefix("payload_name: "))
                    .unwrap()
                    .to_owned();
                fs::write(
                    &path,
                    text.replace(
                        &format!("payload_name: {name}"),
                        &format!("payload_name: {name}-renamed"),
                    ),
                )
                .unwrap();
                changed += 1;
            }
        }
        assert_eq!(changed, 1, "the demo has an image with a payload name");
    }

    /// Puts what is proposed into the CI configs and onto the base.
    fn take_over(&self) {
        let files = self.github.files(REPO, "lockstep/ci/4.16");
        let files: Vec<(&str, Option<&str>)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), Some(text.as_str())))
            .collect();
        let commit = self.github.push(REPO, "main", "ann", &files);
        self.github
            .inside()
            .state
            .set_ref(REPO, "refs/heads/master", Some(commit));
        for (path, text) in files {
            let path = self.demo.folder().join("repos/openshift/release").join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.unwrap()).unwrap();
        }
    }

    fn command(&self) -> std::process::Command {
        let mut command = program();
        command
            .env("TOKEN", TOKEN)
            .arg("reconcile")
            .arg("--config")
            .arg(self.demo.folder().join("lockstep.yaml"));
        command
    }

    fn run(&self) -> Ran {
        let ran = ran(&mut self.command());
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(!format!("{}{}", ran.out, ran.err).contains(TOKEN));
        ran
    }

    /// Runs until a request has been carried out, and kills the process before it gets the answer.
    fn run_and_kill_after(&self, request: usize) {
        let child: Arc<Mutex<Option<Child>>> = Arc::default();
        let victim = Arc::clone(&child);
        let last = self.github.requests() + request;
        self.github.inside().after = Some(Box::new(move |number| {
            if number == last {
                // The process may have sent its first request before its handle was put here.
                while victim.lock().unwrap().is_none() {
                    std::thread::yield_now();
                }
                if let Some(child) = victim.lock().unwrap().as_mut() {
                    child.kill().unwrap();
                }
            }
        }));
        let spawned = self
            .command()
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        *child.lock().unwrap() = Some(spawned);
        let killed = loop {
            if let Some(status) = child.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
                break status;
            }
            std::thread::yield_now();
        };
        self.github.inside().after = None;
        assert!(killed.code().is_none(), "it was killed, it did not end: {killed}");
    }
}

fn read(folder: &Path, below: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{path}/"), files);
        } else {
            files.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

fn killed_at_each_request(life: Life) {
    let world = World::before(life);
    let before = world.github.requests();
    world.run();
    let requests = world.github.requests() - before;
    assert!(
        requests >= 5,
        "{life:?} only took {requests} requests: is anything written?"
    );
    let expected = world.github.picture(REPO);
    for request in 1..=requests {
        let world = World::before(life);
        world.run_and_kill_after(request);
        world.run();
        assert_eq!(
            world.github.picture(REPO),
            expected,
            "{life:?}, killed after request {request} of {requests}"
        );
    }
    println!("{life:?}: {requests} requests, killed after each");
}

#[test]
fn while_opening() {
    killed_at_each_request(Life::Open);
}

#[test]
fn while_updating() {
    killed_at_each_request(Life::Update);
}

#[test]
fn while_closing() {
    killed_at_each_request(Life::Close);
}

#[test]
fn the_state_directory_holds_no_secret() {
    let world = World::new();
    let ran = world.run();
    assert!(ran.out.contains("open a pull request"), "{}", ran.out);
    assert_eq!(world.github.pulls(REPO)[0].labels, ["okd"]);
    let mut files = vec![world.demo.folder().join("state")];
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let bytes = fs::read(&path).unwrap();
            let found = bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes());
            assert!(!found, "{}", path.display());
        }
    }
}

#[test]
fn a_dry_run_predicts_and_a_failure_is_exit_code_1() {
    let world = World::new();
    let dry = ran(world.command().arg("--dry-run"));
    assert_eq!(dry.code, 0, "{}", dry.err);
    assert!(world.github.pulls(REPO).is_empty());
    let real = world.run();
    let told = |text: &str| {
        text.lines()
            .filter(|line| line.starts_with("  "))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(told(&dry.out), told(&real.out));
    world.github.fail(1, fake_github::Fault::Forbidden, true);
    let failed = ran(&mut world.command());
    assert_eq!(failed.code, 1);
    assert!(failed.out.contains("not permitted"), "{}", failed.out);
    world.github.mend();
    let without = ran(world.command().env_remove("TOKEN"));
    assert_eq!(without.code, 1);
    assert!(without.out.contains("environment variable TOKEN"), "{}", without.out);
}
