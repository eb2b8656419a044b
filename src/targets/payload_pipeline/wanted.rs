//! What a BuildConfig says of its image: each managed field against what is there.

use super::causes::Causes;
use super::found::{Found, base_name};
use super::names::{Plan, Reference};
use crate::model::build_config::RuleAt;
use crate::plan::Cause;
use crate::targets::documents::Files;
use crate::targets::paths::{below, clean};
use crate::yaml::Node;
use crate::yaml::edit::path::{Step, find, keys, remove, set};

/// The labels by which an image gets none of the patches for all.
pub(super) const SKIP: [&str; 2] = ["skip-replace-builder", "skip-replace-cli"];
/// The label by which a variant's patch replaces the build arguments.
pub(super) const TAGS_LABEL: &str = "change-build-arg-tags";
/// The one build argument that variants set.
pub(super) const TAGS: &str = "TAGS";

const LABELS: [&str; 2] = ["metadata", "labels"];
const STRATEGY: [&str; 3] = ["spec", "strategy", "dockerStrategy"];

/// One field that is to be changed.
pub(super) struct Change {
    pub cause: Cause,
    pub apply: Box<dyn FnOnce(&mut Node)>,
}

/// What of a BuildConfig is decided by something else than the image's metadata.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    /// Its Dockerfile is a fork, put over the repository's by an item with `paths`.
    pub fork: Option<String>,
    /// Its branch is set by a patch.
    pub branch: bool,
}

/// The path of a Dockerfile as the build sees it.
pub(super) fn below_context(plan: &Plan<'_>) -> String {
    below(&plan.image.dockerfile.value, &plan.image.context_dir.value)
}

/// The fork that stands for a BuildConfig's Dockerfile, if one does: an item with `paths` that puts it there.
pub(super) fn fork_of(node: &Node, forks: &str) -> Option<String> {
    let dockerfile = clean(node.at(&[&STRATEGY[..], &["dockerfilePath"]].concat())?.text()?);
    let items = node.at(&["spec", "source", "images"])?.as_seq()?;
    let forked = items
        .iter()
        .filter(|item| item.at(&["from", "name"]).and_then(Node::text) == Some(forks));
    let paths = forked.filter_map(|item| item.get("paths")?.as_seq()).flatten();
    let mut puts = paths.filter_map(|path| {
        let from = path.get("sourcePath")?.text()?;
        let folder = clean(path.get("destinationDir").and_then(Node::text).unwrap_or_default());
        let there = clean(&format!("{folder}/{}", base_name(from)));
        (there == dockerfile).then(|| from.to_owned())
    });
    puts.next_back()
}

/// The changes that one BuildConfig needs.
pub(super) fn changes(plan: &Plan<'_>, node: &Node, kept: &Kept, causes: &Causes<'_>) -> Vec<Change> {
    let mut changes = Changes {
        plan,
        node,
        causes,
        list: Vec::new(),
    };
    changes.source(kept);
    changes.output();
    if kept.fork.is_none() {
        changes.dockerfile();
        changes.base();
        changes.images();
        changes.build_args();
        changes.labels();
    }
    changes.list
}

struct Changes<'c> {
    plan: &'c Plan<'c>,
    node: &'c Node,
    causes: &'c Causes<'c>,
    list: Vec<Change>,
}

impl Changes<'_> {
    fn text(&self, path: &[&str]) -> Option<String> {
        self.node.at(path).and_then(Node::text).map(str::to_owned)
    }

    /// Sets a text; `same` says whether what is there means the same.
    fn set(&mut self, path: &'static [&'static str], rules: &[RuleAt], wanted: &str, same: impl Fn(&str) -> bool) {
        let there = self.text(path);
        if there.as_deref().is_some_and(&same) {
            return;
        }
        let field = path.last().copied().unwrap_or_default();
        let cause = self
            .causes
            .image(self.plan, field, None, rules, there, Some(wanted.to_owned()));
        let wanted = Node::string(wanted);
        self.push(cause, move |root| _ = set(root, &keys(path), wanted));
    }

    fn push(&mut self, cause: Cause, apply: impl FnOnce(&mut Node) + 'static) {
        self.list.push(Change {
            cause,
            apply: Box::new(apply),
        });
    }

    fn source(&mut self, kept: &Kept) {
        let image = self.plan.image;
        self.set(&["spec", "source", "type"], &[], "Git", |there| there == "Git");
        let uri = format!("https://github.com/{}", image.repository.value);
        self.set(
            &["spec", "source", "git", "uri"],
            &image.repository.rules,
            &uri,
            |there| there == uri,
        );
        if !kept.branch {
            let branch = &image.branch.value;
            self.set(
                &["spec", "source", "git", "ref"],
                &image.branch.rules,
                branch,
                |there| there == branch,
            );
        }
        let context = clean(&image.context_dir.value);
        let there = self.text(&["spec", "source", "contextDir"]);
        if clean(there.as_deref().unwrap_or_default()) != context {
            let wanted = if context.is_empty() { "." } else { &context };
            self.set(
                &["spec", "source", "contextDir"],
                &image.context_dir.rules,
                wanted,
                |_| false,
            );
        }
    }

    fn output(&mut self) {
        let wanted = self.plan.output.clone();
        let tag = &self.plan.here.tag;
        let rules = self.causes.rules_of(tag);
        self.set(&["spec", "output", "to", "kind"], &rules, "ImageStreamTag", |there| {
            there == "ImageStreamTag"
        });
        self.set(&["spec", "output", "to", "name"], &rules, &wanted, |there| {
            there == wanted
        });
    }

    fn dockerfile(&mut self) {
        let wanted = below_context(self.plan);
        let rules = self.plan.image.dockerfile.rules.clone();
        self.set(
            &["spec", "strategy", "dockerStrategy", "dockerfilePath"],
            &rules,
            &wanted,
            |there| clean(there) == wanted,
        );
    }

    fn base(&mut self) {
        let path = ["spec", "strategy", "dockerStrategy", "from"];
        let there = self.node.at(&path);
        let told = |node: &Node| {
            let text = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
            (text("kind"), text("name"))
        };
        let rules = self
            .plan
            .image
            .base
            .as_ref()
            .map(|base| base.pullspec.rules.clone())
            .unwrap_or_default();
        match (&self.plan.base, there) {
            (Some(base), Some(node)) if told(node) == (base.kind().to_owned(), base.name().to_owned()) => {}
            (Some(base), there) => {
                let old = there.map(|node| told(node).1);
                let cause = self
                    .causes
                    .image(self.plan, "from", None, &rules, old, Some(base.name().to_owned()));
                let (kind, name) = (base.kind(), base.name().to_owned());
                self.push(cause, move |root| {
                    let at = |key| [keys(&path), vec![Step::Key(key)]].concat();
                    _ = set(root, &at("kind"), Node::string(kind)) && set(root, &at("name"), Node::string(name));
                });
            }
            // A last stage that continues another one has no base of its own to replace.
            (None, Some(node)) => {
                let cause = self
                    .causes
                    .image(self.plan, "from", None, &rules, Some(told(node).1), None);
                self.push(cause, move |root| drop(remove(root, &keys(&path))));
            }
            (None, None) => {}
        }
    }

    fn build_args(&mut self) {
        let list = [
            Step::Key("spec"),
            Step::Key("strategy"),
            Step::Key("dockerStrategy"),
            Step::Key("buildArgs"),
        ];
        let wanted = self.plan.image.build_args.value.as_array().cloned().unwrap_or_default();
        for arg in wanted {
            let (Some(name), Some(value)) = (arg["name"].as_str(), arg["value"].as_str()) else {
                continue;
            };
            let identity: &[&str] = &["name"];
            let item = [&list[..], &[Step::With(identity, name)]].concat();
            let there = find(self.node, &item)
                .and_then(|item| item.get("value"))
                .and_then(Node::text);
            if there == Some(value) {
                continue;
            }
            let rules = self.plan.image.build_args.rules.clone();
            let (old, new) = (there.map(str::to_owned), Some(value.to_owned()));
            let cause = self
                .causes
                .image(self.plan, "buildArgs[]", Some(name.to_owned()), &rules, old, new);
            let (name, value) = (name.to_owned(), value.to_owned());
            self.push(cause, move |root| {
                let at = [&list[..], &[Step::With(identity, &name), Step::Key("value")]].concat();
                _ = set(root, &at, Node::string(value));
            });
        }
    }

    fn labels(&mut self) {
        for label in SKIP {
            self.label(label, true);
        }
        let names = build_args(self.plan, self.node);
        let only_tags = names.len() == 1 && names[0] == TAGS;
        // A list that is not ours alone is replaced whole by the patch of a variant.
        self.label(TAGS_LABEL, only_tags);
    }

    fn label(&mut self, label: &'static str, wanted: bool) {
        let path = [keys(&LABELS), vec![Step::Key(label)]].concat();
        let there = find(self.node, &path).and_then(Node::text).map(str::to_owned);
        match (there.as_deref(), wanted) {
            (Some("true"), true) | (None, false) => {}
            (_, true) => {
                let cause = self
                    .causes
                    .engine(self.plan, "labels", label, there, Some("true".to_owned()));
                self.push(cause, move |root| _ = set(root, &path, Node::string("true")));
            }
            (Some(_), false) => {
                let cause = self.causes.engine(self.plan, "labels", label, there, None);
                self.push(cause, move |root| drop(remove(root, &path)));
            }
        }
    }

    fn images(&mut self) {
        let path = ["spec", "source", "images"];
        let there = self.node.at(&path).and_then(Node::as_seq);
        let wanted = images(self.plan, there.unwrap_or_default(), self.causes.stream());
        if there == Some(&wanted) {
            return;
        }
        let told = |items: &[Node]| {
            let texts = items.iter().filter_map(|item| {
                let name = item.at(&["from", "name"])?.text()?;
                let texts: Vec<_> = item.get("as")?.as_seq()?.iter().filter_map(Node::text).collect();
                Some(format!("{name} ← {}", texts.join(", ")))
            });
            Some(texts.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty())
        };
        let rules: Vec<RuleAt> = self
            .plan
            .image
            .builders
            .iter()
            .flat_map(|input| input.pullspec.rules.clone())
            .collect();
        let cause = self
            .causes
            .image(self.plan, "images[]", None, &rules, there.and_then(told), told(&wanted));
        self.push(cause, move |root| _ = set(root, &keys(&path), Node::seq(wanted)));
    }
}

/// The names of the build arguments that a BuildConfig will have.
pub(super) fn build_args(plan: &Plan<'_>, node: &Node) -> Vec<String> {
    let there = node
        .at(&[&STRATEGY[..], &["buildArgs"]].concat())
        .and_then(Node::as_seq)
        .unwrap_or_default();
    let there = there.iter().filter_map(|arg| arg.get("name")?.text());
    let wanted = plan
        .image
        .build_args
        .value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|arg| arg["name"].as_str());
    let mut names: Vec<String> = there.chain(wanted).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// The items of `images` as they should be: those with `paths` and foreign ones stay, ours say what they should.
fn images(plan: &Plan<'_>, there: &[Node], stream: &str) -> Vec<Node> {
    let mut wanted: Vec<&(Vec<String>, Reference)> = plan.replaced.iter().collect();
    let ours = |name: &str| name.strip_prefix(stream).is_some_and(|rest| rest.starts_with(':'));
    let mut items = Vec::new();
    for item in there {
        let name = item.at(&["from", "name"]).and_then(Node::text).unwrap_or_default();
        let mut item = item.clone();
        let Some(texts) = item.get("as").and_then(Node::as_seq).map(<[Node]>::to_vec) else {
            items.push(item);
            continue;
        };
        let at = wanted.iter().position(|(_, reference)| reference.name() == name);
        let left = match at {
            Some(at) => {
                let (all, reference) = wanted.remove(at);
                _ = set(&mut item, &keys(&["from", "kind"]), Node::string(reference.kind()));
                in_order(all, &texts)
            }
            // What replaces nothing in this Dockerfile, or what we know to be something else.
            None if ours(name) => Vec::new(),
            None => texts.into_iter().filter(|text| !is_ours(plan, text)).collect(),
        };
        let has_paths = item.get("paths").is_some();
        match left.is_empty() {
            true if !has_paths => continue,
            true => drop(remove(&mut item, &keys(&["as"]))),
            false => _ = set(&mut item, &keys(&["as"]), Node::seq(left)),
        }
        items.push(item);
    }
    items.extend(wanted.into_iter().map(|(texts, reference)| item(texts, reference)));
    items
}

/// An item that replaces texts.
pub(super) fn item(texts: &[String], reference: &Reference) -> Node {
    let from = Node::map(
        [("kind", reference.kind()), ("name", reference.name())].map(|(key, text)| (key, Node::string(text))),
    );
    Node::map([
        ("from", from),
        ("as", Node::seq(texts.iter().map(|text| Node::string(text.as_str())))),
    ])
}

/// The wanted texts: those that are there in their order, then the others.
fn in_order(wanted: &[String], there: &[Node]) -> Vec<Node> {
    let kept = there
        .iter()
        .filter(|text| text.text().is_some_and(|text| wanted.iter().any(|want| want == text)));
    let mut texts: Vec<Node> = kept.cloned().collect();
    texts.dedup();
    let more: Vec<Node> = wanted
        .iter()
        .filter(|want| !texts.iter().any(|text| text.text() == Some(want)))
        .map(|want| Node::string(want.as_str()))
        .collect();
    texts.extend(more);
    texts
}

fn is_ours(plan: &Plan<'_>, text: &Node) -> bool {
    let mut texts = plan.replaced.iter().flat_map(|(texts, _)| texts);
    texts.any(|known| text.text() == Some(known))
}

/// The place of a BuildConfig, for findings.
pub(super) fn line_of(found: &Found, files: &Files<'_>) -> Option<u32> {
    found
        .node(files)?
        .as_map()?
        .entries
        .first()
        .map(|(key, _)| key.pos.line)
}
