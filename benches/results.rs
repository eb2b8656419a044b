//! Measures what reading results of builds takes: `cargo bench --bench results`.
//!
//! How many requests it takes is held by tests (`tests/it/results_service.rs`): none where nothing has changed, one a failed run.
#![allow(clippy::unwrap_used, reason = "a measurement fails where it stands")]
#![allow(
    clippy::disallowed_methods,
    reason = "a measurement reads what it was asked for and how much memory it has"
)]

use std::collections::VecDeque;
use std::io::Read;

use divan::Bencher;
use lockstep::facts::payload::ImageReferences;
use lockstep::results::payload::changes;
use lockstep::results::{deck, junit};
use serde_json::json;

fn main() {
    memory();
    divan::main();
}

/// Prints how much memory deck's list takes beside what the program has; nothing where only a list or a part was asked for.
fn memory() {
    if std::env::args().skip(1).any(|arg| arg != "--bench") {
        return;
    }
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let before = peak();
    deck_of_fifty_megabytes();
    let more = peak() - before;
    println!("deck's list of 50 MB: {more} KiB of memory more");
    assert!(more <= 40 << 10, "the budget is 40 MiB");
}

/// Deck's list as it comes over the wire: jobs of others in front of one of ours, never whole in memory.
struct List {
    others: Vec<u8>,
    left: usize,
    ready: VecDeque<u8>,
    end: Vec<u8>,
}

impl List {
    fn of(bytes: usize) -> Self {
        let item = |job: &str, more: &str| {
            json!({"spec": {"type": "postsubmit", "job": job, "refs": {"base_sha": "abc"}, "pod_spec": more},
                "status": {"state": "failure", "build_id": "7", "startTime": "2026-01-02T00:00:00Z"}})
        };
        let others = format!("{},", item("somebody-elses", &"x".repeat(700)));
        Self {
            left: bytes / others.len(),
            others: others.into_bytes(),
            ready: b"{\"items\":[".iter().copied().collect(),
            end: format!("{}]}}", item("ours", "")).into_bytes(),
        }
    }
}

impl Read for List {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.ready.is_empty() {
            if self.left > 0 {
                self.left -= 1;
                self.ready.extend(&self.others);
            } else {
                self.ready.extend(std::mem::take(&mut self.end));
            }
        }
        self.ready.read(into)
    }
}

/// Deck's list of fifty megabytes.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn deck_of_fifty_megabytes() {
    let runs = deck(List::of(50_000_000), &|job| job == "ours").unwrap();
    assert_eq!(runs.len(), 1);
}

/// JUnit of a run with five thousand steps, each with what it said.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn junit_of_five_thousand_steps(bencher: Bencher) {
    let step = format!(
        "<testcase name=\"Build image a from the repository\"><failure>{}</failure></testcase>",
        "said ".repeat(200)
    );
    let text = format!("<testsuites><testsuite>{}</testsuite></testsuites>", step.repeat(5_000));
    bencher.bench(|| assert_eq!(junit(text.as_bytes()).unwrap().len(), 5_000));
}

/// What changed between two payloads of two hundred images.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn changes_of_two_payloads(bencher: Bencher) {
    let list = |commit: &str| {
        let tags = (0..200).map(|at| {
            json!({"name": format!("image-{at}"), "from": {"kind": "DockerImage", "name": "r/x"}, "annotations": {
                "io.openshift.build.commit.id": format!("{commit}{at}"), "io.openshift.build.source-location": format!("https://github.com/o/r{at}")}})
        });
        json!({"kind": "ImageStream", "metadata": {"name": "p"}, "spec": {"tags": tags.collect::<Vec<_>>()}})
            .to_string()
    };
    let (before, after) = (list("a"), list("b"));
    bencher.bench(|| {
        let read = |text: &str| ImageReferences::parse(text.as_bytes()).unwrap();
        assert_eq!(changes(&read(&before), &read(&after)).len(), 200);
    });
}
