//! The picture of a release: what is built from what, in which wave, with which Go, and what has drifted.
//!
//! [`Graph::new`] makes it from the unified build config and, where that is known, the plan's [`Drift`]; [`dot`] and
//! [`mermaid`] draw it. It is plain data, so that a page can draw it as well.

mod build;
mod draw;
mod drift;
mod select;
#[cfg(test)]
mod tests;

pub mod dot;
pub mod mermaid;

use schemars::JsonSchema;
use serde::Serialize;

pub use drift::{Drift, concerned};

/// The version of this form. It grows when a key changes its meaning or goes; new keys don't change it.
pub const VERSION: u32 = 1;

/// What is built from what in one release.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Graph {
    /// Version of this form.
    pub version: u32,
    /// The release, such as `4.16`.
    pub release: String,
    /// Commit of ocp-build-data that it is derived from; none for a plain directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_data: Option<String>,
    /// Key of the image that it is about, where it holds only what that is built from and what is built from it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Images that OKD builds, by wave and tag; those without a wave last.
    pub images: Vec<Node>,
    /// Images that come from elsewhere, by pullspec.
    pub externals: Vec<External>,
    /// What is built from what, sorted.
    pub edges: Vec<Edge>,
    /// Circles of images, as keys, the first one named again at the end.
    pub cycles: Vec<Vec<String>>,
    /// What most images are built from, in a drawing that marks these with it instead of drawing lines.
    #[serde(skip)]
    pub common: Vec<Common>,
}

/// What more than a third of all images are built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Common {
    /// The key of an image, or a pullspec.
    pub id: String,
    /// What the images that are built from it are marked with.
    pub mark: char,
    /// The keys of the images that are marked.
    pub marked: std::collections::BTreeSet<String>,
}

/// An image that OKD builds.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Node {
    /// Its key in ocp-build-data; edges name it by this.
    pub key: String,
    /// Its tag in the payload.
    pub tag: String,
    /// Its repository, `org/repo`.
    pub repository: String,
    /// The branch that it is built from; empty: unknown.
    pub branch: String,
    /// The Dockerfile; empty: unknown.
    pub dockerfile: String,
    /// Build wave, from 0; none where a circle keeps it from having one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wave: Option<u32>,
    /// Its Go, where it asks for one or is built with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub go: Option<Go>,
    /// Whether its files are as they should be.
    pub state: State,
    /// Files that differ, as `org/repo: path`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// Go of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Go {
    /// The version that go.mod asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// The versions that its builders provide, as far as that is known.
    pub provided: Vec<String>,
    /// Whether each builder that is known provides what is asked for.
    pub enough: bool,
}

/// How an image stands to what is derived for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its files are as they should be.
    InStep,
    /// It has no file yet.
    New,
    /// A file of it differs.
    Changed,
    /// It could not be derived: what is there stays.
    Held,
    /// Nobody compared.
    Unknown,
}

/// An image that comes from elsewhere.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct External {
    /// Its pullspec; edges name it by this.
    pub pullspec: String,
    /// Whether it is a tag of OKD's payload that no image here is built for.
    pub in_payload: bool,
    /// The Go version that it provides, where it is a Go builder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub go: Option<String>,
}

/// What one image is to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// It is its base.
    Base,
    /// It is built with it.
    Builder,
    /// It copies files from it.
    CopiesFrom,
}

/// One thing that an image is built from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Edge {
    /// What is used: the key of an image, or the pullspec of an external one.
    pub from: String,
    /// The key of the image that is built.
    pub to: String,
    /// What it is used for.
    pub kind: EdgeKind,
    /// Whether it is a step of a circle.
    pub in_cycle: bool,
    /// Where the Dockerfile says so, as `repository: file:line at commit`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<String>,
}
