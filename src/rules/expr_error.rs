//! Why an expression is none, or yields nothing.

use serde_json::Value as Json;

/// Why an expression cannot be compiled or evaluated.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ExprError {
    /// It is longer than is read.
    #[error("the expression is {bytes} bytes long; {most} are the most")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The bound.
        most: usize,
    },
    /// Its brackets or signs are nested deeper than the parser may recurse.
    #[error("the expression is nested {depth} deep; {most} is the most")]
    Nested {
        /// How deep.
        depth: u16,
        /// The bound.
        most: u16,
    },
    /// Its parts are nested deeper than is evaluated.
    #[error("the expression's parts are nested {depth} deep (a chain of operators counts, too); {most} is the most")]
    Deep {
        /// How deep.
        depth: usize,
        /// The bound.
        most: u16,
    },
    /// It has more parts than are evaluated.
    #[error("the expression has {parts} parts; {most} are the most")]
    Large {
        /// How many.
        parts: usize,
        /// The bound.
        most: usize,
    },
    /// Its comprehensions could take exponential time.
    #[error("{nested} comprehensions (map, filter, exists, …) stand inside each other; {most} are the most")]
    Comprehensions {
        /// How many.
        nested: usize,
        /// The bound.
        most: usize,
    },
    /// It assigns where it should compare.
    #[error("`=` is no operator in an expression")]
    Assignment,
    /// CEL does not read it.
    #[error("{message} (at column {column} of the expression)")]
    Syntax {
        /// What CEL says.
        message: String,
        /// Where, from 1 on.
        column: isize,
    },
    /// CEL does not read it, nor says why.
    #[error("the expression cannot be read")]
    Unreadable,
    /// A `${` of a text has no end.
    #[error("a `${{` has no closing `}}`")]
    Unclosed,
    /// Its evaluation ran into something, in CEL's words.
    #[error("{0}")]
    Failed(String),
    /// It is a condition, and yields this type.
    #[error("a condition must be true or false, this one is {0}")]
    NoCondition(String),
    /// It stands inside a text, and yields what is none.
    #[error("a text cannot hold {0}")]
    NoText(Json),
}

impl ExprError {
    /// What CEL says of its evaluation or of its value.
    pub(super) fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }

    /// The first thing that CEL's parser says.
    pub(super) fn first(errors: &cel::ParseErrors) -> Self {
        match errors.errors.first() {
            Some(error) => Self::Syntax {
                message: error.msg.trim().to_owned(),
                column: error.pos.1,
            },
            None => Self::Unreadable,
        }
    }
}
