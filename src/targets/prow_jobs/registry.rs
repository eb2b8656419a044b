//! What the step registry says of the clouds that tests run on.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{Actual, Source};
use crate::finding::{Finding, Severity};
use crate::yaml::{self, Node};

/// The folder of the step registry.
const ROOT: &str = "ci-operator/step-registry";

/// The file that says what cloud a cluster profile is of.
pub const PROFILES: &str = "ci-operator/step-registry/cluster-profiles/cluster-profiles-config.yaml";

/// What matters of the step registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registry {
    /// The cloud of each cluster profile; `None`: nothing says so.
    pub profiles: Option<BTreeMap<String, String>>,
    /// The cluster profile of each workflow that has one.
    pub workflows: BTreeMap<String, String>,
}

/// The files of the step registry that may say something of the configs' tests.
pub fn files(sources: &[Source]) -> Vec<String> {
    let workflows = workflows(sources);
    let profile = sources.iter().any(|source| names_a(source, b"cluster_profile:"));
    if workflows.is_empty() && !profile {
        return Vec::new();
    }
    let paths = workflows.iter().flat_map(|name| paths(name));
    std::iter::once(PROFILES.to_owned()).chain(paths).collect()
}

fn names_a(source: &Source, key: &[u8]) -> bool {
    source
        .text
        .as_deref()
        .is_some_and(|text| memchr::memmem::find(text, key).is_some())
}

/// The workflows that configs name, wherever they do: which of them matter shows when the configs are parsed.
fn workflows(sources: &[Source]) -> BTreeSet<String> {
    const KEY: &[u8] = b"workflow:";
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let mut found = BTreeSet::new();
    for text in sources.iter().filter_map(|source| source.text.as_deref()) {
        for at in memchr::memmem::find_iter(text, KEY) {
            let rest = text.get(at + KEY.len()..).unwrap_or_default();
            let rest = rest.iter().skip_while(|byte| matches!(byte, b' ' | b'"' | b'\''));
            let name: Vec<u8> = rest.take_while(|byte| is_name(byte)).copied().collect();
            found.extend(String::from_utf8(name).ok().filter(|name| !name.is_empty()));
        }
    }
    found
}

/// Dashes of a workflow's name that may stand in the name of a folder instead of between two.
const MOST_DASHES: usize = 3;

/// Where a workflow may be: its name is that of its folders, joined by dashes, and a folder's own name may have dashes.
fn paths(name: &str) -> Vec<String> {
    let mut folders: Vec<(String, usize)> = vec![(String::new(), 0)];
    for (at, part) in name.split('-').enumerate() {
        let mut next = Vec::new();
        for (folder, dashes) in folders {
            next.push((format!("{folder}/{part}"), dashes));
            if at > 0 && dashes < MOST_DASHES {
                next.push((format!("{folder}-{part}"), dashes + 1));
            }
        }
        folders = next;
        // No name of a workflow is as long.
        folders.truncate(512);
    }
    let path = |(folder, _)| format!("{ROOT}{folder}/{name}-workflow.yaml");
    folders.into_iter().map(path).collect()
}

impl Registry {
    /// Reads what was found of it. What cannot be read is told.
    pub fn read(sources: &[Source], actual: &Actual, findings: &mut Vec<Finding>) -> Self {
        let mut registry = Self::default();
        let mut wrong = |path: &str, line, why: String| {
            let finding = Finding::new(Severity::Error, "unreadable-step-registry", why);
            findings.push(
                finding
                    .with_place(actual.place(path, line))
                    .with_help("put the file right by hand"),
            );
        };
        let wanted = files(sources);
        for path in wanted.iter().filter(|path| actual.unreadable.contains_key(*path)) {
            wrong(path, None, actual.unreadable[path].clone());
        }
        if let Some(text) = actual.files.get(PROFILES) {
            match profiles(text) {
                Ok(profiles) => registry.profiles = Some(profiles),
                Err(error) => wrong(PROFILES, Some(error.pos.line), error.message),
            }
        }
        for name in workflows(sources) {
            let there = paths(&name)
                .into_iter()
                .find_map(|path| actual.files.get_key_value(&path));
            let Some((path, text)) = there else { continue };
            match profile_of_workflow(text, &name) {
                Ok(profile) => registry.workflows.extend(profile.map(|profile| (name, profile))),
                Err(error) => wrong(path, Some(error.pos.line), error.message),
            }
        }
        registry
    }

    /// Fills in what a test leaves to its workflow, and the cloud of its profile where that is known.
    pub(super) fn fill_in(&self, test: &mut Json) {
        if test["profile"] == ""
            && let Some(profile) = test["workflow"].as_str().and_then(|name| self.workflows.get(name))
        {
            test["profile"] = json!(profile);
        }
        if test["cloud"] == ""
            && let Some(cloud) = test["profile"]
                .as_str()
                .and_then(|name| self.profiles.as_ref()?.get(name))
        {
            test["cloud"] = json!(cloud);
        }
    }

    /// Tells whether a profile is none that the repository knows.
    pub(super) fn lacks(&self, profile: &str) -> bool {
        let known = self.profiles.as_ref();
        !profile.is_empty() && known.is_some_and(|known| !known.contains_key(profile))
    }
}

/// Reads the clouds of cluster profiles.
///
/// # Errors
/// It is no YAML.
fn profiles(text: &[u8]) -> Result<BTreeMap<String, String>, yaml::Error> {
    let root = yaml::parse(text)?;
    let items = root.get("cluster_profiles").and_then(Node::as_seq).unwrap_or_default();
    let pair = |item: &Node| {
        let word = |key: &str| Some(item.get(key)?.text()?.to_owned());
        Some((word("name")?, word("cluster_type").unwrap_or_default()))
    };
    Ok(items.iter().filter_map(pair).collect())
}

/// Reads the cluster profile of a workflow; `None`: it has none, or the file is no workflow of this name.
///
/// # Errors
/// It is no YAML.
fn profile_of_workflow(text: &[u8], name: &str) -> Result<Option<String>, yaml::Error> {
    let root = yaml::parse(text)?;
    let workflow = root
        .get("workflow")
        .filter(|workflow| workflow.get("as").and_then(Node::text) == Some(name));
    let profile = workflow.and_then(|workflow| workflow.at(&["steps", "cluster_profile"])?.text());
    Ok(profile.filter(|profile| !profile.is_empty()).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_is_looked_for_wherever_its_name_allows() {
        let found = paths("a-b-c");
        let expected = ["/b/c", "/b-c", "-b/c", "-b-c"].map(|rest| format!("{ROOT}/a{rest}/a-b-c-workflow.yaml"));
        assert_eq!(found, expected);
        assert!(paths(&"x-".repeat(500)).len() <= 512);
    }

    #[test]
    fn the_workflows_of_configs_are_found_without_parsing() {
        let text = "tests:\n- steps:\n    workflow: ipi-aws\n- {steps: {workflow: 'a_b'}}\n- workflow:\n";
        let path = "ci-operator/config/o/r/o-r-main.yaml";
        let source = Source::new(path, Some(text.as_bytes().into())).expect("a config");
        assert_eq!(
            workflows(std::slice::from_ref(&source)),
            ["a_b", "ipi-aws"].map(str::to_owned).into()
        );
        assert!(files(&[source]).contains(&PROFILES.to_owned()));
        assert_eq!(
            files(&[Source::new(path, None).expect("a config")]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn profiles_and_workflows_are_read_by_their_own_names() {
        let text = b"cluster_profiles:\n- {name: aws, cluster_type: aws}\n- {name: odd}\n- {}\n";
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(
            profiles(text).expect("YAML"),
            [pair("aws", "aws"), pair("odd", "")].into()
        );
        let text = b"workflow:\n  as: ipi\n  steps: {cluster_profile: aws}\n";
        assert_eq!(profile_of_workflow(text, "ipi").expect("YAML").as_deref(), Some("aws"));
        assert_eq!(profile_of_workflow(text, "upi").expect("YAML"), None);
    }
}
