//! Merges what a config should say into what it says: field by field, item by item, nothing of others touched.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::document::Document;
use super::{images, promotion, wording};
use crate::base::RepoName;
use crate::finding::Finding;
use crate::model::build_config::{BuildConfig, Image, Repository, RuleAt, Value as Decided};
use crate::model::pullspec::StreamTag;
use crate::plan::{Cause, Policy, Refused, UNREFERENCED, Verdict};
use crate::targets::asking;
use crate::targets::{Fields, to_node};
use crate::yaml::{Mapping, Node, Value};

/// A merge in progress.
pub struct Merge<'m> {
    /// The release.
    pub release: &'m BuildConfig,
    /// The repository.
    pub repo: &'m RepoName,
    /// What its config is made from.
    pub config: &'m Repository,
    /// Its derived parts.
    pub document: &'m Document,
    /// Which fields are set.
    pub fields: &'m Fields,
    /// What is adopted and accepted.
    pub policy: &'m Policy,
    /// Fields that change, and why.
    pub causes: Vec<Cause>,
    /// Fields that differ and stay.
    pub refused: Vec<Refused>,
    /// What was found on the way.
    pub findings: Vec<(Finding, u32)>,
    /// Whether the file is new.
    pub new_file: bool,
    /// All that the file's own entries refer to, before anything changes.
    pub used_before: BTreeSet<String>,
}

impl<'m> Merge<'m> {
    /// Merges into a file's content; an empty mapping for a new file.
    pub fn merge(&mut self, root: &mut Node) {
        if !matches!(root.value, Value::Map(_)) {
            root.value = Value::Map(Mapping::default());
        }
        self.used_before = words_beside_bases(root);
        self.plain_fields(root);
        if self.fields.sets("images", self.new_file) {
            images::merge(self, root);
        }
        if self.fields.sets("raw_steps", self.new_file) {
            self.raw_steps(root);
        }
        if self.fields.sets("tests", self.new_file) {
            self.tests(root);
        }
        if self.fields.sets("base_images", self.new_file) {
            self.base_images(root);
        }
    }

    /// Asks the policy about a difference; `true`: it is put right.
    pub fn propose(&mut self, cause: Cause) -> bool {
        match self.policy.verdict(&cause, &self.release.release.to_string()) {
            Verdict::Apply => {
                self.causes.push(cause);
                true
            }
            verdict => {
                self.refused.push(Refused { cause, verdict });
                false
            }
        }
    }

    /// Takes note of a finding at a line of the file.
    pub fn finding(&mut self, finding: Finding, line: u32) {
        self.findings.push((finding, line));
    }

    /// Takes note of a difference that a change which is made cannot do without (a base image that it refers to): it
    /// follows that change, whatever the policy says of it by itself.
    fn follow(&mut self, cause: Cause) {
        if self.policy.verdict(&cause, &self.release.release.to_string()) == Verdict::Apply {
            self.causes.push(cause);
        }
    }

    /// Makes the cause of a difference from the rules behind the derived value.
    pub fn cause(&self, field: &str, rule: Option<&RuleAt>, old: Option<&Node>, new: Option<&Node>) -> Cause {
        // A new file is one difference, told as a whole: the words for its parts would be made for nobody.
        let (old, new) = if self.new_file {
            (None, None)
        } else {
            wording::pair(old, new)
        };
        let mut cause = asking::cause_of(rule, field, self.repo.to_string());
        if rule.is_none() {
            "no-rule".clone_into(&mut cause.rule);
        }
        Cause { old, new, ..cause }
    }

    /// Fields whose whole value is ours, by their path in the file.
    fn plain_fields(&mut self, root: &mut Node) {
        let config = self.config;
        let variant = &self.release.payload.variant;
        let own_root = config.build_root.as_ref();
        let root_tag = own_root.and_then(|root| StreamTag::parse(&root.value));
        let build_root = root_tag.map(|tag| json!({ "image_stream_tag": stream_tag(&tag) }));
        let build_root = build_root.unwrap_or_default();
        let generated = json!({
            "branch": config.branch, "org": self.repo.org, "repo": self.repo.repo, "variant": variant.value,
        });
        let of = |name, decided: &'m Decided<Json>| (name, &decided.value, decided.rules.last());
        let values: [(&str, &Json, Option<&RuleAt>); 6] = [
            ("build_root", &build_root, own_root.and_then(|root| root.rules.last())),
            of("promotion", &config.promotion),
            of("prowgen", &config.prowgen),
            of("releases", &config.releases),
            of("resources", &config.resources),
            ("zz_generated_metadata", &generated, variant.rules.last()),
        ];
        for (name, value, rule) in values {
            let paths: BTreeSet<&String> = self.fields.manage.iter().chain(&self.fields.seed).collect();
            let paths: Vec<_> = paths
                .into_iter()
                .filter(|path| path.split('.').next() == Some(name))
                .cloned()
                .collect();
            for path in paths {
                let wanted = path.split('.').skip(1).fold(value, |value, key| &value[key]);
                let empty = wanted.is_null() || wanted.as_object().is_some_and(serde_json::Map::is_empty);
                if self.fields.sets(&path, self.new_file) && !empty {
                    self.set(root, &path, to_node(wanted), rule);
                }
            }
        }
    }

    fn set(&mut self, root: &mut Node, path: &str, wanted: Node, rule: Option<&RuleAt>) {
        let keys: Vec<&str> = path.split('.').collect();
        let there = root.at(&keys);
        let wanted = match there {
            Some(_) if self.fields.keeps(path) => return,
            Some(there) if path == "promotion" => {
                let keep = !self.config.rewrite_same_meaning.value;
                promotion::merged(there, wanted, keep, &promotion::Streams::of(self.release))
            }
            _ => wanted,
        };
        if there == Some(&wanted) {
            return;
        }
        let cause = self.cause(path, rule, there, Some(&wanted));
        if self.propose(cause) {
            put(root, &keys, wanted);
        }
    }

    fn raw_steps(&mut self, root: &mut Node) {
        for (name, step) in &self.document.raw_steps {
            let made = |node: &Node| node.at(&["pipeline_image_cache_step", "to"]).and_then(Node::text) == Some(name);
            let steps = root.get("raw_steps").and_then(Node::as_seq).unwrap_or_default();
            let at = steps.iter().position(made);
            let there = at.map(|at| &steps[at]);
            if there == Some(step) || (there.is_some() && self.fields.keeps("raw_steps")) {
                continue;
            }
            let mut referred = BTreeSet::new();
            root.get("images")
                .into_iter()
                .for_each(|images| collect_words(images, &mut referred));
            if there.is_none() && !referred.contains(name) {
                // The change that needs the step is not made.
                continue;
            }
            let image = self
                .release
                .images
                .values()
                .find(|image| image.prepare.value["name"] == **name);
            let rule = image.and_then(|image| image.prepare.rules.last());
            let mut cause = self.cause("raw_steps[]", rule, there, Some(step));
            cause.item = Some(name.clone());
            cause.images = image.map(|image| image.tag.value.clone()).into_iter().collect();
            if at.is_none() && !self.used_before.contains(name) {
                self.follow(cause);
            } else if !self.propose(cause) {
                continue;
            }
            put_item(root, "raw_steps", at, step.clone());
        }
    }

    fn tests(&mut self, root: &mut Node) {
        let rule = self.config.tests.rules.last();
        for test in self.config.tests.value.as_array().into_iter().flatten() {
            let wanted = to_node(test);
            let Some(name) = wanted.get("as").and_then(Node::text) else {
                continue;
            };
            let tests = root.get("tests").and_then(Node::as_seq).unwrap_or_default();
            let at = tests
                .iter()
                .position(|test| test.get("as").and_then(Node::text) == Some(name));
            let there = at.map(|at| &tests[at]);
            let merged = there.map_or_else(|| wanted.clone(), |there| overlaid(there, &wanted));
            if there == Some(&merged) || (there.is_some() && self.fields.keeps("tests")) {
                continue;
            }
            let mut cause = self.cause("tests[]", rule, there, Some(&merged));
            cause.item = Some(name.to_owned());
            if self.propose(cause) {
                put_item(root, "tests", at, merged);
            }
        }
    }

    /// Adds the base images that the merged file refers to, and drops ours that nothing refers to any more.
    fn base_images(&mut self, root: &mut Node) {
        let used = words_beside_bases(root);
        let rule = self.config.promotion.rules.last();
        for (key, tag) in self
            .document
            .base_images
            .iter()
            .filter(|(key, _)| used.contains(key.as_str()))
        {
            let there = root.at(&["base_images", key]);
            let ours = to_node(&stream_tag(tag));
            let wanted = there.map_or_else(|| ours.clone(), |there| overlaid(there, &ours));
            if there == Some(&wanted) || (there.is_some() && self.fields.keeps("base_images")) {
                continue;
            }
            let consequence = there.is_none() && !self.used_before.contains(key);
            let mut cause = self.cause("base_images", self.rule_of_base(key).or(rule), there, Some(&wanted));
            cause.item = Some(key.clone());
            cause.images = self.users_of(key);
            if consequence {
                self.follow(cause);
            } else if !self.propose(cause) {
                continue;
            }
            put(root, &["base_images", key], wanted);
        }
        if !self.causes.is_empty() || self.config.rewrite_same_meaning.value {
            self.drop_unused(root, &used);
        }
    }

    fn drop_unused(&mut self, root: &mut Node, used: &BTreeSet<String>) {
        let entries = root
            .get("base_images")
            .and_then(Node::as_map)
            .into_iter()
            .flat_map(Mapping::iter);
        let idle: Vec<(String, Node)> = entries
            .filter(|(key, node)| !used.contains(*key) && is_our_key(key, node))
            .map(|(key, node)| (key.to_owned(), node.clone()))
            .collect();
        for (key, node) in idle {
            let mut cause = self.cause("base_images", None, Some(&node), None);
            cause.rule = UNREFERENCED.to_owned();
            cause.item = Some(key.clone());
            cause.because = "Nothing in the file refers to it any more.".to_owned();
            let applied = self.propose(cause);
            let bases = root.as_map_mut().and_then(|map| map.get_mut("base_images"));
            if let (true, Some(map)) = (applied, bases.and_then(Node::as_map_mut)) {
                map.remove(&key);
            }
        }
    }

    fn rule_of_base(&self, key: &str) -> Option<&'m RuleAt> {
        let images = self.config.keys.iter().filter_map(|key| self.release.images.get(key));
        let inputs = images.flat_map(Image::froms);
        let stands = |pullspec: &str| StreamTag::parse(pullspec).is_some_and(|tag| tag.key() == key);
        inputs
            .filter(|input| stands(&input.pullspec.value))
            .find_map(|input| input.pullspec.rules.last())
    }

    fn users_of(&self, key: &str) -> Vec<String> {
        let uses = |item: &&super::document::ImageItem| {
            item.from.as_deref() == Some(key) || item.replaced.iter().any(|from| from.reference == key)
        };
        self.document
            .images
            .iter()
            .filter(uses)
            .map(|item| item.to.clone())
            .collect()
    }
}

/// Tells whether a `base_images` entry has the key that we would give it.
fn is_our_key(key: &str, node: &Node) -> bool {
    let text = |name: &str| node.get(name).and_then(Node::text).unwrap_or_default();
    key == format!("{}_{}_{}", text("namespace"), text("name"), text("tag"))
}

fn stream_tag(tag: &StreamTag) -> Json {
    json!({"name": tag.name, "namespace": tag.namespace, "tag": tag.tag})
}

/// All that anything beside `base_images` could refer to.
fn words_beside_bases(root: &Node) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (key, node) in root.as_map().into_iter().flat_map(Mapping::iter) {
        if key != "base_images" {
            collect_words(node, &mut used);
        }
    }
    used
}

/// What is there with what is wanted over it: mappings recurse, so that keys which nobody sets stay.
pub fn overlaid(there: &Node, wanted: &Node) -> Node {
    let mut merged = there.clone();
    match (&mut merged.value, &wanted.value) {
        (Value::Map(map), Value::Map(wanted)) => {
            for (key, value) in wanted.iter() {
                let value = map
                    .get(key)
                    .map_or_else(|| value.clone(), |there| overlaid(there, value));
                map.insert(key, value);
            }
            merged
        }
        _ => wanted.clone(),
    }
}

/// All texts and keys of a value: what could refer to a base image.
pub(super) fn collect_words(node: &Node, words: &mut BTreeSet<String>) {
    match &node.value {
        Value::Map(map) => {
            for (key, value) in map.iter() {
                words.insert(key.to_owned());
                collect_words(value, words);
            }
        }
        Value::Seq(items) => items.iter().for_each(|item| collect_words(item, words)),
        _ => drop(node.text().map(|text| words.insert(text.to_owned()))),
    }
}

/// Puts a value at a path, making mappings on the way.
pub fn put(root: &mut Node, path: &[&str], value: Node) {
    let Some((last, folders)) = path.split_last() else {
        return;
    };
    let mut at = root;
    for key in folders {
        at = mapping(at).entry(key);
    }
    mapping(at).insert(*last, value);
}

fn mapping(node: &mut Node) -> &mut Mapping {
    if !matches!(node.value, Value::Map(_)) {
        node.value = Value::Map(Mapping::default());
    }
    match &mut node.value {
        Value::Map(map) => map,
        _ => unreachable!("it was made a mapping above"),
    }
}

/// Replaces an item of a list, or adds it at the end.
fn put_item(root: &mut Node, list: &str, at: Option<usize>, item: Node) {
    let node = mapping(root).entry(list);
    if !matches!(node.value, Value::Seq(_)) {
        node.value = Value::Seq(Vec::new());
    }
    if let Value::Seq(items) = &mut node.value {
        match at.and_then(|at| items.get_mut(at)) {
            Some(there) => *there = item,
            None => items.push(item),
        }
    }
}
