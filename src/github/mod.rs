//! The client of GitHub's API, through octocrab: signing, limits, faults, repetition. Snapshots are read through it, and
//! pull requests are written through it.

#![expect(
    clippy::disallowed_methods,
    reason = "tokens are read from environment and files, and GitHub asks to wait by the clock"
)]

mod answer;
mod auth;
mod client;
mod fault;
mod retry;
mod usage;
pub mod web;

pub use answer::{GraphError, Installation, Login, Page, Parts};
pub use auth::{Credential, Secret};
#[doc(hidden)]
pub use client::answered;
pub use client::{Answer, Call, Client, Query, Reader, seconds};
pub use fault::{Fault, FaultKind};
pub use retry::{Clock, Policy, Repeat, SystemClock};
pub use usage::{Limit, Usage};
