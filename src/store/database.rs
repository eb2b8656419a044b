//! The database behind the cache: sled, kept in one place so that it can be replaced.
//!
//! sled reports some damage by panicking. Every call is guarded, and after the first trouble the database is left alone.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::meta::Meta;

/// How much of the database sled may hold in memory, in bytes.
const MEMORY: u64 = 64 << 20;

/// The name of the tree with the journal; facts are in the default one.
const JOURNAL: &str = "journal";

/// Why the database does not do what it was asked.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The directory or disk refuses.
    Refused(String),
    /// The files are not what sled wrote.
    Damaged(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Refused(error) | Self::Damaged(error)) = self;
        f.write_str(error)
    }
}

/// An open database and the lock that keeps other processes out.
pub(super) struct Database {
    /// Taken only by `drop`.
    sled: Option<sled::Db>,
    path: PathBuf,
    /// Set at the first trouble.
    unusable: AtomicBool,
    damaged: AtomicBool,
    /// Held until the database is closed and, if damaged, moved away.
    lock: File,
}

impl Database {
    /// Opens the database in a folder that the lock covers.
    pub fn open(path: &Path, lock: File) -> Result<Self, (Trouble, File)> {
        let config = sled::Config::new()
            .path(path)
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(MEMORY)
            // Nothing is written but by `write`, which flushes itself.
            .flush_every_ms(None);
        match guarded(|| open_patiently(&config)) {
            Ok(sled) => Ok(Self {
                sled: Some(sled),
                path: path.to_owned(),
                unusable: AtomicBool::new(false),
                damaged: AtomicBool::new(false),
                lock,
            }),
            Err(trouble) => Err((trouble, lock)),
        }
    }

    /// Tells whether there has been no trouble so far.
    pub fn is_usable(&self) -> bool {
        !self.unusable.load(Ordering::Relaxed)
    }

    /// Tells whether the database has no entry at all.
    pub fn is_empty(&self) -> bool {
        self.run(|sled| Ok(sled.is_empty())).unwrap_or(true)
    }

    /// Gives the bytes of an entry.
    pub fn get(&self, key: &[u8]) -> Option<sled::IVec> {
        self.run(|sled| sled.get(key)).flatten()
    }

    /// Tells whether there is an entry of that key.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.run(|sled| sled.contains_key(key)).unwrap_or(false)
    }

    /// Writes entries and what the cache knows about itself: all or nothing. Tells whether that was done.
    pub fn write(&self, entries: HashMap<Vec<u8>, Vec<u8>>, meta: &Meta) -> bool {
        let Ok(meta) = meta.encode() else { return false };
        let mut batch = sled::Batch::default();
        batch.insert(Meta::KEY, meta);
        for (key, bytes) in entries {
            batch.insert(key, bytes);
        }
        let written = self.run(|sled| {
            sled.apply_batch(batch)?;
            sled.flush()
        });
        written.is_some()
    }

    /// Removes the entries that a test names by their bytes. Gives how many are left and how many went.
    pub fn sweep(&self, mut is_old: impl FnMut(&[u8]) -> bool) -> Option<(u64, u64)> {
        self.run(|sled| {
            let (mut kept, mut batch, mut dropped) = (0, sled::Batch::default(), 0);
            for entry in sled.iter() {
                let (key, bytes) = entry?;
                if key == Meta::KEY {
                    continue;
                }
                if is_old(&bytes) {
                    batch.remove(key);
                    dropped += 1;
                } else {
                    kept += 1;
                }
            }
            sled.apply_batch(batch)?;
            Ok((kept, dropped))
        })
    }

    /// Sets or removes a note of the journal, which no sweep touches. It is on disk when this returns.
    pub fn note(&self, key: &[u8], value: Option<&[u8]>) -> bool {
        let written = self.run(|sled| {
            let journal = sled.open_tree(JOURNAL)?;
            match value {
                Some(value) => journal.insert(key, value)?,
                None => journal.remove(key)?,
            };
            journal.flush()
        });
        written.is_some()
    }

    /// Writes several notes into the journal, and waits once until they are on disk.
    pub fn note_all(&self, notes: &[(Vec<u8>, Vec<u8>)]) -> bool {
        let written = self.run(|sled| {
            let journal = sled.open_tree(JOURNAL)?;
            for (key, value) in notes {
                journal.insert(key, value.as_slice())?;
            }
            journal.flush()
        });
        written.is_some()
    }

    /// Gives a note of the journal.
    pub fn noted(&self, key: &[u8]) -> Option<sled::IVec> {
        self.run(|sled| sled.open_tree(JOURNAL)?.get(key)).flatten()
    }

    /// Adds to a list, a tree of its own whose keys count up, and drops the oldest of more than so many.
    pub fn append(&self, list: &str, value: &[u8], keep: usize) -> bool {
        let written = self.run(|sled| {
            let tree = sled.open_tree(list)?;
            let last = tree.last()?.map_or(0, |(key, _)| number(&key));
            tree.insert(last.saturating_add(1).to_be_bytes(), value)?;
            while tree.len() > keep && tree.pop_min()?.is_some() {}
            tree.flush()
        });
        written.is_some()
    }

    /// Gives the newest of a list, newest first.
    pub fn listed(&self, list: &str, most: usize) -> Vec<sled::IVec> {
        let values = self.run(|sled| {
            let newest = sled.open_tree(list)?.iter().rev().take(most);
            newest.map(|entry| entry.map(|(_, value)| value)).collect()
        });
        values.unwrap_or_default()
    }

    /// Gives a second hold of the lock, to keep it while this database is closed and another opened.
    pub fn lock(&self) -> std::io::Result<File> {
        self.lock.try_clone()
    }

    /// Closes the database and deletes its files.
    pub fn delete(mut self) -> std::io::Result<()> {
        close(self.sled.take());
        remove(&self.path)
    }

    /// Runs something on the database unless there was trouble before.
    fn run<T>(&self, f: impl FnOnce(&sled::Db) -> sled::Result<T>) -> Option<T> {
        let sled = self.sled.as_ref().filter(|_| self.is_usable())?;
        match guarded(|| f(sled)) {
            Ok(value) => Some(value),
            Err(trouble) => {
                self.give_up(&trouble);
                None
            }
        }
    }

    fn give_up(&self, trouble: &Trouble) {
        if self.unusable.swap(true, Ordering::Relaxed) {
            return;
        }
        let path = self.path.display();
        match trouble {
            Trouble::Refused(error) => {
                tracing::warn!("the cache in {path} cannot be used ({error}); going on without it");
            }
            Trouble::Damaged(error) => {
                self.damaged.store(true, Ordering::Relaxed);
                tracing::warn!(
                    "the cache in {path} is damaged ({error}); going on without it, it will be started anew"
                );
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.damaged.load(Ordering::Relaxed) {
            // sled may wait for ever for one of its threads that died: leave it as it is, out of the next run's way.
            std::mem::forget(self.sled.take());
            if let Err(error) = set_aside(&self.path) {
                tracing::warn!(
                    "the damaged cache in {} cannot be moved away: {error}",
                    self.path.display()
                );
            }
            return;
        }
        close(self.sled.take());
    }
}

/// The number of a list's key.
fn number(key: &[u8]) -> u64 {
    key.try_into().map_or(0, u64::from_be_bytes)
}

/// Opens sled, and waits a little for a file lock: threads of a database that was closed before may hold it for some more
/// milliseconds. Other processes are kept out by our own lock.
fn open_patiently(config: &sled::Config) -> sled::Result<sled::Db> {
    let mut tries = 100;
    loop {
        match config.open() {
            // The kind that sled gives to a failed lock, and to nothing else that opening does.
            Err(sled::Error::Io(error)) if error.kind() == std::io::ErrorKind::Other && tries > 0 => tries -= 1,
            done => return done,
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Closes sled, which syncs its file and panics where that fails.
fn close(sled: Option<sled::Db>) {
    let closed = guarded(|| {
        drop(sled);
        Ok(())
    });
    if let Err(trouble) = closed {
        tracing::warn!("the cache was not closed in good order: {trouble}");
    }
}

/// Moves a damaged database away, in place of the one that was damaged before it.
pub(super) fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let aside = path.with_extension("damaged");
    remove(&aside)?;
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// Removes a folder or file, if it is there.
pub(super) fn remove(path: &Path) -> std::io::Result<()> {
    let done = match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    done.or_else(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            Ok(())
        } else {
            Err(error)
        }
    })
}

/// Calls into sled and turns its errors and panics into [`Trouble`].
fn guarded<T>(f: impl FnOnce() -> sled::Result<T>) -> Result<T, Trouble> {
    use std::io::ErrorKind::{InvalidData, UnexpectedEof};
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(error))) if !matches!(error.kind(), InvalidData | UnexpectedEof) => {
            Err(Trouble::Refused(error.to_string()))
        }
        Ok(Err(error)) => Err(Trouble::Damaged(error.to_string())),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("it gave up");
            Err(Trouble::Damaged(text.to_owned()))
        }
    }
}
