//! Looks into pull requests, and gives the answers.

use std::collections::BTreeSet;

use super::due::{Due, Looking};
use super::meaning::{self, matters};
use super::{Ask, Kept, Looked};
use crate::base::text::inert;
use crate::base::{Release, RepoName};
use crate::config::Comment as Commented;
use crate::forge::github::remark::Comment;
use crate::forge::github::tell::{Answer, Form, Told};
use crate::github::{Fault, FaultKind};
use crate::impact::{self, Impact, Pull, State, Verdict};
use crate::run::impact::{Asked, Bases, ImpactError, Known};
use crate::run::{Run, RunError};
use crate::source::CommitId;
use crate::source::github::{Foreseen, PullHead, Reader};

impl Run {
    /// Looks into all that are due, and answers each.
    pub(super) fn answer_all(
        &mut self,
        looking: &mut Looking<'_>,
        due: Vec<Due>,
        looked: &mut Looked,
    ) -> Result<(), RunError> {
        let Some(reader) = self.sources.github().cloned() else {
            return Ok(());
        };
        let names: Vec<_> = due.iter().map(|due| (due.open.repo.clone(), due.open.number)).collect();
        let heads = reader
            .pulls(&names)
            .map_err(|fault| RunError::Config(fault.to_string()))?;
        // One that is not there any more was closed meanwhile.
        let due: Vec<(Due, PullHead)> = due
            .into_iter()
            .zip(heads)
            .filter_map(|(due, head)| Some((due, head?)))
            .collect();
        let mut bases = Bases::with_notes();
        let ours = due
            .iter()
            .filter(|(due, _)| looking.watched.is_component(&due.open.repo));
        let releases: BTreeSet<Release> = ours.flat_map(|(due, _)| due.releases.iter().copied()).collect();
        let failed = match self.extend_bases(&mut bases, &releases) {
            Ok(()) => None,
            Err(ImpactError::Run(error @ RunError::Rules(_))) => return Err(error),
            Err(error) => Some(error.to_string()),
        };
        self.foresee_heads_of(looking, &reader, &due, &bases);
        for (mut due, head) in due {
            // Pushed to since it was listed: what is looked at is told.
            due.pull.head.clone_from(&head.head);
            let answered = match &failed {
                Some(why) => Err((State::Failed, why.clone())),
                None => self.answer(looking, &due, head, &mut bases),
            };
            self.settle(looking, due, answered, looked);
        }
        Ok(())
    }

    /// Reads what will be looked at of the heads, in as few questions as can be.
    fn foresee_heads_of(&self, looking: &Looking<'_>, reader: &Reader, due: &[(Due, PullHead)], bases: &Bases) {
        let wanted = due.iter().filter(|(due, head)| matters(looking, due, head, bases));
        let wanted = wanted.filter(|(due, _)| looking.watched.is_component(&due.open.repo));
        let wanted = wanted.flat_map(|(due, head)| {
            let paths = bases.looked_at(&due.open.repo, &due.open.branch);
            let with = Foreseen {
                repo: due.open.repo.clone(),
                commit: meaning::commit(head),
                files: paths.files,
                folders: paths.folders,
            };
            let base = with.folders_at(CommitId(head.base.clone()));
            [with, base, meaning::of_base(due, head, bases)]
        });
        reader.foresee(&wanted.collect::<Vec<_>>(), &self.store);
    }

    /// The answer for a pull request; `None` where there is nothing to say.
    fn answer(
        &mut self,
        looking: &Looking<'_>,
        due: &Due,
        head: PullHead,
        bases: &mut Bases,
    ) -> Result<Option<Impact>, (State, String)> {
        let is_component = looking.watched.is_component(&due.open.repo);
        let is_idle = |reader| is_component && self.means_the_same(reader, due, &head, bases);
        // An answer that is there is not left standing: what holds now has to be known in any case.
        let is_told = due.is_told();
        if !is_told && (!matters(looking, due, &head, bases) || self.sources.github().is_some_and(is_idle)) {
            return Ok(None);
        }
        let asked = Asked {
            repository: due.open.repo.clone(),
            pull: Some(due.open.number),
            base: None,
            head: String::new(),
            branch: None,
            at: None,
        };
        let built = is_component.then(|| [(due.open.branch.clone(), due.releases.clone())].into());
        let known = Known { head, built };
        let found = self.impact_of(&asked, Some(known), looking.releases, bases);
        let found = found.map_err(|error| (unanswered(&error), error.to_string()))?;
        Ok((is_told || found.releases.iter().any(says)).then_some(found))
    }

    /// Gives an answer, and remembers what became of it.
    fn settle(
        &self,
        looking: &mut Looking<'_>,
        due: Due,
        answered: Result<Option<Impact>, (State, String)>,
        looked: &mut Looked,
    ) {
        let Due {
            open,
            mut pull,
            key,
            before,
            asked,
            ..
        } = due;
        let mut comment = before.as_ref().and_then(|known| known.comment.clone());
        let (mut shown, mut written) = (None, Vec::new());
        match answered {
            Err(why) => (pull.state, pull.note) = why,
            Ok(found) => {
                if let Some(found) = &found {
                    pull.verdict = Some(found.verdict);
                    pull.sentence.clone_from(&found.sentence);
                    pull.todo.clone_from(&found.todo);
                    shown = serde_json::to_string(found).ok();
                }
                let is_pressed = asked == Some(Ask::Button);
                let told = self.give(looking, (&open.repo, &pull, is_pressed), found.as_ref(), &mut comment);
                written = became(looking, &mut pull, told);
                if let (false, Some(verdict), false) = (written.is_empty(), pull.verdict, looking.dry_run) {
                    *looked.told.entry(verdict).or_default() += 1;
                }
            }
        }
        looked.writes.extend(written);
        if let Some(known) = &before
            && (known.pull.state, &known.pull.note, known.pull.verdict) == (pull.state, &pull.note, pull.verdict)
        {
            pull.since = known.pull.since;
        }
        let kept = Kept {
            key: key.unwrap_or_default(),
            looked: looking.now,
            asked: match asked {
                Some(_) => Some(looking.now),
                None => before.as_ref().and_then(|known| known.asked),
            },
            waits: asked.filter(|_| matches!(pull.state, State::Failed | State::Waits)),
            answer: shown,
            comment,
            pull,
        };
        kept.put(&self.store);
        looked.take(kept.pull, kept.answer.as_deref());
    }

    /// Writes what is to be written of an answer. `of`: the repository, the pull request, and whether somebody pressed GitHub's
    /// button for it.
    fn give(
        &self,
        looking: &mut Looking<'_>,
        of: (&RepoName, &Pull, bool),
        found: Option<&Impact>,
        comment: &mut Option<Comment>,
    ) -> Result<Told, Fault> {
        let (repo, pull, _) = of;
        if let Some((why, until)) = &looking.stopped {
            return Ok(Told::Waits(why.clone(), *until));
        }
        let told = match found {
            Some(found) => self.tell_found(looking, of, found, comment),
            // What was said once is not left standing when it no longer holds.
            None => match comment {
                Some(known) => {
                    let text = "What this pull request has now touches nothing that decides a build of OKD.";
                    looking
                        .forge
                        .edit_comment((repo, pull.pull), known, text, looking.dry_run)
                }
                None => Ok(Told::Already),
            },
        };
        if let Err(fault) = &told {
            looking.stopped = stops(fault, looking.now);
        }
        told
    }

    fn tell_found(
        &self,
        looking: &mut Looking<'_>,
        (repo, pull, is_pressed): (&RepoName, &Pull, bool),
        found: &Impact,
        comment: &mut Option<Comment>,
    ) -> Result<Told, Fault> {
        let answer = Answer {
            repo: repo.clone(),
            pull: pull.pull,
            head: pull.head.clone(),
            holds: found.verdict == Verdict::Breaks && looking.pulls.breaks_fail,
            warns: matches!(found.verdict, Verdict::Breaks | Verdict::Changes),
            title: inert(&format!("{}: {}", found.verdict.name(), found.sentence)),
            summary: impact::markdown(found),
            marks: match looking.form {
                Form::Check(_) => self.marks_at_head(repo, pull, found),
                Form::Status => Vec::new(),
            },
            digest: found.digest.clone(),
            is_pressed,
        };
        let full = looking.sent.is_full();
        let told = looking
            .forge
            .tell(&answer, looking.form, looking.dry_run || full.is_some())?;
        if let (Told::Written(_), Some(until)) = (&told, full) {
            let most = looking.pulls.max_new;
            let why = format!("{most} answers were given within the last hour (`feedback.pulls.max-new`)");
            return Ok(Told::Waits(why, Some(until)));
        }
        if let (Told::Written(_), false) = (&told, looking.dry_run) {
            looking.sent.count();
        }
        let speaks = match looking.pulls.comment {
            Commented::Never => return Ok(told),
            Commented::Breaks => found.verdict == Verdict::Breaks,
            Commented::Changes => matches!(found.verdict, Verdict::Breaks | Verdict::Changes),
        };
        let said = looking.forge.comment(&answer, comment, speaks, looking.dry_run)?;
        Ok(told.and(said))
    }
}

/// How a pull request stands of which nothing can be said: one that conflicts waits for its author.
fn unanswered(error: &ImpactError) -> State {
    match error {
        ImpactError::Conflict(..) => State::Waits,
        _ => State::Failed,
    }
}

/// Whether there is something to say of a release. That its image is built again is none: that is what a change is for.
fn says(release: &impact::OfRelease) -> bool {
    let found = !release.new.is_empty() || !release.gone.is_empty() || release.verdict != Verdict::Nothing;
    found || !release.values.is_empty() || !release.files.is_empty()
}

/// Takes down what became of an answer; gives what was written.
fn became(looking: &Looking<'_>, pull: &mut Pull, told: Result<Told, Fault>) -> Vec<String> {
    match told {
        Ok(Told::Already) => {
            pull.state = if pull.verdict.is_some() {
                State::Told
            } else {
                State::Silent
            }
        }
        Ok(Told::Written(lines)) => {
            pull.state = match (looking.dry_run, pull.verdict) {
                (true, _) => State::Planned,
                (false, Some(_)) => State::Told,
                (false, None) => State::Silent,
            };
            pull.note = lines.join("; ");
            return lines;
        }
        Ok(Told::Waits(why, until)) => (pull.state, pull.note, pull.until) = (State::Waits, why, until),
        Err(fault) => (pull.state, pull.note) = (State::Failed, fault.to_string()),
    }
    Vec::new()
}

/// Whether a fault says that nothing else will be taken either, and until when.
fn stops(fault: &Fault, now: i64) -> Option<(String, Option<i64>)> {
    match &fault.kind {
        FaultKind::RateLimited { wait, .. } => {
            let until = now + i64::try_from(wait.as_secs()).unwrap_or(i64::MAX / 2);
            Some((format!("GitHub asked to wait: {fault}"), Some(until)))
        }
        FaultKind::Fenced(why) => Some((why.to_string(), Some(now))),
        _ => None,
    }
}
