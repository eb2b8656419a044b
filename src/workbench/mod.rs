//! The workbench of rule authors: cases that show what rules do, their coverage, and what makes both easier.
//!
//! A case is a folder `{case.yaml, input/, expected/}`. It runs through the same [`Run`](crate::run::Run) as everything
//! else, so that what passes here is what happens later.
#![expect(clippy::disallowed_methods, reason = "cases and rule files are on disk")]

pub mod capture;
pub mod case;
pub mod coverage;
pub mod fault;
pub mod held;
pub mod judge;
pub mod new;
pub mod report;
pub mod run;
pub mod sets;
pub mod update;
pub mod value;
pub mod watch;

/// The file that makes a folder a case.
pub const CASE_FILE: &str = "case.yaml";
