//! What a finding is about, beside its release, component and image.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What tells findings of one code for one image apart. It is a name as it stands in the input, never a sentence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
pub enum Subject {
    /// A tag of the payload.
    Tag(String),
    /// A `go.mod` or `go.work`, by its path.
    Module(String),
    /// A file, by its path.
    File(String),
    /// An instruction of a Dockerfile, spaces made even.
    Instruction(String),
    /// A key of a file, by its path in it.
    Key(String),
    /// A name in a file: of a stream, a member, a variable, or a pullspec.
    Name(String),
}

impl fmt::Display for Subject {
    /// Writes its kind and the name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, name) = match self {
            Self::Tag(name) => ("tag", name),
            Self::Module(name) => ("module", name),
            Self::File(name) => ("file", name),
            Self::Instruction(name) => ("instruction", name),
            Self::Key(name) => ("key", name),
            Self::Name(name) => ("name", name),
        };
        write!(f, "{kind} {name}")
    }
}
