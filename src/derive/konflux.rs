//! What Konflux makes of a release: names of components, where images are pushed to, on what platforms they are built.
//!
//! Only Konflux's target asks for it, so the rules about it are not asked in any other run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::asker::Asker;
use super::{Derived, DerivedImage, Release, Standing};
use crate::base::RepoName;
use crate::finding::Finding;
use crate::rules::{Scope, Subject};

/// What rules say of Konflux for a release.
#[derive(Clone, Debug, Default)]
pub struct Konflux {
    /// The namespace; empty: nobody builds the release there.
    pub tenant: Derived<String>,
    /// Where images are pushed, up to the tenant.
    pub pushes_to: Derived<String>,
    /// The release's application.
    pub application: Derived<String>,
    /// Its name for people.
    pub display_name: Derived<String>,
    /// The tag by which images are built from one another.
    pub floating: Derived<String>,
    /// Platforms by architecture, as Go names it.
    pub platforms: Derived<BTreeMap<String, String>>,
    /// Whether components have versions.
    pub has_versions: Derived<bool>,
    /// The release's version, where they have.
    pub version: Derived<String>,
    /// Labels of a run.
    pub labels: Derived<Labels>,
    /// The service account, with `{component}`.
    pub service_account: Derived<String>,
    /// How long the image of a pull request is kept; empty: for ever.
    pub expires: Derived<String>,
    /// The shared pipeline.
    pub pipeline: Derived<Pipeline>,
    /// What a Component says of the pipeline that Konflux would choose; empty: nothing.
    pub build_pipeline: Derived<String>,
    /// Branches that the release may have been built from before, with `{earlier}`.
    pub built_before: Derived<Vec<String>>,
    /// The branch of a central repository with all runs.
    pub central_branch: Derived<String>,
    /// The branch of the repository with the resources.
    pub resources_branch: Derived<String>,
    /// The folder with the release's.
    pub resources_folder: Derived<String>,
    /// Other resources: file and what it says.
    pub extra_resources: Derived<Vec<(String, Json)>>,
    /// Digests of images that are not built here, by pullspec, where a lock gives them.
    pub external: BTreeMap<String, String>,
    /// Whether all that says which images there are could be read and decided.
    pub complete: bool,
    /// What each image is there, by key, built or not.
    pub images: BTreeMap<String, ImageThere>,
    /// Components of images about which rules failed: what is there of them stays.
    pub held: BTreeSet<String>,
}

/// Keys of labels, and of the annotation beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// The application's.
    pub application: String,
    /// The component's: it says whose a run is.
    pub component: String,
    /// The annotation with the version; empty: there is none.
    pub version: String,
    /// Of what kind a run is.
    pub kind: String,
}

/// The shared pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pipeline {
    /// Its file.
    pub path: String,
    /// The branch or tag that runs read it at.
    pub revision: String,
    /// The image that its script runs in.
    pub runner: String,
    /// How long a new run may take.
    pub timeout: String,
}

/// What an image is in Konflux.
#[derive(Clone, Debug, Default)]
pub struct ImageThere {
    /// The payload tag.
    pub tag: String,
    /// Its repository, where that is known.
    pub repository: Option<RepoName>,
    /// The branch of it that is built, or that metadata names where nothing of it is.
    pub branch: String,
    /// Its component.
    pub component: Derived<String>,
    /// Where it is pushed, without a tag; empty: by tenant and component.
    pub container_image: Derived<String>,
    /// The folder with RPM repositories of its build; empty: none.
    pub repo_files: Derived<String>,
    /// Whether it is derived, so that it is built.
    pub is_built: bool,
    /// Whether the release positively does not have it. What is neither could not be derived.
    pub is_dropped: bool,
}

/// Asks the rules about what a target of this name writes.
///
/// # Errors
/// Rules that failed about Konflux as a whole. Those about one image hold that image and are in the second value.
pub fn konflux(release: &Release<'_>, target: &str) -> Result<(Konflux, Vec<Finding>), Vec<Finding>> {
    let mut asker = Asker::new(release);
    let scope = asker.scope();
    let mut whole = scope.inner();
    whole.set("target", &json!(target));
    let about = format!("target {target}");
    let model = asker.text(Subject::Target, "model", &whole, &about);
    whole.set("model", &json!(model.value));
    let mut konflux = as_a_whole(&mut asker, &whole, &about);
    konflux.external.clone_from(&release.metadata.external);
    konflux.complete = release.complete;
    konflux.has_versions = Derived {
        value: model.value == "versions",
        tried: model.tried.clone(),
    };
    if !asker.findings.is_empty() {
        return Err(asker.findings);
    }
    for (key, image) in &release.images {
        // Of what could not be derived not even the tag may be known: what is there of it is known by nothing.
        if image.tag.value.is_empty() {
            konflux.complete &= matches!(image.standing, Standing::Dropped(_));
            continue;
        }
        let before = asker.findings.len();
        let found = one(&mut asker, image, &scope, &model.value);
        if asker.findings.len() == before {
            konflux.images.insert(key.clone(), found);
        } else {
            konflux.complete &= !found.component.failed();
            konflux.held.insert(found.component.value);
        }
    }
    Ok((konflux, asker.findings))
}

fn as_a_whole(asker: &mut Asker<'_>, scope: &Scope<'_>, about: &str) -> Konflux {
    let mut konflux = {
        let mut text = |field: &str| asker.text(Subject::Target, field, scope, about);
        Konflux {
            tenant: text("tenant"),
            pushes_to: text("pushes_to"),
            application: text("application"),
            display_name: text("display_name"),
            floating: text("floating"),
            version: text("version"),
            service_account: text("service_account"),
            expires: text("expires"),
            build_pipeline: text("build_pipeline"),
            central_branch: text("branch_here"),
            resources_branch: text("resources_branch"),
            resources_folder: text("resources_folder"),
            ..Konflux::default()
        }
    };
    konflux.platforms = asker.pairs("platforms", scope, about);
    let labels = asker.pairs("labels", scope, about);
    let label = |name: &str| labels.value.get(name).cloned().unwrap_or_default();
    let value = Labels {
        application: label("application"),
        component: label("component"),
        version: label("version"),
        kind: label("type"),
    };
    konflux.labels = Derived {
        value,
        tried: labels.tried,
    };
    let pipeline = asker.pairs("pipeline", scope, about);
    let part = |name: &str| pipeline.value.get(name).cloned().unwrap_or_default();
    let value = Pipeline {
        path: part("path"),
        revision: part("revision"),
        runner: part("runner"),
        timeout: part("timeout"),
    };
    konflux.pipeline = Derived {
        value,
        tried: pipeline.tried,
    };
    konflux.built_before = asker.texts("built_before", scope, about);
    let extra = asker.decide(Subject::Target, "extra_resources", scope, about);
    let items = extra.value.as_ref().and_then(Json::as_array).into_iter().flatten();
    let items = items.filter_map(|item| Some((item["file"].as_str()?.to_owned(), item["resource"].clone())));
    konflux.extra_resources = Derived::new(items.collect(), extra);
    konflux
}

fn one(asker: &mut Asker<'_>, image: &DerivedImage, scope: &Scope<'_>, model: &str) -> ImageThere {
    let about = format!("image {}", image.key);
    let mut inner = asker.of_image(image, scope);
    inner.set("model", &json!(model));
    let mut text = |field: &str| asker.text(Subject::Image, field, &inner, &about);
    let named = image.view["source"]["branch"].as_str().unwrap_or_default();
    let branch = [image.branch.as_str(), named];
    ImageThere {
        tag: image.tag.value.clone(),
        repository: image.repository.value.clone(),
        branch: branch
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default()
            .to_owned(),
        component: text("component"),
        container_image: text("container_image"),
        repo_files: text("repo_files"),
        is_built: image.standing == Standing::Derived,
        is_dropped: matches!(image.standing, Standing::Dropped(_)),
    }
}
