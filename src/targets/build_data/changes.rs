//! What of an image's stanzas is to change, and why.

use serde_json::{Value as Json, json};

use super::{Ask, cause, moved};
use crate::derive::texts::FileText;
use crate::derive::{Image, Standing};
use crate::doozer::merge::{at, origin};
use crate::doozer::modify::modify;
use crate::doozer::predict::Ends;
use crate::doozer::settled::{Outcome, Settled, settled};
use crate::doozer::wanted::plain;
use crate::doozer::{Doozer, Prediction};
use crate::finding::{Finding, Severity};
use crate::model::metadata::Metadata;
use crate::plan::Cause;
use crate::yaml::Node;

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
}

/// Where `okd` says it, and where over a `konflux` stanza.
const OKD: &str = "okd.content.source";
const OVER_KONFLUX: &str = "okd.konflux.content.source";
const ALIGNMENT: &str = "content.source.okd_alignment";

/// The changes of one image.
pub(super) struct Changes<'c> {
    ask: &'c Ask<'c>,
    doozer: &'c Doozer<'c>,
    image: &'c Image,
    node: &'c Node,
    merged: Json,
    pub all: Vec<Change>,
    pub findings: Vec<Finding>,
    pub notes: Vec<String>,
}

impl<'c> Changes<'c> {
    pub fn new(ask: &'c Ask<'c>, doozer: &'c Doozer<'c>, image: &'c Image, node: &'c Node) -> Self {
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
        self.dockerfile(&prediction);
        self.from();
        self.tag();
        self.arches(&prediction);
        self.envs();
    }

    /// An image that `okd_alignment` switches off is switched off for doozer, too.
    pub fn switch_off(&mut self) {
        let aligned_off = self.image.view["okd_alignment"]["enabled"] == false;
        let says = at(&self.merged, "okd.mode").is_some();
        let is_off = at(&self.merged, "mode").and_then(Json::as_str) == Some("disabled");
        if aligned_off && !says && !is_off && matches!(self.image.standing, Standing::Dropped(_)) {
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
        let found = path.split('.').try_fold(self.node, |at, key| at.get(key))?;
        (!found.is_null()).then_some(found)
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
        });
    }

    fn mode(&mut self, prediction: &Prediction) {
        // Only what is disabled: a mode of another kind is nobody's wish to build it.
        let disabled = at(&self.merged, "mode").and_then(Json::as_str) == Some("disabled");
        if prediction.ends == Ends::Skips && disabled && self.own("okd.mode").is_none() {
            let rule = self.image.needed.deciders().next();
            self.set("okd.mode", Node::string("enabled"), rule);
        }
    }

    /// Keys that belong into `okd.content.source` and stand in `okd` itself. Whether there are some: what they say is not
    /// derived yet.
    fn misplaced(&mut self) -> bool {
        let Some(okd) = self.own("okd").cloned() else {
            return false;
        };
        let keys = moved::misplaced(&okd);
        for key in &keys {
            let (from, to) = (format!("okd.{key}"), format!("{OKD}.{key}"));
            let Some(value) = okd.get(key).cloned() else { continue };
            let because = format!("doozer reads `{key}` of `{OKD}`; in `okd` itself nobody reads it");
            let mut cause = cause(self.ask.release, self.image, None, &to);
            cause.rule = "misplaced-okd-key".to_owned();
            cause.because.clone_from(&because);
            cause.new = Some(short(&value));
            self.all.push(Change {
                key: from.clone(),
                does: Does::Remove,
                cause: Cause {
                    field: from.clone(),
                    old: cause.new.clone(),
                    new: None,
                    ..cause.clone()
                },
                with: None,
            });
            let file = value.text().map(str::to_owned);
            self.all.push(Change {
                key: to.clone(),
                does: Does::Set(value),
                cause,
                with: Some(from),
            });
            if let (true, Some(file)) = (*key == "dockerfile", file)
                && !keys.contains(&"modifications")
                && let Fit::Empty(because) = self.fit(&self.path_with(&file))
            {
                self.push(
                    &format!("{OKD}.modifications"),
                    Node::seq(Vec::<Node>::new()),
                    None,
                    Some(&to),
                    Some(&because),
                );
            }
        }
        !keys.is_empty()
    }

    /// The path of a Dockerfile of this name, from the repository's root.
    fn path_with(&self, file: &str) -> String {
        match self.text("content.source.path").map(|path| path.trim_end_matches('/')) {
            Some(folder) if !folder.is_empty() => format!("{folder}/{file}"),
            _ => file.to_owned(),
        }
    }

    fn dockerfile(&mut self, prediction: &Prediction) {
        let ours = self.image.dockerfile.clone();
        if plain(&ours) == plain(&prediction.dockerfile.value) || !self.is_ours_to_say() {
            return;
        }
        let over = |name: &str| {
            let konflux = self.own(&format!("konflux.content.source.{name}")).is_some();
            let known = self.own(&format!("{OVER_KONFLUX}.{name}")).is_some();
            if konflux || known { OVER_KONFLUX } else { OKD }
        };
        let (name_key, path_key) = (
            format!("{}.dockerfile", over("dockerfile")),
            format!("{}.path", over("path")),
        );
        let fit = self.fit(&ours);
        if let Fit::Stops(why) = &fit {
            let text = format!("{ours} is not written into `okd`: {why}");
            self.find(
                "okd-modifications-stop",
                Severity::Warning,
                text,
                &format!("{OKD}.modifications"),
            )
            .help("adapt the modifications to that Dockerfile, or remove them");
            return;
        }
        let name = self.image.dockerfile_name.value.clone();
        let built = self
            .text("content.source.dockerfile")
            .unwrap_or("Dockerfile")
            .to_owned();
        let rule = self.image.dockerfile_name.deciders().next();
        let written = name != built;
        if written {
            self.set(&name_key, Node::string(name), rule);
        }
        let folder = self.image.path.value.clone();
        if self
            .text("content.source.path")
            .unwrap_or_default()
            .trim_end_matches('/')
            != folder.trim_end_matches('/')
        {
            let rule = self.image.path.deciders().next();
            self.set(&path_key, Node::string(folder), rule);
        }
        if let Fit::Empty(because) = fit {
            let with = if written { name_key } else { path_key };
            self.push(
                &format!("{OKD}.modifications"),
                Node::seq(Vec::<Node>::new()),
                rule,
                Some(&with),
                Some(&because),
            );
        }
    }

    /// Whether what is derived may be written against what doozer builds now: not where somebody said so in `okd`, and not
    /// where people settled it otherwise since.
    fn is_ours_to_say(&mut self) -> bool {
        let Some(aligned) = self
            .own(&format!("{ALIGNMENT}.dockerfile"))
            .and_then(Node::text)
            .map(str::to_owned)
        else {
            return true;
        };
        let said = [OVER_KONFLUX, OKD].iter().find_map(|stanza| {
            let key = format!("{stanza}.dockerfile");
            let file = self.own(&key)?.text()?.to_owned();
            Some((key, file))
        });
        let adopted = |rule: &str| self.ask.policy.adopt.causes.iter().any(|cause| cause == rule);
        if let Some((key, file)) = said.filter(|_| !adopted("okd-says-otherwise")) {
            let text = format!("`{key}` says {file}, `okd_alignment.dockerfile` {aligned}");
            self.find("okd-says-otherwise", Severity::Warning, text, &key).help(
                "remove the one that is not meant; `okd-says-otherwise` in `adopt.causes` lets `okd_alignment` win",
            );
            return false;
        }
        let release = self.ask.release.metadata.release;
        match settled(&self.ask.release.neighbours, release, self.key(), &aligned) {
            Outcome::Nowhere => true,
            Outcome::AsAligned(all) => {
                self.notes.push(format!("carried: {}", told(&all)));
                true
            }
            Outcome::Otherwise(all) => {
                let built = self
                    .text("content.source.dockerfile")
                    .unwrap_or("Dockerfile")
                    .to_owned();
                let dates = match all.iter().all(|one| one.edited.is_some()) {
                    true => "",
                    false => "; when that was decided is not known",
                };
                let text = format!(
                    "`okd_alignment` names {aligned}, doozer takes {built}, and people settled it: {}{dates}",
                    told(&all)
                );
                self.find(
                    "okd-settled-otherwise",
                    Severity::Warning,
                    text,
                    &format!("{ALIGNMENT}.dockerfile"),
                )
                .help("settle it here in the same way, or say why this release differs; nothing is written until then");
                false
            }
        }
    }

    /// Whether the modifications that would be made fit a Dockerfile.
    fn fit(&self, path: &str) -> Fit {
        let none = json!([]);
        let list = at(&self.merged, "content.source.modifications").unwrap_or(&none);
        if list.as_array().is_none_or(Vec::is_empty) {
            return Fit::Yes;
        }
        let okds = origin(self.node, "content.source.modifications").is_some_and(|(key, _)| key.starts_with("okd."));
        let texts = &self.ask.release.texts;
        let read = self
            .image
            .repository
            .value
            .as_ref()
            .and_then(|repo| texts.get(repo, path));
        let text = match read {
            Some(FileText::Text(text)) => Some(&**text),
            _ => None,
        };
        let (outcomes, _) = modify(list, text);
        let stops = outcomes.iter().find(|one| one.outcome.stops());
        let unread = text.is_none()
            && outcomes
                .iter()
                .any(|one| one.outcome == crate::doozer::modify::Outcome::Unread);
        match (stops, okds) {
            (Some(one), true) => Fit::Stops(format!("`{}` of `okd`'s modifications does not occur in it", one.what)),
            (Some(one), false) => Fit::Empty(format!(
                "OCP's modifications do not fit {path}: `{}` does not occur in it",
                one.what
            )),
            (None, false) if unread => Fit::Empty(format!(
                "OCP's modifications are for OCP's Dockerfile; whether they fit {path} was not read"
            )),
            _ => Fit::Yes,
        }
    }

    fn from(&mut self) {
        let aligned = self.own(&format!("{ALIGNMENT}.from")).cloned();
        let built = at(&self.merged, "from").cloned().unwrap_or_default();
        let Some(aligned) = aligned.filter(|from| Json::from(from) != built) else {
            return;
        };
        if self.image.view["okd_alignment"]["from"] != self.image.from.value {
            return;
        }
        let adopted = self
            .ask
            .policy
            .adopt
            .causes
            .iter()
            .any(|cause| cause == "okd-says-otherwise");
        if self.own("okd.from").is_some() && !adopted {
            let text = "`okd.from` and `okd_alignment.from` are not the same".to_owned();
            self.find("okd-says-otherwise", Severity::Warning, text, "okd.from")
                .help(
                    "remove the one that is not meant; `okd-says-otherwise` in `adopt.causes` lets `okd_alignment` win",
                );
            return;
        }
        let rule = self.image.from.deciders().next();
        self.set("okd.from", aligned, rule);
    }

    fn tag(&mut self) {
        let named = self.text("payload_name").map(str::to_owned);
        if !self.image.in_payload || named.as_deref() == Some(self.image.tag.value.as_str()) {
            return;
        }
        let by_name = self.text("name").and_then(|name| name.rsplit('/').next());
        let taken = named.or_else(|| by_name.map(|name| name.strip_prefix("ose-").unwrap_or(name).to_owned()));
        if taken.as_deref() != Some(self.image.tag.value.as_str()) && !self.image.tag.value.is_empty() {
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
            let path = format!("envs.{name}");
            let there =
                at(&self.merged, &path).map(|there| there.as_str().map_or_else(|| there.to_string(), str::to_owned));
            if injected || there.as_deref() == Some(value) || name.contains('.') {
                continue;
            }
            self.set(
                &format!("okd.{path}"),
                Node::string(value.to_owned()),
                rules.last().copied(),
            );
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

    fn find(&mut self, code: &'static str, severity: Severity, text: String, key: &str) -> Found<'_> {
        let metadata = self.ask.release.metadata;
        let line = key
            .split('.')
            .try_fold(self.node, |at, key| at.get(key))
            .map(|node| node.pos.line);
        let mut finding = Finding::new(severity, code, format!("{}: {text}", self.image.key))
            .with_place(metadata.place(Metadata::image_file(&self.image.key), line))
            .with_image(self.image.tag.value.clone())
            .with_release(metadata.release.to_string());
        finding.component = self.image.repository.value.as_ref().map(ToString::to_string);
        self.findings.push(finding);
        Found(&mut self.findings)
    }
}

/// The finding that was made last.
struct Found<'f>(&'f mut Vec<Finding>);

impl Found<'_> {
    fn help(self, help: &str) {
        if let Some(finding) = self.0.last_mut() {
            finding.help = Some(help.into());
        }
    }
}

/// Whether modifications fit a Dockerfile.
enum Fit {
    /// They do, or there are none.
    Yes,
    /// OCP's do not: OKD needs none, and why.
    Empty(String),
    /// OKD's own do not: the Dockerfile cannot be written, and why.
    Stops(String),
}

fn told(all: &[Settled]) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A value on one line.
fn short(node: &Node) -> String {
    match node.text() {
        Some(text) => crate::doozer::modify::short(text),
        None => crate::doozer::modify::short(&Json::from(node).to_string()),
    }
}
