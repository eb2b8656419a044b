//! Issues and comments about images that do not build: what is there, found by listing our own, and one write after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use http::Method;
use serde_json::{Map, Value, json};

use super::answers::{Collaborator, OfRepository, Remark, Repository, Thread};
use super::tell::Form;
use super::{GithubForge, owners};
use crate::base::RepoName;
use crate::base::loose::{Loose, read};
use crate::github::{Call, Fault, FaultKind, Page, Parts, Repeat, seconds};
use crate::told::{Deed, Door, Merged, Object, Said, There, Write, asks_for_silence, is_ours, is_word, keeps};

/// How many repositories are looked at in one question.
const REPOSITORIES: usize = 10;
/// How many pages of a hundred issues are read of a repository.
const PAGES: usize = 10;
/// How far back issues are listed that nobody has touched since, in seconds.
const BACK: i64 = 180 * 86_400;
/// How many people are asked about in one text.
const ASKED: usize = 10;

/// What is looked at of an issue, and of what was said on it.
const ISSUE: &str = "number state body createdAt viewerDidAuthor";
const SAID: &str = "comments(last: 100) { nodes { databaseId body createdAt viewerDidAuthor author { login } } }";

/// What is to be looked at in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LookFor {
    /// Merged pull requests.
    pub pulls: BTreeSet<u64>,
    /// Issues that are known.
    pub numbers: BTreeSet<u64>,
    /// All issues of ours.
    pub issues: bool,
    /// The merged pull requests that were touched last, as well.
    pub merged: bool,
    /// Who approves changes there.
    pub owners: bool,
}

/// Who looks: which form our checks have, and the time.
#[derive(Clone, Copy, Debug)]
pub struct Looking {
    /// In which form open pull requests are told; `None`: they are not.
    pub form: Option<Form>,
    /// Seconds since 1970.
    pub now: i64,
}

/// What was found of a repository.
type Looked = Result<Repository, Fault>;

impl GithubForge {
    /// Looks at what was told in repositories. What cannot be looked at shuts its repository, and is given beside.
    pub fn look_at_told(&self, wanted: &BTreeMap<RepoName, LookFor>, looking: Looking) -> (There, Vec<Fault>) {
        let (mut there, mut faults) = (There::default(), Vec::new());
        let mut orgs: BTreeMap<&str, Vec<(&RepoName, &LookFor)>> = BTreeMap::new();
        for (repo, wanted) in wanted {
            orgs.entry(&repo.org).or_default().push((repo, wanted));
        }
        for repos in orgs.values().flat_map(|repos| repos.chunks(REPOSITORIES)) {
            let mut found = self.ask_of(repos, looking.now);
            for (repo, wanted) in repos {
                let looked = found
                    .as_mut()
                    .map_err(|fault| fault.clone())
                    .and_then(|found| found.remove(*repo).unwrap_or_else(|| Err(absent(repo))))
                    .and_then(|found| self.one(repo, wanted, found, looking, &mut there));
                if let Err(fault) = looked {
                    there
                        .doors
                        .insert((*repo).clone(), Door::Shut(format!("it cannot be looked at: {fault}")));
                    faults.push(fault);
                }
            }
        }
        (there, faults)
    }

    /// Asks about repositories of one organisation at once.
    fn ask_of(&self, repos: &[(&RepoName, &LookFor)], now: i64) -> Result<BTreeMap<RepoName, Looked>, Fault> {
        let Some((first, _)) = repos.first() else {
            return Ok(BTreeMap::new());
        };
        let (mut head, mut body, mut variables) = (String::new(), String::new(), Map::new());
        // GitHub refuses a variable that nothing uses.
        if repos.iter().any(|(_, wanted)| wanted.issues) {
            head.push_str(", $since: DateTime!");
            variables.insert("since".to_owned(), json!(since(now)));
        }
        for (at, (repo, wanted)) in repos.iter().enumerate() {
            let _ = write!(head, ", $o{at}: String!, $n{at}: String!");
            variables.insert(format!("o{at}"), json!(repo.org));
            variables.insert(format!("n{at}"), json!(repo.repo));
            let _ = write!(
                body,
                "  r{at}: repository(owner: $o{at}, name: $n{at}) {{ isArchived hasIssuesEnabled"
            );
            for number in &wanted.pulls {
                let _ = write!(
                    body,
                    " p{number}: pullRequest(number: {number}) {{ number mergedAt headRefOid {SAID} }}"
                );
            }
            for number in &wanted.numbers {
                let _ = write!(body, " i{number}: issue(number: {number}) {{ {ISSUE} {SAID} }}");
            }
            if wanted.issues {
                let _ = write!(body, " {}", listing(""));
            }
            if wanted.merged {
                let _ = write!(
                    body,
                    " merged: pullRequests(states: [MERGED], last: 30, orderBy: {{field: UPDATED_AT, direction: ASC}}) {{ nodes {{ number \
                     mergedAt headRefOid {SAID} }} }}"
                );
            }
            if wanted.owners {
                for (name, file) in [("owners", "OWNERS"), ("groups", "OWNERS_ALIASES")] {
                    let _ = write!(
                        body,
                        " {name}: object(expression: \"HEAD:{file}\") {{ __typename ... on Blob {{ text }} }}"
                    );
                }
            }
            body.push_str(" }\n");
        }
        let text = format!("query Told({}) {{\n{body}}}", head.trim_start_matches(", "));
        let what = match repos.len() {
            1 => format!("looking for what was told in {first}"),
            n => format!("looking for what was told in {first} and {} more repositories", n - 1),
        };
        let answer = match self.reader.ask_parts(first, &text, Value::Object(variables), what) {
            // Not one of them can be read.
            Err(fault) if fault.kind == FaultKind::NotFound => Parts::none(),
            asked => asked?,
        };
        let found = repos.iter().enumerate();
        Ok(found
            .map(|(at, (repo, _))| ((*repo).clone(), repository(&answer, &format!("r{at}"), repo)))
            .collect())
    }

    /// Takes on what was found in one repository.
    fn one(
        &self,
        repo: &RepoName,
        wanted: &LookFor,
        mut found: Repository,
        looking: Looking,
        there: &mut There,
    ) -> Result<(), Fault> {
        let mut seen = There::default();
        if wanted.owners {
            let people = found.owners.text.as_deref();
            let people = people.map(|text| owners::approvers(text, found.groups.text.as_deref()));
            seen.owners.insert(repo.clone(), people.unwrap_or_default());
        }
        for number in &wanted.pulls {
            seen.pulls.insert((repo.clone(), *number), None);
        }
        let pulls = wanted
            .pulls
            .iter()
            .filter_map(|number| found.by_number.get(&format!("p{number}")));
        for pull in pulls.chain(found.merged.nodes.iter()) {
            let is_wanted = pull.number.is_some_and(|number| wanted.pulls.contains(&number));
            self.pull(repo, pull, looking.form.filter(|_| is_wanted), &mut seen)?;
        }
        // Of the others only what we said is known.
        seen.pulls.retain(|(_, number), _| wanted.pulls.contains(number));
        let mut issues: BTreeMap<u64, Thread> = BTreeMap::new();
        let mut take = |Loose(issue): Loose<Thread>| {
            if let Some(number) = *issue.number {
                issues.insert(number, issue);
            }
        };
        let known = wanted.numbers.iter();
        known
            .filter_map(|number| found.by_number.remove(&format!("i{number}")))
            .for_each(&mut take);
        if wanted.issues {
            let mut page = std::mem::take(&mut found.issues.0);
            for turn in 1.. {
                let next = page.next();
                page.nodes.into_items().into_iter().flatten().for_each(&mut take);
                let Some(cursor) = next else { break };
                if turn >= PAGES {
                    let why = format!("more than {} issues were touched in half a year", PAGES * 100);
                    seen.doors.insert(repo.clone(), Door::Shut(why));
                    break;
                }
                page = self.page(repo, &cursor, looking.now)?;
            }
            seen.doors.entry(repo.clone()).or_insert_with(|| door(&found));
        }
        if *found.is_archived {
            seen.doors.insert(repo.clone(), door(&found));
        }
        for issue in issues.values() {
            self.issue(repo, issue, &mut seen)?;
        }
        there.objects.extend(seen.objects);
        there.pulls.extend(seen.pulls);
        there.doors.extend(seen.doors);
        there.owners.extend(seen.owners);
        there.notes.extend(seen.notes);
        Ok(())
    }

    /// One more page of issues.
    fn page(&self, repo: &RepoName, cursor: &str, now: i64) -> Result<Page<Thread>, Fault> {
        let text = format!(
            "query More($owner: String!, $name: String!, $after: String!, $since: DateTime!) {{ repository(owner: $owner, name: $name) {{ {} }} \
             }}",
            listing(", after: $after")
        );
        let variables = json!({"owner": repo.org, "name": repo.repo, "after": cursor, "since": since(now)});
        let what = format!("listing issues of {repo}");
        let data = self.reader.ask(repo, &text, variables, what)?;
        let found: OfRepository = read(&data).unwrap_or_default();
        Ok(found.repository.0.issues.0)
    }

    /// A pull request with what we said there.
    fn pull(&self, repo: &RepoName, pull: &Thread, form: Option<Form>, seen: &mut There) -> Result<(), Fault> {
        let (Some(number), Some(at)) = (*pull.number, seconds(&pull.merged_at)) else {
            return Ok(());
        };
        let before = seen.objects.len();
        for comment in pull.comments.nodes.iter().filter(|comment| *comment.viewer_did_author) {
            let (Some(id), true) = (*comment.database_id, is_ours(&comment.body)) else {
                continue;
            };
            let object = Object {
                repo: repo.clone(),
                number,
                comment: Some(id),
                created: seconds(&comment.created_at).unwrap_or_default(),
                is_open: true,
                body: comment.body.clone(),
                words: Vec::new(),
                said: Vec::new(),
            };
            let said = self.said(&object, pull, &mut seen.notes)?;
            seen.objects.push(Object { said, ..object });
        }
        let head = pull.head_ref_oid.as_deref().filter(|_| seen.objects.len() == before);
        let warned = match (head, form) {
            (Some(head), Some(form)) => self.warned(repo, head, form)?,
            _ => None,
        };
        seen.pulls.insert((repo.clone(), number), Some(Merged { at, warned }));
        Ok(())
    }

    fn issue(&self, repo: &RepoName, issue: &Thread, seen: &mut There) -> Result<(), Fault> {
        let (Some(number), true) = (*issue.number, *issue.viewer_did_author && is_ours(&issue.body)) else {
            return Ok(());
        };
        let own = issue.comments.nodes.iter().filter(|comment| *comment.viewer_did_author);
        let object = Object {
            repo: repo.clone(),
            number,
            comment: None,
            created: seconds(&issue.created_at).unwrap_or_default(),
            is_open: *issue.state == "OPEN",
            words: own.map(|word| word.body.clone()).filter(|word| is_word(word)).collect(),
            body: issue.body.clone(),
            said: Vec::new(),
        };
        let said = self.said(&object, issue, &mut seen.notes)?;
        seen.objects.push(Object { said, ..object });
        Ok(())
    }

    /// Wishes for silence that are not kept yet, of people who may write to the repository.
    fn said(&self, object: &Object, of: &Thread, notes: &mut BTreeSet<String>) -> Result<Vec<Said>, Fault> {
        let (mut said, mut may): (Vec<Said>, BTreeMap<String, bool>) = Default::default();
        let asks = |comment: &&Loose<Remark>| !*comment.viewer_did_author && asks_for_silence(&comment.body);
        for comment in of.comments.nodes.iter().filter(asks) {
            let (Some(id), Some(at)) = (*comment.database_id, seconds(&comment.created_at)) else {
                continue;
            };
            if at < object.created || keeps(&object.body, id) {
                continue;
            }
            let author = comment.author.login.clone();
            let known = may.get(&author).copied();
            if known.is_none() && may.len() == ASKED {
                continue;
            }
            let may_write = known.map_or_else(|| self.may_write(&object.repo, &author), Ok)?;
            may.insert(author.clone(), may_write);
            if may_write {
                said.push(Said {
                    comment: id,
                    author,
                    at,
                    body: comment.body.clone(),
                });
            } else {
                notes.insert(format!(
                    "{}#{}: {author} asks for silence, and may not write to the repository",
                    object.repo, object.number
                ));
            }
        }
        Ok(said)
    }

    /// Whether somebody may write to a repository.
    fn may_write(&self, repo: &RepoName, login: &str) -> Result<bool, Fault> {
        let plain = login.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain || login.is_empty() {
            return Ok(false);
        }
        let path = format!("/repos/{repo}/collaborators/{login}/permission");
        let what = format!("asking whether {login} may write to {repo} (permission `metadata: read`)");
        match self.reader.get(repo, path, what) {
            Ok(found) => {
                let may: Collaborator = read(&found.body).unwrap_or_default();
                Ok(matches!(may.permission.as_str(), "admin" | "write"))
            }
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Performs one write.
    ///
    /// # Errors
    /// GitHub cannot be asked, or does not take it.
    pub fn write_told(&self, write: &Write) -> Result<(), Fault> {
        let repo = &write.repository;
        let issues = format!("/repos/{repo}/issues");
        let (method, path, body, repeat, what) = match &write.deed {
            Deed::Comment { pull, body } => (
                Method::POST,
                format!("{issues}/{pull}/comments"),
                json!({ "body": body }),
                Repeat::Once,
                format!("commenting on {repo}#{pull} (permission `pull_requests: write`)"),
            ),
            Deed::EditComment { pull, comment, body } => (
                Method::PATCH,
                format!("{issues}/comments/{comment}"),
                json!({ "body": body }),
                Repeat::Safe,
                format!("editing the comment on {repo}#{pull} (permission `pull_requests: write`)"),
            ),
            Deed::Open { title, body } => (
                Method::POST,
                issues,
                json!({ "title": title, "body": body }),
                Repeat::Once,
                format!("opening an issue in {repo} (permission `issues: write`)"),
            ),
            Deed::Edit { number, body, open } => {
                let change = match open {
                    None => json!({ "body": body }),
                    Some(true) => json!({ "body": body, "state": "open", "state_reason": "reopened" }),
                    Some(false) => json!({ "body": body, "state": "closed", "state_reason": "completed" }),
                };
                let what = format!("editing {repo}#{number} (permission `issues: write`)");
                (Method::PATCH, format!("{issues}/{number}"), change, Repeat::Safe, what)
            }
            Deed::Say { number, body } => (
                Method::POST,
                format!("{issues}/{number}/comments"),
                json!({ "body": body }),
                Repeat::Once,
                format!("commenting on {repo}#{number} (permission `issues: write`)"),
            ),
        };
        let call = Call {
            method,
            path,
            body: Some(body),
            repeat,
            what,
        };
        self.client.call(repo, &call).map(drop)
    }
}

/// What an answer has of a repository. Where a part of it failed nothing of it is taken: what is missing would be told anew.
fn repository(answer: &Parts, of: &str, repo: &RepoName) -> Looked {
    match answer.failed(&[of]) {
        Some(kind) => Err(fault(repo, kind)),
        None => answer.data.get(of).and_then(read).ok_or_else(|| absent(repo)),
    }
}

fn absent(repo: &RepoName) -> Fault {
    fault(repo, FaultKind::NotFound)
}

fn fault(repo: &RepoName, kind: FaultKind) -> Fault {
    let what = format!("looking for what was told in {repo}");
    Fault { what, kind }
}

/// The field that lists issues, those of others among them.
fn listing(after: &str) -> String {
    format!(
        "issues(first: 100{after}, filterBy: {{since: $since}}, orderBy: {{field: CREATED_AT, direction: DESC}}) {{ nodes {{ {ISSUE} {SAID} }} \
         pageInfo {{ hasNextPage endCursor }} }}"
    )
}

fn since(now: i64) -> String {
    let at = chrono::DateTime::from_timestamp(now - BACK, 0).unwrap_or_default();
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Whether issues can be opened in a repository.
fn door(found: &Repository) -> Door {
    match (*found.is_archived, *found.has_issues_enabled) {
        (true, _) => Door::Shut("it is archived".to_owned()),
        (false, Some(false)) => {
            Door::Shut("issues are turned off there: `feedback.breaks` with `table` needs none of its own".to_owned())
        }
        _ => Door::Open,
    }
}
