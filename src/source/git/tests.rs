//! Tests of what only git repositories have: branches, odd trees, damage, several readers.

use std::fs;
use std::sync::Arc;

use git2::{FileMode, Oid};

use crate::source::testing::{Item, TestRepo};
use crate::source::{CommitId, Entry, EntryKind, ReadError, Since, Snapshot, SourceError, Sources, Traced, Walked};

fn open(repo: &TestRepo, branch: &str) -> Result<Box<dyn Snapshot>, SourceError> {
    Sources::new(None).open("org/repo", &repo.location(), branch)
}

fn text(tree: &dyn Snapshot, path: &str) -> String {
    String::from_utf8(tree.read(path).unwrap().unwrap().bytes.to_vec()).unwrap()
}

#[test]
fn reads_the_commit_and_not_the_work_tree() {
    let repo = TestRepo::ordinary();
    let commit = repo.commit_files("main", &[("f", "committed")]);
    fs::write(repo.path().join("f"), "edited").unwrap();
    let tree = open(&repo, "main").unwrap();
    assert_eq!(text(&*tree, "f"), "committed");
    assert_eq!(tree.origin().commit, Some(commit.to_string()));
    assert!(tree.read(".git/HEAD").unwrap().is_none());
}

#[test]
fn a_snapshot_stays_at_its_commit() {
    let repo = TestRepo::bare();
    repo.commit_files("main", &[("f", "old")]);
    let tree = open(&repo, "main").unwrap();
    repo.commit_files("main", &[("f", "new")]);
    assert_eq!(text(&*tree, "f"), "old");
    assert_eq!(text(&*open(&repo, "main").unwrap(), "f"), "new");
}

#[test]
fn branches_are_found_loose_packed_nested_and_symbolic() {
    let repo = TestRepo::bare();
    let one = repo.commit_files("release-4.16", &[("f", "1")]);
    let two = repo.commit_files("feature/deep", &[("f", "2")]);
    repo.git()
        .reference_symbolic("refs/heads/alias", "refs/heads/release-4.16", true, "")
        .unwrap();
    fs::remove_file(repo.path().join("refs/heads/release-4.16")).unwrap();
    fs::write(
        repo.path().join("packed-refs"),
        format!("# pack-refs with: peeled fully-peeled sorted \n{one} refs/heads/release-4.16\n"),
    )
    .unwrap();
    let sources = Sources::new(None);
    let head = |branch| sources.head(&repo.location(), branch).unwrap();
    assert_eq!(head("release-4.16"), Some(CommitId(one.to_string())));
    assert_eq!(head("alias"), Some(CommitId(one.to_string())));
    assert_eq!(head("feature/deep"), Some(CommitId(two.to_string())));
    let names = sources.branches(&repo.location()).unwrap();
    assert_eq!(
        names,
        Some(vec!["alias".into(), "feature/deep".into(), "release-4.16".into()])
    );
}

#[test]
fn a_missing_branch_names_the_nearest() {
    let repo = TestRepo::bare();
    for minor in 10..18 {
        repo.commit_files(&format!("openshift-4.{minor}"), &[("f", "x")]);
    }
    let error = open(&repo, "opnshift-4.16").err().unwrap();
    let SourceError::NoBranch {
        branch, near, count, ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((branch.as_str(), near.len(), *count), ("opnshift-4.16", 5, 8));
    assert_eq!(near[0], "openshift-4.16");
    assert!(
        error.to_string().contains("`openshift-4.16`") && error.to_string().ends_with(" and 3 more"),
        "{error}"
    );
    assert!(matches!(open(&repo, "a..b"), Err(SourceError::NoBranch { .. })));
    assert!(matches!(open(&repo, ""), Err(SourceError::NoBranch { .. })));
    assert!(matches!(
        open(&repo, "../heads/openshift-4.16"),
        Err(SourceError::NoBranch { .. })
    ));
}

#[test]
fn the_default_branch_is_the_one_of_head() {
    let opened = |repo: &TestRepo| {
        let snapshot = Sources::new(None).open_branch("r", &repo.location(), None)?;
        Ok::<_, SourceError>(snapshot.origin().branch.clone())
    };
    let repo = TestRepo::bare();
    assert!(matches!(opened(&repo), Err(SourceError::Empty { .. })));
    repo.commit_files("trunk", &[("f", "1")]);
    assert_eq!(
        opened(&repo),
        Ok("trunk".into()),
        "HEAD names a branch that nobody pushed; there is one"
    );
    repo.commit_files("lockstep/ci/4.16", &[("f", "2")]);
    assert!(matches!(opened(&repo), Err(SourceError::NoDefault { count: 2, .. })));
    repo.git().set_head("refs/heads/trunk").unwrap();
    assert_eq!(opened(&repo), Ok("trunk".into()));
    repo.commit_files("main", &[("f", "3")]);
    assert_eq!(opened(&repo), Ok("trunk".into()), "a name is no evidence beside HEAD");
}

#[test]
fn a_clones_default_branch_is_that_of_where_it_came_from() {
    let repo = TestRepo::ordinary();
    repo.commit_files("main", &[("f", "1")]);
    let at = repo.commit_files("work", &[("f", "2")]);
    repo.git().set_head("refs/heads/work").unwrap();
    let opened = || {
        Sources::new(None)
            .open_branch("r", &repo.location(), None)
            .unwrap()
            .origin()
            .branch
            .clone()
    };
    assert_eq!(opened(), "work");
    repo.git().reference("refs/remotes/origin/main", at, true, "").unwrap();
    repo.git()
        .reference_symbolic("refs/remotes/origin/HEAD", "refs/remotes/origin/main", true, "")
        .unwrap();
    assert_eq!(opened(), "main", "what somebody looks at just now is not the default");
    repo.git().set_head_detached(at).unwrap();
    assert_eq!(opened(), "main");
}

#[test]
fn a_branch_that_a_clone_has_not_checked_out_is_explained() {
    let repo = TestRepo::ordinary();
    let commit = repo.commit_files("main", &[("f", "x")]);
    repo.git()
        .reference("refs/remotes/origin/openshift-4.16", commit, true, "")
        .unwrap();
    let error = open(&repo, "openshift-4.16").err().unwrap().to_string();
    assert!(
        error.contains("it has `main`; it knows `origin/openshift-4.16`"),
        "{error}"
    );
    repo.git().find_reference("refs/heads/main").unwrap().delete().unwrap();
    assert!(matches!(
        open(&repo, "openshift-4.16"),
        Err(SourceError::NoBranch { remote: true, .. })
    ));
}

#[test]
fn an_empty_repository_says_so() {
    for repo in [TestRepo::bare(), TestRepo::ordinary()] {
        assert!(matches!(open(&repo, "main"), Err(SourceError::Empty { .. })));
        assert_eq!(Sources::new(None).branches(&repo.location()).unwrap(), Some(vec![]));
    }
}

#[test]
fn submodules_are_neither_files_nor_empty() {
    let repo = TestRepo::bare();
    repo.commit("main", &[(b"sub", Item::Submodule), (b"f", Item::File("x"))]);
    let tree = open(&repo, "main").unwrap();
    assert_eq!(
        tree.read("sub").unwrap_err(),
        ReadError::WrongKind("sub".into(), "file")
    );
    assert_eq!(
        tree.read("sub/f").unwrap_err(),
        ReadError::WrongKind("sub".into(), "directory")
    );
    assert_eq!(
        tree.list("sub").unwrap_err(),
        ReadError::WrongKind("sub".into(), "directory")
    );
    assert_eq!(tree.list("").unwrap().unwrap()[1].kind, EntryKind::Other);
}

#[test]
fn names_that_are_not_utf8_are_listed_and_do_no_harm() {
    let repo = TestRepo::bare();
    repo.commit(
        "main",
        &[
            (b"caf\xe9/f", Item::File("x")),
            (b"caf\xe9.txt", Item::File("x")),
            (b"z", Item::File("z")),
        ],
    );
    let tree = open(&repo, "main").unwrap();
    let names: Vec<String> = tree
        .list("")
        .unwrap()
        .unwrap()
        .into_iter()
        .map(|Entry { name, .. }| name)
        .collect();
    assert_eq!(names, ["caf\u{fffd}", "caf\u{fffd}.txt", "z"]);
    assert!(tree.read("caf\u{fffd}.txt").unwrap().is_none());
    assert!(tree.list("caf\u{fffd}").unwrap().is_none());
    assert_eq!(text(&*tree, "z"), "z");
}

#[test]
fn a_link_that_is_not_utf8_is_an_error_of_that_path() {
    let repo = TestRepo::bare();
    let blob = repo.git().blob(b"\xff\xfe").unwrap();
    let mut builder = repo.git().treebuilder(None).unwrap();
    builder.insert("link", blob, FileMode::Link.into()).unwrap();
    commit_tree(&repo, builder.write().unwrap());
    let error = open(&repo, "main").unwrap().read("link").unwrap_err();
    assert!(
        matches!(&error, ReadError::Io { path, .. } if path == "link"),
        "{error:?}"
    );
}

#[test]
fn a_missing_object_costs_one_file() {
    let repo = TestRepo::bare();
    repo.commit_files("main", &[("gone", "gone"), ("there", "there"), ("dir/f", "x")]);
    let tree = open(&repo, "main").unwrap();
    let oid = tree.oid("gone").unwrap().unwrap();
    fs::remove_file(repo.path().join("objects").join(&oid[..2]).join(&oid[2..])).unwrap();
    let error = tree.read("gone").unwrap_err();
    assert!(error.to_string().contains("incomplete"), "{error}");
    assert_eq!(text(&*tree, "there"), "there");
}

#[test]
fn a_missing_commit_is_damage() {
    let repo = TestRepo::bare();
    let commit = repo.commit_files("main", &[("f", "x")]).to_string();
    fs::remove_file(repo.path().join("objects").join(&commit[..2]).join(&commit[2..])).unwrap();
    assert!(matches!(open(&repo, "main"), Err(SourceError::Corrupt { .. })));
    fs::write(repo.path().join("refs/heads/main"), "not an id\n").unwrap();
    assert!(matches!(open(&repo, "main"), Err(SourceError::Corrupt { .. })));
}

#[test]
fn damaged_objects_are_noticed() {
    let repo = TestRepo::bare();
    repo.commit_files("main", &[("f", "right")]);
    let tree = open(&repo, "main").unwrap();
    let right = tree.oid("f").unwrap().unwrap().to_string();
    let path = repo.path().join("objects").join(&right[..2]).join(&right[2..]);
    let bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    let flipped = bytes
        .iter()
        .enumerate()
        .map(|(at, byte)| if at == last { byte ^ 1 } else { *byte });
    // One that is cut short makes libgit2 read for ever.
    for damaged in [flipped.collect(), b"not zlib".to_vec(), Vec::new()] {
        fs::remove_file(&path).unwrap();
        fs::write(&path, &damaged).unwrap();
        let tree = open(&repo, "main").unwrap();
        assert!(matches!(tree.read("f"), Err(ReadError::Io { .. })), "{damaged:?}");
    }
}

#[test]
fn eight_threads_read_at_once() {
    let repo = TestRepo::bare();
    let files: Vec<(String, String)> = (0..64)
        .map(|i| (format!("d{}/f{i}", i % 8), format!("text {i}")))
        .collect();
    let refs: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    repo.commit_files("main", &refs);
    let tree = open(&repo, "main").unwrap();
    std::thread::scope(|scope| {
        for start in 0..8 {
            let (tree, files) = (&tree, &files);
            scope.spawn(move || {
                for (path, expected) in files.iter().cycle().skip(start * 8).take(files.len() * 4) {
                    assert_eq!(&text(&**tree, path), expected);
                }
            });
        }
    });
}

fn commit_tree(repo: &TestRepo, tree: Oid) {
    let tree = repo.git().find_tree(tree).unwrap();
    let author = git2::Signature::new("A", "a@example.com", &git2::Time::new(0, 0)).unwrap();
    repo.git()
        .commit(Some("refs/heads/main"), &author, &author, "m", &tree, &[])
        .unwrap();
}

/// The steps in which two files changed: of which commit, what they were before and after; and how far the walk came.
fn walked(repo: &TestRepo, files: [&str; 2], most: usize) -> (Vec<(String, String)>, Walked) {
    let text = |file: &Option<Arc<[u8]>>| match file {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => "-".to_owned(),
    };
    let mut steps = Vec::new();
    let walked = open(repo, "main").unwrap().walk_back(files, &mut |step| {
        let [before, after] = [&step.before, &step.after].map(|[one, other]| text(one) + &text(other));
        steps.push((step.commit.clone(), format!("{before} {after}")));
        steps.len() < most
    });
    (steps, walked.unwrap())
}

#[test]
fn a_file_was_last_changed_where_it_became_what_it_is() {
    let repo = TestRepo::bare();
    repo.commit_files("main", &[("a", "1")]);
    let changed = repo.commit_files("main", &[("a", "2"), ("b", "1")]);
    let last = repo.commit_files("main", &[("a", "2"), ("b", "2")]);
    let tree = open(&repo, "main").unwrap();
    let told = |file: &str, since| {
        let found = tree.last_changed(file, since).unwrap();
        found.map(|changed| (changed.commit, changed.exact))
    };
    assert_eq!(told("a", i64::MIN), Some((changed.to_string(), true)));
    assert_eq!(told("b", i64::MIN), Some((last.to_string(), true)));
    assert_eq!(told("c", i64::MIN), None);
    // What is older is not looked at.
    assert_eq!(told("a", i64::MAX), Some((last.to_string(), false)));
    fs::write(repo.path().join("shallow"), format!("{changed}\n")).unwrap();
    let tree = open(&repo, "main").unwrap();
    let found = tree.last_changed("a", i64::MIN).unwrap().unwrap();
    assert_eq!((found.commit, found.exact), (changed.to_string(), false));
}

#[test]
fn a_walk_back_shows_the_steps_in_which_one_of_two_files_changed() {
    let repo = TestRepo::bare();
    let files = |okd, ocp| [("okd", okd), ("ocp", ocp)];
    let first = repo.commit_files("main", &[("ocp", "1")]);
    let added = repo.commit_files("main", &files("a", "1"));
    repo.commit_files("main", &[("okd", "a"), ("ocp", "1"), ("other", "x")]);
    let both = repo.commit_files("main", &files("b", "2"));
    let told = |commit: Oid, what: &str| (commit.to_string(), what.to_owned());
    let all = [told(both, "a1 b2"), told(added, "-1 a1"), told(first, "-- -1")];
    let (steps, end) = walked(&repo, ["okd", "ocp"], 9);
    assert_eq!((steps.as_slice(), end), (&all[..], Walked::Enough));
    let (steps, end) = walked(&repo, ["okd", "ocp"], 2);
    assert_eq!((steps.as_slice(), end), (&all[..2], Walked::Enough));
    let (steps, _) = walked(&repo, ["nothing", "at all"], 9);
    assert_eq!(steps, []);
}

#[test]
fn a_shallow_history_ends_too_early() {
    let repo = TestRepo::bare();
    repo.commit_files("main", &[("okd", "a"), ("ocp", "1")]);
    let last = repo.commit_files("main", &[("okd", "a"), ("ocp", "2")]);
    fs::write(repo.path().join("shallow"), format!("{last}\n")).unwrap();
    let (steps, end) = walked(&repo, ["okd", "ocp"], 9);
    assert_eq!(steps, []);
    let Walked::Short(why) = end else { panic!("{end:?}") };
    assert!(why.contains("shallow"), "{why}");
}

/// What steps since something changed: commit, path, text before and after; and how far the walk came.
fn traced(repo: &TestRepo, branch: &str, since: Since<'_>) -> (Vec<String>, Traced) {
    let mut steps = Vec::new();
    let tree = open(repo, branch).unwrap();
    let traced = tree.trace(since, &["images", "group.yml"], &mut |step| steps.push(step));
    let ids = steps.iter().flat_map(|step| [&step.before, &step.after]).flatten();
    let contents = tree.contents(&ids.cloned().collect()).unwrap();
    let text = |file: &Option<String>| match file {
        Some(id) => String::from_utf8_lossy(&contents[id]).into_owned(),
        None => "-".to_owned(),
    };
    let told = steps.iter().map(|step| {
        let (before, after) = (text(&step.before), text(&step.after));
        format!("{} {} {before} {after}", step.commit, step.path)
    });
    (told.collect(), traced.unwrap())
}

fn branch_of(repo: &TestRepo, branch: &str, at: Oid) {
    let name = format!("refs/heads/{branch}");
    repo.git().reference(&name, at, true, "").unwrap();
}

#[test]
fn the_steps_since_two_branches_parted_are_shown() {
    let repo = TestRepo::bare();
    repo.commit_files("main", &[("images/a.yml", "0")]);
    let fork = repo.commit_files("main", &[("images/a.yml", "1"), ("group.yml", "g")]);
    branch_of(&repo, "next", fork);
    let other = repo.commit_files("next", &[("images/a.yml", "n")]).to_string();
    let one = repo.commit_files("main", &[("images/a.yml", "2"), ("elsewhere", "x")]);
    let two = repo.commit_files("main", &[("images/b.yml", "b"), ("group.yml", "h")]);
    let (steps, end) = traced(&repo, "main", Since::Fork(&other));
    let expected = [
        format!("{two} group.yml g h"),
        format!("{two} images/b.yml - b"),
        format!("{one} images/a.yml 1 2"),
    ];
    assert_eq!((steps.as_slice(), end), (&expected[..], Traced::Whole));
    // A branch that has not moved since has no steps.
    let (steps, end) = traced(&repo, "main", Since::Fork(&two.to_string()));
    assert_eq!((steps.as_slice(), end), (&[][..], Traced::Whole));
    assert_eq!(open(&repo, "main").unwrap().began().unwrap(), Some(1_700_000_000));
    let (steps, _) = traced(&repo, "main", Since::Time(1_700_000_000));
    assert_eq!(steps.len(), 0, "what is of that second is older");
    let (steps, _) = traced(&repo, "main", Since::Time(0));
    assert_eq!(
        steps.len(),
        5,
        "what was there from the first commit on is no step: {steps:?}"
    );
}

#[test]
fn a_merge_is_one_step_and_what_was_merged_is_no_other_history() {
    let repo = TestRepo::bare();
    let first = repo.commit_files("main", &[("images/a.yml", "0")]);
    branch_of(&repo, "topic", first);
    let fork = repo.commit_files("topic", &[("images/t.yml", "t")]);
    branch_of(&repo, "next", fork);
    let main = repo.commit_files("main", &[("images/a.yml", "1")]);
    let git = repo.git();
    let (ours, theirs) = (git.find_commit(main).unwrap(), git.find_commit(fork).unwrap());
    let tree = git
        .merge_commits(&ours, &theirs, None)
        .unwrap()
        .write_tree_to(git)
        .unwrap();
    let who = ours.author();
    let merged = git
        .commit(
            Some("refs/heads/main"),
            &who,
            &who,
            "Merge",
            &git.find_tree(tree).unwrap(),
            &[&ours, &theirs],
        )
        .unwrap();
    // `next` was made of what was merged: what it lacks came with the merge.
    let (steps, end) = traced(&repo, "main", Since::Fork(&fork.to_string()));
    assert_eq!(
        (steps, end),
        (vec![format!("{merged} images/a.yml 0 1")], Traced::Whole)
    );
    let (steps, _) = traced(&repo, "main", Since::Fork(&first.to_string()));
    assert_eq!(steps.len(), 2, "{steps:?}");
}

#[test]
fn branches_without_a_common_commit_and_shallow_ones_are_told() {
    let repo = TestRepo::bare();
    repo.commit_files("main", &[("images/a.yml", "0")]);
    let last = repo.commit_files("main", &[("images/a.yml", "1")]);
    let other = repo.commit_files("other", &[("images/a.yml", "z")]).to_string();
    assert_eq!(
        traced(&repo, "main", Since::Fork(&other)),
        (Vec::new(), Traced::Unrelated)
    );
    let gone = "0123456789012345678901234567890123456789";
    assert_eq!(traced(&repo, "main", Since::Fork(gone)).1, Traced::Unrelated);
    fs::write(repo.path().join("shallow"), format!("{last}\n")).unwrap();
    assert!(matches!(traced(&repo, "main", Since::Time(0)).1, Traced::Short(_)));
    assert!(matches!(traced(&repo, "main", Since::Fork(&other)).1, Traced::Short(_)));
    assert_eq!(open(&repo, "main").unwrap().began().unwrap(), None);
}
