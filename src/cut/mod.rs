//! The branch cut: when a release's branches are made, in which order OKD's configs follow.
//!
//! Everything here is a pure function of what is there and what should be: a train that was stopped anywhere resumes,
//! because its state is read off the files and nowhere else.

pub mod detect;
pub mod guard;
pub mod pause;
pub mod payload;
pub mod retire;
pub mod show;
pub mod train;
mod unit;
pub mod world;

#[cfg(test)]
mod tests;

pub use train::{Check, Step, StepKind, Stuck, Train};
pub use unit::{Role, Unit};
pub use world::World;
