//! People ask for a look, in a comment or by GitHub's button: what the service makes of that; and by a clock of the test's own, how
//! often within an hour, and how what is asked for beyond that waits for its time.

use std::collections::BTreeMap;

use lockstep::base::{Gate, Release, RepoName};
use lockstep::derive::document::build_config;
use lockstep::impact::{Pull, State};
use lockstep::model::build_config::BuildConfig;
use lockstep::run::Run;
use lockstep::run::feedback::{Standing, Watch, Wish};
use lockstep::run::place::ConfiguredForge;
use serde_json::{Value as Json, json};

use crate::impact_service::{ALL, NEVER, answered, event, wait};
use crate::support::audit_world::in_process;
use crate::support::pull_world::{APP, BEACON, NUMBER, PullWorld};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
/// The moment at which the first look is made.
const START: i64 = 1_795_646_460;
const NOTE: &str = "60 looks were asked for within the last hour";

/// A process that looks at pull requests.
struct Looks {
    run: Run,
    place: ConfiguredForge,
    watch: Watch,
    documents: BTreeMap<Release, BuildConfig>,
    ci: Option<String>,
}

impl Looks {
    fn new(world: &PullWorld) -> Self {
        let run = in_process(&world.world.path("lockstep.yaml"), |sources| sources);
        let place = ConfiguredForge::of(&run, Gate::default()).expect("GitHub");
        let ci = run.ci_config().expect("CI configs");
        let document = |release: Release| {
            let metadata = run.metadata(release).expect("metadata");
            build_config(&run.derive(&metadata, ci.as_deref()).expect("a release"))
        };
        let releases = run.releases(&[], ci.as_deref()).expect("releases");
        Self {
            documents: releases.iter().map(|release| (*release, document(*release))).collect(),
            ci: ci.and_then(|ci| ci.origin().commit.clone()),
            place,
            watch: Watch::default(),
            run,
        }
    }

    /// Looks at what is wished for; the pull request of the world, and what was written.
    fn look(&mut self, wish: &Wish, now: i64) -> (Pull, Vec<String>) {
        let documents = self.documents.iter().map(|(release, document)| (*release, document));
        let standing = Standing::of(documents, self.ci.as_deref());
        let releases: Vec<Release> = self.documents.keys().copied().collect();
        let looked = self
            .run
            .look_at_pulls(
                self.place.github(),
                &mut self.watch,
                &standing,
                &releases,
                wish,
                (false, now),
            )
            .expect("a look");
        let pull = looked.pulls.into_iter().find(|pull| pull.pull == NUMBER);
        (pull.expect("it is open"), looked.writes)
    }
}

fn beacon() -> RepoName {
    BEACON.parse().expect("a repository")
}

/// Somebody asks in a comment.
fn comment() -> Wish {
    Wish {
        pulls: [(beacon(), NUMBER)].into(),
        ..Wish::default()
    }
}

/// Somebody presses GitHub's button, and GitHub lets the suite wait until a check of it is written.
fn press(world: &PullWorld) -> Wish {
    world.github.inside().state.waiting.insert(world.head.clone());
    Wish {
        heads: [(beacon(), world.head.clone())].into(),
        ..Wish::default()
    }
}

#[test]
fn sixty_looks_an_hour_are_made_because_somebody_asks_and_the_next_one_waits_for_its_time() {
    // So many answers may be given that only looks are too many.
    let world = PullWorld::new("{pulls: {repositories: ['openshift/*'], max-new: 100}}", APP);
    world.with_commits();
    let mut looks = Looks::new(&world);
    let (pull, _) = looks.look(&Wish::all(), START);
    assert_eq!((pull.state, world.checks().len()), (State::Told, 1));
    let suite_waits = || !world.github.inside().state.waiting.is_empty();
    for asked in 1..=60 {
        let (pull, writes) = looks.look(&press(&world), START + asked * MINUTE / 2);
        assert_eq!(
            (pull.state, writes.len(), suite_waits()),
            (State::Told, 1, false),
            "{asked}: {writes:?}"
        );
    }
    let until = START + MINUTE / 2 + HOUR;
    let listed = |pull: &Pull, since: i64| {
        let expected = (State::Waits, NOTE, Some(until), since);
        assert_eq!((pull.state, pull.note.as_str(), pull.until, pull.since), expected);
        assert!(
            pull.sentence.contains("stage-count") || pull.verdict.is_some(),
            "what was told is known"
        );
    };
    let late = START + 31 * MINUTE;
    let (pull, writes) = looks.look(&press(&world), late);
    assert_eq!((writes.len(), suite_waits()), (0, true), "{writes:?}");
    listed(&pull, late);
    // Who asks in a comment then changes nothing of that, nor does a look at everything, which costs nothing for it; and another
    // process knows it.
    let (pull, _) = looks.look(&comment(), late + 2 * MINUTE);
    listed(&pull, late);
    drop(looks);
    let mut looks = Looks::new(&world);
    let since = world.github.requests();
    let (pull, _) = looks.look(&Wish::all(), until - 1);
    listed(&pull, late);
    let asked = world.asked(since);
    assert!(
        !asked.iter().any(|name| name.contains("check-runs") || name == "Pulls"),
        "{asked:?}"
    );
    // Its time has come: the next look at everything gives what was asked for, and the suite is complete.
    let (pull, writes) = looks.look(&Wish::all(), until);
    assert_eq!(
        (pull.state, writes.len(), suite_waits()),
        (State::Told, 1, false),
        "{writes:?}"
    );
    assert_eq!(world.checks().len(), 1, "the same answer is no second check");
    assert!(world.tide_merges());
    let (_, writes) = looks.look(&Wish::all(), until + MINUTE);
    assert_eq!(writes, Vec::<String>::new(), "once");
}

#[test]
fn a_button_is_answered_though_the_look_failed_or_has_to_wait_at_first() {
    let world = PullWorld::new("{pulls: {repositories: ['openshift/*'], max-new: 2}}", APP);
    world.with_commits();
    let mut looks = Looks::new(&world);
    looks.look(&Wish::all(), START);
    looks.look(&press(&world), START + MINUTE);
    let suite_waits = || !world.github.inside().state.waiting.is_empty();
    assert!(!suite_waits());
    let (pull, _) = looks.look(&press(&world), START + 2 * MINUTE);
    assert_eq!(
        (pull.state, pull.until, suite_waits()),
        (State::Waits, Some(START + HOUR), true)
    );
    let (pull, writes) = looks.look(&Wish::all(), START + HOUR);
    assert_eq!(
        (pull.state, writes.len(), suite_waits()),
        (State::Told, 1, false),
        "{writes:?}"
    );
}

#[test]
fn who_asks_is_answered_anew_but_not_every_minute() {
    let world = PullWorld::new(ALL, APP);
    world.with_commits();
    let service = world.serve(NEVER);
    answered(&service, &world, &world.head);
    service.rest();
    // The check is lost, as nobody could know who goes by what is remembered.
    let lose = || world.github.inside().state.checks.remove(&world.head);
    assert!(lose().is_some());
    // Whoever may comment may ask: it costs one look, and is no word of anybody.
    let comment = |body: &str| {
        let said = json!({"body": body, "author_association": "NONE", "user": {"login": "eve"}});
        event(
            "created",
            json!({"issue": {"number": NUMBER, "pull_request": {}}, "comment": said}),
        )
    };
    let runs = service.runs();
    let chat = service.deliver("issue_comment", &comment("please do not /lockstep check"));
    assert_eq!(chat.1, "ignored: nothing here reads that\n");
    assert_eq!(
        service.deliver("issue_comment", &comment("/lockstep check")).1,
        "queued\n"
    );
    answered(&service, &world, &world.head);
    service.rest();
    assert_eq!((world.checks().len(), service.runs()), (1, runs + 1));
    assert!(world.tide_merges());
    let page = service.get("/api/v1/runs?limit=1").1;
    assert!(
        page.contains("somebody asks for a look at openshift/beacon#7"),
        "{page}"
    );
    assert!(page.contains("check `OKD` (neutral) on openshift/beacon#7"), "{page}");
    // Who asks again at once is not looked at, and that is said.
    assert!(lose().is_some());
    service.deliver("issue_comment", &comment("/lockstep check"));
    wait(&service, "a run", || service.runs() > runs + 1);
    service.rest();
    assert_eq!(world.checks().len(), 0);
    service.wait_for("somebody asked less than 60 s ago", 1);
    service.end();

    // Whoever has lost its state looks for what is there, and finds nothing.
    std::fs::remove_dir_all(world.world.path("state")).expect("the state goes");
    let service = world.serve(NEVER);
    answered(&service, &world, &world.head);
    service.end();
}

#[test]
fn the_button_of_github_asks_for_a_look_at_a_head_of_a_fork() {
    let world = PullWorld::new(ALL, APP);
    world.with_commits();
    world.github.edit(BEACON, |pull| {
        pull.head_repo = Some("ann/beacon".to_owned());
        pull.head_owner = "ann".to_owned();
    });
    let service = world.serve(NEVER);
    answered(&service, &world, &world.head);
    service.rest();
    let pressed = |app: u64| {
        let run = json!({"head_sha": world.head, "app": {"id": app}, "pull_requests": []});
        event("rerequested", json!({ "check_run": run }))
    };
    assert_eq!(
        service.deliver("check_run", &pressed(6)).1,
        "ignored: nothing here reads that\n"
    );
    // GitHub lets the suite wait until a check of it is written, and says nothing else.
    let press = |event: &str, payload: &Json| {
        world.github.inside().state.waiting.insert(world.head.clone());
        let (runs, since) = (service.runs(), world.github.requests());
        assert_eq!(service.deliver(event, payload).1, "queued\n");
        wait(&service, "a suite that is complete", || {
            world.github.inside().state.waiting.is_empty()
        });
        service.rest();
        assert_eq!(service.runs(), runs + 1);
        assert_eq!(world.checks().len(), 1, "the same answer is no second check");
        let written = world.asked(since);
        let written = written.iter().filter(|asked| asked.starts_with("PATCH"));
        assert_eq!(written.count(), 1, "it is given again once");
    };
    let before = world.checks();
    press("check_run", &pressed(5));
    let suite = json!({"head_sha": world.head, "app": {"id": 5}, "pull_requests": []});
    press("check_suite", &event("rerequested", json!({ "check_suite": suite })));
    assert_eq!(world.checks(), before);
    assert!(world.tide_merges());
    let page = service.get("/api/v1/runs?limit=1").1;
    assert!(
        page.contains("somebody asks for a look at openshift/beacon at "),
        "{page}"
    );
    service.end();
}
