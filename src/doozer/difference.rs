//! In what a build of the tool differs from what is derived.

use serde::Serialize;

use crate::model::build_config::At;

/// In what a build of the tool is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Kind")]
#[serde(rename_all = "kebab-case")]
pub enum DifferenceKind {
    /// It takes another Dockerfile.
    OtherDockerfile,
    /// A FROM becomes something else.
    OtherParent,
    /// It stops.
    WouldFail,
    /// It passes over an image that is built here.
    WouldSkip,
    /// It builds an image that is not built here.
    WouldBuild,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Difference {
    /// In what.
    pub kind: DifferenceKind,
    /// A sentence without its full stop.
    pub text: String,
    /// Where the key stands that leads the tool there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub at: Option<At>,
}
