//! The REST calls that the client uses.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::{Value, json};

use super::Inside;
use super::http::{Asked, Said};
use super::issues;
use super::shapes;
use super::state::{BOT, Comment, Pull, PullState, State};

pub fn answer(inside: &mut Inside, asked: &Asked) -> Said {
    let path = asked.path.strip_prefix("/api/v3").unwrap_or(&asked.path).to_owned();
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let body = &asked.body;
    if let ("POST", ["app", "installations", id, "access_tokens"]) = (asked.method.as_str(), parts.as_slice()) {
        return token(inside, id);
    }
    if (asked.method.as_str(), parts.as_slice()) == ("GET", &["rate_limit"]) {
        return (200, shapes::rate_limit(&inside.spent));
    }
    let ["repos", org, repo, rest @ ..] = parts.as_slice() else {
        return not_found();
    };
    let state = &mut inside.state;
    let asked_name = format!("{org}/{repo}");
    if let Some(now) = state.renamed.get(&asked_name) {
        return (
            if asked.method == "GET" { 301 } else { 307 },
            json!({ "message": "Moved Permanently", "url": format!("/repos/{now}/{}", rest.join("/")), "documentation_url": "https://docs.github.com/rest" }),
        );
    }
    let Some(name) = state.repo(&asked_name).map(|repo| repo.name.clone()) else {
        return not_found();
    };
    match (asked.method.as_str(), rest) {
        ("GET", ["installation"]) => {
            let mut installation = shapes::installation(org);
            if let Some(permissions) = &state.permissions {
                installation["permissions"] = permissions.clone();
            }
            (200, installation)
        }
        ("GET", []) => (200, shapes::full_repository(state, &name)),
        ("GET", ["branches", branch]) => branch_of(state, &name, &decoded(branch)),
        ("GET", ["rules", "branches", branch]) => (200, rules_of(state, &name, &decoded(branch))),
        ("GET", ["commits", sha, last]) if last.starts_with("check-runs") => {
            let all = state.checks.get(*sha).cloned().unwrap_or_default();
            (200, json!({ "total_count": all.len(), "check_runs": all }))
        }
        ("POST", ["check-runs"]) => check(state, &name, body),
        ("PATCH", ["check-runs", id]) => edit_check(state, id, body),
        ("GET", ["commits", sha, last]) if last.starts_with("statuses") => {
            (200, json!(state.set_statuses.get(*sha).cloned().unwrap_or_default()))
        }
        ("POST", ["statuses", sha]) => status(state, &name, sha, body),
        ("GET", ["commits", sha]) => files_of_commit(state, sha),
        ("GET", ["compare", range]) => compare(state, range),
        ("GET", ["git", "blobs", sha]) => read_blob(state, &name, sha),
        ("POST", ["git", "blobs"]) => blob(state, &name, body),
        ("POST", ["git", "trees"]) => tree(state, &name, body),
        ("POST", ["git", "commits"]) => commit(state, &name, body),
        ("POST", ["pulls"]) => open(state, &name, body),
        ("PATCH", ["pulls", number]) => edit(state, &name, number, body),
        ("POST", ["pulls", number, "requested_reviewers"]) => reviewers(state, &name, number, body),
        ("POST", ["issues"]) if state.read_only_issues => (
            403,
            json!({ "message": "Resource not accessible by integration", "documentation_url": "https://docs.github.com/rest", "status": "403" }),
        ),
        ("POST", ["issues"]) => issues::open(state, &name, body),
        ("PATCH", ["issues", number]) => issues::edit(state, &name, number, body),
        ("GET", ["collaborators", login, "permission"]) => issues::permission(state, &name, login),
        ("POST", ["issues", number, "labels"]) => labels(state, &name, number, body),
        ("POST", ["issues", number, "assignees"]) => assignees(state, &name, number, body),
        ("POST", ["issues", number, "comments"]) => comment(state, &name, number, body),
        ("PATCH", ["issues", "comments", id]) => edit_comment(state, &name, id, body),
        ("DELETE", ["issues", "comments", id]) => delete_comment(state, &name, id),
        _ => not_found(),
    }
}

/// The most of a check's summary that GitHub takes.
const SUMMARY: usize = 65_535;
/// The most annotations that it takes in one request.
const ANNOTATIONS: usize = 50;

fn check(state: &mut State, repo: &str, body: &Value) -> Said {
    let sha = body["head_sha"].as_str().unwrap_or_default().to_owned();
    if body["output"]["summary"]
        .as_str()
        .is_some_and(|text| text.len() > SUMMARY)
    {
        return invalid("summary is too long");
    }
    let marks = body["output"]["annotations"].as_array().map_or(&[][..], Vec::as_slice);
    let is_whole = |mark: &Value| {
        let text = |key: &str| {
            mark[key]
                .as_str()
                .is_some_and(|text| !text.is_empty() && text.len() < 65_536)
        };
        let line = |key: &str| mark[key].as_u64().is_some_and(|line| line > 0);
        let level = ["notice", "warning", "failure"]
            .map(Value::from)
            .contains(&mark["annotation_level"]);
        text("path") && text("message") && line("start_line") && line("end_line") && level
    };
    if marks.len() > ANNOTATIONS || !marks.iter().all(is_whole) {
        return invalid("annotations exceeds a maximum quantity of 50, or one of them lacks something");
    }
    let (id, now) = (state.id(), state.tick());
    let made = shapes::check(repo, id, &now, body);
    state.waiting.remove(&sha);
    state.checks.entry(sha).or_default().push(made.clone());
    (201, made)
}

fn edit_check(state: &mut State, id: &str, body: &Value) -> Said {
    let found = state
        .checks
        .values_mut()
        .flatten()
        .find(|run| id.parse().is_ok_and(|id: u64| run["id"] == id));
    let Some(run) = found else { return not_found() };
    for key in ["title", "summary"] {
        run["output"][key] = body["output"][key].clone();
    }
    for key in ["status", "conclusion", "external_id"] {
        if let Some(value) = body.get(key) {
            run[key] = value.clone();
        }
    }
    let run = run.clone();
    state.waiting.remove(run["head_sha"].as_str().unwrap_or_default());
    (200, run)
}

fn status(state: &mut State, repo: &str, sha: &str, body: &Value) -> Said {
    if body["description"]
        .as_str()
        .is_some_and(|text| text.chars().count() > 140)
    {
        return invalid("description is too long (maximum is 140 characters)");
    }
    let (id, now) = (state.id(), state.tick());
    let made = shapes::status(repo, sha, id, &now, body);
    state
        .set_statuses
        .entry(sha.to_owned())
        .or_default()
        .insert(0, made.clone());
    (201, made)
}

pub fn not_found() -> Said {
    (
        404,
        json!({ "message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404" }),
    )
}

/// A path's segment as it was before it was escaped.
fn decoded(segment: &str) -> String {
    let mut parts = segment.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(byte.map_or('?', char::from));
        out.push_str(part.get(2..).unwrap_or_default());
    }
    out
}

fn branch_of(state: &State, repo: &str, branch: &str) -> Said {
    let commit = state
        .repo(repo)
        .and_then(|repo| repo.refs.get(&format!("refs/heads/{branch}")));
    match commit {
        Some(commit) => (200, shapes::branch(state, repo, branch, commit)),
        None => not_found(),
    }
}

/// The rules for a branch: those whose pattern is the start of its name.
fn rules_of(state: &State, repo: &str, branch: &str) -> Value {
    let rules = state.repo(repo).map(|repo| repo.rules.as_slice()).unwrap_or_default();
    let rules = rules.iter().filter(|(start, _)| branch.starts_with(start.as_str()));
    let rules = rules.map(|(_, kind)| {
        json!({ "type": kind, "ruleset_source_type": "Repository", "ruleset_source": repo, "ruleset_id": 42 })
    });
    rules.collect()
}

fn invalid(message: &str) -> Said {
    (
        422,
        json!({ "message": "Validation Failed", "documentation_url": "https://docs.github.com/rest", "errors": [{ "message": message, "code": "custom", "resource": "PullRequest", "field": "base" }] }),
    )
}

fn token(inside: &mut Inside, id: &str) -> Said {
    let token = format!("ghs_{id}_{}", inside.state.id());
    inside.tokens.push(token.clone());
    let ends = super::state::time(inside.state.now() + 3_600);
    (201, shapes::token(&token, &ends))
}

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn blob(state: &State, repo: &str, body: &Value) -> Said {
    let content = body["content"].as_str().unwrap_or_default();
    let bytes = match body["encoding"].as_str() {
        Some("base64") => base64::engine::general_purpose::STANDARD
            .decode(content)
            .unwrap_or_default(),
        _ => content.as_bytes().to_vec(),
    };
    let sha = state.blob(&bytes);
    (
        201,
        json!({ "url": shapes::url(&format!("repos/{repo}/git/blobs/{sha}")), "sha": sha }),
    )
}

fn read_blob(state: &State, repo: &str, sha: &str) -> Said {
    let blob = git2::Oid::from_str(sha).and_then(|oid| state.git.find_blob(oid));
    let Ok(blob) = blob else { return not_found() };
    let text = base64::engine::general_purpose::STANDARD.encode(blob.content());
    // GitHub breaks lines.
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(60)
        .filter_map(|line| std::str::from_utf8(line).ok())
        .collect();
    let url = shapes::url(&format!("repos/{repo}/git/blobs/{sha}"));
    (
        200,
        json!({ "content": lines.join("\n"), "encoding": "base64", "url": url, "sha": sha, "size": blob.size(), "node_id": "B_1" }),
    )
}

/// How many files GitHub names on a page.
const PAGE: usize = 300;

pub fn changed(state: &State, from: Option<git2::Oid>, to: git2::Oid) -> Vec<Value> {
    let tree = |id: git2::Oid| state.git.find_commit(id).unwrap().tree().unwrap();
    let from = from.map(tree);
    let diff = state
        .git
        .diff_tree_to_tree(from.as_ref(), Some(&tree(to)), None)
        .unwrap();
    let file = |delta: git2::DiffDelta<'_>| {
        let path = delta.new_file().path().or(delta.old_file().path()).unwrap();
        let (status, of) = match delta.status() {
            git2::Delta::Added => ("added", delta.new_file()),
            git2::Delta::Deleted => ("removed", delta.old_file()),
            _ => ("modified", delta.new_file()),
        };
        let (path, id) = (path.to_str().expect("UTF-8"), of.id());
        let at = |what: &str| format!("https://github.example/{what}/{to}/{path}");
        json!({
            "sha": id.to_string(), "filename": path, "status": status, "additions": 1, "deletions": 1, "changes": 2,
            "blob_url": at("blob"), "raw_url": at("raw"), "contents_url": at("contents"),
        })
    };
    diff.deltas().map(file).collect()
}

fn files_of_commit(state: &State, asked: &str) -> Said {
    let (sha, page) = asked.split_once("?page=").unwrap_or((asked, "1"));
    let Ok(commit) = git2::Oid::from_str(sha).and_then(|oid| state.git.find_commit(oid)) else {
        return not_found();
    };
    let files = changed(state, commit.parent_id(0).ok(), commit.id());
    let page: usize = page.parse().unwrap();
    let files: Vec<Value> = files.into_iter().skip((page - 1) * PAGE).take(PAGE).collect();
    let mut said = described(&commit);
    said["files"] = json!(files);
    (200, said)
}

/// A commit as GitHub describes it; its people have no accounts.
fn described(commit: &git2::Commit<'_>) -> Value {
    let at = |what: &str, id: git2::Oid| format!("https://api.github.example/{what}/{id}");
    let who = |who: &git2::Signature<'_>| json!({ "name": who.name().ok(), "email": who.email().ok() });
    let (id, tree) = (commit.id(), commit.tree_id());
    let parent = |id: git2::Oid| json!({ "sha": id.to_string(), "url": at("commits", id) });
    json!({
        "sha": id.to_string(), "node_id": format!("C_{id}"), "url": at("commits", id), "html_url": at("commit", id),
        "comments_url": at("comments", id), "author": {}, "committer": {},
        "parents": commit.parent_ids().map(parent).collect::<Vec<_>>(),
        "commit": {
            "url": at("git/commits", id), "message": commit.message().ok(), "comment_count": 0,
            "author": who(&commit.author()), "committer": who(&commit.committer()),
            "tree": { "sha": tree.to_string(), "url": at("trees", tree) },
        },
    })
}

fn compare(state: &State, range: &str) -> Said {
    let oid = |text: &str| git2::Oid::from_str(text).ok();
    let Some((base, head)) = range.split_once("...").and_then(|(a, b)| Some((oid(a)?, oid(b)?))) else {
        return not_found();
    };
    let Ok(fork) = state.git.merge_base(base, head) else {
        return not_found();
    };
    let files: Vec<Value> = changed(state, Some(fork), head).into_iter().take(PAGE).collect();
    let (ahead, behind) = state.git.graph_ahead_behind(head, base).unwrap();
    let status = match (ahead, behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let commit = |id: git2::Oid| described(&state.git.find_commit(id).unwrap());
    let mut walk = state.git.revwalk().unwrap();
    walk.push(head).unwrap();
    walk.hide(base).unwrap();
    let commits: Vec<Value> = walk.map(|id| commit(id.unwrap())).collect();
    let at = |what: &str| format!("https://github.example/compare/{range}{what}");
    let said = json!({
        "url": at(""), "html_url": at(""), "permalink_url": at(""), "diff_url": at(".diff"), "patch_url": at(".patch"),
        "base_commit": commit(base), "merge_base_commit": commit(fork), "status": status, "ahead_by": ahead,
        "behind_by": behind, "total_commits": commits.len(), "commits": commits, "files": files,
    });
    (200, said)
}

fn tree(state: &State, repo: &str, body: &Value) -> Said {
    let mut changes = BTreeMap::new();
    for item in body["tree"].as_array().into_iter().flatten() {
        let Some(path) = item["path"].as_str() else {
            return invalid("tree.path is missing");
        };
        let mode = i32::from_str_radix(item["mode"].as_str().unwrap_or_default(), 8).unwrap_or_default();
        let change = match (&item["content"], &item["sha"]) {
            (Value::String(text), _) => Some((mode, state.blob(text.as_bytes()))),
            (_, Value::String(sha)) => Some((mode, sha.clone())),
            (Value::Null, Value::Null) if item.get("sha").is_some() => None,
            _ => return invalid("tree.sha or tree.content is missing"),
        };
        changes.insert(path.to_owned(), change);
    }
    match state.tree(body["base_tree"].as_str(), &changes) {
        Ok(sha) => (201, shapes::tree(state, repo, &sha)),
        Err(error) => invalid(&error),
    }
}

fn commit(state: &mut State, repo: &str, body: &Value) -> Said {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (name, email) = (text(&body["author"]["name"]), text(&body["author"]["email"]));
    let made = state.commit(
        &text(&body["tree"]),
        &texts(&body["parents"]),
        &text(&body["message"]),
        (&name, &email),
    );
    match made {
        Ok(sha) => (201, shapes::commit(state, repo, &sha)),
        Err(error) => invalid(&error),
    }
}

fn open(state: &mut State, name: &str, body: &Value) -> Said {
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let (base, full_head) = (text("base"), text("head"));
    let (owner, head) = full_head
        .split_once(':')
        .unwrap_or((name.split('/').next().unwrap(), &full_head));
    let head_repo = state
        .repos
        .values()
        .find(|repo| {
            repo.name == name && repo.name.starts_with(&format!("{owner}/"))
                || repo.parent.as_deref() == Some(name) && repo.name.starts_with(&format!("{owner}/"))
        })
        .map(|repo| repo.name.clone());
    let Some(head_repo) = head_repo else {
        return invalid("head is invalid");
    };
    let (Some(head_sha), Some(base_sha)) = (state.branch(&head_repo, head), state.branch(name, &base)) else {
        return invalid("head or base is invalid");
    };
    if head_sha == base_sha {
        return invalid(&format!("No commits between {base} and {head}"));
    }
    let same = |pull: &Pull| {
        pull.state == PullState::Open
            && pull.head_repo.is_some()
            && pull.head == head
            && pull.head_owner == owner
            && pull.base == base
    };
    if state.repo(name).unwrap().pulls.iter().any(same) {
        return invalid(&format!("A pull request already exists for {full_head}."));
    }
    if text("body").chars().count() > 65_536 {
        return invalid("body is too long (maximum is 65536 characters)");
    }
    let (id, created_at) = (state.id(), state.tick());
    let repo = state.repo_mut(name).unwrap();
    let number = repo.pulls.len() as u64 + 1;
    repo.pulls.push(Pull {
        id,
        number,
        state: PullState::Open,
        title: text("title"),
        body: text("body"),
        author: BOT.into(),
        base,
        head: head.into(),
        head_repo: Some(head_repo),
        head_owner: owner.into(),
        head_sha,
        base_sha,
        merge_sha: None,
        conflicts: false,
        listed: None,
        draft: body["draft"].as_bool().unwrap_or(false),
        labels: Vec::new(),
        reviewers: Vec::new(),
        assignees: Vec::new(),
        comments: Vec::new(),
        created_at,
    });
    (201, shapes::pull(state, name, number))
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}

fn pull<'s>(state: &'s mut State, name: &str, n: &str) -> Option<&'s mut Pull> {
    let n = number(n);
    state.repo_mut(name)?.pulls.iter_mut().find(|pull| pull.number == n)
}

fn edit(state: &mut State, name: &str, n: &str, body: &Value) -> Said {
    let base = body["base"].as_str().map(str::to_owned);
    if base.as_ref().is_some_and(|base| state.branch(name, base).is_none()) {
        return invalid("base is invalid");
    }
    let Some(found) = pull(state, name, n) else {
        return not_found();
    };
    if let Some(title) = body["title"].as_str() {
        found.title = title.into();
    }
    if let Some(text) = body["body"].as_str() {
        found.body = text.into();
    }
    if let Some(base) = base {
        found.base = base;
    }
    match body["state"].as_str() {
        Some("closed") if found.state == PullState::Open => found.state = PullState::Closed,
        Some("open") if found.state == PullState::Closed => found.state = PullState::Open,
        _ => {}
    }
    (200, shapes::pull(state, name, number(n)))
}

fn add(to: &mut Vec<String>, names: Vec<String>) {
    for name in names {
        if !to.contains(&name) {
            to.push(name);
        }
    }
}

fn reviewers(state: &mut State, name: &str, n: &str, body: &Value) -> Said {
    let names = texts(&body["reviewers"]);
    if names.iter().any(|name| name == "nobody") {
        return invalid("Reviews may only be requested from collaborators.");
    }
    let Some(found) = pull(state, name, n) else {
        return not_found();
    };
    add(&mut found.reviewers, names);
    (201, shapes::pull_simple(state, name, number(n)))
}

fn labels(state: &mut State, name: &str, n: &str, body: &Value) -> Said {
    let Some(found) = pull(state, name, n) else {
        return not_found();
    };
    add(&mut found.labels, texts(&body["labels"]));
    let labels: Vec<Value> = found.labels.iter().map(|label| shapes::label(name, label)).collect();
    (200, json!(labels))
}

fn assignees(state: &mut State, name: &str, n: &str, body: &Value) -> Said {
    let Some(found) = pull(state, name, n) else {
        return not_found();
    };
    add(&mut found.assignees, texts(&body["assignees"]));
    (201, shapes::issue(state, name, number(n)))
}

fn comment(state: &mut State, name: &str, n: &str, body: &Value) -> Said {
    let (id, at) = (state.id(), state.tick());
    let made = Comment {
        id,
        author: BOT.into(),
        association: "NONE",
        body: body["body"].as_str().unwrap_or_default().into(),
        created_at: at,
        edited_at: None,
    };
    let issues = &mut state.repo_mut(name).unwrap().issues;
    if let Some(found) = issues.iter_mut().find(|issue| issue.number == number(n)) {
        found.comments.push(made.clone());
    } else if let Some(found) = pull(state, name, n) {
        found.comments.push(made.clone());
    } else {
        return not_found();
    }
    (201, shapes::comment(name, number(n), &made))
}

fn delete_comment(state: &mut State, name: &str, id: &str) -> Said {
    let id = number(id);
    for pull in &mut state.repo_mut(name).unwrap().pulls {
        let before = pull.comments.len();
        pull.comments.retain(|comment| comment.id != id);
        if pull.comments.len() < before {
            return (204, Value::Null);
        }
    }
    not_found()
}

fn edit_comment(state: &mut State, name: &str, id: &str, body: &Value) -> Said {
    let (id, at) = (number(id), state.tick());
    let repo = state.repo_mut(name).unwrap();
    for pull in &mut repo.pulls {
        let n = pull.number;
        if let Some(found) = pull.comments.iter_mut().find(|comment| comment.id == id) {
            found.body = body["body"].as_str().unwrap_or_default().into();
            found.edited_at = Some(at);
            return (200, shapes::comment(name, n, found));
        }
    }
    not_found()
}
