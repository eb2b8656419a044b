//! The form of answers, as far as they are read: what GitHub leaves out, or has in another form, costs its own field.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::query::Object;
use crate::base::loose::{List, Loose, May, read};
use crate::github::{Login, Page};

/// What was made.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Made {
    /// The id of a comment or check.
    pub id: May<u64>,
    /// The number of an issue or pull request.
    pub number: May<u64>,
    /// The id of an object of git.
    pub sha: May<String>,
}

impl Made {
    /// Reads an answer to a request that makes something.
    pub fn of(answer: &Value) -> Self {
        read(answer).unwrap_or_default()
    }
}

/// A commit, or a comparison of two.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Compared {
    /// The files that differ.
    pub files: List<File>,
}

/// A file that differs.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct File {
    /// Its path.
    pub filename: May<String>,
    /// Its path before it was renamed.
    pub previous_filename: May<String>,
    /// `removed`, or what else was done to it.
    pub status: Loose<String>,
    /// Its blob.
    pub sha: May<String>,
}

/// A status of a commit.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Its name.
    pub context: Loose<String>,
    /// `success`, …
    pub state: Loose<String>,
    /// What it says.
    pub description: May<String>,
}

/// Checks on a commit.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Checks {
    /// The checks.
    pub check_runs: List<Check>,
}

/// A check.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Check {
    /// Its id.
    pub id: May<u64>,
    /// Its name.
    pub name: Loose<String>,
    /// What the app that made it knows it by.
    pub external_id: Loose<String>,
    /// How it ended.
    pub conclusion: Loose<String>,
    /// Who made it.
    pub app: Loose<App>,
    /// What it says.
    pub output: Loose<Output>,
}

/// An app.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct App {
    /// Its id.
    pub id: May<u64>,
}

/// What a check says.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Output {
    /// In one line.
    pub title: Loose<String>,
}

/// What somebody may do in a repository.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Collaborator {
    /// `admin`, `write`, …
    pub permission: Loose<String>,
}

/// An answer about one repository.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct OfRepository {
    /// The repository.
    pub repository: Loose<Repository>,
}

/// A repository, as far as it is asked what was said there.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Repository {
    /// Whether it is read-only.
    pub is_archived: Loose<bool>,
    /// Whether issues can be opened.
    pub has_issues_enabled: May<bool>,
    /// Its file OWNERS.
    pub owners: Loose<Object>,
    /// Its file OWNERS_ALIASES.
    pub groups: Loose<Object>,
    /// Pull requests that were merged.
    pub merged: Loose<Page<Thread>>,
    /// Issues.
    pub issues: Loose<Page<Thread>>,
    /// The pull request that was asked for.
    pub pull_request: Loose<Thread>,
    /// Pull requests and issues that were asked for by their numbers: `p7`, `i8`.
    #[serde(flatten)]
    pub by_number: BTreeMap<String, Loose<Thread>>,
}

/// An issue or pull request.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Thread {
    /// Its number.
    pub number: May<u64>,
    /// `OPEN`, `CLOSED` or `MERGED`.
    pub state: Loose<String>,
    /// Its text.
    pub body: Loose<String>,
    /// When it was made.
    pub created_at: Loose<String>,
    /// When it was merged.
    pub merged_at: Loose<String>,
    /// The commit that its branch had last.
    pub head_ref_oid: May<String>,
    /// Whether it is ours.
    pub viewer_did_author: Loose<bool>,
    /// What was said on it.
    pub comments: Loose<Page<Remark>>,
}

/// A comment.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Remark {
    /// Its id for REST.
    pub database_id: May<u64>,
    /// Its text.
    pub body: Loose<String>,
    /// When it was made.
    pub created_at: Loose<String>,
    /// Whether it is ours.
    pub viewer_did_author: Loose<bool>,
    /// Whose it is.
    pub author: Loose<Login>,
}
