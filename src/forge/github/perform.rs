//! Performs writes: trees, commits, branches, pull requests, comments.

use std::cell::RefCell;

use http::Method;
use serde_json::{Value, json};

use super::GithubForge;
use super::answers::Made;
use super::look::Look;
use super::query;
use super::text::{self, Numbers};
use super::tree::{Contents, sha};
use crate::base::RepoName;
use crate::base::loose::read;
use crate::forge::{ForgeError, Text, Write};
use crate::github::{Call, Fault, FaultKind, Query, Repeat};
use crate::plan::END;

/// Performs writes.
pub struct Performer<'a> {
    /// What it writes through.
    pub forge: &'a GithubForge,
    /// What a person should know: what could not be done and is no reason to fail.
    pub notes: RefCell<Vec<String>>,
    /// What is open, for those that depend on it.
    pub numbers: &'a Numbers,
}

impl Performer<'_> {
    /// Performs one write.
    pub fn perform(&self, write: &Write, look: &mut Look) -> Result<(), ForgeError> {
        match write {
            Write::SetBranch { from, .. } => self.set_branch(look, from.as_deref()),
            Write::DeleteBranch { from, .. } => self.update_ref(look, from, query::NONE),
            Write::Open { base, text, .. } => self.open(look, base, text),
            Write::Edit { text, .. } => {
                let said = text::with_numbers(&text.body, &look.wanted, self.numbers);
                let body = json!({ "title": text.title, "body": said, "base": look.wanted.base });
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
            Write::Assign {
                labels,
                reviewers,
                assignees,
                ..
            } => self.assign(look, labels, reviewers, assignees),
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
        };
        Ok(self.forge.client.call(repo, &call)?.body)
    }

    /// Makes one commit on top of the base and sets the branch to it, if the branch is still where it was seen.
    fn set_branch(&self, look: &Look, from: Option<&str>) -> Result<(), ForgeError> {
        let (client, repo) = (&self.forge.client, &look.head_repo);
        let tree = Contents::of(look).tree(client, repo)?;
        let options = &self.forge.options;
        let title = match (look.wanted.files.is_empty(), &look.observed.text) {
            (true, Some(text)) => crate::base::text::inert(&text.title),
            _ => look.wanted.title.clone(),
        };
        let sign_off = options.sign_off.then(|| options.who());
        let message = text::commit_message(&title, &look.wanted, &look.content, &look.reach, sign_off.as_deref());
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
        let (data, errors) = self.forge.client.graphql(repo, &query)?;
        let Some(error) = errors.into_iter().next() else {
            let updated = read::<query::Updated>(&data).and_then(|answer| answer.update_refs.0);
            return updated.map(drop).ok_or_else(|| Fault::lacks(what, "updateRefs").into());
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
        let draft = self.forge.options.draft;
        let said = text::with_numbers(&text.body, &look.wanted, self.numbers);
        let mut body = json!({
            "title": text.title, "body": said, "base": base,
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
        look.open = Some(Made::of(&made).number.ok_or_else(|| Fault::lacks(what, "number"))?);
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
    fn assign(
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
            let body = json!({ field: names });
            let given = self.send(&look.repo, Method::POST, path, body, Repeat::Safe, what);
            match given {
                // Somebody who cannot be asked is no reason not to have a pull request.
                Err(ForgeError::GitHub(fault)) if field != "labels" && is_refused(&fault) => {
                    self.notes.borrow_mut().push(fault.to_string());
                }
                given => drop(given?),
            }
        }
        Ok(())
    }
}

fn is_refused(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Refused { status: 422, .. })
}
