//! What targets hand to the plan: files as they should be, and why they differ. Plain data.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::verdict::Verdict;
use crate::base::RepoName;

/// A file's bytes, shared.
pub type Bytes = Arc<[u8]>;

/// One file that a target wants, or wants gone.
///
/// Targets hand over every file they looked at, also those that are as they should be: a scope (repository, branch,
/// release, group) that no file speaks for is one that the run did not look at, and its pull request is left alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Desired {
    /// The repository that the file stands in.
    pub repo: RepoName,
    /// The branch that the pull request is made against.
    pub branch: String,
    /// The file's path in the repository.
    pub path: String,
    /// The release it is derived for, e.g. `4.16`.
    pub release: String,
    /// The target's name, e.g. `prow-config`.
    pub target: String,
    /// The group whose files change in one pull request, e.g. `ci`.
    pub group: String,
    /// The component (`org/repo`) that the file is about, if one.
    pub component: Option<String>,
    /// The payload tags of the images that the file builds, sorted; for a new file this is all that is said of them.
    pub images: Vec<String>,
    #[serde(skip)]
    /// The file as it is; `None`: it is not there.
    pub before: Option<Bytes>,
    #[serde(skip)]
    /// The file as it should be; `None`: it should not be there. The same bytes as `before`: nothing to do.
    pub after: Option<Bytes>,
    /// The fields in which `after` differs from `before` and why. Only what the policy applies
    /// ([`Policy::verdict`](super::Policy::verdict)); the rest belongs to `refused`, and `after` is rendered without it.
    pub causes: Vec<Cause>,
    /// The fields that differ from what is derived and stay as they are in `after`.
    pub refused: Vec<Refused>,
    /// The path of the file that this one follows, if one: the two change together or not at all.
    #[serde(default)]
    pub follows: Option<String>,
    /// What a reviewer should know, e.g. `was not in canonical form and is rewritten so`.
    pub notes: Vec<String>,
    /// The file could not be derived in this run: it stays as it is (`after` equals `before`), and so does what an
    /// open pull request proposes for it.
    pub held: bool,
}

impl Desired {
    /// Whether it is a file that could not be derived and is not there either: there is nothing to keep, and nothing was looked at.
    pub fn is_nowhere(&self) -> bool {
        self.held && self.before.is_none()
    }

    /// Leaves the file as it is, and what an open pull request proposes for it.
    pub fn hold(&mut self) {
        self.after.clone_from(&self.before);
        self.causes.clear();
        self.held = true;
    }
}

/// Why a file differs: one field whose value in the file is not the one derived.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cause {
    /// The id of the rule that the value follows from.
    pub rule: String,
    /// Where the rule stands, e.g. `rules/prow.yaml:12`.
    pub rule_at: String,
    /// The field without names of items, so that it groups: `build_root`, `images[].inputs`.
    pub field: String,
    /// The item of a list or mapping (image tag, key of `base_images`), if the field is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// The component, `org/repo`.
    pub component: String,
    /// The payload tags of the images that it concerns.
    pub images: Vec<String>,
    /// The value in the file, on one line and short; `None`: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// The value derived, on one line and short; `None`: there should be none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// The rule's sentence.
    pub because: String,
}

/// A field that differs and was left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The field, and the value that it would have had.
    pub cause: Cause,
    /// Why it was left: never [`Verdict::Apply`].
    pub verdict: Verdict,
}
