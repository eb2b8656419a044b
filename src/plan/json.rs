//! A plan as JSON: the stable form of `plan --format json`.

use schemars::JsonSchema;
use serde::Serialize;

use super::change::{Accepted, ChangeKind, Counts, FileChange, Left, Plan, PullRequest, Scope, WhatIf};
use super::compared::NotCompared;
use super::desired::Cause;
use super::diff::unified;
use crate::base::Color;
use crate::finding::Finding;

/// The version of this form. It changes when a field changes its meaning or goes; new fields don't change it.
pub const VERSION: u32 = 1;

/// A plan: everything that a run would change, and what it would leave.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlanView<'a> {
    /// The version of this form, 1.
    pub version: u32,
    /// Whether anything is to be put right.
    pub drift: bool,
    /// Whether everything that was asked for was compared, and nothing is to be put right.
    pub in_sync: bool,
    /// What was asked for and could not be compared.
    pub not_compared: &'a [NotCompared],
    /// How many files change.
    pub counts: Counts,
    /// How many files were looked at.
    pub looked_at: usize,
    /// How many files could not be derived and stay as they are.
    pub held: usize,
    /// The pull requests that change something, sorted by repository, release and group.
    pub pull_requests: Vec<PullRequestView<'a>>,
    /// The accepted deviations that cover something.
    pub accepted: Vec<AcceptedView<'a>>,
    /// What differs and is not adopted.
    pub not_adopted: &'a [Left],
    /// What was found, errors first.
    pub findings: &'a [Finding],
    /// How many findings a suppression covers; `audit` shows which.
    pub suppressed: usize,
    /// What was tried out; absent where nothing was. With it, the plan is what that alone changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what_if: Option<&'a WhatIf>,
}

/// One pull request.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PullRequestView<'a> {
    /// The repository that it is made in, `org/repo`.
    pub repo: String,
    /// The release.
    pub release: &'a str,
    /// The group of targets.
    pub group: &'a str,
    /// The branch that it is made against.
    pub base: &'a str,
    /// The branch that it is made from.
    pub head: String,
    /// The title.
    pub title: &'a str,
    /// The managed part of the body, markdown.
    pub body: &'a str,
    /// The digest of paths and contents.
    pub digest: &'a str,
    /// The pull requests with images that its own are built from: they are made before it.
    pub depends_on: Vec<DependencyView<'a>>,
    /// Why it is withheld, if it is.
    pub blocked: Option<&'a str>,
    /// How many files change.
    pub counts: Counts,
    /// The files, sorted by path.
    pub files: Vec<FileView<'a>>,
}

/// A pull request that is made before another.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DependencyView<'a> {
    /// The repository that it is made in, `org/repo`.
    pub repo: String,
    /// The release.
    pub release: &'a str,
    /// The group of targets.
    pub group: &'a str,
}

/// One file that changes.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FileView<'a> {
    /// The path in the repository.
    pub path: &'a str,
    /// What happens to it.
    pub kind: ChangeKind,
    /// The target that owns it.
    pub target: &'a str,
    /// The component, `org/repo`, if it is about one.
    pub component: Option<&'a str>,
    /// The payload tags of the images that it builds.
    pub images: &'a [String],
    /// Why it changes.
    pub causes: &'a [Cause],
    /// What a reviewer should know.
    pub notes: &'a [String],
    /// The unified diff.
    pub diff: String,
}

/// An accepted deviation.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AcceptedView<'a> {
    /// The rule, field or `rule/field` that is accepted.
    pub cause: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Who says so.
    pub author: &'a str,
    /// The last day on which it holds, `YYYY-MM-DD`.
    pub until: Option<String>,
    /// What it covers.
    pub left: &'a [Left],
}

impl<'a> From<&'a Plan> for PlanView<'a> {
    fn from(plan: &'a Plan) -> Self {
        Self {
            version: VERSION,
            drift: plan.has_drift(),
            in_sync: plan.is_in_sync(),
            not_compared: &plan.not_compared,
            counts: plan.counts(),
            looked_at: plan.looked_at,
            held: plan.held,
            pull_requests: plan.changing().map(PullRequestView::from).collect(),
            accepted: plan.accepted.iter().map(AcceptedView::from).collect(),
            not_adopted: &plan.not_adopted,
            findings: &plan.findings,
            suppressed: plan.suppressed,
            what_if: plan.what_if.as_ref(),
        }
    }
}

impl<'a> From<&'a PullRequest> for PullRequestView<'a> {
    fn from(pr: &'a PullRequest) -> Self {
        Self {
            repo: pr.scope.repo.to_string(),
            release: &pr.scope.release,
            group: &pr.scope.group,
            base: &pr.base,
            head: pr.head(),
            title: &pr.title,
            body: &pr.body,
            digest: &pr.digest,
            depends_on: pr.depends.iter().map(DependencyView::from).collect(),
            blocked: pr.blocked.as_deref(),
            counts: pr.counts(),
            files: pr.files.iter().map(FileView::from).collect(),
        }
    }
}

impl<'a> From<&'a Scope> for DependencyView<'a> {
    fn from(scope: &'a Scope) -> Self {
        Self {
            repo: scope.repo.to_string(),
            release: &scope.release,
            group: &scope.group,
        }
    }
}

impl<'a> From<&'a FileChange> for FileView<'a> {
    fn from(file: &'a FileChange) -> Self {
        Self {
            path: &file.path,
            kind: file.kind,
            target: &file.target,
            component: file.component.as_deref(),
            images: &file.images,
            causes: &file.causes,
            notes: &file.notes,
            diff: unified(file, Color::Off),
        }
    }
}

impl<'a> From<&'a Accepted> for AcceptedView<'a> {
    fn from(Accepted { accept, left }: &'a Accepted) -> Self {
        Self {
            cause: &accept.cause,
            reason: &accept.reason,
            author: &accept.author,
            until: accept.until.map(|until| until.to_string()),
            left,
        }
    }
}

/// Writes a plan as indented JSON with a newline at its end.
///
/// # Errors
/// Never for what a plan holds; serde's signature has it.
pub fn json(plan: &Plan) -> serde_json::Result<String> {
    let mut out = serde_json::to_string_pretty(&PlanView::from(plan))?;
    out.push('\n');
    Ok(out)
}
