//! Target `payload-jobs`: what verifies a release's payloads: its gating configs in openshift/release, and their jobs.
//!
//! A config that is there is people's, and stays. For a release that has none they are made of those of the newest release
//! before it. The jobs are made from the configs, as all jobs are, and stand in files with those of other releases.

mod fresh;
pub mod gates;
pub mod missing;
#[cfg(test)]
mod tests;
pub mod verification;

use std::collections::BTreeMap;

use self::fresh::Making;
use self::gates::{Gate, Gates, minor_before};
use super::{
    Actual, Ask, Cut, Destination, Reads, Rendered, Step, Target, Tree, When, prow_config, prow_jobs, release_name,
};
use crate::base::{Release as Number, RepoName};
use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Cause, Desired, Policy, Refused, Verdict, WHOLE_FILE};
use crate::targets::asking::{self, OwnRules};
use crate::yaml;
use crate::yaml::keys::NO_OPTIONS;

/// The target.
pub static TARGET: Target = Target {
    name: "payload-jobs",
    group: prow_config::TARGET.group,
    about: "the gating configs of a release's payloads and their periodic jobs",
    place: "the CI config repository, one branch for all releases",
    owns: "the jobs of the release's gating configs, in files that hold those of all releases",
    seeds: "a release's gating configs, where it has none: made of those of the release before",
    leaves: "gating configs that are there: tests, intervals, cluster profiles and bounds are people's",
    options: &NO_OPTIONS,
    after: &[],
    destinations: Destination::ci_config,
    reads,
    render,
    cut: Cut::Step(&Step {
        at: 10,
        when: When::Before,
        name: "payload-jobs",
        title: "the jobs that verify its payload, and its entry in what is mirrored",
        because: "the release controller's file names these jobs, and images are mirrored by that entry: both are there before a payload is",
    }),
    wait: super::door::no_wait,
    folders: &[],
};

/// The gating configs of all releases; then the job files beside them, and what says which clouds their tests run on.
fn reads(ask: &Ask<'_>, _: &RepoName) -> Result<Reads, Vec<Finding>> {
    // What rules fail at is reported where the files are made.
    let Ok(Some(gates)) = Gates::of(ask.rules()) else {
        return Ok(Reads::default());
    };
    let (known, own) = (gates.clone(), ask.rules().number());
    let configs = Tree::of(gates.folder(), 1).only(move |path| known.taken_apart(path).is_some());
    let then = move |actual: &Actual| {
        let paths = actual.files.iter();
        let configs = paths.filter_map(|(path, text)| Some((path, text, gates.taken_apart(path)?)));
        let sources: Vec<prow_jobs::Source> = configs
            .filter(|(.., (_, gate))| gate.release <= own)
            .filter_map(|(path, text, _)| prow_jobs::Source::new(path, Some(text.clone())))
            .collect();
        let mut files: Vec<String> = sources.iter().flat_map(prow_jobs::Source::paths).collect();
        files.extend(prow_jobs::registry_files(&sources));
        Reads {
            files,
            ..Reads::default()
        }
    };
    Ok(Reads {
        trees: vec![configs],
        then: Some(Box::new(then)),
        ..Reads::default()
    })
}

fn render(ask: &Ask<'_>, actual: &Actual) -> Rendered {
    let mut rendered = Rendered::default();
    let gates = match Gates::of(ask.rules()) {
        Ok(Some(gates)) => gates,
        Ok(None) => return rendered,
        Err(findings) => {
            rendered.findings.extend(findings);
            rendered.missed.insert(TARGET.name.to_owned());
            return rendered;
        }
    };
    let rendering = Rendering {
        ask,
        actual,
        there: there(&gates, &actual.files, &actual.unreadable),
        gates,
    };
    rendering.configs(&mut rendered);
    rendering.jobs(&mut rendered);
    for finding in &mut rendered.findings {
        finding.release.get_or_insert_with(|| release_name(ask.rules()));
    }
    rendered
}

/// What a config says, or why it cannot be read.
type Text<'a> = Result<&'a Bytes, &'a str>;

/// The gating configs that are there, by what they verify: branch, path and text of each.
type There<'a> = BTreeMap<Gate, Vec<(String, &'a String, Text<'a>)>>;

fn there<'a>(gates: &Gates, files: &'a BTreeMap<String, Bytes>, unreadable: &'a BTreeMap<String, String>) -> There<'a> {
    let mut there = There::new();
    let files = files.iter().map(|(path, text)| (path, Ok(text)));
    let unreadable = unreadable.iter().map(|(path, why)| (path, Err(why.as_str())));
    for (path, text) in files.chain(unreadable) {
        if let Some((branch, gate)) = gates.taken_apart(path) {
            there.entry(gate).or_default().push((branch, path, text));
        }
    }
    there
}

/// The gating configs of all releases, as somebody else has read them.
pub struct Known<'k> {
    /// Texts by path.
    pub configs: &'k BTreeMap<String, Bytes>,
    /// Why others cannot be read, by path.
    pub unreadable: &'k BTreeMap<String, String>,
    /// The repository's branch.
    pub branch: &'k str,
}

/// The path and text of the config of an upgrade that a release lacks: made of the newest older release's that has one, or
/// else of the oldest newer one's. `None` where there is none, or it cannot be read.
pub fn pair<'a>(
    release: impl Into<OwnRules<'a>>,
    gates: &Gates,
    known: &Known<'_>,
    from: Number,
) -> Option<(String, Bytes)> {
    let release = release.into();
    let gate = Gate::upgrade(release.number(), from);
    let there = there(gates, known.configs, known.unreadable);
    let older = |other: &Gate| other.release < gate.release;
    let oldest = there
        .keys()
        .filter(|other| other.from.is_some() && other.release > gate.release)
        .min();
    let newer = oldest.map(|oldest| oldest.release);
    let sibling = Sibling::of(release, &there, known.branch, gate, older).or_else(|| {
        Sibling::of(release, &there, known.branch, gate, |other| {
            Some(other.release) == newer
        })
    })?;
    let text = sibling.made(sibling.text.ok()?, release, gates, gate).ok()?;
    Some((gates.path(sibling.branch, gate), Bytes::from(text.into_bytes())))
}

/// What goes with a release that has ended: its gating configs, and their jobs out of the files of all releases. `actual` has
/// what [`TARGET`] reads.
pub fn retired<'a>(release: impl Into<OwnRules<'a>>, gates: &Gates, actual: &Actual, policy: &Policy) -> Vec<Desired> {
    let release = release.into();
    let own = release.number();
    let is_own = |path: &&String| gates.taken_apart(path).is_some_and(|(_, gate)| gate.release == own);
    let configs: Vec<&String> = actual.files.keys().filter(is_own).collect();
    let sources = configs.iter().filter_map(|path| prow_jobs::Source::new(path, None));
    let sources: Vec<prow_jobs::Source> = sources.collect();
    let mut files: Vec<Desired> = configs
        .iter()
        .map(|path| super::removed(actual, &TARGET, release, path))
        .collect();
    let jobs = prow_jobs::of_sources(release, &sources, actual, policy);
    files.extend(jobs.files.into_iter().map(|file| Desired {
        target: TARGET.name.to_owned(),
        component: None,
        ..file
    }));
    files
}

/// The config that a new one is made of.
struct Sibling<'s> {
    gate: Gate,
    branch: &'s str,
    path: &'s str,
    text: Text<'s>,
    /// The paths of all that verify the same.
    others: Vec<&'s str>,
}

impl<'s> Sibling<'s> {
    /// That of the newest of some releases. Of several for one thing that of the repository's own branch counts.
    fn of(
        release: OwnRules<'_>,
        there: &'s There<'_>,
        branch: &str,
        gate: Gate,
        wanted: impl Fn(&Gate) -> bool,
    ) -> Option<Self> {
        let same = |other: &Gate| wanted(other) && other.from.is_some() == gate.from.is_some();
        let newest = there
            .keys()
            .filter(|other| same(other))
            .map(|other| other.release)
            .max()?;
        let of_newest = there.iter().filter(|(other, _)| other.release == newest && same(other));
        let first = gates::upgrades_from(release, newest).ok();
        let first = first.and_then(|list| list.first().copied());
        // Of several upgrades to one release that which rules name first stands for all.
        let (older, files) = of_newest.max_by_key(|(other, _)| (other.from == first, other.from))?;
        let (branch, path, text) = files.iter().find(|(own, ..)| own == branch).or_else(|| files.last())?;
        Some(Self {
            gate: *older,
            branch,
            path,
            text: *text,
            others: files.iter().map(|(_, path, _)| path.as_str()).collect(),
        })
    }

    /// The text of a new config.
    fn made(&self, text: &Bytes, release: OwnRules<'_>, gates: &Gates, gate: Gate) -> Result<String, yaml::Error> {
        let bounds = gates.bounds(release);
        let before = |gate: Gate| gate.from.or_else(|| minor_before(release, gate.release));
        let making = Making {
            gates,
            from: (self.gate, before(self.gate)),
            to: (gate, before(gate)),
            branch: self.branch,
            bounds: &bounds,
        };
        making.text(text)
    }
}

struct Rendering<'r> {
    ask: &'r Ask<'r>,
    actual: &'r Actual,
    gates: Gates,
    there: There<'r>,
}

impl Rendering<'_> {
    fn own(&self) -> Number {
        self.ask.rules().number()
    }

    /// The release's configs: those that are there, and where it has none, new ones.
    fn configs(&self, rendered: &mut Rendered) {
        let own = self.own();
        let broken = self.actual.unreadable.iter().filter(|(path, _)| {
            let gate = self.gates.taken_apart(path);
            gate.is_some_and(|(_, gate)| gate.release == own) || **path == self.gates.folder()
        });
        for (path, why) in broken {
            rendered.findings.push(self.unreadable(path, None, why));
            rendered.missed.insert(TARGET.name.to_owned());
        }
        let there = self
            .there
            .iter()
            .filter(|(gate, _)| gate.release == own)
            .flat_map(|(_, files)| files)
            .filter(|(.., text)| text.is_ok());
        for (_, path, _) in there {
            rendered.files.push(self.file(path));
        }
        let builds = self.ask.rules().has_images();
        let has_main = self.there.contains_key(&Gate::of(own));
        if has_main || super::has_ended(self.ask.rules()) || !builds || !rendered.findings.is_empty() {
            return;
        }
        let upgrades = self.gates.upgrades_from.iter().map(|from| Gate::upgrade(own, *from));
        for gate in std::iter::once(Gate::of(own)).chain(upgrades) {
            if !self.there.contains_key(&gate) {
                self.fresh(gate, rendered);
            }
        }
    }

    /// A config that is not there, made of the newest older one of its kind; nothing where there is none of that kind.
    fn fresh(&self, gate: Gate, rendered: &mut Rendered) {
        let older = |other: &Gate| other.release < gate.release;
        let Some(sibling) = self.sibling(gate, older) else {
            return;
        };
        if sibling.others.len() > 1 {
            rendered.findings.push(self.twice(gate, &sibling));
        }
        let made = sibling.text.map_err(|why| (None, why.to_owned())).and_then(|text| {
            let made = sibling.made(text, self.ask.rules(), &self.gates, gate);
            made.map_err(|yaml::Error { pos, message }| (Some(pos.line), message))
        });
        match made {
            Ok(after) => {
                let file = self.settled(&self.gates.path(sibling.branch, gate), sibling.path, after);
                rendered.files.push(file);
            }
            Err((line, why)) => {
                let why = format!("{why}; the config of {} would be made from it", gate.release);
                rendered.findings.push(self.unreadable(sibling.path, line, &why));
                rendered.missed.insert(TARGET.name.to_owned());
            }
        }
    }

    fn sibling(&self, gate: Gate, wanted: impl Fn(&Gate) -> bool) -> Option<Sibling<'_>> {
        Sibling::of(self.ask.rules(), &self.there, &self.actual.branch, gate, wanted)
    }

    fn twice(&self, gate: Gate, sibling: &Sibling<'_>) -> Finding {
        let text = format!(
            "{} configs verify {}: {}; that of {} is made of the one of branch {}",
            sibling.others.len(),
            sibling.gate.release,
            sibling.others.join(", "),
            gate.release,
            sibling.branch
        );
        Finding::new(Severity::Warning, "gating-twice", text)
            .with_place(self.actual.place(sibling.path, None))
            .with_component(self.gates.repo.to_string())
            .with_help("remove the one that nothing runs from any more")
    }

    fn settled(&self, path: &str, older: &str, after: String) -> Desired {
        let release = self.ask.rules();
        let mut file = self.file(path);
        let cause = Cause {
            new: Some(format!("made from {older}")),
            ..asking::cause(
                release,
                self.gates.decision.deciders().last(),
                WHOLE_FILE,
                self.gates.repo.to_string(),
            )
        };
        match self.ask.policy.verdict(&cause, &file.release) {
            Verdict::Apply => {
                file.after = Some(Bytes::from(after.into_bytes()));
                file.causes = vec![cause];
            }
            verdict => file.refused.push(Refused { cause, verdict }),
        }
        file
    }

    /// A file of the release, which changes together with its main config.
    fn file(&self, path: &str) -> Desired {
        self.actual.file(&TARGET, self.ask.rules(), path)
    }

    /// The jobs of the release's configs as they will be.
    fn jobs(&self, rendered: &mut Rendered) {
        let configs = rendered.files.iter();
        let sources: Vec<prow_jobs::Source> = configs
            .filter_map(|file| {
                let source = prow_jobs::Source::new(&file.path, file.after.clone())?;
                Some(source.standing(file.after == file.before, file.held))
            })
            .collect();
        let main = self.main(rendered);
        for source in sources
            .iter()
            .filter(|source| source.text.is_some() && source.facts().is_none())
        {
            let why = "it is no YAML, so its jobs stay as they are";
            rendered.findings.push(self.unreadable(&source.config, None, why));
            rendered.missed.insert(TARGET.name.to_owned());
        }
        let made = prow_jobs::of_sources(self.ask.rules(), &sources, self.actual, self.ask.policy);
        rendered.findings.extend(made.findings);
        for file in made.files {
            rendered.files.push(Desired {
                target: TARGET.name.to_owned(),
                // One file for all releases: none owns it.
                component: None,
                ..file
            });
        }
        for file in &mut rendered.files {
            file.follows = main.clone().filter(|main| *main != file.path);
        }
        if !made.stuck.is_empty() {
            rendered.files.iter_mut().for_each(Desired::hold);
        }
    }

    /// The path of the release's main config, that the others follow.
    fn main(&self, rendered: &Rendered) -> Option<String> {
        let own = self.own();
        let mains = rendered.files.iter().filter(|file| {
            let gate = self.gates.taken_apart(&file.path);
            gate.is_some_and(|(_, gate)| gate == Gate::of(own))
        });
        mains.map(|file| file.path.clone()).next()
    }

    fn unreadable(&self, path: &str, line: Option<u32>, why: &str) -> Finding {
        let text = format!("the gating config cannot be read: {why}");
        Finding::new(Severity::Error, "unreadable-gating", text)
            .with_place(self.actual.place(path, line))
            .with_component(self.gates.repo.to_string())
            .with_help("put the file right by hand; until then it and its jobs stay as they are")
    }
}
