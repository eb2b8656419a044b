//! What is wrong with a text, in plain words.

use std::fmt;

use super::Pos;
use super::events::Fault;

/// Why a text could not be read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Where the problem is.
    pub pos: Pos,
    /// What is wrong and what was expected, for a person.
    pub message: String,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pos, self.message)
    }
}

impl std::error::Error for Error {}

impl Error {
    /// The message for where the line is told beside it: with the column alone.
    pub fn text(&self) -> String {
        format!("column {}: {}", self.pos.column, self.message)
    }

    pub(super) fn new(pos: Pos, message: impl Into<String>) -> Error {
        Error {
            pos,
            message: message.into(),
        }
    }

    /// Puts libyaml's words into plain ones. `text` is what was parsed; `lines_before` what stood in front of it.
    pub(super) fn from_fault(fault: &Fault, text: &str, lines_before: u32) -> Error {
        if let Some(offset) = fault.offset {
            let mut pos = position_at(text.as_bytes(), offset);
            pos.line += lines_before;
            let found = text.get(offset..).and_then(|rest| rest.chars().next());
            return Error::new(pos, unreadable(found, fault.problem));
        }
        let at = character_at(text, fault.pos, lines_before);
        let place = if fault.pos.line == 0 {
            fault.context_pos
        } else {
            fault.pos
        };
        Error::new(place, plain_words(fault, at))
    }
}

/// Where a byte offset is: line and column in characters.
pub(super) fn position_at(text: &[u8], offset: usize) -> Pos {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    // Bytes that continue a character don't count.
    let column = before
        .iter()
        .skip(line_start)
        .filter(|&&byte| byte & 0xc0 != 0x80)
        .count()
        + 1;
    Pos {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}

fn character_at(text: &str, pos: Pos, lines_before: u32) -> Option<char> {
    let line = pos.line.checked_sub(lines_before + 1)? as usize;
    text.split('\n')
        .nth(line)?
        .chars()
        .nth(pos.column.checked_sub(1)? as usize)
}

fn unreadable(found: Option<char>, problem: &str) -> String {
    match found {
        Some('\0') => "a NUL byte; YAML is text".to_owned(),
        Some(c) => format!("the control character U+{:04X} is not allowed in YAML", u32::from(c)),
        None => format!("unreadable text: {problem}"),
    }
}

fn plain_words(fault: &Fault, at: Option<char>) -> String {
    let since = fault.context_pos;
    match fault.problem {
        "found character that cannot start any token"
        | "found a tab character where an indentation space is expected"
        | "found a tab character that violates indentation"
            if at == Some('\t') || fault.problem.contains("tab") =>
        {
            "a tab in the indentation; YAML is indented with spaces only".to_owned()
        }
        "found character that cannot start any token" => match at {
            Some(c) => format!("a value can't start with `{c}` unless it is quoted"),
            None => "a value can't start like this unless it is quoted".to_owned(),
        },
        "mapping values are not allowed in this context" => {
            "a `key:` is not expected here; check the indentation, or quote the value if the `:` belongs to it"
                .to_owned()
        }
        "block sequence entries are not allowed in this context" => {
            "a `- ` item is not expected here; put the list on the next line".to_owned()
        }
        "mapping keys are not allowed in this context" => "a `? ` key is not expected here".to_owned(),
        "could not find expected ':'" => {
            format!("expected `:` after the key that starts at {since}; check the indentation and the quotes")
        }
        "did not find expected key" => {
            format!("expected the next key of the mapping that starts at {since}; check the indentation and the quotes")
        }
        "did not find expected '-' indicator" => {
            format!("expected the next `- ` item of the list that starts at {since}; check the indentation")
        }
        "did not find expected ',' or ']'" => format!("expected `,` or `]` in the list that opens at {since}"),
        "did not find expected ',' or '}'" => format!("expected `,` or `}}` in the mapping that opens at {since}"),
        "found unexpected end of stream" => format!("the quote that opens at {since} is never closed"),
        "found unexpected document indicator" => {
            format!("the document ends inside the quotes that open at {since}; a quote is not closed")
        }
        "found unknown escape character" => {
            "an unknown `\\` escape in double quotes; write `\\\\` for a backslash, or use single quotes".to_owned()
        }
        "did not find expected <document start>" => {
            "text after the end of the value; expected nothing more, or keys at the same indentation".to_owned()
        }
        "found undefined tag handle" => "a tag with a prefix that no %TAG line defines".to_owned(),
        problem if fault.context.is_empty() => format!("not YAML: {problem}"),
        problem => format!("not YAML: {problem} {}", fault.context),
    }
}

/// The text that libyaml gave, which is UTF-8 as the whole is.
pub(super) fn utf8(text: &[u8], pos: Pos) -> Result<Box<str>, Error> {
    match std::str::from_utf8(text) {
        Ok(text) => Ok(text.into()),
        Err(_) => Err(Error::new(pos, "text that is not UTF-8")),
    }
}
