//! The ci-operator config of each repository: its images in order, and what rules say of the config as a whole.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::outline::Outline;
use super::provenance::taken_from;
use super::resolve::Resolver;
use super::{Derived, Standing, failures};
use crate::base::RepoName;
use crate::finding::{Finding, Severity};
use crate::model::metadata::Metadata;
use crate::model::pullspec::StreamTag;
use crate::rules::{Decision, Scope, Subject};

/// Why metadata positively dropped an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The image's key in ocp-build-data.
    pub key: String,
    /// A sentence.
    pub why: String,
    /// The rule that says so.
    pub rule: Option<usize>,
}

/// The ci-operator config of a repository's branch.
#[derive(Clone, Debug)]
pub struct Config {
    /// The repository.
    pub repo: RepoName,
    /// The branch.
    pub branch: String,
    /// Keys of its images in the config's order.
    pub images: Vec<String>,
    /// Payload tags of its images that could not be derived: what is there stays.
    pub held: BTreeSet<String>,
    /// Payload tags that metadata positively dropped.
    pub dropped: BTreeMap<String, Dropped>,
    /// The build root, resolved.
    pub build_root: Derived<Option<StreamTag>>,
    /// `promotion`.
    pub promotion: Derived<Json>,
    /// `prowgen`.
    pub prowgen: Derived<Json>,
    /// `releases`.
    pub releases: Derived<Json>,
    /// `resources`.
    pub resources: Derived<Json>,
    /// `tests`.
    pub tests: Derived<Json>,
    /// Whether `images` of a new file is `{items: […]}`.
    pub images_as_items: Derived<bool>,
    /// Whether an input lists only the names of the last stage that resolves to it.
    pub last_stage_only: Derived<bool>,
    /// Whether a config that means the same is written in our form.
    pub rewrite_same_meaning: Derived<bool>,
    /// Whether something about the config itself could not be derived, so that nothing of it is touched.
    pub broken: bool,
}

/// Puts the images of each repository into one config.
pub(super) fn configs(outline: &mut Outline<'_>, scope: &Scope<'_>) -> BTreeMap<RepoName, Config> {
    let mut members: BTreeMap<RepoName, Vec<String>> = BTreeMap::new();
    for (key, image) in &outline.images {
        if let Some(repo) = &image.repository.value {
            members.entry(repo.clone()).or_default().push(key.clone());
        }
    }
    let unneeded = unneeded(outline);
    let shared = &*outline;
    let made = members.into_par_iter().map(|(repo, keys)| {
        let (outline, findings) = (shared, Vec::new());
        let draft = Draft {
            outline,
            scope,
            findings,
        };
        let (config, findings) = draft.config(&repo, keys, unneeded.get(&repo));
        (repo, config, findings)
    });
    let mut configs = BTreeMap::new();
    for (repo, config, findings) in made.collect::<Vec<_>>() {
        outline.findings.extend(findings);
        configs.insert(repo, config);
    }
    configs
}

/// Images that nothing needs, by repository: their tags, and why.
fn unneeded(outline: &Outline<'_>) -> BTreeMap<RepoName, BTreeMap<String, Dropped>> {
    let mut unneeded: BTreeMap<RepoName, BTreeMap<String, Dropped>> = BTreeMap::new();
    for (key, asked) in &outline.unneeded {
        let Some(facts) = outline.metadata.images.get(key) else {
            continue;
        };
        // A tag that is made of something else than a key that names it is no evidence.
        let tag = &asked.tag.value;
        let taken = taken_from(outline.rules, &asked.tag.tried, "tag");
        let named = taken.is_some_and(|key| facts.get(key).as_str() == Some(tag));
        let repo = outline
            .metadata
            .repository_of(&facts.view)
            .and_then(|name| name.parse().ok());
        let Some(repo) = repo.filter(|_| named && !tag.is_empty()) else {
            continue;
        };
        let file = Metadata::image_file(key);
        let dropped = Dropped {
            key: key.clone(),
            why: format!("{file} is neither for the payload nor built into anything that is"),
            rule: asked.needed.deciders().last(),
        };
        unneeded.entry(repo).or_default().insert(tag.clone(), dropped);
    }
    unneeded
}

struct Draft<'o, 'a, 's> {
    outline: &'o Outline<'a>,
    scope: &'s Scope<'s>,
    findings: Vec<Finding>,
}

impl Draft<'_, '_, '_> {
    fn config(
        mut self,
        repo: &RepoName,
        mut keys: Vec<String>,
        unneeded: Option<&BTreeMap<String, Dropped>>,
    ) -> (Config, Vec<Finding>) {
        let images = &self.outline.images;
        let (mut held, mut dropped) = (BTreeSet::new(), unneeded.cloned().unwrap_or_default());
        for image in keys.iter().map(|key| &images[key]) {
            match &image.standing {
                Standing::Derived => {}
                Standing::Held => drop(held.insert(image.tag.value.clone())),
                Standing::Dropped(why) => {
                    let (key, why) = (image.key.clone(), why.clone());
                    let rule = image.excluded.deciders().last();
                    dropped.insert(image.tag.value.clone(), Dropped { key, why, rule });
                }
            }
        }
        // Also of images that could not be derived: their file is where the branch says, and has to stay.
        let branch = keys
            .iter()
            .map(|key| &images[key].branch)
            .find(|branch| !branch.is_empty());
        let branch = branch.cloned().unwrap_or_default();
        keys.retain(|key| images[key].standing == Standing::Derived);
        // The order that openshift/release's OKD configs have: depth along bases, then the name of the metadata's file.
        keys.sort_by_cached_key(|key| (images[key].depth, format!("{key}.yml")));
        dropped.retain(|tag, _| !held.contains(tag) && keys.iter().all(|key| images[key].tag.value != *tag));
        let mut scope = self.scope.inner();
        let full = repo.to_string();
        scope.give(
            "repo",
            json!({"org": repo.org, "name": repo.repo, "full": full, "branch": branch}),
        );
        scope.give("images", keys.iter().map(|key| images[key].view.clone()).collect());
        let mut broken = false;
        let mut field = |name: &str| {
            let rules = self.outline.rules;
            let decision = rules.decide(Subject::Config, name, self.outline.metadata.release, &scope);
            let found = failures(rules, &decision, name, &full);
            broken |= !found.is_empty();
            self.findings
                .extend(found.into_iter().map(|finding| finding.with_component(full.clone())));
            decision
        };
        let (root, promotion, releases) = (field("build_root"), field("promotion"), field("releases"));
        let (resources, tests, prowgen) = (field("resources"), field("tests"), field("prowgen"));
        let words = [
            ("images_form", "items"),
            ("stage_names", "last"),
            ("same_meaning", "rewrite"),
        ];
        let [images_as_items, last_stage_only, rewrite_same_meaning] =
            words.map(|(name, word)| is_word(field(name), word));
        let build_root = if keys.is_empty() {
            Derived::default()
        } else {
            self.build_root(root, &full, &mut broken)
        };
        self.check_build_roots(&keys, &full);
        let config = Config {
            repo: repo.clone(),
            branch,
            images: keys,
            held,
            dropped,
            build_root,
            promotion: object(promotion),
            prowgen: object(prowgen),
            releases: object(releases),
            resources: object(resources),
            tests: Derived::new(tests.value.clone().unwrap_or(json!([])), tests),
            images_as_items,
            last_stage_only,
            rewrite_same_meaning,
            broken,
        };
        (config, self.findings)
    }

    fn build_root(&mut self, decision: Decision, repo: &str, broken: &mut bool) -> Derived<Option<StreamTag>> {
        let Some(reference) = decision
            .value
            .clone()
            .filter(|value| value.as_object().is_some_and(|map| !map.is_empty()))
        else {
            return Derived::new(None, decision);
        };
        let outline = self.outline;
        let mut resolver = Resolver::new(outline.rules, outline.metadata, &outline.images, self.scope);
        let resolved = resolver.resolve(&reference).and_then(|resolved| {
            StreamTag::parse(&resolved.pullspec).ok_or_else(|| super::resolve::Unresolved {
                message: format!("{} is no `registry/namespace/name:tag`", resolved.pullspec),
                help: "a build root must be an image stream tag".into(),
                missing: None,
                findings: Vec::new(),
            })
        });
        match resolved {
            Ok(tag) => Derived::new(Some(tag), decision),
            Err(unresolved) => {
                *broken = true;
                let text = format!("the build root of {repo} cannot be resolved: {}", unresolved.message);
                let finding = Finding::new(Severity::Error, "unresolved-build-root", text)
                    .with_component(repo.to_owned())
                    .with_help(unresolved.help);
                self.findings.push(finding);
                Derived::new(None, decision)
            }
        }
    }

    /// A config has one build root; images that ask for different ones deserve a word.
    fn check_build_roots(&mut self, keys: &[String], repo: &str) {
        let asked = |key: &String| Some(&self.outline.images[key].build_root.value).filter(|root| named(root));
        let mut roots: Vec<&Json> = keys.iter().filter_map(asked).collect();
        roots.dedup();
        if roots.len() > 1 {
            let names: Vec<_> = roots.iter().map(ToString::to_string).collect();
            let text = format!(
                "the images of {repo} ask for different build roots: {}",
                names.join(", ")
            );
            self.findings.push(
                Finding::new(Severity::Note, "build-roots-differ", text)
                    .with_component(repo.to_owned())
                    .with_help("a config has one build root; rules on `config` choose it"),
            );
        }
    }
}

fn named(root: &Json) -> bool {
    root.as_object().is_some_and(|map| !map.is_empty())
}

fn object(decision: Decision) -> Derived<Json> {
    Derived::new(decision.value.clone().unwrap_or(json!({})), decision)
}

fn is_word(decision: Decision, word: &str) -> Derived<bool> {
    Derived::new(decision.value.as_ref().and_then(Json::as_str) == Some(word), decision)
}
