//! The sample world that rules are checked on when they are loaded: every variable of every subject, with the values
//! of files that say nothing.
//!
//! CEL has no static types here, so names are compared with the sample's shape, and results with a field's form after an
//! evaluation on the sample. An evaluation that fails (an index into an empty list, say) tells nothing and is passed over.

use std::sync::LazyLock;

use serde_json::{Map, Value as Json, json};

use super::expr::{Expr, Scope};
use super::load::nearest;
use super::subject::{Field, Kind, Subject};
use super::template::Template;
use crate::facts::{image, stream, view};

static SAMPLES: LazyLock<Vec<(Subject, Json)>> = LazyLock::new(|| {
    Subject::ALL
        .into_iter()
        .map(|subject| (subject, make(subject)))
        .collect()
});

/// The variables that rules about a subject see, with sample values.
pub fn variables(subject: Subject) -> &'static Map<String, Json> {
    let found = SAMPLES
        .iter()
        .find(|(known, _)| *known == subject)
        .and_then(|(_, sample)| sample.as_object());
    found.expect("there is a sample for every subject")
}

fn make(subject: Subject) -> Json {
    let mut sample = json!({
        "release": "4.16", "major": 4, "minor": 16, "vars": {"MAJOR": "4", "MINOR": "16"},
        "group": {"arches": ["x86_64"], "phase": "release", "okd": {"enabled": true}},
    });
    let mut add = |name: &str, value: Json| drop(sample.as_object_mut().map(|map| map.insert(name.into(), value)));
    if subject != Subject::Payload {
        // What may be empty is decided for the audit alone.
        let fields = Subject::Payload
            .fields()
            .iter()
            .filter(|field| field.kind == Kind::Text);
        let texts = fields.map(|field| (field.name.to_owned(), json!("sample")));
        let mut payload = Json::Object(texts.collect());
        payload["tags"] = json!({"sample": {"pullspec": "", "repository": "org/repo", "commit": ""}});
        payload["wanted_by"] = json!({"sample": [{"repository": "org/repo", "file": "", "line": 1, "shipped": true}]});
        add("payload", payload);
    }
    match subject {
        Subject::Payload => {}
        Subject::Image => {
            add("image", image_sample());
            add("tag", json!("sample"));
            add("model", json!("versions"));
            add("metadata", json!({}));
        }
        Subject::Member => add("member", derived_image_sample()),
        Subject::Stream => {
            let mut stream = view::sample(stream::KEYS);
            stream["name"] = json!("sample");
            stream["image"] = json!("sample.example/base:tag");
            add("stream", stream);
        }
        Subject::Input => {
            add("image", derived_image_sample());
            add(
                "input",
                json!({
                    "kind": "stream", "name": "sample", "builder": true, "index": 0, "stage": "builder",
                    "written": "sample.example/base:tag", "pullspec": "sample.example/base:tag",
                }),
            );
        }
        Subject::Config => {
            add(
                "repo",
                json!({"org": "org", "name": "repo", "full": "org/repo", "branch": "main"}),
            );
            add("images", json!([derived_image_sample()]));
        }
        Subject::Job => add_job(&mut add),
        Subject::Target => {
            add("target", json!("sample"));
            add("model", json!("versions"));
        }
        Subject::Tag => add(
            "tag",
            json!({
                "name": "sample", "built_by": ["sample"], "wanted_by": ["org/repo"], "for_payload": false,
                "needed_by": "", "in_last": false,
            }),
        ),
        Subject::Builder => add(
            "builder",
            json!({"name": "sample", "go": "1.21", "pullspecs": ["sample.example/builder:tag"]}),
        ),
        Subject::Failure => add(
            "failure",
            json!({"step": "sample", "reason": "", "text": "error: sample"}),
        ),
        Subject::Finding => add(
            "finding",
            json!({
                "code": "sample", "severity": "error", "family": "metadata", "component": "org/repo", "image": "sample",
                "held": false, "own_dockerfile": false,
            }),
        ),
    }
    sample
}

/// A job's variables: its config, what it is for, and what its file has already.
fn add_job(add: &mut impl FnMut(&str, Json)) {
    add(
        "repo",
        json!({
            "org": "org", "name": "repo", "full": "org/repo", "branch": "main", "label": "main", "exact": "^main$",
            "patterns": ["^main$", "^main-"],
        }),
    );
    add(
        "config",
        json!({
            "variant": "sample", "from_repository": false, "checkout": [], "build_if_affected": false, "builds": true,
            "releases": true, "signal": "", "path_alias": "", "additional_images": [], "promotes_to": [],
            "promotion_cron": "",
            "prowgen": {
                "disable_rehearsals": false, "disable_sparse_checkout": false, "enable_secrets_store_csi_driver": false,
                "expose": false, "private": false, "skip_operator_presubmits": false,
            },
        }),
    );
    add(
        "job",
        json!({"kind": "images", "runs": "presubmit", "test": "images", "short": "sample-images"}),
    );
    add(
        "test",
        json!({
            "as": "", "always_run": true, "optional": false, "run_if_changed": "", "skip_if_only_changed": "",
            "pipeline_run_if_changed": "", "pipeline_skip_if_only_changed": "", "skip_branches": [],
            "capabilities": [], "architecture": "", "max_concurrency": null, "reports": false,
            "reporter": {"channel": "", "states": [], "template": ""}, "rehearsed": true, "profile": "", "workflow": "",
            "cloud": "", "steps": false, "cluster": "", "timeout": "", "postsubmit": false, "periodic": false,
            "presubmit": false, "cron": "", "interval": "", "minimum_interval": "", "release_controller": false,
            "retry": null, "claim": false, "secrets": [], "managed_secrets": false, "requests": {}, "shard": 1,
            "shards": 1,
        }),
    );
    add(
        "there",
        json!({"exists": false, "cluster": "", "max_concurrency": null, "skip_report": false, "reporter": null}),
    );
    add("peers", json!({"cluster": "", "profile": []}));
    add(
        "parts",
        json!({
            "name": "sample", "cluster": "sample", "cloud": "", "always_run": true, "optional": false, "image": "sample", "args": [], "labels": {}, "env": [],
            "ports": [], "mounts": [], "volumes": [], "decoration": {}, "reporter": null, "pod": {},
            "daily": "0 22 * * *",
        }),
    );
}

/// An image as the engine shows it to rules: its file, its key, and what the engine looked up for it.
fn image_sample() -> Json {
    let mut image = view::sample(image::KEYS);
    image["key"] = json!("sample");
    image["name"] = json!("sample/ose-sample");
    image["used_as_builder"] = json!(false);
    image["source"]["repository"] = json!("org/repo");
    image
}

/// An image after the rules about images: with what they derived for it.
fn derived_image_sample() -> Json {
    let mut image = image_sample();
    image["tag"] = json!("sample");
    image["build_root"] = json!({});
    image
}

/// The scope in which rules about a subject are tried.
fn scope(subject: Subject) -> Scope<'static> {
    let mut scope = Scope::new();
    for (name, value) in variables(subject) {
        scope.set(name, value);
    }
    scope
}

/// Checks a path such as `image.okd_alignment.tag_name` against the sample's shape.
///
/// # Errors
/// What is unknown, and a hint.
pub fn check_path(subject: Subject, path: &[String]) -> Result<(), (String, String)> {
    let mut at = variables(subject);
    for (depth, name) in path.iter().enumerate() {
        let Some(value) = at.get(name) else {
            let known: Vec<_> = at.keys().map(String::as_str).collect();
            let message = match depth {
                0 => format!("unknown variable `{name}` in a rule on {}", subject.name()),
                _ => format!("`{}` has no `{name}`", path[..depth].join(".")),
            };
            return Err((message, nearest(name, &known)));
        };
        match value {
            Json::Object(map) if !map.is_empty() && !is_open(path, depth) => at = map,
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// Tells whether a mapping's keys are the input's business: group variables and the group's `okd` are what `group.yml` says,
/// tags what the payload and operators say.
fn is_open(path: &[String], depth: usize) -> bool {
    match depth {
        0 => path[0] == "vars",
        1 => {
            (path[0] == "payload" && (path[1] == "tags" || path[1] == "wanted_by"))
                || (path[0] == "group" && path[1] == "okd")
        }
        _ => false,
    }
}

/// Tries a condition on the sample.
///
/// # Errors
/// It yields something else than true or false.
pub fn try_condition(subject: Subject, expr: &Expr) -> Result<(), String> {
    match expr.evaluate(&scope(subject)) {
        Ok(Json::Bool(_)) | Err(_) => Ok(()),
        Ok(other) => Err(format!("a condition must be true or false, this one yields {other}")),
    }
}

/// Tries a field's value on the sample. An empty text says nothing: files that say nothing have empty texts.
///
/// # Errors
/// It yields a value of another form than the field's.
pub fn try_value(subject: Subject, field: &Field, template: &Template) -> Result<(), String> {
    match template.evaluate(&scope(subject)) {
        Ok(value) if field.kind.accepts(&value) || says_nothing(field.kind, &value) => Ok(()),
        Ok(value) => Err(format!("`{}` cannot be {value}", field.name)),
        Err(_) => Ok(()),
    }
}

fn says_nothing(kind: Kind, value: &Json) -> bool {
    let empty = |value: &Json| value.as_str().is_some_and(str::is_empty);
    match kind {
        Kind::Text => empty(value),
        Kind::Reference => value
            .as_object()
            .is_some_and(|map| map.len() == 1 && map.values().all(empty)),
        _ => false,
    }
}
