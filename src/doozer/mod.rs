//! What ART's tool (doozer) makes of build data for OKD, and how that differs from what is derived here.
//!
//! OKD's builds in Konflux are made by `doozer images:okd rebase`: it merges an image's `okd` stanza over its metadata, takes
//! a Dockerfile from the sources, replaces what its FROMs name, and modifies it. This room foretells what comes out, with no
//! network and without the tool: [`merge`] has the merge, [`predict`] the prediction of one image, [`mod@compare`] holds it
//! against what is derived. Facts of the tool's rules were read in openshift-eng/art-tools at 8cb2b37 (2026-08-21); each part
//! names the file there that has its rule.

pub mod carry;
pub mod compare;
pub mod difference;
pub mod merge;
pub mod modify;
pub mod parents;
pub mod predict;
pub mod rewrite;
pub mod settled;
pub mod terms;
pub mod topics;
pub mod wanted;

pub use compare::compare;
pub use difference::{Difference, DifferenceKind};
pub use predict::{Doozer, Prediction};
pub use terms::Terms;

#[cfg(test)]
mod tests;
