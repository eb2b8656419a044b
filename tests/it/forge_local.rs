//! The life of a local pull request, over real repositories in a temporary directory.

use std::collections::BTreeSet;

use crate::support::forge_world;
use forge_world::{World, actions, file};
use git2::Oid;
use lockstep::forge::local::PullState;
use lockstep::forge::{Action, Write};
use lockstep::plan::{Adopt, Desired, Input, Plan, Policy, Reach};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

#[test]
fn opens_once_and_then_leaves_alone() {
    let world = World::bare(&[("a.yaml", "a: 1\n"), ("dir/keep.yaml", "k: 1\n")]);
    let wanted = [
        file("a.yaml", Some("a: 1\n"), Some("a: 2\n")),
        file("new/b.yaml", None, Some("b: 1\n")),
    ];
    assert_eq!(actions(&world.reconcile(&world.plan(&wanted))), [Action::Create]);

    let head = world.tip("lockstep/ci/4.16").unwrap();
    let repo = world.git();
    let commit = repo.find_commit(head).unwrap();
    assert_eq!(commit.parent_id(0).unwrap(), world.tip("main").unwrap());
    assert_eq!(
        (commit.parent_count(), commit.author().email().unwrap()),
        (1, "lockstep@localhost")
    );
    assert_eq!(commit.time().seconds(), 1_700_000_000);
    assert_eq!(world.read("lockstep/ci/4.16", "a.yaml").as_deref(), Some("a: 2\n"));
    assert_eq!(world.read("lockstep/ci/4.16", "new/b.yaml").as_deref(), Some("b: 1\n"));
    assert_eq!(
        world.read("lockstep/ci/4.16", "dir/keep.yaml").as_deref(),
        Some("k: 1\n")
    );
    let record = world.record();
    assert_eq!(
        (record.state, record.commit.clone()),
        (PullState::Open, head.to_string())
    );

    let later = world.at(1_800_000_000);
    let again = later.reconcile(&later.plan(&wanted));
    assert_eq!((actions(&again), again[0].writes.len()), (vec![Action::UpToDate], 0));
    assert_eq!(world.tip("lockstep/ci/4.16"), Some(head));
}

#[test]
fn a_dry_run_says_what_the_run_then_does_and_does_nothing() {
    let world = World::bare(&[("a", "1"), ("b", "1")]);
    let steps: [&[_]; 4] = [
        &[file("a", Some("1"), Some("2"))],
        &[file("a", Some("1"), Some("3")), file("b", Some("1"), None)],
        &[file("a", Some("1"), Some("3"))],
        &[file("a", Some("1"), Some("1"))],
    ];
    for (step, wanted) in steps.iter().enumerate() {
        let plan = world.plan(wanted);
        let before = world.state();
        let predicted = world.dry_run(&plan);
        assert_eq!(world.state(), before, "step {step}: a dry run changes nothing");
        let done = world.reconcile(&plan);
        assert_eq!(writes(&predicted), writes(&done), "step {step}");
        assert!(!writes(&done).is_empty(), "step {step}");
        assert!(writes(&world.reconcile(&plan)).is_empty(), "step {step}: twice");
    }
}

fn writes(outcomes: &[lockstep::forge::Outcome]) -> Vec<Write> {
    outcomes.iter().flat_map(|o| o.writes.clone()).collect()
}

#[test]
fn new_content_replaces_the_one_commit() {
    let world = World::bare(&[("a", "1")]);
    world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]));
    assert_eq!(
        actions(&world.reconcile(&world.plan(&[file("a", Some("1"), Some("3"))]))),
        [Action::Update]
    );
    let head = world.tip("lockstep/ci/4.16").unwrap();
    assert_eq!(
        world.git().find_commit(head).unwrap().parent_id(0).unwrap(),
        world.tip("main").unwrap()
    );
    assert_eq!(world.read("lockstep/ci/4.16", "a").as_deref(), Some("3"));
    assert_eq!(world.record().commit, head.to_string());
}

#[test]
fn a_removal_takes_the_empty_directory_with_it() {
    let world = World::bare(&[("only/a", "1"), ("b", "1")]);
    world.reconcile(&world.plan(&[file("only/a", Some("1"), None)]));
    let head = world
        .git()
        .find_commit(world.tip("lockstep/ci/4.16").unwrap())
        .unwrap()
        .tree_id();
    assert_eq!(world.git().find_tree(head).unwrap().len(), 1);
}

#[test]
fn a_base_that_moved_elsewhere_does_not_move_the_branch() {
    let world = World::bare(&[("a", "1"), ("b", "1")]);
    let wanted = [file("a", Some("1"), Some("2"))];
    world.reconcile(&world.plan(&wanted));
    let head = world.tip("lockstep/ci/4.16");
    world.commit("main", "ann", &[("b", Some("2")), ("c", Some("1"))]);
    assert_eq!(actions(&world.reconcile(&world.plan(&wanted))), [Action::UpToDate]);
    assert_eq!(world.tip("lockstep/ci/4.16"), head);

    world.commit("main", "ann", &[("a", Some("1 and more"))]);
    let wanted = [file("a", Some("1 and more"), Some("2"))];
    assert_eq!(
        actions(&world.reconcile(&world.plan(&wanted))),
        [Action::Update],
        "the branch would conflict"
    );
}

#[test]
fn a_plan_from_another_base_is_refused() {
    let world = World::bare(&[("a", "1")]);
    let plan = world.plan(&[file("a", Some("1"), Some("2"))]);
    world.commit("main", "ann", &[("a", Some("by hand"))]);
    let outcome = &world.reconcile(&plan)[0];
    assert!(
        outcome
            .error
            .as_ref()
            .unwrap()
            .to_string()
            .contains("has changed since the plan was made")
    );
    assert_eq!(world.tip("lockstep/ci/4.16"), None);
}

#[test]
fn a_merge_is_noticed_whichever_way_it_came() {
    for squash in [false, true] {
        let world = World::bare(&[("a", "1")]);
        world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]));
        if squash {
            world.commit("main", "ann", &[("a", Some("2")), ("z", Some("z"))]);
        } else {
            world.set("main", world.tip("lockstep/ci/4.16").unwrap());
        }
        let plan = world.plan(&[file("a", Some("2"), Some("2"))]);
        assert_eq!(
            actions(&world.reconcile(&plan)),
            [Action::NoticeMerged],
            "squash: {squash}"
        );
        assert_eq!(world.record().state, PullState::Merged);
        assert_eq!(world.tip("lockstep/ci/4.16"), None);
        assert_eq!(actions(&world.reconcile(&plan)), [Action::InSync]);
    }
}

#[test]
fn drift_after_a_merge_makes_a_new_pull_request() {
    let world = World::bare(&[("a", "1")]);
    world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]));
    world.set("main", world.tip("lockstep/ci/4.16").unwrap());
    let plan = world.plan(&[file("a", Some("2"), Some("3"))]);
    assert_eq!(actions(&world.reconcile(&plan)), [Action::NoticeMergedThenCreate]);
    let record = world.record();
    assert_eq!((record.state, record.history.len()), (PullState::Open, 1));
    assert_eq!(record.history[0].state, PullState::Merged);
    assert_eq!(actions(&world.reconcile(&plan)), [Action::UpToDate]);
}

#[test]
fn drift_that_is_gone_closes_and_drift_that_is_back_opens_again() {
    let world = World::bare(&[("a", "1")]);
    let (drift, none) = (
        world.plan(&[file("a", Some("1"), Some("2"))]),
        world.plan(&[file("a", Some("1"), Some("1"))]),
    );
    world.reconcile(&drift);
    assert_eq!(actions(&world.reconcile(&none)), [Action::CloseGone]);
    assert_eq!(
        (world.record().state, world.tip("lockstep/ci/4.16")),
        (PullState::Closed, None)
    );
    assert_eq!(actions(&world.reconcile(&none)), [Action::InSync]);
    assert_eq!(actions(&world.reconcile(&drift)), [Action::Create], "nobody refused it");
}

#[test]
fn what_a_person_closed_stays_closed_until_the_content_changes() {
    let world = World::bare(&[("a", "1")]);
    let drift = world.plan(&[file("a", Some("1"), Some("2"))]);
    world.reconcile(&drift);
    world.edit_record(|record| record.state = PullState::Closed);
    let outcome = world.reconcile(&drift);
    assert_eq!(
        (actions(&outcome), outcome[0].writes.len()),
        (vec![Action::StayClosed], 0)
    );

    let other = world.plan(&[file("a", Some("1"), Some("3"))]);
    assert_eq!(actions(&world.reconcile(&other)), [Action::Create]);
    assert_eq!(
        (world.record().state, world.record().history.len()),
        (PullState::Open, 1)
    );
    world.edit_record(|record| record.state = PullState::Closed);
    assert_eq!(
        actions(&world.reconcile(&drift)),
        [Action::StayClosed],
        "the first refusal is remembered"
    );
    world.edit_record(|record| record.state = PullState::Open);
    assert_eq!(
        actions(&world.reconcile(&drift)),
        [Action::CloseRefused],
        "it comes back by way of other content, and is refused still"
    );
    assert_eq!(world.record().state, PullState::Closed);
    assert_eq!(actions(&world.reconcile(&drift)), [Action::StayClosed]);
}

#[test]
fn what_a_person_opens_again_is_refused_no_more() {
    let world = World::bare(&[("a", "1")]);
    let drift = world.plan(&[file("a", Some("1"), Some("2"))]);
    world.reconcile(&drift);
    world.edit_record(|record| record.state = PullState::Closed);
    assert_eq!(actions(&world.reconcile(&drift)), [Action::StayClosed]);
    world.edit_record(|record| record.state = PullState::Open);
    assert_eq!(actions(&world.reconcile(&drift)), [Action::UpToDate]);
}

#[test]
fn a_branch_that_was_merged_with_a_persons_commit_protects_nobody() {
    for (recorded, drifted) in [(false, false), (false, true), (true, false), (true, true)] {
        let world = World::bare(&[("a", "1")]);
        world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]));
        let files = [("a", Some("2, and better")), ("b", Some("hers"))];
        world.commit("lockstep/ci/4.16", "ann", &files);
        world.commit("main", "ann", &files);
        if recorded {
            world.edit_record(|record| record.state = PullState::Merged);
        }
        let after = if drifted { "3" } else { "2, and better" };
        let plan = world.plan(&[file("a", Some("2, and better"), Some(after))]);
        let expected = match (recorded, drifted) {
            (false, false) => Action::NoticeMerged,
            (false, true) => Action::NoticeMergedThenCreate,
            (true, false) => Action::CleanUp,
            (true, true) => Action::Create,
        };
        assert_eq!(actions(&world.reconcile(&plan)), [expected], "{recorded} {drifted}");
        let tip = world.tip("lockstep/ci/4.16");
        assert_eq!(tip.is_some(), drifted, "{recorded} {drifted}");
        let then = if drifted { Action::UpToDate } else { Action::InSync };
        assert_eq!(actions(&world.reconcile(&plan)), [then], "{recorded} {drifted}");
    }
}

#[test]
fn what_is_merged_and_taken_back_again_and_again_waits_for_a_person() {
    let world = World::bare(&[("a", "1")]);
    let drift = world.plan(&[file("a", Some("1"), Some("2"))]);
    let none = world.plan(&[file("a", Some("2"), Some("2"))]);
    for turn in 0..2 {
        let outcome = world.reconcile(&drift);
        assert_eq!(actions(&outcome), [Action::Create], "{turn}");
        assert_eq!(outcome[0].notes.len(), turn, "{:?}", outcome[0].notes);
        world.set("main", world.tip("lockstep/ci/4.16").unwrap());
        assert_eq!(actions(&world.reconcile(&none)), [Action::NoticeMerged]);
        world.commit("main", "ann", &[("a", Some("1"))]);
    }
    let outcome = world.reconcile(&drift);
    assert_eq!(
        (actions(&outcome), outcome[0].writes.len()),
        (vec![Action::AwaitPerson], 0)
    );
    let said = outcome[0].to_string();
    assert!(said.contains("merged 2 times") && said.contains("of ann"), "{said}");
    let other = world.plan(&[file("a", Some("1"), Some("3"))]);
    assert_eq!(
        actions(&world.reconcile(&other)),
        [Action::Create],
        "other content goes on"
    );
}

#[test]
fn what_only_a_branch_has_is_kept_and_the_way_out_is_told() {
    let world = World::bare(&[("a", "1")]);
    let plan = world.plan(&[file("a", Some("1"), Some("2"))]);
    world.reconcile(&plan);
    let theirs = world.commit("lockstep/ci/4.16", "ann", &[("b", Some("hers"))]);
    world.edit_record(|record| record.state = PullState::Closed);
    let other = world.plan(&[file("a", Some("1"), Some("3"))]);
    let outcome = world.reconcile(&other);
    assert_eq!(actions(&outcome), [Action::LeaveForeign]);
    let said = outcome[0].to_string();
    assert!(said.contains("by ann") && said.contains("delete the branch"), "{said}");
    assert_eq!(world.tip("lockstep/ci/4.16"), Some(theirs));
}

#[test]
fn a_persons_commit_is_not_overwritten() {
    let world = World::bare(&[("a", "1")]);
    world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]));
    let theirs = world.commit("lockstep/ci/4.16", "ann", &[("a", Some("2, and better"))]);
    for content in ["2", "3", "1"] {
        let outcome = world.reconcile(&world.plan(&[file("a", Some("1"), Some(content))]));
        assert_eq!(
            (actions(&outcome), outcome[0].writes.len()),
            (vec![Action::LeaveForeign], 0),
            "{content}"
        );
        assert!(outcome[0].notes[0].contains("by ann"), "{:?}", outcome[0].notes);
        assert_eq!(world.tip("lockstep/ci/4.16"), Some(theirs));
    }
}

#[test]
fn an_edited_title_and_what_stands_around_the_body_stay() {
    let world = World::bare(&[("a", "1")]);
    world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]));
    world.edit_record(|record| {
        record.title = "my title".into();
        record.body = format!("before\n{}\nafter\n", record.body);
    });
    assert_eq!(
        actions(&world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]))),
        [Action::UpToDate]
    );
    assert_eq!(
        actions(&world.reconcile(&world.plan(&[file("a", Some("1"), None)]))),
        [Action::Update]
    );
    let record = world.record();
    assert_eq!(record.title, "my title");
    assert!(
        record.body.starts_with("before\n") && record.body.ends_with("after\n"),
        "{}",
        record.body
    );
    assert!(record.body.contains("1 removed"), "{}", record.body);
}

#[test]
fn a_run_killed_between_branch_and_record_is_healed() {
    let world = World::bare(&[("a", "1")]);
    let drift = world.plan(&[file("a", Some("1"), Some("2"))]);
    world.reconcile(&drift);
    let (head, whole) = (world.tip("lockstep/ci/4.16"), world.record());
    std::fs::remove_file(world.record_path()).unwrap();
    assert_eq!(actions(&world.at(1_800_000_000).reconcile(&drift)), [Action::Adopt]);
    assert_eq!(
        (world.tip("lockstep/ci/4.16"), world.record()),
        (head, whole),
        "no second commit"
    );

    // The branch was updated, its record was not.
    let other = world.plan(&[file("a", Some("1"), Some("3"))]);
    let old = std::fs::read(world.record_path()).unwrap();
    world.reconcile(&other);
    let head = world.tip("lockstep/ci/4.16");
    std::fs::write(world.record_path(), old).unwrap();
    assert_eq!(actions(&world.reconcile(&other)), [Action::UpdateText]);
    assert_eq!(
        (world.tip("lockstep/ci/4.16"), world.record().digest),
        (head, other.pull_requests[0].digest.clone())
    );

    // The record was closed, the branch was not deleted.
    let none = world.plan(&[file("a", Some("1"), Some("1"))]);
    world.reconcile(&none);
    world.set("lockstep/ci/4.16", head.unwrap());
    assert_eq!(actions(&world.reconcile(&none)), [Action::CleanUp]);
    assert_eq!(world.tip("lockstep/ci/4.16"), None);
}

#[test]
fn a_lost_branch_is_made_again() {
    let world = World::bare(&[("a", "1")]);
    let drift = world.plan(&[file("a", Some("1"), Some("2"))]);
    world.reconcile(&drift);
    world
        .git()
        .find_reference("refs/heads/lockstep/ci/4.16")
        .unwrap()
        .delete()
        .unwrap();
    assert_eq!(actions(&world.reconcile(&drift)), [Action::Update]);
    assert_eq!(
        world.record().commit,
        world.tip("lockstep/ci/4.16").unwrap().to_string()
    );
}

#[test]
fn what_could_not_be_derived_stays_proposed() {
    let world = World::bare(&[("a", "1"), ("b", "1")]);
    world.reconcile(&world.plan(&[file("a", Some("1"), Some("2")), file("b", Some("1"), Some("2"))]));
    let mut held = file("b", Some("1"), Some("1"));
    held.held = true;
    let same = [file("a", Some("1"), Some("2")), held.clone()];
    assert_eq!(actions(&world.reconcile(&world.plan(&same))), [Action::UpToDate]);
    assert_eq!(
        actions(&world.reconcile(&world.plan(&[held.clone()]))),
        [Action::Update]
    );
    assert_eq!(world.read("lockstep/ci/4.16", "a").as_deref(), Some("1"));
    assert_eq!(world.read("lockstep/ci/4.16", "b").as_deref(), Some("2"));
    assert!(!world.record().title.is_empty());
    assert_eq!(actions(&world.reconcile(&world.plan(&[held]))), [Action::UpToDate]);
}

#[test]
fn a_withheld_pull_request_is_not_written() {
    let world = World::bare(&[("a", "1"), ("b", "1"), ("c", "1")]);
    let gone: Vec<_> = ["a", "b", "c"].iter().map(|path| file(path, Some("1"), None)).collect();
    let outcome = world.reconcile(&world.plan(&gone));
    assert_eq!(
        (actions(&outcome), world.tip("lockstep/ci/4.16")),
        (vec![Action::Withhold], None)
    );
    assert!(outcome[0].notes[0].contains("remove 3 files"), "{:?}", outcome[0].notes);
}

#[test]
fn one_repository_that_fails_costs_no_other() {
    let world = World::bare(&[("a", "1")]);
    let mut elsewhere = file("a", Some("1"), Some("2"));
    elsewhere.repo.repo = "nowhere".into();
    let mut no_branch = file("a", Some("1"), Some("2"));
    no_branch.branch = "release-9".into();
    no_branch.release = "4.17".into();
    let plan = world.plan(&[elsewhere, file("a", Some("1"), Some("2")), no_branch]);
    let outcomes = world.reconcile(&plan);
    assert_eq!(actions(&outcomes), [Action::Create]);
    let errors: Vec<_> = outcomes
        .iter()
        .filter_map(|o| o.error.as_ref().map(ToString::to_string))
        .collect();
    assert_eq!(
        errors,
        [
            "no repository is known for o/nowhere, branch main",
            "o/r has no branch `release-9` to make a pull request against"
        ]
    );
}

#[test]
fn a_broken_record_costs_its_pull_request_only_and_is_not_overwritten() {
    let world = World::bare(&[("a", "1")]);
    world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]));
    std::fs::write(world.record_path(), "{ nonsense").unwrap();
    let mut other = file("a", Some("1"), Some("2"));
    other.release = "4.17".into();
    let outcomes = world.reconcile(&world.plan(&[file("a", Some("1"), Some("3")), other]));
    assert_eq!(actions(&outcomes), [Action::Create]);
    assert!(
        outcomes[0]
            .error
            .as_ref()
            .unwrap()
            .to_string()
            .contains("Mend the record")
    );
    assert_eq!(std::fs::read_to_string(world.record_path()).unwrap(), "{ nonsense");
}

#[test]
fn links_and_directories_are_not_written_over() {
    let world = World::bare(&[("dir/a", "1")]);
    world.link("main", "link", "dir/a");
    for path in ["link", "dir", "dir/a/b"] {
        let plan = world.plan(&[file(path, None, Some("2"))]);
        for outcome in world.dry_run(&plan).iter().chain(&world.reconcile(&plan)) {
            assert!(
                outcome.error.as_ref().unwrap().to_string().contains("stands there"),
                "{path}"
            );
        }
        assert_eq!(world.tip("lockstep/ci/4.16"), None, "{path}");
    }
}

#[test]
fn a_branch_that_is_checked_out_is_not_moved() {
    let world = World::ordinary(&[("a", "1")]);
    world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]));
    world.git().set_head("refs/heads/lockstep/ci/4.16").unwrap();
    let head = world.tip("lockstep/ci/4.16");
    assert_eq!(
        actions(&world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]))),
        [Action::UpToDate]
    );
    let outcome = &world.reconcile(&world.plan(&[file("a", Some("1"), Some("3"))]))[0];
    assert!(outcome.error.as_ref().unwrap().to_string().contains("is checked out"));
    assert_eq!(world.tip("lockstep/ci/4.16"), head);
}

#[test]
fn an_executable_stays_one() {
    let world = World::bare(&[("a", "1")]);
    world.executable("main", "a");
    world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]));
    let repo = world.git();
    let tree = repo
        .find_commit(world.tip("lockstep/ci/4.16").unwrap())
        .unwrap()
        .tree()
        .unwrap();
    assert_eq!(tree.get_name("a").unwrap().filemode(), 0o100_755);
}

#[test]
fn a_race_for_the_branch_is_lost_without_harm() {
    let world = World::bare(&[("a", "1")]);
    let drift = world.plan(&[file("a", Some("1"), Some("2"))]);
    // Somebody takes a name that is in the way: the reference cannot be made.
    world.set("lockstep/ci", world.tip("main").unwrap());
    let outcome = &world.reconcile(&drift)[0];
    assert!(outcome.error.is_some() && outcome.writes.is_empty());
    assert!(!world.record_path().exists());
}

mod mirror {
    use super::*;

    #[test]
    fn a_directory_gets_a_repository_and_a_merge_there_ends_the_drift() {
        let world = World::directory(&[("a", "1"), ("dir/b", "1")]);
        let drift = world.plan(&[file("a", Some("1"), Some("2")), file("new", None, Some("n"))]);
        let predicted = world.dry_run(&drift);
        assert!(!world.mirror_path().exists(), "a dry run makes nothing");
        let done = world.reconcile(&drift);
        assert_eq!(writes(&predicted), writes(&done));
        assert!(matches!(done[0].writes[0], Write::Seed { files: 2, .. }));
        assert_eq!(world.read("main", "dir/b").as_deref(), Some("1"));
        assert_eq!(actions(&world.reconcile(&drift)), [Action::UpToDate]);

        world.set("main", world.tip("lockstep/ci/4.16").unwrap());
        let actual = world.actual();
        assert_eq!(&*actual.read("a").unwrap().unwrap().bytes, b"2");
        assert_eq!(&*actual.read("./new").unwrap().unwrap().bytes, b"n");
        assert_eq!(names(&*actual, ""), ["a", "dir", "new"]);
        let none = world.plan(&[file("a", Some("2"), Some("2")), file("new", Some("n"), Some("n"))]);
        assert_eq!(actions(&world.reconcile(&none)), [Action::NoticeMerged]);
    }

    fn names(snapshot: &dyn lockstep::source::Snapshot, dir: &str) -> Vec<String> {
        snapshot
            .list(dir)
            .unwrap()
            .unwrap()
            .into_iter()
            .map(|entry| entry.name)
            .collect()
    }

    #[test]
    fn what_changes_in_the_directory_is_followed() {
        let world = World::directory(&[("a", "1"), ("b", "1"), ("c", "1")]);
        world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]));
        world.set("main", world.tip("lockstep/ci/4.16").unwrap());

        world.edit_directory(&[("b", Some("by hand")), ("c", None), ("d", Some("new"))]);
        let actual = world.actual();
        assert_eq!(&*actual.read("a").unwrap().unwrap().bytes, b"2", "merged");
        assert_eq!(&*actual.read("b").unwrap().unwrap().bytes, b"by hand");
        assert!(actual.read("c").unwrap().is_none());

        let drift = world.plan(&[file("a", Some("2"), Some("2")), file("b", Some("by hand"), Some("1"))]);
        let predicted = world.dry_run(&drift);
        let done = world.reconcile(&drift);
        assert_eq!(writes(&predicted), writes(&done));
        assert_eq!(actions(&done), [Action::NoticeMergedThenCreate]);
        assert!(
            matches!(done[0].writes[0], Write::Follow { files: 3, .. }),
            "{:?}",
            done[0].writes
        );
        assert_eq!(world.read("main", "a").as_deref(), Some("2"), "what was merged stays");
        assert_eq!(
            (world.read("main", "c"), world.read("main", "d").as_deref()),
            (None, Some("new"))
        );
        assert_eq!(world.read("lockstep/ci/4.16", "b").as_deref(), Some("1"));
        assert_eq!(actions(&world.reconcile(&drift)), [Action::UpToDate]);
    }

    #[test]
    fn the_same_change_made_in_the_directory_counts_as_merged() {
        let world = World::directory(&[("a", "1")]);
        world.reconcile(&world.plan(&[file("a", Some("1"), Some("2"))]));
        world.edit_directory(&[("a", Some("2"))]);
        let none = world.plan(&[file("a", Some("2"), Some("2"))]);
        assert_eq!(actions(&world.reconcile(&none)), [Action::NoticeMerged]);
        assert_eq!(actions(&world.reconcile(&none)), [Action::InSync]);
    }

    #[test]
    fn a_seeding_that_was_killed_is_done_again() {
        let world = World::directory(&[("a", "1")]);
        let drift = world.plan(&[file("a", Some("1"), Some("2"))]);
        world.reconcile(&drift);
        let repo = world.git();
        for branch in ["main", "lockstep/ci/4.16"] {
            repo.find_reference(&format!("refs/heads/{branch}"))
                .unwrap()
                .delete()
                .unwrap();
        }
        std::fs::remove_file(world.record_path()).unwrap();
        assert_eq!(actions(&world.reconcile(&drift)), [Action::Create]);
        std::fs::remove_dir_all(world.mirror_path().join("refs")).unwrap();
        std::fs::remove_file(world.record_path()).unwrap();
        assert_eq!(
            actions(&world.reconcile(&drift)),
            [Action::Create],
            "not even a repository"
        );
    }
}

#[test]
fn many_files_are_one_commit() {
    let world = World::bare(&[("a", "1")]);
    let wanted: Vec<_> = (0..168)
        .map(|i| file(&format!("config/c{i}/c{i}.yaml"), None, Some("x: 1\n")))
        .collect();
    let plan: Plan = world.plan(&wanted);
    assert_eq!(actions(&world.reconcile(&plan)), [Action::Create]);
    assert_eq!(actions(&world.reconcile(&plan)), [Action::UpToDate]);
    assert_ne!(world.tip("main"), Some(Oid::ZERO_SHA1));
}

/// What a run over some targets, under an adoption, comes to.
fn part_of(desired: &[Desired], targets: &[&str], adopt: &[&str]) -> Plan {
    let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<BTreeSet<String>>();
    let adopt = Adopt {
        components: adopt.iter().map(|&name| name.to_owned()).collect(),
        ..Adopt::default()
    };
    let reach = Reach::of(names(targets), BTreeSet::new(), &names(&TARGETS), &adopt);
    let looked_at = desired.iter().filter(|file| targets.contains(&&*file.target));
    Plan::build(Input {
        desired: looked_at.cloned().collect(),
        policy: Policy {
            adopt,
            ..Policy::default()
        },
        max_removals: 9,
        reach: [(("4.16".to_owned(), "ci".to_owned()), reach)].into(),
        ..Input::default()
    })
}

const TARGETS: [&str; 3] = ["prow-config", "prow-jobs", "release-controller"];
const COMPONENTS: [&str; 3] = ["o/a", "o/b", "o/c"];

/// One file for each target and component.
fn every_file(after: &str) -> Vec<Desired> {
    let one = |target: &str, component: &str| Desired {
        target: target.to_owned(),
        component: Some(component.to_owned()),
        ..file(&format!("{target}/{component}"), Some("old"), Some(after))
    };
    let all = TARGETS.iter();
    all.flat_map(|target| COMPONENTS.iter().map(|component| one(target, component)))
        .collect()
}

fn world_of_parts() -> World {
    let files: Vec<String> = every_file("new").into_iter().map(|file| file.path).collect();
    let base: Vec<(&str, &str)> = files.iter().map(|path| (path.as_str(), "old")).collect();
    let world = World::bare(&base);
    let made = world.reconcile(&part_of(&every_file("new"), &TARGETS, &[]));
    assert_eq!(actions(&made), [Action::Create]);
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Whatever part of it a run looks at, the rest of a pull request keeps its bytes, and nothing is closed.
    #[test]
    fn a_part_never_takes_back_the_rest(
        targets in subsequence(TARGETS.to_vec(), 1..=3),
        adopt in subsequence(COMPONENTS.to_vec(), 0..=2),
        after in select(vec!["old", "new", "newer"]),
    ) {
        let world = world_of_parts();
        let part = part_of(&every_file(after), &targets, &adopt);
        let predicted = writes(&world.dry_run(&part));
        prop_assert_eq!(predicted, writes(&world.reconcile(&part)));
        for file in every_file("new") {
            let adopted = adopt.is_empty() || file.component.as_deref().is_some_and(|name| adopt.contains(&name));
            let inside = targets.contains(&&*file.target) && adopted;
            match world.read("lockstep/ci/4.16", &file.path) {
                None => prop_assert!(targets.len() == 3 && after == "old", "closed"),
                // Nothing differs any more where all that was looked at is right, whatever is adopted.
                Some(_) if after == "old" && targets.contains(&&*file.target) => {}
                Some(text) => prop_assert_eq!(text, if inside { after } else { "new" }, "{}", file.path),
            }
        }
        prop_assert!(writes(&world.reconcile(&part)).is_empty(), "twice");

        // A run that sees everything ends where it would have ended without the part before it.
        world.reconcile(&part_of(&every_file(after), &TARGETS, &[]));
        for file in every_file(after) {
            let text = world.read("lockstep/ci/4.16", &file.path);
            prop_assert_eq!(text.as_deref(), Some(after).filter(|after| *after != "old"));
        }
    }
}

#[test]
fn a_part_says_so_and_the_next_whole_run_says_the_whole() {
    let world = world_of_parts();
    let part = |target: &str| part_of(&every_file("newer"), &[target], &[]);
    assert_eq!(actions(&world.reconcile(&part("release-controller"))), [Action::Update]);
    let record = world.record();
    assert!(record.title.contains("6 more from before"), "{}", record.title);
    let said = "6 more files of this pull request stay as proposed";
    assert!(record.body.contains(said), "{}", record.body);
    let whole = part_of(&every_file("newer"), &TARGETS, &[]);
    assert_eq!(actions(&world.reconcile(&whole)), [Action::Update]);
    assert!(!world.record().body.contains("stay as proposed"));
    // The same content, once more in part and as a whole: nothing goes back and forth.
    assert_eq!(actions(&world.reconcile(&part("prow-jobs"))), [Action::UpToDate]);
    assert_eq!(actions(&world.reconcile(&whole)), [Action::UpToDate]);
}

#[test]
fn what_was_not_looked_at_and_moved_is_left_to_a_whole_run() {
    let world = world_of_parts();
    let tip = world.tip("lockstep/ci/4.16");
    world.commit("main", "ann", &[("prow-jobs/o/a", Some("by hand"))]);
    let part = part_of(&every_file("newer"), &["prow-config"], &[]);
    assert_eq!(actions(&world.reconcile(&part)), [Action::LeaveUnseen]);
    assert_eq!(world.tip("lockstep/ci/4.16"), tip, "a person's change is not undone");
}
