//! The graph of steps that ci-operator leaves (`ci-operator-step-graph.json`): every step, also those that were not tried.

use serde::Deserialize;

/// The largest graph that is read, in bytes.
pub const MAX_BYTES: u64 = 8 << 20;

/// One step of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Step {
    /// Its name: of a build of an image, the image's tag.
    #[serde(default)]
    pub name: String,
    /// What it waits for.
    #[serde(default)]
    pub dependencies: Vec<String>,
    /// When it began; none: it was not tried.
    #[serde(default)]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(default)]
    pub finished_at: Option<String>,
    /// Whether it failed.
    #[serde(default)]
    pub failed: Option<bool>,
    /// Why it failed, where that is told.
    #[serde(skip)]
    pub text: String,
}

/// The graph is cut off, or none.
#[derive(Debug, thiserror::Error)]
#[error("the graph of steps is cut off, or is none: {0}")]
pub struct StepsError(String);

/// Reads a graph.
///
/// # Errors
/// It is cut off, or has another form.
pub fn step_graph(bytes: &[u8]) -> Result<Vec<Step>, StepsError> {
    serde_json::from_slice(bytes).map_err(|error| StepsError(error.to_string()))
}

impl Step {
    /// Whether it was tried at all.
    pub fn was_tried(&self) -> bool {
        self.started_at.as_deref().is_some_and(|time| !time.is_empty())
    }

    /// Whether it was tried, and failed.
    pub fn has_failed(&self) -> bool {
        self.failed == Some(true)
    }
}
