//! Fetching over HTTP from git's own server side.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use git2::{ObjectType, Oid, Repository};
use tempfile::TempDir;

use super::testserver::{Manner, TestServer, noise};
use crate::source::testing::TestRepo;
use crate::source::{CommitId, Location, Snapshot, SourceError, Sources, prepare_git};

/// A repository with some history behind a server, and a state directory to fetch into.
struct World {
    repo: TestRepo,
    server: TestServer,
    state: TempDir,
}

impl World {
    fn new(manner: Manner) -> Self {
        let repo = TestRepo::bare();
        for text in ["one", "two", "three"] {
            repo.commit_files("main", &[("dir/f", text), ("same", "same")]);
        }
        let server = TestServer::start(repo.path().parent().unwrap(), manner);
        Self {
            repo,
            server,
            state: tempfile::tempdir().unwrap(),
        }
    }

    fn location(&self) -> Location {
        Location::parse(&self.server.url("", "repo.git")).unwrap()
    }

    fn open(&self, branch: &str) -> Result<Box<dyn Snapshot>, SourceError> {
        Sources::new(Some(self.state.path().into())).open("org/repo", &self.location(), branch)
    }

    /// The paths asked for since the last call, in short.
    fn asked(&self) -> Vec<&'static str> {
        let seen = self.server.take_seen();
        seen.iter()
            .map(|seen| match seen.method.as_str() {
                "GET" => "greet",
                _ if find(&seen.body, b"command=ls-refs") => "list",
                _ => "fetch",
            })
            .collect()
    }

    fn mirror(&self) -> Repository {
        Repository::open_bare(self.mirror_path()).unwrap()
    }

    fn mirror_path(&self) -> PathBuf {
        let dirs = std::fs::read_dir(self.state.path().join("git"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        dirs.filter(|path| path.is_dir()).min().unwrap()
    }
}

fn find(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

fn text(tree: &dyn Snapshot, path: &str) -> String {
    String::from_utf8(tree.read(path).unwrap().unwrap().bytes.to_vec()).unwrap()
}

fn commits(repo: &Repository) -> Vec<Oid> {
    let odb = repo.odb().unwrap();
    let mut commits = Vec::new();
    odb.foreach(|oid| {
        commits.extend(Some(*oid).filter(|oid| odb.read_header(*oid).unwrap().1 == ObjectType::Commit));
        true
    })
    .unwrap();
    commits
}

#[test]
fn fetches_one_commit_and_only_once() {
    for (old, first, second) in [
        (false, vec!["greet", "list", "fetch"], vec!["greet", "list"]),
        (true, vec!["greet", "fetch"], vec!["greet"]),
    ] {
        let world = World::new(Manner {
            old,
            ..Manner::default()
        });
        let tree = world.open("main").unwrap();
        assert_eq!(
            (text(&*tree, "dir/f"), text(&*tree, "same")),
            ("three".into(), "same".into())
        );
        assert_eq!(world.asked(), first);
        let tip = world.repo.git().refname_to_id("refs/heads/main").unwrap();
        assert_eq!(tree.origin().commit, Some(tip.to_string()));
        assert_eq!(commits(&world.mirror()), [tip], "no history");
        assert!(world.mirror().is_shallow());
        assert_eq!(text(&*world.open("main").unwrap(), "dir/f"), "three");
        assert_eq!(world.asked(), second, "nothing is fetched twice");
    }
}

#[test]
fn fetches_what_changed_and_other_branches() {
    for old in [false, true] {
        let world = World::new(Manner {
            old,
            ..Manner::default()
        });
        let before = world.open("main").unwrap();
        let big: String = (0..20_000).map(|i| format!("{i}\n")).collect();
        world.repo.commit_files("main", &[("dir/f", "four"), ("dir/big", &big)]);
        world.repo.commit_files("main", &[("dir/f", "five")]);
        assert_eq!(text(&*world.open("main").unwrap(), "dir/f"), "five");
        assert_eq!(text(&*before, "dir/f"), "three", "an open snapshot stays what it was");
        world.repo.commit_files("feature/x", &[("other", "o")]);
        assert_eq!(text(&*world.open("feature/x").unwrap(), "other"), "o");
        world.repo.commit_files("main", &[("dir/f", "six")]);
        assert_eq!(text(&*world.open("main").unwrap(), "dir/f"), "six");
        assert_eq!(text(&*world.open("main").unwrap(), "same"), "same");
        let mirror = world.mirror();
        assert_eq!(commits(&mirror).len(), 4, "each fetch brings one commit");
        let same = git2::Oid::hash_object(ObjectType::Blob, b"same").unwrap().to_string();
        let packs = std::fs::read_dir(mirror.path().join("objects/pack")).unwrap().flatten();
        let packs: Vec<_> = packs
            .map(|pack| pack.path())
            .filter(|path| path.extension().unwrap() == "idx")
            .collect();
        let holding = packs
            .iter()
            .filter(|idx| find(&std::fs::read(idx).unwrap(), Oid::from_str(&same).unwrap().as_bytes()));
        assert_eq!(
            (packs.len(), holding.count()),
            (4, 1),
            "what is there is not sent again"
        );
    }
}

#[test]
fn asks_for_heads_and_branches_without_fetching() {
    let world = World::new(Manner::default());
    let tip = world.repo.commit_files("release-4.16", &[("f", "x")]);
    let sources = Sources::new(None);
    assert_eq!(
        sources.head(&world.location(), "release-4.16").unwrap(),
        Some(CommitId(tip.to_string()))
    );
    assert_eq!(world.asked(), ["greet", "list"]);
    assert_eq!(
        sources.branches(&world.location()).unwrap(),
        Some(vec!["main".into(), "release-4.16".into()])
    );
    let error = sources.head(&world.location(), "release-4.61").unwrap_err();
    assert!(
        matches!(&error, SourceError::NoBranch { near, count: 2, .. } if near[0] == "release-4.16"),
        "{error:?}"
    );
    assert!(matches!(
        sources.head(&world.location(), "a..b\n"),
        Err(SourceError::NoBranch { .. })
    ));
    assert!(matches!(
        sources.open("r", &world.location(), "main"),
        Err(SourceError::NoState { .. })
    ));
}

#[test]
fn the_default_branch_is_the_one_of_the_servers_head() {
    for old in [false, true] {
        let manner = Manner {
            old,
            ..Manner::default()
        };
        let world = World::new(manner);
        world.repo.commit_files("trunk", &[("f", "trunk")]);
        let opened = || Sources::new(Some(world.state.path().into())).open_branch("org/repo", &world.location(), None);
        assert_eq!(opened().unwrap().origin().branch, "main");
        world.repo.git().set_head("refs/heads/trunk").unwrap();
        let tree = opened().unwrap();
        assert_eq!((tree.origin().branch.as_str(), &*text(&*tree, "f")), ("trunk", "trunk"));
        world.asked();
        opened().unwrap();
        let once: &[&str] = if old { &["greet"] } else { &["greet", "list"] };
        assert_eq!(world.asked(), once, "as many questions as for a branch by its name");
        // A HEAD that names a branch which nobody pushed tells nothing.
        world.repo.git().set_head("refs/heads/nowhere").unwrap();
        assert_eq!(opened().unwrap().origin().branch, "main");
        world
            .repo
            .git()
            .find_reference("refs/heads/main")
            .unwrap()
            .delete()
            .unwrap();
        assert_eq!(opened().unwrap().origin().branch, "trunk");
        world.repo.commit_files("other", &[("f", "x")]);
        let error = opened().err().unwrap();
        assert!(matches!(&error, SourceError::NoDefault { count: 2, .. }), "{error:?}");
        assert!(error.to_string().ends_with("set the source's `branch`"), "{error}");
    }
}

#[test]
fn tells_missing_from_empty_from_unreachable() {
    let world = World::new(Manner::default());
    let sources = Sources::new(Some(world.state.path().into()));
    let missing = Location::parse(&world.server.url("", "none.git")).unwrap();
    assert!(matches!(
        sources.open("r", &missing, "main"),
        Err(SourceError::NotFound { .. })
    ));
    prepare_git();
    Repository::init_bare(world.repo.path().with_file_name("empty.git")).unwrap();
    let empty = Location::parse(&world.server.url("", "empty.git")).unwrap();
    let error = sources.open("r", &empty, "main").err().unwrap();
    assert!(matches!(error, SourceError::Empty { .. }), "{error:?}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let closed = Location::parse(&format!("http://me:s3cret@{closed}/r.git")).unwrap();
    let error = sources.open("r", &closed, "main").err().unwrap();
    assert!(
        matches!(error, SourceError::Unreachable { .. }) && error.is_retryable(),
        "{error:?}"
    );
    assert!(
        !format!("{error}{error:?}").contains("s3cret") && error.to_string().contains("***@"),
        "{error}"
    );
}

type Expected = fn(&SourceError) -> bool;

#[test]
fn statuses_and_foreign_servers_are_told_apart() {
    let cases: Vec<(&str, Expected)> = vec![
        ("401 Unauthorized", |e| matches!(e, SourceError::Denied { .. })),
        ("403 Forbidden", |e| matches!(e, SourceError::Denied { .. })),
        ("404 Not Found", |e| matches!(e, SourceError::NotFound { .. })),
        ("503 Busy", |e| matches!(e, SourceError::Unreachable { .. })),
        (
            "200 OK",
            |e| matches!(e, SourceError::Unreachable { message, .. } if message.contains("no git server")),
        ),
        ("302 Found\r\nLocation: /login", |e| {
            matches!(e, SourceError::Unreachable { .. })
        }),
    ];
    for (status, expected) in cases {
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
        let world = World::new(Manner {
            always: Some(answer),
            ..Manner::default()
        });
        let error = world.open("main").err().unwrap();
        assert!(expected(&error), "{status}: {error:?}");
    }
}

#[test]
fn redirects_are_followed_without_credentials_for_others() {
    let to = World::new(Manner::default());
    let there = to.server.url("", "");
    let manner = Manner {
        redirect: Some(there.trim_end_matches('/').to_owned()),
        ..Manner::default()
    };
    let from = World::new(manner);
    let location = Location::parse(&from.server.url("me:s3cret", "old/repo.git")).unwrap();
    let tree = Sources::new(Some(from.state.path().into()))
        .open("r", &location, "main")
        .unwrap();
    assert_eq!(text(&*tree, "same"), "same");
    assert_eq!(
        from.server.take_seen()[0].authorization.as_deref(),
        Some("Basic bWU6czNjcmV0")
    );
    let seen = to.server.take_seen();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|seen| seen.authorization.is_none()), "{seen:?}");
}

#[test]
fn redirects_in_circles_and_elsewhere_end() {
    let world = World::new(Manner::default());
    for to in ["/old", "ftp://host", "//host/x", "http://me:s3cret@127.0.0.1:1/r?x="] {
        let world = World::new(Manner {
            redirect: Some(to.into()),
            ..Manner::default()
        });
        let location = Location::parse(&world.server.url("", "old/repo.git")).unwrap();
        let error = Sources::new(None).head(&location, "main").unwrap_err();
        assert!(
            matches!(error, SourceError::Unreachable { .. } | SourceError::NotFound { .. }),
            "{to}: {error:?}"
        );
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
    assert_eq!(world.open("main").unwrap().origin().branch, "main");
}

#[test]
fn a_cut_answer_leaves_nothing_broken() {
    let repo = TestRepo::bare();
    repo.commit_files("main", &[("f", &"text ".repeat(1000)), ("g", "g")]);
    let root = repo.path().parent().unwrap();
    let state = tempfile::tempdir().unwrap();
    let mut path = None;
    for cut in [0, 3, 40, 100, 200, 260] {
        let server = TestServer::start(
            root,
            Manner {
                cut: Some(cut),
                ..Manner::default()
            },
        );
        let location = Location::parse(&server.url("", "repo.git")).unwrap();
        let error = Sources::new(Some(state.path().into()))
            .open("r", &location, "main")
            .err()
            .unwrap();
        assert!(
            matches!(error, SourceError::Unreachable { .. }),
            "cut at {cut}: {error:?}"
        );
        let Location::Url(url) = location else { panic!("a URL") };
        path = Some(state.path().join("git").join(url.slug()));
        if let Ok(mirror) = Repository::open_bare(path.as_deref().unwrap()) {
            assert_eq!(commits(&mirror).len(), 0, "cut at {cut}");
            assert_eq!(mirror.references().unwrap().count(), 0, "cut at {cut}");
        }
    }
    assert!(path.is_some());
}

#[test]
fn a_killed_process_is_no_hindrance() {
    let world = World::new(Manner::default());
    world.open("main").unwrap();
    let path = world.mirror_path();
    std::fs::write(path.join("objects/pack/pack_git2_left_over"), "half a pack").unwrap();
    std::fs::write(path.join("shallow.new"), "half").unwrap();
    world.repo.commit_files("main", &[("dir/f", "four")]);
    assert_eq!(text(&*world.open("main").unwrap(), "dir/f"), "four");
    assert!(!path.join("objects/pack/pack_git2_left_over").exists());

    std::fs::remove_dir_all(&path).unwrap();
    std::fs::create_dir_all(path.join("objects")).unwrap();
    std::fs::write(path.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    assert_eq!(
        text(&*world.open("main").unwrap(), "dir/f"),
        "four",
        "a mirror half made is completed"
    );
}

#[test]
fn a_scattered_mirror_is_gathered_once_nobody_reads_it() {
    let world = World::new(Manner::default());
    let reading = world.open("main").unwrap();
    let packs = world.mirror_path().join("objects/pack");
    for i in 0..64 {
        std::fs::write(packs.join(format!("pack-{i}.pack")), "").unwrap();
    }
    world.repo.commit_files("main", &[("dir/f", "four")]);
    world.open("main").unwrap();
    assert_eq!(text(&*reading, "dir/f"), "three");
    assert!(packs.join("pack-0.pack").exists());
    drop(reading);
    // A process that another test starts holds a copy of the reader's lock until it is its own program.
    world.repo.commit_files("main", &[("dir/f", "five")]);
    for turn in 0..50 {
        assert!(text(&*world.open("main").unwrap(), "dir/f").starts_with("five"));
        if !packs.join("pack-0.pack").exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        world
            .repo
            .commit_files("main", &[("dir/f", &format!("five and {turn}"))]);
    }
    assert!(!packs.join("pack-0.pack").exists());
    let left = std::fs::read_dir(&packs).unwrap().flatten();
    let left = left.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "pack"));
    assert!(left.count() <= 2, "what was gathered, and what came in then");
    assert!(commits(&world.mirror()).len() <= 2, "old commits are gone");
    assert_eq!(text(&*world.open("main").unwrap(), "same"), "same");
}

/// A repository as components are: a few files that are read among hundreds that are not.
fn component(filter: bool, manner: Manner) -> World {
    let world = World::new(manner);
    let files: Vec<(String, String)> = (0..300)
        .map(|at| (format!("pkg/d{}/f{at}.go", at % 20), noise(at, 6_000)))
        .collect();
    let mut files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    files.extend([
        ("Dockerfile", "FROM a\n"),
        ("go.mod", "module m\n"),
        (".ci-operator.yaml", "a: b\n"),
    ]);
    world.repo.commit_files("main", &files);
    world
        .repo
        .commit("main", &[(b"link", crate::source::testing::Item::Link("go.mod"))]);
    world
        .repo
        .git()
        .config()
        .unwrap()
        .set_bool("uploadpack.allowFilter", filter)
        .unwrap();
    world
}

const READ: [&str; 3] = ["Dockerfile", "go.mod", ".ci-operator.yaml"];

#[test]
fn contents_that_nobody_reads_are_not_fetched() {
    let bytes = |filter: bool| {
        let world = component(filter, Manner::default());
        let tree = world.open("main").unwrap();
        tree.expect(&READ);
        assert_eq!(text(&*tree, "Dockerfile"), "FROM a\n");
        assert_eq!(text(&*tree, "go.mod"), "module m\n");
        assert_eq!(tree.list("pkg").unwrap().unwrap().len(), 20, "folders are known");
        (world.server.sent(), world.asked())
    };
    let (whole, asked) = bytes(false);
    assert_eq!(asked, ["greet", "list", "fetch"]);
    let (filtered, asked) = bytes(true);
    assert_eq!(
        asked,
        ["greet", "list", "fetch", "greet", "fetch"],
        "all that is expected comes at once"
    );
    assert!(filtered * 15 <= whole, "{filtered} bytes instead of {whole}");
}

#[test]
fn what_nobody_expected_comes_when_it_is_read_and_only_once() {
    let world = component(true, Manner::default());
    let tree = world.open("main").unwrap();
    world.asked();
    assert_eq!(
        text(&*tree, "link"),
        "module m\n",
        "through a link that is not here either"
    );
    assert_eq!(world.asked(), ["greet", "fetch", "greet", "fetch"]);
    assert_eq!(text(&*tree, "pkg/d3/f3.go"), noise(3, 6_000));
    assert_eq!(world.asked(), ["greet", "fetch"]);
    assert_eq!(text(&*tree, "pkg/d3/f3.go"), noise(3, 6_000));
    assert!(tree.read("nothing").unwrap().is_none());
    assert_eq!(
        tree.oid("pkg/d4/f4.go").unwrap().unwrap(),
        Oid::hash_object(ObjectType::Blob, noise(4, 6_000).as_bytes())
            .unwrap()
            .to_string()
    );
    let again = world.open("main").unwrap();
    again.expect(&["pkg/d3/f3.go", "link", "nothing"]);
    assert_eq!(text(&*again, "pkg/d3/f3.go"), noise(3, 6_000));
    assert_eq!(world.asked(), ["greet", "list"]);
}

#[test]
fn a_server_that_refuses_what_it_offers_sends_everything() {
    let world = component(
        true,
        Manner {
            refuse_filter: true,
            ..Manner::default()
        },
    );
    let tree = world.open("main").unwrap();
    assert_eq!(world.asked(), ["greet", "list", "fetch", "fetch"]);
    assert_eq!(text(&*tree, "pkg/d3/f3.go"), noise(3, 6_000));
    assert_eq!(world.asked(), Vec::<&str>::new(), "nothing is missing");
}

#[test]
fn a_server_that_forgets_what_it_promised_is_asked_for_everything() {
    let world = component(
        true,
        Manner {
            forgets: true,
            ..Manner::default()
        },
    );
    let tree = world.open("main").unwrap();
    assert_eq!(text(&*tree, "pkg/d3/f3.go"), noise(3, 6_000));
    assert_eq!(world.asked(), ["greet", "list", "fetch", "greet", "fetch", "fetch"]);
    assert_eq!(text(&*tree, "Dockerfile"), "FROM a\n");
    assert_eq!(world.asked(), Vec::<&str>::new());
}

#[test]
fn a_server_that_is_gone_says_so_of_the_file() {
    let world = component(true, Manner::default());
    let tree = world.open("main").unwrap();
    std::fs::rename(world.repo.path(), world.repo.path().with_extension("away")).unwrap();
    let error = tree.read("Dockerfile").unwrap_err().to_string();
    std::fs::rename(world.repo.path().with_extension("away"), world.repo.path()).unwrap();
    assert!(error.contains("`Dockerfile`") && error.contains("repo.git"), "{error}");
    assert_eq!(text(&*tree, "Dockerfile"), "FROM a\n", "it is tried again");
}

#[test]
fn a_server_that_filters_no_more_sends_what_a_partial_mirror_lacks() {
    let world = component(true, Manner::default());
    world.open("main").unwrap();
    world
        .repo
        .git()
        .config()
        .unwrap()
        .set_bool("uploadpack.allowFilter", false)
        .unwrap();
    world.repo.commit_files("main", &[("new", "1")]);
    world.asked();
    let tree = world.open("main").unwrap();
    assert_eq!(
        text(&*tree, "pkg/d3/f3.go"),
        noise(3, 6_000),
        "it is not taken for there"
    );
    assert_eq!(world.asked(), ["greet", "list", "fetch"]);
    // The other way round: what was fetched whole stays whole.
    world
        .repo
        .git()
        .config()
        .unwrap()
        .set_bool("uploadpack.allowFilter", true)
        .unwrap();
    world.repo.commit_files("main", &[("new", "2")]);
    let tree = world.open("main").unwrap();
    world.asked();
    assert_eq!(text(&*tree, "pkg/d3/f3.go"), noise(3, 6_000));
    assert_eq!(world.asked(), Vec::<&str>::new());
    assert_eq!(text(&*tree, "new"), "2");
}

#[test]
fn many_threads_fetch_the_same_mirror_once() {
    let world = World::new(Manner::default());
    for i in 0..4 {
        world
            .repo
            .commit_files(&format!("b{i}"), &[("f", &format!("text {i}"))]);
    }
    let sources = Sources::new(Some(world.state.path().into()));
    std::thread::scope(|scope| {
        for i in 0..8 {
            let (sources, location) = (&sources, world.location());
            scope.spawn(move || {
                let tree = sources.open("r", &location, &format!("b{}", i % 4)).unwrap();
                assert_eq!(text(&*tree, "f"), format!("text {}", i % 4));
            });
        }
    });
    assert_eq!(world.asked().iter().filter(|what| **what == "fetch").count(), 4);
}

#[test]
fn progress_is_reported_without_credentials() {
    let world = World::new(Manner::default());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let sources = Sources::new(Some(world.state.path().into()))
        .with_progress(Arc::new(move |line: &str| sink.lock().unwrap().push(line.to_owned())));
    let location = Location::parse(&world.server.url("me:s3cret", "repo.git")).unwrap();
    sources.open("r", &location, "main").unwrap();
    let lines = lines.lock().unwrap();
    assert!(lines.iter().any(|line| line.ends_with("(main): fetching")), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("s3cret")), "{lines:?}");
}

#[test]
fn a_state_directory_that_is_none_is_named() {
    let world = World::new(Manner::default());
    let file = world.state.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Sources::new(Some(file))
        .open("r", &world.location(), "main")
        .err()
        .unwrap();
    assert!(
        matches!(&error, SourceError::State { path, .. } if path.starts_with(Path::new(world.state.path()))),
        "{error:?}"
    );
}
