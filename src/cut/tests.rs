//! Tests of the train: whatever happens between two runs, no tag is promoted twice, and the train arrives.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::train::plan;
use super::{Role, Step, StepKind, Train, Unit, World};
use crate::base::Release;
use crate::facts::ci_tags::{Facts, Tag};

const OLD: Release = Release::new(4, 16);
const NEW: Release = Release::new(4, 17);
const NEXT: Release = Release::new(4, 18);

/// How a repository stands when the cut starts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kinds {
    /// Development moves on, the release branch is new.
    Branches,
    /// Development stays with the old release.
    Stays,
    /// There is nothing before the new release.
    IsNew,
    /// Each release has a branch of its own.
    OnReleaseBranches,
    /// Somebody moved development by hand.
    MovedByHand,
    /// Somebody did all of it by hand.
    Done,
    /// The two configs have each other's tags.
    Swapped,
    /// Three configs have the tags of the one after them.
    Rotated,
}

#[derive(Clone, Debug)]
struct Repo {
    kind: Kinds,
    images: usize,
    bases: Vec<usize>,
}

fn repos() -> impl Strategy<Value = Vec<Repo>> {
    use Kinds::{Branches, Done, IsNew, MovedByHand, OnReleaseBranches, Rotated, Stays, Swapped};
    let kind = prop::sample::select(vec![
        Branches,
        Branches,
        Branches,
        Stays,
        IsNew,
        OnReleaseBranches,
        MovedByHand,
        Done,
        Swapped,
        Rotated,
    ]);
    let repo = (kind, 1..3usize, prop::collection::vec(0..8usize, 0..3));
    let repo = repo.prop_map(|(kind, images, bases)| Repo { kind, images, bases });
    prop::collection::vec(repo, 1..9)
}

fn tag(release: Release, tag: &str) -> Tag {
    Tag {
        namespace: "origin".to_owned(),
        name: format!("scos-{release}"),
        tag: tag.to_owned(),
    }
}

fn facts(repos: &[Repo], at: usize, release: Release) -> Facts {
    let image = |repo: usize, image: usize| tag(release, &format!("i{repo}-{image}"));
    Facts {
        promotes: (0..repos[at].images).map(|n| image(at, n)).collect(),
        bases: repos[at]
            .bases
            .iter()
            .filter(|base| **base < repos.len())
            .map(|base| image(*base, 0))
            .collect(),
    }
}

/// What is there at the start, and what should be there in the end with the release it belongs to.
fn worlds(repos: &[Repo]) -> (World, BTreeMap<String, (Release, Facts)>) {
    let (mut world, mut wanted) = (World::default(), BTreeMap::new());
    world.streams = [OLD, NEW, NEXT]
        .map(|release| (release, ("origin".to_owned(), format!("scos-{release}"))))
        .into();
    for (at, repo) in repos.iter().enumerate() {
        let (dev, branch, next) = (
            format!("{at}/main"),
            format!("{at}/release-4.16"),
            format!("{at}/release-4.17"),
        );
        let after = format!("{at}/release-4.18");
        let [old, new, newest] = [OLD, NEW, NEXT].map(|release| facts(repos, at, release));
        let mut there = |path: &str, facts: &Facts| drop(world.configs.insert(path.to_owned(), facts.clone()));
        let mut want =
            |path: &str, release, facts: &Facts| drop(wanted.insert(path.to_owned(), (release, facts.clone())));
        match repo.kind {
            Kinds::Branches => {
                there(&dev, &old);
                want(&dev, NEW, &new);
                want(&branch, OLD, &old);
            }
            Kinds::Stays => {
                there(&dev, &old);
                want(&dev, OLD, &old);
            }
            Kinds::IsNew => want(&dev, NEW, &new),
            Kinds::OnReleaseBranches => {
                there(&branch, &old);
                want(&branch, OLD, &old);
                want(&next, NEW, &new);
            }
            Kinds::MovedByHand => {
                there(&dev, &new);
                want(&dev, NEW, &new);
                want(&branch, OLD, &old);
            }
            Kinds::Done => {
                there(&dev, &new);
                there(&branch, &old);
                want(&dev, NEW, &new);
                want(&branch, OLD, &old);
            }
            Kinds::Swapped => {
                there(&dev, &old);
                there(&branch, &new);
                want(&dev, NEW, &new);
                want(&branch, OLD, &old);
            }
            Kinds::Rotated => {
                there(&branch, &new);
                there(&next, &newest);
                there(&after, &old);
                want(&branch, OLD, &old);
                want(&next, NEW, &new);
                want(&after, NEXT, &newest);
            }
        }
    }
    (world, wanted)
}

/// What is left to do.
fn units(world: &World, wanted: &BTreeMap<String, (Release, Facts)>) -> Vec<Unit> {
    let left = wanted
        .iter()
        .filter(|(path, (_, facts))| world.configs.get(*path) != Some(facts));
    let unit = |(path, (release, facts)): (&String, &(Release, Facts))| Unit {
        path: path.clone(),
        release: *release,
        component: None,
        before: world.configs.get(path).cloned(),
        after: Some(facts.clone()),
        role: Role::Config { has_jobs: true },
        files: Vec::new(),
    };
    left.map(unit).collect()
}

/// The changes of a step as its pull request has them.
fn proposed(world: &World, step: &Step, units: &[Unit]) -> Vec<Unit> {
    let pauses = step.pauses.iter().map(|at| {
        let after = world.configs.get(&units[*at].path).map(|facts| world.paused(facts));
        Unit {
            after,
            ..units[*at].clone()
        }
    });
    step.units.iter().map(|at| units[*at].clone()).chain(pauses).collect()
}

fn checked(world: &World, units: &[Unit]) -> Train {
    let train = plan(world, units);
    for step in &train.steps {
        for check in &step.checks {
            assert!(check.broken_by.is_empty(), "{step:?}");
        }
    }
    train
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn no_tag_is_promoted_twice_and_the_train_arrives(
        repos in repos(),
        actions in prop::collection::vec((0..4u8, 0..100usize), 0..12),
    ) {
        let (mut world, wanted) = worlds(&repos);
        let mut open: Vec<Unit> = Vec::new();
        let mut seen = 0;
        for (action, which) in actions.into_iter().chain([(0, 0); 40]) {
            let left = units(&world, &wanted);
            let train = checked(&world, &left);
            prop_assert!(train.stuck.is_empty(), "{:?}", train.stuck);
            let Some(first) = train.steps.first() else { break };
            seen += 1;
            let proposed = proposed(&world, first, &left);
            match action {
                // The pull request is merged as it was first opened, whatever else has happened since.
                1 if !open.is_empty() => open.drain(..).for_each(|unit| world.apply(&unit)),
                // Nothing comes of it: the run was killed, or nobody has merged yet.
                1 | 2 => open = proposed,
                // A person takes over one change by hand.
                3 => world.apply(&proposed[which % proposed.len()]),
                _ => proposed.iter().for_each(|unit| world.apply(unit)),
            }
            prop_assert!(world.doubles().is_empty(), "{:?}", world.doubles());
        }
        prop_assert!(units(&world, &wanted).is_empty(), "it did not arrive after {} runs", seen);
    }

    #[test]
    fn the_steps_are_in_order(repos in repos()) {
        let (world, wanted) = worlds(&repos);
        let left = units(&world, &wanted);
        let train = checked(&world, &left);
        let done: BTreeSet<usize> = train.steps.iter().flat_map(|step| step.units.iter().copied()).collect();
        prop_assert_eq!(done.len(), left.len());
        let step_of = |path: &str| train.steps.iter().position(|step| step.units.iter().any(|at| left[*at].path == path));
        for (at, _) in repos.iter().enumerate().filter(|(_, repo)| repo.kind == Kinds::Branches) {
            let path = format!("{at}/release-4.16");
            let (moves, comes) = (step_of(&format!("{at}/main")), step_of(&path));
            prop_assert!(moves < comes, "{} comes before its development branch has moved", path);
        }
        // Bases that a moving config needs may have to come before it; other than that each kind has one step a release.
        prop_assert!(train.steps.len() <= 16, "{:?}", train.steps);
        let pauses: Vec<usize> = train.steps.iter().flat_map(|step| step.pauses.iter().copied()).collect();
        let circles = repos.iter().filter(|repo| matches!(repo.kind, Kinds::Swapped | Kinds::Rotated)).count();
        prop_assert_eq!(pauses.len(), circles, "one config of each circle stops, and no other");
        prop_assert!(train.steps.iter().all(|step| !matches!(step.kind, StepKind::Own(_))));
    }
}

#[test]
fn what_two_configs_want_is_told_and_left() {
    let unit = |path: &str, release| Unit {
        path: path.to_owned(),
        release,
        component: None,
        before: None,
        after: Some(Facts {
            promotes: [tag(OLD, "x")].into(),
            bases: BTreeSet::new(),
        }),
        role: Role::Config { has_jobs: true },
        files: Vec::new(),
    };
    let train = plan(&World::default(), &[unit("a", OLD), unit("b", OLD)]);
    assert!(train.steps.is_empty());
    assert_eq!(train.stuck[0].why, "b is to promote origin/scos-4.16:x, too");
    let mut world = World::default();
    world.configs.insert(
        "c".to_owned(),
        Facts {
            promotes: [tag(OLD, "x")].into(),
            bases: BTreeSet::new(),
        },
    );
    let train = plan(&world, &[unit("a", OLD)]);
    assert_eq!(train.stuck[0].why, "c promotes origin/scos-4.16:x");
}

#[test]
fn nothing_stops_for_a_change_that_would_still_not_come() {
    let facts = |tags: &[(Release, &str)]| Facts {
        promotes: tags.iter().map(|(release, name)| tag(*release, name)).collect(),
        bases: BTreeSet::new(),
    };
    let unit = |path: &str, release, before: &Facts, after: &Facts| Unit {
        path: path.to_owned(),
        release,
        component: None,
        before: Some(before.clone()),
        after: Some(after.clone()),
        role: Role::Config { has_jobs: true },
        files: Vec::new(),
    };
    let (old, new) = (facts(&[(OLD, "x")]), facts(&[(NEW, "x")]));
    // `b` also wants a tag that `c` has and nobody moves.
    let more = facts(&[(OLD, "x"), (OLD, "y")]);
    let streams = [OLD, NEW].map(|release| (release, ("origin".to_owned(), format!("scos-{release}"))));
    let mut world = World {
        streams: streams.into(),
        ..World::default()
    };
    for (path, facts) in [("a", &old), ("b", &new), ("c", &facts(&[(OLD, "y")]))] {
        world.configs.insert(path.to_owned(), facts.clone());
    }
    let swap = [unit("a", NEW, &old, &new), unit("b", OLD, &new, &old)];
    let train = checked(&world, &swap);
    let kinds: Vec<StepKind> = train.steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, [StepKind::Pause, StepKind::Vacate, StepKind::Configs]);
    assert_eq!(train.steps[0].pauses, [0], "the one in development stops");
    let blocked = [unit("a", NEW, &old, &new), unit("b", OLD, &new, &more)];
    let train = checked(&world, &blocked);
    assert!(train.steps.is_empty(), "{:?}", train.steps);
    assert_eq!(train.stuck.len(), 2);
}

#[test]
fn what_was_wrong_before_a_step_is_told_and_is_not_its_fault() {
    let facts = |tags: &[&str]| Facts {
        promotes: tags.iter().map(|name| tag(OLD, name)).collect(),
        bases: BTreeSet::new(),
    };
    let mut world = World {
        streams: [(OLD, ("origin".to_owned(), "scos-4.16".to_owned()))].into(),
        ..World::default()
    };
    world.configs.insert("a".to_owned(), facts(&["x"]));
    world.configs.insert("b".to_owned(), facts(&["x"]));
    let mut unit = Unit {
        path: "b".to_owned(),
        release: OLD,
        component: None,
        before: Some(facts(&["x"])),
        after: Some(facts(&["x", "y"])),
        role: Role::Config { has_jobs: true },
        files: Vec::new(),
    };
    let train = checked(&world, std::slice::from_ref(&unit));
    let [step] = &*train.steps else { panic!("{train:?}") };
    let double = "holds, but for what was wrong before: origin/scos-4.16:x: a, b";
    assert_eq!(step.checks[0].told().as_deref(), Some(double));
    assert!(step.because().ends_with("that did not before"), "{}", step.because());
    // A third one is the step's fault, though the tag was promoted twice before.
    unit.path = "c".to_owned();
    unit.before = None;
    let train = plan(&world, std::slice::from_ref(&unit));
    assert!(train.steps.is_empty(), "{train:?}");
}

#[test]
fn what_goes_with_the_first_config_of_a_release_waits_for_one() {
    let controller = Unit {
        path: "4.17.json".to_owned(),
        release: NEW,
        component: None,
        before: None,
        after: None,
        role: match crate::targets::release_controller::TARGET.cut {
            crate::targets::Cut::Step(step) => Role::Own(step),
            other => panic!("{other:?}"),
        },
        files: Vec::new(),
    };
    let mut world = World {
        streams: [OLD, NEW]
            .map(|release| (release, ("origin".to_owned(), format!("scos-{release}"))))
            .into(),
        ..World::default()
    };
    let promotes = |release| Facts {
        promotes: [tag(release, "x")].into(),
        bases: BTreeSet::new(),
    };
    world.configs.insert("a".to_owned(), promotes(OLD));
    let train = plan(&world, std::slice::from_ref(&controller));
    assert!(train.steps.is_empty(), "{train:?}");
    assert_eq!(
        train.stuck[0].why,
        "no config promotes to 4.17, and none of this cut will"
    );
    world.configs.insert("b".to_owned(), promotes(NEW));
    let train = plan(&world, std::slice::from_ref(&controller));
    assert_eq!((train.steps.len(), train.stuck.len()), (1, 0));
}

#[test]
fn a_config_without_jobs_breaks_a_rule() {
    let facts = Facts {
        promotes: [tag(OLD, "x")].into(),
        bases: BTreeSet::new(),
    };
    let unit = Unit {
        path: "a".to_owned(),
        release: OLD,
        component: None,
        before: None,
        after: Some(facts),
        role: Role::Config { has_jobs: false },
        files: Vec::new(),
    };
    let train = plan(&World::default(), &[unit]);
    assert_eq!(train.steps[0].checks[2].broken_by, ["a"]);
}
