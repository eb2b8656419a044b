//! Plain types of the domain, and graph primitives.

pub mod arch;
pub mod batches;
pub mod build_config;
pub mod go;
pub mod graph;
pub mod metadata;
pub mod pullspec;
pub mod replacement;
