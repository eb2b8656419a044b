//! The daemon: what `lockstep serve` keeps running.
//!
//! The [`board`] is where the daemon posts what it knows; the server reads it and nothing else.

pub mod board;
