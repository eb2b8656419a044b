//! The JSON record of one pull request: what stands in it, where it lies, how it is read and replaced.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::forge::{ForgeError, Text};
use crate::plan::Scope;

/// The state of a pull request. A person may edit it in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PullState {
    /// It waits for a person.
    Open,
    /// It was closed: by a person, or because the drift is gone ([`Record::closed_because`]).
    Closed,
    /// The base holds its content.
    Merged,
}

/// One pull request on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The repository, `org/repo`.
    pub repo: String,
    /// Its state.
    pub state: PullState,
    /// The title; an edited one stays.
    pub title: String,
    /// The branch that it is made against.
    pub base: String,
    /// The branch that it is made from.
    pub head: String,
    /// The body; what stands outside of the two marker comments stays.
    pub body: String,
    /// The digest of what it changes.
    pub digest: String,
    /// The commit on the branch.
    pub commit: String,
    /// The title that was last written here: another one in `title` is a person's.
    pub written_title: String,
    /// Why it was closed, if it was not a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_because: Option<String>,
    /// The pull requests that were made from this branch before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Past>,
}

/// A pull request that came before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Past {
    /// How it ended.
    pub state: PullState,
    /// Its title.
    pub title: String,
    /// The digest of what it changed.
    pub digest: String,
    /// Its commit.
    pub commit: String,
    /// Why it was closed, if it was not a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_because: Option<String>,
}

/// How many earlier pull requests a record remembers.
const REMEMBERED: usize = 50;

impl Record {
    /// Whether a person closed a pull request from this branch with this very content.
    pub fn refused(&self, digest: &str) -> bool {
        let refuses = |state, its: &str, because: &Option<String>| {
            state == PullState::Closed && because.is_none() && its == digest
        };
        refuses(self.state, &self.digest, &self.closed_because)
            || self
                .history
                .iter()
                .any(|past| refuses(past.state, &past.digest, &past.closed_because))
    }

    /// How often this very content was merged last, one time after the other, with nothing else between: its commits.
    pub fn merged(&self, digest: &str) -> Vec<&str> {
        let last = (self.state, self.digest.as_str(), self.commit.as_str());
        let past = self.history.iter().rev();
        let past = past.map(|past| (past.state, past.digest.as_str(), past.commit.as_str()));
        let merges = std::iter::once(last)
            .chain(past)
            .filter(|(state, ..)| *state == PullState::Merged);
        merges
            .take_while(|(_, its, _)| *its == digest)
            .map(|(.., commit)| commit)
            .collect()
    }

    /// The record of a new pull request from the same branch; this one becomes its past.
    #[must_use]
    pub fn succeeded_by(self, mut next: Self) -> Self {
        next.history = self.history;
        next.history.push(Past {
            state: self.state,
            title: self.title,
            digest: self.digest,
            commit: self.commit,
            closed_because: self.closed_because,
        });
        let forgotten = next.history.len().saturating_sub(REMEMBERED);
        next.history.drain(..forgotten);
        next
    }

    /// Its title and body.
    pub fn text(&self) -> Text {
        Text {
            title: self.title.clone(),
            body: self.body.clone(),
        }
    }
}

/// Where the record of a pull request lies: `<org>__<repo>__lockstep_<group>_<release>.json`. A `_` of a name itself is
/// written `%5F`, so that no two pull requests share a file.
pub fn record_path(dir: &Path, scope: &Scope) -> PathBuf {
    let plain = |text: &str| text.replace('%', "%25").replace('_', "%5F").replace('/', "_");
    dir.join(format!(
        "{}__{}__{}.json",
        plain(&scope.repo.org),
        plain(&scope.repo.repo),
        plain(&scope.head())
    ))
}

fn fault(path: &Path, message: impl ToString) -> ForgeError {
    ForgeError::Record {
        file: path.display().to_string(),
        message: message.to_string(),
    }
}

/// Reads a record; `None` where there is none.
pub fn read(path: &Path) -> Result<Option<Record>, ForgeError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(path, error)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        fault(
            path,
            format!("{error}. Mend the record, or delete it to have the pull request made anew"),
        )
    })
}

/// Replaces a record in one step: a reader sees the old one or the new one.
pub fn replace(path: &Path, record: &Record) -> Result<(), ForgeError> {
    let mut text = serde_json::to_vec_pretty(record).map_err(|error| fault(path, error))?;
    text.push(b'\n');
    let temporary = path.with_extension(format!("json.{}.tmp", std::process::id()));
    let written = (|| {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    })();
    written.map_err(|error| {
        let _ = std::fs::remove_file(&temporary);
        fault(path, error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::RepoName;

    fn record(state: PullState, digest: &str) -> Record {
        Record {
            repo: "o/r".into(),
            state,
            title: "t".into(),
            base: "main".into(),
            head: "lockstep/ci/4.16".into(),
            body: String::new(),
            digest: digest.into(),
            commit: "c".into(),
            written_title: "t".into(),
            closed_because: None,
            history: Vec::new(),
        }
    }

    #[test]
    fn file_names_are_readable_and_never_shared() {
        let path = |org: &str, repo: &str, group: &str, release: &str| {
            let repo = RepoName {
                org: org.into(),
                repo: repo.into(),
            };
            let scope = Scope {
                repo,
                release: release.into(),
                group: group.into(),
            };
            record_path(Path::new("d"), &scope).display().to_string()
        };
        assert_eq!(
            path("openshift", "release", "ci", "4.16"),
            "d/openshift__release__lockstep_ci_4.16.json"
        );
        assert_ne!(path("a", "b__c", "g", "r"), path("a__b", "c", "g", "r"));
        assert_ne!(path("a", "b", "g_h", "r"), path("a", "b", "g/h", "r"));
        assert_ne!(path("a", "b%5F", "g", "r"), path("a", "b_", "g", "r"));
    }

    #[test]
    fn what_a_person_refused_stays_refused() {
        let closed = record(PullState::Closed, "one");
        assert!(closed.refused("one") && !closed.refused("two"));
        let next = closed.succeeded_by(record(PullState::Closed, "two"));
        assert!(next.refused("one") && next.refused("two"));
        let gone = Record {
            closed_because: Some("gone".into()),
            ..record(PullState::Closed, "one")
        };
        assert!(!gone.refused("one"));
        assert!(!record(PullState::Merged, "one").refused("one"));
    }

    #[test]
    fn a_record_is_replaced_whole_and_a_broken_one_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r.json");
        assert_eq!(read(&path).unwrap(), None);
        replace(&path, &record(PullState::Open, "one")).unwrap();
        assert_eq!(read(&path).unwrap(), Some(record(PullState::Open, "one")));
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            1,
            "no temporary file is left"
        );
        std::fs::write(&path, r#"{"state": "opne"}"#).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("r.json") && message.contains("opne"), "{message}");
    }
}
