//! The train: which changes go in which step, so that at no point two configs promote one tag.

use std::collections::{BTreeMap, BTreeSet};

use super::pause;
use super::payload::{Payloads, Verified};
use super::unit::{Role, Unit};
use super::world::World;
use crate::base::Release;
use crate::facts::ci_tags::Tag;
use crate::targets;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    /// Configs stop promoting what others are to promote.
    Vacate,
    /// Configs that take each other's tags: some promote nothing for a while.
    Pause,
    /// Configs whose images others are built from.
    Bases,
    /// All other configs.
    Configs,
    /// The files of a target with a step of its own.
    Own(&'static targets::Step),
}

impl StepKind {
    /// Its name, as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vacate => "vacate",
            Self::Pause => "pause",
            Self::Bases => "bases",
            Self::Configs => "configs",
            Self::Own(step) => step.name,
        }
    }

    /// What it does, in a sentence.
    fn about(self) -> String {
        match self {
            Self::Vacate => "Configs stop promoting what others are to promote.".to_owned(),
            Self::Pause => "Configs that take each other's tags: some promote nothing for a while.".to_owned(),
            Self::Bases => "Configs whose images others are built from.".to_owned(),
            Self::Configs => "All other configs.".to_owned(),
            Self::Own(step) => {
                let (first, rest) = step.title.split_at(1.min(step.title.len()));
                format!("{}{rest}.", first.to_uppercase())
            }
        }
    }

    /// Whether it stands before the steps of the release's configs.
    fn is_before(&self) -> bool {
        matches!(self, Self::Own(step) if step.when == targets::When::Before)
    }

    /// Whether it comes after the configs of all releases.
    fn is_after_all(&self) -> bool {
        matches!(self, Self::Own(step) if step.when == targets::When::AfterAll)
    }

    /// Every kind that there can be.
    fn all() -> impl Iterator<Item = Self> {
        let own = targets::TARGETS.iter().flat_map(|target| target.cut.steps());
        let own = own.map(Self::Own);
        [Self::Vacate, Self::Pause, Self::Bases, Self::Configs]
            .into_iter()
            .chain(own)
    }

    /// Why the step stands where it does.
    pub fn because(self) -> &'static str {
        match self {
            Self::Vacate => "two configs must not promote one tag: the old promotion goes before the new one comes",
            Self::Pause => {
                "these configs and others take each other's tags: one side stops for a while, so that the other can go on"
            }
            Self::Bases => "what others are built from is promoted before them",
            Self::Configs => "what they are built from is promoted, and nothing else promotes their tags any more",
            Self::Own(step) => step.because,
        }
    }
}

impl serde::Serialize for StepKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl schemars::JsonSchema for StepKind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TrainStepKind".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let kind =
            |kind: Self| serde_json::json!({ "description": kind.about(), "type": "string", "const": kind.name() });
        let kinds: Vec<_> = Self::all().map(kind).collect();
        schemars::json_schema!({ "description": "What a step does.", "oneOf": kinds })
    }
}

/// A rule that holds after a step, and whether it does.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "TrainCheck")]
pub struct Check {
    /// What must hold.
    pub check: &'static str,
    /// What the step breaks; empty: it holds, but for what was wrong before.
    pub broken_by: Vec<String>,
    /// What was wrong before the step, and stays so.
    pub wrong_before: Vec<String>,
}

/// How many of those that break a check its sentence names; JSON has all.
const NAMED: usize = 3;

impl Check {
    /// Of what is wrong once a step is made, and whether it was before, too.
    fn of(check: &'static str, wrong: impl IntoIterator<Item = (String, bool)>) -> Self {
        let (before, broken): (Vec<_>, Vec<_>) = wrong.into_iter().partition(|(_, before)| *before);
        let texts = |list: Vec<(String, bool)>| list.into_iter().map(|(text, _)| text).collect();
        Self {
            check,
            broken_by: texts(broken),
            wrong_before: texts(before),
        }
    }

    /// What is wrong with it; `None`: it holds.
    pub fn told(&self) -> Option<String> {
        match (&*self.broken_by, &*self.wrong_before) {
            ([], []) => None,
            ([], before) => Some(format!("holds, but for what was wrong before: {}", named(before))),
            (broken, _) => Some(format!("broken by {}", named(broken))),
        }
    }
}

fn named(texts: &[String]) -> String {
    let first = texts.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match texts.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first}; and {more} more"),
    }
}

/// One step: one pull request.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// The release whose pull request it is.
    pub release: Release,
    /// Its changes: indices into the units.
    pub units: Vec<usize>,
    /// Units whose config promotes to no payload for a while; their own change comes in a later step.
    pub pauses: Vec<usize>,
    /// What holds once it is merged.
    pub checks: Vec<Check>,
    /// Whether something else promotes a tag of its configs, as it did before.
    pub is_shared: bool,
}

impl Step {
    /// Why it stands where it does.
    pub fn because(&self) -> &'static str {
        match self.kind {
            StepKind::Configs if self.is_shared => {
                "what they are built from is promoted, and nothing comes to promote their tags that did not before"
            }
            kind => kind.because(),
        }
    }
}

/// A change that no step can make.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Stuck {
    /// The config or file.
    pub path: String,
    /// Why.
    pub why: String,
}

/// The steps that are left, in order.
#[derive(Clone, Debug, Default)]
pub struct Train {
    /// Steps.
    pub steps: Vec<Step>,
    /// What there is of payloads once it has arrived.
    pub payloads: Payloads,
    /// What verifies each release's payload then.
    pub verified: Vec<Verified>,
    /// What stays.
    pub stuck: Vec<Stuck>,
}

/// Plans the steps from what is there to what should be.
pub fn plan(world: &World, units: &[Unit]) -> Train {
    let promotable = units.iter().filter_map(|unit| unit.after.as_ref());
    let promotable: BTreeSet<&Tag> = promotable
        .chain(world.configs.values())
        .flat_map(|f| &f.promotes)
        .collect();
    let mut planner = Planner {
        units,
        promotable,
        // What configs name today is in the registry today: a tag outlives its promotion.
        riders: riders(units),
        known: world
            .configs
            .values()
            .flat_map(|f| f.promotes.iter().chain(&f.bases))
            .cloned()
            .collect(),
        world: world.clone(),
        pending: (0..units.len()).filter(|at| !riders(units).contains(at)).collect(),
        is_trial: false,
    };
    let mut train = Train::default();
    while let Some(step) = planner.next() {
        train.steps.push(step);
    }
    train.payloads = planner.world.payloads.clone();
    let at = |at: &usize| units.get(*at);
    let stuck = planner.pending.iter().filter_map(at).map(|unit| planner.stuck(unit));
    let without = planner.riders.iter().filter_map(at).map(|rider| Stuck {
        path: rider.path.clone(),
        why: format!("no config promotes to {}, and none of this cut will", rider.release),
    });
    train.stuck = stuck.chain(without).collect();
    train
}

#[derive(Clone)]
struct Planner<'u> {
    units: &'u [Unit],
    /// Tags that some config promotes or will promote; others come from elsewhere.
    promotable: BTreeSet<&'u Tag>,
    /// Tags that are in the registry.
    known: BTreeSet<Tag>,
    world: World,
    pending: Vec<usize>,
    /// What goes with the first configs of its release that promote.
    riders: Vec<usize>,
    /// Whether this only looks where a pause leads.
    is_trial: bool,
}

impl<'u> Planner<'u> {
    /// Finds and makes the next step.
    fn next(&mut self) -> Option<Step> {
        let mut releases: Vec<Release> = self.pending_units().map(|(_, unit)| unit.release).collect();
        releases.sort_by(|a, b| b.cmp(a));
        releases.dedup();
        let own: BTreeSet<StepKind> = self.pending_units().filter_map(|(_, unit)| own_step(unit)).collect();
        let (first, own): (Vec<StepKind>, Vec<StepKind>) = own.into_iter().partition(StepKind::is_before);
        let (last, own): (Vec<StepKind>, Vec<StepKind>) = own.into_iter().partition(StepKind::is_after_all);
        let later: Vec<StepKind> = [StepKind::Bases, StepKind::Configs].into_iter().chain(own).collect();
        let each = |kinds: Vec<StepKind>| {
            let of = move |release: &Release| kinds.iter().map(|kind| (*release, *kind)).collect::<Vec<_>>();
            releases.iter().flat_map(of)
        };
        let vacate = each(first).chain(releases.iter().map(|release| (*release, StepKind::Vacate)));
        let order: Vec<_> = vacate.chain(each(later)).chain(each(last)).collect();
        let found = order
            .into_iter()
            .find_map(|(release, kind)| self.step(release, Some(kind)));
        // Changes of different kinds that need one another go together.
        found
            .or_else(|| releases.into_iter().find_map(|release| self.step(release, None)))
            .or_else(|| self.pause())
            .or_else(|| self.left_riders())
    }

    /// Where the configs of a release promote already, what would have gone with the first of them goes by itself.
    fn left_riders(&mut self) -> Option<Step> {
        let mut riders = self.riders.iter().filter_map(|at| self.units.get(*at));
        let rider = riders.find(|rider| self.world.promotes(rider.release))?;
        let release = rider.release;
        let is_own = |at: &usize| self.units.get(*at).is_some_and(|unit| unit.release == release);
        let (own, others): (Vec<usize>, Vec<usize>) = self.riders.iter().copied().partition(is_own);
        self.riders = others;
        let kind = own_step(rider);
        self.pending.extend(own);
        self.step(release, kind)
    }

    /// Where changes only wait for one another in a circle, lets some of their configs promote nothing for a while: no more
    /// than it takes, and none whose change would still not come.
    fn pause(&mut self) -> Option<Step> {
        let mut refused = BTreeSet::new();
        loop {
            let candidates = self.pending_units().filter(|(at, _)| !refused.contains(at));
            let chosen = pause::choose(&self.world, &candidates.collect::<Vec<_>>());
            let release = chosen.first().and_then(|at| self.units.get(*at))?.release;
            let fruitless = self.fruitless(&chosen);
            if fruitless.is_empty() {
                let before = Before::of(&self.world);
                self.stop(&chosen);
                let checks = self.checks(&[], &before);
                return Some(Step {
                    kind: StepKind::Pause,
                    release,
                    units: Vec::new(),
                    pauses: chosen,
                    checks,
                    is_shared: false,
                });
            }
            refused.extend(fruitless);
        }
    }

    fn stop(&mut self, chosen: &[usize]) {
        for unit in chosen.iter().filter_map(|at| self.units.get(*at)) {
            self.world.pause(&unit.path);
        }
    }

    /// Those of the units whose own change would not come after all.
    fn fruitless(&self, chosen: &[usize]) -> Vec<usize> {
        if self.is_trial {
            return Vec::new();
        }
        let mut trial = self.clone();
        trial.is_trial = true;
        trial.stop(chosen);
        while trial.next().is_some() {}
        chosen.iter().copied().filter(|at| trial.pending.contains(at)).collect()
    }

    fn pending_units(&self) -> impl Iterator<Item = (usize, &'u Unit)> + '_ {
        self.pending.iter().filter_map(|at| Some((*at, self.units.get(*at)?)))
    }

    /// Makes the largest step of a release and kind; without a kind, of all kinds together.
    fn step(&mut self, release: Release, kind: Option<StepKind>) -> Option<Step> {
        let group = self.pending_units().filter(|(_, unit)| unit.release == release);
        let group: Vec<usize> = group
            .filter(|(_, unit)| kind.is_none_or(|kind| self.kind(unit) == kind))
            .map(|(at, _)| at)
            .collect();
        let chosen = self.largest(group);
        if chosen.is_empty() {
            return None;
        }
        let kinds = chosen
            .iter()
            .filter_map(|at| self.units.get(*at))
            .map(|unit| self.kind(unit));
        let kind = kind.or(kinds.min()).unwrap_or(StepKind::Configs);
        let chosen = self.with_riders(release, chosen);
        let before = Before::of(&self.world);
        for at in &chosen {
            if let Some(unit) = self.units.get(*at) {
                self.world.apply(unit);
                self.known
                    .extend(unit.after.iter().flat_map(|facts| facts.promotes.iter().cloned()));
            }
        }
        self.pending.retain(|at| !chosen.contains(at));
        let checks = self.checks(&chosen, &before);
        Some(Step {
            is_shared: self.is_shared(&chosen),
            kind,
            release,
            units: chosen,
            pauses: Vec::new(),
            checks,
        })
    }

    /// Whether something else promotes a tag of these units.
    fn is_shared(&self, chosen: &[usize]) -> bool {
        let doubles = self.world.doubles();
        let units = chosen.iter().filter_map(|at| self.units.get(*at));
        let mut promotes = units.flat_map(|unit| unit.after.iter().flat_map(|facts| &facts.promotes));
        promotes.any(|tag| doubles.contains_key(tag))
    }

    /// What kind of step a change belongs to, as things stand.
    fn kind(&self, unit: &'u Unit) -> StepKind {
        if let Some(own) = own_step(unit) {
            return own;
        }
        if unit.before.is_none() && unit.after.is_none() {
            return StepKind::Configs;
        }
        let after: BTreeSet<&Tag> = unit.after.iter().flat_map(|facts| &facts.promotes).collect();
        let before = self.world.configs.get(&unit.path);
        if before.is_some_and(|before| before.promotes.iter().any(|tag| !after.contains(tag))) {
            return StepKind::Vacate;
        }
        let promoters = self.world.promoters();
        let new = |tag: &&Tag| !promoters.contains_key(*tag);
        let mut fresh = after.iter().copied().filter(new);
        let needed: BTreeSet<&Tag> = self
            .pending_units()
            .filter(|(_, other)| other.path != unit.path)
            .flat_map(|(_, other)| other.after.iter().flat_map(|facts| &facts.bases))
            .collect();
        if fresh.any(|tag| needed.contains(tag)) {
            StepKind::Bases
        } else {
            StepKind::Configs
        }
    }

    /// The largest part of a group that breaks no rule.
    fn largest(&self, mut group: Vec<usize>) -> Vec<usize> {
        loop {
            let chosen: Vec<&Unit> = group.iter().filter_map(|at| self.units.get(*at)).collect();
            let after = self.world.with(chosen.iter().copied());
            let (promoters, there) = (after.promoters(), self.world.promoters());
            let breaks = |unit: &Unit| {
                let Some(facts) = &unit.after else { return false };
                let was = self.world.configs.get(&unit.path).map(|facts| &facts.promotes);
                let is_new = |tag: &&Tag| !was.is_some_and(|was| was.contains(*tag));
                let mut new = facts.promotes.iter().filter(is_new);
                let doubles = new.any(|tag| promoters.get(tag).is_some_and(|paths| paths.len() > 1));
                doubles
                    || facts
                        .bases
                        .iter()
                        .any(|tag| self.lacks(tag, &after, &there, &promoters))
            };
            let kept = group
                .iter()
                .copied()
                .filter(|at| self.units.get(*at).is_some_and(|unit| !breaks(unit)));
            let kept: Vec<usize> = kept.collect();
            if kept.len() == group.len() {
                return kept;
            }
            group = kept;
        }
    }

    /// Whether a base is a payload's tag that is not there yet, though some config will promote it.
    fn lacks(
        &self,
        tag: &Tag,
        world: &World,
        there: &BTreeMap<&Tag, Vec<&str>>,
        after: &BTreeMap<&Tag, Vec<&str>>,
    ) -> bool {
        let promoted = there.contains_key(tag) || after.contains_key(tag) || self.known.contains(tag);
        world.is_payload(tag) && self.promotable.contains(tag) && !promoted
    }

    /// Units with what goes with the first of a release's configs that promote, if they are these.
    fn with_riders(&mut self, release: Release, mut chosen: Vec<usize>) -> Vec<usize> {
        let promoters = self.world.promoters();
        let units = chosen.iter().filter_map(|at| self.units.get(*at));
        let promotes = units.flat_map(|unit| unit.after.iter().flat_map(|facts| &facts.promotes));
        let is_first = promotes
            .into_iter()
            .any(|tag| self.world.is_payload(tag) && !promoters.contains_key(tag));
        if is_first {
            let is_own = |at: &usize| self.units.get(*at).is_some_and(|unit| unit.release == release);
            let (own, others): (Vec<usize>, Vec<usize>) = self.riders.iter().copied().partition(is_own);
            self.riders = others;
            chosen.extend(own);
        }
        chosen
    }

    fn checks(&self, chosen: &[usize], before: &Before) -> Vec<Check> {
        // What was wrong before with payloads of other releases is not told here.
        let doubles = self.world.doubles().into_iter().filter_map(|(tag, paths)| {
            let was = before.doubles.get(tag);
            let stays = was.is_some_and(|was| paths.iter().all(|path| was.contains(*path)));
            let told = !stays || self.world.is_payload(tag);
            told.then(|| (format!("{tag}: {}", paths.join(", ")), stays))
        });
        let units = || chosen.iter().filter_map(|at| self.units.get(*at));
        let bases = units().flat_map(|unit| unit.after.iter().flat_map(|facts| &facts.bases));
        let bases: BTreeSet<String> = bases
            .filter(|tag| self.world.is_payload(tag) && self.promotable.contains(*tag) && !self.known.contains(*tag))
            .map(Tag::to_string)
            .collect();
        let new = |text: String| (text, false);
        let without = units().filter(|unit| unit.after.is_some() && unit.role == Role::Config { has_jobs: false });
        let mut checks = vec![
            Check::of("no two configs promote one tag", doubles),
            Check::of(
                "every tag of a payload that a config is built from has been promoted",
                bases.into_iter().map(new),
            ),
            Check::of(
                "every config has its jobs, and every job its config",
                without.map(|unit| new(unit.path.clone())),
            ),
        ];
        checks.extend(self.payload_checks(before));
        checks
    }

    /// What a payload needs beside its images. What was wrong before the step is not its fault.
    fn payload_checks(&self, before: &Before) -> Vec<Check> {
        let payloads = &self.world.payloads;
        let lacking = payloads.jobs.as_ref().map(|_| {
            let wrong = payloads.without_job().into_iter();
            let wrong = wrong.map(|one| (format!("{}: {}", one.0, one.1), before.without_job.contains(&one)));
            Check::of(WAITS_FOR_JOBS, wrong)
        });
        let not_mirrored = payloads.mirrored.as_ref().map(|_| {
            let wrong = self.world.not_mirrored().into_iter();
            Check::of(
                MIRRORED,
                wrong.map(|one| (one.clone(), before.not_mirrored.contains(&one))),
            )
        });
        lacking.into_iter().chain(not_mirrored).collect()
    }

    fn stuck(&self, unit: &Unit) -> Stuck {
        let promoters = self.world.promoters();
        let tags = unit.after.iter().flat_map(|facts| &facts.promotes);
        let taken = tags.filter_map(|tag| {
            let other = promoters.get(tag)?.iter().find(|path| **path != unit.path)?;
            Some(format!("{other} promotes {tag}"))
        });
        let bases = unit.after.iter().flat_map(|facts| &facts.bases);
        let lacking = bases
            .filter(|tag| self.lacks(tag, &self.world, &promoters, &promoters))
            .map(|tag| format!("nothing promotes {tag} yet"));
        let rivals = self.pending_units().filter(|(_, other)| other.path != unit.path);
        let rivals = rivals.filter_map(|(_, other)| {
            let theirs = &other.after.as_ref()?.promotes;
            let tag = unit.after.as_ref()?.promotes.iter().find(|tag| theirs.contains(*tag))?;
            Some(format!("{} is to promote {tag}, too", other.path))
        });
        let why: Vec<String> = taken.chain(lacking).chain(rivals).collect();
        Stuck {
            path: unit.path.clone(),
            why: if why.is_empty() {
                "another change has to come first".to_owned()
            } else {
                why.join("; ")
            },
        }
    }
}

/// What must hold of the release controller's files.
const WAITS_FOR_JOBS: &str = "every job that the release controller's files wait for is in a job file";
/// What must hold of the streams that are promoted to.
const MIRRORED: &str = "every stream that is promoted to is mirrored, or deliberately not";

/// What was wrong before a step.
struct Before {
    doubles: BTreeMap<Tag, BTreeSet<String>>,
    without_job: BTreeSet<(String, String)>,
    not_mirrored: BTreeSet<String>,
}

impl Before {
    fn of(world: &World) -> Self {
        let owned = |paths: Vec<&str>| paths.into_iter().map(str::to_owned).collect();
        let doubles = world.doubles().into_iter();
        Self {
            doubles: doubles.map(|(tag, paths)| (tag.clone(), owned(paths))).collect(),
            without_job: world.payloads.without_job(),
            not_mirrored: world.not_mirrored(),
        }
    }
}

/// The units that go with the first configs of their release that promote.
fn riders(units: &[Unit]) -> Vec<usize> {
    let rides = |unit: &Unit| matches!(unit.role, Role::Own(step) if step.when == targets::When::WithFirst);
    (0..units.len())
        .filter(|at| units.get(*at).is_some_and(rides))
        .collect()
}

/// The step of its own that a unit goes in, if it has one.
fn own_step(unit: &Unit) -> Option<StepKind> {
    match unit.role {
        Role::Own(step) => Some(StepKind::Own(step)),
        Role::Config { .. } => None,
    }
}

/// The branch that the steps are made from.
pub fn head() -> String {
    crate::plan::head(crate::plan::CUT, "")
}
