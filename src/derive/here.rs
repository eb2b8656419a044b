//! What a pipeline of OKD's own makes of a release: names of streams, tags, builders and bases on its cluster.
//!
//! Only that pipeline's target asks for it, so the rules about it are not asked in any other run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::asker::Asker;
use super::{Derived, DerivedImage, Release, Standing};
use crate::finding::Finding;
use crate::rules::{Scope, Subject};

/// What rules say of the pipeline for a release.
#[derive(Clone, Debug, Default)]
pub struct Here {
    /// The image stream that is built into.
    pub stream: Derived<String>,
    /// The image that holds forked Dockerfiles; empty: none.
    pub forks: Derived<String>,
    /// Architectures that the pipeline can build.
    pub arches: Derived<Vec<String>>,
    /// Where images of the stream are pulled from, up to the stream's name.
    pub images_at: Derived<String>,
    /// Shipwright's strategy.
    pub strategy: Derived<String>,
    /// What each derived image is here, by key.
    pub images: BTreeMap<String, ImageHere>,
    /// Builders that images are built with, by name.
    pub builders: BTreeMap<String, Builder>,
    /// Tags of images that could not be derived, or about which rules failed, by key: what is there of them stays.
    pub held: BTreeMap<String, String>,
    /// Tags of images that the release positively does not have.
    pub dropped: BTreeSet<String>,
    /// Whether all that says which images and builders there are could be read and decided.
    pub complete: bool,
    /// Digests of images that are not built here, by pullspec, where a lock gives them.
    pub external: BTreeMap<String, String>,
}

impl Here {
    /// The names of what the pipeline builds, by key: images that it leaves to others are not among them.
    #[must_use]
    pub fn built(&self) -> BTreeMap<String, String> {
        let built = self.images.iter().filter(|(_, image)| image.excluded.value.is_empty());
        built
            .map(|(key, image)| (key.clone(), image.tag.value.clone()))
            .collect()
    }

    /// Holds an image. Where not even its tag is known, what is there of it is known by nothing.
    fn hold(&mut self, key: &str, image: &ImageHere) {
        self.complete &= !image.tag.failed() && !image.tag.value.is_empty();
        self.held.insert(key.to_owned(), image.tag.value.clone());
    }
}

/// What an image is on the pipeline's cluster.
#[derive(Clone, Debug, Default)]
pub struct ImageHere {
    /// Its tag in the stream.
    pub tag: Derived<String>,
    /// Why it is not built here; empty: it is.
    pub excluded: Derived<String>,
    /// The profile of resources of a new build: `high`, `low` or `none`.
    pub resources: Derived<String>,
    /// What stands for images that are not built here: by pullspec, as a builder.
    pub builders: BTreeMap<String, Derived<String>>,
    /// The same for what the last FROM names.
    pub bases: BTreeMap<String, Derived<String>>,
}

/// A builder.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    /// The images that it stands for.
    pub pullspecs: BTreeSet<String>,
    /// Their Go version, if they have one and the same.
    pub go: String,
    /// `build`, `import` or `there`.
    pub comes: Derived<String>,
    /// The image stream that it is a tag of.
    pub in_stream: Derived<String>,
    /// What it is built from.
    pub source: Derived<Json>,
}

/// Asks the rules for the branch of the pipeline's repository alone.
///
/// # Errors
/// Rules that failed.
pub fn branch_here(release: &Release<'_>, target: &str) -> Result<Derived<String>, Vec<Finding>> {
    let mut asker = Asker::new(release);
    let mut scope = asker.scope();
    scope.set("target", &json!(target));
    let branch = asker.text(Subject::Target, "branch_here", &scope, &format!("target {target}"));
    if asker.findings.is_empty() {
        Ok(branch)
    } else {
        Err(asker.findings)
    }
}

/// Asks the rules about the pipeline that a target of this name writes.
///
/// # Errors
/// Rules that failed about the pipeline as a whole. Those about one image hold that image and are in the second value.
pub fn here(release: &Release<'_>, target: &str) -> Result<(Here, Vec<Finding>), Vec<Finding>> {
    let mut asker = Asker::new(release);
    let scope = asker.scope();
    let mut whole = scope.inner();
    whole.set("target", &json!(target));
    let about = format!("target {target}");
    let mut text = |field: &str| asker.text(Subject::Target, field, &whole, &about);
    let mut here = Here {
        stream: text("stream"),
        forks: text("forks"),
        images_at: text("images_at"),
        strategy: text("strategy"),
        dropped: dropped(release),
        complete: release.complete,
        external: release.metadata.external.clone(),
        ..Here::default()
    };
    here.arches = asker.texts("arches_here", &whole, &about);
    if !asker.findings.is_empty() {
        return Err(asker.findings);
    }
    let images = release.images.iter();
    for (key, image) in images.filter(|(_, image)| !matches!(image.standing, Standing::Dropped(_))) {
        let before = asker.findings.len();
        let found = asker.image(image, &scope);
        match image.standing == Standing::Derived && asker.findings.len() == before {
            true => drop(here.images.insert(key.clone(), found)),
            false => here.hold(key, &found),
        }
    }
    asker.put_builders(&mut here, &scope);
    Ok((here, asker.findings))
}

fn dropped(release: &Release<'_>) -> BTreeSet<String> {
    let images = release.images.values();
    images
        .filter(|image| matches!(image.standing, Standing::Dropped(_)))
        .map(|image| image.tag.value.clone())
        .collect()
}

impl Asker<'_> {
    fn image(&mut self, image: &DerivedImage, scope: &Scope<'_>) -> ImageHere {
        let about = format!("image {}", image.key);
        let inner = self.of_image(image, scope);
        let mut text = |field: &str| self.text(Subject::Image, field, &inner, &about);
        let mut found = ImageHere {
            tag: text("tag_here"),
            ..ImageHere::default()
        };
        if found.tag.value.is_empty() {
            found.tag.value.clone_from(&image.tag.value);
        }
        // Of what is held nothing else is asked: its FROMs may not be known.
        if image.standing == Standing::Held {
            return found;
        }
        found.excluded = text("excluded_here");
        found.resources = text("resources_here");
        for (index, input) in image.inputs.iter().chain(&image.copies).enumerate() {
            let mut inner = scope.inner();
            inner.show("image", &image.view);
            let view = json!({
                "kind": input.kind, "name": input.name, "builder": input.builder, "index": index,
                "stage": input.stage.clone().unwrap_or_default(), "written": input.written,
                "pullspec": input.pullspec.value,
            });
            inner.show("input", &view);
            let about = format!("a FROM of {}", image.key);
            let (field, into) = match input.builder || input.inner {
                true => ("builder_here", &mut found.builders),
                false => ("base_here", &mut found.bases),
            };
            let name = self.text(Subject::Input, field, &inner, &about);
            into.entry(input.pullspec.value.clone()).or_insert(name);
            if field == "base_here" {
                let name = self.text(Subject::Input, "builder_here", &inner, &about);
                found.builders.entry(input.pullspec.value.clone()).or_insert(name);
            }
        }
        found
    }

    /// Asks about builders. Where rules fail about one, the images that are built with it are held.
    fn put_builders(&mut self, here: &mut Here, scope: &Scope<'_>) {
        let mut builders: BTreeMap<String, Builder> = BTreeMap::new();
        let mut failed: BTreeSet<String> = BTreeSet::new();
        let built = here.images.values().filter(|image| image.excluded.value.is_empty());
        for (pullspec, name) in built
            .flat_map(|image| &image.builders)
            .filter(|(_, name)| !name.value.is_empty())
        {
            let builder = builders.entry(name.value.clone()).or_default();
            builder.pullspecs.insert(pullspec.clone());
        }
        for (name, builder) in &mut builders {
            builder.go = self.go_of(&builder.pullspecs);
            let mut inner = scope.inner();
            inner.set(
                "builder",
                &json!({"name": name, "go": builder.go, "pullspecs": builder.pullspecs}),
            );
            let about = format!("builder {name}");
            let before = self.findings.len();
            builder.comes = self.text(Subject::Builder, "comes", &inner, &about);
            builder.in_stream = self.text(Subject::Builder, "in_stream", &inner, &about);
            let source = self.decide(Subject::Builder, "source", &inner, &about);
            builder.source = Derived::new(source.value.clone().unwrap_or(json!({})), source);
            if self.findings.len() > before {
                failed.insert(name.clone());
            }
        }
        here.complete &= failed.is_empty();
        builders.retain(|name, _| !failed.contains(name));
        let is_held = |image: &ImageHere| image.builders.values().any(|name| failed.contains(&name.value));
        let images = std::mem::take(&mut here.images);
        let (held, images): (Vec<_>, Vec<_>) = images.into_iter().partition(|(_, image)| is_held(image));
        held.iter().for_each(|(key, image)| here.hold(key, image));
        here.images = images.into_iter().collect();
        here.builders = builders;
    }

    /// The Go version that images provide, if all provide the same.
    fn go_of(&self, pullspecs: &BTreeSet<String>) -> String {
        let inputs = self.release.images.values().flat_map(|image| &image.inputs);
        let versions: BTreeSet<&str> = inputs
            .filter(|input| input.builder && pullspecs.contains(&input.pullspec.value))
            .map(|input| input.go.value.as_str())
            .collect();
        match versions.first() {
            Some(version) if versions.len() == 1 => (*version).to_owned(),
            _ => String::new(),
        }
    }
}
