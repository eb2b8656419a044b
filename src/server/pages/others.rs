//! Pull requests, findings, and the train of a branch cut.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::image::FindingView;
use super::words::When;
use super::{Moment, links};
use crate::board::{PullRequestState, PullRequestView};
use crate::finding::{Finding, Severity};
use crate::plan::PullRequest;

/// The page of pull requests.
#[derive(Serialize)]
pub(super) struct Requests {
    requests: Vec<RequestView>,
    in_sync: usize,
    /// Those with nothing to change of which not everything could be compared.
    unsure: usize,
}

#[derive(Serialize)]
struct RequestView {
    repo: String,
    release: String,
    group: String,
    title: String,
    head: String,
    state: &'static str,
    class: &'static str,
    url: Option<String>,
    since: When,
    note: String,
    blocked: Option<String>,
    new: usize,
    changed: usize,
    removed: usize,
}

impl Requests {
    pub(super) fn of(look: &Moment<'_>) -> Self {
        let of_plan: BTreeMap<_, &PullRequest> = look
            .view
            .plan
            .pull_requests
            .iter()
            .map(|wanted| (&wanted.scope, wanted))
            .collect();
        let (in_sync, others): (Vec<_>, Vec<_>) = look
            .view
            .pull_requests
            .iter()
            .partition(|shown| shown.state == PullRequestState::InSync);
        let compared = in_sync
            .iter()
            .filter(|shown| look.view.plan.compares(&shown.scope.release))
            .count();
        let view = |shown: &&PullRequestView| request(look, shown, of_plan.get(&shown.scope).copied());
        Self {
            requests: others.iter().map(view).collect(),
            in_sync: compared,
            unsure: in_sync.len() - compared,
        }
    }
}

fn request(look: &Moment<'_>, shown: &PullRequestView, wanted: Option<&PullRequest>) -> RequestView {
    let counts = wanted.map(PullRequest::counts).unwrap_or_default();
    RequestView {
        repo: shown.scope.repo.to_string(),
        release: shown.scope.release.clone(),
        group: shown.scope.group.clone(),
        title: wanted.map(|wanted| wanted.title.clone()).unwrap_or_default(),
        head: shown.scope.head(),
        state: shown.state.name(),
        class: class(shown.state),
        url: shown.url.as_deref().and_then(links::web),
        since: When::of(look, shown.since),
        note: shown.note.clone(),
        blocked: wanted.and_then(|wanted| wanted.blocked.clone()),
        new: counts.new,
        changed: counts.changed,
        removed: counts.removed,
    }
}

/// The mark of a state.
fn class(state: PullRequestState) -> &'static str {
    match state {
        PullRequestState::InSync => "ok",
        PullRequestState::Open | PullRequestState::Held => "pr",
        PullRequestState::Waiting => "wt",
        PullRequestState::Planned | PullRequestState::Refused => "df",
        PullRequestState::Withheld | PullRequestState::Failed => "br",
    }
}

/// Which findings.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    release: String,
    #[serde(default)]
    severity: String,
}

/// The page of findings.
#[derive(Serialize)]
pub(super) struct Findings {
    release: String,
    severity: String,
    releases: Vec<String>,
    severities: Vec<(String, usize)>,
    groups: Vec<GroupView>,
}

/// Findings of one code and help.
#[derive(Serialize)]
struct GroupView {
    severity: String,
    code: String,
    help: Option<String>,
    findings: Vec<FindingView>,
    left_out: usize,
}

/// How many findings of one code a page has.
const MOST: usize = 100;

impl Findings {
    pub(super) fn of(look: &Moment<'_>, which: Which) -> Self {
        let of_release = |finding: &&Finding| {
            let release = finding.release.as_deref();
            which.release.is_empty() || release.is_none_or(|release| release == which.release)
        };
        let found: Vec<Finding> = look.view.plan.findings.iter().filter(of_release).cloned().collect();
        let severities = [Severity::Error, Severity::Warning, Severity::Note].map(|severity| {
            let count = found.iter().filter(|finding| finding.severity == severity).count();
            (severity.to_string(), count)
        });
        let chosen = |finding: &&Finding| which.severity.is_empty() || finding.severity.to_string() == which.severity;
        let shown: Vec<Finding> = found.iter().filter(chosen).cloned().collect();
        Self {
            releases: look.view.releases.keys().map(ToString::to_string).collect(),
            severities: severities.to_vec(),
            groups: crate::finding::group(&crate::finding::by_component(&shown))
                .iter()
                .filter_map(group)
                .collect(),
            release: which.release,
            severity: which.severity,
        }
    }
}

fn group(group: &crate::finding::Group<'_>) -> Option<GroupView> {
    let first = group.findings.first()?;
    Some(GroupView {
        severity: first.severity.to_string(),
        code: first.code.to_string(),
        help: first.help.clone(),
        findings: group
            .findings
            .iter()
            .take(MOST)
            .map(|finding| FindingView::from(*finding))
            .collect(),
        left_out: group.findings.len().saturating_sub(MOST),
    })
}

/// The page of branch cuts.
#[derive(Serialize)]
pub(super) struct Cut {
    trains: Vec<Train>,
}

#[derive(Serialize)]
struct Train {
    name: String,
    steps: Vec<Step>,
    stuck: Vec<(String, String)>,
    /// What verifies the payloads in the end, a sentence, whether something is missing, and the page of what verifies it now.
    payloads: Vec<(String, bool, String)>,
    waits_for: Option<String>,
}

#[derive(Serialize)]
struct Step {
    number: usize,
    title: String,
    because: String,
    head: String,
    request: Option<(String, String)>,
    components: Vec<String>,
    changes: Vec<(&'static str, usize)>,
    files: Vec<(&'static str, String)>,
    checks: Vec<(&'static str, &'static str, Option<String>)>,
}

impl Cut {
    pub(super) fn of(look: &Moment<'_>) -> Self {
        let train = |train: &std::sync::Arc<crate::cut::show::View>| Train {
            name: train.releases.join(" → "),
            steps: train.steps.iter().map(|at| step(look, at)).collect(),
            stuck: train
                .stuck
                .iter()
                .map(|stuck| (stuck.path.clone(), stuck.why.clone()))
                .collect(),
            payloads: train
                .payloads
                .iter()
                .map(|one| (one.told(), !one.missing.is_empty(), links::verification(&one.release)))
                .collect(),
            waits_for: train.waits_for.clone(),
        };
        Self {
            trains: look.view.trains.iter().map(train).collect(),
        }
    }
}

/// The pull request of the first step, where one is open; those after it are made once it is merged.
fn request_of(look: &Moment<'_>, step: &crate::cut::show::StepView) -> Option<(String, String)> {
    let mut requests = look.view.pull_requests.iter();
    let is_its = |shown: &&PullRequestView| shown.state == PullRequestState::Open && shown.scope.head() == step.head;
    let url = requests.find(is_its).filter(|_| step.number == 1)?.url.as_deref();
    let url = links::web(url?)?;
    Some((links::number(&url), url))
}

/// How a check is marked: where something was wrong before the step, it is neither broken by it nor well.
fn mark(check: &crate::cut::Check) -> &'static str {
    match (check.broken_by.is_empty(), check.wrong_before.is_empty()) {
        (false, _) => "br",
        (true, false) => "df",
        (true, true) => "ok",
    }
}

fn step(look: &Moment<'_>, step: &crate::cut::show::StepView) -> Step {
    let count = |change: &str| step.files.iter().filter(|file| file.change == change).count();
    let changes = ["new", "changed", "removed"].map(|change| (change, count(change)));
    Step {
        number: step.number,
        title: step.title.clone(),
        because: step.because.clone(),
        head: step.head.clone(),
        request: request_of(look, step),
        components: step.components.clone(),
        changes: changes.into_iter().filter(|(_, count)| *count > 0).collect(),
        files: step.files.iter().map(|file| (file.change, file.path.clone())).collect(),
        checks: step
            .checks
            .iter()
            .map(|check| (mark(check), check.check, check.told()))
            .collect(),
    }
}
