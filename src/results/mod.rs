//! Which image does not build, since when and because of whom: runs of the jobs that build images, put in order.
//!
//! Everything here is data that was read elsewhere. What ended a run is told by rules `on: failure`; which image an image is
//! built from, by the unified build config. What a run says of one image is an [`Outcome`]; what a row of runs comes to is an
//! [`answer::ImageResult`].

pub mod answer;
mod classify;
pub mod cluster;
mod deck;
mod history;
mod jobs;
mod junit;
mod ledger;
mod outcome;
pub mod payload;
mod row;
mod run;
mod steps;
#[cfg(test)]
mod tests;
mod text;

pub use classify::{Classifier, Failure};
pub use deck::{DeckError, deck};
pub use history::spells;
pub use jobs::{Built, Job, jobs};
pub use junit::{JUnitError, MAX_BYTES as JUNIT_BYTES, junit};
pub use ledger::{Branch, merged};
pub use outcome::{Artifacts, Outcome, outcomes};
pub use row::{Images, Row, row, settle};
pub use run::{JobRun, State};
pub use steps::{MAX_BYTES as GRAPH_BYTES, Step, StepsError, step_graph};
pub use text::text;
