//! Reads ocp-build-data of a release.

use std::sync::LazyLock;

use git2::{ObjectType, Oid};
use rayon::prelude::*;

use super::{Run, RunError, unreadable};
use crate::base::Release;
use crate::facts::group::{self, Group};
use crate::facts::image::{self, ImageMetadata};
use crate::facts::stream;
use crate::facts::view::WrongForm;
use crate::finding::{Finding, Severity};
use crate::model::metadata::Metadata;
use crate::rules::load::nearest;
use crate::source::{EntryKind, Snapshot};
use crate::yaml::{self, Node};

/// Must change when the same file yields other facts under the same names.
const VERSION: u32 = 4;

/// What the facts of an image are called, digested: kept facts of a program that had other names for them say nothing to this
/// one's rules.
static FORM: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<String> = image::KEYS
        .iter()
        .map(|key| format!("{}={}", key.view, key.file))
        .collect();
    let oid = Oid::hash_object(ObjectType::Blob, names.join(" ").as_bytes());
    // libgit2 fails here only when it is out of memory.
    oid.map_or_else(|_| String::new(), |oid| oid.to_string())
});

impl Run {
    /// Reads build data of a release. A file that is broken costs itself only.
    ///
    /// # Errors
    /// The repository or branch cannot be read, or has no `group.yml`.
    pub fn metadata(&self, release: Release) -> Result<Metadata, RunError> {
        self.metadata_of(release, None)
    }

    /// Reads build data of a release as it was at a commit.
    ///
    /// # Errors
    /// As [`Self::metadata`] has them; or there is no such commit.
    pub fn metadata_at(&self, release: Release, commit: &str) -> Result<Metadata, RunError> {
        self.metadata_of(release, Some(commit))
    }

    fn metadata_of(&self, release: Release, commit: Option<&str>) -> Result<Metadata, RunError> {
        let snapshot = self.build_data(release, commit)?;
        self.metadata_in(release, &*snapshot)
    }

    /// Opens build data of a release, by default at its branch.
    pub(super) fn build_data(&self, release: Release, commit: Option<&str>) -> Result<Box<dyn Snapshot>, RunError> {
        let build_data = &self.config.sources.build_data;
        let location = build_data.repo(release);
        let name = location
            .name()
            .map_or_else(|| location.to_string(), |name| name.to_string());
        let opened = match commit {
            Some(commit) => self.sources.open_at(&name, &location, commit),
            None => self.sources.open(&name, &location, &build_data.branch(release)),
        };
        let what = format!("build data of {release} (`sources.build-data`)");
        opened.map_err(|error| RunError::Source { what, error })
    }

    /// Reads build data of a release that was opened.
    pub(super) fn metadata_in(&self, release: Release, snapshot: &dyn Snapshot) -> Result<Metadata, RunError> {
        let reader = Reader {
            run: self,
            snapshot,
            release,
        };
        let mut metadata = reader.read()?;
        metadata.external.clone_from(self.sources.external());
        Ok(metadata)
    }
}

struct Reader<'r> {
    run: &'r Run,
    snapshot: &'r dyn Snapshot,
    release: Release,
}

impl Reader<'_> {
    fn read(&self) -> Result<Metadata, RunError> {
        let mut findings = Vec::new();
        self.expect();
        let group = self.group(&mut findings)?;
        let (streams, faults) = self.streams(&group, &mut findings)?;
        let mut metadata = Metadata::new(self.release, self.snapshot.origin().clone(), group, streams);
        // Whatever could not be read up to here concerns all images.
        metadata.partial = !findings.is_empty();
        findings.extend(faults);
        let entries = self.snapshot.list("images").unwrap_or_else(|error| {
            findings.push(self.unreadable_file("images", None, error.to_string()));
            metadata.partial = true;
            Some(Vec::new())
        });
        if entries.is_none() {
            metadata.partial = true;
            let text = "build data has no `images` folder";
            findings.push(
                unreadable(self.snapshot, "no-images", "images", None, text).with_help("is it the right branch?"),
            );
        }
        let keys: Vec<String> = entries
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.name.strip_suffix(".yml").map(str::to_owned))
            .collect();
        let read: Vec<_> = keys
            .par_iter()
            .map(|key| (key, self.image(key, &metadata.group)))
            .collect();
        for (key, result) in read {
            match result {
                Ok(image) => {
                    findings.extend(
                        image
                            .faults
                            .iter()
                            .map(|fault| self.wrong_form(&Metadata::image_file(key), fault)),
                    );
                    metadata.images.insert(key.clone(), image);
                }
                Err(finding) => {
                    metadata.broken.insert(key.clone());
                    findings.push(*finding);
                }
            }
        }
        metadata.findings = findings;
        Ok(metadata)
    }

    /// Has all files of the root and of `images` brought at once.
    fn expect(&self) {
        let files = |folder: &str| {
            let entries = self.snapshot.list(folder).ok().flatten().unwrap_or_default();
            let files = entries
                .into_iter()
                .filter(|entry| entry.kind != EntryKind::Dir && entry.name.ends_with(".yml"));
            let start = if folder.is_empty() {
                String::new()
            } else {
                format!("{folder}/")
            };
            files.map(|entry| format!("{start}{}", entry.name)).collect::<Vec<_>>()
        };
        let files: Vec<String> = ["", "images"].into_iter().flat_map(files).collect();
        self.snapshot
            .expect(&files.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn group(&self, findings: &mut Vec<Finding>) -> Result<Group, RunError> {
        let release_fault = |finding: Finding| RunError::Release {
            release: self.release,
            findings: vec![finding],
        };
        let mut root = match self.yaml("group.yml", None) {
            Ok(Some(root)) => root,
            Ok(None) => {
                let finding = unreadable(
                    self.snapshot,
                    "no-group",
                    "group.yml",
                    None,
                    "build data has no `group.yml`",
                );
                return Err(release_fault(
                    finding.with_help("is it the right repository and branch?"),
                ));
            }
            Err(finding) => return Err(release_fault(*finding)),
        };
        let mut misprints = group::misprints(root.get("vars"), "group.yml");
        match self.yaml("group.ext.yml", None) {
            Ok(Some(ext)) => {
                misprints.extend(group::misprints(ext.get("vars"), "group.ext.yml"));
                group::merge(&mut root, ext);
            }
            Ok(None) => {}
            Err(finding) => findings.push(*finding),
        }
        for key in ["vars", "public_upstreams", "arches"] {
            if let Some(file) = self.include(&mut root, key, findings).filter(|_| key == "vars") {
                misprints.extend(group::misprints(root.get(key), &file));
            }
        }
        let mut group = Group::read(&root);
        group.misprints = misprints;
        let set = &self.run.overrides.vars;
        if let Some(name) = set.keys().find(|name| !group.vars.contains_key(*name)) {
            let known: Vec<&str> = group.vars.keys().map(String::as_str).collect();
            let text = format!(
                "`--set vars.{name}=…`: there is no variable {name}; {}",
                nearest(name, &known)
            );
            let finding = unreadable(self.snapshot, "unknown-variable", "group.yml", None, text);
            return Err(release_fault(finding));
        }
        group.vars.extend(set.clone());
        findings.extend(group.faults.iter().map(|fault| self.wrong_form("group.yml", fault)));
        Ok(group)
    }

    /// Puts a file in the place of `key: !include file`, and names it.
    fn include(&self, root: &mut Node, key: &str, findings: &mut Vec<Finding>) -> Option<String> {
        let tagged = root.get(key).and_then(Node::as_tagged);
        let (_, file) = tagged.filter(|(tag, _)| *tag == "!include")?;
        let file = file.text()?.to_owned();
        let line = root.get(key).map(|node| node.pos.line);
        match self.yaml(&file, None) {
            Ok(Some(node)) => drop(root.as_map_mut().and_then(|map| map.insert(key, node))),
            Ok(None) => {
                let text = format!("group.yml includes {file}, which is not there");
                findings.push(self.unreadable_file("group.yml", line, text));
            }
            Err(finding) => findings.push(*finding),
        }
        Some(file)
    }

    fn streams(
        &self,
        group: &Group,
        findings: &mut Vec<Finding>,
    ) -> Result<(Vec<stream::Stream>, Vec<Finding>), RunError> {
        let mut root = match self.yaml("streams.yml", Some(group)) {
            Ok(root) => root.unwrap_or_default(),
            Err(finding) => {
                findings.push(*finding);
                Node::default()
            }
        };
        let unknown = self.run.overrides.apply_to_streams(&mut root).into_iter();
        let unknown = unknown.map(|text| unreadable(self.snapshot, "unknown-stream", "streams.yml", None, text));
        let unknown: Vec<Finding> = unknown.collect();
        if !unknown.is_empty() {
            return Err(RunError::Release {
                release: self.release,
                findings: unknown,
            });
        }
        let (mut streams, faults) = stream::read(&root);
        let blob = self.snapshot.read("streams.yml").ok().flatten();
        if let Some(text) = blob.as_ref().and_then(|blob| std::str::from_utf8(&blob.bytes).ok()) {
            streams = streams.into_iter().map(|stream| stream.with_text(text)).collect();
        }
        let faults = faults.iter().map(|fault| self.wrong_form("streams.yml", fault));
        Ok((streams, faults.collect()))
    }

    fn image(&self, key: &str, group: &Group) -> Result<ImageMetadata, Box<Finding>> {
        let file = Metadata::image_file(key);
        let bad = |line, message: String| Box::new(self.unreadable_file(&file, line, message));
        if key.contains(char::REPLACEMENT_CHARACTER) {
            return Err(bad(None, "the file's name is not UTF-8".into()));
        }
        let oid = self.snapshot.oid(&file).map_err(|error| bad(None, error.to_string()))?;
        let cache_key = oid.map(|oid| format!("{oid} {:?} {}", group.vars, *FORM));
        let known = cache_key
            .as_ref()
            .and_then(|key| self.run.store.get("image", VERSION, key.as_bytes()));
        if let Some(image) = known {
            return Ok(image);
        }
        let blob = self
            .snapshot
            .read(&file)
            .map_err(|error| bad(None, error.to_string()))?;
        let blob = blob.ok_or_else(|| bad(None, "the file is not there".into()))?;
        let node = match std::str::from_utf8(&blob.bytes) {
            Ok(text) => yaml::parse(group.substitute(text).as_bytes()),
            Err(_) => yaml::parse(&blob.bytes),
        };
        let image = ImageMetadata::read(node.map_err(|error| bad(Some(error.pos.line), error.text()))?);
        let image = match std::str::from_utf8(&blob.bytes) {
            Ok(text) => image.with_text(text),
            Err(_) => image,
        };
        if image.node.as_map().is_none() {
            return Err(bad(
                Some(1),
                format!("a mapping is expected, this is {}", image.node.type_name()),
            ));
        }
        if let Some(key) = cache_key {
            self.run.store.put("image", VERSION, key.as_bytes(), &image);
        }
        Ok(image)
    }

    fn yaml(&self, file: &str, group: Option<&Group>) -> Result<Option<Node>, Box<Finding>> {
        let bad = |line, message: String| Box::new(self.unreadable_file(file, line, message));
        let Some(blob) = self.snapshot.read(file).map_err(|error| bad(None, error.to_string()))? else {
            return Ok(None);
        };
        let parsed = match (group, std::str::from_utf8(&blob.bytes)) {
            (Some(group), Ok(text)) => yaml::parse(group.substitute(text).as_bytes()),
            _ => yaml::parse(&blob.bytes),
        };
        parsed
            .map(Some)
            .map_err(|error| bad(Some(error.pos.line), error.text()))
    }

    fn unreadable_file(&self, file: &str, line: Option<u32>, message: String) -> Finding {
        unreadable(self.snapshot, "unreadable-metadata", file, line, message)
            .with_help("put the file right; images that need it stay as they are until then")
    }

    fn wrong_form(&self, file: &str, fault: &WrongForm) -> Finding {
        let text = format!("`{}`: {}", fault.key, fault.message);
        let mut finding = unreadable(self.snapshot, "wrong-type", file, Some(fault.pos.line), text);
        finding.severity = Severity::Warning;
        finding.with_help("the key is read as if it were not there")
    }
}
