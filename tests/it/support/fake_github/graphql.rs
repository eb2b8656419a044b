//! Executes GraphQL questions against the state: what is not modelled is an error, as with the real schema.

use graphql_parser::query::{self as ast, Definition, OperationDefinition, Selection, parse_query};
use serde_json::{Map, Value, json};

use super::issues;
use super::state::{BOT, Pull, PullState, State, node_id};

type Args = Map<String, Value>;
type Set<'q> = ast::SelectionSet<'q, String>;
type Field<'q> = ast::Field<'q, String>;

/// Something that has fields.
enum Node {
    Query,
    Mutation,
    Repository(String),
    /// Fields that need no arguments, `__typename` among them.
    Plain(Value),
}

struct Executor<'s> {
    state: &'s mut State,
    variables: Args,
    errors: Vec<Value>,
    /// The names and places in lists that lead to where it is.
    path: Vec<Value>,
}

/// Answers a request's body.
pub fn execute(state: &mut State, body: &Value) -> Value {
    let text = body["query"].as_str().unwrap_or_default();
    let parsed = match parse_query::<String>(text) {
        Ok(parsed) => parsed,
        Err(error) => return json!({ "errors": [{ "message": error.to_string() }] }),
    };
    let mut executor = Executor {
        state,
        variables: body["variables"].as_object().cloned().unwrap_or_default(),
        errors: Vec::new(),
        path: Vec::new(),
    };
    let mut data = Value::Null;
    for definition in &parsed.definitions {
        if let Definition::Operation(operation) = definition {
            let (node, set) = match operation {
                OperationDefinition::Query(query) => (Node::Query, &query.selection_set),
                OperationDefinition::Mutation(mutation) => (Node::Mutation, &mutation.selection_set),
                _ => return json!({ "errors": [{ "message": "not modelled" }] }),
            };
            data = executor.select(&node, set);
        }
    }
    match executor.errors.as_slice() {
        [] => json!({ "data": data }),
        errors => json!({ "data": data, "errors": errors }),
    }
}

/// Lists that GitHub never gives as null: where one fails, what it is asked of is null.
const NEVER_NULL: [&str; 2] = ["issues", "pullRequests"];

impl Executor<'_> {
    fn select(&mut self, node: &Node, set: &Set<'_>) -> Value {
        let mut out = Map::new();
        for selection in &set.items {
            match selection {
                Selection::Field(field) => {
                    let key = field.alias.as_ref().unwrap_or(&field.name).clone();
                    self.path.push(json!(key));
                    let fails = self.fails(field);
                    let value = match fails {
                        true => self.timeout(),
                        false if self.is_barred(node, field) => self.bar(),
                        false => self.field(node, field),
                    };
                    self.path.pop();
                    if fails && NEVER_NULL.contains(&field.name.as_str()) {
                        return Value::Null;
                    }
                    out.insert(key, value);
                }
                Selection::InlineFragment(fragment) => {
                    let Some(ast::TypeCondition::On(kind)) = &fragment.type_condition else {
                        continue;
                    };
                    let fits = matches!(node, Node::Plain(value) if value["__typename"] == json!(kind));
                    if let (true, Value::Object(more)) = (fits, self.select(node, &fragment.selection_set)) {
                        out.extend(more);
                    }
                }
                Selection::FragmentSpread(_) => self.error("a fragment is not modelled", "UNKNOWN"),
            }
        }
        Value::Object(out)
    }

    /// Whether the state says that a field fails.
    fn fails(&self, field: &Field<'_>) -> bool {
        let mut values = field.arguments.iter().map(|(_, value)| self.value(value));
        let ends = |text: &str| self.state.fails.iter().any(|end| text.ends_with(end));
        values.any(|value| value.as_str().is_some_and(ends)) || self.state.fails.contains(&field.name)
    }

    /// What GitHub says of a field that took too long.
    fn timeout(&mut self) -> Value {
        let message = "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug.";
        self.errors.push(json!({ "message": message, "path": self.path }));
        Value::Null
    }

    /// Whether a field is a repository that may not be seen.
    fn is_barred(&self, node: &Node, field: &Field<'_>) -> bool {
        let Node::Plain(value) = node else { return false };
        let name = value[&field.name]["nameWithOwner"].as_str();
        name.is_some_and(|name| self.state.barred.contains(name))
    }

    /// What GitHub says of what may not be seen.
    fn bar(&mut self) -> Value {
        let message = "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to this organization.";
        self.errors
            .push(json!({ "message": message, "type": "FORBIDDEN", "path": self.path }));
        Value::Null
    }

    fn error(&mut self, message: &str, kind: &str) {
        self.errors
            .push(json!({ "message": message, "type": kind, "path": [] }));
    }

    fn field(&mut self, node: &Node, field: &Field<'_>) -> Value {
        let args: Args = field
            .arguments
            .iter()
            .map(|(name, value)| (name.clone(), self.value(value)))
            .collect();
        let text = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match (node, field.name.as_str()) {
            (Node::Query, "repository") => {
                let name = format!("{}/{}", text("owner"), text("name"));
                match self.state.repo(&name).map(|repo| repo.name.clone()) {
                    Some(name) => self.select(&Node::Repository(name), &field.selection_set),
                    None => {
                        self.error(
                            &format!("Could not resolve to a Repository with the name '{name}'."),
                            "NOT_FOUND",
                        );
                        Value::Null
                    }
                }
            }
            (Node::Query, "viewer") => self.plain(json!({ "__typename": "User", "login": BOT }), field),
            (Node::Query, "rateLimit") => self.plain(
                json!({ "__typename": "RateLimit", "cost": 1, "remaining": 4999 }),
                field,
            ),
            (Node::Mutation, "updateRefs") => self.update_refs(&args["input"], field),
            (Node::Repository(name), name_of_field) => {
                let value = self.of_repository(&name.clone(), name_of_field, &args);
                self.plain(value, field)
            }
            (Node::Plain(value), name) => match value.get(name) {
                Some(value) => self.plain(value.clone(), field),
                None => {
                    self.error(
                        &format!("Field '{name}' doesn't exist on type '{}'", value["__typename"]),
                        "undefinedField",
                    );
                    Value::Null
                }
            },
            (_, name) => {
                self.error(&format!("Field '{name}' doesn't exist here"), "undefinedField");
                Value::Null
            }
        }
    }

    fn plain(&mut self, value: Value, field: &Field<'_>) -> Value {
        match value {
            Value::Array(items) => {
                let item = |(at, item): (usize, Value)| {
                    self.path.push(json!(at));
                    let item = self.plain(item, field);
                    self.path.pop();
                    item
                };
                Value::Array(items.into_iter().enumerate().map(item).collect())
            }
            Value::Object(_) => self.select(&Node::Plain(value), &field.selection_set),
            scalar => scalar,
        }
    }

    fn of_repository(&mut self, name: &str, field: &str, args: &Args) -> Value {
        let text = |name: &str| args.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let repo = self.state.repo(name).unwrap().clone();
        match field {
            "id" => json!(node_id(repo.id)),
            "nameWithOwner" => json!(repo.name),
            "isArchived" => json!(repo.archived),
            "hasIssuesEnabled" => json!(!repo.without_issues),
            "issue" => {
                let number = args.get("number").and_then(Value::as_u64);
                let found = repo.issues.iter().find(|issue| Some(issue.number) == number);
                found.map_or(Value::Null, issues::node)
            }
            "issues" => {
                let first = args.get("first").and_then(Value::as_u64).unwrap_or(100) as usize;
                issues::page(&repo.issues, first, &text("after"))
            }
            "ref" => match repo.refs.get(&text("qualifiedName")) {
                Some(oid) => {
                    json!({ "__typename": "Ref", "name": text("qualifiedName"), "target": object(self.state, oid) })
                }
                None => Value::Null,
            },
            "object" => {
                let expression = if text("oid").is_empty() {
                    text("expression")
                } else {
                    text("oid")
                };
                self.resolve(&repo.refs, &expression)
                    .map_or(Value::Null, |oid| object(self.state, &oid))
            }
            "pullRequest" => {
                let number = args.get("number").and_then(Value::as_u64);
                let found = repo.pulls.iter().find(|pull| Some(pull.number) == number);
                found.map_or(Value::Null, |found| with_ends(self.state, &repo, found))
            }
            "pullRequests" => {
                let branch = text("headRefName");
                let last = args.get("last").and_then(Value::as_u64).unwrap_or(100) as usize;
                let merged = args.get("states").is_some_and(|states| states[0] == "MERGED");
                let asked = |pull: &&Pull| match args.contains_key("headRefName") {
                    true => pull.head == branch,
                    false if merged => pull.state == PullState::Merged,
                    false => pull.state == PullState::Open,
                };
                let listed = |of: &Pull| {
                    let mut found = pull(of);
                    if let Some(head) = &of.listed {
                        found["headRefOid"] = json!(head);
                    }
                    found
                };
                let mut found: Vec<Value> = repo.pulls.iter().filter(asked).map(listed).collect();
                let total = found.len();
                if let Some(first) = args.get("first").and_then(Value::as_u64) {
                    // What was made last was changed last.
                    found.reverse();
                    found.truncate(first as usize);
                }
                let found = &found[found.len().saturating_sub(last)..];
                json!({ "__typename": "PullRequestConnection", "totalCount": total, "nodes": found })
            }
            _ => {
                self.error(
                    &format!("Field '{field}' doesn't exist on type 'Repository'"),
                    "undefinedField",
                );
                Value::Null
            }
        }
    }

    /// `oid`, `oid:path` or `branch:path`.
    fn resolve(&self, refs: &std::collections::BTreeMap<String, String>, expression: &str) -> Option<String> {
        // The default branch.
        let expression = match expression.strip_prefix("HEAD:") {
            Some(path) => &format!("main:{path}"),
            None => expression,
        };
        let (commit, path) = expression
            .split_once(':')
            .map_or((expression, None), |(commit, path)| (commit, Some(path)));
        let branch = refs.get(commit).or_else(|| refs.get(&format!("refs/heads/{commit}")));
        let oid = git2::Oid::from_str(branch.map_or(commit, String::as_str)).ok()?;
        let found = self.state.git.find_object(oid, None).ok()?;
        match path {
            None => Some(found.id().to_string()),
            Some("") => Some(found.peel_to_tree().ok()?.id().to_string()),
            Some(path) => {
                let tree = found.peel_to_tree().ok()?;
                Some(tree.get_path(std::path::Path::new(path)).ok()?.id().to_string())
            }
        }
    }

    fn update_refs(&mut self, input: &Value, field: &Field<'_>) -> Value {
        let id = input["repositoryId"].as_str().unwrap_or_default();
        let Some(name) = self.state.repo_by_id(id) else {
            self.error("Could not resolve to a node", "NOT_FOUND");
            return Value::Null;
        };
        let zero = "0".repeat(40);
        let updates = input["refUpdates"].as_array().cloned().unwrap_or_default();
        for update in &updates {
            let there = self
                .state
                .repo(&name)
                .unwrap()
                .refs
                .get(update["name"].as_str().unwrap_or_default());
            let there = there.unwrap_or(&zero).clone();
            if update["beforeOid"].as_str().is_some_and(|before| before != there) {
                self.error(
                    "Reference update failed: the ref is not at the expected commit",
                    "UNPROCESSABLE",
                );
                return Value::Null;
            }
        }
        for update in &updates {
            let after = update["afterOid"].as_str().unwrap_or_default().to_owned();
            let name_of_ref = update["name"].as_str().unwrap_or_default().to_owned();
            self.state
                .set_ref(&name, &name_of_ref, (after != zero).then_some(after));
        }
        self.plain(
            json!({ "__typename": "UpdateRefsPayload", "clientMutationId": null }),
            field,
        )
    }

    fn value(&self, value: &ast::Value<'_, String>) -> Value {
        match value {
            ast::Value::Variable(name) => self.variables.get(name).cloned().unwrap_or(Value::Null),
            ast::Value::Int(number) => json!(number.as_i64()),
            ast::Value::Float(number) => json!(number),
            ast::Value::String(text) | ast::Value::Enum(text) => json!(text),
            ast::Value::Boolean(flag) => json!(flag),
            ast::Value::Null => Value::Null,
            ast::Value::List(items) => items.iter().map(|item| self.value(item)).collect(),
            ast::Value::Object(map) => {
                Value::Object(map.iter().map(|(key, item)| (key.clone(), self.value(item))).collect())
            }
        }
    }
}

fn pull(pull: &Pull) -> Value {
    let state = match pull.state {
        PullState::Open => "OPEN",
        PullState::Closed => "CLOSED",
        PullState::Merged => "MERGED",
    };
    let labels: Vec<Value> = pull
        .labels
        .iter()
        .map(|name| json!({ "__typename": "Label", "name": name }))
        .collect();
    let comments: Vec<Value> = pull.comments.iter().map(issues::comment).collect();
    json!({
        "__typename": "PullRequest", "author": { "__typename": "User", "login": pull.author }, "number": pull.number, "state": state, "title": pull.title, "body": pull.body, "createdAt": pull.created_at,
        "mergedAt": (pull.state == PullState::Merged).then_some(&pull.created_at),
        "baseRefName": pull.base, "baseRefOid": pull.base_sha, "headRefOid": pull.head_sha, "potentialMergeCommit": pull.merge_sha.as_ref().map(|sha| json!({ "__typename": "Commit", "oid": sha })), "viewerDidAuthor": pull.author == BOT,
        "headRepository": pull.head_repo.as_ref().map(|name| json!({ "__typename": "Repository", "nameWithOwner": name })),
        "labels": { "__typename": "LabelConnection", "nodes": labels },
        "comments": { "__typename": "IssueCommentConnection", "nodes": comments, "pageInfo": { "__typename": "PageInfo", "hasNextPage": false, "endCursor": null } },
        "commits": { "__typename": "PullRequestCommitConnection", "nodes": [{ "__typename": "PullRequestCommit", "commit": { "__typename": "Commit", "message": "" } }] },
    })
}

/// How many files of a pull request one answer names at most.
const FILES: usize = 100;

/// A pull request with what follows from its base and its head.
fn with_ends(state: &State, repo: &super::state::Repo, of: &Pull) -> Value {
    let mut found = pull(of);
    let base = repo.refs.get(&format!("refs/heads/{}", of.base));
    let oid = |text: &str| git2::Oid::from_str(text).ok();
    found["baseRef"] = base.map_or(
        Value::Null,
        |base| json!({ "__typename": "Ref", "target": { "__typename": "Commit", "oid": base } }),
    );
    found["mergeable"] = json!(if of.conflicts { "CONFLICTING" } else { "UNKNOWN" });
    if let Some(merge) = &of.merge_sha {
        let commit = state.git.find_commit(oid(merge).unwrap()).unwrap();
        let parents: Vec<Value> = commit
            .parent_ids()
            .take(1)
            .map(|id| json!({ "__typename": "Commit", "oid": id.to_string() }))
            .collect();
        found["potentialMergeCommit"]["parents"] = json!({ "__typename": "CommitConnection", "nodes": parents });
    }
    let fork = base.and_then(|base| state.git.merge_base(oid(base)?, oid(&of.head_sha)?).ok());
    let files = oid(&of.head_sha).map_or_else(Vec::new, |head| super::rest::changed(state, fork, head));
    let named = files.iter().take(FILES).map(|file| {
        let kind = match file["status"].as_str() {
            Some("added") => "ADDED",
            Some("removed") => "DELETED",
            _ => "MODIFIED",
        };
        json!({ "__typename": "PullRequestChangedFile", "path": file["filename"], "changeType": kind })
    });
    found["files"] = json!({
        "__typename": "PullRequestChangedFileConnection", "totalCount": files.len(), "nodes": named.collect::<Vec<_>>(),
    });
    found
}

/// A git object with the fields that do not lead further.
fn object(state: &State, oid: &str) -> Value {
    let found = state.git.find_object(git2::Oid::from_str(oid).unwrap(), None).unwrap();
    match found.kind() {
        Some(git2::ObjectType::Commit) => commit(state, found.id()),
        Some(git2::ObjectType::Tree) => {
            let tree = found.peel_to_tree().unwrap();
            let entry = |entry: git2::TreeEntry<'_>| {
                json!({
                    "__typename": "TreeEntry", "name": entry.name().unwrap_or_default(), "mode": entry.filemode(),
                    "type": entry.kind().map_or("commit", |kind| kind.str()), "oid": entry.id().to_string(),
                })
            };
            json!({ "__typename": "Tree", "oid": oid, "entries": tree.iter().map(entry).collect::<Vec<_>>() })
        }
        _ => blob(state, found.id()),
    }
}

/// The most text of a blob that GraphQL gives, in bytes.
const CUT: usize = 512_000;

fn blob(state: &State, oid: git2::Oid) -> Value {
    let blob = state.git.find_blob(oid).unwrap();
    let text = std::str::from_utf8(blob.content())
        .ok()
        .filter(|text| !text.contains('\0'));
    let cut = text.map(|text| &text[..text.len().min(CUT)]);
    json!({
        "__typename": "Blob", "oid": oid.to_string(), "byteSize": blob.size(), "isBinary": text.is_none(), "text": cut,
        "isTruncated": text.is_some_and(|text| text.len() > CUT),
    })
}

fn commit(state: &State, oid: git2::Oid) -> Value {
    let mut found = step(state, oid);
    // All that leads to it, what was merged as well, the newest first.
    let mut walk = state.git.revwalk().unwrap();
    walk.set_sorting(git2::Sort::TIME | git2::Sort::TOPOLOGICAL).unwrap();
    walk.push(oid).unwrap();
    let steps: Vec<Value> = walk.take(20).map(|oid| step(state, oid.unwrap())).collect();
    found["history"] = json!({ "__typename": "CommitHistoryConnection", "nodes": steps });
    found
}

fn step(state: &State, oid: git2::Oid) -> Value {
    let context = |[context, status, link, who]: &[String; 4]| {
        json!({
            "__typename": "StatusContext", "context": context, "state": status, "targetUrl": link, "createdAt": "2026-01-02T00:00:00Z",
            "creator": { "__typename": "User", "login": who },
        })
    };
    let reported = state
        .statuses
        .get(&oid.to_string())
        .map(|all| json!({ "__typename": "Status", "contexts": all.iter().map(context).collect::<Vec<_>>() }));
    let commit = state.git.find_commit(oid).unwrap();
    let who = |who: git2::Signature<'_>| json!({ "__typename": "GitActor", "name": who.name().unwrap_or_default(), "email": who.email().unwrap_or_default() });
    let parents: Vec<Value> = commit
        .parent_ids()
        .map(|id| json!({ "__typename": "Commit", "oid": id.to_string() }))
        .collect();
    json!({
        "__typename": "Commit", "oid": oid.to_string(), "message": commit.message().unwrap_or_default(), "author": who(commit.author()),
        "committer": who(commit.committer()), "tree": { "__typename": "Tree", "oid": commit.tree_id().to_string() },
        "parents": { "__typename": "CommitConnection", "totalCount": parents.len(), "nodes": parents }, "status": reported,
    })
}
