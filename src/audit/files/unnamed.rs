//! Dockerfiles of OKD's own that no metadata names.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::audit::Sink;
use crate::audit::check::{Check, Need};
use crate::audit::context::Context;
use crate::audit::pattern::matches;
use crate::base::{Place, RepoName};
use crate::derive::supposed::Supposed;
use crate::derive::{DerivedImage, Standing};
use crate::finding::Severity::Warning;
use crate::finding::{Code, Family};
use crate::model::metadata::Metadata;

static CODE: Code = Code {
    name: "unnamed-dockerfile",
    family: Family::Files,
    severity: Warning,
    title: "a Dockerfile for OKD is there, and no metadata names it",
    means: "Somebody wrote a Dockerfile for OKD, and OKD is built from OCP's all the same: a Dockerfile is used where \
            ocp-build-data names it, not where it merely exists.",
    action: "Name it in `okd_alignment.dockerfile` of the image, or remove it.",
    example: "openshift/beacon: Dockerfile.okd is there, and no image of the repository is built from it",
    fix: None,
};

/// The field of rules with the names of Dockerfiles that are OKD's, with `*` for any characters.
const OWN: &str = "own_dockerfiles";

/// The check.
pub static CHECK: Check = Check::new(&[&CODE], &[Need::Names], run);

fn run(context: &Context<'_>, sink: &mut Sink) {
    let (release, Some(names)) = (context.release, context.names) else {
        return;
    };
    let supposed = Supposed::new(release);
    let named = named(release.metadata);
    let mut by_repo: BTreeMap<&RepoName, Vec<&DerivedImage>> = BTreeMap::new();
    let built = release
        .images
        .values()
        .filter(|image| !matches!(image.standing, Standing::Dropped(_)));
    for image in built {
        if let Some(repo) = &image.repository.value {
            by_repo.entry(repo).or_default().push(image);
        }
    }
    for (repo, images) in by_repo {
        let own = images.iter().flat_map(|image| supposed.texts(&image.key, OWN));
        let patterns: BTreeSet<String> = own.collect();
        let Some(there) = names.repos.get(repo) else { continue };
        let used: BTreeSet<String> = images.iter().map(|image| plain(&image.dockerfile)).collect();
        let known = |path: &String| used.contains(path) || named.contains(&(repo.to_string(), path.clone()));
        for (path, leads_to) in &there.paths {
            let name = path.rsplit('/').next().unwrap_or(path);
            if known(path) || known(leads_to) || !patterns.iter().any(|pattern| matches(pattern, name)) {
                continue;
            }
            let text = format!("{repo}: {path} is there, and no image of the repository is built from it");
            let files: Vec<String> = images.iter().map(|image| Metadata::image_file(&image.key)).collect();
            let place = Place {
                repo: there.origin.name.clone(),
                commit: there.origin.commit.clone(),
                file: path.clone(),
                line: Some(1),
            };
            let finding = CODE.finding(text).with_place(place).with_component(repo.to_string());
            sink.add(finding.with_help(format!(
                "name it in `okd_alignment.dockerfile` of {}, or remove it",
                files.join(" or ")
            )));
        }
    }
}

/// Every Dockerfile that ocp-build-data names, by public repository: also those of images that OKD does not need.
fn named(metadata: &Metadata) -> BTreeSet<(String, String)> {
    let mut named = BTreeSet::new();
    for image in metadata.images.values() {
        let Some(repo) = metadata.repository_of(&image.view) else {
            continue;
        };
        let view = &image.view;
        let files = [&view["source"], &view["okd_alignment"], &view["okd_stanza"]].map(|stanza| &stanza["dockerfile"]);
        let folders = [&view["source"]["path"], &view["okd_alignment"]["path"]];
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        for file in files.map(text) {
            for folder in folders.map(text) {
                named.insert((repo.clone(), plain(&format!("{folder}/{file}"))));
            }
        }
    }
    named
}

/// A path without what does not count: `./`, doubled slashes.
pub(super) fn plain(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    parts.join("/")
}

/// Lists what the check looks for: the patterns of a release's rules, by repository and branch.
pub fn wanted(release: &crate::derive::Release<'_>) -> BTreeMap<(RepoName, String), BTreeSet<String>> {
    let supposed = Supposed::new(release);
    let mut wanted: BTreeMap<(RepoName, String), BTreeSet<String>> = BTreeMap::new();
    for image in release
        .images
        .values()
        .filter(|image| image.standing == Standing::Derived)
    {
        if let Some(repo) = &image.repository.value {
            let key = (repo.clone(), image.branch.clone());
            wanted.entry(key).or_default().extend(supposed.texts(&image.key, OWN));
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_without_what_does_not_count() {
        assert_eq!(plain("./images//x/Dockerfile"), "images/x/Dockerfile");
        assert_eq!(plain("/Dockerfile"), "Dockerfile");
    }
}
