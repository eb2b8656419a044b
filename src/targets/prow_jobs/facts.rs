//! What a ci-operator config says of its jobs, as the repository's own generator reads it.

mod go;
mod images;
mod test;
#[cfg(test)]
mod tests;

pub use self::test::limit;

use serde_json::{Map, Value as Json, json};

use crate::facts::ci_config;
use crate::yaml::{self, Node};

/// What a job is for, as rules name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobKind {
    /// All images of the config are built.
    Images,
    /// They are built and promoted.
    Promotion,
    /// One test.
    Test,
    /// A bundle of an operator, with its index.
    Bundle,
}

/// What starts a job, as rules name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Runs {
    /// A pull request.
    Presubmit,
    /// A merge.
    Postsubmit,
    /// The clock.
    Periodic,
}

/// A job that the config asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// What it is for.
    pub kind: JobKind,
    /// What starts it.
    pub runs: Runs,
    /// The end of its name: the test's, with its shard.
    pub name: String,
    /// What it runs, as rules see it.
    pub test: Json,
}

/// A key of the config that the generator does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// The mapping that has it.
    pub section: &'static str,
    /// The key.
    pub key: String,
    /// Its line.
    pub line: u32,
    /// The keys that are known there.
    pub known: &'static [&'static str],
}

/// What matters of a config.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigFacts {
    /// As rules see it; the variant is the engine's.
    pub view: Json,
    /// The jobs that it asks for.
    pub jobs: Vec<Asked>,
    /// Keys that say nothing to the generator.
    pub unknown: Vec<Unknown>,
}

impl JobKind {
    /// The word that rules use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Promotion => "promotion",
            Self::Test => "test",
            Self::Bundle => "bundle",
        }
    }
}

impl Runs {
    /// The word that rules use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Presubmit => "presubmit",
            Self::Postsubmit => "postsubmit",
            Self::Periodic => "periodic",
        }
    }
}

/// The switches below `prowgen`.
const PROWGEN: &[&str] = &[
    "disable_rehearsals",
    "disable_sparse_checkout",
    "enable_secrets_store_csi_driver",
    "expose",
    "private",
    "skip_operator_presubmits",
];

/// Reads a config.
///
/// # Errors
/// It is no YAML.
pub fn read(bytes: &[u8]) -> Result<ConfigFacts, yaml::Error> {
    let root = yaml::parse(bytes)?;
    let images = images::read(&root);
    let prowgen = root.get("prowgen");
    let flag = |key: &str| prowgen.and_then(|map| map.get(key)).is_some_and(is_true);
    let switches: Map<String, Json> = PROWGEN
        .iter()
        .map(|key| ((*key).to_owned(), json!(flag(key))))
        .collect();
    let mut unknown = unknown_keys(prowgen, "prowgen", PROWGEN);
    unknown.extend(images.unknown.iter().cloned());
    let signal = root.at(&["releases", "latest", "candidate", "version"]);
    let view = json!({
        "from_repository": images::from_repository(&root),
        "checkout": images.checkout,
        "build_if_affected": images.build_if_affected,
        "builds": builds_anything(&root),
        "releases": root.get("releases").is_some_and(|node| !node.is_null()),
        "signal": signal.and_then(Node::text).unwrap_or_default(),
        "path_alias": text(&root, "canonical_go_repository"),
        "additional_images": images.additional,
        "promotes_to": images.promotes_to,
        "promotion_cron": images.cron,
        "prowgen": switches,
    });
    let mut jobs = test::jobs(&root);
    jobs.extend(images.jobs());
    if !flag("skip_operator_presubmits") {
        jobs.extend(bundles(&root));
    }
    Ok(ConfigFacts { view, jobs, unknown })
}

/// Whether anything is built before a test runs.
fn builds_anything(root: &Node) -> bool {
    let commands = [
        "rpm_build_commands",
        "test_binary_build_commands",
        "binary_build_commands",
    ];
    let said = commands.iter().any(|key| !text(root, key).is_empty());
    said || root.get("build_root").is_some_and(|node| !node.is_null()) || !images::items(root).is_empty()
}

/// The jobs of an operator's bundles: one each, and one for all that have no name.
fn bundles(root: &Node) -> Vec<Asked> {
    let bundles = root
        .at(&["operator", "bundles"])
        .and_then(Node::as_seq)
        .unwrap_or_default();
    let job = |name: String, bundle: Option<&Node>, target: &str| {
        let mut test = test::blank();
        test["as"] = json!(target);
        if let Some(bundle) = bundle {
            test["optional"] = json!(bundle.get("optional").is_some_and(is_true));
            test["capabilities"] = json!(texts(bundle, "capabilities"));
            for key in ["run_if_changed", "skip_if_only_changed"] {
                test[key] = json!(text(bundle, key));
            }
        }
        Asked {
            kind: JobKind::Bundle,
            runs: Runs::Presubmit,
            name,
            test,
        }
    };
    let named = bundles.iter().map(|bundle| (bundle, text(bundle, "as")));
    let (unnamed, named): (Vec<_>, Vec<_>) = named.partition(|(_, name)| name.is_empty());
    let mut jobs: Vec<Asked> = named
        .into_iter()
        .map(
            |(bundle, name)| match bundle.get("skip_building_index").is_some_and(is_true) {
                true => job(format!("ci-bundle-{name}"), Some(bundle), &name),
                false => job(format!("{INDEX}-{name}"), Some(bundle), &format!("{INDEX}-{name}")),
            },
        )
        .collect();
    if !unnamed.is_empty() {
        jobs.push(job(INDEX.to_owned(), None, INDEX));
    }
    jobs
}

/// What the index of an operator's bundles is called as a target.
const INDEX: &str = "ci-index";

/// Keys of a mapping that are not among the known ones.
fn unknown_keys(node: Option<&Node>, section: &'static str, known: &'static [&'static str]) -> Vec<Unknown> {
    let map = node.and_then(Node::as_map);
    let keys = map.into_iter().flat_map(|map| &map.entries).map(|(key, _)| key);
    let keys = keys.filter(|key| !known.contains(&&*key.text));
    keys.map(|key| Unknown {
        section,
        key: key.text.to_string(),
        line: key.pos.line,
        known,
    })
    .collect()
}

fn is_true(node: &Node) -> bool {
    node.as_bool() == Some(true)
}

fn text(node: &Node, key: &str) -> String {
    node.get(key).and_then(Node::text).unwrap_or_default().to_owned()
}

fn texts(node: &Node, key: &str) -> Vec<String> {
    let items = node.get(key).and_then(Node::as_seq).unwrap_or_default();
    items.iter().filter_map(Node::text).map(str::to_owned).collect()
}

/// Notes where results are reported, if the section says so.
fn reporter(section: &Node, test: &mut Json) {
    if let Some(section) = section
        .get("reporter_config")
        .filter(|section| section.as_map().is_some())
    {
        test["reports"] = json!(true);
        test["reporter"] = json!({
            "channel": text(section, "channel"),
            "states": texts(section, "job_states_to_report"),
            "template": text(section, "report_template"),
        });
    }
}

/// The entries of `promotion.to`, or the one of the older form.
fn promotion_entries(root: &Node) -> Vec<&Node> {
    let Some(section) = root.get("promotion") else {
        return Vec::new();
    };
    match section.get("to").and_then(Node::as_seq) {
        Some(items) => items.iter().collect(),
        None => vec![section],
    }
}

/// The namespaces that images are promoted to now.
fn promoted_namespaces(root: &Node) -> Vec<String> {
    let entries = root.get("promotion").map(ci_config::promotions_of).unwrap_or_default();
    let active = entries.into_iter().filter(|entry| !entry.disabled);
    active.map(|entry| entry.namespace).collect()
}
