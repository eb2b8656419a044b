//! Target `prow-config`: OKD's ci-operator configs in openshift/release.

mod document;
mod images;
mod meaning;
mod merge;

use std::sync::Arc;

use rayon::prelude::*;

use self::document::{Document, document};
use self::merge::Merge;
use super::{Actual, Fields, Rendered, release_name};
use crate::audit::{Finding, Place, Severity};
use crate::derive::{Config, Release};
use crate::facts::ci_config::{self, ConfigName};
use crate::plan::{Cause, Desired, Policy, Verdict};
use crate::yaml::{self, Node};

/// The target's name, as configuration and plans have it.
pub const NAME: &str = "prow-config";

/// The group whose files change in one pull request.
pub const GROUP: &str = "ci";

/// The path of a config of ours.
pub fn path(release: &Release<'_>, config: &Config) -> String {
    let name = ConfigName {
        branch: config.branch.clone(),
        variant: Some(release.payload.variant.value.clone()),
    };
    name.path(&config.repo.org, &config.repo.repo)
}

/// Renders all configs of a release onto the files that are there.
pub fn render(release: &Release<'_>, actual: &Actual, policy: &Policy) -> Rendered {
    let mut rendered = Rendered::default();
    let fields = match Fields::of(release.rules, release.metadata, NAME, &release.payload.view) {
        Ok(fields) => fields,
        Err(findings) => {
            rendered.findings = findings;
            return rendered;
        }
    };
    let configs: Vec<&Config> = release
        .configs
        .values()
        .filter(|config| !config.branch.is_empty())
        .collect();
    let files = configs.into_par_iter().map(|config| {
        let (fields, path) = (&fields, path(release, config));
        let file = File {
            release,
            config,
            actual,
            policy,
            fields,
            path,
        };
        let mut findings = Vec::new();
        (file.desired(&mut findings), findings)
    });
    for (desired, findings) in files.collect::<Vec<_>>() {
        rendered.files.extend(desired);
        rendered.findings.extend(findings);
    }
    strays(release, actual, policy, &fields, &mut rendered);
    for finding in &mut rendered.findings {
        finding.release.get_or_insert_with(|| release_name(release));
    }
    rendered
}

struct File<'f> {
    release: &'f Release<'f>,
    config: &'f Config,
    actual: &'f Actual,
    policy: &'f Policy,
    fields: &'f Fields,
    path: String,
}

impl File<'_> {
    fn desired(&self, findings: &mut Vec<Finding>) -> Option<Desired> {
        let before = self.actual.files.get(&self.path).cloned();
        let document = document(self.release, self.config);
        findings.extend(document.findings.iter().cloned());
        let held = self.config.broken || document.images.len() < self.config.images.len();
        if document.images.is_empty() || held {
            let held = held || !self.config.held.is_empty();
            return before.map(|before| self.file(Some(before), None, held));
        }
        let root = match before.as_deref().map(yaml::parse).transpose() {
            Ok(root) => root,
            Err(error) => {
                findings.push(self.unreadable(&error));
                return before.map(|before| self.file(Some(before), None, true));
            }
        };
        Some(self.merged(before, root, &document))
    }

    fn merged(&self, before: Option<Arc<[u8]>>, root: Option<Node>, document: &Document) -> Desired {
        let new_file = root.is_none();
        let mut merged = root.unwrap_or_default();
        let Self {
            release,
            config,
            policy,
            fields,
            ..
        } = *self;
        let policy_of_parts = Policy::default();
        let policy = if new_file { &policy_of_parts } else { policy };
        let (causes, refused) = (Vec::new(), Vec::new());
        let mut run = Merge {
            release,
            config,
            document,
            fields,
            policy,
            causes,
            refused,
            new_file,
        };
        run.merge(&mut merged);
        let (causes, refused) = (run.causes, run.refused);
        let after = if causes.is_empty() {
            None
        } else {
            Some(Arc::from(yaml::emit(&merged).into_bytes()))
        };
        let mut desired = self.file(before, after, !config.held.is_empty());
        desired.held = false;
        desired.refused = refused;
        if new_file {
            self.settle_new_file(&mut desired);
        } else {
            desired.causes = causes;
            self.note_form(&mut desired);
        }
        desired
    }

    /// A new file is one difference, whatever stands in it.
    fn settle_new_file(&self, desired: &mut Desired) {
        let images = self.config.images.iter().filter_map(|key| self.release.images.get(key));
        let rule = images.flat_map(|image| image.needed.deciders()).next();
        let rule = rule.and_then(|at| self.release.rules.rules.get(at));
        let cause = Cause {
            rule: rule.map(|rule| rule.id.clone()).unwrap_or_default(),
            rule_at: rule.map(|rule| rule.place.to_string()).unwrap_or_default(),
            field: "file".to_owned(),
            item: None,
            component: self.config.repo.to_string(),
            images: desired.images.clone(),
            old: None,
            new: Some(format!("builds {}", desired.images.join(", "))),
            because: rule.map(|rule| rule.because.clone()).unwrap_or_default(),
        };
        match self.policy.verdict(&cause, &desired.release) {
            Verdict::Apply => desired.causes = vec![cause],
            verdict => {
                desired.after = None;
                desired.refused = vec![crate::plan::Refused { cause, verdict }];
            }
        }
    }

    fn note_form(&self, desired: &mut Desired) {
        let (Some(before), Some(_)) = (&desired.before, &desired.after) else {
            return;
        };
        if desired.before == desired.after {
            return;
        }
        let canonical = yaml::parse(before).is_ok_and(|root| yaml::emit(&root).as_bytes() == &**before);
        if !canonical {
            desired
                .notes
                .push("was not in canonical form and is rewritten so; comments do not survive that".to_owned());
        }
    }

    fn file(&self, before: Option<Arc<[u8]>>, after: Option<Arc<[u8]>>, held: bool) -> Desired {
        let tags = self.config.images.iter().filter_map(|key| self.release.images.get(key));
        let mut images: Vec<String> = tags.map(|image| image.tag.value.clone()).collect();
        images.sort();
        Desired {
            repo: self.actual.repo.clone(),
            branch: self.actual.branch.clone(),
            path: self.path.clone(),
            release: release_name(self.release),
            target: NAME.to_owned(),
            group: GROUP.to_owned(),
            component: Some(self.config.repo.to_string()),
            images,
            after: after.or_else(|| before.clone()),
            before,
            causes: Vec::new(),
            refused: Vec::new(),
            notes: Vec::new(),
            held,
        }
    }

    fn unreadable(&self, error: &yaml::Error) -> Finding {
        let origin = &self.actual.origin;
        let line = Some(error.pos.line);
        let place = Place {
            repo: origin.name.clone(),
            commit: origin.commit.clone(),
            file: self.path.clone(),
            line,
        };
        Finding::new(
            Severity::Error,
            "unreadable-config",
            format!("the config is no YAML: {}", error.text()),
        )
        .with_place(place)
        .with_component(self.config.repo.to_string())
        .with_help("put the file right by hand; until then it stays as it is")
    }
}

/// Configs of our variant that promote to the release and that nothing derives: removed where metadata positively
/// dropped all of their images and nobody added anything, reported otherwise.
fn strays(release: &Release<'_>, actual: &Actual, policy: &Policy, fields: &Fields, rendered: &mut Rendered) {
    let derived: std::collections::BTreeSet<String> = rendered.files.iter().map(|file| file.path.clone()).collect();
    for (file, bytes) in actual.files.iter().filter(|(file, _)| !derived.contains(*file)) {
        let Some((org, repo, name)) = taken_apart(file) else {
            continue;
        };
        let ours = name.variant.as_deref() == Some(release.payload.variant.value.as_str());
        if !ours || !promotes_here(release, bytes) {
            continue;
        }
        let name_of_repo = crate::source::RepoName {
            org: org.to_owned(),
            repo: repo.to_owned(),
        };
        let stray = Stray {
            release,
            actual,
            file,
            bytes,
            repo: name_of_repo,
            branch: name.branch,
        };
        match stray.judge(fields) {
            Ok(None) => {}
            Ok(Some(desired)) => stray.remove(desired, policy, rendered),
            Err(finding) => rendered.findings.push(*finding),
        }
    }
}

fn taken_apart(path: &str) -> Option<(&str, &str, ConfigName)> {
    let mut parts = path.strip_prefix(ci_config::ROOT)?.strip_prefix('/')?.split('/');
    let (org, repo, file) = (parts.next()?, parts.next()?, parts.next()?);
    Some((org, repo, ConfigName::parse(file, org, repo)?))
}

fn promotes_here(release: &Release<'_>, bytes: &[u8]) -> bool {
    let (namespace, name) = (&release.payload.namespace.value, &release.payload.name.value);
    let promotions = ci_config::promotions(bytes).unwrap_or_default();
    promotions
        .iter()
        .any(|p| !p.disabled && p.namespace == *namespace && p.name == *name)
}

struct Stray<'s> {
    release: &'s Release<'s>,
    actual: &'s Actual,
    file: &'s str,
    bytes: &'s Arc<[u8]>,
    repo: crate::source::RepoName,
    branch: String,
}

impl Stray<'_> {
    fn judge(&self, fields: &Fields) -> Result<Option<Desired>, Box<Finding>> {
        let Some(config) = self.release.configs.get(&self.repo) else {
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
        if !config.held.is_empty() || !self.release.complete {
            return Ok(None);
        }
        if !config.images.is_empty() {
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
        match self.only_managed(config, fields) {
            Ok(()) => Ok(Some(self.removal(config))),
            Err(what) => {
                let text = format!(
                    "metadata dropped all images of {}, but the config has {what}",
                    self.repo
                );
                Err(self.finding(
                    "dropped-with-additions",
                    text,
                    "remove the config by hand, or what was added to it",
                ))
            }
        }
    }

    fn only_managed(&self, config: &Config, fields: &Fields) -> Result<(), String> {
        let root = yaml::parse(self.bytes).map_err(|error| format!("no readable content: {error}"))?;
        let known = |key: &str| {
            let mut all = fields.manage.iter().chain(&fields.seed);
            all.any(|field| field.split('.').next() == Some(key))
        };
        for (key, node) in root.as_map().into_iter().flat_map(crate::yaml::Mapping::iter) {
            if !known(key) {
                return Err(format!("a field `{key}` that somebody added"));
            }
            let items = node
                .as_seq()
                .or_else(|| node.get("items").and_then(Node::as_seq))
                .unwrap_or_default();
            let text = |item: &Node, name: &str| item.get(name).and_then(Node::text).unwrap_or_default().to_owned();
            for item in items {
                let ours = match key {
                    "images" => config.dropped.contains_key(&text(item, "to")),
                    "tests" => config
                        .tests
                        .value
                        .as_array()
                        .into_iter()
                        .flatten()
                        .any(|t| t["as"] == text(item, "as")),
                    _ => true,
                };
                if !ours {
                    return Err(format!("an item of `{key}` that somebody added"));
                }
            }
        }
        Ok(())
    }

    fn removal(&self, config: &Config) -> Desired {
        let why = config.dropped.values().next().cloned().unwrap_or_default();
        let rule = self.release.rules.candidates(crate::rules::Subject::Image, "excluded");
        let rule = rule
            .and_then(|known| known.setters.first())
            .map(|at| &self.release.rules.rules[*at]);
        let images: Vec<String> = config.dropped.keys().cloned().collect();
        let cause = Cause {
            rule: rule.map(|rule| rule.id.clone()).unwrap_or_default(),
            rule_at: rule.map(|rule| rule.place.to_string()).unwrap_or_default(),
            field: "file".to_owned(),
            item: None,
            component: self.repo.to_string(),
            images: images.clone(),
            old: Some(format!("builds {}", images.join(", "))),
            new: None,
            because: why,
        };
        Desired {
            repo: self.actual.repo.clone(),
            branch: self.actual.branch.clone(),
            path: self.file.to_owned(),
            release: release_name(self.release),
            target: NAME.to_owned(),
            group: GROUP.to_owned(),
            component: Some(self.repo.to_string()),
            images,
            before: Some(Arc::clone(self.bytes)),
            after: None,
            causes: vec![cause],
            refused: Vec::new(),
            notes: Vec::new(),
            held: false,
        }
    }

    fn remove(&self, mut desired: Desired, policy: &Policy, rendered: &mut Rendered) {
        let verdicts = desired
            .causes
            .iter()
            .map(|cause| policy.verdict(cause, &desired.release));
        if let Some(verdict) = verdicts.into_iter().find(|verdict| *verdict != Verdict::Apply) {
            desired.after.clone_from(&desired.before);
            let causes = std::mem::take(&mut desired.causes);
            desired.refused = causes
                .into_iter()
                .map(|cause| crate::plan::Refused { cause, verdict })
                .collect();
        }
        rendered.files.push(desired);
    }

    fn finding(&self, code: &'static str, text: String, help: &str) -> Box<Finding> {
        let origin = &self.actual.origin;
        let place = Place {
            repo: origin.name.clone(),
            commit: origin.commit.clone(),
            file: self.file.to_owned(),
            line: None,
        };
        Box::new(
            Finding::new(Severity::Warning, code, text)
                .with_place(place)
                .with_component(self.repo.to_string())
                .with_help(help),
        )
    }
}
