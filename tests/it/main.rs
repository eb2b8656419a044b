//! All tests of the whole, as one program: each file is one subject, and `cargo test --test it SUBJECT::` runs it.
//! One program links once; forty took minutes and gigabytes.

#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]
#![allow(
    clippy::disallowed_methods,
    reason = "tests make files, repositories and processes, listen on the loopback, and wait"
)]

mod support;

mod audit_codes;
mod audit_command;
mod audit_fix;
mod audit_fixtures;
mod audit_verified;
mod bad_input;
mod build_data;
mod build_data_url;
mod carry_kept;
mod cli;
mod cut_payload;
mod cut_train;
mod demo;
mod doctor;
mod end_to_end;
mod explain_fields;
mod faults;
mod forge_local;
mod github_auth;
mod github_build_data;
mod github_corpus;
mod github_crash;
mod github_faults;
mod github_konflux;
mod github_life;
mod github_plan;
mod github_read;
mod impact;
mod impact_asked;
mod impact_faults;
mod impact_hostile;
mod impact_kept;
mod impact_service;
mod impact_told;
mod lock;
mod looked_at;
mod never_meant;
mod owners;
mod payload_sources;
mod registry;
mod replicas;
mod replicas_told;
mod results;
mod results_bad;
mod results_cluster;
mod results_corpus;
mod results_service;
mod rooms;
mod rules_authoring;
mod rules_cases;
mod rules_held;
mod rules_readme;
mod rules_wrong;
mod serve;
mod serve_cut;
mod serve_end;
mod server_http;
mod server_pages;
mod soak;
mod soak_nine;
mod targets;
mod told;
mod told_run;
mod views;
mod webhook;
mod webhook_examples;
mod yaml_corpus;
mod yaml_properties;
