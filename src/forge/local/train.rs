//! The train of a branch cut on disk: what its record says, and how it ends.

use git2::Oid;

use super::LocalForge;
use super::git::{branch_ref, delete, foreign, open, tip};
use super::look::{base_of, holds, is_spent};
use super::record::{PullState, Record, read, record_path, replace};
use crate::base::RepoName;
use crate::forge::{ForgeError, StepState, Train};
use crate::plan::{OVER, Scope, Step};

/// Why a record is closed whose train was given up.
const ABANDONED: &str = "the cut was given up";

impl LocalForge {
    /// The train that is under way in a repository, if one is.
    ///
    /// # Errors
    /// Its record or repository cannot be read.
    pub fn train(&self, repo: &RepoName, base: &str) -> Result<Option<Train>, ForgeError> {
        let Some((record, step)) = self.last_step(repo)? else {
            return Ok(None);
        };
        let state = match record.state {
            PullState::Merged => StepState::Merged,
            PullState::Open if self.is_merged(repo, base, &record)? => StepState::Merged,
            PullState::Open => StepState::Open,
            PullState::Closed => StepState::Refused,
        };
        let merged = record.history.iter().rfind(|past| past.state == PullState::Merged);
        let train = Train::new(step, state, short(&record.commit));
        Ok(train.map(|train| Train {
            before: merged.map(|past| short(&past.commit)),
            ..train
        }))
    }

    /// Writes down that a train is done or given up. Tells what was done about its request; what people committed stays.
    ///
    /// # Errors
    /// Its record cannot be written.
    pub fn end_train(&self, repo: &RepoName, base: &str) -> Result<Vec<String>, ForgeError> {
        let Some((mut record, _)) = self.last_step(repo)? else {
            return Ok(Vec::new());
        };
        self.gate.pass().map_err(ForgeError::Fenced)?;
        let mut done = Vec::new();
        if record.state == PullState::Open {
            if self.is_merged(repo, base, &record)? {
                record.state = PullState::Merged;
                done.push(format!("record the pull request from {} as merged", record.head));
            } else {
                record.state = PullState::Closed;
                record.closed_because = Some(ABANDONED.to_owned());
                done.push(format!("close the pull request from {}", record.head));
            }
        }
        record.body = format!("{}\n{OVER}\n", record.body.trim_end());
        replace(&record_path(&self.dir, &cut(repo)), &record)?;
        done.extend(self.delete_ours(repo, base, &record)?);
        Ok(done)
    }

    fn last_step(&self, repo: &RepoName) -> Result<Option<(Record, Step)>, ForgeError> {
        let record = read(&record_path(&self.dir, &cut(repo)))?;
        Ok(record.and_then(|record| {
            let over = record.state == PullState::Closed && record.closed_because.is_some();
            let step = Step::of_body(&record.body).filter(|_| !over)?;
            Some((record, step))
        }))
    }

    /// Whether the base has what a record proposes, though the record does not say so yet.
    fn is_merged(&self, repo: &RepoName, branch: &str, record: &Record) -> Result<bool, ForgeError> {
        let path = self.repository(repo, branch)?;
        let Ok(git) = open(&path) else { return Ok(false) };
        let Some(base) = base_of(&git, branch)? else {
            return Ok(false);
        };
        Ok(holds(&git, &base, record) || is_spent(&git, &base, &record.head, &self.identity)?)
    }

    /// Deletes the train's branch if nobody else committed to it.
    fn delete_ours(&self, repo: &RepoName, branch: &str, record: &Record) -> Result<Option<String>, ForgeError> {
        let git = open(&self.repository(repo, branch)?)?;
        let reference = branch_ref(&record.head);
        let (Some(head), Some(base)) = (tip(&git, &reference)?, tip(&git, &branch_ref(branch))?) else {
            return Ok(None);
        };
        let id: Oid = head.id();
        if let Some(who) = foreign(&git, base.id(), id, &self.identity)?.first() {
            return Ok(Some(format!("leave {}, which has commit {who}", record.head)));
        }
        delete(&git, &reference, id)?;
        Ok(Some(format!("delete {}", record.head)))
    }
}

/// What people call a commit.
fn short(commit: &str) -> String {
    format!("commit {}", commit.get(..10).unwrap_or(commit))
}

/// What the request of a train is about; its release counts for nothing here.
fn cut(repo: &RepoName) -> Scope {
    Scope {
        repo: repo.clone(),
        release: String::new(),
        group: crate::plan::CUT.to_owned(),
    }
}
