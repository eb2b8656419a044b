//! Remembers a whole release: where no input has changed, nothing is read but the heads of the repositories.
//!
//! What a release comes to is decided by the program, the rules, the configuration, the day (acceptances end) and the
//! commits of all repositories that were read. All of these are part of what a memory is kept under, or are compared
//! with it. A run in which something could not be read is not remembered, so that the next one tries again; neither is
//! one that read a plain directory, which has no commit.

use git2::{ObjectType, Oid};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Rendering, Run};
use crate::audit::Finding;
use crate::config::Forge;
use crate::derive;
use crate::model::release::Release;
use crate::plan::Desired;
use crate::source::{CommitId, Location, RepoName, Snapshot};

/// Must change when the same inputs come to another result, beside the program's own version.
const VERSION: u32 = 3;

/// A release as it is remembered.
#[derive(Serialize, Deserialize)]
pub(super) struct Memory {
    heads: Vec<Head>,
    files: Vec<StoredFile>,
    /// Findings as JSON: their form leaves fields out, which the cache's own encoding cannot.
    findings: String,
    /// What it was derived from, as JSON.
    upstream: String,
}

/// A component's branch and the commit that was read.
#[derive(Serialize, Deserialize)]
struct Head {
    repo: RepoName,
    branch: String,
    commit: String,
}

#[derive(Serialize, Deserialize)]
struct StoredFile {
    desired: String,
    before: Option<Content>,
    after: Option<Content>,
}

/// A file's bytes, stored as one piece: job files are megabytes, and byte by byte takes longer than deriving them.
struct Content(Vec<u8>);

impl Serialize for Content {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl serde::de::Visitor<'_> for Bytes {
            type Value = Content;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a file's bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Content, E> {
                Ok(Content(bytes.to_vec()))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Content, E> {
                Ok(Content(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Bytes)
    }
}

impl Run {
    /// What a release's memory is kept under; `None` where it cannot be remembered.
    pub(super) fn memory_key(&self, release: Release, ci: Option<&dyn Snapshot>) -> Option<String> {
        // What the last payload was is not asked for again here, so what depends on it is not remembered.
        let on_payload = ["payload.tags", "payload.wanted_by"]
            .iter()
            .any(|name| self.rules.mention(name));
        if !self.store.is_enabled() || self.is_seeded() || on_payload {
            return None;
        }
        let build_data = &self.config.sources.build_data;
        let head = self
            .sources
            .head(&build_data.repo(release), &build_data.branch(release));
        let metadata = head.ok().flatten()?;
        let ci = match ci {
            Some(ci) => ci.origin().commit.clone()?,
            None => String::new(),
        };
        let text = format!(
            "{} {release} {metadata} {ci} {} {:?} {:?} {:?}",
            self.build,
            self.rules.digest(),
            self.config,
            self.overrides,
            self.policy
        );
        Oid::hash_object(ObjectType::Blob, text.as_bytes())
            .ok()
            .map(|oid| oid.to_string())
    }

    /// The local forge of a URL reads what was merged in its own repository beside the source.
    fn is_seeded(&self) -> bool {
        let local = matches!(self.config.forge, Forge::Local { .. });
        let ci = self.config.sources.ci_config.as_ref().map(|ci| ci.repo());
        local && matches!(ci, Some(Location::Url(_)))
    }

    /// Recalls a release whose components have not moved since.
    pub(super) fn recall(&self, key: &str, release: Release) -> Option<Rendering> {
        let memory: Memory = self.store.get("release", VERSION, key.as_bytes())?;
        if let Some(reader) = self.sources.github() {
            let heads = memory.heads.iter();
            reader.heads(
                &heads
                    .map(|head| (head.repo.clone(), head.branch.clone()))
                    .collect::<Vec<_>>(),
            );
        }
        let unmoved = memory.heads.par_iter().all(|head| {
            let location = self.config.sources.components.repo(release, &head.repo);
            let at = location.and_then(|at| {
                self.sources
                    .component_head(&head.repo, &at, &head.branch)
                    .ok()
                    .flatten()
            });
            at == Some(CommitId(head.commit.clone()))
        });
        if !unmoved {
            return None;
        }
        let findings = serde_json::from_str(&memory.findings).ok()?;
        let upstream = serde_json::from_str(&memory.upstream).ok()?;
        let files = memory.files.into_iter().map(restore).collect::<Option<Vec<_>>>()?;
        Some(Rendering {
            release,
            files,
            findings,
            upstream,
        })
    }

    /// Remembers a release, if all that it depends on has a commit. Tells whether it does.
    pub(super) fn remember(&self, key: &str, derived: &derive::Release<'_>, rendering: &Rendering) -> bool {
        let memory = heads(derived).and_then(|heads| {
            let findings = serde_json::to_string(&rendering.findings).ok()?;
            let files = rendering.files.iter().map(store).collect::<Option<Vec<_>>>()?;
            let upstream = serde_json::to_string(&rendering.upstream).ok()?;
            Some(Memory {
                heads,
                files,
                findings,
                upstream,
            })
        });
        let Some(memory) = memory else { return false };
        self.store.put("release", VERSION, key.as_bytes(), &memory);
        true
    }
}

/// The commits of all components; `None` where one could not be read or has none.
fn heads(derived: &derive::Release<'_>) -> Option<Vec<Head>> {
    if derived
        .findings
        .iter()
        .any(|finding: &Finding| finding.code == "unreadable-component")
    {
        return None;
    }
    derived
        .components
        .iter()
        .map(|(repo, origin)| {
            let (repo, branch, commit) = (repo.clone(), origin.branch.clone(), origin.commit.clone()?);
            Some(Head { repo, branch, commit })
        })
        .collect()
}

fn store(file: &Desired) -> Option<StoredFile> {
    let bytes = |bytes: &Option<crate::plan::Bytes>| bytes.as_ref().map(|bytes| Content(bytes.to_vec()));
    let desired = serde_json::to_string(file).ok()?;
    Some(StoredFile {
        desired,
        before: bytes(&file.before),
        after: bytes(&file.after),
    })
}

fn restore(stored: StoredFile) -> Option<Desired> {
    let mut file: Desired = serde_json::from_str(&stored.desired).ok()?;
    file.before = stored.before.map(|content| content.0.into());
    file.after = stored.after.map(|content| content.0.into());
    Some(file)
}
