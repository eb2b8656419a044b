//! `lockstep rules capture`: cuts a case out of real repositories, with only the files that the derivation read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;

use super::CASE_FILE;
use super::case::{EXPECTED, INPUT};
use super::fault::Fault;
use super::run::{BUILD_DATA, CI_CONFIG};
use super::sets::Files;
use super::update;
use crate::base::RepoName;
use crate::derive::{DerivedImage, Release};
use crate::facts::ci_config;
use crate::source::Recorder;
use crate::targets::prow_config;

/// What a case is cut out of.
pub struct Cut<'c> {
    /// The derived release.
    pub release: &'c Release<'c>,
    /// Everything that was read for it.
    pub recorder: &'c Recorder,
    /// What the recorder calls ocp-build-data.
    pub build_data: String,
    /// What the recorder calls the repository of CI configs.
    pub ci_config: Option<String>,
    /// Keys or payload tags of the images that the case is about.
    pub images: Vec<String>,
    /// Rule files that are not built in.
    pub rules: Files,
}

/// The images of a cut: those asked for with their neighbours in the same config, and what these are built from.
#[derive(Debug, Default)]
struct Share {
    keys: BTreeSet<String>,
    /// Repositories whose config is the case's business.
    asked: BTreeSet<RepoName>,
    /// All repositories that are read.
    repos: BTreeSet<RepoName>,
}

impl Cut<'_> {
    /// Writes the case; returns its files.
    ///
    /// # Errors
    /// An image that is not needed, a folder that is there already, or a file that cannot be written.
    pub fn write(&self, dir: &Path) -> Result<Vec<PathBuf>, Fault> {
        if dir.exists() {
            return Err(Fault::Occupied(dir.to_owned()));
        }
        let share = self.share()?;
        let mut files: BTreeMap<PathBuf, Arc<[u8]>> = BTreeMap::new();
        for ((name, path), bytes) in self.recorder.files() {
            if let Some(at) = self.place(&share, &name, &path) {
                files.insert(Path::new(INPUT).join(at), bytes);
            }
        }
        let mut rules = vec!["builtin".to_owned()];
        for (at, (_, bytes)) in self.rules.iter().enumerate() {
            let name = format!("rules-{}.yaml", at + 1);
            files.insert(name.clone().into(), Arc::from(bytes.as_slice()));
            rules.push(name);
        }
        let case = format!(
            "about: \"{} as it was derived for {}.\"\nrelease: \"{}\"\nrules: [{}]\n",
            self.images.join(", ").replace(['"', '\\'], " "),
            self.release.metadata.release,
            self.release.metadata.release,
            rules.join(", ")
        );
        files.insert(CASE_FILE.into(), Arc::from(case.into_bytes()));
        for (path, bytes) in &files {
            update::write(&dir.join(path), bytes)?;
        }
        let expected = dir.join(EXPECTED);
        fs::create_dir_all(&expected).map_err(Fault::io(&expected, "made"))?;
        Ok(files.into_keys().map(|path| dir.join(path)).collect())
    }

    fn share(&self) -> Result<Share, Fault> {
        let mut share = Share::default();
        for name in &self.images {
            let named = |image: &&DerivedImage| image.key == *name || image.tag.value == *name;
            let image = self.release.images.values().find(named);
            let image = image.ok_or_else(|| Fault::NoImage(name.clone()))?;
            share.asked.extend(image.repository.value.clone());
            share.keys.insert(image.key.clone());
        }
        let neighbours = self.release.images.values().filter(|image| {
            image
                .repository
                .value
                .as_ref()
                .is_some_and(|repo| share.asked.contains(repo))
        });
        let mut todo: Vec<String> = neighbours
            .map(|image| image.key.clone())
            .chain(share.keys.clone())
            .collect();
        share.keys.clear();
        while let Some(key) = todo.pop() {
            if !share.keys.insert(key.clone()) {
                continue;
            }
            if let Some(image) = self.release.images.get(&key) {
                share.repos.extend(image.repository.value.clone());
                todo.extend(parents(image));
            }
        }
        Ok(share)
    }

    /// Where a file that was read goes in the case's input; `None` for one that the case does without.
    fn place(&self, share: &Share, name: &str, path: &str) -> Option<String> {
        if name == self.build_data {
            let image = path.strip_prefix("images/").and_then(|file| file.strip_suffix(".yml"));
            let kept = image.is_none_or(|key| share.keys.contains(key));
            return kept.then(|| format!("{BUILD_DATA}/{path}"));
        }
        if Some(name) == self.ci_config.as_deref() {
            let repo = share.repos.iter().find(|repo| self.is_config_of(path, repo, share))?;
            let _ = repo;
            return Some(format!("{CI_CONFIG}/{path}"));
        }
        let repo: RepoName = name.parse().ok()?;
        let image = self.release.images.values().any(|image| {
            share.keys.contains(&image.key)
                && image.repository.value.as_ref() == Some(&repo)
                && (image.dockerfile == path || matches!(path.rsplit('/').next(), Some("go.mod" | "go.work")))
        });
        image.then(|| format!("{name}/{path}"))
    }

    /// Plain configs tell branches; of OKD's own only those of the repositories that the case is about are kept.
    fn is_config_of(&self, path: &str, repo: &RepoName, share: &Share) -> bool {
        let folder = format!("{}/{}/{}/", ci_config::ROOT, repo.org, repo.repo);
        let Some(file) = path.strip_prefix(&folder) else {
            return false;
        };
        let name = ci_config::ConfigName::parse(file, &repo.org, &repo.repo);
        let plain = name.is_some_and(|name| name.variant.is_none());
        let release = self.release.build_config();
        let config = release.repositories.get(repo);
        let own = config.is_some_and(|config| prow_config::path(release, repo, config) == path);
        plain || (own && share.asked.contains(repo))
    }
}

/// The images that an image is built from, and that its members stand for.
fn parents(image: &DerivedImage) -> Vec<String> {
    let mut parents = Vec::new();
    let from = &image.from.value;
    let entries = from["builder"]
        .as_array()
        .into_iter()
        .flatten()
        .chain([from, &image.build_root.value]);
    parents.extend(
        entries
            .filter_map(|entry: &Json| entry["member"].as_str())
            .map(str::to_owned),
    );
    let steps = image.inputs.iter().flat_map(|input| &input.chain);
    parents.extend(steps.filter(|step| step.kind == "member").map(|step| step.name.clone()));
    parents
}
