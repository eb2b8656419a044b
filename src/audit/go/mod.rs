//! Checks of Go: what modules ask for, and what builders, build roots and variables provide.

mod build_root;
mod builders;
mod streams;
mod vars;

use super::check::Check;

/// The checks.
pub static CHECKS: &[&Check] = &[&builders::CHECK, &build_root::CHECK, &vars::CHECK];
