//! What the store keeps, and what it does when its directory is not as it should be.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rayon::prelude::*;
use tempfile::TempDir;

use super::*;

const KIND: &str = "test";

fn dir() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

/// Opens a store that has nothing to warn of.
fn open(dir: &TempDir) -> Store {
    let (store, warning) = Store::open(dir.path());
    assert_eq!(warning, None);
    store
}

fn key(n: u32) -> [u8; 4] {
    n.to_be_bytes()
}

fn fill(store: &Store, keys: std::ops::Range<u32>) {
    keys.for_each(|n| store.put(KIND, 1, &key(n), &format!("value {n}").repeat(20)));
}

/// Counts the keys that have their value; any other value fails.
fn found(store: &Store, keys: std::ops::Range<u32>) -> usize {
    let right = |n: &u32| match store.get::<String>(KIND, 1, &key(*n)) {
        Some(value) => {
            assert_eq!(value, format!("value {n}").repeat(20));
            true
        }
        None => false,
    };
    keys.filter(right).count()
}

#[test]
fn values_are_there_at_once_and_in_the_next_run() {
    let dir = dir();
    let store = open(&dir);
    assert_eq!(found(&store, 0..10), 0);
    fill(&store, 0..10);
    assert_eq!(found(&store, 0..10), 10, "before they are written");
    store.flush();
    assert_eq!(found(&store, 0..10), 10, "after they are written");
    fill(&store, 10..20);
    drop(store);
    let store = open(&dir);
    assert_eq!(found(&store, 0..20), 20, "written when the store goes");
    assert_eq!(store.stats(), Stats { hits: 20, misses: 0 });
}

#[test]
fn kind_version_and_key_all_count() {
    let dir = dir();
    let store = open(&dir);
    store.put("a", 1, b"k", &1u32);
    for _ in 0..2 {
        assert_eq!(store.get("a", 1, b"k"), Some(1u32));
        assert_eq!(store.get::<u32>("b", 1, b"k"), None);
        assert_eq!(store.get::<u32>("a", 2, b"k"), None);
        assert_eq!(store.get::<u32>("a", 1, b"l"), None);
        assert_eq!(store.get::<String>("a", 1, b"k"), None, "another type");
        store.flush();
    }
    store.put("a", 2, b"k", &2u32);
    store.flush();
    assert_eq!(store.get("a", 2, b"k"), Some(2u32));
    assert_eq!(
        store.get::<u32>("a", 1, b"k"),
        None,
        "a newer parser's value takes the place of the older one's"
    );
}

#[test]
fn a_disabled_store_remembers_nothing() {
    let store = Store::disabled();
    fill(&store, 0..3);
    store.flush();
    assert_eq!(found(&store, 0..3), 0);
    assert!(!store.is_enabled());
}

#[test]
fn threads_share_a_store() {
    let dir = dir();
    let store = open(&dir);
    (0..400u32).into_par_iter().for_each(|n| {
        fill(&store, n..n + 1);
        if n % 50 == 0 {
            store.flush();
        }
        found(&store, 0..n + 1);
    });
    drop(store);
    assert_eq!(found(&open(&dir), 0..400), 400);
}

#[test]
fn much_is_written_before_it_is_asked_for() {
    let dir = dir();
    let store = open(&dir);
    let value = "x".repeat(1 << 20);
    (0..20).for_each(|n| store.put(KIND, 1, &key(n), &value));
    let waits = store.cache.as_ref().map(|cache| cache.pending().bytes);
    assert!(waits.is_some_and(|bytes| bytes <= MAX_PENDING), "{waits:?}");
    drop(store);
    let store = open(&dir);
    assert!((0..20).all(|n| store.get::<String>(KIND, 1, &key(n)).as_deref() == Some(&value)));
}

#[test]
fn only_one_process_has_the_cache() {
    let dir = dir();
    let first = open(&dir);
    fill(&first, 0..3);
    let (second, warning) = Store::open(dir.path());
    assert!(!second.is_enabled());
    let warning = warning.expect("the second says so");
    assert_eq!(warning.kind, WarningKind::InUse);
    assert!(warning.to_string().contains("in use by another process"), "{warning}");
    drop(second);
    drop(first);
    assert_eq!(found(&open(&dir), 0..3), 3, "the second did no harm");
}

#[test]
fn a_directory_that_cannot_be_used_costs_the_cache_only() {
    let dir = dir();
    let file = dir.path().join("file");
    fs::write(&file, "").expect("a file can be written");
    for path in [file.clone(), file.join("below"), PathBuf::from("/proc/none/here")] {
        let (store, warning) = Store::open(&path);
        assert!(!store.is_enabled());
        let warning = warning.expect("it says so");
        assert_eq!(warning.kind, WarningKind::Unavailable, "{warning}");
        assert!(warning.message.contains(&path.display().to_string()), "{warning}");
    }
    // The lock can be had, the database's folder cannot.
    fs::write(dir.path().join("facts"), "").expect("a file can be written");
    let (store, warning) = Store::open(dir.path());
    assert_eq!(
        (store.is_enabled(), warning.map(|warning| warning.kind)),
        (false, Some(WarningKind::Unavailable))
    );
}

#[test]
fn a_damaged_database_is_started_anew() {
    type Damage = (&'static str, fn(&mut Vec<u8>));
    let damages: [Damage; 6] = [
        ("empty", |bytes| bytes.clear()),
        ("half", |bytes| bytes.truncate(bytes.len() / 2)),
        ("zeros", |bytes| bytes.fill(0)),
        ("noise", |bytes| {
            (0u32..)
                .zip(bytes.iter_mut())
                .for_each(|(n, byte)| *byte = (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        }),
        ("holes", |bytes| {
            bytes.iter_mut().skip(100).step_by(997).for_each(|byte| *byte ^= 0x55)
        }),
        ("longer", |bytes| bytes.extend_from_slice(&[7; 5000])),
    ];
    for (what, damage) in damages {
        for file in ["db", "conf", "snap"] {
            let dir = dir();
            // A second run leaves a snapshot behind.
            fill(&open(&dir), 0..2000);
            fill(&open(&dir), 0..500);
            drop(open(&dir));
            let entries = fs::read_dir(dir.path().join("facts")).expect("the folder is there");
            let mut paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
            let of_interest = |path: &PathBuf| {
                path.file_name()
                    .is_some_and(|name| name.to_string_lossy().starts_with(file))
            };
            let path = paths.find(of_interest).unwrap_or_else(|| panic!("there is a {file}"));
            let mut bytes = fs::read(&path).expect("it can be read");
            damage(&mut bytes);
            fs::write(&path, bytes).expect("it can be written");

            let (store, warning) = Store::open(dir.path());
            assert!(store.is_enabled(), "{what} {file}: {warning:?}");
            let left = found(&store, 0..2000);
            fill(&store, 0..10);
            drop(store);
            let (store, _) = Store::open(dir.path());
            fill(&store, 0..10);
            drop(store);
            assert_eq!(
                found(&open(&dir), 0..10),
                10,
                "{what} {file}: works again, {left} were left, {warning:?}"
            );
        }
    }
}

#[test]
fn an_older_version_is_emptied() {
    let dir = dir();
    fill(&open(&dir), 0..3);
    // A process that another test starts holds a copy of the lock until it is its own program.
    let sled = (0..400).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        sled::open(dir.path().join("facts")).ok()
    });
    let sled = sled.expect("the store is closed");
    sled.insert(Meta::KEY, &[0, 1, 2, 3]).expect("it can be written");
    drop(sled);
    let (store, warning) = Store::open(dir.path());
    assert_eq!(warning.map(|warning| warning.kind), Some(WarningKind::Cleared));
    assert_eq!(found(&store, 0..3), 0);
    fill(&store, 0..3);
    drop(store);
    assert_eq!(found(&open(&dir), 0..3), 3);
}

#[test]
fn a_newer_version_is_left_untouched() {
    let dir = dir();
    fill(&open(&dir), 0..3);
    let sled = (0..400).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        sled::open(dir.path().join("facts")).ok()
    });
    let sled = sled.expect("the store is closed");
    let ours = sled.insert(Meta::KEY, &[99, 1, 2, 3]).expect("it can be written");
    drop(sled);
    for _ in 0..2 {
        let (store, warning) = Store::open(dir.path());
        assert!(!store.is_enabled());
        let warning = warning.expect("it says so");
        assert_eq!(warning.kind, WarningKind::Newer);
        assert!(warning.message.contains("newer version"), "{warning}");
    }
    let sled = (0..400).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        sled::open(dir.path().join("facts")).ok()
    });
    let sled = sled.expect("the store is closed");
    sled.insert(Meta::KEY, ours.expect("there was one"))
        .expect("it can be written");
    drop(sled);
    assert_eq!(found(&open(&dir), 0..3), 3, "all is as it was");
}

#[test]
fn the_layout_of_a_newer_version_is_not_even_opened() {
    let dir = dir();
    fill(&open(&dir), 0..3);
    let version = dir.path().join("facts.version");
    let ours = std::fs::read_to_string(&version).expect("it is said");
    std::fs::write(&version, "200\n").expect("it can be written");
    // What a later version keeps there need not be a database of ours.
    let database = dir.path().join("facts");
    std::fs::rename(&database, dir.path().join("aside")).expect("it is closed");
    std::fs::write(&database, "something else").expect("it can be written");
    let (store, warning) = Store::open(dir.path());
    assert!(!store.is_enabled());
    assert_eq!(warning.map(|warning| warning.kind), Some(WarningKind::Newer));
    assert_eq!(
        std::fs::read_to_string(&database).expect("it is there"),
        "something else"
    );
    std::fs::remove_file(&database).expect("it is ours");
    std::fs::rename(dir.path().join("aside"), &database).expect("it is back");
    for said in [ours.as_str(), "nonsense"] {
        std::fs::write(&version, said).expect("it can be written");
        assert_eq!(found(&open(&dir), 0..3), 3, "{said}");
        assert_eq!(std::fs::read_to_string(&version).expect("it is said"), ours);
    }
}

#[test]
fn torn_and_foreign_bytes_are_not_there() {
    let key = entry::key(KIND, b"k");
    let whole = entry::encode(&key, 1, 7, &"value").expect("a string can be encoded");
    assert_eq!(entry::decode(&key, 1, &whole), Some("value".to_owned()));
    for end in 0..whole.len() {
        assert_eq!(entry::decode::<String>(&key, 1, &whole[..end]), None, "cut after {end}");
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        assert_eq!(entry::decode::<String>(&key, 1, &bytes), None, "changed at {at}");
    }
    assert_eq!(
        entry::decode::<String>(&entry::key(KIND, b"l"), 1, &whole),
        None,
        "under another key"
    );
    let stamped = entry::with_generation(&key, &whole, 9).expect("it has a header");
    assert_eq!(entry::generation(&stamped), 9);
    assert_eq!(entry::decode(&key, 1, &stamped), Some("value".to_owned()));
}

#[test]
fn what_nobody_asks_for_goes_when_there_is_too_much() {
    let dir = dir();
    let limits = Limits {
        entries: 100,
        marking: 3,
        ..Limits::default()
    };
    let open = || Store::open_with(dir.path(), limits.clone()).0;
    fill(&open(), 0..200);
    for run in 0..4 {
        let store = open();
        assert_eq!(found(&store, 0..50), 50, "run {run}");
        fill(&store, 1000 + run..1001 + run);
    }
    let store = open();
    assert_eq!(found(&store, 0..50), 50, "what is in use stays");
    assert_eq!(found(&store, 50..200), 0, "what is not goes");
    assert!(found(&store, 1000..1010) >= 3, "what is new stays");
}

#[test]
fn what_is_all_in_use_stays_without_a_pass_each_time() {
    let dir = dir();
    let limits = Limits {
        entries: 100,
        marking: 2,
        ..Limits::default()
    };
    for run in 0..10 {
        let store = Store::open_with(dir.path(), limits.clone()).0;
        if run > 0 {
            assert_eq!(found(&store, 0..200), 200, "run {run}");
        }
        fill(&store, 0..200);
        store.flush();
        let meta = store
            .cache
            .as_ref()
            .map(|cache| cache.meta().clone())
            .expect("there is a cache");
        assert_eq!(meta.mark_before() == 0, run >= 2, "run {run}: {meta:?}");
    }
}

#[test]
fn a_file_grown_too_large_is_started_anew() {
    let dir = dir();
    fill(&open(&dir), 0..10);
    let (store, warning) = Store::open_with(
        dir.path(),
        Limits {
            file_size: 1,
            ..Limits::default()
        },
    );
    assert_eq!(warning.map(|warning| warning.kind), Some(WarningKind::Cleared));
    assert_eq!(found(&store, 0..10), 0);
}

#[test]
fn nothing_changed_writes_nothing() {
    let dir = dir();
    fill(&open(&dir), 0..100);
    let generation = |store: &Store| store.cache.as_ref().map(|cache| cache.meta().generation);
    let first = generation(&open(&dir));
    let store = open(&dir);
    found(&store, 0..100);
    store.flush();
    assert_eq!(generation(&store), first);
}

/// Where the process that is to be killed finds its directory; set only by the test below.
const VICTIM: &str = "LOCKSTEP_TEST_STORE_VICTIM";

/// How many entries each of its batches has.
const BATCH: u32 = 50;

/// The process that is killed: it writes batch after batch. A test only by name.
#[test]
fn victim() {
    let Some(dir) = std::env::var_os(VICTIM) else { return };
    let (store, _) = Store::open(dir.as_ref());
    for batch in 0..u32::MAX / BATCH {
        fill(&store, batch * BATCH..(batch + 1) * BATCH);
        store.flush();
        println!("\nwritten {batch}");
        std::io::stdout().flush().expect("the parent reads");
    }
}

#[test]
fn a_killed_process_leaves_whole_batches() {
    let dir = dir();
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().expect("this is a program"))
            .args(["--exact", "store::tests::victim", "--nocapture", "--test-threads=1"])
            .env(VICTIM, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test program can be started");
        let out = BufReader::new(child.stdout.take().expect("its output is ours"));
        let last = out
            .lines()
            .map_while(Result::ok)
            .filter(|line| line.starts_with("written"))
            .nth(3 + round);
        assert!(last.is_some(), "the child wrote");
        child.kill().expect("it still runs");
        child.wait().expect("it is gone");

        let store = open(&dir);
        for batch in 0..100 {
            let there = found(&store, batch * BATCH..(batch + 1) * BATCH);
            let whole = there == BATCH as usize;
            assert!(
                whole || (there == 0 && batch > 3),
                "round {round}, batch {batch}: {there}"
            );
        }
    }
}

#[test]
fn a_note_is_there_after_the_process_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(dir.path());
    assert!(store.note("a", &vec![1, 2]));
    assert!(store.note("b", &"text"));
    store.forget("b");
    drop(store);
    let (store, _) = Store::open(dir.path());
    assert_eq!(store.noted::<Vec<u8>>("a"), Some(vec![1, 2]));
    assert_eq!(store.noted::<String>("a"), None, "a note of another form is none");
    assert_eq!(store.noted::<String>("b"), None);
    assert!(!Store::disabled().note("a", &1));
}
