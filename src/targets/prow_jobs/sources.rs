//! The configs whose jobs are rendered: those of the configs' own target, and what is left of configs that somebody removed
//! without their jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use super::facts::{self, ConfigFacts};
use super::{LISTS, TARGET, file_parts, names, registry};
use crate::base::RepoName;
use crate::facts::ci_config;
use crate::finding::Finding;
use crate::plan::{Bytes, Desired};
use crate::targets::{Actual, Ask, Earlier, Reads, Tree};

/// A config whose jobs are rendered.
#[derive(Clone, Debug)]
pub struct Source {
    /// The config's path.
    pub config: String,
    /// The repository that it is for.
    pub repo: RepoName,
    /// The branch that it is for.
    pub branch: String,
    /// Its variant; empty: none.
    pub variant: String,
    /// The config as it will be; `None`: there will be none.
    pub text: Option<Bytes>,
    /// Whether it stays as it is.
    pub unchanged: bool,
    /// It could not be derived: it stays as it is, and so do its jobs.
    pub held: bool,
    /// The payload tags of its images.
    pub images: Vec<String>,
    facts: OnceLock<Option<ConfigFacts>>,
}

impl Source {
    /// The source that a config with this text is, or no config any more; `None` where the path is none of a config.
    pub fn new(path: &str, text: Option<Bytes>) -> Option<Self> {
        let (org, repo, name) = ci_config::taken_apart(path)?;
        let (org, repo) = (org.to_owned(), repo.to_owned());
        Some(Self {
            config: path.to_owned(),
            text,
            ..Self::orphan(&RepoName { org, repo }, &name.branch, &name.variant.unwrap_or_default())
        })
    }

    /// The source that a config is. `follow`: the config will be as it should be; otherwise it stays.
    fn of(config: &Desired, follow: bool) -> Option<Self> {
        let text = if follow { &config.after } else { &config.before };
        Some(Self {
            unchanged: *text == config.before,
            held: config.held,
            images: config.images.clone(),
            ..Self::new(&config.path, text.clone())?
        })
    }

    /// Jobs of a variant without a config: what should be there is nothing.
    fn orphan(repo: &RepoName, branch: &str, variant: &str) -> Self {
        Self {
            config: format!("a config of branch {branch} of {repo}"),
            repo: repo.clone(),
            branch: branch.to_owned(),
            variant: variant.to_owned(),
            text: None,
            unchanged: false,
            held: false,
            images: Vec::new(),
            facts: OnceLock::new(),
        }
    }

    /// The same of a config that stays as it is, or could not be derived.
    #[must_use]
    pub fn standing(self, unchanged: bool, held: bool) -> Self {
        Self {
            unchanged,
            held,
            ..self
        }
    }

    /// What the config says; `None` where it is no YAML.
    pub fn facts(&self) -> Option<&ConfigFacts> {
        let read = || match self.text.as_deref().map(facts::read).transpose() {
            Ok(facts) => Some(facts.unwrap_or_default()),
            Err(_) => None,
        };
        self.facts.get_or_init(read).as_ref()
    }

    /// Whether there is a config, or should be.
    pub fn has_config(&self) -> bool {
        ci_config::config_of(&self.config).is_some()
    }

    /// The paths of its job files.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        LISTS
            .map(|list| names::path(&self.repo, &self.branch, list))
            .into_iter()
    }
}

/// The configs that are there or should be, without orphans.
fn configs(ask: &Ask<'_>) -> Vec<Source> {
    let earlier = earlier(ask);
    earlier.map_or_else(Vec::new, |(earlier, configs)| {
        let configs = configs.iter();
        configs
            .filter_map(|config| Source::of(config, earlier.is_written))
            .collect()
    })
}

/// What the configs' own target came to.
fn earlier<'a>(ask: &'a Ask<'_>) -> Option<(&'a Earlier, &'a [Desired])> {
    let earlier = TARGET.after.first().and_then(|name| ask.earlier.get(name))?;
    Some((earlier, &earlier.files))
}

/// All configs whose jobs are rendered. `actual`: the job files that are there.
pub fn all(ask: &Ask<'_>, actual: &Actual) -> Vec<Source> {
    let mut sources = configs(ask);
    if looks_for_orphans(ask) {
        let found = orphans(ask, &known(ask, &sources), actual);
        sources.extend(found);
    }
    sources
}

/// The job files of the configs, what says which clouds their tests run on, and the job files of the release's branches that
/// no config is known of.
pub fn reads(ask: &Ask<'_>, _: &RepoName) -> Result<Reads, Vec<Finding>> {
    let sources = configs(ask);
    let mut files: Vec<String> = sources.iter().flat_map(Source::paths).collect();
    files.extend(registry::files(&sources));
    let mut trees = Vec::new();
    if looks_for_orphans(ask) {
        let known = std::sync::Arc::new(known(ask, &sources));
        let end = of_release(ask);
        trees.extend(ask.repositories().map(|(repo, _)| {
            let (known, end, own) = (std::sync::Arc::clone(&known), end.clone(), repo.clone());
            Tree::of(folder(repo), 1).only(move |path| {
                let label = path.rsplit('/').next().and_then(|file| file_parts(file, &own));
                label.is_some_and(|(label, _)| {
                    label.ends_with(&end) && !known.contains(&(own.clone(), label.to_owned()))
                })
            })
        }));
    }
    Ok(Reads {
        files,
        trees,
        ..Reads::default()
    })
}

/// A config that is changed by itself says nothing of others.
fn looks_for_orphans(ask: &Ask<'_>) -> bool {
    earlier(ask).is_some_and(|(earlier, _)| earlier.is_whole)
}

fn folder(repo: &RepoName) -> String {
    format!("{}/{}/{}", names::ROOT, repo.org, repo.repo)
}

/// The end of the names of a release's own branches.
fn of_release(ask: &Ask<'_>) -> String {
    format!("-{}", ask.rules().number())
}

/// The repositories and branches that have a config of ours, or should.
fn known(ask: &Ask<'_>, sources: &[Source]) -> BTreeSet<(RepoName, String)> {
    let there = earlier(ask).into_iter().flat_map(|(earlier, _)| &earlier.actual);
    let configs = there.flat_map(|actual| actual.files.keys().filter_map(|path| ci_config::config_of(path)));
    let derived = sources
        .iter()
        .map(|source| (source.repo.clone(), source.branch.clone()));
    configs
        .chain(derived)
        .map(|(repo, branch)| (repo, names::label(&branch)))
        .collect()
}

/// Branches of the release with jobs of ours and no config of ours: a config that somebody removed without its jobs.
///
/// Only branches whose name ends with the release are looked at; a development branch belongs to one release after the
/// other.
fn orphans(ask: &Ask<'_>, known: &BTreeSet<(RepoName, String)>, actual: &Actual) -> Vec<Source> {
    let (end, variant) = (of_release(ask), ask.rules().payload().variant.value.as_str());
    let mut found = BTreeMap::new();
    for (repo, _) in ask.repositories() {
        let folder = format!("{}/", folder(repo));
        let files = actual
            .files
            .range(folder.clone()..)
            .take_while(|(path, _)| path.starts_with(&folder));
        for (path, bytes) in files {
            let Some((label, _)) = path.strip_prefix(&folder).and_then(|file| file_parts(file, repo)) else {
                continue;
            };
            let is_known = known.contains(&(repo.clone(), label.to_owned()));
            if label.ends_with(&end) && !is_known && memchr::memmem::find(bytes, variant.as_bytes()).is_some() {
                let source = Source::orphan(repo, label, variant);
                found.insert(source.config.clone(), source);
            }
        }
    }
    found.into_values().collect()
}
