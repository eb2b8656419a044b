//! The embedded state: a cache of facts, keyed by what they were read from, and a journal of what is being written.
//!
//! A cache may only ever make things sooner. So opening never fails: where the directory cannot be used, the store runs
//! without it and says so, and whatever is found damaged is read as not there.
//!
//! Reads go to the database at once. Writes wait in memory and are written as one batch by [`Store::flush`] or at the end,
//! so that a killed process leaves all of a batch or nothing.
#![expect(
    clippy::disallowed_methods,
    reason = "the embedded state lives in files, and waits for their lock"
)]

mod database;
mod entry;
mod meta;
mod open;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::Serialize;
use serde::de::DeserializeOwned;

use database::Database;
use meta::{Limits, Meta};

/// The most that waits in memory before it is written without being asked for, in bytes.
const MAX_PENDING: usize = 8 << 20;

/// The embedded state. Shared between threads by reference.
pub struct Store {
    cache: Option<Cache>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What could not be had when the state was opened. The store works all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What it means for the run.
    pub kind: WarningKind,
    /// What happened, where, and what to do.
    pub message: String,
}

/// What a [`Warning`] means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// Another process uses the directory: this one runs without the cache.
    InUse,
    /// The directory cannot be read or written: the run goes without the cache.
    Unavailable,
    /// The cache was damaged and has been started anew.
    Rebuilt,
    /// The cache was of an older version and has been emptied.
    Cleared,
    /// The state is of a newer version: it was left untouched, and the run goes without it.
    Newer,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// How the cache was used since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Facts that were found.
    pub hits: u64,
    /// Facts that were not.
    pub misses: u64,
}

/// An open cache.
struct Cache {
    database: Database,
    limits: Limits,
    /// Locked while a batch is written.
    meta: Mutex<Meta>,
    /// The generation that entries are stamped with; read without the lock.
    generation: AtomicU32,
    /// Entries of generations before this one are stamped anew when they are asked for.
    mark_before: AtomicU32,
    pending: RwLock<Pending>,
}

/// Entries that wait to be written.
#[derive(Default)]
struct Pending {
    entries: HashMap<Vec<u8>, Vec<u8>>,
    bytes: usize,
}

impl Store {
    /// Opens the state in a directory, which is made where it is missing. Never fails: see [`WarningKind`].
    pub fn open(dir: &Path) -> (Self, Option<Warning>) {
        Self::open_with(dir, Limits::default())
    }

    fn open_with(dir: &Path, limits: Limits) -> (Self, Option<Warning>) {
        let (opened, warning) = open::open(dir, &limits);
        (
            Self::with(opened.map(|(database, meta)| Cache::new(database, meta, limits))),
            warning,
        )
    }

    /// Makes a store that remembers nothing.
    pub fn disabled() -> Self {
        Self::with(None)
    }

    fn with(cache: Option<Cache>) -> Self {
        Self {
            cache,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    /// Tells whether anything is remembered.
    pub fn is_enabled(&self) -> bool {
        self.cache.is_some()
    }

    /// Looks up what was stored of that kind under a key by the same version of its parser.
    ///
    /// `kind` is a short name without NUL bytes. `parser_version` must change whenever the same input yields another value
    /// or the type of the value changes its shape: the encoding does not describe itself.
    pub fn get<T: DeserializeOwned>(&self, kind: &'static str, parser_version: u32, key: &[u8]) -> Option<T> {
        let value = self
            .cache
            .as_ref()
            .and_then(|cache| cache.get(&entry::key(kind, key), parser_version));
        let counter = if value.is_some() { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        value
    }

    /// Remembers a value for [`Self::get`]; it is written by the next [`Self::flush`].
    pub fn put<T: Serialize>(&self, kind: &'static str, parser_version: u32, key: &[u8], value: &T) {
        let Some(cache) = &self.cache else { return };
        let key = entry::key(kind, key);
        match entry::encode(&key, parser_version, cache.generation.load(Ordering::Relaxed), value) {
            Ok(bytes) => cache.remember(key, bytes),
            Err(error) => tracing::warn!(kind, %error, "a value cannot be stored in the cache and will be read anew"),
        }
    }

    /// Writes what waits, as one batch. Trouble is logged and otherwise without effect: the values are read anew next time.
    pub fn flush(&self) {
        if let Some(cache) = &self.cache {
            cache.flush();
        }
    }

    /// Notes in the journal what is about to be done. Tells whether the note is on disk; without a usable state it is not.
    pub fn note<T: Serialize>(&self, key: &str, value: &T) -> bool {
        let (Some(cache), Ok(bytes)) = (&self.cache, serde_json::to_vec(value)) else {
            return false;
        };
        cache.database.note(key.as_bytes(), Some(&bytes))
    }

    /// Notes many things at once, each under its key. Tells whether all of them are on disk.
    pub fn note_all<T: Serialize>(&self, notes: &[(String, T)]) -> bool {
        let Some(cache) = &self.cache else { return false };
        let encoded = notes.iter().map(|(key, value)| {
            let bytes = serde_json::to_vec(value).ok()?;
            Some((key.clone().into_bytes(), bytes))
        });
        let encoded: Option<Vec<_>> = encoded.collect();
        encoded.is_some_and(|notes| notes.is_empty() || cache.database.note_all(&notes))
    }

    /// Gives a note of the journal; `None` where there is none, or one of another version.
    pub fn noted<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let bytes = self.cache.as_ref()?.database.noted(key.as_bytes())?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Takes a note off the journal.
    pub fn forget(&self, key: &str) {
        if let Some(cache) = &self.cache {
            cache.database.note(key.as_bytes(), None);
        }
    }

    /// Adds a value to a list that keeps the newest so many. Tells whether it is on disk.
    pub fn append<T: Serialize>(&self, list: &'static str, value: &T, keep: usize) -> bool {
        let (Some(cache), Ok(bytes)) = (&self.cache, serde_json::to_vec(value)) else {
            return false;
        };
        cache.database.append(list, &bytes, keep)
    }

    /// Gives the newest so many values of a list, newest first, without those of another form.
    pub fn listed<T: DeserializeOwned>(&self, list: &'static str, most: usize) -> Vec<T> {
        let bytes = self.cache.as_ref().map(|cache| cache.database.listed(list, most));
        let values = bytes.into_iter().flatten();
        values.filter_map(|bytes| serde_json::from_slice(&bytes).ok()).collect()
    }

    /// Tells whether the state remembers, and there was no trouble with it so far.
    pub fn is_usable(&self) -> bool {
        self.cache.as_ref().is_some_and(|cache| cache.database.is_usable())
    }

    /// Tells how the cache was used so far.
    pub fn stats(&self) -> Stats {
        Stats {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Cache {
    fn new(database: Database, meta: Meta, limits: Limits) -> Self {
        let (generation, mark_before) = (AtomicU32::new(meta.generation), AtomicU32::new(meta.mark_before()));
        Self {
            database,
            limits,
            meta: Mutex::new(meta),
            generation,
            mark_before,
            pending: RwLock::default(),
        }
    }

    fn get<T: DeserializeOwned>(&self, key: &[u8], parser_version: u32) -> Option<T> {
        if let Some(bytes) = self.pending().entries.get(key) {
            return entry::decode(key, parser_version, bytes);
        }
        let bytes = self.database.get(key)?;
        let value = entry::decode(key, parser_version, &bytes)?;
        if entry::generation(&bytes) < self.mark_before.load(Ordering::Relaxed) {
            let generation = self.generation.load(Ordering::Relaxed);
            self.remember(key.to_vec(), entry::with_generation(key, &bytes, generation)?);
        }
        Some(value)
    }

    /// Keeps an entry in memory until it is written.
    fn remember(&self, key: Vec<u8>, bytes: Vec<u8>) {
        let mut pending = self.pending_mut();
        pending.bytes += key.len() + bytes.len();
        pending.entries.insert(key, bytes);
        let full = pending.bytes > MAX_PENDING;
        drop(pending);
        if full {
            self.flush();
        }
    }

    fn flush(&self) {
        // The lock is held throughout: between two batches their generations must not cross.
        let mut meta = self.meta();
        let entries = std::mem::take(&mut *self.pending_mut()).entries;
        if entries.is_empty() || !self.database.is_usable() {
            return;
        }
        let mut next = meta.clone();
        let added = entries.keys().filter(|key| !self.database.contains(key)).count();
        next.after_write(added, &self.limits);
        if self.database.write(entries, &next) {
            *meta = next;
            self.prune(&mut meta);
            self.generation.store(meta.generation, Ordering::Relaxed);
            self.mark_before.store(meta.mark_before(), Ordering::Relaxed);
        }
    }

    /// Drops what nothing has asked for since marking began, once marking has gone on for long enough.
    fn prune(&self, meta: &mut Meta) {
        let Some(since) = meta.sweep_before(&self.limits) else {
            return;
        };
        let Some((kept, dropped)) = self.database.sweep(|bytes| entry::generation(bytes) < since) else {
            return;
        };
        meta.after_sweep(kept, &self.limits);
        tracing::debug!(
            kept,
            dropped,
            "dropped facts from the cache that nothing asks for any more"
        );
        self.database.write(HashMap::new(), meta);
    }

    // A panic while one of the locks is held leaves the data whole: each is changed by a single assignment or insert.

    fn meta(&self) -> MutexGuard<'_, Meta> {
        self.meta.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending(&self) -> RwLockReadGuard<'_, Pending> {
        self.pending.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn pending_mut(&self) -> RwLockWriteGuard<'_, Pending> {
        self.pending.write().unwrap_or_else(PoisonError::into_inner)
    }
}
