//! Checks of ocp-build-data: what contradicts itself.

mod dangling;
mod references;

use super::check::Check;

/// The checks.
pub static CHECKS: &[&Check] = &[&dangling::CHECK];
