//! Histories over HTTP from git's own server side.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use git2::{Oid, Repository};
use tempfile::TempDir;

use crate::source::http::testserver::{Manner, TestServer, noise};
use crate::source::testing::TestRepo;
use crate::source::{FileStep, Location, Past, ReadError, Since, Snapshot, SourceError, Sources, Traced};

/// A repository with a fork behind a server, and a state directory to fetch into.
struct World {
    repo: TestRepo,
    state: TempDir,
}

const BRANCHES: [&str; 2] = ["one", "two"];

impl World {
    /// Two branches that share 30 commits; of each a file below `images` is changed in 20 more, among large ones that nobody asks
    /// for.
    fn new() -> Self {
        let repo = TestRepo::bare();
        repo.git()
            .config()
            .unwrap()
            .set_bool("uploadpack.allowFilter", true)
            .unwrap();
        let steps = |branch: &str, from: u64, count: u64| {
            for at in from..from + count {
                let large = (format!("images/b{}.yml", at % 7), noise(at, 9_000));
                let files = [
                    ("images/a.yml", format!("{branch} {at}\n")),
                    (large.0.as_str(), large.1),
                ];
                let files = files.each_ref().map(|(path, text)| (*path, text.as_str()));
                repo.commit_files(branch, &files);
            }
        };
        steps("one", 0, 30);
        let at = repo.git().refname_to_id("refs/heads/one").unwrap();
        repo.git().reference("refs/heads/two", at, true, "").unwrap();
        steps("one", 100, 20);
        steps("two", 200, 20);
        Self {
            repo,
            state: tempfile::tempdir().unwrap(),
        }
    }

    fn serve(&self, manner: Manner) -> TestServer {
        TestServer::start(self.repo.path().parent().unwrap(), manner)
    }

    fn open(&self, server: &TestServer) -> Result<Vec<Box<dyn Snapshot>>, SourceError> {
        let location = Location::parse(&server.url("", "repo.git")).unwrap();
        let sources = Sources::new(Some(self.state.path().into()));
        trees(sources.open_histories("o/r", &location, &BRANCHES))
    }

    fn on_disk(&self) -> Vec<Box<dyn Snapshot>> {
        let sources = Sources::new(None);
        trees(sources.open_histories("o/r", &self.repo.location(), &BRANCHES)).unwrap()
    }

    fn tip(&self, branch: &str) -> Oid {
        self.repo.git().refname_to_id(&format!("refs/heads/{branch}")).unwrap()
    }

    /// The repository of histories.
    fn kept(&self) -> Option<PathBuf> {
        let entries = fs::read_dir(self.state.path().join("git"))
            .into_iter()
            .flatten()
            .flatten();
        let mut paths = entries.map(|entry| entry.path());
        paths.find(|path| path.to_string_lossy().ends_with(".history.git"))
    }
}

fn trees(opened: Result<Vec<Past>, SourceError>) -> Result<Vec<Box<dyn Snapshot>>, SourceError> {
    Ok(opened?.into_iter().map(|past| past.tree).collect())
}

/// What one branch changed since the other one was made of it, and how often each text was there.
fn traced(opened: &[Box<dyn Snapshot>], paths: &[&str]) -> (Vec<FileStep>, Traced) {
    let other = opened[1].origin().commit.clone().unwrap();
    let mut steps = Vec::new();
    let end = opened[0]
        .trace(Since::Fork(&other), paths, &mut |step| steps.push(step))
        .unwrap();
    (steps, end)
}

fn texts(opened: &[Box<dyn Snapshot>], steps: &[FileStep]) -> Result<BTreeMap<String, String>, ReadError> {
    let ids = steps.iter().flat_map(|step| [&step.before, &step.after]).flatten();
    let contents = opened[0].contents(&ids.cloned().collect())?;
    let text = |(id, bytes): (String, std::sync::Arc<[u8]>)| (id, String::from_utf8(bytes.to_vec()).unwrap());
    Ok(contents.into_iter().map(text).collect())
}

/// How many greetings, lists and fetches were asked for since the last call.
fn asked(server: &TestServer) -> [usize; 3] {
    let seen = server.take_seen();
    let has = |body: &[u8], what: &[u8]| body.windows(what.len()).any(|window| window == what);
    let count = |is: &dyn Fn(&[u8], &str) -> bool| seen.iter().filter(|one| is(&one.body, &one.method)).count();
    [
        count(&|_, method| method == "GET"),
        count(&|body, _| has(body, b"command=ls-refs")),
        count(&|body, _| has(body, b"command=fetch")),
    ]
}

const A: [&str; 1] = ["images/a.yml"];

#[test]
fn a_history_is_the_same_as_on_disk_and_comes_without_contents() {
    let world = World::new();
    let server = world.serve(Manner::default());
    let opened = world.open(&server).unwrap();
    assert_eq!(asked(&server), [1, 1, 2], "one fetch a branch");
    let (steps, end) = traced(&opened, &["images"]);
    assert_eq!((steps.clone(), end), traced(&world.on_disk(), &["images"]));
    assert_eq!(steps.len(), 40);
    assert_eq!(opened[0].began(), world.on_disk()[0].began());
    let bytes = server.sent();
    assert!(bytes < 40_000, "{bytes} bytes of 70 commits");
    let (steps, _) = traced(&opened, &A);
    assert_eq!(texts(&opened, &steps), texts(&world.on_disk(), &steps));
    assert_eq!(asked(&server), [1, 0, 1], "all contents at once");
    assert_eq!(texts(&opened, &steps).unwrap().len(), 21);
    let contents = server.sent() - bytes;
    assert!(contents < 5_000, "{contents} bytes of 21 small files");

    // What is here is not asked for again.
    let again = world.open(&server).unwrap();
    assert_eq!(texts(&again, &traced(&again, &A).0).unwrap().len(), 21);
    assert_eq!(asked(&server), [1, 1, 0]);
}

#[test]
fn a_branch_that_moved_costs_its_new_commits() {
    let world = World::new();
    let server = world.serve(Manner::default());
    drop(world.open(&server).unwrap());
    let before = server.sent();
    asked(&server);
    world.repo.commit_files("one", &[("images/a.yml", "new\n")]);
    let opened = world.open(&server).unwrap();
    assert_eq!(asked(&server), [1, 1, 1]);
    assert!(server.sent() - before < 2_000, "{}", server.sent() - before);
    let (steps, end) = traced(&opened, &A);
    assert_eq!((steps.len(), end), (21, Traced::Whole));
    assert_eq!((steps, Traced::Whole), traced(&world.on_disk(), &A));
}

#[test]
fn a_branch_that_was_written_anew_has_its_new_history() {
    let world = World::new();
    let server = world.serve(Manner::default());
    drop(world.open(&server).unwrap());
    let git = world.repo.git();
    let back = git
        .find_commit(world.tip("one"))
        .unwrap()
        .parent(0)
        .unwrap()
        .parent(0)
        .unwrap();
    git.reference("refs/heads/one", back.id(), true, "").unwrap();
    world.repo.commit_files("one", &[("images/a.yml", "otherwise\n")]);
    let opened = world.open(&server).unwrap();
    let (steps, end) = traced(&opened, &A);
    assert_eq!((steps.len(), &end), (19, &Traced::Whole));
    assert_eq!((steps, end), traced(&world.on_disk(), &A));
}

#[test]
fn a_server_that_does_not_give_histories_is_named_and_nothing_large_is_fetched() {
    let world = World::new();
    let refusing = |manner: Manner| {
        let server = world.serve(manner);
        let error = world.open(&server).err().unwrap();
        assert!(server.sent() < 2_000, "{error}");
        error
    };
    let old = refusing(Manner {
        old: true,
        ..Manner::default()
    });
    let SourceError::NoHistory { message, .. } = &old else {
        panic!("{old:?}")
    };
    assert!(message.contains("cannot leave the contents of files out"), "{old}");
    let broken = refusing(Manner {
        refuse_filter: true,
        ..Manner::default()
    });
    assert!(broken.is_retryable(), "{broken:?}");
    world
        .repo
        .git()
        .config()
        .unwrap()
        .set_bool("uploadpack.allowFilter", false)
        .unwrap();
    let error = refusing(Manner::default());
    assert!(matches!(error, SourceError::NoHistory { .. }), "{error:?}");
    // One that has not got all of it itself.
    world
        .repo
        .git()
        .config()
        .unwrap()
        .set_bool("uploadpack.allowFilter", true)
        .unwrap();
    fs::write(world.repo.path().join("shallow"), format!("{}\n", world.tip("one"))).unwrap();
    let error = world.open(&world.serve(Manner::default())).err().unwrap();
    assert!(error.to_string().contains("shallow"), "{error}");
    fs::remove_file(world.repo.path().join("shallow")).unwrap();
    let opened = world.open(&world.serve(Manner::default())).unwrap();
    assert_eq!(traced(&opened, &A), traced(&world.on_disk(), &A), "it is no harm later");
}

#[test]
fn a_server_that_goes_half_way_is_asked_for_the_rest() {
    let world = World::new();
    let gone = world.serve(Manner {
        gone_at: Some(1),
        ..Manner::default()
    });
    let error = world.open(&gone).err().unwrap();
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(asked(&gone), [1, 1, 2]);
    // What came of the first branch is kept.
    gone.mend();
    let opened = world.open(&gone).unwrap();
    assert_eq!(asked(&gone), [1, 1, 1]);
    assert_eq!(traced(&opened, &A), traced(&world.on_disk(), &A));
}

#[test]
fn contents_that_the_server_forgot_are_an_error_and_come_when_it_has_them() {
    let world = World::new();
    let server = world.serve(Manner {
        forgets: true,
        ..Manner::default()
    });
    let opened = world.open(&server).unwrap();
    let (steps, _) = traced(&opened, &A);
    let before = server.sent();
    let error = texts(&opened, &steps).unwrap_err().to_string();
    assert!(error.contains("not our ref"), "{error}");
    assert!(server.sent() - before < 1_000, "nothing is fetched whole instead");
    server.mend();
    assert_eq!(texts(&opened, &steps), texts(&world.on_disk(), &steps));
}

#[test]
fn a_history_with_a_gap_is_not_taken() {
    let world = World::new();
    let server = world.serve(Manner {
        forgets_folders: true,
        ..Manner::default()
    });
    let error = world.open(&server).err().unwrap();
    assert!(error.to_string().contains("did not send all of the history"), "{error}");
    let kept = Repository::open_bare(world.kept().unwrap()).unwrap();
    assert_eq!(kept.references().unwrap().count(), 0);
}

#[test]
fn a_mirror_stays_without_history_beside_it() {
    let world = World::new();
    let server = world.serve(Manner::default());
    let location = Location::parse(&server.url("", "repo.git")).unwrap();
    let sources = Sources::new(Some(world.state.path().into()));
    let tree = sources.open("o/r", &location, "one").unwrap();
    let ends = |tree: &dyn Snapshot| tree.trace(Since::Time(0), &A, &mut |_| {}).unwrap();
    assert!(matches!(ends(&*tree), Traced::Short(_)));
    assert_eq!(world.kept(), None);
    drop(world.open(&server).unwrap());
    assert!(world.kept().is_some());
    let tree = sources.open("o/r", &location, "one").unwrap();
    assert!(matches!(ends(&*tree), Traced::Short(_)), "nobody asked for it there");
    assert_eq!(tree.read("images/a.yml").unwrap().unwrap().bytes.to_vec(), b"one 119\n");
}

#[test]
fn the_last_change_of_what_files_say_is_found_with_one_question() {
    let world = World::new();
    let server = world.serve(Manner::default());
    for at in 0..30 {
        world
            .repo
            .commit_files("two", &[("images/a.yml", &format!("two 7{}\n", "#".repeat(at)))]);
    }
    let opened = world.open(&server).unwrap();
    asked(&server);
    let files = ["images/a.yml", "images/b1.yml", "nothing"];
    opened[0].expect_changes(&files);
    assert_eq!(asked(&server), [1, 0, 1]);
    let says = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches(['#', '\n']).to_owned();
    let disk = world.on_disk();
    for file in files {
        assert_eq!(
            opened[0].last_change(file, &says),
            disk[0].last_change(file, &says),
            "{file}"
        );
    }
    assert_eq!(asked(&server), [0, 0, 0]);
    // Further back than is brought at first.
    assert_eq!(opened[1].last_change(A[0], &says), disk[1].last_change(A[0], &says));
    assert!(opened[1].last_change(A[0], &says).unwrap().is_some());
}

#[test]
fn many_small_packs_become_one_and_the_large_one_stays() {
    let world = World::new();
    let server = world.serve(Manner::default());
    drop(world.open(&server).unwrap());
    let packs = |path: &Path| {
        let entries = fs::read_dir(path.join("objects/pack")).unwrap().flatten();
        let paths = entries.map(|entry| entry.path());
        paths
            .filter(|path| path.extension().is_some_and(|kind| kind == "pack"))
            .collect::<Vec<_>>()
    };
    let kept = world.kept().unwrap();
    let large = packs(&kept)
        .into_iter()
        .max_by_key(|path| path.metadata().unwrap().len())
        .unwrap();
    for at in 0..80 {
        world
            .repo
            .commit_files("one", &[("images/a.yml", &format!("later {at}\n"))]);
        drop(world.open(&server).unwrap());
        if packs(&kept).len() < 10 && at > 60 {
            break;
        }
    }
    assert!(packs(&kept).len() < 64, "{}", packs(&kept).len());
    assert!(large.exists());
    let opened = world.open(&server).unwrap();
    let (steps, end) = traced(&opened, &A);
    assert_eq!((steps.clone(), end), traced(&world.on_disk(), &A));
    assert_eq!(texts(&opened, &steps), texts(&world.on_disk(), &steps));
}

#[test]
fn many_threads_fetch_a_history_once() {
    let world = World::new();
    let server = world.serve(Manner::default());
    let location = Location::parse(&server.url("", "repo.git")).unwrap();
    let state = world.state.path();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let sources = Sources::new(Some(state.into()));
                let opened = trees(sources.open_histories("o/r", &location, &BRANCHES)).unwrap();
                assert_eq!(traced(&opened, &A).0.len(), 20);
            });
        }
    });
    assert_eq!(asked(&server)[2], 2);
}
