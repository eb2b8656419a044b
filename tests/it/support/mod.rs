//! What several tests need: worlds of repositories, servers that stand in for others' ones, the program itself.

pub mod audit_world;
pub mod board_world;
pub mod cut_world;
pub mod fake_ci;
pub mod fake_cluster;
pub mod fake_github;
pub mod fake_http;
pub mod fake_lease;
pub mod fake_registry;
pub mod forge_world;
pub mod github_demo;
pub mod github_world;
pub mod place;
pub mod program;
pub mod pull_world;
pub mod service;
pub mod world;
