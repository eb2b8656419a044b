//! The prediction of one image.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Serialize;
use serde_json::Value as Json;

use super::difference::Difference;
use super::merge::{self, Merged, at, origin};
use super::modify::{self, Modification, Outcome, modify};
use super::parents::{self, Line, Parents, Stands, called, entries};
use super::terms::Terms;
use crate::base::{Place, RepoName};
use crate::derive::texts::FileText;
use crate::facts::dockerfile::Dockerfile;
use crate::model::build_config::At;
use crate::model::metadata::Metadata;

/// A value, and the key of the image's file that says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Said {
    /// The value.
    pub value: String,
    /// The key; empty: none does, it is the tool's own.
    pub by: String,
    /// Where that stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub at: Option<At>,
    /// The tool's rule, a file of openshift-eng/art-tools and a function.
    pub rule: String,
}

/// One entry of the merged `from`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Parent {
    /// Metadata's entry: `member x`, `stream y` or `image z`.
    pub metadata: String,
    /// What the Dockerfile names in its place; none where that was not read, or has no FROM for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written: Option<String>,
    /// The line of the FROM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What the tool writes.
    pub becomes: Stands,
    /// Where metadata names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub at: Option<At>,
}

/// Where the tool stops at a repository that the group does not have.
pub const REPOSITORIES_RULE: &str = "doozerlib/repos.py: content_sets";

/// Something that is found about a build, the tool's rule behind it, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Reason {
    /// A sentence without its full stop.
    pub text: String,
    /// The tool's rule.
    pub rule: String,
    /// Where the cause stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub at: Option<At>,
}

/// How an image ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Ends {
    /// It is built, as far as can be told.
    Builds,
    /// It is passed over.
    Skips,
    /// It stops.
    Fails,
}

/// What doozer makes of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Prediction {
    /// The image's key.
    pub image: String,
    /// The release.
    pub release: String,
    /// How it ends.
    pub ends: Ends,
    /// `mode` after the merge.
    pub mode: Said,
    /// The Dockerfile, from the repository's root.
    pub dockerfile: Said,
    /// What its FROMs become.
    pub from: Vec<Parent>,
    /// What is set behind every FROM.
    pub env: Vec<Said>,
    /// Architectures.
    pub arches: Vec<String>,
    /// Repositories that are enabled.
    pub enabled_repos: Vec<String>,
    /// Modifications of the source.
    pub modifications: Vec<Modification>,
    /// Why it is skipped or stops.
    pub reasons: Vec<Reason>,
    /// What of the metadata the tool does not read, and what would do the same there.
    pub unread: Vec<Reason>,
    /// Where that is not what is derived here.
    pub differences: Vec<Difference>,
    /// The Dockerfile with its modifications made, where it was read.
    #[serde(skip)]
    pub modified: Option<String>,
}

/// Gives the text of a file of a component, where it was read.
pub type ReadDockerfile<'l> = dyn Fn(&RepoName, &str) -> Option<FileText> + 'l;

/// What the tool makes of a release.
pub struct Doozer<'a> {
    metadata: &'a Metadata,
    terms: Terms,
    merged: BTreeMap<&'a str, OnceLock<Merged>>,
}

impl<'a> Doozer<'a> {
    /// Of a release.
    pub fn new(metadata: &'a Metadata, terms: Terms) -> Self {
        let keys = metadata.images.keys();
        Self {
            metadata,
            terms,
            merged: keys.map(|key| (key.as_str(), OnceLock::new())).collect(),
        }
    }

    /// The words of rules.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Whether the release is built with it at all: its group or an image of it has an `okd` stanza.
    pub fn builds(&self) -> bool {
        let group = self.metadata.group.okd_line.is_some();
        group
            || self
                .metadata
                .images
                .values()
                .any(|image| image.node.get("okd").is_some())
    }

    /// The merged metadata of an image.
    pub fn merged(&self, key: &str) -> Option<&Merged> {
        let image = self.metadata.images.get(key)?;
        Some(self.merged.get(key)?.get_or_init(|| merge::image(&image.node)))
    }

    /// Why an image is switched off for OKD, if it is.
    fn off(&self, key: &str) -> Option<String> {
        let config = &self.merged(key)?.config;
        let mode = at(config, "mode").and_then(Json::as_str)?;
        match mode {
            "enabled" => None,
            "disabled" | "wip" => Some(format!("`mode` is {mode} after the merge")),
            _ => None,
        }
    }

    /// The path of the Dockerfile that is taken, from the repository's root.
    pub fn dockerfile(&self, key: &str) -> Option<String> {
        Some(merge::dockerfile(&self.merged(key)?.config))
    }

    /// Foretells an image; `repo`: where its sources are, as far as files are looked at.
    pub fn predict(&self, key: &str, repo: Option<&RepoName>, look: &ReadDockerfile<'_>) -> Option<Prediction> {
        let image = self.metadata.images.get(key)?;
        let one = One {
            doozer: self,
            key,
            node: &image.node,
            merged: self.merged(key)?,
        };
        Some(one.predict(repo, look))
    }
}

/// One image.
struct One<'o, 'a> {
    doozer: &'o Doozer<'a>,
    key: &'o str,
    node: &'o crate::yaml::Node,
    merged: &'o Merged,
}

impl One<'_, '_> {
    fn predict(&self, repo: Option<&RepoName>, look: &ReadDockerfile<'_>) -> Prediction {
        let path = self.doozer.dockerfile(self.key).unwrap_or_default();
        let read = repo.and_then(|repo| look(repo, &path));
        let mut reasons = Vec::new();
        if let Some((text, key)) = &self.merged.fault {
            reasons.push(self.reason(text.clone(), merge::MERGE_RULE, key));
        }
        let text = match &read {
            Some(FileText::Text(text)) => Some(&**text),
            Some(FileText::Missing) => {
                reasons.push(self.no_dockerfile(&path, "is not there"));
                None
            }
            Some(FileText::Unreadable) => {
                reasons.push(self.no_dockerfile(&path, "cannot be read as text"));
                None
            }
            None => None,
        };
        let lines = text.and_then(|text| Dockerfile::parse(text.as_bytes()).ok());
        let lines = lines.map(|facts| parents::lines(&facts));
        let from = self.parents(lines.as_deref(), &path, &mut reasons);
        let none = Json::Null;
        let modifications = at(&self.merged.config, "content.source.modifications").unwrap_or(&none);
        let (modifications, modified) = modify(modifications, text);
        let stopping = modifications.iter().filter(|one| one.outcome.stops());
        reasons.extend(stopping.map(|one| self.stopped(one, &path)));
        let arches = self.arches(&mut reasons);
        reasons.extend(self.unknown_repositories());
        let off = self.doozer.off(self.key);
        let ends = match (&off, reasons.is_empty()) {
            (Some(_), _) => Ends::Skips,
            (None, true) => Ends::Builds,
            (None, false) => Ends::Fails,
        };
        if let Some(why) = off {
            reasons.insert(0, self.reason(why, "doozerlib/cli/images_okd.py: rebase_image", "mode"));
        }
        Prediction {
            image: self.key.to_owned(),
            release: self.doozer.metadata.release.to_string(),
            ends,
            mode: self.said("mode", "enabled", "doozerlib/cli/images_okd.py: rebase_image"),
            dockerfile: Said {
                value: path,
                ..self.said(
                    "content.source.dockerfile",
                    "Dockerfile",
                    "doozerlib/backend/rebaser.py: _merge_source",
                )
            },
            from,
            env: self.env(),
            arches,
            enabled_repos: self.texts("enabled_repos"),
            modifications,
            reasons,
            unread: self.unread(),
            differences: Vec::new(),
            modified,
        }
    }

    fn place(&self, line: Option<u32>) -> Place {
        self.doozer.metadata.place(Metadata::image_file(self.key), line)
    }

    /// The place of a merged value.
    fn at(&self, path: &str) -> Option<At> {
        let (_, node) = origin(self.node, path)?;
        Some(At(self.place(Some(node.pos.line))))
    }

    fn said(&self, path: &str, default: &str, rule: &str) -> Said {
        let value = at(&self.merged.config, path).and_then(Json::as_str);
        let by = origin(self.node, path).filter(|_| value.is_some());
        Said {
            value: value.unwrap_or(default).to_owned(),
            at: by.as_ref().and_then(|_| self.at(path)),
            by: by.map(|(key, _)| key).unwrap_or_default(),
            rule: rule.to_owned(),
        }
    }

    fn reason(&self, text: String, rule: &str, path: &str) -> Reason {
        Reason {
            text,
            rule: rule.to_owned(),
            at: self.at(path).or_else(|| Some(At(self.place(None)))),
        }
    }

    fn no_dockerfile(&self, path: &str, what: &str) -> Reason {
        let text = format!("{path} {what}");
        self.reason(
            text,
            "doozerlib/backend/rebaser.py: _merge_source",
            "content.source.dockerfile",
        )
    }

    fn stopped(&self, one: &Modification, path: &str) -> Reason {
        let text = match one.outcome {
            Outcome::NoMatch => format!(
                "`{}` does not occur in {path}, so its replacement changes nothing",
                one.what
            ),
            _ => format!("a modification of the kind `{}` cannot be made", one.action),
        };
        self.reason(text, modify::RULE, "content.source.modifications")
    }

    /// What the FROMs become, and whether there are as many as metadata says.
    fn parents(&self, lines: Option<&[Line]>, path: &str, reasons: &mut Vec<Reason>) -> Vec<Parent> {
        let Some(from) = at(&self.merged.config, "from") else {
            return Vec::new();
        };
        let entries = entries(from);
        let images: Option<Vec<&Line>> = lines.map(|lines| lines.iter().filter(|line| !line.is_stage).collect());
        if let Some(images) = images.as_ref().filter(|images| images.len() != entries.len()) {
            let text = format!(
                "metadata names {} parents, and {path} has {} FROMs that name an image",
                entries.len(),
                images.len()
            );
            reasons.push(self.reason(text, parents::RULE, "from"));
        }
        let canonical = self.canonical();
        let is_off = |key: &str| self.doozer.off(key);
        let resolver = Parents {
            metadata: self.doozer.metadata,
            terms: &self.doozer.terms,
            is_off: &is_off,
        };
        let one = |(index, entry): (usize, &&Json)| {
            let line = images.as_ref().and_then(|images| images.get(index).copied());
            let written = line.map(|line| line.written.clone());
            let becomes = resolver.resolve(entry, written.as_deref().filter(|_| canonical));
            Parent {
                metadata: called(entry),
                line: line.map(|line| line.line),
                written,
                becomes,
                at: self.at("from"),
            }
        };
        let all: Vec<Parent> = entries.iter().enumerate().map(one).collect();
        for parent in &all {
            if let Stands::Nothing { why } = &parent.becomes {
                let text = format!("nothing stands for {}: {why}", parent.metadata);
                reasons.push(self.reason(text, parents::RULE, "from"));
            }
        }
        all
    }

    /// Whether builders are taken from the sources (`doozerlib/image.py`: `canonical_builders_enabled`): the image says so, else
    /// its group; what is neither true nor false counts as false.
    fn canonical(&self) -> bool {
        const KEY: &str = "canonical_builders_from_upstream";
        let own = self.merged.config.get(KEY);
        own.unwrap_or(&self.doozer.metadata.group.build[KEY])
            .as_bool()
            .unwrap_or(false)
    }

    fn texts(&self, path: &str) -> Vec<String> {
        let items = at(&self.merged.config, path).and_then(Json::as_array);
        let items = items.into_iter().flatten().filter_map(Json::as_str);
        items.map(str::to_owned).collect()
    }

    /// Architectures (`doozerlib/metadata.py`: `get_arches`): the image's own as far as the group has them, else the group's.
    fn arches(&self, reasons: &mut Vec<Reason>) -> Vec<String> {
        // Where the group says nothing there is one.
        const DEFAULT: &str = "x86_64";
        let mut group = self.doozer.metadata.group.arches.clone();
        if group.is_empty() {
            group.push(DEFAULT.to_owned());
        }
        let own = self.texts("arches");
        if own.is_empty() {
            return group;
        }
        let both: Vec<String> = own.iter().filter(|arch| group.contains(arch)).cloned().collect();
        if both.is_empty() {
            let text = format!(
                "none of its architectures ({}) is one of the group's ({})",
                own.join(", "),
                group.join(", ")
            );
            reasons.push(self.reason(text, "doozerlib/metadata.py: get_arches", "arches"));
        }
        both
    }

    /// Repositories that are enabled and that the group does not have, as far as the group's are known.
    fn unknown_repositories(&self) -> Vec<Reason> {
        let Some(known) = &self.doozer.metadata.group.repos else {
            return Vec::new();
        };
        let enabled = self.texts("enabled_repos").into_iter();
        let unknown = enabled.filter(|name| !known.contains(name)).map(|name| {
            let text = format!("{name} of its `enabled_repos` is no repository of the group");
            self.reason(text, REPOSITORIES_RULE, "enabled_repos")
        });
        unknown.collect()
    }

    fn env(&self) -> Vec<Said> {
        const RULE: &str = "doozerlib/backend/rebaser.py: _update_dockerfile";
        let own = |(name, value): &(String, String)| Said {
            value: format!("{name}={value}"),
            by: String::new(),
            at: None,
            rule: RULE.to_owned(),
        };
        let given = at(&self.merged.config, "envs").and_then(Json::as_object);
        let is_given = |name: &str| given.is_some_and(|given| given.contains_key(name));
        let terms = self.doozer.terms.env.iter().filter(|(name, _)| !is_given(name));
        let mut all: Vec<Said> = terms.map(own).collect();
        for (name, value) in given.into_iter().flatten() {
            let path = format!("envs.{name}");
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            all.push(Said {
                value: format!("{name}={value}"),
                by: origin(self.node, &path).map(|(key, _)| key).unwrap_or_default(),
                at: self.at(&path),
                rule: RULE.to_owned(),
            });
        }
        all
    }

    /// What stands in `okd_alignment` and is not read.
    fn unread(&self) -> Vec<Reason> {
        const RULE: &str = "doozerlib/backend/rebaser.py: _resolve_member_parent reads `okd_alignment.resolve_as.stream`, nothing else";
        let alignment = |name: &str| format!("content.source.okd_alignment.{name}");
        let mut all = Vec::new();
        let mut add = |name: &str, text: String| all.push(self.reason(text, RULE, &alignment(name)));
        if let Some(image) = at(&self.merged.config, &alignment("resolve_as.image")).and_then(Json::as_str) {
            let is_it = |image_of: &Json| image_of == image;
            let streams = self.doozer.metadata.streams().iter();
            let same = |stream: &&crate::facts::stream::Stream| {
                is_it(&stream.view["upstream_image"]) || is_it(&stream.view["image"])
            };
            let way = match streams.into_iter().find(same) {
                Some(stream) => format!(
                    "`resolve_as.stream: {}` names the same image, and it is read",
                    stream.name
                ),
                None => "a stream with that image, named in `resolve_as.stream`, would be read".to_owned(),
            };
            add(
                "resolve_as.image",
                format!("`okd_alignment.resolve_as.image` is not read; {way}"),
            );
        }
        if at(&self.merged.config, &alignment("inject_rpm_repositories")).is_some() {
            let text = "`okd_alignment.inject_rpm_repositories` is not read; its addresses are CI's own, and `okd.enabled_repos` \
                        enables repositories of the group there";
            add("inject_rpm_repositories", text.to_owned());
        }
        let given = at(&self.merged.config, "envs").and_then(Json::as_object);
        let args = at(&self.merged.config, &alignment("build_args")).and_then(Json::as_array);
        let names = args.into_iter().flatten().filter_map(|arg| arg["name"].as_str());
        let names = names.filter(|name| !given.is_some_and(|given| given.contains_key(*name)));
        let names: Vec<&str> = names
            .filter(|name| self.doozer.terms.env.iter().all(|(own, _)| own != name))
            .collect();
        if !names.is_empty() {
            let text = format!(
                "`okd_alignment.build_args` is not read ({}); `okd.envs` is, and an ENV wins over an ARG of its name",
                names.join(", ")
            );
            add("build_args", text);
        }
        all
    }
}
