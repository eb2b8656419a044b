//! Component repositories read through GitHub's API: few requests, and the same files as git has.

use crate::support::{fake_github, github_world, program};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use github_world::World;
use lockstep::base::RepoName;
use lockstep::source::github::{Blobs, NoReports, Reader, ToRead};
use lockstep::source::{EntryKind, Snapshot};
use program::{Demo, program, ran};

#[derive(Default)]
struct Cache(RefCell<BTreeMap<String, Vec<u8>>>);

impl Blobs for Cache {
    fn get(&self, oid: &str) -> Option<Arc<[u8]>> {
        self.0.borrow().get(oid).map(|bytes| Arc::from(bytes.as_slice()))
    }
    fn put(&self, oid: &str, bytes: &[u8]) {
        self.0.borrow_mut().insert(oid.to_owned(), bytes.to_vec());
    }
}

fn name(text: &str) -> RepoName {
    text.parse().unwrap()
}

fn text(snapshot: &dyn Snapshot, path: &str) -> Option<String> {
    let blob = snapshot.read(path).unwrap()?;
    Some(String::from_utf8_lossy(&blob.bytes).into_owned())
}

fn files(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

#[test]
fn a_poll_of_170_repositories_and_9_releases_is_cheap() {
    let world = World::new(&[]);
    let repos: Vec<String> = (0..170).map(|n| format!("o{}/r{n}", n % 2)).collect();
    let releases: Vec<String> = (16..25).map(|minor| format!("release-4.{minor}")).collect();
    for repo in &repos {
        world.github.repository(repo, &[("Dockerfile", "FROM a\n")]);
        let commit = world.github.branch(repo, "main");
        for release in &releases {
            let mut inside = world.github.inside();
            inside
                .state
                .set_ref(repo, &format!("refs/heads/{release}"), commit.clone());
        }
    }
    let reader = Reader::new(world.client());
    for release in &releases {
        let branches: Vec<_> = repos.iter().map(|repo| (name(repo), release.clone())).collect();
        reader.heads(&branches);
        for (repo, branch) in &branches {
            reader.head(repo, branch).unwrap();
        }
    }
    // Whether a cut is near is asked with them: most components have no branch of the release after.
    let next: Vec<_> = repos
        .iter()
        .map(|repo| (name(repo), "release-4.25".to_owned()))
        .collect();
    let commit = world.github.branch(&repos[7], "main");
    let mut inside = world.github.inside();
    inside.state.set_ref(&repos[7], "refs/heads/release-4.25", commit);
    drop(inside);
    reader.heads(&next);
    // Konflux's runs may have been left on the branch that a release was built from before.
    for branch in ["main", "master"] {
        let former: Vec<_> = repos.iter().map(|repo| (name(repo), branch.to_owned())).collect();
        reader.heads(&former);
    }
    let has = next.iter().filter(|(repo, branch)| reader.head(repo, branch).is_ok());
    assert_eq!(has.count(), 1);
    let asked = world.github.asked(0);
    println!("{} requests", asked.len());
    assert!(asked.len() <= 20, "{}", asked.len());
    let inside = world.github.inside();
    let heads_only = |query: &str| query.starts_with("query Heads") && !query.contains("text");
    assert!(
        inside
            .log
            .iter()
            .all(|exchange| heads_only(exchange.request["query"].as_str().unwrap()))
    );
}

/// A repository's Dockerfile and its folder of runs are asked for together, and nothing of them is asked for again.
#[test]
fn folders_come_in_the_same_questions_as_files() {
    let world = World::new(&[]);
    let repos: Vec<String> = (0..40).map(|n| format!("o/r{n}")).collect();
    for repo in &repos {
        let push = format!("kind: PipelineRun # {repo}\n");
        let files = [
            ("Dockerfile", "FROM a\n"),
            (".tekton/push.yaml", push.as_str()),
            (".tekton/more/task.yml", "kind: Task\n"),
            (".tekton/notes.md", "no run\n"),
        ];
        world.github.repository(repo, &files);
    }
    let (reader, cache) = (Arc::new(Reader::new(world.client())), Cache::default());
    let branches: Vec<_> = repos.iter().map(|repo| (name(repo), "main".to_owned())).collect();
    reader.heads(&branches);
    let wanted = repos.iter().map(|repo| ToRead {
        repo: name(repo),
        commit: reader.head(&name(repo), "main").unwrap(),
        files: files(&["Dockerfile"]),
        folders: files(&[".tekton"]),
    });
    let wanted: Vec<_> = wanted.collect();
    reader.gather(&wanted, &cache);
    let asked = world.github.asked(0);
    // Heads; roots and folders; Dockerfiles and runs; the folders in them; their files.
    assert_eq!(asked.len(), 5, "{asked:#?}");
    {
        let inside = world.github.inside();
        let trees = inside
            .log
            .iter()
            .find(|exchange| exchange.request["query"].to_string().contains("query Trees"));
        let variables = trees.expect("a question about folders").request["variables"].to_string();
        assert!(
            variables.contains(":.tekton\"") && variables.contains(":\""),
            "{variables}"
        );
    }
    let before = world.github.requests();
    for repo in &repos {
        let snapshot = reader.open(&name(repo), "main").unwrap();
        assert_eq!(text(&snapshot, "Dockerfile").as_deref(), Some("FROM a\n"));
        let listed = snapshot.list(".tekton").unwrap().unwrap();
        assert_eq!(listed.len(), 3);
        assert_eq!(
            text(&snapshot, ".tekton/push.yaml"),
            Some(format!("kind: PipelineRun # {repo}\n"))
        );
        assert_eq!(
            text(&snapshot, ".tekton/more/task.yml").as_deref(),
            Some("kind: Task\n")
        );
    }
    assert_eq!(world.github.requests(), before, "all of it was gathered");
}

#[test]
fn files_come_as_git_has_them() {
    let world = World::new(&[]);
    let large = "x".repeat(600_000);
    world.github.repository("o/c", &[]);
    let contents: [(&str, i32, &[u8]); 8] = [
        ("Dockerfile", 0o100_644, b"FROM a\n"),
        ("images/Dockerfile.real", 0o100_755, b"FROM b\n"),
        ("images/Dockerfile", 0o120_000, b"Dockerfile.real"),
        ("up", 0o120_000, b"images/Dockerfile"),
        ("out", 0o120_000, b"../../etc/passwd"),
        ("large", 0o100_644, large.as_bytes()),
        ("binary", 0o100_644, b"\xff\0\xfe"),
        ("empty", 0o100_644, b""),
    ];
    world.github.push_raw("o/c", "main", &contents);
    let (reader, cache) = (Arc::new(Reader::new(world.client())), Cache::default());
    let commit = reader.head(&name("o/c"), "main").unwrap();
    let wanted = ToRead {
        repo: name("o/c"),
        commit,
        files: files(&[
            "Dockerfile",
            "up",
            "large",
            "binary",
            "empty",
            "missing/Dockerfile",
            "go.mod",
        ]),
        folders: BTreeSet::new(),
    };
    reader.gather(std::slice::from_ref(&wanted), &cache);
    let before = world.github.requests();
    let snapshot = reader.open(&name("o/c"), "main").unwrap();
    assert_eq!(text(&snapshot, "Dockerfile").as_deref(), Some("FROM a\n"));
    assert_eq!(text(&snapshot, "up").as_deref(), Some("FROM b\n"));
    assert_eq!(snapshot.read("up").unwrap().unwrap().path, "images/Dockerfile.real");
    assert_eq!(
        text(&snapshot, "large").unwrap().len(),
        large.len(),
        "what GraphQL cuts is read whole"
    );
    assert_eq!(&*snapshot.read("binary").unwrap().unwrap().bytes, b"\xff\0\xfe");
    assert_eq!(text(&snapshot, "empty").as_deref(), Some(""));
    assert_eq!(text(&snapshot, "missing/Dockerfile"), None);
    assert_eq!(text(&snapshot, "go.mod"), None);
    assert_eq!(world.github.requests(), before, "all of it was gathered");
    assert!(snapshot.read("out").is_err(), "a link that leaves the repository");
    let listed = snapshot.list("images").unwrap().unwrap();
    let kinds: Vec<_> = listed.iter().map(|entry| (entry.name.as_str(), entry.kind)).collect();
    assert_eq!(
        kinds,
        [("Dockerfile", EntryKind::Link), ("Dockerfile.real", EntryKind::File)]
    );

    // Another run, with the cache: heads and directories are asked for, no content.
    let before = world.github.requests();
    Reader::new(world.client()).gather(&[wanted], &cache);
    let asked = world.github.inside().log[before..].to_vec();
    assert!(
        asked
            .iter()
            .all(|exchange| exchange.request["query"].as_str().unwrap().starts_with("query Trees"))
    );
}

#[test]
fn what_is_not_there_is_said_and_costs_nothing_else() {
    let world = World::new(&[]);
    world.github.repository("o/c", &[("Dockerfile", "FROM a\n")]);
    world.github.repository("o/new", &[("Dockerfile", "FROM n\n")]);
    world
        .github
        .inside()
        .state
        .renamed
        .insert("o/old".into(), "o/new".into());
    let reader = Arc::new(Reader::new(world.client()));
    let branch = |repo: &str, branch: &str| (name(repo), branch.to_owned());
    reader.heads(&[
        branch("o/c", "main"),
        branch("o/c", "gone"),
        branch("o/nowhere", "main"),
        branch("o/old", "main"),
    ]);
    assert!(reader.head(&name("o/c"), "main").is_ok());
    let error = reader.head(&name("o/c"), "gone").unwrap_err().to_string();
    assert!(error.contains("no branch `gone`"), "{error}");
    let error = reader.head(&name("o/nowhere"), "main").unwrap_err().to_string();
    assert!(error.contains("o/nowhere"), "{error}");
    assert_eq!(world.github.requests(), 1);
    let renamed = reader.open(&name("o/old"), "main").unwrap();
    assert_eq!(text(&renamed, "Dockerfile").as_deref(), Some("FROM n\n"));
    let alone = Reader::new(world.client());
    alone.heads(&[branch("o/nowhere", "main")]);
    assert!(
        alone.head(&name("o/nowhere"), "main").is_err(),
        "not one of them is there"
    );
}

#[test]
fn trouble_is_never_taken_for_absence() {
    let world = World::new(&[]);
    world.github.repository("o/c", &[("Dockerfile", "FROM a\n")]);
    let reader = Arc::new(Reader::new(world.client()));
    let snapshot = reader.open(&name("o/c"), "main").unwrap();
    world.github.fail(1, fake_github::Fault::Server(502), true);
    assert!(snapshot.read("Dockerfile").is_err());
    world.github.mend();
    assert!(text(&snapshot, "Dockerfile").is_some());
}

#[test]
fn a_field_that_failed_is_not_taken_for_absence() {
    let world = World::new(&[]);
    world
        .github
        .repository("o/c", &[("Dockerfile", "FROM a\n"), (".tekton/push.yaml", "a: 1\n")]);
    let fails = |ends: &[&str]| world.github.inside().state.fails = files(ends);
    let (reader, cache) = (Arc::new(Reader::new(world.client())), Cache::default());
    let main = (name("o/c"), "main".to_owned());
    fails(&["refs/heads/main"]);
    reader.heads(std::slice::from_ref(&main));
    let error = reader.head(&main.0, "main").unwrap_err().to_string();
    assert!(error.contains("Something went wrong"), "{error}");
    let told = reader.reported(std::slice::from_ref(&main)).unwrap();
    assert!(matches!(told[0], Err(NoReports::Failed(_))), "{told:?}");
    fails(&[":.tekton"]);
    let snapshot = reader.open(&main.0, "main").unwrap();
    let wanted = ToRead {
        repo: main.0.clone(),
        commit: reader.head(&main.0, "main").unwrap(),
        files: files(&["Dockerfile"]),
        folders: files(&[".tekton"]),
    };
    reader.gather(&[wanted], &cache);
    assert!(cache.0.borrow().len() == 1, "what did not fail is gathered");
    let error = snapshot.list(".tekton").unwrap_err().to_string();
    assert!(error.contains("Something went wrong"), "{error}");
    fails(&[]);
    assert_eq!(snapshot.list(".tekton").unwrap().map(|found| found.len()), Some(1));
}

fn add(world: &fake_github::FakeGithub, folder: &Path) {
    for org in fs::read_dir(folder).unwrap() {
        let org = org.unwrap();
        for repo in fs::read_dir(org.path()).unwrap() {
            let repo = repo.unwrap();
            let mut found = Vec::new();
            read(&repo.path(), "", &mut found);
            let files: Vec<(&str, &str)> = found
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str()))
                .collect();
            let name = format!(
                "{}/{}",
                org.file_name().to_string_lossy(),
                repo.file_name().to_string_lossy()
            );
            world.repository(&name, &files);
            let commit = world.branch(&name, "main");
            for branch in ["master", "release-4.16", "release-4.17", "openshift-4.16"] {
                world
                    .inside()
                    .state
                    .set_ref(&name, &format!("refs/heads/{branch}"), commit.clone());
            }
        }
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

#[test]
fn a_whole_run_comes_to_the_same() {
    let demo = Demo::new();
    let github = fake_github::FakeGithub::start();
    add(&github, &demo.folder().join("repos"));
    let config = demo.folder().join("lockstep.yaml");
    let before = fs::read_to_string(&config).unwrap();
    let out = |folder: &str| {
        let to = demo.folder().join(folder);
        let mut command = program();
        command
            .env("TOKEN", "ghs_0123456789abcdefghij")
            .args(["render", "--out"])
            .arg(&to);
        let ran = ran(command.arg("--config").arg(&config));
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        let mut found = Vec::new();
        read(&to, "", &mut found);
        found.sort();
        found
    };
    let expected = out("by-folder");
    let text = before
        .replace(
            "forge: {kind: local, dir: out}",
            &format!("forge: {{kind: github, api: '{}', token-env: TOKEN}}", github.url),
        )
        .replace(
            "components: {repo: \"repos/{org}/{repo}\"}",
            "components: {via: github}",
        );
    assert_ne!(text, before);
    fs::write(&config, text).unwrap();
    assert_eq!(out("by-github"), expected);
    assert!(github.requests() > 0 && github.requests() < 12, "{}", github.requests());
    let first = github.requests();
    assert_eq!(out("again"), expected);
    assert_eq!(github.requests() - first, 1, "nothing has changed: one question");
}
