//! lockstep keeps OKD's build configuration in lockstep with OCP's.
//!
//! Data flows one way: [`source`] (read-only snapshots) → [`facts`] (typed, with places) → [`model`] (images, graph,
//! branches) → [`rules`] (policy as data) → the unified build config → [`targets`] (desired files) → [`plan`] (desired
//! against actual) → [`forge`] (pull requests). Left of the forge everything is pure but for reading a snapshot.
//!
//! Rooms from the top floor down, as `docs/design.md` has them; a room uses only what stands below it:
//!
//! ```text
//! cli                                          arguments, output, exit codes
//! doctor                                       everything that a configuration needs, tried one by one
//! board server daemon                          what the service knows; HTTP; triggers, queue, lease
//! run workbench                                one run: read, derive, render, plan; the cases of rule authors
//! config                                       lockstep.yaml: every fault at once, with its place
//! forge                                        pull requests, at GitHub and in local repositories
//! cut graph audit rebuild impact results told  the train of a branch cut; what is built from what; checks; what has to be built again; what a change of others would do; which image does not build, since when and why; who is told of it, once
//! targets                                      one folder a target: the files that it owns, merged with what is there
//! plan                                         desired against actual: changes with causes, grouped into pull requests
//! doozer                                       what ART's tool makes of build data for OKD, and how that differs from what is derived
//! derive                                       facts and rules become the unified build config
//! rules                                        the rules language: load, check, evaluate, trace, coverage
//! model                                        types of the domain: images and streams of a release, the graph, Go versions
//! facts                                        parsers: build data, CI configs, Dockerfiles, go.mod, image-references
//! source                                       read-only snapshots of a file tree at a commit
//! yaml store                                   values with their places, the writer, small edits; what is remembered between runs
//! github                                       the client of GitHub's API: signing, limits, repetition
//! net                                          what every HTTP client goes by: certificates, proxy, patience, name
//! finding                                      what a finding is: code, severity, place, message, help; the table of codes; suppressions
//! base                                         what everybody names: release, repository, origin and place, day, text that is safe to show
//! ```

// Tests may do what `clippy.toml` keeps out of the code; the code itself is linted without `cfg(test)` as well.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests make files and read the clock")
)]

pub mod audit;
pub mod base;
pub mod board;
pub mod config;
pub mod cut;
pub mod daemon;
pub mod derive;
pub mod doctor;
pub mod doozer;
pub mod facts;
pub mod finding;
pub mod forge;
pub mod github;
pub mod graph;
pub mod impact;
pub mod model;
pub mod net;
pub mod plan;
pub mod rebuild;
pub mod results;
pub mod rules;
pub mod run;
pub mod server;
pub mod source;
pub mod store;
pub mod targets;
pub mod told;
pub mod workbench;
pub mod yaml;
