//! Remembers a whole release: where no input has changed, nothing is read but the heads of the repositories.
//!
//! What a release comes to is decided by the program, the rules, the configuration, the day (acceptances end) and the
//! commits of all repositories that were read. All of these are part of what a memory is kept under, or are compared
//! with it. A run in which something could not be read is not remembered, so that the next one tries again; neither is
//! one that read a plain directory, which has no commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use git2::{ObjectType, Oid};
use serde::{Deserialize, Serialize};

use super::heads::Head;
use super::{Rendering, Run};
use crate::base::{Origin, Release, RepoName};
use crate::config::Forge;
use crate::derive;
use crate::finding;
use crate::plan::{Bytes, Desired};
use crate::source::{Location, Snapshot};

/// Must change when the same inputs come to another result, beside the program's own version.
const VERSION: u32 = 6;

/// What a release is remembered under. There is one memory in a slot: what CI configs and build data were a commit ago is
/// never asked for again, and would fill the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// A digest of all that seldom changes: program, rules, configuration.
    pub name: String,
    /// The commits of build data and CI configs.
    pub commits: String,
}

impl std::fmt::Display for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.commits)
    }
}

/// What a memory holds for; read before the memory itself, which is large.
#[derive(Serialize, Deserialize)]
struct Inputs {
    commits: String,
    heads: Vec<Head>,
}

impl Inputs {
    /// A digest that ties the memory to its inputs.
    fn stamp(&self) -> Option<[u8; 20]> {
        let text = serde_json::to_vec(self).ok()?;
        let oid = Oid::hash_object(ObjectType::Blob, &text).ok()?;
        oid.as_bytes().try_into().ok()
    }
}

/// A release as it is remembered.
#[derive(Serialize, Deserialize)]
struct Memory {
    stamp: [u8; 20],
    files: Vec<StoredFile>,
    /// Findings as JSON: their form leaves fields out, which the cache's own encoding cannot.
    findings: String,
    /// What it was derived from, as JSON.
    upstream: String,
    successors: BTreeMap<RepoName, String>,
    missed: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredFile {
    desired: String,
    before: Option<Content>,
    after: Option<Edit>,
}

/// What a file becomes, told by what it is: most files are left as they are, and job files are large.
#[derive(Serialize, Deserialize)]
struct Edit {
    /// How many bytes stay at the start.
    start: usize,
    /// How many bytes stay at the end.
    end: usize,
    /// What stands between them.
    middle: Content,
}

impl Edit {
    fn of(before: &[u8], after: &[u8]) -> Self {
        // Files are megabytes: what is the same is passed in large steps, then byte by byte.
        const STEP: usize = 256;
        let same = |(a, b): &(&[u8], &[u8])| a == b;
        let steps = before.chunks(STEP).zip(after.chunks(STEP)).take_while(same);
        let start: usize = steps.map(|(a, _)| a.len()).sum();
        let byte = |(a, b): &(&u8, &u8)| a == b;
        let start = start + before[start..].iter().zip(&after[start..]).take_while(byte).count();
        let (old, new) = (&before[start..], &after[start..]);
        let steps = old.rchunks(STEP).zip(new.rchunks(STEP)).take_while(same);
        let end: usize = steps.map(|(a, _)| a.len()).sum();
        let left = |bytes: &[u8]| bytes.len() - end;
        let rest = old[..left(old)].iter().rev().zip(new[..left(new)].iter().rev());
        let end = end + rest.take_while(byte).count();
        let middle = Content(new[..new.len() - end].to_vec());
        Self { start, end, middle }
    }

    /// `None`: it is no edit of that file.
    fn apply(self, before: &Bytes) -> Option<Bytes> {
        let rest = before.len().checked_sub(self.start)?.checked_sub(self.end)?;
        if rest == 0 && self.middle.0.is_empty() {
            return Some(Arc::clone(before));
        }
        let (head, tail) = (before.get(..self.start)?, before.get(before.len() - self.end..)?);
        Some([head, &self.middle.0, tail].concat().into())
    }
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
    pub(super) fn slot(&self, release: Release, ci: Option<&dyn Snapshot>) -> Option<Slot> {
        // What the last payload was is not asked for again here, so what depends on it is not remembered.
        let on_payload = ["payload.tags", "payload.wanted_by"]
            .iter()
            .any(|name| self.rules.mention(name));
        if !self.store.is_enabled() || self.is_seeded() || on_payload || !self.assumed.is_empty() {
            return None;
        }
        let build_data = &self.config.sources.build_data;
        let head = self
            .sources
            .head(&build_data.repo(release), &build_data.branch(release));
        let metadata = head.ok().flatten()?;
        let ci = match ci {
            Some(ci) => format!("{} {}", ci.origin().commit.as_ref()?, ci.origin().branch),
            None => String::new(),
        };
        let text = format!(
            "{} {release} {} {:?} {:?} {:?}",
            self.build,
            self.rules.digest(),
            self.config,
            self.overrides,
            self.policy
        );
        let name = Oid::hash_object(ObjectType::Blob, text.as_bytes()).ok()?.to_string();
        let commits = format!("{metadata} {ci}");
        Some(Slot { name, commits })
    }

    /// The local forge of a URL reads what was merged in its own repository beside the source.
    fn is_seeded(&self) -> bool {
        let local = matches!(self.config.forge, Forge::Local { .. });
        let ci = self.config.sources.ci_config.as_ref().map(|ci| ci.repo());
        local && matches!(ci, Some(Location::Url(_)))
    }

    /// Recalls a release whose components have not moved since.
    pub(super) fn recall(&self, slot: &Slot, release: Release) -> Option<Rendering> {
        let key = slot.name.as_bytes();
        let inputs: Inputs = self.store.get("release-inputs", VERSION, key)?;
        if inputs.commits != slot.commits || !self.are_unmoved(&inputs.heads) {
            return None;
        }
        let memory: Memory = self.store.get("release", VERSION, key)?;
        if Some(memory.stamp) != inputs.stamp() {
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
            successors: memory.successors,
            missed: memory.missed,
        })
    }

    /// Remembers a release. Tells whether it does. `heads`: where all repositories stand that it depends on
    /// ([`Self::heads_of`]).
    pub(super) fn remember(&self, slot: &Slot, heads: Vec<Head>, rendering: &Rendering) -> bool {
        let Some((inputs, memory)) = memory(slot, heads, rendering) else {
            return false;
        };
        let key = slot.name.as_bytes();
        self.store.put("release", VERSION, key, &memory);
        self.store.put("release-inputs", VERSION, key, &inputs);
        true
    }
}

fn memory(slot: &Slot, heads: Vec<Head>, rendering: &Rendering) -> Option<(Inputs, Memory)> {
    let inputs = Inputs {
        commits: slot.commits.clone(),
        heads,
    };
    let memory = Memory {
        stamp: inputs.stamp()?,
        files: rendering.files.iter().map(store).collect::<Option<Vec<_>>>()?,
        findings: serde_json::to_string(&rendering.findings).ok()?,
        upstream: serde_json::to_string(&rendering.upstream).ok()?,
        successors: rendering.successors.clone(),
        missed: rendering.missed.clone(),
    };
    Some((inputs, memory))
}

impl Run {
    /// Where all repositories stand that a release was derived and rendered from, build data and the CI configs aside. `of_targets`:
    /// those that targets read. `None` where that does not tell what was read.
    pub(super) fn heads_of(&self, derived: &derive::Release<'_>, of_targets: Option<Vec<Head>>) -> Option<Vec<Head>> {
        // What other releases say is not among what a memory is held against.
        let alone = derived.neighbours.metadata.is_empty();
        let (of_targets, beside) = of_targets.zip(self.heads_beside(derived)).filter(|_| alone)?;
        let mut all = [heads(derived)?, of_targets, beside].concat();
        all.sort();
        all.dedup();
        Some(all)
    }
}

/// The commits of all components; `None` where one could not be read or has none.
fn heads(derived: &derive::Release<'_>) -> Option<Vec<Head>> {
    if finding::lacks_component(&derived.findings) {
        return None;
    }
    let release = derived.metadata.release;
    let head = |(repo, origin): (&RepoName, &Origin)| {
        Some(Head {
            release,
            repo: repo.clone(),
            branch: origin.branch.clone(),
            commit: origin.commit.clone()?,
        })
    };
    derived.components.iter().map(head).collect()
}

fn store(file: &Desired) -> Option<StoredFile> {
    let before = file.before.as_ref();
    let edit = |after: &Bytes| Edit::of(before.map_or(&[], |before| before), after);
    Some(StoredFile {
        desired: serde_json::to_string(file).ok()?,
        before: before.map(|before| Content(before.to_vec())),
        after: file.after.as_ref().map(edit),
    })
}

fn restore(stored: StoredFile) -> Option<Desired> {
    let mut file: Desired = serde_json::from_str(&stored.desired).ok()?;
    file.before = stored.before.map(|content| content.0.into());
    let before = file.before.clone().unwrap_or_default();
    file.after = match stored.after {
        Some(edit) => Some(edit.apply(&before)?),
        None => None,
    };
    Some(file)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_edit_gives_back_what_it_was_made_of(before in "[ab]{0,8}", after in "[ab]{0,8}") {
            let bytes: Bytes = before.as_bytes().into();
            let edit = Edit::of(before.as_bytes(), after.as_bytes());
            prop_assert!(edit.middle.0.len() <= after.len());
            let made = edit.apply(&bytes).expect("it is an edit of that file");
            prop_assert_eq!(&*made, after.as_bytes());
            prop_assert_eq!(Arc::ptr_eq(&made, &bytes), before == after);
        }

        #[test]
        fn an_edit_of_a_long_file_is_as_short_as_it_can_be(at in 0usize..2000, cut in 0usize..40, put in "[xy]{0,9}") {
            let before = "0123456789".repeat(200);
            let end = (at + cut).min(before.len());
            let after = [&before[..at], &put, &before[end..]].concat();
            let bytes: Bytes = before.as_bytes().into();
            let edit = Edit::of(before.as_bytes(), after.as_bytes());
            prop_assert!(edit.middle.0.len() <= put.len(), "{}", edit.middle.0.len());
            prop_assert_eq!(&*edit.apply(&bytes).expect("it is an edit of that file"), after.as_bytes());
        }
    }

    #[test]
    fn an_edit_of_another_file_is_none() {
        let edit = Edit::of(b"a long file", b"a long life");
        assert!(edit.apply(&b"short"[..].into()).is_none());
    }
}
