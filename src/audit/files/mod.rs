//! Checks of files: what nobody names, what fell behind, what is there twice, what is left over.

pub mod behind;
mod configs;
mod left_over;
mod other_release;
mod promoted_twice;
mod twins;
pub mod unnamed;

use super::check::Check;

/// The checks.
pub static CHECKS: &[&Check] = &[
    &unnamed::CHECK,
    &behind::CHECK,
    &left_over::CHECK,
    &twins::CHECK,
    &promoted_twice::CHECK,
    &other_release::CHECK,
];
