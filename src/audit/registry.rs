//! Every code of the program, and every check.
//!
//! A check's codes come with the check; those of the other modules stand in [`crate::finding::codes`]. A new check is one file in
//! its family's folder, one line in that folder's `CHECKS`, and `fixtures/audit/<code>.yaml`.

use super::check::Check;
use super::{content, doozer, files, go, metadata, payload};
use crate::finding::{Code, Family, codes};

/// The checks of each family.
static FAMILIES: &[&[&Check]] = &[
    metadata::CHECKS,
    content::CHECKS,
    doozer::CHECKS,
    go::CHECKS,
    files::CHECKS,
    payload::CHECKS,
];

/// The codes of findings that are made where things are read, derived, rendered and planned.
static OTHERS: &[&[Code]] = &[
    codes::reading::CODES,
    codes::metadata::CODES,
    codes::rules::CODES,
    codes::content::CODES,
    codes::cut::CODES,
    codes::doozer::CODES,
    codes::targets::CODES,
    codes::konflux::CODES,
    codes::pipeline::CODES,
    codes::configuration::CODES,
];

/// Every check.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    FAMILIES.iter().flat_map(|checks| checks.iter().copied())
}

/// Every code, by family and name.
pub fn codes() -> Vec<&'static Code> {
    let of_checks = checks().flat_map(|check| check.codes.iter().copied());
    let mut all: Vec<_> = of_checks.chain(OTHERS.iter().copied().flatten()).collect();
    all.sort_by_key(|code| (code.family, code.name));
    all
}

/// The code of a name.
pub fn find(name: &str) -> Option<&'static Code> {
    let of_checks = checks().flat_map(|check| check.codes.iter().copied());
    of_checks
        .chain(OTHERS.iter().copied().flatten())
        .find(|code| code.name == name)
}

/// The family of a code; of one that is not registered none.
pub fn family(name: &str) -> Option<Family> {
    find(name).map(|code| code.family)
}
