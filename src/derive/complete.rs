//! The second step: with the components' facts, the whole unified build config.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::inputs::Pairing;
use super::names::Names;
use super::outline::{Outline, base_scope, members};
use super::resolve::Resolver;
use super::{Component, Components, DerivedImage, DerivedInput, Release, Standing, config, payload};
use crate::base::RepoName;
use crate::finding::{Finding, Severity};
use crate::model::graph;
use crate::model::replacement::Recipe;

/// Completes an outline.
pub fn complete<'a>(mut outline: Outline<'a>, components: &Components) -> Release<'a> {
    let scope = base_scope(
        outline.metadata.release,
        &outline.metadata.group,
        Some(&outline.payload.view),
    );
    unreachable_components(&mut outline, components);
    let settled = settle_inputs(&outline, components, &scope);
    for (key, result) in settled {
        let Some(image) = outline.images.get_mut(&key) else {
            continue;
        };
        let repo = image.repository.value.as_ref();
        let component = repo.and_then(|repo| components.get(repo)?.as_ref().ok());
        match result {
            Ok(said) => said.put_in(image, component),
            Err(findings) => {
                image.standing = Standing::Held;
                outline.findings.extend(findings);
            }
        }
    }
    component_faults(&mut outline, components);
    let cycles = order(&mut outline);
    let configs = config::configs(&mut outline, &scope);
    let tags = if outline.demand.operators_read {
        payload::tags(&mut outline, &scope)
    } else {
        BTreeMap::new()
    };
    let Outline {
        rules,
        metadata,
        payload,
        images,
        demand,
        complete,
        mut findings,
        ..
    } = outline;
    for finding in &mut findings {
        finding.release.get_or_insert_with(|| metadata.release.to_string());
    }
    let read = components
        .iter()
        .filter_map(|(repo, component)| Some((repo.clone(), component.as_ref().ok()?)));
    let components = read.map(|(repo, component)| (repo, component.origin.clone())).collect();
    Release {
        rules,
        metadata,
        payload,
        images,
        configs,
        components,
        cycles,
        demand,
        tags,
        complete,
        texts: super::texts::Texts::default(),
        neighbours: super::neighbours::Neighbours::default(),
        findings,
        document: std::sync::OnceLock::new(),
    }
}

/// Images whose repository could not be read stay as they are, each with a finding: one repository can hold back several.
fn unreachable_components(outline: &mut Outline<'_>, components: &Components) {
    for (key, image) in outline
        .images
        .iter_mut()
        .filter(|(_, image)| image.standing == Standing::Derived)
    {
        let Some(repo) = &image.repository.value else { continue };
        let why = match components.get(repo) {
            Some(Ok(_)) => continue,
            Some(Err(why)) => why.clone(),
            None => "it was not read".to_owned(),
        };
        image.standing = Standing::Held;
        let text = format!("{key} is not derived: {repo} cannot be read: {why}");
        let finding = Finding::new(Severity::Error, "unreadable-component", text)
            .with_component(repo.to_string())
            .with_image(image.tag.value.clone())
            .with_help("its configs stay as they are until it can be read");
        outline.findings.push(finding);
    }
}

/// What an image's Dockerfile and repository say.
struct Said {
    inputs: Vec<DerivedInput>,
    copies: Vec<DerivedInput>,
    recipe: Recipe,
}

type Settled = Vec<(String, Result<Said, Vec<Finding>>)>;

fn settle_inputs(outline: &Outline<'_>, components: &Components, scope: &crate::rules::Scope<'_>) -> Settled {
    let Outline {
        rules,
        metadata,
        images,
        payload,
        ..
    } = outline;
    let names = Names::new(metadata, images, &payload.spellings);
    let derived: Vec<_> = images
        .iter()
        .filter(|(_, image)| image.standing == Standing::Derived)
        .collect();
    let settled = derived.into_par_iter().map_init(
        || Resolver::new(rules, metadata, images, scope),
        |resolver, (key, image)| {
            let Some(Ok(component)) = components.get(image.repository.value.as_ref()?) else {
                return None;
            };
            let pairing = Pairing {
                rules,
                metadata,
                payload,
                names: &names,
                component,
                scope,
            };
            Some((key.clone(), settle(&pairing, image, resolver)))
        },
    );
    settled.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// What the Dockerfile of one image says, paired with metadata.
fn settle(
    pairing: &Pairing<'_, '_, '_>,
    image: &DerivedImage,
    resolver: &mut Resolver<'_, '_>,
) -> Result<Said, Vec<Finding>> {
    let inputs = pairing.inputs(image, resolver)?;
    let dockerfile = pairing.dockerfile(image)?;
    Ok(Said {
        copies: pairing.copies(image, dockerfile, &inputs, resolver)?,
        recipe: Recipe::of(dockerfile),
        inputs,
    })
}

impl Said {
    /// Puts it into the image, with what else is known of its repository.
    fn put_in(self, image: &mut DerivedImage, component: Option<&Component>) {
        (image.inputs, image.copies, image.recipe) = (self.inputs, self.copies, self.recipe);
        let Some(component) = component else { return };
        image.tree = component.oids.get(&context_folder(&image.context_dir.value)).cloned();
        image.dockerfile_blob = component.oids.get(&image.dockerfile).cloned();
        image.origin = Some(component.origin.clone());
        let root = component
            .ci_operator
            .as_ref()
            .and_then(|file| file.build_root_image.as_ref());
        image.own_build_root =
            root.map(|root| (format!("{}/{}:{}", root.namespace, root.name, root.tag), root.pos.line));
        let place = (image.dockerfile.clone(), image.context_dir.value.clone());
        if let Some(need) = component.go.get(&place) {
            image.go.clone_from(need);
        }
    }
}

/// Files beside the Dockerfiles that could not be understood: worth a word, nothing depends on them.
fn component_faults(outline: &mut Outline<'_>, components: &Components) {
    for (repo, component) in components {
        for (place, message) in component.iter().flat_map(|component| &component.faults) {
            let finding = Finding::new(Severity::Warning, "unreadable-file", message.clone())
                .with_component(repo.to_string())
                .with_place(place.clone());
            outline.findings.push(finding);
        }
    }
}

/// Settles depths along bases and build waves, and gives the circles.
fn order(outline: &mut Outline<'_>) -> Vec<Vec<String>> {
    let images = &outline.metadata.images;
    let base = |key: &str| {
        let from = outline
            .images
            .get(key)
            .map(|image| &image.from.value)
            .or_else(|| Some(&images.get(key)?.view["from"]));
        let member = from?["member"].as_str()?;
        images.get_key_value(member).map(|(key, _)| key.as_str())
    };
    let depths: BTreeMap<String, u32> = outline
        .images
        .keys()
        .map(|key| (key.clone(), graph::depth(key, base)))
        .collect();
    let edges: BTreeMap<String, BTreeSet<String>> = outline
        .images
        .iter()
        .map(|(key, image)| {
            // What is not built is built from nothing, whatever its metadata says.
            let parents = match image.standing {
                Standing::Dropped(_) => BTreeSet::new(),
                _ => members(&image.from.value).into_iter().collect(),
            };
            (key.clone(), parents)
        })
        .collect();
    let edges = with_copies(edges, &outline.images);
    let waves = graph::waves(&edges);
    for (key, image) in &mut outline.images {
        image.depth = depths.get(key).copied().unwrap_or_default();
        image.wave = waves.wave.get(key).copied();
    }
    for cycle in &waves.cycles {
        let start = cycle.first().cloned().unwrap_or_default();
        let text = format!("images are built from one another in a circle: {}", cycle.join(" → "));
        let finding = Finding::new(Severity::Error, "member-cycle", text)
            .with_place(outline.metadata.image_place(&start, &["from"]))
            .with_help("let one of them be built from something else; none of them is derived until then");
        outline.findings.push(finding);
        for key in cycle {
            if let Some(image) = outline
                .images
                .get_mut(key)
                .filter(|image| image.standing == Standing::Derived)
            {
                image.standing = Standing::Held;
            }
        }
    }
    waves.cycles
}

/// Adds what images take files from, but for what would close a circle: there CI takes what was promoted last.
fn with_copies(
    mut edges: BTreeMap<String, BTreeSet<String>>,
    images: &BTreeMap<String, DerivedImage>,
) -> BTreeMap<String, BTreeSet<String>> {
    let copied = |image: &DerivedImage| -> Vec<String> {
        let members = image.copies.iter().filter(|copy| copy.kind == "member");
        members.map(|copy| copy.name.clone()).collect()
    };
    for (key, image) in images.iter().filter(|(_, image)| image.standing == Standing::Derived) {
        for parent in copied(image) {
            if !graph::stands_on(&parent, key, &edges) {
                edges.entry(key.clone()).or_default().insert(parent);
            }
        }
    }
    edges
}

/// The Dockerfiles that are asked for of a repository, each with the build contexts that images build it in.
pub type Dockerfiles = BTreeMap<String, BTreeSet<String>>;

/// The repositories and files that have to be read for an outline: per repository its branch and Dockerfiles.
pub fn wanted(outline: &Outline<'_>) -> BTreeMap<RepoName, (String, Dockerfiles)> {
    let mut wanted: BTreeMap<RepoName, (String, Dockerfiles)> = BTreeMap::new();
    for image in outline
        .images
        .values()
        .filter(|image| image.standing == Standing::Derived)
    {
        if let Some(repo) = &image.repository.value {
            let entry = wanted
                .entry(repo.clone())
                .or_insert_with(|| (image.branch.clone(), Dockerfiles::new()));
            let contexts = entry.1.entry(image.dockerfile.clone()).or_default();
            contexts.insert(image.context_dir.value.clone());
        }
    }
    wanted
}

/// A build context's folder as its id is kept: with a slash at its end.
pub fn context_folder(context: &str) -> String {
    let parts = context.split('/');
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty() && *part != ".").collect();
    format!("{}/", parts.join("/"))
}
