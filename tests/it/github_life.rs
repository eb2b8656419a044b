//! The life of a pull request on GitHub, told against the fake with the real client.

use crate::support::{fake_github, github_world};
use fake_github::state::{Pull, PullState};
use github_world::{REPO, World, actions, file, held};
use lockstep::forge::Action::*;
use lockstep::forge::Write;
use lockstep::forge::github::{GithubForge, NoJournal};
use lockstep::github::Clock;

const HEAD: &str = "lockstep/ci/4.16";

fn world() -> World {
    World::new(&[("a.yaml", "old\n"), ("other.yaml", "theirs\n")])
}

#[test]
fn opened_updated_and_closed() {
    let world = world();
    let one = world.plan(&[
        file("a.yaml", Some("old\n"), Some("new\n")),
        file("dir/b.yaml", None, Some("b\n")),
    ]);
    assert_eq!(actions(&world.reconcile(&one)), [Create]);
    let pull = world.only_pull();
    assert_eq!(
        (pull.state, pull.base.as_str(), pull.head.as_str()),
        (PullState::Open, "main", HEAD)
    );
    let files = world.github.files(REPO, HEAD);
    assert_eq!(files["a.yaml"], "new\n");
    assert_eq!(files["dir/b.yaml"], "b\n");
    assert_eq!(files["other.yaml"], "theirs\n");

    let before = world.github.requests();
    assert_eq!(actions(&world.reconcile(&one)), [UpToDate]);
    assert_eq!(world.github.requests() - before, 2, "only looked, dry run included");

    let two = world.plan(&[file("a.yaml", Some("old\n"), Some("newer\n"))]);
    assert_eq!(actions(&world.reconcile(&two)), [Update]);
    let files = world.github.files(REPO, HEAD);
    assert_eq!(files["a.yaml"], "newer\n");
    assert!(
        !files.contains_key("dir/b.yaml"),
        "one commit on the base, not on top of the last"
    );
    assert_eq!(world.github.pulls(REPO).len(), 1);

    let none = world.plan(&[file("a.yaml", Some("old\n"), Some("old\n"))]);
    assert_eq!(actions(&world.reconcile(&none)), [CloseGone]);
    let pull = world.only_pull();
    assert_eq!(pull.state, PullState::Closed);
    assert_eq!(pull.comments.len(), 1);
    assert_eq!(world.github.branch(REPO, HEAD), None, "the branch goes");
    assert_eq!(actions(&world.reconcile(&none)), [InSync]);

    assert_eq!(
        actions(&world.reconcile(&two)),
        [Create],
        "closed here, not by a person"
    );
    assert_eq!(world.github.pulls(REPO).len(), 2);
}

#[test]
fn many_files_take_few_requests() {
    let world = world();
    let texts: Vec<(String, String)> = (0..168)
        .map(|n| (format!("config/{n}.yaml"), format!("n: {n}\n")))
        .collect();
    let desired: Vec<_> = texts.iter().map(|(path, text)| file(path, None, Some(text))).collect();
    let plan = world.plan(&desired);
    let outcomes = world.run(&plan, false, &NoJournal);
    assert_eq!(actions(&outcomes), [Create]);
    let asked = world.github.asked(0);
    assert!(asked.len() <= 8, "{asked:#?}");
    assert_eq!(world.github.files(REPO, HEAD).len(), 170);
}

#[test]
fn a_person_edits_title_and_body() {
    let world = world();
    let plan = |text: &str| world.plan(&[file("a.yaml", Some("old\n"), Some(text))]);
    world.reconcile(&plan("new\n"));
    world.github.edit(REPO, |pull| {
        pull.title = "Better title".into();
        // A browser writes other line ends.
        pull.body = format!("Hello!\n{}Bye!\n", pull.body).replace('\n', "\r\n");
    });
    assert_eq!(actions(&world.reconcile(&plan("new\n"))), [UpToDate]);
    assert_eq!(actions(&world.reconcile(&plan("newer\n"))), [Update]);
    let pull = world.only_pull();
    assert_eq!(pull.title, "Better title");
    assert!(
        pull.body.starts_with("Hello!") && pull.body.trim_end().ends_with("Bye!"),
        "{}",
        pull.body
    );
    assert_eq!(actions(&world.reconcile(&plan("newer\n"))), [UpToDate]);
}

#[test]
fn a_person_pushes_and_hands_the_branch_back() {
    let world = world();
    let plan = |text: &str| world.plan(&[file("a.yaml", Some("old\n"), Some(text))]);
    world.reconcile(&plan("new\n"));
    let theirs = world.github.push(REPO, HEAD, "ann", &[("a.yaml", Some("by hand\n"))]);
    let outcomes = world.reconcile(&plan("newer\n"));
    assert_eq!(actions(&outcomes), [LeaveForeign]);
    assert!(outcomes[0].to_string().contains("ann"), "{}", outcomes[0]);
    assert_eq!(world.github.branch(REPO, HEAD), Some(theirs));
    let said = world.only_pull().comments;
    assert_eq!(said.len(), 1);
    assert!(said[0].body.contains("/lockstep take"), "{}", said[0].body);

    assert!(world.reconcile(&plan("newer\n"))[0].writes.is_empty(), "said once");
    world.github.say(REPO, "stranger", "NONE", "/lockstep take");
    assert_eq!(
        actions(&world.reconcile(&plan("newer\n"))),
        [LeaveForeign],
        "not everybody may"
    );

    let again = world
        .github
        .push(REPO, HEAD, "ann", &[("a.yaml", Some("more by hand\n"))]);
    let outcomes = world.reconcile(&plan("newer\n"));
    assert!(
        matches!(outcomes[0].writes[..], [Write::EditComment { .. }]),
        "{}",
        outcomes[0]
    );
    assert_eq!(world.github.branch(REPO, HEAD), Some(again));

    world.github.say(REPO, "ann", "MEMBER", "Fine:\r\n/lockstep take\r\n");
    assert_eq!(actions(&world.reconcile(&plan("newer\n"))), [Update]);
    assert_eq!(world.github.files(REPO, HEAD)["a.yaml"], "newer\n");
    world.github.push(REPO, HEAD, "ann", &[("a.yaml", Some("once more\n"))]);
    assert_eq!(
        actions(&world.reconcile(&plan("newer\n"))),
        [LeaveForeign],
        "handed back once, not for ever"
    );
    assert_eq!(world.only_pull().comments.len(), 3, "still one of ours");
}

#[test]
fn what_a_person_closed_stays_closed_until_the_content_changes() {
    let world = world();
    let plan = |text: &str| world.plan(&[file("a.yaml", Some("old\n"), Some(text))]);
    world.reconcile(&plan("new\n"));
    world.github.close(REPO);
    assert_eq!(actions(&world.reconcile(&plan("new\n"))), [StayClosed]);
    assert_eq!(actions(&world.reconcile(&plan("newer\n"))), [Create]);
    let pulls = world.github.pulls(REPO);
    assert_eq!(pulls.len(), 2);
    assert!(pulls[1].body.contains("Follows #1"), "{}", pulls[1].body);
    assert_eq!(actions(&world.reconcile(&plan("newer\n"))), [UpToDate]);
    world.github.close(REPO);
    for text in ["new\n", "newer\n"] {
        assert_eq!(actions(&world.reconcile(&plan(text))), [StayClosed], "{text}");
    }
}

#[test]
fn labels_pause() {
    let mut world = world();
    world.options.hold_labels = vec!["wait-for-ann".into()];
    let plan = |text: &str| world.plan(&[file("a.yaml", Some("old\n"), Some(text))]);
    world.reconcile(&plan("new\n"));
    for label in ["do-not-merge/hold", "lockstep/ignore", "wait-for-ann"] {
        world.github.edit(REPO, |pull| pull.labels = vec![label.into()]);
        for text in ["newer\n", "old\n"] {
            let outcomes = world.reconcile(&plan(text));
            assert_eq!(actions(&outcomes), [Withhold]);
            assert!(outcomes[0].to_string().contains(label), "{}", outcomes[0]);
        }
    }
    world.github.edit(REPO, |pull| pull.labels = vec!["lgtm".into()]);
    assert_eq!(actions(&world.reconcile(&plan("newer\n"))), [Update]);
}

#[test]
fn merged_and_tidied_up() {
    let world = world();
    world.reconcile(&world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]));
    world.github.merge(REPO);
    assert_eq!(
        actions(&world.reconcile(&world.plan(&[file("a.yaml", Some("new\n"), Some("new\n"))]))),
        [CleanUp]
    );
    assert_eq!(world.github.branch(REPO, HEAD), None);
    assert_eq!(
        actions(&world.reconcile(&world.plan(&[file("a.yaml", Some("new\n"), Some("next\n"))]))),
        [Create]
    );
    assert_eq!(world.github.pulls(REPO).len(), 2);
}

#[test]
fn the_base_moves() {
    let world = world();
    world.reconcile(&world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]));
    let head = world.github.branch(REPO, HEAD);
    world
        .github
        .push(REPO, "main", "ann", &[("other.yaml", Some("changed\n"))]);
    assert_eq!(
        actions(&world.reconcile(&world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]))),
        [UpToDate]
    );
    assert_eq!(
        world.github.branch(REPO, HEAD),
        head,
        "nothing conflicts: nothing is pushed"
    );

    world.github.push(REPO, "main", "ann", &[("a.yaml", Some("other\n"))]);
    let stale = world.run(
        &world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]),
        false,
        &NoJournal,
    );
    assert!(stale[0].error.as_ref().unwrap().to_string().contains("make a new plan"));
    assert_eq!(
        actions(&world.reconcile(&world.plan(&[file("a.yaml", Some("other\n"), Some("new\n"))]))),
        [Update]
    );
    assert_eq!(
        world.github.files(REPO, HEAD)["other.yaml"],
        "changed\n",
        "on the new base"
    );
}

#[test]
fn what_cannot_be_derived_stays_proposed() {
    let world = world();
    world.reconcile(&world.plan(&[
        file("a.yaml", Some("old\n"), Some("new\n")),
        file("b.yaml", None, Some("b\n")),
    ]));
    assert_eq!(
        actions(&world.reconcile(&world.plan(&[held("a.yaml", Some("old\n")), held("b.yaml", None)]))),
        [UpToDate]
    );
    let plan = world.plan(&[held("a.yaml", Some("old\n")), file("b.yaml", None, Some("bb\n"))]);
    assert_eq!(actions(&world.reconcile(&plan)), [Update]);
    let files = world.github.files(REPO, HEAD);
    assert_eq!((files["a.yaml"].as_str(), files["b.yaml"].as_str()), ("new\n", "bb\n"));
    assert_eq!(actions(&world.reconcile(&plan)), [UpToDate]);
}

#[test]
fn from_a_fork_and_after_it_was_deleted() {
    let mut world = world();
    world.options.fork = Some("bot".into());
    let plan = world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]);
    let missing = world.run(&plan, false, &NoJournal);
    assert!(
        missing[0].error.as_ref().unwrap().to_string().contains("no fork bot/r"),
        "{}",
        missing[0]
    );
    world.github.fork(REPO, "bot/r");
    assert_eq!(actions(&world.reconcile(&plan)), [Create]);
    assert_eq!(world.github.branch(REPO, HEAD), None);
    assert!(world.github.branch("bot/r", HEAD).is_some());
    assert_eq!(actions(&world.reconcile(&plan)), [UpToDate]);

    world.github.delete_repository("bot/r");
    let gone = world.run(&plan, false, &NoJournal);
    assert!(gone[0].error.is_some());
    assert_eq!(world.only_pull().state, PullState::Open);
    world.github.fork(REPO, "bot/r");
    let outcomes = world.reconcile(&plan);
    assert_eq!(
        actions(&outcomes),
        [Create],
        "what came from the old fork cannot be updated any more"
    );
    assert!(
        outcomes[0].to_string().contains("#1 is open, but the fork"),
        "{}",
        outcomes[0]
    );
    assert_eq!(actions(&world.reconcile(&plan)), [UpToDate]);
    assert_eq!(world.github.pulls(REPO).len(), 2);
}

#[test]
fn somebody_elses_branch_of_that_name_is_not_ours() {
    let world = world();
    world.github.fork(REPO, "mallory/r");
    world
        .github
        .push("mallory/r", HEAD, "mallory", &[("a.yaml", Some("evil\n"))]);
    let plan = world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]);
    world.reconcile(&plan);
    world.github.edit(REPO, |pull| {
        pull.head_repo = Some("mallory/r".into());
        pull.head_owner = "mallory".into();
        pull.author = "mallory".into();
    });
    assert_eq!(
        actions(&world.reconcile(&plan)),
        [Adopt],
        "theirs is left alone, ours is opened"
    );
    assert_eq!(world.github.pulls(REPO).len(), 2);
}

#[test]
fn a_request_from_a_fork_that_may_not_be_seen_keeps_nothing_from_being_written() {
    let world = world();
    let private = "mallory/private";
    for (number, head) in [(900, HEAD), (901, "lockstep/cut")] {
        let mut pull = Pull::open(number, REPO, ("main", ""), (head, ""));
        pull.head_repo = Some(private.to_owned());
        pull.head_owner = "mallory".to_owned();
        pull.author = "mallory".to_owned();
        let mut inside = world.github.inside();
        inside.state.repo_mut(REPO).expect("there").pulls.push(pull);
        inside.state.barred.insert(private.to_owned());
    }
    let plan = world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]);
    assert_eq!(actions(&world.reconcile(&plan)), [Create]);
    assert_eq!(actions(&world.reconcile(&plan)), [UpToDate]);
    let pulls = world.github.pulls(REPO);
    assert_eq!(pulls.len(), 3);
    assert!(pulls.iter().all(|pull| pull.state == PullState::Open), "{pulls:#?}");
    let forge = GithubForge::new(world.client(), world.options.clone());
    let train = forge.train(&REPO.parse().expect("a name"));
    assert!(train.expect("an answer").is_none());
}

#[test]
fn removals_and_binary_files() {
    let world = World::new(&[("a.yaml", "old\n"), ("gone.yaml", "x\n")]);
    let mut binary = file("logo.bin", None, Some(""));
    binary.after = Some(lockstep::plan::Bytes::from(&[0xff_u8, 0, 0xfe][..]));
    let plan = world.plan(&[binary, file("gone.yaml", Some("x\n"), None)]);
    assert_eq!(actions(&world.reconcile(&plan)), [Create]);
    let files = world.github.files(REPO, HEAD);
    assert!(!files.contains_key("gone.yaml") && files.contains_key("logo.bin"));
    assert_eq!(actions(&world.reconcile(&plan)), [UpToDate]);
}

#[test]
fn what_stands_in_the_way_is_left() {
    let world = World::new(&[("dir/x.yaml", "x\n"), ("a.yaml", "old\n")]);
    for path in ["dir", "a.yaml/b.yaml", "../escape", ".git/config"] {
        let mut desired = file("ok.yaml", None, Some("x\n"));
        desired.path = path.into();
        let outcomes = world.run(&world.plan(&[desired]), false, &NoJournal);
        assert!(outcomes.iter().all(|outcome| outcome.writes.is_empty()), "{path}");
    }
    assert!(world.github.pulls(REPO).is_empty());
}

#[test]
fn what_could_not_be_looked_at_is_not_absent() {
    let world = world();
    let plan = world.plan(&[file("a.yaml", None, Some("new\n"))]);
    world.github.inside().state.fails.insert(":a.yaml".to_owned());
    let outcomes = world.run(&plan, false, &NoJournal);
    assert!(outcomes.iter().all(|outcome| outcome.writes.is_empty()), "{outcomes:?}");
    assert!(world.github.pulls(REPO).is_empty());
}

#[test]
fn two_at_once_make_one() {
    let world = world();
    let plan = world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| world.run(&plan, false, &NoJournal)))
            .collect();
        runs.into_iter().flat_map(|run| run.join().unwrap()).collect()
    });
    for outcome in &outcomes {
        assert!(outcome.error.is_none(), "{outcome}");
    }
    world.only_pull();
    assert_eq!(world.github.files(REPO, HEAD)["a.yaml"], "new\n");
    assert_eq!(actions(&world.reconcile(&plan)), [UpToDate]);
}

#[test]
fn labels_reviewers_draft_and_sign_off() {
    let mut world = world();
    world.options.labels = vec!["okd".into()];
    world.options.reviewers = vec!["ann".into()];
    world.options.assignees = vec!["bob".into()];
    world.options.draft = true;
    world.options.sign_off = true;
    let plan = |text: &str| world.plan(&[file("a.yaml", Some("old\n"), Some(text))]);
    world.reconcile(&plan("new\n"));
    let pull = world.only_pull();
    assert_eq!(
        (pull.labels, pull.reviewers, pull.assignees),
        (vec!["okd".into()], vec!["ann".into()], vec!["bob".into()])
    );
    assert!(pull.draft);
    let commit = world.github.inside();
    let oid = git2::Oid::from_str(&pull.head_sha).unwrap();
    let message = commit.state.git.find_commit(oid).unwrap().message().unwrap().to_owned();
    assert!(
        message.ends_with("Signed-off-by: lockstep <lockstep@localhost>\n"),
        "{message}"
    );
    drop(commit);
    world.github.edit(REPO, |pull| pull.labels.clear());
    world.reconcile(&plan("newer\n"));
    assert!(
        world.only_pull().labels.is_empty(),
        "what a person took away stays away"
    );
}

#[test]
fn an_archived_repository_and_a_missing_base() {
    let world = world();
    let plan = world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]);
    world.github.inside().state.repo_mut(REPO).unwrap().archived = true;
    assert!(world.run(&plan, false, &NoJournal)[0].to_string().contains("archived"));
    let mut other = file("a.yaml", Some("old\n"), Some("new\n"));
    other.branch = "nowhere".into();
    world.github.inside().state.repo_mut(REPO).unwrap().archived = false;
    assert!(
        world.run(&world.plan(&[other]), false, &NoJournal)[0]
            .to_string()
            .contains("no branch `nowhere`")
    );
}

#[test]
fn reviewers_come_from_owners_and_one_who_cannot_be_asked_costs_nothing() {
    let mut world = World::new(&[
        ("a/x.yaml", "old\n"),
        ("a/OWNERS", "reviewers: [ann, team]\n"),
        ("OWNERS", "reviewers: [root]\n"),
        ("OWNERS_ALIASES", "aliases: {team: [bob]}\n"),
    ]);
    world.options.reviewers = vec!["owners".into()];
    let plan = world.plan(&[file("a/x.yaml", Some("old\n"), Some("new\n"))]);
    let before = world.github.requests();
    assert_eq!(actions(&world.run(&plan, false, &NoJournal)), [Create]);
    assert!(world.github.requests() - before <= 8);
    let mut reviewers = world.only_pull().reviewers;
    reviewers.sort();
    assert_eq!(reviewers, ["ann", "bob"]);

    let mut world = World::new(&[("a.yaml", "old\n")]);
    world.options.reviewers = vec!["nobody".into()];
    let outcomes = world.run(
        &world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]),
        false,
        &NoJournal,
    );
    assert_eq!(actions(&outcomes), [Create]);
    assert!(
        outcomes[0].to_string().contains("Reviews may only be requested"),
        "{}",
        outcomes[0]
    );
}

#[test]
fn no_more_than_the_budget_and_who_waits_is_said() {
    let mut world = world();
    (world.options.max_new, world.options.max_open) = (2, 3);
    let releases = ["4.16", "4.17", "4.18", "4.19"];
    let desired = |text: &str| -> Vec<_> {
        let one = |release: &&str| {
            let mut desired = file(&format!("{release}.yaml"), None, Some(text));
            desired.release = (*release).into();
            desired
        };
        releases.iter().map(one).collect()
    };
    let plan = world.plan(&desired("new\n"));
    let outcomes = world.reconcile(&plan);
    assert_eq!(actions(&outcomes), [Create, Create, Wait, Wait]);
    assert!(outcomes[2].to_string().contains("expected from 20"), "{}", outcomes[2]);
    assert_eq!(actions(&world.reconcile(&plan)), [UpToDate, UpToDate, Wait, Wait]);
    world.clock.sleep(std::time::Duration::from_secs(3_700));
    let outcomes = world.reconcile(&plan);
    assert_eq!(actions(&outcomes), [UpToDate, UpToDate, Create, Wait]);
    assert!(outcomes[3].to_string().contains("forge.max-open"), "{}", outcomes[3]);
    assert_eq!(
        actions(&world.reconcile(&world.plan(&desired("newer\n")))),
        [Update, Update, Update, Wait],
        "updates do not wait"
    );
}

/// Files of two component repositories, one of which has the image that the other one's is built from.
fn built_on_each_other(world: &World, text: &str) -> lockstep::plan::Plan {
    use lockstep::plan::{Input, Plan, Upstream, UpstreamImage};
    let of = |repo: &str, image: &str| {
        let mut desired = file("a.yaml", Some("old\n"), Some(text));
        desired.repo = repo.parse().unwrap();
        desired.images = vec![image.into()];
        desired
    };
    let image = |parent: Option<&str>, wave| UpstreamImage {
        parents: parent.map(str::to_owned).into_iter().collect(),
        wave: Some(wave),
        ..UpstreamImage::default()
    };
    let images = [
        ("base".to_owned(), image(None, 0)),
        ("cli".to_owned(), image(Some("base"), 1)),
    ];
    if world.github.inside().state.repo("o/the-base").is_none() {
        world.github.repository("o/the-base", &[("a.yaml", "old\n")]);
    }
    Plan::build(Input {
        desired: vec![of(REPO, "cli"), of("o/the-base", "base")],
        upstream: vec![Upstream {
            release: "4.16".into(),
            images: images.into(),
            ..Upstream::default()
        }],
        ..Input::default()
    })
}

#[test]
fn what_others_are_built_on_is_opened_first_and_they_say_so() {
    let world = world();
    let plan = built_on_each_other(&world, "new\n");
    assert_eq!(actions(&world.reconcile(&plan)), [Create, Create]);
    let asked = world.github.asked(0);
    let opened: Vec<_> = asked.iter().filter(|asked| asked.ends_with("/pulls")).collect();
    assert_eq!(opened, ["POST /repos/o/the-base/pulls", "POST /repos/o/r/pulls"]);
    let body = world.only_pull().body;
    assert!(body.contains("- depends on o/the-base#1\n"), "{body}");
    assert!(!world.github.pulls("o/the-base")[0].body.contains("depends on"));
    let outcomes = world.reconcile(&plan);
    assert_eq!(
        actions(&outcomes),
        [UpToDate, UpToDate],
        "nothing is written again: {outcomes:#?}"
    );
}

#[test]
fn what_is_built_on_others_waits_with_them() {
    let mut world = world();
    world.options.max_new = 0;
    let plan = built_on_each_other(&world, "new\n");
    let outcomes = world.reconcile(&plan);
    assert_eq!(actions(&outcomes), [Wait, Wait]);
    let text = outcomes[0].to_string();
    assert!(
        text.contains("it builds on images of o/the-base ci 4.16, which waits itself"),
        "{text}"
    );

    world.options.max_new = 10;
    // Looking takes one request each; the tree of the base's commit is the third.
    world.github.fail(3, fake_github::Fault::Forbidden, false);
    let outcomes = world.run(&plan, false, &NoJournal);
    assert!(outcomes[1].error.is_some(), "{}", outcomes[1]);
    assert_eq!(outcomes[0].action, Some(Wait));
    assert!(
        outcomes[0].to_string().contains("could not be opened"),
        "{}",
        outcomes[0]
    );
    assert!(world.github.pulls(REPO).is_empty());
    world.github.mend();
    assert_eq!(actions(&world.reconcile(&plan)), [Create, Create]);
    assert!(world.only_pull().body.contains("depends on o/the-base#1"));
}

#[test]
fn what_is_built_on_something_withheld_waits_and_on_something_refused_does_not() {
    let world = world();
    let mut plan = built_on_each_other(&world, "new\n");
    plan.pull_requests[1].blocked = Some("it would remove too much".into());
    let outcomes = world.reconcile(&plan);
    assert_eq!(actions(&outcomes), [Wait, Withhold]);
    assert!(outcomes[0].to_string().contains("which is withheld"), "{}", outcomes[0]);

    let plan = built_on_each_other(&world, "new\n");
    world.run(&plan, false, &NoJournal);
    for repo in [REPO, "o/the-base"] {
        world.github.close(repo);
    }
    let plan = built_on_each_other(&world, "newer\n");
    world.run(&plan, false, &NoJournal);
    world.github.close("o/the-base");
    let outcomes = world.reconcile(&plan);
    assert_eq!(actions(&outcomes)[1], StayClosed, "a person decided");
    assert!(
        outcomes[0].error.is_none() && outcomes[0].waits.is_none(),
        "{}",
        outcomes[0]
    );
}

#[test]
fn a_commit_of_metadata_that_changes_nothing_rewrites_no_body() {
    use lockstep::plan::{Input, Plan, Spot, Upstream};
    let world = world();
    let plan = |commit: &str, text: &str| {
        let metadata = Spot {
            name: "o/data".into(),
            branch: "openshift-4.16".into(),
            commit: Some(commit.repeat(40)),
            web: Some("https://github.com/o/data".into()),
        };
        Plan::build(Input {
            desired: vec![file("a.yaml", Some("old\n"), Some(text))],
            upstream: vec![Upstream {
                release: "4.16".into(),
                metadata,
                ..Upstream::default()
            }],
            ..Input::default()
        })
    };
    assert_eq!(actions(&world.reconcile(&plan("a", "new\n"))), [Create]);
    assert_eq!(actions(&world.reconcile(&plan("b", "new\n"))), [UpToDate]);
    let body = world.only_pull().body;
    let said = "First seen with `o/data` at [`aaaaaaaaaa`](https://github.com/o/data/commit/aaaaaaaaaa) (branch `openshift-4.16`).";
    assert!(body.contains(said), "{body}");
    assert_eq!(actions(&world.reconcile(&plan("b", "newer\n"))), [Update]);
    assert!(
        world.only_pull().body.contains("commit/bbbbbbbbbb"),
        "new content, new drift"
    );
}

#[test]
fn what_is_too_large_goes_first_as_blobs() {
    let world = world();
    // Twelve files of a mebibyte: half of them fit into the tree itself.
    let text = |n: usize| format!("{n}\n{}", "x".repeat(1 << 20));
    let desired: Vec<_> = (0..12)
        .map(|n| file(&format!("large/{n:02}"), None, Some(&text(n))))
        .collect();
    let plan = world.plan(&desired);
    assert_eq!(actions(&world.run(&plan, false, &NoJournal)), [Create]);
    let asked = world.github.asked(0);
    let blobs = asked.iter().filter(|asked| asked.ends_with("/git/blobs")).count();
    assert!((6..=7).contains(&blobs), "{asked:#?}");
    let place = |what: &str| asked.iter().rposition(|asked| asked.ends_with(what)).unwrap();
    assert!(place("/git/blobs") < place("/git/trees"), "{asked:#?}");
    let files = world.github.files(REPO, HEAD);
    assert!((0..12).all(|n| files[&format!("large/{n:02}")] == text(n)));
    assert_eq!(actions(&world.reconcile(&plan)), [UpToDate]);

    // A blob that cannot be sent leaves nothing behind, and the next run makes it good.
    let desired: Vec<_> = (0..12)
        .map(|n| file(&format!("large/{n:02}"), None, Some(&text(n + 1))))
        .collect();
    let (plan, head) = (world.plan(&desired), world.github.branch(REPO, HEAD));
    world.github.fail(4, fake_github::Fault::Forbidden, true);
    assert!(world.run(&plan, false, &NoJournal)[0].error.is_some());
    assert_eq!(world.github.branch(REPO, HEAD), head);
    world.github.mend();
    assert_eq!(actions(&world.reconcile(&plan)), [Update]);
}

#[test]
fn more_files_than_one_question_takes() {
    let world = world();
    let desired: Vec<_> = (0..700)
        .map(|n| file(&format!("d/{n:03}"), None, Some("x\n")))
        .collect();
    let plan = world.plan(&desired);
    let before = world.github.requests();
    assert_eq!(actions(&world.run(&plan, false, &NoJournal)), [Create]);
    assert!(
        world.github.requests() - before <= 8,
        "{:?}",
        world.github.asked(before)
    );
    assert_eq!(world.github.files(REPO, HEAD).len(), 702);
    assert_eq!(actions(&world.reconcile(&plan)), [UpToDate]);
}

#[test]
fn a_poll_of_nine_releases_with_open_pull_requests_costs_nine_questions() {
    let mut world = world();
    (world.options.max_new, world.options.reviewers) = (9, vec!["owners".into()]);
    let one = |n: usize| {
        let mut desired = file("a.yaml", Some("old\n"), Some("new\n"));
        desired.release = format!("4.{n}");
        desired
    };
    let plan = world.plan(&(12..21).map(one).collect::<Vec<_>>());
    assert_eq!(actions(&world.run(&plan, false, &NoJournal)), [Create; 9]);
    let before = world.github.requests();
    assert_eq!(actions(&world.run(&plan, false, &NoJournal)), [UpToDate; 9]);
    assert_eq!(world.github.requests() - before, 9);
    let inside = world.github.inside();
    let reads = |query: &str| query.contains("text");
    assert!(
        !inside.log[before..]
            .iter()
            .any(|exchange| reads(exchange.request["query"].as_str().unwrap()))
    );
}

#[test]
fn a_branch_that_was_merged_with_a_persons_commit_protects_nobody() {
    let world = world();
    let plan = |before: &str, text: &str| world.plan(&[file("a.yaml", Some(before), Some(text))]);
    world.reconcile(&plan("old\n", "new\n"));
    world.github.push(REPO, HEAD, "ann", &[("a.yaml", Some("better\n"))]);
    world.github.merge(REPO);
    assert_eq!(actions(&world.reconcile(&plan("better\n", "newer\n"))), [Create]);
    assert_eq!(world.github.files(REPO, HEAD)["a.yaml"], "newer\n");
    assert_eq!(actions(&world.reconcile(&plan("better\n", "newer\n"))), [UpToDate]);
}

#[test]
fn what_was_pushed_after_the_merge_is_kept_unless_the_base_has_it() {
    let world = world();
    let plan = |text: &str| world.plan(&[file("a.yaml", Some("new\n"), Some(text))]);
    world.reconcile(&world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]));
    world.github.merge(REPO);
    let theirs = world.github.push(REPO, HEAD, "ann", &[("more.yaml", Some("hers\n"))]);
    let outcomes = world.reconcile(&plan("newer\n"));
    assert_eq!(actions(&outcomes), [LeaveForeign]);
    let said = outcomes[0].to_string();
    assert!(said.contains("ann") && said.contains("delete the branch"), "{said}");
    assert_eq!(world.github.branch(REPO, HEAD), Some(theirs));
    world.github.push(REPO, "main", "ann", &[("more.yaml", Some("hers\n"))]);
    assert_eq!(actions(&world.reconcile(&plan("newer\n"))), [Create]);
}

#[test]
fn what_was_refused_is_refused_still_when_it_comes_back_by_way_of_other_content() {
    let world = world();
    let plan = |text: &str| world.plan(&[file("a.yaml", Some("old\n"), Some(text))]);
    world.reconcile(&plan("new\n"));
    world.github.close(REPO);
    assert_eq!(actions(&world.reconcile(&plan("newer\n"))), [Create]);
    assert_eq!(actions(&world.reconcile(&plan("new\n"))), [CloseRefused]);
    let pull = world.github.pulls(REPO).pop().unwrap();
    assert_eq!(pull.state, PullState::Closed);
    assert!(pull.comments[0].body.contains("refused"), "{}", pull.comments[0].body);
    assert_eq!(actions(&world.reconcile(&plan("new\n"))), [StayClosed]);
    assert_eq!(
        actions(&world.reconcile(&plan("newer\n"))),
        [Create],
        "that one nobody refused"
    );
}

#[test]
fn what_was_not_looked_at_stays_in_the_pull_request() {
    use std::collections::BTreeSet;

    use lockstep::plan::{Adopt, Desired, Input, Plan, Reach};
    let world = world();
    let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<BTreeSet<String>>();
    let all = ["prow-config", "prow-jobs"];
    let part = |text: &str, targets: &[&str]| {
        let reach = Reach::of(names(targets), BTreeSet::new(), &names(&all), &Adopt::default());
        let config = file("a.yaml", Some("old\n"), Some(text));
        let jobs = Desired {
            target: "prow-jobs".into(),
            ..file("jobs/a.yaml", None, Some("jobs\n"))
        };
        let both = [config, jobs].into_iter();
        Plan::build(Input {
            desired: both.filter(|file| targets.contains(&&*file.target)).collect(),
            reach: [(("4.16".to_owned(), "ci".to_owned()), reach)].into(),
            ..Input::default()
        })
    };
    let run = |text: &str, targets: &[&str]| actions(&world.reconcile(&part(text, targets)));
    assert_eq!(run("new\n", &all), [Create]);
    assert_eq!(run("new\n", &["prow-config"]), [UpToDate]);
    assert_eq!(run("new\n", &["prow-jobs"]), [UpToDate]);
    assert_eq!(run("newer\n", &["prow-config"]), [Update]);
    let files = world.github.files(REPO, HEAD);
    assert_eq!(
        (files["a.yaml"].as_str(), files["jobs/a.yaml"].as_str()),
        ("newer\n", "jobs\n")
    );
    let title = world.only_pull().title;
    assert!(title.contains("1 more from before"), "{title}");
    assert_eq!(run("old\n", &["prow-config"]), [Update], "the jobs are still wanted");
    assert_eq!(world.github.files(REPO, HEAD)["a.yaml"], "old\n");
    assert_eq!(run("old\n", &["prow-jobs"]), [UpdateText]);
    assert_eq!(world.only_pull().state, PullState::Open);
}
