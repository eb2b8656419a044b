//! A unified build config as it is compared with another one: what is the same text in both is not looked into.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::answer::ValueChange;
use crate::model::build_config::BuildConfig;
use crate::rebuild::{self, Facts, Rebuild, Underived};

/// As many values are named of one release.
const MOST_VALUES: usize = 500;

/// What of a unified build config is compared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Images by key, each as JSON.
    images: BTreeMap<String, String>,
    /// Repositories, each as JSON.
    repositories: BTreeMap<String, String>,
    /// What decides the images' builds.
    facts: BTreeMap<String, Facts>,
    /// What is known of the images that are not derived.
    rest: Underived,
}

impl Config {
    /// Of a release as it is derived.
    pub fn of(document: &BuildConfig) -> Self {
        let facts = document.images.iter();
        Self {
            images: texts(&document.images),
            repositories: texts(&document.written_repositories()),
            facts: facts.map(|(key, image)| (key.clone(), Facts::of(image))).collect(),
            rest: Underived::of(document),
        }
    }

    /// Whether it has an image.
    pub fn builds(&self, key: &str) -> bool {
        self.images.contains_key(key)
    }
}

fn texts<T: Serialize + Sync>(parts: &BTreeMap<String, T>) -> BTreeMap<String, String> {
    let text = |part: &T| serde_json::to_string(part).unwrap_or_default();
    let texts: Vec<_> = parts.par_iter().map(|(key, part)| (key.clone(), text(part))).collect();
    texts.into_iter().collect()
}

/// What would have to be built again.
pub(super) fn rebuilt(release: &str, before: &Config, after: &Config) -> Option<Rebuild> {
    let found = rebuild::between(release, &before.facts, &after.facts, &after.rest);
    (!found.images.is_empty() || !found.gone.is_empty()).then_some(found)
}

/// Images or repositories of a config.
type Part = fn(&Config) -> &BTreeMap<String, String>;

/// The values that differ, of images by key and of repositories.
pub(super) fn values(before: Option<&Config>, after: Option<&Config>) -> Vec<ValueChange> {
    let mut found = Vec::new();
    let none = BTreeMap::new();
    let parts: [Part; 2] = [|config| &config.images, |config| &config.repositories];
    for part in parts {
        let (old, new) = (before.map_or(&none, part), after.map_or(&none, part));
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys.into_iter().filter(|key| old.get(*key) != new.get(*key)) {
            let read = |texts: &BTreeMap<String, String>| serde_json::from_str::<Json>(texts.get(key)?).ok();
            let (old, new) = (read(old), read(new));
            let tag = new
                .as_ref()
                .or(old.as_ref())
                .and_then(|image| image["tag"]["value"].as_str());
            let of = tag.unwrap_or(key);
            match (&old, &new) {
                (Some(old), Some(new)) => walk(of, "", old, new, &mut found),
                (None, Some(_)) => found.push(whole(of, Json::Null, Json::Bool(true))),
                _ => found.push(whole(of, Json::Bool(true), Json::Null)),
            }
        }
    }
    found.truncate(MOST_VALUES);
    found
}

/// An image or repository that comes or goes.
fn whole(of: &str, before: Json, after: Json) -> ValueChange {
    ValueChange {
        of: of.to_owned(),
        field: "built".to_owned(),
        before,
        after,
        rules: Vec::new(),
        because: None,
    }
}

fn walk(of: &str, path: &str, before: &Json, after: &Json, found: &mut Vec<ValueChange>) {
    if before == after {
        return;
    }
    let is_value = |node: &Json| node.as_object().is_some_and(|map| map.contains_key("value"));
    if is_value(before) || is_value(after) {
        if before["value"] != after["value"] {
            found.push(changed(of, path, before, after));
        }
        return;
    }
    match (before, after) {
        (Json::Object(old), Json::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let at = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let null = Json::Null;
                walk(
                    of,
                    &at,
                    old.get(key).unwrap_or(&null),
                    new.get(key).unwrap_or(&null),
                    found,
                );
            }
        }
        (Json::Array(old), Json::Array(new)) => {
            for at in 0..old.len().max(new.len()) {
                let null = Json::Null;
                let (old, new) = (old.get(at).unwrap_or(&null), new.get(at).unwrap_or(&null));
                walk(of, &format!("{path}[{at}]"), old, new, found);
            }
        }
        (Json::Object(_), Json::Null) | (Json::Null, Json::Object(_)) => found.push(changed(of, path, before, after)),
        // Commits, trees, lines and places are no values that rules decide.
        _ => {}
    }
}

fn changed(of: &str, path: &str, before: &Json, after: &Json) -> ValueChange {
    let value = |node: &Json| match node.get("value") {
        Some(value) => value.clone(),
        None if node.is_object() => node["pullspec"]["value"].clone(),
        None => Json::Null,
    };
    let why = if after.is_null() { before } else { after };
    let rules = why["rules"].as_array().into_iter().flatten();
    ValueChange {
        of: of.to_owned(),
        field: path.to_owned(),
        before: value(before),
        after: value(after),
        rules: rules.filter_map(Json::as_str).map(str::to_owned).collect(),
        because: why["because"].as_str().map(str::to_owned),
    }
}
