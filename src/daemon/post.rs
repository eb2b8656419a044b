//! Posts on the board what a run came to.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::known::Known;
use crate::base::{Origin, Release};
use crate::board::{
    Applied, Board, Gate, PullRequestState, PullRequestView, RateLimit, ReleaseView, ResultsView, SourceView, Time,
    View,
};
use crate::cut;
use crate::forge::{Outcome, Train};
use crate::github::Limit;
use crate::plan::{Plan, Scope};
use crate::results::answer::{Results, Unread};
use crate::run::Run;
use crate::targets;

/// What is posted from.
pub struct Posting<'a> {
    pub board: &'a Board,
    pub run: &'a Run,
    pub known: &'a BTreeMap<Release, Known>,
    /// Where the CI configs were read.
    pub ci: Option<Origin>,
    pub at: Time,
}

/// Files that differ, and since when.
type Since = BTreeMap<(String, String), Time>;

impl Posting<'_> {
    /// Nothing could be derived at all.
    pub fn unreadable(&self, error: &str) {
        self.board.update(|view| {
            if view.releases.is_empty() {
                view.readiness.sources = Gate::Closed(error.to_owned());
            }
            view.readiness.store = self.store();
            for source in view.sources.values_mut() {
                source.error.get_or_insert_with(|| error.to_owned());
            }
        });
    }

    /// Releases were derived and planned.
    pub fn derived(&self, releases: &[Release], failed: &BTreeMap<Release, String>, plan: &Arc<Plan>) {
        self.board.update(|view| {
            let before = std::mem::take(&mut view.releases);
            for release in releases {
                let was = before.get(release).map(|was| &**was);
                let is = self.release(*release, was, failed.get(release), plan);
                view.releases.insert(*release, Arc::new(is));
            }
            view.plan = Arc::clone(plan);
            view.applied = Arc::default();
            view.sources = self.sources();
            view.readiness.store = self.store();
            self.gate_sources(view, releases, failed);
            view.readiness.comparison = Some(comparison(plan));
        });
    }

    fn gate_sources(&self, view: &mut View, releases: &[Release], failed: &BTreeMap<Release, String>) {
        let missing: Vec<String> = releases
            .iter()
            .filter(|release| !self.known.contains_key(release))
            .map(|release| {
                let why = failed.get(release).map_or("not derived yet", String::as_str);
                format!("{release}: {why}")
            })
            .collect();
        view.readiness.sources = match missing.as_slice() {
            [] => Gate::Ready,
            missing => Gate::Closed(missing.join("; ")),
        };
    }

    fn release(&self, release: Release, was: Option<&ReleaseView>, error: Option<&String>, plan: &Plan) -> ReleaseView {
        let known = self.known.get(&release);
        ReleaseView {
            release,
            build_config: known.map(|known| Arc::clone(&known.document)),
            findings: known.map_or_else(Vec::new, |known| self.run.heard(known.rendering.findings.clone())),
            derived_at: known.map_or(0, |known| known.at),
            drift_since: self.since(release, was, error.is_some(), plan),
            error: error.cloned(),
        }
    }

    /// Since when each file differs: as before where it did before.
    fn since(&self, release: Release, was: Option<&ReleaseView>, failed: bool, plan: &Plan) -> Since {
        let before = match was {
            Some(was) => was.drift_since.clone(),
            None => self
                .run
                .store()
                .noted(&since_key(release))
                .map_or_else(Since::new, unflat),
        };
        if failed {
            return before;
        }
        let text = release.to_string();
        let ours = plan.pull_requests.iter().filter(|pull| pull.scope.release == text);
        let files = ours.flat_map(|pull| {
            let repo = pull.scope.repo.to_string();
            pull.files.iter().map(move |file| (repo.clone(), file.path.clone()))
        });
        let since: Since = files
            .map(|file| {
                let at = before.get(&file).copied().unwrap_or(self.at);
                (file, at)
            })
            .collect();
        if was.is_none() || since != before {
            self.run.store().note(&since_key(release), &flat(&since));
        }
        since
    }

    /// What is read, by name.
    fn sources(&self) -> BTreeMap<String, SourceView> {
        let mut sources = BTreeMap::new();
        for (release, known) in self.known {
            let name = format!("build-data {release}");
            sources.insert(name, self.source(&known.build_data, known.at));
            for (repo, origin) in &known.components {
                let name = format!("{repo} {}", origin.branch).trim_end().to_owned();
                sources.insert(name, self.source(origin, known.at));
            }
        }
        if let Some(ci) = &self.run.config().sources.ci_config {
            let repo = ci.name().map_or_else(|| ci.repo().to_string(), |name| name.to_string());
            let source = SourceView {
                repo,
                branch: self
                    .ci
                    .as_ref()
                    .map(|read| ci.base(read))
                    .or(ci.branch.clone())
                    .unwrap_or_default(),
                commit: self.ci.as_ref().and_then(|read| read.commit.clone()),
                read_at: Some(self.at),
                error: None,
            };
            sources.insert("ci-config".to_owned(), source);
        }
        sources
    }

    fn source(&self, origin: &Origin, at: Time) -> SourceView {
        SourceView {
            repo: origin.name.clone(),
            branch: origin.branch.clone(),
            commit: origin.commit.clone(),
            read_at: Some(at),
            error: None,
        }
    }

    fn store(&self) -> Gate {
        match self.run.store().is_usable() {
            true => Gate::Ready,
            false => Gate::Closed(format!(
                "the state in {} cannot be used: runs go without the cache",
                self.run.config().state.display()
            )),
        }
    }

    /// Results of builds were looked at; `None`: none are configured.
    pub fn results(&self, found: Option<Results>) {
        for Unread { source, why } in found.iter().flat_map(|found| &found.unread) {
            tracing::warn!("{source} could not be read: {why}");
        }
        let shown = found.map(|results| ResultsView { results, at: self.at });
        self.board.update(|view| view.results = shown.map(Arc::new));
    }

    /// GitHub has said what is left of its limits; one of which nothing was heard stays as it was.
    pub fn limits(&self, limits: BTreeMap<String, Limit>) {
        if limits.is_empty() {
            return;
        }
        self.board.update(|view| {
            for (api, Limit { left, limit, resets_at }) in limits {
                view.rate_limits.insert(api, RateLimit { left, limit, resets_at });
            }
        });
    }

    /// The pull requests were looked at and, unless it was a dry run, written.
    pub fn written(&self, plan: &Plan, applied: &Arc<Applied>) {
        let Applied { dry_run, outcomes, .. } = &**applied;
        self.board.update(|view| {
            view.applied = Arc::clone(applied);
            let before = std::mem::take(&mut view.pull_requests);
            let was = |outcome: &Outcome| before.iter().find(|was| was.scope == outcome.scope);
            view.pull_requests = outcomes
                .iter()
                .map(|outcome| self.pull_request(outcome, was(outcome), *dry_run))
                .collect();
            let looked_at = |scope: &Scope| plan.pull_requests.iter().any(|pull| pull.scope == *scope);
            let ours = |scope: &Scope| self.known.keys().any(|release| release.to_string() == scope.release);
            let left = before
                .into_iter()
                .filter(|was| !looked_at(&was.scope) && ours(&was.scope));
            view.pull_requests.extend(left);
            view.pull_requests.sort_by(|a, b| a.scope.cmp(&b.scope));
            view.readiness.forge = forge(outcomes);
        });
    }

    /// Branch cuts have steps left. `under_way`: the one that somebody has begun.
    pub fn cuts(&self, trains: &[Arc<cut::show::View>], under_way: Option<&Train>) {
        self.board.update(|view| {
            // As long as nobody has begun it, the service's own pull requests take its steps.
            let group = targets::promoting().map_or("", |target| target.group);
            let open = |release: &str| {
                let ours = |shown: &&PullRequestView| shown.scope.release == release && shown.scope.group == group;
                let mut shown = view.pull_requests.iter().filter(ours);
                let open = shown.find(|shown| shown.state == PullRequestState::Open)?;
                Some(format!("the merge of {}", open.scope.head()))
            };
            let shown = |train: &Arc<cut::show::View>| {
                let its = under_way.filter(|found| {
                    let ends = [found.step.from, found.step.to].map(|release| release.to_string());
                    ends.iter().all(|release| train.releases.contains(release))
                });
                let mut view = cut::show::View::clone(train);
                view.waits_for = match its {
                    Some(found) => Some(found.waits_for()),
                    None => view.steps.first().and_then(|step| open(&step.release)),
                };
                view.number_from(its.map_or(1, |found| found.first_of(&view.steps)));
                Arc::new(view)
            };
            view.trains = trains.iter().map(shown).collect();
        });
    }

    fn pull_request(&self, outcome: &Outcome, was: Option<&PullRequestView>, dry: bool) -> PullRequestView {
        let mut view = PullRequestView::after(outcome, self.at, was);
        if dry && outcome.error.is_none() && !outcome.writes.is_empty() {
            view.state = PullRequestState::Planned;
            let same = was.filter(|was| was.state == view.state);
            view.since = same.map_or(self.at, |was| was.since);
        }
        view
    }
}

/// Whether anything was compared: not where every file is kept as it is since something could not be read or evaluated.
fn comparison(plan: &Plan) -> Gate {
    match plan.not_compared.first() {
        Some(first) if plan.held >= plan.looked_at => Gate::Closed(format!("nothing was compared: {first}")),
        _ => Gate::Ready,
    }
}

/// Whether the forge answers: not where every look at a pull request failed.
fn forge(outcomes: &[Outcome]) -> Gate {
    let errors: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.error.as_ref()).collect();
    match errors.first() {
        Some(error) if errors.len() == outcomes.len() => Gate::Closed(error.to_string()),
        _ => Gate::Ready,
    }
}

fn since_key(release: Release) -> String {
    format!("drift-since {release}")
}

/// JSON has texts for keys only.
fn flat(since: &Since) -> Vec<(&str, &str, Time)> {
    let flat = since
        .iter()
        .map(|((repo, path), at)| (repo.as_str(), path.as_str(), *at));
    flat.collect()
}

fn unflat(flat: Vec<(String, String, Time)>) -> Since {
    flat.into_iter().map(|(repo, path, at)| ((repo, path), at)).collect()
}
