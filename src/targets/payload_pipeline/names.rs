//! Names and references in the pipeline's cluster: what stands there for what an image is built from.

use std::collections::{BTreeMap, BTreeSet};

use crate::derive::digest::parents;
use crate::derive::from_map::{Entry, FromMap, Target as Stands, from_map};
use crate::derive::here::{Here, ImageHere};
use crate::finding::{Finding, Severity};
use crate::model::arch;
use crate::model::build_config::{BuildConfig, Image};
use crate::model::pullspec::at_digest;
use crate::model::replacement::InputKind;

/// An image on the cluster, as a BuildConfig names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reference {
    /// A tag of an image stream, `stream:tag`.
    Tag(String),
    /// A pullspec.
    Pullspec(String),
}

impl Reference {
    /// The kind of the object.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tag(_) => "ImageStreamTag",
            Self::Pullspec(_) => "DockerImage",
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Tag(name) | Self::Pullspec(name) => name,
        }
    }
}

/// An image as it is built here.
pub(super) struct Plan<'d> {
    pub key: &'d str,
    pub image: &'d Image,
    pub here: &'d ImageHere,
    /// The tag in the stream that is built, `stream:tag`.
    pub output: String,
    /// What each text of its Dockerfile is replaced by: builders and whatever files are copied from.
    pub replaced: Vec<(Vec<String>, Reference)>,
    /// What the last FROM is replaced by.
    pub base: Option<Reference>,
    /// Every text and what stands for it, for builders that replace all alike.
    pub all: Vec<(String, Reference)>,
    /// The keys of the images that it is built from.
    pub parents: BTreeSet<String>,
    /// Architectures that it is built for here, as Go names them.
    pub arches: BTreeSet<String>,
}

/// All images that are built here, and what was found of those that cannot be.
pub(super) fn plans<'d>(document: &'d BuildConfig, here: &'d Here) -> (Vec<Plan<'d>>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut plans = Vec::new();
    let parents = parents(&document.images);
    for (key, image) in &document.images {
        let Some(found) = here.images.get(key).filter(|found| found.excluded.value.is_empty()) else {
            continue;
        };
        match from_map(image) {
            Ok(map) => plans.push(Plan {
                parents: parents.get(key).cloned().unwrap_or_default(),
                ..plan(here, key, image, found, &map)
            }),
            Err(found) => findings.extend(found),
        }
    }
    findings.extend(foreign(&plans));
    (plans, findings)
}

fn plan<'d>(here: &'d Here, key: &'d str, image: &'d Image, found: &'d ImageHere, map: &FromMap) -> Plan<'d> {
    let names = Names { here, found };
    let is_copy = |kind: &InputKind| matches!(kind, InputKind::Copy | InputKind::Mount);
    let among_builders = |entry: &Entry| {
        let mut texts = image
            .builders
            .iter()
            .flat_map(|input| input.token.iter().chain([&input.written]));
        texts.any(|text| entry.texts.contains(text)) || entry.kinds.iter().any(is_copy)
    };
    let builders = map.entries.iter().filter(|entry| among_builders(entry));
    let replaced = builders.map(|entry| (entry.texts.clone(), names.of(&entry.target, false)));
    let all = map.entries.iter().flat_map(|entry| {
        let is_base = map.last.as_ref() == Some(&entry.target) && !among_builders(entry);
        let reference = names.of(&entry.target, is_base);
        entry.texts.iter().map(move |text| (text.clone(), reference.clone()))
    });
    let arches = image.arches.value.iter().map(|name| arch::go_name(name).to_owned());
    Plan {
        key,
        image,
        here: found,
        output: format!("{}:{}", here.stream.value, found.tag.value),
        replaced: grouped(replaced),
        base: map.last.as_ref().map(|target| names.of(target, true)),
        all: all.collect(),
        parents: BTreeSet::new(),
        arches: arches.filter(|arch| here.arches.value.contains(arch)).collect(),
    }
}

/// One entry for each reference, in the order of the first text.
fn grouped(entries: impl Iterator<Item = (Vec<String>, Reference)>) -> Vec<(Vec<String>, Reference)> {
    let mut grouped: Vec<(Vec<String>, Reference)> = Vec::new();
    for (texts, reference) in entries {
        match grouped.iter_mut().find(|(_, known)| *known == reference) {
            Some((known, _)) => {
                let more: Vec<_> = texts.into_iter().filter(|text| !known.contains(text)).collect();
                known.extend(more);
            }
            None => grouped.push((texts, reference)),
        }
    }
    grouped
}

struct Names<'d> {
    here: &'d Here,
    found: &'d ImageHere,
}

impl Names<'_> {
    fn of(&self, target: &Stands, as_base: bool) -> Reference {
        match target {
            Stands::Own(key) => Reference::Tag(format!("{}:{}", self.here.stream.value, self.tag(key))),
            Stands::External(pullspec) => self.external(pullspec, as_base),
        }
    }

    /// The tag of one of our images, held ones included.
    fn tag(&self, key: &str) -> String {
        let here = self.here.images.get(key).map(|found| &found.tag.value);
        let held = || self.here.held.get(key);
        here.or_else(held)
            .filter(|tag| !tag.is_empty())
            .cloned()
            .unwrap_or_else(|| key.to_owned())
    }

    fn external(&self, pullspec: &str, as_base: bool) -> Reference {
        let names = if as_base {
            &self.found.bases
        } else {
            &self.found.builders
        };
        let name = names.get(pullspec).map(|name| name.value.as_str()).unwrap_or_default();
        match (name, as_base) {
            ("", _) => Reference::Pullspec(match self.here.external.get(pullspec) {
                Some(digest) => at_digest(pullspec, digest),
                None => pullspec.to_owned(),
            }),
            (name, true) => Reference::Tag(format!("{}:{name}", self.here.stream.value)),
            (name, false) => {
                let stream = self
                    .here
                    .builders
                    .get(name)
                    .map(|builder| builder.in_stream.value.as_str());
                let stream = stream
                    .filter(|stream| !stream.is_empty())
                    .unwrap_or(&self.here.stream.value);
                Reference::Tag(format!("{stream}:{name}"))
            }
        }
    }
}

/// What is pulled from elsewhere, each once with all the images that need it.
fn foreign(plans: &[Plan<'_>]) -> Vec<Finding> {
    let (mut bases, mut builders): (Pulled<'_>, Pulled<'_>) = Default::default();
    for plan in plans {
        let tag = plan.here.tag.value.as_str();
        if let Some(Reference::Pullspec(pullspec)) = &plan.base {
            bases.entry(pullspec).or_default().push(tag);
        }
        for (_, reference) in &plan.replaced {
            if let Reference::Pullspec(pullspec) = reference {
                builders.entry(pullspec).or_default().push(tag);
            }
        }
    }
    let text = |pullspec: &str, tags: &[&str]| format!("{pullspec} is pulled as it is, for {}", some(tags));
    let bases = bases.iter().map(|(pullspec, tags)| {
        Finding::new(Severity::Note, "foreign-base-here", text(pullspec, tags))
            .with_help("a rule on input can give it a name here (`base_here`)")
    });
    let builders = builders.iter().map(|(pullspec, tags)| {
        Finding::new(Severity::Note, "foreign-builder-here", text(pullspec, tags))
            .with_help("a rule on input can give it a name here (`builder_here`)")
    });
    bases.chain(builders).collect()
}

/// Pullspecs, each with the tags that need it.
type Pulled<'p> = BTreeMap<&'p str, Vec<&'p str>>;

/// A few names, and how many more there are.
pub(super) fn some<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(SHOWN);
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
