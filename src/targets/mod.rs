//! Targets: from the unified build config to the files that a build system reads, merged with what is there.
//!
//! A target owns some files, some of their fields and some items of their lists. Everything else stays. Each has a folder
//! here and a line in [`TARGETS`]; configuration, command line, cut, fixes and papers take what they need from its value.

pub mod asking;
pub mod build_config;
pub mod build_data;
mod documents;
pub mod door;
pub mod options;
pub mod papers;
mod paths;
pub mod payload_jobs;
pub mod payload_pipeline;

pub mod image_mirroring;
pub mod konflux;
pub mod prow_config;
pub mod prow_jobs;
pub mod release_controller;
mod shift;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;

use self::asking::OwnRules;
use crate::base::{Origin, Place, RepoName};
use crate::finding::Finding;
use crate::plan::{Bytes, Cause, Desired};
use crate::yaml::keys::Section;

pub use door::{Ask, Beside, Chosen, Cut, Destination, Earlier, Question, Reads, Step, Target, Then, Told, Tree, When};
pub use options::Options;

/// All targets, each after those whose files it is made from.
pub static TARGETS: &[&Target] = &[
    &prow_config::TARGET,
    &prow_jobs::TARGET,
    &image_mirroring::TARGET,
    &payload_jobs::TARGET,
    &release_controller::TARGET,
    &build_config::TARGET,
    &build_data::TARGET,
    &payload_pipeline::TARGET,
    &konflux::TARGET,
];

/// The target that is rendered where nothing is said.
pub const DEFAULT: &str = prow_config::TARGET.name;

/// The target of a name.
pub fn find(name: &str) -> Option<&'static Target> {
    TARGETS.iter().copied().find(|target| target.name == name)
}

/// The names of all targets.
pub fn names() -> Vec<&'static str> {
    TARGETS.iter().map(|target| target.name).collect()
}

/// The names of all targets with the options that each has.
pub fn with_options() -> Vec<(&'static str, &'static Section)> {
    TARGETS.iter().map(|target| (target.name, target.options)).collect()
}

/// Fields of rules that only some targets read, with their names; all others are part of what every target is made from.
const READ_BY: &[(&str, &[&str])] = &[("arches", &["build-config", "build-data", "payload-pipeline", "konflux"])];

/// The targets that read a field of rules; `None`: there is none that could not.
pub fn readers(field: &str) -> Option<Vec<&'static str>> {
    let (_, names) = READ_BY.iter().find(|(name, _)| *name == field)?;
    Some(names.iter().copied().filter(|name| find(name).is_some()).collect())
}

/// The target whose files promote images, and whose order a cut is about.
pub fn promoting() -> Option<&'static Target> {
    TARGETS.iter().copied().find(|target| target.cut == Cut::Promotes)
}

/// The files of a target's repository that a target looks at, as they are.
#[derive(Clone, Debug)]
pub struct Actual {
    /// The repository that pull requests go to.
    pub repo: RepoName,
    /// The branch that they are made against.
    pub branch: String,
    /// Where it was read.
    pub origin: Origin,
    /// Files, by path.
    pub files: BTreeMap<String, Arc<[u8]>>,
    /// Files and folders that are there and could not be read, and why.
    pub unreadable: BTreeMap<String, String>,
    /// What was asked of other repositories, and what was found.
    pub beside: BTreeMap<Beside, Told>,
    /// Those of the files that are links: what they say stands elsewhere.
    pub links: BTreeSet<String>,
}

impl Actual {
    /// A file of a target as it is: nothing to do, until its target says otherwise.
    pub fn file<'a>(&self, target: &Target, release: impl Into<OwnRules<'a>>, path: impl Into<String>) -> Desired {
        let path = path.into();
        let before = self.files.get(&path).cloned();
        Desired {
            repo: self.repo.clone(),
            branch: self.branch.clone(),
            path,
            release: release_name(release),
            target: target.name.to_owned(),
            group: target.group.to_owned(),
            component: None,
            images: Vec::new(),
            after: before.clone(),
            before,
            causes: Vec::new(),
            refused: Vec::new(),
            follows: None,
            notes: Vec::new(),
            held: false,
        }
    }

    /// The place of a file, or of a line in it.
    pub fn place(&self, path: &str, line: Option<u32>) -> Place {
        Place {
            repo: self.origin.name.clone(),
            commit: self.origin.commit.clone(),
            file: path.to_owned(),
            line,
        }
    }
}

/// What a target wants.
#[derive(Debug, Default)]
pub struct Rendered {
    /// All files it looked at or makes.
    pub files: Vec<Desired>,
    /// What was found on the way.
    pub findings: Vec<Finding>,
    /// Paths of files of other targets that must not change, because those that follow them cannot.
    pub stuck: BTreeSet<String>,
    /// The targets of which something could not be looked at, by name: what they do not want now they may want still.
    pub missed: BTreeSet<String>,
}

impl Rendered {
    /// Says that a file of this content should be at a path; the same bytes are no change.
    pub fn want(&mut self, mut file: Desired, after: impl Into<Bytes>) {
        let after = after.into();
        if file.before.as_ref() != Some(&after) {
            file.after = Some(after);
        }
        self.files.push(file);
    }
}

/// Which fields a target manages and which it sets in new files only.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Kept as derived.
    pub manage: Vec<String>,
    /// Set in new files.
    pub seed: Vec<String>,
    /// Managed, and people's once they are there: added where they are missing, never rewritten.
    pub keep: Vec<String>,
}

impl Fields {
    /// Asks the rules about a target.
    ///
    /// # Errors
    /// A rule that failed.
    pub fn of<'a>(release: impl Into<OwnRules<'a>>, target: &str) -> Result<Self, Vec<Finding>> {
        let release = release.into();
        let mut failed = Vec::new();
        let mut list = |field: &str| {
            let (decision, more) = asking::of_target(release, target, field);
            failed.extend(more);
            asking::texts(&decision)
        };
        let fields = Self {
            manage: list("manage"),
            seed: list("seed"),
            keep: list("keep"),
        };
        if failed.is_empty() { Ok(fields) } else { Err(failed) }
    }

    /// Tells whether a field is set: managed ones always, seeded ones in a new file.
    pub fn sets(&self, field: &str, new_file: bool) -> bool {
        let listed = |list: &[String]| list.iter().any(|name| name == field);
        listed(&self.manage) || (new_file && listed(&self.seed))
    }

    /// Tells whether what is there of a field stays as it is: the value, or of a list each item.
    pub fn keeps(&self, field: &str) -> bool {
        self.keep.iter().any(|name| name == field)
    }
}

/// What becomes of a file that several releases change, each by itself; `None`: the last one has it.
pub fn joined(files: &[&Desired]) -> Option<Bytes> {
    let first = files.first()?;
    let afters: Vec<&[u8]> = files.iter().filter_map(|file| file.after.as_deref()).collect();
    let joined = match first.target.as_str() {
        name if name == payload_jobs::TARGET.name => prow_jobs::joined(&first.path, first.before.as_deref(), &afters),
        name if name == image_mirroring::TARGET.name => image_mirroring::joined(first.before.as_deref(), &afters),
        name if name == konflux::TARGET.name => konflux::joined(first.before.as_deref(), &afters),
        _ => None,
    };
    joined.map(Bytes::from)
}

/// Whether a rule calls a release closed: it gets no new files.
pub(crate) fn has_ended<'a>(release: impl Into<OwnRules<'a>>) -> bool {
    !ended(release).is_empty()
}

/// Why a release has ended, as a rule has it (`closed` of its payload); empty: it has not.
pub fn ended<'a>(release: impl Into<OwnRules<'a>>) -> String {
    asking::closed(release)
}

/// A file of a target that goes because its release has ended.
pub fn removed<'a>(actual: &Actual, target: &Target, release: impl Into<OwnRules<'a>>, path: &str) -> Desired {
    let release = release.into();
    let file = actual.file(target, release, path);
    let cause = Cause {
        rule: crate::plan::REMOVED_FILE.to_owned(),
        old: Some("of a release that has ended".to_owned()),
        because: format!("{} has ended: {}", release_name(release), ended(release)),
        ..asking::cause(release, None, crate::plan::WHOLE_FILE, file.repo.to_string())
    };
    Desired {
        after: None,
        causes: vec![cause],
        ..file
    }
}

/// Turns JSON into YAML, keys whose value is null left out.
pub(crate) fn to_node(value: &Json) -> crate::yaml::Node {
    fn prune(value: &Json) -> Json {
        match value {
            Json::Object(map) => {
                let kept = map.iter().filter(|(_, value)| !value.is_null());
                Json::Object(kept.map(|(key, value)| (key.clone(), prune(value))).collect())
            }
            Json::Array(items) => items.iter().map(prune).collect(),
            other => other.clone(),
        }
    }
    crate::yaml::Node::from(&prune(value))
}

/// A release's name, shared by all targets.
pub(crate) fn release_name<'a>(release: impl Into<OwnRules<'a>>) -> String {
    release.into().number().to_string()
}
