//! Target `prow-config`: OKD's ci-operator configs in openshift/release.

mod document;
mod froms;
mod images;
mod meaning;
mod merge;
mod moved;
mod other_release;
mod promotion;
mod steps;
mod strays;
#[cfg(test)]
mod tests;
mod wording;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rayon::prelude::*;

use self::document::{Document, document};
use self::merge::Merge;
use self::moved::Homes;
pub use self::other_release::Own;
use super::{Actual, Ask, Cut, Destination, Fields, Reads, Rendered, Target, Tree};
use crate::base::RepoName;
use crate::facts::ci_config::{self, ConfigName};
use crate::facts::promoted;
use crate::finding::{Finding, Severity};
use crate::model::build_config::{BuildConfig, Dropped, Repository};
use crate::model::replacement::read_item;
use crate::plan::{Cause, Desired, Policy, Verdict, WHOLE_FILE};
use crate::targets::asking;
use crate::yaml::keys::NO_OPTIONS;
use crate::yaml::{self, Node};

/// The target.
pub static TARGET: Target = Target {
    name: "prow-config",
    group: "ci",
    about: "ci-operator configs: how OKD's images are built, and where they are promoted to",
    place: "the CI config repository, one branch for all releases",
    owns: "configs of OKD's variant: `base_images`, `build_root`, `images`, `promotion`, `raw_steps` and what else rules manage",
    seeds: "what rules seed in new files, such as `resources`",
    leaves: "tests and fields that people added, and configs that no image of build data asks for",
    options: &NO_OPTIONS,
    after: &[],
    destinations: Destination::ci_config,
    reads,
    render,
    cut: Cut::Promotes,
    wait: super::door::no_wait,
    folders: &[],
};

/// The path of a repository's config of ours.
pub fn path(release: &BuildConfig, repo: &RepoName, config: &Repository) -> String {
    let name = ConfigName {
        branch: config.branch.clone(),
        variant: Some(release.payload.variant.value.clone()),
    };
    name.path(&repo.org, &repo.repo)
}

/// All configs of our variant, of whatever repository and release.
fn reads(ask: &Ask<'_>, _: &RepoName) -> Result<Reads, Vec<Finding>> {
    let variant = ask.rules().payload().variant.value.clone();
    let (key, end) = (Some(variant.clone()), format!("__{variant}.yaml"));
    let is_ours = move |path: &str| {
        let name = ci_config::taken_apart(path).map(|(_, _, name)| name);
        name.is_some_and(|name| name.variant.as_deref() == Some(&*variant))
    };
    // There are thousands of others, and the end of most names tells that.
    let tree = Tree::of(ci_config::ROOT, 3).only(move |path| path.ends_with(&end) && is_ours(path));
    let trees = vec![Tree { key, ..tree }];
    Ok(Reads {
        trees,
        ..Reads::default()
    })
}

/// Renders all configs of a release onto the files that are there.
pub fn render(ask: &Ask<'_>, actual: &Actual) -> Rendered {
    let mut rendered = Rendered::default();
    let fields = match Fields::of(ask.rules(), TARGET.name) {
        Ok(fields) => fields,
        Err(findings) => {
            rendered.findings = findings;
            rendered.missed.insert(TARGET.name.to_owned());
            return rendered;
        }
    };
    let release = ask.build_config();
    let configs: Vec<_> = release
        .repositories
        .iter()
        .filter(|(_, config)| !config.branch.is_empty())
        .collect();
    let homes = Homes::of(release, actual);
    let files = configs.into_par_iter().map(|(repo, config)| {
        let (fields, homes, path) = (&fields, &homes, path(release, repo, config));
        let file = File {
            ask,
            release,
            repo,
            config,
            actual,
            fields,
            homes,
            path,
        };
        let mut findings = Vec::new();
        (file.desired(&mut findings), findings)
    });
    for (desired, findings) in files.collect::<Vec<_>>() {
        rendered.files.extend(desired);
        rendered.findings.extend(findings);
    }
    strays::judge(ask, &homes, actual, &fields, &mut rendered);
    for finding in &mut rendered.findings {
        finding.release.get_or_insert_with(|| release.release.to_string());
    }
    let unread = actual.unreadable.iter().map(|(path, why)| {
        Finding::new(Severity::Error, "unreadable-config", why.clone())
            .with_place(actual.place(path, None))
            .with_help("put the file right by hand; until then it stays as it is")
    });
    rendered.findings.extend(unread);
    rendered
}

/// What a config's own release is, for what people added to it.
pub fn own<'o>(release: &'o BuildConfig, config: &'o Repository) -> Own<'o> {
    let all = release.repositories.values();
    Own {
        streams: promotion::Streams::of(release),
        images: config.images.iter().map(String::as_str).collect(),
        payload: all.flat_map(|config| &config.images).map(String::as_str).collect(),
    }
}

struct File<'f> {
    ask: &'f Ask<'f>,
    release: &'f BuildConfig,
    repo: &'f RepoName,
    config: &'f Repository,
    actual: &'f Actual,
    fields: &'f Fields,
    homes: &'f Homes<'f>,
    path: String,
}

impl File<'_> {
    fn desired(&self, findings: &mut Vec<Finding>) -> Option<Desired> {
        if self.actual.unreadable.contains_key(&self.path) {
            return Some(self.file(None, None, true));
        }
        let before = self.actual.files.get(&self.path).cloned();
        let root = match before.as_deref().map(read).transpose() {
            Ok(root) => root,
            Err(error) => {
                findings.push(self.unreadable(&error));
                return before.map(|before| self.file(Some(before), None, true));
            }
        };
        if let Some(root) = &root {
            self.look_at(root, findings);
        }
        let built = root.as_ref().map(tags).unwrap_or_default();
        let left = self
            .homes
            .left(self.repo, &built, before.as_deref().unwrap_or_default());
        if !left.is_empty() {
            return self.without(left, before, root, findings);
        }
        self.of_config(before, root, findings)
    }

    /// The file without images that have moved to another repository.
    fn without(
        &self,
        left: BTreeMap<String, Dropped>,
        before: Option<Arc<[u8]>>,
        root: Option<Node>,
        findings: &mut Vec<Finding>,
    ) -> Option<Desired> {
        let mut config = self.config.clone();
        config.dropped.extend(left);
        let file = File {
            config: &config,
            path: self.path.clone(),
            ..*self
        };
        file.of_config(before, root, findings)
    }

    fn of_config(&self, before: Option<Arc<[u8]>>, root: Option<Node>, findings: &mut Vec<Finding>) -> Option<Desired> {
        let there = root.as_ref().map(tags).unwrap_or_default();
        findings.extend(
            root.iter()
                .flat_map(promoted::images)
                .flat_map(|item| self.inputs_unread(item)),
        );
        let document = document(self.ask.metadata(), self.release, (self.repo, self.config), &there);
        findings.extend(document.findings.iter().cloned());
        if self.config.broken || document.images.is_empty() {
            let held = self.config.broken || !document.left_out.is_empty();
            return match before {
                None if !held => None,
                before => Some(self.file(before, None, held)),
            };
        }
        Some(self.merged(before, root, &document, findings))
    }

    /// Looks at what is there: what CI refuses, and what names another release.
    fn look_at(&self, root: &Node, findings: &mut Vec<Finding>) {
        for (line, what) in root.get("promotion").map(promotion::faults).unwrap_or_default() {
            let finding = Finding::new(
                Severity::Error,
                "promotion-refused",
                format!("a target of `promotion` {what}"),
            )
            .with_help("CI's tools stop at such a file: complete the target or remove it");
            findings.push(self.placed((finding, line)));
        }
        let named = own(self.release, self.config).finding(root);
        findings.extend(named.map(|named| self.placed(named)));
    }

    fn merged(
        &self,
        before: Option<Arc<[u8]>>,
        root: Option<Node>,
        document: &Document,
        findings: &mut Vec<Finding>,
    ) -> Desired {
        let new_file = root.is_none();
        let mut merged = root.unwrap_or_default();
        let Self {
            ask,
            release,
            repo,
            config,
            fields,
            ..
        } = *self;
        let policy_of_parts = Policy::default();
        let policy = if new_file { &policy_of_parts } else { ask.policy };
        let (causes, refused) = (Vec::new(), Vec::new());
        let mut run = Merge {
            release,
            repo,
            config,
            document,
            fields,
            policy,
            causes,
            refused,
            findings: Vec::new(),
            new_file,
            used_before: BTreeSet::new(),
        };
        run.merge(&mut merged);
        let (causes, refused) = (run.causes, run.refused);
        findings.extend(run.findings.into_iter().map(|finding| self.placed(finding)));
        let after = if causes.is_empty() {
            None
        } else {
            Some(Arc::from(yaml::emit(&merged).into_bytes()))
        };
        let mut desired = self.file(before, after, false);
        desired.refused = refused;
        if new_file {
            desired.images = document.images.iter().map(|item| item.to.clone()).collect();
            desired.images.sort();
            desired.notes.extend(
                document
                    .left_out
                    .iter()
                    .map(|tag| format!("lacks {tag}, which could not be derived")),
            );
            self.settle_new_file(&mut desired);
        } else {
            desired.causes = causes;
            self.note_form(&mut desired);
        }
        desired
    }

    /// A new file is one difference, whatever stands in it.
    fn settle_new_file(&self, desired: &mut Desired) {
        // Where several images are new, one that is needed for its own sake says more than what that one is built from.
        let reasons = || {
            let images = self.config.keys.iter().filter_map(|key| self.release.images.get(key));
            images.map(|image| &image.reason)
        };
        let reason = reasons()
            .find(|reason| !reason.for_another)
            .or_else(|| reasons().next());
        let rule = reason.and_then(|reason| reason.rule.as_ref());
        let cause = Cause {
            images: desired.images.clone(),
            new: Some(format!("builds {}", desired.images.join(", "))),
            because: reason.map(|reason| reason.because.clone()).unwrap_or_default(),
            ..asking::cause_of(rule, WHOLE_FILE, self.repo.to_string())
        };
        match self.ask.policy.verdict(&cause, &desired.release) {
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
        let mut images = self.config.images.clone();
        images.sort();
        Desired {
            component: Some(self.repo.to_string()),
            images,
            after: after.or_else(|| before.clone()),
            before,
            held,
            ..self.actual.file(&TARGET, self.ask.rules(), &*self.path)
        }
    }

    /// Inputs of an item that CI cannot read.
    fn inputs_unread(&self, item: &Node) -> Vec<Finding> {
        let to = item.get("to").and_then(Node::text).unwrap_or_default();
        let faults = read_item(item).faults.into_iter().map(|fault| {
            let text = format!(
                "inputs.{} of {to}: {} is expected, this is {}",
                fault.input, fault.expected, fault.found
            );
            Finding::new(Severity::Error, "unreadable-inputs", text)
                .with_place(self.actual.place(&self.path, Some(fault.pos.line)))
                .with_component(self.repo.to_string())
                .with_image(to)
                .with_help("CI's programs read no such config: put it right, or merge lockstep's pull request")
        });
        faults.collect()
    }

    fn unreadable(&self, error: &yaml::Error) -> Finding {
        let text = format!("the config cannot be read: {}", error.text());
        let finding = Finding::new(Severity::Error, "unreadable-config", text)
            .with_help("put the file right by hand; until then it stays as it is");
        self.placed((finding, error.pos.line))
    }

    /// A finding at a line of the file.
    fn placed(&self, (finding, line): (Finding, u32)) -> Finding {
        let place = self.actual.place(&self.path, Some(line));
        finding.with_place(place).with_component(self.repo.to_string())
    }
}

/// Reads a config: a mapping, or nothing at all.
fn read(bytes: &[u8]) -> Result<Node, yaml::Error> {
    let root = yaml::parse(bytes)?;
    if root.is_null() || root.as_map().is_some() {
        return Ok(root);
    }
    Err(yaml::Error {
        pos: root.pos,
        message: format!("a mapping is expected, this is {}", root.type_name()),
    })
}

/// The tags of a config's images, in either form of `images`.
fn tags(root: &Node) -> BTreeSet<String> {
    let tags = promoted::images(root).iter().filter_map(|item| item.get("to")?.text());
    tags.map(str::to_owned).collect()
}
