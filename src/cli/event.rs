//! The pull request that a CI job runs for, as Prow or GitHub Actions tell it.
#![expect(clippy::disallowed_methods, reason = "CI tells by environment and files")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use lockstep::base::RepoName;
use lockstep::run::impact::Asked;
use lockstep::source::Location;
use serde_json::Value as Json;

/// The largest event that is read, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// The pull request that this process runs for.
///
/// # Errors
/// Nothing tells of one, or what tells is not understood.
pub fn asked() -> Result<Asked, anyhow::Error> {
    if let Ok(spec) = std::env::var("JOB_SPEC") {
        return prow(&spec).context("`JOB_SPEC` is not understood");
    }
    if let Some(path) = std::env::var_os("GITHUB_EVENT_PATH") {
        let text = super::setup::text(Path::new(&path), MAX_BYTES)?;
        return github(&text).context("the event in `GITHUB_EVENT_PATH` is not understood");
    }
    Err(super::Usage(
        "name a repository and a head, such as `lockstep impact openshift/etcd --head my-branch`; neither `JOB_SPEC` nor `GITHUB_EVENT_PATH` tells of a pull request".to_owned(),
    )
    .into())
}

/// Where CI collects what a job leaves.
pub fn artifacts() -> Option<PathBuf> {
    std::env::var_os("ARTIFACT_DIR")
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from)
}

/// Leaves a file there.
///
/// # Errors
/// It cannot be written.
pub fn leave(dir: &Path, name: &str, text: &str) -> Result<(), anyhow::Error> {
    let path = dir.join(name);
    std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&path, text))
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// What Prow tells a presubmit.
fn prow(spec: &str) -> Result<Asked, anyhow::Error> {
    let spec: Json = serde_json::from_str(spec)?;
    let refs = &spec["refs"];
    let pull = match refs["pulls"].as_array().map(Vec::as_slice) {
        Some([pull]) => pull,
        Some([]) | None => return Err(anyhow!("it is for no pull request: `refs.pulls` is empty")),
        Some(_) => return Err(anyhow!("it is for several pull requests at once")),
    };
    of(
        &format!("{}/{}", text(&refs["org"])?, text(&refs["repo"])?),
        (text(&refs["base_ref"])?, text(&refs["base_sha"])?),
        (pull["number"].as_u64(), text(&pull["sha"])?),
    )
}

/// What GitHub Actions tells of a pull request.
fn github(event: &str) -> Result<Asked, anyhow::Error> {
    let event: Json = serde_json::from_str(event)?;
    let pull = &event["pull_request"];
    if !pull.is_object() {
        return Err(anyhow!("it is for no pull request"));
    }
    of(
        text(&event["repository"]["full_name"])?,
        (text(&pull["base"]["ref"])?, text(&pull["base"]["sha"])?),
        (pull["number"].as_u64(), text(&pull["head"]["sha"])?),
    )
}

fn text(value: &Json) -> Result<&str, anyhow::Error> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| anyhow!("a name or commit is missing"))
}

fn of(repository: &str, base: (&str, &str), head: (Option<u64>, &str)) -> Result<Asked, anyhow::Error> {
    let repository: RepoName = repository.parse().map_err(|error| anyhow!("{repository}: {error}"))?;
    for commit in [base.1, head.1] {
        let digits = commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
        anyhow::ensure!(digits, "`{commit}` is no commit");
    }
    Ok(Asked {
        repository,
        pull: head.0,
        base: Some(base.1.to_owned()),
        head: head.1.to_owned(),
        branch: Some(base.0.to_owned()),
        // A job of either has the repository checked out where it starts.
        at: Path::new(".git").exists().then(|| Location::Path(PathBuf::from("."))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "0123456789012345678901234567890123456789";

    #[test]
    fn prow_tells_of_one_pull_request() {
        let spec = |pulls: &str| {
            format!(
                r#"{{"type":"presubmit","refs":{{"org":"o","repo":"r","base_ref":"main","base_sha":"{SHA}","pulls":[{pulls}]}}}}"#
            )
        };
        let one = format!(r#"{{"number":7,"author":"a","sha":"{SHA}"}}"#);
        let asked = prow(&spec(&one)).expect("understood");
        assert_eq!(asked.repository.to_string(), "o/r");
        assert_eq!((asked.pull, asked.branch.as_deref()), (Some(7), Some("main")));
        assert_eq!((asked.base.as_deref(), asked.head.as_str()), (Some(SHA), SHA));
        let told = |spec: &str| prow(spec).expect_err("refused").to_string();
        assert!(told(&spec("")).contains("no pull request"));
        assert!(told(&spec(&format!("{one},{one}"))).contains("several"));
        assert!(told(&spec(r#"{"number":7,"sha":"--upload-pack=x"}"#)).contains("no commit"));
        assert!(prow("{").is_err());
    }

    #[test]
    fn an_event_of_github_tells_of_one() {
        let event = format!(
            r#"{{"repository":{{"full_name":"o/r"}},"pull_request":{{"number":3,"base":{{"ref":"main","sha":"{SHA}"}},"head":{{"sha":"{SHA}"}}}}}}"#
        );
        assert_eq!(github(&event).expect("understood").pull, Some(3));
        let push = github(r#"{"repository":{"full_name":"o/r"}}"#)
            .expect_err("a push")
            .to_string();
        assert!(push.contains("no pull request"), "{push}");
    }
}
