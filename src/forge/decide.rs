//! Lists the writes that an action takes: pure, so that a dry run shows what a run does.

use std::fmt;

use serde::Serialize;

use super::classify::{Action, Branch, classify};
use super::{Observed, Text};
use crate::base::RepoName;
use crate::plan::{PullRequest, merge_body};

/// One write to the outside. Each write to a branch carries the commit that it expects to find there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(tag = "write", rename_all = "kebab-case")]
pub enum Write {
    /// Make a local repository with the files of a source as its one commit.
    Seed {
        /// The repository, `org/repo`.
        #[serde(serialize_with = "in_full")]
        #[schemars(with = "String")]
        repo: RepoName,
        /// Its branch.
        branch: String,
        /// How many files it has.
        files: usize,
    },
    /// Bring what has changed in a source onto the branch of the local repository that was seeded from it.
    Follow {
        /// The repository, `org/repo`.
        #[serde(serialize_with = "in_full")]
        #[schemars(with = "String")]
        repo: RepoName,
        /// Its branch.
        branch: String,
        /// The branch's commit.
        from: String,
        /// How many files have changed.
        files: usize,
    },
    /// Set a branch to one commit on top of the base.
    SetBranch {
        /// The repository, `org/repo`.
        #[serde(serialize_with = "in_full")]
        #[schemars(with = "String")]
        repo: RepoName,
        /// The branch.
        branch: String,
        /// The commit that it is expected to have.
        from: Option<String>,
        /// How many files the commit changes.
        files: usize,
        /// The digest of what it changes.
        digest: String,
    },
    /// Delete a branch.
    DeleteBranch {
        /// The repository, `org/repo`.
        #[serde(serialize_with = "in_full")]
        #[schemars(with = "String")]
        repo: RepoName,
        /// The branch.
        branch: String,
        /// The commit that it is expected to have.
        from: String,
    },
    /// Open a pull request.
    Open {
        /// The repository, `org/repo`.
        #[serde(serialize_with = "in_full")]
        #[schemars(with = "String")]
        repo: RepoName,
        /// Its branch.
        head: String,
        /// The branch that it is made against.
        base: String,
        /// Its text.
        text: Text,
        /// The digest of what it changes.
        digest: String,
    },
    /// Edit the text of an open pull request.
    Edit {
        /// The repository, `org/repo`.
        #[serde(serialize_with = "in_full")]
        #[schemars(with = "String")]
        repo: RepoName,
        /// Its branch.
        head: String,
        /// The new text.
        text: Text,
        /// The digest of what it changes.
        digest: String,
    },
    /// Close a pull request whose drift is gone.
    Close {
        /// The repository, `org/repo`.
        #[serde(serialize_with = "in_full")]
        #[schemars(with = "String")]
        repo: RepoName,
        /// Its branch.
        head: String,
    },
    /// Say something once on a pull request.
    Comment {
        /// The repository, `org/repo`.
        #[serde(serialize_with = "in_full")]
        #[schemars(with = "String")]
        repo: RepoName,
        /// Its branch.
        head: String,
        /// What is said.
        text: String,
    },
    /// Bring what was said up to date.
    EditComment {
        /// The repository, `org/repo`.
        #[serde(serialize_with = "in_full")]
        #[schemars(with = "String")]
        repo: RepoName,
        /// Its branch.
        head: String,
        /// The comment.
        comment: u64,
        /// What is said now.
        text: String,
    },
    /// Give a new pull request its labels and people.
    #[serde(rename = "dress")]
    Assign {
        /// The repository, `org/repo`.
        #[serde(serialize_with = "in_full")]
        #[schemars(with = "String")]
        repo: RepoName,
        /// Its branch.
        head: String,
        /// The labels.
        labels: Vec<String>,
        /// Who is asked for a review.
        reviewers: Vec<String>,
        /// Who is assigned.
        assignees: Vec<String>,
    },
    /// Record a pull request as merged.
    MarkMerged {
        /// The repository, `org/repo`.
        #[serde(serialize_with = "in_full")]
        #[schemars(with = "String")]
        repo: RepoName,
        /// Its branch.
        head: String,
    },
}

fn in_full<S: serde::Serializer>(repo: &RepoName, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(repo)
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seed { repo, branch, files } => write!(f, "make a local {repo} with {branch}: {}", count(*files)),
            Self::Follow {
                repo, branch, files, ..
            } => {
                write!(
                    f,
                    "bring {branch} of the local {repo} up to its source: {}",
                    count(*files)
                )
            }
            Self::SetBranch { branch, files, .. } => write!(f, "set {branch} to one commit: {}", count(*files)),
            Self::DeleteBranch { branch, .. } => write!(f, "delete {branch}"),
            Self::Open { head, base, text, .. } => {
                write!(f, "open a pull request from {head} to {base}: {}", text.title)
            }
            Self::Edit { head, text, .. } => write!(f, "edit the pull request from {head}: {}", text.title),
            Self::Close { head, .. } => write!(f, "close the pull request from {head}"),
            Self::Comment { head, .. } => write!(f, "comment on the pull request from {head}"),
            Self::EditComment { head, .. } => write!(f, "edit the comment on the pull request from {head}"),
            Self::Assign {
                head,
                labels,
                reviewers,
                assignees,
                ..
            } => {
                let people = [labels, reviewers, assignees].map(|names| names.join(", "));
                let said = ["labels", "reviewers", "assignees"].into_iter().zip(people);
                let said = said.filter(|(_, names)| !names.is_empty());
                let said: Vec<_> = said.map(|(what, names)| format!("{what} {names}")).collect();
                write!(f, "give the pull request from {head} its {}", said.join("; "))
            }
            Self::MarkMerged { head, .. } => write!(f, "record the pull request from {head} as merged"),
        }
    }
}

fn count(files: usize) -> String {
    format!("{files} {}", if files == 1 { "file" } else { "files" })
}

/// Names what is to be done and lists the writes that it takes, in their order. The branch goes before the record of
/// it, and a record is settled before its branch goes: killed in between, the next run finds what it needs.
pub fn decide(observed: &Observed, wanted: &PullRequest) -> (Action, Vec<Write>) {
    let action = classify(observed.state);
    let writes = match action {
        Action::InSync
        | Action::UpToDate
        | Action::StayClosed
        | Action::LeaveForeign
        | Action::LeaveUnseen
        | Action::LeaveToCut
        | Action::AwaitPerson
        | Action::Withhold
        | Action::Wait => {
            return (action, Vec::new());
        }
        Action::Create => vec![set_branch(observed, wanted), open(wanted)],
        Action::Adopt => vec![open(wanted)],
        Action::Update => vec![set_branch(observed, wanted), edit(observed, wanted)],
        Action::UpdateText => vec![edit(observed, wanted)],
        Action::NoticeMerged => settle(
            observed,
            wanted,
            Write::MarkMerged {
                repo: repo(wanted),
                head: wanted.head(),
            },
        ),
        Action::NoticeMergedThenCreate => vec![
            Write::MarkMerged {
                repo: repo(wanted),
                head: wanted.head(),
            },
            set_branch(observed, wanted),
            open(wanted),
        ],
        Action::CloseGone | Action::CloseRefused | Action::CloseForCut => settle(
            observed,
            wanted,
            Write::Close {
                repo: repo(wanted),
                head: wanted.head(),
            },
        ),
        Action::CleanUp => delete(observed, wanted).into_iter().collect(),
    };
    (action, observed.first.iter().cloned().chain(writes).collect())
}

fn repo(wanted: &PullRequest) -> RepoName {
    wanted.scope.repo.clone()
}

fn set_branch(observed: &Observed, wanted: &PullRequest) -> Write {
    Write::SetBranch {
        repo: repo(wanted),
        branch: wanted.head(),
        from: observed.head.clone(),
        files: wanted.files.len() + wanted.carried,
        digest: wanted.digest.clone(),
    }
}

fn open(wanted: &PullRequest) -> Write {
    Write::Open {
        repo: repo(wanted),
        head: wanted.head(),
        base: wanted.base.clone(),
        text: Text {
            title: wanted.title.clone(),
            body: wanted.body.clone(),
        },
        digest: wanted.digest.clone(),
    }
}

fn edit(observed: &Observed, wanted: &PullRequest) -> Write {
    Write::Edit {
        repo: repo(wanted),
        head: wanted.head(),
        text: edited(observed, wanted),
        digest: wanted.digest.clone(),
    }
}

/// The text as it should be: a title that a person wrote stays, and so does what stands around the managed part.
fn edited(observed: &Observed, wanted: &PullRequest) -> Text {
    match &observed.text {
        // Nothing could be derived anew, what is held stays proposed: the text still says why.
        Some(text) if wanted.files.is_empty() => text.clone(),
        None => Text {
            title: wanted.title.clone(),
            body: wanted.body.clone(),
        },
        Some(text) => Text {
            title: if observed.title_is_ours {
                wanted.title.clone()
            } else {
                text.title.clone()
            },
            body: merge_body(&text.body, &wanted.body),
        },
    }
}

/// Settles a record, then deletes the branch if it is ours.
fn settle(observed: &Observed, wanted: &PullRequest, record: Write) -> Vec<Write> {
    std::iter::once(record).chain(delete(observed, wanted)).collect()
}

fn delete(observed: &Observed, wanted: &PullRequest) -> Option<Write> {
    let from = observed
        .head
        .clone()
        .filter(|_| matches!(observed.state.branch, Branch::Ours { .. } | Branch::Spent))?;
    Some(Write::DeleteBranch {
        repo: repo(wanted),
        branch: wanted.head(),
        from,
    })
}
