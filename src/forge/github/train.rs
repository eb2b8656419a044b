//! The train of a branch cut on GitHub: what its last pull request says, and how it ends.

use http::Method;
use serde_json::{Value, json};

use super::GithubForge;
use super::query;
use super::text;
use crate::base::RepoName;
use crate::forge::{ForgeError, StepState, Train};
use crate::github::{Call, Fault, FaultKind, Query, Repeat};
use crate::plan::{CUT, OVER, Scope, Step};

/// The last pull request of a train.
struct Last {
    number: u64,
    state: String,
    body: String,
    head: Option<String>,
    head_ours: bool,
    head_repo: (RepoName, String),
    step: Step,
    /// The one that was merged before it.
    before: Option<String>,
}

impl GithubForge {
    /// The train that is under way in a repository, if one is.
    ///
    /// # Errors
    /// GitHub cannot be asked.
    pub fn train(&self, repo: &RepoName) -> Result<Option<Train>, ForgeError> {
        let Some(last) = self.last_step(repo)? else {
            return Ok(None);
        };
        let train = Train::new(last.step, state(&last.state), format!("#{}", last.number));
        Ok(train.map(|train| Train {
            before: last.before,
            ..train
        }))
    }

    /// Writes down that a train is done or given up, and closes what is open of it. Tells what was done; what people
    /// committed stays.
    ///
    /// # Errors
    /// GitHub did not do it.
    pub fn end_train(&self, repo: &RepoName) -> Result<Vec<String>, ForgeError> {
        let Some(last) = self.last_step(repo)? else {
            return Ok(Vec::new());
        };
        let (number, mut done) = (last.number, Vec::new());
        let mut body = format!("{}\n{OVER}\n", last.body.trim_end());
        if last.state == "OPEN" {
            body.push_str(&format!("{}\n", text::CLOSED));
            let said = json!({ "body": "The cut was given up. Closing, and deleting the branch.\n" });
            self.send(
                repo,
                Method::POST,
                format!("issues/{number}/comments"),
                said,
                Repeat::Once,
            )?;
            done.push(format!("close {repo}#{number}"));
        }
        let state = if last.state == "OPEN" {
            json!({ "body": body, "state": "closed" })
        } else {
            json!({ "body": body })
        };
        self.send(repo, Method::PATCH, format!("pulls/{number}"), state, Repeat::Safe)?;
        if let Some(head) = last.head.filter(|_| last.head_ours) {
            let (head_repo, id) = last.head_repo;
            let branch = head_of();
            let variables = json!({ "repository": id, "name": format!("refs/heads/{branch}"), "before": head, "after": query::NONE });
            let what = format!("deleting {branch} of {head_repo}");
            let query = Query {
                text: query::UPDATE_REF,
                variables,
                repeat: Repeat::Once,
                what,
            };
            self.client.graphql(&head_repo, &query)?;
            done.push(format!("delete {branch}"));
        }
        Ok(done)
    }

    fn send(
        &self,
        repo: &RepoName,
        method: Method,
        path: String,
        body: Value,
        repeat: Repeat,
    ) -> Result<(), ForgeError> {
        let call = Call {
            method,
            path: format!("/repos/{repo}/{path}"),
            body: Some(body),
            repeat,
            what: format!("ending the train of a branch cut in {repo}"),
        };
        self.client.call(repo, &call)?;
        Ok(())
    }

    fn last_step(&self, repo: &RepoName) -> Result<Option<Last>, ForgeError> {
        let fork = RepoName {
            org: self.options.fork.clone().unwrap_or_else(|| repo.org.clone()),
            repo: repo.repo.clone(),
        };
        let branch = head_of();
        let variables = json!({
            "owner": repo.org, "name": repo.repo, "headOwner": fork.org, "headName": fork.repo,
            "head": format!("refs/heads/{branch}"), "branch": branch,
        });
        let what = format!("looking for a branch cut in {repo}");
        let seen: query::Steps = query::ask_of_pulls(&self.reader, repo, query::TRAIN, variables, &what)?;
        let not_found = || Fault {
            what: what.clone(),
            kind: FaultKind::NotFound,
        };
        let target = seen.repository.ok_or_else(not_found)?;
        let Some(fork) = seen.fork else { return Ok(None) };
        let Some(pull) = last(&target.pull_requests.nodes, &fork) else {
            return Ok(None);
        };
        let Some(step) = Step::of_body(&pull.body) else {
            return Ok(None);
        };
        let mut merged = target.pull_requests.nodes.iter();
        let merged = merged.rfind(|other| other.state == "MERGED" && other.number < pull.number);
        let before = merged.map(|other| format!("#{}", other.number));
        let head = fork.head.map(|head| head.target);
        let email = Some(self.options.email.as_str());
        let by_us = |who: &Option<query::Actor>| who.as_ref().and_then(|who| who.email.as_deref()) == email;
        let name = fork.name_with_owner.parse().map_err(|_| not_found())?;
        Ok(Some(Last {
            number: pull.number,
            state: pull.state.clone(),
            body: pull.body.clone(),
            head_ours: head
                .as_ref()
                .is_some_and(|head| by_us(&head.author) && by_us(&head.committer)),
            head: head.map(|head| head.oid),
            head_repo: (name, fork.id),
            step,
            before,
        }))
    }
}

fn state(text: &str) -> StepState {
    match text {
        "OPEN" => StepState::Open,
        "MERGED" => StepState::Merged,
        _ => StepState::Refused,
    }
}

/// The last of the pull requests of a branch cut that come from our branch, not from one of that name elsewhere.
fn last<'p>(pulls: &'p [query::StepPull], fork: &query::Fork) -> Option<&'p query::StepPull> {
    pulls.iter().rfind(|pull| {
        let head = pull.head_repository.as_ref();
        head.is_some_and(|head| head.name_with_owner.eq_ignore_ascii_case(&fork.name_with_owner))
    })
}

/// The train that is under way, from what one look has seen of its pull requests.
pub fn seen(pulls: &[query::StepPull], fork: &query::Fork) -> Option<Train> {
    let last = last(pulls, fork)?;
    Train::new(
        Step::of_body(&last.body)?,
        state(&last.state),
        format!("#{}", last.number),
    )
}

/// The branch of a train's steps.
fn head_of() -> String {
    let scope = Scope {
        repo: RepoName {
            org: String::new(),
            repo: String::new(),
        },
        release: String::new(),
        group: CUT.to_owned(),
    };
    scope.head()
}
