//! What the lines of a text in block style are, found without parsing it.

use memchr::{memchr, memchr_iter};

/// What a line is to the top level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line<'t> {
    /// A top-level key.
    Key(&'t [u8]),
    /// Part of the block of the key before, a comment, or nothing.
    Inside,
    Unclear,
}

/// A scalar that may go on over the next lines.
#[derive(Clone, Copy)]
enum Within {
    Nothing,
    /// A block or plain scalar: what is indented deeper than this belongs to it.
    Deeper(usize),
    /// A quoted scalar: everything up to this quote belongs to it, wherever it stands.
    Quotes(u8),
}

/// Goes through the lines of a text; what it says holds if the text is valid YAML.
pub(super) struct Scan {
    within: Within,
    /// The column of a key or dash whose value is still to come.
    pending: Option<usize>,
    /// Top-level keys so far.
    keys: usize,
    /// Whether the document's start was seen.
    dashes: bool,
}

impl Scan {
    pub fn new() -> Scan {
        Scan {
            within: Within::Nothing,
            pending: None,
            keys: 0,
            dashes: false,
        }
    }

    /// Tells what the next line is. After an unclear one there is no sense in going on.
    pub fn line<'t>(&mut self, line: &'t [u8]) -> Line<'t> {
        let indent = line.iter().take_while(|&&b| b == b' ').count();
        let rest = line.get(indent..).unwrap_or_default();
        match self.within {
            _ if rest.is_empty() => return Line::Inside,
            Within::Quotes(quote) => return self.quotes(quote, rest),
            Within::Deeper(parent) if indent > parent => return Line::Inside,
            _ => self.within = Within::Nothing,
        }
        if rest.starts_with(b"#") {
            return Line::Inside;
        }
        let pending = self.pending.take();
        if indent == 0 {
            self.margin(line)
        } else if self.keys == 0 {
            Line::Unclear
        } else {
            self.item(rest, indent, pending.filter(|&parent| parent < indent))
        }
    }

    /// A line at the margin.
    fn margin<'t>(&mut self, line: &'t [u8]) -> Line<'t> {
        if line == b"---" && self.keys == 0 && !self.dashes {
            self.dashes = true;
            return Line::Inside;
        }
        if self.keys > 0 && (line == b"-" || line.starts_with(b"- ")) {
            return self.item(line, 0, None);
        }
        let length = line.iter().take_while(|&&b| is_key_byte(b)).count();
        let (key, rest) = line.split_at(length);
        let value = match rest {
            [b':'] => &[],
            [b':', b' ', value @ ..] => value,
            _ => return Line::Unclear,
        };
        if !key.first().is_some_and(u8::is_ascii_alphabetic) {
            return Line::Unclear;
        }
        self.keys += 1;
        match self.value(value, 0) {
            Line::Unclear => Line::Unclear,
            _ => Line::Key(key),
        }
    }

    /// What stands on a line from `column` on: dashes, then a key with its value, or a value. `parent` is the key or dash
    /// on an earlier line that waits for its value.
    fn item<'t>(&mut self, mut rest: &'t [u8], mut column: usize, mut parent: Option<usize>) -> Line<'t> {
        while let Some(inner) = rest.strip_prefix(b"- ") {
            parent = Some(column);
            let blanks = inner.iter().take_while(|&&b| b == b' ').count();
            rest = inner.get(blanks..).unwrap_or_default();
            column += 2 + blanks;
        }
        if rest == b"-" {
            self.pending = Some(column);
            return Line::Inside;
        }
        let key = match rest {
            [b'"' | b'\'', ..] => after_quotes(rest).map(<[u8]>::trim_ascii_end),
            [b'#', ..] => None,
            _ => colon(rest),
        };
        match key {
            Some(_) if starts_oddly(rest) => Line::Unclear,
            Some([b':']) => self.value(b"", column),
            Some([b':', b' ', value @ ..]) => self.value(value, column),
            Some([b':', ..]) => Line::Unclear,
            // What is no key is a value, and has someone to belong to.
            _ => parent.map_or(Line::Unclear, |parent| self.value(rest, parent)),
        }
    }

    /// A value whose key or dash is at `parent`.
    fn value<'t>(&mut self, value: &'t [u8], parent: usize) -> Line<'t> {
        let value = value.trim_ascii();
        match value {
            [] | [b'#', ..] => self.pending = Some(parent),
            [b'|' | b'>', header @ ..] => {
                if !header.iter().all(|b| matches!(b, b'+' | b'-' | b'0'..=b'9')) {
                    return Line::Unclear;
                }
                self.within = Within::Deeper(parent);
            }
            [quote @ (b'"' | b'\''), rest @ ..] => return self.quotes(*quote, rest),
            b"[]" | b"{}" => {}
            // A key in the value is a mistake, or the sign that this is not what it seems.
            _ if starts_oddly(value) || colon(value).is_some() => return Line::Unclear,
            _ => self.within = Within::Deeper(parent),
        }
        Line::Inside
    }

    /// What stands inside quotes, from the opening one or the line's start on.
    fn quotes<'t>(&mut self, quote: u8, rest: &'t [u8]) -> Line<'t> {
        match closing(quote, rest) {
            None => self.within = Within::Quotes(quote),
            Some(after) if after.trim_ascii().is_empty() => self.within = Within::Nothing,
            Some(_) => return Line::Unclear,
        }
        Line::Inside
    }
}

pub(super) fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/')
}

/// The first colon that may end a plain key, and what follows; none if it stands in a comment.
fn colon(rest: &[u8]) -> Option<&[u8]> {
    let at = memchr_iter(b':', rest).find(|at| matches!(rest.get(at + 1), None | Some(b' ' | b'\t')))?;
    let (key, after) = rest.split_at(at);
    memchr::memmem::find(key, b" #").is_none().then_some(after)
}

/// Whether a text starts with something that is not looked into: a bracket, an anchor, a tag, a question mark and so on.
fn starts_oddly(text: &[u8]) -> bool {
    match text {
        [b'-' | b'?' | b':', rest @ ..] => matches!(rest, [] | [b' ' | b'\t', ..]),
        [first, ..] => b"[]{},&!%@`\t".contains(first),
        [] => false,
    }
}

/// What follows a quoted text that starts here and ends on this line.
fn after_quotes(text: &[u8]) -> Option<&[u8]> {
    let (&quote, inner) = text.split_first()?;
    closing(quote, inner)
}

/// What follows the closing quote.
fn closing(quote: u8, inner: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        at += match quote {
            b'\'' => memchr(b'\'', inner.get(at..)?)?,
            _ => memchr::memchr2(b'"', b'\\', inner.get(at..)?)?,
        };
        match inner.get(at..)? {
            [b'\\', ..] if quote == b'"' => at += 2,
            [b'\'', b'\'', ..] => at += 2,
            [_, after @ ..] => return Some(after),
            [] => return None,
        }
    }
}
