//! What a delivery says, as far as it matters here.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::Refusal;
use crate::base::RepoName;
use crate::base::loose::{List, Loose, May, read as form};
use crate::server::{Event, EventKind};

/// What asks for a look at a pull request, alone on a line of a comment.
const CHECK: &str = "/lockstep check";

/// What a delivery comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// GitHub asks whether anybody is there.
    Ping,
    /// Nothing needs to be done, and why.
    Ignored(String),
    /// Something happened.
    Event(Event),
}

/// A delivery, as far as it matters here. Which of these it has depends on the event.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Delivery {
    action: May<String>,
    #[serde(rename = "ref")]
    name: May<String>,
    ref_type: May<String>,
    after: May<String>,
    deleted: Loose<bool>,
    repository: Loose<Repository>,
    pull_request: Loose<Pull>,
    issue: Loose<Issue>,
    comment: Loose<Comment>,
    check_run: Loose<Run>,
    check_suite: Loose<Run>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Repository {
    full_name: May<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pull {
    number: May<u64>,
    head: Loose<Head>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    #[serde(rename = "ref")]
    name: May<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Issue {
    number: May<u64>,
    /// There where it is a pull request.
    pull_request: May<Map<String, Json>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Comment {
    body: Loose<String>,
}

/// A check, or all of an app.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Run {
    head_sha: May<String>,
    app: Loose<App>,
    pull_requests: List<Pull>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct App {
    id: May<u64>,
}

/// Reads a delivery whose signature is right.
pub(super) fn read(event: &str, delivery: &str, body: &[u8]) -> Result<Read, Refusal> {
    let json: Json = serde_json::from_slice(body).map_err(|error| bad(&format!("the body is not JSON: {error}")))?;
    let json: Delivery = form(&json).ok_or_else(|| bad("the body is no JSON object"))?;
    let kind = match event {
        "ping" => return Ok(Read::Ping),
        "push" => push(&json)?,
        "create" | "delete" => made_or_deleted(&json)?,
        "pull_request" | "pull_request_review" => Some(pull_request(&json)?),
        "issue_comment" => comment(&json)?,
        "check_run" => run_again(&json, &json.check_run)?,
        "check_suite" => run_again(&json, &json.check_suite)?,
        "installation" | "installation_repositories" => Some(EventKind::Installation),
        "" => return Err(bad("the header X-GitHub-Event is missing")),
        other => {
            return Ok(Read::Ignored(format!(
                "events such as {} change nothing here",
                clip(other)
            )));
        }
    };
    let Some(kind) = kind else {
        return Ok(Read::Ignored("it is about no branch and no pull request".into()));
    };
    let repo = match &kind {
        EventKind::Installation => None,
        EventKind::Branch { .. } | EventKind::PullRequest { .. } | EventKind::Asked { .. } => Some(repository(&json)?),
    };
    let delivery = clip(delivery);
    Ok(Read::Event(Event { delivery, repo, kind }))
}

fn bad(text: &str) -> Refusal {
    (StatusCode::BAD_REQUEST, text.to_owned())
}

fn text<'j>(field: &'j May<String>, name: &str) -> Result<&'j str, Refusal> {
    let missing = || bad(&format!("`{name}` is missing, or no text"));
    field.as_deref().ok_or_else(missing)
}

fn repository(json: &Delivery) -> Result<RepoName, Refusal> {
    let name = text(&json.repository.full_name, "full_name")?;
    name.parse()
        .map_err(|_| bad("`repository.full_name` is no repository's name"))
}

fn push(json: &Delivery) -> Result<Option<EventKind>, Refusal> {
    let Some(branch) = text(&json.name, "ref")?.strip_prefix("refs/heads/") else {
        return Ok(None);
    };
    let commit = match *json.deleted {
        true => None,
        false => Some(text(&json.after, "after")?.to_owned()),
    };
    Ok(Some(EventKind::Branch {
        branch: branch.to_owned(),
        commit,
    }))
}

fn made_or_deleted(json: &Delivery) -> Result<Option<EventKind>, Refusal> {
    let branch = text(&json.name, "ref")?.to_owned();
    let is_branch = text(&json.ref_type, "ref_type")? == "branch";
    Ok(is_branch.then_some(EventKind::Branch { branch, commit: None }))
}

fn pull_request(json: &Delivery) -> Result<EventKind, Refusal> {
    let pull = &json.pull_request;
    let missing = || bad("`pull_request.number` is missing, or no number");
    Ok(EventKind::PullRequest {
        number: pull.number.ok_or_else(missing)?,
        head: text(&pull.head.name, "ref")?.to_owned(),
        action: text(&json.action, "action")?.to_owned(),
    })
}

/// A comment on a pull request: which branch that is made from, the delivery does not say.
fn comment(json: &Delivery) -> Result<Option<EventKind>, Refusal> {
    let issue = &json.issue;
    if issue.pull_request.is_none() {
        return Ok(None);
    }
    let missing = || bad("`issue.number` is missing, or no number");
    let number = issue.number.ok_or_else(missing)?;
    let says = |line: &str| line.trim() == CHECK;
    if json.action.as_deref() == Some("created") && json.comment.body.lines().any(says) {
        return Ok(Some(EventKind::Asked {
            number: Some(number),
            head: None,
            app: None,
        }));
    }
    Ok(Some(EventKind::PullRequest {
        number,
        head: String::new(),
        action: "commented".to_owned(),
    }))
}

/// GitHub's *Re-run*: of a head that is in a fork it names no pull request.
fn run_again(json: &Delivery, run: &Run) -> Result<Option<EventKind>, Refusal> {
    if json.action.as_deref() != Some("rerequested") {
        return Ok(None);
    }
    Ok(Some(EventKind::Asked {
        number: run.pull_requests.first().and_then(|pull| *pull.number),
        head: Some(text(&run.head_sha, "head_sha")?.to_owned()),
        app: *run.app.id,
    }))
}

/// A text of somebody else, short enough to be kept.
fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: &str, json: &Json) -> Read {
        read(event, "d", json.to_string().as_bytes()).unwrap_or_else(|refusal| panic!("{refusal:?}"))
    }

    fn kind(event: &str, json: &Json) -> EventKind {
        match told(event, json) {
            Read::Event(event) => event.kind,
            other => panic!("{other:?}"),
        }
    }

    fn branch(name: &str, commit: Option<&str>) -> EventKind {
        EventKind::Branch {
            branch: name.into(),
            commit: commit.map(str::to_owned),
        }
    }

    #[test]
    fn branches_that_are_pushed_to_made_or_deleted() {
        let repository = serde_json::json!({"full_name": "openshift/etcd"});
        let push = |text: &str, deleted: bool| serde_json::json!({"ref": text, "after": "abc", "deleted": deleted, "repository": repository});
        assert_eq!(kind("push", &push("refs/heads/a/b", false)), branch("a/b", Some("abc")));
        assert_eq!(kind("push", &push("refs/heads/a", true)), branch("a", None));
        assert!(matches!(told("push", &push("refs/tags/v1", false)), Read::Ignored(_)));
        let made = serde_json::json!({"ref": "release-4.17", "ref_type": "branch", "repository": repository});
        assert_eq!(kind("create", &made), branch("release-4.17", None));
        assert_eq!(kind("delete", &made), branch("release-4.17", None));
        let tag = serde_json::json!({"ref": "v1", "ref_type": "tag", "repository": repository});
        assert!(matches!(told("create", &tag), Read::Ignored(_)));
    }

    #[test]
    fn pull_requests_and_what_is_said_on_them() {
        let json = serde_json::json!({
            "action": "closed", "repository": {"full_name": "openshift/release"},
            "pull_request": {"number": 7, "head": {"ref": "lockstep/ci/4.16"}},
        });
        let expected = EventKind::PullRequest {
            number: 7,
            head: "lockstep/ci/4.16".into(),
            action: "closed".into(),
        };
        assert_eq!(kind("pull_request", &json), expected);
        let issue = serde_json::json!({"issue": {"number": 7}, "repository": {"full_name": "a/b"}});
        assert!(
            matches!(told("issue_comment", &issue), Read::Ignored(_)),
            "an issue is no pull request"
        );
    }

    #[test]
    fn a_look_is_asked_for_by_a_comment_and_by_githubs_button() {
        let comment = |action: &str, body: &str| {
            serde_json::json!({
                "action": action, "issue": {"number": 7, "pull_request": {}}, "comment": {"body": body}, "repository": {"full_name": "a/b"},
            })
        };
        let asked = |number, head: Option<&str>, app| EventKind::Asked {
            number,
            head: head.map(str::to_owned),
            app,
        };
        let said = "Once more, please:\n  /lockstep check \nThanks";
        assert_eq!(
            kind("issue_comment", &comment("created", said)),
            asked(Some(7), None, None)
        );
        for (action, body) in [
            ("edited", said),
            ("deleted", said),
            ("created", "> /lockstep check"),
            ("created", "/lockstep checks"),
        ] {
            let kind = kind("issue_comment", &comment(action, body));
            assert!(matches!(kind, EventKind::PullRequest { .. }), "{action} {body}");
        }
        let pressed = |of: &str, action: &str, pulls: Json| {
            serde_json::json!({
                "action": action, "repository": {"full_name": "a/b"}, of: {"head_sha": "abc", "app": {"id": 5}, "pull_requests": pulls},
            })
        };
        for of in ["check_run", "check_suite"] {
            let fork = pressed(of, "rerequested", serde_json::json!([]));
            assert_eq!(
                kind(of, &fork),
                asked(None, Some("abc"), Some(5)),
                "of a fork's head no number is named"
            );
            let own = pressed(of, "rerequested", serde_json::json!([{"number": 7}]));
            assert_eq!(kind(of, &own), asked(Some(7), Some("abc"), Some(5)));
            assert!(matches!(
                told(of, &pressed(of, "completed", Json::Null)),
                Read::Ignored(_)
            ));
        }
    }

    #[test]
    fn what_is_malformed_is_said_to_be() {
        for (event, body) in [
            ("push", "{"),
            ("push", "[]"),
            ("push", "{}"),
            ("push", r#"{"ref": 7}"#),
            (
                "push",
                r#"{"ref": "refs/heads/a", "after": "x", "repository": {"full_name": "../.."}}"#,
            ),
            ("push", r#"{"ref": "refs/heads/a", "repository": {"full_name": "a/b"}}"#),
            ("create", r#"{"ref": "a"}"#),
            (
                "pull_request",
                r#"{"action": "opened", "repository": {"full_name": "a/b"}}"#,
            ),
            ("", "{}"),
        ] {
            let refusal = read(event, "d", body.as_bytes()).expect_err(body);
            assert_eq!(refusal.0, StatusCode::BAD_REQUEST, "{event} {body}");
        }
        assert_eq!(told("ping", &serde_json::json!({"zen": "x"})), Read::Ping);
        assert!(matches!(told("star", &serde_json::json!({})), Read::Ignored(_)));
    }
}
