//! What pull requests of others are told: once, whatever happens, and never so that it blocks unless that is asked for.

use serde_json::Value as Json;

use crate::support::fake_github::Fault;
use crate::support::pull_world::{APP, BEACON, PullWorld, TOKEN};

#[test]
fn a_check_is_written_once_and_holds_nobody_up() {
    let told = PullWorld::new("{pulls: {repositories: ['openshift/*']}}", APP);
    let dry = told.reconcile(&["--dry-run"]);
    assert!(
        dry.stderr
            .contains("openshift/beacon#7: would be told: check `OKD` (neutral)"),
        "{}{}",
        dry.stdout,
        dry.stderr
    );
    assert_eq!(told.checks(), Vec::<Json>::new(), "a dry run writes nothing");
    let first = told.reconcile(&[]);
    assert!(
        first.stderr.contains("openshift/beacon#7: check `OKD` (neutral)"),
        "{}",
        first.stderr
    );
    let checks = told.checks();
    assert_eq!(checks.len(), 1);
    assert_eq!(
        (&checks[0]["name"], &checks[0]["status"], &checks[0]["conclusion"]),
        (&"OKD".into(), &"completed".into(), &"neutral".into())
    );
    assert!(
        checks[0]["output"]["title"].as_str().unwrap().starts_with("breaks: "),
        "{}",
        checks[0]
    );
    assert!(
        checks[0]["output"]["summary"].as_str().unwrap().contains("stage-count"),
        "{}",
        checks[0]
    );
    assert!(told.tide_merges());
    let again = told.reconcile(&[]);
    assert!(
        again.stderr.contains("openshift/beacon#7: answered already"),
        "{}",
        again.stderr
    );
    assert_eq!(told.checks(), checks);
}

#[test]
fn a_changed_answer_is_a_new_check_and_the_old_one_says_so() {
    let told = PullWorld::new("{pulls: {repositories: ['openshift/beacon']}}", APP);
    told.reconcile(&[]);
    told.metadata_follows();
    let ran = told.reconcile(&[]);
    let checks = told.checks();
    assert_eq!(checks.len(), 2, "{}", ran.stderr);
    assert!(
        checks[0]["output"]["title"]
            .as_str()
            .unwrap()
            .starts_with("superseded: breaks"),
        "{}",
        checks[0]
    );
    assert_eq!(checks[0]["conclusion"], "neutral", "with the same conclusion");
    assert_eq!(checks[1]["conclusion"], "success");
    assert!(told.tide_merges());
    told.reconcile(&[]);
    assert_eq!(told.checks(), checks);
}

#[test]
fn findings_stand_beside_the_lines_of_the_head() {
    let told = PullWorld::new("{pulls: {repositories: ['openshift/beacon']}}", APP);
    told.pull(9, "ahead", &[("go.mod", Some("module x\n\ngo 1.99\n"))]);
    told.reconcile(&[]);
    let marked = told.github.marked();
    insta::assert_snapshot!("impact_marks", marked.join("\n\n"));
    // What GitHub would merge has two lines more above: they are not the head's.
    let moved = PullWorld::new("{pulls: {repositories: ['openshift/beacon']}}", APP);
    moved.pull(9, "ahead", &[("go.mod", Some("module x\n\ngo 1.99\n"))]);
    moved.merged_with(9, "go.mod", "// One.\n// Two.\nmodule x\n\ngo 1.99\n");
    moved.reconcile(&[]);
    assert_eq!(moved.github.marked(), marked);
    // What comes of the merge alone has no line in the head.
    let gone = PullWorld::new("{pulls: {repositories: ['openshift/beacon']}}", APP);
    let head = gone.pull(
        9,
        "other",
        &[("README.md", Some("x\n")), ("go.mod", Some("module x\n"))],
    );
    gone.merged_with(9, "go.mod", "module x\n\ngo 1.99\n");
    gone.reconcile(&[]);
    assert_eq!(gone.checks_of(&head)[0]["output"]["annotations_count"], 0);
}

#[test]
fn a_status_is_successful_with_the_truth_in_its_text() {
    let told = PullWorld::new("{pulls: {repositories: ['openshift/*'], as: status}}", TOKEN);
    told.reconcile(&[]);
    let statuses = told.statuses();
    assert_eq!(statuses.len(), 1);
    assert_eq!(
        (&statuses[0]["state"], &statuses[0]["context"]),
        (&"success".into(), &"OKD".into())
    );
    let text = statuses[0]["description"].as_str().unwrap();
    assert!(
        text.starts_with("breaks: With this OKD") && text.chars().count() <= 140,
        "{text}"
    );
    assert!(told.tide_merges());
    told.reconcile(&[]);
    assert_eq!(told.statuses(), statuses);
}

#[test]
fn it_blocks_where_that_is_asked_for() {
    let told = PullWorld::new(
        "{pulls: {repositories: ['openshift/*'], as: status, breaks: failure}}",
        TOKEN,
    );
    told.reconcile(&[]);
    assert_eq!(told.statuses()[0]["state"], "failure");
    assert!(!told.tide_merges());
}

#[test]
fn a_lost_answer_and_every_other_fault_leave_one_check() {
    // What is asked before the check is written is asked in each run; faults are put at every place in turn.
    for at in 1..=14 {
        for fault in [Fault::ServerAfter(502), Fault::Server(500), Fault::Truncated] {
            let told = PullWorld::new("{pulls: {repositories: ['openshift/beacon']}}", APP);
            told.github.fail(at, fault, false);
            told.reconcile(&[]);
            told.github.mend();
            told.reconcile(&[]);
            assert_eq!(told.checks().len(), 1, "a fault at request {at}");
        }
    }
}

#[test]
fn a_check_of_our_name_by_another_app_is_none_of_ours() {
    let told = PullWorld::new("{pulls: {repositories: ['openshift/beacon']}}", APP);
    told.reconcile(&[]);
    let mut foreign = told.checks().remove(0);
    foreign["app"]["id"] = 6.into();
    told.github
        .inside()
        .state
        .checks
        .insert(told.head.clone(), vec![foreign.clone()]);
    told.reconcile(&[]);
    let checks = told.checks();
    assert_eq!((checks.len(), &checks[0]), (2, &foreign), "theirs stays as it is");
}

#[test]
fn more_than_is_allowed_waits_and_what_is_not_asked_for_is_left_alone() {
    let told = PullWorld::new("{pulls: {repositories: ['openshift/beacon'], max-new: 0}}", APP);
    let ran = told.reconcile(&[]);
    assert!(
        ran.stderr.contains("waits: 0 answers were given within the last hour"),
        "{}",
        ran.stderr
    );
    assert_eq!(told.checks(), Vec::<Json>::new());
    let others = PullWorld::new("{pulls: {repositories: ['openshift/oc*']}}", APP);
    others.reconcile(&[]);
    assert_eq!(others.checks(), Vec::<Json>::new());
    let nobody = PullWorld::new("{silence: []}", APP);
    nobody.reconcile(&[]);
    assert_eq!(
        nobody.checks(),
        Vec::<Json>::new(),
        "nothing is on unless it is configured"
    );
}

#[test]
fn a_token_cannot_write_checks_and_that_is_said() {
    let told = PullWorld::new("{pulls: {repositories: ['openshift/*']}}", TOKEN);
    let ran = told.reconcile(&[]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("only an app can write checks"), "{}", ran.stderr);
}

#[test]
fn a_comment_is_one_and_edited() {
    let told = PullWorld::new("{pulls: {repositories: ['openshift/beacon'], comment: breaks}}", APP);
    let dry = told.reconcile(&["--dry-run"]);
    assert!(dry.stderr.contains("a comment on openshift/beacon#7"), "{}", dry.stderr);
    assert_eq!(told.comments(), Vec::<String>::new());
    told.reconcile(&[]);
    let comments = told.comments();
    assert_eq!(comments.len(), 1);
    assert!(
        comments[0].starts_with("<!-- lockstep:impact -->\n### OKD: openshift"),
        "{comments:?}"
    );
    told.reconcile(&[]);
    assert_eq!(told.comments(), comments, "the same is not said twice");
    // What is kept may be lost: it is looked for.
    std::fs::remove_dir_all(told.world.path("state")).expect("the state goes");
    told.metadata_follows();
    told.reconcile(&[]);
    let after = told.comments();
    assert_eq!(after.len(), 1, "{after:?}");
    assert!(
        after[0].contains("into release-4.16: mends"),
        "it says what holds now: {after:?}"
    );
    let never = PullWorld::new("{pulls: {repositories: ['openshift/beacon']}}", APP);
    never.reconcile(&[]);
    assert_eq!((never.checks().len(), never.comments().len()), (1, 0), "only by option");
}

#[test]
fn a_comment_that_somebody_deletes_stays_deleted() {
    let told = PullWorld::new(
        "{pulls: {repositories: ['openshift/beacon'], comment: changes, as: status}}",
        TOKEN,
    );
    told.reconcile(&[]);
    assert_eq!(told.comments().len(), 1);
    told.github.edit(BEACON, |pull| pull.comments.clear());
    told.metadata_follows();
    told.reconcile(&[]);
    assert_eq!(told.comments(), Vec::<String>::new());
}

#[test]
fn what_is_open_in_170_repositories_takes_three_questions() {
    use lockstep::base::RepoName;
    use lockstep::github::{Client, Credential};
    let told = PullWorld::new("{}", TOKEN);
    let credential = Credential::TokenFile(told.world.path("token"));
    let client = Client::new(&told.github.url, credential).expect("a client");
    let reader = lockstep::source::github::Reader::new(client);
    let named = (0..169).map(|number| format!("openshift/component-{number}"));
    let names: Vec<RepoName> = named
        .chain([BEACON.to_owned()])
        .map(|name| name.parse().unwrap())
        .collect();
    let before = told.github.requests();
    let open = reader.open_pulls(&names).expect("listed");
    assert_eq!(told.github.requests() - before, 3);
    assert_eq!((open.pulls.len(), open.unread.len(), open.left_out.len()), (1, 169, 0));
    assert_eq!((open.pulls[0].number, open.pulls[0].head == told.head), (7, true));
}

#[test]
fn a_module_that_asks_for_the_same_go_gets_no_word_and_costs_little() {
    let told = PullWorld::new("{pulls: {repositories: ['openshift/beacon']}}", APP);
    let go_mod = told.github.files(BEACON, "main")["go.mod"].clone();
    let bumped = format!("{go_mod}\nrequire example.org/other v1.2.3\n");
    let head = told.pull(8, "bump", &[("go.mod", Some(&bumped))]);
    told.reconcile(&[]);
    assert_eq!(told.checks_of(&head).len(), 0);
    let ahead = told.pull(9, "ahead", &[("go.mod", Some("module x\n\ngo 1.99\n"))]);
    told.reconcile(&[]);
    assert_eq!(told.checks_of(&ahead).len(), 1, "that is ahead of the builder");
    assert!(told.tide_merges());
}
