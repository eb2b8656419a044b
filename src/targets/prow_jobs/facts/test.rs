//! What a config says of its tests, and the jobs that they become.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Asked, JobKind, Runs, go, is_true, reporter, text, texts};
use crate::yaml::Node;

/// A test that runs longer has the default timeout: 72 hours.
const LONGEST: u64 = 72 * 3_600 * 1_000_000_000;

/// More shards than these are a mistake.
const MOST_SHARDS: u64 = 100;

/// The jobs of all tests, in the order of the file.
pub fn jobs(root: &Node) -> Vec<Asked> {
    let tests = root.get("tests").and_then(Node::as_seq).unwrap_or_default();
    tests
        .iter()
        .filter_map(|node| Some((node, view(root, node)?)))
        .flat_map(|(node, test)| of(node, &test))
        .collect()
}

/// The jobs of one test: one for each shard, and two where it runs by the clock and on pull requests.
fn of(node: &Node, test: &Json) -> Vec<Asked> {
    let name = test["as"].as_str().unwrap_or_default();
    let count = node
        .get("shard_count")
        .and_then(number)
        .unwrap_or(1)
        .clamp(0, MOST_SHARDS);
    let runs = match (test["periodic"] == true, test["postsubmit"] == true) {
        (true, _) => Runs::Periodic,
        (false, true) => Runs::Postsubmit,
        (false, false) => Runs::Presubmit,
    };
    let mut jobs = Vec::new();
    for index in 1..=count {
        let mut test = test.clone();
        let mut shard_name = name.to_owned();
        if count > 1 {
            shard_name = format!("{name}-{index}of{count}");
            (test["shard"], test["shards"]) = (json!(index), json!(count));
        }
        let mut job = |runs, test| {
            let name = shard_name.clone();
            jobs.push(Asked {
                kind: JobKind::Test,
                runs,
                name,
                test,
            });
        };
        job(runs, test.clone());
        if runs == Runs::Periodic && test["presubmit"] == true {
            if !node.at(&["reporter_config", "report_presubmit"]).is_some_and(is_true) {
                test["reports"] = json!(false);
            }
            job(Runs::Presubmit, test);
        }
    }
    jobs
}

/// The view of what is no test.
pub fn blank() -> Json {
    json!({
        "as": "", "always_run": true, "optional": false, "run_if_changed": "", "skip_if_only_changed": "",
        "pipeline_run_if_changed": "", "pipeline_skip_if_only_changed": "", "skip_branches": [], "capabilities": [],
        "architecture": "", "max_concurrency": null, "reports": false,
        "reporter": {"channel": "", "states": [], "template": ""}, "rehearsed": true, "profile": "", "workflow": "",
        "cloud": "", "steps": false, "cluster": "", "timeout": "", "postsubmit": false, "periodic": false,
        "presubmit": false, "cron": "", "interval": "", "minimum_interval": "", "release_controller": false,
        "retry": null, "claim": false, "secrets": [], "managed_secrets": false, "requests": {}, "shard": 1, "shards": 1,
    })
}

/// A test's view; an entry without a name is none.
fn view(root: &Node, node: &Node) -> Option<Json> {
    let name = node.get("as").and_then(Node::text)?;
    let mut test = blank();
    test["as"] = json!(name);
    for key in [
        "run_if_changed",
        "skip_if_only_changed",
        "pipeline_run_if_changed",
        "pipeline_skip_if_only_changed",
        "cluster",
        "cron",
        "interval",
        "minimum_interval",
    ] {
        test[key] = json!(text(node, key));
    }
    for key in ["optional", "postsubmit", "presubmit", "release_controller"] {
        test[key] = json!(node.get(key).is_some_and(is_true));
    }
    test["architecture"] = json!(text(node, "node_architecture"));
    test["always_run"] = json!(node.get("always_run").and_then(Node::as_bool) != Some(false));
    test["rehearsed"] = json!(!node.get("disable_rehearsal").is_some_and(is_true));
    test["claim"] = json!(is_there(node, "cluster_claim"));
    test["periodic"] = json!(
        ["cron", "interval", "minimum_interval"]
            .iter()
            .any(|key| is_there(node, key))
            || test["release_controller"] == true
    );
    for key in ["skip_branches", "capabilities"] {
        test[key] = json!(texts(node, key));
    }
    test["timeout"] = json!(timeout(node));
    test["max_concurrency"] = limit(node);
    reporter(node, &mut test);
    test["retry"] = retry(node);
    test["requests"] = json!(requests(root, name));
    secrets(node, &mut test);
    steps(node, &mut test);
    Some(test)
}

fn is_there(node: &Node, key: &str) -> bool {
    node.get(key).is_some_and(|value| !value.is_null())
}

fn number(node: &Node) -> Option<u64> {
    Json::from(node).as_u64()
}

/// How many of a job run at once; null: as many as there are.
pub fn limit(node: &Node) -> Json {
    let limit = node.get("max_concurrency").map(Json::from).filter(Json::is_number);
    limit.filter(|limit| limit.as_i64() != Some(0)).unwrap_or_default()
}

fn timeout(node: &Node) -> String {
    let duration = node.get("timeout").and_then(|node| match number(node) {
        Some(nanoseconds) => Some(nanoseconds),
        None => go::duration(node.text()?),
    });
    duration
        .filter(|duration| *duration <= LONGEST)
        .map(go::show)
        .unwrap_or_default()
}

fn retry(node: &Node) -> Json {
    let Some(section) = node.get("retry").filter(|section| section.as_map().is_some()) else {
        return Json::Null;
    };
    let attempts = section
        .get("attempts")
        .and_then(number)
        .filter(|attempts| *attempts != 0);
    let run_all = section.get("run_all").is_some_and(is_true).then_some(true);
    let interval = Some(text(section, "interval")).filter(|interval| !interval.is_empty());
    json!({"attempts": attempts, "interval": interval, "run_all": run_all})
}

/// What the test's pods ask of their node: the config's default and what is said for the test.
fn requests(root: &Node, name: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for key in ["*", name] {
        let section = root.at(&["resources", key, "requests"]).and_then(Node::as_map);
        let entries = section.into_iter().flat_map(|map| map.iter());
        all.extend(entries.filter_map(|(key, value)| Some((key.to_owned(), value.text()?.to_owned()))));
    }
    all
}

/// Secrets of the test: those of CI's clusters by name, the others only as being there.
fn secrets(node: &Node, test: &mut Json) {
    let several = node.get("secrets").and_then(Node::as_seq).unwrap_or_default();
    let all = node
        .get("secret")
        .into_iter()
        .chain(several)
        .filter(|secret| secret.as_map().is_some());
    let managed = |secret: &&Node| {
        let collection = !text(secret, "collection").is_empty() && !text(secret, "group").is_empty();
        collection || !text(secret, "bundle").is_empty()
    };
    let (managed, named): (Vec<_>, Vec<_>) = all.partition(managed);
    let mut names: Vec<String> = named.into_iter().map(|secret| text(secret, "name")).collect();
    names.sort();
    names.dedup();
    test["secrets"] = json!(names);
    test["managed_secrets"] = json!(!managed.is_empty());
}

/// The steps of a test, and the cloud that they run on.
fn steps(node: &Node, test: &mut Json) {
    if let Some(literal) = node.get("literal_steps").filter(|steps| !steps.is_null()) {
        test["steps"] = json!(true);
        if let Some(profile) = literal
            .get("cluster_profile_literal")
            .filter(|profile| !profile.is_null())
        {
            test["profile"] = json!(text(profile, "name"));
            test["cloud"] = json!(text(profile, "cluster_type"));
        }
    } else if let Some(steps) = node.get("steps").filter(|steps| !steps.is_null()) {
        test["steps"] = json!(true);
        test["profile"] = json!(text(steps, "cluster_profile"));
        test["workflow"] = json!(text(steps, "workflow"));
    }
}
