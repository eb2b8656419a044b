//! Codes of findings that are made where things are read, derived, rendered and planned; one file a family.

pub mod configuration;
pub mod content;
pub mod cut;
pub mod doozer;
pub mod konflux;
pub mod metadata;
pub mod pipeline;
pub mod reading;
pub mod rules;
pub mod targets;
