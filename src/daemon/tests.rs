//! What matters to whom, and how triggers merge.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::queue::{Extent, Queue, Taken, Trigger, TriggerKind};
use super::{Interest, now};
use crate::base::{Release, RepoName};
use crate::board::Board;
use crate::config;
use crate::server::triggers::EventKind;
use crate::server::{Event, Told, Triggers};

fn release(text: &str) -> Release {
    text.parse().unwrap()
}

fn repo(text: &str) -> RepoName {
    text.parse().unwrap()
}

fn config(releases: &str) -> config::Config {
    let text = format!(
        "sources:\n  build-data: {{repo: https://github.com/openshift-eng/ocp-build-data}}\n  ci-config: {{repo: \
         https://github.com/openshift/release}}\nreleases: {releases}\n"
    );
    config::parse(text.as_bytes(), "lockstep.yaml", Path::new("")).unwrap()
}

/// Two releases, one component each, and one that both are built from.
fn interest(releases: &str) -> Interest {
    let mut interest = Interest::of_config(&config(releases));
    let (both, one, other) = (repo("openshift/both"), repo("openshift/one"), repo("openshift/other"));
    interest.add(release("4.16"), [(&both, "main"), (&one, "release-4.16")].into_iter());
    interest.add(release("4.17"), [(&both, "main"), (&other, "main")].into_iter());
    interest.complete();
    interest.read_from(Some("main".to_owned()));
    interest
}

fn pushed(name: &str, branch: &str) -> Event {
    Event {
        delivery: String::new(),
        repo: Some(repo(name)),
        kind: EventKind::Branch {
            branch: branch.to_owned(),
            commit: None,
        },
    }
}

fn releases(texts: &[&str]) -> Extent {
    Extent::Releases(texts.iter().map(|text| release(text)).collect())
}

#[test]
fn branches_that_matter_say_to_which_releases() {
    let interest = interest("auto");
    let look = |name: &str, branch: &str| interest.of(&pushed(name, branch)).map(|(look, _)| look);
    assert_eq!(look("openshift/release", "main"), Some(Extent::Whole));
    assert_eq!(
        look("OpenShift/Release", "main"),
        Some(Extent::Whole),
        "as GitHub compares"
    );
    assert_eq!(
        look("openshift-eng/ocp-build-data", "openshift-4.16"),
        Some(releases(&["4.16"]))
    );
    assert_eq!(
        look("openshift-eng/ocp-build-data", "openshift-4.18"),
        Some(Extent::Whole),
        "a release that is new"
    );
    assert_eq!(look("openshift/both", "main"), Some(releases(&["4.16", "4.17"])));
    assert_eq!(look("openshift/one", "release-4.16"), Some(releases(&["4.16"])));
    assert_eq!(
        look("openshift/release", "lockstep/ci/4.17"),
        Some(releases(&["4.17"])),
        "somebody pushed to our branch"
    );
}

#[test]
fn what_does_not_matter_is_foreign() {
    let interest = interest("['4.16', '4.17']");
    for (name, branch) in [
        ("openshift/one", "main"),
        ("openshift/release", "somebodys-branch"),
        ("openshift/release", "lockstep/ci/4.18"),
        ("openshift-eng/ocp-build-data", "openshift-4.18"),
        ("openshift-eng/ocp-build-data", "main"),
        ("somebody/one", "release-4.16"),
    ] {
        assert_eq!(interest.of(&pushed(name, branch)), None, "{name} {branch}");
    }
}

#[test]
fn before_anything_is_known_everything_matters() {
    let interest = Interest::of_config(&config("auto"));
    let look = interest.of(&pushed("openshift/one", "release-4.16"));
    assert_eq!(look.map(|(look, _)| look), Some(Extent::Whole));
    let look = |branch: &str| interest.of(&pushed("openshift/release", branch)).map(|(look, _)| look);
    assert_eq!(look("trunk"), Some(Extent::Whole), "it may be the default branch");
    assert_eq!(look("lockstep/ci/4.16"), None, "that one it cannot be");
}

#[test]
fn pull_requests_of_ours_matter() {
    let interest = interest("auto");
    let event = |name: &str, head: &str| Event {
        delivery: String::new(),
        repo: Some(repo(name)),
        kind: EventKind::PullRequest {
            number: 7,
            head: head.to_owned(),
            action: "closed".to_owned(),
        },
    };
    let (look, because) = interest.of(&event("openshift/release", "lockstep/ci/4.16")).unwrap();
    assert_eq!(
        (look, because.as_str()),
        (releases(&["4.16"]), "openshift/release#7 closed")
    );
    assert_eq!(interest.of(&event("openshift/release", "fix")), None);
    assert_eq!(interest.of(&event("openshift/one", "lockstep/ci/4.16")), None);
}

#[test]
fn a_comment_matters_by_the_number_that_it_is_on() {
    let mut interest = interest("auto");
    let comment = |name: &str, number| Event {
        delivery: String::new(),
        repo: Some(repo(name)),
        kind: EventKind::PullRequest {
            number,
            head: String::new(),
            action: "commented".to_owned(),
        },
    };
    assert_eq!(interest.of(&comment("openshift/release", 7)), None);
    let url = "https://github.com/openshift/release/pull/7";
    interest.request(&repo("openshift/release"), url, release("4.17"));
    let look = interest.of(&comment("OpenShift/Release", 7)).map(|(look, _)| look);
    assert_eq!(look, Some(releases(&["4.17"])));
    assert_eq!(interest.of(&comment("openshift/release", 8)), None);
    assert_eq!(interest.of(&comment("openshift/one", 7)), None);
}

fn queue() -> (Queue, Arc<Board>) {
    let board = Arc::new(Board::default());
    let queue = Queue::new(Arc::clone(&board));
    queue.set_interest(interest("auto"));
    (queue, board)
}

#[test]
fn a_million_deliveries_are_one_piece_of_work() {
    let (queue, board) = queue();
    for n in 0..1_000_000 {
        let branch = if n % 2 == 0 { "main" } else { "nobody-reads-this" };
        queue.tell(pushed("openshift/both", branch));
    }
    assert_eq!(queue.tell(pushed("openshift/both", "elsewhere")), Told::Foreign);
    assert_eq!(board.queue_length(), 2, "two releases");
    let Taken::Work(work) = queue.take(None) else {
        panic!("there is work")
    };
    assert_eq!(work.releases, BTreeSet::from(["4.16", "4.17"].map(release)));
    assert_eq!((work.merged, work.because.len(), work.whole), (500_000, 1, false));
    assert_eq!(board.queue_length(), 0);
    assert_eq!(queue.take(Some(Instant::now())), Taken::Nothing);
}

#[test]
fn reasons_are_bounded() {
    let (queue, _) = queue();
    for n in 0..1000 {
        queue.push(Trigger::whole(TriggerKind::Files, n.to_string()));
    }
    let Taken::Work(work) = queue.take(None) else {
        panic!("there is work")
    };
    assert_eq!((work.because.len(), work.merged, work.whole), (20, 1000, true));
}

#[test]
fn what_comes_while_work_is_done_waits_for_the_next_round() {
    let (queue, _) = queue();
    let queue = Arc::new(queue);
    queue.push(Trigger::whole(TriggerKind::Start, ""));
    assert!(matches!(queue.take(None), Taken::Work(_)));
    let other = Arc::clone(&queue);
    let thread = std::thread::spawn(move || other.take(None));
    assert_eq!(queue.tell(pushed("openshift/one", "release-4.16")), Told::Queued);
    let Taken::Work(work) = thread.join().unwrap() else {
        panic!("there is work")
    };
    assert_eq!(work.kinds, BTreeSet::from([TriggerKind::Webhook]));
    let other = Arc::clone(&queue);
    let thread = std::thread::spawn(move || other.take(Some(Instant::now() + Duration::from_secs(3600))));
    queue.close();
    assert_eq!(thread.join().unwrap(), Taken::Closed);
}

#[test]
fn the_clock_is_one_of_seconds() {
    assert!(now() > 1_700_000_000);
}
