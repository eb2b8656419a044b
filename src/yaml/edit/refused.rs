//! Why a change is not made.

/// Why a text that people wrote is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no YAML, or not what is read here.
    #[error("{0}")]
    Unreadable(String),
    /// A comment tells of something that would go.
    #[error("a comment tells of `{of}` (line {line})")]
    Comment {
        /// The comment's line, from 1.
        line: usize,
        /// What it tells of.
        of: String,
    },
    /// The place of the change cannot be found in the text: an alias, a merge, a key that is no text.
    #[error("it is not written in a way that a small change could be made in")]
    Unfollowed,
    /// The text would mean something else besides.
    #[error("the file would mean something else besides")]
    Otherwise,
    /// The text holds no document, or several, where one is changed.
    #[error("it is not one document")]
    Documents,
}
