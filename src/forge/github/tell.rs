//! What is said of a pull request of somebody else: a check run or a commit status, once, and never so that it blocks unless
//! that is asked for.
//!
//! Neither has a key that makes writing it twice harmless. So what is there is looked at first, with our own app's id, by what the
//! answer was made from (`external_id`); and after a write whose answer was lost it is looked at again. A check is written once and
//! completed at once: Tide holds every context that is not successful, pending ones, too.

use http::Method;
use serde_json::{Value, json};

use super::GithubForge;
use super::answers::{Check, Checks, Status};
use crate::base::RepoName;
use crate::base::loose::{Loose, read};
use crate::finding::Severity;
use crate::github::{Call, Fault, FaultKind, Repeat};
use crate::impact::Mark;

/// What the check and the status are called.
const NAME: &str = "OKD";
/// How often what is there is looked at anew.
const ROUNDS: u32 = 3;
/// As many answers are given about one head.
const MOST: usize = 5;
/// As long a status may be, in characters.
const STATUS: usize = 140;
/// As long the summary of a check may be, in bytes; GitHub takes 65,535.
const SUMMARY: usize = 60_000;
/// As many lines are marked: what GitHub takes in one request. More could only be appended, and nothing tells what was.
const MARKS: usize = 50;
/// What an older answer is called once there is a newer one.
const SUPERSEDED: &str = "superseded: ";

/// An answer about the head of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The repository.
    pub repo: RepoName,
    /// The number of the pull request.
    pub pull: u64,
    /// Its head.
    pub head: String,
    /// Whether it is to hold the pull request up.
    pub holds: bool,
    /// Whether there is something to say.
    pub warns: bool,
    /// The answer in a line.
    pub title: String,
    /// The answer in markdown.
    pub summary: String,
    /// Lines of the head's files that findings stand at, the worst first.
    pub marks: Vec<Mark>,
    /// What it was made from.
    pub digest: String,
    /// Whether somebody pressed GitHub's button to have it again: the suite of the check waits until a check of it is written.
    pub is_pressed: bool,
}

/// In which form an answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A check run; only an app can, and this is its id.
    Check(u64),
    /// A commit status.
    Status,
}

/// What became of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is there already.
    Already,
    /// What was written, or would be.
    Written(Vec<String>),
    /// It is not given, why, and until when, in seconds since 1970, where that is known.
    Waits(String, Option<i64>),
}

impl Told {
    /// What became of two parts of an answer.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Already, other) => other,
            (one, Self::Already) => one,
            (Self::Written(mut lines), Self::Written(more)) => {
                lines.extend(more);
                Self::Written(lines)
            }
            // What was written is told in any case.
            (Self::Written(mut lines), Self::Waits(why, _)) | (Self::Waits(why, _), Self::Written(mut lines)) => {
                lines.push(why);
                Self::Written(lines)
            }
            (waits @ Self::Waits(..), Self::Waits(..)) => waits,
        }
    }
}

/// A check run of ours.
struct Run {
    id: u64,
    digest: String,
    conclusion: String,
    title: String,
}

impl Answer {
    /// How a check ends: as Tide lets it pass, unless it is to hold.
    fn conclusion(&self) -> &'static str {
        match (self.holds, self.warns) {
            (true, _) => "failure",
            (false, true) => "neutral",
            (false, false) => "success",
        }
    }

    /// What a check shows beside its title.
    fn shown(&self) -> String {
        let mut summary = cut(&self.summary, SUMMARY).to_owned();
        if self.marks.len() > MARKS {
            let all = self.marks.len();
            summary.push_str(&format!(
                "\n\nOf {all} lines that findings stand at {MARKS} are marked in the files; lockstep's page about this pull request has all.\n"
            ));
        }
        summary
    }

    pub(super) fn place(&self) -> String {
        format!(
            "{}#{} at {}",
            self.repo,
            self.pull,
            self.head.get(..10).unwrap_or(&self.head)
        )
    }
}

impl GithubForge {
    /// Gives an answer, unless it is given already; in a dry run only says what would be written.
    ///
    /// # Errors
    /// GitHub cannot be asked, or does not take it.
    pub fn tell(&self, answer: &Answer, form: Form, dry_run: bool) -> Result<Told, Fault> {
        self.again(|| match form {
            Form::Check(app) => self.tell_check(answer, app, dry_run),
            Form::Status => self.tell_status(answer, dry_run),
        })
    }

    /// Looks anew and decides anew where somebody else may have been quicker, or an answer was lost: what is there says.
    pub(super) fn again<T>(&self, mut once: impl FnMut() -> Result<T, Fault>) -> Result<T, Fault> {
        let mut round = 1;
        loop {
            match once() {
                Err(fault) if fault.kind.asks_to_look_again() && round < ROUNDS => {
                    self.client.breathe(round);
                    round += 1;
                }
                done => return done,
            }
        }
    }

    fn tell_check(&self, answer: &Answer, app: u64, dry_run: bool) -> Result<Told, Fault> {
        let mut runs = self.own_checks(&answer.repo, &answer.head, &answer.place(), app)?;
        let mut written = Vec::new();
        // Other metadata that says the same is no news.
        let same = |run: &&Run| {
            let says = run.digest == answer.digest || run.title == answer.title;
            says && run.conclusion == answer.conclusion() && !run.title.starts_with(SUPERSEDED)
        };
        if !runs.iter().any(|run| same(&run)) {
            if runs.len() >= MOST {
                return Ok(Told::Waits(
                    format!("{} has {MOST} answers already", answer.place()),
                    None,
                ));
            }
            let marked = match answer.marks.len().min(MARKS) {
                0 => String::new(),
                1 => "; one line is marked".to_owned(),
                more => format!("; {more} lines are marked"),
            };
            written.push(format!(
                "check `{NAME}` ({}) on {}: {}{marked}",
                answer.conclusion(),
                answer.place(),
                answer.title
            ));
            if !dry_run {
                self.write_check(answer)?;
                // Somebody else may have written at the same time: of two the older stays.
                runs = self.own_checks(&answer.repo, &answer.head, &answer.place(), app)?;
            }
        }
        let current = runs.iter().find(same).map(|run| run.id);
        if let (Some(id), true, true) = (current, answer.is_pressed, written.is_empty()) {
            written.push(format!(
                "check {id} on {} is given again: it was asked for",
                answer.place()
            ));
            if !dry_run {
                self.give_again(answer, id)?;
            }
        }
        for old in runs
            .iter()
            .filter(|run| Some(run.id) != current && !run.title.starts_with(SUPERSEDED))
        {
            written.push(format!(
                "check {} on {} says that it is superseded",
                old.id,
                answer.place()
            ));
            if !dry_run {
                self.supersede(answer, old)?;
            }
        }
        Ok(if written.is_empty() {
            Told::Already
        } else {
            Told::Written(written)
        })
    }

    fn write_check(&self, answer: &Answer) -> Result<(), Fault> {
        let marks: Vec<Value> = answer.marks.iter().take(MARKS).map(annotation).collect();
        let body = json!({
            "name": NAME, "head_sha": answer.head, "external_id": answer.digest, "status": "completed",
            "conclusion": answer.conclusion(),
            "output": {"title": answer.title, "summary": answer.shown(), "annotations": marks},
        });
        let path = format!("/repos/{}/check-runs", answer.repo);
        let what = "writing a check (permission `checks: write`)";
        self.write(answer, Method::POST, path, body, Repeat::Once, what)
    }

    /// Writes the check that is there once more: the same, so that doing it twice does nothing, and without its marks, which would be
    /// appended to those that are there.
    fn give_again(&self, answer: &Answer, id: u64) -> Result<(), Fault> {
        let body = json!({
            "status": "completed", "conclusion": answer.conclusion(), "external_id": answer.digest,
            "output": {"title": answer.title, "summary": answer.shown()},
        });
        let path = format!("/repos/{}/check-runs/{id}", answer.repo);
        let what = "giving a check again (permission `checks: write`)";
        self.write(answer, Method::PATCH, path, body, Repeat::Safe, what)
    }

    fn supersede(&self, answer: &Answer, old: &Run) -> Result<(), Fault> {
        let title = format!("{SUPERSEDED}{}", old.title);
        // The same conclusion: nothing that passed is held up afterwards.
        let body = json!({"output": {"title": title, "summary": "There is a newer answer about this head."}});
        let path = format!("/repos/{}/check-runs/{}", answer.repo, old.id);
        let what = "saying that a check is superseded (permission `checks: write`)";
        self.write(answer, Method::PATCH, path, body, Repeat::Safe, what)
    }

    /// What a head that was merged had been told, where that warned.
    pub(super) fn warned(&self, repo: &RepoName, head: &str, form: Form) -> Result<Option<String>, Fault> {
        let place = format!("{repo} at {}", head.get(..10).unwrap_or(head));
        let title = match form {
            Form::Check(app) => {
                let runs = self.own_checks(repo, head, &place, app)?;
                let mut runs = runs.into_iter().filter(|run| !run.title.starts_with(SUPERSEDED));
                runs.next().map(|run| run.title)
            }
            Form::Status => self.own_statuses(repo, head, &place)?.into_iter().next(),
        };
        Ok(title.filter(|title| title.starts_with("breaks") || title.starts_with("changes")))
    }

    /// The texts of the statuses of our name on a head, the newest first.
    fn own_statuses(&self, repo: &RepoName, head: &str, place: &str) -> Result<Vec<String>, Fault> {
        let path = format!("/repos/{repo}/commits/{head}/statuses?per_page=100");
        let found = self
            .reader
            .get(repo, path, format!("looking for statuses of {place}"))?;
        Ok(statuses(&found.body)
            .map(|status| status.description.0.unwrap_or_default())
            .collect())
    }

    /// The checks of our own app on a head; another app's of the same name are none of ours.
    fn own_checks(&self, repo: &RepoName, head: &str, place: &str, app: u64) -> Result<Vec<Run>, Fault> {
        let path = format!("/repos/{repo}/commits/{head}/check-runs?check_name={NAME}&filter=all&per_page=100");
        let what = format!("looking for checks on {place} (permission `checks: write`)");
        let found = self.reader.get(repo, path, what)?;
        let found: Checks = read(&found.body).unwrap_or_default();
        let ours = found
            .check_runs
            .iter()
            .filter(|run| *run.app.id == Some(app) && *run.name == NAME);
        let run = |Loose(run): &Loose<Check>| {
            Some(Run {
                id: (*run.id)?,
                digest: run.external_id.clone(),
                conclusion: run.conclusion.clone(),
                title: run.output.title.clone(),
            })
        };
        let mut ours: Vec<Run> = ours.filter_map(run).collect();
        ours.sort_by_key(|run| run.id);
        Ok(ours)
    }

    fn tell_status(&self, answer: &Answer, dry_run: bool) -> Result<Told, Fault> {
        let (state, description) = (
            if answer.holds { "failure" } else { "success" },
            chars(&answer.title, STATUS),
        );
        let path = format!("/repos/{}/commits/{}/statuses?per_page=100", answer.repo, answer.head);
        let what = format!("looking for statuses of {}", answer.place());
        let found = self.reader.get(&answer.repo, path, what)?;
        // The newest comes first.
        let ours: Vec<Status> = statuses(&found.body).collect();
        let same = |status: &Status| *status.state == state && status.description.as_ref() == Some(&description);
        if ours.first().is_some_and(same) {
            return Ok(Told::Already);
        }
        if ours.len() >= MOST {
            return Ok(Told::Waits(
                format!("{} has {MOST} answers already", answer.place()),
                None,
            ));
        }
        if !dry_run {
            let body = json!({"state": state, "context": NAME, "description": description});
            let path = format!("/repos/{}/statuses/{}", answer.repo, answer.head);
            let what = "setting a status (permission `statuses: write`)";
            self.write(answer, Method::POST, path, body, Repeat::Once, what)?;
        }
        let line = format!("status `{NAME}` ({state}) on {}: {description}", answer.place());
        Ok(Told::Written(vec![line]))
    }

    fn write(
        &self,
        answer: &Answer,
        method: Method,
        path: String,
        body: Value,
        repeat: Repeat,
        what: &str,
    ) -> Result<(), Fault> {
        let what = format!("{what} on {}", answer.place());
        self.put(&answer.repo, method, path, body, repeat, what).map(drop)
    }

    /// Writes, and gives what GitHub says of it.
    pub(super) fn put(
        &self,
        repo: &RepoName,
        method: Method,
        path: String,
        body: Value,
        repeat: Repeat,
        what: String,
    ) -> Result<Value, Fault> {
        let call = Call {
            method,
            path,
            body: Some(body),
            repeat,
            what,
        };
        match self.client.call(repo, &call) {
            // What does not fit will not fit the next time either.
            Err(Fault {
                what,
                kind: FaultKind::Refused { status: 422, message },
            }) => Err(Fault {
                what,
                kind: FaultKind::Other { status: 422, message },
            }),
            other => other.map(|answer| answer.body),
        }
    }
}

/// The statuses of our name in an answer.
fn statuses(answer: &Value) -> impl Iterator<Item = Status> {
    let all = answer.as_array().into_iter().flatten().filter_map(read::<Status>);
    all.filter(|status| *status.context == NAME)
}

/// A mark as GitHub takes it.
fn annotation(mark: &Mark) -> Value {
    let level = match mark.severity {
        Severity::Error => "failure",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    json!({
        "path": mark.path, "start_line": mark.line, "end_line": mark.line, "annotation_level": level, "title": mark.title,
        "message": mark.message,
    })
}

/// A text cut to so many bytes.
pub(super) fn cut(text: &str, most: usize) -> &str {
    let mut at = most.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    &text[..at]
}

/// A text cut to so many characters.
fn chars(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_letters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(chars("ééé", 2), "é…");
        assert_eq!(chars(&"x".repeat(200), STATUS).chars().count(), STATUS);
        assert_eq!(chars("x", STATUS), "x");
    }
}
