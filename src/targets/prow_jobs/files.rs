//! The job files of one config: what should be in them, held against what is there.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::ConfigFacts;
use super::file::{JobFile, Ours};
use super::job::{Around, Draft, LISTS, Made, Maker, Of};
use super::{Registry, Source, TARGET, names, release_name};
use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Desired, Policy, Refused, Verdict};
use crate::rules::Scope;
use crate::targets::asking::OwnRules;
use crate::targets::{Actual, Rendered};
use crate::yaml::Node;

/// The job files of one config.
pub(super) struct Files<'f> {
    pub release: OwnRules<'f>,
    pub source: &'f Source,
    pub registry: &'f Registry,
    pub actual: &'f Actual,
    pub policy: &'f Policy,
}

/// A job that should be there, and the rules behind it.
struct Rendering<'j> {
    draft: &'j Draft,
    made: Made,
}

impl Files<'_> {
    /// Files and findings, and whether the config is stuck.
    pub(super) fn render(&self, scope: &Scope<'static>) -> (Rendered, bool) {
        let mut rendered = Rendered::default();
        // Where a config is no YAML, its own target reports it.
        let Some(facts) = self.source.facts().filter(|_| !self.source.held) else {
            return (self.held(rendered), false);
        };
        let of = Of {
            repo: &self.source.repo,
            branch: &self.source.branch,
            variant: &self.source.variant,
            facts,
        };
        let mut maker = Maker::new(self.release, scope, self.registry, of);
        let drafts = maker.drafts(facts);
        rendered.findings.append(&mut maker.findings);
        let Some(drafts) = drafts else {
            return (self.held(rendered), true);
        };
        self.note_config(facts, &drafts, &mut rendered.findings);
        let drafts = self.each_once(drafts, &mut rendered.findings);
        let mut files = Vec::new();
        for list in LISTS {
            match self.file(list, &drafts, &mut maker, &mut rendered.findings) {
                Ok(Some(file)) => files.push(file),
                Ok(None) => {}
                Err(()) => {
                    rendered.findings.append(&mut maker.findings);
                    return (self.held(rendered), true);
                }
            }
        }
        rendered.files = files;
        (rendered, false)
    }

    /// What is wrong with the config as its jobs are concerned.
    fn note_config(&self, facts: &ConfigFacts, drafts: &[Draft], findings: &mut Vec<Finding>) {
        findings.extend(facts.unknown.iter().map(|unknown| self.unknown_key(unknown)));
        let profiles: BTreeSet<&str> = drafts.iter().map(Draft::profile).collect();
        let lacking = profiles.into_iter().filter(|profile| self.registry.lacks(profile));
        findings.extend(lacking.map(|profile| self.unknown_profile(profile)));
        findings.extend(self.unwritten(drafts));
    }

    /// Each job once: of two that would have one name the later stays, as in the generator.
    fn each_once(&self, drafts: Vec<Draft>, findings: &mut Vec<Finding>) -> Vec<Draft> {
        let mut last: BTreeMap<(Option<&'static str>, String), usize> = BTreeMap::new();
        for (at, draft) in drafts.iter().enumerate() {
            if last.insert((draft.list, draft.name.clone()), at).is_some() {
                findings.push(self.asked_twice(&draft.name));
            }
        }
        let kept: BTreeSet<usize> = last.into_values().collect();
        let drafts = drafts.into_iter().enumerate().filter(|(at, _)| kept.contains(at));
        drafts.map(|(_, draft)| draft).collect()
    }

    /// All files as they are; those that are not there, too: they may be proposed already.
    fn held(&self, mut rendered: Rendered) -> Rendered {
        for list in LISTS {
            let path = names::path(&self.source.repo, &self.source.branch, list);
            let before = self.actual.files.get(&path).cloned();
            rendered.files.push(self.desired(path, before.clone(), before, true));
        }
        rendered
    }

    fn file(
        &self,
        list: &'static str,
        drafts: &[Draft],
        maker: &mut Maker<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<Option<Desired>, ()> {
        let path = names::path(&self.source.repo, &self.source.branch, list);
        let before = self.actual.files.get(&path);
        let repo = self.source.repo.to_string();
        let file = JobFile::read(before.map(|bytes| &**bytes), list, &repo).map_err(|error| {
            let text = format!("the job file cannot be read: {}", error.message);
            let help = "put the file right by hand; until then it stays as it is, and its config with it";
            findings.push(self.finding(Severity::Error, "unreadable-jobs", text, help, &path, error.pos.line));
        })?;
        let variant = self.source.variant.as_str();
        let mut ours: Vec<bool> = file.jobs.iter().map(|job| job.is_of(variant)).collect();
        let first = self.by_name(&file, &path, findings);
        let mut wanted = BTreeMap::new();
        for draft in drafts.iter().filter(|draft| draft.list == Some(list)) {
            let there = first.get(&*draft.name).copied();
            if let Some((at, job)) = there
                .and_then(|at| Some((at, file.jobs.get(at)?)))
                .filter(|(at, _)| !is_set(&ours, *at))
            {
                if job.is_by_hand() {
                    // The generator goes by names alone: it takes the job over.
                    findings.push(self.by_hand(&draft.name, &path, job));
                    ours.iter_mut().skip(at).take(1).for_each(|ours| *ours = true);
                } else {
                    findings.push(self.taken(&draft.name, &path, job));
                    continue;
                }
            }
            let around = around(&file, draft, &ours, &first);
            let made = maker.make(draft, &around).ok_or(())?;
            wanted.insert(draft.name.clone(), Rendering { draft, made });
        }
        findings.extend(self.edited(&path, &file, &ours, &first, &wanted));
        Ok(self.settle(path, before, &file, &ours, &first, wanted))
    }

    /// Jobs of ours that say what the config, which stays, does not.
    fn edited(
        &self,
        path: &str,
        file: &JobFile<'_>,
        ours: &[bool],
        first: &BTreeMap<&str, usize>,
        wanted: &BTreeMap<String, Rendering<'_>>,
    ) -> Option<Finding> {
        if !self.source.unchanged {
            return None;
        }
        let image = ["spec", "containers"];
        let mut edited = Vec::new();
        for (name, Rendering { made, .. }) in wanted {
            let there = first.get(name.as_str()).copied().filter(|at| is_set(ours, *at));
            let Some((at, there)) = there.and_then(|at| Some((at, file.node(at)?))) else {
                continue;
            };
            let runs = there
                .at(&image)
                .and_then(|list| list.as_seq()?.first()?.get("image")?.text());
            let keys = differing(&there, &made.node);
            // A job with another image is an older generator's.
            if runs == Some(made.image.as_str()) && !keys.is_empty() {
                let line = file.jobs.get(at).map_or(0, |job| job.line);
                edited.push((name.as_str(), keys, line));
            }
        }
        let (_, _, line) = edited.first()?;
        Some(self.by_others(path, *line, &edited))
    }

    /// The first job of each name; a name that is there twice is reported.
    fn by_name<'j>(&self, file: &'j JobFile<'_>, path: &str, findings: &mut Vec<Finding>) -> BTreeMap<&'j str, usize> {
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, job) in file.jobs.iter().enumerate() {
            if let Some(known) = first.get(&*job.name) {
                let line = file.jobs.get(*known).map_or(0, |job| job.line);
                let text = format!("job {} is there twice, the first time in line {line}", job.name);
                let help = "one of them never runs: remove it; of generated jobs of ours only the first is kept";
                findings.push(self.finding(Severity::Warning, "duplicate-job", text, help, path, job.line));
            } else {
                first.insert(&job.name, at);
            }
        }
        first
    }

    /// Holds what should be there against what is there and the policy.
    fn settle(
        &self,
        path: String,
        before: Option<&Bytes>,
        file: &JobFile<'_>,
        ours: &[bool],
        first: &BTreeMap<&str, usize>,
        wanted: BTreeMap<String, Rendering<'_>>,
    ) -> Option<Desired> {
        if file.is_new() && wanted.is_empty() {
            return None;
        }
        let mut desired = self.desired(path, before.cloned(), before.cloned(), false);
        let release = release_name(self.release);
        let mut kept: BTreeMap<String, Ours> = BTreeMap::new();
        let mut causes = Vec::new();
        let there = |name: &str| first.get(name).copied().filter(|at| is_set(ours, *at));
        let gone = file.jobs.iter().enumerate().filter(|(at, job)| {
            is_set(ours, *at) && !wanted.contains_key(&*job.name) && first.get(&*job.name) == Some(at)
        });
        for (at, job) in gone {
            let cause = self.removed(job);
            match self.policy.verdict(&cause, &release) {
                Verdict::Apply => causes.push(cause),
                verdict => {
                    kept.insert(job.name.to_string(), Ours::Kept(at));
                    desired.refused.push(Refused { cause, verdict });
                }
            }
        }
        for (name, Rendering { draft, made }) in wanted {
            let at = there(&name);
            let wanted = file.wanted(made.node);
            if let Some(at) = at.filter(|at| file.is_as_wanted(*at, &wanted)) {
                kept.insert(name, Ours::Kept(at));
                continue;
            }
            if file.is_new() {
                kept.insert(name, Ours::Written(wanted));
                continue;
            }
            let cause = self.changed(draft, made.why, &wanted.node, at.and_then(|at| file.node(at)).as_ref());
            match self.policy.verdict(&cause, &release) {
                Verdict::Apply => {
                    causes.push(cause);
                    kept.insert(name, Ours::Written(wanted));
                }
                verdict => {
                    desired.refused.push(Refused { cause, verdict });
                    kept.extend(at.map(|at| (name, Ours::Kept(at))));
                }
            }
        }
        let doubled = (0..file.jobs.len()).any(|at| is_set(ours, at) && there_twice(file, first, at));
        if file.is_new() {
            self.settle_new(file, &kept, &mut desired);
        } else if !causes.is_empty() || doubled {
            desired.after = file.with(|at| is_set(ours, at), &kept).map(Bytes::from);
            desired.causes = if desired.after.is_none() {
                vec![self.emptied(&causes)]
            } else {
                causes
            };
            if file.is_rewritten() && desired.after.is_some() {
                let note = "was not in canonical form and is rewritten so; comments do not survive that";
                desired.notes.push(note.to_owned());
            }
        }
        Some(desired)
    }

    /// A new file is one difference, whatever stands in it.
    fn settle_new(&self, file: &JobFile<'_>, kept: &BTreeMap<String, Ours>, desired: &mut Desired) {
        let names: Vec<&str> = kept.keys().map(String::as_str).collect();
        let mut cause = self.cause("file", None);
        cause.new = Some(format!(
            "has the job{} {}",
            if names.len() == 1 { "" } else { "s" },
            names.join(", ")
        ));
        cause.because = format!("{} is generated from its config", self.source.config);
        match self.policy.verdict(&cause, &desired.release) {
            Verdict::Apply => {
                desired.after = file.with(|_| false, kept).map(Bytes::from);
                desired.causes = vec![cause];
            }
            verdict => desired.refused.push(Refused { cause, verdict }),
        }
    }

    fn desired(&self, path: String, before: Option<Bytes>, after: Option<Bytes>, held: bool) -> Desired {
        Desired {
            component: Some(self.source.repo.to_string()),
            images: self.source.images.clone(),
            before,
            after,
            follows: self.source.has_config().then(|| self.source.config.clone()),
            held,
            ..self.actual.file(&TARGET, self.release, path)
        }
    }
}

/// The keys of two jobs whose values differ.
pub(super) fn differing(one: &Node, other: &Node) -> BTreeSet<String> {
    let keys = |node: &Node| -> BTreeSet<String> {
        let map = node.as_map();
        map.map(|map| map.keys().map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let mut keys: BTreeSet<String> = keys(one).union(&keys(other)).cloned().collect();
    keys.retain(|key| one.get(key) != other.get(key));
    keys
}

fn is_set(flags: &[bool], at: usize) -> bool {
    flags.get(at).copied().unwrap_or(false)
}

fn there_twice(file: &JobFile<'_>, first: &BTreeMap<&str, usize>, at: usize) -> bool {
    let name = file.jobs.get(at).map(|job| &*job.name).unwrap_or_default();
    first.get(name).is_some_and(|known| *known != at)
}

/// What a job's file says that its cluster depends on.
fn around(file: &JobFile<'_>, draft: &Draft, ours: &[bool], first: &BTreeMap<&str, usize>) -> Around {
    let there = first.get(&*draft.name);
    let cluster = |name: &str| {
        let job = first.get(name).and_then(|at| file.jobs.get(*at));
        job.map(|job| job.cluster.to_string()).unwrap_or_default()
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let others = file.jobs.iter().enumerate().filter(|(at, _)| !is_set(ours, *at));
    for (_, job) in others.filter(|(_, job)| !draft.profile().is_empty() && job.profile == draft.profile()) {
        *counts.entry(&job.cluster).or_default() += 1;
    }
    let mut profile: Vec<(&str, usize)> = counts.into_iter().filter(|(name, _)| !name.is_empty()).collect();
    profile.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Around {
        there: there.map(|at| file.there(*at)).unwrap_or_default(),
        peer: cluster(draft.peer()),
        profile: profile.into_iter().map(|(name, _)| name.to_owned()).collect(),
    }
}
