//! The pull request that a CI job runs for, as Prow or GitHub Actions tell it.
#![expect(clippy::disallowed_methods, reason = "CI tells by environment and files")]

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use lockstep::base::RepoName;
use lockstep::base::loose::{List, Loose, May, read};
use lockstep::run::impact::Asked;
use lockstep::source::Location;
use serde::Deserialize;

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

/// What Prow tells a job.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    refs: Loose<Refs>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refs {
    org: Loose<String>,
    repo: Loose<String>,
    base_ref: Loose<String>,
    base_sha: Loose<String>,
    pulls: List<Tested>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tested {
    number: May<u64>,
    sha: Loose<String>,
}

/// What GitHub Actions tells a job.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Event {
    repository: Loose<Repository>,
    pull_request: May<Pull>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Repository {
    full_name: Loose<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pull {
    number: May<u64>,
    base: Loose<End>,
    head: Loose<End>,
}

/// A branch, and where it is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct End {
    #[serde(rename = "ref")]
    name: Loose<String>,
    sha: Loose<String>,
}

/// What Prow tells a presubmit.
fn prow(spec: &str) -> Result<Asked, anyhow::Error> {
    let Spec { refs } = read(&serde_json::from_str(spec)?).unwrap_or_default();
    let pull = match &*refs.pulls {
        [pull] => pull,
        [] => return Err(anyhow!("it is for no pull request: `refs.pulls` is empty")),
        _ => return Err(anyhow!("it is for several pull requests at once")),
    };
    of(
        &format!("{}/{}", text(&refs.org)?, text(&refs.repo)?),
        (text(&refs.base_ref)?, text(&refs.base_sha)?),
        (*pull.number, text(&pull.sha)?),
    )
}

/// What GitHub Actions tells of a pull request.
fn github(event: &str) -> Result<Asked, anyhow::Error> {
    let event: Event = read(&serde_json::from_str(event)?).unwrap_or_default();
    let pull = event
        .pull_request
        .0
        .ok_or_else(|| anyhow!("it is for no pull request"))?;
    of(
        text(&event.repository.full_name)?,
        (text(&pull.base.name)?, text(&pull.base.sha)?),
        (*pull.number, text(&pull.head.sha)?),
    )
}

fn text(text: &str) -> Result<&str, anyhow::Error> {
    anyhow::ensure!(!text.is_empty(), "a name or commit is missing");
    Ok(text)
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
