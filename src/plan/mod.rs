//! Desired against actual: changes, grouped into pull requests, with their causes.
//!
//! Targets hand over [`Desired`] files; [`Plan::build`] holds them against the [`Policy`] and sorts them into one
//! [`PullRequest`] a [`Scope`] (repository, release, group). A plan is data: [`text`] and [`json`] show it, a forge
//! applies it. Nothing here touches files, network, clock or environment.

mod body;
mod build;
mod causes;
mod change;
mod compared;
mod content;
mod desired;
mod diff;
mod json;
mod names;
mod order;
mod policy;
mod reach;
mod step;
mod text;
mod upstream;

#[cfg(test)]
mod tests;

pub use body::{BEGIN, END, MAX_BODY, carrying, mention, merge as merge_body, says as body_says, with_run};
pub use build::{Input, digest_of};
pub use causes::{CauseGroup, Example, by_cause};
pub use change::{
    Accepted, Counts, FIXES, FileChange, Kind, Left, NEW_FILE, OTHER_CHANGE, Plan, PullRequest, REMOVED_FILE, RETIRE,
    Scope, UNREFERENCED, WHOLE_FILE, WhatIf, Words, head,
};
pub use compared::NotCompared;
pub use desired::{Bytes, Cause, Desired, Refused};
pub use diff::unified;
pub use json::{PlanView, json};
pub use names::Names;
pub use policy::{Accept, Adopt, Policy, Verdict};
pub use reach::Reach;
pub use step::{CUT, CUT_BESIDE, OVER, Step};
pub use text::{By, brief, changes, details, summary, text};
pub use upstream::{Spot, Upstream, UpstreamImage};
