//! From the unified build config to the graph.

use std::collections::{BTreeMap, BTreeSet};

use super::{Drift, Edge, EdgeKind, External, Go, Graph, Node, State, VERSION};
use crate::model::build_config::{BuildConfig, HeldImage, Image, Input};
use crate::model::go::GoVersion;

impl Graph {
    /// Makes the graph of a release. Without drift nothing is said of files.
    pub fn new(config: &BuildConfig, drift: Option<&Drift>) -> Self {
        let mut builder = Builder {
            payload: payload_prefix(config),
            steps: steps(&config.cycles),
            externals: BTreeMap::new(),
            edges: BTreeMap::new(),
        };
        let mut images = Vec::new();
        for (key, image) in &config.images {
            builder.image(key, image);
            images.push(node(key, image, drift));
        }
        for (key, image) in &config.held_images {
            builder.held(key, image, config);
            images.push(held(key, image));
        }
        images.sort_by(|a, b| {
            (a.wave.is_none(), a.wave, &a.tag, &a.key).cmp(&(b.wave.is_none(), b.wave, &b.tag, &b.key))
        });
        Self {
            version: VERSION,
            release: config.release.to_string(),
            build_data: config.build_data.clone(),
            about: None,
            images,
            edges: builder.edges(),
            externals: builder.externals.into_values().collect(),
            cycles: config.cycles.clone(),
            common: Vec::new(),
        }
    }
}

struct Builder {
    /// What every tag of OKD's payload starts with.
    payload: String,
    /// Steps of circles: who is built, from what.
    steps: BTreeSet<(String, String)>,
    externals: BTreeMap<String, External>,
    edges: BTreeMap<(String, String, EdgeKind), BTreeSet<String>>,
}

impl Builder {
    fn image(&mut self, key: &str, image: &Image) {
        for input in &image.builders {
            self.input(key, input, EdgeKind::Builder);
        }
        if let Some(input) = &image.base {
            self.input(key, input, EdgeKind::Base);
        }
        for copy in &image.copies_from {
            let from = match &copy.image {
                Some(image) => image.clone(),
                None => self.external(&copy.pullspec, None),
            };
            self.edge(from, key, EdgeKind::CopiesFrom, None);
        }
    }

    fn input(&mut self, key: &str, input: &Input, kind: EdgeKind) {
        let from = match &input.image {
            Some(image) => image.clone(),
            None => self.external(&input.pullspec.value, input.go.as_ref()),
        };
        self.edge(from, key, kind, Some(&input.at.to_string()));
    }

    /// What is known of an image that could not be derived: the members that metadata names.
    fn held(&mut self, key: &str, image: &HeldImage, config: &BuildConfig) {
        let built = |member: &&String| config.images.contains_key(*member) || config.held_images.contains_key(*member);
        for member in image.builders.iter().filter(built) {
            self.edge(member.clone(), key, EdgeKind::Builder, None);
        }
        if let Some(member) = image.base.as_ref().filter(built) {
            self.edge(member.clone(), key, EdgeKind::Base, None);
        }
    }

    fn external(&mut self, pullspec: &str, go: Option<&String>) -> String {
        let in_payload = pullspec.starts_with(&self.payload);
        let entry = self.externals.entry(pullspec.to_owned()).or_insert_with(|| External {
            pullspec: pullspec.to_owned(),
            in_payload,
            go: None,
        });
        if entry.go.is_none() {
            entry.go = go.cloned();
        }
        pullspec.to_owned()
    }

    fn edge(&mut self, from: String, to: &str, kind: EdgeKind, at: Option<&String>) {
        self.edges
            .entry((from, to.to_owned(), kind))
            .or_default()
            .extend(at.cloned());
    }

    fn edges(&mut self) -> Vec<Edge> {
        let edges = std::mem::take(&mut self.edges).into_iter();
        edges
            .map(|((from, to, kind), at)| Edge {
                in_cycle: self.steps.contains(&(to.clone(), from.clone())),
                from,
                to,
                kind,
                at: at.into_iter().collect(),
            })
            .collect()
    }
}

/// Steps of circles; each circle names an image before what that is built from.
fn steps(cycles: &[Vec<String>]) -> BTreeSet<(String, String)> {
    let steps = cycles.iter().flat_map(|cycle| cycle.windows(2));
    steps.map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn payload_prefix(config: &BuildConfig) -> String {
    let payload = &config.payload;
    format!(
        "{}/{}/{}:",
        payload.registry.value, payload.namespace.value, payload.name.value
    )
}

fn node(key: &str, image: &Image, drift: Option<&Drift>) -> Node {
    let tag = image.tag.value.clone();
    let (state, files) = match drift {
        None => (State::Unknown, Vec::new()),
        Some(drift) => drift.of(&tag),
    };
    Node {
        key: key.to_owned(),
        tag,
        repository: image.repository.value.clone(),
        branch: image.branch.value.clone(),
        dockerfile: image.dockerfile.value.clone(),
        wave: image.wave,
        go: go(image),
        state,
        files,
    }
}

fn held(key: &str, image: &HeldImage) -> Node {
    Node {
        key: key.to_owned(),
        tag: if image.tag.is_empty() { key } else { &image.tag }.to_owned(),
        repository: image.repository.clone(),
        branch: String::new(),
        dockerfile: String::new(),
        wave: image.wave,
        go: None,
        state: State::Held,
        files: Vec::new(),
    }
}

fn go(image: &Image) -> Option<Go> {
    let asked = image
        .go
        .as_ref()
        .and_then(|go| go.version.as_ref())
        .map(|asked| asked.value.clone());
    let inputs = image.builders.iter().chain(&image.base);
    let provided: BTreeSet<&String> = inputs.filter_map(|input| input.go.as_ref()).collect();
    // A go.mod beside an image that no Go builder builds says nothing about the image.
    if provided.is_empty() {
        return None;
    }
    let asks = asked.as_deref().and_then(GoVersion::parse);
    let satisfied = |go: &&String| match (GoVersion::parse(go), asks) {
        (Some(has), Some(asks)) => has.satisfies(asks),
        _ => true,
    };
    Some(Go {
        enough: provided.iter().all(satisfied),
        provided: provided.into_iter().cloned().collect(),
        asked,
    })
}
