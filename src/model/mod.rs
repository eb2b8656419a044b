//! Plain types of the domain, and graph primitives.

pub mod go;
pub mod graph;
pub mod metadata;
pub mod pullspec;
pub mod replacement;
