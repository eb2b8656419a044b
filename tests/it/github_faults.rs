//! Every fault at every request of a run, once and for good: nothing is done twice, nothing is lost, no secret is told.

use crate::support::{fake_github, github_world};
use fake_github::Fault;
use github_world::{REPO, TOKEN, World, file};
use lockstep::forge::github::NoJournal;
use lockstep::plan::Plan;

/// The three lives of a pull request that are disturbed, each with what goes before it.
#[derive(Clone, Copy, Debug)]
enum Life {
    Open,
    Update,
    Close,
}

impl Life {
    const ALL: [Self; 3] = [Self::Open, Self::Update, Self::Close];

    /// A world right before the run, and the run's plan.
    fn begin(self) -> (World, Plan) {
        let mut world = World::new(&[("a.yaml", "old\n")]);
        world.options.labels = vec!["okd".into()];
        let plan = |text: &str| world.plan(&[file("a.yaml", Some("old\n"), Some(text))]);
        match self {
            Self::Open => {}
            Self::Update | Self::Close => drop(world.run(&plan("new\n"), false, &NoJournal)),
        }
        let plan = match self {
            Self::Open => plan("new\n"),
            Self::Update => plan("newer\n"),
            Self::Close => plan("old\n"),
        };
        (world, plan)
    }

    /// How many requests an undisturbed run makes, and how things are after it.
    fn undisturbed(self) -> (usize, String) {
        let (world, plan) = self.begin();
        let before = world.github.requests();
        let outcomes = world.run(&plan, false, &NoJournal);
        assert!(outcomes[0].error.is_none(), "{}", outcomes[0]);
        (world.github.requests() - before, world.github.picture(REPO))
    }
}

#[test]
fn each_fault_once_at_each_request() {
    for life in Life::ALL {
        let (requests, expected) = life.undisturbed();
        for at in 1..=requests {
            for fault in Fault::ALL {
                let (world, plan) = life.begin();
                let journal = github_world::Notes::default();
                world.github.fail(at, fault, false);
                let outcomes = world.run(&plan, false, &journal);
                let context = format!("{life:?}, {fault:?} at request {at} of {requests}: {}", outcomes[0]);
                if fault.passes() {
                    assert!(outcomes[0].error.is_none(), "{context}");
                } else {
                    // It may have failed; the next run heals that.
                    assert!(!outcomes[0].to_string().contains(TOKEN), "{context}");
                    let healed = world.run(&plan, false, &journal);
                    assert!(healed[0].error.is_none(), "{context}, then {}", healed[0]);
                }
                assert_eq!(world.github.picture(REPO), expected, "{context}");
                assert!(journal.is_empty(), "{context}");
            }
        }
    }
}

#[test]
fn each_fault_for_good_from_each_request_on() {
    for life in Life::ALL {
        let (requests, expected) = life.undisturbed();
        for at in 1..=requests {
            for fault in Fault::ALL {
                let (world, plan) = life.begin();
                let journal = github_world::Notes::default();
                world.github.fail(at, fault, true);
                let before = world.github.requests();
                let outcomes = world.run(&plan, false, &journal);
                let context = format!(
                    "{life:?}, {fault:?} from request {at} of {requests} on: {}",
                    outcomes[0]
                );
                let error = outcomes[0]
                    .error
                    .as_ref()
                    .unwrap_or_else(|| panic!("{context}"))
                    .to_string();
                assert!(error.contains(REPO) && !error.contains(TOKEN), "{context}");
                assert!(
                    world.github.requests() - before <= at + 16,
                    "{context}: it goes on asking"
                );
                assert!(world.clock.waited() <= 600, "{context}: it waits for ever");
                world.github.mend();
                let healed = world.run(&plan, false, &journal);
                assert!(healed[0].error.is_none(), "{context}, then {}", healed[0]);
                assert_eq!(world.github.picture(REPO), expected, "{context}");
            }
        }
    }
}

#[test]
fn one_repository_costs_the_others_nothing() {
    let world = World::new(&[("a.yaml", "old\n")]);
    let mut elsewhere = file("a.yaml", Some("old\n"), Some("new\n"));
    elsewhere.repo.repo = "gone".into();
    let plan = world.plan(&[elsewhere, file("a.yaml", Some("old\n"), Some("new\n"))]);
    let outcomes = world.run(&plan, false, &NoJournal);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.error.is_some()).count(), 1);
    world.only_pull();
}

#[test]
fn the_limit_of_an_hour_is_waited_for_where_it_ends_soon() {
    let world = World::new(&[("a.yaml", "old\n")]);
    let plan = world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]);
    world.github.fail(1, Fault::Secondary, false);
    assert!(world.run(&plan, false, &NoJournal)[0].error.is_none());
    assert!((7..=9).contains(&world.clock.waited()), "{}", world.clock.waited());
}

#[test]
fn the_token_goes_to_the_api_only() {
    let world = World::new(&[("a.yaml", "old\n")]);
    let other = fake_github::FakeGithub::start();
    let plan = world.plan(&[file("a.yaml", Some("old\n"), Some("new\n"))]);
    world.github.fail(3, Fault::Elsewhere, true);
    let outcomes = world.run(&plan, false, &NoJournal);
    let error = outcomes[0].error.as_ref().unwrap().to_string();
    assert!(error.contains("127.0.0.2"), "{error}");
    assert_eq!(other.requests(), 0);
    let inside = world.github.inside();
    let expected = format!("Bearer {TOKEN}");
    assert!(
        inside
            .log
            .iter()
            .all(|exchange| exchange.authorization.as_deref() == Some(&expected))
    );
    assert!(inside.log.iter().all(|exchange| !exchange.path.contains(TOKEN)));
}
