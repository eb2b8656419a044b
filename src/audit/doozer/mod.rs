//! Checks of what ART's tool will build for OKD.

mod alternatives;
mod architectures;
mod builds;
mod repositories;
pub mod sources;

use super::check::Check;

/// The checks.
pub static CHECKS: &[&Check] = &[
    &alternatives::CHECK,
    &architectures::CHECK,
    &builds::CHECK,
    &repositories::CHECK,
];
