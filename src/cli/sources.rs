//! `lockstep render --sources`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lockstep::base::{RepoName, path_fault};
use lockstep::derive::Release;
use lockstep::derive::texts::FileText;
use lockstep::doozer::rewrite::rewrite;
use lockstep::finding::{Finding, Severity};
use lockstep::model::metadata::Metadata;
use rayon::prelude::*;
use serde_json::Value as Json;

use super::args::RenderArgs;
use super::written::write;
use super::{Ended, Outcome, print, setup};

/// Writes the Dockerfile of every image with what its FROMs stand for.
pub fn run(args: &RenderArgs, out: &Path) -> Outcome {
    let ready = setup::ready(&args.common)?;
    let mut ended = Ended::Done;
    let metadata = ready.metadata(&mut ended)?;
    let releases = ready.derive(&metadata, &mut ended)?;
    let (mut files, mut findings) = (BTreeMap::new(), Vec::new());
    for release in &releases {
        findings.extend(release.findings.iter().cloned());
        let missing = of(&ready, release, out, &mut files);
        if !missing.is_empty() {
            ended = Ended::Failed;
        }
        findings.extend(missing);
    }
    setup::tell(&ready.run.heard(findings));
    let written: Result<Vec<bool>, anyhow::Error> = files
        .par_iter()
        .map(|(path, text)| write(path, text.as_bytes()))
        .collect();
    let written = written?;
    let new = written.iter().filter(|new| **new).count();
    let many = if new == 1 { "" } else { "s" };
    print(&format!(
        "{new} Dockerfile{many} of {} written to {}\n",
        written.len(),
        out.display()
    ))?;
    Ok(ended)
}

/// The Dockerfiles of a release, and those that could not be written.
fn of(ready: &setup::Ready, release: &Release<'_>, out: &Path, files: &mut BTreeMap<PathBuf, String>) -> Vec<Finding> {
    let texts = ready.run.texts(release);
    let document = release.build_config();
    let mut findings = Vec::new();
    let mut own: BTreeMap<PathBuf, (String, String)> = BTreeMap::new();
    for (key, image) in &document.images {
        let path = image
            .dockerfile
            .value
            .strip_prefix("./")
            .unwrap_or(&image.dockerfile.value);
        let mut fault = |why: String| {
            let text = format!("{key}: {path} is not written: {why}");
            let finding = Finding::new(Severity::Error, "source-not-written", text)
                .with_place(release.metadata.place(Metadata::image_file(key), None))
                .with_image(image.tag.value.clone())
                .with_component(image.repository.value.clone())
                .with_release(release.metadata.release.to_string())
                .with_help("put the Dockerfile or its modifications right; the other images are written");
            findings.push(finding);
        };
        let Ok(repo) = image.repository.value.parse::<RepoName>() else {
            continue;
        };
        if let Some(why) = path_fault(path) {
            fault(why.to_string());
            continue;
        }
        let Some(FileText::Text(text)) = texts.get(&repo, &image.dockerfile.value) else {
            fault("it could not be read".to_owned());
            continue;
        };
        let stanza = release
            .metadata
            .images
            .get(key)
            .and_then(|image| image.node.at(&["okd", "content", "source", "modifications"]));
        match rewrite(text, image, &stanza.map(Json::from).unwrap_or_default()) {
            Ok(text) => {
                let place = out.join(&repo.org).join(&repo.repo).join(path);
                match own.get(&place) {
                    Some((other, there)) if *there != text => {
                        fault(format!("{other} is built from the same file with other images"));
                    }
                    _ => drop(own.insert(place, (key.clone(), text))),
                }
            }
            Err(why) => fault(why.to_string()),
        }
    }
    files.extend(own.into_iter().map(|(path, (_, text))| (path, text)));
    findings
}
