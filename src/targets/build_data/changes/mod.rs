//! What of an image's stanzas is to change, and why.

mod ours;
mod source;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Ask, cause};
use crate::derive::{DerivedImage, Standing};
use crate::doozer::merge::at;
use crate::doozer::predict::Ends;
use crate::doozer::topics::{ALIGNMENT, Topic, dotted};
use crate::doozer::{Doozer, Prediction};
use crate::finding::Finding;
use crate::plan::Cause;
use crate::yaml::Node;

pub(super) use source::Fit;

/// What a change does to a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Does {
    /// Sets it.
    Set(Node),
    /// Removes it, and what is empty without it.
    Remove,
}

/// One change of an image's file.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The key, dotted.
    pub key: String,
    pub does: Does,
    pub cause: Cause,
    /// The field of the change that this one belongs to: without it, it makes no sense.
    pub with: Option<String>,
    /// How texts of the value are written, by what they mean.
    pub spelled: BTreeMap<String, String>,
}

/// Where `okd` says it, and where over a `konflux` stanza.
const OKD: &str = "okd.content.source";
const OVER_KONFLUX: &str = "okd.konflux.content.source";

/// The changes of one image.
pub(super) struct Changes<'c> {
    ask: &'c Ask<'c>,
    doozer: &'c Doozer<'c>,
    image: &'c DerivedImage,
    node: &'c Node,
    merged: Json,
    pub all: Vec<Change>,
    pub findings: Vec<Finding>,
    pub notes: Vec<String>,
}

impl<'c> Changes<'c> {
    pub fn new(ask: &'c Ask<'c>, doozer: &'c Doozer<'c>, image: &'c DerivedImage, node: &'c Node) -> Self {
        let merged = doozer.merged(&image.key).map(|merged| merged.config.clone());
        Self {
            ask,
            doozer,
            image,
            node,
            merged: merged.unwrap_or_default(),
            all: Vec::new(),
            findings: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// All changes of an image that is built.
    pub fn collect(&mut self) {
        let texts = &self.ask.release.texts;
        let look = |repo: &_, path: &str| texts.get(repo, path).cloned();
        let repo = self.image.repository.value.as_ref();
        let Some(prediction) = self.doozer.predict(&self.image.key, repo, &look) else {
            return;
        };
        self.mode(&prediction);
        if self.misplaced() {
            return;
        }
        self.fit_carried(&prediction);
        self.dockerfile(&prediction);
        self.from();
        self.tag();
        self.arches(&prediction);
        self.envs();
    }

    /// An image that `okd_alignment` switches off is switched off for doozer, too.
    pub fn switch_off(&mut self) {
        let aligned_off = self.image.view["okd_alignment"]["enabled"] == false;
        let is_off = at(&self.merged, "mode").and_then(Json::as_str) == Some("disabled");
        let dropped = matches!(self.image.standing, Standing::Dropped(_));
        // It is not built because `okd` says so, and the other stanza says the contrary.
        let contradicted =
            is_off && self.own("okd.mode").is_some() && Topic::Mode.aligned(self.node) == Some(json!("enabled"));
        if dropped && contradicted && self.is_ours_to_say(&Topic::Mode) {
            self.set("okd.mode", Node::string("enabled"), None);
        }
        if aligned_off && !is_off && dropped && self.is_ours_to_say(&Topic::Mode) {
            let rule = self.image.excluded.deciders().next();
            self.set("okd.mode", Node::string("disabled"), rule);
        }
    }

    fn key(&self) -> &str {
        &self.image.key
    }

    fn text(&self, path: &str) -> Option<&str> {
        at(&self.merged, path)
            .and_then(Json::as_str)
            .filter(|text| !text.is_empty())
    }

    /// A text of the image's own file, before any merge.
    fn own(&self, path: &str) -> Option<&Node> {
        dotted(self.node, path)
    }

    fn set(&mut self, key: &str, value: impl Into<Node>, rule: Option<usize>) {
        self.push(key, value.into(), rule, None, None);
    }

    fn push(&mut self, key: &str, value: Node, rule: Option<usize>, with: Option<&str>, because: Option<&str>) {
        let mut cause = cause(self.ask.release, self.image, rule, key);
        cause.old = self.own(key).map(short);
        cause.new = Some(short(&value));
        if let Some(because) = because {
            cause.because = because.to_owned();
        }
        self.all.push(Change {
            key: key.to_owned(),
            does: Does::Set(value),
            cause,
            with: with.map(str::to_owned),
            spelled: BTreeMap::new(),
        });
    }

    fn mode(&mut self, prediction: &Prediction) {
        // Only what is disabled: a mode of another kind is nobody's wish to build it.
        let disabled = at(&self.merged, "mode").and_then(Json::as_str) == Some("disabled");
        // What somebody said in `okd` counts, unless the other stanza says the contrary.
        let open = self.own("okd.mode").is_none() || Topic::Mode.aligned(self.node) == Some(json!("enabled"));
        if prediction.ends == Ends::Skips && disabled && open && self.is_ours_to_say(&Topic::Mode) {
            let rule = self.image.needed.deciders().next();
            self.set("okd.mode", Node::string("enabled"), rule);
        }
    }

    fn from(&mut self) {
        let aligned = self.own(&Topic::From.alignment_key()).cloned();
        let built = Topic::From.built(&self.merged);
        let Some(aligned) = aligned.filter(|from| Json::from(from) != built) else {
            return;
        };
        if self.image.view["okd_alignment"]["from"] == self.image.from.value && self.is_ours_to_say(&Topic::From) {
            let rule = self.image.from.deciders().next();
            self.set("okd.from", aligned, rule);
        }
    }

    fn tag(&mut self) {
        let ours = json!(self.image.tag.value);
        let taken = Topic::Tag.built(&self.merged);
        if !self.image.in_payload || self.image.tag.value.is_empty() || Topic::Tag.same(&ours, &taken) {
            return;
        }
        if self.is_ours_to_say(&Topic::Tag) {
            let rule = self.image.tag.deciders().next();
            self.set("okd.payload_name", Node::string(self.image.tag.value.clone()), rule);
        }
    }

    fn arches(&mut self, prediction: &Prediction) {
        let set = |list: &[String]| list.iter().cloned().collect::<std::collections::BTreeSet<_>>();
        let ours = &self.image.arches.value;
        if ours.is_empty() || set(ours) == set(&prediction.arches) {
            return;
        }
        let rule = self.image.arches.deciders().next();
        let value = Node::seq(ours.iter().map(|arch| Node::string(arch.clone())));
        self.set("okd.arches", value, rule);
    }

    fn envs(&mut self) {
        let args = self.image.build_args.value.as_array().cloned().unwrap_or_default();
        let rules: Vec<usize> = self.image.build_args.deciders().collect();
        for arg in args {
            let (Some(name), Some(value)) = (arg["name"].as_str(), arg["value"].as_str()) else {
                continue;
            };
            let injected = self
                .doozer
                .terms()
                .env
                .iter()
                .any(|(own, has)| own == name && has == value);
            let topic = Topic::Env(name.to_owned());
            let there = topic.built(&self.merged);
            if injected || topic.same(&there, &json!(value)) || name.contains('.') || !self.is_ours_to_say(&topic) {
                continue;
            }
            let key = format!("okd.envs.{name}");
            self.set(&key, Node::string(value.to_owned()), rules.last().copied());
        }
    }

    /// What `okd` says and `okd_alignment` does not, for those who read the latter alone.
    pub fn mirror(&mut self) {
        let file = self
            .own(&format!("{OKD}.dockerfile"))
            .and_then(Node::text)
            .map(str::to_owned);
        let aligned = format!("{ALIGNMENT}.dockerfile");
        if let Some(file) = file.filter(|_| self.own(&aligned).is_none()) {
            let rule = self.image.dockerfile_name.deciders().next();
            self.set(&aligned, Node::string(file), rule);
        }
        let from = self.own("okd.from").cloned();
        let aligned = format!("{ALIGNMENT}.from");
        if let Some(from) = from.filter(|_| self.own(&aligned).is_none()) {
            let rule = self.image.from.deciders().next();
            self.set(&aligned, from, rule);
        }
    }
}

/// A value on one line.
pub(super) fn short(node: &Node) -> String {
    match node.text() {
        Some(text) => crate::doozer::modify::short(text),
        None => crate::doozer::modify::short(&Json::from(node).to_string()),
    }
}
