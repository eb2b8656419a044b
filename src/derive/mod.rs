//! From facts and rules to the unified build config of a release.
//!
//! Two steps with a read between them, so that nothing here reads anything: [`outline::Outline::draw`] says which images
//! OKD needs and which files of which branch of which repository tell the rest; [`complete::complete`] takes those facts.

mod asker;
mod branch;
pub mod complete;
pub mod config;
pub mod content;
mod copies;
mod demand;
mod destination;
pub mod digest;
pub mod document;
pub mod explain;
pub mod from_map;
pub mod here;
mod image;
pub mod inputs;
pub mod konflux;
mod names;
pub mod nearest;
pub mod neighbours;
pub mod outline;
pub mod payload;
pub mod provenance;
pub mod resolve;
mod scope;
pub mod supposed;
#[cfg(test)]
pub(crate) mod tests;
pub mod texts;
mod unpromoted;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::base::{Origin, Place, RepoName};
use crate::facts::ci_config::Promotion;
use crate::facts::ci_operator_yaml::CiOperatorYaml;
use crate::facts::dockerfile::Dockerfile;
use crate::finding::{Finding, Severity};
use crate::model::build_config::BuildConfig;
use crate::model::go::GoNeed;
use crate::model::metadata::Metadata;

use crate::model::replacement::InputKind;
use crate::rules::decision::Tried;
use crate::rules::{Decision, RuleSet};

pub use config::{Config, Dropped};
pub use destination::Payload;
pub use image::DerivedImage;

/// A derived value and how it came about.
#[derive(Clone, Debug, Default)]
pub struct Derived<T> {
    /// The value.
    pub value: T,
    /// The rules that were tried for it, strongest first.
    pub tried: Vec<Tried>,
}

impl<T> Derived<T> {
    /// A value of a decision.
    pub fn new(value: T, decision: Decision) -> Self {
        Self {
            value,
            tried: decision.tried,
        }
    }

    /// Whether a rule that was tried for it failed, so that the value is not what it would be.
    pub fn failed(&self) -> bool {
        use crate::rules::Verdict::{Contradicts, Failed};
        self.tried
            .iter()
            .any(|tried| matches!(tried.verdict, Failed(_) | Contradicts(_)))
    }

    /// The rules whose value it is.
    pub fn deciders(&self) -> impl Iterator<Item = usize> {
        self.tried
            .iter()
            .filter(|tried| tried.verdict == crate::rules::Verdict::Decided)
            .map(|tried| tried.rule)
    }
}

/// Which of a repository's branches OCP's configs promote from: for each plain config its branch and promotions.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct RepoBranches {
    /// Branch and what its plain config promotes.
    pub configs: Vec<(String, Vec<Promotion>)>,
    /// Configs that could not be read, and why.
    pub unreadable: Vec<(String, String)>,
    /// Where nothing here promotes to the release: repositories of the same name that do, each with the branch.
    pub forks: Vec<(RepoName, String)>,
    /// The folder of the repository's configs where that is written in other capitals.
    pub respelt: Option<RepoName>,
}

/// What the ci-operator configs say of branches; `None` in [`outline::Input`] where there is no such source.
pub type Branches = BTreeMap<RepoName, RepoBranches>;

/// One file of a component that was asked for.
#[derive(Clone, Debug)]
pub enum ReadFile<T> {
    /// It was read.
    Found(T),
    /// Nothing is there.
    Missing,
    /// It is there and could not be read or understood: where, and why.
    Broken(Option<u32>, String),
}

/// What a component's branch says.
#[derive(Clone, Debug)]
pub struct Component {
    /// Where it was read.
    pub origin: Origin,
    /// Dockerfiles by the path asked for.
    pub dockerfiles: BTreeMap<String, ReadFile<Dockerfile>>,
    /// Git's ids of Dockerfiles and of build contexts, by the path asked for; a folder's path ends in `/`.
    pub oids: BTreeMap<String, String>,
    /// The Dockerfiles that are there, where one that was asked for is not and they could be looked for.
    pub others: Option<Vec<String>>,
    /// The Go that is asked for by what a Dockerfile builds in a build context.
    pub go: BTreeMap<(String, String), GoNeed>,
    /// `.ci-operator.yaml` at the root.
    pub ci_operator: Option<CiOperatorYaml>,
    /// Files beside Dockerfiles that could not be understood.
    pub faults: Vec<(Place, String)>,
}

/// A component's facts, or why there are none.
pub type Components = BTreeMap<RepoName, Result<Component, String>>;

/// Where an image stands in the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is derived.
    Derived,
    /// Metadata says that OKD does not build it: positive evidence.
    Dropped(String),
    /// It could not be derived; what is there stays. The findings say why.
    Held,
}

/// One FROM of an image, or another line of its Dockerfile that names an image.
#[derive(Clone, Debug)]
pub struct DerivedInput {
    /// What line it is.
    pub by: InputKind,
    /// `member`, `stream` or `image`: metadata's entry of the FROM, or the one that is known by what another line names;
    /// empty: none is.
    pub kind: String,
    /// What it names.
    pub name: String,
    /// Whether it is a builder, or the base.
    pub builder: bool,
    /// The line in the Dockerfile.
    pub line: u32,
    /// The place of its stage among the Dockerfile's.
    pub stage_index: usize,
    /// The stage's name, if any.
    pub stage: Option<String>,
    /// What the line names, as it stands.
    pub token: String,
    /// The image as the Dockerfile names it, ARGs substituted.
    pub written: String,
    /// Whether later stages start from this one, so that it is no base although it pairs with metadata's last entry.
    pub inner: bool,
    /// What it stands for in OKD.
    pub pullspec: Derived<String>,
    /// How the pullspec came about: one line a step, from the metadata's entry to the pullspec.
    pub chain: Vec<resolve::Step>,
    /// Whether it is replaced at all.
    pub replace: Derived<bool>,
    /// The Go version that it provides; empty: none or unknown.
    pub go: Derived<String>,
}

/// The unified build config of a release, as it was derived.
#[derive(Debug)]
pub struct Release<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// ocp-build-data.
    pub metadata: &'a Metadata,
    /// The payload.
    pub payload: Payload,
    /// All needed images by key.
    pub images: BTreeMap<String, DerivedImage>,
    /// Configs by repository.
    pub configs: BTreeMap<RepoName, Config>,
    /// Where each component that was read stands.
    pub components: BTreeMap<RepoName, Origin>,
    /// Circles of images that are built from one another, each with its first image named again at the end.
    pub cycles: Vec<Vec<String>>,
    /// What was read of the payload as it was last built, and of what operators ask of it.
    pub demand: payload::Demand,
    /// Every tag that is built, asked for, or was in the last payload; empty where operators' lists were not read.
    pub tags: BTreeMap<String, payload::PayloadTag>,
    /// Whether all that says which images there are could be read and decided, so that what is missing from it is
    /// positively gone.
    pub complete: bool,
    /// Files of components that somebody asked for beside what is derived from them; none where nobody did.
    pub texts: texts::Texts,
    /// Build data of other releases, where somebody asked for it.
    pub neighbours: neighbours::Neighbours,
    /// What was found on the way.
    pub findings: Vec<Finding>,
    /// The build config as a document, made when it is first asked for.
    pub document: OnceLock<Arc<BuildConfig>>,
}

impl Release<'_> {
    /// The payload tag of an image by its key, if the release has it.
    pub fn tag(&self, key: &str) -> Option<String> {
        self.images.get(key).map(|image| image.tag.value.clone())
    }

    /// The unified build config: what is passed on. It is made once; what is found later is not in it.
    pub fn build_config(&self) -> &Arc<BuildConfig> {
        // Made on one thread: work that is shared out here could take up a task which asks for it again, and wait for itself.
        self.document.get_or_init(|| Arc::new(document::build_config(self)))
    }
}

/// Makes a finding of a decision's failures. `subject` says what the rules were about.
pub(crate) fn failures(rules: &RuleSet, decision: &Decision, field: &str, subject: &str) -> Vec<Finding> {
    let finding = |(rule, message): (usize, &str)| {
        let rule = &rules.rules[rule];
        let text = format!("rule `{}` failed on {subject} for `{field}`: {message}", rule.id);
        let place = Place {
            file: rule.place.file.clone(),
            line: Some(rule.place.line),
            ..Place::default()
        };
        Finding::new(Severity::Error, "rule-failed", text)
            .with_place(place)
            .with_help("what is there stays as it is until the rule or its input is put right")
    };
    decision.failures().map(finding).collect()
}
