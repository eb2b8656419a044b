//! What a ci-operator config says of its jobs.

use serde_json::{Value as Json, json};

use crate::facts::ci_config;
use crate::yaml::{self, Node};

/// What matters of a config.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigFacts {
    /// Whether it builds images.
    pub builds: bool,
    /// Whether it promotes them.
    pub promotes: bool,
    /// As rules see it; the variant is the engine's.
    pub view: Json,
    /// Its tests as rules see them, in the order of the file.
    pub tests: Vec<Json>,
}

/// Reads a config.
///
/// # Errors
/// It is no YAML.
pub fn read(bytes: &[u8]) -> Result<ConfigFacts, yaml::Error> {
    let root = yaml::parse(bytes)?;
    let images = root.get("images");
    let items = images.and_then(|images| images.as_seq().or_else(|| images.get("items").and_then(Node::as_seq)));
    let promotion = root.get("promotion");
    let promotions = promotion.map(ci_config::promotions_of).unwrap_or_default();
    let additional: Vec<Json> = promotion
        .into_iter()
        .flat_map(|promotion| std::iter::once(promotion).chain(entries(promotion)))
        .filter_map(|entry| entry.get("additional_images").and_then(Node::as_map))
        .flat_map(|map| map.iter().filter_map(|(_, image)| image.text()))
        .map(|image| json!(image))
        .collect();
    let from_repository = root.at(&["build_root", "from_repository"]).and_then(Node::as_bool);
    let view = json!({
        "from_repository": from_repository.unwrap_or(false),
        "releases": root.get("releases").is_some_and(|node| !node.is_null()),
        "path_alias": text(&root, "canonical_go_repository"),
        "additional_images": additional,
    });
    let tests = root.get("tests").and_then(Node::as_seq).unwrap_or_default();
    Ok(ConfigFacts {
        builds: items.is_some_and(|items| !items.is_empty()) || !additional.is_empty(),
        promotes: promotions.iter().any(|promotion| !promotion.disabled),
        view,
        tests: tests.iter().filter_map(test).collect(),
    })
}

fn entries(promotion: &Node) -> impl Iterator<Item = &Node> {
    promotion.get("to").and_then(Node::as_seq).unwrap_or_default().iter()
}

/// A test's view; an entry without a name is none.
fn test(node: &Node) -> Option<Json> {
    let name = node.get("as").and_then(Node::text)?;
    let flag = |key: &str, unset: bool| node.get(key).and_then(Node::as_bool).unwrap_or(unset);
    let steps = ["steps", "literal_steps"].iter().find_map(|key| node.get(key));
    let profile = steps
        .and_then(|steps| steps.get("cluster_profile"))
        .and_then(Node::text);
    let periodic = ["cron", "interval", "minimum_interval"]
        .iter()
        .any(|key| node.get(key).is_some());
    let secrets = node.get("secrets").and_then(Node::as_seq).unwrap_or_default();
    let secrets = node.get("secret").into_iter().chain(secrets);
    let secrets: Vec<&str> = secrets.filter_map(|secret| secret.get("name")?.text()).collect();
    Some(json!({
        "as": name,
        "always_run": flag("always_run", true),
        "optional": flag("optional", false),
        "run_if_changed": text(node, "run_if_changed"),
        "skip_if_only_changed": text(node, "skip_if_only_changed"),
        "profile": profile.unwrap_or_default(),
        "steps": steps.is_some(),
        "cluster": text(node, "cluster"),
        "timeout": text(node, "timeout"),
        "postsubmit": flag("postsubmit", false),
        "presubmit": flag("presubmit", false),
        "periodic": periodic || flag("release_controller", false),
        "cron": text(node, "cron"),
        "interval": text(node, "interval"),
        "minimum_interval": text(node, "minimum_interval"),
        "release_controller": flag("release_controller", false),
        "claim": node.get("cluster_claim").is_some_and(|claim| !claim.is_null()),
        "secrets": secrets,
    }))
}

/// The view of a job that is no test's.
pub fn no_test() -> Json {
    test(&Node::map([("as", "")])).unwrap_or_default()
}

fn text(node: &Node, key: &str) -> String {
    node.get(key).and_then(Node::text).unwrap_or_default().to_owned()
}
