//! Measures the work that has a budget, each run a process of its own: `cargo bench`.
//!
//! On the corpus where it is there (`../shared/corpus`, or `LOCKSTEP_CORPUS`), else on a generated world of the same
//! size. `plain_read` is for comparison: it walks the same trees and reads the same kind of blobs with libgit2 alone.
#![allow(clippy::unwrap_used, reason = "a measurement fails where it stands")]
#![allow(clippy::disallowed_methods, reason = "measurements make files and processes")]

#[path = "../src/source/http/testserver.rs"]
#[allow(dead_code, reason = "the tests of the client ask it for more")]
mod testserver;
mod world;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use divan::Bencher;
use lockstep::run::impact::Asked;
use world::World;
use world::generate::Size;

fn main() {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|arg| arg == PEAK_OF) {
        let mut command = Command::new(args.next().unwrap());
        println!("{}", peak(command.args(args)));
        return;
    }
    divan::main();
    memory();
}

/// Asks this program to run a command and print its peak memory.
const PEAK_OF: &str = "--peak-of";

/// Runs a command to its end; a run that fails or renders nothing is no measurement.
fn run(mut command: Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let nothing = said.starts_with("0 files") && !said.contains(" as they should be");
    assert!(
        output.status.success() && !nothing,
        "{command:?}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn real() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::real)
}

fn nine() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World::generated(Size::REAL.with_releases(9)))
}

fn tenfold() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World::generated(Size::REAL.times(10)))
}

fn one() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| World::generated(Size::REAL))
}

/// A configuration whose cache knows everything.
fn warm(world: &World) -> PathBuf {
    let config = world.nothing_cached();
    run(world.command(&config, &[]));
    config
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn nothing_cached(bencher: Bencher) {
    let world = real();
    bencher
        .with_inputs(|| world.nothing_cached())
        .bench_values(|config| run(world.command(&config, &[])));
}

#[divan::bench(sample_count = 50, sample_size = 1)]
fn nothing_changed(bencher: Bencher) {
    let (world, config) = (real(), warm(real()));
    bencher.bench(|| run(world.command(&config, &[])));
}

#[divan::bench(sample_count = 50, sample_size = 1)]
fn one_image_changed(bencher: Bencher) {
    let (world, config) = (real(), warm(real()));
    bencher
        .with_inputs(|| world.change_one_image())
        .bench_values(|()| run(world.command(&config, &[])));
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn one_of_nine_releases(bencher: Bencher) {
    let world = nine();
    let first = world.releases()[0];
    bencher
        .with_inputs(|| world.nothing_cached())
        .bench_values(|config| run(world.command(&config, &[first])));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn nine_releases(bencher: Bencher) {
    let world = nine();
    bencher
        .with_inputs(|| world.nothing_cached())
        .bench_values(|config| run(world.command(&config, &[])));
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn synthetic(bencher: Bencher) {
    let world = one();
    bencher
        .with_inputs(|| world.nothing_cached())
        .bench_values(|config| run(world.command(&config, &[])));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn synthetic_ten_times(bencher: Bencher) {
    let world = tenfold();
    bencher
        .with_inputs(|| world.nothing_cached())
        .bench_values(|config| run(world.command(&config, &[])));
}

/// The pipeline's files beside the configs: at most 100 ms more than `nothing_cached`.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn pipeline_nothing_cached(bencher: Bencher) {
    let world = real();
    bencher
        .with_inputs(|| world.nothing_cached())
        .bench_values(|config| run(world.with_pipeline(&config)));
}

/// At most 40 ms.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn pipeline_nothing_changed(bencher: Bencher) {
    let world = real();
    let config = world.nothing_cached();
    run(world.with_pipeline(&config));
    bencher.bench(|| run(world.with_pipeline(&config)));
}

/// What a change of one component would do, everything else being known: at most 100 ms.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn impact_of_one(bencher: Bencher) {
    let world = real();
    let (config, topics) = (warm(world), world.topics(1));
    let [(repository, branch)] = topics.as_slice() else {
        panic!("no component has a Dockerfile")
    };
    let ask = || world.asked(&["impact", repository, "--head", "topic", "--branch", branch], &config);
    run(ask());
    bencher.bench(|| run(ask()));
}

/// What 500 open changes come to after metadata has changed, of which one in ten touches a Dockerfile: at most 10 s of the processor.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn impact_of_those_that_are_open(bencher: Bencher) {
    let world = real();
    let topics = world.topics(OPEN / 10);
    let asked: Vec<Asked> = topics
        .into_iter()
        .map(|(repository, branch)| Asked {
            repository: repository.parse().unwrap(),
            pull: None,
            base: None,
            head: "topic".to_owned(),
            branch: Some(branch),
            at: None,
        })
        .collect();
    bencher.with_inputs(|| world.run(&warm(world))).bench_values(|mut run| {
        let releases: Vec<_> = world
            .releases()
            .iter()
            .map(|release| release.parse().unwrap())
            .collect();
        for found in run.impacts(&asked, &releases) {
            divan::black_box(found.unwrap());
        }
    });
}

/// How many changes are open.
const OPEN: usize = 500;

/// What each command takes on a world and on one of eight times its size: at most 8.8 times as long.
mod growth {
    use std::path::PathBuf;
    use std::sync::OnceLock;

    use divan::Bencher;

    use super::{Size, World, run};

    fn eightfold() -> &'static World {
        static WORLD: OnceLock<World> = OnceLock::new();
        WORLD.get_or_init(|| World::generated(Size::REAL.times(8)))
    }

    fn world(times: usize) -> &'static World {
        if times == 1 { super::one() } else { eightfold() }
    }

    /// A configuration of which everything is proposed already.
    fn settled(world: &World) -> PathBuf {
        let config = world.nothing_cached();
        run(world.asked(&["reconcile"], &config));
        config
    }

    #[divan::bench(args = [1, 8], sample_count = 10, sample_size = 1)]
    fn plan(bencher: Bencher, times: usize) {
        let world = world(times);
        let config = settled(world);
        bencher.bench(|| run(world.asked(&["plan"], &config)));
    }

    #[divan::bench(args = [1, 8], sample_count = 10, sample_size = 1)]
    fn reconcile_with_nothing_to_do(bencher: Bencher, times: usize) {
        let world = world(times);
        let config = settled(world);
        bencher.bench(|| run(world.asked(&["reconcile"], &config)));
    }

    #[divan::bench(args = [1, 8], sample_count = 5, sample_size = 1)]
    fn audit(bencher: Bencher, times: usize) {
        let world = world(times);
        let config = settled(world);
        bencher.bench(|| run(world.asked(&["audit"], &config)));
    }
}

/// The first start of a service: 170 repositories at URLs and nothing there. With servers that leave out contents at most a quarter
/// of the time with those that do not.
mod first_start {
    use std::sync::OnceLock;

    use divan::Bencher;

    use super::testserver::{Manner, TestServer};
    use super::{Size, World, run};

    fn filled() -> &'static World {
        static WORLD: OnceLock<World> = OnceLock::new();
        WORLD.get_or_init(|| World::filled(Size::REAL))
    }

    #[divan::bench(args = ["whole", "without contents"], sample_count = 3, sample_size = 1)]
    fn of_urls(bencher: Bencher, fetched: &str) {
        let world = filled();
        world.allow_filter(fetched != "whole");
        let server = TestServer::start(world.dir(), Manner::default());
        bencher
            .with_inputs(|| world.by_urls(&server.url("", "")))
            .bench_values(|config| run(world.command(&config, &[])));
        println!(
            "{fetched}: {} MB came in, in all runs together",
            server.sent() / 1_000_000
        );
    }
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn plain_read() -> usize {
    read_everything(real().dir())
}

/// Opens every repository, walks its trees, and reads Dockerfiles, image files and go.mod: one thread, no parsing.
fn read_everything(dir: &Path) -> usize {
    let mut bytes = 0;
    for org in std::fs::read_dir(dir).unwrap().flatten() {
        for repo in std::fs::read_dir(org.path()).into_iter().flatten().flatten() {
            if repo.path().extension().is_some_and(|extension| extension == "git") {
                bytes += read_repository(&repo.path());
            }
        }
    }
    bytes
}

fn read_repository(path: &Path) -> usize {
    let repo = git2::Repository::open_bare(path).unwrap();
    let head = repo.references_glob("refs/heads/*").unwrap().next().unwrap().unwrap();
    let mut bytes = 0;
    let walked = head
        .peel_to_tree()
        .unwrap()
        .walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            let name = entry.name().unwrap_or_default();
            if folder == "images/" || name.starts_with("Dockerfile") || name == "go.mod" {
                bytes += repo.find_blob(entry.id()).map_or(0, |blob| blob.content().len());
            }
            git2::TreeWalkResult::Ok
        });
    walked.unwrap();
    bytes
}

/// Prints the peak memory of one run each; nothing where only a list or a part was asked for.
fn memory() {
    if std::env::args().skip(1).any(|arg| arg != "--bench") {
        return;
    }
    println!("\npeak memory of one process:");
    for (name, world) in [
        ("4.16, nothing cached", real()),
        ("nine releases", nine()),
        ("ten times", tenfold()),
    ] {
        let config = world.nothing_cached();
        println!("  {name:<24}{:>4} MiB", peak_of(&world.command(&config, &[])) >> 20);
    }
}

/// The peak of a command, measured from a small process: one that is started counts the memory of who starts it.
fn peak_of(command: &Command) -> u64 {
    let mut small = Command::new(std::env::current_exe().unwrap());
    small.arg(PEAK_OF).arg(command.get_program()).args(command.get_args());
    let output = small.output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// The peak resident memory of a process, in bytes.
#[expect(clippy::zombie_processes, reason = "wait4 waits, and tells what the process used")]
fn peak(command: &mut Command) -> u64 {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = libc::pid_t::try_from(child.id()).unwrap();
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: both pointers are to live values of the right types, and the process is a child that nobody has waited for.
    let waited = unsafe { libc::wait4(pid, &mut status, 0, usage.as_mut_ptr()) };
    assert_eq!((waited, status), (pid, 0), "{command:?} failed");
    // SAFETY: all zeros is a valid `rusage`, and `wait4` has filled it.
    let usage = unsafe { usage.assume_init() };
    u64::try_from(usage.ru_maxrss).unwrap() * 1024
}
