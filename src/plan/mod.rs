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
mod scope;
mod step;
mod text;
mod upstream;
mod verdict;
mod words;

#[cfg(test)]
mod tests;

pub use body::{BEGIN, END, MAX_BODY, carrying, mention, merge as merge_body, says as body_says, with_run};
pub use build::{Input, digest_of};
pub use causes::{CauseGroup, Example, by_cause};
pub use change::{Accepted, ChangeKind, Counts, FIXES, FileChange, Left, Plan, PullRequest, RETIRE, WhatIf, Words};
pub use compared::NotCompared;
pub use desired::{Bytes, Cause, Desired, Refused};
pub use diff::unified;
pub use json::{PlanView, json};
pub use names::Names;
pub use policy::{Accept, Adopt, Policy};
pub use reach::Reach;
pub use scope::{CUT, Scope, head};
pub use step::{CUT_BESIDE, OVER, Step};
pub use text::{By, brief, changes, details, summary, text};
pub use upstream::{Spot, Upstream, UpstreamImage};
pub use verdict::Verdict;
pub use words::{NEW_FILE, OTHER_CHANGE, REMOVED_FILE, UNREFERENCED, WHOLE_FILE};
