//! Measures how long the pages, metrics and answers of the API take for 250 images in 9 releases, over a socket:
//! `cargo bench --bench pages`. The budget of a page is 100 ms and 300 KB.
#![allow(clippy::unwrap_used, reason = "a measurement fails where it stands")]
#![allow(clippy::disallowed_methods, reason = "measurements make connections")]

#[allow(dead_code, reason = "measurements use a part of it")]
#[path = "../tests/it/support/board_world/mod.rs"]
mod board_world;

use std::sync::OnceLock;

use board_world::{Listening, large, open_server};
use divan::Bencher;
use divan::counter::BytesCount;
use lockstep::server::Limits;

const PAGES: [&str; 11] = [
    "/",
    "/?q=etcd&state=drifted",
    "/images/etcd-001.rhel9/4.16",
    "/drift",
    "/pull-requests",
    "/runs",
    "/findings",
    "/graph?release=4.16",
    "/metrics",
    "/api/v1/releases",
    "/api/v1/plan",
];

fn main() {
    divan::main();
}

fn server() -> &'static Listening {
    static SERVER: OnceLock<Listening> = OnceLock::new();
    SERVER.get_or_init(|| Listening::start(large(250, 9), open_server(), Limits::default()))
}

#[divan::bench(args = PAGES, sample_count = 30, sample_size = 1)]
fn page(bencher: Bencher, path: &str) {
    let server = server();
    let answer = server.get(path);
    assert_eq!(answer.status, 200, "{path}: what fails is no measurement");
    bencher
        .counter(BytesCount::new(answer.body.len()))
        .bench(|| server.get(path).body.len());
}
