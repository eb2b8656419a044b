//! Makes the plan: sorts desired files into pull requests and holds them against the policy.

use std::collections::{BTreeMap, BTreeSet};

use super::body;
use super::change::{
    Accepted, ChangeKind, FileChange, Left, NEW_FILE, OTHER_CHANGE, Plan, PullRequest, REMOVED_FILE, Scope, WHOLE_FILE,
    Words,
};
use super::compared;
use super::desired::{Cause, Desired, Refused};
use super::names::{Doubt, Names};
use super::order;
use super::policy::Policy;
use super::reach::Reach;
use super::scope::CUT;
use super::step::{CUT_BESIDE, Step};
use super::upstream::Upstream;
use super::verdict::Verdict;
use crate::base::path_fault;
use crate::finding::policy::AuditPolicy;
use crate::finding::{Finding, Severity};

/// What a plan is made of.
#[derive(Clone, Debug, Default)]
pub struct Input {
    /// Every file that targets looked at.
    pub desired: Vec<Desired>,
    /// What was found on the way.
    pub findings: Vec<Finding>,
    /// Adoption and acceptance; the one that targets asked.
    pub policy: Policy,
    /// A pull request with more removals than this is withheld.
    pub max_removals: usize,
    /// The run looked at everything that is configured: acceptances that cover nothing are findings.
    pub whole: bool,
    /// What the releases were derived from.
    pub upstream: Vec<Upstream>,
    /// Where the service shows whole plans, `https://…`, if there is one.
    pub service: Option<String>,
    /// Where people find the rule files, `https://…`, where that is known.
    pub rules_web: Option<String>,
    /// Which findings are shown, and how much they matter.
    pub audit: AuditPolicy,
    /// How far the run has looked, by release and group; everything, where nothing is said.
    pub reach: BTreeMap<(String, String), Reach>,
    /// The step of a branch cut that it is, if it is one: its pull request has a group of its own.
    pub step: Option<Step>,
    /// What there is to name, where the run has seen all of it: names in the configuration that nothing has are findings,
    /// and in doubt nothing is written on their account.
    pub names: Option<Names>,
    /// The words of pull requests, by release and group, where there are any.
    pub words: BTreeMap<(String, String), Words>,
}

/// A file that stays as it is.
struct Right {
    scope: Scope,
    path: String,
    component: Option<String>,
}

impl Right {
    fn of(scope: Scope, file: &Desired) -> Self {
        Self {
            scope,
            path: file.path.clone(),
            component: file.component.clone(),
        }
    }
}

/// What is being put together.
struct Builder {
    policy: Policy,
    max_removals: usize,
    plan: Plan,
    scopes: BTreeMap<Scope, BTreeMap<String, PullRequest>>,
    accepted: BTreeMap<usize, Vec<Left>>,
    releases: BTreeSet<String>,
    upstream: Vec<Upstream>,
    service: Option<String>,
    rules_web: Option<String>,
    audit: AuditPolicy,
    reach: BTreeMap<(String, String), Reach>,
    step: Option<Step>,
    words: BTreeMap<(String, String), Words>,
    /// What acceptances may be meant for that name something which nothing has.
    doubts: Vec<Doubt>,
    /// The files that stay as they are.
    right: Vec<Right>,

    /// What differs and is not adopted: files and components.
    unadopted: BTreeSet<(Scope, String)>,
}

impl Plan {
    /// Sorts desired files into pull requests. The same input, in whatever order, makes the same plan.
    pub fn build(input: Input) -> Self {
        let Input {
            mut desired,
            findings,
            policy,
            max_removals,
            whole,
            upstream,
            service,
            rules_web,
            audit,
            reach,
            step,
            names,
            words,
        } = input;
        if step.is_some() {
            let own = desired.iter_mut().filter(|file| !file.group.starts_with(CUT_BESIDE));
            own.for_each(|file| file.group = CUT.to_owned());
        }
        desired.sort_by(|a, b| sort_key(a).cmp(&sort_key(b)));
        let (mut findings, mut doubts) = (findings, Vec::new());
        if let Some(mut names) = names {
            names.see(&desired);
            findings.extend(names.adopted(&policy));
            let (found, told) = names.doubtful(&policy);
            findings.extend(told);
            doubts = found;
        }
        let plan = Plan {
            findings,
            looked_at: desired.iter().filter(|file| !file.is_nowhere()).count(),
            ..Plan::default()
        };
        let mut builder = Builder {
            policy,
            max_removals,
            plan,
            scopes: BTreeMap::new(),
            accepted: BTreeMap::new(),
            releases: BTreeSet::new(),
            upstream,
            service,
            rules_web,
            audit,
            reach,
            step,
            words,
            doubts,
            right: Vec::new(),
            unadopted: BTreeSet::new(),
        };
        for file in desired {
            builder.take(file);
        }
        builder.finish(whole)
    }
}

type SortKey<'a> = (
    &'a crate::base::RepoName,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    &'a str,
    Option<&'a [u8]>,
);

fn sort_key(d: &Desired) -> SortKey<'_> {
    (
        &d.repo,
        &d.release,
        &d.group,
        &d.branch,
        &d.path,
        &d.target,
        d.after.as_deref(),
    )
}

impl Builder {
    /// Takes one file: into its pull request, or onto the list of what is left alone.
    fn take(&mut self, mut file: Desired) {
        let scope = scope_of(&file);
        self.releases.insert(file.release.clone());
        for Refused { cause, verdict } in std::mem::take(&mut file.refused) {
            self.leave(&file, cause, verdict);
        }
        let reach = self.reach_of(&scope);
        let words = self.words.get(&(scope.release.clone(), scope.group.clone())).cloned();
        let pr = self
            .scopes
            .entry(scope.clone())
            .or_default()
            .entry(file.branch.clone())
            .or_insert_with(|| PullRequest {
                words: words.unwrap_or_default(),
                ..empty_pull_request(scope.clone(), file.branch.clone(), reach)
            });
        if file.held {
            let is_there = !file.is_nowhere();
            pr.held.insert(file.path);
            let images = file.images.into_iter();
            self.plan
                .held_images
                .extend(images.map(|tag| (file.release.clone(), tag)));
            self.plan.held += usize::from(is_there);
            return;
        }
        if file.before == file.after {
            self.right.push(Right::of(scope, &file));
            return;
        }
        if let Some(why) = path_fault(&file.path) {
            let message = format!("`{}` cannot be written: {why}", file.path);
            self.find(Severity::Error, "unsafe-path", message, &file);
            return;
        }
        if self.allowed(&mut file) && !self.is_in_doubt(&scope, &file) {
            self.add(&scope, file);
        }
    }

    /// Keeps a file as it is, and as it is proposed, that somebody may have meant to accept.
    fn is_in_doubt(&mut self, scope: &Scope, file: &Desired) -> bool {
        let covered = |cause: &Cause| self.doubts.iter().any(|doubt| doubt.may_cover(cause, &file.release));
        if !file.causes.iter().any(covered) {
            return false;
        }
        let prs = self.scopes.get_mut(scope).into_iter().flat_map(BTreeMap::values_mut);
        for pr in prs.filter(|pr| pr.base == file.branch) {
            pr.held.insert(file.path.clone());
        }
        self.plan.doubtful += 1;
        true
    }

    /// Holds a change against the policy once more: for whole files (new, removed) nobody else has asked.
    fn allowed(&mut self, file: &mut Desired) -> bool {
        file.causes = whole_file_causes(file);
        let verdicts: Vec<Verdict> = file
            .causes
            .iter()
            .map(|c| self.policy.verdict(c, &file.release))
            .collect();
        if verdicts.iter().all(|v| *v == Verdict::Apply) {
            return true;
        }
        if verdicts.contains(&Verdict::Apply) && file.after.is_some() {
            // Writing it would put right what somebody accepted; a target that asks the policy never comes here.
            let message = format!(
                "`{}` mixes what is applied with what is refused and is left alone",
                file.path
            );
            self.find(Severity::Error, "policy-not-applied", message, file);
        }
        let causes = std::mem::take(&mut file.causes);
        for (cause, verdict) in causes.into_iter().zip(verdicts) {
            self.leave(file, cause, verdict);
        }
        self.right.push(Right::of(scope_of(file), file));
        false
    }

    fn leave(&mut self, file: &Desired, cause: Cause, verdict: Verdict) {
        let left = Left {
            repo: file.repo.to_string(),
            path: file.path.clone(),
            release: file.release.clone(),
            cause,
        };
        match verdict {
            Verdict::Apply => {}
            Verdict::Accepted(index) => self.accepted.entry(index).or_default().push(left),
            Verdict::NotAdopted => {
                let names = file.component.iter().chain([&file.path]);
                self.unadopted.extend(names.map(|name| (scope_of(file), name.clone())));
                self.plan.not_adopted.push(left);
            }
        }
    }

    /// How far the run has looked at what a pull request is about.
    fn reach_of(&self, scope: &Scope) -> Reach {
        let key = (scope.release.clone(), scope.group.clone());
        self.reach.get(&key).cloned().unwrap_or_default()
    }

    /// Tells files that are right from those that only stay as they are since they, or what they follow, are not adopted or
    /// were not looked at: what an open pull request proposes for the latter stays proposed.
    fn settle(&mut self) {
        for right in std::mem::take(&mut self.right) {
            let Right { scope, path, component } = right;
            let names = component.iter().chain([&path]);
            let mut keys = names.map(|name| (scope.clone(), name.clone()));
            // Where another target was left out, nobody has asked whether what this one follows is adopted.
            let asked =
                self.reach_of(&scope).whole || self.policy.adopt.takes_all_of(component.as_deref(), &scope.release);
            let waits = keys.any(|key| self.unadopted.contains(&key)) || !asked;
            for pr in self.scopes.get_mut(&scope).into_iter().flat_map(BTreeMap::values_mut) {
                let list = if waits { &mut pr.held } else { &mut pr.settled };
                list.insert(path.clone());
            }
        }
    }

    /// Adds a change; of two that want one path differently neither is taken.
    fn add(&mut self, scope: &Scope, file: Desired) {
        let Some(pr) = self
            .scopes
            .get_mut(scope)
            .and_then(|branches| branches.get_mut(&file.branch))
        else {
            return;
        };
        let Some(last) = pr.files.last_mut().filter(|last| last.path == file.path) else {
            pr.files.push(change(file));
            return;
        };
        if last.after == file.after {
            last.causes.extend(file.causes);
            last.notes.extend(file.notes);
            return;
        }
        let message = format!(
            "`{}`: {} and {} want different content",
            file.path, last.target, file.target
        );
        self.find(Severity::Error, "path-conflict", message, &file);
        if let Some(pr) = self
            .scopes
            .get_mut(scope)
            .and_then(|branches| branches.get_mut(&file.branch))
        {
            pr.held.insert(file.path.clone());
        }
    }

    fn find(&mut self, severity: Severity, code: &'static str, message: String, file: &Desired) {
        let mut finding = Finding::new(severity, code, message).with_release(&file.release);
        finding.component.clone_from(&file.component);
        self.plan.findings.push(finding);
    }

    fn finish(mut self, whole: bool) -> Plan {
        self.settle();
        for (scope, branches) in std::mem::take(&mut self.scopes) {
            let bases: Vec<String> = branches.keys().cloned().collect();
            for (at, (_, mut pr)) in branches.into_iter().enumerate() {
                let PullRequest { files, held, .. } = &mut pr;
                files.retain(|file| !held.contains(&file.path));
                if at > 0 {
                    pr.blocked = Some(format!("{scope} already goes to branch {}", bases[0]));
                }
                self.seal(pr);
            }
        }
        self.judge_acceptances(whole);
        let plan = &mut self.plan;
        plan.not_compared.extend(compared::not_compared(&plan.findings));
        plan.not_compared.sort();
        let heard = self.audit.heard(std::mem::take(&mut plan.findings), self.policy.today);
        plan.findings = heard.shown;
        plan.suppressed = heard.suppressed.values().map(Vec::len).sum();
        plan.not_adopted.sort();
        order::arrange(&mut plan.pull_requests, &self.upstream);
        let context = body::Context {
            findings: &plan.findings,
            accepted: &plan.accepted,
            not_adopted: &plan.not_adopted,
            upstream: &self.upstream,
            service: self.service.as_deref(),
            rules_web: self.rules_web.as_deref(),
        };
        for pr in &mut plan.pull_requests {
            pr.step.clone_from(&self.step);
            pr.title = body::title(pr);
            pr.body = body::body(pr, context);
        }
        self.plan
    }

    /// Completes a pull request and withholds it if it removes too much.
    fn seal(&mut self, mut pr: PullRequest) {
        for file in &mut pr.files {
            file.causes.sort();
            file.causes.dedup();
            file.notes.sort();
            file.notes.dedup();
        }
        let removed = pr.counts().removed;
        if pr.blocked.is_none() && removed > self.max_removals {
            let why = format!(
                "it would remove {removed} files, more than the {} that are allowed",
                self.max_removals
            );
            pr.blocked = Some(why);
        }
        if let (Some(why), false) = (&pr.blocked, pr.files.is_empty()) {
            let message = format!("the pull request for {} is withheld: {why}", pr.scope);
            let finding = Finding::new(Severity::Warning, "pull-request-withheld", message);
            self.plan.findings.push(finding.with_release(&pr.scope.release));
        }
        pr.digest = digest(&pr.files);
        self.plan.pull_requests.push(pr);
    }

    /// Lists the acceptances that were used, and finds those that have expired or cover nothing.
    fn judge_acceptances(&mut self, whole: bool) {
        for (index, accept) in self.policy.accept.iter().enumerate() {
            let at = accept.at.as_deref().map(|at| format!("{at}: ")).unwrap_or_default();
            let what = format!("{at}the acceptance of `{}` by {}", accept.cause, accept.author);
            if let (true, Some(until)) = (accept.expired(self.policy.today), accept.until) {
                let message = format!("{what} ended on {until}");
                let finding = Finding::new(Severity::Warning, "acceptance-expired", message);
                self.plan
                    .findings
                    .push(finding.with_help("remove it, or agree on a later `until`"));
                continue;
            }
            if let Some(mut left) = self.accepted.remove(&index) {
                left.sort();
                self.plan.accepted.push(Accepted {
                    accept: accept.clone(),
                    left,
                });
            } else if self.doubts.iter().any(|doubt| doubt.accept == index) {
                // It has a wrong name, which is told: what it covers nobody can say.
            } else if whole && accept.release.as_ref().is_none_or(|r| self.releases.contains(r)) {
                let finding = Finding::new(Severity::Warning, "acceptance-unused", format!("{what} covers nothing"));
                self.plan
                    .findings
                    .push(finding.with_help("nothing differs there any more: remove it"));
            }
        }
    }
}

fn scope_of(file: &Desired) -> Scope {
    Scope {
        repo: file.repo.clone(),
        release: file.release.clone(),
        group: file.group.clone(),
    }
}

impl PullRequest {
    /// One that wants nothing: whatever is open for it has lost its reason.
    pub fn empty(repo: crate::base::RepoName, release: &str, group: &str, base: &str) -> Self {
        let scope = Scope {
            repo,
            release: release.to_owned(),
            group: group.to_owned(),
        };
        empty_pull_request(scope, base.to_owned(), Reach::default())
    }
}

fn empty_pull_request(scope: Scope, base: String, reach: Reach) -> PullRequest {
    PullRequest {
        scope,
        base,
        files: Vec::new(),
        held: BTreeSet::new(),
        settled: BTreeSet::new(),
        reach,
        step: None,
        yields: None,
        carried: 0,
        depends: BTreeSet::new(),
        turn: u32::MAX,
        blocked: None,
        words: Words::default(),
        title: String::new(),
        body: String::new(),
        digest: String::new(),
    }
}

fn kind(file: &Desired) -> ChangeKind {
    match (&file.before, &file.after) {
        (None, _) => ChangeKind::New,
        (Some(_), Some(_)) => ChangeKind::Changed,
        (Some(_), None) => ChangeKind::Removed,
    }
}

fn change(file: Desired) -> FileChange {
    let kind = kind(&file);
    let mut images = file.images;
    images.sort();
    images.dedup();
    FileChange {
        path: file.path,
        kind,
        target: file.target,
        component: file.component,
        images,
        before: file.before,
        after: file.after,
        causes: file.causes,
        notes: file.notes,
    }
}

/// The causes of a change: of a new file those that speak for all of it, and where a target gave none, one that does.
fn whole_file_causes(file: &mut Desired) -> Vec<Cause> {
    if kind(file) == ChangeKind::New {
        file.causes.retain(|cause| cause.field == WHOLE_FILE);
    }
    let (rule, because) = match kind(file) {
        _ if !file.causes.is_empty() => return std::mem::take(&mut file.causes),
        ChangeKind::New => (NEW_FILE, "Metadata asks for it and it is not there yet."),
        ChangeKind::Removed => (REMOVED_FILE, "Metadata no longer asks for it."),
        ChangeKind::Changed => (OTHER_CHANGE, "The file differs from what is derived."),
    };
    vec![Cause {
        rule: rule.to_owned(),
        rule_at: String::new(),
        field: WHOLE_FILE.to_owned(),
        item: None,
        component: file.component.clone().unwrap_or_default(),
        images: file.images.clone(),
        old: None,
        new: None,
        because: because.to_owned(),
    }]
}

/// The digest of paths and contents: git's own, so that it needs no further library.
fn digest(files: &[FileChange]) -> String {
    let oid = |bytes: &[u8]| git2::Oid::hash_object(git2::ObjectType::Blob, bytes);
    // libgit2 fails here only when it is out of memory.
    let content = |file: &FileChange| {
        file.after
            .as_deref()
            .map(|bytes| oid(bytes).map_or_else(|_| String::new(), |oid| oid.to_string()))
    };
    digest_of(files.iter().map(|file| (file.path.as_str(), content(file))))
}

/// The digest of what a pull request changes, from the paths and the ids of their blobs; `None`: the path goes.
pub fn digest_of<'p>(contents: impl Iterator<Item = (&'p str, Option<String>)>) -> String {
    use std::fmt::Write as _;
    let mut listing = String::new();
    for (path, content) in contents {
        let _ = writeln!(listing, "{} {path}", content.as_deref().unwrap_or("-"));
    }
    let oid = git2::Oid::hash_object(git2::ObjectType::Blob, listing.as_bytes());
    oid.map_or_else(|_| String::new(), |oid| oid.to_string())
}
