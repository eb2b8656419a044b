//! Checks of ocp-build-data: what contradicts itself, or says something that nobody hears.

mod branches;
mod dangling;
mod defaults;
mod disabled;
mod disagreement;
mod keys;
mod modifications;
mod payload_names;
pub(super) mod references;
mod repos;
mod variables;

use super::check::Check;

/// The checks.
pub static CHECKS: &[&Check] = &[
    &branches::CHECK,
    &dangling::CHECK,
    &defaults::CHECK,
    &disabled::CHECK,
    &disagreement::CHECK,
    &keys::UNKNOWN_CHECK,
    &keys::UNREACHABLE_CHECK,
    &modifications::CHECK,
    &payload_names::CHECK,
    &repos::CHECK,
    &variables::CHECK,
];
