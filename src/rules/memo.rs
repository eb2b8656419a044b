//! Remembers decisions: what rules come to depends on nothing but the rules, the release, and the values that they read.
//!
//! A decision is kept under a digest of the values of all variables that any of its rules names, whether the rule would have
//! looked at them or not. So two images that look alike to the rules of a field are decided once, and a decision of an
//! earlier run holds as long as the rules are the same.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use super::decision::{Decision, Tried};
use super::expr::Scope;
use super::subject::Subject;
use crate::base::Release;

/// The digest of a field's name and of the values that its rules read.
type Key = [u8; 16];

/// Decisions of one rule set.
#[derive(Debug, Default)]
pub struct Memo {
    releases: Mutex<BTreeMap<Release, Arc<Part>>>,
}

/// The decisions of one release, in several maps so that threads seldom wait for one another.
#[derive(Debug, Default)]
pub(super) struct Part {
    maps: [Mutex<HashMap<Key, Known>>; 16],
}

#[derive(Debug)]
struct Known {
    decision: Arc<Decision>,
    /// Whether this run has asked for it.
    is_used: bool,
    /// Whether it was remembered from an earlier run.
    is_recalled: bool,
}

/// A decision in the form that is kept between runs.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    key: Key,
    /// The value as JSON: the cache's own encoding does not describe itself.
    value: Option<String>,
    tried: Vec<Tried>,
}

impl Memo {
    /// The decisions of a release.
    pub(super) fn of(&self, release: Release) -> Arc<Part> {
        Arc::clone(lock(&self.releases).entry(release).or_default())
    }

    /// Takes decisions that an earlier run made with the same rules. Those that are damaged are left out.
    pub fn recall(&self, release: Release, kept: Vec<Kept>) {
        let part = self.of(release);
        for Kept { key, value, tried } in kept {
            let Ok(value) = value.map(|text| serde_json::from_str(&text)).transpose() else {
                continue;
            };
            let decision = Arc::new(Decision { value, tried });
            part.map(&key).entry(key).or_insert(Known {
                decision,
                is_used: false,
                is_recalled: true,
            });
        }
    }

    /// Gives what was asked for of a release, in a fixed order; `None` where all of it was recalled.
    pub fn keep(&self, release: Release) -> Option<Vec<Kept>> {
        let part = self.of(release);
        let (mut kept, mut is_new) = (Vec::new(), false);
        for map in &part.maps {
            let map = lock(map);
            let used = map.iter().filter(|(_, known)| known.is_used);
            for (key, known) in used.filter(|(_, known)| is_exact(known.decision.value.as_ref())) {
                is_new |= !known.is_recalled;
                kept.push(Kept {
                    key: *key,
                    value: known.decision.value.as_ref().map(Json::to_string),
                    tried: known.decision.tried.clone(),
                });
            }
        }
        kept.sort_by_key(|kept| kept.key);
        is_new.then_some(kept)
    }
}

impl Part {
    fn map(&self, key: &Key) -> MutexGuard<'_, HashMap<Key, Known>> {
        lock(&self.maps[usize::from(key[0]) % self.maps.len()])
    }

    /// Gives a decision that is known, or makes it.
    pub fn decision(&self, key: Key, make: impl FnOnce() -> Decision) -> Arc<Decision> {
        if let Some(known) = self.map(&key).get_mut(&key) {
            known.is_used = true;
            return Arc::clone(&known.decision);
        }
        // No lock is held meanwhile: two threads may both decide, and come to the same.
        let decision = Arc::new(make());
        let mut map = self.map(&key);
        let known = map.entry(key).or_insert(Known {
            decision,
            is_used: true,
            is_recalled: false,
        });
        Arc::clone(&known.decision)
    }
}

/// Tells whether a value reads back as what it was; a fraction may not.
fn is_exact(value: Option<&Json>) -> bool {
    value.is_none_or(|value| match value {
        Json::Number(number) => !number.is_f64(),
        Json::Array(items) => items.iter().all(|item| is_exact(Some(item))),
        Json::Object(map) => map.values().all(|value| is_exact(Some(value))),
        _ => true,
    })
}

/// The key of a field's decision: what its rules read, as it is in scope.
pub(super) fn key(subject: Subject, field: &str, reads: &[Vec<String>], scope: &Scope<'_>) -> Key {
    let mut bytes = Vec::with_capacity(512);
    text(subject.name(), &mut bytes);
    text(field, &mut bytes);
    for path in reads {
        if let [name] = path.as_slice() {
            match scope.digest(name, digest_of) {
                Some(digest) => {
                    bytes.push(b'd');
                    bytes.extend_from_slice(digest);
                }
                None => bytes.push(b'-'),
            }
            continue;
        }
        // How far a path leads counts as well: what is not there is no null.
        let (depth, value) = scope.follow(path);
        bytes.push(u8::try_from(depth).unwrap_or(u8::MAX));
        match value {
            Some(value) => json(value, &mut bytes),
            None => bytes.push(b'-'),
        }
    }
    sum(&bytes)
}

/// A digest of a whole variable, which may be large and is read for several fields.
fn digest_of(value: &Json) -> Key {
    let mut bytes = Vec::new();
    json(value, &mut bytes);
    sum(&bytes)
}

fn sum(bytes: &[u8]) -> Key {
    let digest = Sha256::digest(bytes);
    let mut key = Key::default();
    key.copy_from_slice(&digest[..16]);
    key
}

fn text(text: &str, bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// Writes a value so that different values are different bytes, and none is the start of another.
fn json(value: &Json, bytes: &mut Vec<u8>) {
    match value {
        Json::Null => bytes.push(b'0'),
        Json::Bool(false) => bytes.push(b'f'),
        Json::Bool(true) => bytes.push(b't'),
        Json::Number(number) => {
            bytes.push(b'n');
            text(&number.to_string(), bytes);
        }
        Json::String(string) => {
            bytes.push(b's');
            text(string, bytes);
        }
        Json::Array(items) => {
            bytes.push(b'a');
            bytes.extend_from_slice(&(items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| json(item, bytes));
        }
        Json::Object(map) => {
            bytes.push(b'o');
            bytes.extend_from_slice(&(map.len() as u64).to_le_bytes());
            for (key, value) in map {
                text(key, bytes);
                json(value, bytes);
            }
        }
    }
}

/// A panic while a lock is held leaves the maps whole: each is changed by a single insert.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
