//! A mutation runner: real files, changed at random, given to everything that reads what others wrote.
//!
//!     cargo test --test fuzz                         two seconds, so that it is known to work
//!     LOCKSTEP_FUZZ=2m cargo test --test fuzz        as in CI; `1h` by hand
//!     LOCKSTEP_SEED=N …                              the same changes again
//!     LOCKSTEP_FUZZ_INPUT=FILE …                     one input to all readers
//!
//! No panic, no second of processor time for one input, no 200 MiB, and what was read and written again reads the same. An input
//! that breaks this is kept in `target/fuzz`; once the fault is mended it moves to `fixtures/fuzz/READER`, which is tried first.
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]
#![allow(
    clippy::disallowed_methods,
    reason = "inputs are files, and time is what is measured"
)]

mod memory;
mod mutate;
mod readers;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mutate::Dice;
use readers::{READERS, Reader};

#[global_allocator]
static COUNTED: memory::Counted = memory::Counted;

/// The most processor time for one input.
const TIME: Duration = Duration::from_secs(1);
/// The most memory for one input, in bytes.
const MEMORY: usize = 200 << 20;
/// Larger files are no inputs: changes in them are found as well in small ones, and sooner.
const MAX_INPUT: u64 = 32 << 10;

/// What went wrong with an input.
struct Fault {
    reader: &'static str,
    why: String,
    input: Vec<u8>,
}

fn main() -> ExitCode {
    // What a reader says when it panics is told once, with its input.
    std::panic::set_hook(Box::new(|_| {}));
    if let Some(path) = std::env::var_os("LOCKSTEP_FUZZ_INPUT") {
        let input = std::fs::read(path).unwrap();
        let faults: Vec<Fault> = READERS.iter().filter_map(|reader| tried(reader, &input)).collect();
        return ended(&faults);
    }
    let known = kept_faults();
    if !known.is_empty() {
        return ended(&known);
    }
    let seed = std::env::var("LOCKSTEP_SEED").ok().and_then(|text| text.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64);
    let time = duration();
    println!("fuzz: LOCKSTEP_SEED={seed}, {} s", time.as_secs());
    let seeds = seeds();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (runs, stop, faults) = (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Vec::new()));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let (seeds, runs, stop, faults) = (&seeds, &runs, &stop, &faults);
            let work = move || {
                let mut dice = Dice(seed ^ (thread as u64) << 32);
                while began.elapsed() < time && !stop.load(Ordering::Relaxed) {
                    for _ in 0..64 {
                        let (reader, input) = next(seeds, &mut dice);
                        runs.fetch_add(1, Ordering::Relaxed);
                        if let Some(fault) = tried(reader, &input) {
                            let mut faults = faults.lock().unwrap();
                            faults.push(fault);
                            // As many show what is wrong.
                            stop.store(faults.len() >= 10, Ordering::Relaxed);
                        }
                    }
                }
            };
            // Deep nesting is bounded by what is read, not by the stack of a thread.
            std::thread::Builder::new()
                .stack_size(8 << 20)
                .spawn_scoped(scope, work)
                .unwrap();
        }
    });
    let runs = runs.into_inner();
    println!(
        "fuzz: {runs} runs of {} readers over {} files in {:.0} s",
        READERS.len(),
        seeds.values().map(Vec::len).sum::<usize>(),
        began.elapsed().as_secs_f64()
    );
    assert!(runs > 100, "hardly anything was tried");
    ended(&faults.into_inner().unwrap())
}

/// Says what went wrong, and keeps its inputs.
fn ended(faults: &[Fault]) -> ExitCode {
    let dir = project().join("target/fuzz");
    for (at, fault) in faults.iter().enumerate() {
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join(format!("{}-{at}", fault.reader));
        std::fs::write(&path, &fault.input).unwrap();
        println!(
            "fuzz: FAULT in {}: {}\n  input of {} bytes: {}",
            fault.reader,
            fault.why,
            fault.input.len(),
            path.display()
        );
    }
    if faults.is_empty() {
        println!("fuzz: no fault");
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// One input to one reader.
fn tried(reader: &'static Reader, input: &[u8]) -> Option<Fault> {
    memory::start();
    let began = memory::processor_time();
    let result = catch_unwind(AssertUnwindSafe(|| (reader.read)(input)));
    let (took, peak) = (memory::processor_time().saturating_sub(began), memory::peak());
    let why = match result {
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            format!("it panics: {}", text.unwrap_or_default())
        }
        Ok(Err(why)) => why,
        Ok(Ok(())) if took > TIME => format!("it takes {:.1} s", took.as_secs_f64()),
        Ok(Ok(())) if peak > MEMORY => format!("it takes {} MiB", peak >> 20),
        Ok(Ok(())) => return None,
    };
    Some(Fault {
        reader: reader.name,
        why,
        input: input.to_vec(),
    })
}

/// Inputs of mended faults, each to its reader.
fn kept_faults() -> Vec<Fault> {
    let mut found = Vec::new();
    for reader in READERS {
        for path in files(&project().join("fixtures/fuzz").join(reader.name)) {
            found.extend(tried(reader, &std::fs::read(path).unwrap()));
        }
    }
    found
}

/// What is tried next: a reader, and mostly a file of its own kind.
fn next(seeds: &BTreeMap<&'static str, Vec<Vec<u8>>>, dice: &mut Dice) -> (&'static Reader, Vec<u8>) {
    let reader = &READERS[dice.below(READERS.len())];
    let kind = if dice.below(16) == 0 {
        READERS[dice.below(READERS.len())].name
    } else {
        reader.name
    };
    let files = &seeds[kind];
    let file = &files[dice.below(files.len())];
    let other = &files[dice.below(files.len())];
    (reader, mutate::mutated(file, other, dice))
}

/// Real files by the reader that they are for: those of the fixtures, and of the corpus where it is.
fn seeds() -> BTreeMap<&'static str, Vec<Vec<u8>>> {
    let mut all = files(&project().join("fixtures"));
    all.extend(files(&project().join("rules")));
    let corpus = std::env::var_os("LOCKSTEP_CORPUS").map_or_else(|| project().join("../shared/corpus"), PathBuf::from);
    if corpus.is_dir() {
        all.extend(files(&corpus));
        all.extend(unpacked(&corpus));
    }
    let mut seeds: BTreeMap<&'static str, Vec<Vec<u8>>> = BTreeMap::new();
    for reader in READERS {
        let own = all.iter().filter(|path| (reader.wants)(&path.to_string_lossy()));
        let mut inputs: Vec<Vec<u8>> = own.filter_map(|path| std::fs::read(path).ok()).collect();
        inputs.extend((reader.made)());
        assert!(!inputs.is_empty(), "{} has no file to start from", reader.name);
        seeds.insert(reader.name, inputs);
    }
    seeds
}

/// Some of the corpus' archives, unpacked where git and tests leave such things.
fn unpacked(corpus: &Path) -> Vec<PathBuf> {
    let into = project().join("target/fuzz-corpus");
    for archive in [
        "tekton/files.tar.xz",
        "payload-pipeline/examples.tar.xz",
        "payload-pipeline/support.tar.xz",
        "build-data-2026-01/openshift-4.21.tar.xz",
    ] {
        let dir = into.join(archive.replace(['/', '.'], "-"));
        if !dir.is_dir() {
            std::fs::create_dir_all(&dir).unwrap();
            let tar = std::process::Command::new("tar")
                .arg("-xf")
                .arg(corpus.join(archive))
                .arg("-C")
                .arg(&dir)
                .status();
            if !tar.is_ok_and(|status| status.success()) {
                println!("fuzz: {archive} cannot be unpacked, and is left out");
            }
        }
    }
    files(&into)
}

/// All files below a folder that are not too large, in an order that is always the same.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    for path in entries {
        match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => found.extend(files(&path)),
            Ok(meta) if meta.is_file() && meta.len() <= MAX_INPUT => found.push(path),
            _ => {}
        }
    }
    found
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn duration() -> Duration {
    let text = std::env::var("LOCKSTEP_FUZZ").unwrap_or_else(|_| "2s".to_owned());
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => panic!("LOCKSTEP_FUZZ is such as 90s, 2m or 1h, not {text}"),
    };
    Duration::from_secs(number.parse::<u64>().expect("a number and s, m or h") * seconds)
}
