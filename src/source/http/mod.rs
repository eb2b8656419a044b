//! Git's smart HTTP protocol, as far as fetching one commit needs it.
//!
//! libgit2's own client speaks protocol version 0 only, in which a server lists every ref before anything else: of
//! openshift/release that is megabytes of pull request refs at each look. Version 2 lets the server filter, so asking
//! for one branch is a kilobyte. What is needed of it is small: list refs, fetch one commit without its history.
//! Servers that answer in version 0 are understood as well.

mod client;
mod fetch;
mod pktline;
mod refs;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) mod testserver;

/// Reads an answer of a git server, whichever it is taken for.
pub(super) fn read_answer(bytes: &[u8]) {
    refs::read_answer(bytes);
    fetch::read_answer(bytes);
}

pub(super) use client::{Client, plain};
pub(super) use fetch::{FetchRequest, Fetched, What, fetch};
pub(super) use refs::Session;
