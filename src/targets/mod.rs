//! Targets: from the unified build config to the files that a build system reads, merged with what is there.
//!
//! A target owns some files, some of their fields and some items of their lists. Everything else stays.

pub mod prow_config;
pub mod prow_jobs;
pub mod release_controller;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use crate::base::{Origin, RepoName};
use crate::derive::outline::base_scope;
use crate::derive::{Release, failures};
use crate::finding::Finding;
use crate::model::metadata::Metadata;
use crate::plan::Desired;
use crate::rules::{RuleSet, Subject};

/// The files of a target repository that a target looked at, by path.
#[derive(Debug)]
pub struct Actual {
    /// The repository that pull requests go to.
    pub repo: RepoName,
    /// The branch that they are made against.
    pub branch: String,
    /// Where it was read.
    pub origin: Origin,
    /// Files, by path.
    pub files: BTreeMap<String, Arc<[u8]>>,
    /// Paths of files that are there and could not be read.
    pub unreadable: BTreeSet<String>,
}

/// What a target wants.
#[derive(Debug, Default)]
pub struct Rendered {
    /// All files it looked at or makes.
    pub files: Vec<Desired>,
    /// What was found on the way.
    pub findings: Vec<Finding>,
}

/// Which fields a target manages and which it sets in new files only.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// Kept as derived.
    pub manage: Vec<String>,
    /// Set in new files.
    pub seed: Vec<String>,
}

impl Fields {
    /// Asks the rules about a target.
    ///
    /// # Errors
    /// A rule that failed.
    pub fn of(rules: &RuleSet, metadata: &Metadata, target: &str, payload: &Json) -> Result<Self, Vec<Finding>> {
        let mut scope = base_scope(metadata.release, &metadata.group, Some(payload));
        scope.set("target", &json!(target));
        let mut findings = Vec::new();
        let mut list = |field: &str| -> Vec<String> {
            let decision = rules.decide(Subject::Target, field, metadata.release, &scope);
            findings.extend(failures(rules, &decision, field, &format!("target {target}")));
            let items = decision.value.as_ref().and_then(Json::as_array).into_iter().flatten();
            items.filter_map(Json::as_str).map(str::to_owned).collect()
        };
        let fields = Self {
            manage: list("manage"),
            seed: list("seed"),
        };
        if findings.is_empty() { Ok(fields) } else { Err(findings) }
    }

    /// Tells whether a field is set: managed ones always, seeded ones in a new file.
    pub fn sets(&self, field: &str, new_file: bool) -> bool {
        let listed = |list: &[String]| list.iter().any(|name| name == field);
        listed(&self.manage) || (new_file && listed(&self.seed))
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
pub(crate) fn release_name(release: &Release<'_>) -> String {
    release.metadata.release.to_string()
}
