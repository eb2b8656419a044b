//! Checks of content: bases and builders that are not OKD's.

mod copied;
mod filled_in;
mod foreign;

use super::check::Check;

/// The checks.
pub static CHECKS: &[&Check] = &[&foreign::CHECK, &copied::CHECK, &filled_in::CHECK];
