//! Configs of our variant that nothing derives.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::TARGET;
use super::moved::{Homes, OLD_HOME};
use crate::base::RepoName;
use crate::facts::ci_config;
use crate::facts::promoted;
use crate::finding::{Finding, Severity};
use crate::model::build_config::{BuildConfig, Repository};
use crate::plan::{Cause, Desired, Refused, Verdict, WHOLE_FILE};
use crate::targets::asking;
use crate::targets::{Actual, Ask, Fields, Rendered};
use crate::yaml::{self, Mapping, Node};

/// The fields of an image's item that are ours.
const IMAGE_FIELDS: [&str; 6] = ["build_args", "context_dir", "dockerfile_path", "from", "inputs", "to"];

/// What keeps a config from being removed: something that is not ours.
#[derive(Debug, thiserror::Error)]
enum Foreign {
    /// It cannot be told whose its content is.
    #[error("no readable content: {0}")]
    Unreadable(#[from] yaml::Error),
    /// A field.
    #[error("a field `{0}` that somebody added")]
    Field(String),
    /// An item of a list.
    #[error("an item of `{0}` that somebody added or changed")]
    Item(String),
}

/// Looks at configs of our variant that promote to the release and that nothing derives: removed where metadata positively
/// dropped all of their images and nobody added anything, reported otherwise.
pub fn judge(ask: &Ask<'_>, homes: &Homes<'_>, actual: &Actual, fields: &Fields, rendered: &mut Rendered) {
    let release = homes.release();
    let derived: BTreeSet<String> = rendered.files.iter().map(|file| file.path.clone()).collect();
    for (file, bytes) in actual.files.iter().filter(|(file, _)| !derived.contains(*file)) {
        let Some((org, repo, name)) = ci_config::taken_apart(file) else {
            continue;
        };
        let ours = name.variant.as_deref() == Some(release.payload.variant.value.as_str());
        let tags = if ours {
            promoted_here(release, bytes)
        } else {
            BTreeSet::new()
        };
        if tags.is_empty() {
            continue;
        }
        let name_of_repo = RepoName {
            org: org.to_owned(),
            repo: repo.to_owned(),
        };
        let stray = Stray {
            ask,
            release,
            homes,
            actual,
            file,
            bytes,
            repo: name_of_repo,
            branch: name.branch,
            tags,
        };
        match stray.judge(fields) {
            Ok(None) => {}
            Ok(Some(desired)) => stray.remove(desired, rendered),
            Err(finding) => rendered.findings.push(*finding),
        }
    }
}

/// The tags that a config promotes to the release's payload.
fn promoted_here(release: &BuildConfig, bytes: &[u8]) -> BTreeSet<String> {
    let (namespace, name) = (&release.payload.namespace.value, &release.payload.name.value);
    let promotions = ci_config::promotions(bytes).unwrap_or_default();
    let here = promotions
        .iter()
        .any(|p| p.promotes() && p.namespace == *namespace && p.name == *name);
    // Only what has an entry of the stream is read as a whole.
    let root = here.then(|| yaml::parse(bytes).ok()).flatten();
    let tags = root.map(|root| promoted::tags(&root)).unwrap_or_default();
    let here = tags
        .into_iter()
        .filter(|tag| tag.namespace == *namespace && tag.name == *name);
    here.map(|tag| tag.tag).collect()
}

struct Stray<'s> {
    ask: &'s Ask<'s>,
    release: &'s BuildConfig,
    homes: &'s Homes<'s>,
    actual: &'s Actual,
    file: &'s str,
    bytes: &'s Arc<[u8]>,
    repo: RepoName,
    branch: String,
    tags: BTreeSet<String>,
}

impl Stray<'_> {
    fn judge(&self, fields: &Fields) -> Result<Option<Desired>, Box<Finding>> {
        if !self.release.complete {
            // What could not be read may well be where the config comes from.
            return Ok(Some(self.kept()));
        }
        let Some(config) = self.release.repositories.get(&self.repo) else {
            if let Some(config) = self.old_home() {
                return self.dropped(&config, fields);
            }
            let text = format!(
                "no image of ocp-build-data comes from {}, but the config promotes to the release",
                self.repo
            );
            return Err(self.finding(
                "unowned-config",
                text,
                "it is left alone; if it is obsolete, remove it by hand",
            ));
        };
        if !config.held.is_empty() || config.broken {
            return Ok(Some(self.kept()));
        }
        if !config.images.is_empty() {
            if !config.images.iter().any(|tag| self.tags.contains(tag)) {
                // What it promotes is none of ours.
                return Ok(None);
            }
            let text = format!(
                "the release is built from branch {}, this config promotes {} to it, too",
                config.branch, self.branch
            );
            return Err(self.finding(
                "double-promotion",
                text,
                "move or remove this config before the other one promotes",
            ));
        }
        self.dropped(config, fields)
    }

    /// The config as what is left of images that have all moved to other repositories; `None` where it has others, too.
    fn old_home(&self) -> Option<Repository> {
        let built = super::tags(&yaml::parse(self.bytes).ok()?);
        let dropped = self.homes.left(&self.repo, &built, self.bytes);
        let home = self.homes.of_dropped(dropped.keys().next()?)?;
        let home = self.release.repositories.get(home)?;
        let all = built.iter().all(|tag| dropped.contains_key(tag));
        all.then(|| Repository {
            branch: self.branch.clone(),
            images: Vec::new(),
            keys: Vec::new(),
            held: BTreeSet::new(),
            dropped,
            ..home.clone()
        })
    }

    /// What becomes of a config whose images metadata positively dropped.
    fn dropped(&self, config: &Repository, fields: &Fields) -> Result<Option<Desired>, Box<Finding>> {
        match self.only_managed(config, fields) {
            Ok(()) => Ok(Some(self.removal(config))),
            Err(what) => {
                let moved = config.dropped.values().find(|dropped| dropped.why.ends_with(OLD_HOME));
                let text = match moved {
                    Some(dropped) => format!("{}, and the config has {what}", dropped.why),
                    None => format!(
                        "metadata dropped all images of {}, but the config has {what}",
                        self.repo
                    ),
                };
                Err(self.finding(
                    "dropped-with-additions",
                    text,
                    "remove the config by hand, or what was added to it",
                ))
            }
        }
    }

    fn only_managed(&self, config: &Repository, fields: &Fields) -> Result<(), Foreign> {
        let root = yaml::parse(self.bytes)?;
        let ours: Vec<&str> = fields.manage.iter().chain(&fields.seed).map(String::as_str).collect();
        for (key, node) in root.as_map().into_iter().flat_map(Mapping::iter) {
            if let Some(added) = added_key(&ours, key, node) {
                return Err(Foreign::Field(added));
            }
            let items = node.as_seq().or_else(|| node.get("items").and_then(Node::as_seq));
            if !items.into_iter().flatten().all(|item| self.is_ours(config, key, item)) {
                return Err(Foreign::Item(key.to_owned()));
            }
        }
        Ok(())
    }

    /// Whether an item of a list is one that we would have made.
    fn is_ours(&self, config: &Repository, list: &str, item: &Node) -> bool {
        let text = |path: &[&str]| item.at(path).and_then(Node::text).unwrap_or_default();
        match list {
            "images" => {
                let mut keys = item.as_map().into_iter().flat_map(Mapping::keys);
                config.dropped.contains_key(text(&["to"])) && keys.all(|key| IMAGE_FIELDS.contains(&key))
            }
            "tests" => {
                let mut tests = config.tests.value.as_array().into_iter().flatten();
                tests.any(|test| test["as"] == text(&["as"]))
            }
            "raw_steps" => {
                let mut steps = config.dropped.values().filter_map(|dropped| dropped.step.as_deref());
                steps.any(|name| name == text(&["pipeline_image_cache_step", "to"]))
            }
            _ => true,
        }
    }

    /// The file as it is: what an open pull request proposes for it stays proposed.
    fn kept(&self) -> Desired {
        Desired {
            component: Some(self.repo.to_string()),
            held: true,
            ..self.actual.file(&TARGET, self.ask.rules(), self.file)
        }
    }

    fn removal(&self, config: &Repository) -> Desired {
        let dropped = config.dropped.values().next();
        let rule = dropped.and_then(|dropped| dropped.rule.as_ref());
        let images: Vec<String> = config.dropped.keys().cloned().collect();
        let cause = Cause {
            images: images.clone(),
            old: Some(format!("builds {}", images.join(", "))),
            because: dropped.map(|dropped| dropped.why.clone()).unwrap_or_default(),
            ..asking::cause_of(rule, WHOLE_FILE, self.repo.to_string())
        };
        Desired {
            images,
            after: None,
            causes: vec![cause],
            held: false,
            ..self.kept()
        }
    }

    fn remove(&self, mut desired: Desired, rendered: &mut Rendered) {
        let verdicts = desired
            .causes
            .iter()
            .map(|cause| self.ask.policy.verdict(cause, &desired.release));
        if let Some(verdict) = verdicts.into_iter().find(|verdict| *verdict != Verdict::Apply) {
            desired.after.clone_from(&desired.before);
            let causes = std::mem::take(&mut desired.causes);
            desired.refused = causes.into_iter().map(|cause| Refused { cause, verdict }).collect();
        }
        rendered.files.push(desired);
    }

    fn finding(&self, code: &'static str, text: String, help: &str) -> Box<Finding> {
        Box::new(
            Finding::new(Severity::Warning, code, text)
                .with_place(self.actual.place(self.file, None))
                .with_component(self.repo.to_string())
                .with_help(help),
        )
    }
}

/// The first key that none of our paths leads to, as a dotted path.
fn added_key(ours: &[&str], key: &str, node: &Node) -> Option<String> {
    let below: Vec<&str> = ours.iter().filter_map(|path| path.strip_prefix(key)).collect();
    if below.contains(&"") {
        return None;
    }
    let below: Vec<&str> = below.into_iter().filter_map(|rest| rest.strip_prefix('.')).collect();
    if below.is_empty() {
        return Some(key.to_owned());
    }
    let mut children = node.as_map().into_iter().flat_map(Mapping::iter);
    let added = children.find_map(|(child, node)| added_key(&below, child, node))?;
    Some(format!("{key}.{added}"))
}
