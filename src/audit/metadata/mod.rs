//! Checks of ocp-build-data: what contradicts itself, or says something that nobody hears.

mod bases;
mod branches;
mod dangling;
mod defaults;
mod disabled;
mod disagreement;
mod keys;
mod misprints;
mod modifications;
mod no_dockerfile;
mod not_applied;
mod payload_names;
mod publishers;
pub(super) mod references;
mod repos;
mod variables;

use super::check::Check;

/// The checks.
pub static CHECKS: &[&Check] = &[
    &bases::CHECK,
    &branches::CHECK,
    &dangling::CHECK,
    &defaults::CHECK,
    &disabled::CHECK,
    &disagreement::CHECK,
    &keys::UNKNOWN_CHECK,
    &keys::UNREACHABLE_CHECK,
    &misprints::CHECK,
    &modifications::CHECK,
    &no_dockerfile::CHECK,
    &not_applied::CHECK,
    &payload_names::CHECK,
    &publishers::CHECK,
    &repos::CHECK,
    &variables::CHECK,
];
