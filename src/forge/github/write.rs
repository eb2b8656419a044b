//! Writes what a plan wants: trees, commits, branches, pull requests, comments. The only part that can.

use http::Method;
use serde_json::{Value, json};

use super::GithubForge;
use super::client::{Call, Query};
use super::fault::{Fault, FaultKind};
use super::journal::{Intent, Journal};
use super::look::{Look, look};
use super::query;
use super::retry::Repeat;
use super::steps::{Unfinished, steps};
use super::text;
use super::tree::Contents;
use crate::forge::{Action, ForgeError, Outcome, Text, Write};
use crate::plan::{END, Plan, PullRequest};
use crate::source::RepoName;

/// How often what is there is looked at anew, when somebody else was at work at the same time.
const ROUNDS: u32 = 3;

/// The writer of pull requests on GitHub.
pub struct GithubWriter<'a> {
    /// What it reads with.
    pub forge: &'a GithubForge,
    /// Where it notes what it is about to write.
    pub journal: &'a dyn Journal,
    /// Only say what would be written.
    pub dry_run: bool,
}

impl GithubWriter<'_> {
    /// Applies a plan, one pull request after the other; what fails costs no other one.
    pub fn apply(&self, plan: &Plan) -> Vec<Outcome> {
        plan.pull_requests.iter().map(|wanted| self.apply_one(wanted)).collect()
    }

    fn apply_one(&self, wanted: &PullRequest) -> Outcome {
        let mut outcome = Outcome {
            scope: wanted.scope.clone(),
            action: None,
            writes: Vec::new(),
            notes: Vec::new(),
            error: None,
        };
        outcome.error = self.settle(wanted, &mut outcome).err();
        outcome
    }

    /// Looks, decides, writes; again where somebody else was quicker, or where it cannot be told what was done.
    fn settle(&self, wanted: &PullRequest, outcome: &mut Outcome) -> Result<(), ForgeError> {
        for round in 1.. {
            match self.round(wanted, outcome) {
                Err(ForgeError::GitHub(fault)) if fault.kind.asks_to_look_again() && round < ROUNDS => {
                    tracing::debug!(%fault, round, "looking again");
                    self.forge.client.breathe(round);
                }
                ended => return ended,
            }
        }
        Ok(())
    }

    fn round(&self, wanted: &PullRequest, outcome: &mut Outcome) -> Result<(), ForgeError> {
        let options = &self.forge.options;
        let mut look = look(&self.forge.client, options, wanted)?;
        let left = self.journal.unfinished(&wanted.scope);
        let unfinished = Unfinished {
            dress: left.as_ref().is_some_and(|left| left.dress),
        };
        let (action, writes) = steps(&look, options, &options.reviewers, unfinished);
        outcome.action.get_or_insert(action);
        outcome.notes = notes(action, &look, wanted);
        if self.dry_run {
            outcome.writes = writes;
            return Ok(());
        }
        if !writes.is_empty() {
            self.journal
                .begin(&wanted.scope, &intent(&writes, self.forge.client.now()));
        }
        let hand = Hand { writer: self };
        for write in writes {
            hand.perform(&write, &mut look)?;
            outcome.writes.push(write);
        }
        if left.is_some() || !outcome.writes.is_empty() {
            self.journal.end(&wanted.scope);
        }
        Ok(())
    }
}

fn intent(writes: &[Write], at: i64) -> Intent {
    Intent {
        at,
        writes: writes.iter().map(ToString::to_string).collect(),
        dress: writes.iter().any(|write| matches!(write, Write::Dress { .. })),
    }
}

/// What a person should know beside the action itself.
fn notes(action: Action, look: &Look, wanted: &PullRequest) -> Vec<String> {
    match (action, &wanted.blocked) {
        (Action::Withhold, Some(why)) => vec![why.clone()],
        (Action::LeaveForeign | Action::Withhold, _) => look.observed.notes.clone(),
        _ => Vec::new(),
    }
}

/// Performs writes.
struct Hand<'a> {
    writer: &'a GithubWriter<'a>,
}

impl Hand<'_> {
    fn perform(&self, write: &Write, look: &mut Look) -> Result<(), ForgeError> {
        match write {
            Write::SetBranch { from, .. } => self.set_branch(look, from.as_deref()),
            Write::DeleteBranch { from, .. } => self.update_ref(look, from, query::NONE),
            Write::Open { base, text, .. } => self.open(look, base, text),
            Write::Edit { text, .. } => {
                let body = json!({ "title": text.title, "body": text.body, "base": look.wanted.base });
                self.patch_pull(look, "editing", body)
            }
            Write::Close { .. } => self.close(look),
            Write::Comment { text, .. } => self.comment(look, text),
            Write::EditComment { comment, text, .. } => {
                let path = format!("/repos/{}/issues/comments/{comment}", look.repo);
                let what = format!("editing a comment in {}", look.repo);
                self.send(
                    &look.repo,
                    Method::PATCH,
                    path,
                    json!({ "body": text }),
                    Repeat::Safe,
                    what,
                )
                .map(drop)
            }
            Write::Dress {
                labels,
                reviewers,
                assignees,
                ..
            } => self.dress(look, labels, reviewers, assignees),
            Write::Seed { .. } | Write::Follow { .. } | Write::MarkMerged { .. } => Ok(()), // of the local forge only
        }
    }

    fn send(
        &self,
        repo: &RepoName,
        method: Method,
        path: String,
        body: Value,
        repeat: Repeat,
        what: String,
    ) -> Result<Value, ForgeError> {
        let call = Call {
            method,
            path,
            body: Some(body),
            repeat,
            what,
            etag: None,
        };
        Ok(self.writer.forge.client.call(repo, &call)?.body)
    }

    /// Makes one commit on top of the base and sets the branch to it, if the branch is still where it was seen.
    fn set_branch(&self, look: &Look, from: Option<&str>) -> Result<(), ForgeError> {
        let (client, repo) = (&self.writer.forge.client, &look.head_repo);
        let tree = Contents::of(look).tree(client, repo)?;
        let options = &self.writer.forge.options;
        let title = match (look.wanted.files.is_empty(), &look.observed.text) {
            (true, Some(text)) => crate::plan::inert(&text.title),
            _ => look.wanted.title.clone(),
        };
        let sign_off = options.sign_off.then(|| options.who());
        let message = text::commit_message(
            &title,
            &look.wanted.scope.release,
            &look.content,
            &look.wanted.digest,
            sign_off.as_deref(),
        );
        let who = json!({ "name": options.name, "email": options.email });
        let parent = look.observed.base.as_deref().unwrap_or_default();
        let body = json!({ "message": message, "tree": tree, "parents": [parent], "author": who, "committer": who });
        let path = format!("/repos/{repo}/git/commits");
        let commit = self.send(
            repo,
            Method::POST,
            path,
            body,
            Repeat::Safe,
            format!("making a commit in {repo}"),
        )?;
        let commit = sha(&commit, "making a commit")?;
        self.update_ref(look, from.unwrap_or(query::NONE), &commit)
    }

    fn update_ref(&self, look: &Look, before: &str, after: &str) -> Result<(), ForgeError> {
        let (repo, branch) = (&look.head_repo, look.wanted.head());
        let what = format!("setting {branch} of {repo}");
        let variables = json!({
            "repository": look.head_repo_id, "name": format!("refs/heads/{branch}"), "before": before, "after": after,
        });
        let query = Query {
            text: query::UPDATE_REF,
            variables,
            repeat: Repeat::Once,
            what: what.clone(),
        };
        let (data, errors) = self.writer.forge.client.graphql(repo, &query)?;
        let Some(error) = errors.into_iter().next() else {
            return match data["updateRefs"].is_object() {
                true => Ok(()),
                false => Err(garbled(what, "updateRefs").into()),
            };
        };
        let kind = match error.kind.as_str() {
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => FaultKind::Forbidden(error.message),
            "NOT_FOUND" => FaultKind::NotFound,
            _ => FaultKind::Moved,
        };
        Err(Fault { what, kind }.into())
    }

    fn open(&self, look: &mut Look, base: &str, text: &Text) -> Result<(), ForgeError> {
        let repo = look.repo.clone();
        let draft = self.writer.forge.options.draft;
        let mut body = json!({
            "title": text.title, "body": text.body, "base": base,
            "head": format!("{}:{}", look.head_repo.org, look.wanted.head()), "draft": draft,
        });
        if look.head_repo.org == repo.org && look.head_repo.repo != repo.repo {
            body["head_repo"] = json!(look.head_repo.to_string());
        }
        let what = format!("opening a pull request in {repo}");
        let made = self.send(
            &repo,
            Method::POST,
            format!("/repos/{repo}/pulls"),
            body,
            Repeat::Once,
            what.clone(),
        )?;
        look.open = Some(made["number"].as_u64().ok_or_else(|| garbled(what, "number"))?);
        Ok(())
    }

    fn patch_pull(&self, look: &Look, doing: &str, body: Value) -> Result<(), ForgeError> {
        let Some(number) = look.open else { return Ok(()) };
        let path = format!("/repos/{}/pulls/{number}", look.repo);
        let what = format!("{doing} {}#{number}", look.repo);
        self.send(&look.repo, Method::PATCH, path, body, Repeat::Safe, what)
            .map(drop)
    }

    /// Closes, and says in the same step in the body that it was not a person.
    fn close(&self, look: &Look) -> Result<(), ForgeError> {
        let body = look.observed.text.as_ref().map_or("", |text| text.body.as_str());
        let mark = text::CLOSED;
        let body = match body.find(END) {
            Some(at) => format!("{}{mark}\n{}", &body[..at], &body[at..]),
            None => format!("{body}\n{mark}\n"),
        };
        self.patch_pull(look, "closing", json!({ "state": "closed", "body": body }))
    }

    fn comment(&self, look: &Look, text: &str) -> Result<(), ForgeError> {
        let Some(number) = look.open else { return Ok(()) };
        let path = format!("/repos/{}/issues/{number}/comments", look.repo);
        let what = format!("commenting on {}#{number}", look.repo);
        self.send(
            &look.repo,
            Method::POST,
            path,
            json!({ "body": text }),
            Repeat::Once,
            what,
        )
        .map(drop)
    }

    /// Gives a pull request labels and people. Adding what is there already changes nothing.
    fn dress(
        &self,
        look: &Look,
        labels: &[String],
        reviewers: &[String],
        assignees: &[String],
    ) -> Result<(), ForgeError> {
        let Some(number) = look.open else { return Ok(()) };
        let parts = [
            ("issues", "labels", "labels", labels),
            ("pulls", "requested_reviewers", "reviewers", reviewers),
            ("issues", "assignees", "assignees", assignees),
        ];
        for (of, path, field, names) in parts {
            if names.is_empty() {
                continue;
            }
            let path = format!("/repos/{}/{of}/{number}/{path}", look.repo);
            let what = format!("giving {}#{number} its {field}", look.repo);
            self.send(
                &look.repo,
                Method::POST,
                path,
                json!({ field: names }),
                Repeat::Safe,
                what,
            )?;
        }
        Ok(())
    }
}

/// The id of an object that was made.
pub(super) fn sha(made: &Value, what: &str) -> Result<String, Fault> {
    let sha = made["sha"].as_str().map(str::to_owned);
    sha.ok_or_else(|| garbled(what.to_owned(), "sha"))
}

fn garbled(what: String, field: &str) -> Fault {
    Fault {
        what,
        kind: FaultKind::Garbled(format!("it has no `{field}`")),
    }
}
