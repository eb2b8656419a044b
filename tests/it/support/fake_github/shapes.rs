//! Answers in the form that GitHub's description of its API asks for.

use serde_json::{Map, Value, json};

use super::state::{BOT, Comment, Pull, PullState, State, node_id};

const API: &str = "https://api.github.com";
const WEB: &str = "https://github.com";

pub fn url(path: &str) -> String {
    format!("{API}/{path}")
}

/// `name_url` for each of a list of names, below a path.
fn urls(into: &mut Map<String, Value>, below: &str, names: &[&str]) {
    for name in names {
        into.insert(format!("{name}_url"), json!(url(&format!("{below}/{name}"))));
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

pub fn user(login: &str) -> Value {
    let bot = login.ends_with("[bot]");
    let at = login.replace('[', "%5B").replace(']', "%5D");
    let mut user = object(json!({
        "login": login, "id": 1, "node_id": "U_1", "gravatar_id": "", "site_admin": false,
        "type": if bot { "Bot" } else { "User" }, "url": url(&format!("users/{at}")), "html_url": format!("{WEB}/{at}"),
    }));
    let names = [
        "avatar",
        "followers",
        "following",
        "gists",
        "starred",
        "subscriptions",
        "organizations",
        "repos",
        "events",
        "received_events",
    ];
    urls(&mut user, &format!("users/{at}"), &names);
    Value::Object(user)
}

pub fn installation(org: &str) -> Value {
    json!({
        "id": 77, "account": user(org), "repository_selection": "all", "app_id": 5, "client_id": "Iv1", "target_id": 3, "target_type": "Organization",
        "access_tokens_url": url("app/installations/77/access_tokens"), "repositories_url": url("installation/repositories"),
        "html_url": format!("{WEB}/organizations/{org}/settings/installations/77"),
        "permissions": { "contents": "write", "pull_requests": "write", "metadata": "read" }, "events": ["push"],
        "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z", "single_file_name": null, "app_slug": "okd-lockstep",
        "suspended_at": null, "suspended_by": null,
    })
}

pub fn token(token: &str, ends: &str) -> Value {
    json!({ "token": token, "expires_at": ends, "permissions": { "contents": "write" }, "repository_selection": "all" })
}

pub fn tree(state: &State, repo: &str, sha: &str) -> Value {
    let tree = state.git.find_tree(git2::Oid::from_str(sha).unwrap()).unwrap();
    let entry = |entry: git2::TreeEntry<'_>| {
        let kind = entry.kind().map_or("commit", |kind| kind.str());
        let below = if kind == "tree" { "trees" } else { "blobs" };
        json!({
            "path": entry.name().unwrap_or_default(), "mode": format!("{:06o}", entry.filemode()), "type": kind,
            "sha": entry.id().to_string(), "size": 1, "url": url(&format!("repos/{repo}/git/{below}/{}", entry.id())),
        })
    };
    let entries: Vec<Value> = tree.iter().map(entry).collect();
    json!({ "sha": sha, "url": url(&format!("repos/{repo}/git/trees/{sha}")), "truncated": false, "tree": entries })
}

pub fn commit(state: &State, repo: &str, sha: &str) -> Value {
    let commit = state.git.find_commit(git2::Oid::from_str(sha).unwrap()).unwrap();
    let who = |who: git2::Signature<'_>| json!({ "name": who.name().unwrap_or_default(), "email": who.email().unwrap_or_default(), "date": super::state::time(who.when().seconds() as u64) });
    let parent = |id: git2::Oid| json!({ "sha": id.to_string(), "url": url(&format!("repos/{repo}/git/commits/{id}")), "html_url": format!("{WEB}/{repo}/commit/{id}") });
    let tree = commit.tree_id();
    json!({
        "sha": sha, "node_id": format!("C_{sha}"), "url": url(&format!("repos/{repo}/git/commits/{sha}")), "html_url": format!("{WEB}/{repo}/commit/{sha}"),
        "author": who(commit.author()), "committer": who(commit.committer()), "message": commit.message().unwrap_or_default(),
        "tree": { "sha": tree.to_string(), "url": url(&format!("repos/{repo}/git/trees/{tree}")) },
        "parents": commit.parent_ids().map(parent).collect::<Vec<_>>(),
        "verification": { "verified": false, "reason": "unsigned", "signature": null, "payload": null, "verified_at": null },
    })
}

pub fn label(repo: &str, name: &str) -> Value {
    json!({
        "id": 1, "node_id": "L_1", "url": url(&format!("repos/{repo}/labels/{}", name.replace('/', "%2F"))), "name": name,
        "description": "", "color": "ededed", "default": false,
    })
}

pub fn comment(repo: &str, number: u64, comment: &Comment) -> Value {
    let id = comment.id;
    json!({
        "id": id, "node_id": format!("IC_{id}"), "url": url(&format!("repos/{repo}/issues/comments/{id}")),
        "html_url": format!("{WEB}/{repo}/pull/{number}#issuecomment-{id}"), "body": comment.body, "user": user(&comment.author),
        "created_at": comment.created_at, "updated_at": comment.edited_at.as_ref().unwrap_or(&comment.created_at),
        "issue_url": url(&format!("repos/{repo}/issues/{number}")), "author_association": comment.association,
        "performed_via_github_app": null,
    })
}

pub fn repository(state: &State, name: &str) -> Value {
    let (org, short) = name.split_once('/').unwrap_or_default();
    let id = state.repo(name).map_or(0, |repo| repo.id);
    let below = format!("repos/{name}");
    let mut repo = object(json!({
        "id": id, "node_id": node_id(id), "name": short, "full_name": name, "owner": user(org), "private": false,
        "html_url": format!("{WEB}/{name}"), "description": null, "fork": false, "url": url(&below), "git_url": format!("git://github.com/{name}.git"),
        "ssh_url": format!("git@github.com:{name}.git"), "clone_url": format!("{WEB}/{name}.git"), "svn_url": format!("{WEB}/{name}"),
        "homepage": null, "size": 1, "stargazers_count": 0, "watchers_count": 0, "language": null, "forks_count": 0, "open_issues_count": 0,
        "forks": 0, "open_issues": 0, "watchers": 0, "default_branch": "main", "license": null, "topics": [], "visibility": "public",
        "mirror_url": null, "archived": false, "disabled": false, "has_issues": true, "has_projects": true, "has_wiki": true, "has_pages": false,
        "has_downloads": true, "has_discussions": false, "pushed_at": "2024-01-01T00:00:00Z", "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-01T00:00:00Z", "allow_forking": true, "is_template": false, "web_commit_signoff_required": false,
    }));
    let names = [
        "archive",
        "assignees",
        "blobs",
        "branches",
        "collaborators",
        "comments",
        "commits",
        "compare",
        "contents",
        "contributors",
        "deployments",
        "downloads",
        "events",
        "forks",
        "git_commits",
        "git_refs",
        "git_tags",
        "hooks",
        "issue_comment",
        "issue_events",
        "issues",
        "keys",
        "labels",
        "languages",
        "merges",
        "milestones",
        "notifications",
        "pulls",
        "releases",
        "stargazers",
        "statuses",
        "subscribers",
        "subscription",
        "tags",
        "teams",
        "trees",
    ];
    urls(&mut repo, &below, &names);
    Value::Object(repo)
}

/// As asking for a repository by itself gives it.
pub fn full_repository(state: &State, name: &str) -> Value {
    let found = state.repo(name).unwrap();
    let mut repo = repository(state, name);
    repo["archived"] = json!(found.archived);
    repo["has_issues"] = json!(!found.without_issues);
    repo["permissions"] =
        json!({ "admin": false, "maintain": false, "push": !found.read_only, "triage": true, "pull": true });
    for (name, value) in [("network_count", json!(0)), ("subscribers_count", json!(0))] {
        repo[name] = value;
    }
    repo
}

pub fn branch(state: &State, repo: &str, branch: &str, sha: &str) -> Value {
    let git = commit(state, repo, sha);
    let own = url(&format!("repos/{repo}/branches/{branch}"));
    json!({
        "name": branch, "protected": false, "protection": { "enabled": false }, "protection_url": format!("{own}/protection"),
        "_links": { "self": own, "html": format!("{WEB}/{repo}/tree/{branch}") },
        "commit": {
            "url": url(&format!("repos/{repo}/commits/{sha}")), "sha": sha, "node_id": format!("C_{sha}"),
            "html_url": format!("{WEB}/{repo}/commit/{sha}"), "comments_url": url(&format!("repos/{repo}/commits/{sha}/comments")),
            "commit": {
                "url": git["url"], "author": git["author"], "committer": git["committer"], "message": git["message"],
                "comment_count": 0, "tree": git["tree"],
            },
            "author": user("ann"), "committer": user("ann"), "parents": git["parents"],
        },
    })
}

pub fn rate_limit(spent: &std::collections::BTreeMap<&'static str, u64>) -> Value {
    let of = |name: &str| {
        let used = spent.get(name).copied().unwrap_or_default();
        json!({ "limit": 5000, "remaining": 5000 - used, "used": used, "reset": 4_000_000_000_u64 })
    };
    json!({
        "resources": { "core": of("core"), "search": { "limit": 30, "remaining": 30, "used": 0, "reset": 4_000_000_000_u64 }, "graphql": of("graphql") },
        "rate": of("core"),
    })
}

fn find(state: &State, name: &str, number: u64) -> Pull {
    let pulls = &state.repo(name).unwrap().pulls;
    pulls.iter().find(|pull| pull.number == number).unwrap().clone()
}

/// As creating and editing give it.
pub fn pull(state: &State, name: &str, number: u64) -> Value {
    let found = find(state, name, number);
    let mut pull = object(pull_simple(state, name, number));
    let more = json!({
        "merged": found.state == PullState::Merged, "mergeable": null, "rebaseable": null, "mergeable_state": "unknown", "merged_by": null,
        "comments": found.comments.len(), "review_comments": 0, "maintainer_can_modify": false, "commits": 1, "additions": 1, "deletions": 0, "changed_files": 1,
    });
    pull.extend(object(more));
    Value::Object(pull)
}

/// As lists and requests for review give it.
pub fn pull_simple(state: &State, name: &str, number: u64) -> Value {
    let found = find(state, name, number);
    let below = format!("repos/{name}/pulls/{number}");
    let issue = format!("repos/{name}/issues/{number}");
    let web = format!("{WEB}/{name}/pull/{number}");
    let side = |repo: Option<&String>, branch: &str, sha: &str, owner: &str| {
        json!({
            "label": format!("{owner}:{branch}"), "ref": branch, "sha": sha, "user": user(owner),
            "repo": repo.map(|name| repository(state, name)),
        })
    };
    let owner = name.split('/').next().unwrap_or_default();
    let closed = found.state != PullState::Open;
    let merged = found.state == PullState::Merged;
    let users = |names: &[String]| names.iter().map(|name| user(name)).collect::<Vec<_>>();
    let link = |path: String| json!({ "href": path });
    json!({
        "url": url(&below), "id": found.id, "node_id": format!("PR_{}", found.id), "html_url": web, "diff_url": format!("{web}.diff"),
        "patch_url": format!("{web}.patch"), "issue_url": url(&issue), "commits_url": url(&format!("{below}/commits")),
        "review_comments_url": url(&format!("{below}/comments")), "review_comment_url": url(&format!("repos/{name}/pulls/comments{{/number}}")),
        "comments_url": url(&format!("{issue}/comments")), "statuses_url": url(&format!("repos/{name}/statuses/{}", found.head_sha)),
        "number": number, "state": if closed { "closed" } else { "open" }, "locked": false, "title": found.title, "user": user(&found.author),
        "body": found.body, "labels": found.labels.iter().map(|text| label(name, text)).collect::<Vec<_>>(), "milestone": null, "active_lock_reason": null,
        "created_at": found.created_at, "updated_at": found.created_at, "closed_at": closed.then_some(&found.created_at), "merged_at": merged.then_some(&found.created_at),
        "merge_commit_sha": null, "assignee": found.assignees.first().map(|name| user(name)), "assignees": users(&found.assignees),
        "requested_reviewers": users(&found.reviewers), "requested_teams": [],
        "head": side(found.head_repo.as_ref(), &found.head, &found.head_sha, &found.head_owner),
        "base": side(Some(&name.to_owned()), &found.base, &found.base_sha, owner),
        "_links": {
            "self": link(url(&below)), "html": link(web.clone()), "issue": link(url(&issue)), "comments": link(url(&format!("{issue}/comments"))),
            "review_comments": link(url(&format!("{below}/comments"))), "review_comment": link(url(&format!("{below}/comments{{/number}}"))),
            "commits": link(url(&format!("{below}/commits"))), "statuses": link(url(&format!("repos/{name}/statuses/x"))),
        },
        "author_association": "NONE", "auto_merge": null, "draft": found.draft,
    })
}

/// As assigning gives it.
pub fn issue(state: &State, name: &str, number: u64) -> Value {
    let found = find(state, name, number);
    let below = format!("repos/{name}/issues/{number}");
    let users: Vec<Value> = found.assignees.iter().map(|name| user(name)).collect();
    json!({
        "url": url(&below), "repository_url": url(&format!("repos/{name}")), "labels_url": url(&format!("{below}/labels{{/name}}")),
        "comments_url": url(&format!("{below}/comments")), "events_url": url(&format!("{below}/events")), "html_url": format!("{WEB}/{name}/pull/{number}"),
        "id": found.id, "node_id": format!("PR_{}", found.id), "number": number, "title": found.title, "user": user(BOT),
        "labels": found.labels.iter().map(|text| label(name, text)).collect::<Vec<_>>(), "state": "open", "locked": false,
        "assignee": users.first(), "assignees": users, "milestone": null, "comments": found.comments.len(), "created_at": found.created_at,
        "updated_at": found.created_at, "closed_at": null, "author_association": "NONE", "body": found.body,
    })
}

/// As making and editing an issue give it.
pub fn own_issue(state: &State, name: &str, number: u64) -> Value {
    let issues = &state.repo(name).unwrap().issues;
    let found = issues.iter().find(|issue| issue.number == number).unwrap();
    let below = format!("repos/{name}/issues/{number}");
    json!({
        "url": url(&below), "repository_url": url(&format!("repos/{name}")), "labels_url": url(&format!("{below}/labels{{/name}}")),
        "comments_url": url(&format!("{below}/comments")), "events_url": url(&format!("{below}/events")), "html_url": format!("{WEB}/{name}/issues/{number}"),
        "id": found.id, "node_id": format!("I_{}", found.id), "number": number, "title": found.title, "user": user(&found.author),
        "labels": [], "state": if found.is_open { "open" } else { "closed" }, "locked": false, "assignee": null, "assignees": [], "milestone": null,
        "comments": found.comments.len(), "created_at": found.created_at, "updated_at": found.created_at,
        "closed_at": (!found.is_open).then_some(&found.created_at), "author_association": "NONE", "body": found.body,
    })
}

/// The app that tests sign as.
fn app() -> Value {
    json!({
        "id": 5, "slug": "okd-lockstep", "node_id": "A_5", "client_id": "Iv1", "owner": user("okd-project"), "name": "okd-lockstep",
        "description": null, "external_url": "https://example.org", "html_url": format!("{WEB}/apps/okd-lockstep"),
        "created_at": "2024-01-01T00:00:00Z", "updated_at": "2024-01-01T00:00:00Z", "permissions": { "checks": "write" }, "events": [],
    })
}

/// A check run as it was asked for.
pub fn check(repo: &str, id: u64, now: &str, body: &Value) -> Value {
    let at = format!("repos/{repo}/check-runs/{id}");
    json!({
        "id": id, "head_sha": body["head_sha"], "node_id": format!("CR_{id}"), "external_id": body["external_id"], "url": url(&at),
        "html_url": format!("{WEB}/{repo}/runs/{id}"), "details_url": null, "status": body["status"], "conclusion": body["conclusion"],
        "started_at": now, "completed_at": now, "name": body["name"], "check_suite": { "id": 9 }, "app": app(), "pull_requests": [],
        "output": {
            "title": body["output"]["title"], "summary": body["output"]["summary"], "text": null,
            "annotations_count": body["output"]["annotations"].as_array().map_or(0, Vec::len),
            "annotations_url": url(&format!("{at}/annotations")),
        },
    })
}

/// A commit status as it was set.
pub fn status(repo: &str, sha: &str, id: u64, now: &str, body: &Value) -> Value {
    json!({
        "url": url(&format!("repos/{repo}/statuses/{sha}")), "avatar_url": null, "id": id, "node_id": format!("SC_{id}"), "state": body["state"],
        "description": body["description"], "target_url": null, "context": body["context"], "created_at": now, "updated_at": now,
        "creator": user(BOT),
    })
}
