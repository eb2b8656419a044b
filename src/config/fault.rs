//! What is wrong with a configuration, where, and what to do.

use std::fmt;

use super::secret;
use crate::yaml::{self, Key, Node, Pos, Value};

/// The kind of a fault. Codes are stable: scripts and documentation may name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The text is not YAML.
    Syntax,
    /// A key that does not exist here.
    UnknownKey,
    /// A key that must be there is not.
    MissingKey,
    /// A list where a text is expected, and the like.
    WrongType,
    /// The right type with a value that means nothing.
    BadValue,
    /// A `{placeholder}` that does not exist here, or one that is missing.
    BadPlaceholder,
    /// The same thing twice.
    Duplicate,
    /// Keys that exclude one another.
    Conflict,
    /// A secret in the text.
    Secret,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 9] = [
        Self::Syntax,
        Self::UnknownKey,
        Self::MissingKey,
        Self::WrongType,
        Self::BadValue,
        Self::BadPlaceholder,
        Self::Duplicate,
        Self::Conflict,
        Self::Secret,
    ];

    /// The code's stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "config-syntax",
            Self::UnknownKey => "config-unknown-key",
            Self::MissingKey => "config-missing-key",
            Self::WrongType => "config-wrong-type",
            Self::BadValue => "config-bad-value",
            Self::BadPlaceholder => "config-bad-placeholder",
            Self::Duplicate => "config-duplicate",
            Self::Conflict => "config-conflict",
            Self::Secret => "config-secret",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its kind.
    pub code: Code,
    /// Where it is.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// How many characters into its value the fault starts, until [`Faults::new`] moves the place there.
    pub(super) inside: Option<usize>,
}

impl Fault {
    /// A fault with its place, what is wrong and what to do.
    pub(super) fn new(code: Code, span: Span, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code,
            span,
            message: message.into(),
            hint: hint.into(),
            inside: None,
        }
    }
}

/// A place and how many characters to underline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Where it starts.
    pub pos: Pos,
    /// Its length in characters; 0 where it is not known.
    pub width: usize,
}

/// The place of a value; a mapping or a list has no length.
pub(super) fn span(node: &Node) -> Span {
    let width = match &node.value {
        Value::String(text) | Value::Number(text) => text.chars().count(),
        _ => 0,
    };
    Span { pos: node.pos, width }
}

/// The place of a key.
pub(super) fn key_span(key: &Key) -> Span {
    Span {
        pos: key.pos,
        width: key.text.chars().count(),
    }
}

/// Everything that is wrong with a configuration file.
#[derive(Clone, Debug)]
pub struct Faults {
    /// The file, as named by the person.
    pub file: String,
    /// The faults in the order of their places.
    pub list: Vec<Fault>,
    text: String,
}

impl std::error::Error for Faults {}

impl Faults {
    /// Faults of a file with the given text.
    pub(super) fn new(file: &str, text: &str, mut list: Vec<Fault>) -> Self {
        for fault in &mut list {
            settle(fault, text);
        }
        list.sort_by_key(|fault| fault.span.pos);
        Self {
            file: file.to_owned(),
            list,
            text: text.to_owned(),
        }
    }
}

/// Moves a fault that starts within a value to its place: a value in quotes starts at its quote.
fn settle(fault: &mut Fault, text: &str) {
    let line = text
        .lines()
        .nth((fault.span.pos.line as usize).wrapping_sub(1))
        .unwrap_or("");
    let first = line.chars().nth((fault.span.pos.column as usize).wrapping_sub(1));
    let quoted = matches!(first, Some('"' | '\''));
    if let Some(inside) = fault.inside.take() {
        let moved = u32::try_from(inside + usize::from(quoted)).unwrap_or(0);
        fault.span.pos.column = fault.span.pos.column.saturating_add(moved);
    } else if quoted && fault.span.width > 0 {
        fault.span.width += 2;
    }
}

/// Prints each fault with its place, the line it is on and a hint; secrets are masked.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.list {
            let Span { pos, width } = fault.span;
            writeln!(f, "error[{}]: {}", fault.code, secret::mask(&fault.message))?;
            let margin = " ".repeat(pos.line.to_string().len());
            writeln!(f, "{margin}--> {}:{pos}", self.file)?;
            if let Some(excerpt) = self.excerpt(pos, width) {
                f.write_str(&excerpt)?;
            }
            writeln!(f, "{margin} = help: {}\n", fault.hint)?;
        }
        let plural = if self.list.len() == 1 { "" } else { "s" };
        write!(f, "{} fault{plural} in {}", self.list.len(), self.file)
    }
}

impl Faults {
    /// The line of a place, secrets masked, with a caret under it.
    fn excerpt(&self, pos: Pos, width: usize) -> Option<String> {
        let line = self.text.lines().nth((pos.line as usize).checked_sub(1)?)?;
        yaml::excerpt(&secret::mask(line), pos, width)
    }
}
