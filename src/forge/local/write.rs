//! Writes what a plan wants: branches and records. The only part of the local forge that can.

use git2::{ObjectType, Oid, Repository};

use super::git::{NewCommit, branch_ref, commit, delete, doing, is_checked_out, open, swap, tip};
use super::look::{LocalLook, look};
use super::record::{PullState, Record, read, record_path, replace};
use super::{Home, LocalForge, mirror};
use crate::forge::carry::trailer;
use crate::forge::train::{under_way, yielding};
use crate::forge::{Action, ForgeError, Observed, Outcome, Request, Text, Write, decide, way_out};
use crate::plan::{Plan, PullRequest};

/// Why a record is closed whose drift is gone.
const GONE: &str = "the drift is gone";
/// Why one is closed whose content has become what a person refused before.
const REFUSED: &str = "a person refused this content before";

/// Why one is closed whose files a branch cut has.
const FOR_CUT: &str = "a branch cut is under way";

/// The local forge's writer.
pub struct LocalWriter<'a> {
    /// What it reads with.
    pub forge: &'a LocalForge,
    /// Only say what would be written.
    pub dry_run: bool,
    /// The time that commits carry, in seconds since 1970-01-01.
    pub now: i64,
}

impl LocalWriter<'_> {
    /// Applies a plan, one pull request after the other, those first that others depend on; what fails costs no other
    /// one. The outcomes come in the order of the plan.
    pub fn apply(&self, plan: &Plan) -> Vec<Outcome> {
        let trains = under_way(plan, |pr| self.forge.train(&pr.scope.repo, &pr.base));
        let one = |at: usize| match &trains {
            Ok(trains) => self.apply_one(&yielding(&plan.pull_requests[at], trains)),
            Err(error) => Outcome {
                error: Some(ForgeError::Train(error.to_string())),
                ..Outcome::new(plan.pull_requests[at].scope.clone())
            },
        };
        let mut made: Vec<(usize, Outcome)> = plan.order().into_iter().map(|at| (at, one(at))).collect();
        made.sort_by_key(|(at, _)| *at);
        made.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn apply_one(&self, wanted: &PullRequest) -> Outcome {
        let mut outcome = Outcome::new(wanted.scope.clone());
        outcome.error = self.settle(wanted, &mut outcome).err();
        outcome
    }

    fn settle(&self, wanted: &PullRequest, outcome: &mut Outcome) -> Result<(), ForgeError> {
        let look = look(self.forge, wanted)?;
        let wanted = &look.wanted;
        let (action, writes) = decide(&look.observed, wanted);
        outcome.action = Some(action);
        outcome.notes = notes(action, &look.observed, wanted);
        self.check_not_checked_out(wanted, &writes)?;
        for write in writes {
            if !self.dry_run {
                self.forge.gate.pass().map_err(ForgeError::Fenced)?;
                self.perform(&write, wanted, &look)?;
            }
            outcome.writes.push(write);
        }
        Ok(())
    }

    /// A branch that is checked out must not move under its work tree.
    fn check_not_checked_out(&self, wanted: &PullRequest, writes: &[Write]) -> Result<(), ForgeError> {
        let moves = |write: &Write| matches!(write, Write::SetBranch { .. } | Write::DeleteBranch { .. });
        if !writes.iter().any(moves) {
            return Ok(());
        }
        let Ok(repo) = self.open(wanted) else { return Ok(()) }; // not made yet: nothing can be checked out
        if is_checked_out(&repo, &wanted.head()) {
            return Err(ForgeError::CheckedOut {
                repo: wanted.scope.repo.clone(),
                branch: wanted.head(),
            });
        }
        Ok(())
    }

    fn open(&self, wanted: &PullRequest) -> Result<Repository, ForgeError> {
        open(&self.forge.repository(&wanted.scope.repo, &wanted.base)?)
    }

    fn perform(&self, write: &Write, wanted: &PullRequest, look: &LocalLook) -> Result<(), ForgeError> {
        match write {
            Write::Seed { .. } => self.seed(wanted),
            Write::Follow { .. } => self.follow(wanted),
            Write::SetBranch { from, .. } => self.set_branch(wanted, look, from.as_deref()),
            Write::DeleteBranch { branch, from, .. } => delete(&self.open(wanted)?, &branch_ref(branch), id(from)?),
            Write::Open { text, .. } => self.record_open(wanted, text),
            Write::Edit { text, .. } => self.record_edit(wanted, text, look.observed.title_is_ours),
            Write::Close { .. } => {
                let because = match look.observed.state.request {
                    _ if wanted.yields.is_some() => FOR_CUT,
                    Request::Open { refused: true, .. } if !look.contents.is_empty() => REFUSED,
                    _ => GONE,
                };
                self.record_end(wanted, PullState::Closed, Some(because))
            }
            Write::MarkMerged { .. } => self.record_end(wanted, PullState::Merged, None),
            Write::Comment { .. } | Write::EditComment { .. } | Write::Assign { .. } => Ok(()), // a record has no such things
        }
    }

    fn commit_with<'m>(&'m self, message: &'m str) -> NewCommit<'m> {
        NewCommit {
            identity: &self.forge.identity,
            now: self.now,
            message,
        }
    }

    fn seed(&self, wanted: &PullRequest) -> Result<(), ForgeError> {
        let (name, branch) = (&wanted.scope.repo, &wanted.base);
        let path = self.forge.repository(name, branch)?;
        let Home::Mirror(source) = self.forge.home(name, branch)? else {
            return Ok(());
        };
        mirror::seed(
            &path,
            name,
            branch,
            source.as_ref(),
            &self.commit_with("Take over the files of the source\n"),
        )
    }

    fn follow(&self, wanted: &PullRequest) -> Result<(), ForgeError> {
        let (name, branch) = (&wanted.scope.repo, &wanted.base);
        let Home::Mirror(source) = self.forge.home(name, branch)? else {
            return Ok(());
        };
        let new = self.commit_with("Take over what has changed in the source\n");
        mirror::follow(&self.open(wanted)?, name, branch, source.as_ref(), &new)
    }

    /// Makes one commit on top of the base and sets the branch to it, if the branch is still where it was seen.
    fn set_branch(&self, wanted: &PullRequest, look: &LocalLook, from: Option<&str>) -> Result<(), ForgeError> {
        let repo = self.open(wanted)?;
        let missing = || ForgeError::NoBase {
            repo: wanted.scope.repo.clone(),
            branch: wanted.base.clone(),
        };
        let base = tip(&repo, &branch_ref(&wanted.base))?.ok_or_else(missing)?;
        let seen = look.observed.base.as_ref().filter(|_| look.observed.first.is_empty());
        if seen.is_some_and(|seen| *seen != base.id().to_string()) {
            return Err(ForgeError::Stale {
                repo: wanted.scope.repo.clone(),
                path: wanted.base.clone(),
            });
        }
        let odb = repo.odb().map_err(doing("opening the object database"))?;
        for after in wanted.files.iter().filter_map(|file| file.after.as_deref()) {
            odb.write(ObjectType::Blob, after).map_err(doing("writing a blob"))?;
        }
        let title = match (wanted.files.is_empty(), &look.observed.text) {
            (true, Some(text)) => crate::base::text::inert(&text.title),
            _ => wanted.title.clone(),
        };
        let message = format!(
            "{title}\n\nDerived from the metadata of {}.\n\n{}",
            crate::base::text::inert(&wanted.scope.release),
            trailer(&look.reach)
        );
        let new = commit(&repo, Some(&base), &look.contents, &self.commit_with(&message))?;
        swap(&repo, &branch_ref(&wanted.head()), from.map(id).transpose()?, new)
    }

    fn record_open(&self, wanted: &PullRequest, text: &Text) -> Result<(), ForgeError> {
        let path = record_path(self.forge.dir(), &wanted.scope);
        let next = Record {
            repo: wanted.scope.repo.to_string(),
            state: PullState::Open,
            title: text.title.clone(),
            base: wanted.base.clone(),
            head: wanted.head(),
            body: text.body.clone(),
            digest: wanted.digest.clone(),
            commit: self.head_commit(wanted)?,
            written_title: text.title.clone(),
            closed_because: None,
            history: Vec::new(),
        };
        let next = match read(&path)? {
            Some(before) => before.succeeded_by(next),
            None => next,
        };
        replace(&path, &next)
    }

    fn record_edit(&self, wanted: &PullRequest, text: &Text, title_is_ours: bool) -> Result<(), ForgeError> {
        let path = record_path(self.forge.dir(), &wanted.scope);
        let Some(mut record) = read(&path)? else {
            return self.record_open(wanted, text);
        };
        record.title.clone_from(&text.title);
        record.body.clone_from(&text.body);
        if title_is_ours {
            record.written_title.clone_from(&text.title);
        }
        record.base.clone_from(&wanted.base);
        record.digest.clone_from(&wanted.digest);
        record.commit = self.head_commit(wanted)?;
        replace(&path, &record)
    }

    fn record_end(&self, wanted: &PullRequest, state: PullState, because: Option<&str>) -> Result<(), ForgeError> {
        let path = record_path(self.forge.dir(), &wanted.scope);
        let Some(mut record) = read(&path)? else { return Ok(()) };
        record.state = state;
        record.closed_because = because.map(str::to_owned);
        replace(&path, &record)
    }

    fn head_commit(&self, wanted: &PullRequest) -> Result<String, ForgeError> {
        let repo = self.open(wanted)?;
        Ok(tip(&repo, &branch_ref(&wanted.head()))?
            .map(|head| head.id().to_string())
            .unwrap_or_default())
    }
}

fn id(text: &str) -> Result<Oid, ForgeError> {
    Oid::from_str(text).map_err(doing("reading an object id"))
}

/// What a person should know beside the action itself.
fn notes(action: Action, observed: &Observed, wanted: &PullRequest) -> Vec<String> {
    match (action, &wanted.blocked) {
        (Action::Withhold, Some(why)) => vec![why.clone()],
        (Action::AwaitPerson | Action::Create, _) => observed.returned.iter().cloned().collect(),
        (Action::CloseForCut | Action::LeaveToCut, _) => wanted.yields.iter().cloned().collect(),
        (Action::LeaveForeign, _) => {
            let notes = observed.notes.iter().cloned();
            notes.chain(way_out(observed, &wanted.head())).collect()
        }
        _ => Vec::new(),
    }
}
