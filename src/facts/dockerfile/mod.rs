//! What a Dockerfile is built from: its stages, the images and stages they name, and its labels.
//!
//! Reads the line structure as BuildKit's parser does (continuations, comments, directives, heredocs) and nothing of the
//! commands themselves. Arguments before the first `FROM` are substituted with their defaults.

mod built;
mod copies;
mod instructions;
mod lines;
mod parser;
mod pulled;
mod subst;
#[cfg(test)]
mod tests;

use std::fmt;

pub use built::{Builds, Built, builds};
pub use copies::{Copied, copies};
pub use instructions::{Instruction, instructions};

use serde::{Deserialize, Serialize};

/// The largest Dockerfile that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The most stages that a Dockerfile may have.
pub const MAX_STAGES: usize = 200;

/// The most arguments that may stand in front of the first `FROM`.
pub const MAX_ARGS: usize = 1000;

/// The most uses of other images' files that are kept of a Dockerfile.
pub const MAX_USES: usize = 2000;

/// A Dockerfile's facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dockerfile {
    /// The stages in the order of the text; never empty.
    pub stages: Vec<Stage>,
    /// `ARG` instructions in front of the first `FROM`, one entry a name.
    pub global_args: Vec<Arg>,
    /// Every `COPY --from=`, `RUN --mount=…,from=`, and pullspec in a `RUN`; at most [`MAX_USES`].
    pub copies_from: Vec<CopyFrom>,
    /// Every label, in the order of the text.
    pub labels: Vec<Label>,
}

/// A build stage: one `FROM` instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The stage's place among the stages, from 0.
    pub index: usize,
    /// The line of its `FROM`, from 1.
    pub line: u32,
    /// The image as it stands in the text.
    pub image_as_written: String,
    /// The image with arguments substituted; what could not be substituted keeps its text.
    pub image: String,
    /// The value of `--platform`, as written.
    pub platform: Option<String>,
    /// The stage's own name (`AS name`), arguments substituted; names match without regard to case.
    pub name: Option<String>,
    /// The earlier stage that this one continues, if `FROM` names one.
    pub earlier_stage: Option<usize>,
    /// Names of arguments in the image that have no known value.
    pub unresolved_args: Vec<String>,
}

/// An argument declared in front of the first `FROM`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arg {
    /// The line of its `ARG`, from 1.
    pub line: u32,
    /// The argument's name.
    pub name: String,
    /// Its default with earlier arguments substituted, if it has one.
    pub default: Option<String>,
}

/// A use of another stage's or image's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyFrom {
    /// The line of the instruction, from 1.
    pub line: u32,
    /// The stage in which it stands.
    pub stage_index: usize,
    /// How the files are used.
    pub by: Use,
    /// What `from` names, as written but for quotes.
    pub from: String,
    /// What that is.
    pub resolves_to: CopySource,
}

/// How a Dockerfile uses files of another stage or image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Use {
    /// `COPY --from=`
    Copy,
    /// `RUN --mount=…,from=`
    Mount,
    /// A pullspec among the words of a `RUN`: what is run may pull it.
    Run,
}

/// What the `from` of a `COPY` or a mount stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CopySource {
    /// An earlier stage of the same file, by index.
    Stage(usize),
    /// An image of that name, arguments substituted.
    Image(String),
}

/// A label of an image. Arguments in its value are not substituted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// The line of its `LABEL`, from 1.
    pub line: u32,
    /// The stage that sets it.
    pub stage_index: usize,
    /// The label's name.
    pub key: String,
    /// The label's value without its quotes.
    pub value: String,
}

/// Why a Dockerfile could not be read, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParseError {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// What was found and what was expected.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

impl Stage {
    /// Tells whether the stage's own `FROM` names an image: `scratch` counts, an earlier stage does not.
    pub fn is_external(&self) -> bool {
        self.earlier_stage.is_none()
    }
}

impl Dockerfile {
    /// Reads a Dockerfile. Bytes that are not UTF-8 are replaced, not refused.
    ///
    /// # Errors
    /// The first place at which the text is no Dockerfile, has no `FROM`, or passes [`MAX_BYTES`] or [`MAX_STAGES`].
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        parser::parse(text)
    }

    /// Yields the stages whose `FROM` names an image, in the order of the text: those that pair with the metadata's
    /// builders and base.
    pub fn external_stages(&self) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(|stage| stage.is_external())
    }

    /// Looks up a label of the resulting image: the last one set in the last stage or a stage that it continues.
    pub fn label(&self, key: &str) -> Option<&str> {
        let mut stage = self.stages.last()?;
        loop {
            let here = self
                .labels
                .iter()
                .rev()
                .find(|label| label.stage_index == stage.index && label.key == key);
            if let Some(label) = here {
                return Some(&label.value);
            }
            let earlier = stage.earlier_stage.filter(|&earlier| earlier < stage.index)?;
            stage = self.stages.get(earlier)?;
        }
    }

    /// Tells whether the resulting image carries manifests for the payload (`io.openshift.release.operator=true`).
    pub fn is_release_operator(&self) -> bool {
        self.label("io.openshift.release.operator") == Some("true")
    }
}
