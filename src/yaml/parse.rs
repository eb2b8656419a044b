//! Text to values, with bounds that hold for any input.

use super::compose::Composer;
use super::error::{Error, position_at};
use super::limits::MAX_BYTES;
use super::{Node, Pos};

/// The longest run of blanks or empty lines; libyaml's time grows with its length times that of the scalar around it.
const MAX_BLANKS: usize = 4096;
/// The most `%TAG` lines; libyaml compares each with each.
const MAX_TAG_LINES: usize = 100;

/// Parses a text that holds one document; an empty one is null.
///
/// Anchors, aliases and merge keys are expanded. Plain scalars mean what they mean to Go's yaml.v2. Errors name the place
/// and what was expected; a text that is too large, too deep or too much once expanded is an error too.
pub fn parse(text: &[u8]) -> Result<Node, Error> {
    parse_after(text, 0)
}

/// Parses a text that holds any number of documents.
///
/// # Errors
/// As [`parse`], but for the number of documents.
pub fn parse_all(text: &[u8]) -> Result<Vec<Node>, Error> {
    Composer::new(check(text)?, 0).documents()
}

/// Parses a part of a file that has `lines_before` lines in front of it.
pub(super) fn parse_after(text: &[u8], lines_before: u32) -> Result<Node, Error> {
    let text = check(text).map_err(|mut error| {
        error.pos.line += lines_before;
        error
    })?;
    Composer::new(text, lines_before).document()
}

/// Checks what libyaml doesn't: size, UTF-8, and shapes that would cost it far more time than their size.
fn check(text: &[u8]) -> Result<&str, Error> {
    let start = Pos { line: 1, column: 1 };
    if text.len() > MAX_BYTES {
        let mib = text.len().div_ceil(1 << 20);
        return Err(Error::new(
            start,
            format!("{mib} MiB of YAML; at most {} MiB are read", MAX_BYTES >> 20),
        ));
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let text = std::str::from_utf8(text).map_err(|error| {
        let byte = text.get(error.valid_up_to()).copied().unwrap_or_default();
        Error::new(
            position_at(text, error.valid_up_to()),
            format!("the byte 0x{byte:02x} is not UTF-8; YAML is read as UTF-8 only"),
        )
    })?;
    if let Some(offset) = long_blank(text) {
        let what = format!("more than {MAX_BLANKS} blanks or empty lines in a row");
        return Err(Error::new(position_at(text.as_bytes(), offset), what));
    }
    let mut tag_lines = memchr::memmem::find_iter(text.as_bytes(), b"%TAG");
    if let Some(offset) = tag_lines.nth(MAX_TAG_LINES) {
        let what = format!("more than {MAX_TAG_LINES} %TAG lines");
        return Err(Error::new(position_at(text.as_bytes(), offset), what));
    }
    Ok(text)
}

/// Finds a run of more than [`MAX_BLANKS`] blanks and line breaks, looking at one place in so many only.
fn long_blank(text: &str) -> Option<usize> {
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}');
    (0..text.len()).step_by(MAX_BLANKS).find_map(|at| {
        let at = (0..=at).rev().find(|at| text.is_char_boundary(*at))?;
        let (before, after) = text.split_at(at);
        if !after.starts_with(blank) {
            return None;
        }
        let start = before.trim_end_matches(blank).len();
        let end = text.len() - after.trim_start_matches(blank).len();
        (end - start > MAX_BLANKS).then_some(start)
    })
}

#[cfg(test)]
mod tests;
