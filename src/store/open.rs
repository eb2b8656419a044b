//! Opening the state: lock, damage, other versions.

use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::time::Duration;

use super::database::{self, Database, Trouble};
use super::entry::SCHEMA;
use super::meta::{Limits, Meta};
use super::{Warning, WarningKind};

/// Opens the cache under the state's directory. Without one there is a warning.
pub(super) fn open(dir: &Path, limits: &Limits) -> (Option<(Database, Meta)>, Option<Warning>) {
    match try_open(dir, limits) {
        Ok((database, meta, warning)) => (Some((database, meta)), warning),
        Err(warning) => (None, Some(warning)),
    }
}

type Opened = (Database, Meta, Option<Warning>);

/// The file that says which version of the layout the state has. It is read before the database, which changes its own
/// files when it is opened, and which would take another layout's for damaged.
const VERSION: &str = "facts.version";

fn try_open(dir: &Path, limits: &Limits) -> Result<Opened, Warning> {
    let said = fs::read_to_string(dir.join(VERSION)).unwrap_or_default();
    if said
        .trim()
        .parse::<u64>()
        .is_ok_and(|version| version > u64::from(SCHEMA))
    {
        return Err(newer(dir));
    }
    let opened = open_database(dir, limits)?;
    let text = format!("{SCHEMA}\n");
    if said != text {
        // Only a second opinion: the database says it, too.
        let _ = fs::write(dir.join(VERSION), text);
    }
    Ok(opened)
}

fn open_database(dir: &Path, limits: &Limits) -> Result<Opened, Warning> {
    let lock = lock(dir)?;
    let path = dir.join("facts");
    let too_large = fs::metadata(path.join("db")).is_ok_and(|file| file.len() > limits.file_size);
    if too_large {
        database::remove(&path).map_err(|error| unavailable(dir, &error))?;
        let message = format!(
            "the cache in {} has grown too large and has been emptied",
            path.display()
        );
        return start(
            dir,
            &path,
            lock,
            Warning {
                kind: WarningKind::Cleared,
                message,
            },
        );
    }
    match Database::open(&path, lock) {
        Ok(database) => check(dir, &path, database),
        Err((Trouble::Refused(error), _)) => Err(unavailable(dir, &error)),
        Err((Trouble::Damaged(error), lock)) => rebuild(dir, &path, lock, &error),
    }
}

/// Keeps other processes out for as long as the file lives. sled has a lock of its own, but taken too late to put a damaged
/// database away safely, and its error does not say what it is.
fn lock(dir: &Path) -> Result<File, Warning> {
    fs::create_dir_all(dir).map_err(|error| unavailable(dir, &error))?;
    let path = dir.join("facts.lock");
    let open = File::options()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path);
    let file = open.map_err(|error| unavailable(dir, &error))?;
    // A process that is just going, or has just started a child, holds the lock for a moment more.
    let mut tries = 20;
    let mut locked = file.try_lock();
    while matches!(locked, Err(TryLockError::WouldBlock)) && tries > 0 {
        tries -= 1;
        std::thread::sleep(Duration::from_millis(5));
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let message = format!(
                "the state in {} is in use by another process; this one runs without the cache (give it a `state` of its own \
                 to have both cached)",
                dir.display()
            );
            Err(Warning {
                kind: WarningKind::InUse,
                message,
            })
        }
        Err(TryLockError::Error(error)) => Err(unavailable(dir, &error)),
    }
}

/// Looks whether an open database is of this version.
fn check(dir: &Path, path: &Path, database: Database) -> Result<Opened, Warning> {
    let stored = database.get(Meta::KEY);
    if !database.is_usable() {
        // What was noted as damaged is moved away when it is closed.
        let lock = database.lock().map_err(|error| unavailable(dir, &error))?;
        drop(database);
        return start(dir, path, lock, rebuilt(path, "it cannot be read"));
    }
    let stored_is_newer = stored.as_deref().is_some_and(Meta::is_newer);
    if let Some(meta) = stored.and_then(|bytes| Meta::decode(&bytes)) {
        return Ok((database, meta, None));
    }
    if database.is_empty() {
        return Ok((database, Meta::default(), None));
    }
    if stored_is_newer {
        return Err(newer(dir));
    }
    let lock = database.lock().map_err(|error| unavailable(dir, &error))?;
    database.delete().map_err(|error| unavailable(dir, &error))?;
    let message = format!(
        "the cache in {} is of an older version and has been emptied",
        path.display()
    );
    start(
        dir,
        path,
        lock,
        Warning {
            kind: WarningKind::Cleared,
            message,
        },
    )
}

/// Puts a damaged database away and starts anew.
fn rebuild(dir: &Path, path: &Path, lock: File, error: &str) -> Result<Opened, Warning> {
    database::set_aside(path).map_err(|error| unavailable(dir, &error))?;
    start(dir, path, lock, rebuilt(path, error))
}

/// Starts an empty database; the warning says why.
fn start(dir: &Path, path: &Path, lock: File, warning: Warning) -> Result<Opened, Warning> {
    match Database::open(path, lock) {
        Ok(database) => Ok((database, Meta::default(), Some(warning))),
        Err((trouble, _)) => Err(unavailable(dir, &trouble)),
    }
}

fn rebuilt(path: &Path, error: &str) -> Warning {
    let aside = path.with_extension("damaged");
    let message = format!(
        "the cache in {} was damaged ({error}) and has been started anew; what was there is in {} and may be deleted",
        path.display(),
        aside.display()
    );
    Warning {
        kind: WarningKind::Rebuilt,
        message,
    }
}

fn newer(dir: &Path) -> Warning {
    let message = format!(
        "the state in {} was written by a newer version of lockstep; it is left untouched (use that version, name another \
         `state`, or delete it: that costs time and nothing else)",
        dir.display()
    );
    Warning {
        kind: WarningKind::Newer,
        message,
    }
}

fn unavailable(dir: &Path, error: &dyn std::fmt::Display) -> Warning {
    let message = format!(
        "the state in {} cannot be used ({error}); this run goes without the cache (make the directory writable, or name another \
         one as `state`)",
        dir.display()
    );
    Warning {
        kind: WarningKind::Unavailable,
        message,
    }
}
