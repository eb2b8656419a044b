//! JSON with places: what stands where in a text, so that a person's formatting survives a change.
//!
//! It is as strict as Go's reader: a comment or a comma too many is a fault. A key that is there twice is kept twice: the
//! last one counts to that reader, and whoever looks at the text may tell of it.

use std::ops::Range;

/// A value and its bytes in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// What it is.
    pub what: What,
    /// Its bytes, quotes and braces included.
    pub range: Range<usize>,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A text, its escapes resolved.
    Text(String),
    /// A number, `true`, `false` or `null`.
    Word,
    /// A list.
    List(Vec<Value>),
    /// A mapping, in the order of the text.
    Map(Vec<Member>),
}

/// One member of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The key.
    pub key: String,
    /// The key's bytes, quotes included.
    pub at: Range<usize>,
    /// The value.
    pub value: Value,
}

impl Value {
    /// The members of a mapping; none of anything else.
    pub fn members(&self) -> &[Member] {
        match &self.what {
            What::Map(members) => members,
            _ => &[],
        }
    }

    /// The value of a key; of several the last, as Go has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.members()
            .iter()
            .rev()
            .find(|member| member.key == key)
            .map(|member| &member.value)
    }

    /// The value at the end of a path of keys.
    pub fn at(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.what {
            What::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The line of a place in a text, from 1.
pub fn line(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    u32::try_from(before.iter().filter(|byte| **byte == b'\n').count())
        .map_or(u32::MAX, |lines| lines.saturating_add(1))
}

/// How deep values may be nested.
const DEPTH: usize = 64;
/// The longest text that is read.
const MOST: usize = 4 << 20;

/// A text that is no JSON, or not of the form that is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Fault {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong there.
    pub why: NotJson,
}

/// Why a text is no JSON, or not of the form that is read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotJson {
    /// Longer than is read.
    #[error("it has {0} bytes, at most {MOST} are read")]
    TooLong(usize),
    /// Nested deeper than is read.
    #[error("values are nested deeper than {DEPTH}")]
    TooDeep,
    /// Bytes that are no text.
    #[error("it is no UTF-8")]
    NotUtf8,
    /// The end comes before this.
    #[error("it ends where {0} is expected")]
    Ends(&'static str),
    /// A comment.
    #[error("there is a comment, and JSON has none: the release controller does not read the file")]
    Comment,
    /// Something else than what may stand there.
    #[error("{expected} is expected, there is `{}`", there.escape_default())]
    Unexpected {
        /// What may stand there.
        expected: &'static str,
        /// What does.
        there: char,
    },
    /// A word that is neither a number nor `true`, `false` or `null`.
    #[error("`{0}` is no value")]
    Word(String),
    /// A text without its second quote.
    #[error("a text does not end in its line")]
    OpenText,
    /// A text with an escape that is none.
    #[error("a text cannot be read: {0}")]
    BadText(String),
    /// JSON, but no mapping.
    #[error("a mapping is expected")]
    NoMapping,
}

impl NotJson {
    /// The fault in a line.
    pub fn at(self, line: u32) -> Fault {
        Fault { line, why: self }
    }
}

/// Reads a text.
///
/// # Errors
/// It is no JSON: why, and the line.
pub fn parse(text: &str) -> Result<Value, Fault> {
    if text.len() > MOST {
        return Err(NotJson::TooLong(text.len()).at(1));
    }
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0).and_then(|value| {
        parser.space();
        match parser.at == text.len() {
            true => Ok(value),
            false => Err(parser.unexpected("the end")),
        }
    });
    value.map_err(|why| why.at(line(text, parser.at)))
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn take(&mut self, c: char) -> bool {
        self.space();
        let found = self.rest().starts_with(c);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, expected: &'static str) -> NotJson {
        match self.rest().chars().next() {
            None => NotJson::Ends(expected),
            Some('/' | '#') => NotJson::Comment,
            Some(there) => NotJson::Unexpected { expected, there },
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, NotJson> {
        self.space();
        let start = self.at;
        if depth > DEPTH {
            return Err(NotJson::TooDeep);
        }
        let what = match self.rest().chars().next() {
            Some('"') => What::Text(self.string()?),
            Some('{') => What::Map(self.map(depth)?),
            Some('[') => What::List(self.list(depth)?),
            Some(c) if c.is_ascii_alphanumeric() || c == '-' => self.word()?,
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Value {
            what,
            range: start..self.at,
        })
    }

    fn word(&mut self) -> Result<What, NotJson> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
            .unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        match serde_json::from_str::<serde_json::Value>(word) {
            Ok(_) => {
                self.at += end;
                Ok(What::Word)
            }
            Err(_) => Err(NotJson::Word(word.chars().take(40).collect())),
        }
    }

    fn string(&mut self) -> Result<String, NotJson> {
        if !self.rest().starts_with('"') {
            return Err(self.unexpected("a text"));
        }
        let bytes = self.text.as_bytes();
        let mut end = self.at + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(byte) if *byte >= b' ' => end += 1,
                _ => return Err(NotJson::OpenText),
            }
        }
        let raw = self.text.get(self.at..=end).unwrap_or_default();
        let text = serde_json::from_str::<String>(raw).map_err(|error| NotJson::BadText(error.to_string()))?;
        self.at = end + 1;
        Ok(text)
    }

    fn map(&mut self, depth: usize) -> Result<Vec<Member>, NotJson> {
        self.at += 1;
        let mut members = Vec::new();
        if self.take('}') {
            return Ok(members);
        }
        loop {
            self.space();
            let start = self.at;
            let key = self.string()?;
            let at = start..self.at;
            if !self.take(':') {
                return Err(self.unexpected("`:`"));
            }
            let value = self.value(depth + 1)?;
            members.push(Member { key, at, value });
            if self.take('}') {
                return Ok(members);
            }
            if !self.take(',') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Value>, NotJson> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(']') {
            return Ok(items);
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(']') {
                return Ok(items);
            }
            if !self.take(',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_bytes() {
        let text = "{\n \"a\":{ \"b\" : \"x\\u00e9\\\"\" },\n \"l\": [1, -2.5e3, true, null], \"a\": {}}\n";
        let root = parse(text).expect("JSON");
        let first = &root.members()[0];
        let b = first.value.get("b").expect("a member");
        assert_eq!((b.text(), &text[b.range.clone()]), (Some("xé\""), "\"x\\u00e9\\\"\""));
        assert_eq!(&text[first.at.clone()], "\"a\"");
        assert_eq!(line(text, first.at.start), 2);
        assert!(
            root.get("a").is_some_and(|last| last.members().is_empty()),
            "the last one counts"
        );
        assert_eq!(root.at(&["l", "x"]), None);
    }

    #[test]
    fn what_is_no_json_is_told_with_its_line() {
        for (text, at, why) in [
            ("", 1, "it ends where a value is expected"),
            ("{\n // x\n}", 2, "there is a comment"),
            ("{\"a\": 1,\n}", 2, "a text is expected, there is `}`"),
            ("{\"a\" 1}", 1, "`:` is expected"),
            ("{\"a\": nil}", 1, "`nil` is no value"),
            ("[1 2]", 1, "`,` or `]` is expected"),
            ("\"a\n\"", 1, "does not end in its line"),
            ("\"\\x\"", 1, "cannot be read"),
            ("{} {}", 1, "the end is expected"),
            ("\"\\", 1, "does not end in its line"),
        ] {
            let fault = parse(text).expect_err(text);
            let (line, told) = (fault.line, fault.to_string());
            assert!(line == at && told.contains(why), "{text:?}: {line}: {told}");
        }
        let deep = "[".repeat(100);
        assert_eq!(parse(&deep).expect_err("too deep").why, NotJson::TooDeep);
    }
}
