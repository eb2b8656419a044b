//! One top-level key of a file without the rest: thousands of configs are asked for their `promotion` only.

mod lines;

use std::ops::Range;

use lines::{Line, Scan, is_key_byte};
use memchr::memchr_iter;

use super::error::Error;
use super::limits::MAX_BYTES;
use super::parse::{parse, parse_after};
use super::{Mapping, Node, Value};

/// Where a top-level key's block is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Section {
    /// The block's bytes, from the key to the end of its last line, and the line it starts at (from 1).
    Found {
        /// Byte range in the text.
        range: Range<usize>,
        /// Line of the key, from 1.
        line: u32,
    },
    /// The text has no such key.
    Absent,
    /// Looking at lines can't tell; the whole text must be parsed.
    Unclear,
}

/// Parses the value of one top-level key; none if there is no such key.
///
/// Where the lines show the key's block beyond doubt only that is parsed, so mistakes elsewhere in the file go unseen.
/// Places are those of the whole file. A file that is not a mapping has no key.
pub fn parse_section(text: &[u8], key: &str) -> Result<Option<Node>, Error> {
    match section(text, key) {
        Section::Absent => return Ok(None),
        Section::Found { range, line } => {
            let block = text.get(range).unwrap_or_default();
            // What fails alone (an alias of an anchor outside, say) may be right in the whole.
            if let Ok(node) = parse_after(block, line - 1)
                && let Value::Map(Mapping { mut entries }) = node.value
                && entries.len() == 1
                && let Some((found, node)) = entries.pop()
                && &*found.text == key
            {
                return Ok(Some(node));
            }
        }
        Section::Unclear => {}
    }
    match parse(text)?.value {
        Value::Map(mut mapping) => Ok(mapping.remove(key)),
        _ => Ok(None),
    }
}

/// Finds a top-level key's block in a text in block style by its lines alone.
///
/// The answer is right for every text that is valid YAML: whatever could make a line at the margin something other than a
/// key (a bracket above it, an anchor or tag, directives, several documents, unusual line breaks) makes it unclear.
pub fn section(text: &[u8], key: &str) -> Section {
    if text.len() > MAX_BYTES || text.starts_with(b"\xef\xbb\xbf") || has_odd_breaks(text) || !is_plain_key(key) {
        return Section::Unclear;
    }
    let mut scan = Scan::new();
    let (mut start, mut end) = (None, None);
    for (number, (at, line)) in lines(text).enumerate() {
        match scan.line(line) {
            Line::Key(found) => {
                if start.is_some() && end.is_none() {
                    end = Some(at);
                }
                if found == key.as_bytes() {
                    if start.is_some() {
                        return Section::Unclear;
                    }
                    start = Some((at, number));
                }
            }
            Line::Inside => {}
            Line::Unclear => return Section::Unclear,
        }
    }
    match start {
        Some((start, number)) => match u32::try_from(number + 1) {
            Ok(line) => Section::Found {
                range: start..end.unwrap_or(text.len()),
                line,
            },
            Err(_) => Section::Unclear,
        },
        None => Section::Absent,
    }
}

/// Lines without their breaks, with their offsets.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    memchr_iter(b'\n', text)
        .chain(std::iter::once(text.len()))
        .map(move |end| {
            let (at, line) = (start, text.get(start..end).unwrap_or_default());
            start = end + 1;
            (at, line.strip_suffix(b"\r").unwrap_or(line))
        })
}

/// Whether there are line breaks that libyaml sees and [`lines()`] doesn't.
fn has_odd_breaks(text: &[u8]) -> bool {
    memchr::memchr3_iter(b'\r', 0xc2, 0xe2, text).any(|at| {
        let rest = text.get(at..).unwrap_or_default();
        match rest {
            [b'\r', b'\n', ..] => false,
            [b'\r', ..] | [0xc2, 0x85, ..] | [0xe2, 0x80, 0xa8 | 0xa9, ..] => true,
            _ => false,
        }
    })
}

fn is_plain_key(key: &str) -> bool {
    // No number, boolean or the like has only these and starts so; and no indicator.
    let mut bytes = key.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic()) && bytes.all(is_key_byte)
}

#[cfg(test)]
mod tests;
