//! Checks: they look at the facts of a release, and at what is derived from them, for what is wrong with its sources.
//!
//! A check is pure: what it needs is handed to it in a [`context::Context`], and what it finds goes into a [`Sink`].

pub mod check;
pub mod content;
pub mod context;
pub mod cut;
pub mod debt;
pub mod doozer;
pub mod edit;
pub mod files;
pub mod go;
pub mod metadata;
pub mod need;
pub mod pages;
pub mod pattern;
pub mod payload;
pub mod registry;
pub mod report;
pub mod sarif;
pub mod since;
mod sink;
pub mod spelling;
pub mod text;

pub use sink::{Change, Fix, Sink};
