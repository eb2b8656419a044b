//! lockstep keeps OKD's build configuration in lockstep with OCP's.
//!
//! Data flows one way: [`source`] (read-only snapshots) → [`facts`] (typed, with places) → [`model`] (images, graph,
//! branches) → [`rules`] (policy as data) → the unified build config → [`targets`] (desired files) → [`plan`] (desired
//! against actual) → [`forge`] (pull requests). Left of the forge everything is pure but for reading a snapshot.

// Tests may do what `clippy.toml` keeps out of the code; the code itself is linted without `cfg(test)` as well.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests make files and read the clock")
)]

pub mod audit;
pub mod config;
pub mod cut;
pub mod daemon;
pub mod derive;
pub mod facts;
pub mod forge;
pub mod graph;
pub mod model;
pub mod plan;
pub mod rules;
pub mod run;
pub mod server;
pub mod source;
pub mod store;
pub mod targets;
pub mod workbench;
pub mod yaml;
