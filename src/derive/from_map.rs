//! The FROM map of an image: which text of its Dockerfile stands for which image, for build systems that replace texts.
//!
//! Every build system but ci-operator needs the same thing. Both of a line's texts are in it, as it stands and with
//! arguments substituted, because builders disagree on which one they compare; a text that names nothing is ignored by all.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Finding, Severity};
use crate::model::build_config::{Copied, Image, Input};
use crate::model::replacement::InputKind;

/// What stands in the place of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The image of the release that has this key; each build system has its own name for it.
    Own(String),
    /// An image that is not built here, by its pullspec.
    External(String),
}

/// One image that a Dockerfile names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How the Dockerfile names it: as the text stands, then with arguments substituted where that differs.
    pub texts: Vec<String>,
    /// What stands for it.
    pub target: Target,
    /// The kinds of lines that name it. CI's builder replaces `from` and `copy` alone.
    pub kinds: BTreeSet<InputKind>,
}

/// The FROM map of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FromMap {
    /// The images that it names, in the order of its FROMs, then of its other lines.
    pub entries: Vec<Entry>,
    /// What stands for the last FROM, for builders that replace that by itself; none where it continues a stage or stays.
    pub last: Option<Target>,
}

impl FromMap {
    /// What stands for a text.
    pub fn get(&self, text: &str) -> Option<&Target> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.texts.iter().any(|known| known == text))?;
        Some(&entry.target)
    }

    /// Texts and what stands for each, each text once.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &Target)> {
        let entries = self.entries.iter();
        entries.flat_map(|entry| entry.texts.iter().map(|text| (text.as_str(), &entry.target)))
    }
}

/// Makes the FROM map of an image.
///
/// # Errors
/// Findings where a map by text cannot say what is meant: one text that stands for two images (`from-map-ambiguous`), or one
/// that is the name of a stage, too (`from-map-hits-stage`). Targets that need the map hold the image then.
pub fn from_map(image: &Image) -> Result<FromMap, Vec<Finding>> {
    let lines: Vec<Line> = lines(image).collect();
    let mut findings = ambiguous(image, &lines);
    findings.extend(lines.iter().filter_map(|line| hits_stage(image, line)));
    if !findings.is_empty() {
        findings.dedup_by(|one, other| one.message == other.message);
        return Err(findings);
    }
    let mut map = FromMap::default();
    for line in lines.iter().filter(|line| line.replaced) {
        let same = |entry: &&mut Entry| entry.texts.iter().any(|text| line.texts.contains(text));
        match map.entries.iter_mut().find(same) {
            Some(entry) => {
                let more = line.texts.iter().filter(|text| !entry.texts.contains(text));
                let more: Vec<_> = more.cloned().collect();
                entry.texts.extend(more);
                entry.kinds.insert(line.kind);
            }
            None => map.entries.push(Entry {
                texts: line.texts.clone(),
                target: line.target.clone(),
                kinds: BTreeSet::from([line.kind]),
            }),
        }
    }
    let last = image.stages.stages.last().filter(|stage| stage.continues.is_none());
    map.last = last.and_then(|stage| map.get(&stage.from)).cloned();
    Ok(map)
}

/// A line of the Dockerfile that names an image.
struct Line {
    kind: InputKind,
    texts: Vec<String>,
    target: Target,
    replaced: bool,
    at: String,
}

/// The lines whose text a builder may replace: all but what a `RUN` runs.
fn lines(image: &Image) -> impl Iterator<Item = Line> {
    let froms = image.builders.iter().chain(&image.base).map(from);
    let copies = image.copies_from.iter().filter(|copy| copy.kind != InputKind::Run);
    froms.chain(copies.map(copied))
}

fn from(input: &Input) -> Line {
    Line {
        kind: InputKind::From,
        texts: texts(input.token.as_ref(), &input.written),
        target: target(
            input.image.as_ref(),
            &input.pullspec.value,
            input.replaced,
            &input.written,
        ),
        replaced: input.replaced,
        at: input.at.to_string(),
    }
}

fn copied(copy: &Copied) -> Line {
    Line {
        kind: copy.kind,
        texts: texts(copy.token.as_ref(), &copy.written),
        target: target(copy.image.as_ref(), &copy.pullspec, copy.replaced, &copy.written),
        replaced: copy.replaced,
        at: copy.at.to_string(),
    }
}

fn texts(token: Option<&String>, written: &str) -> Vec<String> {
    token.cloned().into_iter().chain([written.to_owned()]).collect()
}

/// What stands for a line; one that is not replaced stands for itself.
fn target(image: Option<&String>, pullspec: &str, replaced: bool, written: &str) -> Target {
    match image.filter(|_| replaced) {
        Some(key) => Target::Own(key.clone()),
        None => Target::External(if replaced { pullspec } else { written }.to_owned()),
    }
}

fn ambiguous(image: &Image, lines: &[Line]) -> Vec<Finding> {
    let mut meant: BTreeMap<&str, &Line> = BTreeMap::new();
    let mut findings = Vec::new();
    for line in lines {
        for text in &line.texts {
            let first = *meant.entry(text).or_insert(line);
            if first.target != line.target {
                let (one, other) = (told(&first.target), told(&line.target));
                let message = format!(
                    "{}: `{text}` stands for {one} ({}) and for {other} ({}), and builders replace it by one of them everywhere",
                    image.tag.value, first.at, line.at
                );
                let help = "name the two by different texts in the Dockerfile, or let metadata name one image for both";
                findings.push(about(image, "from-map-ambiguous", message).with_help(help));
            }
        }
    }
    findings
}

fn hits_stage(image: &Image, line: &Line) -> Option<Finding> {
    let text = line
        .texts
        .iter()
        .find(|text| line.replaced && image.stages.is_stage(text))?;
    let message = format!(
        "{}: `{text}` ({}) is the name of a stage, too: a builder that replaces the text replaces what continues that stage",
        image.tag.value, line.at
    );
    let help = "give the stage another name in the Dockerfile";
    Some(about(image, "from-map-hits-stage", message).with_help(help))
}

fn told(target: &Target) -> &str {
    match target {
        Target::Own(name) | Target::External(name) => name,
    }
}

fn about(image: &Image, code: &'static str, message: String) -> Finding {
    Finding::new(Severity::Error, code, message)
        .with_image(image.tag.value.clone())
        .with_component(image.repository.value.clone())
}
