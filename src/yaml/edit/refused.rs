//! Why a change is not made.

use std::fmt;

/// Why a text that people wrote is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is no YAML, or not what is read here.
    Unreadable(String),
    /// A comment tells of something that would go.
    Comment {
        /// The comment's line, from 1.
        line: usize,
        /// What it tells of.
        of: String,
    },
    /// The place of the change cannot be found in the text: an alias, a merge, a key that is no text.
    Unfollowed,
    /// The text would mean something else besides.
    Otherwise,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Unreadable(why) => f.write_str(why),
            Refused::Comment { line, of } => write!(f, "a comment tells of `{of}` (line {line})"),
            Refused::Unfollowed => f.write_str("it is not written in a way that a small change could be made in"),
            Refused::Otherwise => f.write_str("the file would mean something else besides"),
        }
    }
}

impl std::error::Error for Refused {}
