//! What all kinds of snapshots have in common, and what opening them does.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::memory::MemorySnapshot;
use super::testing::{Item, TestRepo};
use super::*;
use crate::base::{NotARepoName, RepoName};

/// The same tree in every kind of snapshot.
const FILES: &[(&str, &str)] = &[("a/b/deep.txt", "deep"), ("a.txt", "top"), ("a-b/x", "x")];
const LINKS: &[(&str, &str)] = &[
    ("link.txt", "a/b/deep.txt"),
    ("dir", "a/b"),
    ("a/up", "../a.txt"),
    ("a/b/up-dir", "../../a-b"),
    ("again", "dir/up-dir/x"),
    ("dangling", "nowhere"),
    ("loop1", "loop2"),
    ("loop2", "loop1"),
    ("out", "../outside.txt"),
    ("a/out", "../../outside.txt"),
    ("absolute", "/etc/hostname"),
    ("self", "."),
    ("ghost-out", "ghost/../../outside.txt"),
];

struct Kinds {
    all: Vec<(&'static str, Box<dyn Snapshot>)>,
    _repo: TestRepo,
    _dir: tempfile::TempDir,
}

fn kinds() -> Kinds {
    let repo = TestRepo::bare();
    let files = FILES.iter().map(|(path, text)| (path.as_bytes(), Item::File(text)));
    let links = LINKS.iter().map(|(path, target)| (path.as_bytes(), Item::Link(target)));
    repo.commit("main", &files.chain(links).collect::<Vec<_>>());

    let outer = tempfile::tempdir().unwrap();
    fs::write(outer.path().join("outside.txt"), "secret").unwrap();
    let root = outer.path().join("tree");
    for (path, text) in FILES {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for (path, target) in LINKS {
        symlink(target, root.join(path)).unwrap();
    }

    let memory = FILES
        .iter()
        .fold(MemorySnapshot::new("m"), |tree, (path, text)| tree.file(*path, text));
    let memory = LINKS
        .iter()
        .fold(memory, |tree, (path, target)| tree.link(*path, *target));
    let sources = Sources::new(None);
    Kinds {
        all: vec![
            ("git", sources.open("org/repo", &repo.location(), "main").unwrap()),
            (
                "directory",
                sources.open("org/repo", &Location::Path(root), "main").unwrap(),
            ),
            ("memory", Box::new(memory)),
        ],
        _repo: repo,
        _dir: outer,
    }
}

#[test]
fn reads_files_through_links_alike() {
    let cases = [
        ("a.txt", "top", "a.txt"),
        ("./a//b/./deep.txt", "deep", "a/b/deep.txt"),
        ("a/../a.txt", "top", "a.txt"),
        ("link.txt", "deep", "a/b/deep.txt"),
        ("dir/deep.txt", "deep", "a/b/deep.txt"),
        ("dir/../b/deep.txt", "deep", "a/b/deep.txt"),
        ("a/up", "top", "a.txt"),
        ("again", "x", "a-b/x"),
        ("self/self/a.txt", "top", "a.txt"),
        ("a.txt/", "top", "a.txt"),
    ];
    for (kind, tree) in &kinds().all {
        for (path, text, at) in cases {
            let blob = tree.read(path).unwrap().unwrap_or_else(|| panic!("{kind}: {path}"));
            assert_eq!(
                (&*blob.bytes, blob.path.as_str()),
                (text.as_bytes(), at),
                "{kind}: {path}"
            );
            let oid = git2::Oid::hash_object(git2::ObjectType::Blob, text.as_bytes())
                .unwrap()
                .to_string();
            assert_eq!(blob.oid, oid, "{kind}: {path}");
            assert_eq!(tree.oid(path), Ok(Some(oid)), "{kind}: {path}");
        }
    }
}

#[test]
fn tells_nothing_from_forbidden_alike() {
    for (kind, tree) in &kinds().all {
        for path in [
            "none",
            "a/none",
            "none/none",
            "a.txt/below",
            "dangling",
            "link.txt/x",
            "none/../a.txt",
            "A.txt",
        ] {
            assert!(matches!(tree.read(path), Ok(None)), "{kind}: {path}");
            assert_eq!(tree.oid(path), Ok(None), "{kind}: {path}");
            assert_eq!(tree.list(path), Ok(None), "{kind}: {path}");
        }
        for path in [
            "..",
            "../outside.txt",
            "/a.txt",
            "a/../../x",
            "out",
            "a/out",
            "absolute",
            "none/../../x",
            "ghost-out",
        ] {
            assert_eq!(
                tree.read(path).unwrap_err(),
                ReadError::LeavesTree(path.into()),
                "{kind}: {path}"
            );
            assert_eq!(
                tree.list(path).unwrap_err(),
                ReadError::LeavesTree(path.into()),
                "{kind}: {path}"
            );
        }
        assert_eq!(
            tree.read("loop1").unwrap_err(),
            ReadError::LinkLoop("loop1".into()),
            "{kind}"
        );
        for path in ["", "a", "dir", "."] {
            assert_eq!(
                tree.read(path).unwrap_err(),
                ReadError::WrongKind(path.into(), "file"),
                "{kind}: {path}"
            );
        }
        assert_eq!(
            tree.list("a.txt").unwrap_err(),
            ReadError::WrongKind("a.txt".into(), "directory"),
            "{kind}"
        );
        assert!(matches!(tree.read("a\0b"), Err(ReadError::Io { .. })), "{kind}");
    }
}

#[test]
fn lists_alike() {
    for (kind, tree) in &kinds().all {
        let names = |dir: &str| -> Vec<(String, EntryKind)> {
            tree.list(dir)
                .unwrap()
                .unwrap()
                .into_iter()
                .map(|entry| (entry.name, entry.kind))
                .collect()
        };
        let root = names("");
        assert_eq!(root.len(), 13, "{kind}: {root:?}");
        assert!(root.is_sorted_by_key(|entry| &entry.0), "{kind}: {root:?}");
        assert_eq!(
            root[0..3].iter().map(|e| e.1).collect::<Vec<_>>(),
            [EntryKind::Dir, EntryKind::Dir, EntryKind::File]
        );
        assert_eq!(
            names("dir"),
            [("deep.txt".into(), EntryKind::File), ("up-dir".into(), EntryKind::Link)],
            "{kind}"
        );
        assert_eq!(names("dir/up-dir"), [("x".into(), EntryKind::File)], "{kind}");
    }
}

#[test]
fn sixteen_links_are_followed_and_no_more() {
    let chain = |n: usize| {
        let tree = MemorySnapshot::new("m").file("l0", "end");
        (1..=n).fold(tree, |tree, i| tree.link(format!("l{i}"), format!("l{}", i - 1)))
    };
    assert!(chain(16).read("l16").unwrap().is_some());
    assert_eq!(chain(17).read("l17").unwrap_err(), ReadError::LinkLoop("l17".into()));
}

#[test]
fn origins_say_where_a_snapshot_was_taken() {
    let kinds = kinds();
    let git = kinds.all[0].1.origin();
    assert_eq!((git.name.as_str(), git.branch.as_str()), ("org/repo", "main"));
    assert_eq!(git.commit.as_ref().map(String::len), Some(40));
    let dir = kinds.all[1].1.origin();
    assert_eq!((dir.branch.as_str(), &dir.commit), ("", &None));
}

#[test]
fn special_files_are_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    let tree = DirectorySnapshot::open("d", dir.path()).unwrap();
    assert_eq!(
        tree.read("socket").unwrap_err(),
        ReadError::WrongKind("socket".into(), "file")
    );
    assert_eq!(tree.list("").unwrap().unwrap()[0].kind, EntryKind::Other);
}

#[test]
fn too_large_files_are_refused_by_their_size() {
    let size = 9 << 20;
    let repo = TestRepo::bare();
    let big = "x".repeat(size);
    repo.commit_files("main", &[("big", &big), ("exact", &big[..MAX_BLOB as usize])]);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("big"), &big).unwrap();
    fs::write(dir.path().join("exact"), &big[..MAX_BLOB as usize]).unwrap();
    for location in [repo.location(), Location::Path(dir.path().into())] {
        let tree = Sources::new(None).open("r", &location, "main").unwrap();
        let error = tree.read("big").unwrap_err();
        assert_eq!(
            error,
            ReadError::TooLarge {
                path: "big".into(),
                size: size as u64
            }
        );
        assert_eq!(tree.read("exact").unwrap().unwrap().bytes.len() as u64, MAX_BLOB);
        assert!(tree.oid("big").unwrap().is_some());
    }
}

#[test]
fn an_enclosing_repository_is_never_discovered() {
    let repo = TestRepo::ordinary();
    repo.commit_files("main", &[("f", "in git")]);
    let inside = repo.path().join("fixtures/demo");
    fs::create_dir_all(&inside).unwrap();
    fs::write(inside.join("f"), "on disk").unwrap();
    let tree = Sources::new(None).open("d", &Location::Path(inside), "main").unwrap();
    assert_eq!(&*tree.read("f").unwrap().unwrap().bytes, b"on disk");
    assert_eq!(tree.origin().commit, None);
    let error = Sources::new(None)
        .open("d", &Location::Path(repo.path().join("none")), "main")
        .err();
    assert!(matches!(error, Some(SourceError::NotFound { .. })), "{error:?}");
}

#[test]
fn a_missing_path_falls_back_to_its_bare_sibling() {
    let repo = TestRepo::bare();
    let commit = repo.commit_files("main", &[("f", "x")]);
    let without = repo.path().with_extension("");
    let tree = Sources::new(None)
        .open("r", &Location::Path(without.clone()), "main")
        .unwrap();
    assert_eq!(tree.origin().commit, Some(commit.to_string()));
    fs::create_dir(&without).unwrap();
    let tree = Sources::new(None).open("r", &Location::Path(without), "main").unwrap();
    assert_eq!(tree.origin().commit, None, "what is at the path itself comes first");
}

#[test]
fn a_head_is_told_without_opening_the_repository_and_alike() {
    let sources = Sources::new(None);
    let head = |repo: &TestRepo, branch: &str| {
        sources
            .head(&repo.location(), branch)
            .map_err(|error| error.to_string())
    };
    for repo in [TestRepo::bare(), TestRepo::ordinary()] {
        let first = repo.commit_files("release/4.16", &[("a", "1")]);
        let commit = |oid: git2::Oid| Ok(Some(CommitId(oid.to_string())));
        assert_eq!(head(&repo, "release/4.16"), commit(first));
        let second = repo.commit_files("release/4.16", &[("a", "2")]);
        assert_eq!(head(&repo, "release/4.16"), commit(second), "it has moved");

        let refs = repo.git().path().join("refs/heads");
        fs::write(refs.join("alias"), "ref: refs/heads/release/4.16\n").expect("a symbolic ref");
        assert_eq!(head(&repo, "alias"), commit(second));
        fs::write(refs.join("torn"), "0123456789").expect("a broken ref");
        assert!(head(&repo, "torn").is_err());
        for odd in ["release", "nope", "../../HEAD", "a..b", ""] {
            assert!(head(&repo, odd).is_err(), "{odd:?}");
        }

        fs::remove_file(refs.join("release/4.16")).expect("a loose ref");
        let packed = format!("# pack-refs with: peeled fully-peeled sorted \n{first} refs/heads/release/4.16\n");
        fs::write(repo.git().path().join("packed-refs"), packed).expect("packed refs");
        assert_eq!(head(&repo, "release/4.16"), commit(first), "its ref is packed");
    }
}

#[test]
fn a_branch_is_missed_without_opening_the_repository_and_alike() {
    let sources = Sources::new(None);
    let name = RepoName {
        org: "o".into(),
        repo: "r".into(),
    };
    for repo in [TestRepo::bare(), TestRepo::ordinary()] {
        let has = |branch: &str| sources.component_has(&name, &repo.location(), branch);
        let first = repo.commit_files("release/4.16", &[("a", "1")]);
        assert!(has("release/4.16"));
        for odd in ["release/4.17", "release", "nope", "a..b", ""] {
            assert!(!has(odd), "{odd:?}");
        }
        let packed = format!("# pack-refs with: peeled fully-peeled sorted \n{first} refs/heads/release/4.17\n");
        fs::write(repo.git().path().join("packed-refs"), packed).expect("packed refs");
        assert!(has("release/4.17"), "its ref is packed");
        assert!(!has("release/4.18"));
    }
}

#[test]
fn a_directory_that_only_looks_like_a_repository_has_no_head() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir_all(dir.path().join("refs/heads")).expect("a folder");
    fs::write(dir.path().join("HEAD"), "ref: refs/heads/main\n").expect("a file");
    fs::write(dir.path().join("refs/heads/main"), format!("{}\n", "1".repeat(40))).expect("a file");
    let sources = Sources::new(None);
    let location = Location::Path(dir.path().to_owned());
    let head = sources.head(&location, "main").map_err(|error| error.to_string());
    let opened = sources
        .open("d", &location, "main")
        .map(|tree| tree.origin().commit.clone());
    assert_eq!(head.is_err(), opened.is_err(), "{head:?} {opened:?}");
    assert!(!matches!(head, Ok(Some(_))), "{head:?}");
}

#[test]
fn files_and_damaged_repositories_are_no_directories() {
    let sources = Sources::new(None);
    let open = |path: &Path| sources.open("r", &Location::Path(path.into()), "main").err();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    assert!(
        matches!(open(&file), Some(SourceError::NotFound { .. })),
        "{:?}",
        open(&file)
    );

    let repo = TestRepo::ordinary();
    repo.commit_files("main", &[("f", "x")]);
    fs::remove_dir_all(repo.path().join(".git/objects")).unwrap();
    assert!(
        matches!(open(repo.path()), Some(SourceError::Corrupt { .. })),
        "{:?}",
        open(repo.path())
    );

    let repo = TestRepo::bare();
    repo.commit_files("main", &[("f", "x")]);
    fs::remove_dir_all(repo.path().join("refs")).unwrap();
    assert!(
        matches!(open(repo.path()), Some(SourceError::Corrupt { .. })),
        "{:?}",
        open(repo.path())
    );
}

#[test]
fn a_name_is_one_segment_each() {
    let name: RepoName = "openshift/oc.mirror-2_x".parse().unwrap();
    assert_eq!((name.org.as_str(), name.repo.as_str()), ("openshift", "oc.mirror-2_x"));
    for text in [
        "", "a", "../a", "a/../b", "a/", "/a", "a b/c", "a/.", "a/b?c", "a/b/c", "{org}/a",
    ] {
        assert_eq!(text.parse::<RepoName>(), Err(NotARepoName(text.to_owned())), "{text}");
    }
}
