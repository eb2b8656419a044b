//! Plain types of the domain, and graph primitives.

pub mod graph;
pub mod metadata;
pub mod pullspec;
pub mod release;
