//! Target `prow-jobs`: the jobs of OKD's ci-operator configs, among the jobs of others in openshift/release.
//!
//! Jobs follow the config that they are generated from, as it will be: the two change in one pull request.

mod facts;
mod file;
mod job;
pub mod names;
mod scan;
mod sources;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use self::facts::ConfigFacts;
use self::file::{JobFile, Ours};
use self::job::{Around, Draft, LISTS, Made, Maker, Why};
use self::scan::Job;
pub use self::sources::Source;
use super::{Actual, Ask, Cut, Destination, Rendered, Target, prow_config, release_name};
use crate::base::RepoName;
use crate::derive::Release;
use crate::finding::{Finding, Severity};
use crate::plan::{Bytes, Cause, Desired, Policy, Refused, Verdict};
use crate::rules::Scope;
use crate::yaml::Node;
use crate::yaml::keys::NO_OPTIONS;

/// The target.
pub static TARGET: Target = Target {
    name: "prow-jobs",
    group: prow_config::TARGET.group,
    about: "the jobs of OKD's ci-operator configs, among the jobs of others",
    place: "the CI config repository, one branch for all releases",
    owns: "jobs that are generated from configs of OKD's variant, in files that may hold others'",
    seeds: "nothing",
    leaves: "all other jobs, and what CI's dispatcher and people set in ours, such as `cluster`",
    options: &NO_OPTIONS,
    after: &[prow_config::TARGET.name],
    destinations: Destination::ci_config,
    reads: sources::reads,
    render: door,
    cut: Cut::Follows,
};

/// Renders the jobs of all configs onto the job files that are there.
fn door(ask: &Ask<'_>, actual: &Actual) -> Rendered {
    let mut actual = actual.clone();
    let sources = sources::all(ask, &actual);
    let mut findings = Vec::new();
    for path in sources.iter().flat_map(Source::paths) {
        if let Some(why) = actual.unreadable.get(&path) {
            let finding = Finding::new(Severity::Error, "unreadable-jobs", why.clone());
            findings.push(finding.with_place(actual.place(&path, None)));
            // This is no job file: it is reported and stays as it is.
            actual.files.insert(path, Bytes::from(&b"\0"[..]));
        }
    }
    let mut rendered = render(ask.release, &sources, &actual, ask.policy);
    rendered.findings.extend(findings);
    rendered
}

/// The branch's label and the list of a job file's name in the folder of a repository.
pub fn file_parts<'f>(file: &'f str, repo: &RepoName) -> Option<(&'f str, &'static str)> {
    names::taken_apart(file, repo, &LISTS)
}

/// Renders the jobs of all configs of a release onto the job files that are there.
pub fn render(release: &Release<'_>, sources: &[Source], actual: &Actual, policy: &Policy) -> Rendered {
    let scope = Maker::release_scope(release);
    let one = |source: &Source| {
        let file = Files {
            release,
            source,
            actual,
            policy,
        };
        (file.render(&scope), source.config.clone())
    };
    let mut rendered = Rendered::default();
    let all: Vec<_> = sources.par_iter().map_init(|| (), |(), source| one(source)).collect();
    for ((part, stuck), config) in all {
        rendered.files.extend(part.files);
        rendered.findings.extend(part.findings);
        if stuck {
            rendered.stuck.insert(config);
        }
    }
    for finding in &mut rendered.findings {
        finding.release.get_or_insert_with(|| release_name(release));
    }
    rendered
}

/// The job files of one config.
struct Files<'f> {
    release: &'f Release<'f>,
    source: &'f Source,
    actual: &'f Actual,
    policy: &'f Policy,
}

/// A job that should be there, and the rules behind it.
struct Rendering<'j> {
    draft: &'j Draft,
    made: Made,
}

impl Files<'_> {
    /// Files and findings, and whether the config is stuck.
    fn render(&self, scope: &Scope<'static>) -> (Rendered, bool) {
        let mut rendered = Rendered::default();
        let facts = match self.source.text.as_deref().map(facts::read).transpose() {
            Ok(facts) => facts.unwrap_or_default(),
            // The config's own target reports it.
            Err(_) => return (self.held(rendered), false),
        };
        if self.source.held {
            return (self.held(rendered), false);
        }
        let mut maker = Maker::new(self.release, scope, &self.source.repo, &self.source.branch, &facts);
        let drafts = maker.drafts(&facts);
        rendered.findings.append(&mut maker.findings);
        let Some(drafts) = drafts else {
            return (self.held(rendered), true);
        };
        self.note_periodics(&facts, &drafts, &mut rendered);
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

    /// All files as they are.
    fn held(&self, mut rendered: Rendered) -> Rendered {
        for list in LISTS {
            let path = names::path(&self.source.repo, &self.source.branch, list);
            if let Some(before) = self.actual.files.get(&path) {
                rendered
                    .files
                    .push(self.desired(path, Some(before.clone()), Some(before.clone()), true));
            }
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
        let file = JobFile::read(before.map(|bytes| &**bytes), list, &repo).map_err(|(line, why)| {
            let text = format!("the job file cannot be read: {why}");
            let help = "put the file right by hand; until then it stays as it is, and its config with it";
            findings.push(self.finding(Severity::Error, "unreadable-jobs", text, help, &path, line));
        })?;
        let variant = self.release.payload.variant.value.as_str();
        let ours: Vec<bool> = file.jobs.iter().map(|job| job.is_of(variant)).collect();
        let first = self.by_name(&file, &path, findings);
        let mut wanted = BTreeMap::new();
        for draft in drafts.iter().filter(|draft| draft.list == Some(list)) {
            if let Some(job) = first.get(&*draft.name).filter(|at| !is_set(&ours, **at)) {
                findings.push(self.taken(&draft.name, &path, file.jobs.get(*job)));
                continue;
            }
            let around = around(&file, draft, &ours, &first);
            let made = maker.make(draft, &around).ok_or(())?;
            wanted.insert(draft.name.clone(), Rendering { draft, made });
        }
        Ok(self.settle(path, before, &file, &ours, &first, wanted))
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

    fn cause(&self, field: &str, rule: Option<usize>) -> Cause {
        let rules = self.release.rules;
        let known = rules.candidates(crate::rules::Subject::Job, "body");
        let rule = rule.or_else(|| known.and_then(|known| known.setters.first().copied()));
        let rule = rule.and_then(|at| rules.rules.get(at));
        Cause {
            rule: rule.map(|rule| rule.id.clone()).unwrap_or_default(),
            rule_at: rule.map(|rule| rule.place.to_string()).unwrap_or_default(),
            field: field.to_owned(),
            item: None,
            component: self.source.repo.to_string(),
            images: self.source.images.clone(),
            old: None,
            new: None,
            because: rule.map(|rule| rule.because.clone()).unwrap_or_default(),
        }
    }

    fn removed(&self, job: &Job<'_>) -> Cause {
        let mut cause = self.cause("jobs[]", None);
        cause.item = Some(job.name.to_string());
        cause.old = Some(format!("runs on {}", job.cluster));
        cause.because = format!("{} has nothing that the job would run for", self.source.config);
        cause
    }

    /// The cause that speaks for a file whose last job goes.
    fn emptied(&self, causes: &[Cause]) -> Cause {
        let names: Vec<&str> = causes.iter().filter_map(|cause| cause.item.as_deref()).collect();
        let mut cause = self.cause("file", None);
        cause.old = Some(format!("has {}", names.join(", ")));
        cause.because = "its last job goes".to_owned();
        cause
    }

    /// Why a job is written: it is new, or differs in one or more of its fields.
    fn changed(&self, draft: &Draft, why: Why, node: &Node, there: Option<&Node>) -> Cause {
        let Some(there) = there else {
            let mut cause = self.cause("jobs[]", why.body);
            cause.item = Some(draft.name.clone());
            cause.new = Some(format!("runs for {}", draft.what));
            return cause;
        };
        let fields = |node: &Node| {
            node.as_map()
                .map(|map| map.keys().map(str::to_owned).collect())
                .unwrap_or_default()
        };
        let keys: BTreeSet<String> = fields(there);
        let mut keys: BTreeSet<String> = keys.union(&fields(node)).cloned().collect();
        keys.retain(|key| there.get(key) != node.get(key));
        let only_cluster = keys.len() == 1 && keys.contains("cluster");
        let rule = if only_cluster { why.cluster } else { why.body };
        let mut cause = self.cause("jobs[]", rule);
        cause.item = Some(draft.name.clone());
        let show = |node: &Node| {
            let shown = keys
                .iter()
                .filter_map(|key| Some(format!("{key}: {}", short(node.get(key)?))));
            let shown: Vec<String> = shown.collect();
            if shown.is_empty() { None } else { Some(shown.join(", ")) }
        };
        (cause.old, cause.new) = (show(there), show(node));
        cause
    }

    fn taken(&self, name: &str, path: &str, job: Option<&Job<'_>>) -> Finding {
        let text = format!("job {name} should be one of ours, but one that is not has its name");
        let help = "give that job another name, or the labels of a generated one";
        self.finding(
            Severity::Error,
            "job-name-taken",
            text,
            help,
            path,
            job.map_or(0, |job| job.line),
        )
    }

    fn note_periodics(&self, facts: &ConfigFacts, drafts: &[Draft], rendered: &mut Rendered) {
        let periodic = facts.tests.iter().filter(|test| test["periodic"] == true);
        let unwritten: Vec<&str> = drafts
            .iter()
            .filter(|draft| draft.list.is_none())
            .map(|d| d.what.as_str())
            .collect();
        if periodic.count() == 0 || unwritten.is_empty() {
            return;
        }
        let text = format!(
            "periodic tests have jobs that are not derived: {}",
            unwritten.join(", ")
        );
        let help = "let a rule write them (`list: periodics`), or run the repository's own generator";
        let finding = self.finding(Severity::Note, "periodic-job", text, help, &self.source.config, 0);
        rendered.findings.push(finding);
    }

    fn finding(
        &self,
        severity: Severity,
        code: &'static str,
        text: String,
        help: &str,
        path: &str,
        line: u32,
    ) -> Finding {
        let line = Some(line).filter(|line| *line > 0);
        Finding::new(severity, code, text)
            .with_place(self.actual.place(path, line))
            .with_component(self.source.repo.to_string())
            .with_help(help)
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

fn is_set(flags: &[bool], at: usize) -> bool {
    flags.get(at).copied().unwrap_or(false)
}

fn there_twice(file: &JobFile<'_>, first: &BTreeMap<&str, usize>, at: usize) -> bool {
    let name = file.jobs.get(at).map(|job| &*job.name).unwrap_or_default();
    first.get(name).is_some_and(|known| *known != at)
}

/// What a job's file says that its cluster depends on.
fn around(file: &JobFile<'_>, draft: &Draft, ours: &[bool], first: &BTreeMap<&str, usize>) -> Around {
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
        there: cluster(&draft.name),
        peer: cluster(draft.peer()),
        profile: profile.into_iter().map(|(name, _)| name.to_owned()).collect(),
    }
}

/// A value on one line, cut to a readable length.
fn short(node: &Node) -> String {
    const LONGEST: usize = 80;
    let text = match node.text() {
        Some(text) => text.to_owned(),
        None => serde_json::Value::from(node).to_string(),
    };
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}
