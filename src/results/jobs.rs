//! The jobs that build a release's images, as rules name them, and what each image is built from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::answer::Absent;
use super::cluster::{Names, names};
use crate::base::RepoName;
use crate::derive::outline::base_scope;
use crate::derive::{DerivedImage, Release, Standing};
use crate::rules::{RuleSet, Subject};

/// One job that builds images of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The repository whose images they are.
    pub repository: RepoName,
    /// The branch.
    pub branch: String,
    /// The job's name.
    pub name: String,
    /// The job that builds the same for OCP; empty: there is none.
    pub twin: String,
    /// Payload tags.
    pub images: BTreeSet<String>,
}

/// What a release is built by, and from what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// One job a repository and branch.
    pub jobs: Vec<Job>,
    /// The tags that each image is built from or with.
    pub parents: BTreeMap<String, BTreeSet<String>>,
    /// The names of images on a cluster, where they are asked for.
    pub names: Option<Names>,
    /// What rules about these could not say.
    pub faults: Vec<String>,
    /// Which images are none of the release.
    pub absent: Absent,
}

/// The jobs that build a release's images; `on_cluster`: and their names on a cluster.
pub fn jobs(release: &Release<'_>, rules: &RuleSet, on_cluster: bool) -> Built {
    let mut jobs: BTreeMap<(RepoName, String), BTreeSet<String>> = BTreeMap::new();
    let all = release.images.values();
    for image in all.filter(|image| !matches!(image.standing, Standing::Dropped(_))) {
        if let Some(repository) = &image.repository.value {
            let key = (repository.clone(), image.branch.clone());
            jobs.entry(key).or_default().insert(image.tag.value.clone());
        }
    }
    let metadata = release.metadata;
    let scope = base_scope(metadata.release, &metadata.group, Some(&release.payload.view));
    let variant = release.payload.view["variant"].as_str().unwrap_or_default();
    let named = jobs.into_iter().map(|((repository, branch), images)| {
        let mut inner = scope.inner();
        inner.set(
            "repo",
            &json!({"org": repository.org, "name": repository.repo, "full": repository.to_string(), "branch": branch}),
        );
        let job =
            json!({"kind": "images", "runs": "postsubmit", "test": "images", "short": format!("{variant}-images")});
        inner.set("job", &job);
        let decide = |field| {
            let decided = rules.decide(Subject::Job, field, metadata.release, &inner).value;
            decided.as_ref().and_then(Json::as_str).unwrap_or_default().to_owned()
        };
        Job {
            name: decide("name"),
            twin: decide("twin"),
            repository,
            branch,
            images,
        }
    });
    let (names, faults) = match on_cluster {
        true => {
            let (names, faults) = names(release);
            (Some(names), faults)
        }
        false => (None, Vec::new()),
    };
    Built {
        names,
        faults,
        absent: absent(release),
        jobs: named.collect(),
        parents: parents(release),
    }
}

fn is_placed(image: &DerivedImage) -> bool {
    image.repository.value.is_some() && !image.tag.value.is_empty()
}

/// Which images are none of the release.
fn absent(release: &Release<'_>) -> Absent {
    let (dropped, built): (Vec<_>, Vec<_>) = release
        .images
        .values()
        .partition(|image| matches!(image.standing, Standing::Dropped(_)));
    Absent {
        dropped: dropped.into_iter().map(|image| image.tag.value.clone()).collect(),
        all_others: release.complete && built.iter().all(|image| is_placed(image)),
    }
}

/// The tags that each image is built from or with.
fn parents(release: &Release<'_>) -> BTreeMap<String, BTreeSet<String>> {
    let config = release.build_config();
    let tag = |key: &String| config.images.get(key).map(|image| image.tag.value.clone());
    let all = config.images.values().map(|image| {
        let inputs = image.base.iter().chain(&image.builders);
        let above = inputs.filter_map(|input| input.image.as_ref().filter(|_| input.replaced));
        (image.tag.value.clone(), above.filter_map(tag).collect())
    });
    all.collect()
}
