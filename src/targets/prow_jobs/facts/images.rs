//! What a config says of its images and where they are promoted to.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{Asked, JobKind, Runs, Unknown, is_true, reporter, test, text, texts};
use crate::yaml::Node;

/// The file of a repository that names its build root.
const BUILD_ROOT_FILE: &str = ".ci-operator.yaml";

/// Keys of `images` in the form of a mapping.
const KEYS: &[&str] = &[
    "build_if_affected",
    "items",
    "pipeline_run_if_changed",
    "pipeline_skip_if_only_changed",
    "reporter_config",
    "run_if_changed",
    "skip_if_only_changed",
];

/// What matters of a config's images.
pub struct Images {
    /// Files that a job reads of its repository, sorted.
    pub checkout: BTreeSet<String>,
    /// Whether images are built only where they are affected.
    pub build_if_affected: bool,
    /// Images that are promoted besides the config's own, sorted.
    pub additional: BTreeSet<String>,
    /// The namespaces that images are promoted to now.
    pub promotes_to: Vec<String>,
    /// When they are promoted besides; empty: after merges only.
    pub cron: String,
    /// Keys that say nothing.
    pub unknown: Vec<Unknown>,
    builds: bool,
    has_promotion: bool,
    view: Json,
}

/// Reads them.
pub fn read(root: &Node) -> Images {
    let section = root.get("images");
    let items = items(root);
    let setting = |key: &str| section.map(|section| text(section, key)).unwrap_or_default();
    let additional: BTreeSet<String> = super::promotion_entries(root)
        .into_iter()
        .filter_map(|entry| entry.get("additional_images").and_then(Node::as_map))
        .flat_map(|map| map.iter().filter_map(|(_, image)| image.text()))
        .map(str::to_owned)
        .collect();
    let mut view = test::blank();
    for key in [
        "run_if_changed",
        "skip_if_only_changed",
        "pipeline_run_if_changed",
        "pipeline_skip_if_only_changed",
    ] {
        view[key] = json!(setting(key));
    }
    let asked: BTreeSet<String> = items.iter().flat_map(capabilities).collect();
    view["optional"] = json!(items.iter().any(|item| item.get("optional").is_some_and(is_true)));
    view["capabilities"] = json!(asked);
    if let Some(section) = section {
        reporter(section, &mut view);
    }
    let known = section.filter(|section| section.as_map().is_some());
    let promotion = root.get("promotion");
    Images {
        checkout: checkout(root, items),
        build_if_affected: section
            .and_then(|section| section.get("build_if_affected"))
            .is_some_and(is_true),
        builds: !items.is_empty() || !additional.is_empty(),
        additional,
        promotes_to: super::promoted_namespaces(root),
        cron: promotion.map(|promotion| text(promotion, "cron")).unwrap_or_default(),
        unknown: super::unknown_keys(known, "images", KEYS),
        has_promotion: promotion.is_some_and(|section| !section.is_null()),
        view,
    }
}

impl Images {
    /// The jobs that build images, and promote them.
    pub fn jobs(&self) -> Vec<Asked> {
        if !self.builds {
            return Vec::new();
        }
        let job = |kind, runs, test| Asked {
            kind,
            runs,
            name: "images".to_owned(),
            test,
        };
        let mut jobs = vec![job(JobKind::Images, Runs::Presubmit, self.view.clone())];
        if self.has_promotion {
            // Whatever was merged is promoted: what changed does not matter.
            let mut promotion = test::blank();
            for key in ["capabilities", "reports", "reporter"] {
                promotion[key] = self.view[key].clone();
            }
            jobs.push(job(JobKind::Promotion, Runs::Postsubmit, promotion.clone()));
            if !self.cron.is_empty() {
                promotion["reports"] = json!(false);
                promotion["cron"] = json!(self.cron);
                jobs.push(job(JobKind::Promotion, Runs::Periodic, promotion));
            }
        }
        jobs
    }
}

/// The images of a config in either form of the list.
pub fn items(root: &Node) -> &[Node] {
    let images = root.get("images");
    let items = images.and_then(|images| images.as_seq().or_else(|| images.get("items")?.as_seq()));
    items.unwrap_or_default()
}

/// Whether the build root is the one that the repository names.
pub fn from_repository(root: &Node) -> bool {
    let says = |node: &Node| node.get("from_repository").is_some_and(is_true);
    let several = root.get("build_roots").and_then(Node::as_map);
    root.get("build_root").is_some_and(says) || several.is_some_and(|map| map.iter().any(|(_, root)| says(root)))
}

fn checkout(root: &Node, items: &[Node]) -> BTreeSet<String> {
    let built = |item: &&Node| {
        let literal = item.get("dockerfile_literal").is_some_and(|node| !node.is_null());
        !literal && text(item, "ref").is_empty()
    };
    let dockerfile = |item: &Node| {
        let path = match text(item, "dockerfile_path") {
            path if path.is_empty() => "Dockerfile".to_owned(),
            path => path,
        };
        match text(item, "context_dir") {
            context if context.is_empty() => path,
            context => super::go::join(&context, &path),
        }
    };
    let mut files: BTreeSet<String> = items.iter().filter(built).map(dockerfile).collect();
    files.extend(from_repository(root).then(|| BUILD_ROOT_FILE.to_owned()));
    files
}

/// What the build of an image asks of its cluster; architectures are the older spelling.
fn capabilities(item: &Node) -> Vec<String> {
    let mut all = texts(item, "capabilities");
    all.extend(texts(item, "additional_architectures"));
    all
}
