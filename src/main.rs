//! The command line of lockstep.
#![expect(
    clippy::disallowed_methods,
    reason = "the command line reads the environment, the clock and files"
)]

mod cli;

use std::process::ExitCode;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Few threads work here, and for a short while: one arena keeps what one of them frees warm for the next.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[unsafe(export_name = "_rjem_malloc_conf")]
static ALLOCATOR_SETTINGS: &[u8; 10] = b"narenas:1\0";

fn main() -> ExitCode {
    cli::main()
}
