//! `lockstep rebuild`

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use lockstep::derive::Release;
use lockstep::derive::here::here;
use lockstep::derive::konflux::konflux;
use lockstep::finding::{self, Finding, Severity};
use lockstep::rebuild::{self, Rebuild, Underived};
use lockstep::run::history;
use lockstep::run::lock::Lock;
use lockstep::targets::{konflux as konflux_target, payload_pipeline};
use lockstep::yaml;
use serde_json::Value as Json;

use super::args::{Common, RebuildArgs, RebuildFormat};
use super::setup::{self, Ready};
use super::{Ended, Outcome, Usage, print, schema_of};

/// The largest build config that is compared with, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// Prints which images have to be built again.
pub fn run(args: &RebuildArgs) -> Outcome {
    if args.schema {
        print(&schema_of::<Rebuild>()?)?;
        return Ok(Ended::Done);
    }
    if args.since.is_none() && args.overlay.is_empty() {
        let text = "there is nothing to compare with: `--since COMMIT|RUN|LOCK|FILE` says since when, `--overlay RULES` what a release would be with \
                    these rules";
        return Err(Usage(text.to_owned()).into());
    }
    let mut ended = Ended::Done;
    let before = before(args, &mut ended)?;
    let mut common = args.common.clone();
    common.with_rules.extend(args.overlay.iter().cloned());
    let ready = setup::ready(&common)?;
    let metadata = ready.metadata(&mut ended)?;
    let releases = ready.derive_whole(&metadata, &mut ended)?;
    let release = one(&releases)?;
    if finding::lacks_component(&release.findings) {
        ended = Ended::Failed;
    }
    // What could not be derived is not told by what is printed.
    let errors = ready.run.heard(release.findings.clone());
    let errors: Vec<Finding> = errors
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    setup::tell(&errors);
    let document = release.build_config();
    let after = serde_json::to_value(document)?;
    let of_before = before["release"].as_str().unwrap_or_default();
    if after["release"] != before["release"] {
        return Err(Usage(format!(
            "`--since` is of release {of_before}, and {} is compared with it",
            release.metadata.release
        ))
        .into());
    }
    let found = rebuild::rebuild(&before, &after, &Underived::of(document))?;
    if !found.unknown.is_empty() {
        ended = Ended::Failed;
    }
    let failed = show(args.format, &found, release)?;
    setup::tell(&failed);
    if !failed.is_empty() {
        ended = Ended::Failed;
    }
    Ok(ended)
}

fn one<'r, 'm>(releases: &'r [Release<'m>]) -> Result<&'r Release<'m>, anyhow::Error> {
    match releases {
        [release] => Ok(release),
        [] => Err(anyhow!("the release cannot be derived")),
        several => {
            let names: Vec<String> = several
                .iter()
                .map(|release| release.metadata.release.to_string())
                .collect();
            Err(Usage(format!(
                "one release is compared at a time: add `--release {}`, or another of {}",
                names[0],
                names.join(", ")
            ))
            .into())
        }
    }
}

/// The build config that is compared with.
fn before(args: &RebuildArgs, ended: &mut Ended) -> Result<Json, anyhow::Error> {
    let Some(since) = &args.since else {
        return derived(&args.common, ended, None);
    };
    let path = Path::new(since);
    if !setup::is_file(path) && history::is_id(since) {
        let ready = setup::ready(&args.common)?;
        let release = Some(ready.releases.as_slice()).filter(|all| all.len() == 1);
        let found = history::read(&ready.run.config().state, since, release.map(|all| all[0]));
        return Ok(found?);
    }
    if !setup::is_file(path) {
        return derived(&args.common, ended, Some(since));
    }
    let text = setup::text(path, MAX_BYTES)?;
    let document: Json =
        serde_json::from_str(&text).with_context(|| format!("{since} is neither a lock nor a build config as JSON"))?;
    if document.get("lock").is_none() {
        return Ok(document);
    }
    // What the lock says of its own release is what it is compared with.
    let lock = Lock::read(path)?;
    let common = Common {
        locked: Some(path.to_owned()),
        releases: vec![lock.release],
        ..args.common.clone()
    };
    derived(&common, ended, None)
}

/// The build config of what is there, or with build data as it was at a commit.
fn derived(common: &Common, ended: &mut Ended, commit: Option<&str>) -> Result<Json, anyhow::Error> {
    let ready = setup::ready(common)?;
    let metadata = match commit {
        Some(commit) => vec![at(&ready, commit)?],
        None => ready.metadata(ended)?,
    };
    let releases = ready.derive_whole(&metadata, ended)?;
    Ok(serde_json::to_value(one(&releases)?.build_config())?)
}

fn at(ready: &Ready, commit: &str) -> Result<lockstep::model::metadata::Metadata, anyhow::Error> {
    let [release] = ready.releases.as_slice() else {
        return Err(Usage("one release is compared at a time: say which with `--release`".to_owned()).into());
    };
    let found = ready.run.metadata_at(*release, commit);
    found.with_context(|| {
        format!(
            "`--since {commit}` is neither a file nor the id of a run, and build data cannot be read at such a commit"
        )
    })
}

fn show(format: RebuildFormat, found: &Rebuild, release: &Release<'_>) -> Result<Vec<Finding>, anyhow::Error> {
    let mut findings = Vec::new();
    match format {
        RebuildFormat::Text => print(&rebuild::text(found))?,
        RebuildFormat::Json => print(&format!("{}\n", serde_json::to_string_pretty(found)?))?,
        RebuildFormat::Argo => {
            let parameters = rebuild::argo(found, &build_configs(release, &mut findings)?);
            print(&format!("{}\n", serde_json::to_string_pretty(&parameters)?))?;
        }
        RebuildFormat::Tekton => {
            let run = rebuild::tekton(found, &build_configs(release, &mut findings)?);
            print(&yaml::edit::fresh(&yaml::Node::from(&run)))?;
        }
        RebuildFormat::Konflux => print(&rebuild::konflux(found, &components(release, &mut findings)?))?,
        RebuildFormat::Tags => print(&rebuild::tags(found))?,
    }
    Ok(findings)
}

/// The pipeline's BuildConfigs by key, as its rules name them, without those of images that it does not build.
fn build_configs(
    release: &Release<'_>,
    findings: &mut Vec<Finding>,
) -> Result<BTreeMap<String, String>, anyhow::Error> {
    match here(release, payload_pipeline::TARGET.name) {
        Ok((here, failed)) => {
            findings.extend(failed);
            Ok(here.built())
        }
        Err(failed) => {
            setup::tell(&failed);
            Err(anyhow!(
                "rules about the pipeline failed, so the names of its builds are not known"
            ))
        }
    }
}

/// Konflux's components by key, as the rules name them.
fn components(release: &Release<'_>, findings: &mut Vec<Finding>) -> Result<BTreeMap<String, String>, anyhow::Error> {
    match konflux(release, konflux_target::TARGET.name) {
        Ok((found, failed)) => {
            findings.extend(failed);
            let built = found.images.into_iter().filter(|(_, image)| image.is_built);
            Ok(built.map(|(key, image)| (key, image.component.value)).collect())
        }
        Err(failed) => {
            setup::tell(&failed);
            Err(anyhow!(
                "rules about Konflux failed, so the names of its components are not known"
            ))
        }
    }
}
