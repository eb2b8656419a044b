//! Issues, what is said on them, and who may write.

use serde_json::{Value, json};

use super::http::Said;
use super::shapes;
use super::state::{BOT, Comment, State};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    pub id: u64,
    pub number: u64,
    pub is_open: bool,
    pub title: String,
    pub body: String,
    pub author: String,
    pub comments: Vec<Comment>,
    pub created_at: String,
}

/// The most of a text that GitHub takes.
const LONGEST: usize = 65_536;

pub fn open(state: &mut State, name: &str, body: &Value) -> Said {
    if state.repo(name).unwrap().without_issues {
        return (
            410,
            json!({ "message": "Issues has been disabled in this repository.", "documentation_url": "https://docs.github.com/rest" }),
        );
    }
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    if text("title").is_empty() || text("title").chars().count() > 256 || text("body").chars().count() > LONGEST {
        return too_long();
    }
    let (id, created_at) = (state.id(), state.tick());
    let repo = state.repo_mut(name).unwrap();
    let numbers = repo.pulls.iter().map(|pull| pull.number);
    let numbers = numbers.chain(repo.issues.iter().map(|issue| issue.number));
    let number = numbers.max().unwrap_or_default() + 1;
    repo.issues.push(Issue {
        id,
        number,
        is_open: true,
        title: text("title"),
        body: text("body"),
        author: BOT.to_owned(),
        comments: Vec::new(),
        created_at,
    });
    (201, shapes::own_issue(state, name, number))
}

pub fn edit(state: &mut State, name: &str, number: &str, body: &Value) -> Said {
    let number: u64 = number.parse().unwrap_or_default();
    let found = state
        .repo_mut(name)
        .and_then(|repo| repo.issues.iter_mut().find(|issue| issue.number == number));
    let Some(found) = found else {
        return super::rest::not_found();
    };
    if let Some(text) = body["body"].as_str() {
        if text.chars().count() > LONGEST {
            return too_long();
        }
        found.body = text.to_owned();
    }
    match body["state"].as_str() {
        Some("closed") => found.is_open = false,
        Some("open") => found.is_open = true,
        _ => {}
    }
    (200, shapes::own_issue(state, name, number))
}

pub fn permission(state: &State, name: &str, login: &str) -> Said {
    let repo = state.repo(name).unwrap();
    let may = repo.writers.iter().any(|writer| writer == login);
    let word = if may { "write" } else { "read" };
    let mut user = shapes::user(login);
    user["permissions"] = json!({ "admin": false, "maintain": false, "push": may, "triage": may, "pull": true });
    user["role_name"] = json!(word);
    (200, json!({ "permission": word, "role_name": word, "user": user }))
}

fn too_long() -> Said {
    (
        422,
        json!({ "message": "Validation Failed", "documentation_url": "https://docs.github.com/rest", "errors": [{ "message": "body is too long (maximum is 65536 characters)", "code": "custom", "resource": "Issue", "field": "body" }] }),
    )
}

/// As GraphQL gives it.
pub fn node(issue: &Issue) -> Value {
    let comments: Vec<Value> = issue.comments.iter().map(comment).collect();
    json!({
        "__typename": "Issue", "number": issue.number, "state": if issue.is_open { "OPEN" } else { "CLOSED" }, "title": issue.title,
        "body": issue.body, "createdAt": issue.created_at, "viewerDidAuthor": issue.author == BOT,
        "comments": { "__typename": "IssueCommentConnection", "nodes": comments },
    })
}

pub fn comment(comment: &Comment) -> Value {
    json!({
        "__typename": "IssueComment", "databaseId": comment.id, "body": comment.body, "createdAt": comment.created_at,
        "lastEditedAt": comment.edited_at, "authorAssociation": comment.association, "viewerDidAuthor": comment.author == BOT,
        "author": { "__typename": "User", "login": comment.author },
    })
}

/// A page of issues, the newest first; those that were never touched since are not told apart.
pub fn page(issues: &[Issue], first: usize, after: &str) -> Value {
    let start: usize = after.parse().unwrap_or_default();
    let all: Vec<Value> = issues.iter().rev().map(node).collect();
    let nodes: Vec<Value> = all.iter().skip(start).take(first).cloned().collect();
    let end = start + nodes.len();
    json!({
        "__typename": "IssueConnection", "nodes": nodes,
        "pageInfo": { "__typename": "PageInfo", "hasNextPage": end < all.len(), "endCursor": end.to_string() },
    })
}
